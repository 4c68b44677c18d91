"""MCNet: what moves and what is there by hand, what a clip is made of, and who learns from what."""

from math import inf, nan

import pytest
import torch

from i2vlib.compared import MCNet, MCNetConfig
from i2vlib.compared.mcnet import image_loss, last_change, who_learns
from tests.compared.sides import terms_of_both_sides


def tiny(**changes):
    return MCNet(MCNetConfig.small(**{"size": 16, "base_channels": 2, "frames": 4, **changes}))


def test_motion_is_how_the_last_frame_differs_and_nothing_off_a_still():
    first, last = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.2)
    assert torch.equal(last_change([last]), torch.zeros_like(last))
    assert torch.allclose(last_change([first, first, last]), torch.full_like(last, -0.3))


def test_the_image_loss_by_hand():
    real = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).expand(1, 1, 3, 2, 2)
    pixels, steepness = image_loss(real + 2, real)
    assert pixels == 4.0 and steepness == pytest.approx(0, abs=1e-6)
    pixels, steepness = image_loss(torch.zeros_like(real), real)
    assert pixels == 0.5 and steepness == 1.0


def batch_of(system):
    size, frames = system.config.size, system.config.frames
    return {"frames": torch.rand(2, frames, 3, size, size) * 2 - 1, "label": torch.tensor([0, 0])}


def test_a_still_is_told_to_the_content_alone():
    system, still = tiny(), torch.rand(1, 3, 16, 16)
    moved = []
    system.motion[0].register_forward_hook(lambda _, given, __: moved.append(given[0]))
    with torch.no_grad():
        made = system.clip(still, torch.tensor([0]))["images"]
    assert torch.equal(made[:, 0], still) and len(moved) == 3 and not moved[0].any()
    assert torch.equal(moved[1], made[:, 1] - made[:, 0]) and torch.equal(moved[2], made[:, 2] - made[:, 1])


def test_what_a_later_frame_asks_for_reaches_the_memory_and_both_encoders():
    torch.manual_seed(0)
    system = tiny(base_channels=8)
    last = system.clip(torch.rand(1, 3, 16, 16), torch.tensor([0]))["images"][:, -1].sum()
    last.backward()
    for part in (system.memory, system.motion, system.content, system.residual, system.combination):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())


def test_each_side_of_the_game_teaches_its_own():
    system = tiny()
    batch = batch_of(system)
    assert terms_of_both_sides(system, batch) == ({"adversarial"}, set(MCNetConfig.TERMS))


# Guessing costs log 2 = .69. A true clip's logit of 1 costs .313, of 1.1 .287, of -1 1.313.
@pytest.mark.parametrize(
    ("real", "made", "judge", "generator"),
    [
        (0.0, 0.0, True, True),
        (1.0, -1.0, True, True),
        (1.1, 0.0, False, True),  # ahead with true clips
        (0.0, -1.1, False, True),  # ahead with made ones
        (-0.5, 0.0, True, False),  # behind
        (3.0, 3.0, True, True),  # everything is called real: ahead with the one, behind with the other
    ],
)
def test_whose_step_it_is(real, made, judge, generator):
    logits = (torch.full((2, 1, 1, 1), value) for value in (real, made))
    assert tuple(map(bool, who_learns(*logits, 0.3))) == (judge, generator)


@pytest.mark.parametrize(("margin", "logits", "judge", "generator"), [
    (0.3, (4.0, -4.0), False, True), (0.3, (-4.0, 0.0), True, False), (0.3, (0.0, 0.0), True, True),
    (-inf, (4.0, -4.0), True, True), (-inf, (-4.0, 0.0), True, True),
])  # fmt: skip
def test_who_waits_learns_nothing(monkeypatch, margin, logits, judge, generator):
    system = tiny(margin=margin)
    batch = batch_of(system)
    outputs, score = system.outputs(batch), system._judge
    of_real, of_made = logits

    def judged(clips):
        to = of_real if clips is batch["frames"] else of_made
        found = score(clips)
        return found - found.detach() + to

    monkeypatch.setattr(system, "_judge", judged)
    for ask, parameters, learns in (
        (system.discriminator_terms, system.discriminator_parameters, judge),
        (system.generator_terms, system.generator_parameters, generator),
    ):
        system.zero_grad()
        terms = ask(batch, outputs)
        sum(terms.values()).backward()
        assert all(value.any() for value in terms.values()) == learns
        assert any(p.grad.any() for p in parameters()) == learns


@pytest.mark.parametrize("margin", [0.6, nan])
def test_a_margin_is_no_more_than_a_half(margin):
    with pytest.raises(ValueError, match=f"at most 0.5; given was margin={margin}"):
        tiny(margin=margin)


def test_what_is_right_costs_nothing_but_what_it_looks_like():
    system = tiny()
    batch = batch_of(system)
    terms = system.generator_terms(batch, {"images": batch["frames"]})
    assert terms["reconstruction"] == terms["gradient_difference"] == terms["reconstruction_moving"] == 0
    assert terms["adversarial"] > 0


def test_the_still_costs_nothing():
    system = tiny()
    real = batch_of(system)["frames"]
    off = torch.cat([real[:, :1], real[:, 1:] + 0.5], 1)
    terms = system.generator_terms({"frames": real}, {"images": off})
    assert terms["reconstruction"] == pytest.approx(0.25, abs=1e-6)


def test_the_side_can_be_halved_as_often_as_the_discriminator_does():
    with pytest.raises(ValueError, match="16.*size=24"):
        MCNetConfig.small(size=24)
    paper = MCNetConfig.paper()
    assert (paper.size, paper.frames, paper.base_channels, paper.clips_per_step) == (128, 11, 64, 8)
    assert paper.weights["adversarial"] == 0.02 and paper.weights["reconstruction_moving"] == 0
