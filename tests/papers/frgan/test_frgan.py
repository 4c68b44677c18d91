"""FRGAN: the three stages together."""

import numpy as np
import pytest
from PIL import Image

import i2vlib
from i2vlib import expressions
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.expressions import BLENDSHAPES
from i2vlib.papers import frgan
from i2vlib.papers.frgan import FRGAN, condition
from tests.papers.frgan.clips import forecaster, refiner


@pytest.fixture(scope="module")
def model() -> FRGAN:
    return FRGAN.of(forecaster(size=64), refiner(size=64))


@pytest.fixture(scope="module")
def actor() -> Clip:
    return actors.clip(10_003, "happy", frames=3, size=64, truth=("identity", "pose", "camera"))


@pytest.fixture(scope="module")
def driver() -> Clip:
    return actors.clip(10_001, "surprised", frames=5, size=64, truth=("identity", "pose", "camera"))


def test_a_face_follows_an_actor(model, actor, driver):
    made = model.animate(actor.frames[0], driver=driver)
    assert made.frames.shape == (5, 64, 64, 3) and made.fps == driver.fps and made.expression == "surprised"
    target = condition.fit_face(actor.frames[0])
    wanted = condition.condition_maps(condition.retarget(target, condition.known(driver)))
    assert np.array_equal(made.truth["condition"], wanted)


def test_a_face_follows_frames_of_which_nothing_is_known(model, actor, driver, tmp_path):
    bare = Clip(driver.frames, driver.fps)
    for number, frame in enumerate(driver.frames):
        Image.fromarray(frame).save(tmp_path / f"{number + 1:04d}.png")
    from_clip, from_file = (model.animate(actor.frames[0], driver=d, refine=False) for d in (bare, tmp_path))
    assert np.array_equal(from_clip.frames, from_file.frames)
    assert len(from_clip) == len(from_file) == 5
    assert not np.array_equal(from_clip.truth["condition"][0], from_clip.truth["condition"][-1])


def test_what_draws_for_a_slider_draws_what_animate_does(model, actor):
    curves = {"happy": [0, 0.5], "surprised": [1, 0.5]}
    draw = model.drawer(actor.frames[0], list(curves))
    assert np.array_equal(draw(np.array([[0, 1], [0.5, 0.5]])), model.animate(actor.frames[0], intensity=curves).frames)


def test_what_draws_for_a_slider_draws_the_stills_own_map_once(model, actor, monkeypatch):
    draw, asked = model.drawer(actor.frames[0], ["happy"]), []
    maps = condition.condition_maps
    monkeypatch.setattr(
        condition, "condition_maps", lambda face, posed: (asked.append(len(face)), maps(face, posed))[1]
    )
    draw(np.array([[0.25]]), batch=1)
    draw(np.array([[0.5], [1.0]]))
    assert asked == [1, 2]


def test_an_expression_is_held_within_a_mask_by_blending_with_the_still(model, actor):
    mask = np.zeros((64, 64))
    mask[32:] = 1
    still = actor.frames[0]
    whole = model.animate(still, expression="happy", intensity=[0.5, 1])
    lower = model.animate(still, expression="happy", intensity=[0.5, 1], region=mask)
    assert np.array_equal(lower.frames[:, :32], np.stack([still[:32]] * 2))
    assert np.array_equal(lower.frames[:, 32:], whole.frames[:, 32:])
    assert np.array_equal(lower.neutral, still)
    driven = model.animate(still, driver=actor, region=mask)
    assert np.array_equal(driven.frames[:, :32], np.stack([still[:32]] * len(actor)))


def test_a_face_shows_an_expression_by_its_recipe(model, actor):
    made = model.animate(actor.frames[0], expression="happy", intensity=[0, 0.5, 1])
    assert made.intensity.tolist() == [0, 0.5, 1] and made.expression == "happy"
    target = condition.fit_face(actor.frames[0])
    smile = np.outer([0, 0.5, 1], expressions.recipe("happy")).astype(np.float32)
    wanted = model.perform(actor.frames[0], target, smile)
    assert np.array_equal(made.frames, wanted.frames)
    assert expressions.recipe("happy")[BLENDSHAPES.index("mouthSmileRight")] == 1
    mixed = model.animate(actor.frames[0], intensity={"happy": [0, 1], "surprised": [1, 0]}, refine=False)
    assert mixed.intensity.shape == (2, 2) and mixed.expression == "happy + surprised"


def test_refinement_can_be_left_out(model, actor, driver):
    whole, half = (model.animate(actor.frames[0], driver=driver, refine=r) for r in (True, False))
    assert not np.array_equal(whole.frames, half.frames)
    alone = FRGAN.of(model.forecast, None)
    assert np.array_equal(alone.animate(actor.frames[0], driver=driver).frames, half.frames)


def test_neither_or_both_of_expression_and_driver_is_refused(model, actor, driver):
    for asked in ({}, {"expression": "happy", "driver": driver}):
        with pytest.raises(ValueError, match="expression"):
            model.animate(actor.frames[0], **asked)


def test_a_driver_and_an_intensity_are_not_both_followed(model, actor, driver):
    with pytest.raises(ValueError, match="driver=.*intensity="):
        model.animate(actor.frames[0], driver=driver, intensity=[0, 1])


def test_the_model_is_stored_and_loaded(model, actor, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = i2vlib.load_pretrained(tmp_path)
    assert isinstance(loaded, FRGAN) and loaded.config == model.config and loaded.expressions == frgan.SIX
    one, other = (m.animate(actor.frames[0], "happy", [0, 1]).frames.astype(int) for m in (model, loaded))
    assert np.abs(one - other).max() <= 1  # weights are kept in half precision


def test_what_is_asked_for_is_checked_before_a_face_is_fitted(model, actor, tmp_path, monkeypatch):
    monkeypatch.setattr(condition, "fit_crop", lambda _: pytest.fail("fitted"))
    with pytest.raises(ValueError, match="smile.mp4"):
        model.animate(actor.frames[0], driver=tmp_path / "smile.mp4")
    with pytest.raises(ValueError, match="NaN"):
        model.animate(actor.frames[0], "happy", [0, float("nan")])
    with pytest.raises(ValueError, match="hapy"):
        model.animate(actor.frames[0], "hapy", [0, 1])


def test_a_crop_in_which_no_face_is_found_again_is_animated_with_a_warning(model, actor):
    dark = (actor.frames[0] * 0.02).astype(np.uint8)
    with pytest.warns(UserWarning, match="face"):
        made = model.animate(dark, "surprised", [0, 1])
    first, last = made.truth["condition"].astype(int)
    assert (np.abs(first - last).max(-1) > 20).mean() > 0.05
