"""FRGAN: the equations, the networks, the terms of a step, and what the three make together."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import i2vlib
from i2vlib import expressions, regions
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.expressions import BLENDSHAPES
from i2vlib.papers import frgan, losses
from i2vlib.papers.frgan import FRGAN, Forecast, ForecastConfig, Forecasts, FRGANConfig, Refine, RefineConfig, condition
from i2vlib.papers.frgan.networks import ClipUNet, DenseBlock, analogy, compose, enlarged_convolution, mask_outputs
from i2vlib.papers.frgan.refine import chosen_frames

SIZE = 32
ALL = {"reconstruction": 3.0, "sparsity": 0.05, "adversarial": 1.0, "critic": 1.0, "gradient_penalty": 10.0}


def forecaster(**changes: object) -> Forecast:
    torch.manual_seed(0)
    values = {"size": SIZE, "base_channels": 4, "channel_cap": 2, "code": 16, "clips_per_step": 2, "weights": ALL}
    return Forecast(ForecastConfig(**{**values, **changes}))


def refiner(**changes: object) -> Refine:
    torch.manual_seed(0)
    values = {
        "size": SIZE, "frames": 16, "base_channels": 4, "channel_cap": 2, "critic_base": 4, "criticised_frames": 3,
        "clips_per_step": 2,
    }  # fmt: skip
    return Refine(RefineConfig(**{**values, **changes}))


def conditioned(frames: int = 16, seed: int = 0, forecast: bool = False) -> Clip:
    """A picture in which a square brightens, and maps on which it turns."""
    rng = np.random.default_rng(seed)
    pictures = np.repeat(rng.integers(60, 160, (1, SIZE, SIZE, 3)), frames, 0)
    pictures[:, 16:24, 8:24] += np.linspace(0, 80, frames).astype(int)[:, None, None, None]
    maps = np.zeros((frames, SIZE, SIZE, 3), np.int8)
    maps[:, 4:28, 4:28, 2] = -127
    maps[:, 16:24, 8:24, 0] = np.linspace(0, 100, frames).astype(int)[:, None, None]
    truth = {"condition": maps} | (
        {"forecast": np.repeat(pictures[:1], frames, 0).astype(np.uint8)} if forecast else {}
    )
    return Clip(pictures.astype(np.uint8), 12, np.linspace(0, 1, frames), subject=f"s{seed}", truth=truth)


def batch_of(method: Forecast | Refine, count: int = 2) -> dict[str, torch.Tensor]:
    clips = [conditioned(seed=s, forecast=True) for s in range(count)]
    examples = [method.example(clip, torch.Generator().manual_seed(i)) for i, clip in enumerate(clips)]
    return {name: torch.stack([e[name] for e in examples]) for name in examples[0]}


# Equations


def test_equation_2_by_hand():
    still, content = torch.full((1, 3, 1, 2), -1.0), torch.full((1, 3, 1, 2), 1.0)
    made = compose(still, torch.tensor([[[[0.25, 1.0]]]]), content)
    assert torch.equal(made, torch.tensor([-0.5, 1.0]).expand(1, 3, 1, 2))


def test_equation_3_by_hand_and_nothing_changes_without_a_change_of_condition():
    image, now, then = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.5]), torch.tensor([1.5, 0.0])
    assert torch.equal(analogy(image, now, then), torch.tensor([2.0, 1.5]))
    assert torch.equal(analogy(image, now, now), image)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_convolution_of_an_enlarged_picture_is_one_transposed_convolution(factor):
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 3, 4, 5, generator=rng).double(), torch.randn(6, 3, 3, 3, generator=rng).double()
    enlarged = F.interpolate(x, scale_factor=factor, mode="nearest")
    assert torch.allclose(enlarged_convolution(x, weight, factor), F.conv2d(enlarged, weight, padding=1))


def test_a_dense_block_reads_all_it_is_given():
    """The first convolution of a block over concatenated, enlarged inputs (section 3.2), written out."""
    torch.manual_seed(0)
    block = DenseBlock([3, 2], 4)
    small, large = torch.randn(1, 3, 2, 2), torch.randn(1, 2, 4, 4)
    read = torch.cat([F.interpolate(small, scale_factor=2), large], 1)
    first = F.conv2d(read, torch.cat([*block.weights], 1), padding=1) + block.bias
    assert torch.allclose(block([small, large], 4), F.relu(block.second(F.relu(first))), atol=1e-5)


def test_without_dense_connections_a_block_reads_the_last_output_only():
    dense, plain = forecaster().decoder, forecaster(dense=False).decoder
    assert [len(b.weights) for b in dense.blocks] == [2, 3, 4, 5, 6]
    assert [len(b.weights) for b in plain.blocks] == [2] * 5


def test_a_mask_that_has_collapsed_is_told_from_one_that_has_not():
    masks = torch.stack([torch.full((1, 4, 4), 0.01), torch.full((1, 4, 4), 0.99), torch.full((1, 4, 4), 0.01)])
    masks[2, 0, 1, 1] = 0.8
    seen = {name: value.squeeze(1).tolist() for name, value in mask_outputs(masks).items()}
    assert seen["mask_empty"] == [1, 0, 0] and seen["mask_full"] == [0, 1, 0]
    assert np.allclose(seen["mask_mean"], [0.01, 0.99, 0.01 + 0.79 / 16])


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_the_gradient_penalty_of_a_plane_is_known(slope):
    """D(x, M) = slope (u x + v M) with |(u, v)| = 1 has the slope everywhere (Eq. 9), along the condition too."""
    rng = torch.Generator().manual_seed(0)
    real, made, condition, plane = (torch.randn(4, 2, 3, 3, generator=rng) for _ in range(4))
    u, v = plane[:2].flatten(0, 1), plane[2:].flatten(0, 1)
    size = torch.cat([u, v]).norm()
    critic = lambda x, m: slope * ((x.flatten(1) @ u[:2].flatten()) + (m.flatten(1) @ v[:2].flatten())) / size  # noqa: E731
    size = torch.cat([u[:2].flatten(), v[:2].flatten()]).norm()
    found = losses.gradient_penalty(critic, real, made, condition, torch.rand(4, generator=rng))
    assert found.item() == pytest.approx((slope - 1) ** 2, abs=1e-5)


def test_the_gradient_penalty_is_taken_between_real_and_made():
    """D(x) = x^2 / 2 has the slope |x|: at a share s of the way, |s real + (1 - s) made|."""
    real, made = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 1.0)
    critic = lambda x, m: x.flatten(1).square().sum(1) / 2 + 0 * m.sum()  # noqa: E731
    found = losses.gradient_penalty(critic, real, made, torch.zeros_like(real), torch.tensor([0.25]))
    assert found.item() == pytest.approx((0.25 * 3 + 0.75 * 1 - 1) ** 2)


def test_the_choice_of_frames_takes_them_out_of_their_own_clip():
    clips = torch.arange(2 * 3 * 5 * 2 * 2).view(2, 3, 5, 2, 2).float()
    some = chosen_frames(clips, torch.tensor([[4, 0], [1, 2]]))
    assert torch.equal(some, torch.stack([clips[0, :, 4], clips[0, :, 0], clips[1, :, 1], clips[1, :, 2]]))


# G_M


@pytest.mark.parametrize("residual", ["mask", "difference"])
@pytest.mark.parametrize("skips", ["image", "all"])
@pytest.mark.parametrize("content", ["free", "from_still"])
def test_shapes_and_ranges_of_a_forecast(residual, skips, content):
    method = forecaster(residual=residual, skips=skips, content=content)
    batch = batch_of(method)
    made = method.outputs(batch)
    assert made["images"].shape == (2, 3, SIZE, SIZE)
    if residual == "mask":
        assert made["mask"].shape == (2, 1, SIZE, SIZE) and 0 <= made["mask"].min() and made["mask"].max() <= 1
        assert torch.allclose(made["images"], compose(batch["still"], made["mask"], made["content"]))
    else:
        assert torch.allclose(made["images"], batch["still"] + made["difference"])


def test_a_mask_that_begins_open_redraws_the_picture_and_a_content_from_the_still_leaves_it():
    method = forecaster(mask_start=3.0, content="from_still")
    torch.nn.init.zeros_(method.decoder.last.weight)
    torch.nn.init.zeros_(method.decoder.last.bias[1:])
    made = method.outputs(batch := batch_of(method))
    assert torch.allclose(made["mask"], torch.sigmoid(torch.tensor(3.0)).expand_as(made["mask"]))
    assert torch.allclose(made["images"], batch["still"], atol=1e-6)


def test_the_still_is_drawn_by_its_own_condition_whatever_that_is():
    """With skips from the image only, maps enter by their difference alone (Eq. 3)."""
    method, batch = forecaster().eval(), batch_of(forecaster())
    one = method(batch["still"], batch["now"], batch["now"])["images"]
    other = method(batch["still"], batch["then"], batch["then"])["images"]
    assert torch.allclose(one, other, atol=1e-5)
    shown = forecaster(skips="all").eval()
    one, other = (shown(batch["still"], batch[name], batch[name])["images"] for name in ("now", "then"))
    assert not torch.allclose(one, other, atol=1e-5)


def test_terms_of_equations_4_to_8():
    method = forecaster()
    batch = batch_of(method)
    made = method.outputs(batch)
    terms = method.generator_terms(batch, made)
    assert set(terms) == {"reconstruction", "sparsity", "adversarial"}
    assert torch.allclose(terms["reconstruction"], (made["images"] - batch["frame"]).abs().mean())
    assert torch.allclose(terms["sparsity"], made["mask"].mean())
    judged = method.discriminator(made["images"], batch["then"])
    assert judged.shape == (2,) and torch.allclose(terms["adversarial"], -judged.mean())
    critic = method.discriminator_terms(batch, made)
    real = method.discriminator(batch["frame"], batch["then"])
    assert torch.allclose(critic["critic"], judged.mean() - real.mean()) and set(critic) == {
        "critic",
        "gradient_penalty",
    }


def test_the_critic_is_conditioned_on_the_map():
    method = forecaster()
    batch = batch_of(method)
    assert not torch.allclose(
        method.discriminator(batch["frame"], batch["then"]), method.discriminator(batch["frame"], batch["now"])
    )


def test_gradients_flow_where_they_must_and_nowhere_else():
    method = forecaster()
    batch = batch_of(method)
    made = method.outputs(batch)
    sum(method.discriminator_terms(batch, made).values()).backward()
    assert all(p.grad is None for p in method.generator_parameters())
    # A bias near the score shifts that of real and of made alike.
    assert all(p.grad.abs().sum() > 0 for n, p in method.discriminator.named_parameters() if n.endswith("weight"))
    method.zero_grad()
    sum(method.generator_terms(batch, made).values()).backward()
    assert all(p.grad is not None for p in method.generator_parameters())
    # And f_M's last biases cancel in the difference of Eq. 3.
    weights = [p for n, p in method.named_parameters() if "weight" in n and not n.startswith("discriminator")]
    assert all(p.grad.abs().sum() > 0 for p in weights)


def test_every_weight_of_zero_is_a_term_that_is_not_computed():
    method = forecaster(weights={"reconstruction": 1.0, "reconstruction_moving": 1.0, "content": 1.0})
    batch = batch_of(method)
    made = method.outputs(batch)
    assert method.discriminator_terms(batch, made) == {}
    terms = method.generator_terms(batch, made)
    assert set(terms) == {"reconstruction", "reconstruction_moving", "sparsity", "content"}
    assert torch.allclose(terms["content"], (made["content"] - batch["frame"]).abs().mean())


@pytest.mark.parametrize("jumps", ["random", "from_first"])
def test_jumps_are_between_two_different_frames(jumps):
    method = forecaster(jumps=jumps, augment=False)
    clip, light = conditioned(), []
    for seed in range(40):
        example = method.example(clip, torch.Generator().manual_seed(seed))
        light.append([float(example[name][:, 16:24, 8:24].mean()) for name in ("still", "frame")])
        assert float(example["now"][0].max()) == pytest.approx(
            float(clip.truth["condition"][np.argmin(abs(_levels(clip) - light[-1][0])), ..., 0].max()) / 127
        )
    first, then = np.array(light).T
    assert (first != then).all()
    assert (len(set(first)) == 1) == (jumps == "from_first") and len(set(then)) > 8


def _levels(clip: Clip) -> np.ndarray:
    return clip.frames[:, 16:24, 8:24].mean((1, 2, 3)) / 127.5 - 1


def test_frames_and_maps_are_augmented_alike_and_a_mirrored_map_points_the_other_way():
    method, clip = forecaster(augment=True), conditioned()
    clip.truth["condition"][..., :2, 0] = 0
    signs = set()
    for seed in range(12):
        example = method.example(clip, torch.Generator().manual_seed(seed))
        moved = example["then"][0] - example["now"][0]
        change = (example["frame"] - example["still"]).abs().mean(0)
        inside = moved.abs() > 0.05
        if not inside.any():  # two neighbouring frames
            continue
        assert change[inside].mean() > 4 * change[~inside].mean()
        signs.add(bool((example["then"][0] * (inside & (example["then"][0].abs() > 0.05))).sum() > 0))
    assert signs == {True, False}


def test_a_misfit_moves_the_maps_and_not_the_picture():
    clip = conditioned()
    pairs = [forecaster(misfit=m, augment=False).example(clip, torch.Generator().manual_seed(3)) for m in (0.0, 0.12)]
    assert torch.equal(pairs[0]["still"], pairs[1]["still"]) and not torch.equal(pairs[0]["now"], pairs[1]["now"])
    assert float(pairs[0]["now"].abs().sum()) == pytest.approx(float(pairs[1]["now"].abs().sum()))


def test_a_frame_is_the_same_in_any_company():
    method, clip = forecaster(), conditioned(9)
    maps = clip.truth["condition"]
    whole = method.forecast(clip.frames[0], np.concatenate([maps[:1], maps]))["frames"]
    alone = method.forecast(clip.frames[0], maps[[0, 7]])["frames"]
    assert np.array_equal(whole[7], alone[0]) and whole.shape == (9, SIZE, SIZE, 3)


def test_a_forecast_of_another_size_is_refused():
    with pytest.raises(ValueError, match="works at 32 px"):
        forecaster().forecast(np.zeros((16, 16, 3), np.uint8), np.zeros((2, 32, 32, 3), np.int8))


def test_clips_that_teach_nothing_are_refused(clip):
    method, rng = forecaster(), torch.Generator()
    with pytest.raises(ValueError, match="no condition maps"):
        method.example(clip, rng)
    with pytest.raises(ValueError, match="one frame"):
        method.example(conditioned()[:1], rng)
    with pytest.raises(ValueError, match="size=64"):
        forecaster(size=64).example(conditioned(), rng)


def test_presets_are_the_paper_and_the_released_code():
    paper, code = ForecastConfig.paper(), ForecastConfig.released_code()
    assert (paper.size, paper.skips, paper.jumps, paper.posed_normals) == (96, "image", "random", True)
    assert (code.size, code.skips, code.jumps, code.posed_normals) == (64, "all", "from_first", False)
    assert paper.learning_rate == 1e-4 and paper.betas == (0.0, 0.9) and paper.clips_per_step == 32
    assert paper.weights["gradient_penalty"] == 10 and RefineConfig.paper().frames == 32


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"size": 40}, "multiple of 16"), ({"skips": "none"}, "skips"), ({"weights": {"style": 1.0}}, "no loss terms")],
)
def test_a_bad_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ForecastConfig(**changes)


def test_training_learns_and_resumes_to_the_same_bits(tmp_path):
    clips = [conditioned(seed=s) for s in range(3)]
    make = lambda: forecaster(weights={"reconstruction": 3.0}, learning_rate=2e-3, residual="difference")  # noqa: E731
    whole, parted = make(), make()
    history = i2vlib.fit(whole, clips, 30, seed=1, progress=False, log_every=1)
    i2vlib.fit(parted, clips, 30, seed=1, folder=tmp_path, progress=False, stop=iter([False] * 11 + [True]).__next__)
    i2vlib.fit(parted := make(), clips, 30, seed=1, folder=tmp_path, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parted.parameters(), strict=True))
    error = history["generator/reconstruction"]
    assert error.iloc[-5:].mean() < error.iloc[:5].mean()


def test_the_history_says_when_a_mask_has_collapsed():
    method = forecaster(mask_start=-8.0, weights={"reconstruction": 1.0})
    history = i2vlib.fit(method, [conditioned()], 2, progress=False, log_every=1)
    assert (history["mean/mask_empty"] == 1).all() and (history["mean/mask_full"] == 0).all()
    assert (history["mean/mask_mean"] < 0.05).all()


# G_R


@pytest.mark.parametrize(("content", "mask_start"), [("free", 0.0), ("from_clip", 3.0)])
def test_a_refined_clip_is_mask_and_content_over_the_forecast(content, mask_start):
    method = refiner(content=content, mask_start=mask_start)
    batch = batch_of(method)
    made = method.outputs(batch)
    assert made["images"].shape == (2, 3, 16, SIZE, SIZE) and made["mask"].shape == (2, 1, 16, SIZE, SIZE)
    assert torch.allclose(made["images"], compose(batch["forecast"], made["mask"], made["content"]))
    assert made["mask"].mean().item() == pytest.approx(torch.tensor(mask_start).sigmoid().item(), abs=0.05)
    same = (made["images"] - batch["forecast"]).abs().mean() < 0.02
    assert same == (content == "from_clip")


def test_a_content_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="RefineConfig.content is one of 'free', 'from_clip'; given was 'new'"):
        refiner(content="new")


def test_terms_of_equations_11_to_14():
    method = refiner()
    batch = batch_of(method)
    made = method.outputs(batch)
    terms = method.generator_terms(batch, made)
    assert set(terms) == {"reconstruction", "sparsity", "adversarial", "adversarial_frames"}
    assert torch.allclose(terms["adversarial"], -method.discriminator_clips(made["images"], batch["maps"]).mean())
    judged = [
        method.discriminator_frames(made["images"][i, :, t][None], batch["maps"][i, :, t][None])
        for i in range(2) for t in batch["chosen"][i]
    ]  # fmt: skip
    assert torch.allclose(terms["adversarial_frames"], -torch.cat(judged).mean(), atol=1e-6)
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
    assert set(method.generator_terms(batch, made)) == {"reconstruction", "sparsity", "adversarial"}


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
    with pytest.raises(ValueError, match="multiple of 16"):
        RefineConfig(frames=20)


def test_activations_of_clips_keep_their_size_through_the_levels():
    """With PyTorch's own weights they shrink to a fortieth, and nothing was learnt in a thousand steps."""
    torch.manual_seed(0)
    network, x, seen = ClipUNet([8, 16, 16, 16]), torch.rand(1, 6, 16, SIZE, SIZE) * 2 - 1, []
    for level in (*network.down, *network.up[:-1]):
        level.register_forward_hook(lambda _, __, made: seen.append(made.std().item()))
    network(x)
    assert len(seen) == 7 and min(seen) > 0.1 and max(seen) < 2, seen


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


def test_a_unet_of_clips_keeps_their_shape():
    assert ClipUNet([4, 8, 8, 8])(torch.zeros(1, 6, 16, 32, 32)).shape == (1, 4, 16, 32, 32)


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


# The three together


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
        with pytest.raises(ValueError, match="an expression or a driver"):
            model.animate(actor.frames[0], **asked)


def test_the_model_is_stored_and_loaded(model, actor, tmp_path):
    model.save_pretrained(tmp_path)
    loaded = i2vlib.load_pretrained(tmp_path)
    assert isinstance(loaded, FRGAN) and loaded.config == model.config and loaded.expressions == frgan.SIX
    one, other = (m.animate(actor.frames[0], "happy", [0, 1]).frames.astype(int) for m in (model, loaded))
    assert np.abs(one - other).max() <= 1  # weights are kept in half precision


def test_stages_of_different_sizes_do_not_make_a_model():
    with pytest.raises(ValueError, match="one size"):
        FRGANConfig(ForecastConfig(size=64), RefineConfig(size=96))
    assert replace(FRGANConfig(), refine=None).refine is None
