r"""FAN: controllable image-to-video translation, a case study on facial expression generation (Fan et al., 2019).

.. math:: V(a) := f(I, a) = d\bigl(e_0(I) + a \cdot e_1(I)\bigr) \qquad (2)

A still :math:`I` is encoded twice: as what it is, :math:`e_0(I)`, and as what changes in it, :math:`e_1(I)`. A frame
is decoded from their sum, weighed by the intensity :math:`a`, which the user gives. In training it is given as well:
FAN reads it off a frame's place in time, and infers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip
from i2vlib.expressions import TABLE
from i2vlib.papers import losses
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, ScaledEncoder, affine, widths
from i2vlib.papers.method import Config, Method, checked_expressions

#: Eq. 6 prints every term with weight 1, leaves out L_r, and says that "slightly different weights" were used, which
#: are given nowhere. These are ours: L_r weighs what it weighs in AffineGAN and pix2pix, and R_t and L_k a tenth of it,
#: so that R_t, which a still video minimises, cannot outweigh the motion. `reconstruction_moving` is not in the paper.
PAPER_WEIGHTS = {
    "adversarial": 1.0,
    "adversarial_local": 1.0,
    "reconstruction": 100.0,
    "temporal": 10.0,
    "landmarks": 10.0,
    "reconstruction_moving": 0.0,
}


@dataclass(frozen=True)
class FANConfig(Config):
    """Everything that decides what FAN is and how it learns. `paper` and `small` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = PAPER_WEIGHTS

    size: int = 256
    """Height and width in pixels, a power of two; the U-Nets have log2(size) levels (section 4.1: eight)."""
    expressions: tuple[str, ...] = ("happy",)
    """One residual encoder each (Eq. 7)."""
    base_channels: int = 64
    """The paper gives no widths; these are pix2pix's."""
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels."""
    norm: Literal["batch", "instance", "none"] = "batch"
    """Of encoders and discriminators: ``batch`` as printed (section 3.2), ``instance`` or ``none``. In training, batch
    normalisation lets every frame of a step see the statistics of all others, R_t's neighbours among them; while
    animating it uses the running ones, so a frame does not depend on its company."""
    decoder_norm: Literal["batch", "instance", "none"] = "batch"
    smooth_upsampling: bool = False
    """Up-convolutions that cannot draw a grid (`i2vlib.papers.blocks.UpConv`)."""
    corrected_levels: int = 0
    """Outermost decoder levels that may take away what the still's own code shows (`i2vlib.papers.blocks.Decoder`)."""
    residual: Literal["feature", "pixel"] = "feature"
    """Where the residual is added: to the codes (Eq. 1), or to the still itself, V = clip(I + a g(I)), which the
    paper rejects (section 3.2). g has the same encoder and decoder; no layer of it knows a, so it has no landmarks."""
    residual_scale: float | None = None
    """Where given, a learned factor on each channel of a residual code that starts here; the paper has none."""
    local_region: Literal["mouth", "moving"] = "mouth"
    """What D_l sees of a frame: the mouth (Eq. 4; nothing for expressions of the eyes), or all that moves."""
    discriminator_strides: tuple[int, ...] = (2, 2, 1)
    """Three convolutions (section 4.1); the paper gives neither strides nor kernels."""
    saturating: bool = True
    """The minimax game of Eq. 6; otherwise the generator minimises -log D(V)."""
    labels: Literal["time", "true"] = "time"
    """The intensity of a training frame: (t - 1) / (T - 1) (section 3.3), or what the clip states."""
    increment: float = 0.1
    """Delta a of Eq. 5 (section 4.1)."""
    include_neutral: bool = False
    """Decode the still at intensity 0 in every step and ask for the still back. Otherwise the neutral frame is drawn
    like any other, as the paper has it."""
    frames_per_clip: int = 5
    """How many values of a the sum of Eq. 6 takes a step; not in the paper."""
    clips_per_step: int = 1
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    """Not in the paper; pix2pix's."""
    decay: float = 0.0
    """The last share of the steps, over which the learning rate falls to 0."""
    augment: bool = True
    """Flips, small shifts and changes of scale, light and colour, the same for all frames of a clip."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_WEIGHTS))
    """By the names of the loss terms; a term of weight 0 is not computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        widths(self.size, self.base_channels, self.channel_cap)
        checked_expressions(self.expressions)
        if not 0 < self.increment <= 1:
            raise ValueError(f"The increment of Eq. 5 lies above 0 and up to 1; given was {self.increment}.")
        if self.residual == "pixel" and self.weights["landmarks"]:
            raise ValueError("A residual in pixels is drawn once for all intensities, so it predicts no landmarks; "
                             "set the weight of 'landmarks' to 0.")  # fmt: skip

    @classmethod
    def presets(cls) -> dict[str, Callable[..., FANConfig]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> FANConfig:
        """The paper's text (sections 3 and 4.1): 256 px, eight levels, batch normalisation, labels from time."""
        return replace(cls(), **changes)

    @classmethod
    def small(cls, **changes: object) -> FANConfig:
        """What two cores can train: 128 px, 32 channels, true labels, reconstruction on the moving region as well."""
        small = cls(
            size=128, base_channels=32, channel_cap=4, norm="instance", decoder_norm="none", smooth_upsampling=True,
            corrected_levels=3, residual_scale=0.1, local_region="moving", discriminator_strides=(2, 2, 2, 1),
            saturating=False, labels="true", include_neutral=True, frames_per_clip=2, clips_per_step=4,
            learning_rate=5e-4, decay=0.3,
            weights={"reconstruction": 1.0, "reconstruction_moving": 0.3, "temporal": 0.1, "landmarks": 0.1},
        )  # fmt: skip
        return replace(small, **changes)


def neighbours(intensity: Tensor, increment: float) -> tuple[Tensor, Tensor]:
    r"""The intensities on both sides of given ones: :math:`a - \Delta a` and :math:`a + \Delta a` (Eq. 5).

    Args:
        intensity: ``(B, n)``.
        increment: :math:`\Delta a`.

    Returns:
        ``(B, 2 n)``, first all the lower and then all the higher ones, and ``bool (B, 2 n)``: which lie in [0, 1].
    """
    values = torch.cat([intensity - increment, intensity + increment], 1)
    return values, (values > -1e-6) & (values < 1 + 1e-6)


def expected_points(maps: Tensor, sharpness: float = 10.0) -> Tensor:
    r"""One point a map: the mean position of its pixels under a softmax of their values.

    .. math:: \hat K_k = \sum_p \frac{e^{\beta m_k(p)}}{\sum_q e^{\beta m_k(q)}}\, p

    The paper stacks 68 channels on the decoder and compares *landmarks*, and does not say how a channel becomes a
    point. An expectation is differentiable where the place of the maximum is not, keeps L_k in units of distance, has
    no parameter, and lies between pixels, so that it needs no full resolution.

    Args:
        maps: ``(B, K, h, w)``.
        sharpness: :math:`\beta`. Maps begin near 0, where all points are the middle of the picture; a factor takes
            them away from there sooner.

    Returns:
        ``float32 (B, K, 2)``, (x, y) from -1 at the left and upper edge of the picture to 1 at the others.
    """
    height, width = maps.shape[2:]
    share = (sharpness * maps.float()).flatten(2).softmax(2).unflatten(2, (height, width))
    centres = [(torch.arange(n, device=maps.device) + 0.5) * (2 / n) - 1 for n in (width, height)]
    return torch.stack([(share.sum(2) * centres[0]).sum(2), (share.sum(3) * centres[1]).sum(2)], 2)


class FAN(nn.Module, Method):
    """The method: networks, the terms of one training step, and `animate`."""

    Config = FANConfig

    def __init__(self, config: FANConfig) -> None:
        super().__init__()
        self.config = config
        self.in_pixels = config.residual == "pixel"
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = None if self.in_pixels else Encoder(3, channels, config.norm)
        scaled = 3, channels, config.norm, config.residual_scale
        self.residual_encoders = nn.ModuleList(ScaledEncoder(*scaled) for _ in config.expressions)
        self.decoder = Decoder(channels, config.decoder_norm, config.smooth_upsampling, 0.0, config.corrected_levels)
        self.landmark_maps = None if self.in_pixels else nn.Conv2d(2 * channels[0], 68, 1)
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
        frames, mouths, points = samples.training_frames(clip, [0, *index], config.size, config.augment, rng)
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
        wanted = {"images": affine(base, residual, a)}
        if weights["temporal"]:
            values, inside = neighbours(a, self.config.increment)
            wanted["nearby_images"] = [code[inside.flatten()] for code in affine(base, residual, values)]
        if self.config.include_neutral:
            wanted["neutral_images"] = base
        codes = [torch.cat(level) for level in zip(*wanted.values(), strict=True)]
        points = {}
        if self.in_pixels:
            drawn = self._draw(codes)
        else:
            seen = self.decoder.before_last(codes)
            drawn = self.decoder.picture(seen)
            if weights["landmarks"]:
                maps = self.landmark_maps(seen[: a.numel()])
                points["landmarks"] = expected_points(maps).unflatten(0, a.shape)
        made = dict(zip(wanted, drawn.split([len(code[0]) for code in wanted.values()]), strict=True))
        return {**made, "images": made["images"].view(frames.shape), **points}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise: L_g (Eq. 3) and L_l (Eq. 4)."""
        weights, terms, real, fake = self.config.weights, {}, batch["frames"], outputs["images"].detach()
        if weights["adversarial"]:
            scores = (self.discriminator(images.flatten(0, 1))[0] for images in (real, fake))
            terms["adversarial"] = losses.discriminator_loss(*scores)
        if weights["adversarial_local"]:
            rows, mask = losses.local_region(batch, self.config.local_region)
            if rows.any():
                shown = ((images * mask)[rows].flatten(0, 1) for images in (real, fake))
                terms["adversarial_local"] = losses.discriminator_loss(*(self.discriminator_local(x)[0] for x in shown))
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the encoders and the decoder minimise: Eq. 3 to 5, L_r and L_k, unweighted.

        Eq. 6 prints L_k and R_t under a maximum over f, and no L_r; the text means what is done here.
        """
        weights, terms = self.config.weights, {}
        saturating, fake, real = self.config.saturating, outputs["images"], batch["frames"]
        terms["reconstruction"] = F.l1_loss(fake, real)
        if self.config.include_neutral:
            terms["reconstruction"] = terms["reconstruction"] + F.l1_loss(outputs["neutral_images"], batch["neutral"])
        if weights["reconstruction_moving"]:
            region = regions.moving(real, batch["neutral"])
            terms["reconstruction_moving"] = losses.masked_l1(fake, real, region)
        if weights["temporal"]:
            terms["temporal"] = self._temporal(batch["intensity"], outputs)
        if weights["landmarks"] and torch.isfinite(batch["landmarks"]).any():
            terms["landmarks"] = losses.landmark_loss(outputs["landmarks"], batch["landmarks"])
        if weights["adversarial"]:
            terms["adversarial"] = losses.generator_loss(self.discriminator(fake.flatten(0, 1))[0], saturating)
        if weights["adversarial_local"]:
            rows, mask = losses.local_region(batch, self.config.local_region)
            if rows.any():
                score = self.discriminator_local((fake * mask)[rows].flatten(0, 1))[0]
                terms["adversarial_local"] = losses.generator_loss(score, saturating)
        return terms

    def _temporal(self, intensity: Tensor, outputs: Mapping[str, Tensor]) -> Tensor:
        numbers = torch.arange(intensity.numel(), device=intensity.device).view(intensity.shape)
        of = torch.cat([numbers, numbers], 1)[neighbours(intensity, self.config.increment)[1]]
        return losses.temporal_regulariser(outputs["images"].flatten(0, 1), outputs["nearby_images"], of)

    def _labels(self, clip: Clip) -> Tensor:
        """The intensity of every frame of a training clip, ``(T,)``."""
        if self.config.labels == "time":
            return torch.linspace(0, 1, len(clip))
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

    def _draw(self, codes: Sequence[Tensor]) -> Tensor:
        return codes[0].clamp(-1, 1) if self.in_pixels else self.decoder(codes)

    # Using a trained model ---------------------------------------------------------------------------------------

    @torch.inference_mode()
    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | None = None,
        fps: float = 12.0,
    ) -> Clip:
        """A clip of the face at the intensities asked for, each frame independent of all others (Eq. 2 and 7).

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled.
            expression: one of `expressions`; may be left out if there is one only.
            intensity: finite values >= 0, 0 neutral and 1 the peak, in any number and order; or one such curve an
                expression, all of one length: several above 0 mix expressions, one that falls while another rises
                transfers. Left out, 20 values from 0 to 1.
            driver: refused, for FAN reads no intensity off a clip.

        Returns:
            A `Clip` of ``config.size`` px with its intensity, (T,) or (T, n) for a mixture.

        Raises:
            ValueError: the face is no square picture, the expression is unknown, an intensity is empty, negative or
                not finite, or a driver was given. Warns above 1.
        """
        if driver is not None:
            raise ValueError(
                "FAN infers no intensity, so it cannot follow a driver. "
                "Give intensity=driver.intensity where that is known, or use AffineGAN."
            )
        only = self.expressions[0] if len(self.expressions) == 1 else None
        curves = animation.curves(intensity, expression or only)
        labels = [animation.label_of(name, self.expressions) for name in curves]

        def decoder_of(still: Tensor) -> Callable[[Tensor], Tensor]:
            directions = {label: self._residual(still, label) for label in labels}
            return animation.mixture(self._base(still), directions, self._draw)

        return animation.play(self, face, self.config.size, curves, decoder_of, fps)
