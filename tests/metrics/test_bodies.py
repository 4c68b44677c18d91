"""What is measured of moving bodies, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from i2vlib import metrics
from i2vlib.clips import Clip

SIDE = 32


def walk(offset: int = 0, action: str = "golf_swing", shade: int = 200) -> Clip:
    """A bright square of 8 pixels that moves 4 pixels a frame over a dark wall; the mask is the square."""
    frames, masks = np.full((5, SIDE, SIDE, 3), 40, np.uint8), np.zeros((5, SIDE, SIDE), bool)
    for t in range(5):
        rows, columns = slice(8, 16), slice(offset + 4 * t, offset + 4 * t + 8)
        frames[t, rows, columns], masks[t, rows, columns] = shade, True
    return Clip(frames, 30.0, subject="walker", expression=action, truth={"person": masks})


def copied(clip: Clip) -> np.ndarray:
    return np.repeat(clip.frames[:1], len(clip), 0)


def test_the_real_clip_is_right_and_a_copy_of_the_still_does_not_move() -> None:
    clip = walk()
    real, copy = metrics.compare_bodies(clip.frames, clip), metrics.compare_bodies(copied(clip), clip)
    assert list(real) == list(metrics.BODY_COLUMNS)
    assert (real["mse"], real["psnr"], real["moving_ratio"], real["motion"], real["flicker"]) == (0, 60, 0, 1, 1)
    assert (copy["moving_ratio"], copy["motion"], copy["flicker"], copy["figure_ratio"]) == (1, 0, 0, 1)
    assert real["static_change"] == copy["static_change"] == 0


def test_errors_by_hand() -> None:
    clip = walk()
    made = clip.frames.copy()
    made[1:, 0, 0] += 51  # a fifth of the range, at one pixel of 1,024, which never changes
    found = metrics.compare_bodies(made, clip)
    assert found["mse"] == pytest.approx(0.04 / SIDE**2)
    assert found["psnr"] == pytest.approx(-10 * np.log10(0.04 / SIDE**2))
    assert found["moving_ratio"] == found["figure_ratio"] == 0 and found["static_change"] > 0
    dim = clip.frames.copy()
    dim[1:] = ((clip.frames[1:].astype(int) + clip.frames[0]) // 2).astype(np.uint8)
    assert metrics.compare_bodies(dim, clip)["motion"] == pytest.approx(0.5)
    assert metrics.compare_bodies(dim, clip)["moving_ratio"] == pytest.approx(0.5)


def test_every_frame_after_the_first_counts() -> None:
    """A clip that is right at the frame that differs most, and nowhere else, is no good clip."""
    clip = walk()
    last = copied(clip)
    last[-1] = clip.frames[-1]
    assert 0.5 < metrics.compare_bodies(last, clip)["moving_ratio"] < 1


def test_the_nearest_neighbour_is_the_nearest_of_the_action() -> None:
    nearest = metrics.Nearest([walk(0, shade=120), walk(1, shade=190), walk(0, "jump_rope")])
    clip = walk(1)
    made = nearest.frames(clip)
    assert np.array_equal(made[0], clip.frames[0]) and np.array_equal(made[1:], walk(1, shade=190).frames[1:])
    long = replace(clip, frames=np.concatenate([clip.frames, clip.frames]), truth={})
    assert np.array_equal(nearest.frames(long)[5:], np.repeat(walk(1, shade=190).frames[-1:], 5, 0))
    with pytest.raises(ValueError, match="'tennis_serve'"):
        nearest.frames(walk(0, "tennis_serve"))
    with pytest.raises(ValueError, match="none were given"):
        metrics.Nearest([])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="one frame"):
        metrics.compare_bodies(walk().frames[:1], walk()[:1])
    with pytest.raises(ValueError, match="one size"):
        metrics.compare_bodies(walk().frames[:2], walk())
    with pytest.raises(ValueError, match="no clips"):
        metrics.body_table([])


def test_a_table_has_a_column_for_what_a_row_says() -> None:
    row = {"subject": "walker", "expression": "golf_swing", **metrics.compare_bodies(walk().frames, walk())}
    assert list(metrics.body_table([row])) == ["subject", "expression", *metrics.BODY_COLUMNS]
    assert list(metrics.body_table([{"system": "copy", **row}]))[0] == "system"
