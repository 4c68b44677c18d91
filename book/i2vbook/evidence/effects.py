"""What a change does: the difference between two systems, or the height of one, with its spread over people and seeds.

The chapters' figures (`i2vbook.show.figures.effects`), tables and verdicts all read it from the one `Effect`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from i2vlib import metrics

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Effect:
    """A mean over people, with its interval over people and seeds and with its value in each seed.

    ``f"{effect:.2f}"`` writes mean and interval in that format; `text` is the usual one of a difference.
    """

    mean: float
    low: float
    high: float
    """The 95 % bootstrap interval, people and seeds drawn anew together (`metrics.crossed`); NaN with fewer than two
    people."""
    by_seed: tuple[float, ...] = ()
    """Of each seed of training, in the seeds' order; none where it is not known by seed."""

    @property
    def agree(self) -> bool:
        """Whether all seeds have the sign of the mean."""
        return bool((np.sign(self.by_seed) == np.sign(self.mean)).all())

    @property
    def more(self) -> bool:
        """Whether the interval and every seed lie above 0."""
        return self.low > 0 and min(self.by_seed) > 0

    @property
    def less(self) -> bool:
        """Whether the interval and every seed lie below 0."""
        return self.high < 0 and max(self.by_seed) < 0

    @property
    def seeds(self) -> int:
        return len(self.by_seed)

    def counts(self, side: int, seeds: int = 2) -> bool:
        """Whether it lies on a side of 0 (1 above, -1 below), with its interval and in each of its seeds, of which
        there are enough."""
        return self.seeds >= seeds and (self.more if side > 0 else self.less)

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def text(self) -> str:
        return f"{self:+.3f}"

    def __format__(self, form: str) -> str:
        return f"{self.mean:{form}} [{self.low:{form}}, {self.high:{form}}]"


def effect(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> Effect:
    """How much more of a metric one system has than another, compared person by person (`metrics.paired`).

    Args:
        ours, theirs: rows of `metrics.evaluate` with a column ``seed``, several seeds of a system one below the other.
        metric: a column of both.
    """
    mean, interval, by_seed = metrics.paired(ours, theirs, metric)
    return Effect(mean, *interval, tuple(by_seed.tolist()))


def differences(tables: Mapping[str, pd.DataFrame], base: str, columns: Sequence[str]) -> dict[str, dict[str, Effect]]:
    """Each system minus one of them, by system and metric: the `effect` of what sets it apart."""
    return {
        name: {metric: effect(table, tables[base], metric) for metric in columns}
        for name, table in tables.items()
        if name != base
    }


def level(table: pd.DataFrame, metric: str) -> Effect:
    """A metric of one system: mean over people, its interval over people and seeds, and the mean of each seed.

    Args:
        table: rows of `metrics.evaluate` with a column ``seed``.
        metric: one of its columns.
    """
    mean, interval, by_seed = metrics.crossed(table.groupby(["seed", "subject"])[metric].mean())
    return Effect(mean, *interval, tuple(by_seed.tolist()))


def levels(tables: Mapping[str, pd.DataFrame], columns: Sequence[str]) -> dict[str, dict[str, Effect]]:
    """Each system by itself, by system and metric: its `level`."""
    return {name: {metric: level(table, metric) for metric in columns} for name, table in tables.items()}
