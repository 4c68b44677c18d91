r"""The equations of AffineGAN (Shen et al., 2019, section 3) in the paper's order; Eq. 12 is the method itself.

A *code* is what a U-Net's encoder says of a picture: one feature map a level. A step is made on every level, and an
inner product runs over all levels that are given, laid end to end. Codes of stills have a row a clip; codes of frames
a row a frame, the frames of a clip being neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch.nn.functional as F
from torch import Tensor

from i2vlib.papers import blocks, losses

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Codes = Sequence[Float[Tensor, "B _ _ _"]]
    FrameCodes = Sequence[Float[Tensor, "N _ _ _"]]  # N = B n

Drawn = TypeVar("Drawn")

#: Keeps the denominator of Eq. 5 away from 0.
EPSILON = 1e-8


def codes(
    basic: Callable[[Tensor], Codes],
    residual: Callable[[Tensor, Tensor], Codes],
    still: Float[Tensor, "B 3 H W"],
    label: Int[Tensor, " B"],
) -> tuple[Codes, Codes]:
    r"""AffineGAN, Eq. 1: what a still shows, and the direction in which its expression grows.

    .. math:: f_0 = E_0(I_0), \qquad f_\Delta = E_\Delta(I_0)

    Derived in the chapter *affinegan*, "A still, a direction and a distance".

    ``label`` is the expression's number, for a model that knows several (end of section 3.1).
    """
    return basic(still), residual(still, label)


def affine(still: Codes, direction: Codes, intensity: Float[Tensor, "B n"]) -> FrameCodes:
    r"""AffineGAN, Eq. 2: the code of a frame lies on the line through the still's.

    .. math:: \hat f_t = f_0 + a_t f_\Delta

    Derived in the chapter *affinegan*, "A still, a direction and a distance".
    """
    return blocks.affine(still, direction, intensity)


def generated(
    decoder: Callable[[FrameCodes], Drawn], still: Codes, direction: Codes, intensity: Float[Tensor, "B n"]
) -> Drawn:
    r"""AffineGAN, Eq. 3: frames of any intensity, drawn from the still alone.

    .. math:: \hat I_t = De(\hat f_t) = De\bigl(E_0(I_0) + a_t E_\Delta(I_0)\bigr)

    Derived in the chapter *affinegan*, "A still, a direction and a distance".

    Returns:
        What the decoder makes of the codes.
    """
    return decoder(affine(still, direction, intensity))


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


def redrawn(
    decoder: Callable[[FrameCodes], Drawn],
    still: Codes,
    direction: Codes,
    inferred: Float[Tensor, "B n"],
    detached: bool = False,
) -> Drawn:
    r"""AffineGAN, Eq. 6: real frames drawn again, of the still and of the one number that was read off each.

    .. math:: \hat I_t = De\bigl(E_0(I_0) + p(I_0, I_t)\, E_\Delta(I_0)\bigr)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        inferred: :math:`p(I_0, I_t)`. What is said of the frames reaches both encoders through it as well,
        detached: unless it is held fast, as in the released code.
    """
    return generated(decoder, still, direction, inferred.detach() if detached else inferred)


def adversarial(real: Float[Tensor, "N 1 h w"], made: Float[Tensor, "N 1 h w"]) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 7: the game of D_g, which sees whole frames.

    .. math:: \mathcal L_g := -\log\bigl(1 - D_g(\hat I_t)\bigr) - \log D_g(I_t)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        real, made: logits that D_g gives to real frames, :math:`I_t`, and to made ones, :math:`\hat I_t`.
    """
    return losses.discriminator_loss(real, made)


def adversarial_local(
    discriminator: Callable[[Tensor], Tensor],
    real: Float[Tensor, "B n 3 H W"],
    made: Float[Tensor, "B n 3 H W"],
    mask: Float[Tensor, "B n 1 H W"],
) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 8: the game of D_l, which sees the same part of both.

    .. math:: \mathcal L_l := -\log\bigl(1 - D_l(\hat I_t \circ M_t)\bigr) - \log D_l(I_t \circ M_t)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        discriminator: :math:`D_l`, from frames to logits.
        real, made: :math:`I_t` and :math:`\hat I_t`.
        mask: :math:`M_t`, of zeros and ones.
    """
    return losses.discriminator_loss(discriminator(real * mask), discriminator(made * mask))


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


def adversarial_intensity(
    discriminator: Callable[[Tensor], Tensor], uniform: Float[Tensor, "B n"], inferred: Float[Tensor, "B n"]
) -> Float[Tensor, ""]:
    r"""AffineGAN, Eq. 11: the game of D_a, to which draws of Unif(0, 1) are the real ones.

    .. math:: \mathcal L_a := -\log\bigl(1 - D_a(a_t)\bigr) - \log D_a(x), \qquad x \sim \mathrm{Unif}(0, 1)

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    Args:
        discriminator: :math:`D_a`, from intensities to logits.
        uniform, inferred: :math:`x` and :math:`a_t`.
    """
    return losses.discriminator_loss(discriminator(uniform), discriminator(inferred))
