"""FRGAN of bodies as a whole: joints in, frames out, by the networks that faces have."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

import i2vlib
from i2vlib.clips import Clip
from i2vlib.datasets import penn_action
from i2vlib.joints import JOINTS, MIRRORED
from i2vlib.papers.frgan import (
    FRGANPoses,
    FRGANPosesConfig,
    PosePredictor,
    PosePredictorConfig,
    future_of,
)
from i2vlib.papers.frgan.condition import heatmaps
from tests.papers.frgan.clips import SIZE, forecaster, refiner
from tests.papers.frgan.test_kinds import body


@pytest.fixture(scope="module")
def model() -> FRGANPoses:
    torch.manual_seed(0)
    poses = PosePredictor(PosePredictorConfig(hidden=8, code=4, clips_per_step=2))
    forecast, refine = forecaster(condition="joints"), refiner(condition="joints")
    torch.nn.init.normal_(refine.network.up[-1].weight, std=0.1)
    return FRGANPoses.of(poses, forecast, refine, ("golf_swing",))


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return body(20).truth["joints"]


def test_a_still_takes_one_pose_after_another(model, poses):
    still = body(20).frames[0]
    made = model.animate(still, poses)
    assert made.frames.shape == (20, SIZE, SIZE, 3) and made.fps == 30 and np.array_equal(made.neutral, still)
    maps = heatmaps(poses[[0, *range(20)]], None, SIZE, model.config.forecast.joint_width)
    plain = model.g_m.forecast(still, maps)["frames"]
    assert np.array_equal(model.animate(still, poses, refine=False).frames, plain)
    assert np.array_equal(made.frames, model.g_r.refine(plain, maps[1:])["frames"])
    assert not np.array_equal(made.frames, plain)
    assert np.array_equal(made.truth["joints"], poses) and made.truth["visible"].all()


def test_the_still_s_own_pose_may_be_given_apart(model, poses):
    still = body(20).frames[0]
    assert np.array_equal(model.animate(still, poses[3:], pose=poses[3]).frames, model.animate(still, poses[3:]).frames)
    assert not np.array_equal(
        model.animate(still, poses[3:], pose=poses[0]).frames, model.animate(still, poses[3:]).frames
    )


def test_a_larger_still_has_its_joints_in_its_own_pixels(model, poses):
    still = body(20).frames[0].repeat(2, 0).repeat(2, 1)
    assert np.allclose(model.animate(still, poses * 2).truth["joints"], poses)


def test_a_joint_that_is_unknown_is_drawn_nowhere(model, poses):
    gone = poses.copy()
    gone[5:, 3] = np.nan
    made = model.animate(body(20).frames[0], gone)
    assert not made.truth["condition"][5:, ..., 3].any() and made.truth["condition"][:5, ..., 3].any()
    assert not made.truth["visible"][5:, 3].any()


def test_a_driver_is_moved_and_scaled_to_the_still(model, poses, tmp_path):
    driver = body(20)
    driver = replace(driver, truth={"joints": 3 * poses + 7, "visible": np.ones((20, 13), bool)}, fps=24.0)
    made = model.animate(driver.frames[0], driver=driver, pose=poses[0])
    assert made.fps == 24 and np.allclose(made.truth["joints"], poses, atol=1e-3)


def test_a_label_of_penn_action_drives(model, poses, tmp_path):
    labelled = poses[:, list(MIRRORED)]  # its left is the person's right
    label = {
        "x": labelled[..., 0] + 0.5, "y": labelled[..., 1] + 0.5, "visibility": np.ones((20, 13)),
        "train": np.array([[1]]), "bbox": np.ones((20, 4)), "dimensions": np.array([[SIZE, SIZE, 20]]),
        "action": "golf_swing",
    }  # fmt: skip
    savemat(tmp_path / "0001.mat", label)
    of_path, of_poses = (
        model.animate(body(20).frames[0], driver=driver, pose=poses[0])
        for driver in (str(tmp_path / "0001.mat"), penn_action.read_label(tmp_path / "0001.mat"))
    )
    assert of_path.fps == 30 and np.allclose(of_path.truth["joints"], poses, atol=1e-3)
    assert np.array_equal(of_path.frames, of_poses.frames)


def test_a_folder_of_pictures_drives(model, poses, tmp_path):
    """Pictures with a table of joints beside them."""
    driver = body(20)
    for number, frame in enumerate(driver.frames):
        Image.fromarray(frame).save(tmp_path / f"{number:04d}.png")
    with pytest.raises(ValueError, match="nowhere"):
        model.animate(driver.frames[0], driver=tmp_path, pose=poses[0])
    header = ",".join(f"{name}_{axis}" for name in JOINTS for axis in "xy")
    np.savetxt(tmp_path / "joints.csv", 2 * poses.reshape(20, 26) + 9, delimiter=",", header=header, comments="")
    made = model.animate(driver.frames[0], driver=str(tmp_path), pose=poses[0], fps=12)
    assert made.fps == 12 and np.allclose(made.truth["joints"], poses, atol=1e-3)


def test_what_is_asked_for_wrongly(model, poses):
    still, driver = body(20).frames[0], body(20)
    for options in ({}, {"poses": poses, "driver": driver}):
        with pytest.raises(ValueError, match="driver"):
            model.animate(still, **options)
    with pytest.raises(ValueError, match=r"pose=\(13, 2\)"):
        model.animate(still, driver=driver)
    with pytest.raises(ValueError, match="joints"):
        model.animate(still, driver=Clip(driver.frames), pose=poses[0])
    hidden = replace(driver, truth={**driver.truth, "visible": np.arange(20)[:, None].repeat(13, 1) > 0})
    with pytest.raises(ValueError, match="driver"):
        model.animate(still, driver=hidden, pose=poses[0])
    with pytest.raises(ValueError, match=r"joints \(T, 13, 2\)"):
        model.animate(still, poses[:, :5])
    with pytest.raises(ValueError, match="conditioned"):
        FRGANPosesConfig(forecast=i2vlib.ForecastConfig(size=64))


def test_it_forecasts_poses(model, poses):
    ahead = model.forecast(poses[:10], frames=7)
    assert ahead.shape == (7, 13, 2) and np.array_equal(ahead, model.g_c.forecast(poses[:10], frames=7))


def test_it_is_kept_and_read_again(model, poses, tmp_path):
    model.save_pretrained(tmp_path / "m", {"data": {"name": "performers"}})
    again = i2vlib.load_pretrained(tmp_path / "m")
    assert isinstance(again, FRGANPoses) and again.config == model.config and again.size == SIZE
    assert np.abs(again.forecast(poses[:10]) - model.forecast(poses[:10])).max() < 0.05
    assert list(again.stages()) == ["PosePredictor", "Forecast", "Refine"] and again.expressions == ("golf_swing",)
    assert set(model.config.forecast.weights) == set(i2vlib.ForecastConfig.TERMS)
    assert "golf" in again._repr_html_()


def test_the_future_of_a_clip_begins_with_the_last_pose_that_is_seen(model):
    clip = body(20)
    true, guessed = (future_of(clip, model.g_c, forecast) for forecast in (False, True))
    assert np.array_equal(true.frames, clip.frames[9:]) and np.array_equal(guessed.frames, true.frames)
    assert np.array_equal(true.truth["joints"], clip.truth["joints"][9:])
    assert np.array_equal(guessed.truth["joints"][0], clip.truth["joints"][9])
    ahead = model.forecast(clip.truth["joints"][:10], clip.truth["visible"][:10], 10)
    assert np.array_equal(guessed.truth["joints"][1:], ahead) and guessed.truth["visible"][1:].all()
