r"""Losses: pure functions from tensors to a scalar. Discriminators hand over logits, never probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from i2vlib import regions


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    r"""What a discriminator minimises, from its logits (AffineGAN, Eq. 7, 8 and 11).

    .. math:: -\log D(x) - \log(1 - D(\hat x)), \qquad D = \sigma(\text{logit})

    Args:
        real, fake: logits of any shape; each is averaged.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Tensor, saturating: bool) -> Tensor:
    r"""What the generator minimises, from the discriminator's logits on its images.

    ``saturating`` is the papers' minimax game, :math:`\log(1 - D(\hat x))`, whose gradient fades while the
    discriminator wins; otherwise :math:`-\log D(\hat x)`, as the released code has it.
    """
    return -F.softplus(fake).mean() if saturating else F.softplus(-fake).mean()


def temporal_regulariser(images: Tensor, nearby: Tensor, of: Tensor) -> Tensor:
    r"""How far a frame is from those drawn at slightly less and slightly more intensity (FAN, Eq. 5).

    .. math:: R_t = \lVert V(a) - V(a - \Delta a)\rVert_1 + \lVert V(a) - V(a + \Delta a)\rVert_1

    The norm is the mean over pixels and channels. At the ends of [0, 1] a frame has one neighbour, and adds one norm.

    Args:
        images: :math:`V(a)`, ``(N, C, H, W)``.
        nearby: the neighbours, ``(K, C, H, W)``, in any order.
        of: ``int64 (K,)``: which of the N images each is a neighbour of.

    Returns:
        The mean of R_t over the N images; 0 without neighbours.
    """
    return (images[of] - nearby).abs().flatten(1).mean(1).sum() / len(images)


def landmark_loss(predicted: Tensor, true: Tensor) -> Tensor:
    r"""How far predicted landmarks are from the true ones (FAN, section 3.3).

    .. math:: L_k = \lVert \hat K(a) - K(a) \rVert_2 / \sqrt{68}

    The norm runs over all coordinates of a frame; divided by the root of the number of points, it is the
    root-mean-square distance of a point, in the unit that the points come in.

    Args:
        predicted, true: ``(..., 68, 2)``; frames with NaN in ``true`` do not count.

    Returns:
        The mean over the frames that count; 0 if none does.
    """
    known = torch.isfinite(true).all(-1).all(-1)
    difference = (predicted[known] - true[known]).flatten(1)
    return torch.linalg.vector_norm(difference, dim=1).sum() / max(len(difference), 1) / true.shape[-2] ** 0.5


def masked_l1(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    r"""Mean absolute error over the pixels of a mask; 0 where the mask is empty.

    Args:
        prediction, target: ``(..., C, H, W)``.
        mask: ``(..., 1, H, W)`` of zeros and ones.
    """
    error = (prediction - target).abs().mean(-3, keepdim=True)
    return (error * mask).sum() / mask.sum().clamp_min(1)


def local_region(batch: Mapping[str, Tensor], region: Literal["mouth", "moving"]) -> tuple[Tensor, Tensor]:
    """What a local discriminator judges: the mouth, where a clip's counts, or all that moves.

    Args:
        batch: neutral, frames, mask and local of a batch of training samples.

    Returns:
        The clips ``bool (B,)`` and the part of their frames, ``(B, n, 1, H, W)`` of zeros and ones.
    """
    if region == "mouth":
        return batch["local"], batch["mask"]
    return torch.ones_like(batch["local"]), regions.moving(batch["frames"], batch["neutral"])
