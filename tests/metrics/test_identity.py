"""The average content distances, against values worked by hand."""

import numpy as np
import pytest

from i2vlib import metrics

NAN = np.nan


def vectors(*firsts: float) -> np.ndarray:
    """Identity vectors that are 0 but for their first number; NaN where the face was missed."""
    rows = np.zeros((len(firsts), 128))
    rows[:, 0] = firsts
    rows[np.isnan(firsts)] = NAN
    return rows


def test_acd_by_hand():
    embeddings = vectors(1, 2, 4)
    assert metrics.acd_i(embeddings, vectors(0)[0]) == pytest.approx(7 / 3)
    assert metrics.acd_c(embeddings) == pytest.approx((1 + 3 + 2) / 3)
    assert metrics.acd_g(embeddings, vectors(1, 0, 0)) == pytest.approx((0 + 2 + 4) / 3)


def test_a_missed_face_is_dropped_or_replaced_by_a_seeded_vector():
    embeddings = vectors(1, NAN, 3)
    reference = vectors(0)[0]
    assert metrics.acd_i(embeddings, reference, rule="detected") == pytest.approx(2)
    assert metrics.acd_c(embeddings, rule="detected") == pytest.approx(2)
    assert metrics.acd_g(embeddings, vectors(0, 0, NAN), rule="detected") == pytest.approx(1)
    # A N(0, 1) vector of 128 numbers is about sqrt(128) = 11.3 long, so one miss costs about a third of that here.
    paper = metrics.acd_i(embeddings, reference, seed=5)
    assert 3 < paper - 4 / 3 < 4.6
    assert paper == metrics.acd_i(embeddings, reference, seed=5) != metrics.acd_i(embeddings, reference, seed=6)


def test_a_missed_face_is_another_vector_in_every_frame():
    assert metrics.acd_c(vectors(NAN, NAN)) == pytest.approx(16, abs=3)  # sqrt(2 * 128)
    assert metrics.acd_g(vectors(NAN), vectors(NAN)) == pytest.approx(16, abs=3)


def test_nothing_to_compare_is_nan():
    assert np.isnan(metrics.acd_i(vectors(1, 2), vectors(NAN)[0], rule="detected"))
    assert np.isnan(metrics.acd_c(vectors(1, NAN), rule="detected"))
    assert np.isnan(metrics.acd_g(vectors(1, NAN), vectors(NAN, 1), rule="detected"))


def test_acd_does_not_change_its_arguments():
    embeddings = vectors(1, NAN)
    metrics.acd_i(embeddings, vectors(0)[0])
    metrics.acd_c(embeddings)
    assert np.isnan(embeddings[1]).all()


def test_acd_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="frame"):
        metrics.acd_g(vectors(1, 2), vectors(1))
    with pytest.raises(ValueError, match="'paper'.*'detected'"):
        metrics.acd_c(vectors(1, 2), rule="lenient")
    with pytest.raises(ValueError, match=r"come as \(T, 128\)"):
        metrics.acd_c(np.zeros(128))


def test_detection_rate():
    assert metrics.detection_rate(vectors(1, NAN, 2, NAN)) == 0.5
