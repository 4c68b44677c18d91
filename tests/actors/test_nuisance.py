"""Blinks, wandering eyes, a drifting head and noise: off by default, by seed, and known to the truth."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib.actors import head, mesh, nuisance, people
from i2vlib.actors.film import Order, take_of
from i2vlib.actors.scene import project
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.datasets.actors import Nuisance
from i2vlib.expressions import BLENDSHAPES


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clip(frames: int = 8, **options: object) -> Clip:
    return actors.clip(31_001, "happy", "onset", frames, 48, nuisance=Nuisance(**options))


@pytest.fixture(scope="module")
def quiet() -> Clip:
    return actors.clip(31_001, "happy", "onset", 8, 48)


def test_nothing_is_on_by_default(quiet: Clip) -> None:
    assert Nuisance() == Nuisance(0, 0, 0, 0) and Nuisance().words() == ""
    np.testing.assert_array_equal(clip().frames, quiet.frames)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["blinks", "gaze", "drift", "noise"])
def test_wrong_amounts(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"finite number, 0 or more; {name} is"):
        Nuisance(**{name: value})


def test_every_nuisance_has_a_folder_of_its_own() -> None:
    settings = [{}, {"blinks": 0.5}, {"blinks": 0.25}, {"gaze": 4}, {"drift": 4}, {"noise": 4}]
    folders = {actors.Actors(nuisance=Nuisance(**one)).folder.name for one in settings}
    assert len(folders) == 6 and f"actors-v{actors.RENDERER_VERSION}-128px-12f-onset-blinks0.5" in folders


# Blinks


def test_blinks_come_at_their_rate_and_close_the_eyes() -> None:
    curve = nuisance.blinks(rng(), 60_000, 100.0, 0.4)
    starts = (curve[1:] > 0) & (curve[:-1] == 0)
    assert starts.sum() / 600 == pytest.approx(0.4, rel=0.2)
    assert curve.min() == 0 and 0.95 < curve.max() <= 1 and curve.dtype == np.float32
    assert (curve > 0).mean() == pytest.approx(0.4 * 0.3, rel=0.25)


def test_a_blink_is_in_the_coefficients_and_the_face(quiet: Clip) -> None:
    made = clip(blinks=6.0)
    lid = BLENDSHAPES.index("eyeBlinkLeft")
    closed = made.blendshapes[:, lid]
    assert closed[0] == 0 and closed.max() > 0.6 and (made.blendshapes <= 1).all()
    others = [i for i, name in enumerate(BLENDSHAPES) if "Blink" not in name]
    np.testing.assert_array_equal(made.blendshapes[:, others], quiet.blendshapes[:, others])
    height = lambda one: one.landmarks[:, 41, 1] - one.landmarks[:, 37, 1]  # noqa: E731
    peak = int(closed.argmax())
    assert height(made)[peak] < 0.6 * height(quiet)[peak]
    np.testing.assert_array_equal(made.frames[closed == 0], quiet.frames[closed == 0])
    np.testing.assert_array_equal(made.landmarks[:, 48:], quiet.landmarks[:, 48:])
    assert (made.intensity == quiet.intensity).all()


def test_a_blink_closes_only_what_is_open() -> None:
    coefficients = np.zeros((2, 52), np.float32)
    lid = BLENDSHAPES.index("eyeBlinkRight")
    coefficients[:, lid] = [0.5, 1]
    blinking = nuisance.with_eyes(coefficients, np.array([0.5, 0.5]), np.zeros((2, 2)))
    assert blinking[:, lid].tolist() == [0.75, 1]
    assert coefficients[0, lid] == 0.5


# Gaze


def test_eyes_jump_rest_and_start_straight() -> None:
    curve = nuisance.gaze(rng(), 20_000, 12.0, 4.0)
    assert (curve[0] == 0).all() and np.abs(curve).max(0).tolist() <= [nuisance.ACROSS, nuisance.UPRIGHT]
    assert curve[:, 0].std() == pytest.approx(4, rel=0.1) and curve[:, 1].std() == pytest.approx(2, rel=0.1)
    assert (np.diff(curve[:, 0]) != 0).mean() == pytest.approx(1 / 6, rel=0.1)


@pytest.mark.parametrize(("looking", "axis"), [((6.0, 0.0), 0), ((0.0, 5.0), 2), ((-6.0, 0.0), 0), ((0.0, -5.0), 2)])
def test_both_eyes_turn_by_as_many_degrees_as_they_should(looking: tuple[float, float], axis: int) -> None:
    head = mesh.canvas().head
    values = nuisance.with_eyes(np.zeros((1, 52), np.float32), np.zeros(1), np.array([looking]))[0]
    moved = head.template + np.tensordot(values, head.facial, 1)
    ball = np.unique(head.quads[head.part == mesh.EYES])
    for side in (-1, 1):
        rows = ball[head.template[ball, 0] * side > 0]
        before, after = (points[rows] - points[rows].mean(0) for points in (head.template, moved))
        left, _, right = np.linalg.svd(before.T @ after)
        # The best rotation of the eyeball takes the straight look, (0, -1, 0), to its column.
        towards = (left @ right).T @ [0, -1, 0]
        angle = np.degrees(np.arcsin(towards[axis]))
        assert angle == pytest.approx(looking[axis // 2], rel=0.2)


def test_gaze_adds_to_an_expression_that_looks_itself() -> None:
    coefficients = np.zeros((1, 52), np.float32)
    up, down = (BLENDSHAPES.index(f"eyeLook{way}Left") for way in ("Up", "Down"))
    coefficients[0, up] = 0.4 * nuisance.UPRIGHT / head.LOOK_UP
    lower = nuisance.with_eyes(coefficients, np.zeros(1), np.array([[0, -nuisance.UPRIGHT]]))
    assert lower[0, up] == 0 and lower[0, down] == pytest.approx(0.6)


# Drift


def test_drift_is_slow_and_starts_at_rest() -> None:
    curve = nuisance.drift(rng(), 1200, 12.0, 3.0)
    assert (curve[0] == 0).all() and np.abs(np.diff(curve, axis=0)).max() < 3 * 2 * 2 * np.pi * 0.6 / 12
    spread = np.mean([nuisance.drift(rng(i), 1200, 12.0, 3.0).std(0) for i in range(20)], 0)
    np.testing.assert_allclose(spread, [3, 3, 1.5], rtol=0.25)
    turns = nuisance.rotations(curve[:20])
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (20, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(turns[0], np.eye(3), atol=1e-7)


def test_landmarks_and_depth_drift_with_the_head(quiet: Clip) -> None:
    made = actors.clip(31_001, "happy", "onset", 8, 48, truth=("camera", "depth"), nuisance=Nuisance(drift=4))
    np.testing.assert_array_equal(made.frames[0], quiet.frames[0])
    np.testing.assert_array_equal(made.landmarks[0], quiet.landmarks[0])
    np.testing.assert_array_equal(made.truth["camera"], quiet.truth["camera"])
    moved = np.linalg.norm(made.landmarks - quiet.landmarks, axis=-1).mean(1)
    assert moved[1:].max() > 0.5 and (np.diff(moved) < 2).all()
    take = take_of(Order(31_001, "happy", frames=8, size=48, nuisance=Nuisance(drift=4)))
    stage, turns = take.stage(), take.turns
    corners = mesh.landmark_rows() @ stage.head(float(made.intensity[7]), None, turns[7])
    np.testing.assert_allclose(project(stage.camera, corners), made.landmarks[7], atol=1e-4)
    nose = np.floor(made.landmarks[7, 29]).astype(int)
    far = corners[29] @ stage.camera[2, :3] + stage.camera[2, 3]
    assert made.truth["depth"][7][nose[1], nose[0]] == pytest.approx(far, abs=0.005)


# Noise


def test_noise_has_its_level_and_leaves_the_truth(quiet: Clip) -> None:
    made = clip(noise=3.0)
    away = made.frames.astype(int) - quiet.frames
    middle = (quiet.frames > 20) & (quiet.frames < 235)
    assert away[middle].std() == pytest.approx(3, rel=0.05) and abs(away[middle].mean()) < 0.1
    np.testing.assert_array_equal(made.landmarks, quiet.landmarks)
    np.testing.assert_array_equal(made.blendshapes, quiet.blendshapes)


def test_the_same_seed_gives_the_same_nuisance() -> None:
    options = {"blinks": 2.0, "gaze": 5.0, "drift": 3.0, "noise": 2.0}
    one = clip(3, **options)
    people.person.cache_clear()
    np.testing.assert_array_equal(one.frames, clip(3, **options).frames)
    other = actors.clip(31_001, "happy", "incomplete", 3, 48, nuisance=Nuisance(**options))
    assert np.abs(one.frames[0].astype(int) - other.frames[0]).max() > 0
