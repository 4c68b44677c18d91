"""What the loaders of folders share: files in order, splits by subject, and clips that are read when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from i2vlib.clips import Clip, load_image, pixels

SPLITS = ("train", "validation", "test")

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_KEPT_IN_MEMORY = 256

Item = TypeVar("Item")


class Video(Protocol):
    """What is known of a video before it is read."""

    subject: str
    expression: str | None


class Lazy(Sequence[Item]):
    """What is read, a clip or poses, when it is asked for; the 256 last asked for are kept in memory.

    Args:
        count: how many there are.
        read: from an index in [0, count) to one of them.
    """

    def __init__(self, count: int, read: Callable[[int], Item]) -> None:
        self._count = count
        self._load = lru_cache(_KEPT_IN_MEMORY)(read)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Item:
        return self._load(range(self._count)[index])


class FaceClips(Lazy[Clip]):
    """Videos of faces in a folder, each cropped by `i2vlib.faces.align_clip` when it is asked for.

    Args:
        folder: where they are.
        videos: those of the split and the expressions that were asked for.
        names: the order in which the expressions among them are listed.
        size: side of the square frames in pixels.
        read: from an index to the uncropped clip.

    Raises:
        ValueError: a size below 16.
    """

    def __init__(
        self, folder: Path, videos: Iterable[Video], names: Iterable[str], size: int, read: Callable[[int], Clip]
    ) -> None:
        self.folder, self.size, self.videos = folder, check_size(size), tuple(videos)
        held = {video.expression for video in self.videos}
        self.expressions = tuple(name for name in names if name in held)
        super().__init__(len(self.videos), lambda index: self._cropped(read(index)))

    def _cropped(self, clip: Clip) -> Clip:
        from i2vlib import faces

        return faces.align_clip(clip, self.size)


def check_folder(folder: Path, layout: str) -> None:
    """Raises `ValueError` if there is no such folder, if it is a file, or if it is empty."""
    if not folder.exists():
        raise ValueError(f"There is no folder at {folder}. Check the path.")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder. Give the folder that holds {layout}.")
    if not any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ValueError(f"The folder {folder} is empty. Put clips into it as {layout}.")


def check_size(size: int) -> int:
    """The side of a frame in pixels. Raises `ValueError` below 16."""
    if pixels(size) < 16:
        raise ValueError(f"A frame is at least 16 pixels wide; {size} were asked for.")
    return size


def check_split(split: str, name: str) -> str:
    """One of `SPLITS`; `name` is the data set's, for the `ValueError` otherwise."""
    if split not in SPLITS:
        raise ValueError(f"{name} has the splits {', '.join(SPLITS)}; this one is {split!r}.")
    return split


def check_frames(frames: int | None) -> int | None:
    """How many frames of a clip are kept, or None for all. Raises `ValueError` below 2."""
    if frames is not None and frames < 2:
        raise ValueError(f"A clip has a neutral frame and at least one more, so frames is 2 or more; it is {frames}.")
    return frames


def chosen(wanted: str | Sequence[str] | None, held: Iterable[str], folder: Path) -> tuple[str, ...]:
    """The names asked for, all of `held` if None. Raises `ValueError` for a name that is not held."""
    held = tuple(dict.fromkeys(held))
    names = held if wanted is None else (wanted,) if isinstance(wanted, str) else tuple(wanted)
    absent = sorted(set(names) - set(held))
    if absent:
        raise ValueError(f"{folder} holds no clips of {', '.join(absent)}. It holds: {', '.join(held)}.")
    return names


def natural(path: Path) -> tuple[list[int], str]:
    """A key that sorts 2.jpg before 10.jpg."""
    return [int(digits) for digits in re.findall(r"\d+", path.stem)], path.name


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, in natural order, hidden ones left out; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")), key=natural)


def images(folder: Path) -> tuple[Path, ...]:
    """The images in a folder, in natural order, hidden ones left out."""
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return tuple(sorted(files, key=natural))


def load_frames(paths: Sequence[Path]) -> np.ndarray:
    """The images as ``uint8 (T, H, W, 3)``.

    Raises:
        ValueError: one cannot be read, or differs in size from the first.
    """
    frames = [load_image(path) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        check_same_size(path, frame, paths[0], frames[0])
    return np.stack(frames)


def check_same_size(path: Path, image: np.ndarray, first: Path, expected: np.ndarray) -> None:
    """Raises `ValueError` if an image differs in size from the first frame of its clip."""
    if image.shape != expected.shape:
        (height, width, _), (other_height, other_width, _) = image.shape, expected.shape
        raise ValueError(
            f"{path} has {width}x{height} pixels, but the first frame of its clip, {first.name}, has "
            f"{other_width}x{other_height}. All frames and masks of a clip have one size: resize or remove it."
        )


def split_of(subject: str | int) -> str:
    """The split of a numbered subject, whatever else is on disk: last digit 3 or 8 validates, 4 or 9 tests."""
    number = int("".join(re.findall(r"\d", str(subject))))
    return {3: "validation", 4: "test"}.get(number % 5, "train")


def evenly(count: int, frames: int | None) -> np.ndarray:
    """Indices of `frames` of `count` frames, evenly spread, the first and the last among them; all if None or fewer."""
    kept = count if frames is None else min(count, frames)
    return np.linspace(0, count - 1, kept).round().astype(int)


def smoothed(curve: np.ndarray) -> np.ndarray:
    """The running mean (T,) of five values of a curve (T,); at its ends of those that there are."""
    return np.array([curve[max(0, i - 2) : i + 3].mean() for i in range(len(curve))])


def slowed(fps: float, count: int, kept: int) -> float:
    """Frames a second with which `kept` frames of `count` last as long as all of them did."""
    return fps if kept == count or count < 2 else fps * (kept - 1) / (count - 1)


def thinned(clip: Clip, frames: int | None) -> Clip:
    """The clip with at most `frames` frames, evenly spread; it lasts as long as before."""
    index = evenly(len(clip), frames)
    return replace(clip[index], fps=slowed(clip.fps, len(clip), len(index)))


def counted(found: Iterable[str], splits: Sequence[str] = SPLITS) -> str:
    """How often each split was found: ``3 train, 1 validation, test missing``."""
    found = list(found)
    return ", ".join(f"{found.count(name)} {name}" if name in found else f"{name} missing" for name in splits)


def tally(videos: Sequence[Video], expressions: Iterable[str]) -> list[str]:
    """How many videos each expression has by split, a line each."""
    return [
        f"{name}: {counted(split_of(video.subject) for video in videos if video.expression == name)}"
        for name in expressions
    ]


def of_split(videos: Sequence[Video], split: str, folder: Path) -> tuple[Video, ...]:
    """The videos of a split. Raises `ValueError`, with what there is, if there are none."""
    kept = tuple(video for video in videos if split_of(video.subject) == split)
    if not kept:
        names = ", ".join(dict.fromkeys(str(video.expression) for video in videos))
        counts = counted(split_of(video.subject) for video in videos)
        raise ValueError(
            f"{folder} holds nothing of {names} in the split {split!r}: {counts}. "
            "Subjects whose number ends in 3 or 8 are for validation, in 4 or 9 for test, all others for training."
        )
    return kept
