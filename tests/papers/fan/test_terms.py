"""What a step of FAN is shown, and its terms that the paper's sum has not: by value."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from i2vlib.clips import Clip, to_tensor
from i2vlib.papers.fan import FAN, FANConfig, equations
from tests.conftest import moving_square


def fresh(**changes: object) -> FAN:
    torch.manual_seed(0)
    values = {"size": 16, "base_channels": 8, "channel_cap": 2, "frames_per_clip": 2, "clips_per_step": 2,
              "augment": True, "crop": 0.0}  # fmt: skip
    return FAN(FANConfig.paper(**{**values, **changes}))


def square(**options: object) -> Clip:
    """Frames that are all different, mouths too, and landmarks that say which frame they are of."""
    clip = moving_square(**options)
    clip.truth["mouth"][np.arange(6), np.arange(6)] = True
    return replace(clip, landmarks=np.full((6, 68, 2), np.arange(6.0)[:, None, None]))


def batch_of(method: FAN, clips: list[Clip]) -> dict[str, Tensor]:
    examples = [method.example(clip, torch.Generator().manual_seed(i)) for i, clip in enumerate(clips)]
    return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("expression", ["happy", "eyes_closed"])
def test_a_sample_belongs_together(known, expression):
    clip = square(expression=expression)
    clip = clip if known else replace(clip, truth={}, landmarks=None)
    method = fresh(expressions=("happy", "eyes_closed"), augment=False, frames_per_clip=6)
    example = method.example(clip, torch.Generator().manual_seed(1))
    assert torch.equal(example["neutral"], to_tensor(clip.frames)[0])
    shown = [next(i for i in range(6) if torch.equal(x, to_tensor(clip.frames)[i])) for x in example["frames"]]
    assert sorted(shown) == [*range(6)] != shown
    assert torch.allclose(example["intensity"], torch.tensor(shown) / 5)
    mouths = torch.from_numpy(clip.truth["mouth"][shown])[:, None].float() if known else torch.zeros(6, 1, 16, 16)
    assert torch.equal(example["mask"], mouths)
    points = torch.tensor(shown).float() * 2 / 16 - 1 if known else torch.full((6,), float("nan"))
    wanted = points[:, None, None].expand(-1, 68, 2)
    assert torch.allclose(example["landmarks"], wanted, equal_nan=True)
    assert example["local"].item() == (known and expression == "happy")
    assert example["label"].item() == ("happy", "eyes_closed").index(expression)


def test_the_paper_crops_at_random_and_neither_flips_nor_lights():
    """A ramp across and one down, enlarged by an eighth: a window anywhere within, that shows the ramps as they are."""
    assert (FANConfig.paper().augment, FANConfig.paper().crop) == (False, 289 / 256 - 1)
    ramp = np.linspace(0, 255, 64).round().astype(np.uint8)
    frame = np.stack([*np.meshgrid(ramp, ramp), np.zeros((64, 64), np.uint8)], 2)
    points = np.full((6, 68, 2), 32.0)
    clip = Clip(np.stack([frame] * 6), intensity=np.linspace(0, 1, 6), expression="happy", landmarks=points)
    method = fresh(size=64, augment=False, crop=1 / 8)
    seen, drawn = [], torch.Generator()
    for seed in range(40):
        one, again = (method.example(clip, drawn.manual_seed(seed)) for _ in range(2))
        assert torch.equal(one["neutral"], again["neutral"])
        across, down, none = one["neutral"]
        for ramp_of, steps in ((across, across.diff(dim=1)), (down, down.diff(dim=0))):
            assert steps[2:-2, 2:-2].mean() == pytest.approx(2 / 63 / (9 / 8), rel=0.02)  # enlarged, and not mirrored
            seen.append(ramp_of.mean().item())
        assert (none + 1).abs().max() < 1e-5
        shift = -one["landmarks"][0, 0] / (9 / 8)
        assert shift.tolist() == pytest.approx([across.mean().item(), down.mean().item()], abs=0.02)
        assert torch.equal(one["frames"][0], one["neutral"])
    assert -1 / 9 - 0.02 < min(seen) < -0.08 and 0.08 < max(seen) < 1 / 9 + 0.02
    with pytest.raises(ValueError, match="without"):
        FANConfig(crop=0.1)


def test_a_sample_has_so_many_different_frames_and_is_augmented_where_that_is_asked_for():
    clip, rng = square(), torch.Generator()
    for augment in (False, True):
        for neutral in (False, True):
            method, seen = fresh(augment=augment, include_neutral=neutral, frames_per_clip=5), set()
            for seed in range(20):
                one, two = (method.example(clip, rng.manual_seed(seed)) for _ in range(2))
                assert all(torch.equal(one[name], two[name]) for name in one)
                assert torch.equal(one["neutral"], to_tensor(clip.frames)[0]) != augment
                assert len(set(one["intensity"].tolist())) == 5
                seen |= {round(5 * a) for a in one["intensity"].tolist()}
            assert seen == set(range(int(neutral), 6))


def test_what_is_drawn_beside_the_frames_is_what_it_is_called():
    """All at once as each alone: the neighbours, the neutral frame, the landmarks."""
    weights = {"reconstruction": 1.0, "temporal": 1.0, "landmarks": 1.0}
    method = fresh(include_neutral=True, weights=weights, norm="none", decoder_norm="none", increment=0.3)
    batch = batch_of(method, [square(), square(seed=1)])
    batch["intensity"] = torch.tensor([[0.25, 1.0], [0.5, 0.75]])
    made = method.outputs(batch)
    assert set(made) == {"images", "nearby_images", "neutral_images", "landmarks"}
    codes = [method.encoder(batch["neutral"]), method.residual_encoders[0](batch["neutral"])]

    def features(row: int, a: float) -> Tensor:
        return method.decoder.before_last([(f + a * r)[row : row + 1] for f, r in zip(*codes, strict=True)])

    def draw(row: int, a: float) -> Tensor:
        return method.decoder.picture(features(row, a))[0]

    near = [draw(0, 0.7), draw(0, 0.55), draw(1, 0.2), draw(1, 0.45), draw(1, 0.8)]  # of a clip the lower ones first
    assert torch.allclose(made["nearby_images"], torch.stack(near), atol=1e-5)
    for row in range(2):
        assert torch.allclose(made["neutral_images"][row], draw(row, 0.0), atol=1e-5)
        for column, a in enumerate(batch["intensity"][row].tolist()):
            assert torch.allclose(made["images"][row, column], draw(row, a), atol=1e-5)
            points = method.landmark_maps(features(row, a))[0]
            assert torch.allclose(made["landmarks"][row, column], points, atol=1e-4)
    value = equations.temporal(made["images"].flatten(0, 1), made["nearby_images"], torch.tensor([1, 0, 2, 3, 2]))
    assert torch.allclose(method.generator_terms(batch, made)["temporal"], value)


@pytest.mark.parametrize("neutral", [False, True])
def test_nothing_is_drawn_or_counted_that_has_no_weight(neutral):
    method = fresh(include_neutral=neutral, weights={"reconstruction": 1.0})
    batch = batch_of(method, [square()])
    made = method.outputs(batch)
    assert set(made) == {"images", *(["neutral_images"] if neutral else [])}
    assert set(method.generator_terms(batch, made)) == {"reconstruction"}
    assert method.discriminator_terms(batch, made) == {}


def test_the_neutral_frame_and_what_moves_are_counted_where_they_are_asked_for():
    """At size 8: half of a real frame moves; there made is off by 0.5 or 1, and the neutral frame is off by 0.25."""
    method = fresh(size=8, include_neutral=True, weights={"reconstruction": 1.0, "reconstruction_moving": 1.0})
    frames = torch.full((1, 2, 3, 8, 8), 0.5)
    batch = {"frames": frames.clone(), "neutral": frames[:, 0]}
    batch["frames"][..., :2, :] = 1.0  # with the rim, three of eight rows
    made = {"images": frames.clone(), "neutral_images": frames[:, 0] - 0.25}
    made["images"][..., [1, 6], :] = 0.0  # what moves is told by the real frames, not by these
    terms = method.generator_terms(batch, made)
    assert {name: value.item() for name, value in terms.items()} == pytest.approx(
        {"reconstruction": (0.5 + 1.0 + 0.5) / 8 + 0.25, "reconstruction_moving": (0.5 + 1.0) / 3}
    )


def test_a_residual_in_pixels_is_twice_what_the_decoder_draws_and_the_picture_is_clipped():
    weights = {"reconstruction": 1.0, "temporal": 1.0}
    method = fresh(residual="pixel", include_neutral=True, weights=weights, norm="none", decoder_norm="none")
    torch.nn.init.normal_(method.decoder.levels[-1].weight, std=0.5)
    batch = batch_of(method, [square()])
    batch["intensity"] = torch.tensor([[0.5, 1.0]])
    still, made = batch["neutral"], method.outputs(batch)
    change = 2 * method.decoder(method.residual_encoders[0](still))
    sums = torch.stack([still + 0.5 * change, still + change], 1)
    assert (sums > 1).any() and (sums < -1).any()
    assert torch.allclose(made["images"], sums.clamp(-1, 1), atol=1e-5)
    assert torch.equal(made["neutral_images"], still)


class Bright(torch.nn.Module):
    """A discriminator that calls real what is bright."""

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        return images.mean((1, 2, 3)), None


def test_d_l_judges_the_clips_whose_mouth_counts_and_no_other():
    method = fresh(size=8, weights={"adversarial_local": 1.0})
    method.discriminator_local = Bright()
    grey = lambda *levels: torch.tensor(levels).view(-1, 1, 1, 1, 1).expand(-1, 2, 3, 8, 8)  # noqa: E731
    batch = {"frames": grey(1.0, 5.0), "neutral": grey(0.0, 0.0)[:, 0], "mask": torch.ones(2, 2, 1, 8, 8)}
    batch["local"] = torch.tensor([True, False])
    outputs = {"images": grey(-1.0, 7.0)}
    loss = torch.nn.functional.softplus(torch.tensor(-1.0)).item()
    assert method.discriminator_terms(batch, outputs)["adversarial_local"].item() == pytest.approx(2 * loss)
    asked = method.generator_terms(batch, outputs)["adversarial_local"].item()
    assert asked == pytest.approx(-loss)


def test_each_clip_of_a_mixed_batch_keeps_its_place():
    method = fresh(expressions=("happy", "angry", "sad"))
    stills, label = torch.rand(4, 3, 16, 16), torch.tensor([2, 1, 2, 0])
    method._residual = lambda some, n: [100 * n + some.mean((1, 2, 3))]
    (made,) = method._residuals(stills, label)
    assert torch.allclose(made, 100 * label + stills.mean((1, 2, 3)))
