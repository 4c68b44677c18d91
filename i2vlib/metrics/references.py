"""What every table is held against: copying the neutral frame, and fading to the nearest training peak."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from i2vlib.clips import Clip
from i2vlib.metrics.pixels import check_shapes, distances

REFERENCE_ROWS = ("real", "copy", "cross-fade")


class CopyNeutral:
    """Copies the neutral frame: keeps every identity, moves nothing, and infers no intensity."""

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        intensity = np.asarray(intensity, np.float32)
        return Clip(np.repeat(face[None], len(intensity), 0), intensity=intensity, expression=expression)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        return np.zeros(len(frames), np.float32)


class CrossFade:
    r"""Fades to the peak of the training clip of that expression whose neutral frame is nearest (L2).

    A frame is :math:`(1 - a) I_0 + a P`, and the inferred intensity :math:`\lVert I_t - I_0\rVert / \max_s \lVert I_s -
    I_0\rVert`. Needs the training clips' expressions; keeps two frames of each.

    Raises:
        ValueError: there is no training clip, or, later, none of the expression asked for.
    """

    def __init__(self, train_clips: Iterable[Clip]) -> None:
        pairs = [(clip.expression, clip.frames[0], clip.frames[peak_frame(clip)]) for clip in train_clips]
        if not pairs:
            raise ValueError("A cross-fade needs training clips to fade to; none were given.")
        self.pairs = pairs

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        """The face faded into the peak of the training person whose neutral frame is nearest to it.

        Raises:
            ValueError: no training clip shows the expression, or the sizes differ.
        """
        fitting = [(neutral, peak) for name, neutral, peak in self.pairs if name == expression or expression is None]
        if not fitting:
            names = sorted({str(name) for name, _, _ in self.pairs})
            raise ValueError(f"No training clip shows {expression!r}; they show: {', '.join(names)}.")
        for neutral, _ in fitting:
            check_shapes(neutral, face)
        _, peak = min(fitting, key=lambda pair: float(((pair[0].astype(np.float32) - face) ** 2).sum()))
        a = np.clip(np.asarray(intensity, np.float32), 0, 1)[:, None, None, None]
        frames = ((1 - a) * face + a * peak).round().astype(np.uint8)
        return Clip(frames, intensity=np.asarray(intensity, np.float32), expression=expression)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        change = distances(frames, neutral)
        return (change / max(float(change.max()), 1e-6)).astype(np.float32)


def peak_frame(clip: Clip) -> int:
    """The frame with the largest true intensity; if that is unknown, the one that differs most from the first (L2)."""
    if clip.intensity is None:
        return int(np.argmax(distances(clip.frames, clip.frames[0])))
    return int(np.argmax(clip.intensity.reshape(len(clip), -1).max(1)))
