"""The networks of MediaPipe's face landmarker: 478 points and 51 of the 52 blendshape scores.

Only its model file is used, ``face_landmarker.task`` (Apache-2.0), a zip of three networks; `landmarker` runs them. The
package that it comes from sends usage metrics. It reads no ``tongueOut``, and its ``cheekPuff``, ``noseSneerLeft`` and
``noseSneerRight`` stay at 0 whatever the face does.
"""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache

import numpy as np

from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces import landmarker, models
from i2vlib.faces.litert import Network
from i2vlib.faces.views import View

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
    """The three networks. Raises `ImportError` and `RuntimeError` with advice, as `Network` and `models.model_file`."""
    return landmarker.Networks(*map(Network, files()))


def files() -> list[bytes]:
    """The files of the detector, of the landmarks and of the scores. Raises as `models.model_file`."""
    with zipfile.ZipFile(io.BytesIO(models.model_file(models.LANDMARKER))) as archive:
        return [archive.read(f"{name}.tflite") for name in _NETWORKS]
