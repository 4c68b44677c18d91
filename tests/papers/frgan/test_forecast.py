"""G_M: what it draws, its training samples, and the terms of a step."""

import numpy as np
import pytest
import torch

import i2vlib
from i2vlib.clips import Clip
from i2vlib.papers.frgan.equations import composed
from tests.papers.frgan.clips import SIZE, batch_of, conditioned, forecaster


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
        assert torch.allclose(made["images"], composed(batch["still"], made["mask"], made["content"]))
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
    assert set(terms) == {"reconstruction", "reconstruction_moving", "content"}
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


@pytest.mark.parametrize("blocks", ["plain", "residual"])
def test_a_frame_is_the_same_in_any_company(blocks):
    method, clip = forecaster(blocks=blocks), conditioned(9)
    maps = clip.truth["condition"]
    whole = method.forecast(clip.frames[0], np.concatenate([maps[:1], maps]))["frames"]
    alone = method.forecast(clip.frames[0], maps[[0, 7]])["frames"]
    assert np.array_equal(whole[7], alone[0]) and whole.shape == (9, SIZE, SIZE, 3)


def test_what_normalises_is_stored_with_its_means(tmp_path):
    method, clip = forecaster(blocks="residual"), conditioned(3)
    method.outputs(batch_of(method))
    method.save_pretrained(tmp_path)
    stored = i2vlib.load_pretrained(tmp_path)
    assert stored.decoder.norm.running_mean.abs().sum() > 0
    maps = clip.truth["condition"]
    made = [one.forecast(clip.frames[0], maps)["frames"].astype(int) for one in (method, stored)]
    assert abs(made[0] - made[1]).max() <= 2


def test_a_forecast_of_another_size_is_refused():
    with pytest.raises(ValueError, match="32 px"):
        forecaster().forecast(np.zeros((16, 16, 3), np.uint8), np.zeros((2, 32, 32, 3), np.int8))


def test_clips_that_teach_nothing_are_refused(clip):
    method, rng = forecaster(), torch.Generator()
    with pytest.raises(ValueError, match="condition"):
        method.example(clip, rng)
    with pytest.raises(ValueError, match="one frame"):
        method.example(conditioned()[:1], rng)
    with pytest.raises(ValueError, match="size=64"):
        forecaster(size=64).example(conditioned(), rng)


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
