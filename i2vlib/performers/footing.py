"""Feet on the floor: from where a fitted body was seen to a pose that stands somewhere.

A label tells how a body lies in its picture, and cameras follow people. So the floor is where the lower ankle keeps
coming down to, and a person goes where a foot that is down stays in its place.
"""

from __future__ import annotations

import numpy as np

from i2vlib.performers.skeleton import Skeleton, turned

#: An ankle counts as down, in metres above where it stands; a foot as standing still, in metres a frame.
DOWN, SLOW = 0.035, 0.02
#: Frames on either side among which the lower ankle comes down once.
_AROUND = 12
#: Degrees by which a heel is raised at most while the ball of the foot is down.
_HEEL = 55.0
_SHORTEST = 3


def floored(hips: np.ndarray, ankles: np.ndarray, turns: np.ndarray, body: Skeleton) -> dict[str, np.ndarray]:
    """Where pelvis and feet are, as `Skeleton.posed` takes them.

    Args:
        hips: the middle of the hips in the picture, to the right and up, ``(T, 2)`` in metres.
        ankles: from there to the left and the right ankle, ``(T, 2, 3)`` in metres of the mesh.
        turns: the yaw of either foot in degrees, ``(T, 2)``.
        body: whose ankles they are.

    Returns:
        ``pelvis``, ``left_foot`` and ``right_foot``.
    """
    at = np.stack([body.at("foot.L"), body.at("foot.R")])
    middle = (body.at("upperleg01.L") + body.at("upperleg01.R")) / 2
    over = hips[:, None, 1] + ankles[..., 2]
    over = np.maximum(over - _floor(over.min(1))[:, None], 0)
    over[(over < DOWN) & (over.min(1, keepdims=True) == over)] = 0
    heels, raised = _heels(over, body)
    pitched = turned(np.stack([turns, heels, 0 * turns], -1).reshape(-1, 3)).reshape(*turns.shape, 3, 3)
    balls = ankles + np.einsum("tsij,sj->tsi", pitched, body.ball - at)
    down = over < DOWN
    path = _path(hips[:, 0], balls[..., :2], down)
    places = path[:, None] + balls[..., :2]
    for side in range(2):
        still = _runs(down[:, side], places[:, side])
        places[:, side], turns[:, side] = _held(places[:, side], still), _held(turns[:, side, None], still)[:, 0]
    height = over.min(1) + at[:, 2].mean() - ankles[..., 2].min(1)
    # Whose lower ankle is nearly down stands.
    pelvis = np.column_stack([-path[:, 1], path[:, 0], height - middle[2]]) / body.leg
    feet = np.concatenate([np.stack([-places[..., 1], places[..., 0], raised], -1) / body.leg, turns[..., None],
                           heels[..., None]], -1)  # fmt: skip
    return {"pelvis": pelvis, "left_foot": feet[:, 0], "right_foot": feet[:, 1]}


def _floor(lower: np.ndarray) -> np.ndarray:
    """How high in the picture an ankle is that is down, ``(T,)``: the least around a frame, smoothed."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    return uniform_filter1d(minimum_filter1d(lower, 2 * _AROUND + 1, mode="nearest"), 2 * _AROUND + 1, mode="nearest")


def _heels(over: np.ndarray, body: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """How far heels are raised in degrees, and balls over the floor in metres, of ankles ``over`` their place."""
    way = body.ball[0] - body.at("foot.L")
    angles = np.linspace(0, _HEEL, 45)
    lift = way[2] * (1 - np.cos(np.radians(angles))) - way[1] * np.sin(np.radians(angles))
    raised = np.maximum(over - lift[-1], 0)
    return np.interp(over, lift, angles) * np.exp(-2 * raised), raised


def _path(right: np.ndarray, balls: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Where the hips are over the floor ``(T, 2)``: such that feet that are down move least.

    Least absolute movements, of one foot if the other slides; where both are up, the picture says what it can.
    """
    count = len(right)
    if count < 3:
        return np.zeros((count, 2))
    step = np.diff(np.eye(count), axis=0)
    smooth = np.diff(step, axis=0)
    told = np.stack([np.diff(right), np.zeros(count - 1)], 1)
    moved = np.diff(balls, axis=0)
    both = (down[1:] & down[:-1]).astype(float)
    path, weights = np.zeros((count, 2)), both.copy()
    for _ in range(8):
        for axis in range(2):
            pull = weights[..., axis] if weights.ndim == 3 else weights
            left = step.T @ ((pull.sum(1) + 0.02)[:, None] * step) + 0.1 * smooth.T @ smooth + 1e-6
            wanted = step.T @ (0.02 * told[:, axis] - (pull * moved[..., axis]).sum(1))
            path[:, axis] = np.linalg.solve(left, wanted)
        size = np.linalg.norm(np.diff(path, axis=0)[:, None] + moved, axis=-1)
        weights = both * 0.01 / np.maximum(size, 0.002)
    return path - path.mean(0)


def _runs(down: np.ndarray, places: np.ndarray) -> list[tuple[int, int]]:
    """From which frame to before which one a foot is down and stands still."""
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    still = down & (np.minimum(np.append(speed, 9), np.append(9, speed)) < SLOW)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]]))).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges if b - a >= _SHORTEST]


def _held(values: np.ndarray, runs: list[tuple[int, int]]) -> np.ndarray:
    """Values ``(T, k)`` that are constant in runs; between them they are changed by as much as at the ends there."""
    known = np.concatenate([np.arange(a, b) for a, b in runs]) if runs else np.zeros(0, int)
    if not len(known):
        return values
    change = np.concatenate([values[a:b].mean(0) - values[a:b] for a, b in runs])
    times = np.arange(len(values))
    return values + np.stack([np.interp(times, known, column) for column in change.T], -1)
