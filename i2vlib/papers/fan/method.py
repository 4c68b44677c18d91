r"""FAN itself, in the order of section 3: a sample of a clip, the frames drawn, the game, and its use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import regions, samples
from i2vlib.clips import Clip
from i2vlib.papers import blocks, carried, coded, losses
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, ScaledEncoder, widths
from i2vlib.papers.fan import equations
from i2vlib.papers.fan.config import FANConfig
from i2vlib.papers.fan.networks import LandmarkMaps


class Batch(coded.Batch):
    """Training samples of B clips, n frames of each."""

    intensity: Tensor
    """``(B, n)``."""
    landmarks: Tensor
    """``(B, n, 68, 2)`` from -1 to 1 across the picture, NaN where unknown."""


class FAN(coded.Coded):
    r"""FAN, Eq. 6: a generator of base encoder, residual encoders and decoder, and the two discriminators against it.

    .. math:: \min_{D_g, D_l} \max_f \sum_a \mathcal L_g + \mathcal L_l + \mathcal L_k + \mathcal R_t

    Derived in the chapter *fan*, "What holds a frame to the truth".

    `discriminator_terms` is the minimum's side, `generator_terms` the maximum's, which it plays by minimising
    :math:`\log(1 - D)`; `fit` weighs them by ``config.weights``, adds them up and takes the sides in turn. L_k and
    R_t are minimised as well, and so is L_r, which the text has and the printed sum has not.
    """

    Config = FANConfig
    config: FANConfig
    about = (
        "Takes a still of a face to any strength of an expression, at any length and in any order; in training it is "
        "told how strong each frame is (Fan et al., 2019)."
    )

    def __init__(self, config: FANConfig) -> None:
        super().__init__()
        self.config = config
        self.in_pixels = config.residual == "pixel"
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = None if self.in_pixels else Encoder(3, channels, config.norm)
        scaled = 3, channels, config.norm, config.residual_scale
        self.residual_encoders = nn.ModuleList(ScaledEncoder(*scaled) for _ in config.expressions)
        drawing = config.decoder_norm, config.smooth_upsampling, 0.0, config.corrected_levels, config.drawing
        self.decoder = Decoder(channels, *drawing)
        self.outer = carried.Outer(config.outer_channels)
        self.landmark_maps = None if self.in_pixels else LandmarkMaps(2 * channels[0])
        judge = 3, config.base_channels, config.discriminator_strides, config.norm
        self.discriminator, self.discriminator_local = PatchDiscriminator(*judge), PatchDiscriminator(*judge)
        if self.in_pixels:  # at first the still as it is, for what leaves the range of pixels learns nothing
            nn.init.zeros_(self.decoder.levels[-1].weight)
            nn.init.zeros_(self.decoder.levels[-1].bias)

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: the neutral first frame and ``frames_per_clip`` frames of the clip.

        Returns:
            The tensors of a `Batch`, without its first axis.

        Raises:
            ValueError: the clip has one frame only, another size, or an expression that the model does not know; or
                its own intensity is asked for and it has none.
        """
        config = self.config
        index = samples.drawn(clip, config.frames_per_clip, int(config.include_neutral), False, rng)
        change = samples.change_of(clip, config.augment, rng, config.looks, config.crop)
        known, points = self.sample(clip, index, change)
        landmarks = points[1:] * (2 / config.size) - 1
        return {**known, "landmarks": landmarks, "intensity": self._labels(clip)[index]}

    def outputs(self, batch: Batch) -> dict[str, Tensor]:
        r"""FAN, Eq. 2: draws frames of any intensity, each decoded by itself, all of them in one pass.

        .. math:: V(a) := f(I, a) = d\bigl(F(I, a)\bigr) = d\bigl(e_0(I) + a \cdot e_1(I)\bigr)

        Derived in the chapter *fan*, "A still, a change and a dial".

        Returns:
            images V(a), ``(B, n, 3, H, W)``; by weight and config also nearby_images ``(K, 3, H, W)``, those
            V(a - Delta a) and V(a + Delta a) whose intensity lies in [0, 1], in the order of `neighbours`;
            neutral_images V(0), ``(B, 3, H, W)``; landmarks ``(B, n, 68, 2)`` as those of `example`; for carried
            drawing also the maps of `carried.drawn_step`.
        """
        config, a = self.config, batch["intensity"]
        base, residual = self._base(batch["neutral"]), self._residuals(batch["neutral"], batch["label"])
        codes = {"images": equations.affine(base, residual, a)}  # Eq. 1
        if config.weights["temporal"]:  # Eq. 5
            values, inside = equations.neighbours(a, config.increment)
            codes["nearby_images"] = [code[inside.flatten()] for code in equations.affine(base, residual, values)]
        if config.include_neutral or self.carries:
            codes["neutral_images"] = base
        features = self._before_last(blocks.joined(codes))
        last = self.decoder.last(features) if self.carries else self._picture(features)
        drawn = self.frames_of(blocks.parted(last, codes), batch)
        if config.weights["landmarks"]:
            drawn["landmarks"] = self.landmark_maps(features[: a.numel()]).unflatten(0, a.shape)
        return drawn

    def discriminator_terms(self, batch: Batch, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise."""
        real, made = batch["frames"], outputs["images"].detach()
        return self.weighed(
            adversarial=lambda: equations.adversarial(real=self._judged(real), made=self._judged(made)),
            adversarial_local=lambda: self.judged_locally(equations.adversarial_local, batch, real, made),
        )

    def generator_terms(self, batch: Batch, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the encoders and the decoder minimise: all that is no game, and their side of each game."""
        made, real, still = outputs["images"], batch["frames"], batch["neutral"]
        fooled = partial(losses.generator_loss, saturating=self.config.saturating)

        def temporal() -> Tensor:
            return equations.temporal(made.flatten(0, 1), outputs["nearby_images"], self._owners(batch["intensity"]))

        def landmarks() -> Tensor | None:
            known = torch.isfinite(batch["landmarks"]).any()
            return equations.landmarks(outputs["landmarks"], batch["landmarks"]) if known else None

        return self.weighed(
            reconstruction=lambda: self.compared(equations.reconstruction, batch, outputs),
            reconstruction_moving=lambda: losses.masked_l1(made, real, regions.moving(real, still)),
            temporal=temporal,
            landmarks=landmarks,
            adversarial=lambda: fooled(self._judged(made)),
            adversarial_local=lambda: self.judged_locally(fooled, batch, made),
            **carried.terms(batch, outputs, still),
        )

    def _owners(self, intensity: Tensor) -> Tensor:
        """The number of the image that each of ``nearby_images`` is a neighbour of, ``int64 (K,)``."""
        numbers = torch.arange(intensity.numel(), device=intensity.device).view(intensity.shape)
        _, inside = equations.neighbours(intensity, self.config.increment)
        return torch.cat([numbers, numbers], 1)[inside]

    def _judged(self, images: Tensor) -> Tensor:
        """Logits that D_g gives to frames."""
        return self.discriminator(images.flatten(0, 1))[0]

    def _labels(self, clip: Clip) -> Tensor:
        """The intensity of every frame of a training clip, ``(T,)``."""
        if self.config.labels == "time":
            return equations.labels(len(clip))
        if clip.intensity is None or clip.intensity.ndim != 1 or not np.isfinite(clip.intensity).all():
            raise ValueError(f"{clip!r} does not state one intensity a frame. Train on its time with labels='time'.")
        return torch.from_numpy(clip.intensity)

    # The generator, with the residual among the codes or in the picture ---------------------------------------------

    def _base(self, still: Tensor) -> list[Tensor]:
        return [still] if self.in_pixels else self.encoder(still)

    def _residual(self, still: Tensor, label: int) -> list[Tensor]:
        codes = self.residual_encoders[label](still)
        return [2 * self.decoder(codes)] if self.in_pixels else codes

    def _residuals(self, stills: Tensor, label: Tensor) -> list[Tensor]:
        """Each still through the encoder of its own expression, those of one expression together."""
        groups = [(n, (label == n).nonzero().flatten()) for n in label.unique().tolist()]
        parts = [self._residual(stills[rows], n) for n, rows in groups]
        order = torch.cat([rows for _, rows in groups]).argsort()
        return [torch.cat(level)[order] for level in zip(*parts, strict=True)]

    def _before_last(self, codes: Sequence[Tensor]) -> Tensor:
        return codes[0] if self.in_pixels else self.decoder.before_last(codes)

    def _picture(self, features: Tensor) -> Tensor:
        return features.clamp(-1, 1) if self.in_pixels else self.decoder.picture(features)

    def painted(self, codes: Sequence[Tensor]) -> Tensor:
        return self._picture(self._before_last(codes))

    # Without PyTorch --------------------------------------------------------------------------------------------

    def encoded(self, still: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """All that frames of a still ``(1, 3, H, W)`` share (`i2vlib.export.Exportable`)."""
        code, directions = self.directions(still, range(len(self.expressions)))
        return code, [torch.cat(level) for level in zip(*directions.values(), strict=True)]

    # Using a trained model ---------------------------------------------------------------------------------------

    def directions(self, still: Tensor, labels: Sequence[int]) -> tuple[list[Tensor], dict[int, list[Tensor]]]:
        return self._base(still), {label: self._residual(still, label) for label in labels}

    moved = staticmethod(equations.joint)  # Eq. 7
