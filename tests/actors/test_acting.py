"""Clips that start from a still which is not neutral, and muscles that start one after another."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib.actors import acting, mesh
from i2vlib.actors.film import Order, film, peak_coefficients, pose, take_of
from i2vlib.actors.people import own_gains
from i2vlib.actors.scene import KEYS
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.datasets.actors import Nuisance
from i2vlib.expressions import BLENDSHAPES, EXPRESSIONS, taken_over

INDEX = {name: index for index, name in enumerate(BLENDSHAPES)}
SEED = 31_003


def clip(expression: str = "surprised", curve: tuple[float, ...] = (0, 0.4, 1), **options: float) -> Clip:
    return actors.clip(
        SEED, expression, size=64, intensity=curve, cast="lifelike", truth="all", nuisance=Nuisance(**options)
    )


def test_a_start_is_not_neutral_has_intensity_0_and_ends_at_the_peak() -> None:
    plain, made = clip(), clip(starts=1)
    assert made.intensity.tolist() == plain.intensity.tolist() and made.intensity[0] == 0
    assert made.blendshapes[0].max() > 0.1 and (plain.blendshapes[0] == 0).all()
    assert np.abs(made.landmarks[0] - plain.landmarks[0]).max() > 0.5
    assert (made.blendshapes >= 0).all() and (made.blendshapes <= 1).all()
    taken = taken_over("surprised")
    np.testing.assert_allclose(made.blendshapes[-1][taken], plain.blendshapes[-1][taken], atol=1e-6)
    kept = np.maximum(made.blendshapes[0], plain.blendshapes[-1])[~taken]
    np.testing.assert_allclose(made.blendshapes[-1][~taken], kept, atol=1e-6)


def test_the_first_frame_of_a_start_is_what_flow_leads_to() -> None:
    made = clip(starts=1, stagger=0.5)
    assert not made.truth["flow_to_first"][0].any()
    there = made.truth["parts"][0] > 0
    assert made.truth["seen_in_first"][0][there].mean() > 0.97
    # Landmarks inside the face: the flow at them is the way back to where they were.
    for index in (21, 22, 27, 30, 33):
        column, row = np.floor(made.landmarks[2, index]).astype(int)
        back = made.landmarks[0, index] - made.landmarks[2, index]
        np.testing.assert_allclose(made.truth["flow_to_first"][2, row, column], back, atol=0.7)


def test_a_share_of_clips_starts_from_a_still_of_any_kind() -> None:
    turn = np.eye(3)
    first = [acting.opening(np.random.default_rng(i), 0.5, turn) for i in range(600)]
    assert np.mean([one.any() for one in first]) == pytest.approx(0.5 * (1 - acting.CHANCES[0]), abs=0.06)
    some = np.stack(first)
    for name in ("jawOpen", "mouthSmileLeft", "eyeSquintRight", "browInnerUp", "mouthFunnel", "eyeBlinkLeft"):
        assert some[:, INDEX[name]].max() > 0.15
    assert not any(acting.opening(np.random.default_rng(i), 0.0, turn).any() for i in range(20))


def test_stills_look_into_the_camera() -> None:
    turn = next(pose(seed, "happy", "lifelike") for seed in range(31_000, 31_100) if _yaw(seed) > 8)
    rest = [acting.opening(np.random.default_rng(i), 1, turn) for i in range(60)]
    looking = np.array([one[INDEX["eyeLookInRight"]] - one[INDEX["eyeLookOutRight"]] for one in rest])
    assert (np.abs(looking) > 0.4).mean() == pytest.approx(acting.FACING, abs=0.12)
    head = mesh.canvas().head
    face = next(one for one in rest if abs(one[INDEX["eyeLookInRight"]] - one[INDEX["eyeLookOutRight"]]) > 0.4)
    gaze = np.zeros(52)
    for name in ("eyeLookInLeft", "eyeLookOutLeft", "eyeLookInRight", "eyeLookOutRight"):
        gaze[INDEX[name]] = face[INDEX[name]]
    ball = np.unique(head.quads[head.part == mesh.EYES])
    ball = ball[head.template[ball, 0] > 0]
    before = head.template[ball] - head.template[ball].mean(0)
    after = head.template[ball] + np.tensordot(gaze, head.facial[:, ball], 1)
    left, _, right = np.linalg.svd(before.T @ (after - after.mean(0)))
    seen = turn @ (left @ right).T @ [0, -1, 0]
    assert abs(np.degrees(np.arcsin(seen[0]))) < 2.5


def _yaw(seed: int) -> float:
    turn = pose(seed, "happy", "lifelike")
    return float(np.degrees(np.arctan2(turn[0, 1], turn[0, 0])))


def test_muscles_rise_one_after_another_and_all_arrive() -> None:
    curve, peak = np.linspace(0, 1, 41), peak_coefficients(SEED, "happy")
    risen = acting.rises(np.random.default_rng(3), 0.8, curve, peak)
    assert (risen[0] == 0).all() and (risen[-1] == 1).all() and (np.diff(risen, axis=0) >= 0).all()
    halves = np.argmax(risen >= 0.5, 0)
    assert np.ptp(halves) > 8
    left = [index for name, index in INDEX.items() if name.endswith("Left")]
    right = [INDEX[BLENDSHAPES[index].removesuffix("Left") + "Right"] for index in left]
    assert np.abs(risen[:, left] - risen[:, right]).max() < 0.2
    np.testing.assert_allclose(risen @ peak / peak.sum(), curve, atol=0.01)
    even = acting.rises(np.random.default_rng(3), 0.0, curve, peak)
    np.testing.assert_allclose(even, np.repeat(curve[:, None], 52, 1), atol=1e-6)


def test_an_uneven_clip_reaches_the_peak_and_is_drawn_from_its_coefficients() -> None:
    plain, made = clip("happy"), clip("happy", stagger=0.8)
    np.testing.assert_allclose(made.blendshapes[[0, 2]], plain.blendshapes[[0, 2]], atol=1e-6)
    assert np.abs(made.blendshapes[1] - plain.blendshapes[1]).max() > 0.08
    np.testing.assert_allclose(made.landmarks[[0, 2]], plain.landmarks[[0, 2]], atol=0.01)
    assert np.abs(made.landmarks[1] - plain.landmarks[1]).max() > 0.15
    again = actors.clip(SEED, "happy", size=64, coefficients=made.blendshapes, cast="lifelike", truth="all")
    np.testing.assert_allclose(again.landmarks, made.landmarks, atol=0.01)
    np.testing.assert_allclose(again.truth["flow_to_first"], made.truth["flow_to_first"], atol=0.05)


def test_the_light_on_a_start_is_that_of_its_own_shape() -> None:
    nuisance = Nuisance(starts=1, stagger=0.5)
    take = take_of(Order(SEED, "angry", size=64, nuisance=nuisance, cast="lifelike"))
    stage = take.stage()
    gains, facial = own_gains(SEED, "lifelike"), mesh.canvas().head.facial
    for key, coefficients, beside in zip(KEYS, take.path, stage._beside, strict=True):
        head = (stage.who.vertices + np.tensordot(gains * coefficients, facial, 1)) @ stage.pose.T
        np.testing.assert_allclose(stage.head(key, beside), head, atol=1e-5)
    # So a start with an open mouth is lit otherwise than a neutral one.
    neutral = take_of(Order(SEED, "angry", size=64, cast="lifelike")).stage()
    assert np.abs(stage.shade[0] - neutral.shade[0]).max() > 0.05


def test_every_expression_starts_and_runs_on_any_cast() -> None:
    for name in EXPRESSIONS:
        one = film(Order(SEED, name, "full", 3, 32, nuisance=Nuisance(starts=1, stagger=1, blinks=1, gaze=3, drift=2)))
        assert one.intensity[0] == 0 and np.isfinite(one.landmarks).all()
        assert (one.blendshapes >= 0).all() and (one.blendshapes <= 1).all()


@pytest.mark.parametrize("name", ["starts", "stagger"])
def test_shares_are_at_most_1(name: str) -> None:
    with pytest.raises(ValueError, match=f"from 0 to 1; {name} is 1.5"):
        Nuisance(**{name: 1.5})
