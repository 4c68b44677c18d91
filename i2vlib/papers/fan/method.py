r"""FAN itself, in the order of section 3: a sample out of a clip, what is made of it, the game, and its use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, export, regions, samples
from i2vlib.clips import Clip
from i2vlib.expressions import TABLE
from i2vlib.papers import blocks, losses
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, ScaledEncoder, widths
from i2vlib.papers.fan import equations
from i2vlib.papers.fan.config import FANConfig
from i2vlib.papers.fan.networks import LandmarkMaps
from i2vlib.papers.method import Trainable


class FAN(nn.Module, Trainable):
    r"""FAN, Eq. 6: a generator of base encoder, residual encoders and decoder, and the two discriminators against it.

    .. math:: \min_{D_g, D_l} \max_f \sum_a \mathcal L_g + \mathcal L_l + \mathcal L_k + \mathcal R_t

    Derived in the chapter *fan*, "What holds a frame to the truth".

    `discriminator_terms` is the minimum's side, `generator_terms` the maximum's, which it plays by minimising
    :math:`\log(1 - D)`; `fit` weighs them by ``config.weights``, adds them up and takes the sides in turn. L_k and
    R_t are minimised as well, and so is L_r, which the text has and the printed sum has not.
    """

    Config = FANConfig
    exportable = True
    about = (
        "Takes a still of a face to any strength of an expression, at any length and in any order; in training it is "
        "told how strong each frame is (Fan et al., 2019)."
    )
    limits = (
        "Frontal faces, cropped by align_face; the head stays where it is. What a closed mouth hides, such as "
        "teeth, is a guess. What it makes is synthetic; say so where you show it."
    )

    def __init__(self, config: FANConfig) -> None:
        super().__init__()
        self.config = config
        self.in_pixels = config.residual == "pixel"
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = None if self.in_pixels else Encoder(3, channels, config.norm)
        scaled = 3, channels, config.norm, config.residual_scale
        self.residual_encoders = nn.ModuleList(ScaledEncoder(*scaled) for _ in config.expressions)
        self.decoder = Decoder(channels, config.decoder_norm, config.smooth_upsampling, 0.0, config.corrected_levels)
        self.landmark_maps = None if self.in_pixels else LandmarkMaps(2 * channels[0])
        judge = 3, config.base_channels, config.discriminator_strides, config.norm
        self.discriminator, self.discriminator_local = PatchDiscriminator(*judge), PatchDiscriminator(*judge)
        if self.in_pixels:  # at first the still as it is, for what leaves the range of pixels learns nothing
            nn.init.zeros_(self.decoder.levels[-1].weight)
            nn.init.zeros_(self.decoder.levels[-1].bias)

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: the neutral first frame and ``frames_per_clip`` frames of the clip.

        Returns:
            neutral ``(3, H, W)`` and frames ``(n, 3, H, W)`` in [-1, 1]; intensity ``(n,)``; landmarks ``(n, 68, 2)``
            from -1 to 1 across the picture, NaN where unknown; mask ``(n, 1, H, W)`` of the mouth, local () whether
            the mask counts, label ().

        Raises:
            ValueError: the clip has one frame only, another size, or an expression that the model does not know; or
                its own intensity is asked for and it has none.
        """
        config = self.config
        label = animation.label_of(clip.expression, self.expressions)
        index = samples.drawn(clip, config.frames_per_clip, int(config.include_neutral), False, rng)
        changed = config.augment, rng, config.looks, config.crop
        frames, mouths, points = samples.training_frames(clip, [0, *index], config.size, *changed)
        mask = torch.zeros_like(frames[:, :1]) if mouths is None else mouths
        local = mouths is not None and not TABLE[self.expressions[label]].still_mouth
        known = {"local": torch.tensor(local), "label": torch.tensor(label), "intensity": self._labels(clip)[index]}
        landmarks = points[1:] * (2 / config.size) - 1
        return {"neutral": frames[0], "frames": frames[1:], "mask": mask[1:], "landmarks": landmarks, **known}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Everything the generator makes of a batch, decoded at once.

        Returns:
            images V(a), ``(B, n, 3, H, W)``; by weight and config also nearby_images ``(K, 3, H, W)``, those
            V(a - Delta a) and V(a + Delta a) whose intensity lies in [0, 1], in the order of `neighbours`;
            neutral_images V(0), ``(B, 3, H, W)``; landmarks ``(B, n, 68, 2)`` as those of `example`.
        """
        a, frames, weights = batch["intensity"], batch["frames"], self.config.weights
        base, residual = self._base(batch["neutral"]), self._residuals(batch["neutral"], batch["label"])

        def decoder(code: list[Tensor]) -> tuple[dict[str, Tensor], Tensor]:
            drawn = {"images": code}
            if weights["temporal"]:
                values, inside = equations.neighbours(a, self.config.increment)
                drawn["nearby_images"] = [code[inside.flatten()] for code in equations.affine(base, residual, values)]
            if self.config.include_neutral:
                drawn["neutral_images"] = base
            features = self._before_last(blocks.joined(drawn))
            return blocks.parted(self._picture(features), drawn), features

        made, features = equations.generated(decoder, base, residual, a)
        made["images"] = made["images"].view(frames.shape)
        if weights["landmarks"]:
            made["landmarks"] = self.landmark_maps(features[: a.numel()]).unflatten(0, a.shape)
        return made

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise."""
        weights, terms = self.config.weights, {}
        real, made = batch["frames"], outputs["images"].detach()
        if weights["adversarial"]:
            terms["adversarial"] = equations.adversarial(self._judge, real=real, made=made)
        if weights["adversarial_local"]:
            rows, mask = blocks.local_region(batch, self.config.local_region)
            if rows.any():
                judge = self._local_judge(rows)
                terms["adversarial_local"] = equations.adversarial_local(judge, real=real, made=made, mask=mask)
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the encoders and the decoder minimise: all that is no game, and their side of each game."""
        weights, terms = self.config.weights, {}
        saturating, made, real = self.config.saturating, outputs["images"], batch["frames"]
        terms["reconstruction"] = equations.reconstruction(real, made)
        if self.config.include_neutral:
            again = equations.reconstruction(batch["neutral"], outputs["neutral_images"])
            terms["reconstruction"] = terms["reconstruction"] + again
        if weights["reconstruction_moving"]:
            terms["reconstruction_moving"] = losses.masked_l1(made, real, regions.moving(real, batch["neutral"]))
        if weights["temporal"]:
            of = self._owners(batch["intensity"])
            terms["temporal"] = equations.temporal(made.flatten(0, 1), outputs["nearby_images"], of)
        if weights["landmarks"] and torch.isfinite(batch["landmarks"]).any():
            terms["landmarks"] = equations.landmarks(outputs["landmarks"], batch["landmarks"])
        if weights["adversarial"]:
            terms["adversarial"] = losses.generator_loss(self._judge(made), saturating)
        if weights["adversarial_local"]:
            rows, mask = blocks.local_region(batch, self.config.local_region)
            if rows.any():
                terms["adversarial_local"] = losses.generator_loss(self._local_judge(rows)(made * mask), saturating)
        return terms

    def _owners(self, intensity: Tensor) -> Tensor:
        """The number of the image that each of ``nearby_images`` is a neighbour of, ``int64 (K,)``."""
        numbers = torch.arange(intensity.numel(), device=intensity.device).view(intensity.shape)
        _, inside = equations.neighbours(intensity, self.config.increment)
        return torch.cat([numbers, numbers], 1)[inside]

    def _judge(self, images: Tensor) -> Tensor:
        return self.discriminator(images.flatten(0, 1))[0]

    def _local_judge(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """D_l, asked about some of the clips only."""
        return lambda images: self.discriminator_local(images[rows].flatten(0, 1))[0]

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

    def _draw(self, codes: Sequence[Tensor]) -> Tensor:
        return self._picture(self._before_last(codes))

    # Without PyTorch --------------------------------------------------------------------------------------------

    def encoded(self, still: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """All that frames of a still ``(1, 3, H, W)`` share (`i2vlib.export.Exportable`)."""
        directions = [self._residual(still, label) for label in range(len(self.expressions))]
        return self._base(still), [torch.cat(level) for level in zip(*directions, strict=True)]

    def drawn(self, codes: Sequence[Tensor]) -> Tensor:
        return self._draw(codes)

    # Using a trained model ---------------------------------------------------------------------------------------

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | None = None,
        fps: float = 12.0,
        region: str | np.ndarray | None = None,
    ) -> Clip:
        """A clip of the face at the intensities asked for, each frame independent of all others (Eq. 7).

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled.
            expression: one of `expressions`; may be left out if there is one only.
            intensity: finite values >= 0, 0 neutral and 1 the peak, in any number and order; or one such curve an
                expression, all of one length: several above 0 mix expressions, one that falls while another rises
                transfers. Left out, 20 values from 0 to 1.
            driver: refused, for FAN reads no intensity off a clip.
            region: where the expression may act: "mouth", "eyes", "left" or "right", as one looks at the picture, or a
                mask ``(H, W)`` in [0, 1], square (`i2vlib.regions.acting`). Every e_i(I) is multiplied by
                it at every level; the paper has no such thing.

        Returns:
            A `Clip` of ``config.size`` px with its intensity, (T,) or (T, n) for a mixture.

        Raises:
            ValueError: the face is no square picture, the expression or the region is unknown, an intensity is empty,
                negative or not finite, or a driver was given. Warns above 1.
        """
        if driver is not None:
            raise ValueError(
                "FAN infers no intensity, so it cannot follow a driver. "
                "Give intensity=driver.intensity where that is known, or use AffineGAN."
            )
        only = self.expressions[0] if len(self.expressions) == 1 else None
        curves = animation.read_curves(intensity, expression or only)
        return animation.play(self.drawer(face, curves, region), curves, fps)

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> Callable[..., np.ndarray]:
        """What `animate` draws with (`i2vlib.animation.drawer`): a column of intensities an expression, to frames."""
        labels = [animation.label_of(name, self.expressions) for name in expressions]

        def decoder_of(still: Tensor, mask: Tensor | None) -> Callable[[Tensor], Tensor]:
            if self.runtime == "onnx":
                return export.decoder_of(self, still, mask, labels)
            base = self._base(still)
            residuals = {label: animation.within(self._residual(still, label), mask) for label in labels}
            return lambda rows: equations.joint(self._draw, base, residuals, rows)

        return animation.drawer(self, face, self.config.size, decoder_of, region)
