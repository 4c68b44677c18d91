"""One clip of one person: its curve, whose coefficients it shows, and the same truth with pictures and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from i2vlib.actors.film import MODES, Order, clip, film, intensity_curve, known_truth, shuffled
from i2vlib.actors.nuisance import Nuisance
from i2vlib.actors.truth import TRUTH
from i2vlib.expressions import EXPRESSIONS

# Curves


@pytest.mark.parametrize("mode", ["onset", "full"])
@pytest.mark.parametrize("frames", [3, 4, 12, 24])
def test_curves_start_neutral_and_reach_a_peak(mode: str, frames: int) -> None:
    for seed in range(60):
        curve = intensity_curve(seed, "happy", mode, frames)
        assert curve.shape == (frames,) and curve.dtype == np.float32
        assert curve[0] == 0 and curve.min() >= 0 and 0.85 <= curve.max() <= 1
        top = int(curve.argmax())
        assert (np.diff(curve[: top + 1]) >= 0).all() and (np.diff(curve[top:]) <= 0).all()
        if mode == "onset":
            assert curve[-1] == curve.max()
        elif frames > 3:
            assert curve[-1] < 0.3 * curve.max()


@pytest.mark.parametrize("frames", [2, 3, 12, 24])
def test_an_incomplete_onset_stops_on_the_way(frames: int) -> None:
    curves = np.stack([intensity_curve(seed, "happy", "incomplete", frames) for seed in range(200)])
    assert (curves[:, 0] == 0).all() and (np.diff(curves) >= 0).all()
    assert 0.35 <= curves.max(1).min() < 0.4 and 0.7 < curves.max(1).max() <= 0.75


@pytest.mark.parametrize("frames", [5, 8, 12, 24, 48])
def test_a_periodic_clip_rises_and_falls_several_times(frames: int) -> None:
    counts = set()
    for seed in range(60):
        curve = intensity_curve(seed, "happy", "periodic", frames)
        assert curve[0] == 0 and curve.min() >= 0 and 0.85 <= curve.max() <= 1 and curve.dtype == np.float32
        turns = np.sign(np.diff(curve))
        turns = turns[turns != 0]
        falls = int(((turns[1:] < 0) & (turns[:-1] > 0)).sum())
        assert falls >= 2 and curve[-1] < 0.3
        counts.add(falls)
    assert counts == ({2, 3} if frames >= 13 else {2})


def test_an_unordered_clip_is_its_onset_shuffled() -> None:
    for seed in range(30):
        onset, mixed = (intensity_curve(seed, "sad", mode, 8) for mode in ("onset", "unordered"))
        assert mixed[0] == 0 and sorted(mixed) == sorted(onset)
    orders = {shuffled(seed, "sad", 8).tobytes() for seed in range(30)}
    assert len(orders) == 30 and all(shuffled(seed, "sad", 3).tolist() == [0, 2, 1] for seed in range(8))
    onset, mixed = (clip(31_001, "happy", mode, 4, 32) for mode in ("onset", "unordered"))
    order = shuffled(31_001, "happy", 4)
    np.testing.assert_array_equal(mixed.frames, onset.frames[order])
    np.testing.assert_array_equal(mixed.landmarks, onset.landmarks[order])
    np.testing.assert_array_equal(mixed.intensity, onset.intensity[order])


def test_two_frames_are_the_neutral_one_and_any_other_of_the_onset() -> None:
    others = []
    for seed in range(200):
        onset, two = (intensity_curve(seed, "sad", mode, n) for mode, n in (("onset", 12), ("two_frames", 2)))
        assert two.shape == (2,) and two[0] == 0 and two[1] in onset[1:]
        others.append(two[1])
    assert min(others) < 0.1 and max(others) > 0.9
    both = clip(31_001, "happy", "two_frames", 2, 32)
    onset = clip(31_001, "happy", frames=12, size=32)
    assert len(both) == 2 and any((both.frames[1] == frame).all() for frame in onset.frames[1:])


def test_a_curve_of_ones_own() -> None:
    onset = clip(31_001, "happy", frames=3, size=32)
    again = clip(31_001, "happy", size=32, intensity=onset.intensity[[2, 0, 1, 0]])
    np.testing.assert_array_equal(again.frames, onset.frames[[2, 0, 1, 0]])
    assert clip(31_001, "happy", size=32, intensity=[0.5]).intensity.tolist() == [0.5]
    for wrong in ([], [0.5, float("nan")], [1.2], [-0.1], [[0.5]]):
        with pytest.raises(ValueError, match="0 to.*1"):
            clip(1, size=32, intensity=wrong)


def test_an_onset_of_two_frames_is_neutral_and_peak() -> None:
    for seed in range(60):
        neutral, peak = intensity_curve(seed, "happy", "onset", 2)
        assert neutral == 0 and 0.85 <= peak <= 1


def test_time_is_not_intensity() -> None:
    line = np.arange(12) / 11
    curves = np.stack([intensity_curve(seed, name) for seed in range(80) for name in ("happy", "angry")])
    assert np.corrcoef(curves.ravel(), np.tile(line, len(curves)))[0, 1] > 0.8
    away = np.abs(curves - line).mean(1)
    assert away.mean() > 0.08 and (away > 0.05).mean() > 0.8
    assert len(np.unique(curves[:, 6].round(3))) > 100
    delayed = (curves[:, 1] < 0.02).mean()
    assert 0.2 < delayed < 0.98


def test_a_clip_gets_another_curve_by_expression_and_mode() -> None:
    modes = [mode for mode in MODES if mode != "two_frames"]
    curves = {intensity_curve(3, name, mode).tobytes() for name in EXPRESSIONS for mode in modes}
    assert len(curves) == len(EXPRESSIONS) * len(modes)


def test_a_clip_refuses_the_same() -> None:
    with pytest.raises(ValueError, match="'smug'"):
        clip(1, "smug")
    with pytest.raises(ValueError, match="16 pixels"):
        clip(1, size=15)


def test_coefficients_of_somebody_else_make_the_retargeted_clip():
    driver = clip(10_001, "happy", frames=3, size=32)
    own = clip(10_002, "happy", frames=3, size=32)
    made = clip(10_002, "happy", size=32, coefficients=driver.blendshapes)
    assert np.array_equal(made.blendshapes, driver.blendshapes) and made.subject == own.subject
    assert np.array_equal(made.frames[0], own.frames[0]) and made.intensity[-1] == pytest.approx(1)
    again = clip(10_002, "happy", size=32, coefficients=own.blendshapes)
    assert np.abs(again.frames.astype(int) - own.frames).mean() < 1  # its creases deepen by its own intensity
    assert np.abs(again.landmarks - own.landmarks).max() < 1e-3


@pytest.mark.parametrize("bad", [np.zeros((2, 51)), np.full((2, 52), np.nan), np.full((1, 52), 1.5), np.zeros((0, 52))])
def test_coefficients_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="[Cc]oefficients"):
        clip(3, "happy", size=16, coefficients=bad)
    with pytest.raises(ValueError, match="not both"):
        clip(3, "happy", size=16, coefficients=np.zeros((2, 52)), intensity=[0, 1])


def test_the_pose_takes_the_head_to_where_it_was_drawn():
    for nuisance in (Nuisance(), Nuisance(drift=5.0)):
        made = clip(10_001, "angry", frames=3, size=32, truth=("pose", "camera"), nuisance=nuisance)
        for pose, camera, points in zip(made.truth["pose"], made.truth["camera"], made.landmarks, strict=True):
            assert np.allclose(pose[:, :3] @ pose[:, :3].T, np.eye(3), atol=1e-5)
            eye = pose[:, :3] @ [0, -0.1, 0.7284] + pose[:, 3]
            image = camera @ [*eye, 1]
            assert np.abs(image[:2] / image[2] - points[36:48].mean(0)).max() < 4
        moved = np.ptp(made.truth["pose"], axis=0).max()
        assert (moved > 1e-3) == bool(nuisance.drift)


@pytest.mark.parametrize("driver", [None, 31_002])
@pytest.mark.parametrize("mode", ["onset", "full"])
def test_the_truth_alone_is_that_of_the_pictures(mode: str, driver: int | None, head: object) -> None:
    everything = Nuisance(blinks=3, gaze=5, drift=4, noise=2)
    order = Order(31_001, "happy", mode, 4, 32, TRUTH, everything, driver)
    made, alone = film(order).truth, known_truth(order)
    assert tuple(alone) == tuple(made) == TRUTH
    for name, value in alone.items():
        np.testing.assert_array_equal(value, made[name], err_msg=name)


def test_an_order_is_the_clip_with_the_same_arguments(head: object) -> None:
    order = Order(31_001, "angry", "full", 3, 32, nuisance=Nuisance(drift=4, noise=2))
    made = clip(31_001, "angry", "full", 3, 32, nuisance=order.nuisance)
    for other, same in ((order, True), (replace(order, nuisance=Nuisance()), False)):
        assert np.array_equal(film(other).frames, made.frames) == same


def test_a_driver_shows_its_own_peaks_and_curve(head: object) -> None:
    driver = film(Order(31_002, "happy", "full", 4, 32))
    shown = film(Order(31_001, "happy", "full", 4, 32, driver=31_002))
    np.testing.assert_array_equal(shown.blendshapes, driver.blendshapes)
    assert shown.subject == "actor-31001"
    own = film(Order(31_001, "happy", "full", 4, 32))
    np.testing.assert_array_equal(film(Order(31_001, "happy", "full", 4, 32, driver=31_001)).frames, own.frames)
