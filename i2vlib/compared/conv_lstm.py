r"""ConvLSTM (Shi et al., 2015), as FAN and AffineGAN compared with it: recurrent, a U-Net around the recurrence.

Declared adaptations. The convolutional network is a U-Net, as both papers have it; the cell stands on its inner levels,
those of at most `REMEMBERED` pixels a side. There is one still, so the first frame is given and each
later one is made of the one before it, in training as in use. One model for all expressions. No peepholes, as in the
code that is around. The loss is the mean absolute error, where the original's pixels were classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from i2vlib import regions
from i2vlib.compared.fixed_length import FixedLength, FixedLengthConfig, with_label
from i2vlib.papers.blocks import Decoder, Encoder, widths
from i2vlib.papers.losses import masked_l1

REMEMBERED = 8  # side, in pixels, of the widest level on which a cell stands


@dataclass(frozen=True)
class ConvLSTMConfig(FixedLengthConfig):
    """Everything that decides what ConvLSTM is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {"reconstruction": 1.0, "reconstruction_moving": 0.0}
    #: The papers' settings: 256 px and ten frames (FAN; AffineGAN has nine).
    PAPER: ClassVar[Mapping[str, object]] = {"size": 256, "frames": 10, "clips_per_step": 1, "augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {
        "base_channels": 16, "channel_cap": 4, "learning_rate": 5e-4, "decay": 0.3,
        "weights": {**TERMS, "reconstruction_moving": 0.3},
    }  # fmt: skip
    FORMER: ClassVar[Mapping[str, object]] = {"remembered": REMEMBERED}

    base_channels: int = 64
    channel_cap: int = 8
    weights: Mapping[str, float] = field(default_factory=lambda: dict(ConvLSTMConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        widths(self.size, self.base_channels, self.channel_cap)


def cell(gates: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    r"""ConvLSTM, its cell: what is remembered and what is said, of the gates that a convolution has computed.

    .. math::
        C_t = \sigma(f_t) \circ C_{t-1} + \sigma(i_t) \circ \tanh(g_t), \qquad
        H_t = \sigma(o_t) \circ \tanh(C_t)

    Derived in the chapter *compared*, "ConvLSTM".

    Args:
        gates: ``(B, 4 C, h, w)``: i, f, o and g, :math:`W * [X_t, H_{t-1}] + b`.
        memory: ``(B, C, h, w)``, :math:`C_{t-1}`.

    Returns:
        :math:`H_t` and :math:`C_t`.
    """
    i, f, o, g = gates.chunk(4, 1)
    memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(memory), memory


class Cell(nn.Module):
    """One 3x3 convolution to all gates; it forgets nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(2 * channels, 4 * channels, 3, 1, 1)
        nn.init.ones_(self.gates.bias[channels : 2 * channels])

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        said, memory = state or (torch.zeros_like(x), torch.zeros_like(x))
        return cell(self.gates(torch.cat([x, said], 1)), memory)


class ConvLSTM(FixedLength):
    """A U-Net that makes each frame of the one before it, with a memory on its inner levels."""

    Config = ConvLSTMConfig
    about = "Makes a clip frame by frame out of a still, with a recurrent memory (Shi et al., 2015)."

    def __init__(self, config: ConvLSTMConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = Encoder(3 + config.planes, channels, "instance")
        kept = [c for level, c in enumerate(channels, 1) if config.size >> level <= REMEMBERED]
        self.cells = nn.ModuleList(map(Cell, kept))
        self.decoder = Decoder(channels, "none", True, 0.0, 3)

    def clip(self, still: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``: the stills, then each frame of the one before it."""
        frames, states = [still], [None] * len(self.cells)
        for _ in range(self.config.frames - 1):
            codes = self.encoder(with_label(frames[-1], label, len(self.expressions)))
            outer, inner = codes[: -len(self.cells)], codes[-len(self.cells) :]
            states = [cell(x, state) for cell, x, state in zip(self.cells, inner, states, strict=True)]
            frames.append(self.decoder([*outer, *(said for said, _ in states)]))
        return {"images": torch.stack(frames, 1)}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """None: it has no discriminator."""
        return {}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The error of all pixels of the frames that were made, and of those that move."""
        real, made = batch["frames"], outputs["images"]
        return self.weighed(
            reconstruction=lambda: (made - real)[:, 1:].abs().mean(),
            reconstruction_moving=lambda: masked_l1(made, real, regions.moving(real, real[:, 0])),
        )
