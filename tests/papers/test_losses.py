"""The shared losses by hand."""

import numpy as np
import pytest
import torch

from i2vlib import regions
from i2vlib.papers import losses


def test_a_discriminator_minimises_the_cross_entropy():
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([-1.0])
    by_hand = -(np.log(0.5) + np.log(1 / (1 + np.exp(-2)))) / 2 - np.log(1 - 1 / (1 + np.exp(1)))
    assert losses.discriminator_loss(real, fake).item() == pytest.approx(by_hand, rel=1e-6)


def test_generator_losses_agree_on_the_direction_and_differ_in_strength():
    logit = torch.tensor([-6.0], requires_grad=True)
    gradients = [torch.autograd.grad(losses.generator_loss(logit, s), logit)[0].item() for s in (True, False)]
    assert gradients[0] == pytest.approx(-1 / (1 + np.exp(6)), rel=1e-4)
    assert gradients[1] == pytest.approx(-1 / (1 + np.exp(-6)), rel=1e-4)


def test_masked_l1_and_moving_region_by_hand():
    neutral = torch.zeros(1, 3, 8, 8)
    frames = torch.zeros(1, 1, 3, 8, 8)
    frames[..., 2, 2] = 0.5
    region = regions.moving(frames, neutral)
    assert region.sum() == 9 and region[0, 0, 0, 1:4, 1:4].all()
    assert losses.masked_l1(torch.zeros_like(frames), frames, region).item() == pytest.approx(0.5 / 9)
    assert losses.masked_l1(frames, frames * 0, torch.zeros_like(region)).item() == 0
    pixel = torch.zeros_like(region)
    pixel[..., 2, 2] = 1
    assert losses.masked_l1(frames, frames * 0, pixel).item() == 0.5


def test_a_generator_gains_by_looking_real_and_a_discriminator_by_telling_apart():
    logit = torch.tensor([0.5], requires_grad=True)
    for saturating in (True, False):
        assert torch.autograd.grad(losses.generator_loss(logit, saturating), logit)[0] < 0
    real, made = (torch.tensor([0.5], requires_grad=True) for _ in range(2))
    losses.discriminator_loss(real, made).backward()
    assert real.grad < 0 < made.grad


def test_generator_losses_by_hand():
    logits = torch.tensor([np.log(4), -np.log(4)])  # 80 % and 20 % real
    assert losses.generator_loss(logits, True).item() == pytest.approx((np.log(0.2) + np.log(0.8)) / 2)
    assert losses.generator_loss(logits[:1], False).item() == pytest.approx(-np.log(0.8))


def test_what_is_made_is_averaged_as_what_is_real_is():
    real, made = torch.tensor([np.log(4)]), torch.tensor([[-np.log(4), np.log(3)]])  # 80 % real; 20 % and 75 %
    assert losses.discriminator_loss(real, made).item() == pytest.approx(-np.log(0.8) - np.log(0.8 * 0.25) / 2)


def test_the_norm_of_a_gradient_counts_all_that_a_critic_is_shown_and_reaches_its_weights_alone():
    weight = torch.tensor(2.0, requires_grad=True)
    x, y = torch.ones(2, 1, 2, requires_grad=True), torch.full((2, 3), 0.5)
    critic = lambda x, y: weight * (x.sum((1, 2)) + (y**2).sum(1))  # noqa: E731
    found = losses.gradient_norm(critic, x, y)  # two slopes of 2, and three of 2 * 2 * .5
    assert found.tolist() == pytest.approx([20**0.5] * 2)
    found.sum().backward()
    assert weight.grad.item() == pytest.approx(2 * 5**0.5) and x.grad is None
