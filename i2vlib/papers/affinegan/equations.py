r"""The equations of AffineGAN (Shen et al., 2019, section 3) in the paper's order.

Those that a network computes, Eq. 1, Eq. 3 and Eq. 6, and the whole game, Eq. 12, are in `method`.

A *code* is what a U-Net's encoder says of a picture: one feature map a level. A step is made on every level, and an
inner product runs over all levels that are given, laid end to end. Codes of stills have a row a clip; codes of frames
a row a frame, the frames of a clip being neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from i2vlib.papers import blocks, losses

if TYPE_CHECKING:
    from jaxtyping import Float

    Codes = Sequence[Float[Tensor, "B _ _ _"]]
    FrameCodes = Sequence[Float[Tensor, "N _ _ _"]]  # N = B n

#: Keeps the denominator of Eq. 5 away from 0.
EPSILON = 1e-8


def affine(still: Codes, direction: Codes, intensity: Float[Tensor, "B n"]) -> FrameCodes:
    r"""AffineGAN, Eq. 2: the code of a frame lies on the line through the still's.

    .. math:: \hat f_t = f_0 + a_t f_\Delta

    Derived in the chapter *affinegan*, "A still, a direction and a distance".
    """
    return blocks.affine(still, direction, intensity)


def projected(frames: FrameCodes, still: Codes, direction: Codes, squared: bool = True) -> Float[Tensor, "B n"]:
    r"""AffineGAN, Eq. 4: the step along f_Δ that brings the still's code closest to a frame's.

    .. math:: a_t = \frac{(f_t - f_0)^\top f_\Delta}{f_\Delta^\top f_\Delta + \epsilon}

    Derived in the chapter *affinegan*, "Reading the intensity off a frame".

    Proposition 1: a code that lies on the line, as Eq. 2 puts it there, gives its intensity back.
    Proposition 2: of all steps, this one ends nearest to the frame's code, :math:`\arg\min_a \lVert f_t - f_0 - a
    f_\Delta \rVert_2`. Signed, and 0 for the still itself; the small number in the denominator is Eq. 5's.

    Args:
        squared: divide by the squared norm, as printed; otherwise by the norm, as the released code does, which
            breaks both propositions.
    """
    clips, along, length = still[0].shape[0], 0.0, 0.0
    for ft, f0, fd in zip(frames, still, direction, strict=True):
        ft, f0, fd = ft.float(), f0.float(), fd.float()
        moved = ft.unflatten(0, (clips, -1)) - f0.unsqueeze(1)
        along = along + (moved * fd.unsqueeze(1)).flatten(2).sum(2)
        length = length + fd.square().flatten(1).sum(1, keepdim=True)
    return along / ((length if squared else length.sqrt()) + EPSILON)


def intensity(projection: Float[Tensor, "*frames"]) -> Float[Tensor, "*frames"]:
    r"""AffineGAN, Eq. 5: the intensity of a real frame, which is never negative.

    .. math:: a_t = p(I_0, I_t) := \left| \frac{(f_t - f_0)^\top f_\Delta}{f_\Delta^\top f_\Delta + \epsilon} \right|

    Derived in the chapter *affinegan*, "Reading the intensity off a frame".

    Args:
        projection: what stands between the bars, by `projected`. Its sign is lost here: whether a model has settled
            for :math:`f_\Delta` or for its mirror image, the projection says and the intensity does not.
    """
    return projection.abs()


def adversarial(real: Float[Tensor, "N 1 h w"], made: Float[Tensor, "N 1 h w"]) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 7: the game of D_g, which sees whole frames.

    .. math:: \mathcal L_g := -\log\bigl(1 - D_g(\hat I_t)\bigr) - \log D_g(I_t)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        real, made: logits that D_g gives to real frames, :math:`I_t`, and to made ones, :math:`\hat I_t`.
    """
    return losses.discriminator_loss(real, made)


def adversarial_local(real: Float[Tensor, "N 1 h w"], made: Float[Tensor, "N 1 h w"]) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 8: the game of D_l, which sees the same part of both.

    .. math:: \mathcal L_l := -\log\bigl(1 - D_l(\hat I_t \circ M_t)\bigr) - \log D_l(I_t \circ M_t)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        real, made: logits that D_l gives to real frames and to made ones, both masked by :math:`M_t`.
    """
    return losses.discriminator_loss(real, made)


def reconstruction(real: Float[Tensor, "*frames 3 H W"], made: Float[Tensor, "*frames 3 H W"]) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 9: how far the frames that were made are from the real ones.

    .. math:: \mathcal L_{r1} = \lVert I_t - \hat I_t \rVert_1

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    The norm is the mean over frames, channels and pixels.
    """
    return F.l1_loss(made, real)


def reconstruction_self(
    real: Float[Tensor, "*frames 3 H W"], decoded: Float[Tensor, "*frames 3 H W"]
) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 10: how well a frame survives its own encoding.

    .. math:: \mathcal L_{r2} = \lVert I_t - De(E_0(I_t)) \rVert_1

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        real, decoded: :math:`I_t` and :math:`De(E_0(I_t))`; the norm is the mean over frames, channels and pixels.
    """
    return F.l1_loss(decoded, real)


def adversarial_intensity(uniform: Float[Tensor, "N 1"], inferred: Float[Tensor, "N 1"]) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 11: the game of D_a, to which draws of Unif(0, 1) are the real ones.

    .. math:: \mathcal L_a := -\log\bigl(1 - D_a(a_t)\bigr) - \log D_a(x), \qquad x \sim \mathrm{Unif}(0, 1)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        uniform, inferred: logits that D_a gives to the draws, :math:`x`, and to the intensities, :math:`a_t`.
    """
    return losses.discriminator_loss(uniform, inferred)
