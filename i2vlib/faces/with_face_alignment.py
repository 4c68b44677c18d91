"""face-alignment (Bulat and Tzimiropoulos, ICCV 2017): 68 landmarks; it downloads its weights at the first use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from i2vlib.faces.views import View

if TYPE_CHECKING:
    import dlib


def landmarks(view: View, box: dlib.rectangle | None) -> np.ndarray | None:
    """The 68 landmarks ``(68, 2)`` of the face in a box, in the frame's pixels."""
    if box is None:
        return None
    bounds = [box.left(), box.top(), box.right(), box.bottom()]
    points = network().get_landmarks_from_image(view.image, detected_faces=[bounds])
    return None if not points else view.back(np.asarray(points[0]) + 0.5)


@lru_cache(maxsize=1)
def network() -> object:
    """The network of landmarks. Raises `ImportError` or `RuntimeError`, with advice."""
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
