"""The networks that are AffineGAN's own; the others are those of `i2vlib.papers.blocks`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib.papers.affinegan.config import AffineGANConfig
from i2vlib.papers.blocks import ScaledEncoder, widths


class ResidualEncoder(ScaledEncoder):
    """E_Delta: the still, and the label of the expression where the model knows several, to f_Delta (Eq. 1)."""

    def __init__(self, config: AffineGANConfig) -> None:
        channels = widths(config.size, config.base_channels, config.channel_cap)
        labels = len(config.expressions) if len(config.expressions) > 1 else 0
        super().__init__(3 + labels, channels, config.norm, config.residual_scale)
        self.labels = labels

    def forward(self, neutral: Tensor, label: Tensor) -> list[Tensor]:
        if self.labels:
            planes = F.one_hot(label, self.labels).to(neutral.dtype)[:, :, None, None]
            neutral = torch.cat([neutral, planes.expand(-1, -1, *neutral.shape[2:])], 1)
        return super().forward(neutral)


def perceptron(inputs: int, hidden: int) -> nn.Sequential:
    """Three layers from ``inputs`` numbers to one."""
    first = nn.Linear(inputs, hidden), nn.LeakyReLU(0.2)
    return nn.Sequential(*first, nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))


class IntensityDiscriminator(nn.Module):
    """D_a, a three-layer perceptron (section 4): are these intensities, or draws from Unif(0, 1)? (Eq. 11)"""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.layers = perceptron(inputs, 16)

    def forward(self, intensity: Tensor) -> Tensor:
        """``(B, n)`` to logits, one per intensity or one per clip."""
        return self.layers(intensity.reshape(-1, self.inputs))


class IntensityRegressor(nn.Module):
    """The plain MLP that section 4.2 puts in the place of Eq. 5: the innermost f_0, f_t and f_Delta to a number."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = perceptron(3 * channels, 64)

    def forward(self, frames: Tensor, base: Tensor, residual: Tensor) -> Tensor:
        """Codes ``(B * n, C, 1, 1)``, ``(B, C, 1, 1)`` and ``(B, C, 1, 1)`` to ``(B, n)``, of any sign."""
        shown = frames.flatten(1).unflatten(0, (len(base), -1))
        still = torch.cat([base, residual], 1).flatten(1).unsqueeze(1).expand(-1, shown.shape[1], -1)
        return self.layers(torch.cat([shown, still], 2)).squeeze(2)
