"""The reference models do what their names say."""

from dataclasses import replace

import numpy as np
import pytest

from i2vlib import metrics
from i2vlib.clips import Clip
from tests.conftest import moving_square
from tests.metrics.pictures import frame


def test_the_peak_is_the_largest_true_intensity_or_the_largest_change():
    clip = replace(moving_square(), intensity=np.array([0, 0.3, 1, 0.6, 0.2, 0]))
    assert metrics.peak_frame(clip) == 2
    assert metrics.peak_frame(replace(moving_square(), intensity=None)) == 5


def test_cross_fade_by_hand():
    def clip(start: int, end: int, expression: str) -> Clip:
        return Clip(np.stack([frame(start), frame((start + end) // 2), frame(end)]), expression=expression)

    fade = metrics.CrossFade([clip(100, 200, "happy"), clip(10, 60, "happy"), clip(30, 250, "angry")])
    made = fade.animate(frame(30), "happy", [0, 0.5, 1, 2])
    assert [int(picture[0, 0, 0]) for picture in made.frames] == [30, 45, 60, 60]
    assert fade.animate(frame(30), "angry", [1]).frames[0, 0, 0, 0] == 250
    inferred = fade.infer_intensity(np.stack([frame(0), frame(20), frame(40)]), frame(0))
    assert np.allclose(inferred, [0, 0.5, 1])
    assert not fade.infer_intensity(np.stack([frame(0)] * 2), frame(0)).any()


def test_cross_fade_refuses_what_it_has_not():
    with pytest.raises(ValueError, match="none were given"):
        metrics.CrossFade([])
    fade = metrics.CrossFade([moving_square()])
    with pytest.raises(ValueError, match="'sad'"):
        fade.animate(frame(0), "sad", [1])
    with pytest.raises(ValueError, match="one size"):
        fade.animate(frame(0, 8), "happy", [1])


def test_copy_copies():
    made = metrics.CopyNeutral().animate(frame(3), "happy", [0, 0.5, 1])
    assert (made.frames == 3).all() and len(made) == 3
