"""Moving bodies: no reader of faces, no neutral frame and no peak; every frame after the first counts alike.

Frames are ``uint8``; errors are in units of the full range, [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from i2vlib.clips import Clip
from i2vlib.metrics.pixels import BEST_PSNR, check_shapes, difference, flicker, moving_region, static_change
from i2vlib.metrics.statistics import mean, ratio

if TYPE_CHECKING:
    import pandas as pd

#: What the columns of `compare_bodies` say, a row a clip, of its frames after the first.
BODY_COLUMNS = {
    "mse": "mean squared error",
    "psnr": "dB, mean over the frames; at most 60 each",
    "moving_ratio": "mean absolute error where the real frames differ from the first, over that of copying the first",
    "motion": "mean absolute change from the first frame there, over the real clip's",
    "flicker": "mean absolute second difference in time, over the real clip's",
    "static_change": "mean absolute change, in grey levels, where the real clip never changes",
    "figure_ratio": "mean absolute error where the person is, over that of copying the first frame",
}


def compare_bodies(generated: np.ndarray, clip: Clip) -> dict[str, float]:
    """The row of `BODY_COLUMNS` of one clip: generated frames ``uint8 (T, H, W, 3)`` against the real ones.

    Raises:
        ValueError: frames of another shape, or a clip of one frame.
    """
    real = clip.frames
    check_shapes(generated, real)
    if len(real) < 2:
        raise ValueError(f"{clip!r} has one frame, after which nothing is to be compared.")
    region, still = moving_region(real[1:], real[0]), np.broadcast_to(real[0], real[1:].shape)
    of_ours, of_copy = difference(generated[1:], real[1:]), difference(still, real[1:])
    squares = np.square((generated[1:].astype(np.float64) - real[1:]) / 255).mean((1, 2, 3))
    figure = np.asarray(clip.truth["person"][1:], bool) if "person" in clip.truth else np.zeros_like(region)
    return {
        "mse": float(squares.mean()),
        "psnr": float(_decibels(squares).mean()),
        "moving_ratio": ratio(mean(of_ours[region]), mean(of_copy[region])),
        "motion": ratio(mean(difference(generated[1:], np.broadcast_to(generated[0], still.shape))[region]),
                        mean(of_copy[region])),
        "flicker": flicker(generated, real),
        "static_change": static_change(generated, real),
        "figure_ratio": ratio(mean(of_ours[figure]), mean(of_copy[figure])),
    }  # fmt: skip


def _decibels(squares: np.ndarray) -> np.ndarray:
    """Mean squared errors of the full range in dB (PSNR), 60 at most."""
    return np.minimum(BEST_PSNR, -10 * np.log10(np.maximum(squares, 10 ** (-BEST_PSNR / 10))))


class Nearest:
    """Shows the training clip of the action whose first frame is nearest (L2), frame by frame as it was filmed.

    What a system of pictures does that has learnt its training clips by heart. Keeps the training clips' frames.

    Raises:
        ValueError: there is no training clip, or, later, none of the action asked for.
    """

    def __init__(self, train_clips: Iterable[Clip]) -> None:
        self.known: dict[str | None, list[np.ndarray]] = {}
        for clip in train_clips:
            self.known.setdefault(clip.expression, []).append(clip.frames)
        if not self.known:
            raise ValueError("A nearest neighbour needs training clips to look among; none were given.")

    def frames(self, clip: Clip) -> np.ndarray:
        """The neighbour's frames ``uint8 (T, H, W, 3)``, the clip's own first one in front; the last is held."""
        if clip.expression not in self.known:
            raise ValueError(f"No training clip shows {clip.expression!r}; they show {sorted(map(str, self.known))}.")
        first = clip.frames[0].astype(np.float32)
        best = min(self.known[clip.expression], key=lambda frames: float(np.square(frames[0] - first).sum()))
        rows = np.minimum(np.arange(len(clip)), len(best) - 1)
        return np.concatenate([clip.frames[:1], best[rows[1:]]])


def body_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of `compare_bodies` as a table: subject, expression (the action), and `BODY_COLUMNS`."""
    import pandas as pd

    if not rows:
        raise ValueError("There are no clips to evaluate on. Is the split of the data set empty?")
    system = ["system"] if "system" in rows[0] else []
    return pd.DataFrame(rows).reindex(columns=[*system, "subject", "expression", *BODY_COLUMNS])
