r"""AffineGAN itself, in the order of section 3: a sample of a clip, the frames drawn, the game, and its use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip
from i2vlib.papers import blocks, carried, coded, losses
from i2vlib.papers.affinegan import equations
from i2vlib.papers.affinegan.config import AffineGANConfig
from i2vlib.papers.affinegan.networks import IntensityDiscriminator, IntensityRegressor, ResidualEncoder
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, widths
from i2vlib.papers.playing import Inferring


class Batch(coded.Batch):
    """Training samples of B clips, n frames of each."""

    uniform: Tensor
    """``(B, n)``, draws of Unif(0, 1)."""


class AffineGAN(coded.Coded, Inferring):
    r"""AffineGAN, Eq. 12: a generator of two encoders and a decoder, and the three discriminators it plays against.

    .. math:: \min_{D_g, D_l, D_a} \max_G \sum_{t=1}^T
              \mathcal L_g + \mathcal L_l + \mathcal L_{r1} + \mathcal L_{r2} + \mathcal L_a

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    `discriminator_terms` is the minimum's side, `generator_terms` the maximum's, which it plays by minimising
    :math:`\log(1 - D)`; `fit` weighs them by ``config.weights``, adds them up and takes the sides in turn. The
    reconstructions are minimised as well, where the printed equation has them under the maximum.
    """

    Config = AffineGANConfig
    config: AffineGANConfig
    about = (
        "Takes a still of a face to any strength of an expression, at any length and in any order, and reads the "
        "strength off clips that nobody has labelled (Shen et al., 2019)."
    )

    def __init__(self, config: AffineGANConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder = Encoder(3, channels, config.norm)
        self.residual_encoder = ResidualEncoder(config)
        drawing = config.decoder_norm, config.smooth_upsampling, config.dropout, config.corrected_levels
        self.decoder = Decoder(channels, *drawing, config.drawing)
        self.outer = carried.Outer(config.outer_channels)
        self.regressor = IntensityRegressor(channels[-1]) if config.intensity_by == "mlp" else None
        self._read_levels = slice(-1, None) if config.intensity_from == "innermost" else slice(None)
        self._by_squared_norm = config.intensity_denominator == "squared"
        self._signed = config.signed_intensity or self.regressor is not None
        seen = 6 if config.conditional_discriminators else 3
        base, strides = config.base_channels, config.discriminator_strides
        self.discriminator = PatchDiscriminator(seen, base, strides, config.norm, len(config.expressions))
        self.discriminator_local = PatchDiscriminator(seen, base, strides, config.norm)
        self.discriminator_intensity = IntensityDiscriminator(config.frames_per_clip if config.joint_intensity else 1)

    def inherit(self, other: AffineGAN, **changed: Tensor) -> None:
        """Starts from another model's generator, which may know other expressions: those stay new."""
        first = "residual_encoder.encoder.levels.0.weight"
        if (known := other.expressions) != self.expressions:
            old, new = other.state_dict()[first], self.state_dict()[first].clone()
            new[:, :3] = old[:, :3]
            for column, name in enumerate(known if len(known) > 1 else ()):
                new[:, 3 + self.expressions.index(name)] = old[:, 3 + column]
            changed = {first: new, **changed}
        super().inherit(other, **changed)

    def kept_parameters(self) -> list[nn.Parameter]:
        """The generator's, and those of a D_g that was taught to name expressions: `named` asks it."""
        return [*self.generator_parameters(), *(self.discriminator.parameters() if self.names_expressions() else ())]

    def names_expressions(self) -> bool:
        """Says whether D_g was taught to, and the file that the model came from has not left it out."""
        taught = len(self.expressions) > 1 and self.config.weights["classification"] > 0
        return taught and "discriminator.classify.weight" not in self.untouched()

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: the neutral first frame and ``frames_per_clip`` others of the clip.

        Returns:
            The tensors of a `Batch`, without its first axis.

        Raises:
            ValueError: the clip has one frame only, another size, or an expression that the model does not know.
        """
        config = self.config
        index = samples.drawn(clip, config.frames_per_clip, 1, config.with_replacement, rng)
        known, _ = self.sample(clip, index, samples.change_of(clip, config.augment, rng, config.looks))
        return {**known, "uniform": torch.rand(config.frames_per_clip, generator=rng)}

    def encode(self, still: Tensor, label: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        r"""AffineGAN, Eq. 1: encodes what a still shows, and the direction in which its expression grows.

        .. math:: f_0 = E_0(I_0), \qquad f_\Delta = E_\Delta(I_0)

        Derived in the chapter *affinegan*, "A still, a direction and a distance".

        Args:
            still: ``(B, 3, H, W)`` in [-1, 1].
            label: ``(B,)``, the number of the expression, for a model that knows several (end of section 3.1).

        Returns:
            The two codes, each one ``(B, C, h, w)`` per level.
        """
        return self.encoder(still), self.residual_encoder(still, label)

    def decode(self, codes: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
        r"""AffineGAN, Eq. 3: decodes every code by itself, all of them in one pass.

        .. math:: \hat I_t = De(\hat f_t) = De\bigl(E_0(I_0) + a_t E_\Delta(I_0)\bigr)

        Derived in the chapter *affinegan*, "A still, a direction and a distance".

        Args:
            codes: by name, each one ``(N, C, h, w)`` per level; N may differ from name to name.

        Returns:
            By the same names, pictures ``(N, 3, H, W)`` in [-1, 1]; of carried drawing the last level's numbers
            ``(N, 7, H, W)``, not yet bounded.
        """
        levels, sigma = blocks.joined(codes), self.config.latent_noise
        if sigma and self.training:
            levels = [level + sigma * torch.randn_like(level) for level in levels]
        return blocks.parted(self.decoder.unbounded(levels) if self.carries else self.decoder(levels), codes)

    def outputs(self, batch: Batch) -> dict[str, Tensor]:
        r"""AffineGAN, Eq. 6: draws real frames again, of the still and of the one number that was read off each.

        .. math:: \hat I_t = De\bigl(E_0(I_0) + p(I_0, I_t)\, E_\Delta(I_0)\bigr)

        Derived in the chapter *affinegan*, "Two games and two reconstructions".

        What the losses say of the frames reaches both encoders through p as well, unless ``detach_intensity`` stops it.

        Returns:
            images ``(B, n, 3, H, W)``, the frames drawn again; where the config asks, self_images, the frames out of
            their own codes, and neutral_images ``(B, 3, H, W)``; intensity and its signed projection ``(B, n)``; for
            carried drawing also the maps of `carried.drawn_step`.
        """
        config, real = self.config, batch["frames"]
        still, direction = self.encode(batch["neutral"], batch["label"])  # Eq. 1
        frames = self.encoder(real.flatten(0, 1))
        signed = self._read(frames, still, direction)  # Eq. 4
        a = self._intensity(signed)  # Eq. 5
        codes = {"images": equations.affine(still, direction, a.detach() if config.detach_intensity else a)}  # Eq. 2
        if config.weights["reconstruction_self"]:
            codes["self_images"] = frames  # of Eq. 10
        if config.include_neutral or self.carries:
            codes["neutral_images"] = still
        drawn = self.frames_of(self.decode(codes), batch)  # Eq. 3
        return {**drawn, "intensity": a, "projection": signed}

    def discriminator_terms(self, batch: Batch, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise; the global one also names the expression of real frames (section 3.1)."""
        real, made = batch["frames"], outputs["images"].detach()
        of_real = cache(lambda: self._judged(batch, real))
        return self.weighed(
            adversarial=lambda: equations.adversarial(real=of_real()[0], made=self._judged(batch, made)[0]),
            classification=lambda: self._classification(of_real()[1], batch, outputs),
            adversarial_local=lambda: self.judged_locally(equations.adversarial_local, batch, real, made),
            adversarial_intensity=lambda: equations.adversarial_intensity(
                uniform=self.discriminator_intensity(batch["uniform"]),
                inferred=self.discriminator_intensity(outputs["intensity"].detach()),
            ),
        )

    def generator_terms(self, batch: Batch, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What E_0, E_Delta and De minimise: the reconstructions, and their side of each game."""
        made, real, still = outputs["images"], batch["frames"], batch["neutral"]
        fooled = partial(losses.generator_loss, saturating=self.config.saturating)
        of_made = cache(lambda: self._judged(batch, made))

        return self.weighed(
            reconstruction=lambda: self.compared(equations.reconstruction, batch, outputs),
            reconstruction_self=lambda: equations.reconstruction_self(real, outputs["self_images"]),
            reconstruction_moving=lambda: losses.masked_l1(made, real, regions.moving(real, still)),
            adversarial=lambda: fooled(of_made()[0]),
            classification=lambda: self._classification(of_made()[1], batch, outputs),
            adversarial_local=lambda: self.judged_locally(fooled, batch, made),
            adversarial_intensity=lambda: fooled(self.discriminator_intensity(outputs["intensity"])),
            **carried.terms(batch, outputs, still),
        )

    def _read(self, codes: list[Tensor], still: list[Tensor], direction: list[Tensor]) -> Tensor:
        """The signed intensity of frames; a plain MLP says what it likes."""
        if self.regressor is not None:
            return self.regressor(codes[-1], still[-1], direction[-1])
        read = self._read_levels
        return equations.projected(codes[read], still[read], direction[read], self._by_squared_norm)

    def _intensity(self, signed: Tensor) -> Tensor:
        return signed if self._signed else equations.intensity(signed)

    def shown(self, batch: Batch, images: Tensor) -> Tensor:
        """Frames ``(B, n, 3, H, W)`` as an image discriminator sees them: alone, or beside the still."""
        if not self.config.conditional_discriminators:
            return images
        return torch.cat([batch["neutral"].unsqueeze(1).expand_as(images), images], 2)

    def _judged(self, batch: Batch, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """What D_g says of frames: logits of real against made, and of the expression."""
        return self.discriminator(self.shown(batch, images).flatten(0, 1))

    def _classification(self, logits: Tensor | None, batch: Batch, outputs: Mapping[str, Tensor]) -> Tensor | None:
        """Cross entropy of the expression, each frame weighted by its intensity: a neutral frame shows none."""
        if logits is None:  # of a model of one expression
            return None
        weight = outputs["intensity"].detach().clamp(0, 1).flatten()
        labels = batch["label"].repeat_interleave(self.config.frames_per_clip)
        return (F.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum().clamp_min(1e-6)

    # Without PyTorch --------------------------------------------------------------------------------------------

    def encoded(self, still: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """All that frames of a still ``(1, 3, H, W)`` share (`i2vlib.export.Exportable`)."""
        labels = torch.arange(len(self.expressions), device=still.device)
        return self.encoder(still), self.residual_encoder(still.expand(len(labels), -1, -1, -1), labels)

    # Using a trained model ---------------------------------------------------------------------------------------

    def directions(self, still: Tensor, labels: Sequence[int]) -> tuple[list[Tensor], dict[int, list[Tensor]]]:
        return self.encoder(still), {n: self.residual_encoder(still, still.new_tensor([n]).long()) for n in labels}

    moved = staticmethod(animation.mixture)

    @torch.inference_mode()
    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Reads Eq. 5 off frames, ``float32 (T,)``, unclipped; arguments as of `Inferring`."""
        return self._intensity(torch.from_numpy(self.infer_projection(frames, neutral, expression))).numpy()

    @torch.inference_mode()
    def infer_projection(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Reads Eq. 4 off frames, ``float32 (T,)``: negative for a mirrored solution; arguments as of `Inferring`."""
        label = self._label(expression)
        with animation.evaluating(self):
            still = self.tensors([neutral])
            base, residual = self.encoder(still), self.residual_encoder(still, label)
            read = lambda images: self._read(self.encoder(images), base, residual)[0]  # noqa: E731
            return animation.in_batches(read, self.tensors(frames)).float().cpu().numpy()

    def _label(self, expression: str | None) -> Tensor:
        label = animation.label_of(expression, self.expressions)
        return torch.tensor([label], device=next(self.parameters()).device)

    @torch.inference_mode()
    def named(self, frames: np.ndarray, neutral: np.ndarray) -> list[str]:
        """Names the expression that D_g takes each frame for, as the classification loss taught it (section 3.1).

        ``frames`` are ``uint8 (T, H, W, 3)``, aligned as the neutral one, ``uint8 (H, W, 3)``. Raises `ValueError` for
        a model that was not taught to tell its expressions apart, or whose file left D_g out.
        """
        if not self.names_expressions():
            raise ValueError(
                f"This model's D_g cannot name the expressions {self.expressions}: that takes two or more, a weight "
                "for 'classification', and D_g as it was trained, which the model's file may have left out."
            )
        with animation.evaluating(self):
            _, classes = self._judged({"neutral": self.tensors([neutral])}, self.tensors(frames)[None])
        return [self.expressions[label] for label in classes.argmax(1).tolist()]

    def sensitivity(
        self, face: np.ndarray, expression: str | None = None, intensity: float = 1.0, probes: int = 8
    ) -> tuple[np.ndarray, np.ndarray]:
        """Measures how much each pixel of a still sways its frame, through E_0 and through E_Delta (Fig. 7c).

        The paper draws "the gradients of the input layers", without saying of what; here they are those of the whole
        frame (`i2vlib.animation.sensitivity`). Arguments as of `animate`; two maps ``float32 (H, W)``.
        """
        label = self._label(expression)

        def draw(known: Tensor, direction: Tensor) -> Tensor:
            code, residual = self.encoder(known), self.residual_encoder(direction, label)
            rest = self.rest(code, known)
            drawn = self.drawn(equations.affine(code, residual, known.new_tensor([[intensity]])), *rest)
            return carried.composed_frames(known, drawn) if rest else drawn

        still = self.tensors([face])
        with animation.evaluating(self):
            base, residual = animation.sensitivity(draw, [still, still], probes)
        return base, residual
