"""dlib: a HOG detector, 68 landmarks, and a ResNet that turns a face into 128 numbers.

King, "Dlib-ml", JMLR 2009; weights of the package ``face_recognition_models``. The landmark model was trained on 300-W,
whose terms exclude commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from i2vlib.faces.views import View

if TYPE_CHECKING:
    import dlib


def detections(view: View, closely: bool = False) -> list[dlib.rectangle]:
    """The faces that dlib's detector finds, those at least half as certain as the best.

    A face between two steps of the detector's pyramid of scales can be missed, so a miss is looked at again half a step
    smaller; a photo, in which a face may be small, at twice its size too; closely, at once, for
    small faces beside a large one.
    """
    detector, _, _ = models()
    boxes, scores, _ = detector.run(view.image, int(closely and view.photo))
    if not boxes:
        scale = (5 / 6) ** 0.5
        shape = [max(1, round(side * scale)) for side in view.image.shape[1::-1]]
        smaller = np.asarray(Image.fromarray(view.image).resize(shape, Image.Resampling.BICUBIC))
        boxes, scores, _ = detector.run(smaller, 0)
        sides = [(box.left(), box.top(), box.right(), box.bottom()) for box in boxes]
        boxes = [package().rectangle(*(round(side / scale) for side in four)) for four in sides]
    if not boxes and view.photo:
        boxes, scores, _ = detector.run(view.image, 1)
    return [box for box, score in zip(boxes, scores, strict=True) if score >= max(scores) / 2]


def detect(view: View) -> dlib.rectangle | None:
    """The largest of the `detections`."""
    return max(detections(view), key=lambda box: box.area(), default=None)


def _shape(view: View, box: dlib.rectangle) -> dlib.full_object_detection:
    return models()[1](view.image, box)


def landmarks(view: View, box: dlib.rectangle | None) -> np.ndarray | None:
    """The 68 landmarks ``(68, 2)`` of the face in a box, in the frame's pixels."""
    if box is None:
        return None
    return view.back(np.array([(point.x + 0.5, point.y + 0.5) for point in _shape(view, box).parts()]))


def embedding(view: View, box: dlib.rectangle | None) -> np.ndarray | None:
    """The identity vector ``(128,)`` of the face in a box."""
    if box is None:
        return None
    return np.array(models()[2].compute_face_descriptor(view.image, _shape(view, box)))


def package() -> ModuleType:
    """dlib itself. Raises `ImportError`, which says what to install."""
    try:
        import dlib
    except ImportError as error:
        raise ImportError(
            f"dlib, which finds faces and compares identities, cannot be imported ({error}). "
            "Install it: pip install dlib-bin face_recognition_models."
        ) from error
    return dlib


@lru_cache(maxsize=1)
def models() -> tuple[object, object, object]:
    """The detector, the predictor of landmarks and the network of identity. Raises `ImportError` as `package`."""
    dlib = package()
    # Importing the package needs pkg_resources, which new setuptools lacks; only its files are wanted.
    carrier = importlib.util.find_spec("face_recognition_models")
    if carrier is None:
        raise ImportError(
            "dlib's models are not installed. Install the package that carries them: "
            "pip install face_recognition_models."
        )
    folder = Path(carrier.submodule_search_locations[0]) / "models"
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )
