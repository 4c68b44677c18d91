"""What FAN claims, and the rules that decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from i2vlib import metrics
from i2vlib.book import results
from i2vlib.book.claims.common import (
    SEEDS,
    Answer,
    Claims,
    all_or_some,
    fooled,
    mean_and_interval,
    names,
    people,
    plural,
    seeds,
    single,
)
from i2vlib.book.effects import effect

CLAIMS = Claims()
#: A real face may be lost by the reader of landmarks; its error then says nothing, and counts as this much.
LOST = 20.0


@CLAIMS.claim(
    "FAN-1",
    "§3.1",
    "At intensity 0 the output is the input.",
    measure="L1 and PSNR of the output at 0 against the input, held-out subjects",
    rule="reproduced at 30 dB or more on average with the interval above 28; partly from 25 dB",
)
def fan_1() -> Answer:
    """f(I, 0) = I."""
    value, interval = mean_and_interval(people(single("fan"), "psnr_neutral"))
    verdict = "reproduced" if value >= 30 and interval[0] >= 28 else "partly" if value >= 25 else "not reproduced"
    return Answer(verdict, value, interval, ("fan",), "Mean PSNR in dB of f(I, 0) against I, 16 test subjects.")


@CLAIMS.claim(
    "FAN-2",
    "§3.1",
    "The output varies smoothly with the intensity.",
    measure="largest change for each unit of intensity on a fine grid, against real clips",
    rule="reproduced if no made step is more than twice as steep as the steepest true one; partly up to four times",
)
def fan_2(slopes: Sequence[tuple[float, float]]) -> Answer:
    """Smooth in a. ``slopes``: of each person the steepest step made and the true clip's, on 51 intensities."""
    worst = max(made / true for made, true in slopes)
    verdict = "reproduced" if worst <= 2 else "partly" if worst <= 4 else "not reproduced"
    note = f"Steepest made step over the steepest true one, worst of {len(slopes)} test subjects."
    return Answer(verdict, worst, None, ("fan",), note)


@CLAIMS.claim(
    "FAN-3",
    "§3.1",
    "The more intensity, the further from the input.",
    measure="rank correlation of that distance with the intensity, and the share of falls, for each subject",
    rule="reproduced if at most 2 % of the steps fall; partly up to 10 %",
)
def fan_3() -> Answer:
    """The change grows with a."""
    value, interval = mean_and_interval(people(single("fan"), "falls"))
    verdict = "reproduced" if value <= 0.02 else "partly" if value <= 0.1 else "not reproduced"
    return Answer(verdict, value, interval, ("fan",), "Share of falling steps, 16 test subjects.")


@CLAIMS.claim(
    "FAN-4",
    "§3.1",
    "Frames do not depend on one another: any number, order or subset may be asked for.",
    measure="one frame compared bit for bit in different company",
    rule="reproduced if the bits agree",
)
def fan_4(same: bool) -> Answer:
    """Frames are independent. ``same``: whether a frame had the same bits alone and in company."""
    note = "1 if a frame has the same bits alone and in company."
    return Answer("reproduced" if same else "not reproduced", float(same), None, (), note)


@CLAIMS.claim(
    "FAN-5",
    "§3.2",
    "A residual added to pixels leaves severe artefacts; added to features it does not.",
    measure="ablation: residual in pixels against residual in features",
    rule=(
        "in pixels the error is higher at the peak, it is higher half way, and half way a trained FAN beats any "
        "residual in pixels: reproduced if all three hold, partly if some do"
    ),
)
def fan_5(beyond: Mapping[str, float]) -> Answer:
    """A residual in pixels against one in codes. ``beyond``: by person, the error half way of a trained FAN, minus
    that of the best residual in pixels."""
    pixel, codes = seeds("fan_64_pixel"), seeds("fan_64_without_landmarks")
    at_peak, half_way = (effect(pixel, codes, metric) for metric in ("moving_ratio", "halfway_ratio"))
    wall = metrics.interval(pd.Series(beyond))[1] < 0
    found = [at_peak.counts(1), half_way.counts(1), wall]
    verdict = all_or_some(found) if at_peak.seeds == len(SEEDS) else "partly" if any(found) else "not reproduced"
    note = (
        "Error at the peak over copying's, pixels minus features; half way, a trained FAN beats any residual in "
        f"pixels; {plural(at_peak.seeds)}, 64 px."
    )
    return Answer(verdict, at_peak.mean, at_peak.interval, names("fan_64_pixel", "fan_64_without_landmarks"), note)


CLAIMS.claim(
    "FAN-6",
    "Fig. 2",
    "Baselines keep up on faces seen in training; on unseen ones FAN is best.",
    measure="PSNR, landmark error and identity distance, seen against unseen, FAN against ConvLSTM and HP",
)


@CLAIMS.claim(
    "FAN-7",
    "Fig. 3",
    "Landmarks move as in the real clip, steadily and never back; ConvLSTM's hardly move, HP's jump.",
    measure="error of the landmark curve, its linear fit, its largest step, its falls",
    rule=(
        "partly at best, as two systems are missing: no more falls than the true curves, as straight, and .5 to 1.5 "
        "times as high"
    ),
)
def fan_7(
    falling: Mapping[str, float], straight: Mapping[str, float], made: Sequence[float], true: Sequence[float]
) -> Answer:
    """Landmark curves. ``falling`` and ``straight``: share of falls and R squared of the ``made`` and ``true`` curves;
    then by person the landmarks' distance at the peak."""
    height = float(np.mean(np.divide(made, true)))
    steady = falling["made"] <= falling["true"] and straight["made"] >= straight["true"] and 0.5 <= height <= 1.5
    note = (
        f"Landmark distance at the peak over the true one, {len(made)} test subjects; ConvLSTM and HP are not here yet."
    )
    return Answer("partly" if steady else "not reproduced", height, None, ("fan",), note)


def _without(name: str, metric: str, sign: int, note: str, *others: tuple[str, int]) -> Answer:
    """An ablation of Fig. 4: what changes without a part, and whether that is what the paper says."""
    without, full = seeds(f"fan_64_{name}"), seeds("fan_64_full")
    for table in (without, full):
        table["landmark_error"] = table["landmark_error"].clip(upper=LOST)
    main = effect(without, full, metric)
    found = [main.counts(sign), *(effect(without, full, other).counts(side) for other, side in others)]
    verdict = all_or_some(found) if main.seeds == len(SEEDS) else "partly" if any(found) else "not reproduced"
    rests = names(f"fan_64_{name}", "fan_64_full")
    return Answer(verdict, main.mean, main.interval, rests, f"{note}; {plural(main.seeds)}, 64 px.")


@CLAIMS.claim(
    "FAN-8",
    "Fig. 4",
    "Without the local discriminator the mouth is blurred.",
    measure="sharpness and error inside the mouth",
    rule="reproduced if the mouth is less sharp without it",
)
def fan_8() -> Answer:
    """Without D_l the mouth blurs."""
    note = "Sharpness inside the mouth over the true one's: without minus with"
    return _without("without_local", "sharpness_mouth", -1, note)


@CLAIMS.claim(
    "FAN-9",
    "Fig. 4",
    "Without landmark prediction, features are doubled or out of place.",
    measure="landmark error of the generated frames",
    rule="reproduced if the error is higher without it",
)
def fan_9() -> Answer:
    """Without L_k features are misplaced."""
    note = "Landmark error in % of the eyes' distance: without minus with"
    return _without("without_landmarks", "landmark_error", 1, note)


@CLAIMS.claim(
    "FAN-10",
    "Fig. 4",
    "Without the temporal regulariser, motion jumps and frames blur.",
    measure="variance of the steps, sharpness",
    rule="without it steps are less even, and frames less sharp: reproduced if both hold, partly if one does",
)
def fan_10() -> Answer:
    """Without R_t motion jumps and frames blur."""
    return _without(
        "without_temporal", "unevenness", 1, "Unevenness of the steps: without minus with", ("sharpness", -1)
    )


@CLAIMS.claim(
    "FAN-11",
    "§3.4, Fig. 5a–b",
    "Where each person shows one emotion, training all emotions together beats one model each.",
    measure="expression error and identity distance, joint against single",
    rule=(
        "the joint model errs less at equal passes over the data: reproduced if so over three seeds with the person "
        "kept as well, partly if so at all"
    ),
)
def fan_11() -> Answer:
    """Joint training against one model each, at equal passes over the data."""
    each = [f"fan_64_dealt_{name}" for name in results.planned()["fan_64_dealt_0"].settings.expressions]
    count = [s for s in SEEDS if f"fan_64_dealt_longer_{s}" in results.planned()]
    alone = results.measured({s: [f"{name}_{s}" for name in each] for s in count})
    joint = seeds("fan_64_dealt_longer")
    error, identity = (effect(joint, alone, metric) for metric in ("moving_ratio", "acd_i_ratio"))
    better, worse = error.counts(-1, seeds=1), identity.interval[0] > 0
    verdict = (
        "reproduced" if better and not worse and error.seeds == len(SEEDS) else "partly" if better else "not reproduced"
    )
    note = f"Error in the moving region over copying's, joint minus single, at equal passes; {error.seeds} seed, 64 px."
    return Answer(verdict, error.mean, error.interval, names("fan_64_dealt_longer", *each), note)


@CLAIMS.claim(
    "FAN-12",
    "Fig. 5c",
    "One joint model leads from angry to happy by moving the intensities.",
    measure="expression scores along the path, both ends reached",
    rule=(
        "both ends are reached at .6 to 1.3 of the true rise, and the order is kept at .9: reproduced if both hold, "
        "partly if one does"
    ),
)
def fan_12(ends: Sequence[tuple[float, float]], order: Sequence[tuple[float, float]]) -> Answer:
    """From angry to happy. By person: the rise of the lead at both ends over the true one, and its rank correlation
    with the path; NaN where the true lead cannot be read."""
    reached, ordered = np.nanmean(np.array(ends, float), 0), np.nanmean(np.array(order, float), 0)
    held = [bool(((reached >= 0.6) & (reached <= 1.3)).all()), bool((ordered >= 0.9).all())]
    worst = float(reached[np.abs(reached - 1).argmax()])
    note = f"Rise of the lead at the worse end of the path, over the true rise; {len(ends)} test subjects."
    return Answer(all_or_some(held), worst, None, ("fan",), note)


@CLAIMS.claim(
    "FAN-13",
    "§3.4",
    "Several intensities above 0 mix expressions.",
    measure="landmark motion of both expressions in the mixture",
    rule="a mixture holds if both expressions keep half of their motion: reproduced if all three do, partly if some",
)
def fan_13(kept: Sequence[tuple[str, float, float]]) -> Answer:
    """Mixing. ``kept``: of each person and mixture ("one + other") the shares of their own motion that both keep."""
    table = pd.DataFrame(kept, columns=["mixture", "first", "second"])
    shares = table.melt(["mixture"], ["first", "second"], "which", "share").set_index(["mixture", "which"])
    means = shares.groupby(level=[0, 1])["share"].mean()
    held, weakest = int((means.groupby(level=0).min() >= 0.5).sum()), means.idxmin()
    verdict = {3: "reproduced", 0: "not reproduced"}.get(held, "partly")
    note = f"Least share of its own motion that an expression keeps ({weakest[1]} of {weakest[0]}); {held} of 3 hold."
    return Answer(verdict, float(means.min()), metrics.interval(shares.loc[weakest, "share"]), ("fan",), note)


CLAIMS.claim(
    "FAN-14",
    "Table 1",
    "Raters prefer FAN to ConvLSTM (83.0 %), to HP (71.4 %) and to both (65.1 %).",
    measure="proxy for raters: share of clips won, with a bootstrap interval",
)


@CLAIMS.claim(
    "FAN-15",
    "Table 2",
    "Raters take 60.5 % of training and 49.9 % of test videos for real.",
    measure="proxy for raters: how often a held-out real/fake classifier is fooled",
    rule="reproduced if the interval holds 49.9 %; partly if it reaches 25 %",
)
def fan_15() -> Answer:
    """Raters."""
    return fooled("FAN", "fan", 0.499)
