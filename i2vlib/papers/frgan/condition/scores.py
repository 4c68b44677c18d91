"""From MediaPipe's scores to the model's coefficients: a linear map, learnt on actors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Reader:
    """What a coefficient is, by MediaPipe's scores: a linear map, learnt on actors (`calibrated`).

    Attributes:
        usual: ``(52,)``, the scores of a usual neutral face.
        weights: ``(52, 52)``, from how far each score has risen from neutral to coefficients.
        doubt: ``(52,)``, the root of the mean square error of each coefficient so read.
    """

    usual: np.ndarray
    weights: np.ndarray
    doubt: np.ndarray

    def __call__(self, scores: np.ndarray, neutral: np.ndarray | None = None) -> np.ndarray:
        """Coefficients ``float32 (T, 52)`` in [0, 1] of scores ``(T, 52)``, NaN counting as unchanged.

        ``neutral``: the scores ``(52,)`` of the same face without expression; left out, those of a usual face.
        """
        rise = np.nan_to_num(scores - (self.usual if neutral is None else neutral))
        return np.clip(rise @ self.weights, 0, 1).astype(np.float32)


def calibrated(scores: np.ndarray, neutral: np.ndarray, coefficients: np.ndarray, ridge: float = 1.0) -> Reader:
    """The `Reader` that ridge regression makes of faces whose coefficients are known.

    MediaPipe's scores follow their own coefficient loosely (a frown's by a correlation of .46 on actors), and each
    other's closely: read together they say nearly twice as much.

    Args:
        scores: ``(n, 52)`` of the faces.
        neutral: ``(n, 52)``, those of the same people's neutral faces.
        coefficients: ``(n, 52)``.
        ridge: added to the squares of each score's rise.
    """
    usual = np.nan_to_num(neutral).mean(0)
    rise = np.nan_to_num(scores - neutral)
    weights = np.linalg.solve(rise.T @ rise + ridge * np.eye(len(usual)), rise.T @ coefficients)
    error = np.clip(rise @ weights, 0, 1) - coefficients
    return Reader(*(x.astype(np.float32) for x in (usual, weights, np.sqrt((error**2).mean(0)))))


@lru_cache(maxsize=1)
def reader() -> Reader:
    """The reader that was calibrated on 40 training actors in nine expressions, halfway and at the peak."""
    with np.load(Path(__file__).parent / "scores_to_coefficients.npz") as arrays:
        return Reader(**{name: arrays[name].astype(np.float32) for name in ("usual", "weights", "doubt")})
