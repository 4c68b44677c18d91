r"""VGAN (Vondrick et al., 2016), in its conditional form, which AffineGAN calls VideoGAN: 3D convolutions, two streams.

Declared adaptations. The still is encoded, as in the authors' conditional version, and so is the expression, a plane of
constants each: one model for all expressions, and for all actions, where AffineGAN and FRGAN trained one for each of
theirs. A clip has 16 frames or a multiple, for time is doubled as often as the side; the paper's has 32. It is
not stabilised: crops are aligned. `BatchNorm` as printed; while playing it uses the running statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from i2vlib.compared.fixed_length import FixedLength, FixedLengthConfig, doubled, halved, start, with_label
from i2vlib.papers.losses import discriminator_loss, generator_loss

DOUBLED = 4  # times: a code of 4 x 4 becomes 64 x 64, and one moment 16
DEVIATION = 0.01  # of the first weights


@dataclass(frozen=True)
class VGANConfig(FixedLengthConfig):
    """Everything that decides what VGAN is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {"adversarial": 1.0, "first": 10.0}
    PAPER: ClassVar[Mapping[str, object]] = {"clips_per_step": 32, "augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {"frames": 16, "base_channels": 24, "decay": 0.3}
    FORMER: ClassVar[Mapping[str, object]] = {"deviation": DEVIATION}

    frames: int = 32
    base_channels: int = 128
    """Of the outermost level of the encoder; the others have twice as many each."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(VGANConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames % 2**DOUBLED or self.size % 2**DOUBLED:
            raise ValueError(
                f"Frames and pixels of VGAN are multiples of {2**DOUBLED}; given were {self.frames} and {self.size}."
            )


def two_streams(mask: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    r"""VGAN, its two streams: a clip out of what moves, a picture that does not, and where the one covers it.

    .. math:: G(z) = m(z) \odot f(z) + (1 - m(z)) \odot b(z)

    Derived in the chapter *compared*, "VGAN".

    Args:
        mask: ``(B, 1, T, H, W)`` in [0, 1].
        foreground: ``(B, 3, T, H, W)``.
        background: ``(B, 3, H, W)``, the same at all times.
    """
    return mask * foreground + (1 - mask) * background.unsqueeze(2)


def first_frame(made: Tensor, still: Tensor) -> Tensor:
    r"""VGAN, of the conditional form: the first frame of a clip ``(B, 3, T, H, W)`` is to be the still.

    .. math:: \lVert x_0 - G_0(x_0) \rVert_1

    Derived in the chapter *compared*, "VGAN".
    """
    return (made[:, :, 0] - still).abs().mean()


class VGAN(FixedLength):
    """A still to a code, and the code to a foreground, its mask, and a background; one discriminator of clips."""

    Config = VGANConfig
    about = "Makes a clip at once out of a still, a foreground that moves before a background (Vondrick et al., 2016)."

    def __init__(self, config: VGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**level for level in range(DOUBLED)]
        inward = widths[::-1]
        self.encoder = halved(nn.Conv2d, nn.BatchNorm2d, [3 + config.planes, *widths])
        self.moving = doubled(nn.ConvTranspose3d, nn.BatchNorm3d, inward)
        self.foreground = nn.ConvTranspose3d(inward[-1], 3, 4, 2, 1)
        self.mask = nn.ConvTranspose3d(inward[-1], 1, 4, 2, 1)
        still = nn.ConvTranspose2d(inward[-1], 3, 4, 2, 1)
        self.background = nn.Sequential(doubled(nn.ConvTranspose2d, nn.BatchNorm2d, inward), still, nn.Tanh())
        self.discriminator = halved(nn.Conv3d, nn.BatchNorm3d, [3, *widths])
        self.discriminator_score = nn.Conv3d(widths[-1], 1, (config.frames >> DOUBLED, *[config.size >> DOUBLED] * 2))
        start(self, DEVIATION)

    def clip(self, still: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``, and the mean of each clip's mask."""
        code = self.encoder(with_label(still, label, len(self.expressions)))
        moments = self.config.frames >> DOUBLED
        moving = self.moving(code.unsqueeze(2).expand(-1, -1, moments, -1, -1))
        mask = torch.sigmoid(self.mask(moving))
        made = two_streams(mask, torch.tanh(self.foreground(moving)), self.background(code))
        return {"images": made.transpose(1, 2), "mask_mean": mask.detach().flatten(1).mean(1, keepdim=True)}

    def _judge(self, clips: Tensor) -> Tensor:
        """The logits of clips ``(B, n, 3, H, W)``."""
        return self.discriminator_score(self.discriminator(clips.transpose(1, 2)))

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To call real what is real, and nothing else."""
        made = outputs["images"].detach()
        return {"adversarial": discriminator_loss(self._judge(batch["frames"]), self._judge(made))}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To be called real, and to begin with the still."""
        made, still = outputs["images"], batch["frames"][:, 0]
        first = first_frame(made.transpose(1, 2), still)
        return {"adversarial": generator_loss(self._judge(made), saturating=False), "first": first}
