"""The joints of a body, in the order of Penn Action's labels, the box around them, and the eight actions of the book.

Left and right are the person's own.
"""

from __future__ import annotations

import numpy as np

#: The columns of every array of joints, ``(T, 13, 2)``.
JOINTS = (
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

#: The joints of a body seen in a mirror: column i is column ``MIRRORED[i]`` of the body itself.
MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11)

#: What is drawn as limbs: pairs of columns. The neck, which has no column, is left out; a head hangs on both shoulders.
BONES = (
    (0, 1), (0, 2), (1, 2), (1, 3), (3, 5), (2, 4), (4, 6),
    (1, 7), (2, 8), (7, 8), (7, 9), (9, 11), (8, 10), (10, 12),
)  # fmt: skip

#: The eight of Penn Action's 15 actions whose joints FRGAN found clean enough (section 4.1).
ACTIONS = (
    "baseball_pitch", "baseball_swing", "clean_and_jerk", "golf_swing",
    "jumping_jacks", "jump_rope", "tennis_forehand", "tennis_serve",
)  # fmt: skip


def box(joints: np.ndarray, visible: np.ndarray) -> tuple[np.ndarray, float]:
    """Where a body is, and how large: the bounding box of its visible joints in all frames together.

    Args:
        joints: ``(T, 13, 2)`` in pixels.
        visible: ``bool (T, 13)``.

    Returns:
        Its centre ``float32 (2,)``, and its larger side in pixels, 1 at least.

    Raises:
        ValueError: no joint is visible.
    """
    if not np.any(visible):
        raise ValueError(f"In none of {len(joints)} frames is a joint visible, so the body has no box.")
    low, high = joints[visible].min(0), joints[visible].max(0)
    return ((low + high) / 2).astype(np.float32), max(1.0, float((high - low).max()))


def around(points: np.ndarray, size: int, margin: float = 0.1) -> np.ndarray:
    """The crop that holds points ``(n, 2)`` of every frame of a clip: one square around all of them.

    Args:
        points: in pixels of the frame, n at least 1.
        size: side of the crop in pixels.
        margin: on each side, as a share of the larger side of what it holds.

    Returns:
        ``float64 (2, 3)``, from pixels of the frame to those of the crop.
    """
    low, high = points.min(0).astype(np.float64), points.max(0).astype(np.float64)
    scale = size / max(1.0, (1 + 2 * margin) * (high - low).max())
    return np.column_stack([np.eye(2) * scale, size / 2 - scale * (low + high) / 2])


def last_seen(joints: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Where each joint was when it was visible last: ``(13, 2)``, NaN where it never was. Arguments as of `box`."""
    newest = (np.arange(len(joints))[:, None] * visible).max(0)
    return np.where(visible.any(0)[:, None], joints[newest, np.arange(joints.shape[1])], np.nan)
