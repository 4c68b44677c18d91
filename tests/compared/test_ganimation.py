"""GANimation: each of its equations by hand, whom each term teaches, and what it is asked for in use."""

import numpy as np
import pytest
import torch

from i2vlib import BLENDSHAPES
from i2vlib.compared import GANimation, GANimationConfig
from i2vlib.compared.ganimation import (
    attended,
    attention_norm,
    condition,
    gradient_penalty,
    roughness,
    there_and_back,
)
from i2vlib.expressions import recipe
from tests.compared.sides import terms_of_both_sides
from tests.conftest import moving_square


def tiny(**changes):
    return GANimation(GANimationConfig.small(**{"size": 32, "base_channels": 4, "blocks": 1, **changes}))


def test_the_still_shows_where_the_attention_is_one():
    attention = torch.tensor([1.0, 0.0, 0.25]).view(3, 1, 1, 1)
    made = attended(attention, torch.full((3, 3, 1, 1), -1.0), torch.full((3, 3, 1, 1), 1.0))
    assert made[:, 0, 0, 0].tolist() == [1.0, -1.0, -0.5]


def test_the_penalty_asks_a_linear_critic_for_a_slope_of_one():
    weight = torch.zeros(3, 2, 2)
    weight[0, 0] = torch.tensor([3.0, 4.0])  # a slope of 5 everywhere
    critic = lambda x: (x * weight).flatten(1).sum(1, keepdim=True)  # noqa: E731
    real, made = torch.rand(2, 3, 2, 2), torch.rand(2, 3, 2, 2)
    assert gradient_penalty(critic, real, made, torch.tensor([0.2, 0.9])) == pytest.approx(16.0)


def test_the_penalty_looks_between_real_and_made():
    critic = lambda x: x.square().flatten(1).sum(1, keepdim=True)  # noqa: E731
    real, made = torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    found = [gradient_penalty(critic, real, made, torch.tensor([share])).item() for share in (1.0, 0.5)]
    assert found == pytest.approx([(2 * 3**0.5 - 1) ** 2, (3**0.5 - 1) ** 2])


def test_the_attention_loss_by_hand():
    attention = torch.tensor([[0.0, 1.0], [0.5, 0.5]]).view(1, 1, 2, 2)
    assert roughness(attention) == pytest.approx(0.25 + 0.25 + 1.0 + 0.0)
    assert attention_norm(attention) == pytest.approx((1.5 / 4) ** 0.5)
    assert roughness(torch.cat([attention, torch.ones_like(attention)])) == pytest.approx(0.75)


def test_the_condition_and_the_identity_by_hand():
    assert condition(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])) == 0.5
    assert there_and_back(torch.full((1, 3, 2, 2), 0.5), torch.zeros(1, 3, 2, 2)) == 0.5


def test_coefficients_are_those_that_the_expressions_are_made_of():
    system = tiny(expressions=("happy", "surprised"))
    own = {name for name in BLENDSHAPES if recipe("happy")[BLENDSHAPES.index(name)] > 0}
    known = {BLENDSHAPES[index] for index in system.coefficients}
    assert own < known and "noseSneerLeft" not in known
    assert system._recipe("happy").max() == 1.0


def batch_of(system):
    rng = torch.Generator().manual_seed(0)
    clip = moving_square(size=32, frames=4)
    clip = type(clip)(clip.frames, expression="happy", blendshapes=np.linspace(0, 1, 4)[:, None] * recipe("happy"))
    rows = [system.example(clip, rng) for _ in range(2)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_each_side_of_the_game_teaches_its_own():
    system = tiny()
    batch = batch_of(system)
    judged, made = terms_of_both_sides(system, batch)
    assert judged == {"critic", "gradient_penalty", "condition"}
    assert made == {"adversarial", "condition", "identity", "attention", "smooth"}
    assert judged | made == set(GANimationConfig.TERMS)


def test_a_clip_has_to_state_its_blendshapes():
    with pytest.raises(ValueError, match="does not state its blendshapes"):
        tiny().example(moving_square(size=32, frames=4), torch.Generator())


def test_it_is_asked_for_recipes_times_an_intensity():
    system = tiny(expressions=("happy", "angry")).eval()
    face = moving_square(size=32, frames=2).frames[0]
    made = system.animate(face, "happy", [0, 0.5, 1])
    assert made.frames.shape == (3, 32, 32, 3) and made.intensity.tolist() == [0, 0.5, 1]
    with torch.no_grad():
        still = torch.from_numpy(face).permute(2, 0, 1)[None].float() / 127.5 - 1
        whole, _ = system(still, system._recipe("happy")[None])
    drawn = ((whole[0].permute(1, 2, 0) + 1) * 127.5).numpy()
    assert np.abs(drawn - made.frames[2].astype(float)).max() < 1.5
    nowhere = system.animate(face, "happy", [1], region=np.zeros((32, 32)))
    assert np.abs(nowhere.frames[0].astype(int) - face).max() <= 1


def test_the_critic_has_to_be_able_to_halve_the_picture():
    with pytest.raises(ValueError, match="halved 5 times; given was size=48"):
        GANimationConfig.small(size=48)
    paper = GANimationConfig.paper()
    assert (paper.size, paper.blocks, paper.clips_per_step, paper.weights["condition"]) == (128, 6, 25, 160.0)
