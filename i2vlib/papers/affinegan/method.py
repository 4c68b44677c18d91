r"""AffineGAN: facial image-to-video translation by a hidden affine transformation (Shen et al., 2019).

.. math:: \hat I_t = De\bigl(E_0(I_0) + p(I_0, I_t)\, E_\Delta(I_0)\bigr) \qquad (6)

A still :math:`I_0` is encoded twice: as what it is, :math:`f_0`, and as the direction in which its expression
grows, :math:`f_\Delta`. A frame is decoded from :math:`f_0 + a f_\Delta`, and the intensity :math:`a` of a real
frame is read off by projecting its own code on that direction, so nobody has to label it.
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
from i2vlib.clips import Clip, to_tensor
from i2vlib.expressions import TABLE
from i2vlib.papers import losses
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, ScaledEncoder, affine, widths
from i2vlib.papers.method import Config, Method, checked_expressions

#: The paper's weights of Eq. 12 (section 4); `reconstruction_moving` and `classification` are not in it.
PAPER_WEIGHTS = {
    "adversarial": 1.0,
    "adversarial_local": 1.0,
    "reconstruction": 100.0,
    "reconstruction_self": 10.0,
    "adversarial_intensity": 100.0,
    "reconstruction_moving": 0.0,
    "classification": 0.0,
}


@dataclass(frozen=True)
class AffineGANConfig(Config):
    """Everything that decides what AffineGAN is and how it learns. `paper` and `released_code` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = PAPER_WEIGHTS

    size: int = 256
    """Height and width in pixels, a power of two; the U-Nets have log2(size) levels."""
    expressions: tuple[str, ...] = ("happy",)
    """One model may know several: the label is then laid beside the still that E_Delta sees (section 3.1)."""
    base_channels: int = 64
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels."""
    norm: Literal["instance", "batch", "none"] = "instance"
    decoder_norm: Literal["instance", "batch", "none"] = "instance"
    """Instance normalisation takes away a map's mean and scale, and decoders learn to smuggle them past it as bright
    blobs; the small preset decodes without."""
    smooth_upsampling: bool = False
    """Up-convolutions that cannot draw a grid (`i2vlib.papers.blocks.UpConv`)."""
    local_region: Literal["mouth", "moving"] = "mouth"
    """What D_l sees of a frame: the mouth (Eq. 8; nothing for expressions of the eyes), or all that moves."""
    corrected_levels: int = 0
    """Outermost decoder levels that may take away what the still's own code shows (`i2vlib.papers.blocks.Decoder`)."""
    dropout: float = 0.0
    """In three decoder levels. The released code uses 0.5, and keeps it on while generating unless asked."""
    residual_scale: float | None = None
    """Where given, a learned factor on each channel of f_Delta that starts here; the paper has none."""
    discriminator_strides: tuple[int, ...] = (2, 2, 1)
    """Of the image discriminators' convolutions: three in the paper's text, the 70x70 PatchGAN in the released code."""
    intensity_from: Literal["innermost", "hierarchy"] = "hierarchy"
    """The code that Eq. 5 projects: the 1 x 1 one, or all levels laid end to end. Eq. 2 moves every level that
    the decoder reads, so Propositions 1 and 2 hold for the whole; the released code projects the innermost."""
    intensity_denominator: Literal["squared", "norm"] = "squared"
    """Eq. 5 divides by the squared norm of f_Delta; the released code by the norm, which breaks Proposition 1."""
    intensity_by: Literal["projection", "mlp"] = "projection"
    """Eq. 5, or a plain MLP that is shown f_0, f_t and f_Delta (section 4.2)."""
    signed_intensity: bool = False
    """Leave out the absolute value of Eq. 5."""
    detach_intensity: bool = False
    """Let no image loss reach the encoders through the intensity, as the released code."""
    latent_noise: float = 0.0
    """Standard deviation of Gaussian noise on every level's code while training (released code: 0.01)."""
    conditional_discriminators: bool = False
    """Show the image discriminators the still beside the frame, as the released code."""
    joint_intensity: bool = False
    """D_a judges all intensities of a clip at once (released code) instead of one by one (Eq. 11)."""
    saturating: bool = True
    """The minimax game of Eq. 12; otherwise the non-saturating form of the released code."""
    with_replacement: bool = False
    """Draw a clip's frames with replacement, as the released code."""
    include_neutral: bool = False
    """Also decode the still itself at intensity 0 and ask for the still back."""
    frames_per_clip: int = 5
    clips_per_step: int = 1
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
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

    @classmethod
    def presets(cls) -> dict[str, Callable[..., AffineGANConfig]]:
        return {"paper": cls.paper, "released_code": cls.released_code, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> AffineGANConfig:
        """The paper's text (section 4): 256 px, eight levels, weights 1, 1, 100, 10, 100."""
        return replace(cls(), **changes)

    @classmethod
    def released_code(cls, **changes: object) -> AffineGANConfig:
        """The authors' released code, where it differs from the paper in the mathematics of a step."""
        released = cls(
            dropout=0.5, discriminator_strides=(2, 2, 2, 1, 1), intensity_from="innermost",
            intensity_denominator="norm", detach_intensity=True,
            latent_noise=0.01, conditional_discriminators=True, joint_intensity=True,
            saturating=False, with_replacement=True, decay=100 / 10_100,
            weights={**PAPER_WEIGHTS, "adversarial_intensity": 20.0},
        )  # fmt: skip
        return replace(released, **changes)

    @classmethod
    def small(cls, **changes: object) -> AffineGANConfig:
        """What two cores can train: 128 px, 32 channels, reconstruction on the moving region as well."""
        small = cls(
            size=128, base_channels=32, channel_cap=4, smooth_upsampling=True, decoder_norm="none", residual_scale=0.1,
            corrected_levels=3, local_region="moving", discriminator_strides=(2, 2, 2, 1), intensity_from="innermost",
            saturating=False, include_neutral=True, frames_per_clip=2, clips_per_step=4, learning_rate=5e-4, decay=0.3,
            weights={"reconstruction": 1.0, "reconstruction_self": 0.3, "reconstruction_moving": 0.3,
                     "adversarial_intensity": 0.02},
        )  # fmt: skip
        return replace(small, **changes)


def projection(
    frames: Sequence[Tensor],
    base: Sequence[Tensor],
    residual: Sequence[Tensor],
    *,
    squared: bool = True,
    epsilon: float = 1e-8,
) -> Tensor:
    r"""How far along :math:`f_\Delta` each frame's code has moved (Eq. 4; Propositions 1 and 2).

    .. math:: a_t = \frac{(f_t - f_0)^\top f_\Delta}{f_\Delta^\top f_\Delta + \epsilon}

    The inner products run over every level given, so one level gives the innermost code's intensity and all of
    them the whole hierarchy's.

    Args:
        frames: one ``(B * n, C, h, w)`` a level; ``base`` and ``residual``: one ``(B, C, h, w)`` a level.
        squared: divide by the squared norm, as printed; otherwise by the norm, as the released code does.

    Returns:
        ``(B, n)``, signed; Eq. 5 takes the absolute value.
    """
    clips = base[0].shape[0]
    along, length = 0.0, 0.0
    for ft, f0, fd in zip(frames, base, residual, strict=True):
        ft, f0, fd = ft.float(), f0.float(), fd.float()
        moved = ft.unflatten(0, (clips, -1)) - f0.unsqueeze(1)
        along = along + (moved * fd.unsqueeze(1)).flatten(2).sum(2)
        length = length + fd.square().flatten(1).sum(1, keepdim=True)
    return along / ((length if squared else length.sqrt()) + epsilon)


class ResidualEncoder(ScaledEncoder):
    """E_Delta: the still, and the label of the expression where the model knows several, to f_Delta (Eq. 1)."""

    def __init__(self, config: AffineGANConfig) -> None:
        channels = widths(config.size, config.base_channels, config.channel_cap)
        labels = len(config.expressions) if len(config.expressions) > 1 else 0
        super().__init__(3 + labels, channels, config.norm, config.residual_scale)
        self.labels = labels

    def forward(self, neutral: Tensor, label: Tensor) -> list[Tensor]:
        if self.labels:
            planes = F.one_hot(label, self.labels).to(neutral.dtype)[:, :, None, None]
            neutral = torch.cat([neutral, planes.expand(-1, -1, *neutral.shape[2:])], 1)
        return super().forward(neutral)


class IntensityDiscriminator(nn.Module):
    """D_a, a three-layer perceptron (section 4): are these intensities, or draws from Unif(0, 1)? (Eq. 11)"""

    def __init__(self, inputs: int, hidden: int = 16) -> None:
        super().__init__()
        self.inputs = inputs
        first = nn.Linear(inputs, hidden), nn.LeakyReLU(0.2)
        self.layers = nn.Sequential(*first, nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, intensity: Tensor) -> Tensor:
        """``(B, n)`` to logits, one an intensity or one a clip."""
        return self.layers(intensity.reshape(-1, self.inputs))


class IntensityRegressor(nn.Module):
    """The plain MLP that section 4.2 puts in the place of Eq. 5: the innermost f_0, f_t and f_Delta to a number."""

    def __init__(self, channels: int, hidden: int = 64) -> None:
        super().__init__()
        first = nn.Linear(3 * channels, hidden), nn.LeakyReLU(0.2)
        self.layers = nn.Sequential(*first, nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, frames: Tensor, base: Tensor, residual: Tensor) -> Tensor:
        """Codes ``(B * n, C, 1, 1)``, ``(B, C, 1, 1)`` and ``(B, C, 1, 1)`` to ``(B, n)``, of any sign."""
        shown = frames.flatten(1).unflatten(0, (len(base), -1))
        still = torch.cat([base, residual], 1).flatten(1).unsqueeze(1).expand(-1, shown.shape[1], -1)
        return self.layers(torch.cat([shown, still], 2)).squeeze(2)


class AffineGAN(nn.Module, Method):
    """The method: networks, the terms of one training step, and `animate`."""

    Config = AffineGANConfig
    infers = True

    def __init__(self, config: AffineGANConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = Encoder(3, channels, config.norm)
        self.residual_encoder = ResidualEncoder(config)
        drawing = config.decoder_norm, config.smooth_upsampling, config.dropout, config.corrected_levels
        self.decoder = Decoder(channels, *drawing)
        self.regressor = IntensityRegressor(channels[-1]) if config.intensity_by == "mlp" else None
        seen = 6 if config.conditional_discriminators else 3
        base, strides = config.base_channels, config.discriminator_strides
        self.discriminator = PatchDiscriminator(seen, base, strides, config.norm, len(config.expressions))
        self.discriminator_local = PatchDiscriminator(seen, base, strides, config.norm)
        self.discriminator_intensity = IntensityDiscriminator(config.frames_per_clip if config.joint_intensity else 1)

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    def inherit(self, other: AffineGAN) -> None:
        """Starts from another model's generator, of the same sizes; discriminators, and new expressions, stay new."""
        state = {k: v for k, v in other.state_dict().items() if not k.startswith("discriminator")}
        known, first = other.expressions, "residual_encoder.encoder.levels.0.weight"
        if known != self.expressions:
            old, state[first] = state[first], self.state_dict()[first].clone()
            state[first][:, :3] = old[:, :3]
            for column, name in enumerate(known if len(known) > 1 else ()):
                state[first][:, 3 + self.expressions.index(name)] = old[:, 3 + column]
        self.load_state_dict({**self.state_dict(), **state})

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: the neutral first frame and ``frames_per_clip`` others of the clip.

        Returns:
            neutral ``(3, H, W)`` and frames ``(n, 3, H, W)`` in [-1, 1], mask ``(n, 1, H, W)`` of the mouth, local
            () whether the mask counts, label (), uniform ``(n,)`` draws of Unif(0, 1).

        Raises:
            ValueError: the clip has one frame only, another size, or an expression that the model does not know.
        """
        config = self.config
        label = self._label(clip.expression)
        shown = [0, *samples.drawn(clip, config.frames_per_clip, 1, config.with_replacement, rng)]
        frames, mouths, _ = samples.training_frames(clip, shown, config.size, config.augment, rng)
        mask = torch.zeros_like(frames[:, :1]) if mouths is None else mouths
        local = mouths is not None and not TABLE[self.expressions[label]].still_mouth
        known = {"local": torch.tensor(local), "label": torch.tensor(label)}
        uniform = torch.rand(config.frames_per_clip, generator=rng)
        return {"neutral": frames[0], "frames": frames[1:], "mask": mask[1:], "uniform": uniform, **known}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Everything the generator makes of a batch, once a step.

        Returns:
            images ``(B, n, 3, H, W)`` of Eq. 6; self_images of Eq. 10; neutral_images ``(B, 3, H, W)`` where the
            config asks; intensity and its signed projection ``(B, n)``.
        """
        neutral, frames = batch["neutral"], batch["frames"]
        base = self.encoder(neutral)
        residual = self.residual_encoder(neutral, batch["label"])
        codes = self.encoder(frames.flatten(0, 1))
        signed = self._project(codes, base, residual)
        intensity = self._intensity(signed)
        wanted = {"images": affine(base, residual, intensity.detach() if self.config.detach_intensity else intensity)}
        if self.config.weights["reconstruction_self"]:
            wanted["self_images"] = codes
        if self.config.include_neutral:
            wanted["neutral_images"] = base
        decoded = self.decoder([self._noisy(torch.cat(level)) for level in zip(*wanted.values(), strict=True)])
        made = dict(zip(wanted, decoded.split([len(code[0]) for code in wanted.values()]), strict=True))
        by_clip = {name: x if name == "neutral_images" else x.view(frames.shape) for name, x in made.items()}
        return {**by_clip, "intensity": intensity, "projection": signed}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise: Eq. 7, 8 and 11, and the classification of real frames."""
        weights, terms, fake = self.config.weights, {}, outputs["images"].detach()
        if weights["adversarial"]:
            real_score, real_class = self.discriminator(self._seen(batch, batch["frames"]))
            terms["adversarial"] = losses.discriminator_loss(real_score, self.discriminator(self._seen(batch, fake))[0])
            if weights["classification"] and real_class is not None:
                terms["classification"] = self._classification(real_class, batch, outputs)
        if weights["adversarial_local"]:
            rows, mask = losses.local_region(batch, self.config.local_region)
            if rows.any():
                shown = (self._seen(batch, images * mask, rows) for images in (batch["frames"], fake))
                terms["adversarial_local"] = losses.discriminator_loss(*(self.discriminator_local(x)[0] for x in shown))
        if weights["adversarial_intensity"]:
            judge, inferred = self.discriminator_intensity, outputs["intensity"].detach()
            terms["adversarial_intensity"] = losses.discriminator_loss(judge(batch["uniform"]), judge(inferred))
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What E_0, E_Delta and De minimise: Eq. 7 to 11, unweighted, and what the config adds to them."""
        weights, terms = self.config.weights, {}
        saturating, fake, real = self.config.saturating, outputs["images"], batch["frames"]
        terms["reconstruction"] = F.l1_loss(fake, real)
        if self.config.include_neutral:
            terms["reconstruction"] = terms["reconstruction"] + F.l1_loss(outputs["neutral_images"], batch["neutral"])
        if weights["reconstruction_self"]:
            terms["reconstruction_self"] = F.l1_loss(outputs["self_images"], real)
        if weights["reconstruction_moving"]:
            region = regions.moving(real, batch["neutral"])
            terms["reconstruction_moving"] = losses.masked_l1(fake, real, region)
        if weights["adversarial"]:
            score, classes = self.discriminator(self._seen(batch, fake))
            terms["adversarial"] = losses.generator_loss(score, saturating)
            if weights["classification"] and classes is not None:
                terms["classification"] = self._classification(classes, batch, outputs)
        if weights["adversarial_local"]:
            rows, mask = losses.local_region(batch, self.config.local_region)
            if rows.any():
                score = self.discriminator_local(self._seen(batch, fake * mask, rows))[0]
                terms["adversarial_local"] = losses.generator_loss(score, saturating)
        if weights["adversarial_intensity"]:
            score = self.discriminator_intensity(outputs["intensity"])
            terms["adversarial_intensity"] = losses.generator_loss(score, saturating)
        return terms

    def _project(self, codes: list[Tensor], base: list[Tensor], residual: list[Tensor]) -> Tensor:
        if self.regressor is not None:
            return self.regressor(codes[-1], base[-1], residual[-1])
        levels = slice(-1, None) if self.config.intensity_from == "innermost" else slice(None)
        squared = self.config.intensity_denominator == "squared"
        return projection(codes[levels], base[levels], residual[levels], squared=squared)

    def _intensity(self, signed: Tensor) -> Tensor:
        """Eq. 5 takes the absolute value; a plain MLP has none."""
        return signed if self.config.signed_intensity or self.regressor is not None else signed.abs()

    def _noisy(self, code: Tensor) -> Tensor:
        sigma = self.config.latent_noise
        return code + sigma * torch.randn_like(code) if sigma and self.training else code

    def _seen(self, batch: Mapping[str, Tensor], images: Tensor, rows: Tensor | None = None) -> Tensor:
        """Frames as a discriminator sees them, ``(B * n, 3 or 6, H, W)``; ``rows`` picks clips."""
        if self.config.conditional_discriminators:
            images = torch.cat([batch["neutral"].unsqueeze(1).expand_as(images), images], 2)
        return (images if rows is None else images[rows]).flatten(0, 1)

    def _classification(self, logits: Tensor, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Tensor:
        """Cross entropy of the expression, each frame weighted by its intensity: a neutral frame shows none."""
        weight = outputs["intensity"].detach().clamp(0, 1).flatten()
        labels = batch["label"].repeat_interleave(self.config.frames_per_clip)
        return (F.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum().clamp_min(1e-6)

    # Using a trained model ---------------------------------------------------------------------------------------

    def _label(self, expression: str | None) -> int:
        return animation.label_of(expression, self.expressions)

    @torch.inference_mode()
    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | None = None,
        fps: float = 12.0,
    ) -> Clip:
        """A clip of the face at the intensities asked for, each frame independent of all others (Eq. 3).

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled.
            expression: one of `expressions`; may be left out if there is one only.
            intensity: finite, >= 0, 0 neutral and 1 the peak, in any number and order; or one such curve an
                expression, all of one length, whose steps are added; left out, 20 values from 0 to 1.
            driver: a clip whose inferred intensity is used instead.

        Returns:
            A `Clip` of ``config.size`` px with its intensity, (T,) or (T, n) for a mixture.

        Raises:
            ValueError: the face is no square picture, the expression is unknown, or an intensity is empty, negative
                or not finite. Warns above 1.
        """
        if driver is not None:
            if intensity is not None:
                raise ValueError("Both driver= and intensity= were given; each sets the intensity: give one of them.")
            expression = expression or (driver.expression if driver.expression in self.expressions else None)
            intensity = self.infer_intensity(driver.frames, driver.frames[0], expression)
        only = self.expressions[0] if len(self.expressions) == 1 else None
        curves = animation.curves(intensity, expression or only)
        labels = [self._label(name) for name in curves]

        def decoder_of(still: Tensor) -> Callable[[Tensor], Tensor]:
            directions = {n: self.residual_encoder(still, still.new_tensor([n]).long()) for n in labels}
            return animation.mixture(self.encoder(still), directions, self.decoder)

        return animation.play(self, face, self.config.size, curves, decoder_of, fps)

    @torch.inference_mode()
    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """The intensity of real frames, ``float32 (T,)``, unclipped (Eq. 5).

        ``frames`` are ``uint8 (T, H, W, 3)``, aligned as the neutral one, ``uint8 (H, W, 3)``; the expression may be
        left out if the model has one.
        """
        return self._intensity(torch.from_numpy(self.infer_projection(frames, neutral, expression))).numpy()

    @torch.inference_mode()
    def infer_projection(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Eq. 4, before the absolute value of Eq. 5: ``float32 (T,)``, negative for a mirrored solution."""
        size, device = self.config.size, next(self.parameters()).device
        label = torch.tensor([self._label(expression)], device=device)
        with animation.evaluating(self):
            still = to_tensor(animation.fit_to(neutral, size))[None].to(device)
            base, residual = self.encoder(still), self.residual_encoder(still, label)
            images = to_tensor(np.stack([animation.fit_to(frame, size) for frame in frames])).to(device)
            signed = animation.in_batches(lambda x: self._project(self.encoder(x), base, residual)[0], images)
        return signed.float().cpu().numpy()

    def sensitivity(
        self, face: np.ndarray, expression: str | None = None, intensity: float = 1.0, probes: int = 8
    ) -> tuple[np.ndarray, np.ndarray]:
        """How much each pixel of a still sways the frame made of it, through E_0 and through E_Delta (Fig. 7c).

        The paper draws "the gradients of the input layers", without saying of what; here they are those of the whole
        frame (`i2vlib.animation.sensitivity`). Arguments as of `animate`; two maps ``float32 (H, W)``.
        """
        device = next(self.parameters()).device
        label = torch.tensor([self._label(expression)], device=device)

        def draw(known: Tensor, direction: Tensor) -> Tensor:
            residual = self.residual_encoder(direction, label)
            return self.decoder(affine(self.encoder(known), residual, known.new_tensor([[intensity]])))

        still = to_tensor(animation.fit_to(face, self.config.size))[None].to(device)
        with animation.evaluating(self):
            base, residual = animation.sensitivity(draw, [still, still], probes)
        return base, residual
