"""The Fréchet distance of two sets of videos."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from i2vlib import metrics


def test_by_hand():
    """Means 1 and 4, variances 2 and 8: 3^2 + 2 + 8 - 2 * sqrt(16)."""
    one, other = np.array([[0.0], [2.0]]), np.array([[2.0], [6.0]])
    assert metrics.frechet_distance(one, other) == pytest.approx(11)
    assert metrics.frechet_distance(one, one + 3) == pytest.approx(9)


def test_as_with_a_root_of_matrices():
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(50, 6)), generator.normal(0.5, 2, size=(40, 6)) @ generator.normal(size=(6, 6))
    first, second = np.cov(one.T), np.cov(other.T)
    apart = ((one.mean(0) - other.mean(0)) ** 2).sum()
    expected = apart + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert metrics.frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet_distance(other, one) == pytest.approx(expected, rel=1e-9)


def test_fewer_videos_than_features():
    one = np.random.default_rng(0).normal(size=(5, 400))
    assert metrics.frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(one, np.random.default_rng(1).normal(size=(5, 400))) > 100


@pytest.mark.parametrize("shapes", [((1, 3), (5, 3)), ((5, 3), (5, 4))])
def test_what_has_no_distance(shapes):
    with pytest.raises(ValueError, match="sets"):
        metrics.frechet_distance(*(np.zeros(shape) for shape in shapes))
