"""What FAN claims, and the rules that decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from i2vbook.claims import common
from i2vbook.claims.common import Answer
from i2vbook.claims.words import CLAIMS
from i2vbook.evidence import results
from i2vbook.evidence.effects import effect, level
from i2vbook.evidence.preference import win_rate
from i2vlib import metrics


@CLAIMS.rule("FAN-1")
def fan_1() -> Answer:
    """f(I, 0) = I."""
    table = common.single("fan")
    found = level(table, "psnr_neutral")
    verdict = common.graded(found.low >= 30, found.low >= 25)
    note = f"Mean PSNR in dB of f(I, 0) against I, 16 test subjects; {common.how_far(table)}."
    return Answer(common.if_it_moves(verdict, table), found.mean, found.interval, ("fan",), note)


@CLAIMS.rule("FAN-2")
def fan_2(slopes: Sequence[tuple[float, float]]) -> Answer:
    """Smooth in a. ``slopes``: of each person the steepest step made and the true clip's, on 51 intensities."""
    table = common.single("fan")
    worst = max(made / true for made, true in slopes)
    verdict = common.graded(worst <= 2, worst <= 4)
    note = (
        f"Steepest made step over the steepest true one, worst of {len(slopes)} test subjects; {common.how_far(table)}."
    )
    return Answer(common.if_it_moves(verdict, table), worst, None, ("fan",), note)


@CLAIMS.rule("FAN-3")
def fan_3() -> Answer:
    """The change grows with a."""
    table = common.single("fan")
    found = level(table, "falls")
    verdict = common.graded(found.high <= 0.02, found.high <= 0.1)
    note = f"Share of falling steps, 16 test subjects; {common.how_far(table)}."
    return Answer(common.if_it_moves(verdict, table), found.mean, found.interval, ("fan",), note)


@CLAIMS.rule("FAN-4")
def fan_4(same: bool) -> Answer:
    """Frames are independent. ``same``: whether a frame had the same bits alone and in company."""
    table = common.single("fan")
    note = f"1 if a frame has the same bits alone and in company; {common.how_far(table)}."
    return Answer(common.if_it_moves(common.graded(same, False), table), float(same), None, ("fan",), note)


@CLAIMS.rule("FAN-5")
def fan_5(beyond: Mapping[str, float]) -> Answer:
    """A residual in pixels against one in codes. ``beyond``: by person, the error half way of a trained FAN, minus
    that of the best residual in pixels."""
    pixel, codes = common.seeds("fan_64_pixel"), common.seeds("fan_64_without_landmarks")
    at_peak, half_way = (effect(pixel, codes, metric) for metric in ("moving_ratio", "halfway_ratio"))
    wall = metrics.interval(pd.Series(beyond))[1] < 0
    found = [at_peak.counts(1), half_way.counts(1), wall]
    verdict = common.all_or_some(found)
    note = (
        "Error at the peak over copying's, pixels minus features; half way, a trained FAN beats any residual in "
        f"pixels; {common.plural(at_peak.seeds)}, 64 px."
    )
    return Answer(
        verdict, at_peak.mean, at_peak.interval, common.names("fan_64_pixel", "fan_64_without_landmarks"), note
    )


#: FAN, and the systems that it was compared with, taught the same people and expressions.
BESIDE = {"FAN": "compared_fan", "ConvLSTM": "compared_conv_lstm", "HP": "compared_hp"}
#: By how many decibels a system that keeps up may be behind.
KEEPS_UP = 1.0


@CLAIMS.rule("FAN-6")
def fan_6() -> Answer:
    """Faces seen in training, and others."""
    if waits := common.waiting(*BESIDE.values()):
        return Answer("not testable here", None, None, (), waits)
    ours, *others = (common.found_or_lost(common.seeds(base)) for base in BESIDE.values())
    seen, *others_seen = (common.found_or_lost(common.seeds(base, "seen")) for base in BESIDE.values())
    behind = [effect(other, seen, "psnr") for other in others_seen]
    keeps_up = max(gap.low for gap in behind) > -KEEPS_UP
    asked = [(metric, side) for metric, side in (("psnr", 1), ("landmark_error", -1), ("acd_i_ratio", -1))]
    stand = [common.stands(base) for base in list(BESIDE.values())[1:]]
    best = [
        effect(ours, other, metric).counts(side, seeds=1) and may
        for other, may in zip(others, stand, strict=True)
        for metric, side in asked
    ]
    gaps = [effect(ours, other, "psnr") for other in others]
    least = min(gaps, key=lambda gap: gap.mean)
    named = list(BESIDE)[1:]
    note = (
        f"dB of PSNR on unseen faces, FAN's minus the better one's; behind FAN on faces seen in training: "
        f"{', '.join(f'{name} {-gap.mean:.1f}' for name, gap in zip(named, behind, strict=True))}; FAN better in "
        f"{sum(best)} of {len(best)} comparisons on unseen ones; {common.plural(least.seeds)}, 64 px; "
        f"{common.how_far(ours)}.{common.behind_a_still(BESIDE)}"
    )
    verdict = common.if_it_moves(common.all_or_some([keeps_up, all(best)]), ours)
    return Answer(verdict, least.mean, least.interval, common.names(*BESIDE.values()), note)


@CLAIMS.rule("FAN-7")
def fan_7(
    falling: Mapping[str, float], straight: Mapping[str, float], made: Sequence[float], true: Sequence[float]
) -> Answer:
    """Landmark curves. ``falling`` and ``straight``: share of falls and R squared of the ``made`` and ``true`` curves;
    then by person the landmarks' distance at the peak."""
    height = float(np.mean(np.divide(made, true)))
    steady = falling["made"] <= falling["true"] and straight["made"] >= straight["true"] and 0.5 <= height <= 1.5
    table, others = common.single("fan"), _beside_others()
    note = (
        f"Landmark distance at the peak over the true one, {len(made)} test subjects; {common.how_far(table)}. "
        f"{others.note}"
    )
    verdict = common.if_it_moves(common.all_or_some([steady, others.verdict == "reproduced"]), table)
    return Answer(verdict, height, None, ("fan", *others.runs), note)


def courses(base: str) -> pd.DataFrame:
    """How the clips of a row of the table of runs leave their stills, a row a clip.

    Returns:
        seed, subject, expression; height, how far the landmarks go over how far the true ones do; jump, the share of
        the moving region's way that lies before the second frame; jump_true, the same of the true clip.
    """
    rows = common.seeds(base, "frames")
    parts = {
        "height": [max(a) / max(b) for a, b in zip(rows["curve"], rows["curve_true"], strict=True)],
        "jump": [way[1] / max(way) for way in rows["reach"]],
        "jump_true": [way[1] / max(way) for way in rows["reach_true"]],
    }
    return rows[["seed", "subject", "expression"]].assign(**parts)


def _beside_others() -> Answer:
    """The other half of `fan_7`, as an answer of its own: how far ConvLSTM's faces go, and how HP's begin."""
    waits = common.waiting(*BESIDE.values())
    if waits or common.STAND_IN.get() is not None:
        return Answer("not testable here", None, None, (), waits)
    ours, recurrent, analogy = (courses(base) for base in BESIDE.values())
    height = level(recurrent, "height")
    jumps = [effect(analogy, ours, "jump"), effect(analogy, analogy.assign(jump=analogy["jump_true"]), "jump")]
    note = (
        f"ConvLSTM's landmarks go {height:.2f} as far as the true ones; before the second frame lie "
        f"{level(analogy, 'jump').mean:.2f} of HP's way, {level(ours, 'jump').mean:.2f} of FAN's and "
        f"{level(analogy, 'jump_true').mean:.2f} of the true one"
    )
    holds = height.high < 0.5 and all(jump.counts(1, seeds=1) for jump in jumps)
    return Answer(common.graded(holds, False), height.mean, height.interval, common.names(*BESIDE.values()), f"{note}.")


#: How far the faces of Fig. 4's arms have to move, which are small and taught for 1,800 steps.
ARMS_MOVE = 0.4


def _without(part: str, note: str, *asked: tuple[str, int], **least: float) -> Answer:
    """An ablation of Fig. 4: what changes without a part, and whether that is what the paper says.

    Args:
        part: the one that is missing.
        asked: metrics, and the sides on which the paper has them without the part; the first is the answer's number.
        least: of a metric, the least share of it that has to be left with the part for the answer to count.
    """
    bases = "fan_64_acting", f"fan_64_acting_without_{part}"
    with_it, without = (common.found_or_lost(common.seeds(base)) for base in bases)
    main = effect(without, with_it, asked[0][0])
    found = [effect(without, with_it, metric).counts(side, seeds=1) for metric, side in asked]
    left = {metric: with_it[metric].mean() / max(without[metric].mean(), 1e-6) for metric in least}
    found[0] &= all(left[metric] >= share for metric, share in least.items())
    verdict = common.all_or_some(found)
    kept = "".join(f"; with it {share:.0%} of the {metric} is left" for metric, share in left.items())
    trained = common.seeds_in_words(common.seeds_of_all(*bases))
    note = f"{note}, without minus with, at weights that act{kept}; {trained}, 64 px."
    return Answer(common.if_it_moves(verdict, with_it, ARMS_MOVE), main.mean, main.interval, common.names(*bases), note)


@CLAIMS.rule("FAN-8")
def fan_8() -> Answer:
    """Without D_l the mouth blurs."""
    found = _without("local", "Sharpness inside the mouth over the true one's", ("sharpness_mouth", -1))
    alone, neither = "fan_64_acting_without_local", "fan_64_acting_without_judges"
    there = common.seeds_of_all(alone, neither)
    acts = bool(there) and effect(common.seeds(alone), common.seeds(neither), "sharpness").counts(1, seeds=1)
    said = f"D_g alone {'acts' if acts else 'does not act'} by its frames' sharpness" if there else ""
    return replace(
        found,
        verdict="partly" if found.verdict == "reproduced" and not acts else found.verdict,
        runs=found.runs + (common.names(neither) if there else ()),
        note=f"{found.note} {said or 'Whether D_g alone acts is not measured yet'}.",
    )


@CLAIMS.rule("FAN-9")
def fan_9() -> Answer:
    """Without L_k features are misplaced."""
    return _without("landmarks", "Landmark error in % of the eyes' distance", ("landmark_error", 1))


@CLAIMS.rule("FAN-10")
def fan_10() -> Answer:
    """Without R_t motion jumps and frames blur."""
    note = "Unevenness of the steps"
    return _without("temporal", note, ("unevenness", 1), ("sharpness", -1), motion=0.8)


@CLAIMS.rule("FAN-11")
def fan_11() -> Answer:
    """Joint training against one model each, at equal passes over the data."""
    each = [f"fan_64_dealt_{name}" for name in results.planned()["fan_64_dealt_0"].settings.expressions]
    there = common.seeds_of_all("fan_64_dealt_longer", *each)
    alone = pd.concat([common.seeds(name) for name in each])
    alone, joint = (table[table["seed"].isin(there)] for table in (alone, common.seeds("fan_64_dealt_longer")))
    error, identity = (effect(joint, alone, metric) for metric in ("moving_ratio", "acd_i_ratio"))
    better, worse = error.counts(-1, seeds=1), identity.interval[0] > 0
    verdict = common.all_or_some([better, not worse]) if better else "not reproduced"
    note = (
        "Error in the moving region over copying's, joint minus single, at equal passes; "
        f"{common.seeds_in_words(there)}, 64 px; {common.how_far(joint)}."
    )
    rests = tuple(f"{base}_{seed}" for base in ("fan_64_dealt_longer", *each) for seed in there)
    return Answer(common.if_it_moves(verdict, joint), error.mean, error.interval, rests, note)


@CLAIMS.rule("FAN-12")
def fan_12(ends: Sequence[tuple[float, float]], order: Sequence[tuple[float, float]]) -> Answer:
    """From angry to happy. By person: the rise of the lead at both ends over the true one, and its rank correlation
    with the path; NaN where the true lead cannot be read."""
    reached = np.nanmean(np.array(ends, float), 0)
    spans, orders = (
        [metrics.interval(pd.Series(column).dropna()) for column in np.array(values, float).T]
        for values in (ends, order)
    )
    held = [all(low >= 0.6 and high <= 1.3 for low, high in spans), all(low >= 0.9 for low, _ in orders)]
    worst = float(reached[np.abs(reached - 1).argmax()])
    table = common.single("fan")
    note = (
        f"Rise of the lead at the worse end of the path, over the true rise; {len(ends)} test subjects; "
        f"{common.how_far(table)}."
    )
    return Answer(common.if_it_moves(common.all_or_some(held), table), worst, None, ("fan",), note)


@CLAIMS.rule("FAN-13")
def fan_13(kept: Sequence[tuple[str, float, float]]) -> Answer:
    """Mixing. ``kept``: of each person and mixture ("one + other") the shares of their own motion that both keep."""
    table = pd.DataFrame(kept, columns=["mixture", "first", "second"])
    shares = table.melt(["mixture"], ["first", "second"], "which", "share").set_index(["mixture", "which"])
    means = shares.groupby(level=[0, 1])["share"].mean()
    lows = shares.groupby(level=[0, 1])["share"].apply(lambda part: metrics.interval(part)[0])
    surely, may = (values.groupby(level=0).min() >= 0.5 for values in (lows, means))
    verdict, weakest = common.graded(surely.all(), may.any()), means.idxmin()
    note = (
        f"Least share of its own motion that an expression keeps ({weakest[1]} of {weakest[0]}); {may.sum()} of 3 hold "
        f"on average, {surely.sum()} with the whole interval."
    )
    verdict = common.if_it_moves(verdict, common.single("fan"))
    return Answer(verdict, float(means.min()), metrics.interval(shares.loc[weakest, "share"]), ("fan",), note)


@CLAIMS.rule("FAN-14")
def fan_14() -> Answer:
    """A stand-in for raters, FAN against ConvLSTM and HP."""
    found = common.preferences(BESIDE)
    if found.value is None:
        return found
    both = win_rate(*map(common.seeds, BESIDE.values()))
    note = f"{found.note} To both {both:.2f}."
    whole = found.verdict == "reproduced" and both.low > 0.5
    verdict = common.graded(whole, found.verdict != "not reproduced")
    return replace(found, verdict=verdict, note=note)


@CLAIMS.rule("FAN-15")
def fan_15() -> Answer:
    """Raters."""
    table = common.single("fan")
    rate, low, high = common.called_real("fan", "FAN, test people", "made")
    trained, _, most = common.called_real("fan", "FAN, training people", "made")
    reached = [high >= 0.499, most >= 0.605]
    near = high >= 0.499 / 2 and most >= 0.605 / 2
    verdict = common.graded(all(reached), any(reached) or near)
    note = (
        f"Proxy: share of made test clips that a held-out classifier calls real; of made training clips {trained:.0%}, "
        f"at most {most:.0%}."
    )
    return Answer(common.if_it_moves(verdict, table), rate, (low, high), ("fan",), note)
