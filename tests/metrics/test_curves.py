"""Curves, against values worked by hand."""

import numpy as np
import pytest

from i2vlib import metrics
from tests.metrics.pictures import frame

NAN = np.nan


def test_spearman_by_hand():
    true = np.array([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert metrics.spearman(true**3, true) == pytest.approx(1)
    assert metrics.spearman(1 - true, true) == pytest.approx(-1)
    # Without the neutral frame the ranks are 2 1 3 4 5: d = 1, 1, 0, 0, 0, so 1 - 6 * 2 / (5 * 24) = 0.9.
    assert metrics.spearman(np.array([9, 0.2, 0.1, 0.3, 0.4, 0.5]), true) == pytest.approx(0.9)


def test_spearman_ties_have_their_average_rank():
    from scipy.stats import spearmanr

    true = np.array([0.1, 0.2, 0.2, 0.4, 0.5, 0.6])
    inferred = np.array([0.3, 0.3, 0.1, 0.5, 0.5, 0.5])
    assert metrics.spearman(inferred, true) == pytest.approx(spearmanr(inferred, true).statistic)


def test_spearman_wants_five_distinct_true_values():
    assert np.isnan(metrics.spearman(np.arange(5), np.array([0, 0.25, 0.5, 0.75, 1])))
    assert np.isnan(metrics.spearman(np.arange(8), np.array([0, 0.2, 0.2, 0.2, 0.4, 0.6, 0.8, 0.8])))
    assert metrics.spearman(np.arange(6), np.linspace(0, 1, 6)) == pytest.approx(1)


def test_an_inference_that_says_nothing_scores_nothing():
    true = np.linspace(0, 1, 8)
    assert metrics.spearman(np.full(8, 0.4), true) == 0
    assert metrics.spearman(np.full(8, NAN), true) == 0
    with pytest.raises(ValueError, match="one length"):
        metrics.spearman(np.zeros(3), true)


def test_falls_by_hand():
    rising = np.linspace(0, 1, 21)
    assert metrics.falls(rising) == 0
    dented = rising.copy()
    dented[10] = dented[9] - 0.004  # under half a per cent of the range
    assert metrics.falls(dented) == metrics.falls(100 * dented) == 0
    dented[10] = dented[9] - 0.006
    assert metrics.falls(dented) == pytest.approx(1 / 20)
    assert metrics.falls(100 * dented) == pytest.approx(1 / 20)
    assert metrics.falls(-rising) == 1
    assert metrics.falls(np.zeros(21)) == 0
    assert np.isnan(metrics.falls(np.array([0, NAN, 1])))
    with pytest.raises(ValueError, match="values"):
        metrics.falls(np.zeros(1))


def test_unevenness_by_hand():
    even = np.stack([frame(value) for value in (0, 10, 20, 30)])
    assert metrics.unevenness(even) == pytest.approx(0)
    one_long_step = np.stack([frame(value) for value in (0, 10, 10, 40)])
    assert metrics.unevenness(one_long_step) == pytest.approx(np.std([1, 0, 3]) / np.mean([1, 0, 3]))
    assert np.isnan(metrics.unevenness(even[[0, 0, 0]]))
