r"""Where in a face something is: the mouth, the eyes, the brows, and whatever moves. One definition of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

#: Of what moves, as training weighs it; a result of the table of runs says which it was trained with. The first had
#: another threshold, and grew by two pixels at any size.
VERSION = 2
#: A pixel moves if it changes by more than this much of the full range, averaged over the channels.
MOVED = 0.06
#: What moves is grown by one part in so many of the frame's side, and by a pixel at least.
GROWN = 64
#: Where a user may let an expression act, by name. Left and right are the picture's, as one looks at it.
ACTING = ("mouth", "eyes", "left", "right")
#: How softly it ends there: the standard deviation of the blur, a share of the frame's side.
_SOFT = 0.03
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


def outline(points: np.ndarray, size: int) -> np.ndarray:
    """The outline of the face from ear to ear: a band along landmarks 0 to 16, a sixteenth of the size wide.

    Arguments, result and errors as of `mouth`.
    """
    jaw, half = _finite(points)[:17], size / 32
    below = np.mgrid[:size, :size][0] + 0.5 > jaw[[0, 16], 1].mean()
    upwards = [np.concatenate([jaw, jaw[[0, 16]] - [0, size]])]  # so that nothing ends at the line from ear to ear
    return hull(upwards, size, grow=half) & ~hull(upwards, size, grow=-half) & below


def acting(region: str | np.ndarray, points: np.ndarray, size: int) -> np.ndarray:
    """Where an expression may act, with a soft edge: one of `ACTING`, or a mask of the user's own.

    The mouth is the lower face, from the nostrils to the chin, for a smile moves the cheeks and a cry the jaw; the eyes
    are the lids and the brows, with the skin between and above them; left and right are the halves of the face beside
    the line from between the eyes to the chin, as one looks at the picture.

    Args:
        region: a name, or a mask ``(H, W)`` in [0, 1], square, which is resampled and not softened.
        points: ``(68, 2)``, the landmarks in the pixels of a square frame; looked at for a name only.
        size: side of that frame.

    Returns:
        ``float32 (size, size)`` in [0, 1].

    Raises:
        ValueError: there is no region of that name, the mask has another form, or no landmarks were found.
    """
    if not isinstance(region, str):
        return _own(region, size)
    if region not in ACTING:
        raise ValueError(f"An expression acts in one of {ACTING}, or in a mask (H, W) in [0, 1]; given was {region!r}.")
    from scipy import ndimage

    points = _finite(points)
    if region in ("left", "right"):
        top, chin = points[[27, 28, 29, 30]].mean(0), points[8]
        y, x = np.mgrid[:size, :size] + 0.5
        beside = (x - top[0]) * (chin[1] - top[1]) - (y - top[1]) * (chin[0] - top[0])
        inside = beside < 0 if region == "left" else beside >= 0
    elif region == "mouth":
        inside = hull([points[[*range(2, 15), *range(31, 36)]]], size, grow=_RIM * size)
    else:
        inside = hull([points[[*range(17, 27), *range(36, 48)]]], size, grow=3 * _RIM * size)
    return np.clip(ndimage.gaussian_filter(inside.astype(np.float32), _SOFT * size, mode="nearest"), 0, 1)


def _own(mask: np.ndarray, size: int) -> np.ndarray:
    try:
        given = np.asarray(mask, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"A mask is an array (H, W) in [0, 1]; given was {mask!r}.") from None
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not given.size:
        raise ValueError(f"A mask is square, (H, W), as the face is; this one has the shape {given.shape}.")
    if not np.isfinite(given).all() or given.min() < 0 or given.max() > 1:
        raise ValueError("A mask holds numbers from 0, where nothing may change, to 1; this one holds others.")
    return at_level(torch.from_numpy(given)[None, None], (size, size))[0, 0].numpy()


def at_level(mask: Tensor, shape: Sequence[int]) -> Tensor:
    """A mask ``(1, 1, H, W)`` as one of another size, each of whose pixels is the mean of what it covers."""
    return F.interpolate(mask, tuple(shape), mode="area")


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


def _finite(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        state = "with NaN: no face was found in that frame" if points.shape == (68, 2) else "of another shape"
        raise ValueError(f"A mask is drawn from finite landmarks (68, 2); these are {points.shape}, {state}.")
    return points


def _grown_hull(points: np.ndarray, groups: Sequence[slice], size: int) -> np.ndarray:
    points = _finite(points)
    # Every point stands for a disc, so that lids on one line have a hull too, and no sharp corner runs away.
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    disc = max(1.0, _RIM * size) * np.stack([np.cos(turn), np.sin(turn)], 1)
    return hull([(points[group, None] + disc).reshape(-1, 2) for group in groups], size)
