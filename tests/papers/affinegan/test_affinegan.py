"""AffineGAN against its equations."""

import typing
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image

from i2vlib import datasets, faces, regions
from i2vlib.clips import Clip
from i2vlib.papers.affinegan import PAPER_WEIGHTS, AffineGAN, AffineGANConfig
from tests.conftest import moving_square, tiny_config


def batch_of(method: AffineGAN, clips: list[Clip], seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    examples = [method.example(clip, rng) for clip in clips]
    return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}


def test_the_still_is_asked_for_back_beside_the_frames(clip):
    method = AffineGAN(tiny_config(include_neutral=True))
    batch = batch_of(method, [clip])
    outputs = method.outputs(batch)
    pairs = (("images", "frames"), ("neutral_images", "neutral"))
    errors = [(outputs[made] - batch[real]).abs().mean().item() for made, real in pairs]
    assert method.generator_terms(batch, outputs)["reconstruction"].item() == pytest.approx(sum(errors), rel=1e-5)


# The game -----------------------------------------------------------------------------------------------------------


def test_a_minimax_game_has_the_generator_minimise_its_reconstruction(clip):
    """Eq. 12 prints the reconstruction terms under max over G; training must lower them, not raise them."""
    torch.manual_seed(0)  # what ran before in the same process must not choose the first weights
    method = AffineGAN(tiny_config(augment=False))
    batch = batch_of(method, [clip, clip])
    optimiser = torch.optim.Adam(method.generator_parameters(), 1e-3)
    seen = []
    for _ in range(20):
        terms = method.generator_terms(batch, method.outputs(batch))
        seen.append(terms["reconstruction"].item())
        optimiser.zero_grad()
        sum(PAPER_WEIGHTS[name] * value for name, value in terms.items()).backward()
        optimiser.step()
    assert seen[-1] < 0.7 * seen[0]


# Configuration ------------------------------------------------------------------------------------------------------


def test_presets_state_the_paper_and_the_released_code():
    paper, released = AffineGANConfig.paper(), AffineGANConfig.released_code()
    assert [*paper.weights.values()][:5] == [1, 1, 100, 10, 100]
    assert (paper.size, paper.learning_rate, paper.betas, paper.frames_per_clip) == (256, 2e-4, (0.5, 0.999), 5)
    assert paper.intensity_denominator == "squared" and released.intensity_denominator == "norm"
    assert released.detach_intensity and released.conditional_discriminators and released.joint_intensity
    assert released.weights["adversarial_intensity"] == 20


def test_the_papers_generator_has_eight_levels_and_73_9_million_parameters():
    with torch.device("meta"):
        method = AffineGAN(AffineGANConfig.paper())
    assert len(method.encoder.levels) == len(method.decoder.levels) == 8
    assert sum(p.numel() for p in method.generator_parameters()) / 1e6 == pytest.approx(73.9, abs=0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 100}, "power of two.*100.*Try 64, 128 or 256"),
        ({"expressions": ()}, "one or more different expressions"),
        ({"expressions": ("happy", "happy")}, "one or more different expressions"),
        ({"weights": {"adversarail": 1}}, "no loss terms.*adversarail"),
    ],
)
def test_a_bad_config_says_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        AffineGAN(tiny_config(**changes))


@pytest.mark.parametrize(
    ("field", "typo", "choices"),
    [
        ("norm", "group", "'instance', 'batch', 'none'"),
        ("decoder_norm", "Instance", "'instance', 'batch', 'none'"),
        ("local_region", "moth", "'mouth', 'moving'"),
        ("intensity_from", "inner", "'innermost', 'hierarchy'"),
        ("intensity_denominator", "sqared", "'squared', 'norm'"),
        ("intensity_by", "MLP", "'projection', 'mlp'"),
        ("drawing", "carry", "'painted', 'carried'"),
    ],
)
def test_a_typo_in_a_choice_lists_the_choices(field, typo, choices):
    """It used to train another model."""
    with pytest.raises(ValueError, match=f"^AffineGANConfig.{field} is one of {choices}; given was '{typo}'"):
        tiny_config(**{field: typo})


def test_every_choice_was_tried_with_a_typo():
    """A new choice field needs a row in the test above."""
    hints = typing.get_type_hints(AffineGANConfig)
    (marks,) = (m for m in test_a_typo_in_a_choice_lists_the_choices.pytestmark if m.name == "parametrize")
    assert {row[0] for row in marks.args[1]} == {n for n, kind in hints.items() if typing.get_origin(kind) is Literal}


def test_configs_are_frozen():
    with pytest.raises(FrozenInstanceError):
        tiny_config().size = 32


# One step -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("preset", [AffineGANConfig.paper, AffineGANConfig.released_code, AffineGANConfig.small])
def test_every_preset_takes_a_step_at_every_size(size, preset):
    method = AffineGAN(preset(size=size, base_channels=4, channel_cap=2, frames_per_clip=2, clips_per_step=1))
    batch = batch_of(method, [moving_square(size, 4)])
    outputs = method.outputs(batch)
    assert outputs["images"].shape == (1, 2, 3, size, size) and outputs["images"].abs().max() <= 1
    assert outputs["intensity"].shape == (1, 2)
    for terms in (method.discriminator_terms(batch, outputs), method.generator_terms(batch, outputs)):
        assert terms and all(value.ndim == 0 and value.isfinite() for value in terms.values())


def test_the_intensity_of_a_clip_does_not_depend_on_its_batch(model, clip):
    other = moving_square(seed=3)
    alone, together = batch_of(model, [clip]), batch_of(model, [clip, other])
    together = {name: torch.cat([alone[name], value[1:]]) for name, value in together.items()}
    assert torch.allclose(
        model.outputs(alone)["intensity"], model.outputs(together)["intensity"][:1], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("detach", [False, True])
def test_image_losses_reach_the_intensity_unless_it_is_detached(detach, clip):
    method = AffineGAN(tiny_config(detach_intensity=detach, weights={"reconstruction": 1.0}))
    batch = batch_of(method, [clip])
    outputs = method.outputs(batch)
    method.generator_terms(batch, outputs)["reconstruction"].backward(
        inputs=[outputs["intensity"], *method.generator_parameters()]
    )
    assert (outputs["intensity"].grad is None) == detach


@pytest.mark.parametrize("signed", [False, True])
def test_a_mirrored_solution_has_a_negative_projection_and_no_negative_intensity(signed, clip):
    """Turned round, E_Delta gives the same intensities; without the bars of Eq. 5 they change their sign."""
    method = AffineGAN(tiny_config(signed_intensity=signed)).eval()
    batch = batch_of(method, [clip])
    plain, said = method.outputs(batch), method.infer_intensity(clip.frames, clip.frames[0])
    method.residual_encoder.register_forward_hook(lambda module, given, made: [-f for f in made])
    mirrored = method.outputs(batch)
    assert plain["projection"].abs().min() > 0 and torch.equal(mirrored["projection"], -plain["projection"])
    for outputs in (plain, mirrored):
        expected = outputs["projection"] if signed else outputs["projection"].abs()
        assert torch.equal(outputs["intensity"], expected)
    back = method.infer_intensity(clip.frames, clip.frames[0])
    assert np.array_equal(back, -said if signed else said) and (signed or (said >= 0).all())


def test_each_side_of_the_game_leaves_the_other_alone(clip):
    method = AffineGAN(tiny_config())
    batch = batch_of(method, [clip])
    outputs = method.outputs(batch)
    sum(method.discriminator_terms(batch, outputs).values()).backward(retain_graph=True)
    assert all(p.grad is None for p in method.generator_parameters())
    assert all(p.grad is not None for p in method.discriminator_parameters())


def test_eye_expressions_have_no_local_loss():
    method = AffineGAN(tiny_config(expressions=("happy", "eyes_closed")))
    eyes, mouth = moving_square(expression="eyes_closed"), moving_square()
    batch = batch_of(method, [eyes])
    assert "adversarial_local" not in method.generator_terms(batch, method.outputs(batch))
    batch = batch_of(method, [eyes, mouth])
    assert "adversarial_local" in method.generator_terms(batch, method.outputs(batch))


def test_the_local_discriminator_may_judge_all_that_moves_and_nothing_else():
    method = AffineGAN(tiny_config(expressions=("happy", "eyes_closed"), local_region="moving"))
    batch = batch_of(method, [moving_square(expression="eyes_closed")])
    outputs = method.outputs(batch)
    seen = []
    method.discriminator_local.register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    assert "adversarial_local" in method.generator_terms(batch, outputs)
    still = regions.moving(batch["frames"], batch["neutral"]).flatten(0, 1) == 0
    assert still.any() and not still.all()
    assert (seen[0] * still == 0).all() and (seen[0] != 0).any()


def test_noise_of_its_strength_lies_on_every_level_in_training_and_never_in_use(clip):
    method = AffineGAN(tiny_config(latent_noise=0.25, include_neutral=True))
    batch = batch_of(method, [clip, moving_square(seed=1)])
    seen = []
    method.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for mode in (True, True, False, False):
        method.train(mode)
        method.outputs(batch)
    for one, two, clean, again in zip(*seen, strict=True):
        assert torch.equal(clean, again)
        noise = torch.cat([one - clean, two - clean])
        assert not torch.equal(one, two) and noise.std().item() == pytest.approx(0.25, rel=0.2)
        assert abs(noise.mean().item()) < 0.05


def test_without_noise_a_step_is_the_same_twice(clip):
    method = AffineGAN(tiny_config())
    batch = batch_of(method, [clip])
    assert torch.equal(method.outputs(batch)["images"], method.outputs(batch)["images"])


def test_conditional_discriminators_see_the_still_first_and_then_the_frame(clip):
    method = AffineGAN(tiny_config(conditional_discriminators=True))
    batch = batch_of(method, [clip, moving_square(seed=1)])
    outputs = method.outputs(batch)
    still = batch["neutral"].repeat_interleave(2, 0)
    for judge, mask in ((method.discriminator, 1.0), (method.discriminator_local, batch["mask"])):
        seen = []
        judge.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0]))
        method.discriminator_terms(batch, outputs)
        method.generator_terms(batch, outputs)
        assert len(seen) == 3 and all(torch.equal(images[:, :3], still) for images in seen)
        frames = batch["frames"], outputs["images"], outputs["images"]
        for images, shown in zip(seen, frames, strict=True):
            assert torch.equal(images[:, 3:], (shown * mask).flatten(0, 1))


def test_a_joint_discriminator_judges_the_intensities_of_a_clip_at_once():
    torch.manual_seed(0)
    method = AffineGAN(tiny_config(joint_intensity=True, frames_per_clip=3))
    alone = AffineGAN(tiny_config(frames_per_clip=3)).discriminator_intensity
    judge, intensity = method.discriminator_intensity, torch.tensor([[0.1, 0.5, 0.9], [0.2, 0.3, 0.4]])
    assert judge(intensity).shape == (2, 1) and alone(intensity).shape == (6, 1)
    assert judge(intensity)[1].item() == pytest.approx(judge.layers(intensity[1]).item(), abs=1e-6)
    assert alone(intensity)[4].item() == pytest.approx(alone.layers(intensity[1, 1:2]).item(), abs=1e-6)
    intensity.requires_grad_()
    (slope,) = torch.autograd.grad(judge(intensity)[0].sum(), intensity)
    assert (slope[0] != 0).all() and (slope[1] == 0).all()


def test_the_label_reaches_the_residual_encoder_only(clip):
    method = AffineGAN(tiny_config(expressions=("happy", "angry")))
    batch = batch_of(method, [clip])
    happy, angry = (method.residual_encoder(batch["neutral"], torch.tensor([i])) for i in (0, 1))
    assert all(not torch.equal(h, a) for h, a in zip(happy, angry, strict=True))
    assert method.encoder.levels[0].in_channels == 3


def test_an_example_is_a_function_of_its_generator(model, clip):
    one, two, other = (model.example(clip, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["frames"], other["frames"])


def test_augmentation_moves_all_frames_alike():
    method = AffineGAN(tiny_config())
    still = replace(moving_square(), frames=np.repeat(moving_square().frames[:1], 6, 0))
    example = method.example(still, torch.Generator().manual_seed(5))
    assert all(torch.equal(frame, example["neutral"]) for frame in example["frames"])


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (moving_square()[:1], "one frame; training needs the neutral frame and at least one more"),
        (moving_square(size=32), "does not fit a model of 16 px. Open the data with size=16"),
        (moving_square(expression="sad"), r"knows the expressions \('happy', 'angry'\); asked for was 'sad'"),
    ],
)
def test_a_clip_that_cannot_be_learned_from_says_why(clip, message):
    method = AffineGAN(tiny_config(expressions=("happy", "angry")))
    with pytest.raises(ValueError, match=message):
        method.example(clip, torch.Generator())


# Animating ----------------------------------------------------------------------------------------------------------


def test_zero_intensity_is_the_decoded_still(model, clip):
    """f(I, 0) = De(E_0(I)): the affine step vanishes."""
    made = model.animate(clip.frames[0], intensity=[0.0]).frames
    from i2vlib.clips import to_frames, to_tensor

    with torch.inference_mode():
        decoded = model.decoder(model.encoder(to_tensor(clip.frames[:1])))
    assert np.abs(made.astype(int) - to_frames(decoded).astype(int)).max() <= 1


def test_a_frame_is_the_same_bit_for_bit_in_any_company(model, clip):
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 21).astype(np.float32)
    together = model.animate(clip.frames[0], intensity=values).frames
    shuffled = rng.permutation(21)
    assert np.array_equal(model.animate(clip.frames[0], intensity=values[shuffled]).frames, together[shuffled])
    for index in (0, 7, 8, 20):
        assert np.array_equal(model.animate(clip.frames[0], intensity=[values[index]]).frames[0], together[index])


def test_animate_gives_a_clip_that_knows_its_intensity(model, clip):
    made = model.animate(clip.frames[0], "happy", [0, 0.5, 1], fps=8)
    assert made.frames.shape == (3, 16, 16, 3) and made.fps == 8 and made.expression == "happy"
    assert made.intensity.tolist() == [0, 0.5, 1]
    assert len(model.animate(clip.frames[0])) == 20


def test_mixtures_add_the_directions(clip):
    model = AffineGAN(tiny_config(expressions=("happy", "angry"))).eval()
    mixed = model.animate(clip.frames[0], intensity={"happy": [0, 1, 1], "angry": [0, 0, 1]})
    alone = model.animate(clip.frames[0], "happy", [0, 1])
    assert mixed.intensity.shape == (3, 2)
    assert np.array_equal(mixed.frames[:2], alone.frames)
    assert not np.array_equal(mixed.frames[2], mixed.frames[1])


def test_a_driver_lends_its_inferred_intensity(model, clip):
    driven = model.animate(clip.frames[0], driver=clip)
    assert np.allclose(driven.intensity, model.infer_intensity(clip.frames, clip.frames[0]))
    assert driven.intensity[0] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("suffix", ["", ".gif"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_driver_may_be_the_path_of_a_video_or_of_a_folder(kind, suffix, model, clip, tmp_path):
    path = tmp_path / f"driver{suffix}"
    if suffix:
        clip.save(path)
    else:
        path.mkdir()
        for number, frame in enumerate(clip.frames):
            Image.fromarray(frame).save(path / f"{number:04}.png")
    driven = model.animate(clip.frames[0], driver=kind(path))
    read = datasets.load_clip(path)
    assert np.array_equal(driven.intensity, model.infer_intensity(read.frames, read.frames[0])) and len(driven) == 6
    assert suffix or np.array_equal(read.frames, clip.frames)


def test_a_driver_of_another_size_is_aligned(model, clip, tmp_path, monkeypatch):
    def align(given: Clip, size: int) -> Clip:
        assert given.frames.shape == (6, 24, 32, 3) and size == 16
        return replace(given, frames=clip.frames)

    monkeypatch.setattr(faces, "align_clip", align)
    for number in range(6):
        Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(tmp_path / f"{number}.png")
    driven = model.animate(clip.frames[0], driver=tmp_path)
    assert np.array_equal(driven.intensity, model.infer_intensity(clip.frames, clip.frames[0]))


def test_a_missing_driver_is_named_before_anything_else(tmp_path):
    model = AffineGAN(tiny_config(expressions=("happy", "angry")))
    with pytest.raises(ValueError, match="smile.mp4"):
        model.animate(np.zeros((16, 20, 3), np.uint8), "no such expression", driver=tmp_path / "smile.mp4")


def test_inferred_intensity_is_the_absolute_projection(model, clip):
    signed = model.infer_projection(clip.frames, clip.frames[0])
    assert np.array_equal(np.abs(signed), model.infer_intensity(clip.frames, clip.frames[0]))
    assert signed.dtype == np.float32 and signed.shape == (6,)


def test_using_a_model_leaves_its_mode_and_weights_alone(model, clip):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    model.animate(clip.frames[0], intensity=[0, 1])
    model.infer_intensity(clip.frames, clip.frames[0])
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("intensity", "message"),
    [
        ([], r"shape \(0,\); give a list of at least one number"),
        ([0, np.nan], "NaN or infinity at index 1"),
        ([np.inf], "NaN or infinity at index 0"),
        ([0, -0.5], "goes down to -0.5; it starts at 0"),
        ("half", "list of numbers from 0.*given was 'half'"),
        ([[0, 1]], r"shape \(1, 2\)"),
        ({}, "empty dict"),
        ({"happy": [0, 1], "angry": [0]}, "need one length.*'happy': 2, 'angry': 1"),
        ({"sad": [0, 1]}, "knows the expressions"),
    ],
)
def test_a_bad_intensity_says_what_is_wrong(intensity, message, clip):
    model = AffineGAN(tiny_config(expressions=("happy", "angry")))
    with pytest.raises(ValueError, match=message):
        model.animate(clip.frames[0], "happy", intensity)


def test_intensity_above_one_warns(model, clip):
    with pytest.warns(UserWarning, match="1.5.*1"):
        model.animate(clip.frames[0], intensity=[1.5])


@pytest.mark.parametrize(
    ("face", "message"),
    [
        (np.zeros((16, 20, 3), np.uint8), "20x16; a model takes a square crop.*align_face"),
        (np.zeros((16, 16, 3)) * np.nan, "not finite"),
    ],
)
def test_a_bad_face_says_what_is_wrong(face, message, model):
    with pytest.raises(ValueError, match=message):
        model.animate(face, intensity=[1])


def test_both_driver_and_intensity_is_a_contradiction(model, clip):
    with pytest.raises(ValueError, match="driver=.*intensity="):
        model.animate(clip.frames[0], intensity=[1], driver=clip)


def test_a_model_of_several_expressions_asks_which(clip):
    model = AffineGAN(tiny_config(expressions=("happy", "angry")))
    with pytest.raises(ValueError, match="'happy'.*'angry'"):
        model.animate(clip.frames[0], intensity=[1])


# A plain MLP in the place of Eq. 5, growing, and where the encoders look ---------------------------------------------


def test_a_plain_mlp_sees_the_three_codes_and_may_say_any_number(clip):
    torch.manual_seed(0)
    method = AffineGAN(tiny_config(intensity_by="mlp"))
    said = method.infer_intensity(clip.frames, clip.frames[0])
    assert np.array_equal(said, method.infer_projection(clip.frames, clip.frames[0])) and said.shape == (6,)
    with torch.no_grad():
        method.regressor.layers[-1].bias.fill_(-3.0)
    assert (method.infer_intensity(clip.frames, clip.frames[0]) < 0).all()
    outputs = method.outputs(batch_of(method, [clip, moving_square(seed=1)]))
    assert outputs["intensity"].shape == (2, 2) and (outputs["intensity"] < 0).all()
    outputs["images"].mean().backward()
    for part in (method.regressor, method.encoder, method.residual_encoder):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in list(part.parameters())[-2:])


def test_a_plain_mlp_pairs_each_frame_with_its_own_still():
    from i2vlib.papers.affinegan import IntensityRegressor

    torch.manual_seed(0)
    judge = IntensityRegressor(4)
    frames, base, residual = (torch.randn(n, 4, 1, 1) for n in (6, 2, 2))
    both = judge(frames, base, residual)
    alone = torch.cat([judge(frames[3 * i : 3 * i + 3], base[i : i + 1], residual[i : i + 1]) for i in (0, 1)])
    assert both.shape == (2, 3) and torch.allclose(both, alone, atol=1e-6)
    (by_hand,) = judge.layers(torch.cat([frames[4], base[1], residual[1]]).flatten()).tolist()
    assert both[1, 1].item() == pytest.approx(by_hand, abs=1e-6)


def test_a_model_grows_by_expressions_and_keeps_those_it_knew(clip):
    torch.manual_seed(0)
    old = AffineGAN(tiny_config(expressions=("happy", "angry")))
    new = AffineGAN(tiny_config(expressions=("angry", "sad", "happy")))
    judges = {name: value.clone() for name, value in new.state_dict().items() if name.startswith("discriminator")}
    new.inherit(old)
    for name in old.expressions:
        one, other = (m.animate(clip.frames[0], name, intensity=[0, 0.5, 1]).frames for m in (old, new))
        assert np.array_equal(one, other)
    sad, happy = (new.animate(clip.frames[0], name, intensity=[1]).frames for name in ("sad", "happy"))
    assert not np.array_equal(sad, happy)
    assert all(torch.equal(new.state_dict()[name], value) for name, value in judges.items())


def test_a_model_does_not_grow_out_of_another_size():
    with pytest.raises(RuntimeError, match="size mismatch"):
        AffineGAN(tiny_config(base_channels=16)).inherit(AffineGAN(tiny_config()))


def test_sensitivity_is_the_norm_of_the_jacobians_columns():
    from i2vlib.animation import sensitivity

    weight = torch.randn(5, 3 * 2 * 2, generator=torch.Generator().manual_seed(0))
    still = torch.rand(1, 3, 2, 2)
    one, other = sensitivity(lambda a, b: (a.flatten() + 2 * b.flatten()) @ weight.T, [still, still], probes=20_000)
    exact = weight.view(5, 3, 2, 2).square().sum((0, 1)).sqrt()
    np.testing.assert_allclose(one, exact, rtol=0.03)
    np.testing.assert_allclose(other, 2 * one, rtol=1e-5)


def test_at_intensity_zero_the_direction_sways_nothing(model, clip):
    base, residual = model.sensitivity(clip.frames[0], intensity=0.0)
    assert base.shape == (16, 16) and base.sum() > 0 and residual.sum() == 0
    base, residual = model.sensitivity(clip.frames[0])
    assert (base > 0).any() and (residual > 0).any() and all(p.grad is None for p in model.parameters())
