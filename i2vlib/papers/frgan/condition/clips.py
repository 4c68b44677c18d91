"""Clips with their condition maps: what is fitted and drawn once, and kept in the user's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2vlib.clips import Clip
from i2vlib.papers.frgan.condition.face import Face, known, retarget
from i2vlib.papers.frgan.condition.fitting import fit_face
from i2vlib.papers.frgan.condition.maps import condition_maps
from i2vlib.store import digest, lock, user_cache, write_array, write_arrays

#: Part of the name of every file that keeps a fit or a map: raised whenever one would come out otherwise.
VERSION = 1


@dataclass(frozen=True)
class Conditioned(Sequence):
    """Clips with their condition maps, ``truth["condition"]``: int8 (T, S, S, 3), as `condition_maps`.

    Fits and maps are made at the first need and kept in the user's cache.

    Args:
        clips: square ones.
        fitted: the faces are fitted to the frames, as those of real clips have to be, and not taken from the truth.
        posed: see `condition_maps`.
        drivers: where given, a clip for each: its expression, as fitted, on the face that is fitted to the clip's first
            frame alone. That is all that a retargeting has to go by.
    """

    clips: Sequence[Clip]
    fitted: bool = False
    posed: bool = True
    drivers: Sequence[Clip] | None = None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        clip = self.clips[index]
        if self.drivers is not None:
            face = retarget(cached_fit(clip[:1]), cached_fit(self.drivers[index]))
        else:
            face = cached_fit(clip) if self.fitted else known(clip)
        return replace(clip, truth={**clip.truth, "condition": cached_maps(face, self.posed)})


def cached_fit(clip: Clip) -> Face:
    """`fit_face` of a clip, kept in the user's cache by its frames."""
    path = _once("fits", (clip.frames,), ".npz", lambda to: write_arrays(to, **_numbers(fit_face(clip))))
    with np.load(path) as arrays:
        return Face(size=clip.frames.shape[1], **arrays)


def cached_maps(face: Face, posed: bool = True) -> np.ndarray:
    """`condition_maps`, kept in the user's cache by the face; read from there only where they are looked at."""
    of = face.identity, face.coefficients, face.pose, face.camera, np.array([face.size, posed])
    return kept_array("maps", of, lambda: condition_maps(face, posed))


def kept_array(what: str, of: Sequence[np.ndarray], make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array that follows from others, made at the first need and kept in the user's cache; read when needed.

    Of several processes that need it at once, one makes it.
    """
    return np.load(_once(what, of, ".npy", lambda path: write_array(path, make())), mmap_mode="r")


def _once(what: str, of: Sequence[np.ndarray], suffix: str, write: Callable[[Path], None]) -> Path:
    """The file of the cache that follows from arrays, written unless it is there."""
    name = digest(*of)
    path = user_cache() / f"{what}-v{VERSION}" / f"{name}{suffix}"
    if not path.is_file():
        with lock(path.with_name(f"{name[:2]}.lock")):  # so that there are few of them
            if not path.is_file():
                write(path)
    return path


def _numbers(face: Face) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(face).items() if name != "size"}
