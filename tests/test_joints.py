"""The order of the joints is one for all: a mirror exchanges sides, and limbs are the body's own."""

from i2vlib.joints import ACTIONS, BONES, JOINTS, MIRRORED


def test_a_mirror_exchanges_left_and_right_and_nothing_else() -> None:
    other = {"left": "right", "right": "left"}
    for column, name in enumerate(JOINTS):
        side, _, rest = name.partition("_")
        assert JOINTS[MIRRORED[column]] == (f"{other[side]}_{rest}" if rest else name)


def test_limbs_are_the_same_in_a_mirror() -> None:
    bones = {frozenset(bone) for bone in BONES}
    assert {frozenset(MIRRORED[end] for end in bone) for bone in bones} == bones
    assert {end for bone in bones for end in bone} == set(range(13)) and len(ACTIONS) == 8
