"""From one value a subject to a mean with its interval, and from counts to a share with its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def interval(values: Iterable[float], seed: int = 0, level: float = 0.95, draws: int = 2000) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of one value a subject, NaN left out; NaN with fewer than two."""
    from scipy.stats import bootstrap

    values = np.asarray(list(values), np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = bootstrap((values,), np.mean, n_resamples=draws, confidence_level=level, method="percentile", rng=rng)
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def share(count: int, of: int, level: float = 0.95) -> tuple[float, float, float]:
    """A share and the exact binomial interval around it (Clopper and Pearson): ``(share, low, high)``.

    Raises:
        ValueError: nothing was counted, or more than there is.
    """
    from scipy.stats import binomtest

    if not 0 <= count <= of or of < 1:
        raise ValueError(f"A share is a count out of at least one; given were {count} out of {of}.")
    interval = binomtest(count, of).proportion_ci(level)
    return count / of, float(interval.low), float(interval.high)


def paired(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> tuple[float, tuple[float, float], pd.Series]:
    """How much more of a metric one system has than another on the same subjects, compared person by person.

    Args:
        ours, theirs: rows of `evaluate` with a column ``seed``, several seeds of a system one below the other.
        metric: one of `COLUMNS`.

    Returns:
        The mean difference, its 95 % bootstrap interval over subjects, each the mean of its clips and seeds, and the
        difference by seed. Subjects and seeds that one of the two lacks are left out.
    """
    one, other = (table.groupby(["seed", "subject"])[metric].mean() for table in (ours, theirs))
    difference = (one - other).dropna()
    people = difference.groupby("subject").mean()
    return float(people.mean()), interval(people), difference.groupby("seed").mean()


def mean(values: np.ndarray) -> float:
    """The mean of what is finite; NaN if nothing is."""
    values = values[np.isfinite(values)]
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def ratio(value: float, reference: float) -> float:
    """A value over a reference; NaN where the reference is next to nothing."""
    return value / reference if reference > 1e-6 else float("nan")
