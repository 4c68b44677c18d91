"""A frame as the detectors get it: grown by its own border, and scaled.

A crop in which brows to chin fill the frame leaves a detector no room, so a frame is first grown by 40 % of its
shorter side on each side, by repeating its border, and a small one is enlarged; points are brought back to the
frame's own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

_PAD = 0.4
SMALL, LARGE = 256, 1024


@dataclass(frozen=True, eq=False)
class View:
    """A frame grown and scaled for the detectors; ``x_view = (x + pad) * scale``."""

    image: np.ndarray
    scale: np.ndarray
    pad: int
    photo: bool

    def back(self, points: np.ndarray) -> np.ndarray:
        return points / self.scale - self.pad


def views(frames: np.ndarray) -> list[View]:
    """The views of frames ``uint8 (T, H, W, 3)``. Raises `ValueError` for frames of another form."""
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ValueError(
            f"Frames are uint8 (T, H, W, 3); these are {frames.dtype} {frames.shape}. "
            "For one picture give i2vlib.load_image(picture)[None]."
        )
    return [view_of(frame) for frame in frames]


def view_of(frame: np.ndarray) -> View:
    """The view of one frame ``uint8 (H, W, 3)``."""
    height, width, _ = frame.shape
    pad = round(_PAD * min(height, width))
    grown = np.pad(frame, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    scale = min(max(1.0, SMALL / min(height, width)), LARGE / max(grown.shape))
    shape = tuple(max(1, round(side * scale)) for side in grown.shape[1::-1])
    filter_ = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    image = grown if scale == 1 else np.asarray(Image.fromarray(grown).resize(shape, filter_))
    exact = np.array(image.shape[1::-1]) / grown.shape[1::-1]
    return View(np.ascontiguousarray(image), exact, pad, photo=min(height, width) > SMALL)


def stacked(found: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> np.ndarray:
    """``float32 (T, *shape)`` of what was found in T frames; NaN where nothing was."""
    nothing = np.full(shape, np.nan, np.float32)
    return np.stack([nothing if one is None else np.asarray(one, np.float32) for one in found])
