r"""MoCoGAN (Tulyakov et al., 2018): what is seen is one code for a whole clip, how it moves a recurrent walk in noise.

Declared adaptations. The paper makes clips of nothing; here an encoder of the still stands in the place of the drawn
:math:`z_C`, the expression is the category :math:`z_A`, and an L1 asks the first frame to be the still, as VGAN's
conditional form does. The frame that the discriminator of pictures sees is of the same moment in the true clip and in
the made one. Noise comes with the sample in training, and of a seed in use. The weights of the paper's code decay by
1e-5; here they do not. `BatchNorm` as printed; while playing it uses the running statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib.clips import Clip
from i2vlib.compared.fixed_length import FixedLength, FixedLengthConfig, doubled, halved, start
from i2vlib.compared.vgan import first_frame
from i2vlib.papers.losses import discriminator_loss, generator_loss

SIDE = 4  # pixels of the innermost level
DEVIATION = 0.02  # of the first weights


@dataclass(frozen=True)
class MoCoGANConfig(FixedLengthConfig):
    """Everything that decides what MoCoGAN is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {"image": 1.0, "video": 1.0, "category": 1.0, "first": 10.0}
    PAPER: ClassVar[Mapping[str, object]] = {"clips_per_step": 32, "augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {"base_channels": 24, "decay": 0.3}
    FORMER: ClassVar[Mapping[str, object]] = {"deviation": DEVIATION}

    frames: int = 16
    content: int = 50
    """Length of z_C."""
    motion: int = 10
    """Length of z_M, and of the noise that drives it."""
    base_channels: int = 64
    """Of the outermost level; each level inwards has twice as many."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(MoCoGANConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 2 * SIDE or self.size & (self.size - 1):
            raise ValueError(f"The side is a power of two, {2 * SIDE} at least; given was size={self.size}.")
        if self.frames <= 3 * self.levels:
            raise ValueError(
                f"Each of {self.levels} levels of the discriminator of clips takes three frames away; given were "
                f"frames={self.frames}, and {3 * self.levels + 1} are the fewest."
            )

    @property
    def levels(self) -> int:
        """How often the side is halved."""
        return (self.size // SIDE).bit_length() - 1


def trajectory(content: Tensor, motion: Tensor) -> Tensor:
    r"""MoCoGAN, the codes ``(B, K, c + m)`` of a clip's frames: ``(B, c)`` stays, ``(B, K, m)`` moves.

    .. math:: z^{(k)} = \begin{bmatrix} z_C \\ z_M^{(k)} \end{bmatrix}, \qquad k = 1, \dots, K

    Derived in the chapter *compared*, "MoCoGAN".
    """
    return torch.cat([content.unsqueeze(1).expand(-1, motion.shape[1], -1), motion], -1)


def driven(noise: Tensor, category: Tensor) -> Tensor:
    r"""MoCoGAN, what its recurrence reads, ``(B, K, n + m)``: noise that is new for each frame, a category that is not.

    .. math:: z_M^{(k)} = R_M\big([z_A; \epsilon^{(k)}],\ z_M^{(k-1)}\big)

    Derived in the chapter *compared*, "MoCoGAN".

    Args:
        noise: ``(B, K, m)``.
        category: :math:`z_A`, ``(B, n)`` of zeros and a one.
    """
    return torch.cat([category.unsqueeze(1).expand(-1, noise.shape[1], -1), noise], -1)


def one_frame(clips: Tensor, moment: Tensor) -> Tensor:
    r"""MoCoGAN, :math:`S_1`, of each clip ``(B, K, 3, H, W)`` one frame, at a moment ``(B,)``: all that D_I sees."""
    return clips[torch.arange(len(clips), device=clips.device), moment]


def category_loss(logits: Tensor, label: Tensor) -> Tensor:
    r"""MoCoGAN, after InfoGAN: what :math:`Q` reads off a clip, ``(B, n)``, is to be the category asked for, ``(B,)``.

    .. math:: L_I = -\log Q(z_A \mid v)

    Derived in the chapter *compared*, "MoCoGAN".
    """
    return F.cross_entropy(logits, label)


class MoCoGAN(FixedLength):
    """A still to z_C, noise to a walk of z_M, each pair to a frame; one discriminator of pictures, one of clips."""

    Config = MoCoGANConfig
    about = "Makes a clip of a code that stays and one that walks through noise (Tulyakov et al., 2018)."

    def __init__(self, config: MoCoGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**level for level in range(config.levels)]
        kinds, left = len(config.expressions), config.frames - 3 * config.levels
        inward, outward = widths[::-1], [3, *widths]
        read = halved(nn.Conv2d, nn.BatchNorm2d, outward)
        self.encoder = nn.Sequential(*read, nn.Conv2d(widths[-1], config.content, SIDE))
        self.recurrence = nn.GRU(kinds + config.motion, config.motion, batch_first=True)
        first = (
            nn.ConvTranspose2d(config.content + config.motion, inward[0], SIDE),
            nn.BatchNorm2d(inward[0]),
            nn.ReLU(),
        )
        last = nn.ConvTranspose2d(inward[-1], 3, 4, 2, 1), nn.Tanh()
        self.frame = nn.Sequential(*first, *doubled(nn.ConvTranspose2d, nn.BatchNorm2d, inward), *last)
        judge = halved(nn.Conv2d, nn.BatchNorm2d, outward)
        self.discriminator_image = nn.Sequential(*judge, nn.Conv2d(widths[-1], 1, SIDE))
        # Half the side a level, and three frames fewer: time is never strided.
        shorter = {"stride": (1, 2, 2), "padding": (0, 1, 1)}
        self.discriminator_video = halved(nn.Conv3d, nn.BatchNorm3d, outward, **shorter)
        self.discriminator_video_score = nn.Conv3d(widths[-1], 1 + kinds, (left, SIDE, SIDE))
        start(self, DEVIATION)

    def noise(self, rng: torch.Generator) -> Tensor:
        """The draw of a clip, ``(frames + 1, motion)``: where the walk begins, and what drives each step."""
        return torch.randn(self.config.frames + 1, self.config.motion, generator=rng)

    def clip(self, still: Tensor, label: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``; noise ``(B, n + 1, motion)``, that of seed 0 for each where it is left out."""
        if noise is None:
            noise = self.noise(torch.Generator().manual_seed(0)).to(still).expand(len(still), -1, -1)
        category = F.one_hot(label, len(self.expressions)).to(still)
        motion, _ = self.recurrence(driven(noise[:, 1:], category), noise[:, 0][None].contiguous())
        codes = trajectory(self.encoder(still).flatten(1), motion)
        made = self.frame(codes.flatten(0, 1)[:, :, None, None])
        return {"images": made.unflatten(0, codes.shape[:2])}

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """As of `FixedLength`, and noise ``(n + 1, motion)``, and moment (), of which frame D_I is shown."""
        moment = torch.randint(self.config.frames, (), generator=rng)
        return {**super().example(clip, rng), "noise": self.noise(rng), "moment": moment}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.clip(batch["frames"][:, 0], batch["label"], batch["noise"])

    def _judge(self, clips: Tensor, moment: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of clips ``(B, n, 3, H, W)`` the logits of D_I and D_V ``(B, 1)``, and Q's ``(B, expressions)``."""
        read = self.discriminator_video_score(self.discriminator_video(clips.transpose(1, 2))).flatten(1)
        return self.discriminator_image(one_frame(clips, moment)).flatten(1), read[:, :1], read[:, 1:]

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To tell real frames and clips from made ones, and to read the expression of real clips."""
        real, video, read = self._judge(batch["frames"], batch["moment"])
        made, made_video, _ = self._judge(outputs["images"].detach(), batch["moment"])
        return {
            "image": discriminator_loss(real, made),
            "video": discriminator_loss(video, made_video),
            "category": category_loss(read, batch["label"]),
        }

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To be called real, frame and clip, to be read as the expression asked for, and to begin with the still."""
        made = outputs["images"]
        image, video, read = self._judge(made, batch["moment"])
        return {
            "image": generator_loss(image, saturating=False),
            "video": generator_loss(video, saturating=False),
            "category": category_loss(read, batch["label"]),
            "first": first_frame(made.transpose(1, 2), batch["frames"][:, 0]),
        }

    # Using a trained model ---------------------------------------------------------------------------------------

    def animate(self, face: np.ndarray, expression: str | None = None, fps: float = 12.0, seed: int = 0) -> Clip:
        """A clip of a face, as of `FixedLength.animate`; another seed is another walk, and so another clip."""
        return super().animate(face, expression, fps, noise=self.noise(torch.Generator().manual_seed(seed))[None])
