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


def crossed(
    values: pd.Series, seed: int = 0, level: float = 0.95, draws: int = 2000
) -> tuple[float, tuple[float, float], pd.Series]:
    """The mean over people of what was trained several times, with one interval over people and seeds together.

    Both are drawn anew, with replacement and apart from each other, so that a seed drawn twice counts twice for every
    person (the crossed bootstrap; Owen, 2007, calls it the pigeonhole bootstrap). With three seeds and people who agree
    the interval is as wide as the seeds are apart, since all three draws are one and the same seed 1 time in 9. One
    seed says nothing of another training: its interval is that over people alone.

    Args:
        values: by ``seed`` and ``subject``, one of each; what one seed lacks of a person is left out.
        seed: of the bootstrap, as are level and draws.

    Returns:
        The mean over people, each the mean of its seeds; its interval, NaN with fewer than two people; and the mean of
        each seed.
    """
    table = values.dropna().unstack("seed")
    people, by_seed = table.mean(axis=1), values.dropna().groupby("seed").mean()
    if len(by_seed) < 2 or len(people) < 2:
        return float(people.mean()), interval(people, seed, level, draws), by_seed
    rng = np.random.default_rng(seed)
    known, numbers = table.notna().to_numpy(float), table.fillna(0).to_numpy(float)
    of_people, of_seeds = (rng.multinomial(n, np.full(n, 1 / n), draws).astype(float) for n in table.shape)
    with np.errstate(invalid="ignore"):  # somebody of whom no drawn seed knows anything, or a draw of such people alone
        each = (of_seeds @ numbers.T) / (of_seeds @ known.T)
        weight = of_people * np.isfinite(each)
        means = (weight * np.nan_to_num(each)).sum(1) / weight.sum(1)
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(people.mean()), (float(low), float(high)), by_seed


def paired(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> tuple[float, tuple[float, float], pd.Series]:
    """How much more of a metric one system has than another on the same subjects, compared person by person.

    Args:
        ours, theirs: rows of `evaluate` with a column ``seed``, several seeds of a system one below the other.
        metric: one of `COLUMNS`.

    Returns:
        The mean difference, its 95 % interval over subjects and seeds together (`crossed`), and the difference by seed.
        Subjects and seeds that one of the two lacks are left out.
    """
    one, other = (table.groupby(["seed", "subject"])[metric].mean() for table in (ours, theirs))
    return crossed(one - other)


def mean(values: np.ndarray) -> float:
    """The mean of what is finite; NaN if nothing is."""
    values = values[np.isfinite(values)]
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def ratio(value: float, reference: float) -> float:
    """A value over a reference; NaN where the reference is next to nothing."""
    return value / reference if reference > 1e-6 else float("nan")
