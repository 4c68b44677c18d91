"""Where what one frame of a body shows is in another frame, by the point of the body that each pixel shows."""

from __future__ import annotations

import numpy as np

#: How many pixels of the other frame are asked where a point is, and how far from the nearest of them they may lie.
ASKED, BESIDE = 6, 2.5
#: A point is seen where some pixel shows one that is no further away on the body than so many pixels are wide there.
NEAR = 1.25


def flow_between(surface: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where everything in a frame is in another frame of the same clip.

    The pixels that show the nearest points of the body there say where a point is, by the plane that fits them best. A
    background stays where it is.

    Args:
        surface, other: ``(S, S, 3)``, metres, of the two frames: where the point of the body under each pixel's centre
            is at rest; NaN on the background (``surface`` of `i2vlib.performers.film.clip`).

    Returns:
        ``float32 (S, S, 2)``, x and y in pixels, from a pixel to where it is in the other frame; and ``bool (S, S)``,
        whether the other frame shows it. A hidden point's flow leads to the nearest one that is shown.
    """
    surface, other = surface.astype(np.float32), other.astype(np.float32)
    body, there = np.isfinite(surface).all(-1), np.isfinite(other).all(-1)
    flow, seen = np.zeros((*body.shape, 2), np.float32), ~body & ~there
    if not (body.any() and there.any()):
        return flow, seen
    at, places = (np.stack(np.nonzero(mask)[::-1], 1).astype(np.float32) for mask in (body, there))
    points, known = surface[body], other[there]
    square = (points**2).sum(1)[:, None] + (known**2).sum(1) - 2 * points @ known.T
    count = min(ASKED, len(known))
    nearest = np.argpartition(square, count - 1, 1)[:, :count]
    nearest = np.take_along_axis(nearest, np.take_along_axis(square, nearest, 1).argsort(1), 1)
    off = known[nearest] - points[:, None]
    away, width = np.linalg.norm(off, axis=2), _pixel(other)
    around = places[nearest] - places[nearest[:, :1]]
    weight = np.exp(-np.square(away / width) / 2) * (np.abs(around).max(2) <= BESIDE) + 1e-6 * (np.arange(count) == 0)
    told = np.concatenate([np.ones_like(away)[..., None], off / width], 2)
    normal = np.einsum("nk,nki,nkj->nij", weight, told, told) + np.diag([0, 1, 1, 1]) * 0.02
    fitted = np.linalg.solve(normal, np.einsum("nk,nki,nkj->nij", weight, told, around))[:, 0]
    flow[body] = places[nearest[:, 0]] + fitted.clip(-1, 1) - at
    seen[body] = away[:, 0] <= NEAR * width
    return flow, seen


def _pixel(surface: np.ndarray) -> float:
    """How wide a pixel is on a body, in metres: the median distance of the points that neighbours show."""
    steps = [np.linalg.norm(np.diff(surface, axis=axis), axis=2).ravel() for axis in (0, 1)]
    lengths = np.concatenate(steps)
    lengths = lengths[np.isfinite(lengths)]
    return max(float(np.median(lengths)) if len(lengths) else 0.0, 1e-3)
