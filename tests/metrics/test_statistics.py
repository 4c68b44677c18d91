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
    assert low == pytest.approx(0.1) and high == pytest.approx(0.5)
    assert seeds.to_dict() == pytest.approx({0: 0.5, 1: 0.2})


def by(values):
    """Rows of a seed and columns of a person as `metrics.crossed` wants them."""
    import pandas as pd

    table = pd.DataFrame(values).rename_axis(index="seed", columns="subject")
    return table.stack()


@pytest.mark.parametrize(
    ("values", "level", "expected"),
    [
        # The 16 equally likely draws of two seeds and two people have the means 0, 2, 2, 4 (the first seed twice),
        # twice 4, 8, 8, 12 (both) and 8, 14, 14, 20 (the second twice).
        ([[0, 4], [8, 20]], 0.95, (8.0, 0.0, 20.0)),
        ([[0, 4], [8, 20]], 0.5, (8.0, 4.0, 12.0)),
        # People who agree: as wide as the seeds are apart, where an interval over people is a point.
        ([[0, 0, 0], [0.3, 0.3, 0.3], [0.6, 0.6, 0.6]], 0.95, (0.3, 0.0, 0.6)),
        # Seeds that agree: as wide as with one of them.
        ([[0, 1], [0, 1]], 0.95, (0.5, 0.0, 1.0)),
        # Whom a drawn seed does not know is left out of that draw: the first seed twice knows one person.
        ([[1, NAN], [1, 3]], 0.95, (2.0, 1.0, 3.0)),
    ],
)
def test_people_and_seeds_are_drawn_together(values, level, expected):
    mean, (low, high), by_seed = metrics.crossed(by(values), level=level)
    assert (mean, low, high) == pytest.approx(expected)
    assert by_seed.tolist() == pytest.approx(np.nanmean(values, axis=1).tolist())


def test_one_seed_has_the_interval_over_people_and_one_person_none():
    values = np.random.default_rng(1).normal(size=(1, 9))
    assert metrics.crossed(by(values))[1] == metrics.interval(values[0])
    assert np.isnan(metrics.crossed(by([[1.0], [2.0]]))[1]).all()


def test_the_interval_of_people_and_seeds_is_that_of_written_out_draws():
    """With draws as people take them one by one, which differ from those by counts in their noise alone."""
    values, rng = np.random.default_rng(1).normal(size=(3, 16)), np.random.default_rng(5)
    drawn = [values[np.ix_(rng.integers(0, 3, 3), rng.integers(0, 16, 16))].mean() for _ in range(4000)]
    found = metrics.crossed(by(values))[1]
    assert found == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.04)
    assert found == metrics.crossed(by(values))[1] != metrics.crossed(by(values), seed=1)[1]
