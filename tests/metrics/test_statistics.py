"""Means, their intervals, and systems compared person by person."""

import numpy as np
import pytest

from i2vlib import metrics

NAN = np.nan


def test_interval():
    low, high = metrics.interval([1.0] * 9)
    assert low == high == 1
    values = np.random.default_rng(0).normal(5, 1, 400)
    low, high = metrics.interval([*values, NAN])
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    narrow = metrics.interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high
    assert metrics.interval(values, seed=3) == metrics.interval(values, seed=3) != metrics.interval(values, seed=4)
    assert np.isnan(metrics.interval([1.0, NAN])).all() and np.isnan(metrics.interval([])).all()


def test_the_interval_is_the_quantiles_of_seeded_means():
    """Written out, so that another version of the library that draws otherwise is noticed: chapters print these."""
    values = np.random.default_rng(1).normal(size=16)
    means = values[np.random.default_rng(0).integers(0, 16, (2000, 16))].mean(1)
    assert metrics.interval(values) == pytest.approx(np.quantile(means, [0.025, 0.975]), rel=1e-12)


def test_systems_are_compared_person_by_person():
    import pandas as pd

    def table(values):
        rows = [(seed, subject, value) for (seed, subject), value in values.items()]
        return pd.DataFrame(rows, columns=["seed", "subject", "motion"])

    theirs = table({(0, "a"): 1.0, (0, "b"): 5.0, (1, "a"): 2.0, (1, "b"): 6.0})
    ours = table({(0, "a"): 1.5, (0, "b"): 5.5, (1, "a"): 2.1, (1, "b"): 6.3, (2, "a"): 9.0})
    mean, (low, high), seeds = metrics.paired(ours, theirs, "motion")
    assert mean == pytest.approx((0.5 + 0.5 + 0.1 + 0.3) / 4)
    assert low == pytest.approx(0.3) and high == pytest.approx(0.4)
    assert seeds.to_dict() == pytest.approx({0: 0.5, 1: 0.2})
