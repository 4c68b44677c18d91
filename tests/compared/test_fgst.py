"""FGST: a warp, a divergence and a code by hand, whose gradient goes where, and flows that follow what is augmented."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib import samples
from i2vlib.clips import to_tensor
from i2vlib.compared import FGST, FGSTConfig
from i2vlib.compared.fgst import conditioned, drawn_code, estimated_flow, gaussian_divergence, warped
from i2vlib.store import remembered
from i2vlib.training import fit
from tests.conftest import moving_square


def tiny(**changes):
    return FGST(FGSTConfig.small(**{"size": 16, "base_channels": 4, "frames": 5, "code": 6, **changes}))


def drifting(size=16, frames=5, pixels=(1, 0)):
    """A smooth picture that is moved by whole pixels from frame to frame, round about, and its flow to the first."""
    wave = np.sin(np.arange(size) * 2 * np.pi / size)
    across, down = np.meshgrid(wave, wave)
    picture = 128 + 60 * np.stack([across, across * down, down], -1)
    made = [np.roll(picture, (t * pixels[1], t * pixels[0]), (0, 1)) for t in range(frames)]
    flow = np.zeros((frames, size, size, 2), np.float32)
    flow -= np.arange(frames)[:, None, None, None] * np.array(pixels)
    clip = moving_square(size=size, frames=frames)
    return replace(clip, frames=np.stack(made).round().astype(np.uint8), truth={"flow_to_first": flow})


def batch_of(system, clip=None, seed=0):
    rng = torch.Generator().manual_seed(seed)
    rows = [system.example(clip or drifting(system.size), rng) for _ in range(2)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def alive(system):
    """A system whose last layers are not 0 any more."""
    torch.manual_seed(1)
    for last in (system.flow, system.decoder.levels[-1]):
        torch.nn.init.normal_(last.weight, std=0.3)
    return system


# Equations


def test_a_still_is_warped_from_where_it_was():
    still = torch.arange(12.0).view(1, 1, 3, 4).expand(1, 3, 3, 4)
    nothing = torch.zeros(1, 2, 3, 4)
    assert torch.allclose(warped(still, nothing), still, atol=1e-5)
    right = nothing.clone()
    right[:, 0] = -1.0  # what is here was a pixel further left
    assert torch.allclose(warped(still, right)[0, 0, 0], torch.tensor([0.0, 0.0, 1.0, 2.0]), atol=1e-5)
    down = nothing.clone()
    down[:, 1] = 0.5
    assert torch.allclose(warped(still, down)[0, 0, :, 0], torch.tensor([2.0, 6.0, 8.0]), atol=1e-5)


def test_a_warp_is_made_of_where_flow_and_still_agree():
    still = torch.rand(1, 3, 4, 4, requires_grad=True)
    flow = torch.full((1, 2, 4, 4), 0.3, requires_grad=True)
    warped(still, flow)[..., 1, 1].sum().backward()
    assert flow.grad[..., 1, 1].abs().min() > 0 and flow.grad.abs().sum() == flow.grad[..., 1, 1].abs().sum()
    assert still.grad[0, 0, 1:3, 1:3].flatten().tolist() == pytest.approx([0.49, 0.21, 0.21, 0.09], abs=1e-5)


def test_the_divergence_by_hand():
    zero = torch.zeros(2, 3)
    assert gaussian_divergence(zero, zero) == 0
    # mean 2 and variance 4 in one place of one clip of two: (4 + 4 - 1 - log 4) / 2 / 2
    mean, log_variance = zero.clone(), zero.clone()
    mean[0, 1], log_variance[0, 1] = 2.0, np.log(4.0)
    assert gaussian_divergence(mean, log_variance) == pytest.approx((7 - np.log(4)) / 4)


def test_the_divergence_is_pytorchs():
    mean, log_variance = torch.randn(4, 5), torch.randn(4, 5)
    one = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(one, torch.distributions.Normal(0, 1)).sum(1).mean()
    assert torch.allclose(gaussian_divergence(mean, log_variance), expected, atol=1e-5)


def test_a_code_is_drawn_of_noise_and_scales_what_is_read():
    mean, log_variance = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, np.log(9.0)]])
    code = drawn_code(mean, log_variance, torch.tensor([[0.5, -2.0]]))
    assert code.tolist()[0] == pytest.approx([1.5, -7.0])
    still = torch.tensor([[2.0, 3.0]])
    assert conditioned(still, code).tolist()[0] == pytest.approx([5.0, -18.0])
    assert torch.equal(conditioned(still, torch.zeros_like(code)), still)


def test_an_estimated_flow_finds_a_known_shift():
    flow = estimated_flow(drifting(32, 3, (2, 0)).frames)
    assert flow.shape == (3, 32, 32, 2) and flow.dtype == np.float32 and not flow[0].any()
    once, twice = flow[1:, 8:-8, 8:-8].mean((1, 2))
    assert np.abs(once - [-2, 0]).max() < 0.5 and twice[0] < 1.2 * once[0]


# Samples


@pytest.mark.parametrize("mirrored", [False, True])
def test_augmented_flow_still_leads_from_the_augmented_frame_to_the_augmented_still(mirrored):
    clip, one = drifting(32, 4, (2, 1)), torch.ones(1)
    change = samples.Augmentation(one * 1.07, torch.tensor([0.05, -0.03]), mirrored, one, one, torch.ones(3))
    frames = change.moved(to_tensor(clip.frames))
    flow = change.moved_flow(torch.from_numpy(clip.truth["flow_to_first"]).permute(0, 3, 1, 2))
    x = (1 if mirrored else -1) * 2 * 3 * 1.07
    assert torch.allclose(flow[3, :, 16, 16], torch.tensor([x, -3 * 1.07]), atol=1e-4)
    again = warped(frames[:1].expand(4, -1, -1, -1), flow)
    # Of what was not brought in at an edge; bilinear pictures of bilinear pictures, in a range of 2.
    off = (again - frames).abs()[..., 10:-10, 10:-10]
    assert off.mean() < 0.01 and off.max() < 0.05
    assert (frames[:1] - frames)[3, :, 10:-10, 10:-10].abs().mean() > 0.2


def test_a_sample_is_augmented_and_its_flow_with_it():
    system = tiny(size=64, frames=4)
    for seed in range(4):
        sample = system.example(drifting(64, 4, (3, 1)), torch.Generator().manual_seed(seed))
        again = warped(sample["frames"][:1].expand(4, -1, -1, -1), sample["flow"])
        assert (again - sample["frames"]).abs()[..., 16:-16, 16:-16].mean() < 0.01
    plain = tiny(size=64, frames=4, augment=False).example(drifting(64, 4, (3, 1)), torch.Generator().manual_seed(0))
    assert not torch.allclose(plain["flow"], sample["flow"])


def test_a_sample_knows_the_flow_of_its_frames_and_is_the_same_again():
    system, clip = tiny(augment=False, frames=3, pairs=2), drifting()
    sample = system.example(clip, torch.Generator().manual_seed(3))
    assert torch.equal(sample["frames"], to_tensor(clip.frames[[0, 2, 4]]))
    assert sample["flow"].shape == (3, 2, 16, 16) and sample["flow"][:, 0].flatten(1).mean(1).tolist() == [0, -2, -4]
    assert sorted(sample["moments"].tolist()) == [1, 2] and sample["noise"].shape == (6,)
    again = tiny(frames=3, pairs=2).example(clip, torch.Generator().manual_seed(3))
    other = tiny(frames=3, pairs=2).example(clip, torch.Generator().manual_seed(3))
    assert all(torch.equal(again[name], other[name]) for name in again)
    assert not torch.equal(again["frames"], sample["frames"])


def test_a_clip_without_its_flow_is_refused_unless_it_is_to_be_estimated(monkeypatch):
    from i2vlib.compared import fgst

    bare, rng = replace(drifting(), truth={}), torch.Generator()
    with pytest.raises(ValueError, match="truth='flow_to_first'"):
        tiny().example(bare, rng)
    with pytest.raises(ValueError, match="begin"):
        tiny().example(drifting()[[3, 2, 1, 0]], rng)
    with pytest.raises(ValueError, match="begin"):
        tiny(first=1).example(drifting(), rng)
    with pytest.raises(ValueError, match="16 px"):
        tiny().example(drifting(32), rng)
    asked, sevens = [], np.full((5, 16, 16, 2), 7, np.float32)
    monkeypatch.setattr(fgst, "estimated_flow", remembered(2)(lambda frames: asked.append(1) or sevens))
    system = tiny(flow="estimated", augment=False)
    assert [float(system.example(bare, rng)["flow"].mean()) for _ in range(3)] == [7, 7, 7] and len(asked) == 1
    assert FGST.truth(system.config) == () and FGST.truth(tiny().config) == ("flow_to_first",)


# Networks


def test_a_new_system_leaves_the_still_as_it_is():
    system, still = tiny().eval(), torch.rand(2, 3, 16, 16) * 2 - 1
    made = system.clip(still, torch.tensor([0, 0]), torch.randn(2, 6))
    assert made["images"].shape == (2, 5, 3, 16, 16) and made["flow"].shape == (2, 4, 2, 16, 16)
    assert not made["flow"].any() and torch.equal(made["images"][:, 0], still)
    assert torch.allclose(made["images"], still.unsqueeze(1).expand_as(made["images"]), atol=1e-5)


def test_pictures_are_made_of_the_flow_that_is_made():
    system, still = alive(tiny()).eval(), torch.rand(2, 3, 16, 16) * 2 - 1
    label = torch.tensor([0, 0])
    with torch.no_grad():
        made = system.clip(still, label)
        assert torch.equal(made["images"][:, 1:], system.draw(still, made["flow"]).clamp(-1, 1))
        assert 0 < made["flow"].abs().max() <= 0.2 * 16
        assert torch.equal(made["flow"], system.clip(still, label, torch.zeros(2, 6))["flow"])
        drawn = system.clip(still, label, torch.randn(2, 6))
    assert not torch.allclose(made["flow"], drawn["flow"]) and made["images"].abs().max() <= 1


@pytest.mark.parametrize(("size", "frames", "inner"), [(64, 12, (3, 4, 4)), (16, 2, (1, 4, 4)), (32, 17, (2, 4, 4))])
def test_there_are_as_many_flows_as_later_frames(size, frames, inner):
    system = tiny(size=size, frames=frames, pairs=1)
    assert system.inner == inner
    batch = batch_of(system, drifting(size, frames))
    assert system.outputs(batch)["flow"].shape == (2, frames - 1, 2, size, size)


def test_it_plays_one_clip_of_a_still_and_others_of_codes_that_are_given():
    system, clip = alive(tiny()), drifting()
    one, again = (system.animate(clip.frames[0], "happy") for _ in range(2))
    assert np.array_equal(one.frames, again.frames) and np.array_equal(system.redraw(clip).frames, one.frames)
    code = torch.randn(1, 6, generator=torch.Generator().manual_seed(2))
    drawn = system.animate(clip.frames[0], "happy", code=code)
    assert not np.array_equal(drawn.frames, one.frames)
    assert np.array_equal(system.redraw(clip, code=code).frames, drawn.frames)


# Training


def reached(*parts):
    return [any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters()) for part in parts]


def test_flows_and_pictures_learn_nothing_of_each_other():
    system = alive(tiny())
    batch = batch_of(system)
    terms = system.generator_terms(batch, system.outputs(batch))
    assert set(terms) == set(FGSTConfig.TERMS) and system.discriminator_terms(batch, {}) == {}
    flows = system.moving, system.posterior, system.image, system.first, system.flows, system.flow
    pictures = system.encoder, system.decoder
    (terms["reconstruction"] + terms["reconstruction_moving"]).backward(retain_graph=True)
    assert reached(*pictures) == [True] * 2 and not any(reached(*flows))
    system.zero_grad()
    (terms["flow"] + terms["flow_moving"]).backward(retain_graph=True)
    assert reached(*flows) == [True] * 6 and not any(reached(*pictures))
    system.zero_grad()
    terms["kl"].backward()
    assert reached(*flows) == [True, True, False, False, False, False] and not any(reached(*pictures))


def test_what_is_right_costs_nothing_and_what_is_wrong_by_how_much():
    system = tiny()
    batch = batch_of(system)
    real = batch["frames"][torch.arange(2)[:, None], batch["moments"]]
    zero = torch.zeros(2, 6)
    right = {"flow": batch["flow"][:, 1:], "images": real, "code_mean": zero, "code_log_variance": zero}
    assert all(term == 0 for term in system.generator_terms(batch, right).values())
    wrong = {**right, "flow": right["flow"] + 0.5, "images": real + 0.1, "code_mean": zero + 1}
    terms = {name: float(term) for name, term in system.generator_terms(batch, wrong).items()}
    expected = {"flow": 0.5, "flow_moving": 0.5, "reconstruction": 0.01, "reconstruction_moving": 0.1, "kl": 3.0}
    assert terms == pytest.approx(expected, abs=1e-5)


def test_the_encoder_sees_the_true_flow_and_the_noise_is_the_samples():
    system = alive(tiny())
    batch = batch_of(system)
    seen = system.outputs(batch)
    still = system.outputs({**batch, "flow": batch["flow"] * 0})
    assert not torch.allclose(seen["code_mean"], still["code_mean"])
    other = system.outputs({**batch, "noise": batch["noise"] + 1})
    assert torch.equal(seen["code_mean"], other["code_mean"]) and not torch.equal(seen["flow"], other["flow"])
    assert torch.equal(seen["images"], other["images"])


def test_it_learns_a_shift_that_it_is_shown():
    system = tiny(clips_per_step=2, augment=False, learning_rate=3e-3)
    history = fit(system, [drifting()], 60, seed=0, log_every=1, progress=False, device="cpu")
    flow = history["generator/flow"]
    assert flow.tail(5).mean() < 0.5 * flow.head(5).mean()


def test_the_paper_and_what_is_refused():
    paper = FGSTConfig.paper()
    assert (paper.size, paper.frames, paper.code, paper.clips_per_step) == (128, 17, 2000, 4)
    assert paper.weights["kl"] == 0.1 and paper.weights["flow_moving"] == 0 and paper.flow == "true"
    with pytest.raises(ValueError, match="1.*4"):
        tiny(pairs=5)
    with pytest.raises(ValueError, match="code=0"):
        tiny(code=0)
    with pytest.raises(ValueError, match="'true'.*'estimated'"):
        tiny(flow="guessed")
