"""How far a forecast of joints is from where they went, what it is held against, and how well joints are read."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from i2vlib.joints import JOINTS, box, last_seen


def joint_error(forecast: np.ndarray, joints: np.ndarray, visible: np.ndarray, side: float) -> np.ndarray:
    """The mean distance of the visible joints from their forecast, frame by frame, in units of the body's box.

    Args:
        forecast, joints: ``(T, 13, 2)`` in pixels; what is not visible may be NaN.
        visible: ``bool (T, 13)``, the joints that count: those that are visible, and were visible at least once in the
            frames that the forecast was made from, since nobody can know where another one was.
        side: the larger side of the body's box in those frames (`i2vlib.joints.box`), in pixels.

    Returns:
        ``float64 (T,)``: 1 is as far as the box is large; NaN where no joint counts.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(forecast) != np.shape(joints) or np.shape(joints)[:2] != np.shape(visible):
        raise ValueError(
            "A forecast is compared with as many joints, of each of which it is said whether it counts; given were the "
            f"shapes {np.shape(forecast)}, {np.shape(joints)} and {np.shape(visible)}."
        )
    away = np.where(visible, np.linalg.norm(np.asarray(forecast, np.float64) - joints, axis=-1), 0).sum(1)
    counted = visible.sum(1)
    return np.where(counted > 0, away / np.maximum(counted, 1), np.nan) / side


def joints_found(found: np.ndarray, joints: np.ndarray, visible: np.ndarray, within: float = 0.2) -> dict[str, float]:
    """How well joints were read off the frames of a clip: over the visible ones, in units of each frame's own box.

    Args:
        found, joints: ``(T, 13, 2)`` in pixels, as they were read and as they are.
        visible: ``bool (T, 13)``, the joints that count.
        within: how far off a joint may be, as a share of the larger side of the box, and count as found.

    Returns:
        joint_error, the mean distance, and pck, the share that was found (PCK, Yang and Ramanan, 2013); NaN where
        nothing is visible.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(found) != np.shape(joints) or np.shape(joints)[:2] != np.shape(visible):
        raise ValueError(
            "Joints that were read are compared with as many, of each of which it is said whether it is visible; given "
            f"were the shapes {np.shape(found)}, {np.shape(joints)} and {np.shape(visible)}."
        )
    sides = np.array([box(j[None], v[None])[1] if v.any() else np.nan for j, v in zip(joints, visible, strict=True)])
    off = (np.linalg.norm(np.asarray(found, np.float64) - joints, axis=-1) / sides[:, None])[np.asarray(visible, bool)]
    if not len(off):
        return {"joint_error": np.nan, "pck": np.nan}
    return {"joint_error": float(off.mean()), "pck": float((off <= within).mean())}


def constant_pose(joints: np.ndarray, visible: np.ndarray, frames: int) -> np.ndarray:
    """A body that stands still: each joint stays where it was visible last, ``float32 (frames, 13, 2)``.

    Args:
        joints: ``(T, 13, 2)`` in pixels, the frames that are seen.
        visible: ``bool (T, 13)``.
        frames: how many follow. A joint that was never visible is put in the middle of the box.
    """
    last = last_seen(joints, visible)
    return np.repeat(np.where(np.isnan(last), box(joints, visible)[0], last)[None], frames, 0).astype(np.float32)


def constant_velocity(joints: np.ndarray, visible: np.ndarray, frames: int, steps: int = 1) -> np.ndarray:
    """A body that goes on as it did: each joint moves on by the mean of its last steps, as `constant_pose` otherwise.

    Args:
        steps: how many of a joint's last steps, from one frame in which it is visible to the next, are averaged at
            most. One follows the newest change and the noise of two labels; more follow neither.
    """
    both = (visible[1:] & visible[:-1])[..., None]
    moves = np.where(both, np.diff(joints, axis=0), 0)
    newest = np.cumsum(both[::-1], 0)[::-1] <= steps
    counted = (both & newest).sum(0)
    step = (moves * newest).sum(0) / np.maximum(counted, 1)
    ahead = np.arange(1, frames + 1, dtype=np.float32)[:, None, None]
    return (constant_pose(joints, visible, frames) + ahead * step).astype(np.float32)


def mean_pose(sequences: Iterable[tuple[np.ndarray, np.ndarray]], seen: int) -> np.ndarray:
    """The mean pose of training sequences after the frames that are seen, in units of the box of those.

    Args:
        sequences: of each its joints and which of them are visible, as of `constant_pose`.
        seen: how many frames of each are seen.

    Returns:
        ``float32 (13, 2)``: times a box's side and beside its centre, the same forecast for every frame. Every visible
        joint of every frame counts alike.

    Raises:
        ValueError: in no sequence with a box is anything visible after the frames that are seen.
    """
    total, counted = np.zeros((len(JOINTS), 2)), np.zeros((len(JOINTS), 1))
    for joints, visible in sequences:
        if visible[:seen].any():
            centre, side = box(joints[:seen], visible[:seen])
            known = visible[seen:, :, None]
            total += np.where(known, (joints[seen:] - centre) / side, 0).sum(0)
            counted += known.sum(0)
    if not counted.any():
        raise ValueError(f"After their first {seen} frames no joint of the sequences is visible; give longer ones.")
    return (total / np.maximum(counted, 1)).astype(np.float32)
