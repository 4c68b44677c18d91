"""G_M, the motion forecasting network: configuration, the terms of one step, and what it draws (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.papers import losses
from i2vlib.papers.frgan.condition import FACE, Conditioned
from i2vlib.papers.frgan.networks import (
    Critic,
    DenseDecoder,
    MapEncoder,
    analogy,
    checked_size,
    compose,
    mask_outputs,
    widths,
)
from i2vlib.papers.method import Config, Method, Redrawn

#: Eq. 4 and 8. The paper gives the last; the released code gives 3, 0.05 and 1 to the others. Two are not
#: in the paper: `reconstruction_moving` is the error where the true frames differ, and `content` asks the content for
#: the whole frame, so that it is worth choosing before the mask has given it up.
FORECAST_WEIGHTS = {
    "reconstruction": 3.0,
    "reconstruction_moving": 0.0,
    "content": 0.0,
    "sparsity": 0.05,
    "adversarial": 1.0,
    "critic": 1.0,
    "gradient_penalty": 10.0,
}


@dataclass(frozen=True)
class ForecastConfig(Config):
    """Everything that decides what G_M is and how it learns. `paper`, `released_code` and `small` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = FORECAST_WEIGHTS

    size: int = 96
    """Height and width in pixels, a multiple of 16 (section 4.1: 96; released code: 64)."""
    base_channels: int = 64
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels (released code: 64 to 512)."""
    code: int = 128
    """Length of the vector on which the analogy of Eq. 3 is made (released code)."""
    residual: Literal["mask", "difference"] = "mask"
    """Eq. 2, or the one difference map of Eq. 1."""
    content: Literal["free", "from_still"] = "free"
    """The content of Eq. 2 is drawn anew, ``tanh(d)``, as the released code has it, or as a change of the still,
    ``I_t + d``. A new content is worse than the still everywhere at first, and the mask shuts for good."""
    mask_start: float = 0.0
    """The mask's logit at the start, above 0 for one that begins open; not in the paper."""
    dense: bool = True
    """Every block of the decoder reads all earlier ones (section 3.2)."""
    skips: Literal["image", "all"] = "image"
    """What the decoder is shown of the encoders: f_I's features, or, as the released code, those of both maps too."""
    jumps: Literal["random", "from_first"] = "random"
    """Pairs (t, t + k), or (0, k) as in the released code."""
    posed_normals: bool = True
    """The map's normals are of the head as it is turned, or, as in the released code, of the head before that."""
    misfit: float = 0.0
    """Training maps are shifted against their picture by up to this share of its side, as those of a fitted face are;
    not in the paper, whose maps are all fitted."""
    clips_per_step: int = 32
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay: float = 0.0
    """The last share of the steps, over which the learning rate falls to 0."""
    augment: bool = True
    """Flips, small shifts and changes of scale, light and colour, the same for both frames."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(FORECAST_WEIGHTS))
    """By the names of the loss terms; those of weight 0 are not computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_size(self.size)

    @classmethod
    def presets(cls) -> dict[str, Callable[..., ForecastConfig]]:
        return {"paper": cls.paper, "released_code": cls.released_code, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> ForecastConfig:
        """The paper's text (sections 3.2 and 4.1); widths are the released code's, for the paper gives none."""
        return replace(cls(), **changes)

    @classmethod
    def released_code(cls, **changes: object) -> ForecastConfig:
        """What the authors' forecasting code does otherwise."""
        return replace(cls(size=64, skips="all", jumps="from_first", posed_normals=False), **changes)

    @classmethod
    def small(cls, **changes: object) -> ForecastConfig:
        """What two cores can train: narrow, both maps shown to the decoder, a mask that begins open, larger steps."""
        small = cls(
            base_channels=24, channel_cap=4, skips="all", content="from_still", mask_start=3.0, misfit=0.015,
            clips_per_step=8, learning_rate=5e-4, betas=(0.5, 0.99),
            weights={"reconstruction": 3.0, "reconstruction_moving": 1.0},
        )  # fmt: skip
        return replace(small, **changes)


class Forecast(nn.Module, Method):
    """G_M and D_I: one frame, its condition map and that of another frame to that frame (section 3.2)."""

    Config = ForecastConfig
    dialled = False
    truth = FACE

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.base_channels, config.channel_cap)
        self.image_encoder = MapEncoder(config.size, channels, config.code)
        self.map_encoder = MapEncoder(config.size, channels, config.code)
        shown, outputs = 3 if config.skips == "all" else 1, 4 if config.residual == "mask" else 3
        self.decoder = DenseDecoder(config.size, channels, config.code, shown, config.dense, outputs)
        self.discriminator = Critic(config.size, channels)
        if config.residual == "mask":
            nn.init.constant_(self.decoder.last.bias[:1], config.mask_start)

    def forward(self, still: Tensor, now: Tensor, then: Tensor) -> dict[str, Tensor]:
        """The frame that a still becomes when its condition map ``now`` becomes ``then`` (Eq. 1 to 3).

        Args:
            still, now, then: ``(B, 3, H, W)`` in [-1, 1].

        Returns:
            images ``(B, 3, H, W)``; mask ``(B, 1, H, W)`` in [0, 1] and content in [-1, 1], or the difference of Eq. 1.
        """
        (image, seen), (before, seen_now), (after, seen_then) = (
            self.image_encoder(still),
            self.map_encoder(now),
            self.map_encoder(then),
        )
        skips = [seen] if self.config.skips == "image" else [seen, seen_now, seen_then]
        drawn = self.decoder(analogy(image, before, after), skips)
        if self.config.residual == "difference":
            return {"images": still + drawn, "difference": drawn}
        mask, content = torch.sigmoid(drawn[:, :1]), drawn[:, 1:]
        content = torch.tanh(content) if self.config.content == "free" else still + content
        return {"images": compose(still, mask, content), "mask": mask, "content": content}

    def forecast(self, still: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
        """The frames that a still becomes along a sequence of condition maps, each independently of the others.

        Args:
            still: ``uint8 (H, W, 3)``.
            maps: ``int8 (1 + T, H, W, 3)``, as `condition.condition_maps`: first the still's own.

        Returns:
            frames ``uint8 (T, H, W, 3)``; masks ``float32 (T, H, W)`` in [0, 1], of Eq. 1 the difference's size;
            contents ``uint8 (T, H, W, 3)``, of Eq. 1 empty.

        Raises:
            ValueError: pictures or maps of another size.
        """
        size = self.config.size
        if still.shape != (size, size, 3) or maps.shape[1:] != (size, size, 3) or len(maps) < 2:
            raise ValueError(
                f"This G_M works at {size} px: it takes a still ({size}, {size}, 3) and two or more maps of that "
                f"size; given were {still.shape} and {maps.shape}."
            )
        device = next(self.parameters()).device
        picture, conditions = to_tensor(still)[None].to(device), map_tensor(maps).to(device)

        def draw(rows: Tensor) -> Tensor:
            made = self(*(x.expand(len(rows), -1, -1, -1) for x in (picture, conditions[:1])), rows)
            mask = made["mask"] if "mask" in made else made["difference"].abs().mean(1, keepdim=True) / 2
            return torch.cat([made["images"], mask, *([made["content"]] if "content" in made else [])], 1)

        with animation.evaluating(self), torch.inference_mode():
            drawn = animation.in_batches(draw, conditions[1:])
        return {
            "frames": to_frames(drawn[:, :3]),
            "masks": drawn[:, 3].cpu().numpy(),
            "contents": to_frames(drawn[:, 4:]) if drawn.shape[1] > 4 else np.empty((0, size, size, 3), np.uint8),
        }

    @classmethod
    def prepared(
        cls,
        clips: Sequence[Clip],
        config: ForecastConfig,
        fitted: bool = False,
        drivers: Sequence[Clip] | None = None,
        earlier: Sequence[Method] = (),
    ) -> Sequence[Clip]:
        return Conditioned(clips, fitted, config.posed_normals, drivers)

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of any method, by the clip's condition maps."""
        maps = np.asarray(clip.truth["condition"])
        index = list(range(len(clip)) if frames is None else frames)
        made = self.forecast(clip.frames[0], maps[[0, *index]])
        return Redrawn(made["frames"], masks=made["masks"])

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Two frames of a clip and their condition maps.

        Returns:
            still, frame, now, then ``(3, H, W)`` in [-1, 1]; share (), uniform in [0, 1], for the gradient penalty.

        Raises:
            ValueError: the clip has one frame only, another size, or no condition maps.
        """
        config = self.config
        if len(clip) < 2:
            raise ValueError(f"{clip!r} has one frame; a forecast needs another one to learn from.")
        first = 0 if config.jumps == "from_first" else int(torch.randint(len(clip), (), generator=rng))
        jump = 1 + int(torch.randint(len(clip) - 1, (), generator=rng))
        pair = [first, (first + jump) % len(clip)]
        change = samples.Augmentation.draw(rng) if config.augment else None
        frames, maps = conditioned_frames(clip, pair, config.size, change)
        if config.misfit:
            pixels = (torch.rand(2, generator=rng) * 2 - 1) * config.misfit * config.size
            maps = torch.roll(maps, pixels.round().int().tolist(), (-2, -1))
        names = dict(zip(("still", "frame"), frames, strict=True)) | dict(zip(("now", "then"), maps, strict=True))
        return {**names, "share": torch.rand((), generator=rng)}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_M makes of a batch, as `forward`, and the `mask_outputs` of its masks."""
        made = self(batch["still"], batch["now"], batch["then"])
        return made | (mask_outputs(made["mask"]) if "mask" in made else {})

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What D_I minimises: Eq. 8 and 9."""
        if not self.config.weights["adversarial"]:
            return {}
        maps, real, made = batch["then"], batch["frame"], outputs["images"].detach()
        return {
            "critic": self.discriminator(made, maps).mean() - self.discriminator(real, maps).mean(),
            "gradient_penalty": losses.gradient_penalty(self.discriminator, real, made, maps, batch["share"]),
        }

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_M minimises: Eq. 4 to 7."""
        weights, made, real = self.config.weights, outputs["images"], batch["frame"]
        terms = {"reconstruction": F.l1_loss(made, real)}
        if weights["reconstruction_moving"]:
            region = regions.moving(real[:, None], batch["still"])[:, 0]
            terms["reconstruction_moving"] = losses.masked_l1(made, real, region)
        if "mask" in outputs:
            terms["sparsity"] = outputs["mask"].mean()
            if weights["content"]:
                terms["content"] = F.l1_loss(outputs["content"], real)
        if weights["adversarial"]:
            terms["adversarial"] = -self.discriminator(made, batch["then"]).mean()
        return terms


def map_tensor(maps: np.ndarray) -> Tensor:
    """``int8 (..., H, W, 3)`` of `condition.condition_maps` to ``float32 (..., 3, H, W)`` in [-1, 1]."""
    return torch.from_numpy(np.array(maps, order="C")).movedim(-1, -3).float() / 127


def conditioned_frames(
    clip: Clip, index: Sequence[int], size: int, change: samples.Augmentation | None
) -> tuple[Tensor, Tensor]:
    """Some frames of a clip and their condition maps, changed all alike.

    Returns:
        ``(n, 3, size, size)`` in [-1, 1], twice.

    Raises:
        ValueError: the clip has another size, or no condition maps.
    """
    if "condition" not in clip.truth:
        raise ValueError(f"{clip!r} has no condition maps. Wrap the clips: condition.Conditioned(clips).")
    if clip.frames.shape[1:3] != (size, size):
        raise ValueError(f"{clip!r} does not fit a model of {size} px. Open the data with size={size}.")
    frames, maps = to_tensor(clip.frames[list(index)]), map_tensor(clip.truth["condition"][list(index)])
    if change is None:
        return frames, maps
    return change.lit(change.moved(frames)), change.moved_normals(maps)
