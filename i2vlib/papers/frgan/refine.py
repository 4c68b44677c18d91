"""G_R, the motion refinement network: configuration, the terms of one step, and what it refines (section 3.3)."""

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
from i2vlib.papers.frgan import condition
from i2vlib.papers.frgan.condition import FACE, Conditioned
from i2vlib.papers.frgan.forecast import Forecast, conditioned_frames, map_tensor
from i2vlib.papers.frgan.networks import (
    LEVELS,
    ClipCritic,
    ClipUNet,
    Critic,
    checked_size,
    compose,
    mask_outputs,
    widths,
)
from i2vlib.papers.losses import gradient_penalty, masked_l1
from i2vlib.papers.method import Config, Method, Redrawn
from i2vlib.store import digest, write_array

#: Eq. 11 to 14, of which the paper gives the penalties'; those of reconstruction and sparsity are the released code's
#: of G_M. Those of ``_frames`` are about D_I. `reconstruction_moving` is not in the paper: the error where the true
#: frames differ from the first of those that are refined together.
REFINE_WEIGHTS = {
    "reconstruction": 3.0,
    "reconstruction_moving": 0.0,
    "sparsity": 0.05,
    "adversarial": 1.0,
    "critic": 1.0,
    "gradient_penalty": 10.0,
    "adversarial_frames": 1.0,
    "critic_frames": 1.0,
    "gradient_penalty_frames": 10.0,
}


@dataclass(frozen=True)
class RefineConfig(Config):
    """Everything that decides what G_R is and how it learns. `paper` and `small` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = REFINE_WEIGHTS

    size: int = 96
    frames: int = 32
    """Of a clip that is refined at once, a multiple of 16 (section 4.1: 32 for faces, 16 for poses)."""
    base_channels: int = 64
    channel_cap: int = 8
    """As of `ForecastConfig`; these are VideoGAN's widths."""
    critic_base: int = 64
    """As ``base_channels``, of D_I."""
    criticised_frames: int = 32
    """How many frames of a clip the sum over D_I in Eq. 12 takes a step; the paper takes all."""
    posed_normals: bool = True
    content: Literal["free", "from_clip"] = "free"
    """The content of Eq. 10 is drawn anew, ``tanh(d)``, or as a change of the forecast clip; see `ForecastConfig`."""
    mask_start: float = 0.0
    """The mask's logit at the start, above 0 for one that begins open; not in the paper."""
    clips_per_step: int = 32
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay: float = 0.0
    augment: bool = True
    weights: Mapping[str, float] = field(default_factory=lambda: dict(REFINE_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_size(self.size)
        if self.frames % 2**LEVELS:
            raise ValueError(f"G_R refines a multiple of {2**LEVELS} frames at once; asked for were {self.frames}.")

    @classmethod
    def presets(cls) -> dict[str, Callable[..., RefineConfig]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> RefineConfig:
        """The paper's text (sections 3.3 and 4.1); widths are VideoGAN's."""
        return replace(cls(), **changes)

    @classmethod
    def small(cls, **changes: object) -> RefineConfig:
        """What two cores can train: narrow, few clips a step, faint critics, a mask that begins open."""
        small = cls(
            base_channels=16, channel_cap=4, critic_base=16, criticised_frames=4, content="from_clip", mask_start=3.0,
            clips_per_step=2, learning_rate=5e-4, betas=(0.0, 0.9), decay=0.3,
            weights={**REFINE_WEIGHTS, "sparsity": 0.005, "adversarial": 0.003, "adversarial_frames": 0.003},
        )  # fmt: skip
        return replace(small, **changes)


class Refine(nn.Module, Method):
    """G_R, D_I and D_V: the clip that G_M drew, and its condition maps, to a more coherent one (section 3.3)."""

    Config = RefineConfig
    dialled = False
    truth = FACE

    def __init__(self, config: RefineConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.base_channels, config.channel_cap, LEVELS)
        self.network = ClipUNet(channels, config.mask_start)
        self.discriminator_clips = ClipCritic(channels)
        self.discriminator_frames = Critic(config.size, widths(config.critic_base, config.channel_cap))

    def forward(self, clips: Tensor, maps: Tensor) -> dict[str, Tensor]:
        """The refined clips (Eq. 10).

        Args:
            clips, maps: ``(B, 3, T, H, W)`` in [-1, 1], T a multiple of 16.

        Returns:
            images and content ``(B, 3, T, H, W)``, mask ``(B, 1, T, H, W)``.
        """
        drawn = self.network(torch.cat([clips, maps], 1))
        mask, content = torch.sigmoid(drawn[:, :1]), drawn[:, 1:]
        content = torch.tanh(content) if self.config.content == "free" else clips + content
        return {"images": compose(clips, mask, content), "mask": mask, "content": content}

    def refine(self, frames: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
        """A clip of any length, refined ``config.frames`` at a time (section 4.1); a shorter rest holds its last frame.

        Args:
            frames: ``uint8 (T, H, W, 3)`` that G_M drew.
            maps: ``int8 (T, H, W, 3)``, their condition maps.

        Returns:
            frames ``uint8 (T, H, W, 3)`` and masks ``float32 (T, H, W)``.
        """
        length, device = self.config.frames, next(self.parameters()).device
        shown, masks = [], []
        with animation.evaluating(self), torch.inference_mode():
            for start in range(0, len(frames), length):
                rows = np.minimum(np.arange(start, start + length), len(frames) - 1)
                clip, conditions = to_tensor(frames[rows]), map_tensor(maps[rows])
                made = self(*(x.movedim(0, 1)[None].to(device) for x in (clip, conditions)))
                kept = slice(0, min(length, len(frames) - start))
                shown.append(to_frames(made["images"][0].movedim(1, 0))[kept])
                masks.append(made["mask"][0, 0].cpu().numpy()[kept])
        return {"frames": np.concatenate(shown), "masks": np.concatenate(masks)}

    @classmethod
    def prepared(
        cls,
        clips: Sequence[Clip],
        config: RefineConfig,
        fitted: bool = False,
        drivers: Sequence[Clip] | None = None,
        earlier: Sequence[Method] = (),
    ) -> Sequence[Clip]:
        return Forecasts(Conditioned(clips, fitted, config.posed_normals, drivers), earlier[-1])

    def before(self, clip: Clip) -> Redrawn:
        return Redrawn(np.asarray(clip.truth["forecast"]))

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of any method, by the clip's condition maps and its forecast."""
        index = list(range(len(clip)) if frames is None else frames)
        made = self.refine(np.asarray(clip.truth["forecast"]), np.asarray(clip.truth["condition"]))
        return Redrawn(made["frames"][index], masks=made["masks"][index])

    def whole(self, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
        from i2vlib.papers.frgan.model import FRGAN

        return FRGAN.of(earlier[-1], self, expressions)

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Neighbouring frames of a clip, what G_M made of them, and their condition maps.

        Returns:
            frames, forecast and maps ``(3, T, H, W)`` in [-1, 1]; share (), uniform in [0, 1], for the gradient
            penalties; chosen ``int64 (n,)``, the frames that D_I judges.

        Raises:
            ValueError: the clip is too short, of another size, or has no condition maps or no forecast.
        """
        config = self.config
        if len(clip) < config.frames:
            raise ValueError(f"{clip!r} has {len(clip)} frames; G_R refines {config.frames} at once.")
        if "forecast" not in clip.truth:
            raise ValueError(f"{clip!r} has no forecast. Wrap the clips: frgan.Forecasts(clips, forecast).")
        start = int(torch.randint(len(clip) - config.frames + 1, (), generator=rng))
        index = range(start, start + config.frames)
        drawn = replace(clip, frames=np.asarray(clip.truth["forecast"]))
        change = samples.Augmentation.draw(rng) if config.augment else None
        frames, maps = conditioned_frames(clip, index, config.size, change)
        forecast, _ = conditioned_frames(drawn, index, config.size, change)
        chosen = torch.randperm(config.frames, generator=rng)[: config.criticised_frames]
        named = {"frames": frames, "forecast": forecast, "maps": maps}
        share = torch.rand((), generator=rng)
        return {**{name: x.movedim(0, 1).contiguous() for name, x in named.items()}, "share": share, "chosen": chosen}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_R makes of a batch, as `forward`, and the `mask_outputs` of its masks."""
        made = self(batch["forecast"], batch["maps"])
        return made | mask_outputs(made["mask"])

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What D_V minimises, Eq. 13 and 14, and D_I, Eq. 8 and 9, on one pair of frames a clip."""
        weights, maps, share, terms = self.config.weights, batch["maps"], batch["share"], {}
        real, made = batch["frames"], outputs["images"].detach()
        if weights["adversarial"]:
            terms["critic"] = (self.discriminator_clips(made, maps) - self.discriminator_clips(real, maps)).mean()
            terms["gradient_penalty"] = gradient_penalty(self.discriminator_clips, real, made, maps, share)
        if weights["adversarial_frames"]:
            one = [chosen_frames(x, batch["chosen"][:, :1]) for x in (real, made, maps)]
            judge = self.discriminator_frames
            terms["critic_frames"] = (judge(one[1], one[2]) - judge(one[0], one[2])).mean()
            terms["gradient_penalty_frames"] = gradient_penalty(judge, *one, share)
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_R minimises: Eq. 11 and 12."""
        weights, made = self.config.weights, outputs["images"]
        real = batch["frames"]
        terms = {"reconstruction": F.l1_loss(made, real), "sparsity": outputs["mask"].mean()}
        if weights["reconstruction_moving"]:
            by_frame = real.movedim(2, 1)
            region = regions.moving(by_frame, by_frame[:, 0])
            terms["reconstruction_moving"] = masked_l1(made.movedim(2, 1), by_frame, region)
        if weights["adversarial"]:
            terms["adversarial"] = -self.discriminator_clips(made, batch["maps"]).mean()
        if weights["adversarial_frames"]:
            some = (chosen_frames(x, batch["chosen"]) for x in (made, batch["maps"]))
            terms["adversarial_frames"] = -self.discriminator_frames(*some).mean()
        return terms


def chosen_frames(clips: Tensor, chosen: Tensor) -> Tensor:
    """Of clips ``(B, C, T, H, W)`` the frames ``int64 (B, n)``, as ``(B * n, C, H, W)``."""
    rows = chosen[:, None, :, None, None].expand(-1, clips.shape[1], -1, *clips.shape[3:])
    return clips.gather(2, rows).movedim(2, 1).flatten(0, 1)


class Forecasts(Sequence):
    """Clips with what G_M makes of their first frame by their maps: ``truth["forecast"]``, uint8 (T, S, S, 3).

    Each is drawn at the first need and kept in the user's cache, by the network's weights and the clip.

    Args:
        clips: with condition maps, `condition.Conditioned`.
        forecast: the trained G_M.
    """

    def __init__(self, clips: Sequence[Clip], forecast: Forecast) -> None:
        self.clips, self.forecast = clips, forecast
        self.digest = digest(*(p.detach().cpu().numpy() for p in forecast.generator_parameters()))

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        clip = self.clips[index]
        maps = np.asarray(clip.truth["condition"])
        path = condition.kept(f"forecasts-{self.digest}", clip.frames[0], maps)
        if not path.is_file():
            drawn = self.forecast.forecast(clip.frames[0], np.concatenate([maps[:1], maps]))["frames"]
            write_array(path, drawn)
        return replace(clip, truth={**clip.truth, "forecast": np.load(path, mmap_mode="r")})
