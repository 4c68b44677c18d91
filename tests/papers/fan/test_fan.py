"""FAN against its equations."""

import typing
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

import i2vlib
from i2vlib import metrics
from i2vlib.checkpoints import CHECKPOINT
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.papers.fan import FAN, PAPER_WEIGHTS, FANConfig, equations, expected_points
from i2vlib.training import fit
from tests.conftest import moving_square

BOTH = ("happy", "angry")


def tiny(**changes: object) -> FANConfig:
    values = {"size": 16, "base_channels": 8, "channel_cap": 2, "frames_per_clip": 2, "clips_per_step": 2,
              "augment": True, "crop": 0.0}  # fmt: skip
    return FANConfig.paper(**{**values, **changes})


def square(landmarks: bool = True, **options: object) -> Clip:
    """A moving square whose landmarks wander; their places mean nothing."""
    clip = moving_square(**options)
    size = clip.frames.shape[1]
    points = np.random.default_rng(1).uniform(0.3 * size, 0.7 * size, (1, 68, 2)) + np.linspace(0, 1, 6)[:, None, None]
    return replace(clip, landmarks=points) if landmarks else clip


def fresh(**changes: object) -> FAN:
    torch.manual_seed(0)
    return FAN(tiny(**changes))


def settled(**changes: object) -> FAN:
    """A model whose batch normalisation has seen something, ready to animate."""
    method = fresh(**changes)
    names = method.expressions
    for seed in range(3):
        method.outputs(batch_of(method, [square(expression=names[0]), square(expression=names[-1], seed=seed)], seed))
    return method.eval()


def batch_of(method: FAN, clips: list[Clip], seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    examples = [method.example(clip, rng) for clip in clips]
    return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}


def features_of(decoded: torch.Tensor) -> np.ndarray:
    return to_frames(decoded).astype(int)


@pytest.fixture
def fan() -> FAN:
    return settled(expressions=BOTH)


@pytest.fixture
def still() -> np.ndarray:
    return moving_square(seed=9).frames[0]


# Equations ----------------------------------------------------------------------------------------------------------


def test_a_frame_is_decoded_from_the_sum_of_every_level(fan):
    batch = batch_of(fan, [square()])
    with torch.inference_mode():
        made = fan.outputs(batch)["images"][0, 1]
        e0, e1 = fan.encoder(batch["neutral"]), fan.residual_encoders[0](batch["neutral"])
        expected = fan.decoder([f + batch["intensity"][0, 1] * r for f, r in zip(e0, e1, strict=True)])[0]
    assert len(e0) == 4 and torch.allclose(made, expected, atol=1e-5)


def test_a_mixture_adds_the_residuals_of_all_expressions(fan, still):
    made = fan.animate(still, intensity={"happy": [0.3], "angry": [0.8]}).frames
    with torch.inference_mode():
        x = to_tensor(still[None])
        parts = zip(fan.encoder(x), *(encoder(x) for encoder in fan.residual_encoders), strict=True)
        expected = fan.decoder([f0 + 0.3 * f1 + 0.8 * f2 for f0, f1, f2 in parts])
    assert np.abs(made.astype(int) - features_of(expected)).max() <= 1


def test_at_zero_the_still_is_decoded_as_it_is(fan, still):
    with torch.inference_mode():
        expected = fan.decoder(fan.encoder(to_tensor(still[None])))
    assert np.abs(fan.animate(still, "angry", [0.0]).frames.astype(int) - features_of(expected)).max() <= 1


def test_the_discriminators_judge_frames_and_their_mouths():
    method = fresh(norm="none")
    batch = batch_of(method, [square(seed=1), square(seed=2)])
    outputs = method.outputs(batch)
    terms = method.discriminator_terms(batch, outputs)
    for name, judge, mask in (
        ("adversarial", method.discriminator, 1.0),
        ("adversarial_local", method.discriminator_local, batch["mask"]),
    ):
        real, fake = (torch.sigmoid(judge((x * mask).flatten(0, 1))[0]) for x in (batch["frames"], outputs["images"]))
        by_hand = -(1 - fake).log().mean() - real.log().mean()
        assert terms[name].item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_the_regulariser_of_a_step_is_that_of_frames_drawn_one_by_one(fan):
    clip = replace(square(), intensity=[0, 0.05, 0.5, 0.5, 0.95, 1.0])
    method = settled(labels="true", frames_per_clip=6)
    batch = batch_of(method, [clip, square(seed=4)])
    with torch.inference_mode():
        outputs = method.outputs(batch)
        value = method.generator_terms(batch, outputs)["temporal"].item()
        encoders, total = (method.encoder, method.residual_encoders[0]), 0.0

        def v(n: int, a: float) -> torch.Tensor:
            codes = zip(*(encoder(batch["neutral"][n : n + 1]) for encoder in encoders), strict=True)
            return method.decoder([f + a * r for f, r in codes])

        for n, row in enumerate(batch["intensity"].double().tolist()):
            for a in row:
                for near in (a - 0.1, a + 0.1):
                    if -1e-6 <= near <= 1 + 1e-6:
                        total += (v(n, a) - v(n, near)).abs().mean().item()
    assert len(outputs["nearby_images"]) < 24
    assert value == pytest.approx(total / 12, rel=1e-4)


def test_a_peaked_map_gives_the_centre_of_its_pixel():
    maps = torch.zeros(1, 2, 4, 8)
    maps[0, 0, 2, 5] = 60  # row 2 of 4, column 5 of 8: centres at 2.5 / 4 and 5.5 / 8
    point, middle = expected_points(maps)[0]
    assert torch.allclose(point, torch.tensor([2 * 5.5 / 8 - 1, 2 * 2.5 / 4 - 1]), atol=1e-5)
    assert torch.allclose(middle, torch.zeros(2), atol=1e-6)


def test_points_lie_between_pixels_and_have_gradients():
    maps = torch.full((1, 1, 4, 4), -60.0)
    maps[0, 0, 1, 1:3] = torch.tensor([0.0, np.log(3.0)])  # a quarter and three quarters
    maps.requires_grad_()
    x, y = expected_points(maps, sharpness=1)[0, 0]
    assert x.item() == pytest.approx(0.25 * -0.25 + 0.75 * 0.25, abs=1e-5) and y.item() == pytest.approx(-0.25)
    x.backward()
    assert maps.grad[0, 0, 1, 2] > 0 > maps.grad[0, 0, 1, 1]


def test_a_game_has_the_generator_minimise_all_that_is_no_game():
    """Eq. 6 prints L_k and R_t under max over f; training must lower them."""
    method = fresh(augment=False, weights={"reconstruction": 100.0, "landmarks": 100.0, "temporal": 10.0})
    batch = batch_of(method, [square(), square(seed=2)])
    optimiser = torch.optim.Adam(method.generator_parameters(), 2e-3)
    seen = []
    for _ in range(20):
        terms = method.generator_terms(batch, method.outputs(batch))
        seen.append({name: value.item() for name, value in terms.items()})
        optimiser.zero_grad()
        sum(method.config.weights[name] * value for name, value in terms.items()).backward()
        optimiser.step()
    assert set(seen[0]) == {"reconstruction", "landmarks", "temporal"}
    assert seen[-1]["reconstruction"] < 0.7 * seen[0]["reconstruction"]
    assert seen[-1]["landmarks"] < 0.7 * seen[0]["landmarks"]


def test_training_lowers_what_the_regulariser_counts():
    """R_t is minimised, not maximised: alone, it stills a model that moves."""
    method = fresh(augment=False, norm="instance", decoder_norm="none", weights={"temporal": 1.0})
    batch = batch_of(method, [square(), square(seed=2)])
    optimiser = torch.optim.Adam(method.generator_parameters(), 2e-3)
    seen = []
    for _ in range(20):
        term = method.generator_terms(batch, method.outputs(batch))["temporal"]
        seen.append(term.item())
        optimiser.zero_grad()
        term.backward()
        optimiser.step()
    assert 0 < seen[-1] < 0.5 * seen[0]


# The residual in pixels ---------------------------------------------------------------------------------------------


def in_pixels(**changes: object) -> FAN:
    return settled(residual="pixel", weights={**PAPER_WEIGHTS, "landmarks": 0.0}, **changes)


def test_a_residual_in_pixels_is_added_to_the_still_and_clipped(still):
    method = in_pixels(expressions=BOTH)
    torch.nn.init.normal_(method.decoder.levels[-1].weight, std=0.5)
    with torch.inference_mode():
        x = to_tensor(still[None])
        g = [2 * method.decoder(encoder(x)) for encoder in method.residual_encoders]
        sums = x + 0.5 * g[0], x + 0.2 * g[0] + 1.0 * g[1]
    assert (sums[1].abs() > 1).any() and (sums[1].abs() < 1).any()
    made = method.animate(still, intensity={"angry": [0, 1, 0], "happy": [0.5, 0.2, 0]}).frames.astype(int)
    for frame, expected in zip(made, sums, strict=False):
        assert np.abs(frame - features_of(expected.clamp(-1, 1))[0]).max() <= 1
    assert np.array_equal(made[2], still)


def test_a_residual_in_pixels_starts_from_the_still_and_learns():
    method = in_pixels()
    batch = batch_of(method.train(), [square(), square(seed=3)])
    outputs = method.outputs(batch)
    assert torch.equal(outputs["images"], batch["neutral"].unsqueeze(1).expand_as(outputs["images"]))
    history = fit(method, [square()], 30, log_every=1, progress=False)
    error = history["generator/reconstruction"]
    assert error.tail(5).mean() < error.head(5).mean() and "generator/landmarks" not in history


# Configuration ------------------------------------------------------------------------------------------------------


def test_presets_state_the_paper_and_what_was_learned():
    paper, small = FANConfig.paper(), FANConfig.small()
    assert (paper.size, paper.learning_rate, paper.increment, paper.labels) == (256, 2e-4, 0.1, "time")
    assert paper.norm == paper.decoder_norm == "batch" and len(paper.discriminator_strides) == 3 and paper.saturating
    assert small.decoder_norm == "none" and small.labels == "true" and small.local_region == "moving"
    assert small.smooth_upsampling and small.corrected_levels == 3 and small.include_neutral and not small.saturating


def test_the_papers_networks_have_eight_levels_and_a_residual_encoder_an_expression():
    with torch.device("meta"):
        method = FAN(FANConfig.paper(expressions=("happy", "angry", "surprised")))
    assert len(method.encoder.levels) == len(method.decoder.levels) == 8 and len(method.residual_encoders) == 3
    assert isinstance(method.decoder.norms[0], torch.nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 100}, "power of two.*100"),
        ({"expressions": ("happy", "happy")}, "one or more different expressions"),
        ({"weights": {"landmark": 1}}, "no loss terms.*landmark"),
        ({"increment": 0.0}, "above 0 and up to 1; given was 0.0"),
        ({"residual": "pixel"}, "predicts no landmarks; set the weight of 'landmarks' to 0"),
    ],
)
def test_a_bad_config_says_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        FAN(tiny(**changes))


@pytest.mark.parametrize(
    ("field", "typo", "choices"),
    [
        ("norm", "group", "'batch', 'instance', 'none'"),
        ("decoder_norm", "Batch", "'batch', 'instance', 'none'"),
        ("residual", "flow", "'feature', 'pixel'"),
        ("local_region", "moth", "'mouth', 'moving'"),
        ("labels", "guess", "'time', 'true'"),
        ("drawing", "carry", "'painted', 'carried'"),
    ],
)
def test_a_typo_in_a_choice_lists_the_choices(field, typo, choices):
    """It used to train another model."""
    with pytest.raises(ValueError, match=f"^FANConfig.{field} is one of {choices}; given was '{typo}'"):
        tiny(**{field: typo})


def test_every_choice_was_tried_with_a_typo():
    """A new choice field needs a row in the test above."""
    hints = typing.get_type_hints(FANConfig)
    (marks,) = (m for m in test_a_typo_in_a_choice_lists_the_choices.pytestmark if m.name == "parametrize")
    assert {row[0] for row in marks.args[1]} == {n for n, kind in hints.items() if typing.get_origin(kind) is Literal}


# One step -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("preset", [FANConfig.paper, FANConfig.small])
@pytest.mark.parametrize("residual", ["feature", "pixel"])
def test_every_preset_takes_a_step_at_every_size(size, preset, residual):
    weights = dict.fromkeys(PAPER_WEIGHTS, 1.0) | ({"landmarks": 0.0} if residual == "pixel" else {})
    shape = {"size": size, "base_channels": 4, "channel_cap": 2, "frames_per_clip": 2}
    method = FAN(preset(**shape, weights=weights, residual=residual))
    batch = batch_of(method, [square(size=size)])
    outputs = method.outputs(batch)
    assert outputs["images"].shape == (1, 2, 3, size, size) and outputs["images"].abs().max() <= 1
    for terms in (method.discriminator_terms(batch, outputs), method.generator_terms(batch, outputs)):
        assert terms and all(value.ndim == 0 and value.isfinite() for value in terms.values())
    assert set(terms) == {name for name, weight in weights.items() if weight}


def test_labels_are_the_place_in_time_or_what_the_clip_states():
    clip = replace(square(), intensity=[0, 0, 0, 0.5, 0.9, 0.9])
    times, stated = (
        fresh(labels=labels, frames_per_clip=6).example(clip, torch.Generator()) for labels in ("time", "true")
    )
    assert torch.allclose(times["intensity"].sort().values, torch.arange(6) / 5)
    assert torch.allclose(stated["intensity"].sort().values, torch.tensor(clip.intensity))


def test_a_label_belongs_to_its_frame():
    clip = square()
    example = fresh(augment=False, frames_per_clip=6).example(clip, torch.Generator().manual_seed(2))
    index = (5 * example["intensity"]).round().int().tolist()
    assert sorted(index) == list(range(6)) != index
    assert torch.equal(example["frames"], to_tensor(clip.frames[index]))
    assert torch.allclose((example["landmarks"] + 1) * 8, torch.from_numpy(clip.landmarks[index]), atol=1e-4)


def test_the_neutral_frame_is_drawn_like_any_other_unless_it_is_asked_for_each_time():
    drawn = [
        fresh(frames_per_clip=40, include_neutral=ask).example(square(), torch.Generator()) for ask in (False, True)
    ]
    assert [(example["intensity"] == 0).any().item() for example in drawn] == [True, False]
    method = fresh(include_neutral=True)
    assert method.outputs(batch_of(method, [square()]))["neutral_images"].shape == (1, 3, 16, 16)


def test_only_the_encoder_of_the_expression_learns_from_a_clip():
    method = fresh(expressions=("happy", "angry", "surprised"))
    batch = batch_of(method, [square(expression="angry"), square(expression="angry", seed=1)])
    sum(method.generator_terms(batch, method.outputs(batch)).values()).backward()
    reached = [[p.grad is not None for p in encoder.parameters()] for encoder in method.residual_encoders]
    assert not any(reached[0]) and all(reached[1]) and not any(reached[2])
    assert all(p.grad is not None for p in method.encoder.parameters())


def test_a_batch_that_mixes_expressions_takes_each_clip_through_its_own_encoder(fan):
    clips = [square(expression=name, seed=seed) for seed, name in enumerate(("angry", "happy", "angry"))]
    batch = batch_of(fan, clips)
    mixed = fan._residuals(batch["neutral"], batch["label"])
    for row, label in enumerate((1, 0, 1)):
        alone = fan.residual_encoders[label](batch["neutral"][row : row + 1])
        assert all(torch.allclose(m[row], f[0], atol=1e-5) for m, f in zip(mixed, alone, strict=True))


@pytest.mark.parametrize("training", [False, True])
def test_batch_normalisation_couples_the_frames_of_a_step_and_of_nothing_else(training, fan):
    fan.train(training)
    alone, together = batch_of(fan, [square()]), batch_of(fan, [square(), square(expression="angry", seed=3)])
    together = {name: torch.cat([alone[name], value[1:]]) for name, value in together.items()}
    one, two = fan.outputs(alone)["images"][0], fan.outputs(together)["images"][0]
    assert torch.allclose(one, two, atol=1e-5) != training


def test_each_side_of_the_game_leaves_the_other_alone():
    method = fresh()
    batch = batch_of(method, [square(), square(seed=1)])
    outputs = method.outputs(batch)
    sum(method.discriminator_terms(batch, outputs).values()).backward()
    assert all(p.grad is None for p in method.generator_parameters())
    assert all(p.grad is not None for p in method.discriminator_parameters())
    sides = [{id(p) for p in side} for side in (method.generator_parameters(), method.discriminator_parameters())]
    assert not sides[0] & sides[1] and sides[0] | sides[1] == {id(p) for p in method.parameters()}


def test_landmarks_teach_the_whole_generator():
    method = fresh(weights={"landmarks": 1.0})
    batch = batch_of(method, [square()])
    method.generator_terms(batch, method.outputs(batch))["landmarks"].backward()
    for part in (method.encoder, method.residual_encoders, method.landmark_maps, method.decoder.levels[-2]):
        assert all(p.grad is not None for p in part.parameters())
    assert all(p.grad is None for p in method.decoder.levels[-1].parameters())


def test_clips_without_landmarks_drop_their_term():
    method = fresh()
    bare = batch_of(method, [square(landmarks=False)])
    assert "landmarks" not in method.generator_terms(bare, method.outputs(bare))
    mixed = batch_of(method, [square(landmarks=False), square()])
    outputs = method.outputs(mixed)
    term = method.generator_terms(mixed, outputs)["landmarks"]
    assert torch.allclose(term, equations.landmarks(outputs["landmarks"][1], mixed["landmarks"][1]))


def test_expressions_of_the_eyes_have_no_local_loss_unless_it_sees_all_that_moves():
    for region, judged in (("mouth", False), ("moving", True)):
        method = fresh(expressions=("happy", "eyes_closed"), local_region=region)
        batch = batch_of(method, [square(expression="eyes_closed")])
        outputs = method.outputs(batch)
        assert ("adversarial_local" in method.discriminator_terms(batch, outputs)) == judged
        assert ("adversarial_local" in method.generator_terms(batch, outputs)) == judged


def test_an_example_is_a_function_of_its_generator():
    method = fresh()
    one, two, other = (method.example(square(), torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["frames"], other["frames"])


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (square()[:1], "one frame; training needs the neutral frame and at least one more"),
        (square(size=32), "does not fit a model of 16 px. Open the data with size=16"),
        (square(expression="sad"), r"knows the expressions \('happy', 'angry'\); asked for was 'sad'"),
        (
            replace(square(), intensity=None),
            "does not state one intensity a frame. Train on its time with labels='time'",
        ),
        (replace(square(), intensity=np.zeros((6, 2))), "does not state one intensity a frame"),
        (replace(square(), intensity=[0, 1, np.nan, 1, 1, 1]), "does not state one intensity a frame"),
    ],
)
def test_a_clip_that_cannot_be_learned_from_says_why(clip, message):
    with pytest.raises(ValueError, match=message):
        fresh(expressions=BOTH, labels="true").example(clip, torch.Generator())


# Training -----------------------------------------------------------------------------------------------------------


CLIPS = [square(seed=seed, expression=BOTH[seed % 2], landmarks=seed != 2) for seed in range(4)]


def test_fit_lowers_the_error_and_one_seed_gives_one_result():
    histories, states = [], []
    for _ in range(2):
        method = fresh(expressions=BOTH, learning_rate=2e-3)
        histories.append(fit(method, CLIPS, 40, seed=1, log_every=1, progress=False).drop(columns="seconds"))
        states.append(method.state_dict())
    error = histories[0]["generator/reconstruction"]
    assert error.tail(5).mean() < 0.8 * error.head(5).mean()
    assert {"generator/temporal", "generator/landmarks", "discriminator/adversarial_local"} <= set(histories[0])
    pd.testing.assert_frame_equal(*histories)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_run_that_was_stopped_ends_in_the_same_bits(tmp_path):
    whole = fresh(expressions=BOTH)
    fit(whole, CLIPS, 6, progress=False)
    calls = iter([False, False, True])
    fit(fresh(expressions=BOTH), CLIPS, 6, folder=tmp_path, progress=False, stop=lambda: next(calls))
    fit(fresh(expressions=BOTH), CLIPS, 6, folder=tmp_path, progress=False)
    resumed = torch.load(tmp_path / CHECKPOINT, weights_only=True)["method"]
    assert all(torch.equal(value, resumed[name]) for name, value in whole.state_dict().items())


# Animating ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("residual", ["feature", "pixel"])
def test_a_frame_is_the_same_bit_for_bit_in_any_company_and_order(residual, still):
    model = settled(expressions=BOTH) if residual == "feature" else in_pixels(expressions=BOTH)
    torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.1)
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 21).astype(np.float32)
    together = model.animate(still, "angry", values).frames
    assert len(np.unique(together.reshape(21, -1), axis=0)) > 1
    shuffled = rng.permutation(21)
    assert np.array_equal(model.animate(still, "angry", values[shuffled]).frames, together[shuffled])
    model.train()
    for index in (0, 7, 20):
        assert np.array_equal(model.animate(still, "angry", [values[index]]).frames[0], together[index])
    assert model.training


def test_mixtures_commute_and_hold_the_single_expressions(fan, still):
    curves = {"happy": [0, 1, 1, 0.4], "angry": [0, 0, 1, 0.7]}
    mixed = fan.animate(still, intensity=curves)
    swapped = fan.animate(still, intensity=dict(reversed(curves.items())))
    assert np.array_equal(mixed.frames, swapped.frames)
    assert mixed.intensity.shape == (4, 2) and np.array_equal(mixed.intensity, swapped.intensity[:, ::-1])
    assert np.array_equal(mixed.frames[:2], fan.animate(still, "happy", [0, 1]).frames)
    assert not np.array_equal(mixed.frames[2], mixed.frames[1])
    assert mixed.expression == "happy + angry"


def test_animate_gives_a_clip_that_knows_its_intensity(fan, still):
    made = fan.animate(still, "happy", [0, 0.5, 1], fps=8)
    assert made.frames.shape == (3, 16, 16, 3) and made.fps == 8 and made.expression == "happy"
    assert made.intensity.tolist() == [0, 0.5, 1]
    assert len(fan.animate(still, "happy")) == 20
    assert len(settled().animate(np.kron(still, np.ones((2, 2, 1), np.uint8)), intensity=[1])) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intensity": []}, r"shape \(0,\); give a list of at least one number"),
        ({"intensity": [0, np.nan]}, "NaN or infinity at index 1"),
        ({"intensity": [0, -0.5]}, "goes down to -0.5; it starts at 0"),
        ({"intensity": {"happy": [0, 1], "angry": [0]}}, "need one length"),
        ({"intensity": {"sad": [0, 1]}}, "knows the expressions"),
        ({"expression": None, "intensity": [1]}, "asked for was None"),
        (
            {"driver": square()},
            "FAN infers no intensity, so it cannot follow a driver. Give intensity=driver.intensity",
        ),
        ({"driver": "missing.mp4"}, "FAN infers no intensity, so it cannot follow a driver"),
    ],
)
def test_what_cannot_be_animated_says_why(options, message, fan, still):
    with pytest.raises(ValueError, match=message):
        fan.animate(still, **{"expression": "happy", **options})
    with pytest.raises(ValueError, match="20x16"):
        fan.animate(np.zeros((16, 20, 3), np.uint8), "happy", [1])


def test_intensity_above_one_warns(fan, still):
    with pytest.warns(UserWarning, match="1.5.*1"):
        fan.animate(still, "happy", [1.5])


@pytest.mark.parametrize("residual", ["feature", "pixel"])
def test_a_model_comes_back_as_it_was_saved(residual, still, tmp_path):
    model = settled(expressions=BOTH) if residual == "feature" else in_pixels(expressions=BOTH)
    model.save_pretrained(tmp_path)
    back = i2vlib.load_pretrained(tmp_path)
    assert type(back) is i2vlib.FAN and back.config == model.config and isinstance(back.config, i2vlib.FANConfig)
    one, two = (
        m.animate(still, intensity={"happy": [0, 1], "angry": [0, 1]}).frames.astype(int) for m in (model, back)
    )
    assert np.abs(one - two).max() <= 2  # half precision


# Measuring ----------------------------------------------------------------------------------------------------------


def test_evaluate_drives_it_by_the_true_intensity_and_asks_for_no_other(fan):
    table = metrics.evaluate(fan, CLIPS, readers=False)
    assert table.attrs["drive"] == "true" and table[["spearman", "intensity_peak"]].isna().all(axis=None)
    assert table[["psnr", "error", "moving_ratio", "motion", "falls", "psnr_neutral"]].notna().all(axis=None)
    made = fan.animate(CLIPS[0].frames[0], "happy", CLIPS[0].intensity).frames
    assert table["error"][0] == pytest.approx(np.abs(made - CLIPS[0].frames.astype(float)).mean() / 255, rel=1e-4)
    with pytest.raises(ValueError, match="FAN.*drive='true'"):
        metrics.evaluate(fan, CLIPS, drive="inferred", readers=False)
    with pytest.raises(ValueError, match="intensity"):
        metrics.evaluate(fan, [replace(CLIPS[0], intensity=None)], readers=False)


def test_reconstruction_weighs_the_moving_region_where_asked():
    method = fresh(weights={"reconstruction": 1.0, "reconstruction_moving": 0.3})
    batch = batch_of(method, [square()])
    outputs = method.outputs(batch)
    terms = method.generator_terms(batch, outputs)
    assert set(terms) == {"reconstruction", "reconstruction_moving"} and set(outputs) == {"images"}
    assert terms["reconstruction"].item() == pytest.approx(F.l1_loss(outputs["images"], batch["frames"]).item())
