r"""What every method does around its networks: check a config, read the user's curves, fit a face, mix expressions,
decode in equal batches, draw and augment the frames of a training clip. No paper is known here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from i2vlib import losses
from i2vlib.blocks import widths
from i2vlib.clips import Clip, load_image, to_frames, to_tensor

BATCH = 5

#: Expressions without motion of the mouth: AffineGAN drops the local loss for them (section 4).
STILL_MOUTH = frozenset({"eyes_up", "eyes_closed"})

#: Expressions of one side of the face: mirrored half of the time, they would be learnt as both sides at once.
ONE_SIDED = frozenset({"contempt"})

#: Where each of the 68 landmarks comes from when a face is mirrored: its left becomes its right.
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip


def settle(config: object, terms: Mapping[str, float], sequences: Sequence[str]) -> None:
    """What every config does as it is made: sequences become tuples, and weights left out become 0.

    Args:
        config: frozen, with ``size``, ``base_channels``, ``channel_cap``, ``expressions`` and ``weights``.
        terms: by the names of all loss terms that there are.
        sequences: names of fields that may have been read from a file as lists.

    Raises:
        ValueError: the size is no power of two, expressions are missing or double, or a weight is of no term.
    """
    widths(config.size, config.base_channels, config.channel_cap)
    for name in sequences:
        object.__setattr__(config, name, tuple(vars(config)[name]))
    if not config.expressions or len(set(config.expressions)) != len(config.expressions):
        raise ValueError(f"A model needs one or more different expressions; given were {config.expressions}.")
    unknown = set(config.weights) - set(terms)
    if unknown:
        raise ValueError(f"There are no loss terms {sorted(unknown)}; there are {sorted(terms)}.")
    object.__setattr__(config, "weights", {**dict.fromkeys(terms, 0.0), **config.weights})


def label_of(expression: str | None, expressions: Sequence[str]) -> int:
    """The place of an expression among those a model knows; it may be left out if there is one only."""
    if expression is None and len(expressions) == 1:
        return 0
    if expression not in expressions:
        raise ValueError(f"This model knows the expressions {expressions}; asked for was {expression!r}.")
    return expressions.index(expression)


def curves(
    intensity: Sequence[float] | Mapping[str, Sequence[float]] | None, expression: str | None
) -> dict[str | None, np.ndarray]:
    """The intensities a user asked for, as one ``float32 (T,)`` curve an expression.

    Raises:
        ValueError: a curve is empty, not finite, negative or no list of numbers, or the curves differ in length.
    """
    if intensity is None:
        intensity = np.linspace(0, 1, 20)
    given = intensity if isinstance(intensity, Mapping) else {expression: intensity}
    if not given:
        raise ValueError("The intensity is an empty dict. Give one curve an expression: {'happy': [0, 0.5, 1]}.")
    read = {name: _curve(values, name) for name, values in given.items()}
    lengths = {name: len(values) for name, values in read.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The curves of a mixture need one length; these have {lengths}.")
    return read


def _curve(values: Sequence[float], name: str | None) -> np.ndarray:
    whose = f"The intensity of {name}" if name else "The intensity"
    try:
        curve = np.atleast_1d(np.asarray(values, dtype=np.float32))
    except (TypeError, ValueError):
        raise ValueError(f"{whose} is a list of numbers from 0 (neutral) to 1 (peak); given was {values!r}.") from None
    if curve.ndim != 1 or curve.size == 0:
        raise ValueError(f"{whose} has the shape {curve.shape}; give a list of at least one number from 0 to 1.")
    if not np.isfinite(curve).all():
        raise ValueError(
            f"{whose} holds NaN or infinity at index {int(np.argmin(np.isfinite(curve)))}; give finite numbers."
        )
    if (curve < 0).any():
        raise ValueError(f"{whose} goes down to {curve.min():g}; it starts at 0 (neutral) and has no negative side.")
    if (curve > 1).any():
        warnings.warn(
            f"{whose} goes up to {curve.max():g}; above 1 is beyond every peak seen in training.",
            stacklevel=4,
        )
    return curve


def fit_to(face: np.ndarray, size: int) -> np.ndarray:
    """A square face as ``uint8 (size, size, 3)``, resampled where it has another size."""
    face = load_image(face)
    height, width, _ = face.shape
    if height != width:
        raise ValueError(
            f"This picture is {width}x{height}; a model takes a square crop. Make one with i2vlib.align_face."
        )
    return face if height == size else np.asarray(Image.fromarray(face).resize((size, size), Image.Resampling.LANCZOS))


@contextmanager
def evaluating(method: nn.Module) -> Iterator[None]:
    """The method in evaluation mode for a while, and then in the mode it was in."""
    training = method.training
    method.eval()
    try:
        yield
    finally:
        method.train(training)


def play(
    method: nn.Module,
    face: np.ndarray,
    size: int,
    curves: Mapping[str | None, np.ndarray],
    decoder_of: Callable[[Tensor], Callable[[Tensor], Tensor]],
    fps: float,
) -> Clip:
    """The clip of a face along one intensity curve an expression, each frame drawn independently of the others.

    Args:
        size: that the method works at, in pixels.
        curves: as `curves` reads them, all ``(T,)``.
        decoder_of: of a still ``(1, 3, H, W)``: the function from intensities ``(B, n)`` to images ``(B, 3, H, W)``.
            What the frames share is computed in the first call.
    """
    values = np.stack(list(curves.values()), 1)
    device = next(method.parameters()).device
    with evaluating(method):
        decode = decoder_of(to_tensor(fit_to(face, size))[None].to(device))
        images = in_batches(decode, torch.from_numpy(values).to(device))
    names = [name for name in curves if name is not None]
    intensity = values[:, 0] if len(curves) == 1 else values
    return Clip(to_frames(images), fps=fps, intensity=intensity, expression=" + ".join(names) or None)


def mixture(
    base: Sequence[Tensor], directions: Mapping[int, Sequence[Tensor]], draw: Callable[[Sequence[Tensor]], Tensor]
) -> Callable[[Tensor], Tensor]:
    r"""The function from intensities to images of one still (FAN, Eq. 7).

    .. math:: V = d\Bigl(e_0(I) + \sum_i a_i\, e_i(I)\Bigr)

    Args:
        base: code of the still, one ``(1, C, h, w)`` a level.
        directions: by the number of the expression, each as ``base``; in the order of the columns of intensities.
            The steps are added in the order of the numbers, so naming the expressions in another order changes no bit.
        draw: codes to images.

    Returns:
        Of intensities ``(B, n)`` the images.
    """
    ordered = sorted((label, column) for column, label in enumerate(directions))

    def decode(rows: Tensor) -> Tensor:
        codes = base
        for label, column in ordered:
            step = rows[:, column, None, None, None]
            codes = [torch.addcmul(code, step, f) for code, f in zip(codes, directions[label], strict=True)]
        return draw(codes)

    return decode


def in_batches(function: Callable[[Tensor], Tensor], rows: Tensor, batch: int = BATCH) -> Tensor:
    """``function`` over the rows in batches padded to one fixed size, so that a row's result is the same, bit for
    bit, in any company."""
    results = []
    for start in range(0, len(rows), batch):
        chunk = rows[start : start + batch]
        padding = chunk[-1:].expand(batch - len(chunk), *chunk.shape[1:])
        results.append(function(torch.cat([chunk, padding]))[: len(chunk)])
    return torch.cat(results)


def sensitivity(
    draw: Callable[..., Tensor], stills: Sequence[Tensor], probes: int = 8, seed: int = 0
) -> list[np.ndarray]:
    r"""How much each pixel of some stills sways a picture made of them: the Jacobian's norm, by column.

    .. math:: s(p) = \lVert \partial \hat I / \partial I_p \rVert_F
              = \sqrt{\mathbb{E}_v \lVert \partial\, v^\top \hat I / \partial I_p \rVert^2}

    with v of independent random signs, one for each value of the picture, since then :math:`\mathbb{E}\, v v^\top`
    is the identity.

    Args:
        draw: from the stills to the picture.
        stills: each ``(1, 3, H, W)``; each is moved while the others are held.
        probes: how many v; the estimate of s squared is unbiased for any number.

    Returns:
        A map ``float32 (H, W)`` for each still.
    """
    generator = torch.Generator().manual_seed(seed)
    seen = [still.clone().requires_grad_() for still in stills]
    picture = draw(*seen)
    squares = [torch.zeros_like(still[0, 0]) for still in stills]
    for _ in range(probes):
        signs = torch.randint(2, picture.shape, generator=generator).to(picture) * 2 - 1
        gradients = torch.autograd.grad((picture * signs).sum(), seen, retain_graph=True)
        squares = [total + g.square().sum((0, 1)) for total, g in zip(squares, gradients, strict=True)]
    return [(total / probes).sqrt().cpu().numpy() for total in squares]


def drawn(clip: Clip, count: int, first: int, repeat: bool, rng: torch.Generator) -> list[int]:
    """The frames of one training sample: ``count`` different ones, or any where a clip has too few.

    Args:
        first: the first frame that may be drawn: 1 leaves out the neutral one.
        repeat: draw with replacement at any rate.

    Raises:
        ValueError: the clip has one frame only.
    """
    if len(clip) < 2:
        raise ValueError(f"{clip!r} has one frame; training needs the neutral frame and at least one more.")
    left = len(clip) - first
    repeat = repeat or left < count
    index = torch.randint(left, (count,), generator=rng) if repeat else torch.randperm(left, generator=rng)[:count]
    return (first + index).tolist()


def training_frames(
    clip: Clip, index: Sequence[int], size: int, augmented: bool, rng: torch.Generator
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Some frames of a clip, the masks of their mouths and their landmarks, augmented all alike.

    Returns:
        ``(n, 3, size, size)`` in [-1, 1]; ``(n, 1, size, size)`` of zeros and ones, or None where nobody knows
        where the mouth is; and ``(n, 68, 2)`` in pixels, NaN where nobody knows where they are.

    Raises:
        ValueError: the clip has another size.
    """
    if clip.frames.shape[1:3] != (size, size):
        raise ValueError(f"{clip!r} does not fit a model of {size} px. Open the data with size={size}.")
    frames, mouth = to_tensor(clip.frames[list(index)]), mouth_masks(clip, index)
    mask = torch.zeros(len(index), 1, size, size) if mouth is None else torch.from_numpy(mouth)[:, None].float()
    points = np.full((len(index), 68, 2), np.nan) if clip.landmarks is None else clip.landmarks[list(index)]
    points = torch.from_numpy(points).float()
    if augmented:
        changed = Augmentation.draw(rng, mirror=clip.expression not in ONE_SIDED)
        frames, mask = changed.lit(changed.moved(frames)), changed.moved(mask, "nearest")
        points = changed.moved_points(points, size)
    return frames, None if mouth is None else mask, points


def mouth_masks(clip: Clip, index: Sequence[int]) -> np.ndarray | None:
    """``bool (n, H, W)`` of the mouth in some frames of a clip: the truth, or the hull of its landmarks, or None."""
    if "mouth" in clip.truth:
        return np.asarray(clip.truth["mouth"][list(index)], dtype=bool)
    if clip.landmarks is None or not np.isfinite(clip.landmarks[list(index)]).all():
        return None
    from i2vlib import faces

    return np.stack([faces.mouth_mask(clip.landmarks[i], clip.frames.shape[1]) for i in index])


@dataclass(frozen=True)
class Augmentation:
    """One random flip, shift, scale, light and colour, the same for all frames of a clip and what belongs to them."""

    scale: Tensor
    shift: Tensor
    mirrored: bool
    gain: Tensor
    gamma: Tensor
    tint: Tensor

    @classmethod
    def draw(cls, rng: torch.Generator, mirror: bool = True) -> Augmentation:
        """``mirror``: whether there may be a flip; the other draws are the same with and without."""
        draw = lambda low, high, count=1: torch.empty(count).uniform_(low, high, generator=rng)  # noqa: E731
        scale, shift, flip = draw(0.93, 1.07), draw(-0.05, 0.05, 2), bool(torch.randint(2, (1,), generator=rng))
        return cls(scale, shift, flip and mirror, draw(0.8, 1.2), draw(0.8, 1.25), draw(0.92, 1.08, 3))

    def moved(self, x: Tensor, mode: str = "bilinear") -> Tensor:
        """Pictures ``(T, C, H, W)``, flipped, shifted and scaled; ``mode`` as of ``grid_sample``."""
        flip = torch.tensor([-1.0 if self.mirrored else 1.0])
        across, down = torch.cat([flip / self.scale, torch.zeros(1)]), torch.cat([torch.zeros(1), 1 / self.scale])
        matrix = torch.stack([torch.cat([across, self.shift[:1]]), torch.cat([down, self.shift[1:]])])
        grid = F.affine_grid(matrix.expand(len(x), -1, -1), list(x.shape), False)
        return F.grid_sample(x, grid, mode, "border", False)

    def moved_normals(self, maps: Tensor) -> Tensor:
        """Maps of normals ``(T, 3, H, W)``, x to the right: mirrored, they point the other way."""
        moved = self.moved(maps)
        return moved * torch.tensor([-1.0, 1.0, 1.0])[:, None, None] if self.mirrored else moved

    def moved_points(self, points: Tensor, size: int) -> Tensor:
        """Landmarks ``(T, 68, 2)`` in pixels; a flip also makes the left eye the right one (`MIRRORED`)."""
        points = (points * (2 / size) - 1 - self.shift) * self.scale
        if self.mirrored:
            points = (points * torch.tensor([-1.0, 1.0]))[:, list(MIRRORED)]
        return (points + 1) * (size / 2)

    def lit(self, frames: Tensor) -> Tensor:
        """Frames ``(T, 3, H, W)`` in [-1, 1] in another light and colour."""
        light = ((frames + 1) / 2).clamp(0, 1) ** self.gamma
        return (light * (self.gain * self.tint)[:, None, None]).clamp(0, 1) * 2 - 1


def local_region(batch: Mapping[str, Tensor], region: Literal["mouth", "moving"]) -> tuple[Tensor, Tensor]:
    """What a local discriminator judges: the mouth, where a clip's counts, or all that moves.

    Args:
        batch: neutral, frames, mask and local of a batch of training samples.

    Returns:
        The clips ``bool (B,)`` and the part of their frames, ``(B, n, 1, H, W)`` of zeros and ones.
    """
    if region == "mouth":
        return batch["local"], batch["mask"]
    return torch.ones_like(batch["local"]), losses.moving_region(batch["frames"], batch["neutral"])
