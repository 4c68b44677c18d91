"""FRGAN's equations, one test a number: by values worked by hand, by where gradients flow, and by their shapes."""

import inspect
import math

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from i2vlib.papers.frgan import equations
from tests.papers.frgan.clips import forecaster, refiner
from tests.shapes import enforced

eq = enforced(equations)


def filled(*values: float, channels: int = 3, frames: int | None = None, side: int = 2) -> Tensor:
    """A batch of pictures, or of clips, each of one value."""
    shape = (channels, side, side) if frames is None else (channels, frames, side, side)
    return torch.stack([torch.full(shape, float(value)) for value in values])


class Sums(nn.Module):
    """A critic that can be worked by hand: so much to the sum of a sample, and so much to that of its map."""

    def __init__(self, sample: float, condition: float = 0.0) -> None:
        super().__init__()
        self.sample, self.condition = (nn.Parameter(torch.tensor(value)) for value in (sample, condition))

    def forward(self, samples: Tensor, maps: Tensor) -> Tensor:
        return self.sample * samples.flatten(1).sum(1) + self.condition * maps.flatten(1).sum(1)


class Means(Sums):
    """`Sums` of which means are taken: of any size, 1 to a sample full of ones."""

    def forward(self, samples: Tensor, maps: Tensor) -> Tensor:
        return super().forward(samples, maps) / samples[0].numel()


class Squares(nn.Module):
    """A critic whose slope at a sample is the sample's norm; along the map it is flat."""

    def forward(self, samples: Tensor, maps: Tensor) -> Tensor:
        return samples.flatten(1).square().sum(1) / 2 + 0 * maps.sum()


def value(tensor: Tensor) -> object:
    return pytest.approx(tensor.item(), abs=1e-6)


# The frame: Eq. 1 to 3


def test_eq_1_adds_a_difference():
    made = eq.with_difference(filled(-0.5, 0.25), filled(0.75, -0.5))
    assert torch.equal(made, filled(0.25, -0.25))


def test_eq_2_shows_content_under_the_mask():
    still, content = filled(-1, 0.5), filled(1, -0.5)
    mask = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 1, 2, 2).expand(2, -1, -1, -1)
    made = eq.composed(still, mask, content)
    assert made[0, 1].flatten().tolist() == [-1, -0.5, 0, 1]
    assert made[1, 2].flatten().tolist() == [0.5, 0.25, 0, -0.5]


def test_eq_3_moves_the_code_as_the_map_moves():
    image, now, then = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5, 4.0]]), torch.tensor([[1.5, 1.0]])
    assert eq.analogy(image, now, then).tolist() == [[2, -1]]
    assert torch.equal(eq.analogy(image, now, now), image)


# G_M: Eq. 4 to 9


def test_eq_4_sums_the_terms_of_g_m():
    """Every term is computed by hand, and what is told to the critic is the map of the frame that was made."""
    method = forecaster()
    method.discriminator = Means(1.0, 10.0)
    batch = {"still": filled(0.9), "frame": filled(0.1), "now": filled(0.7), "then": filled(0.03)}
    made = {"images": filled(0.5), "mask": filled(0.25, channels=1), "content": filled(-0.1)}
    terms = method.generator_terms(batch, made)
    expected = {"reconstruction": 0.4, "sparsity": 0.25, "adversarial": -(0.5 + 10 * 0.03)}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected)
    assert [name for name, weight in method.config.weights.items() if weight and name in expected] == [*expected]


def test_eq_5_is_the_mean_distance_of_a_value():
    made, real = filled(0.5, -0.25), filled(0.25, 0.5)
    assert value(eq.reconstruction(made, real)) == (0.25 + 0.75) / 2
    one = filled(0).index_fill(1, torch.tensor([0]), 1.0)  # a channel of three is off by 1
    assert value(eq.reconstruction(one, filled(0))) == 1 / 3
    assert value(eq.reconstruction(filled(1, frames=4), filled(-1, frames=4))) == 2


def test_eq_6_is_the_share_that_is_drawn_anew():
    mask = torch.tensor([1.0, 0.5, 0.0, 0.0]).view(1, 1, 2, 2).requires_grad_()
    assert value(eq.sparsity(mask)) == 1.5 / 4
    eq.sparsity(mask).backward()
    assert (mask.grad == 0.25).all()
    assert value(eq.sparsity(filled(0.5, 1, channels=1, frames=4))) == 0.75


def test_eq_7_wants_a_high_score():
    made = filled(1, 3).requires_grad_()
    found = eq.adversarial(Sums(2.0, 1.0), made, filled(1, 0))
    assert value(found) == -((2 * 12 + 12) + 2 * 36) / 2
    found.backward()
    assert (made.grad == -1).all()  # half of the batch, twice a pixel: to go up is to lose less


def test_eq_8_wants_real_frames_above_made_ones():
    critic, real, made = Sums(2.0, 1.0), filled(1, 2).requires_grad_(), filled(0.5, 0.5).requires_grad_()
    found = eq.frames_apart(critic, real, made, filled(3, -1))
    assert value(found) == 2 * 12 * (0.5 - 1.5)
    found.backward()
    assert made.grad is None and (real.grad == -1).all()
    assert critic.sample.grad.item() == 12 * (0.5 - 1.5) and critic.condition.grad.item() == 0


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_eq_9_wants_a_slope_of_one(slope):
    penalised(eq.frames_penalty, slope, frames=None)


# G_R: Eq. 10 to 14


def test_eq_10_is_eq_2_of_clips():
    clip, content = filled(-1, frames=4), filled(1, frames=4)
    mask = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 1, 4, 1, 1).expand(-1, -1, -1, 2, 2)
    made = eq.refined(clip, mask, content)
    assert made[0, 1, :, 0, 1].tolist() == [-1, -0.5, 0, 1]
    flat = eq.composed(*(x[:, :, 2] for x in (clip, mask, content)))
    assert torch.equal(made[:, :, 2], flat)


def test_eq_11_sums_the_terms_of_g_r():
    """The forecast is not what the clip is compared with, and each critic has its own say."""
    method = refiner()
    method.discriminator_clips, method.discriminator_frames = Means(1.0, 10.0), Means(2.0, 1.0)
    made, maps = filled(0.5, frames=4), filled(0.03, frames=4)
    made[:, :, 2], maps[:, :, 2] = 0.9, 0.13
    batch = {"frames": filled(0.1, frames=4), "forecast": filled(7, frames=4), "maps": maps}
    outputs = {"images": made, "mask": filled(0.25, channels=1, frames=4)}
    terms = method.generator_terms({**batch, "chosen": torch.tensor([[2, 0]])}, outputs)
    expected = {
        "reconstruction": (3 * 0.4 + 0.8) / 4,
        "sparsity": 0.25,
        "adversarial": -((3 * 0.5 + 0.9) / 4 + 10 * (3 * 0.03 + 0.13) / 4),
        "adversarial_frames": -((2 * 0.9 + 0.13) + (2 * 0.5 + 0.03)) / 2,
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected)


def test_eq_12_asks_of_the_clip_and_of_its_frames():
    made = filled(0, 0, frames=3) + torch.tensor([0.0, 1.0, 2.0]).view(1, 1, 3, 1, 1)
    made[1] += 4
    made.requires_grad_()
    maps, chosen = filled(1, 0, frames=3), torch.tensor([[2, 0], [1, 0]])
    parts = eq.clip_adversarial(Sums(1.0, 2.0), Sums(10.0, 1.0), made, maps, chosen)
    # Twelve values a frame. Of the clips 36 and 180, and 72 for the first one's maps; of the frames 2, 0, 5 and 4.
    assert value(parts["adversarial"]) == -(36 + 72 + 180) / 2
    assert value(parts["adversarial_frames"]) == -(10 * 12 * (2 + 0 + 5 + 4) + 2 * 12) / 4
    parts["adversarial_frames"].backward()
    assert made.grad[0, 0, :, 0, 0].tolist() == [-2.5, 0, -2.5] and made.grad[1, 0, :, 0, 0].tolist() == [-2.5, -2.5, 0]
    by_its_own_map = eq.clip_adversarial(None, lambda x, m: (x * m).flatten(1).sum(1), made, made.detach(), chosen)
    assert value(by_its_own_map["adversarial_frames"]) == -12 * (4 + 0 + 25 + 16) / 4
    assert set(eq.clip_adversarial(Sums(1.0), None, made, maps, chosen)) == {"adversarial"}
    assert set(eq.clip_adversarial(None, Sums(1.0), made, maps, chosen)) == {"adversarial_frames"}


def test_eq_13_wants_real_clips_above_made_ones():
    critic = Sums(2.0, 1.0)
    real, made = filled(1, 2, frames=4).requires_grad_(), filled(0.5, 0.5, frames=4).requires_grad_()
    found = eq.clips_apart(critic, real, made, filled(3, -1, frames=4))
    assert value(found) == 2 * 48 * (0.5 - 1.5)
    found.backward()
    assert made.grad is None and (real.grad == -1).all()
    assert critic.sample.grad.item() == 48 * (0.5 - 1.5) and critic.condition.grad.item() == 0


@pytest.mark.parametrize("slope", [0.0, 1.0, 3.0])
def test_eq_14_wants_a_slope_of_one_over_a_clip(slope):
    penalised(eq.clips_penalty, slope, frames=4)


def penalised(penalty: object, slope: float, frames: int | None) -> None:
    """A penalty: of a plane as steep as is said, of a bowl where the share says, and of the critic's weights alone."""
    real, made, maps = (filled(*two, frames=frames).requires_grad_() for two in ((3, 1), (1, 1), (0, 2)))
    share, count = torch.tensor([0.25, 1.0]), real[0].numel()
    # Along the sample 0.6 of the slope, along its map 0.8 of it: only together are they the slope.
    plane = Sums(0.6 * slope / math.sqrt(count), 0.8 * slope / math.sqrt(count))
    found = penalty(plane, real, made, maps, share)
    assert found.item() == pytest.approx((slope - 1) ** 2, abs=1e-5)
    if slope:
        found.backward()
        assert plane.sample.grad.item() == pytest.approx(2 * (slope - 1) * 0.6 * math.sqrt(count), abs=1e-4)
        assert all(x.grad is None for x in (real, made, maps))
    # A quarter of the way from made to real, 1.5; and all of it, 1.
    bowl = [math.sqrt(count) * level for level in (0.25 * 3 + 0.75 * 1, 1)]
    expected = sum((level - 1) ** 2 for level in bowl) / 2
    assert penalty(Squares(), real, made, maps, share).item() == pytest.approx(expected, rel=1e-5)


def test_eq_15_compares_what_two_networks_see():
    made, real = filled(0.5, -0.25).requires_grad_(), filled(0.25, 0.5).requires_grad_()
    mean, doubled = (lambda x: x.mean((1, 2, 3))[:, None]), (lambda x: 2 * x)
    found = eq.features_apart(mean, doubled, made, real)
    squares = (0.25**2 + 0.75**2) / 2
    assert {name: part.item() for name, part in found.items()} == pytest.approx(
        {"appearance": squares, "structure": 4 * squares}
    )
    found["structure"].backward()
    assert real.grad is None  # what it is compared with is data
    assert torch.allclose(made.grad, 8 * (made - real).detach() / made.numel())
    assert list(eq.features_apart(None, doubled, made, real)) == ["structure"]
    assert list(eq.features_apart(mean, None, made, real)) == ["appearance"]


# What the steps hand to the equations


def test_d_i_of_g_m_is_asked_with_the_right_map_and_the_penalty_with_the_share():
    method = forecaster()
    method.discriminator = Means(1.0, 10.0)
    batch = {"still": filled(0.9), "frame": filled(0.1), "now": filled(0.7), "then": filled(0.03)}
    batch["share"] = torch.tensor([0.25])
    terms = method.discriminator_terms(batch, {"images": filled(0.5)})
    assert terms["critic"].item() == pytest.approx(0.5 - 0.1)
    assert terms["gradient_penalty"].item() == pytest.approx((math.sqrt(12 * (1 + 100)) / 12 - 1) ** 2, rel=1e-5)
    method.discriminator = Squares()
    terms = method.discriminator_terms(batch, {"images": filled(0.5)})
    between = math.sqrt(12) * (0.25 * 0.1 + 0.75 * 0.5)
    assert terms["gradient_penalty"].item() == pytest.approx((between - 1) ** 2, rel=1e-5)


def test_d_v_and_d_i_of_g_r_are_asked_of_the_clip_and_of_the_first_frame_that_was_chosen():
    method = refiner()
    method.discriminator_clips, method.discriminator_frames = Squares(), Squares()
    made, real = filled(0.5, frames=4), filled(0.1, frames=4)
    made[:, :, 2] = 0.9
    batch = {"frames": real, "forecast": filled(7, frames=4), "maps": filled(0.3, frames=4)}
    batch |= {"chosen": torch.tensor([[2, 0]]), "share": torch.tensor([0.25])}
    terms = method.discriminator_terms(batch, {"images": made})
    assert terms["critic"].item() == pytest.approx(12 * (3 * 0.5**2 + 0.9**2 - 4 * 0.1**2) / 2)
    assert terms["critic_frames"].item() == pytest.approx(12 * (0.9**2 - 0.1**2) / 2)
    levels = [0.025 + 0.75 * level for level in (0.5, 0.5, 0.9, 0.5)]
    steep = math.sqrt(12 * sum(level**2 for level in levels))
    assert terms["gradient_penalty"].item() == pytest.approx((steep - 1) ** 2, rel=1e-5)
    assert terms["gradient_penalty_frames"].item() == pytest.approx((math.sqrt(12) * levels[2] - 1) ** 2, rel=1e-5)


def test_chosen_frames_are_taken_out_of_their_own_clip():
    clips = torch.arange(2 * 3 * 5 * 2 * 2).view(2, 3, 5, 2, 2).float()
    some = eq.frames_of(clips, torch.tensor([[4, 0], [1, 2]]))
    assert torch.equal(some, torch.stack([clips[0, :, 4], clips[0, :, 0], clips[1, :, 1], clips[1, :, 2]]))


def test_shapes_are_enforced():
    with pytest.raises(TypeCheckError, match="'mask'"):
        eq.composed(filled(0), filled(0), filled(0))  # a mask of three channels
    with pytest.raises(TypeCheckError, match="'share'"):
        eq.frames_penalty(Sums(1.0), filled(0, 1), filled(0, 1), filled(0, 1), torch.tensor([0.5]))


def test_the_file_holds_the_equations_in_the_papers_order():
    lines = [inspect.getdoc(f).splitlines()[0] for f in vars(eq).values() if "FRGAN, Eq." in (inspect.getdoc(f) or "")]
    numbers = [int(line.split("Eq. ")[1].split(":")[0]) for line in lines]
    assert numbers == [1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]
