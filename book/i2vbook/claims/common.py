"""What the rules share: what an answer is, and how a rule reads what the runs measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

import pandas as pd

from i2vbook.checkout import RESULTS
from i2vbook.evidence import results
from i2vbook.evidence.effects import level
from i2vbook.evidence.preference import win_rate
from i2vlib import metrics
from i2vlib.joints import ACTIONS

#: The seeds of training that a row of the table of runs may have.
SEEDS = range(3)
#: How far a face has to move, over how far the true one does.
MOVES = 0.6
#: A face may be lost by the reader of landmarks; its error then says nothing, and counts as this much.
LOST = 20.0


@dataclass(frozen=True)
class Answer:
    """What a rule says of a claim.

    Attributes:
        verdict: one of `ledger.VERDICTS`.
        value: the number behind it; None if there is none.
        interval: its ends; None if there is none.
        runs: the runs it rests on; none for an exact test.
        note: one sentence that says what the number is.
        evidence: what the rule was handed, plain numbers and lists.
    """

    verdict: str
    value: float | None
    interval: tuple[float, float] | None
    runs: tuple[str, ...]
    note: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def graded(whole: bool, part: bool) -> str:
    """The verdict on a claim that holds whole, in part, or not."""
    return "reproduced" if whole else "partly" if part else "not reproduced"


def all_or_some(found: Sequence[bool]) -> str:
    """The verdict on a claim of several parts: all hold, some do, or none."""
    return graded(all(found), any(found))


#: Rows that stand for whatever was trained, while a rule is tried on them (`i2vbook.audits.fakes`); None otherwise.
STAND_IN: ContextVar[pd.DataFrame | None] = ContextVar("STAND_IN", default=None)


def measured(names: Mapping[int, Sequence[str]], part: str = "clips") -> pd.DataFrame | None:
    """What was measured of runs, as `results.measured`; the rows of a `STAND_IN` on their expressions if there is one.

    Args:
        names: by seed, the runs.
        part: of their results.
    """
    stand_in = STAND_IN.get()
    if stand_in is None:
        return results.measured(names, part)
    table = results.planned()
    shown = {expression for of_it in names.values() for name in of_it for expression in table[name].data["expressions"]}
    rows = stand_in[stand_in["expression"].isin(shown)]
    return pd.concat([rows.assign(seed=seed) for seed in names], ignore_index=True)


def seeds(base: str, part: str = "clips") -> pd.DataFrame:
    """What was measured of a row of the table of runs, seed below seed: those that there are.

    Raises:
        ValueError: there is none.
    """
    table = measured({seed: [f"{base}_{seed}"] for seed in SEEDS if f"{base}_{seed}" in results.planned()}, part)
    if table is None:
        raise ValueError(f"No seed of {base} has been measured yet: python -m i2vbook.evidence --only {base}_0.")
    return table


def bodies(base: str, part: str = "clips") -> pd.DataFrame:
    """As `seeds`, of a row about performers; the rows of a `STAND_IN` on their actions if there is one."""
    stand_in = STAND_IN.get()
    if stand_in is not None:
        return stand_in[stand_in["expression"].isin(ACTIONS)].assign(seed=0)
    return seeds(base, part)


def lacking(*bases: str, least: int = 2) -> tuple[str, ...]:
    """Of rows of the table of runs that are compared with one another, the runs to be measured before ``least`` seeds
    of all are; none while a rule is tried on a `STAND_IN`."""
    if STAND_IN.get() is not None or len(seeds_of_all(*bases)) >= least:
        return ()
    wanted = [seed for seed in SEEDS if all(f"{base}_{seed}" in results.planned() for base in bases)][:least]
    return tuple(name for seed in wanted for base in bases if (name := f"{base}_{seed}") not in names(base))


def waiting(*bases: str) -> str:
    """In words, what a comparison of systems still waits for: the first seed of each; nothing once it can be made, and
    while a rule is tried on a `STAND_IN`."""
    tried = STAND_IN.get() is not None
    missing = [base for base in bases if f"{base}_0" not in results.planned() or not (tried or names(base))]
    return f"The comparison waits for {', '.join(f'{base}_0' for base in missing)}." if missing else ""


def preferences(beside: Mapping[str, str], least: float = MOVES) -> Answer:
    """How often one system's clips are preferred to those of each of others, by the judge that stands in for raters
    (`i2vbook.evidence.preference`).

    Args:
        beside: by name, the rows of the table of runs; the first is the one that is asked about.
        least: how far its face has to move (`if_it_moves`).

    Returns:
        More than half of the clips, with the whole interval: of every other, reproduced; of some, partly; and none of a
        system that does not beat a copied still.
        The number is the least of the rates, and the note names each.
    """
    if note := waiting(*beside.values()):
        return Answer("not testable here", None, None, (), note)
    tables = {name: seeds(base) for name, base in beside.items()}
    ours, *others = tables
    rates = {name: win_rate(tables[ours], tables[name]) for name in others}
    found = [rate.low > 0.5 and min(rate.by_seed) > 0.5 and stands(beside[name]) for name, rate in rates.items()]
    fewest = min(rates.values(), key=lambda rate: rate.mean)
    shown = ", ".join(f"{name} {rate:.2f}" for name, rate in rates.items())
    note = f"Proxy: share of clips that a stated judge prefers, the least of these: {shown}; 64 px, as many steps."
    note += behind_a_still(beside)
    verdict = if_it_moves(all_or_some(found), tables[ours], least)
    return Answer(verdict, fewest.mean, fewest.interval, names(*beside.values()), note)


def single(run: str, part: str = "clips") -> pd.DataFrame:
    """What was measured of one run. Raises `ValueError` if it has no result."""
    table = measured({results.planned()[run].seed: [run]}, part)
    if table is None:
        raise ValueError(f"The run {run} has not been measured yet: python -m i2vbook.evidence --only {run}.")
    return table


def references(base: str, system: str) -> pd.DataFrame:
    """The reference rows of one system that the measured seeds of a row of the table of runs have, one a seed."""
    table = results.planned()
    each = [results.reference_rows(results.result(table[name])["references"]) for name in names(base)]
    of_it = [
        rows[rows["system"] == system].assign(seed=table[name].seed)
        for rows, name in zip(each, names(base), strict=True)
    ]
    return pd.concat(of_it, ignore_index=True)


def names(*bases: str) -> tuple[str, ...]:
    """The measured runs of rows of the table of runs."""
    found = [f"{base}_{seed}" for base in bases for seed in SEEDS if f"{base}_{seed}" in results.planned()]
    return tuple(name for name in found if results.result(results.planned()[name]))


def seeds_of_all(*bases: str) -> list[int]:
    """The seeds of which every one of some rows of the table of runs has been measured."""
    return [seed for seed in SEEDS if all(f"{base}_{seed}" in names(base) for base in bases)]


def seeds_in_words(seeds: Sequence[int]) -> str:
    """Which seeds, in words: "seed 0", "seeds 0 and 1"."""
    *most, last = (str(seed) for seed in sorted(seeds))
    return f"seeds {', '.join(most)} and {last}" if most else f"seed {last}"


def people(table: pd.DataFrame, metric: str) -> pd.Series:
    """A metric by person: the mean over that person's clips and seeds."""
    return table.groupby("subject")[metric].mean()


def found_or_lost(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of clips, the landmarks of none further off than those that are lost."""
    return table.assign(landmark_error=table["landmark_error"].clip(upper=LOST))


def mean_and_interval(values: pd.Series) -> tuple[float, tuple[float, float]]:
    """The mean over people and its 95 % bootstrap interval."""
    return float(values.mean()), metrics.interval(values)


def moves(table: pd.DataFrame, least: float = MOVES) -> bool:
    """Whether what was made moves, and rightly: ``least`` of the true motion, and inside the region that moves less
    error than copying the still, at the peak and half way, each with the whole interval.

    A photograph that stands still passes whatever asks for the same person or for steadiness, and a cross-fade
    whatever asks for motion. Neither passes this.
    """
    errors = [level(table, metric) for metric in ("moving_ratio", "halfway_ratio")]
    return bool(level(table, "motion").low >= least) and all(error.high < 1 for error in errors)


def if_it_moves(verdict: str, table: pd.DataFrame, least: float = MOVES) -> str:
    """Gives the verdict if the system moves (`moves`), "partly" at most if its interval holds the threshold, and "not
    reproduced" if it does not move so far."""
    if moves(table, least):
        return verdict
    may = level(table, "motion").high >= least and moves(table, 0.0)
    return "partly" if may and verdict in ("reproduced", "partly") else "not reproduced"


def bodies_move(table: pd.DataFrame, least: float = MOVES) -> bool:
    """Whether bodies move at least so far over how far the true ones do, with less error than copying the still, each
    with the whole interval."""
    return bool(level(table, "motion").low >= least and level(table, "moving_ratio").high < 1)


def stands(base: str) -> bool:
    """Whether a compared system beats a copied still before the judge that stands in for raters: nothing is won against
    one that does not. While a rule is tried on a `STAND_IN`, every system does."""
    return STAND_IN.get() is not None or win_rate(seeds(base), references(base, "copy")).low > 0.5


def bodies_stand(base: str) -> bool:
    """As `stands`, of bodies: whether the error where they move is below that of copying the still."""
    return STAND_IN.get() is not None or level(bodies(base), "moving_ratio").high < 1


def behind_a_still(beside: Mapping[str, str], asked: Callable[[str], bool] | None = None) -> str:
    """In words, which of some compared systems do not beat a copied still (`stands`, or what is asked instead), so that
    nothing is won against them."""
    fallen = [name for name, base in list(beside.items())[1:] if not (asked or stands)(base)]
    return f" Behind a copied still, so that nothing is won against them: {', '.join(fallen)}." if fallen else ""


def how_far(table: pd.DataFrame) -> str:
    """What `moves` asks, in numbers and words."""
    motion, peak, half = (people(table, metric).mean() for metric in ("motion", "moving_ratio", "halfway_ratio"))
    return f"the face moves {motion:.2f} as far as the true one, at {peak:.2f} and {half:.2f} of copying's error"


def plural(count: int) -> str:
    """How many seeds, in words."""
    return f"{count} seed{'s' * (count != 1)}"


def called_real(run: str, question: str, source: str) -> tuple[float, float, float]:
    """A proxy for raters: the share of clips that a held-out judge calls real, and its interval.

    Args:
        run: whose clips were judged.
        question: what the judge was asked, see the chapter on it.
        source: ``made`` or ``real``. While a rule is tried on a `STAND_IN`, made clips are judged like real ones.
    """
    scores = results.read_table(RESULTS / f"turing_{run}.parquet")
    source = source if STAND_IN.get() is None else "real"
    real = scores.query("question == @question and source == @source")["score"] > 0.5
    return metrics.share(int(real.sum()), len(real))
