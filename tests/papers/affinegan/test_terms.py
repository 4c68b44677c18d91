"""The terms of a step of AffineGAN that the paper's sum has not, and what a step asks for: by value."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from i2vlib.clips import to_tensor
from i2vlib.hub import CARD, WEIGHTS, load_pretrained
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.training import fit
from tests.conftest import moving_square, tiny_config


class Brightness(nn.Module):
    """A discriminator that calls real what is bright, and of the first of two expressions."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        level = images.mean((1, 2, 3))
        return level, torch.stack([level, torch.zeros_like(level)], 1)


def frames(*levels: float, size: int = 8) -> Tensor:
    """Clips of two frames, each of one grey: ``(B, 2, 3, size, size)``."""
    return torch.tensor(levels).view(-1, 2, 1, 1, 1).expand(-1, -1, 3, size, size).clone()


def code(*rows: list[float]) -> Tensor:
    return torch.tensor(rows).float()[:, :, None, None]


def surprise(logit: float) -> float:
    """The cross entropy of a class that has this logit, where the other one has 0."""
    return log(1 + exp(-logit))


@pytest.mark.parametrize(
    ("intensity", "shares"),
    [
        ([[0.5, 3.0], [-0.5, 0.25]], [0.5, 1, 0, 0.25]),  # held within [0, 1]
        ([[0.5, -1.0], [0.0, 0.125]], [0.5, 0, 0, 0.125]),
        ([[0.0, 0.0], [0.0, 0.0]], [0, 0, 0, 0]),
    ],
)
def test_the_expression_is_judged_by_frames_that_show_it(intensity, shares):
    method = AffineGAN(tiny_config(size=8, expressions=("happy", "angry"),
                                   weights={"adversarial": 1.0, "classification": 1.0}))  # fmt: skip
    method.discriminator = Brightness()
    read, real, made = torch.tensor(intensity, requires_grad=True), [1.0, 2.0, -1.0, 0.5], [3.0, -2.0, 0.5, -0.25]
    batch = {"frames": frames(*real), "neutral": frames(0.0, 0.0)[:, 0], "label": torch.tensor([0, 1])}
    outputs = {"images": frames(*made).requires_grad_(), "intensity": read}
    for ask, shown in ((method.discriminator_terms, real), (method.generator_terms, made)):
        loss = ask(batch, outputs)["classification"]
        surprises = [surprise(sign * level) for sign, level in zip((1, 1, -1, -1), shown, strict=True)]
        expected = sum(share * x for share, x in zip(shares, surprises, strict=True)) / max(sum(shares), 1e-6)
        assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert read.grad is None, "a frame does not show less of an expression because it is hard to tell"


@pytest.mark.parametrize(("names", "weight"), [(("happy",), 1.0), (("happy", "angry"), 0.0)])
def test_one_expression_or_no_weight_is_not_judged(names, weight):
    weights = {"adversarial": 1.0, "classification": weight}
    method = AffineGAN(tiny_config(expressions=names, weights=weights))
    example = method.example(moving_square(), torch.Generator().manual_seed(0))
    batch = {name: value[None] for name, value in example.items()}
    outputs = method.outputs(batch)
    for terms in (method.discriminator_terms(batch, outputs), method.generator_terms(batch, outputs)):
        assert {*terms} - {"reconstruction"} == {"adversarial"}


def test_d_g_learns_the_expression_without_judging_what_is_real():
    method = AffineGAN(tiny_config(size=8, expressions=("happy", "angry"), weights={"classification": 1.0}))
    method.discriminator = Brightness()
    batch = {"frames": frames(1.0, 2.0), "neutral": frames(0.0, 0.0)[:, 0], "label": torch.tensor([1])}
    outputs = {"images": frames(-1.0, 0.5), "intensity": torch.ones(1, 2)}
    for ask, shown in ((method.discriminator_terms, (1.0, 2.0)), (method.generator_terms, (-1.0, 0.5))):
        terms = ask(batch, outputs)
        assert {*terms} - {"reconstruction"} == {"classification"}
        assert terms["classification"].item() == pytest.approx(np.mean([surprise(-x) for x in shown]), rel=1e-5)


def test_frames_are_named_by_a_model_that_was_taught_to():
    weights = {"reconstruction": 1.0, "classification": 1.0}
    method = AffineGAN(tiny_config(size=8, expressions=("happy", "angry"), weights=weights))
    method.discriminator = Brightness()
    pictures = np.stack([np.full((8, 8, 3), level, np.uint8) for level in (255, 0, 200)])
    assert method.named(pictures, pictures[0]) == ["happy", "angry", "happy"]
    for names, weight in ((("happy",), 1.0), (("happy", "angry"), 0.0)):
        other = AffineGAN(tiny_config(size=8, expressions=names, weights={**weights, "classification": weight}))
        with pytest.raises(ValueError, match="expressions"):
            other.named(pictures, pictures[0])


def test_what_a_d_g_was_taught_stays_with_the_model_and_one_that_was_not_says_nothing(tmp_path):
    """A D_g that a file left out names strangers as its first weights happen to, by chance."""
    weights = {"reconstruction": 1.0, "classification": 1.0}
    method = AffineGAN(tiny_config(expressions=("happy", "angry"), weights=weights))
    pictures = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="D_g"):
        method.named(pictures, pictures[0])
    fit(method, [moving_square(seed=seed) for seed in range(3)], 2, progress=False)
    with torch.no_grad():
        method.discriminator.classify.weight += torch.randn(2, method.discriminator.classify.in_features)
    method.save_pretrained(tmp_path)
    again = load_pretrained(tmp_path)
    seen = lambda model: model.discriminator(to_tensor(pictures))[1]  # noqa: E731
    torch.testing.assert_close(seen(again), seen(method), rtol=1e-2, atol=1e-2)
    assert again.named(pictures, pictures[0]) == method.named(pictures, pictures[0])
    tensors = load_file(tmp_path / WEIGHTS)
    save_file({name: v for name, v in tensors.items() if not name.startswith("discriminator")}, tmp_path / WEIGHTS)
    (tmp_path / CARD).unlink()
    without = load_pretrained(tmp_path)
    without.save_pretrained(tmp_path / "again")  # a chance D_g is not written as if it had been taught
    for model in (without, load_pretrained(tmp_path / "again")):
        with pytest.raises(ValueError, match="D_g"):
            model.named(pictures, pictures[0])


def test_the_neutral_frame_is_drawn_and_counted_where_it_is_asked_for():
    """At size 8: made is off by 0.75, the neutral frame by 0.25; only half of a real frame moves, and is off by 1."""
    weights = {"reconstruction": 1.0, "reconstruction_moving": 1.0}
    method = AffineGAN(tiny_config(size=8, include_neutral=True, weights=weights))
    batch = {"frames": frames(0.5, 0.5), "neutral": frames(0.5, 0.5)[:, 0]}
    batch["frames"][..., :2, :] = 1.0  # with the rim, three of eight rows
    made = {"images": frames(0.5, 0.5), "neutral_images": frames(0.25, 0.25)[:, 0], "intensity": torch.zeros(1, 2)}
    made["images"][..., [1, 6], :] = 0.0  # what moves is told by the real frames, not by these
    terms = method.generator_terms(batch, made)
    assert {name: value.item() for name, value in terms.items()} == pytest.approx(
        {"reconstruction": (0.5 + 1.0 + 0.5) / 8 + 0.25, "reconstruction_moving": (0.5 + 1.0) / 3}
    )


@pytest.mark.parametrize(("neutral", "weight"), [(True, 1.0), (True, 0.0), (False, 1.0), (False, 0.0)])
def test_only_what_is_asked_for_is_drawn(neutral, weight):
    torch.manual_seed(0)
    weights = {"reconstruction": 1.0, "reconstruction_self": weight}
    method = AffineGAN(tiny_config(include_neutral=neutral, weights=weights))
    examples = [method.example(moving_square(seed=s), torch.Generator().manual_seed(s)) for s in range(2)]
    batch = {name: torch.stack([example[name] for example in examples]) for name in examples[0]}
    made = method.outputs(batch)
    wanted = {"images", "intensity", "projection"}
    wanted |= ({"neutral_images"} if neutral else set()) | ({"self_images"} if weight else set())
    assert set(made) == wanted
    draw = lambda images: method.decoder(method.encoder(images))  # noqa: E731
    if neutral:
        assert torch.allclose(made["neutral_images"], draw(batch["neutral"]), atol=1e-5)
    if weight:
        assert torch.allclose(made["self_images"].flatten(0, 1), draw(batch["frames"].flatten(0, 1)), atol=1e-5)


@pytest.mark.parametrize(
    ("of", "by", "expected"),
    [
        ("hierarchy", "squared", 10 / 25),
        ("hierarchy", "norm", 10 / 5),
        ("innermost", "squared", 4 / 16),
        ("innermost", "norm", 4 / 4),
    ],
)
def test_the_intensity_is_read_off_the_levels_and_by_the_denominator_of_the_config(of, by, expected):
    method = AffineGAN(tiny_config(intensity_from=of, intensity_denominator=by))
    still, direction = [code([0.0]), code([1.0]), code([2.0])], [code([0.0]), code([3.0]), code([4.0])]
    seen = [code([9.0]), code([3.0]), code([3.0])]  # 9 x 0, 2 x 3 and 1 x 4, of 0, 9 and 16
    assert method._read(seen, still, direction).item() == pytest.approx(expected)


def test_every_frame_but_the_neutral_one_is_drawn_and_with_replacement_some_twice():
    clip = moving_square()
    for repeat in (False, True):
        method, seen, twice = AffineGAN(tiny_config(with_replacement=repeat, augment=False)), set(), 0
        for seed in range(30):
            example = method.example(clip, torch.Generator().manual_seed(seed))
            levels = [round(127.5 * (x[:, 8:] - example["neutral"][:, 8:]).mean().item()) for x in example["frames"]]
            seen |= set(levels)
            twice += len(set(levels)) < len(levels)
        assert seen == {16, 32, 48, 64, 80} and bool(twice) == repeat


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("expression", ["happy", "eyes_closed"])
def test_a_sample_has_the_mouths_of_its_frames_where_they_are_known(known, expression):
    """The mouth of each frame is another; a model of several expressions is told which."""
    clip = moving_square(expression=expression)
    clip.truth["mouth"][np.arange(6), np.arange(6)] = True
    clip = clip if known else replace(clip, truth={})
    method = AffineGAN(tiny_config(expressions=("happy", "eyes_closed"), augment=False, frames_per_clip=5))
    example = method.example(clip, torch.Generator().manual_seed(1))
    assert torch.equal(example["neutral"], to_tensor(clip.frames)[0])
    shown = [next(i for i in range(6) if torch.equal(x, to_tensor(clip.frames)[i])) for x in example["frames"]]
    assert sorted(shown) == [1, 2, 3, 4, 5] != shown
    mouths = torch.from_numpy(clip.truth["mouth"][shown])[:, None].float() if known else torch.zeros(5, 1, 16, 16)
    assert torch.equal(example["mask"], mouths)
    assert example["local"].item() == (known and expression == "happy")
    assert example["label"].item() == ("happy", "eyes_closed").index(expression)
    assert example["uniform"].shape == (5,) and len(set(example["uniform"].tolist())) == 5


def test_a_sample_is_augmented_where_that_is_asked_for_and_follows_from_its_generator():
    clip, rng = moving_square(), torch.Generator()
    for augment in (False, True):
        method = AffineGAN(tiny_config(augment=augment))
        one, two = (method.example(clip, rng.manual_seed(3)) for _ in range(2))
        assert torch.equal(one["neutral"], to_tensor(clip.frames)[0]) != augment
        assert all(torch.equal(one[name], two[name]) for name in one)


class Innermost(torch.nn.Module):
    """A decoder that gives back the innermost level of a code."""

    def forward(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]


def test_the_noise_of_a_step_is_what_the_step_draws():
    method, levels = AffineGAN(tiny_config(latent_noise=0.5)), [torch.zeros(2, 3, 2, 2), torch.ones(2, 3, 1, 1)]
    method.decoder = Innermost()
    torch.manual_seed(4)
    made = method.decode({"images": levels})["images"]
    torch.manual_seed(4)
    noise = [torch.randn_like(level) for level in levels]
    assert torch.equal(made, levels[-1] + 0.5 * noise[-1])
    assert torch.equal(method.eval().decode({"images": levels})["images"], levels[-1])


class Bright(torch.nn.Module):
    """A discriminator that calls real what is bright."""

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        return images.mean((1, 2, 3)), None


def test_d_l_judges_the_clips_whose_mouth_counts_and_no_other():
    method = AffineGAN(tiny_config(size=8, weights={"adversarial_local": 1.0}))
    method.discriminator_local = Bright()
    grey = lambda *levels: torch.tensor(levels).view(-1, 1, 1, 1, 1).expand(-1, 2, 3, 8, 8)  # noqa: E731
    batch = {"frames": grey(1.0, 5.0), "neutral": grey(0.0, 0.0)[:, 0], "mask": torch.ones(2, 2, 1, 8, 8)}
    batch["local"] = torch.tensor([True, False])
    outputs = {"images": grey(-1.0, 7.0)}
    loss = torch.nn.functional.softplus(torch.tensor(-1.0)).item()
    assert method.discriminator_terms(batch, outputs)["adversarial_local"].item() == pytest.approx(2 * loss)
    asked = method.generator_terms(batch, outputs)["adversarial_local"].item()
    assert asked == pytest.approx(-loss)
