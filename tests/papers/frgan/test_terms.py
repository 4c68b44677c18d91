"""What a step of FRGAN draws and shows, and whom it asks: by value."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from i2vlib.clips import to_tensor
from i2vlib.papers.frgan import Forecast, Refine
from i2vlib.papers.frgan.condition import map_tensor
from tests.papers.frgan.clips import SIZE, batch_of, conditioned, forecaster, refiner


def example_of(method: Forecast | Refine, seed: int, other: int = 0, frames: int = 21) -> dict[str, Tensor]:
    """A sample by its own generator, whatever torch's random state."""
    torch.manual_seed(other)
    clip = conditioned(frames, forecast=True)
    clip.truth["forecast"][:, :2] += np.arange(frames, dtype=np.uint8)[:, None, None, None]  # each frame another
    return method.example(clip, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("make", [forecaster, refiner])
def test_a_sample_is_a_function_of_its_generator(make):
    method = make(augment=True)
    one, two, other = example_of(method, 3, 0), example_of(method, 3, 1), example_of(method, 4)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert all(not torch.equal(one[name], other[name]) for name in one)
    assert 0 <= one["share"] < 1 and one["share"].shape == ()


def test_g_r_is_shown_neighbouring_frames_of_a_clip_from_any_place():
    clip, method, starts = conditioned(21, forecast=True), refiner(augment=False), set()
    for seed in range(40):
        example = method.example(clip, torch.Generator().manual_seed(seed))
        starts.add(
            start := next(s for s in range(21) if torch.equal(example["frames"][:, 0], to_tensor(clip.frames)[s]))
        )
        rows = slice(start, start + 16)
        assert torch.equal(example["frames"], to_tensor(clip.frames[rows]).movedim(0, 1))
        assert torch.equal(example["maps"], map_tensor(clip.truth["condition"][rows]).movedim(0, 1))
        assert torch.equal(example["forecast"], to_tensor(clip.truth["forecast"][rows]).movedim(0, 1))
        assert (
            len(set(example["chosen"].tolist())) == 3 and 0 <= example["chosen"].min() <= example["chosen"].max() < 16
        )
        assert all(x.is_contiguous() for x in example.values())
    assert starts == set(range(6))


def test_g_r_is_shown_all_of_a_clip_that_has_no_more():
    method, clip = refiner(augment=False), conditioned(16, forecast=True)
    assert torch.equal(method.example(clip, torch.Generator())["frames"], to_tensor(clip.frames).movedim(0, 1))


@pytest.mark.parametrize("augment", [False, True])
def test_frames_and_forecast_are_augmented_alike_where_that_is_asked_for(augment):
    clip = conditioned(16, forecast=True)
    clip = replace(clip, truth={**clip.truth, "forecast": clip.frames})
    for seed in range(3):
        example = refiner(augment=augment).example(clip, torch.Generator().manual_seed(seed))
        assert torch.equal(example["frames"], example["forecast"])
        assert torch.equal(example["frames"], to_tensor(clip.frames).movedim(0, 1)) != augment


def test_content_from_the_clip_is_added_to_it():
    for content in ("from_clip", "free"):
        method = refiner(content=content)
        torch.nn.init.zeros_(method.network.up[-1].weight)
        method.network.up[-1].bias.data.copy_(torch.tensor([0.0, 0.5, -0.25, 1.0]))
        batch = batch_of(method)
        drawn = torch.tensor([0.5, -0.25, 1.0]).view(1, 3, 1, 1, 1)
        made = method.outputs(batch)
        expected = (
            batch["forecast"] + drawn if content == "from_clip" else torch.tanh(drawn).expand_as(batch["forecast"])
        )
        assert torch.allclose(made["content"], expected, atol=1e-6) and (made["mask"] == 0.5).all()
        assert torch.allclose(made["images"], (batch["forecast"] + expected) / 2, atol=1e-6)


@pytest.mark.parametrize("residual", ["mask", "difference"])
@pytest.mark.parametrize("content", ["from_still", "free"])
def test_what_g_m_draws_over_the_still(content, residual):
    method = forecaster(content=content, residual=residual)
    torch.nn.init.zeros_(method.decoder.last.weight)
    drawn = torch.tensor([0.5, -0.25, 1.0])
    bias = drawn if residual == "difference" else torch.cat([torch.zeros(1), drawn])
    method.decoder.last.bias.data.copy_(bias)
    batch, drawn = batch_of(method), drawn.view(1, 3, 1, 1)
    made, still = method.outputs(batch), batch["still"]
    if residual == "difference":
        assert set(made) == {"images", "difference"} and torch.allclose(made["images"], still + drawn)
        return
    expected = still + drawn if content == "from_still" else torch.tanh(drawn).expand_as(still)
    assert torch.allclose(made["content"], expected) and (made["mask"] == 0.5).all()
    assert torch.allclose(made["images"], (still + expected) / 2, atol=1e-6)
    assert {"mask_mean", "mask_empty", "mask_full"} < set(made)


@pytest.mark.parametrize(("clips", "frames"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_g_r_asks_the_critics_that_have_a_weight(clips, frames):
    weights = {"reconstruction": 1.0, "adversarial": clips, "adversarial_frames": frames}
    method = refiner(weights=weights)
    batch = batch_of(method)
    made = method.outputs(batch)
    of_clips, of_frames = {"adversarial"} if clips else set(), {"adversarial_frames"} if frames else set()
    assert set(method.generator_terms(batch, made)) == {"reconstruction"} | of_clips | of_frames
    asked = ({"critic", "gradient_penalty"} if clips else set()) | (
        {"critic_frames", "gradient_penalty_frames"} if frames else set()
    )
    assert set(method.discriminator_terms(batch, made)) == asked


def test_what_moves_is_told_by_the_real_frame_and_the_still():
    """A square of 8 pixels, with its rim of one; there the made frame is off by 0.5, elsewhere by 0.25."""
    method = forecaster(weights={"reconstruction": 1.0, "reconstruction_moving": 1.0})
    still, real = torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE)
    real[..., 8:16, 8:16] = 1.0
    made = real - 0.25
    made[..., 8:16, 8:16] = 0.5
    terms = method.generator_terms({"frame": real, "still": still}, {"images": made})
    inside, rim = 64 * 0.5, 36 * 0.25
    assert terms["reconstruction_moving"].item() == pytest.approx((inside + rim) / 100)
    assert terms["reconstruction"].item() == pytest.approx((inside + (SIZE**2 - 64) * 0.25) / SIZE**2)


def test_what_moves_in_a_clip_is_told_by_its_own_first_frame():
    method = refiner(weights={"reconstruction": 1.0, "reconstruction_moving": 1.0})
    real = torch.zeros(1, 3, 16, SIZE, SIZE)
    real[:, :, 4, 8:16, 8:16] = 1.0  # one frame of sixteen, and no other, differs from the first
    outputs = {"images": real - 0.25, "mask": torch.zeros(1, 1, 16, SIZE, SIZE)}
    outputs["images"][:, :, 4, 8:16, 8:16] = 0.5
    terms = method.generator_terms({"frames": real, "maps": real, "chosen": torch.zeros(1, 1).long()}, outputs)
    assert terms["reconstruction_moving"].item() == pytest.approx((64 * 0.5 + 36 * 0.25) / 100)


def test_two_frames_are_enough_for_g_m():
    clip, method = conditioned(2), forecaster(augment=False)
    for seed in range(4):
        example = method.example(clip, torch.Generator().manual_seed(seed))
        assert {torch.equal(example[name], to_tensor(clip.frames)[0]) for name in ("still", "frame")} == {False, True}


@pytest.mark.parametrize("misfit", [0.0, 0.2])
@pytest.mark.parametrize("jumps", ["random", "from_first"])
def test_the_draws_of_g_m_in_their_order(jumps, misfit):
    """What runs of long ago drew, they draw again: the frame, the jump, the shift of the maps, the share."""
    clip, method = conditioned(7), forecaster(jumps=jumps, misfit=misfit, augment=False)
    for seed in range(12):
        example = method.example(clip, torch.Generator().manual_seed(seed))
        rng = torch.Generator().manual_seed(seed)
        first = int(torch.randint(7, (), generator=rng)) if jumps == "random" else 0
        pair = [first, (first + 1 + int(torch.randint(6, (), generator=rng))) % 7]
        down, right = (0.2 * SIZE * (2 * torch.rand(2, generator=rng) - 1)).round().int().tolist() if misfit else (0, 0)
        frames, maps = to_tensor(clip.frames[pair]), map_tensor(clip.truth["condition"][pair])
        assert torch.equal(torch.stack([example["still"], example["frame"]]), frames)
        assert torch.equal(torch.stack([example["now"], example["then"]]), maps.roll(down, 2).roll(right, 3))
        assert example["share"] == torch.rand((), generator=rng)


@pytest.mark.parametrize("augment", [False, True])
def test_g_m_is_shown_a_changed_picture_where_that_is_asked_for(augment):
    clip = conditioned(7)
    shown = forecaster(augment=augment, jumps="from_first").example(clip, torch.Generator().manual_seed(0))
    assert torch.equal(shown["still"], to_tensor(clip.frames)[0]) != augment


class Level(torch.nn.Module):
    """A code that can be worked by hand: the mean of a picture, and nothing seen on the way."""

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        return images.flatten(1).mean(1, keepdim=True), [images]


class Agreement(torch.nn.Module):
    """A critic to which a picture is worth as much as its map agrees with it."""

    def forward(self, samples: Tensor, maps: Tensor) -> Tensor:
        return (samples * maps).flatten(1).mean(1)


def test_g_m_goes_from_the_map_of_now_to_that_of_then():
    method, seen = forecaster(skips="all"), []
    method.image_encoder, method.map_encoder = Level(), Level()
    method.decoder.forward = lambda code, skips: seen.append((code, skips)) or torch.zeros(1, 4, SIZE, SIZE)
    still, now, then = (torch.full((1, 3, SIZE, SIZE), value) for value in (0.5, 0.25, -0.5))
    method.outputs({"still": still, "now": now, "then": then})
    code, skips = seen[0]
    assert code.item() == 0.5 - 0.5 - 0.25
    assert [levels[0].mean().item() for levels in skips] == [0.5, 0.25, -0.5]


def test_d_i_is_told_the_map_of_the_frame():
    """The penalty's slope is along both."""
    method = forecaster()
    method.discriminator = Agreement()
    frame = lambda value: torch.full((1, 3, SIZE, SIZE), value)  # noqa: E731
    batch = {"still": frame(0.9), "frame": frame(0.5), "now": frame(0.25), "then": frame(-1.0)}
    terms = method.discriminator_terms({**batch, "share": torch.ones(1)}, {"images": frame(0.25)})
    assert terms["critic"].item() == pytest.approx(-0.25 + 0.5)
    slope = (1.0**2 + 0.5**2) ** 0.5 / (3 * SIZE**2) ** 0.5
    assert terms["gradient_penalty"].item() == pytest.approx((slope - 1) ** 2)
