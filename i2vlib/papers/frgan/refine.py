"""G_R, the motion refinement network: what it refines, and the terms of one step (section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.papers.frgan import equations
from i2vlib.papers.frgan.condition import KINDS, conditioned_frames, kept_array, map_tensor
from i2vlib.papers.frgan.config import RefineConfig
from i2vlib.papers.frgan.follower import Follower
from i2vlib.papers.frgan.forecast import Forecast
from i2vlib.papers.frgan.networks import LEVELS, ClipCritic, ClipUNet, Critic, mask_outputs, widths
from i2vlib.papers.losses import masked_l1
from i2vlib.papers.method import Method, Redrawn
from i2vlib.store import digest


class Refine(Follower):
    """G_R, D_I and D_V: the clip that G_M drew, and its condition maps, to a more coherent one (section 3.3)."""

    Config = RefineConfig
    config: RefineConfig
    about = (
        "The second stage of FRGAN: redraws a clip of the first stage so that its frames agree with one another "
        "(Zhao et al., 2018)."
    )
    limits = (
        "It repairs what a forecast has drawn, in clips of whole pieces of frames; it cannot animate a still by itself."
    )

    def __init__(self, config: RefineConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.base_channels, config.channel_cap, LEVELS)
        of_maps = KINDS[config.condition].channels
        self.network = ClipUNet(channels, config.mask_start, of_maps)
        self.discriminator_clips = ClipCritic(channels, of_maps)
        self.discriminator_frames = Critic(config.size, widths(config.critic_base, config.channel_cap), of_maps)

    def forward(self, clips: Tensor, maps: Tensor) -> dict[str, Tensor]:
        """The refined clips.

        Args:
            clips, maps: ``(B, 3, T, H, W)`` and ``(B, m, T, H, W)`` in [-1, 1], T a multiple of 16, m the
                channels of its kind of maps (`condition.KINDS`).

        Returns:
            images and content ``(B, 3, T, H, W)``, mask ``(B, 1, T, H, W)``.
        """
        drawn = self.network(torch.cat([clips, maps], 1))
        mask, content = torch.sigmoid(drawn[:, :1]), drawn[:, 1:]
        content = torch.tanh(content) if self.config.content == "free" else clips + content
        return {"images": equations.refined(clips, mask, content), "mask": mask, "content": content}

    def refine(self, frames: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
        """A clip of any length, refined ``config.frames`` at a time (section 4.1); a shorter rest holds its last frame.

        Args:
            frames: ``uint8 (T, H, W, 3)`` that G_M drew.
            maps: ``int8 (T, H, W, m)``, their condition maps.

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
        return Forecasts(super().prepared(clips, config, fitted, drivers), earlier[-1])

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of any method, by the clip's condition maps and its forecast."""
        index = list(range(len(clip)) if frames is None else frames)
        made = self.refine(np.asarray(clip.truth["forecast"]), np.asarray(clip.truth["condition"]))
        return Redrawn(made["frames"][index], masks=made["masks"][index])

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Neighbouring frames of a clip, what G_M made of them, and their condition maps.

        Returns:
            frames, forecast ``(3, T, H, W)`` and maps ``(m, T, H, W)`` in [-1, 1]; share (), uniform in [0, 1], for the
            gradient penalties; chosen ``int64 (n,)``, the frames that D_I judges.

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
        change = samples.Augmentation.draw(rng, looks=config.looks) if config.augment else None
        frames, maps = conditioned_frames(clip, index, config, change)
        forecast, _ = conditioned_frames(drawn, index, config, change)
        chosen = torch.randperm(config.frames, generator=rng)[: config.criticised_frames]
        named = {"frames": frames, "forecast": forecast, "maps": maps}
        share = torch.rand((), generator=rng)
        return {**{name: x.movedim(0, 1).contiguous() for name, x in named.items()}, "share": share, "chosen": chosen}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_R makes of a batch, as `forward`, and the `mask_outputs` of its masks."""
        made = self(batch["forecast"], batch["maps"])
        return made | mask_outputs(made["mask"])

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What D_V minimises, of clips, and D_I, of one pair of frames a clip."""
        weights, terms, share = self.config.weights, {}, batch["share"]
        clips = batch["frames"], outputs["images"], batch["maps"]
        if weights["adversarial"]:
            terms["critic"] = equations.clips_apart(self.discriminator_clips, *clips)
            terms["gradient_penalty"] = equations.clips_penalty(self.discriminator_clips, *clips, share)
        if weights["adversarial_frames"]:
            pair = [equations.frames_of(x, batch["chosen"][:, :1]) for x in clips]
            terms["critic_frames"] = equations.frames_apart(self.discriminator_frames, *pair)
            terms["gradient_penalty_frames"] = equations.frames_penalty(self.discriminator_frames, *pair, share)
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        r"""FRGAN, Eq. 11: what G_R minimises, by its terms; `fit` weights and adds them.

        .. math:: \mathcal L_{G_R} = \mathcal L_{rec}(V_t, \bar V_t) + \mathcal L_r(m_t) + \bar{\mathcal L}_{gen}

        Derived in the chapter *frgan_refinement*, "What an error of pixels cannot ask for".
        """
        weights, made, real = self.config.weights, outputs["images"], batch["frames"]
        by_frame = real.movedim(2, 1)
        terms = self.weighed(
            reconstruction=lambda: equations.reconstruction(made, real),
            sparsity=lambda: equations.sparsity(outputs["mask"]),
            reconstruction_moving=lambda: masked_l1(
                made.movedim(2, 1), by_frame, regions.moving(by_frame, by_frame[:, 0])
            ),
        )
        of_clips = self.discriminator_clips if weights["adversarial"] else None
        of_frames = self.discriminator_frames if weights["adversarial_frames"] else None
        return terms | equations.clip_adversarial(of_clips, of_frames, made, batch["maps"], batch["chosen"])


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
        still, maps = clip.frames[0], np.asarray(clip.truth["condition"])
        drawn = kept_array(
            f"forecasts-{self.digest}",
            (still, maps),
            lambda: self.forecast.forecast(still, np.concatenate([maps[:1], maps]))["frames"],
        )
        return replace(clip, truth={**clip.truth, "forecast": drawn})
