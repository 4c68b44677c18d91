"""The order of the joints is one for all: a mirror exchanges sides, and limbs are the body's own."""

import numpy as np
import pytest

from i2vlib.joints import ACTIONS, BONES, JOINTS, MIRRORED, box


def test_a_mirror_exchanges_left_and_right_and_nothing_else() -> None:
    other = {"left": "right", "right": "left"}
    for column, name in enumerate(JOINTS):
        side, _, rest = name.partition("_")
        assert JOINTS[MIRRORED[column]] == (f"{other[side]}_{rest}" if rest else name)


def test_limbs_are_the_same_in_a_mirror() -> None:
    bones = {frozenset(bone) for bone in BONES}
    assert {frozenset(MIRRORED[end] for end in bone) for bone in bones} == bones
    assert {end for bone in bones for end in bone} == set(range(13)) and len(ACTIONS) == 8


def test_a_box_is_around_all_visible_joints_of_all_frames() -> None:
    joints, visible = np.full((2, 13, 2), np.nan, np.float32), np.zeros((2, 13), bool)
    joints[0, 3], joints[1, 5], joints[1, 6] = (1, 2), (7, 6), (100, 100)
    visible[0, 3] = visible[1, 5] = True
    centre, side = box(joints, visible)
    assert centre.tolist() == [4, 4] and side == 6
    assert box(joints[:1], visible[:1])[1] == 1  # of a single joint, a pixel


def test_a_body_of_which_nothing_is_visible_has_no_box() -> None:
    with pytest.raises(ValueError, match="2 frames"):
        box(np.zeros((2, 13, 2)), np.zeros((2, 13), bool))
