"""Bones keep their lengths, limbs reach what they are told to, and left is left."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib.joints import ACTIONS, BONES, JOINTS
from i2vlib.performers import motion
from i2vlib.performers.actions import STANDING
from i2vlib.performers.body import BONES as BONE_NAMES
from i2vlib.performers.people import Performer, performer
from i2vlib.performers.skeleton import CHANNELS

#: Links between joints that are one bone each: what a rigid body keeps.
RIGID = [(1, 3), (3, 5), (2, 4), (4, 6), (7, 8), (7, 9), (9, 11), (8, 10), (10, 12)]


@pytest.fixture(scope="module")
def who(body: object) -> Performer:
    return performer(31_001)


def posed(who: Performer, **changes: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bones of one pose and its joints ``(13, 3)``, forwards, left and up."""
    pose = {name: np.array([values], float) for name, values in {**STANDING, **changes}.items()}
    turns, places = who.skeleton.posed(pose)
    joints = who.skeleton.joints(turns, places)[0]
    return turns, places, np.stack([-joints[:, 1], joints[:, 0], joints[:, 2]], 1)


def named(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[JOINTS.index(name)]


@pytest.mark.parametrize("action", ACTIONS)
def test_bones_keep_their_lengths(who: Performer, action: str) -> None:
    joints = who.skeleton.joints(*who.skeleton.posed(motion.motion_of(31_001, action, 90)))
    for a, b in RIGID:
        length = np.linalg.norm(joints[:, a] - joints[:, b], axis=1)
        assert 0.15 < length[0] < 0.6
        np.testing.assert_allclose(length, length[0], atol=1e-9)


def test_who_stands_stands_upright_with_the_left_on_the_left(who: Performer) -> None:
    _, _, joints = posed(who)
    assert named(joints, "head")[2] > named(joints, "left_shoulder")[2] > named(joints, "left_hip")[2]
    assert named(joints, "left_hip")[2] > named(joints, "left_knee")[2] > named(joints, "left_ankle")[2] > 0.03
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert named(joints, f"left_{part}")[1] > 0.05 and named(joints, f"right_{part}")[1] < -0.05
    # Knees bend forwards and elbows back.
    assert named(joints, "left_knee")[0] > min(named(joints, "left_ankle")[0], named(joints, "left_hip")[0])
    assert named(joints, "left_elbow")[0] < named(joints, "left_shoulder")[0]


def test_a_hand_goes_where_it_is_told_to(who: Performer) -> None:
    low, high = (named(posed(who, left_hand=(0.3, 0.4, up))[2], "left_wrist") for up in (-0.5, 0.3))
    np.testing.assert_allclose(high[1:] - low[1:], [0, 0.8 * who.skeleton.arm], atol=0.06)
    still = named(posed(who, left_hand=(0.3, 0.4, 0.3))[2], "right_wrist")
    np.testing.assert_allclose(still, named(posed(who)[2], "right_wrist"), atol=1e-9)


def test_the_pelvis_turns_left_for_a_positive_yaw_and_the_feet_stay(who: Performer) -> None:
    _, before, _ = posed(who)
    _, after, joints = posed(who, turn=(40, 0, 0))
    assert named(joints, "left_hip")[0] < 0 < named(joints, "right_hip")[0]
    names = [i for i, name in enumerate(BONE_NAMES) if name.startswith(("foot", "toes"))]
    np.testing.assert_allclose(after[:, names], before[:, names], atol=1e-9)


def test_what_is_out_of_reach_is_reached_for(who: Performer) -> None:
    _, _, joints = posed(who, right_hand=(9, -0.4, 0))
    arm = np.linalg.norm(named(joints, "right_wrist") - named(joints, "right_shoulder"))
    assert 0.99 * who.skeleton.arm < arm <= who.skeleton.arm


def test_a_mirrored_motion_is_the_other_hands(who: Performer) -> None:
    pose = motion.motion_of(31_001, "tennis_serve", 20)
    twice = motion.mirrored(motion.mirrored(pose))
    assert set(pose) == set(CHANNELS)
    for name in CHANNELS:
        np.testing.assert_array_equal(twice[name], pose[name])
    one, other = (who.skeleton.joints(*who.skeleton.posed(each)) for each in (pose, motion.mirrored(pose)))
    right, left = JOINTS.index("right_wrist"), JOINTS.index("left_wrist")
    np.testing.assert_allclose(one[:, right] * [-1, 1, 1], other[:, left], atol=0.02)


@pytest.mark.parametrize("action", ACTIONS)
def test_planted_feet_do_not_slide(who: Performer, action: str) -> None:
    """The ball of a foot that is on the floor now and in the next frame stays where it is, to a millimetre."""
    pose = motion.motion_of(31_001, action, 120)
    _, places = who.skeleton.posed(pose)
    for side, name in (("L", "left"), ("R", "right")):
        foot = pose[f"{name}_foot"]
        planted = (np.abs(np.diff(foot[:, :2], axis=0)).max(1) < 1e-9) & (foot[1:, 2] < 1e-9) & (foot[:-1, 2] < 1e-9)
        ball = places[:, BONE_NAMES.index(f"toes.{side}")]
        slid = np.linalg.norm(np.diff(ball, axis=0), axis=1)[planted]
        assert planted.mean() > 0.05 and slid.max() < 0.001


def test_nothing_goes_through_the_floor(who: Performer) -> None:
    for action in ACTIONS:
        points = who.skinned(*who.skeleton.posed(motion.motion_of(31_001, action, 12)))
        assert points[..., 2].min() > -0.05


def test_limbs_of_the_drawing_are_among_the_bones() -> None:
    assert {(min(pair), max(pair)) for pair in RIGID} <= {(min(pair), max(pair)) for pair in BONES}
