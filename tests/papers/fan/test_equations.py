"""Each equation of FAN by value: small numbers, worked by hand."""

from math import exp, log

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from i2vlib.papers.fan import FAN, PAPER_WEIGHTS, FANConfig, equations
from tests.shapes import enforced

eq = enforced(equations)


def code(*rows: list[float]) -> Tensor:
    """One level of a code: a row of channels for each still or frame."""
    return torch.tensor(rows).float()[:, :, None, None]


def pictures(*values: float) -> Tensor:
    """Frames ``(n, 3, 2, 2)``, each of one grey."""
    return torch.tensor(values).float().view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def test_eq_1_layer_by_layer():
    base, residual = [code([1, 10], [0, 1]), code([5], [6])], [code([2, -4], [1, 1]), code([1], [-1])]
    outer, inner = eq.affine(base, residual, torch.tensor([[0, 0.5, 1], [3, 0, -1]]))
    assert outer[:, :, 0, 0].tolist() == [[1, 10], [2, 8], [3, 6], [3, 4], [0, 1], [-1, 0]]
    assert inner.flatten().tolist() == [5, 5.5, 6, 3, 6, 7]


class Levels(nn.Module):
    """An encoder of two levels: a picture's first channel times a factor, and ten times that."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> list[Tensor]:
        return [self.factor * images[:, :1], 10 * self.factor * images[:, :1]]


class Weighed(nn.Module):
    """A decoder whose pictures are the first level times 100, and the second."""

    def before_last(self, levels: list[Tensor]) -> Tensor:
        return (100 * levels[0] + levels[1]).expand(-1, 3, -1, -1)

    def picture(self, features: Tensor) -> Tensor:
        return features


def test_eq_2_decodes_the_sum():
    """Of a still of 2, e_0 is 2 and 20, e_1 is 6 and 60: at 0, 1/2 and 2 the sums are 2, 5 and 14, each times 110."""
    method = FAN(FANConfig.paper(size=8, base_channels=8, channel_cap=2, weights={"reconstruction": 1.0}))
    method.encoder, method.residual_encoders[0], method.decoder = Levels(1), Levels(3), Weighed()
    frames, a = torch.zeros(1, 3, 3, 1, 1), torch.tensor([[0, 0.5, 2]])
    batch = {"neutral": torch.full((1, 3, 1, 1), 2.0), "frames": frames, "label": torch.tensor([0]), "intensity": a}
    assert method.outputs(batch)["images"][0, :, :, 0, 0].tolist() == [3 * [220], 3 * [550], 3 * [1540]]


def test_labels_are_the_place_in_time():
    assert eq.labels(5).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_eq_3_by_hand():
    real, made = torch.tensor([log(9), 0]), torch.tensor([-log(4), log(3)])  # 90 % and 50 % real; 20 % and 75 %
    by_hand = -(log(0.9) + log(0.5)) / 2 - (log(0.8) + log(0.25)) / 2
    assert eq.adversarial(*(x.view(2, 1, 1, 1) for x in (real, made))).item() == pytest.approx(by_hand, rel=1e-6)


def test_eq_4_by_hand():
    real, made = torch.tensor([-1.5, 0.75]), torch.tensor([3, 1.5])
    by_hand = log(sigmoid(-1.5)) + log(sigmoid(0.75)) + log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))
    value = eq.adversarial_local(*(x.view(2, 1, 1, 1) for x in (real, made))).item()
    assert value == pytest.approx(-by_hand / 2, rel=1e-6)


def test_eq_4_masks_both_alike():
    """D_l sees one pixel of four of the real frames and of those made, on both sides of the game."""
    seen = []

    class Sum(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, None]:
            seen.append(images)
            return images.sum((1, 2, 3)), None  # of three channels: -1.5 and .75, 3 and 1.5

    weights = {"adversarial_local": 1.0}
    method = FAN(FANConfig.paper(size=8, base_channels=8, channel_cap=2, weights=weights))
    method.discriminator_local = Sum()
    mask = torch.zeros(1, 2, 1, 2, 2)
    mask[..., 0, 0] = 1
    batch = {"frames": pictures(-0.5, 0.25)[None], "mask": mask, "local": torch.tensor([True])}
    outputs = {"images": pictures(1, 0.5)[None]}
    value = method.discriminator_terms(batch, outputs)["adversarial_local"].item()
    by_hand = log(sigmoid(-1.5)) + log(sigmoid(0.75)) + log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))
    assert value == pytest.approx(-by_hand / 2, rel=1e-6)
    batch["neutral"] = pictures(0)
    against = (log(1 - sigmoid(3)) + log(1 - sigmoid(1.5))) / 2
    assert method.generator_terms(batch, outputs)["adversarial_local"].item() == pytest.approx(against, rel=1e-6)
    assert len(seen) == 3
    assert all((images[..., 1, :] == 0).all() and (images[..., 0, 1] == 0).all() for images in seen)


def test_the_reconstruction_by_hand():
    real, made = pictures(0.5, -1), pictures(0.25, 0)
    made[0, 0, 0, 0] = -0.25  # one value of 24 is off by .75 in place of .25
    assert eq.reconstruction(real, made).item() == pytest.approx((0.25 + 1) / 2 + 0.5 / 24)


def test_eq_5_by_hand():
    images, nearby = pictures(0, 1, 3), pictures(0.5, 0.25, 2)  # of the second twice, of the third once
    nearby[0, 0, 0, 0] = 1.5  # still off by .5, to the other side
    of = torch.tensor([1, 1, 2])
    assert eq.temporal(images, nearby, of).item() == pytest.approx((0.5 + 0.75 + 1.0) / 3)
    assert eq.temporal(images, nearby[:0], of[:0]).item() == 0


def test_eq_5_pulls_at_both_sides():
    """No frame is held fast for the other: each is drawn towards its neighbour."""
    image, near = pictures(1).requires_grad_(), pictures(3).requires_grad_()
    eq.temporal(image, near, torch.tensor([0])).backward()
    assert torch.allclose(image.grad, torch.tensor(-1 / 12)) and torch.allclose(near.grad, torch.tensor(1 / 12))


def test_eq_5_has_neighbours_within_the_ends_only():
    values, inside = eq.neighbours(torch.tensor([[0.0, 0.1, 0.5, 0.95, 1.0]]), 0.1)
    assert torch.allclose(values, torch.tensor([[-0.1, 0, 0.4, 0.85, 0.9, 0.1, 0.2, 0.6, 1.05, 1.1]]))
    assert inside.tolist() == [[False, True, True, True, True, True, True, True, False, False]]


def test_eq_5_knows_the_ends_through_rounding():
    _, inside = eq.neighbours(torch.tensor([[0.9, 0.1, 0.7, 0.3]]), 0.1)
    assert inside.all()
    _, inside = eq.neighbours(torch.tensor([[0.9, 0.1]]), 0.1001)
    assert inside.tolist() == [[True, False, False, True]]


def test_the_landmark_loss_is_of_the_difference():
    true = torch.full((1, 68, 2), 0.5)
    assert eq.landmarks(true + torch.tensor([0.3, 0.4]), true).item() == pytest.approx(0.5)


def test_the_landmark_loss_by_hand():
    true = torch.zeros(2, 68, 2)
    predicted = true + torch.tensor([0.3, 0.4])
    assert eq.landmarks(predicted, true).item() == pytest.approx(0.5)
    predicted[:, 1:] = 0
    assert eq.landmarks(predicted, true).item() == pytest.approx(0.5 / 68**0.5)
    predicted[1, 0] = torch.tensor([0.6, 0.8])
    assert eq.landmarks(predicted, true).item() == pytest.approx(0.75 / 68**0.5)


def test_the_landmark_loss_leaves_out_what_nobody_knows():
    true = torch.zeros(2, 68, 2)
    true[1, 5] = float("nan")
    predicted = torch.full((2, 68, 2), 0.0)
    predicted[0, 0] = torch.tensor([0.3, 0.4])
    predicted.requires_grad_()
    loss = eq.landmarks(predicted, true)
    loss.backward()
    assert loss.item() == pytest.approx(0.5 / 68**0.5) and predicted.grad.isfinite().all()
    assert eq.landmarks(predicted, true * float("nan")).item() == 0


class Brightness(nn.Module):
    """A discriminator that calls real what is bright."""

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        return images.mean((1, 2, 3)), None


@pytest.mark.parametrize("saturating", [True, False])
def test_eq_6_both_sides_by_hand(saturating):
    method = FAN(FANConfig.paper(size=8, base_channels=8, channel_cap=2, increment=0.25, saturating=saturating))
    method.discriminator, method.discriminator_local = Brightness(), Brightness()
    frame = lambda value: torch.full((1, 2, 3, 8, 8), value)  # noqa: E731
    mask = torch.zeros(1, 2, 1, 8, 8)
    mask[..., :4, :] = 1
    batch = {"neutral": frame(0.0)[:, 0], "frames": frame(0.5), "mask": mask, "local": torch.tensor([True]),
             "label": torch.tensor([0]), "intensity": torch.tensor([[0.5, 1.0]]),
             "landmarks": torch.zeros(1, 2, 68, 2)}  # fmt: skip
    made = frame(-0.25).requires_grad_()
    nearby = frame(0.0)[0, [0, 0, 0]] - torch.tensor([0.5, 0.75, 1.25]).view(3, 1, 1, 1)  # below, below, above
    outputs = {"images": made, "nearby_images": nearby, "landmarks": torch.tensor([0.3, 0.4]).expand(1, 2, 68, 2)}
    weighed = lambda terms: sum(PAPER_WEIGHTS[name] * value for name, value in terms.items())  # noqa: E731

    total = weighed(method.discriminator_terms(batch, outputs))
    l_g = -log(1 - sigmoid(-0.25)) - log(sigmoid(0.5))
    l_l = -log(1 - sigmoid(-0.125)) - log(sigmoid(0.25))
    assert total.item() == pytest.approx(l_g + l_l, rel=1e-5) and not total.requires_grad

    total = weighed(method.generator_terms(batch, outputs))
    against = (lambda x: log(1 - sigmoid(x))) if saturating else (lambda x: -log(sigmoid(x)))
    r_t, l_k, l_r = (0.25 + 0.5 + 1) / 2, 0.5, 0.75
    expected = against(-0.25) + against(-0.125) + 100 * l_r + 10 * r_t + 10 * l_k
    assert total.item() == pytest.approx(expected, rel=1e-5)


def test_eq_7_adds_all_expressions():
    base, residuals = [code([1, 2])], {3: [code([10, 0])], 1: [code([0, 100])]}
    (level,) = eq.joint(base, residuals, torch.tensor([[0, 0], [0.5, 0], [1, 2.0]]))
    assert level[:, :, 0, 0].tolist() == [[1, 2], [6, 2], [11, 202]]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("affine", ([code([1], [2])], [code([1], [2])], torch.ones(2))),
        ("adversarial_local", (pictures(1)[None], pictures(1)[None])),
        ("temporal", (pictures(1), pictures(1, 1), torch.tensor([0]))),
        ("landmarks", (torch.ones(2, 68, 2), torch.ones(2, 67, 2))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, given):
    with pytest.raises(TypeCheckError):
        vars(eq)[name](*given)
