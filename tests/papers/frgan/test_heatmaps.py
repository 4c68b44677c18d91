"""Condition maps of joints: a Gaussian a joint, worked by hand; empty where nothing is known."""

import numpy as np
import pytest

from i2vlib.papers.frgan.condition import heatmaps


def body(x: float = 4.5, y: float = 2.5, frames: int = 1) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (frames, 13, 2)).copy()


def test_a_gaussian_has_its_peak_at_the_joint_and_falls_as_worked_by_hand():
    maps = heatmaps(body(), None, 8, width=1 / 8)  # a standard deviation of one pixel
    assert maps.shape == (1, 8, 8, 13) and maps.dtype == np.int8
    # One pixel off 127 exp(-1/2) = 77.03, diagonally 127 exp(-1) = 46.72, two off 127 exp(-2) = 17.19, three 1.41.
    assert maps[0, 2, 3:8, 0].tolist() == [77, 127, 77, 17, 1]
    assert maps[0, 2:6, 4, 12].tolist() == [127, 77, 17, 1]
    assert maps[0, 3, 5, 6] == 47 and maps[0, 7, 0].max() == 0


def test_between_two_pixels_both_are_as_high():
    row = heatmaps(body(x=4.0), None, 8, width=1 / 8)[0, 2, :, 0]
    assert row[3] == row[4] == round(127 * np.exp(-1 / 8)) and row.max() == row[3]


def test_each_joint_and_frame_has_its_own_map():
    joints = body(frames=2)
    joints[1, 3] = 6.5, 7.5
    maps = heatmaps(joints, None, 8, width=1 / 8)
    assert np.unravel_index(maps[1, ..., 3].argmax(), (8, 8)) == (7, 6)
    assert (maps[1, ..., 4] == maps[0, ..., 3]).all()


def test_hidden_unknown_and_far_joints_leave_their_maps_empty():
    joints, visible = body(), np.ones((1, 13), bool)
    joints[0, 1] = np.nan
    joints[0, 2, 0] = np.nan
    joints[0, 3] = -4, 2.5
    visible[0, 5] = False
    full = heatmaps(joints, visible, 8, width=1 / 8).reshape(64, 13).max(0)
    assert np.flatnonzero(full == 0).tolist() == [1, 2, 3, 5]


def test_the_width_is_a_share_of_the_side():
    small, large = (heatmaps(body(side / 2 + 0.5, side / 2 + 0.5), None, side, 1 / 16) for side in (16, 32))
    assert small[0, 8, :, 0].astype(int).sum() * 2 == pytest.approx(large[0, 16, :, 0].astype(int).sum(), rel=0.02)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ((np.zeros((13, 2)), None, 8), r"joints \(T, 13, 2\)"),
        ((np.zeros((2, 12, 2)), None, 8), r"joints \(T, 13, 2\)"),
        ((body(), np.ones((2, 13), bool), 8), "Which joints are visible"),
        ((body(), None, 0), "side and a width above 0"),
        ((body(), None, 8, 0.0), "side and a width above 0"),
    ],
)
def test_other_shapes_and_sides_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        heatmaps(*arguments)
