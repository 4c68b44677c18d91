r"""What every method does around its networks when it plays: read the user's curves, see that a face is a crop, mix
expressions, hold them within a region, decode in equal batches. No paper is known here.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from i2vlib import regions, store
from i2vlib.clips import LUMA, MAPS, Clip, load_image, to_frames, to_tensor

if TYPE_CHECKING:
    from i2vlib.faces.crop import Found, Which

BATCH = 5
#: A face in pixels, in a crop of one pixel; below this many, little of an expression can be seen.
FACE, LEAST = 0.8, 40
#: How far a crop may lie from the rule before somebody is told: the eyes' place in parts of its side, their distance
#: as a factor, their tilt in degrees. Rendered actors and aligned photographs stay within .01, 1.1 and 1.
OFF, FACTOR, TILT = 0.1, 1.4, 15.0
#: How far, in levels of 255, the colours of a picture of one tone may stray from what their lightness says.
ONE_TONE = 2.0


def label_of(expression: str | None, expressions: Sequence[str]) -> int:
    """The place of an expression among those a model knows; it may be left out if there is one only."""
    if expression is None and len(expressions) == 1:
        return 0
    if expression not in expressions:
        raise ValueError(f"This model knows the expressions {expressions}; asked for was {expression!r}.")
    return expressions.index(expression)


def read_curves(
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
        given = np.atleast_1d(np.asarray(values))
    except (TypeError, ValueError):  # lists of unequal length
        given = np.array([None])
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{whose} is a list of numbers from 0 (neutral) to 1 (peak); given was {values!r}.")
    curve = given.astype(np.float32)
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


def crop_of(face: np.ndarray, size: int) -> np.ndarray:
    """What a user gives to animate, as a crop: `fit_to`, and a word where it is none.

    Models are trained on the crop of `i2vlib.align_face`, and draw nonsense on another. So a picture that is not
    square is aligned first, and a square one in which the face is elsewhere, tilted, too small to show anything, or
    not found is animated as it is; a warning says either. Where no reader of faces is installed, nothing is looked at.

    Raises:
        ValueError: the picture is not square, and cannot be aligned.
    """
    face = load_image(face)
    height, width, _ = face.shape
    advice = f"Call i2vlib.align_face(photo, size={size}), look at what it returns, and animate that."
    least = LEAST / FACE  # of a crop's side
    if height != width:
        eyes = _eyes(face)
        if eyes is None:
            return fit_to(face, size)
        from i2vlib import faces

        try:
            crop = faces.align_face(face, size)
        except faces.NoFaceError:
            raise ValueError(
                f"This picture is {width}x{height}; a model takes a square crop, and no face was found in it to be "
                "aligned. Give i2vlib.align_face a picture of one person who looks into the camera."
            ) from None
        side = np.linalg.norm(eyes[1] - eyes[0]) / faces.EYE_DISTANCE
        _warn(f"This picture is {width}x{height} and no crop, so its face was aligned first. {_small(side)}{advice}")
        return crop
    if width < min(least, size):
        _warn(f"In this picture of {width}x{width} pixels there is little to see. {_small(width)}")
    elif width >= least and (eyes := _eyes(face)) is not None:
        from i2vlib import faces

        if not np.isfinite(eyes).all():
            _warn(f"No face was found in this picture of {width}x{width} pixels; it is animated as it is. {advice}")
            return fit_to(face, size)
        (x, y), side = eyes[1] - eyes[0], np.linalg.norm(eyes[1] - eyes[0]) / faces.EYE_DISTANCE
        factor, tilt = width / side, np.degrees(np.arctan2(y, x))
        off = np.abs(eyes.mean(0) / width - [0.5, faces.EYE_LEVEL]).max()
        if off > OFF or not 1 / FACTOR < factor < FACTOR or abs(tilt) > TILT:
            _warn(
                f"This picture of {width}x{width} pixels is not the crop that models are trained on: its eyes lie "
                f"{off:.0%} of its side from their place, {1 / factor:.2f} times as far apart as they should, tilted "
                f"by {abs(tilt):.0f} degrees. {_small(side)}{advice}"
            )
    return fit_to(face, size)


def look_at_start(face: np.ndarray, expressions: Sequence[str]) -> None:
    """Warns, once a still, if it does something already that some expressions move (`i2vlib.faces.rest`).

    Where no reader of faces is installed, or a picture is so small that `crop_of` looks for no face either, nothing is
    said.
    """
    picture = load_image(face)
    seen = _look(picture) if min(picture.shape[:2]) >= LEAST / FACE else None
    if seen is not None:
        from i2vlib.faces import rest

        points, scores = seen
        if said := rest.in_the_way(rest.signs_of(scores, points), expressions):
            _warn(said)


def _small(side: float) -> str:
    """A sentence where the face in a crop of so many pixels is too small."""
    pixels = round(FACE * side)
    return f"The face is {pixels} pixels wide; give one of {LEAST} or more. " if pixels < LEAST else ""


def _warn(sentence: str) -> None:
    """Warns at the line that called the package, however deep inside it is."""
    depth, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(sentence.rstrip(), stacklevel=depth)


_SEEN: dict[str, tuple[np.ndarray, np.ndarray] | None] = {}


def _eyes(picture: np.ndarray) -> np.ndarray | None:
    """The eye centres ``(2, 2)`` of the largest face, as `points_of`."""
    points = points_of(picture)
    if points is None:
        return None
    from i2vlib import faces

    return faces.eye_centres(points)


def points_of(picture: np.ndarray) -> np.ndarray | None:
    """The landmarks ``(68, 2)`` of the largest face, NaN where there is none, and None where no reader is installed.

    By MediaPipe, and by dlib where that finds none: 10 ms against 35. A picture is read once, for a slider asks for
    the same one again and again.
    """
    seen = _look(picture)
    return None if seen is None else seen[0]


def _look(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The landmarks ``(68, 2)``, as `points_of`, and the blendshape scores ``(52,)``, NaN if dlib is the reader."""
    key = store.digest(picture)
    if key not in _SEEN:
        from i2vlib import faces

        if len(_SEEN) >= 4096:
            _SEEN.clear()
        _SEEN[key] = None
        for backend in ("mediapipe", "dlib"):
            try:
                points, scores = faces.glance(picture[None], backend)
            except (ImportError, RuntimeError):
                continue
            _SEEN[key] = points[0], scores[0]
            if np.isfinite(points).all():
                break
    return _SEEN[key]


def mask_of(region: str | np.ndarray | None, still: np.ndarray) -> Tensor | None:
    """Where an expression may act in a still (`regions.acting`): ``float32 (1, 1, H, W)`` in [0, 1], or None: anywhere.

    Args:
        region: one of `regions.ACTING`, for which the still's landmarks are read; a mask ``(H, W)`` in [0, 1], square;
            or None.
        still: ``uint8 (size, size, 3)``, the crop that is animated.

    Raises:
        ValueError: there is no such region, the mask has another form, or no face could be read.
    """
    if region is None:
        return None
    named = isinstance(region, str) and region in regions.ACTING
    points = points_of(still) if named else None
    if named and (points is None or not np.isfinite(points).all()):
        why = "no reader of faces is installed" if points is None else "no face was found in this picture"
        raise ValueError(
            f"The region {region!r} is found by landmarks, but {why}. Give a mask (H, W) in [0, 1] instead."
        )
    return torch.from_numpy(regions.acting(region, points, len(still)))[None, None]


def within(codes: Sequence[Tensor], mask: Tensor | None) -> Sequence[Tensor]:
    """The codes of a direction ``(1, C, h, w)``, held within a mask at every level; as they are without one."""
    if mask is None:
        return codes
    return [code * regions.at_level(mask, code.shape[-2:]).to(code) for code in codes]


def confined(clip: Clip, still: np.ndarray, mask: Tensor | None) -> Clip:
    """A clip blended with its still ``uint8 (H, W, 3)`` outside of a mask ``(1, 1, H, W)``; unchanged without one."""
    if mask is None:
        return clip
    share = mask[0, 0, ..., None].numpy()
    return replace(clip, frames=(clip.frames * share + still * (1 - share)).round().astype(np.uint8))


@contextmanager
def evaluating(method: nn.Module) -> Iterator[None]:
    """The method in evaluation mode for a while, and then in the mode it was in."""
    training = method.training
    method.eval()
    try:
        yield
    finally:
        method.train(training)


@dataclass(frozen=True, eq=False)
class Drawer:
    """The function from intensities ``(T, n)`` to frames of one face, ``uint8 (T, H, W, 3)``.

    It draws in batches of `BATCH`, in which a frame has the same bits in any company; ``batch=1`` is faster for one
    alone, and within one grey level.

    Attributes:
        said: from intensities and a batch to what the network says: images ``(T, 3, H, W)`` in [-1, 1], or, if it
            carries its still, maps ``(T, 7, H, W)`` as in `Clip.maps`.
        shown: from that and a batch to frames.
        carries: whether maps are said.
    """

    said: Callable[[np.ndarray, int], Tensor]
    shown: Callable[[Tensor, int], np.ndarray]
    carries: bool = False

    def __call__(self, values: np.ndarray, batch: int = BATCH) -> np.ndarray:
        return self.shown(self.said(values, batch), batch)

    def clip(self, values: np.ndarray, fps: float) -> Clip:
        """The frames as a clip, with the maps that they are made by, where there are any."""
        said = self.said(values, BATCH)
        return Clip(self.shown(said, BATCH), fps, maps=said.half().cpu().numpy() if self.carries else None)


def drawer(
    method: nn.Module,
    face: np.ndarray,
    size: int,
    decoder_of: Callable[[Tensor, Tensor | None], Callable[[Tensor], Tensor]],
    region: str | np.ndarray | None = None,
    composed: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Drawer:
    """What draws one face at any intensity; what its frames share is computed now, once.

    So a slider costs one pass of the decoder. Frames of a still of one tone keep to it (`in_tone_of`): as a whole, or,
    if they are composed of the still, in the colours that are new.

    Args:
        size: that the method works at, in pixels.
        decoder_of: of a still ``(1, 3, H, W)`` and a mask ``(1, 1, H, W)`` or None: the function from intensities
            ``(B, n)`` to images ``(B, 3, H, W)``, or to maps ``(B, 7, H, W)``.
        region: where the expressions may act, as `mask_of` reads it.
        composed: for maps: from the still and them to images.
    """
    still = crop_of(face, size)
    device = next(method.parameters()).device
    with evaluating(method), torch.inference_mode():
        image = to_tensor(still)[None].to(device)
        decode = decoder_of(image, mask_of(region, still))

    def said(values: np.ndarray, batch: int) -> Tensor:
        rows = torch.from_numpy(np.asarray(values, np.float32)).to(device)
        with evaluating(method), torch.inference_mode():
            together = 1 if method.runtime == "onnx" else batch  # ONNX Runtime draws each frame alone anyway
            drawn = in_batches(decode, rows, together)
        return drawn if composed is None else _colour_in_tone_of(still, drawn)

    def shown(drawn: Tensor, batch: int) -> np.ndarray:
        if composed is None:
            return in_tone_of(still, to_frames(drawn))
        with torch.inference_mode():
            return to_frames(in_batches(lambda maps: composed(image, maps), drawn, batch))

    return Drawer(said, shown, composed is not None)


def of_photo(
    photo: np.ndarray | str | Path | bytes, size: int, which: Which | Found, animate: Callable[[np.ndarray], Clip]
) -> Clip:
    """The clip of a whole photo at its own size: one face is aligned, animated, and laid back.

    Args:
        photo: anything that `i2vlib.load_image` reads.
        size: of the crop that is animated, in pixels.
        which: of several faces, as of `i2vlib.align_face`, which says what is raised.
        animate: from the crop to its clip.
    """
    from i2vlib import faces

    image = load_image(photo)
    face = faces.find_one(image, which)
    return faces.paste_back(image, animate(faces.align_face(image, size, face)), face)


def play(draw: Drawer, curves: Mapping[str | None, np.ndarray], fps: float) -> Clip:
    """The clip of a face along one intensity curve an expression, each frame drawn independently of the others.

    Args:
        draw: from intensities to frames, as `drawer` makes it.
        curves: as `read_curves` reads them, all ``(T,)``.

    Returns:
        The clip; its ``neutral`` is the frame of intensity 0, whether or not the curves hold one.
    """
    values = np.stack(list(curves.values()), 1)
    at_rest = np.flatnonzero((values == 0).all(1))
    drawn = draw.clip(values if len(at_rest) else np.concatenate([values, np.zeros_like(values[:1])]), fps)
    names = [name for name in curves if name is not None]
    intensity = values[:, 0] if len(curves) == 1 else values
    name, neutral = " + ".join(names) or None, drawn.frames[at_rest[0] if len(at_rest) else -1]
    return replace(drawn[: len(values)], intensity=intensity, expression=name, neutral=neutral)


def in_tone_of(still: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Frames in the tone of their still, where that is of one tone: a grey photograph stays grey, a sepia one sepia.

    A still is of one tone if the colour of its pixels follows from their lightness, to `ONE_TONE` levels. The frames
    then keep their lightness alone, each pixel for itself, and get the still's colour at that lightness; frames of any
    other still are returned as they are.

    Args:
        still: ``uint8 (H, W, 3)``.
        frames: ``uint8 (T, H, W, 3)``.
    """
    polynomial = np.polynomial.polynomial
    pixels = still[::2, ::2].reshape(-1, 3)
    light = pixels @ LUMA / 255
    cast = pixels / 255 - light[:, None]
    fitted = polynomial.polyfit(light, cast, min(3, len(np.unique(light)) - 1))
    if np.sqrt(np.square(cast - polynomial.polyval(light, fitted).T).mean()) > ONE_TONE / 255:
        return frames
    luma = frames @ LUMA / 255
    cast = polynomial.polyval(np.clip(luma, light.min(), light.max()), fitted)
    return ((luma + cast) * 255).round().clip(0, 255).astype(np.uint8).transpose(1, 2, 3, 0)


def _colour_in_tone_of(still: np.ndarray, maps: Tensor) -> Tensor:
    """Maps ``(T, 7, H, W)`` whose colour is in the tone of their still; the others never leave it."""
    rest, colour = maps.split([maps.shape[1] - MAPS["colour"], MAPS["colour"]], 1)
    frames = to_frames(colour)
    toned = in_tone_of(still, frames)
    return maps if toned is frames else torch.cat([rest, to_tensor(toned).to(maps)], 1)


def mixture(base: Sequence[Tensor], directions: Mapping[int, Sequence[Tensor]], rows: Tensor) -> list[Tensor]:
    r"""Adds to the code of a still the steps of several expressions.

    .. math:: e_0(I) + \sum_i a_i\, e_i(I)

    Args:
        base: code of the still, one ``(1, C, h, w)`` per level.
        directions: by the number of the expression, each as ``base``; in the order of the columns of intensities.
            The steps are added in the order of the numbers, so naming the expressions in another order changes no bit.
        rows: intensities ``(B, n)``.

    Returns:
        The codes of the frames, one ``(B, C, h, w)`` per level.
    """
    codes = list(base)
    for label, column in sorted((label, column) for column, label in enumerate(directions)):
        step = rows[:, column, None, None, None]
        codes = [torch.addcmul(code, step, f) for code, f in zip(codes, directions[label], strict=True)]
    return codes


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
