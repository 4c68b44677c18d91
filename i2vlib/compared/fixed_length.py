"""What the systems share that make a clip of one length out of a still: their samples, and how they play."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, samples
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.compared.config import ComparedConfig
from i2vlib.papers.blocks import widths
from i2vlib.papers.method import Redrawn, Trainable

LEAKY = partial(nn.LeakyReLU, 0.2)


@dataclass(frozen=True)
class FixedLengthConfig(ComparedConfig):
    """What every such system has to decide."""

    frames: int = 12
    """Of the clip that is made, the still's own frame among them; training clips are sampled evenly at so many."""
    first: int = 0
    """The frame of a training clip that counts as the still: those before it are left out, as FRGAN's are that are
    only watched."""
    shows: Literal["faces", "bodies"] = "faces"
    """Who is animated: faces cropped by `i2vlib.align_face`, or whole bodies in any square picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.first < 0:
            raise ValueError(f"Frames count from 0; given was first={self.first}.")
        if self.frames < 2:
            raise ValueError(f"A clip has two frames or more, the still among them; given was frames={self.frames}.")

    @property
    def planes(self) -> int:
        """Planes of constants beside a still: one an expression, and none where there is one expression only."""
        return len(self.expressions) if len(self.expressions) > 1 else 0


@dataclass(frozen=True)
class PairsConfig(FixedLengthConfig):
    """What a system has to decide whose U-Net draws frames of their own, each beside the still, and not all of a clip
    in a step."""

    base_channels: int = 64
    """Of the outermost level of all networks."""
    channel_cap: int = 8
    """Of the U-Net: how many times as many its inner levels have."""
    pairs: int = 1
    """Later frames of each clip that are drawn in a step, at random moments."""

    def __post_init__(self) -> None:
        super().__post_init__()
        widths(self.size, self.base_channels, self.channel_cap)
        if not 1 <= self.pairs < self.frames:
            raise ValueError(f"Of {self.frames} frames 1 to {self.frames - 1} are drawn; given was pairs={self.pairs}.")

    def moments(self, rng: torch.Generator) -> Tensor:
        """The frames of a sample that are drawn, ``(pairs,)``, all different and none the still."""
        return 1 + torch.randperm(self.frames - 1, generator=rng)[: self.pairs]


def with_label(still: Tensor, label: Tensor, expressions: int) -> Tensor:
    """A still ``(B, 3, H, W)`` and, beside it, a plane per expression: ones for the one of the label ``(B,)``.

    The still alone where there is one expression only.
    """
    if expressions == 1:
        return still
    planes = torch.nn.functional.one_hot(label, expressions).to(still)[:, :, None, None]
    return torch.cat([still, planes.expand(-1, -1, *still.shape[-2:])], 1)


def spread(length: int, count: int) -> list[int]:
    """Which of ``length`` frames stand at ``count`` even moments, the first and the last among them."""
    return np.linspace(0, length - 1, count).round().astype(int).tolist()


def at_moments(values: Tensor, moments: Tensor) -> Tensor:
    """Of values ``(B, n, ...)`` those at each sample's own moments ``(B, m)``: ``(B, m, ...)``."""
    return values[torch.arange(len(values), device=values.device)[:, None], moments]


class FixedLength(Trainable):
    """A system that makes a clip of ``config.frames`` frames, and knows time where others know intensity."""

    limits = (
        "A clip of one length, of frontal faces cropped by align_face or of bodies, whichever it was taught. A system "
        "that others compared with, trained here; what it makes is synthetic."
    )

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    @abstractmethod
    def clip(self, still: Tensor, label: Tensor) -> dict[str, Tensor]:
        """The clips of stills ``(B, 3, H, W)`` in [-1, 1] and labels ``(B,)``: images ``(B, n, 3, H, W)``, and what
        else the system makes."""

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: frames ``(n, 3, H, W)`` in [-1, 1] at even moments of the clip, and label ()."""
        return self.shown(clip, samples.change_of(clip, self.config.augment, rng))[0]

    def shown(self, clip: Clip, change: samples.Augmentation | None) -> tuple[dict[str, Tensor], Tensor]:
        """Frames and label of a sample, and the points ``(n, l, 2)`` of its frames in pixels, NaN where unknown."""
        label = animation.label_of(clip.expression, self.expressions)
        frames, _, points = samples.training_frames(clip, self.moments(clip), self.config.size, change)
        return {"frames": frames, "label": torch.tensor(label)}, points

    def moments(self, clip: Clip) -> list[int]:
        """The frames of a training clip that it is shown, from ``config.first`` on.

        Raises:
            ValueError: the clip ends before two of them.
        """
        first = self.config.first
        if len(clip) - first < 2:
            raise ValueError(f"{clip!r} has no two frames from its frame {first} on, which is to be the still.")
        return [first + later for later in spread(len(clip) - first, self.config.frames)]

    def still_of(self, picture: np.ndarray) -> np.ndarray:
        """What a user gives to animate, as ``uint8 (size, size, 3)``; `ValueError` for what is not square."""
        taken = animation.crop_of if self.config.shows == "faces" else animation.fit_to
        return taken(picture, self.config.size)

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.clip(batch["frames"][:, 0], batch["label"])

    def animate(self, face: np.ndarray, expression: str | None = None, fps: float = 12.0, **beside: Tensor) -> Clip:
        """The clip of a still: it has the length that the system was taught, and no intensity can be asked for.

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`, or a square picture of a body where
                ``config.shows`` says so; other sizes are resampled.
            expression: one of `expressions`; may be left out if there is one only.
            beside: what else a system's `clip` is given, a batch of one.

        Raises:
            ValueError: the face is no square picture, or the expression is unknown.
        """
        label = torch.tensor([animation.label_of(expression, self.expressions)])

        def images(still: Tensor) -> Tensor:
            given = {name: value.to(still.device) for name, value in beside.items()}
            return self.clip(still, label.to(still.device), **given)["images"]

        return Clip(self.played(face, images), fps, expression=expression)

    def played(self, face: np.ndarray, images: Callable[[Tensor], Tensor]) -> np.ndarray:
        """Frames ``uint8 (n, H, W, 3)`` of a picture as of `animate`, in its tone.

        Args:
            images: of the still ``(1, 3, H, W)``, ``(1, n, 3, H, W)``.
        """
        still = self.still_of(face)
        with torch.inference_mode(), animation.evaluating(self):
            made = images(to_tensor(still[None]).to(next(self.parameters()).device))[0]
        return animation.in_tone_of(still, to_frames(made.float().cpu()))

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None, **given: object) -> Redrawn:
        """A held-out clip made again of its first frame, each of its frames at the nearest moment that was made;
        ``given`` is what else `animate` is given."""
        made = self.animate(clip.frames[0], clip.expression, **given).frames
        index = list(range(len(clip)) if frames is None else frames)
        return Redrawn(made[np.asarray(spread(len(made), len(clip)))[index]])


def halved(
    convolution: type,
    norm: type | None,
    channels: Sequence[int],
    activation: Callable[[], nn.Module] = LEAKY,
    stride: int | tuple[int, ...] = 2,
    padding: int | tuple[int, ...] = 1,
) -> nn.Sequential:
    """Half the side, and of a clip the time, with each 4-wide convolution; the first is not normalised."""
    layers: list[nn.Module] = []
    for level, (i, o) in enumerate(pairwise(channels)):
        normalised = [norm(o)] if norm and level else []
        layers += [convolution(i, o, 4, stride, padding), *normalised, activation()]
    return nn.Sequential(*layers)


def doubled(convolution: type, norm: type, channels: Sequence[int]) -> nn.Sequential:
    """The way back from `halved`, as far as a doubling before the end; rectified."""
    layers: list[nn.Module] = []
    for i, o in pairwise(channels):
        layers += [convolution(i, o, 4, 2, 1), norm(o), nn.ReLU()]
    return nn.Sequential(*layers)


def start(network: nn.Module, deviation: float) -> None:
    """Gives a network's convolutions normal weights of a standard deviation to begin with, and no bias."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            nn.init.normal_(part.weight, std=deviation)
            nn.init.zeros_(part.bias)
