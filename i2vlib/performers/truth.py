"""The exact truth of a frame of a performer: joints, what hides them, and where every point of the body goes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from i2vlib.actors.truth import below, corner_shares

#: Everything that a clip of performers can know in its `truth`, and what it knows unless asked for more.
TRUTH = ("joints", "visible", "person", "camera", "places", "depth", "flow", "surface")
DEFAULT = ("joints", "visible", "person", "camera")
#: What needs the surface under each pixel.
SURFACE = ("person", "depth", "flow", "surface")
#: How deep under the skin a joint may lie, in metres, in the order of `i2vlib.joints.JOINTS`: head, shoulders, elbows,
#: wrists, hips, knees, ankles. What lies before it at more than that hides it.
UNDER_SKIN = np.array([0.15, 0.13, 0.13, 0.085, 0.085, 0.07, 0.07, 0.21, 0.21, 0.11, 0.11, 0.10, 0.10])


def hidden(
    joints: np.ndarray, far: np.ndarray, flat: np.ndarray, depth: np.ndarray, triangles: np.ndarray, under: np.ndarray
) -> np.ndarray:
    """Which joints have a surface before them that is too near the camera to be the skin above them, ``bool (J,)``.

    Args:
        joints: ``(J, 2)``, in pixels; `far` ``(J,)``, their distances along the camera's axis.
        flat: ``(N, 2)``, the vertices in pixels; `depth` ``(N,)``; triangles ``int (K, 3)``.
        under: ``(J,)``, how far the skin above a joint may lie before it.
    """
    reaching = np.ones((len(joints), len(triangles)), bool)
    for axis in (0, 1):
        # A corner at a time, along one axis: numpy is slow where the innermost dimension is 3.
        a, b, c = (np.ascontiguousarray(flat[:, axis])[corner] for corner in triangles.T)
        low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
        at = joints[:, axis, None]
        reaching &= (low <= at) & (at <= high)
    joint, chosen = np.nonzero(reaching)
    corners, at = triangles[chosen], joints[joint].astype(np.float64)
    a, b, c = flat[corners].astype(np.float64).transpose(1, 0, 2)
    cross = lambda p, q: p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]  # noqa: E731
    signs = np.stack([cross(b - a, at - a), cross(c - b, at - b), cross(a - c, at - c)])
    inside = (signs >= 0).all(0) | (signs <= 0).all(0)
    joint, corners = joint[inside], corners[inside]
    front = (corner_shares(at[inside], flat[corners], depth[corners]) * depth[corners]).sum(1)
    covered = np.zeros(len(joints), bool)
    covered[joint[front < far[joint] - under[joint]]] = True
    return covered


def under_pixels(
    ids: np.ndarray,
    triangles: np.ndarray,
    flat: np.ndarray,
    depth: np.ndarray,
    following: np.ndarray | None,
    rest: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """What lies under the centre of each pixel.

    Args:
        ids: ``int (S, S)``, the triangle seen there, -1 for none; triangles ``int (K, 3)``.
        flat, depth: ``(N, 2)`` and ``(N,)``, the vertices in pixels and their distances along the camera's axis.
        following: ``(N, 3)``, the vertices before the camera's lens, times the lens, in the next frame, None after
            the last: `places @ camera[:, :3].T + camera[:, 3]`.
        rest: ``(N, 3)``, the vertices of the body at rest, in metres; None where they are not asked for.

    Returns:
        ``person`` bool (S, S); ``depth`` float32 (S, S), 0 on the background; ``flow`` float32 (S, S, 2), in pixels
        to where the same point is in the next frame, 0 on the background and in the last frame; ``surface`` float16
        (S, S, 3), where the point is on the body at rest, NaN on the background and where ``rest`` is None.
    """
    seen, corners, share = below(ids, triangles, flat, depth)
    away, flow = np.zeros(ids.shape, np.float32), np.zeros((*ids.shape, 2), np.float32)
    surface = np.full((*ids.shape, 3), np.nan, np.float16)
    away[seen] = (share * depth[corners]).sum(1)
    if following is not None:
        row, column = np.nonzero(seen)
        place = (share[..., None] * following[corners]).sum(1)
        flow[seen] = place[:, :2] / place[:, 2:] - (np.stack([column, row], 1) + 0.5)
    if rest is not None:
        surface[seen] = (share[..., None] * rest[corners]).sum(1)
    return {"person": seen, "depth": away, "flow": flow, "surface": surface}


def packed(truth: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Truth as a file holds it: bits of masks eight to the byte."""
    return {name: np.packbits(value, axis=-1) if name == "person" else value for name, value in truth.items()}


def unpacked(arrays: Mapping[str, np.ndarray], names: Sequence[str], width: int) -> dict[str, np.ndarray]:
    """The inverse of `packed`, for the names asked for. Raises `KeyError` if the file lacks one."""
    return {
        name: np.unpackbits(arrays[name], axis=-1, count=width).astype(bool) if name == "person" else arrays[name]
        for name in names
    }
