"""Leads, landmarks and blendshapes, against values worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from i2vlib import metrics
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from tests.conftest import moving_square

NAN = np.nan


def happy(clip: Clip, low: float, high: float) -> Clip:
    scores = np.zeros((len(clip), 52), np.float32)
    smile = [BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")]
    scores[:, smile] = np.linspace(low, high, len(clip))[:, None]
    return replace(clip, blendshapes=scores)


def test_lead_rise_by_hand():
    clip = moving_square()
    real = happy(clip, 0.1, 0.9)
    assert metrics.lead_change(real, "happy") == pytest.approx(0.8)
    assert metrics.lead_rise(happy(clip, 0.3, 0.7), real, "happy") == pytest.approx(0.5)
    assert metrics.lead_rise(happy(clip, 0.4, 0.4), real, "happy") == 0
    assert metrics.lead_rise(happy(clip, 0.5, 0.1), real, "happy") == pytest.approx(-0.5)
    assert metrics.lead_rise(real.blendshapes, real.blendshapes, "happy", peak=2) == pytest.approx(1)


def test_lead_rise_is_nan_where_the_real_lead_cannot_be_read():
    clip = moving_square()
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, 0.2, 0.29), "happy"))
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, 0.9, 0.1), "happy"))
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, NAN, NAN), "happy"))


def test_landmark_error_by_hand():
    real = np.zeros((2, 68, 2), np.float32)
    real[:, 45] = [50, 0]
    generated = real + np.float32([3, 4])
    generated[:, 48:] = real[:, 48:]
    assert metrics.landmark_error(generated, real) == pytest.approx(10 * 48 / 68)
    assert metrics.landmark_error(generated, real, slice(48, 68)) == 0
    assert metrics.landmark_error(generated, real, slice(36, 48)) == pytest.approx(10)
    generated[1] = NAN
    assert metrics.landmark_error(generated, real, slice(36, 48)) == pytest.approx(10)
    assert np.isnan(metrics.landmark_error(generated * NAN, real))


def test_blendshapes_that_cannot_be_read_do_not_count():
    made, real = np.zeros((2, 52)), np.zeros((2, 52))
    made[:, BLENDSHAPES.index("cheekPuff")] = 1
    real[:, BLENDSHAPES.index("tongueOut")] = np.nan
    assert metrics.blendshape_error(made, real) == 0
    made[0, BLENDSHAPES.index("jawOpen")] = 0.96
    assert metrics.blendshape_error(made, real) == pytest.approx(0.01)
