r"""What Eq. 15 compares frames by: features of appearance, C_1, and of structure, C_2 (section 4.3).

The paper takes the last convolutional layer of a VGG16 and the last layer of a stacked hourglass (Newell et al., 2016),
both as others trained them. Neither comes with this package. C_2 is a stand-in: one small `Hourglass`, trained here on
rendered people to read the maps off their pictures that G_M is told. So is C_1 by default, the same network half way
down; `vgg16` is the paper's own, where torchvision and its weights are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, samples
from i2vlib.clips import Clip, to_tensor
from i2vlib.hub import load_pretrained
from i2vlib.joints import JOINTS
from i2vlib.papers.config import Trained
from i2vlib.papers.frgan.condition import KINDS, Posed, conditioned_frames
from i2vlib.papers.frgan.networks import checked_size
from i2vlib.papers.method import Redrawn, Trainable

if TYPE_CHECKING:
    from i2vlib.papers.frgan.config import ForecastConfig
    from i2vlib.papers.frgan.equations import Features

DEPTH = 3  # times that the hourglass halves its maps, whose side is half the picture's
#: What torchvision's networks have seen the colours of ImageNet as: red, green and blue on [0, 1].
IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class HourglassConfig(Trained):
    """Everything that decides what the reader of joints is and how it learns. `paper` and `small` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = {"maps": 1.0}

    size: int = 256
    """Height and width of the pictures in pixels, a multiple of 16; the maps have half of it."""
    channels: int = 256
    """Of every level."""
    condition: Literal["joints"] = "joints"
    joint_width: float = 1 / 32
    """This and the one above as of `ForecastConfig`: what it reads are its maps."""
    clips_per_step: int = 16
    frames_per_clip: int = 1
    """Of a sample, which are augmented alike: a clip is read from the disk once for all of them."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    augment: bool = True
    """As of `ForecastConfig`."""
    weights: Mapping[str, float] = field(default_factory=lambda: {"maps": 1.0})

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_size(self.size)

    @classmethod
    def presets(cls) -> dict[str, Callable[..., HourglassConfig]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> HourglassConfig:
        """The width and the picture of Newell et al. (2016), who stack eight of them."""
        return replace(cls(), **changes)

    @classmethod
    def small(cls, **changes: object) -> HourglassConfig:
        """What one core trains in a few minutes: one hourglass, narrow, on pictures of 64 pixels."""
        return replace(
            cls(size=64, channels=32, clips_per_step=4, frames_per_clip=4, learning_rate=2e-3, decay=0.5), **changes
        )


class Level(nn.Module):
    """Two 3x3 convolutions beside a shortcut, each after a group normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        halves = [[nn.GroupNorm(8, channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1)] for _ in range(2)]
        self.body = nn.Sequential(*halves[0], *halves[1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Hourglass(Trainable):
    """C_2 of Eq. 15, a stand-in: a picture of a body to the maps of its joints, by way of ever smaller maps."""

    Config = HourglassConfig
    config: HourglassConfig
    makes = "readings"
    about = (
        "Reads the 13 joints of a body off its picture, as maps: the stand-in of this book for the hourglass network "
        "whose features FRGAN compares frames of bodies by (Zhao et al., 2018, Eq. 15)."
    )
    limits = (
        "One person in a square crop, rendered as those whom it learnt from; a joint that is hidden is not asked for. "
        "It makes no pictures, and is no reader of photographs."
    )

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.first = nn.Conv2d(3, width, 5, 2, 2)
        self.down = nn.ModuleList(Level(width) for _ in range(DEPTH + 1))
        self.up = nn.ModuleList(Level(width) for _ in range(DEPTH))
        self.last = nn.Sequential(nn.GroupNorm(8, width), nn.ReLU(), nn.Conv2d(width, len(JOINTS), 1))
        nn.init.zeros_(self.last[-1].weight)  # it begins with empty maps, which nearly all of a true one is
        nn.init.zeros_(self.last[-1].bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen half way down, and the maps.

        Args:
            images: ``(B, 3, S, S)`` in [-1, 1].

        Returns:
            ``(B, channels, S / 4, S / 4)``, and ``(B, 13, S / 2, S / 2)``, near [0, 1].
        """
        x, seen = self.first(images), []
        for level in self.down[:-1]:
            seen.append(level(x))
            x = F.avg_pool2d(seen[-1], 2)
        x = self.down[-1](x)
        for level, past in zip(self.up, reversed(seen), strict=True):
            x = level(F.interpolate(x, scale_factor=2.0) + past)
        return seen[1], self.last(x)

    def read(self, frames: np.ndarray, batch: int = animation.BATCH) -> tuple[np.ndarray, np.ndarray]:
        """Where the joints of a body are.

        Args:
            frames: ``uint8 (T, S, S, 3)``, S the size it was taught.

        Returns:
            ``float32 (T, 13, 2)`` in pixels, the mean place of the nine pixels around a map's peak, each by its height;
            and ``float32 (T, 13)``, how high the peak is: near 0 for a joint that is not seen, near 1 for one that is.

        Raises:
            ValueError: frames of another size.
        """
        size = self.config.size
        if frames.shape[1:] != (size, size, 3):
            raise ValueError(
                f"This hourglass reads frames (T, {size}, {size}, 3); given were {frames.shape}. Open them at its size."
            )
        device = next(self.parameters()).device
        with animation.evaluating(self), torch.inference_mode():
            maps = animation.in_batches(lambda rows: self(rows)[1], to_tensor(frames).to(device), batch).float()
        high, at = maps.flatten(2).max(2)
        side = maps.shape[-1]
        row, column = at // side, at % side
        padded = F.pad(maps.clamp_min(0), (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)  # (T, 13, side, side, 3, 3)
        around = padded.flatten(2, 3).gather(2, at[:, :, None, None, None].expand(-1, -1, 1, 3, 3))[:, :, 0]
        weight = around / around.sum((2, 3), keepdim=True).clamp_min(1e-6)
        steps = torch.arange(-1.0, 2.0, device=device)
        x, y = column + (weight.sum(2) * steps).sum(-1), row + (weight.sum(3) * steps).sum(-1)
        places = (torch.stack([x, y], -1) + 0.5) * (size / side)
        return places.float().cpu().numpy(), high.cpu().numpy()

    @classmethod
    def truth(cls, config: HourglassConfig) -> tuple[str, ...]:
        return KINDS[config.condition].truth

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """A clip with the maps that are read off it, all joints in one channel."""
        shown = clip.frames if frames is None else clip.frames[list(frames)]
        with animation.evaluating(self), torch.inference_mode():
            maps = self(to_tensor(shown).to(next(self.parameters()).device))[1].amax(1, keepdim=True)
        grey = (F.interpolate(maps, size=shown.shape[1:3]).clamp(0, 1) * 255).byte()
        return Redrawn(grey.movedim(1, -1).expand(-1, -1, -1, 3).cpu().numpy())

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Frames ``(n, 3, S, S)`` in [-1, 1], and the maps ``(n, 13, S, S)`` of their joints, empty for hidden ones."""
        config = self.config
        index = torch.randint(len(clip), (config.frames_per_clip,), generator=rng).tolist()
        change = samples.Augmentation.draw(rng) if config.augment else None
        shown = Posed([clip[index]], config.joint_width)[0]
        frames, maps = conditioned_frames(shown, range(len(index)), config, change)
        return {"frames": frames, "maps": maps}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The maps that are read off a batch: ``(B * n, 13, S / 2, S / 2)``."""
        return {"maps": self(batch["frames"].flatten(0, 1))[1]}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """None: there is no discriminator."""
        return {}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean squared error of the maps, as Newell et al. have it."""
        return {"maps": (outputs["maps"] - F.avg_pool2d(batch["maps"].flatten(0, 1), 2)).square().mean()}


@lru_cache(maxsize=2)
def hourglass(name: str, device: str) -> Hourglass:
    """A trained `Hourglass` that learns no more.

    Args:
        name: of its weights, as `load_pretrained` takes it.
        device: where frames lie.

    Raises:
        ValueError: there are no such weights, or they are of another network.
    """
    with torch.random.fork_rng([]):  # its construction draws weights, over which the trained ones are loaded
        network = load_pretrained(name, device)
    if not isinstance(network, Hourglass):
        raise ValueError(
            f"Eq. 15 asks an Hourglass what it sees; the weights {name!r} are of {type(network).__name__}."
        )
    return network.requires_grad_(False)


@lru_cache(maxsize=1)
def vgg16(device: str) -> Features:
    """The paper's C_1: the last convolutional layer of VGG16, of frames ``(B, 3, S, S)`` enlarged to 224 pixels.

    Raises:
        ValueError: torchvision is not installed, which nothing else here needs. It downloads the weights, half a
            gigabyte, unless it has them.
    """
    try:
        from torchvision.models import VGG16_Weights
        from torchvision.models import vgg16 as network
    except ImportError:
        raise ValueError(
            "appearance='vgg16' takes the network and its weights from torchvision, which is not installed here: pip "
            "install torchvision, of the release that goes with this torch. Or compare by appearance='hourglass'."
        ) from None
    with torch.random.fork_rng([]):
        whole = network()
    whole.load_state_dict(VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True, weights_only=True))
    last = max(index for index, layer in enumerate(whole.features) if isinstance(layer, nn.Conv2d))
    layers = whole.features[: last + 1].eval().requires_grad_(False).to(device)
    mean, spread = (torch.tensor(x, device=device)[:, None, None] for x in (IMAGENET_MEAN, IMAGENET_SPREAD))

    def features(frames: Tensor) -> Tensor:
        enlarged = F.interpolate((frames + 1) / 2, size=224, mode="bilinear", align_corners=False)
        return layers((enlarged - mean) / spread)

    return features


def features_of(config: ForecastConfig, device: torch.device) -> tuple[Features, Features]:
    """C_1 and C_2 as a configuration has them. They are loaded when they are first asked."""
    place = str(device)

    def appearance(frames: Tensor) -> Tensor:
        return vgg16(place)(frames) if config.appearance == "vgg16" else hourglass(config.features, place)(frames)[0]

    return appearance, lambda frames: hourglass(config.features, place)(frames)[1]
