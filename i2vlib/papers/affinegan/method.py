r"""AffineGAN itself, in the order of section 3: a sample out of a clip, what is made of it, the game, and its use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, datasets, export, faces, regions, samples
from i2vlib.clips import Clip, to_tensor
from i2vlib.expressions import TABLE
from i2vlib.papers import blocks, losses
from i2vlib.papers.affinegan import equations
from i2vlib.papers.affinegan.config import AffineGANConfig
from i2vlib.papers.affinegan.networks import IntensityDiscriminator, IntensityRegressor, ResidualEncoder
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, widths
from i2vlib.papers.method import Trainable


class AffineGAN(nn.Module, Trainable):
    r"""AffineGAN, Eq. 12: a generator of two encoders and a decoder, and the three discriminators it plays against.

    .. math:: \min_{D_g, D_l, D_a} \max_G \sum_{t=1}^T
              \mathcal L_g + \mathcal L_l + \mathcal L_{r1} + \mathcal L_{r2} + \mathcal L_a

    Derived in the chapter *affinegan*, "Two games and two reconstructions".

    `discriminator_terms` is the minimum's side, `generator_terms` the maximum's, which it plays by minimising
    :math:`\log(1 - D)`; `fit` weighs them by ``config.weights``, adds them up and takes the sides in turn. The
    reconstructions are minimised as well, where the printed equation has them under the maximum.
    """

    Config = AffineGANConfig
    infers = True
    exportable = True
    about = (
        "Takes a still of a face to any strength of an expression, at any length and in any order, and reads the "
        "strength off clips that nobody has labelled (Shen et al., 2019)."
    )
    limits = (
        "Frontal faces, cropped by align_face; the head stays where it is. What a closed mouth hides, such as "
        "teeth, is a guess. What it makes is synthetic; say so where you show it."
    )

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

    def kept_parameters(self) -> list[nn.Parameter]:
        """The generator's, and those of a D_g that was taught to name expressions: `named` asks it."""
        judge = self.discriminator.parameters() if self._names_expressions else ()
        return [*self.generator_parameters(), *judge]

    @property
    def _names_expressions(self) -> bool:
        return len(self.expressions) > 1 and self.config.weights["classification"] > 0

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
        frames, mouths, _ = samples.training_frames(clip, shown, config.size, config.augment, rng, config.looks)
        mask = torch.zeros_like(frames[:, :1]) if mouths is None else mouths
        local = mouths is not None and not TABLE[self.expressions[label]].still_mouth
        known = {"local": torch.tensor(local), "label": torch.tensor(label)}
        uniform = torch.rand(config.frames_per_clip, generator=rng)
        return {"neutral": frames[0], "frames": frames[1:], "mask": mask[1:], "uniform": uniform, **known}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Everything the generator makes of a batch, once a step.

        Returns:
            images ``(B, n, 3, H, W)``, the frames drawn again; where the config asks, self_images, the frames out of
            their own codes, and neutral_images ``(B, 3, H, W)``; intensity and its signed projection ``(B, n)``.
        """
        config, real = self.config, batch["frames"]
        still, direction = equations.codes(self.encoder, self.residual_encoder, batch["neutral"], batch["label"])
        codes = self.encoder(real.flatten(0, 1))
        signed = self._read(codes, still, direction)
        intensity = self._intensity(signed)
        beside = {"self_images": codes} if config.weights["reconstruction_self"] else {}
        beside |= {"neutral_images": still} if config.include_neutral else {}

        def decoder(code: list[Tensor]) -> dict[str, Tensor]:
            drawn = {"images": code, **beside}
            return blocks.parted(self.decoder([self._noisy(level) for level in blocks.joined(drawn)]), drawn)

        made = equations.redrawn(decoder, still, direction, intensity, config.detach_intensity)
        by_clip = {name: x if name == "neutral_images" else x.view(real.shape) for name, x in made.items()}
        return {**by_clip, "intensity": intensity, "projection": signed}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise; the global one also names the expression of real frames (section 3.1)."""
        weights, terms = self.config.weights, {}
        real, made = batch["frames"], outputs["images"].detach()
        if weights["adversarial"] or weights["classification"]:
            of_real, classes = self._judged(batch, real)
            if weights["adversarial"]:
                terms["adversarial"] = equations.adversarial(real=of_real, made=self._judged(batch, made)[0])
            if weights["classification"] and classes is not None:
                terms["classification"] = self._classification(classes, batch, outputs)
        if weights["adversarial_local"]:
            rows, mask = blocks.local_region(batch, self.config.local_region)
            if rows.any():
                judge = self._local_judge(batch, rows)
                terms["adversarial_local"] = equations.adversarial_local(judge, real=real, made=made, mask=mask)
        if weights["adversarial_intensity"]:
            judge, inferred = self.discriminator_intensity, outputs["intensity"].detach()
            terms["adversarial_intensity"] = equations.adversarial_intensity(judge, batch["uniform"], inferred)
        return terms

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What E_0, E_Delta and De minimise: the reconstructions, and their side of each game."""
        weights, terms = self.config.weights, {}
        saturating, made, real = self.config.saturating, outputs["images"], batch["frames"]
        terms["reconstruction"] = equations.reconstruction(real, made)
        if self.config.include_neutral:
            again = equations.reconstruction(batch["neutral"], outputs["neutral_images"])
            terms["reconstruction"] = terms["reconstruction"] + again
        if weights["reconstruction_self"]:
            terms["reconstruction_self"] = equations.reconstruction_self(real, outputs["self_images"])
        if weights["reconstruction_moving"]:
            terms["reconstruction_moving"] = losses.masked_l1(made, real, regions.moving(real, batch["neutral"]))
        if weights["adversarial"] or weights["classification"]:
            score, classes = self._judged(batch, made)
            if weights["adversarial"]:
                terms["adversarial"] = losses.generator_loss(score, saturating)
            if weights["classification"] and classes is not None:
                terms["classification"] = self._classification(classes, batch, outputs)
        if weights["adversarial_local"]:
            rows, mask = blocks.local_region(batch, self.config.local_region)
            if rows.any():
                score = self._local_judge(batch, rows)(made * mask)
                terms["adversarial_local"] = losses.generator_loss(score, saturating)
        if weights["adversarial_intensity"]:
            score = self.discriminator_intensity(outputs["intensity"])
            terms["adversarial_intensity"] = losses.generator_loss(score, saturating)
        return terms

    def _read(self, codes: list[Tensor], still: list[Tensor], direction: list[Tensor]) -> Tensor:
        """The signed intensity of frames; a plain MLP says what it likes."""
        if self.regressor is not None:
            return self.regressor(codes[-1], still[-1], direction[-1])
        levels = slice(-1, None) if self.config.intensity_from == "innermost" else slice(None)
        squared = self.config.intensity_denominator == "squared"
        return equations.projected(codes[levels], still[levels], direction[levels], squared)

    def _intensity(self, signed: Tensor) -> Tensor:
        plain = self.config.signed_intensity or self.regressor is not None
        return signed if plain else equations.intensity(signed)

    def _noisy(self, code: Tensor) -> Tensor:
        sigma = self.config.latent_noise
        return code + sigma * torch.randn_like(code) if sigma and self.training else code

    def _seen(self, batch: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """Frames ``(B, n, 3, H, W)`` as an image discriminator sees them: alone, or beside the still."""
        if not self.config.conditional_discriminators:
            return images
        return torch.cat([batch["neutral"].unsqueeze(1).expand_as(images), images], 2)

    def _judged(self, batch: Mapping[str, Tensor], images: Tensor) -> tuple[Tensor, Tensor | None]:
        """What D_g says of frames: logits of real against made, and of the expression."""
        return self.discriminator(self._seen(batch, images).flatten(0, 1))

    def _local_judge(self, batch: Mapping[str, Tensor], rows: Tensor) -> Callable[[Tensor], Tensor]:
        """D_l, asked about some of the clips only."""
        return lambda images: self.discriminator_local(self._seen(batch, images)[rows].flatten(0, 1))[0]

    def _classification(self, logits: Tensor, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Tensor:
        """Cross entropy of the expression, each frame weighted by its intensity: a neutral frame shows none."""
        weight = outputs["intensity"].detach().clamp(0, 1).flatten()
        labels = batch["label"].repeat_interleave(self.config.frames_per_clip)
        return (F.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum().clamp_min(1e-6)

    # Without PyTorch --------------------------------------------------------------------------------------------

    def encoded(self, still: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """All that frames of a still ``(1, 3, H, W)`` share (`i2vlib.export.Exportable`)."""
        labels = torch.arange(len(self.expressions), device=still.device)
        return self.encoder(still), self.residual_encoder(still.expand(len(labels), -1, -1, -1), labels)

    def drawn(self, codes: Sequence[Tensor]) -> Tensor:
        return self.decoder(codes)

    # Using a trained model ---------------------------------------------------------------------------------------

    def _label(self, expression: str | None) -> int:
        return animation.label_of(expression, self.expressions)

    def _loaded(self, path: str | Path) -> Clip:
        clip, size = datasets.load_clip(path), self.config.size
        return clip if clip.frames.shape[1:3] == (size, size) else faces.align_clip(clip, size)

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | str | Path | None = None,
        fps: float = 12.0,
        region: str | np.ndarray | None = None,
    ) -> Clip:
        """A clip of the face at the intensities asked for, each frame independent of all others (Eq. 3).

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled.
            expression: one of `expressions`; may be left out if there is one only.
            intensity: finite, >= 0, 0 neutral and 1 the peak, in any number and order; or one such curve an
                expression, all of one length, whose steps are added; left out, 20 values from 0 to 1.
            driver: a clip whose inferred intensity is used instead, its first frame neutral; or the path of a video,
                a GIF or a folder of pictures, whose faces are aligned where they are not of the model's size.
            region: where the expression may act: "mouth", "eyes", "left" or "right", as one looks at the picture, or a
                mask ``(H, W)`` in [0, 1], square (`i2vlib.regions.acting`). f_Δ is multiplied by it at
                every level; the paper has no such thing.

        Returns:
            A `Clip` of ``config.size`` px with its intensity, (T,) or (T, n) for a mixture.

        Raises:
            ValueError: the face is no square picture, the expression or the region is unknown, an intensity is empty,
                negative or not finite; or there is no clip at the driver's path. Warns above 1.
            NoFaceError: a driver has to be aligned, and no face is found in its first frame.
        """
        if driver is not None:
            if intensity is not None:
                raise ValueError("Both driver= and intensity= were given; each sets the intensity: give one of them.")
            clip = driver if isinstance(driver, Clip) else self._loaded(driver)
            expression = expression or (clip.expression if clip.expression in self.expressions else None)
            intensity = self.infer_intensity(clip.frames, clip.frames[0], expression)
        only = self.expressions[0] if len(self.expressions) == 1 else None
        curves = animation.read_curves(intensity, expression or only)
        return animation.play(self.drawer(face, curves, region), curves, fps)

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> Callable[..., np.ndarray]:
        """What `animate` draws with (`i2vlib.animation.drawer`): a column of intensities an expression, to frames."""
        labels = [self._label(name) for name in expressions]

        def decoder_of(still: Tensor, mask: Tensor | None) -> Callable[[Tensor], Tensor]:
            if self.runtime == "onnx":
                return export.decoder_of(self, still, mask, labels)
            steps = {n: self.residual_encoder(still, still.new_tensor([n]).long()) for n in labels}
            directions = {n: animation.within(step, mask) for n, step in steps.items()}
            return animation.mixture(self.encoder(still), directions, self.decoder)

        return animation.drawer(self, face, self.config.size, decoder_of, region)

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
            signed = animation.in_batches(lambda x: self._read(self.encoder(x), base, residual)[0], images)
        return signed.float().cpu().numpy()

    @torch.inference_mode()
    def named(self, frames: np.ndarray, neutral: np.ndarray) -> list[str]:
        """Which of the expressions D_g takes each frame for: the class that the joint model's classification loss
        teaches it (section 3.1).

        ``frames`` are ``uint8 (T, H, W, 3)``, aligned as the neutral one, ``uint8 (H, W, 3)``. Raises `ValueError` for
        a model that was not taught to tell its expressions apart, or whose file left D_g out.
        """
        if not self._names_expressions:
            raise ValueError(
                f"This model's D_g was not taught to name its expressions {self.expressions}: that takes two or more, "
                "and a weight for 'classification'."
            )
        if "discriminator.classify.weight" in self.untouched():
            raise ValueError(
                "This model's D_g is as it was constructed, so it can name nothing: its weights were never trained, or "
                "the file they came from left D_g out. Train the model, with fit() from these weights on."
            )
        device = next(self.parameters()).device
        of = lambda images: to_tensor(np.stack([animation.fit_to(x, self.size) for x in images])).to(device)  # noqa: E731
        with animation.evaluating(self):
            _, classes = self._judged({"neutral": of([neutral])}, of(frames)[None])
        return [self.expressions[label] for label in classes.argmax(1).tolist()]

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
            return equations.generated(self.decoder, self.encoder(known), residual, known.new_tensor([[intensity]]))

        still = to_tensor(animation.fit_to(face, self.config.size))[None].to(device)
        with animation.evaluating(self):
            base, residual = animation.sensitivity(draw, [still, still], probes)
        return base, residual
