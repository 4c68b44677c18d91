r"""Where in a face something is: the mouth, the eyes, the brows, and whatever moves. One definition of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor

#: Of what moves, as training weighs it; a result of the table of runs says which it was trained with. The first had
#: another threshold, and grew by two pixels at any size.
VERSION = 2
#: A pixel moves if it changes by more than this much of the full range, averaged over the channels.
MOVED = 0.06
#: What moves is grown by one part in so many of the frame's side, and by a pixel at least.
GROWN = 64
#: The readers' masks are grown by this share of the frame's side, and by a pixel at least.
_RIM = 0.015


def moving(frames: Tensor, neutral: Tensor) -> Tensor:
    r"""Where real frames differ from the neutral one by more than `MOVED`, grown by a sixty-fourth of their side.

    The one definition of what moves: models are trained inside it, and metrics measure inside it.

    Args:
        frames: ``(B, n, 3, H, W)`` in [-1, 1].
        neutral: ``(B, 3, H, W)`` in [-1, 1].

    Returns:
        ``(B, n, 1, H, W)`` of zeros and ones.
    """
    difference = (frames - neutral.unsqueeze(1)).abs().mean(2)
    moved = (difference > 2 * MOVED).to(frames.dtype)
    border = max(1, round(frames.shape[-1] / GROWN))
    return F.max_pool2d(moved, 2 * border + 1, stride=1, padding=border).unsqueeze(2)


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
    return _grown_hull(points, [slice(48, 68)], size)


def eyes(points: np.ndarray, size: int) -> np.ndarray:
    """Both eyes: the filled convex hulls of landmarks 36 to 41 and 42 to 47, as `mouth`."""
    return _grown_hull(points, [slice(36, 42), slice(42, 48)], size)


def brows(points: np.ndarray, size: int) -> np.ndarray:
    """Both brows: the filled convex hulls of landmarks 17 to 21 and 22 to 26, as `mouth`."""
    return _grown_hull(points, [slice(17, 22), slice(22, 27)], size)


def hull(groups: Sequence[np.ndarray], size: int, grow: float = 0.0) -> np.ndarray:
    """The pixels whose centres lie in the convex hull of any of the groups of points.

    Args:
        groups: of points ``(n, 2)``, three or more each, in the pixels of a square frame.
        size: side of that frame.
        grow: by how many pixels every side of a hull is moved outwards.

    Returns:
        ``bool (size, size)``.
    """
    from scipy.spatial import ConvexHull, QhullError

    centres = np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), -1)
    inside = np.zeros((size, size), bool)
    for points in groups:
        # Points that share a pixel, as detectors give them, lie a hair apart.
        points = points + 1e-4 * np.arange(len(points))[:, None] * np.array([1, -1])
        try:
            walls = ConvexHull(points).equations
        except QhullError:
            # Closed lips or lids may lie on one line: QJ joggles the points until they have a hull.
            walls = ConvexHull(points, qhull_options="QJ").equations
        inside |= (centres @ walls[:, :2].T + walls[:, 2] <= grow).all(-1)
    return inside


def _grown_hull(points: np.ndarray, groups: Sequence[slice], size: int) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        state = "with NaN: no face was found in that frame" if points.shape == (68, 2) else "of another shape"
        raise ValueError(f"A mask is drawn from finite landmarks (68, 2); these are {points.shape}, {state}.")
    # Every point stands for a disc, so that lids on one line have a hull too, and no sharp corner runs away.
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    disc = max(1.0, _RIM * size) * np.stack([np.cos(turn), np.sin(turn)], 1)
    return hull([(points[group, None] + disc).reshape(-1, 2) for group in groups], size)
