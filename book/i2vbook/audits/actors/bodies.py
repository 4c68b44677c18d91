"""What performers are worth as truth, in numbers: whether their feet stand, their joints lie in them, and how fast."""

from __future__ import annotations

import time

import numpy as np

from i2vbook.audits.actors.reading import FIRST

#: People of the test split that are measured, each in all actions, and the size of the frames.
BODIES, SIDE = 5, 64


def measured(first: int = FIRST, count: int = BODIES, frames: int = 42, size: int = SIDE) -> dict[str, float]:
    """Numbers over clips of `count` people in all actions.

    ``slide`` is how far the ball of a foot that is on the floor moves until it leaves it, in millimetres, at most;
    ``below`` how far anything reaches under the floor, in millimetres, at most; ``inside`` the share of visible joints
    under whose pixel, or next to it, the person is; ``visible`` the share of joints that are; ``bones`` the most that
    a bone's length changes in a clip, in millimetres; ``height`` the height of the person in the frame, the largest of
    a clip, as a share of it, in the mean; ``frames_per_second`` of one core that does nothing else, truth as usual:
    seconds are the processor's, so that a busy machine makes no difference.
    """
    from scipy.ndimage import binary_dilation
    from tqdm.auto import tqdm

    from i2vlib.joints import ACTIONS
    from i2vlib.performers import film

    film.clip(first - 1, frames=2, size=size)
    found: dict[str, list[float]] = {name: [] for name in ("slide", "below", "inside", "visible", "bones", "height")}
    seconds = 0.0
    orders = [film.Order(seed, action, frames, size) for seed in range(first, first + count) for action in ACTIONS]
    for order in tqdm(orders, "measuring performers"):
        start = time.process_time()
        clip = film.film(order)
        seconds += time.process_time() - start
        take = film.take_of(order)
        seen, points = clip.truth["visible"], np.floor(clip.truth["joints"]).astype(int)
        near = np.stack([binary_dilation(mask) for mask in clip.truth["person"]])
        frame, joint = np.nonzero(seen)
        found["inside"].append(near[frame, points[frame, joint, 1], points[frame, joint, 0]].mean())
        found["visible"].append(seen.mean())
        found["slide"].append(1000 * slides(order))
        found["below"].append(-1000 * min(0.0, float(take.points[..., 2].min())))
        bones = np.linalg.norm(
            take.places[:, [3, 4, 5, 6, 9, 10, 11, 12]] - take.places[:, [1, 2, 3, 4, 7, 8, 9, 10]], axis=-1
        )
        found["bones"].append(1000 * float(np.ptp(bones, axis=0).max()))
        found["height"].append(clip.truth["person"].any(2).sum(1).max() / size)
    most = {name: float(np.max(found[name])) for name in ("slide", "below", "bones")}
    means = {name: float(np.mean(found[name])) for name in ("inside", "visible", "height")}
    return most | means | {"frames_per_second": len(orders) * frames / seconds}


def slides(order: object) -> float:
    """How far, in metres, the ball of a foot moves at most while it is on the floor."""
    from i2vlib.performers.body import BONES
    from i2vlib.performers.motion import motion_of
    from i2vlib.performers.people import performer

    pose = motion_of(order.seed, order.action, order.frames)
    _, places = performer(order.seed).skeleton.posed(pose)
    most = 0.0
    for side, name in (("L", "left"), ("R", "right")):
        foot, ball = pose[f"{name}_foot"], places[:, BONES.index(f"toes.{side}"), :2]
        down = foot[:, 2] < 0.004
        turns = np.flatnonzero(np.diff(np.concatenate([[0], down, [0]])))
        for begin, end in turns.reshape(-1, 2):
            most = max(most, float(np.linalg.norm(ball[begin:end] - ball[begin], axis=1).max()))
    return most
