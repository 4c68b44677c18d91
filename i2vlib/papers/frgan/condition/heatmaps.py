"""Condition maps of joints: one Gaussian a joint, stacked on depth (section 3.1, right)."""

from __future__ import annotations

import numpy as np

from i2vlib.joints import JOINTS

#: The standard deviation of a joint's Gaussian, as a share of the side: 2 pixels of 64. The paper gives none.
WIDTH = 1 / 32


def heatmaps(joints: np.ndarray, visible: np.ndarray | None, size: int, width: float = WIDTH) -> np.ndarray:
    """The joints of a body as condition maps M_t, a channel a joint.

    A Gaussian is taken at the centres of the pixels, so that where a joint is between two pixels can be read off both.
    A joint that is hidden or unknown leaves its channel empty, and so does one further outside than a Gaussian reaches.

    Args:
        joints: ``(T, 13, 2)``, (x, y) in pixels, pixel centres at +0.5, in the order of `i2vlib.joints.JOINTS`; NaN
            where unknown.
        visible: ``bool (T, 13)``; None for all that are known.
        size: side of the maps in pixels.
        width: standard deviation as a share of the side.

    Returns:
        ``int8 (T, size, size, 13)`` from 0 to 127, the Gaussian's peak; 0 from 3.4 standard deviations on.

    Raises:
        ValueError: another shape, or a side or a width that is not positive.
    """
    joints = np.asarray(joints, np.float32)
    if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 2):
        raise ValueError(f"Heatmaps are drawn of joints (T, {len(JOINTS)}, 2); given was the shape {joints.shape}.")
    seen = np.isfinite(joints).all(-1)
    if visible is not None:
        if np.shape(visible) != joints.shape[:2]:
            raise ValueError(
                f"Which joints are visible is said for each of {joints.shape[:2]}; given was {np.shape(visible)}."
            )
        seen &= np.asarray(visible, bool)
    if size < 1 or not 0 < width < np.inf:
        raise ValueError(f"Heatmaps have a side and a width above 0; given were {size} and {width}.")
    centres = np.arange(size, dtype=np.float32) + 0.5
    away = (centres - np.where(seen[..., None], joints, 0)[..., None]) / (width * size)
    across, down = np.moveaxis(np.exp(-np.square(away) / 2), 2, 0) * seen[..., None]
    peaks = 127 * down[..., None] * across[:, :, None]  # (T, 13, size, size): joints inside would be slow
    return np.moveaxis(np.rint(peaks, out=peaks).astype(np.int8), 1, -1)
