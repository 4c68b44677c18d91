"""Clips that are rendered at the first need into the user cache and read from there: what all such data sets share."""

from __future__ import annotations

import os
import zipfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from i2vlib.clips import Clip
from i2vlib.store import write_arrays

#: Where a clip is to be kept, and what is to be there.
Job = tuple[Path, Any]

_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Kind:
    """A renderer, as far as keeping its clips goes. An order has ``seed`` and ``truth``.

    Attributes:
        name: of what is rendered, in the plural.
        film, known_truth: an order's clip, and its truth without a picture.
        stored: under which names a file holds truth; ``usual``: the names that every file holds.
        packed, unpacked: truth to what a file holds of it, and back, given names and the width of the frames.
        fields: the arrays of a file beside its truth: fields of `Clip`.
        fps: frames a second of every clip.
        load: what all processes need, made before they start.
    """

    name: str
    film: Callable[[Any], Clip]
    known_truth: Callable[[Any], dict[str, np.ndarray]]
    stored: Callable[[Sequence[str]], tuple[str, ...]]
    usual: tuple[str, ...]
    packed: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    unpacked: Callable[[Mapping[str, np.ndarray], Sequence[str], int], dict[str, np.ndarray]]
    fields: tuple[str, ...]
    fps: float
    load: Callable[[], object]


class Rendered(Sequence):
    """Clips in the order of ``keys``, each a subject's seed and what the subject does.

    A subclass says `order` and `path`, and sets ``kind``, ``keys``, ``truth`` and ``folder``.
    """

    kind: Kind
    keys: list[tuple[int, str]]
    truth: tuple[str, ...]
    folder: Path
    _complete = False

    @abstractmethod
    def order(self, seed: int, what: str) -> Any:
        """All that the clip of a subject is made from. Raises `ValueError` if it cannot be."""

    def path(self, seed: int, what: str) -> Path:
        """Where the clip of a subject is kept."""
        return self.folder / f"{seed:05d}-{what}.npz"

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Clip:
        key = self.keys[index]
        if not self._complete:
            self.render()
        path = self.path(*key)
        try:
            return _read(self.kind, path, self.truth)
        except KeyError:
            # Whole, as far as it goes: what it lacks is added.
            pass
        except _UNREADABLE:
            path.unlink(missing_ok=True)
        render_into(self.kind, path, self.order(*key))
        return _read(self.kind, path, self.truth)

    def missing(self) -> list[tuple[int, str]]:
        """The keys that are not in the cache yet, or not with all the truth asked for."""
        there = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        more = set(self.kind.stored(self.truth)) - set(self.kind.usual)
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
        alone = len(jobs) <= 4 or workers == 1
        done = (_rendered(self.kind, job) for job in jobs) if alone else self._shared(jobs, workers)
        for _ in tqdm(done, f"rendering {self.kind.name}", len(jobs), unit="clip", disable=len(jobs) < 2):
            pass
        self._complete = True

    def _shared(self, jobs: Sequence[Job], workers: int) -> Iterator[Path]:
        """Renders clips in several processes, a person's in the same one, where the person is made once."""
        self.kind.load()
        people = [list(some) for _, some in groupby(jobs, lambda job: job[1].seed)]
        pool = processes(workers)
        try:
            for future in as_completed([pool.submit(rendered_all, self.kind, some) for some in people]):
                yield from future.result()
        except Exception as error:
            raise RuntimeError(
                f"{len(self.missing())} of {len(jobs)} clips of {self.kind.name} could not be rendered: {error} What "
                "was rendered is kept; asked again, it goes on from there."
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


def rendered_all(kind: Kind, jobs: Sequence[Job]) -> list[Path]:
    """Renders clips one after the other; where they are."""
    return [_rendered(kind, job) for job in jobs]


def _rendered(kind: Kind, job: Job) -> Path:
    path, order = job
    render_into(kind, path, order)
    return path


def seeds_of(splits: Mapping[str, tuple[int, int]], split: str, subjects: int | None, skip: int, name: str) -> range:
    """The seeds of a split: `subjects` of them, as many as usual if None, after the first `skip`.

    Raises:
        ValueError: no such split, fewer than one subject, or more than the 10,000 of a split.
    """
    if split not in splits:
        raise ValueError(f"A set of {name} has the splits {', '.join(splits)}; this one is {split!r}.")
    first, usual = splits[split]
    subjects = usual if subjects is None else subjects
    if not (1 <= subjects and 0 <= skip <= 10_000 - subjects):
        raise ValueError(
            f"A split of {name} has 1 to 10,000 subjects; {subjects} were asked for, after the first {skip}."
        )
    return range(first + skip, first + skip + subjects)


def render_into(kind: Kind, path: Path, order: Any) -> None:
    """Renders a clip into a file, which appears only when it is whole; or adds to the file the truth that it lacks."""
    names, arrays = kind.stored(order.truth), _arrays(path)
    whole = (*kind.fields, "names")
    if set(whole) <= set(arrays):
        lacking = tuple(name for name in names if name not in arrays)
        arrays |= kind.packed(kind.known_truth(replace(order, truth=lacking)))
    else:
        made = kind.film(replace(order, truth=names))
        arrays = {name: getattr(made, name) for name in kind.fields}
        arrays |= {"names": np.array([made.subject, made.expression])} | kind.packed(made.truth)
    # Maps of numbers shrink to a third; frames and masks hardly, and are read faster as they are.
    write_arrays(path, compressed=not set(arrays) <= {*whole, *kind.usual}, **arrays)


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


def _read(kind: Kind, path: Path, names: Sequence[str]) -> Clip:
    with np.load(path) as arrays:
        known = {name: arrays[name] for name in kind.fields}
        subject, expression = arrays["names"].tolist()
        truth = kind.unpacked(arrays, names, known["frames"].shape[2])
        return Clip(**known, fps=kind.fps, subject=subject, expression=expression, truth=truth)
