"""MoCoGAN: what of a code stays and what moves, who learns from what, and where its randomness comes from."""

import numpy as np
import pytest
import torch

from i2vlib.compared import MoCoGAN, MoCoGANConfig
from i2vlib.compared.mocogan import category_loss, driven, one_frame, trajectory
from tests.compared.sides import terms_of_both_sides
from tests.conftest import moving_square


def tiny(**changes):
    return MoCoGAN(MoCoGANConfig.small(**{"size": 16, "base_channels": 4, **changes}))


def test_a_code_is_what_stays_and_then_what_moves():
    codes = trajectory(torch.tensor([[1.0, 2.0]]), torch.tensor([[[3.0], [4.0], [5.0]]]))
    assert codes.tolist() == [[[1, 2, 3], [1, 2, 4], [1, 2, 5]]]


def test_the_walk_is_driven_by_the_category_and_new_noise():
    read = driven(torch.tensor([[[0.5], [-0.5]]]), torch.tensor([[0.0, 1.0]]))
    assert read.tolist() == [[[0, 1, 0.5], [0, 1, -0.5]]]


def test_one_frame_of_each_clip_is_seen_alone():
    clips = torch.arange(6.0).view(2, 3, 1, 1, 1)
    assert one_frame(clips, torch.tensor([2, 0])).flatten().tolist() == [2.0, 3.0]


def test_a_category_read_by_chance_costs_the_logarithm_of_how_many_there_are():
    assert category_loss(torch.zeros(2, 3), torch.tensor([0, 2])) == pytest.approx(np.log(3))
    assert category_loss(torch.tensor([[30.0, 0.0]]), torch.tensor([1])) == pytest.approx(30.0)


def test_the_walk_is_the_gated_recurrence_by_hand():
    system = tiny(motion=1, expressions=("happy",))
    with torch.no_grad():
        for parameter in system.recurrence.parameters():
            parameter.zero_()
        system.recurrence.bias_ih_l0[:] = torch.tensor([0.0, np.log(3.0), 0.5])  # z = 3/4, n = tanh(.5)
    begin, told = torch.full((1, 1, 1), 0.8), torch.zeros(1, 2, 2)
    walk, _ = system.recurrence(told, begin)
    first = 0.25 * np.tanh(0.5) + 0.75 * 0.8
    assert walk[0, :, 0].tolist() == pytest.approx([first, 0.25 * np.tanh(0.5) + 0.75 * first], abs=1e-6)


def test_without_a_walk_a_clip_stands_still():
    system = tiny().eval()
    with torch.no_grad():
        for parameter in system.recurrence.parameters():
            parameter.zero_()
        noise = torch.zeros(1, 17, 10)
        made = system.clip(torch.rand(1, 3, 16, 16), torch.tensor([0]), noise)["images"]
    assert made.shape == (1, 16, 3, 16, 16) and torch.allclose(made, made[:, :1].expand_as(made), atol=1e-6)


def batch_of(system):
    rng = torch.Generator().manual_seed(0)
    rows = [system.example(moving_square(frames=5), rng) for _ in range(3)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_each_side_of_the_game_teaches_its_own():
    system = tiny(expressions=("happy", "angry"))
    batch = batch_of(system)
    assert terms_of_both_sides(system, batch) == ({"image", "video", "category"}, set(MoCoGANConfig.TERMS))
    assert all(p.grad.abs().sum() > 0 for p in system.recurrence.parameters())


def test_the_first_frame_alone_is_compared_with_the_still():
    system = tiny()
    batch = batch_of(system)
    made = batch["frames"].clone()
    made[:, 0] += 0.25
    made[:, 1:] = 9.0
    assert system.generator_terms(batch, {"images": made})["first"] == pytest.approx(0.25, abs=1e-6)


def test_the_judge_of_pictures_sees_no_other_frame():
    system = tiny().eval()
    clips, moment = torch.rand(1, 16, 3, 16, 16), torch.tensor([3])
    image, video, _ = system._judge(clips, moment)
    other = clips.clone()
    other[:, 4:] = 0.0
    changed, changed_video, _ = system._judge(other, moment)
    assert torch.equal(image, changed) and not torch.equal(video, changed_video)


def test_randomness_is_an_argument():
    system, clip = tiny().eval(), moving_square(frames=5)
    with torch.no_grad():
        system.recurrence.weight_ih_l0.mul_(10)
        system.frame[0].weight.mul_(50)
    one, two = (system.example(clip, torch.Generator().manual_seed(4)) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one) and one["noise"].shape == (17, 10)
    made = [system.animate(clip.frames[0], "happy", seed=seed).frames for seed in (0, 0, 1)]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
    assert np.array_equal(system.animate(clip.frames[0], "happy").frames, made[0])


def test_a_clip_is_long_enough_for_its_judge_and_a_side_a_power_of_two():
    with pytest.raises(ValueError, match="frames=12.*13"):
        MoCoGANConfig.small(frames=12)
    with pytest.raises(ValueError, match="8.*size=48"):
        MoCoGANConfig.small(size=48)
    paper = MoCoGANConfig.paper()
    assert (paper.content, paper.motion, paper.size, paper.frames) == (50, 10, 64, 16)
