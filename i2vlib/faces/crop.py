"""The one crop of the book: a face upright, brows to chin; aligned, and chosen among several."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F

from i2vlib.clips import Clip, load_image, pixels
from i2vlib.faces import with_dlib, with_mediapipe
from i2vlib.faces.reading import landmarks, mesh_box
from i2vlib.faces.views import SMALL, View, view_of
from i2vlib.faces.with_mediapipe import MESH_68

if TYPE_CHECKING:
    import dlib

#: The one crop of the book. In a crop of ``size`` pixels the eye centres (each the mean of the eye's two corners,
#: points 36, 39 and 42, 45 of the 68) lie at x = (0.5 ∓ EYE_DISTANCE / 2) * size and y = EYE_LEVEL * size.
EYE_LEVEL = 0.31
EYE_DISTANCE = 0.36

#: px, the width of a face in a photo below which its crop is soft.
SOFT = 40
#: Degrees by which a photo is turned where no face is found upright.
_TURNS = (30, -30, 60, -60, 90, -90)
_TURNED_SIDE = 512
#: Degrees beyond which dlib's landmarks, which want an upright face, are not to be trusted.
_TILTED = 20

#: One of several faces: the largest, its number from left to right, or a point (x, y) inside it.
Which = Literal["largest"] | int | Sequence[float]


class NoFaceError(ValueError):
    """No face was found where one is needed; the message says what to do."""


def align_face(photo: np.ndarray | str | Path | bytes, size: int = 128, which: Which | Found = "largest") -> np.ndarray:
    """The crop that models are trained on: one face of a photo, upright, brows to chin.

    A tilted head is turned upright; where no face is found, the photo is looked at again turned by 30, 60 and 90
    degrees either way. A face less than 40 pixels wide is warned of: its crop will be soft.

    Args:
        photo: anything that `i2vlib.load_image` reads.
        size: side of the crop in pixels.
        which: of several faces: ``"largest"``, a number from left to right, beginning with 0, or a point (x, y) inside
            it, in the photo's pixels; or one that `find` or `find_one` has found, which spares the search.

    Returns:
        ``uint8 (size, size, 3)``.

    Raises:
        NoFaceError: no face was found.
        ValueError: the photo cannot be read, the size is not positive, or there is no such face; the message says how
            many there are, and where.
        ImportError: neither dlib nor ai-edge-litert, which runs MediaPipe's networks, is installed.
    """
    image = load_image(photo)
    eyes, size = eyes_of(image, which), _checked(size)
    width = np.linalg.norm(eyes[1] - eyes[0]) / EYE_DISTANCE
    if width < SOFT:
        warnings.warn(
            f"The face is only {width:.0f} pixels wide in this photo, so its crop of {size} pixels is soft. "
            "Use a picture in which it is at least 80 pixels wide.",
            stacklevel=2,
        )
    return warp(image, crop_matrix(eyes, size), size)


def align_clip(clip: Clip, size: int = 128) -> Clip:
    """The clip cropped as by `align_face`, with one transform, its first frame's, so that nothing swims.

    Landmarks are moved along; what only a renderer knows belongs to the frames as they were and is left out.

    Raises:
        NoFaceError: no face was found in the first frame.
    """
    whose = f"the first frame of {clip.subject or 'the clip'}"
    matrix = crop_matrix(eyes_of(clip.frames[0], name=whose), _checked(size))
    moved = None if clip.landmarks is None else transform(clip.landmarks, matrix)
    frames = np.stack([warp(frame, matrix, size) for frame in clip.frames])
    neutral = None if clip.neutral is None else warp(clip.neutral, matrix, size)
    return replace(clip, frames=frames, landmarks=moved, neutral=neutral, truth={}, maps=None)


def eye_centres(points: np.ndarray) -> np.ndarray:
    """The eye centres ``(..., 2, 2)`` of landmarks ``(..., 68, 2)``, the one on the left of the image first."""
    points = np.asarray(points)
    return np.stack([points[..., [36, 39], :].mean(-2), points[..., [42, 45], :].mean(-2)], axis=-2)


def crop_matrix(eyes: np.ndarray, size: int) -> np.ndarray:
    r"""The similarity that takes a picture's eye centres to where the book's crop has them.

    Args:
        eyes: ``(2, 2)``, the eye centres (x, y) in pixels, the one on the left of the image first.
        size: side of the crop in pixels.

    Returns:
        ``float64 (2, 3)``: :math:`A` of :math:`x' = A\,(x, y, 1)^T`.

    Raises:
        ValueError: the eyes are not finite, or lie in one place.
    """
    eyes = np.asarray(eyes, dtype=np.float64)
    if eyes.shape != (2, 2) or not np.isfinite(eyes).all() or np.allclose(eyes[0], eyes[1]):
        raise ValueError(
            f"The eyes are two different finite points (2, 2); given were {eyes.tolist()}. "
            "Was a face found in this frame?"
        )
    wanted = np.array([0.5 - EYE_DISTANCE / 2, 0.5 + EYE_DISTANCE / 2]) * size
    turn = (wanted[1] - wanted[0]) / complex(*(eyes[1] - eyes[0]))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, [wanted[0], EYE_LEVEL * size] - linear @ eyes[0]])


def transform(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points ``(..., 2)`` in pixels through a ``(2, 3)`` matrix, as float32."""
    return (np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """A picture through a similarity: antialiased where it shrinks, its border repeated where it ends.

    Args:
        image: ``uint8 (H, W, 3)``.
        matrix: ``(2, 3)``, from the picture's pixels to the result's.
        size: side of the result.

    Returns:
        ``uint8 (size, size, 3)``.
    """
    values = _resample(_floats(image), np.asarray(matrix, dtype=np.float64), (size, size))
    return _bytes(values)


# Which face


@dataclass(frozen=True, eq=False)
class Found:
    """A face in a picture.

    Attributes:
        middle: ``(2,)``, of its square; half: half the square's side; eyes: ``(2, 2)``, the eye centres; all in the
            picture's pixels. area: of the square.
        sure: dlib's own detector found it.
    """

    middle: np.ndarray
    half: float
    eyes: np.ndarray
    area: float
    sure: bool = False

    def through(self, matrix: np.ndarray) -> Found:
        """The face in a picture that a similarity ``(2, 3)`` has made of this one."""
        scale = np.sqrt(np.abs(np.linalg.det(matrix[:, :2])))
        middle, eyes = transform(self.middle, matrix), transform(self.eyes, matrix)
        return Found(middle, self.half * scale, eyes, self.area * scale**2, self.sure)


def eyes_of(image: np.ndarray, which: Which | Found = "largest", name: str = "this photo") -> np.ndarray:
    """The eye centres ``(2, 2)`` of a face, read twice: dlib gives whole pixels, so the face is enlarged first.

    Args:
        image: ``uint8 (H, W, 3)``.
        which: of several faces, as in `align_face`; or one that `find` has found, whose eyes are known.
        name: of the image, in a message.

    Raises:
        NoFaceError: no face was found.
        ValueError: there is no such face.
    """
    return find_one(image, which, name).eyes


def find_one(image: np.ndarray, which: Which | Found = "largest", name: str = "this photo") -> Found:
    """One face of a picture ``uint8 (H, W, 3)``; arguments and errors as of `eyes_of`."""
    if isinstance(which, Found):
        return which
    face = _chosen(_faces(image, every=not _is_largest(which)), which, image, name)
    return replace(face, eyes=_closer(image, face.eyes))


def find(image: np.ndarray, name: str = "this photo") -> list[Found]:
    """The faces of a picture ``uint8 (H, W, 3)`` from left to right, as ``which`` of `align_face` numbers them.

    Raises:
        NoFaceError: there is none.
    """
    found = _faces(image, every=True)
    if not found:
        _chosen(found, "largest", image, name)
    return [replace(face, eyes=_closer(image, face.eyes)) for face in found]


def _closer(image: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    matrix = crop_matrix(eyes, SMALL)
    closer = transform(eye_centres(_points(warp(image, matrix, SMALL))), inverse(matrix))
    return closer if np.isfinite(closer).all() else eyes


def _is_largest(which: Which) -> bool:
    return isinstance(which, str) and which == "largest"


def _chosen(found: list[Found], which: Which, image: np.ndarray, name: str) -> Found:
    height, width, _ = image.shape
    if not found:
        raise NoFaceError(
            f"No face was found in {name} ({width}x{height} pixels). Use a picture of one person who looks into the "
            "camera, well lit, the face unobstructed and at least 80 pixels wide; or crop it around the face first."
        )
    if _is_largest(which):
        return max(found, key=lambda face: face.area)
    if isinstance(which, Integral):
        fitting = found[which : which + 1] if which >= 0 else []
    else:
        point = np.asarray(which)
        inside = lambda face: point.shape == (2,) and np.abs(point - face.middle).max() <= face.half  # noqa: E731
        fitting = [] if isinstance(which, str) else sorted(filter(inside, found), key=lambda face: face.area)
    if not fitting:
        places = ", ".join(f"{i} at ({x:.0f}, {y:.0f})" for i, (x, y) in enumerate(face.middle for face in found))
        raise ValueError(
            f"In {name} ({width}x{height} pixels) {len(found)} face(s) were found, from left to right: {places}. "
            f"Given was which={which!r}: give 'largest', one of these numbers, or a point (x, y) inside a face."
        )
    return fitting[0]


def _faces(image: np.ndarray, every: bool) -> list[Found]:
    """The faces of a picture from left to right; of a turned copy, if there is none upright. Without `every` the second
    reader is asked only where the first finds nothing."""
    found = _upright(view_of(image), every)
    if not any(face.sure for face in found):
        found = [face for face in found if _is_there(image, face)]
    for angle in _TURNS:
        if found:
            break
        matrix, side = _turn(image, angle)
        # Not as a photo: small faces are looked for upright only, for that takes longest.
        view = replace(view_of(warp(image, matrix, side)), photo=False)
        back = [face.through(inverse(matrix)) for face in _upright(view, every)]
        found = [face for face in back if _is_there(image, face)]
    return sorted(found, key=lambda face: face.middle[0])


def _is_there(image: np.ndarray, face: Found) -> bool:
    """Whether the crop of a face shows one again, with its eyes where they belong: readers are misled by pictures that
    lie on their side, and by small windows of large ones."""
    again = _upright(view_of(warp(image, crop_matrix(face.eyes, SMALL), SMALL)), every=False)
    wanted = SMALL * np.array([[0.5 - EYE_DISTANCE / 2, EYE_LEVEL], [0.5 + EYE_DISTANCE / 2, EYE_LEVEL]])
    return any(np.abs(other.eyes - wanted).max() < 0.1 * SMALL for other in again)


def _upright(view: View, every: bool) -> list[Found]:
    found = []
    try:
        found = [_by_dlib(view, box, box.area(), sure=True) for box in with_dlib.detections(view, closely=every)]
        has_dlib = True
    except ImportError:
        has_dlib = False
    if found and not every:
        return found
    try:
        meshes = [points for points, _ in with_mediapipe.meshes(view)]
    except (ImportError, RuntimeError):
        if not has_dlib:
            raise
        return found
    for points in sorted(meshes, key=lambda points: -np.ptp(points, axis=0).prod()):
        face = _by_mesh(view, points, has_dlib)
        if all(np.abs(face.middle - other.middle).max() > other.half for other in found):
            found.append(face)
    return found


def _by_dlib(view: View, box: dlib.rectangle, area: float, sure: bool = False) -> Found:
    middle = np.array([box.left() + box.right() + 1, box.top() + box.bottom() + 1]) / 2
    eyes = eye_centres(np.float32(with_dlib.landmarks(view, box)))
    return Found(view.back(middle), box.width() / 2 / view.scale[0], eyes, area / view.scale.prod(), sure)


def _by_mesh(view: View, points: np.ndarray, has_dlib: bool) -> Found:
    """A face that only MediaPipe found: its eyes by dlib, which every crop is made by, unless it is too tilted."""
    eyes, area = eye_centres(points[list(MESH_68)]), np.ptp(points, axis=0).prod()
    across, down = eyes[1] - eyes[0]
    if has_dlib and abs(np.degrees(np.arctan2(down, across))) < _TILTED:
        return _by_dlib(view, mesh_box(points), area)
    low, high = points.min(0), points.max(0)
    half = (high - low).mean() / 2 / view.scale[0]
    return Found(view.back((low + high) / 2), half, view.back(eyes), area / view.scale.prod())


def _turn(image: np.ndarray, angle: float) -> tuple[np.ndarray, int]:
    """The similarity that turns a picture about its middle into a square that holds it, and that square's side."""
    height, width, _ = image.shape
    diagonal = np.hypot(height, width)
    scale, turn = min(1.0, _TURNED_SIDE / diagonal), np.radians(angle)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    side = max(1, round(scale * diagonal))
    return np.column_stack([linear, side / 2 - linear @ [width / 2, height / 2]]), side


# Geometry


def _points(image: np.ndarray) -> np.ndarray:
    """The landmarks of one picture by dlib; by MediaPipe where dlib is not installed."""
    try:
        return landmarks(image[None])[0]
    except ImportError:
        return landmarks(image[None], "mediapipe")[0]


def _checked(size: int) -> int:
    if pixels(size) < 1:
        raise ValueError(f"The size of a crop is a positive number of pixels; given was {size}.")
    return size


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The way back of a similarity ``(2, 3)``, another one."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def _floats(image: np.ndarray) -> torch.Tensor:
    return torch.tensor(image).movedim(-1, 0).float()


def _bytes(values: torch.Tensor) -> np.ndarray:
    return values.round().clamp(0, 255).to(torch.uint8).movedim(0, -1).contiguous().numpy()


def _resample(values: torch.Tensor, matrix: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
    """``(C, H, W)`` through a similarity to ``(C, *shape)``, bicubic, after shrinking it to the scale of the result."""
    shrink = np.sqrt(np.abs(np.linalg.det(matrix[:, :2])))
    if shrink < 1:
        height, width = values.shape[1:]
        smaller = (max(1, round(height * shrink)), max(1, round(width * shrink)))
        values = F.interpolate(values[None], smaller, mode="bilinear", antialias=True)[0]
        matrix = matrix @ np.diag([width / smaller[1], height / smaller[0], 1.0])
    height, width = values.shape[1:]
    back = inverse(matrix)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    source = np.stack([x, y], -1) @ back[:, :2].T + back[:, 2]
    grid = torch.from_numpy(source / [width, height] * 2 - 1).float()
    return F.grid_sample(values[None], grid[None], "bicubic", "border", align_corners=False)[0]
