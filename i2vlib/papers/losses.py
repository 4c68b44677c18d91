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


def masked_l1(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    r"""Mean absolute error over the pixels of a mask; 0 where the mask is empty.

    Args:
        prediction, target: ``(..., C, H, W)``.
        mask: ``(..., 1, H, W)`` of zeros and ones.
    """
    error = (prediction - target).abs().mean(-3, keepdim=True)
    return (error * mask).sum() / mask.sum().clamp_min(1)


def gradient_norm(critic: Callable[..., Tensor], *at: Tensor) -> Tensor:
    r"""How steep a critic is at some samples, along all that it is shown (Gulrajani et al., 2017).

    .. math:: \lVert \nabla_x D(x) \rVert_2

    Differentiable in the critic's weights, and in nothing else.

    Args:
        critic: of all of ``at``, scores of any shape, those of a sample added up.
        at: ``(B, ...)`` each.

    Returns:
        ``(B,)``.
    """
    at = tuple(x.detach().clone().requires_grad_() for x in at)
    slopes = torch.autograd.grad(critic(*at).sum(), at, create_graph=True)
    return torch.cat([along.flatten(1) for along in slopes], 1).norm(dim=1)
