r"""Where in a face something is: the mouth, the eyes, and whatever moves."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import Tensor


def moving(frames: Tensor, neutral: Tensor, threshold: float = 0.1, dilation: int = 5) -> Tensor:
    r"""Where real frames differ from the neutral one, grown by a few pixels.

    Args:
        frames: ``(B, n, 3, H, W)`` in [-1, 1].
        neutral: ``(B, 3, H, W)`` in [-1, 1].
        threshold: least absolute difference, averaged over the channels.
        dilation: side of the square that grows the region, odd, in pixels.

    Returns:
        ``(B, n, 1, H, W)`` of zeros and ones.
    """
    difference = (frames - neutral.unsqueeze(1)).abs().mean(2)
    moved = (difference > threshold).to(frames.dtype)
    return F.max_pool2d(moved, dilation, stride=1, padding=dilation // 2).unsqueeze(2)


def mouth(points: np.ndarray, size: int) -> np.ndarray:
    """The mouth, lips included: the filled convex hull of landmarks 48 to 67, grown by 1.5 % of the size.

    Args:
        points: ``(68, 2)`` in the pixels of a square frame.
        size: side of that frame.

    Returns:
        ``bool (size, size)``.

    Raises:
        ValueError: the landmarks have another shape or are not finite.
    """
    return _hull(_checked_points(points)[48:68], size)


def eyes(points: np.ndarray, size: int) -> np.ndarray:
    """Both eyes: the filled convex hulls of landmarks 36 to 41 and 42 to 47, as `mouth`."""
    points = _checked_points(points)
    return _hull(points[36:42], size) | _hull(points[42:48], size)


def _checked_points(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        state = "with NaN: no face was found in that frame" if points.shape == (68, 2) else "of another shape"
        raise ValueError(f"A mask is drawn from finite landmarks (68, 2); these are {points.shape}, {state}.")
    return points


def _hull(points: np.ndarray, size: int) -> np.ndarray:
    from scipy.spatial import ConvexHull
    from skimage.draw import polygon2mask
    from skimage.morphology import dilation, disk

    # QJ joggles the points, so that lips or lids on one line have a hull too.
    corners = points[ConvexHull(points, qhull_options="QJ").vertices]
    filled = polygon2mask((size, size), corners[:, ::-1] - 0.5)
    # Lips or lids thinner than a pixel leave the hull without a pixel centre: their points are set as well.
    inside = np.floor(points[((points >= 0) & (points < size)).all(1)]).astype(int)
    filled[inside[:, 1], inside[:, 0]] = True
    return dilation(filled, disk(max(1, round(0.015 * size)))).astype(bool)
