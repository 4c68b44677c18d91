"""What AffineGAN claims, and the rules that decide it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from i2vbook.claims import common
from i2vbook.claims.common import Answer
from i2vbook.claims.words import CLAIMS
from i2vbook.evidence import results
from i2vbook.evidence.effects import effect, level
from i2vlib import metrics

#: A lead that real clips raise by less cannot be read.
READ = 0.1
#: How far the faces of a small joint model have to move.
JOINT_MOVES = 0.5
#: dlib's identities of one person lie within this distance, by its authors.
SAME_PERSON = 0.6
#: How far from the still a peak may lie, over how far a real one does: FRGAN's own ratio (its Table 1), rounded up.
AS_FAR = 1.7


@CLAIMS.rule("AFF-1")
def aff_1(error: float) -> Answer:
    """Proposition 1. ``error``: the largest of the recovered intensities."""
    note = "Largest error of the recovered intensity on codes that lie on the line."
    return Answer("reproduced" if error < 1e-5 else "not reproduced", error, None, (), note)


@CLAIMS.rule("AFF-2")
def aff_2(paper: float, code: float) -> Answer:
    """Proposition 2. How far the paper's and the released code's intensity are from a numerical minimum."""
    note = "Distance of Eq. 4 from a numerical minimum; the released code's denominator misses it."
    return Answer("reproduced" if paper < 1e-3 < code else "not reproduced", paper, None, (), note)


def reading(row: pd.Series) -> pd.Series:
    """How a model reads one held-out clip, a row of the part "inferences" of a result.

    Returns:
        Spearman and tau (Kendall's) of the inferred with the true intensity; outside [0, 1], the share of frames; at
        the peak and largest, the intensity inferred there; motion at 1; and mirrored, whether the codes move against
        the direction: 0 or 1.
    """
    from scipy.stats import kendalltau

    true, inferred = np.array(row["true"]), np.array(row["inferred"])
    return pd.Series(
        {
            "Spearman": metrics.spearman(inferred, true),
            "tau": kendalltau(inferred, true).statistic,
            "outside [0, 1]": ((inferred < 0) | (inferred > 1)).mean(),
            "at the peak": inferred[true.argmax()],
            "largest": np.abs(inferred).max(),
            "motion at 1": row["motion_at_one"],
            "mirrored": float(np.dot(row["projection"], true) < 0),
        }
    )


def readings(base: str) -> pd.DataFrame:
    """The `reading` of every held-out clip, with its subject and seed, and of the driven clip motion, lead_rise,
    growth, falls and unevenness."""
    rows = common.seeds(base, "inferences")
    both = pd.concat([rows.apply(reading, axis=1), rows[["subject", "seed"]]], axis=1)
    more = common.seeds(base)[["subject", "seed", "motion", "lead_rise", "growth", "falls", "unevenness"]]
    return both.merge(more, on=["subject", "seed"])


@CLAIMS.rule("AFF-3")
def aff_3() -> Answer:
    """The intensity is inferred."""
    order, made = level(readings("affinegan_64"), "Spearman"), common.seeds("affinegan_64")
    verdict = common.if_it_moves(common.graded(order.low >= 0.95, order.low >= 0.8), made)
    note = f"Spearman of inferred with true intensity, {common.plural(order.seeds)}; {common.how_far(made)}."
    return Answer(verdict, order.mean, order.interval, common.names("affinegan_64"), note)


@CLAIMS.rule("AFF-4")
def aff_4() -> Answer:
    """L2 to the neutral face rises with a."""
    table = common.seeds("affinegan_64_eyes_closed")
    found = level(table, "falls")
    verdict = common.if_it_moves(common.graded(found.high <= 0.01, found.high <= 0.1), table)
    note = (
        f"Share of falling steps, closing eyes, 16 test subjects, {common.plural(found.seeds)}, 64 px; "
        f"{common.how_far(table)}."
    )
    return Answer(verdict, found.mean, found.interval, common.names("affinegan_64_eyes_closed"), note)


@CLAIMS.rule("AFF-5")
def aff_5() -> Answer:
    """A plain MLP for the intensity."""
    ours, plain = readings("affinegan_64"), readings("affinegan_64_mlp")
    tau, uneven, falls = (effect(ours, plain, metric) for metric in ("tau", "unevenness", "falls"))
    turns = [common.people(table, "unevenness").mean() for table in (ours, plain)]
    note = (
        f"Kendall's tau of Eq. 5 minus that of a plain MLP, {common.plural(tau.seeds)}; unevenness of the made clips "
        f"{turns[0]:.2f} against {turns[1]:.2f}, the difference {uneven.text}; steps of the MLP's clips that fall: "
        f"{plain['falls'].mean():.1%}."
    )
    verdict = common.if_it_moves(
        common.all_or_some([tau.counts(1), uneven.counts(-1), falls.counts(-1)]), common.seeds("affinegan_64")
    )
    return Answer(verdict, tau.mean, tau.interval, common.names("affinegan_64", "affinegan_64_mlp"), note)


@CLAIMS.rule("AFF-6")
def aff_6() -> Answer:
    """Without L_a."""
    without, with_it = readings("affinegan_64_without_l_a"), readings("affinegan_64")
    sides = {"outside [0, 1]": 1, "tau": -1, "motion at 1": -1}
    found = {metric: effect(without, with_it, metric) for metric in sides}
    value = found["motion at 1"]
    verdict = common.all_or_some([found[metric].counts(side) for metric, side in sides.items()])
    note = f"Motion at intensity 1 without L_a minus with it, {common.plural(value.seeds)}."
    return Answer(verdict, value.mean, value.interval, common.names("affinegan_64_without_l_a", "affinegan_64"), note)


@CLAIMS.rule("AFF-7")
def aff_7(outline: Sequence[tuple[float, float]]) -> Answer:
    """E_0 looks at the outline, E_Delta at the active part. ``outline``: of each clip how much of what E_0 and of what
    E_Delta look at lies on the outline of the face, over the outline's share of the picture, in the shipped model."""
    rows = common.seeds("affinegan_64", "inferences")
    inside = {part: rows.assign(share=rows[f"{part}_share"] / rows["area_share"]) for part in ("base", "residual")}
    more = effect(inside["residual"], inside["base"], "share")
    base, residual = np.array(outline, float).T
    around = metrics.interval(base)[0] > 1 and metrics.interval(base - residual)[0] > 0
    note = (
        "Sensitivity inside the moving region over its area: E_Delta minus E_0. On the outline over its area, in the "
        f"shipped model: E_0 {base.mean():.2f}, E_Delta {residual.mean():.2f}; {common.plural(more.seeds)}, 64 px."
    )
    verdict = common.all_or_some([more.counts(1), around])
    return Answer(verdict, more.mean, more.interval, (*common.names("affinegan_64"), "affinegan"), note)


def _taught(way: str, words: str) -> Answer:
    """Both methods taught from broken clips."""
    whole = {"AffineGAN": "affinegan_64", "FAN": "fan_64_time"}
    broken = {method: common.seeds(f"{base}_{way}") for method, base in whole.items()}
    keeps = {m: broken[m]["motion"].mean() / common.seeds(base)["motion"].mean() for m, base in whole.items()}
    order = level(broken["AffineGAN"], "spearman")
    learns = order.low >= 0.9 and keeps["AffineGAN"] >= 0.8
    fails = keeps["FAN"] < 0.8 or broken["FAN"]["growth"].mean() < 0.9
    count = {method: table["seed"].nunique() for method, table in broken.items()}
    note = (
        f"Spearman of AffineGAN taught from {words}; it keeps {keeps['AffineGAN']:.0%} of its motion, "
        f"FAN {keeps['FAN']:.0%}; seeds: {count['AffineGAN']} and {count['FAN']}, 64 px; "
        f"{common.how_far(broken['AffineGAN'])}."
    )
    rests = common.names(*(f"{base}_{way}" for base in whole.values()), *whole.values())
    verdict = common.if_it_moves(common.all_or_some([learns, fails]), broken["AffineGAN"])
    return Answer(verdict, order.mean, order.interval, rests, note)


@CLAIMS.rule("AFF-8")
def aff_8() -> Answer:
    """Two frames a video."""
    return _taught("two_frames", "two frames a clip")


@CLAIMS.rule("AFF-9")
def aff_9() -> Answer:
    """Shuffled frames."""
    return _taught("unordered", "frames in any order")


@CLAIMS.rule("AFF-10")
def aff_10() -> Answer:
    """Periodic clips."""
    return _taught("periodic", "periodic clips")


#: AffineGAN, and the systems that were taught the same people and expressions, by the name that its paper has for them.
BESIDE = {
    "AffineGAN": "affinegan_64_three",
    "ConvLSTM": "compared_conv_lstm",
    "VideoGAN": "compared_vgan",
    "FGST": "compared_fgst",
    "GANimation": "compared_ganimation",
}


@CLAIMS.rule("AFF-11")
def aff_11() -> Answer:
    """Identity beside the four systems of Table 2."""
    if waits := common.waiting(*BESIDE.values()):
        return Answer("not testable here", None, None, (), waits)
    ours, *others = (common.seeds(base) for base in BESIDE.values())
    asked = [(metric, other) for metric in ("acd_i_ratio", "acd_g_ratio") for other in others]
    asked += [("acd_c_ratio", other) for other in others[:3]]
    stand = dict(zip(map(id, others), map(common.stands, list(BESIDE.values())[1:]), strict=True))
    lower = [effect(ours, other, metric).counts(-1, seeds=1) and stand[id(other)] for metric, other in asked]
    distances = {
        name: [f"{common.people(table, f'acd_{part}_ratio').mean():.2f}" for part in "icg"]
        for name, table in zip(BESIDE, (ours, *others), strict=True)
    }
    shown = "; ".join(f"{name} {', '.join(values)}" for name, values in distances.items())
    note = (
        f"AffineGAN's ACD-I over the real clips'; ACD-I, -C and -G of each: {shown}; lower in {sum(lower)} of "
        f"{len(lower)} comparisons; 64 px, as many steps; {common.how_far(ours)}.{common.behind_a_still(BESIDE)}"
    )
    found = level(ours, "acd_i_ratio")
    verdict = common.if_it_moves(common.all_or_some(lower), ours, JOINT_MOVES)
    return Answer(verdict, found.mean, found.interval, common.names(*BESIDE.values()), note)


@CLAIMS.rule("AFF-12")
def aff_12() -> Answer:
    """How the four systems of Fig. 4 fail."""
    if waits := common.waiting(*BESIDE.values()):
        return Answer("not testable here", None, None, (), waits)
    ours, recurrent, streams, flows, units = (common.found_or_lost(common.seeds(base)) for base in BESIDE.values())
    stranger = effect(streams, ours, "acd_i_ratio")
    changes = stranger.counts(1, seeds=1) and level(streams, "acd_i_ratio").low > AS_FAR
    softer, stiller = effect(recurrent, ours, "sharpness"), effect(units, ours, "motion")
    bent = effect(flows, ours, "landmark_error")
    note = (
        f"ACD-I over the real clips', VideoGAN's minus AffineGAN's; sharpness of what moves, ConvLSTM's minus "
        f"AffineGAN's {softer.text}; error of landmarks, FGST's minus AffineGAN's {bent.text}; motion, GANimation's "
        f"minus AffineGAN's {stiller.text}; 64 px, as many steps; {common.how_far(ours)}."
    )
    holds = [changes, softer.counts(-1, seeds=1), bent.counts(1, seeds=1), stiller.counts(-1, seeds=1)]
    verdict = common.if_it_moves(common.all_or_some(holds), ours, JOINT_MOVES)
    return Answer(verdict, stranger.mean, stranger.interval, common.names(*BESIDE.values()), note)


@CLAIMS.rule("AFF-13")
def aff_13(made: Sequence[tuple[str, float, float]], real: Sequence[tuple[str, float, float]]) -> Answer:
    """A face from the internet. ``made``: by picture and expression the name of the expression, the rise of its lead
    from intensity 0 to 1, and dlib's distance between the two; ``real``: the same of real clips. NaN where a face is
    lost, which counts as no rise and as another person.

    An expression works if its rise is at least half of the real clips', with the whole interval over pictures, at least
    nine pictures in ten stay the same person by dlib's own threshold, and the usual one goes no further from itself
    than `AS_FAR` times as far as real clips do. A copy of the still rises by nothing. One whose lead the real clips do
    not raise either (by less than `READ`) cannot be shown to work.
    """
    columns = ["expression", "rise", "distance"]
    numbers = {"rise": float, "distance": float}
    drawn = pd.DataFrame(made, columns=columns).astype(numbers).fillna({"rise": 0.0, "distance": np.inf})
    clips = pd.DataFrame(real, columns=columns).astype(numbers).groupby("expression")
    true, apart = clips["rise"].mean(), clips["distance"].mean()
    parts = dict(iter(drawn.groupby("expression", sort=False)))
    height = {name: rows["rise"] / true[name] for name, rows in parts.items() if true[name] >= READ}
    far = {name: parts[name]["distance"] for name in height}
    same = {n: (d <= SAME_PERSON).mean() >= 0.9 and d.median() <= AS_FAR * apart[n] for n, d in far.items()}
    works = {name: metrics.interval(h)[0] >= 0.5 and same[name] for name, h in height.items()}
    weakest = min(height, key=lambda name: height[name].mean())
    value, interval = common.mean_and_interval(height[weakest])
    note = (
        f"Rise of the lead over the real clips', of the weakest, {weakest}; on {len(height[weakest])} portraits "
        f"{sum(works.values())} of {len(parts)} expressions work"
        f"{''.join(f', {name} cannot be read' for name in parts if name not in height)}."
    )
    found = [works.get(name, False) for name in parts]
    return Answer(common.all_or_some(found), value, interval, ("affinegan",), note)


@CLAIMS.rule("AFF-14")
def aff_14() -> Answer:
    """A stand-in for raters, AffineGAN against the four systems of Fig. 4."""
    return common.preferences(BESIDE, JOINT_MOVES)


@CLAIMS.rule("AFF-15")
def aff_15() -> Answer:
    """Raters."""
    question = "AffineGAN, test people"
    made, real = (common.called_real("affinegan", question, source) for source in ("made", "real"))
    rate, low, high = (share / real[0] for share in made)
    found = [high >= 0.542 / 0.808, real[2] >= 0.808]
    note = (
        f"Proxy: share of made test clips that a held-out classifier calls real ({made[0]:.1%}), over that of the "
        f"real ones ({real[0]:.1%})."
    )
    return Answer(
        common.if_it_moves(common.all_or_some(found), common.single("affinegan")),
        rate,
        (low, high),
        ("affinegan",),
        note,
    )


@CLAIMS.rule("AFF-16")
def aff_16() -> Answer:
    """One model for all expressions."""
    shown = results.planned()["affinegan_64_three_0"].settings.expressions
    joint, each = "affinegan_64_three", [f"affinegan_64_third_{name}" for name in shown]
    fair = common.seeds_of_all(joint, *each)
    if not fair:
        shown = results.planned()["affinegan_64_seven_0"].settings.expressions
        joint = "affinegan_64_seven"
        each = ["affinegan_64" if name == "happy" else f"affinegan_64_{name}" for name in shown]
    there = fair or common.seeds_of_all(joint, *each)
    alone, together = pd.concat([common.seeds(base) for base in each]), common.seeds(joint)
    alone, together = (table[table["seed"].isin(there)] for table in (alone, together))
    ranks = level(together, "spearman").low >= 0.9
    worse = effect(together, alone, "moving_ratio")
    close, named, said = worse.interval[1] < 0.05, False, "not at equal passes, and D_g was taught no names"
    if fair:
        of_it, chance = common.seeds(joint, "inferences"), 1 / len(shown)
        right = of_it.get("named_true", of_it["expression"]) == of_it["expression"]
        by_person = level(of_it.assign(right=right.astype(float)), "right")
        named = by_person.low > chance
        said = f"at equal passes; D_g names {by_person.mean:.0%} of strangers' peaks rightly, by chance {chance:.0%}"
    verdict = common.if_it_moves(common.all_or_some([ranks, close, named]), together, JOINT_MOVES)
    note = (
        f"Error at the peak over copying's: one model for {len(shown)} minus one each, {said}; "
        f"{common.seeds_in_words(there)}, 64 px; {common.how_far(together)}."
    )
    rests = tuple(f"{base}_{seed}" for base in (joint, *each) for seed in there)
    return Answer(verdict, worse.mean, worse.interval, rests, note)


@CLAIMS.rule("AFF-17")
def aff_17() -> Answer:
    """The way back."""
    back, forth = common.seeds("affinegan_64_backwards"), common.seeds("affinegan_64")
    order, keeps = level(back, "spearman"), back["motion"].mean() / forth["motion"].mean()
    note = (
        f"Spearman on the way back; it keeps {keeps:.0%} of the motion; {common.plural(order.seeds)}, 64 px; "
        f"{common.how_far(back)}."
    )
    verdict = common.if_it_moves(common.all_or_some([order.low >= 0.9, keeps >= 0.8]), back)
    return Answer(verdict, order.mean, order.interval, common.names("affinegan_64_backwards", "affinegan_64"), note)


def begun(table: pd.DataFrame) -> bool:
    """Whether a model moves strangers at all: a reader of faces sees a tenth of the expression, and where the face
    moves the error is below that of copying, at the peak and half way, each with its interval.

    More motion than that of copying is no sign: the grain of a discriminator moves.
    """
    read = level(table, "lead_rise")
    return read.mean >= 0.1 and read.low > 0 and common.moves(table, least=0.0)


#: What is asked of the paper and of the released code side by side, once one of them moves.
ASKED_OF_RELEASED = ("spearman", "motion", "moving_ratio", "sharpness")


@CLAIMS.rule("AFF-18")
def aff_18(worst: float) -> Answer:
    """The released code is the paper. ``worst``: by how much its denominator misses the propositions at most."""
    arms = {"the paper": "paper_64_long", "the released code": "released_64_long"}
    there = common.seeds_of_all(*arms.values())
    if there:
        paper, released = (table[table["seed"].isin(there)] for table in map(common.seeds, arms.values()))
        moved = [name for name, table in zip(arms, (paper, released), strict=True) if begun(table)]
        against = {metric: effect(released, paper, metric) for metric in ASKED_OF_RELEASED}
        found = ", ".join(f"{metric} {change.text}" for metric, change in against.items())
        steps = results.planned()[f"{arms['the paper']}_0"].steps
        said = f"moving after {steps:,} steps: {', '.join(moved) or 'neither'}; released minus paper: {found}"
        said = f"{said if moved else said.partition(';')[0]}; {common.seeds_in_words(there)}, 64 px"
        rests = common.names(*arms.values())
    else:
        early = "moves" if begun(common.seeds("paper_64")) else "does not move"
        said = f"trained side by side they are not measured yet, and at 2,000 steps the paper {early} a face"
        rests = common.names("paper_64")
    note = f"Largest miss of Propositions 1 and 2 with the code's denominator; {said}."
    return Answer("reproduced" if worst < 0.01 else "not reproduced", worst, None, rests, note)
