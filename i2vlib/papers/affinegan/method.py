r"""AffineGAN itself, in the order of section 3: a sample of a clip, the frames drawn, the game, and its use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, export, regions, samples
from i2vlib.clips import Clip, to_tensor
from i2vlib.expressions import TABLE
from i2vlib.papers import blocks, carried, losses
from i2vlib.papers.affinegan import equations
from i2vlib.papers.affinegan.config import AffineGANConfig
from i2vlib.papers.affinegan.networks import IntensityDiscriminator, IntensityRegressor, ResidualEncoder
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, widths
from i2vlib.papers.playing import Inferring


class Batch(carried.Origins):
    """Training samples of B clips, n frames of each; pictures in [-1, 1]."""

    neutral: Tensor
    """``(B, 3, H, W)``, the first frame."""
    frames: Tensor
    """``(B, n, 3, H, W)``."""
    mask: Tensor
    """``(B, n, 1, H, W)``, ones on the mouth."""
    local: Tensor
    """``(B,)``, whether the mask counts."""
    label: Tensor
    """``(B,)``, the number of the expression."""
    uniform: Tensor
    """``(B, n)``, draws of Unif(0, 1)."""


class AffineGAN(carried.Draws, Inferring):
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
        self.decoder = Decoder(channels, *drawing, config.drawing)
        self.outer = carried.Outer(config.outer_channels)
        self.regressor = IntensityRegressor(channels[-1]) if config.intensity_by == "mlp" else None
        seen = 6 if config.conditional_discriminators else 3
        base, strides = config.base_channels, config.discriminator_strides
        self.discriminator = PatchDiscriminator(seen, base, strides, config.norm, len(config.expressions))
        self.discriminator_local = PatchDiscriminator(seen, base, strides, config.norm)
        self.discriminator_intensity = IntensityDiscriminator(config.frames_per_clip if config.joint_intensity else 1)

    def inherit(self, other: AffineGAN) -> None:
        """Starts from another model's generator, of the same sizes; discriminators, and new expressions, stay new."""
        state = {k: v for k, v in other.state_dict().items() if not k.startswith("discriminator")}
        known, first = other.expressions, "residual_encoder.encoder.levels.0.weight"
        if known != self.expressions:
            old, state[first] = state[first], self.state_dict()[first].clone()
            state[first][:, :3] = old[:, :3]
            for column, name in enumerate(known if len(known) > 1 else ()):
                state[first][:, 3 + self.expressions.index(name)] = old[:, 3 + column]
        state = carried.widened(state, f"decoder.levels.{len(self.decoder.levels) - 1}", self.state_dict())
        self.load_state_dict({**self.state_dict(), **state})

    def kept_parameters(self) -> list[nn.Parameter]:
        """The generator's, and those of a D_g that was taught to name expressions: `named` asks it."""
        taught = self._names_expressions and not self._judge_is_new()
        judge = self.discriminator.parameters() if taught else ()
        return [*self.generator_parameters(), *judge]

    @property
    def _names_expressions(self) -> bool:
        return len(self.expressions) > 1 and self.config.weights["classification"] > 0

    def _judge_is_new(self) -> bool:
        """Whether D_g is as it was constructed: never trained, or left out of the file that the model came from."""
        return "discriminator.classify.weight" in self.untouched()

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: the neutral first frame and ``frames_per_clip`` others of the clip.

        Returns:
            The tensors of a `Batch`, without its first axis.

        Raises:
            ValueError: the clip has one frame only, another size, or an expression that the model does not know.
        """
        config = self.config
        label = self._label(clip.expression)
        shown = [0, *samples.drawn(clip, config.frames_per_clip, 1, config.with_replacement, rng)]
        change = samples.change_of(clip, config.augment, rng, config.looks)
        frames, mouths, _ = samples.training_frames(clip, shown, config.size, change)
        mask = torch.zeros_like(frames[:, :1]) if mouths is None else mouths
        local = mouths is not None and not TABLE[self.expressions[label]].still_mouth
        known = {"local": torch.tensor(local), "label": torch.tensor(label)}
        uniform = torch.rand(config.frames_per_clip, generator=rng)
        if self.carries:
            known |= carried.origins_of(clip, shown[1:], change)
        return {"neutral": frames[0], "frames": frames[1:], "mask": mask[1:], "uniform": uniform, **known}

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
        levels = [self._noisy(level) for level in blocks.joined(codes)]
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
        drawn = self.decode(codes)  # Eq. 3
        if self.carries:
            drawn = carried.drawn_step(config, self.outer, drawn["images"], drawn["neutral_images"], batch["neutral"])
        else:
            drawn = {name: x if name == "neutral_images" else x.view(real.shape) for name, x in drawn.items()}
        return {**drawn, "intensity": a, "projection": signed}

    def discriminator_terms(self, batch: Batch, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise; the global one also names the expression of real frames (section 3.1)."""
        real, made = batch["frames"], outputs["images"].detach()
        of_real = cache(lambda: self._judged(batch, real))
        return self.weighed(
            adversarial=lambda: equations.adversarial(real=of_real()[0], made=self._judged(batch, made)[0]),
            classification=lambda: self._classification(of_real()[1], batch, outputs),
            adversarial_local=lambda: self._locally(equations.adversarial_local, batch, real, made),
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

        def reconstruction() -> Tensor:
            error = equations.reconstruction(real, made)
            if self.config.include_neutral:
                error = error + equations.reconstruction(still, outputs["neutral_images"])
            return error

        return self.weighed(
            reconstruction=reconstruction,
            reconstruction_self=lambda: equations.reconstruction_self(real, outputs["self_images"]),
            reconstruction_moving=lambda: losses.masked_l1(made, real, regions.moving(real, still)),
            adversarial=lambda: fooled(of_made()[0]),
            classification=lambda: self._classification(of_made()[1], batch, outputs),
            adversarial_local=lambda: self._locally(fooled, batch, made),
            adversarial_intensity=lambda: fooled(self.discriminator_intensity(outputs["intensity"])),
            **carried.terms(batch, outputs, still),
        )

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

    def _seen(self, batch: Batch, images: Tensor) -> Tensor:
        """Frames ``(B, n, 3, H, W)`` as an image discriminator sees them: alone, or beside the still."""
        if not self.config.conditional_discriminators:
            return images
        return torch.cat([batch["neutral"].unsqueeze(1).expand_as(images), images], 2)

    def _judged(self, batch: Batch, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """What D_g says of frames: logits of real against made, and of the expression."""
        return self.discriminator(self._seen(batch, images).flatten(0, 1))

    def _locally(self, loss: Callable[..., Tensor], batch: Batch, *images: Tensor) -> Tensor | None:
        """A loss of the logits that D_l gives to the masked frames of clips whose mask counts; None without one."""
        rows, mask = blocks.local_region(batch, self.config.local_region)
        if not rows.any():
            return None
        seen = [self._seen(batch, frames * mask)[rows].flatten(0, 1) for frames in images]
        return loss(*(self.discriminator_local(frames)[0] for frames in seen))

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

    def _label(self, expression: str | None) -> int:
        return animation.label_of(expression, self.expressions)

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> animation.Drawer:
        """Returns what `animate` draws with: from a column of intensities an expression to frames."""
        labels = [self._label(name) for name in expressions]
        animation.look_at_start(face, [self.expressions[label] for label in labels])

        def decoder_of(still: Tensor, mask: Tensor | None) -> Callable[[Tensor], Tensor]:
            if self.runtime == "onnx":
                return export.decoder_of(self, still, mask, labels)
            steps = {n: self.residual_encoder(still, still.new_tensor([n]).long()) for n in labels}
            directions = {n: animation.within(step, mask) for n, step in steps.items()}
            codes = self.encoder(still)
            rest = self.rest(codes, still)
            return lambda rows: self.drawn(animation.mixture(codes, directions, rows), *rest)

        composed = carried.composed_frames if self.carries else None
        return animation.drawer(self, face, self.config.size, decoder_of, region, composed)

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
        if self._judge_is_new():
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
        """Measures how much each pixel of a still sways its frame, through E_0 and through E_Delta (Fig. 7c).

        The paper draws "the gradients of the input layers", without saying of what; here they are those of the whole
        frame (`i2vlib.animation.sensitivity`). Arguments as of `animate`; two maps ``float32 (H, W)``.
        """
        device = next(self.parameters()).device
        label = torch.tensor([self._label(expression)], device=device)

        def draw(known: Tensor, direction: Tensor) -> Tensor:
            residual = self.residual_encoder(direction, label)
            codes = self.encoder(known)
            rest = self.rest(codes, known)
            drawn = self.drawn(equations.affine(codes, residual, known.new_tensor([[intensity]])), *rest)
            return carried.composed_frames(known, drawn) if rest else drawn

        still = to_tensor(animation.fit_to(face, self.config.size))[None].to(device)
        with animation.evaluating(self):
            base, residual = animation.sensitivity(draw, [still, still], probes)
        return base, residual
