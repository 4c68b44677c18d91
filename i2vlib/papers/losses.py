r"""Losses that papers share: pure functions from tensors to a scalar. What a discriminator says comes as logits, never
as probabilities."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    r"""What a discriminator minimises: the cross entropy of calling real what is real, and nothing else.

    .. math:: -\log D(x) - \log(1 - D(\hat x)), \qquad D = \sigma(\text{logit})

    Args:
        real, made: its logits of :math:`x` and of :math:`\hat x`, of any shape; each is averaged.
    """
    return F.softplus(-real).mean() + F.softplus(made).mean()


def generator_loss(made: Tensor, saturating: bool) -> Tensor:
    r"""What a generator minimises against a discriminator, from the logits of what it has made.

    ``saturating`` is the papers' minimax game, :math:`\log(1 - D(\hat x))`, whose gradient fades while the
    discriminator wins; otherwise :math:`-\log D(\hat x)`, which does not.
    """
    return -F.softplus(made).mean() if saturating else F.softplus(-made).mean()


def gradient_penalty(
    critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, made: Tensor, condition: Tensor, share: Tensor
) -> Tensor:
    r"""How far a conditional critic is from slope 1 between real and made samples (FRGAN, Eq. 9 and 14).

    .. math:: \mathcal L_{gp} = \bigl(\lVert \nabla_{[\hat x, M]} D([\hat x, M]) \rVert_2 - 1\bigr)^2,
              \qquad \hat x = s\, x + (1 - s)\, \tilde x

    Args:
        critic: from samples and their conditions to ``(B,)``.
        real, made: ``(B, C, ...)``.
        condition: M, of the same shape but for the channels; the slope along it counts as well.
        share: s, ``(B,)`` in [0, 1].
    """
    s = share.view(-1, *(1 for _ in real.shape[1:]))
    at = [(s * real + (1 - s) * made).detach().requires_grad_(), condition.detach().clone().requires_grad_()]
    slopes = torch.autograd.grad(critic(*at).sum(), at, create_graph=True)
    return (torch.cat([slope.flatten(1) for slope in slopes], 1).norm(dim=1) - 1).square().mean()


def masked_l1(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    r"""Mean absolute error over the pixels of a mask; 0 where the mask is empty.

    Args:
        prediction, target: ``(..., C, H, W)``.
        mask: ``(..., 1, H, W)`` of zeros and ones.
    """
    error = (prediction - target).abs().mean(-3, keepdim=True)
    return (error * mask).sum() / mask.sum().clamp_min(1)
