"""What is read off the pixels, against values worked by hand."""

import numpy as np
import pytest

from i2vlib import metrics
from tests.metrics.pictures import frame


def test_psnr_by_hand():
    assert metrics.psnr(frame(100), frame(110)) == pytest.approx(20 * np.log10(25.5))
    assert metrics.psnr(frame(0), frame(255)) == 0
    assert metrics.psnr(frame(7), frame(7)) == float("inf")
    with pytest.raises(ValueError, match="16"):
        metrics.psnr(frame(0), frame(0, 8))


def test_moving_region_is_what_changes_and_a_little_more():
    neutral = frame(100, 128)
    real = neutral.copy()
    real[40:50, 60:80] += 20
    real[100:, :] += 10  # 0.04 of the range: under the threshold
    region = metrics.moving_region(real, neutral)
    grown = np.zeros((128, 128), bool)
    grown[38:52, 58:82] = True
    assert np.array_equal(region, grown)
    both = metrics.moving_region(np.stack([neutral, real]), neutral)
    assert not both[0].any() and np.array_equal(both[1], grown)


def test_moving_region_grows_with_the_size():
    for size, border in ((32, 1), (64, 1), (128, 2), (256, 4)):
        neutral = frame(0, size)
        real = neutral.copy()
        real[size // 2, size // 2] = 255
        assert metrics.moving_region(real, neutral).sum() == (2 * border + 1) ** 2


def test_moving_error_and_ratio_by_hand():
    neutral, real = frame(100, 64), frame(100, 64)
    real[20:40] = 200
    halfway = real.copy()
    halfway[20:40] = 150
    region = metrics.moving_region(real, neutral)
    assert metrics.moving_error(halfway, real, np.s_[20:40]) == pytest.approx(50 / 255)
    assert metrics.moving_ratio(halfway, real, neutral) == pytest.approx(0.5)
    assert metrics.moving_ratio(neutral, real, neutral) == pytest.approx(1)
    assert metrics.moving_ratio(real, real, neutral) == 0
    outside = real.copy()
    outside[50:] = 0
    assert not region[50:].any() and metrics.moving_ratio(outside, real, neutral) == 0


def test_nothing_moves_is_nan():
    still = np.stack([frame(9)] * 3)
    assert np.isnan(metrics.moving_ratio(still[0], still[0], still[0]))
    assert np.isnan(metrics.motion(still, still))
    assert np.isnan(metrics.moving_error(still, still, np.zeros(still.shape[:3], bool)))


def test_motion_is_not_fooled_by_an_error_that_all_frames_share():
    real = np.stack([frame(100, 64)] * 3)
    real[1, 20:40], real[2, 20:40] = 150, 200
    assert metrics.motion(real, real) == pytest.approx(1)
    assert metrics.motion(real + np.uint8(30), real) == pytest.approx(1)
    half = real.copy()
    half[2, 20:40] = 150
    assert metrics.motion(half, real) == pytest.approx(0.5)
    assert metrics.motion(np.repeat(real[2:], 3, 0), real) == 0
    assert metrics.motion(half, real, peak=1) == pytest.approx(1)


def test_sharpness_by_hand():
    stripes = frame(0)
    stripes[:, ::2] = 255
    inner = np.zeros((16, 16), bool)
    inner[1:-1, 1:-1] = True
    # Each pixel differs from both neighbours in its row by 1: the Laplacian is +2 or -2, its variance 4.
    assert metrics.sharpness(stripes, inner) == pytest.approx(4)
    assert metrics.sharpness(frame(80)) == 0
    ramp = np.repeat(np.arange(16, dtype=np.uint8)[None, :, None] * 10, 16, 0).repeat(3, 2)
    assert metrics.sharpness(ramp, inner) == pytest.approx(0, abs=1e-12)
    assert np.isnan(metrics.sharpness(stripes, np.zeros((16, 16), bool)))


def test_flicker_is_the_second_difference_over_the_real_clips():
    ramp = np.arange(6, dtype=np.uint8)[:, None, None, None] * 10 + np.zeros((6, 8, 8, 3), np.uint8)
    bent = ramp.copy()
    bent[3] += 4
    trembling = ramp.copy()
    trembling[1::2] += 8
    assert np.isnan(metrics.flicker(bent, ramp))  # what moves evenly has no second difference to divide by
    assert metrics.flicker(bent, bent) == 1
    assert metrics.flicker(trembling, bent) == pytest.approx((4 * 16 / 4) / ((4 + 8 + 4) / 4))


def test_normals_are_compared_by_angle_where_both_maps_show_the_head():
    wanted = np.zeros((4, 4, 3), np.int8)
    wanted[:3, :, 2] = -127
    found = np.zeros((4, 4, 3), np.int8)
    found[1:] = (0, 90, -90)
    found[1, 0] = (0, 0, -64)  # the length does not matter
    assert metrics.normal_error(wanted, wanted) == pytest.approx(0, abs=1e-3)
    assert metrics.normal_error(found, wanted) == pytest.approx(45 * 7 / 8)
    assert np.isnan(metrics.normal_error(wanted[:1], wanted[3:]))


def test_static_pixels_are_those_the_real_clip_leaves_alone():
    real = np.full((3, 8, 8, 3), 100, np.uint8)
    real[1:, :4] = 160
    made = real.copy()
    made[:, :4] = 0
    assert metrics.static_change(made, real) == 0
    made[2, 4:] += 3
    assert metrics.static_change(made, real) == pytest.approx(1)


def test_mask_iou_by_hand():
    mask, region = np.zeros((4, 4)), np.zeros((4, 4), bool)
    mask[:2], region[1:3] = 0.9, True
    assert metrics.mask_iou(mask, region) == pytest.approx(4 / 12)
    assert metrics.mask_iou(region.astype(float), region) == 1
    assert np.isnan(metrics.mask_iou(np.full((4, 4), np.nan), region))
