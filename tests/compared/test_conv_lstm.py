"""ConvLSTM: its cell by hand, and what a clip is made of."""

import pytest
import torch

from i2vlib.compared import ConvLSTM, ConvLSTMConfig
from i2vlib.compared.conv_lstm import cell


def test_the_cell_by_hand():
    i, f, o, g = 0.5, -1.0, 2.0, 0.25
    gates = torch.tensor([i, f, o, g]).view(1, 4, 1, 1)
    said, memory = cell(gates, torch.full((1, 1, 1, 1), 0.8))
    # sigmoid: .5 .622459, -1 .268941, 2 .880797; tanh .25 .244919
    assert memory.item() == pytest.approx(0.268941 * 0.8 + 0.622459 * 0.244919, abs=1e-5)
    assert said.item() == pytest.approx(0.880797 * torch.tanh(memory).item(), abs=1e-5)


def test_the_first_frame_is_the_still_and_costs_nothing():
    system = ConvLSTM(ConvLSTMConfig.small(size=16, base_channels=4, frames=3))
    still = torch.rand(1, 3, 16, 16) * 2 - 1
    made = system.clip(still, torch.tensor([0]))["images"]
    assert torch.equal(made[:, 0], still)
    real = made.detach().clone()
    real[:, 1:] += 0.5
    terms = system.generator_terms({"frames": real}, {"images": made.detach()})
    assert terms["reconstruction"] == pytest.approx(0.5, abs=1e-6) and system.discriminator_terms({}, {}) == {}


def test_its_moving_term_is_the_error_of_the_pixels_that_move():
    system = ConvLSTM(ConvLSTMConfig.small(base_channels=4, frames=2))
    real = torch.zeros(1, 2, 3, 64, 64)
    real[:, 1, :, 32, 32] = 1.0  # grown by a pixel on each side: nine move
    made = system.generator_terms({"frames": real}, {"images": torch.zeros_like(real)})
    assert made["reconstruction_moving"] == pytest.approx(1 / 9)
    assert system.generator_terms({"frames": real}, {"images": real})["reconstruction_moving"] == 0


def test_what_a_later_frame_asks_for_reaches_the_memory_and_the_encoder():
    system = ConvLSTM(ConvLSTMConfig.small(size=16, base_channels=4, frames=4))
    system.clip(torch.rand(1, 3, 16, 16), torch.tensor([0]))["images"][:, -1].sum().backward()
    for part in (system.cells, system.encoder.levels):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part[0].parameters())


def test_a_cell_stands_on_every_level_that_is_small_enough():
    system = ConvLSTM(ConvLSTMConfig.small(size=64, base_channels=4))
    assert len(system.cells) == 4  # 8, 4, 2 and 1 pixels


def test_presets_are_the_papers_lengths():
    paper = ConvLSTMConfig.paper()
    assert (paper.size, paper.frames, paper.weights["reconstruction_moving"]) == (256, 10, 0.0)
