"""What FRGAN claims, and the rules that decide it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from i2vbook.checkout import RESULTS
from i2vbook.claims import common
from i2vbook.claims.common import Answer
from i2vbook.claims.words import CLAIMS
from i2vbook.evidence import poses
from i2vbook.evidence.effects import effect, level
from i2vlib import metrics

#: The papers' own figures that a rule compares with, as ratios to the real clips' (FRGAN, Table 1).
PAPER_ACD_I, PAPER_ACD_C = 0.184 / 0.109, 0.107 / 0.098


#: Rows that share losses, schedule and data: Eq. 2 as printed, Eq. 1, and Eq. 1 with a gate; the first two with the
#: released code's decoder; decoders that are not dense and dense; and the two ways of choosing pairs.
FORMULAS = ("frgan_64_eq_2", "frgan_64_eq_1", "frgan_64_gated")
NORMALISED = ("frgan_64_eq_2_norm", "frgan_64_eq_1_norm")
DECODERS = ("frgan_64_not_dense", "frgan_64_gated")
JUMPS = ("frgan_64_first_pairs", "frgan_64_gated")


@CLAIMS.rule("FRG-1")
def frg_1() -> Answer:
    """Mask and content against one difference map."""
    printed, difference, gated = FORMULAS
    worse = [
        effect(common.seeds(one), common.seeds(other), "moving_ratio")
        for one, other in ((printed, difference), NORMALISED)
    ]
    sides = {1 if each.counts(1) else -1 if each.counts(-1) else 0 for each in worse}
    verdict = {(1,): "not reproduced", (-1,): "reproduced"}.get(tuple(sides), "partly")
    gate = effect(common.seeds(gated), common.seeds(difference), "moving_ratio")
    note = (
        f"Error in the moving region, Eq. 2 as printed minus Eq. 1, with the normalised decoder {worse[1].text}; a "
        f"change of the still under a mask, which is Eq. 1 with a gate, minus Eq. 1: {gate.text}; "
        f"{common.plural(worse[0].seeds)}, 64 px."
    )
    return Answer(verdict, worse[0].mean, worse[0].interval, common.names(*FORMULAS, *NORMALISED), note)


@CLAIMS.rule("FRG-2")
def frg_2() -> Answer:
    """Dense connections."""
    plain, dense = map(common.seeds, DECODERS)
    worse, sharper = (effect(plain, dense, metric) for metric in ("moving_ratio", "sharpness"))
    note = (
        f"Error in the moving region without dense connections minus with; sharpness {sharper.text}; "
        f"{common.plural(worse.seeds)}, 64 px, as many weights."
    )
    verdict = "reproduced" if worse.counts(1) else "not reproduced"
    return Answer(verdict, worse.mean, worse.interval, common.names(*DECODERS), note)


@CLAIMS.rule("FRG-3")
def frg_3() -> Answer:
    """Random jumps in time."""
    asked = {
        what: [common.seeds(base, part) for base in JUMPS] for what, part in (("neutral", "clips"), ("others", "pairs"))
    }
    worse, between = (effect(first, random, "moving_ratio") for first, random in asked.values())
    note = (
        "Error in the moving region, pairs (0, k) minus random ones, from the neutral frame; from others "
        f"{between.text}; {common.plural(worse.seeds)}, 64 px."
    )
    return Answer(
        common.all_or_some([worse.counts(1), between.counts(1)]), worse.mean, worse.interval, common.names(*JUMPS), note
    )


@CLAIMS.rule("FRG-4")
def frg_4() -> Answer:
    """The L1 on the mask."""
    bases = ("frgan_64_sparsity_0", "frgan_64", "frgan_64_sparsity_02")
    tables = [common.seeds(base) for base in bases]
    sweep = [table.groupby("seed")[["mask_mean", "moving_ratio"]].mean() for table in tables]
    steps = [(a["mask_mean"] - b["mask_mean"]).dropna() for a, b in zip(sweep, sweep[1:], strict=False)]
    falls = all(len(step) and (step > 0).all() for step in steps)
    cost = float((sweep[-1] - sweep[0])["moving_ratio"].mean())
    means = ", ".join(f"{s['mask_mean'].mean():.2f}" for s in sweep)
    verdict = common.if_it_moves(common.all_or_some([falls, cost <= 0.05]), tables[1])
    note = f"Mean of the mask at the weights 0, .05, .2: {means}; error {cost:+.3f} from 0 to .2."
    return Answer(verdict, float(sweep[1]["mask_mean"].mean()), None, common.names(*bases), note)


#: The rows of G_R by the critics that it has.
CRITICS = {
    "both": "frgan_64_g_r",
    "D_V": "frgan_64_g_r_clips",
    "D_I": "frgan_64_g_r_frames",
    "neither": "frgan_64_g_r_none",
}

#: What the paper wants lower in a clip that hangs together: what flickers, and what makes another person of a frame.
COHERENT = ("flicker", "acd_c_ratio")


def keeps_motion(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether one moves no more than .05 less than another, on average over people."""
    return effect(ours, theirs, "motion").mean > -0.05


def more_coherent(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether clips of one hang together better than another's: less flicker or a lower ACD-C, neither of them higher,
    and the motion kept."""
    found = [effect(ours, theirs, metric) for metric in COHERENT]
    lower, higher = ([change.counts(side) for change in found] for side in (-1, 1))
    return any(lower) and not any(higher) and keeps_motion(ours, theirs)


@CLAIMS.rule("FRG-5")
def frg_5() -> Answer:
    """Refinement makes clips more coherent."""
    base = CRITICS["both"]
    both, before = common.seeds(base), common.seeds(base, "unrefined")
    flicker, content = (effect(both, before, metric) for metric in COHERENT)
    kept = keeps_motion(both, before)
    note = (
        f"Flicker, refined minus not; acd_c_ratio {content.text}; motion {effect(both, before, 'motion').text}; "
        f"{common.plural(flicker.seeds)}, 64 px, fitted faces."
    )
    verdict = common.if_it_moves(
        common.all_or_some([change.counts(-1) and kept for change in (flicker, content)]), both
    )
    return Answer(verdict, flicker.mean, flicker.interval, common.names(base), note)


@CLAIMS.rule("FRG-6")
def frg_6() -> Answer:
    """D_V alone, and D_I beside it."""
    arm = {name: common.seeds(base) for name, base in CRITICS.items()}

    def helps(beside: str) -> bool:
        pair = arm["both"], arm[beside]
        return effect(*pair, "moving_ratio").counts(-1) or more_coherent(*pair)

    suffices = more_coherent(arm["D_V"], arm["neither"])
    error, flicker = (effect(arm["both"], arm["D_V"], metric) for metric in ("moving_ratio", "flicker"))
    note = (
        f"Error in the moving region, both critics minus D_V alone; flicker {flicker.text}; D_V alone against no "
        f"critic: flicker {effect(arm['D_V'], arm['neither'], 'flicker').text}; {common.plural(error.seeds)}, 64 px."
    )
    verdict = common.if_it_moves(common.all_or_some([suffices, helps("D_V"), helps("D_I")]), arm["both"])
    return Answer(verdict, error.mean, error.interval, common.names(*CRITICS.values()), note)


@CLAIMS.rule("FRG-7")
def frg_7() -> Answer:
    """Retargeting between people."""
    ours, alone = common.single("frgan"), common.single("frgan_photos")
    mean = {
        m: float(common.people(ours, m).mean())
        for m in ("landmark_ratio", "blendshape_ratio", "lead_rise", "acd_i_ratio", "static_change")
    }
    span = {metric: metrics.interval(common.people(ours, metric)) for metric in mean}
    most = {"landmark_ratio": 0.5, "blendshape_ratio": 0.5, "acd_i_ratio": 1.7, "static_change": 1.0}
    holds = {metric: span[metric][1] <= limit for metric, limit in most.items()}
    holds["lead_rise"] = span["lead_rise"][0] >= 0.6
    normals = pd.read_csv(RESULTS / "frgan_normals.csv").groupby("of")["degrees"].mean().round(1)
    verdict = common.if_it_moves(common.all_or_some(list(holds.values())), ours)
    note = (
        f"Landmark error over copying's, both faces fitted (true faces: {alone['landmark_ratio'].mean():.2f}); ACD-I "
        f"{mean['acd_i_ratio']:.2f} of the real, readable blendshapes {mean['blendshape_ratio']:.2f} of copying's, "
        f"normals {normals['made']} degrees off (still: {normals['still']}); missed: "
        f"{', '.join(name for name, held in holds.items() if not held) or 'none'}."
    )
    return Answer(verdict, mean["landmark_ratio"], span["landmark_ratio"], ("frgan", "frgan_photos"), note)


#: G_M, and the systems that it was compared with on faces, taught the same people and expressions.
BESIDE = {
    "FRGAN": "compared_frgan",
    "MCNet": "compared_mcnet_waiting",
    "Villegas et al.": "compared_hp",
    "MoCoGAN": "compared_mocogan",
}


@CLAIMS.rule("FRG-8")
def frg_8() -> Answer:
    """ACD-I and ACD-C."""
    whole, others = common.single("frgan"), table_1()
    identity, content = level(whole, "acd_i_ratio"), level(whole, "acd_c_ratio")
    note = (
        f"ACD-I over the real clips' (paper 1.69); ACD-C {content.mean:.2f} (paper 1.09); {common.how_far(whole)}. "
        f"{others.note}"
    )
    near = identity.high <= PAPER_ACD_I and content.high <= PAPER_ACD_C
    verdict = common.if_it_moves(common.all_or_some([near, others.verdict == "reproduced"]), whole, least=0.7)
    return Answer(verdict, identity.mean, identity.interval, ("frgan", *others.runs), note)


def table_1() -> Answer:
    """The order of Table 1, G_M before the three others in both distances, as an answer of its own."""
    if waits := common.waiting(*BESIDE.values()):
        return Answer("not testable here", None, None, (), waits)
    ours, *others = (common.seeds(base) for base in BESIDE.values())
    stand = [common.stands(base) for base in list(BESIDE.values())[1:]]
    lower = [
        effect(ours, other, metric).counts(-1, seeds=1) and may
        for other, may in zip(others, stand, strict=True)
        for metric in ("acd_i_ratio", "acd_c_ratio")
    ]
    shown = "; ".join(
        f"{name} {common.people(table, 'acd_i_ratio').mean():.2f}, {common.people(table, 'acd_c_ratio').mean():.2f}"
        for name, table in zip(BESIDE, (ours, *others), strict=True)
    )
    note = f"Both at 64 px, in as many steps: {shown}; lower in {sum(lower)} of {len(lower)} comparisons."
    note += common.behind_a_still(BESIDE)
    return Answer(common.graded(all(lower), False), None, None, common.names(*BESIDE.values()), note)


@CLAIMS.rule("FRG-9")
def frg_9() -> Answer:
    """The three rows of Table 4."""
    plain, dense = map(common.seeds, DECODERS)
    before, whole = (common.seeds(CRITICS["both"], part) for part in ("unrefined", "clips"))
    rows = plain, dense, before, whole
    order = {m: [float(common.people(table, m).mean()) for table in rows] for m in ("acd_i_ratio", "acd_c_ratio")}
    falls = [values[1] < values[0] and values[3] < values[2] for values in order.values()]
    kept = keeps_motion(dense, plain) and keeps_motion(whole, before)
    note = (
        "ACD-I / real, not dense, G_M, and fitted G_M, whole: "
        f"{np.round(order['acd_i_ratio'], 2).tolist()}; ACD-C / real: "
        f"{np.round(order['acd_c_ratio'], 2).tolist()}; 64 px."
    )
    of_bodies = table_4_on_bodies()
    note += f" {of_bodies.note}"
    faces_fall = common.moves(whole) and all(falls) and kept
    rests = (*common.names(*DECODERS, CRITICS["both"]), *of_bodies.runs)
    verdict = common.all_or_some([faces_fall, of_bodies.verdict == "reproduced"])
    return Answer(verdict, order["acd_i_ratio"][-1], None, rests, note)


#: The rows of Table 4 on bodies: G_M without dense connections, G_M, and G_R on the clips that this one draws.
TABLE_4 = ("bodies_not_dense", "bodies", "bodies_refined")


def table_4_on_bodies() -> Answer:
    """The third column of Table 4, MSE by true poses: what `frg_9` asks of it, as an answer of its own."""
    plain, alone, refined = TABLE_4
    missing = (*common.lacking(plain, alone), *common.lacking(refined))
    if missing:
        return Answer("not testable here", None, None, (), f"MSE on bodies waits for {', '.join(missing)}.")
    pairs = [
        (common.bodies(alone), common.bodies(plain)),
        (common.bodies(refined), common.bodies(refined, "unrefined")),
    ]
    lower = [effect(*pair, "mse") for pair in pairs]
    holds = all(change.counts(-1) for change in lower) and all(keeps_motion(*pair) for pair in pairs)
    note = (
        f"MSE on bodies: G_M minus G_M that is not dense {lower[0]:+.4f}; with G_R minus without {lower[1]:+.4f}; "
        f"{common.plural(min(change.seeds for change in lower))}, performers at 64 px."
    )
    verdict = common.graded(holds and common.bodies_move(pairs[1][0]), False)
    return Answer(verdict, lower[1].mean, lower[1].interval, common.names(*TABLE_4), note)


@CLAIMS.rule("FRG-10")
def frg_10() -> Answer:
    """A stand-in for raters, FRGAN's G_M against the three systems of Table 1."""
    return common.preferences(BESIDE, least=0.5)


#: The row of the table of runs whose pictures of bodies are asked about: G_M alone, which ships, for the G_R trained on
#: its clips adds to their error.
BODIES = "bodies_people"
#: The part of a result of HP on bodies that draws what FRGAN's G_C forecasts.
SHARED = "forecast_shared"
#: The frames ahead at which a forecast has to be nearer than a body that goes on as it did: those after the third.
AHEAD = tuple(f"{frame}" for frame in range(4, 33))


def forecast_of(table: pd.DataFrame, system: str) -> pd.DataFrame:
    """The rows of one system of `poses.measured`, in every seed that the LSTM was trained in where it has none itself,
    with their mean over all frames ahead."""
    own = table[table["system"] == system]
    if own["seed"].nunique() == 1:
        trained = table.loc[table["system"] == poses.LSTM, "seed"].unique()
        own = pd.concat([own.assign(seed=seed) for seed in trained], ignore_index=True)
    frames = [name for name in own if name.isdigit()]
    return own.assign(all=own[frames].mean(axis=1))


@CLAIMS.rule("FRG-11")
def frg_11() -> Answer:
    """The joints of real people, forecast, and the video of performers that follows a forecast."""
    table = poses.measured()
    ours, still = forecast_of(table, poses.LSTM), forecast_of(table, poses.STILL)
    found = {name: nearer(ours, forecast_of(table, name)) for name in poses.VELOCITIES}
    gain, video = effect(ours, still, "all"), common.bodies(BODIES, "forecast")
    smoothed = ", ".join(f"{name} at {sum(part)}" for name, part in found.items() if name != poses.LAST_STEP)
    note = (
        "Error of real joints over 32 poses, in units of the body's box, the LSTM's minus that of a body that stands "
        f"still ({level(ours, 'all').mean:.3f} minus {level(still, 'all').mean:.3f}); less than constant velocity at "
        f"{sum(found[poses.LAST_STEP])} of {len(AHEAD)} frames from the fourth on ({smoothed}); "
        f"{common.plural(gain.seeds)}, {ours['subject'].nunique()} sequences of the training labels, split by number. "
        f"{bodies_in_words(video)}"
    )
    verdict = common.all_or_some([all(found[poses.LAST_STEP]) and gain.counts(-1), common.bodies_move(video)])
    return Answer(verdict, gain.mean, gain.interval, common.names(BODIES), note)


def bodies_in_words(table: pd.DataFrame) -> str:
    """What `bodies_move` asks of performers drawn by forecast poses, in numbers."""
    motion, error = common.people(table, "motion").mean(), level(table, "moving_ratio")
    return f"Performers drawn by forecast poses move {motion:.2f} as far as filmed, at {error:.2f} of copying's error."


def nearer(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[bool]:
    """Whether one forecast errs less than another, of each frame of `AHEAD`."""
    return [effect(ours, theirs, frame).counts(-1) for frame in AHEAD]


@CLAIMS.rule("FRG-12")
def frg_12() -> Answer:
    """MSE by forecast poses and by true ones."""
    table_3 = beside_on_bodies("mse", -1)
    true, guessed = common.bodies(BODIES), common.bodies(BODIES, "forecast")
    dearer = effect(guessed, true, "mse")
    others = {name: common.references(BODIES, name) for name in ("copy", "nearest")}
    beaten = [effect(ours, other, "mse").counts(-1, seeds=1) for ours in (true, guessed) for other in others.values()]
    note = (
        f"MSE by true poses; by forecast ones {level(guessed, 'mse').mean:.4f}, copying the still "
        f"{level(others['copy'], 'mse').mean:.4f}, nearest training clip {level(others['nearest'], 'mse').mean:.4f}; "
        f"of the range [0, 1]; {common.plural(dearer.seeds)}, performers at 64 px. {table_3.note}"
    )
    holds = dearer.counts(1, seeds=1) and all(beaten)
    ours = level(true, "mse")
    moves = common.bodies_move(true)
    verdict = common.all_or_some([holds and moves, table_3.verdict == "reproduced" and moves])
    return Answer(verdict, ours.mean, ours.interval, (*common.names(BODIES), *table_3.runs), note)


#: G_M, and the systems that it was compared with on bodies, taught the same people in as many steps.
BODIES_BESIDE = {
    "FRGAN": "bodies",
    "Villegas et al.": "compared_bodies_hp",
    "Mathieu et al.": "compared_bodies_mathieu",
    "VGAN": "compared_bodies_vgan",
}


def beside_on_bodies(metric: str, side: int, by: str | None = None) -> Answer:
    """G_M against the systems that were compared with it on bodies, as an answer of its own.

    Args:
        metric: what is compared.
        side: on which G_M has to be, 1 above, -1 below.
        by: a column; each of its values is then asked about by itself.

    Returns:
        Reproduced if by forecast poses G_M is on that side of each of the three, Villegas et al. by the same poses,
        and by true ones of Villegas et al. by true ones, if each of the three errs less than copying the still.
    """
    rows = BODIES_BESIDE
    if waits := common.waiting(*rows.values()):
        return Answer("not testable here", None, None, (), waits)
    ours, analogy, *others = rows.values()
    pairs = [
        (common.bodies(ours, "forecast"), common.bodies(analogy, SHARED)),
        (common.bodies(ours), common.bodies(analogy)),
    ]
    pairs += [(common.bodies(ours, "forecast"), common.bodies(other)) for other in others]
    if by is not None:
        pairs = [(a[a[by] == key], b[b[by] == key]) for a, b in pairs for key in sorted(set(a[by]))]
    changes = [effect(*pair, metric) for pair in pairs]
    holds = [change.counts(side, seeds=1) for change in changes]
    stand = all(common.bodies_stand(row) for row in list(rows.values())[1:])
    shown = [common.bodies(ours, "forecast"), common.bodies(analogy, SHARED), *map(common.bodies, others)]
    values = ", ".join(f"{name} {level(table, metric).mean:.4g}" for name, table in zip(rows, shown, strict=True))
    note = f"In as many steps, by forecast poses where there are any: {values}; {sum(holds)} of {len(holds)} hold."
    note += common.behind_a_still(rows, common.bodies_stand)
    return Answer(common.graded(all(holds) and stand, False), None, None, common.names(*rows.values()), note)


@CLAIMS.rule("FRG-13")
def frg_13() -> Answer:
    """PSNR by action, by true poses and by forecast ones."""
    figure_7 = beside_on_bodies("psnr", 1, by="expression")
    true, guessed = common.bodies(BODIES), common.bodies(BODIES, "forecast")
    others = {name: common.references(BODIES, name) for name in ("copy", "nearest")}
    gains = {
        (action, name): effect(part, other[other["expression"] == action], "psnr")
        for action, part in true.groupby("expression")
        for name, other in others.items()
    }
    least = min(gains, key=lambda pair: gains[pair].mean)
    by_forecast = effect(guessed, others["copy"], "psnr")
    note = (
        f"dB by true poses above copying the still, mean of eight actions; by forecast ones {by_forecast.text}; least "
        f"gain {gains[least].mean:+.1f} ({least[0].replace('_', ' ')}, over {least[1]}); PSNR "
        f"{level(true, 'psnr').mean:.1f}; performers at 64 px. {figure_7.note}"
    )
    ours = effect(true, others["copy"], "psnr")
    holds, moves = all(gain.counts(1, seeds=1) for gain in gains.values()), common.bodies_move(true)
    verdict = common.all_or_some([holds and moves, figure_7.verdict == "reproduced" and moves])
    return Answer(verdict, ours.mean, ours.interval, (*common.names(BODIES), *figure_7.runs), note)


#: The rows that go on from the shipped G_M: without Eq. 15, and with it.
FEATURES = ("bodies_on", "bodies_structure")


@CLAIMS.rule("FRG-14")
def frg_14() -> Answer:
    """Eq. 15 with stand-ins, against as many steps without it."""
    without, with_it = FEATURES
    if missing := common.lacking(without, with_it):
        note = f"The rows are there and wait for their results: {', '.join(missing)}."
        return Answer("not testable here", None, None, (), note)
    ours, theirs = common.bodies(with_it), common.bodies(without)
    squares, where, motion = (effect(ours, theirs, metric) for metric in ("mse", "moving_ratio", "motion"))
    holds = squares.counts(-1) and where.counts(-1) and keeps_motion(ours, theirs) and common.bodies_move(ours)
    note = (
        "Error where the body moves, over copying's, with Eq. 15 by stand-ins minus without; MSE "
        f"{squares:+.5f}; motion {motion.text}, {common.people(ours, 'motion').mean():.2f} with it; "
        f"{common.plural(where.seeds)}, performers at 64 px."
    )
    return Answer(common.graded(False, holds), where.mean, where.interval, common.names(*FEATURES), note)
