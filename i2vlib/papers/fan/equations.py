r"""The equations of FAN (Fan et al., 2019, section 3) in the paper's order.

What the networks compute, Eq. 2, and the whole game, Eq. 6, are in `method`.

A *code* is what a U-Net's encoder says of a picture: one feature map a level. Codes of stills have a row a clip;
codes of frames a row a frame, the frames of a clip being neighbours. Three formulas of section 3.3 have no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from i2vlib import animation
from i2vlib.papers import blocks, losses

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    Codes = Sequence[Float[Tensor, "B _ _ _"]]
    FrameCodes = Sequence[Float[Tensor, "N _ _ _"]]  # N = B n
    Still = Sequence[Float[Tensor, "1 _ _ _"]]


def affine(base: Codes, residual: Codes, intensity: Float[Tensor, "B n"]) -> FrameCodes:
    r"""FAN, Eq. 1: the code of a frame is the still's and a share of what changes, layer by layer.

    .. math:: F(I, a) = e_0(I) + a \cdot e_1(I)

    Derived in the chapter *fan*, "A still, a change and a dial".
    """
    return blocks.affine(base, residual, intensity)


def labels(frames: int) -> Float[Tensor, " T"]:
    r"""FAN, section 3.3: the intensity of a training frame is its place in time.

    .. math:: a = (t - 1) / (T - 1), \qquad t = 1, \dots, T
    """
    return torch.linspace(0, 1, frames)


def adversarial(real: Float[Tensor, "N 1 h w"], made: Float[Tensor, "N 1 h w"]) -> Float[Tensor, ""]:
    r"""FAN, Eq. 3: the game of D_g, which sees whole frames.

    .. math:: \mathcal L_g := -\log\bigl(1 - D_g(V(a))\bigr) - \log D_g(Y(a))

    Derived in the chapter *fan*, "What holds a frame to the truth".

    Args:
        real, made: logits that D_g gives to real frames, :math:`Y(a)`, and to made ones, :math:`V(a)`.
    """
    return losses.discriminator_loss(real, made)


def adversarial_local(real: Float[Tensor, "N 1 h w"], made: Float[Tensor, "N 1 h w"]) -> Float[Tensor, ""]:
    r"""FAN, Eq. 4: the game of D_l, which sees the same part of both.

    .. math:: \mathcal L_l := -\log\bigl(1 - D_l(V(a) \circ M(a))\bigr) - \log D_l(Y(a) \circ M(a))

    Derived in the chapter *fan*, "What holds a frame to the truth".

    Args:
        real, made: logits that D_l gives to real frames and to made ones, both masked by :math:`M(a)`.
    """
    return losses.discriminator_loss(real, made)


def reconstruction(real: Float[Tensor, "*frames 3 H W"], made: Float[Tensor, "*frames 3 H W"]) -> Float[Tensor, ""]:
    r"""FAN, section 3.3: how far the frames that were made are from the real ones.

    .. math:: \mathcal L_r = \lVert Y(a) - V(a) \rVert_1

    The norm is the mean over frames, channels and pixels.
    """
    return F.l1_loss(made, real)


def neighbours(intensity: Float[Tensor, "B n"], increment: float) -> tuple[Float[Tensor, "B m"], Bool[Tensor, "B m"]]:
    r"""The intensities beside given ones, :math:`a - \Delta a` and :math:`a + \Delta a`, of which `temporal` speaks.

    Returns:
        ``(B, 2 n)``, first all the lower and then all the higher ones, and ``bool (B, 2 n)``: which lie in [0, 1].
    """
    values = torch.cat([intensity - increment, intensity + increment], 1)
    return values, (values > -1e-6) & (values < 1 + 1e-6)


def temporal(
    images: Float[Tensor, "N 3 H W"], nearby: Float[Tensor, "K 3 H W"], of: Int[Tensor, " K"]
) -> Float[Tensor, ""]:
    r"""FAN, Eq. 5: how far a frame is from those drawn at slightly less and slightly more intensity.

    .. math:: \mathcal R_t := \lVert V(a) - V(a - \Delta a)\rVert_1 + \lVert V(a) - V(a + \Delta a)\rVert_1

    Derived in the chapter *fan*, "A regulariser that asks for stillness".

    The norm is the mean over pixels and channels. At the ends of [0, 1] a frame has one neighbour, and adds one norm.

    Args:
        images: :math:`V(a)`.
        nearby: :math:`V(a - \Delta a)` and :math:`V(a + \Delta a)`, in any order.
        of: which of the images each of them is a neighbour of.

    Returns:
        The mean of :math:`\mathcal R_t` over the images; 0 without neighbours.
    """
    return (images[of] - nearby).abs().flatten(1).mean(1).sum() / len(images)


def landmarks(predicted: Float[Tensor, "*frames K 2"], true: Float[Tensor, "*frames K 2"]) -> Float[Tensor, ""]:
    r"""FAN, section 3.3: how far predicted landmarks are from the true ones.

    .. math:: \mathcal L_k = \lVert \hat K(a) - K(a) \rVert_2 / \sqrt{68}

    The norm runs over all coordinates of a frame; divided by the root of the number of points, which the paper does
    not do, it is the root-mean-square distance of a point, in the unit that the points come in.

    Args:
        predicted, true: frames with NaN in ``true`` do not count.

    Returns:
        The mean over the frames that count; 0 if none does.
    """
    known = torch.isfinite(true).all(-1).all(-1)
    difference = (predicted[known] - true[known]).flatten(1)
    return torch.linalg.vector_norm(difference, dim=1).sum() / max(len(difference), 1) / true.shape[-2] ** 0.5


def joint(base: Still, residuals: Mapping[int, Still], intensity: Float[Tensor, "T n"]) -> FrameCodes:
    r"""FAN, Eq. 7: the codes of frames that show several expressions at once.

    .. math:: V(t) = d\bigl(F(I, \mathbf a(t))\bigr), \qquad
              F(I, \mathbf a(t)) = e_0(I) + \sum_{i=1}^n a_i(t) \cdot e_i(I), \qquad \mathbf a(t) \in [0, 1]^n

    Derived in the chapter *fan*, "One model, three expressions".

    Args:
        base: :math:`e_0(I)` of one still.
        residuals: :math:`e_i(I)` by the number of the expression, in the order of the columns of intensities.
        intensity: :math:`\mathbf a(t)`, a row a frame.
    """
    return animation.mixture(base, residuals, intensity)
