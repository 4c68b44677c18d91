"""Each equation of AffineGAN by value: small numbers, worked by hand."""

from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from i2vlib.papers.affinegan import PAPER_WEIGHTS, AffineGAN, equations
from tests.conftest import tiny_config
from tests.shapes import enforced

eq = enforced(equations)


def code(*rows: list[float]) -> Tensor:
    """One level of a code: a row of channels for each still or frame."""
    return torch.tensor(rows).float()[:, :, None, None]


def picture(*values: float) -> Tensor:
    """Frames ``(1, n, 3, 2, 2)``, each of one grey."""
    return torch.tensor(values).float().view(1, -1, 1, 1, 1).expand(-1, -1, 3, 2, 2).clone()


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


class Levels(nn.Module):
    """An encoder of two levels: the means of a picture's channels times a factor, and the label of an expression."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor, label: Tensor | None = None) -> list[Tensor]:
        means = self.factor * images.mean((2, 3), keepdim=True)
        return [means, means[:, :1] if label is None else label.view(-1, 1, 1, 1).float()]


class Weighed(nn.Module):
    """A decoder of one pixel: the first level times 100, and the second."""

    def forward(self, levels: list[Tensor]) -> Tensor:
        return 100 * levels[0] + levels[1]


def by_hand(**changes: object) -> AffineGAN:
    """A model whose encoders are `Levels`, of factors 1 and 2, and whose decoder is `Weighed`."""
    method = AffineGAN(tiny_config(size=8, **changes))
    method.encoder, method.residual_encoder, method.decoder = Levels(1), Levels(2), Weighed()
    return method


def test_eq_1_two_encoders():
    still = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    shows, grows = by_hand().encode(still, torch.tensor([10]))
    assert [level.flatten().tolist() for level in shows] == [[1, 2, 3], [1]]
    assert [level.flatten().tolist() for level in grows] == [[2, 4, 6], [10]]


def test_eq_2_a_step_along_a_line():
    still, direction = [code([1, 10], [0, 1]), code([5], [6])], [code([2, -4], [1, 1]), code([1], [-1])]
    outer, inner = eq.affine(still, direction, torch.tensor([[0, 0.5, 1], [3, 0, -1]]))
    assert outer[:, :, 0, 0].tolist() == [[1, 10], [2, 8], [3, 6], [3, 4], [0, 1], [-1, 0]]
    assert inner.flatten().tolist() == [5, 5.5, 6, 3, 6, 7]


def test_eq_3_decodes_the_step():
    codes = eq.affine([code([1]), code([2])], [code([3]), code([4])], torch.tensor([[0, 2.0]]))
    drawn = by_hand().decode({"images": codes, "neutral_images": [code([5]), code([6])]})
    assert drawn["images"].flatten().tolist() == [102, 710] and drawn["neutral_images"].flatten().tolist() == [506]


def test_eq_4_the_closest_step():
    still, direction = [code([1, 1], [0, 0]), code([0], [0])], [code([2, 0], [0, 1]), code([1], [2])]
    frames = [code([2, 7], [-1, 1], [5, 5], [0, 0]), code([3], [0], [0], [-1])]
    # (1, 6 | 3).(2, 0 | 1) = 5 of 5;  (-2, 0 | 0).(2, 0 | 1) = -4 of 5;  (5, 5 | 0).(0, 1 | 2) = 5 of 5;  -2 of 5
    assert torch.allclose(eq.projected(frames, still, direction), torch.tensor([[1, -0.8], [1, -0.4]]))
    of_the_norm = eq.projected(frames, still, direction, squared=False)
    assert torch.allclose(of_the_norm, torch.tensor([[5, -4], [5, -2]]) / sqrt(5))
    innermost = eq.projected(frames[-1:], still[-1:], direction[-1:])
    assert torch.allclose(innermost, torch.tensor([[3, 0], [0, -0.5]]))


def test_eq_4_without_a_direction_is_zero_and_in_full_precision():
    nowhere = eq.projected([code([3, 4])], [code([1, 1])], [code([0, 0])])
    assert nowhere.item() == 0
    halves = ([code(row).bfloat16()] for row in ([256, 1], [0, 0], [1, 1]))  # whose sum, 257, would be 256
    assert eq.projected(*halves).item() == 128.5


def test_eq_4_keeps_its_denominator_from_zero():
    """At a direction whose square is the small number itself, the step is half of what it would be."""
    step = eq.projected([code([3e-4])], [code([1e-4])], [code([1e-4])])
    assert step.item() == pytest.approx(1.0, rel=1e-3)


def test_eq_4_refuses_codes_of_different_depth():
    one, two = [code([1.0])], [code([1.0]), code([2.0])]
    for codes in ((two, one, one), (one, two, one), (one, one, two)):
        with pytest.raises(ValueError, match="shorter|longer"):
            eq.projected(*codes)


def test_eq_4_teaches_all_three_codes():
    parts = [code([2.0, 7.0]), code([1.0, 1.0]), code([2.0, 0.5])]
    leaves = [part.requires_grad_() for part in parts]
    eq.projected(*([leaf] for leaf in leaves)).sum().backward()
    assert all((leaf.grad != 0).all() for leaf in leaves)


def test_proposition_1():
    """On the line, the projection gives the intensity back; the released code's denominator does not."""
    still, direction = [code([1, 2], [3, 4]), code([5], [6])], [code([1, -1], [2, 0]), code([3], [1])]
    asked = torch.tensor([[0.0, 0.3, -1], [1, 2, 0.5]])
    on_the_line = eq.affine(still, direction, asked)
    assert torch.allclose(eq.projected(on_the_line, still, direction), asked, atol=1e-6)
    lengths = torch.tensor([[11.0], [5.0]]).sqrt()
    assert torch.allclose(eq.projected(on_the_line, still, direction, squared=False), asked * lengths, atol=1e-5)


def test_proposition_2():
    """Off the line, no other step ends nearer to the frame's code."""
    still, direction, frame = [code([0, 0])], [code([3, 4])], [code([1, 7])]
    best = eq.projected(frame, still, direction).item()
    assert best == pytest.approx(31 / 25)  # (1, 7).(3, 4) of 9 + 16

    def distance(a: float) -> float:
        return (eq.affine(still, direction, torch.tensor([[a]]))[0] - frame[0]).norm().item()

    assert distance(best) == pytest.approx(17 / 5)  # from (1, 7) to the line 4 x = 3 y
    assert all(distance(a) > distance(best) for a in np.linspace(-3, 3, 61))


def test_eq_5_is_never_negative():
    assert torch.equal(eq.intensity(torch.tensor([[-0.75, 0, 0.25]])), torch.tensor([[0.75, 0, 0.25]]))
    falling = torch.tensor([-2.0, 2.0], requires_grad=True)
    eq.intensity(falling).sum().backward()
    assert falling.grad.tolist() == [-1, 1]


@pytest.mark.parametrize("detached", [False, True])
def test_eq_6_through_the_intensity(detached):
    """Of a still of 1 to 3 and its direction 2 to 6, label 0, a frame one and a half as bright is an intensity of 1/4:
    28 (1/2, 1, 3/2 along 2, 4, 6, and 1/2 along 0 on the second level) of 14, over 56."""
    method = by_hand(detach_intensity=detached, weights={"reconstruction": 1.0})
    still = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).requires_grad_()
    frames = (1.5 * still.detach())[:, None].requires_grad_()
    made = method.outputs({"neutral": still, "frames": frames, "label": torch.tensor([0])})
    assert set(made) == {"images", "intensity", "projection"} and made["intensity"].tolist() == [[0.25]]
    # 1 + 2/4, 2 + 4/4, 3 + 6/4, each times 100, and the second level's 1
    assert made["images"].flatten().tolist() == [151, 301, 451]
    made["images"].sum().backward()
    assert (still.grad != 0).all()
    assert frames.grad is None if detached else (frames.grad != 0).all()


def test_eq_7_by_hand():
    real, made = torch.tensor([log(9), 0]), torch.tensor([-log(4), log(3)])  # 90 % and 50 % real; 20 % and 75 %
    by_hand = -(log(0.9) + log(0.5)) / 2 - (log(0.8) + log(0.25)) / 2
    assert eq.adversarial(*(x.view(2, 1, 1, 1) for x in (real, made))).item() == pytest.approx(by_hand, rel=1e-6)


def test_eq_8_by_hand():
    real, made = torch.tensor([-1.5, 0.75]), torch.tensor([3, 1.5])
    by_hand = -(log(sigmoid(-1.5)) + log(sigmoid(0.75))) / 2 - (log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))) / 2
    assert eq.adversarial_local(*(x.view(2, 1, 1, 1) for x in (real, made))).item() == pytest.approx(by_hand, rel=1e-6)


def test_eq_8_masks_both_alike():
    """D_l sees one pixel of four of the real frames and of those made, on both sides of the game."""
    seen = []

    class Sum(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, None]:
            seen.append(images)
            return images.sum((1, 2, 3)), None  # of three channels: -1.5 and .75, 3 and 1.5

    method = AffineGAN(tiny_config(size=8, weights={"adversarial_local": 1.0}))
    method.discriminator_local = Sum()
    mask = picture(0, 0)[:, :, :1]
    mask[0, :, 0, 0, 0] = 1
    batch = {"frames": picture(-0.5, 0.25), "mask": mask, "local": torch.tensor([True])}
    outputs = {"images": picture(1, 0.5)}
    value = method.discriminator_terms(batch, outputs)["adversarial_local"].item()
    by_hand = -(log(sigmoid(-1.5)) + log(sigmoid(0.75))) / 2 - (log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))) / 2
    assert value == pytest.approx(by_hand, rel=1e-6)
    batch["neutral"] = picture(0, 0)[:, 0]
    against = (log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))) / 2
    assert method.generator_terms(batch, outputs)["adversarial_local"].item() == pytest.approx(against, rel=1e-6)
    assert len(seen) == 3
    assert all((images[..., 1, :] == 0).all() and (images[..., 0, 1] == 0).all() for images in seen)


def test_eq_9_by_hand():
    real, made = picture(0.5, -1), picture(0.25, 0)
    made[0, 0, 0, 0, 0] = -0.25  # one value of 24 is off by .75 in place of .25
    assert eq.reconstruction(real, made).item() == pytest.approx((0.25 + 1) / 2 + 0.5 / 24)


def test_eq_10_by_hand():
    assert eq.reconstruction_self(picture(0.5, -1), picture(0, -0.75)).item() == pytest.approx(0.375)


def test_eq_11_draws_are_real():
    uniform, inferred = torch.tensor([[0.25], [0.75]]), torch.tensor([[2.0], [3.0]])
    by_hand = -(log(sigmoid(0.25)) + log(sigmoid(0.75)) + log(1 - sigmoid(2)) + log(1 - sigmoid(3))) / 2
    assert eq.adversarial_intensity(uniform, inferred).item() == pytest.approx(by_hand, rel=1e-6)


class Brightness(nn.Module):
    """A discriminator that calls real what is bright."""

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        return images.mean((1, 2, 3)), None


@pytest.mark.parametrize("saturating", [True, False])
def test_eq_12_both_sides_by_hand(saturating):
    method = AffineGAN(tiny_config(size=8, saturating=saturating))
    method.discriminator, method.discriminator_local = Brightness(), Brightness()
    method.discriminator_intensity = nn.Identity()
    frame = lambda value: torch.full((1, 2, 3, 8, 8), value)  # noqa: E731
    mask = torch.zeros(1, 2, 1, 8, 8)
    mask[..., :4, :] = 1
    batch = {"neutral": frame(0.0)[:, 0], "frames": frame(0.5), "mask": mask, "local": torch.tensor([True]),
             "label": torch.tensor([0]), "uniform": torch.tensor([[0.25, 0.25]])}  # fmt: skip
    made, inferred = frame(-0.25).requires_grad_(), torch.tensor([[2.0, 2.0]], requires_grad=True)
    outputs = {"images": made, "self_images": frame(0.75), "intensity": inferred, "projection": -inferred}
    weighed = lambda terms: sum(PAPER_WEIGHTS[name] * value for name, value in terms.items())  # noqa: E731

    total = weighed(method.discriminator_terms(batch, outputs))
    l_g = -log(1 - sigmoid(-0.25)) - log(sigmoid(0.5))
    l_l = -log(1 - sigmoid(-0.125)) - log(sigmoid(0.25))
    l_a = -log(1 - sigmoid(2)) - log(sigmoid(0.25))
    assert total.item() == pytest.approx(l_g + l_l + 100 * l_a, rel=1e-5) and not total.requires_grad

    total = weighed(method.generator_terms(batch, outputs))
    against = (lambda x: log(1 - sigmoid(x))) if saturating else (lambda x: -log(sigmoid(x)))
    games = against(-0.25) + against(-0.125) + 100 * against(2)
    assert total.item() == pytest.approx(games + 100 * 0.75 + 10 * 0.25, rel=1e-5)
    total.backward()
    slope = -sigmoid(2) if saturating else -(1 - sigmoid(2))  # it is worth while to look like a draw
    assert inferred.grad[0].tolist() == pytest.approx([100 * slope / 2] * 2, rel=1e-5)
    assert (made.grad < 0).all()  # brighter is nearer to the truth, and to what the discriminators call real


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("affine", ([code([1], [2])], [code([1], [2])], torch.ones(2))),
        ("projected", ([code([1], [2])], [code([1])], [code([1], [2])])),
        ("adversarial_local", (picture(1), picture(1))),
        ("reconstruction", (picture(1), picture(1, 1))),
        ("adversarial_intensity", (torch.ones(2, 1), torch.ones(3, 1))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, given):
    with pytest.raises(TypeCheckError):
        vars(eq)[name](*given)
