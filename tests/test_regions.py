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


def test_the_outline_is_a_band_along_the_jaw_from_ear_to_ear():
    points = np.zeros((68, 2))
    turn = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([64 + 40 * np.cos(turn), 50 + 40 * np.sin(turn)], 1)  # half a circle below y = 50
    band = regions.outline(points, 128)
    y, x = np.mgrid[:128, :128] + 0.5
    off = np.abs(np.hypot(x - 64, y - 50) - 40)
    assert band[(off < 3) & (y > 51)].all() and not band[(off > 5) | (y < 50)].any()
    with pytest.raises(ValueError, match="finite landmarks"):
        regions.outline(np.full((68, 2), np.nan), 128)


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
    with pytest.raises(ValueError, match="face"):
        draw(np.full((68, 2), np.nan), 64)
    with pytest.raises(ValueError, match="another shape"):
        draw(np.zeros((5, 2)), 64)


def test_brows_have_two_parts_above_the_eyes():
    points = np.zeros((68, 2))
    points[17:22] = [[20, 34], [26, 30], [32, 29], [38, 30], [44, 33]]
    points[22:27] = points[17:22] + [60, 0]
    mask = regions.brows(points, 128)
    assert mask[31, 30] and mask[31, 95] and not mask[31, 62] and not mask[:20].any() and not mask[45:].any()


# Where an expression may act


def upright(size: float = 100.0) -> np.ndarray:
    """Landmarks of a face in the book's crop, by hand: a jaw, brows, a nose, eyes, a mouth."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([0.5 + 0.42 * np.cos(turn), 0.35 + 0.55 * np.sin(turn)], 1)
    brows = [[x, 0.2] for x in (0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.65, 0.7, 0.75, 0.8)]
    nose = [[0.5, y] for y in (0.3, 0.38, 0.46, 0.54)] + [[x, 0.58] for x in (0.42, 0.46, 0.5, 0.54, 0.58)]
    eyes = [ring((x, 0.31), 0.05, 6) for x in (0.32, 0.68)]
    mouth = [ring((0.5, 0.74), radius, count) for radius, count in ((0.12, 12), (0.06, 8))]
    return np.concatenate([jaw, brows, nose, *eyes, *mouth]) * size


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        ("mouth", [(50, 74), (40, 70), (50, 85)], [(32, 31), (68, 31), (50, 10), (50, 45)]),
        ("eyes", [(32, 31), (68, 31), (30, 20)], [(50, 74), (50, 58), (50, 95)]),
        ("left", [(32, 31), (10, 74)], [(68, 31), (90, 74)]),
        ("right", [(68, 31), (90, 74)], [(32, 31), (10, 74)]),
    ],
)
def test_an_expression_acts_where_the_name_says(region, inside, outside):
    mask = regions.acting(region, upright(), 100)
    assert mask.dtype == np.float32 and mask.shape == (100, 100) and mask.min() >= 0 and mask.max() <= 1
    assert all(mask[y, x] > 0.95 for x, y in inside) and all(mask[y, x] < 0.05 for x, y in outside)
    assert np.abs(np.diff(mask, axis=0)).max() < 0.2 and np.abs(np.diff(mask, axis=1)).max() < 0.2, "its edge is soft"


def test_left_and_right_are_the_pictures_and_make_a_whole_also_of_a_tilted_face():
    turn = np.radians(20)
    tilted = (upright() - 50) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + 50
    left, right = (regions.acting(side, tilted, 100) for side in ("left", "right"))
    assert np.allclose(left + right, 1, atol=1e-5)
    seen = np.round(tilted).astype(int)
    one, other = seen[36:42].mean(0).astype(int), seen[42:48].mean(0).astype(int)
    assert one[0] < other[0] and left[one[1], one[0]] > 0.9 and right[other[1], other[0]] > 0.9
    assert left[seen[8, 1] - 3, seen[8, 0]] == pytest.approx(0.5, abs=0.25)  # the chin


def test_a_mask_of_ones_own_is_resampled_and_not_softened():
    mask = np.zeros((4, 4))
    mask[:, 2:] = 1
    assert np.array_equal(regions.acting(mask, None, 4), mask.astype(np.float32))
    assert np.array_equal(regions.acting(mask, None, 8), np.kron(mask, np.ones((2, 2))))
    assert np.array_equal(regions.acting(mask[:, 1:3][:2], None, 1), [[0.5]])
    assert np.array_equal(regions.acting(mask.astype(bool), None, 2), [[0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("nose", r"acts in one of \('mouth', 'eyes', 'left', 'right'\), or in a mask .*; given was 'nose'"),
        (np.ones((4, 5)), r"A mask is square, \(H, W\), as the face is; this one has the shape \(4, 5\)"),
        (np.ones((4, 4, 3)), r"the shape \(4, 4, 3\)"),
        (np.zeros((0, 0)), r"the shape \(0, 0\)"),
        (np.full((4, 4), 1.5), "numbers from 0, where nothing may change, to 1; this one holds others"),
        (np.full((4, 4), np.nan), "this one holds others"),
        ([["a"]], "A mask is an array"),
        (7, r"the shape \(\)"),
    ],
)
def test_what_is_no_region_is_refused(region, said):
    with pytest.raises(ValueError, match=said):
        regions.acting(region, upright(), 100)
    with pytest.raises(ValueError, match="face"):
        regions.acting("mouth", np.full((68, 2), np.nan), 100)
