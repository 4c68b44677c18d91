"""Regions: where a face moves, and the masks of its parts."""

import numpy as np
import pytest
import torch

from i2vlib import regions


def ring(centre: tuple[float, float], radius: float, count: int) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], 1)


# What moves


@pytest.mark.parametrize(("size", "border"), [(16, 1), (64, 1), (96, 2), (128, 2), (256, 4)])
def test_what_moves_is_grown_by_a_sixty_fourth_of_the_side(size, border):
    neutral = torch.zeros(1, 3, size, size)
    frames = torch.zeros(1, 2, 3, size, size)
    frames[0, 1, :, size // 2, size // 2] = 1
    region = regions.moving(frames, neutral)
    assert region.shape == (1, 2, 1, size, size) and not region[0, 0].any()
    around = slice(size // 2 - border, size // 2 + border + 1)
    assert region[0, 1, 0, around, around].all() and region.sum() == (2 * border + 1) ** 2


def test_a_pixel_moves_from_six_per_cent_of_the_full_range_on():
    """Frames lie in [-1, 1], so that is a change of 0.12, as a mean over the channels."""
    neutral = torch.full((1, 3, 8, 8), -0.5)
    frames = neutral[:, None].repeat(1, 3, 1, 1, 1)
    frames[0, 0] += 0.119
    frames[0, 1] -= 0.121
    frames[0, 2, 0] += 3 * 0.121  # one channel alone
    assert [region.mean().item() for region in regions.moving(frames, neutral)[0]] == [0, 1, 1]


def test_a_pixel_that_changes_by_just_so_much_does_not_move():
    neutral = torch.zeros(1, 3, 8, 8)
    just = torch.full((1, 1, 3, 8, 8), 0.12)
    assert just.mean(2).eq(2 * regions.MOVED).all() and not regions.moving(just, neutral).any()


# Hulls


def test_a_hull_is_what_lies_between_its_points_and_grows_outwards():
    square = np.array([[10, 10], [20, 10], [20, 20], [10, 20], [15, 15.0]])
    wanted = np.zeros((32, 32), bool)
    wanted[10:20, 10:20] = True
    assert np.array_equal(regions.hull([square], 32), wanted)
    wanted[9:21, 9:21] = True
    assert np.array_equal(regions.hull([square], 32, 0.6), wanted)
    other = regions.hull([square, square + 11], 32)
    assert other.sum() == 200 and not other[12, 25]


def test_mouth_mask_is_the_filled_hull():
    points = np.zeros((68, 2))
    points[48:68] = np.concatenate([ring((64, 90), 20, 12), ring((64, 90), 5, 8)])
    mask = regions.mouth(points, 128)
    y, x = np.mgrid[:128, :128] + 0.5
    distance = np.hypot(x - 64, y - 90)
    assert mask.shape == (128, 128) and mask.dtype == bool
    assert mask[distance < 19].all()  # the inside of an open mouth is in it
    assert not mask[distance > 24].any()


def test_eye_mask_has_two_parts_and_leaves_the_nose_out():
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = ring((40, 40), 6, 6), ring((90, 40), 6, 6)
    mask = regions.eyes(points, 128)
    assert mask[40, 40] and mask[40, 90] and not mask[40, 65]


def test_closed_lips_and_points_outside_still_give_a_mask():
    points = np.zeros((68, 2))
    points[48:68] = np.stack([np.linspace(20, 60, 20), np.full(20, 30.5)], 1)
    line = regions.mouth(points, 64)
    assert line[30, 21:59].all() and not line[:26].any() and not line[35:].any()
    points[48:68] += [40, 0]
    assert regions.mouth(points, 64)[30, 61]
    points[48:68] = 32.0
    assert 0 < regions.mouth(points, 64).sum() < 30
    points[48:68] = ring((200, 200), 9, 20)
    assert not regions.mouth(points, 64).any()


@pytest.mark.parametrize("draw", [regions.mouth, regions.eyes, regions.brows])
def test_masks_refuse_what_was_not_found(draw):
    with pytest.raises(ValueError, match="no face was found"):
        draw(np.full((68, 2), np.nan), 64)
    with pytest.raises(ValueError, match="another shape"):
        draw(np.zeros((5, 2)), 64)


def test_brows_have_two_parts_above_the_eyes():
    points = np.zeros((68, 2))
    points[17:22] = [[20, 34], [26, 30], [32, 29], [38, 30], [44, 33]]
    points[22:27] = points[17:22] + [60, 0]
    mask = regions.brows(points, 128)
    assert mask[31, 30] and mask[31, 95] and not mask[31, 62] and not mask[:20].any() and not mask[45:].any()
