"""G_M that carries the still: what it promises, what it learns from, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib.clips import Clip
from i2vlib.papers.frgan import Forecast, ForecastConfig
from i2vlib.papers.frgan.condition import Posed
from tests.papers.frgan.clips import SIZE, conditioned, forecaster
from tests.papers.frgan.test_kinds import body

SMALL = {"size": SIZE, "base_channels": 4, "channel_cap": 2, "code": 16, "clips_per_step": 2}
TRUTH_TERMS = {"flow", "flow_moving", "gate", "colour"}


def faces(**changes: object) -> Forecast:
    torch.manual_seed(0)
    return Forecast(ForecastConfig.carried(**{**SMALL, "augment": False, **changes}))


def bodies(**changes: object) -> Forecast:
    torch.manual_seed(0)
    return Forecast(ForecastConfig.carried_bodies(**{**SMALL, "augment": False, **changes}))


def drifting() -> Clip:
    """Faces' maps, and a picture that drifts to the right by a pixel per frame and knows where its pixels come from."""
    clip = conditioned(6)
    wave = np.sin(np.arange(SIZE) * 2 * np.pi / SIZE)
    picture = 128 + 60 * np.stack([np.tile(wave, (SIZE, 1)), np.outer(wave, wave), np.tile(wave, (SIZE, 1)).T], -1)
    frames = np.stack([np.roll(picture, t, 1) for t in range(6)]).round().astype(np.uint8)
    flow, seen = np.zeros((6, SIZE, SIZE, 2), np.float32), np.ones((6, SIZE, SIZE), bool)
    flow[..., 0] = -np.arange(6)[:, None, None]
    for t in range(6):
        seen[t, :, :t] = False
    return replace(clip, frames=frames, truth={**clip.truth, "flow_to_first": flow, "seen_in_first": seen})


def performing() -> Clip:
    """A body's joints and maps, and a block of points that moves down by a pixel per frame."""
    clip = Posed([body(8)], 1 / 32)[0]
    surface = np.full((8, SIZE, SIZE, 3), np.nan, np.float16)
    row, column = np.mgrid[:12, :9]
    for t in range(8):
        surface[t, 6 + t : 18 + t, 10:19] = 0.04 * np.stack([column, row, 0 * row], -1)
    return replace(clip, truth={**clip.truth, "surface": surface})


def batch_of(method: Forecast, clip: Clip, count: int = 2) -> dict[str, torch.Tensor]:
    rows = [method.example(clip, torch.Generator().manual_seed(seed)) for seed in range(count)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def stirred(method: Forecast) -> Forecast:
    """A method whose last layer says something of every map, and in which condition maps count."""
    torch.manual_seed(1)
    torch.nn.init.normal_(method.decoder.last.weight, std=3.0)
    torch.nn.init.normal_(method.map_encoder.code.weight, std=1.0)
    return method.eval()


@pytest.mark.parametrize("make, clip", [(faces, drifting), (bodies, performing)])
@pytest.mark.parametrize("skips", ["image", "all"])
def test_a_map_that_stays_leaves_the_still_whatever_the_weights_are(make, clip, skips):
    method, clip = stirred(make(skips=skips)), clip()
    maps = clip.truth["condition"]
    made = method.forecast(clip.frames[0], maps[[2, 2, 5]])
    assert np.array_equal(made["frames"][0], clip.frames[0]) and not made["masks"][0].any()
    assert np.abs(made["frames"][1].astype(int) - clip.frames[0]).mean() > 1


@pytest.mark.parametrize("make, clip", [(faces, drifting), (bodies, performing)])
def test_a_step_asks_every_map_and_reaches_every_weight(make, clip):
    method = make()
    batch = batch_of(method, clip())
    assert batch["traced"].all() and batch["flow"].shape == (2, 1, 2, SIZE, SIZE)
    outputs = method.outputs(batch)
    assert {"mask_mean", "mask_empty", "mask_full"} <= set(outputs)
    terms = method.generator_terms(batch, outputs)
    assert {name for name, weight in method.config.weights.items() if weight} == set(terms)
    sum(method.config.weights[name] * value for name, value in terms.items()).backward()
    assert all(p.grad is not None for p in method.generator_parameters())
    assert method.decoder.last.weight.grad.abs().sum((1, 2, 3)).min() > 0
    assert method.discriminator_terms(batch, outputs) == {}


def test_flow_leads_from_the_later_frame_of_a_pair_to_its_still():
    sample = faces().example(drifting(), torch.Generator().manual_seed(3))
    shift = int(-sample["flow"][0, 0, 0, 0])
    assert shift > 0 and torch.allclose(sample["flow"][0, 0], torch.full((SIZE, SIZE), -float(shift)))
    moved = torch.roll(sample["still"], shift, 2)
    assert torch.equal(moved[..., shift:], sample["frame"][..., shift:])
    assert torch.equal(sample["seen"][0, 0, 0], (torch.arange(SIZE) >= shift).float())


def test_of_bodies_it_is_known_between_any_two_frames():
    method, clip = bodies(), performing()
    shifts = []
    for seed in range(20):
        sample = method.example(clip, torch.Generator().manual_seed(seed))
        on_block = sample["flow"][0, :, 13, 14]
        assert abs(on_block[0]) < 0.05 and sample["seen"][0, 0, 13, 14] == 1
        shifts.append(round(float(on_block[1]), 1))
    assert min(shifts) < -2 and max(shifts) > 2  # from later frames to earlier ones, and the other way round


def test_a_clip_without_truth_teaches_by_its_pictures():
    for method, clip in ((faces(), conditioned(6)), (bodies(), Posed([body(8)], 1 / 32)[0])):
        batch = batch_of(method, clip)
        assert not batch["traced"].any()
        terms = method.generator_terms(batch, method.outputs(batch))
        assert {"reconstruction", "reconstruction_moving", "edges", "shade"} == set(terms)


def test_a_few_steps_learn_where_a_picture_comes_from():
    from i2vlib import fit

    history = fit(faces(learning_rate=2e-3, reach=0.4), [drifting()], 120, progress=False)
    assert history["generator/flow"].iloc[-3:].mean() < 0.5 * history["generator/flow"].iloc[0]


def test_what_the_clips_have_to_know():
    assert Forecast.truth(ForecastConfig.carried())[-2:] == ("flow_to_first", "seen_in_first")
    assert Forecast.truth(ForecastConfig.carried_bodies())[-1] == "surface"
    assert "flow_to_first" not in Forecast.truth(ForecastConfig.small())


@pytest.mark.parametrize("content, kept", [("free", True), ("from_still", False)])
def test_a_painted_model_goes_on_but_for_its_last_layer_whose_free_colours_stay(content, kept):
    painted, method = forecaster(content=content, skips="all"), faces()
    own = method.decoder.last.weight.clone()
    method.inherit(painted)
    assert torch.equal(method.image_encoder.first.weight, painted.image_encoder.first.weight)
    assert torch.equal(method.decoder.blocks[0].second.weight, painted.decoder.blocks[0].second.weight)
    assert torch.equal(method.decoder.last.weight[:3], painted.decoder.last.weight[1:] if kept else own[:3])
    assert torch.equal(method.decoder.last.weight[3:], own[3:]) and own[3:].abs().max() < 0.01
    again = faces()
    again.inherit(method)
    assert torch.equal(again.decoder.last.weight, method.decoder.last.weight)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"residual": "difference"}, "residual"),
        ({"blocks": "residual"}, "blocks"),
        ({"weights": {"reconstruction": 1.0, "sparsity": 0.1}}, "sparsity"),
        ({"weights": {"reconstruction": 1.0, "content": 0.1}}, "content"),
        ({"jumps": "random"}, "jumps"),
        ({"outer_channels": 4}, "outer"),
        ({"reach": 0.0}, "reach"),
    ],
)
def test_what_does_not_go_with_carried_drawing_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        ForecastConfig.carried(**changes)


def test_papers_paint_and_weigh_no_map():
    for config in (ForecastConfig.paper(), ForecastConfig.released_code(), ForecastConfig.small()):
        assert config.drawing == "painted" and not any(config.weights[name] for name in TRUTH_TERMS)
    with pytest.raises(ValueError, match="flow"):
        ForecastConfig.small(weights={"reconstruction": 1.0, "flow": 1.0})
