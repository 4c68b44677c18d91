"""Errors of joints and the forecasts that they are held against, by hand."""

import numpy as np
import pytest

from i2vlib import metrics
from i2vlib.metrics import constant_pose, constant_velocity, joint_error, mean_pose


def body(*places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """All joints at one place a frame, all visible."""
    joints = np.repeat(np.array(places, np.float32)[:, None], 13, 1)
    return joints, np.ones(joints.shape[:2], bool)


def test_an_error_is_a_mean_distance_over_the_side_of_the_box():
    joints, visible = body((0, 0), (0, 0))
    guess = joints.copy()
    guess[0, 0], guess[1, 5] = (3, 4), (26, 0)
    assert joint_error(guess, joints, visible, 2.0).tolist() == [5 / 13 / 2, 1.0]


def test_what_is_hidden_or_unknown_counts_for_nothing():
    joints, visible = body((0, 0), (0, 0), (0, 0))
    visible[0, 1:] = visible[1, 0] = visible[2] = False
    joints[1, 0] = np.nan
    error = joint_error(np.full_like(joints, 1), joints, visible, 1.0)
    np.testing.assert_allclose(error, [2**0.5, 2**0.5, np.nan])


def test_shapes_that_differ_are_refused():
    joints, visible = body((0, 0), (0, 0))
    with pytest.raises(ValueError, match="shape"):
        joint_error(joints[:1], joints, visible, 1.0)
    with pytest.raises(ValueError, match="shape"):
        joint_error(joints, joints, visible[:1], 1.0)


def test_a_constant_pose_is_where_each_joint_was_visible_last():
    joints, visible = body((1, 1), (2, 4), (9, 9))
    visible[2, 3] = visible[1:, 4] = visible[:, 5] = False
    made = constant_pose(joints, visible, 2)
    assert made.shape == (2, 13, 2) and (made[0] == made[1]).all()
    assert made[0, [0, 3, 4, 5]].tolist() == [[9, 9], [2, 4], [1, 1], [5, 5]]


@pytest.mark.parametrize(("steps", "step"), [(1, (3, 4)), (2, (2, 2)), (3, (5 / 3, 4 / 3)), (9, (5 / 3, 4 / 3))])
def test_a_constant_velocity_is_the_mean_of_the_last_steps(steps, step):
    joints, visible = body((0, 0), (1, 0), (2, 0), (5, 4))
    made = constant_velocity(joints, visible, 2, steps)
    np.testing.assert_allclose(made[0, 0], np.add((5, 4), step), rtol=1e-6)
    np.testing.assert_allclose(made[1, 12], np.add((5, 4), np.multiply(2, step)), rtol=1e-6)


def test_steps_are_taken_between_frames_in_which_a_joint_is_visible_both_times():
    joints, visible = body((0, 0), (1, 0), (50, 0), (3, 0), (4, 0))
    visible[2, 0] = visible[3:, 1] = visible[1:, 2] = False
    made = constant_velocity(joints, visible, 1, 9)[0]
    assert made[0].tolist() == [5, 0] and made[2].tolist() == [0, 0]
    assert made[1].tolist() == [50 + 25, 0]  # steps of 1 and 49
    assert constant_velocity(joints, visible, 1, 1)[0, 1].tolist() == [99, 0]


def test_the_mean_pose_is_in_units_of_the_box_that_was_seen():
    joints, visible = body((0, 0), (0, 0), (8, 0), (16, 0))
    joints[:2, 1] = 8, 4  # the box is 8 wide around (4, 2)
    visible[3, 0] = False
    assert mean_pose([(joints, visible)], 2)[:2].tolist() == [[0.5, -0.25], [1.0, -0.25]]
    twice = mean_pose([(joints, visible), (2 * joints, visible)], 2)
    np.testing.assert_allclose(twice, mean_pose([(joints, visible)], 2), atol=1e-6)


def test_a_mean_of_nothing_is_refused():
    joints, visible = body((0, 0), (1, 1))
    with pytest.raises(ValueError, match="2 frames"):
        mean_pose([(joints, visible), (joints, ~visible)], 2)


def test_joints_are_found_within_a_share_of_their_frames_own_box():
    joints = np.zeros((3, 13, 2), np.float32)
    joints[0, 1] = (10, 0)  # a box 10 wide
    joints[1, 1] = (0, 20)
    seen = np.zeros((3, 13), bool)
    seen[:2, :2] = True  # of the third frame nothing
    found = joints + np.float32([3, 4])  # 5 pixels off
    found[1, 1] = joints[1, 1]
    assert metrics.joints_found(found, joints, seen) == {"joint_error": (0.5 + 0.5 + 0.25 + 0) / 4, "pck": 0.25}
    assert metrics.joints_found(found, joints, seen, within=0.25)["pck"] == 0.5
    nothing = metrics.joints_found(found, joints, np.zeros_like(seen))
    assert np.isnan(list(nothing.values())).all()
    with pytest.raises(ValueError, match="compared"):
        metrics.joints_found(found[:2], joints, seen)
