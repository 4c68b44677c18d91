"""G_R: what it refines, the terms of a step, and the forecasts that it is taught by."""

import numpy as np
import pytest
import torch

from i2vlib import regions
from i2vlib.papers import frgan
from i2vlib.papers.frgan import Forecast, Forecasts
from i2vlib.papers.frgan.equations import refined
from tests.papers.frgan.clips import SIZE, batch_of, conditioned, forecaster, refiner


@pytest.mark.parametrize(("content", "mask_start"), [("free", 0.0), ("from_clip", 3.0)])
def test_a_refined_clip_is_mask_and_content_over_the_forecast(content, mask_start):
    method = refiner(content=content, mask_start=mask_start)
    batch = batch_of(method)
    made = method.outputs(batch)
    assert made["images"].shape == (2, 3, 16, SIZE, SIZE) and made["mask"].shape == (2, 1, 16, SIZE, SIZE)
    assert torch.allclose(made["images"], refined(batch["forecast"], made["mask"], made["content"]))
    assert made["mask"].mean().item() == pytest.approx(torch.tensor(mask_start).sigmoid().item(), abs=0.05)
    same = (made["images"] - batch["forecast"]).abs().mean() < 0.02
    assert same == (content == "from_clip")


def test_gradients_flow_where_they_must_and_nowhere_else():
    method = refiner()
    batch = batch_of(method)
    made = method.outputs(batch)
    critics = method.discriminator_terms(batch, made)
    assert set(critics) == {"critic", "gradient_penalty", "critic_frames", "gradient_penalty_frames"}
    sum(critics.values()).backward()
    assert all(p.grad is None for p in method.generator_parameters())
    assert any(p.grad.abs().sum() > 0 for p in method.discriminator_clips.parameters())
    assert any(p.grad.abs().sum() > 0 for p in method.discriminator_frames.parameters())


def test_a_critic_of_weight_zero_is_not_asked():
    method = refiner(weights={"reconstruction": 1.0, "adversarial": 1.0, "critic": 1.0, "gradient_penalty": 10.0})
    batch = batch_of(method)
    made = method.outputs(batch)
    assert set(method.discriminator_terms(batch, made)) == {"critic", "gradient_penalty"}
    assert set(method.generator_terms(batch, made)) == {"reconstruction", "adversarial"}


def test_clips_are_refined_in_windows_of_any_length():
    method, clip = refiner(), conditioned(37)
    maps = clip.truth["condition"]
    whole = method.refine(clip.frames, maps)
    assert whole["frames"].shape == clip.frames.shape and whole["masks"].shape == (37, SIZE, SIZE)
    assert np.array_equal(whole["frames"][:16], method.refine(clip.frames[:16], maps[:16])["frames"])


def test_refinement_needs_a_forecast_and_enough_frames():
    rng = torch.Generator()
    with pytest.raises(ValueError, match="no forecast"):
        refiner().example(conditioned(), rng)
    with pytest.raises(ValueError, match="16 at once"):
        refiner().example(conditioned(8, forecast=True), rng)


def test_more_weight_where_the_clip_moves():
    weights = {**frgan.REFINE_WEIGHTS, "reconstruction_moving": 1.0, "adversarial": 0.0, "adversarial_frames": 0.0}
    method = refiner(content="from_clip", mask_start=3.0, weights=weights)
    batch = batch_of(method)
    made = {**method.outputs(batch), "images": batch["forecast"]}
    found = method.generator_terms(batch, made)
    error = (batch["forecast"] - batch["frames"]).abs().mean(1)
    moves = torch.stack([regions.moving(r.movedim(1, 0)[None], r[None, :, 0])[0, :, 0] for r in batch["frames"]])
    assert found["reconstruction_moving"].item() == pytest.approx(float((error * moves).sum() / moves.sum()), rel=1e-5)
    assert found["reconstruction_moving"] > 3 * found["reconstruction"]


def test_forecasts_are_drawn_once_for_each_network(tmp_path, monkeypatch):
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path))
    clip, method = conditioned(), forecaster().eval()
    made = Forecasts([clip], method)[0].truth["forecast"]
    maps = clip.truth["condition"]
    assert np.array_equal(made, method.forecast(clip.frames[0], np.concatenate([maps[:1], maps]))["frames"])
    monkeypatch.setattr(Forecast, "forecast", lambda *_: pytest.fail("drawn again"))
    assert np.array_equal(Forecasts([clip], method)[0].truth["forecast"], made)
    with torch.no_grad():
        method.decoder.last.bias += 1
    with pytest.raises(BaseException, match="drawn again"):
        Forecasts([clip], method)[0]
