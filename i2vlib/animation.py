r"""What every method does around its networks: read the user's curves, fit a face, decode in equal batches,
augment a training clip. No paper is known here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from i2vlib.clips import Clip, load_image, to_frames, to_tensor

BATCH = 5


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


def in_batches(function: Callable[[Tensor], Tensor], rows: Tensor, batch: int = BATCH) -> Tensor:
    """``function`` over the rows in batches padded to one fixed size, so that a row's result is the same, bit for
    bit, in any company."""
    results = []
    for start in range(0, len(rows), batch):
        chunk = rows[start : start + batch]
        padding = chunk[-1:].expand(batch - len(chunk), *chunk.shape[1:])
        results.append(function(torch.cat([chunk, padding]))[: len(chunk)])
    return torch.cat(results)


def training_frames(
    clip: Clip, index: Sequence[int], size: int, augmented: bool, rng: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Some frames of a clip and the masks of their mouths, augmented all alike.

    Returns:
        ``(n, 3, size, size)`` in [-1, 1] and ``(n, 1, size, size)`` of zeros and ones, or None where nobody knows
        where the mouth is.

    Raises:
        ValueError: the clip has another size.
    """
    if clip.frames.shape[1:3] != (size, size):
        raise ValueError(f"{clip!r} does not fit a model of {size} px. Open the data with size={size}.")
    frames, mouth = to_tensor(clip.frames[list(index)]), mouth_masks(clip, index)
    mask = torch.zeros(len(index), 1, size, size) if mouth is None else torch.from_numpy(mouth)[:, None].float()
    if augmented:
        frames, mask = augment(frames, mask, rng)
    return frames, None if mouth is None else mask


def mouth_masks(clip: Clip, index: Sequence[int]) -> np.ndarray | None:
    """``bool (n, H, W)`` of the mouth in some frames of a clip: the truth, or the hull of its landmarks, or None."""
    if "mouth" in clip.truth:
        return np.asarray(clip.truth["mouth"][list(index)], dtype=bool)
    if clip.landmarks is None or not np.isfinite(clip.landmarks[list(index)]).all():
        return None
    from i2vlib import faces

    return np.stack([faces.mouth_mask(clip.landmarks[i], clip.frames.shape[1]) for i in index])


def augment(frames: Tensor, mask: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """One random flip, shift, scale, light and colour for all frames ``(T, 3, H, W)`` of a clip and their masks."""
    draw = lambda low, high, count=1: torch.empty(count).uniform_(low, high, generator=rng)  # noqa: E731
    scale, shift, flip = draw(0.93, 1.07), draw(-0.05, 0.05, 2), 1 - 2 * torch.randint(2, (1,), generator=rng)
    matrix = torch.stack(
        [
            torch.cat([flip / scale, torch.zeros(1), shift[:1]]),
            torch.cat([torch.zeros(1), 1 / scale, shift[1:]]),
        ]
    )
    move = lambda x, mode: F.grid_sample(  # noqa: E731
        x, F.affine_grid(matrix.expand(len(x), -1, -1), list(x.shape), False), mode, "border", False
    )
    gain, gamma, tint = draw(0.8, 1.2), draw(0.8, 1.25), draw(0.92, 1.08, 3)
    light = ((move(frames, "bilinear") + 1) / 2).clamp(0, 1) ** gamma
    frames = (light * (gain * tint)[:, None, None]).clamp(0, 1) * 2 - 1
    return frames, move(mask, "nearest")
