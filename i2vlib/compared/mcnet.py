r"""MCNet (Villegas et al., 2017), with residuals: what moves and what is there are encoded apart, and drawn together.

Declared adaptations. One still has no motion to show: its differences are zero, and later ones are those of the frames
that were made, in training as in use. Planes of constants say the expression, beside the differences too, for where
nothing has moved yet they alone know what is to. Where the paper unpools, features are repeated. Who waits in the game
is asked anew at every step; in the authors' code a side that waits goes on waiting until both would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import regions
from i2vlib.compared.conv_lstm import Cell
from i2vlib.compared.fixed_length import FixedLength, FixedLengthConfig, halved, with_label
from i2vlib.compared.mathieu import gradient_difference, lp_error
from i2vlib.papers.losses import discriminator_loss, generator_loss, masked_l1

JUDGED = 4  # times that the discriminator halves a picture


@dataclass(frozen=True)
class MCNetConfig(FixedLengthConfig):
    """Everything that decides what MCNet is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {
        "adversarial": 0.02, "reconstruction": 1.0, "gradient_difference": 1.0, "reconstruction_moving": 0.0,
    }  # fmt: skip
    #: Ten frames are made, after the still.
    PAPER: ClassVar[Mapping[str, object]] = {
        "size": 128, "frames": 11, "clips_per_step": 8, "learning_rate": 1e-4, "augment": False,
    }  # fmt: skip
    SMALL: ClassVar[Mapping[str, object]] = {
        "base_channels": 16, "learning_rate": 5e-4, "decay": 0.3, "weights": {**TERMS, "reconstruction_moving": 0.3},
    }  # fmt: skip

    base_channels: int = 64
    """Of the outermost level of the encoders, and of the discriminator."""
    margin: float = 0.3
    """The loss below which the discriminator waits for the generator; above one minus it the generator waits
    (`who_learns`). It is that of the authors' code; at minus infinity neither waits."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(MCNetConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2**JUDGED:
            raise ValueError(f"The side is a multiple of {2**JUDGED}; given was size={self.size}.")
        if not self.margin <= 0.5:
            raise ValueError(f"The margin is at most 0.5; given was margin={self.margin}.")


def last_change(frames: Sequence[Tensor]) -> Tensor:
    r"""MCNet, what its motion encoder reads of frames ``(B, 3, H, W)``: the last minus the one before, 0 for a still.

    .. math:: x_t - x_{t-1}

    Derived in the chapter *compared*, "MCNet".
    """
    return frames[-1] - frames[-2] if len(frames) > 1 else torch.zeros_like(frames[-1])


def image_loss(made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    r"""MCNet, its image loss of clips ``(B, n, 3, H, W)``: pixels squared, and gradients as Mathieu et al. have them.

    .. math:: \mathcal L_{img} = \mathcal L_p(x, \hat x) + \mathcal L_{gdl}(x, \hat x)

    Derived in the chapter *compared*, "MCNet".
    """
    return lp_error(made, real, 2), gradient_difference(made, real)


def who_learns(of_real: Tensor, of_made: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    r"""MCNet, the authors' code: whether the discriminator learns, and the generator, by how well the one knows clips.

    .. math:: \ell_x = -\log D(x), \quad \ell_{\hat x} = -\log(1 - D(\hat x)), \qquad
        \min(\ell_x, \ell_{\hat x}) \ge m, \qquad \max(\ell_x, \ell_{\hat x}) \le 1 - m

    Where the first holds, the discriminator learns, and where the second does, the generator. Where neither does, as
    where everything is called real, both learn.

    Derived in the chapter *compared*, "MCNet".

    Args:
        of_real, of_made: the discriminator's logits of any shape; each loss is their mean.
        margin: m, at most a half.
    """
    losses = torch.stack([F.softplus(-of_real).mean(), F.softplus(of_made).mean()])
    judge, generator = losses.min() >= margin, losses.max() <= 1 - margin
    return judge | ~generator, generator | ~judge


def _convolutions(channels: Sequence[int], side: int = 3) -> nn.Sequential:
    """Rectified each; begun so that a signal is as strong behind many of them, for nothing is normalised."""
    layers: list[nn.Module] = []
    for i, o in pairwise(channels):
        layers += [nn.Conv2d(i, o, side, 1, side // 2), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
    return nn.Sequential(*layers)


def _features(levels: Sequence[nn.Module], x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What comes out of an encoder, and what each of its levels saw before it was halved."""
    seen = []
    for level in levels:
        seen.append(level(x))
        x = F.max_pool2d(seen[-1], 2)
    return x, seen


class MCNet(FixedLength):
    """An encoder of differences with a memory, an encoder of the last frame, and a decoder that reads both."""

    Config = MCNetConfig
    about = "Makes a clip frame by frame, what moves encoded apart from what is there (Villegas et al., 2017)."

    def __init__(self, config: MCNetConfig) -> None:
        super().__init__()
        self.config = config
        given, widths = 3 + config.planes, [config.base_channels * scale for scale in (1, 2, 4)]
        a, b, c = widths
        motion, content = ([given, a], [a, b], [b, c]), ([given, a, a], [a, b, b], [b, c, c, c])
        self.motion = nn.ModuleList(map(_convolutions, motion, (5, 5, 7)))
        self.memory = Cell(c)
        self.content = nn.ModuleList(map(_convolutions, content))
        self.residual = nn.ModuleList(
            nn.Sequential(_convolutions([2 * w, w]), nn.Conv2d(w, w, 3, 1, 1)) for w in widths
        )
        self.combination = _convolutions([2 * c, c, b, c])
        self.decoder = nn.ModuleList(map(_convolutions, ([c, c, c, b], [b, b, a], [a, a])))
        self.picture = nn.Conv2d(a, 3, 3, 1, 1)
        judged = [3 * config.frames, *(a * 2**level for level in range(JUDGED))]
        self.discriminator = halved(nn.Conv2d, None, judged)
        self.discriminator_score = nn.Conv2d(judged[-1], 1, config.size >> JUDGED)

    def _next(
        self, frames: Sequence[Tensor], label: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The next frame, and what the motion encoder remembers."""
        moved, still = (with_label(x, label, len(self.expressions)) for x in (last_change(frames), frames[-1]))
        d, d_levels = _features(self.motion, moved)
        state = self.memory(d, state)
        s, s_levels = _features(self.content, still)
        pairs = zip(self.residual, s_levels, d_levels, strict=True)
        residuals = [residual(torch.cat(pair, 1)) for residual, *pair in pairs]
        x = self.combination(torch.cat([state[0], s], 1))
        for level, r in zip(self.decoder, reversed(residuals), strict=True):
            x = level(F.interpolate(x, scale_factor=2) + r)
        return torch.tanh(self.picture(x)), state

    def clip(self, still: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``: the stills, then each frame of the last one and of how it differs."""
        frames, state = [still], None
        for _ in range(self.config.frames - 1):
            made, state = self._next(frames, label, state)
            frames.append(made)
        return {"images": torch.stack(frames, 1)}

    def _judge(self, clips: Tensor) -> Tensor:
        """The logits of clips ``(B, n, 3, H, W)``, all frames at once, what was given first."""
        return self.discriminator_score(self.discriminator(clips.flatten(1, 2)))

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To call a true sequence real after its still, and nothing else; nothing where the discriminator waits."""
        judged = self._judge(batch["frames"]), self._judge(outputs["images"].detach())
        learns, _ = who_learns(*judged, self.config.margin)
        return {"adversarial": discriminator_loss(*judged) * learns}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To be called real, near the true pixels, and as steep; nothing where the generator waits."""
        real, made = batch["frames"], outputs["images"]
        pixels, steepness = image_loss(made[:, 1:], real[:, 1:])
        judged = self._judge(made)
        terms = self.weighed(
            adversarial=lambda: generator_loss(judged, saturating=False),
            reconstruction=lambda: pixels,
            gradient_difference=lambda: steepness,
            reconstruction_moving=lambda: masked_l1(made, real, regions.moving(real, real[:, 0])),
        )
        with torch.no_grad():
            _, learns = who_learns(self._judge(real), judged, self.config.margin)
        return {name: value * learns for name, value in terms.items()}
