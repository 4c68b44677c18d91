"""How a person moves in a clip: the key poses of an action, varied by seed, run through smoothly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from i2vlib.actors.people import generator
from i2vlib.performers.actions import STANDING, TABLE, Action
from i2vlib.performers.skeleton import CHANNELS

#: Frames a second: 42 of them hold 1.75 s, the heart of each action.
FPS = 24.0
#: How much faster or slower than usual a person moves.
SPEEDS = (0.86, 1.18)
#: One in so many is left-handed.
LEFT_HANDED = 0.3
#: By how much a person's key poses differ from the table's: of angles in degrees, of places in arms or legs.
_SWAY = {"turn": 4.0, "chest": 5.0, "look": 4.0, "left_hand": 0.03, "right_hand": 0.03}
#: Which parts of a channel change their sign in a mirror, and who stands for whom.
_MIRRORED = {"pelvis": (1,), "turn": (0, 2), "chest": (0, 2), "look": (0,), "hand": (1,), "elbow": (1,), "foot": (1, 3)}


def left_handed(seed: int, action: str) -> bool:
    """Whether the person's clip of an action is that of the table, mirrored."""
    return bool(generator(seed, "handed", action).random() < LEFT_HANDED)


def motion_of(seed: int, action: str, frames: int) -> dict[str, np.ndarray]:
    """The poses of a clip, each of `CHANNELS` ``float64 (frames, k)``: speed, start, size, side and keys by seed."""
    one = TABLE[action]
    rng = generator(seed, "motion", action)
    speed, size = rng.uniform(*SPEEDS), rng.uniform(0.88, 1.08)
    start = rng.uniform(*one.starts)
    times = start + speed * np.arange(frames) / FPS
    pose = through(_varied(one, size, rng), one.seconds, times)
    return mirrored(pose) if left_handed(seed, action) else pose


def filled(action: Action) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The seconds ``(n,)`` of an action's keys, and the whole pose of each, by channel ``(n, k)``."""
    pose, poses = dict(STANDING), []
    for _, changes in action.keys:
        pose = {**pose, **changes}
        poses.append(pose)
    seconds = np.array([second for second, _ in action.keys])
    return seconds, {name: np.array([pose[name] for pose in poses], np.float64) for name in CHANNELS}


def _varied(action: Action, size: float, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The keys with a person's own size and sway; feet stand where the table has them."""
    seconds, poses = filled(action)
    gaps = np.diff(np.append(seconds, action.seconds)) * rng.uniform(0.92, 1.08, len(seconds))
    seconds = np.append(0, np.cumsum(gaps)[:-1]) * action.seconds / gaps.sum()
    poses = dict(poses)
    for name, width in _SWAY.items():
        middle = poses[name].mean(0)
        own = rng.normal(0, width, poses[name].shape[1])
        # Hands reach nearly as far in a small movement as in a large one: an arm that hangs is straight.
        grown = 1 + 0.4 * (size - 1) if name.endswith("hand") else size
        poses[name] = middle + grown * (poses[name] - middle) + np.clip(own, -2 * width, 2 * width)
    wide = rng.uniform(0.92, 1.08)
    for name in ("left_foot", "right_foot", "pelvis"):
        poses[name] = poses[name] * ([wide, wide, size, 1, 1][: poses[name].shape[1]])
    return seconds, poses


def through(
    keys: tuple[np.ndarray, Mapping[str, np.ndarray]], seconds: float, times: np.ndarray
) -> dict[str, np.ndarray]:
    """A smooth way through keys that repeat after `seconds`, at times ``(T,)``: by channel ``(T, k)``.

    Between two equal keys nothing moves, and nothing goes beyond its keys: a foot that stands, stands.
    """
    from scipy.interpolate import PchipInterpolator

    at, poses = keys
    around = np.concatenate([at - seconds, at, at + seconds])
    return {
        name: PchipInterpolator(around, np.tile(values, (3, 1)), axis=0)(np.mod(times, seconds))
        for name, values in poses.items()
    }


def mirrored(pose: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The pose ``(T, k)`` of each channel as a mirror shows it: a right hand's move is the left hand's."""
    result = {}
    for name, values in pose.items():
        kind = name.split("_")[-1]
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        values = values.copy()
        values[:, list(_MIRRORED[kind])] *= -1
        result[other] = values
    return result
