"""How a curve runs: rank correlation with the truth, falls, even steps."""

from __future__ import annotations

import numpy as np

from i2vlib.metrics.statistics import ratio


def spearman(inferred: np.ndarray, true: np.ndarray) -> float:
    """Rank correlation, ties at their average rank, over the frames whose true intensity is above 0.

    Args:
        inferred, true: ``(T,)``.

    Returns:
        In [-1, 1]; NaN with fewer than five distinct true values, which show no order; 0 if the inferred ones are all
        the same or not all finite, for an inference that says nothing is no missing value.
    """
    inferred, true = np.asarray(inferred, np.float64), np.asarray(true, np.float64)
    if inferred.shape != true.shape or true.ndim != 1:
        raise ValueError(f"Two curves of one length are compared; given were {inferred.shape} and {true.shape}.")
    shown = true > 0
    return rank_correlation(inferred[shown], true[shown])


def rank_correlation(values: np.ndarray, against: np.ndarray) -> float:
    """Rank correlation of two curves ``(n,)``, ties at their average rank; NaN and 0 as in `spearman`."""
    import pandas as pd

    if len(np.unique(against)) < 5:
        return float("nan")
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return 0.0
    # By pandas, since runs are validated on machines that have no scipy.
    return float(pd.Series(values).rank().corr(pd.Series(against).rank()))


def falls(values: np.ndarray, tolerance: float = 0.005) -> float:
    """Share of the steps of a curve ``(n,)`` that drop by more than ``tolerance`` of its range.

    The book takes 21 intensities from 0 to 1. A curve that never moves has no falls; NaN if a value is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"Falls are counted on a curve of at least two values; this one has the shape {values.shape}.")
    return float((np.diff(values) < -tolerance * np.ptp(values)).mean()) if np.isfinite(values).all() else float("nan")


def unevenness(frames: np.ndarray) -> float:
    """How unequal the steps of a clip are: standard deviation over mean of the L2 from each frame to the next.

    0 where every step is as long as the others; NaN if nothing moves. ``uint8 (T, H, W, 3)``, at least two frames.
    """
    steps = np.linalg.norm(np.diff(frames.astype(np.float64), axis=0).reshape(len(frames) - 1, -1), axis=1)
    return ratio(float(steps.std()), float(steps.mean()))
