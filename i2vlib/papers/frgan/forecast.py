"""G_M, the motion forecasting network: what it draws, and the terms of one step (section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.papers import carried
from i2vlib.papers.frgan import equations
from i2vlib.papers.frgan.condition import KINDS, conditioned_frames, map_tensor
from i2vlib.papers.frgan.config import ForecastConfig
from i2vlib.papers.frgan.follower import Follower
from i2vlib.papers.frgan.networks import Critic, DenseDecoder, MapEncoder, mask_outputs, widths
from i2vlib.papers.frgan.structure import features_of
from i2vlib.papers.losses import masked_l1
from i2vlib.papers.method import Redrawn

#: What an encoder says: a vector, and what each level saw on the way.
Encoded = tuple[Tensor, Sequence[Tensor]]


class Forecast(Follower):
    """G_M and D_I: one frame, its condition map and that of another frame to that frame (section 3.2)."""

    Config = ForecastConfig
    config: ForecastConfig
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
        painted = 4 if config.residual == "mask" else 3
        shown, outputs = 3 if config.skips == "all" else 1, painted if self.paints else carried.CHANNELS["carried"]
        own = widths(config.decoder_channels or config.base_channels, config.channel_cap)
        self.decoder = DenseDecoder(
            config.size, channels, own, config.code, shown, config.dense, config.blocks == "residual", outputs
        )
        self.discriminator = Critic(config.size, channels, of_maps)
        if not self.paints:
            carried.begin(self.decoder.last)
        elif config.residual == "mask":
            nn.init.constant_(self.decoder.last.bias[:1], config.mask_start)

    @property
    def paints(self) -> bool:
        """Whether it draws as the paper does, and does not carry the still (`i2vlib.papers.carried`)."""
        return self.config.drawing == "painted"

    def forward(self, still: Tensor, now: Tensor, then: Tensor, rest: Tensor | None = None) -> dict[str, Tensor]:
        """The frame that a still becomes when its condition map ``now`` becomes ``then``.

        Carried drawing takes what the decoder says of ``now`` itself for rest: so a map that stays leaves the still.

        Args:
            still: ``(B, 3, H, W)`` in [-1, 1].
            now, then: ``(B, m, H, W)`` in [-1, 1], m the channels of its kind of maps (`condition.KINDS`).
            rest: `rest` of ``still`` and ``now``, where it is known; only carried drawing reads it.

        Returns:
            images ``(B, 3, H, W)``; mask ``(B, 1, H, W)`` in [0, 1] and content in [-1, 1], or the difference of Eq. 1;
            or of carried drawing flow, gate, shade and colour, as `carried.Maps` has them, and new, the gate's logits.
        """
        shown, at_first, moved = self.image_encoder(still), self.map_encoder(now), self.map_encoder(then)
        drawn = self._said(shown, at_first, moved)
        if not self.paints:
            rest = self._said(shown, at_first, at_first) if rest is None else rest
            maps = carried.maps_of(drawn, rest, self.config.reach, self.config.shaded)
            return {"images": carried.composed(still, maps), "new": drawn[:, 5:6], **maps._asdict()}
        if self.config.residual == "difference":
            return {"images": equations.with_difference(still, drawn), "difference": drawn}
        mask, content = torch.sigmoid(drawn[:, :1]), drawn[:, 1:]
        content = torch.tanh(content) if self.config.content == "free" else still + content
        return {"images": equations.composed(still, mask, content), "mask": mask, "content": content}

    def _said(self, image: Encoded, now: Encoded, then: Encoded) -> Tensor:
        """What the decoder says of a frame (Eq. 3), not yet bounded."""
        (code, seen), (before, seen_now), (after, seen_then) = image, now, then
        skips = [seen] if self.config.skips == "image" else [seen, seen_now, seen_then]
        return self.decoder(equations.analogy(code, before, after), skips)

    def rest(self, still: Tensor, now: Tensor) -> Tensor:
        """Decodes the still's own map: what carried drawing measures all changes from, ``(B, 7, H, W)``, unbounded."""
        at_first = self.map_encoder(now)
        return self._said(self.image_encoder(still), at_first, at_first)

    def forecast(self, still: np.ndarray, maps: np.ndarray, batch: int = animation.BATCH) -> dict[str, np.ndarray]:
        """The frames that a still becomes along a sequence of condition maps, each independently of the others.

        Args:
            still: ``uint8 (H, W, 3)``.
            maps: ``int8 (1 + T, H, W, m)``, as its kind has them (`condition.KINDS`): first the still's own.
            batch: how many frames are drawn at once; 1 is faster for a single one, and within one grey level.

        Returns:
            frames ``uint8 (T, H, W, 3)``; masks ``float32 (T, H, W)`` in [0, 1], of Eq. 1 the difference's size, and of
            carried drawing where nothing is carried; contents ``uint8 (T, H, W, 3)``, of Eq. 1 empty, and of carried
            drawing its colours.

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
            frame = self(picture.expand(len(rows), -1, -1, -1), conditions[:1].expand_as(rows), rows, rest)
            if not self.paints:
                return torch.cat([frame["images"], 1 - frame["gate"], frame["colour"]], 1)
            mask = frame["mask"] if "mask" in frame else frame["difference"].abs().mean(1, keepdim=True) / 2
            return torch.cat([frame["images"], mask, *([frame["content"]] if "content" in frame else [])], 1)

        with animation.evaluating(self), torch.inference_mode():
            stays = lambda rows: self.rest(picture.expand(len(rows), -1, -1, -1), rows)  # noqa: E731
            rest = None if self.paints else animation.in_batches(stays, conditions[:1], batch)
            drawn = animation.in_batches(draw, conditions[1:], batch)
        return {
            "frames": to_frames(drawn[:, :3]),
            "masks": drawn[:, 3].cpu().numpy(),
            "contents": to_frames(drawn[:, 4:]) if drawn.shape[1] > 4 else np.empty((0, size, size, 3), np.uint8),
        }

    @classmethod
    def truth(cls, config: ForecastConfig) -> tuple[str, ...]:
        known = super().truth(config)
        return (*known, *KINDS[config.condition].origin) if config.drawing == "carried" else known

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of any method, by the clip's condition maps."""
        maps = np.asarray(clip.truth["condition"])
        index = list(range(len(clip)) if frames is None else frames)
        made = self.forecast(clip.frames[0], maps[[0, *index]])
        return Redrawn(made["frames"], masks=made["masks"])

    def inherit(self, other: Forecast) -> None:
        """As of any method; of a painted one by a carried one all but the last layer, whose colours go on if they were
        drawn free of the still (``content="free"``)."""
        state = {k: v for k, v in other.state_dict().items() if not k.startswith("discriminator")}
        if other.paints and not self.paints:
            for name in ("decoder.last.weight", "decoder.last.bias"):
                said, kept = state[name], self.state_dict()[name].clone()
                if other.config.residual == "mask" and other.config.content == "free":
                    kept[:3] = said[1:]
                state[name] = kept
        self.load_state_dict({**self.state_dict(), **state})

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """Two frames of a clip and their condition maps.

        Returns:
            still, frame ``(3, H, W)`` and now, then ``(m, H, W)`` in [-1, 1]; share (), uniform in [0, 1], for the
            gradient penalty; for carried drawing also `carried.origins_of`, of one frame.

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
        if not self.paints:
            names |= carried.origins_of(clip, pair[1:], change, pair[0])
        return {**names, "share": torch.rand((), generator=rng)}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What G_M makes of a batch, as `forward`, and the `mask_outputs` of its masks, or of where it draws anew."""
        made = self(batch["still"], batch["now"], batch["then"])
        mask = made["mask"] if "mask" in made else None if self.paints else 1 - made["gate"]
        return made | ({} if mask is None else mask_outputs(mask))

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
        made, real, mask = outputs["images"], batch["frame"], outputs.get("mask")
        terms = self.weighed(
            reconstruction=lambda: equations.reconstruction(made, real),
            reconstruction_moving=lambda: masked_l1(made, real, self._moving(batch)),
            sparsity=lambda: None if mask is None else equations.sparsity(mask),
            content=lambda: None if mask is None else equations.reconstruction(outputs["content"], real),
            adversarial=lambda: equations.adversarial(self.discriminator, made, batch["then"]),
        )
        if not self.paints:
            names = "images", "flow", "shade", "colour", "new"
            of_one = {name: outputs[name][:, None] for name in names}
            terms |= self.weighed(**carried.terms(batch | {"frames": real[:, None]}, of_one, batch["still"]))
        return terms | self._features_apart(made, real)

    def _moving(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Where the frame to be made differs from the still, ``(B, 1, H, W)``."""
        return regions.moving(batch["frame"][:, None], batch["still"])[:, 0]

    def _features_apart(self, made: Tensor, real: Tensor) -> dict[str, Tensor]:
        """The two parts of Eq. 15, of which each has a weight and a network of its own."""
        asked = [bool(self.config.weights[name]) for name in ("appearance", "structure")]
        if not any(asked):
            return {}
        networks = features_of(self.config, made.device)
        return equations.features_apart(
            *(net if on else None for net, on in zip(networks, asked, strict=True)), made, real
        )
