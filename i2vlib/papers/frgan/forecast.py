"""G_M, the motion forecasting network: what it draws, and the terms of one step (section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.hub import method_class
from i2vlib.papers.frgan import equations
from i2vlib.papers.frgan.condition import KINDS, conditioned_frames, map_tensor
from i2vlib.papers.frgan.config import ForecastConfig
from i2vlib.papers.frgan.networks import Critic, DenseDecoder, MapEncoder, mask_outputs, widths
from i2vlib.papers.frgan.structure import features_of
from i2vlib.papers.losses import masked_l1
from i2vlib.papers.method import Method, Redrawn, Trainable


class Forecast(nn.Module, Trainable):
    """G_M and D_I: one frame, its condition map and that of another frame to that frame (section 3.2)."""

    Config = ForecastConfig
    dialled = False
    retargets = True
    about = (
        "The first stage of FRGAN: draws a frame from a still and from maps of a 3D face, or of a body's joints, as "
        "they are and as they are to become (Zhao et al., 2018)."
    )
    limits = (
        "Each frame is drawn by itself: nothing keeps neighbours alike. It needs condition maps, which FRGAN makes."
    )

    def __init__(self, config: ForecastConfig) -> None:
        super().__init__()
        self.config = config
        channels, of_maps = widths(config.base_channels, config.channel_cap), KINDS[config.condition].channels
        self.image_encoder = MapEncoder(config.size, channels, config.code)
        self.map_encoder = MapEncoder(config.size, channels, config.code, of_maps)
        shown, outputs = 3 if config.skips == "all" else 1, 4 if config.residual == "mask" else 3
        own = widths(config.decoder_channels or config.base_channels, config.channel_cap)
        self.decoder = DenseDecoder(
            config.size, channels, own, config.code, shown, config.dense, config.blocks == "residual", outputs
        )
        self.discriminator = Critic(config.size, channels, of_maps)
        if config.residual == "mask":
            nn.init.constant_(self.decoder.last.bias[:1], config.mask_start)

    def forward(self, still: Tensor, now: Tensor, then: Tensor) -> dict[str, Tensor]:
        """The frame that a still becomes when its condition map ``now`` becomes ``then``.

        Args:
            still: ``(B, 3, H, W)`` in [-1, 1].
            now, then: ``(B, m, H, W)`` in [-1, 1], m the channels of its kind of maps (`condition.KINDS`).

        Returns:
            images ``(B, 3, H, W)``; mask ``(B, 1, H, W)`` in [0, 1] and content in [-1, 1], or the difference of Eq. 1.
        """
        image, seen = self.image_encoder(still)
        (before, seen_now), (after, seen_then) = self.map_encoder(now), self.map_encoder(then)
        skips = [seen] if self.config.skips == "image" else [seen, seen_now, seen_then]
        drawn = self.decoder(equations.analogy(image, before, after), skips)
        if self.config.residual == "difference":
            return {"images": equations.with_difference(still, drawn), "difference": drawn}
        mask, content = torch.sigmoid(drawn[:, :1]), drawn[:, 1:]
        content = torch.tanh(content) if self.config.content == "free" else still + content
        return {"images": equations.composed(still, mask, content), "mask": mask, "content": content}

    def forecast(self, still: np.ndarray, maps: np.ndarray, batch: int = animation.BATCH) -> dict[str, np.ndarray]:
        """The frames that a still becomes along a sequence of condition maps, each independently of the others.

        Args:
            still: ``uint8 (H, W, 3)``.
            maps: ``int8 (1 + T, H, W, m)``, as its kind has them (`condition.KINDS`): first the still's own.
            batch: how many frames are drawn at once; 1 is faster for a single one, and within one grey level.

        Returns:
            frames ``uint8 (T, H, W, 3)``; masks ``float32 (T, H, W)`` in [0, 1], of Eq. 1 the difference's size;
            contents ``uint8 (T, H, W, 3)``, of Eq. 1 empty.

        Raises:
            ValueError: pictures or maps of another size.
        """
        size, channels = self.config.size, KINDS[self.config.condition].channels
        if still.shape != (size, size, 3) or maps.shape[1:] != (size, size, channels) or len(maps) < 2:
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
            drawn = animation.in_batches(draw, conditions[1:], batch)
        return {
            "frames": to_frames(drawn[:, :3]),
            "masks": drawn[:, 3].cpu().numpy(),
            "contents": to_frames(drawn[:, 4:]) if drawn.shape[1] > 4 else np.empty((0, size, size, 3), np.uint8),
        }

    @classmethod
    def truth(cls, config: ForecastConfig) -> tuple[str, ...]:
        return KINDS[config.condition].truth

    @classmethod
    def prepared(
        cls,
        clips: Sequence[Clip],
        config: ForecastConfig,
        fitted: bool = False,
        drivers: Sequence[Clip] | None = None,
        earlier: Sequence[Method] = (),
    ) -> Sequence[Clip]:
        return KINDS[config.condition].prepared(clips, config, fitted, drivers)

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of any method, by the clip's condition maps."""
        maps = np.asarray(clip.truth["condition"])
        index = list(range(len(clip)) if frames is None else frames)
        made = self.forecast(clip.frames[0], maps[[0, *index]])
        return Redrawn(made["frames"], masks=made["masks"])

    def whole(self, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
        return method_class(KINDS[self.config.condition].whole).of(*earlier, self, None, expressions)

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Two frames of a clip and their condition maps.

        Returns:
            still, frame ``(3, H, W)`` and now, then ``(m, H, W)`` in [-1, 1]; share (), uniform in [0, 1], for the
            gradient penalty.

        Raises:
            ValueError: the clip has one frame only, another size, or no condition maps.
        """
        config = self.config
        if len(clip) < 2:
            raise ValueError(f"{clip!r} has one frame; a forecast needs another one to learn from.")
        first = 0 if config.jumps == "from_first" else int(torch.randint(len(clip), (), generator=rng))
        jump = 1 + int(torch.randint(len(clip) - 1, (), generator=rng))
        pair = [first, (first + jump) % len(clip)]
        change = samples.Augmentation.draw(rng, looks=config.looks) if config.augment else None
        frames, maps = conditioned_frames(clip, pair, config, change)
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
        """What D_I minimises."""
        if not self.config.weights["adversarial"]:
            return {}
        critic, real, made, maps = self.discriminator, batch["frame"], outputs["images"], batch["then"]
        return {
            "critic": equations.frames_apart(critic, real, made, maps),
            "gradient_penalty": equations.frames_penalty(critic, real, made, maps, batch["share"]),
        }

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        r"""FRGAN, Eq. 4: what G_M minimises, by its terms; `fit` weights and adds them.

        .. math:: \mathcal L_{G_M} = \mathcal L_{rec}(I_{t+k}, \tilde I_{t+k}) + \mathcal L_r(m_{t+k})
                  + \mathcal L_{gen}

        On bodies :math:`\mathcal L_{feat}` is added. Derived in the chapter *frgan_faces*, "The terms of a step".
        """
        weights, made, real = self.config.weights, outputs["images"], batch["frame"]
        terms = {"reconstruction": equations.reconstruction(made, real)}
        if weights["reconstruction_moving"]:
            region = regions.moving(real[:, None], batch["still"])[:, 0]
            terms["reconstruction_moving"] = masked_l1(made, real, region)
        if "mask" in outputs:
            terms["sparsity"] = equations.sparsity(outputs["mask"])
            if weights["content"]:
                terms["content"] = equations.reconstruction(outputs["content"], real)
        if weights["appearance"] or weights["structure"]:
            of_appearance, of_structure = features_of(self.config, made.device)
            terms |= equations.features_apart(
                of_appearance if weights["appearance"] else None,
                of_structure if weights["structure"] else None,
                made,
                real,
            )
        if weights["adversarial"]:
            terms["adversarial"] = equations.adversarial(self.discriminator, made, batch["then"])
        return terms
