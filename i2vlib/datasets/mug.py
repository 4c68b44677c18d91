"""MUG, the Multimedia Understanding Group's database of posed expressions (Aifanti et al., 2010).

    <root>/001/anger/take000/img_0000.jpg, img_0001.jpg, ...
    <root>/002/session1/anger/take000/img_0000.jpg, ...            some subjects came more than once

A take rises from neutral to its apex and falls again, and is cut at the apex. Subjects whose number ends in 3 or 8 are
for validation, in 4 or 9 for test, all others for training; or a list in the form of FRGAN's says which frames to take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from i2vlib.clips import Clip, load_image
from i2vlib.datasets import _folders
from i2vlib.expressions import known_to

#: The folders of the six expressions, and the book's names. Takes of ``neutral`` show none and are left out.
NAMES = known_to("mug")
LAYOUT = "<folder>/001/anger/take000/img_0000.jpg"
FPS = 19.0

_SMALL = 64


@dataclass(frozen=True)
class Video:
    """The frames of one take, in order; `subject` is its number, with the zeros."""

    subject: str
    expression: str
    folder: Path
    frames: tuple[Path, ...]


class MUG(_folders.FaceClips):
    """The takes of the six expressions from neutral to apex, each cropped by `i2vlib.faces.align_clip`.

    Args:
        folder: the one that holds the subjects' folders.
        split: ``train``, ``validation`` or ``test``, disjoint by subject; of no effect with a list.
        size: side of the square frames in pixels.
        expression: the expression, or several, to keep; all six if not given.
        frames: how many frames to keep of a take, evenly spread; all if not given.
        cut: end a take at its `apex`; otherwise it is kept whole.
        split_list: a file with a row ``001 anger take000 img_0000.jpg`` for every frame to take, as FRGAN's authors
            published for each of their splits. What it does not name is left out.

    Raises:
        ValueError: the folder is missing, empty or laid out otherwise; there is no such split or expression, or
            nothing in it; a take has fewer than two frames; the list cannot be read, or names what is not there.
            When a clip is read: a frame cannot be read or differs in size from the first.
        NoFaceError: when a clip is read and its first frame shows no face.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        size: int = 128,
        expression: str | Sequence[str] | None = None,
        frames: int | None = None,
        cut: bool = True,
        split_list: str | Path | None = None,
    ) -> None:
        self.split, self.frames = _folders.check_split(split, "MUG"), _folders.check_frames(frames)
        folder, self.cut = Path(folder), cut
        found = find_videos(folder) if split_list is None else listed_videos(folder, Path(split_list))
        names = _folders.chosen(expression, sorted({video.expression for video in found}), folder)
        wanted = [video for video in found if video.expression in names]
        kept = wanted if split_list is not None else _folders.of_split(wanted, split, folder)
        self._apex = cache(lambda index: apex(frame_differences(self.videos[index].frames)))
        super().__init__(folder, kept, NAMES.values(), size, self._read)

    def _read(self, index: int) -> Clip:
        video = self.videos[index]
        paths = video.frames[: self._apex(index) + 1] if self.cut else video.frames
        kept = _folders.evenly(len(paths), self.frames)
        frames = _folders.load_frames([paths[i] for i in kept])
        fps = _folders.slowed(FPS, len(paths), len(kept))
        return Clip(frames, fps, subject=video.subject, expression=video.expression)


def frame_differences(paths: Sequence[Path]) -> np.ndarray:
    """How far each picture is from the first: the mean absolute difference of grey levels at 64 px, float64 (T,)."""
    small = (_grey(path) for path in paths)
    first = next(small)
    return np.array([0.0, *(np.abs(picture - first).mean() for picture in small)])


def apex(curve: np.ndarray) -> int:
    """The frame at which a take is strongest, from its `differences` (T,), T at least 2; never the first.

    The curve is smoothed by a running mean of five frames (fewer at its ends), so that a blink, which lasts two or
    three, does not count; the apex is the first frame of its maximum.
    """
    return 1 + int(np.argmax(_folders.smoothed(np.asarray(curve, np.float64))[1:]))


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as MUG."""
    return any(_expressions(home) for subject in _subjects(folder) for home in _homes(subject))


def find_videos(folder: Path) -> tuple[Video, ...]:
    """All takes of the six expressions, by subject, session, expression and number. Raises as `MUG` says."""
    _folders.check_folder(folder, LAYOUT)
    found = tuple(
        Video(subject.name, NAMES[kind.name], take, _checked(take, _folders.images(take)))
        for subject in _subjects(folder)
        for home in _homes(subject)
        for kind in _expressions(home)
        for take in _folders.folders(kind)
    )
    if not found:
        raise ValueError(
            f"{folder} holds no take of an expression. The layout is {LAYOUT}, with the expressions {', '.join(NAMES)}."
        )
    return found


def listed_videos(folder: Path, path: Path) -> tuple[Video, ...]:
    """The takes that a list names, with the frames that it names, in its order. Raises as `MUG` says."""
    if not path.is_file():
        raise ValueError(
            f"There is no list of frames at {path}. Give a file with rows '001 anger take000 img_0000.jpg'."
        )
    takes: dict[tuple[str, ...], list[str]] = {}
    for number, row in enumerate(path.read_text(errors="replace").splitlines(), 1):
        *take, image = row.replace("/", " ").split() or [""]
        if not image:
            continue
        if len(take) < 3 or not re.fullmatch(r"\d+", take[0]):
            raise ValueError(f"Row {number} of {path} is {row[:60]!r}, but a row is '001 anger take000 img_0000.jpg'.")
        if take[-2] in NAMES:
            takes.setdefault(tuple(take), []).append(image)
    if not takes:
        raise ValueError(f"{path} names no frame of an expression. Its rows are '001 anger take000 img_0000.jpg'.")
    return tuple(_listed(folder, path, take, images) for take, images in takes.items())


def held(folder: Path) -> list[str]:
    """What the folder holds and what is missing, a line each."""
    return _folders.tally(find_videos(folder), NAMES.values())


def _listed(folder: Path, path: Path, take: tuple[str, ...], images: list[str]) -> Video:
    subject, *session, kind, name = take
    homes = [folder / subject / session[0]] if session else _homes(folder / subject)
    there = [home / kind / name for home in homes if (home / kind / name / images[0]).is_file()]
    if len(there) != 1:
        where = folder.joinpath(*take, images[0])
        raise ValueError(
            f"{path} names {where}, which is there {'in several sessions' if there else 'in no session'}. "
            "Give the folder that the list belongs to, or name the session in the row."
        )
    return Video(subject, NAMES[kind], there[0], _checked(there[0], tuple(there[0] / image for image in images)))


def _checked(take: Path, frames: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(frames) < 2:
        raise ValueError(
            f"The take {take} has {len(frames)} frames, but neutral and apex make two. Copy it again, or remove it."
        )
    return frames


def _subjects(folder: Path) -> list[Path]:
    return [path for path in _folders.folders(folder) if re.fullmatch(r"\d+", path.name)]


def _homes(subject: Path) -> list[Path]:
    """A subject's own folder, and those of its sessions."""
    return [subject, *(path for path in _folders.folders(subject) if path.name.startswith("session"))]


def _expressions(home: Path) -> list[Path]:
    return [path for path in _folders.folders(home) if path.name in NAMES]


def _grey(path: Path) -> np.ndarray:
    picture = Image.fromarray(load_image(path)).convert("L").resize((_SMALL, _SMALL), Image.Resampling.BOX)
    return np.asarray(picture, np.float64)
