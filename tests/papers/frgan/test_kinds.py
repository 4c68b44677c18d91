"""G_M and G_R are the same for faces and bodies: what conditions them is a row of a table."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib.clips import Clip
from i2vlib.joints import MIRRORED
from i2vlib.papers.frgan import Forecasts
from i2vlib.papers.frgan.condition import KINDS, Posed, conditioned_frames, heatmaps, map_tensor
from i2vlib.samples import Augmentation
from tests.papers.frgan.clips import SIZE, forecaster, refiner

STILL = Augmentation(torch.ones(1), torch.zeros(2), False, torch.ones(1), torch.ones(1), torch.ones(3))


def body(frames: int = 16, seed: int = 0, size: int = SIZE) -> Clip:
    """Thirteen joints that wander over a grey wall."""
    rng = np.random.default_rng(seed)
    joints = np.cumsum(rng.normal(0, 0.4, (frames, 13, 2)), 0) + rng.uniform(size / 4, size * 3 / 4, (13, 2))
    pictures = rng.integers(100, 140, (frames, size, size, 3)).astype(np.uint8)
    truth = {"joints": joints.astype(np.float32), "visible": rng.random((frames, 13)) < 0.8}
    return Clip(pictures, 30.0, subject=f"body {seed}", expression="golf_swing", truth=truth)


def posed(**changes: object) -> Clip:
    return Posed([body(**changes)], 1 / 16)[0]


def test_a_posed_clip_has_the_heatmaps_of_its_joints():
    clip = body()
    maps = Posed([clip], 1 / 16)[0].truth["condition"]
    assert np.array_equal(maps, heatmaps(clip.truth["joints"], clip.truth["visible"], SIZE, 1 / 16))
    with pytest.raises(ValueError, match="'visible'"):
        Posed([replace(clip, truth={"joints": clip.truth["joints"]})], 1 / 16)[0]


def test_a_mirrored_map_is_the_map_of_the_mirrored_body():
    clip = body(3)
    joints, seen = clip.truth["joints"], clip.truth["visible"]
    turned = (np.array([SIZE, 0]) + joints * [-1, 1])[:, list(MIRRORED)]
    mirrored = KINDS["joints"].moved(replace(STILL, mirrored=True), map_tensor(heatmaps(joints, seen, SIZE, 1 / 16)))
    wanted = map_tensor(heatmaps(turned, seen[:, list(MIRRORED)], SIZE, 1 / 16))
    assert torch.allclose(mirrored, wanted, atol=1.5 / 127)


def test_outside_of_a_map_of_joints_is_nobody():
    """Where the picture is continued by its edge, a joint at the edge would be drawn out into a streak."""
    edge = np.full((1, 13, 2), SIZE / 2, np.float32)
    edge[0, 0] = (0.5, SIZE / 2)
    moved = KINDS["joints"].moved(
        replace(STILL, shift=torch.tensor([-0.5, 0.0])), map_tensor(heatmaps(edge, None, SIZE, 1 / 16))
    )
    assert moved[0, 0, :, : SIZE // 4 - 4].abs().max() == 0 < moved[0, 0, :, SIZE // 4].max()


def test_a_step_of_either_stage_is_made_of_any_kind_of_maps():
    for method in (forecaster(condition="joints"), refiner(condition="joints")):
        clips = [posed(seed=seed) for seed in range(2)]
        clips = [replace(clip, truth={**clip.truth, "forecast": clip.frames}) for clip in clips]
        examples = [method.example(clip, torch.Generator().manual_seed(i)) for i, clip in enumerate(clips)]
        batch = {name: torch.stack([e[name] for e in examples]) for name in examples[0]}
        made = method.outputs(batch)
        assert made["images"].shape[1] == 3 and made["mask"].shape[1] == 1
        terms = method.discriminator_terms(batch, made) | method.generator_terms(batch, made)
        assert all(torch.isfinite(term) for term in terms.values())
        sum(terms.values()).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in method.discriminator_parameters())


def test_g_m_follows_the_joints_and_refuses_maps_of_a_face():
    method, clip = forecaster(condition="joints"), posed()
    maps = clip.truth["condition"]
    made = method.forecast(clip.frames[0], maps)
    assert made["frames"].shape == (15, SIZE, SIZE, 3) and made["masks"].shape == (15, SIZE, SIZE)
    assert not np.array_equal(made["masks"], method.forecast(clip.frames[0], maps[[0, *range(15, 0, -1)]])["masks"])
    with pytest.raises(ValueError, match="maps"):
        method.forecast(clip.frames[0], maps[..., :3])


def test_g_r_refines_what_g_m_drew_of_a_body():
    forecast, refine = forecaster(condition="joints"), refiner(condition="joints")
    clip = Forecasts(Posed([body(20)], 1 / 32), forecast)[0]
    assert np.array_equal(clip.truth["forecast"], forecast.redraw(clip).frames)
    assert refine.redraw(clip).frames.shape == clip.frames.shape


def test_frames_and_maps_of_a_body_are_moved_alike():
    clip, method = posed(frames=4), forecaster(condition="joints")
    change = Augmentation.draw(torch.Generator().manual_seed(5))
    frames, maps = conditioned_frames(clip, [1, 3], method.config, change)
    assert frames.shape == (2, 3, SIZE, SIZE) and maps.shape == (2, 13, SIZE, SIZE)
    assert torch.equal(maps, change.moved_joints(map_tensor(clip.truth["condition"][[1, 3]])))


def test_what_has_to_be_known_of_a_clip_depends_on_the_kind():
    for make in (forecaster, refiner):
        face, joints = make(), make(condition="joints")
        assert "camera" in face.truth(face.config) and joints.truth(joints.config) == ("joints", "visible", "person")
