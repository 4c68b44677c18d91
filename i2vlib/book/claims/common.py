"""What the claims share: what a claim is and an answer, and how a rule reads what the runs measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from i2vlib import metrics
from i2vlib.book import results
from i2vlib.book.checkout import RESULTS
from i2vlib.book.effects import level

#: The seeds of training that a row of the table of runs may have.
SEEDS = range(3)
#: How far a face has to move, over how far the true one does.
MOVES = 0.6


@dataclass(frozen=True)
class Answer:
    """What a rule says of a claim.

    Attributes:
        verdict: one of `ledger.VERDICTS`.
        value: the number behind it; None if there is none.
        interval: its ends over people; None if there is none.
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


class Change(NamedTuple):
    """That a rule was changed after one of its runs had been measured: the day, what was changed, and why."""

    when: str
    what: str
    why: str


class Claim(NamedTuple):
    """One claim: where it is made, what it says in our words, what would show it, and the rule, in words and as code.

    A claim that nobody has answered yet has no rule. What is lower, higher, less or more in a rule differs by an
    interval that leaves out 0, with every seed agreeing (`Effect.counts`).
    """

    where: str
    claim: str
    measure: str
    rule: str = ""
    changes: tuple[Change, ...] = ()
    decide: Callable[..., Answer] | None = None


class Claims(dict[str, Claim]):
    """The claims of one paper by id, in its order."""

    def claim(
        self, name: str, where: str, says: str, *, measure: str, rule: str = "", changes: Sequence[Change] = ()
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """States a claim, as `Claim` has it; over a function it makes this the claim's rule."""
        self[name] = Claim(where, says, measure, rule, tuple(changes))

        def decided(decide: Callable[..., Answer]) -> Callable[..., Answer]:
            self[name] = self[name]._replace(decide=decide)
            return decide

        return decided


def all_or_some(found: Sequence[bool]) -> str:
    """The verdict on a claim of several parts: all hold, some do, or none."""
    return "reproduced" if all(found) else "partly" if any(found) else "not reproduced"


def seeds(base: str, part: str = "clips") -> pd.DataFrame:
    """What was measured of a row of the table of runs, seed below seed: those that there are.

    Raises:
        ValueError: there is none.
    """
    table = results.measured(
        {seed: [f"{base}_{seed}"] for seed in SEEDS if f"{base}_{seed}" in results.planned()}, part
    )
    if table is None:
        raise ValueError(f"No seed of {base} has been measured yet: python -m i2vlib.book.runs --only {base}_0.")
    return table


def single(run: str, part: str = "clips") -> pd.DataFrame:
    """What was measured of one run. Raises `ValueError` if it has no result."""
    table = results.measured({results.planned()[run].seed: [run]}, part)
    if table is None:
        raise ValueError(f"The run {run} has not been measured yet: python -m i2vlib.book.runs --only {run}.")
    return table


def names(*bases: str) -> tuple[str, ...]:
    """The measured runs of rows of the table of runs."""
    found = [f"{base}_{seed}" for base in bases for seed in SEEDS if f"{base}_{seed}" in results.planned()]
    return tuple(name for name in found if results.result(results.planned()[name]))


def people(table: pd.DataFrame, metric: str) -> pd.Series:
    """A metric by person: the mean over that person's clips and seeds."""
    return table.groupby("subject")[metric].mean()


def mean_and_interval(values: pd.Series) -> tuple[float, tuple[float, float]]:
    """The mean over people and its 95 % bootstrap interval."""
    return float(values.mean()), metrics.interval(values)


def moves(table: pd.DataFrame, least: float = MOVES) -> bool:
    """Whether what was made moves, and rightly: ``least`` of the true motion on average over people, and inside the
    region that moves less error than copying the still, at the peak and half way, with the whole interval.

    A photograph that stands still passes whatever asks for the same person or for steadiness, and a cross-fade
    whatever asks for motion. Neither passes this.
    """
    errors = [level(table, metric) for metric in ("moving_ratio", "halfway_ratio")]
    return bool(people(table, "motion").mean() >= least) and all(error.high < 1 for error in errors)


def plural(count: int) -> str:
    """How many seeds, in words."""
    return f"{count} seed{'s' * (count != 1)}"


def fooled(paper: str, run: str, claimed: float) -> Answer:
    """A proxy for raters: how many made clips a held-out judge calls real."""
    scores = results.read_table(RESULTS / f"turing_{run}.parquet")
    part = scores.query(f"question == '{paper}, test people' and source == 'made'")["score"] > 0.5
    rate, low, high = metrics.share(int(part.sum()), len(part))
    verdict = "reproduced" if low <= claimed <= high else "partly" if high >= 0.25 else "not reproduced"
    note = f"Proxy: share of {len(part)} made test clips that a held-out classifier calls real."
    return Answer(verdict, rate, (low, high), (run,), note)
