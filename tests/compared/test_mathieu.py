"""Mathieu et al.: each of the equations by hand, what a frame is made of, and who learns from what."""

import pytest
import torch

from i2vlib.compared import Mathieu, MathieuConfig
from i2vlib.compared.mathieu import before, gradient_difference, lp_error, next_at_scales, pyramid
from tests.compared.sides import terms_of_both_sides


def tiny(**changes):
    return Mathieu(MathieuConfig.small(**{"size": 16, "base_channels": 2, "judge_channels": 2, "frames": 4, **changes}))


def test_the_error_of_pixels_by_hand():
    made, real = torch.tensor([0.0, 2.0]), torch.tensor([1.0, -1.0])
    assert lp_error(made, real, 1) == 2.0 and lp_error(made, real, 2) == 5.0


def test_a_scale_corrects_what_the_coarser_scale_has_made():
    shown = []

    def add(value):
        return lambda x: shown.append(x) or torch.full_like(x[:, :3], value)

    seen = [torch.full((1, 4, 2, 2), 7.0), torch.full((1, 4, 4, 4), 8.0)]
    coarse, fine = next_at_scales([add(0.5), add(0.25)], seen)
    assert torch.equal(coarse, torch.full((1, 3, 2, 2), 0.5)) and torch.equal(fine, torch.full((1, 3, 4, 4), 0.75))
    assert shown[0][0, :, 0, 0].tolist() == [7, 7, 7, 7, 0, 0, 0]
    assert shown[1][0, :, 3, 3].tolist() == [8, 8, 8, 8, 0.5, 0.5, 0.5]


def test_the_gradient_difference_weighs_how_steep_an_edge_is_and_not_which_way_it_goes():
    real = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    assert gradient_difference(-real + 5, real) == 0
    assert gradient_difference(torch.zeros(2, 2), real) == 1.0  # two steps across, none down
    made = torch.tensor([[0.0, 0.5], [0.5, 0.5]])
    # down: |.5 - 0| and |0 - 0|, across: |.5 - 1| and |0 - 1|
    assert gradient_difference(made, real) == pytest.approx(0.25 + 0.75)


def test_scales_are_means_and_the_last_is_the_picture():
    picture = torch.rand(2, 3, 3, 16, 16)
    scales = pyramid(picture)
    assert [scale.shape[-1] for scale in scales] == [2, 4, 8, 16] and torch.equal(scales[-1], picture)
    assert torch.allclose(scales[0][1, 2, 0, 0, 1], picture[1, 2, 0, :8, 8:].mean())


def test_the_still_stands_for_what_was_before_it():
    frames = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(1, 4, 3, 1, 1)
    assert before(frames, 3)[0, :, ::3, 0, 0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2]]


def batch_of(system):
    size, frames = system.config.size, system.config.frames
    return {"frames": torch.rand(2, frames, 3, size, size) * 2 - 1, "label": torch.tensor([0, 0])}


def test_each_side_of_the_game_teaches_its_own_at_every_scale():
    system = tiny()
    batch = batch_of(system)
    assert torch.equal(system.outputs(batch)["images"][:, 0], batch["frames"][:, 0])
    assert terms_of_both_sides(system, batch) == ({"adversarial"}, set(MathieuConfig.TERMS))


def test_a_later_frame_is_made_of_the_earlier_ones():
    system, still = tiny(), torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        made = system.clip(still, torch.tensor([0]))["images"][0]
        again = next_at_scales(system.generators, pyramid(torch.cat([still[0], still[0], made[1], made[2]])[None]))[-1]
    assert torch.allclose(torch.tanh(again)[0], made[3], atol=1e-6)


def test_what_is_right_costs_nothing_and_every_scale_counts():
    system = tiny()
    batch = batch_of(system)
    right = {f"scale_{k}": scale for k, scale in enumerate(pyramid(batch["frames"][:, 1:])[:-1])}
    terms = system.generator_terms(batch, {"images": batch["frames"], **right})
    assert terms["reconstruction"] == terms["gradient_difference"] == terms["reconstruction_moving"] == 0
    off = {**right, "scale_1": right["scale_1"] + 0.5}
    terms = system.generator_terms(batch, {"images": batch["frames"], **off})
    assert terms["reconstruction"] == pytest.approx(0.5) and terms["gradient_difference"] == pytest.approx(0, abs=1e-6)


def test_sizes_and_kernels_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="16.*size=24"):
        MathieuConfig.small(size=24)
    with pytest.raises(ValueError, match="widest=4"):
        MathieuConfig.small(widest=4)
    paper = MathieuConfig.paper()
    assert (paper.clips_per_step, paper.base_channels, paper.widest) == (8, 128, 7)
    assert paper.weights["adversarial"] == 0.05 and paper.weights["reconstruction_moving"] == 0
