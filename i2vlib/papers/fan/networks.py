"""The one layer that is FAN's own: landmarks out of the decoder. The networks are those of `i2vlib.papers.blocks`."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def expected_points(maps: Tensor, sharpness: float = 10.0) -> Tensor:
    r"""One point a map: the mean position of its pixels under a softmax of their values.

    .. math:: \hat K_k = \sum_p \frac{e^{\beta m_k(p)}}{\sum_q e^{\beta m_k(q)}}\, p

    The paper stacks 68 channels on the decoder and compares *landmarks*, and does not say how a channel becomes a
    point. An expectation is differentiable where the place of the maximum is not, keeps L_k in units of distance, has
    no parameter, and lies between pixels, so that it needs no full resolution.

    Args:
        maps: ``(B, K, h, w)``.
        sharpness: :math:`\beta`. Maps begin near 0, where all points are the middle of the picture; a factor takes
            them away from there sooner.

    Returns:
        ``float32 (B, K, 2)``, (x, y) from -1 at the left and upper edge of the picture to 1 at the others.
    """
    height, width = maps.shape[2:]
    share = (sharpness * maps.float()).flatten(2).softmax(2).unflatten(2, (height, width))
    centres = [(torch.arange(n, device=maps.device) + 0.5) * (2 / n) - 1 for n in (width, height)]
    return torch.stack([(share.sum(2) * centres[0]).sum(2), (share.sum(3) * centres[1]).sum(2)], 2)


class LandmarkMaps(nn.Conv2d):
    """68 channels more on the decoder's last layer but one (section 3.3), a landmark each."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 68, 1)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, channels, h, w)`` to `expected_points` ``(B, 68, 2)``."""
        return expected_points(super().forward(features))
