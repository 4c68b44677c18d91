"""VGAN: two streams by hand, and who learns from what."""

import pytest
import torch

from i2vlib.compared import VGAN, VGANConfig
from i2vlib.compared.vgan import first_frame, two_streams
from tests.compared.sides import terms_of_both_sides


def test_two_streams_by_hand():
    mask = torch.tensor([0.0, 0.25]).view(1, 1, 2, 1, 1)
    foreground = torch.full((1, 3, 2, 1, 1), 0.8)
    background = torch.full((1, 3, 1, 1), -0.4)
    made = two_streams(mask, foreground, background)
    assert made[0, 0, :, 0, 0].tolist() == pytest.approx([-0.4, 0.25 * 0.8 - 0.75 * 0.4])


def test_the_first_frame_is_asked_for_and_no_other():
    still = torch.zeros(1, 3, 2, 2)
    made = torch.stack([torch.full_like(still, 0.5), torch.full_like(still, 9.0)], 2)
    assert first_frame(made, still) == 0.5


def test_a_background_stands_still():
    system = VGAN(VGANConfig.small(base_channels=4)).eval()
    torch.nn.init.constant_(system.mask.bias, -30.0)
    made = system.clip(torch.rand(1, 3, 64, 64), torch.tensor([0]))["images"]
    assert made.shape == (1, 16, 3, 64, 64) and torch.allclose(made, made[:, :1].expand_as(made), atol=1e-6)


def test_each_side_of_the_game_teaches_its_own():
    system = VGAN(VGANConfig.small(base_channels=4))
    batch = {"frames": torch.rand(2, 16, 3, 64, 64) * 2 - 1, "label": torch.tensor([0, 0])}
    assert terms_of_both_sides(system, batch) == ({"adversarial"}, {"adversarial", "first"})


def test_frames_and_pixels_come_in_sixteens():
    with pytest.raises(ValueError, match="16.*12 and"):
        VGANConfig.small(frames=12)
    half = VGAN(VGANConfig.small(size=32, base_channels=4))
    assert half._judge(torch.rand(2, 16, 3, 32, 32)).shape == (2, 1, 1, 1, 1)
    paper = VGANConfig.paper()
    assert (paper.frames, paper.clips_per_step, paper.base_channels, paper.weights["first"]) == (32, 32, 128, 10.0)
