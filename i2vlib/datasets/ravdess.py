"""RAVDESS, spoken and sung emotions of 24 actors on video (Livingstone and Russo, 2018).

    <root>/Actor_01/01-01-03-02-01-01-01.mp4

The numbers of a name are modality (01 with sound, 02 without), channel (01 speech, 02 song), emotion, intensity
(01 normal, 02 strong), statement, repetition and actor. Only the pictures are read. Actors whose number ends in 3 or 8
are for validation, in 4 or 9 for test, all others for training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from i2vlib.clips import Clip
from i2vlib.datasets import _decoding, _folders
from i2vlib.expressions import known_to

#: The emotions, and the book's names. 01, neutral, and 02, calm, show none of its expressions and are left out.
NAMES = known_to("ravdess")
LAYOUT = "<folder>/Actor_01/01-01-03-02-01-01-01.mp4"
FPS = 30000 / 1001
NEUTRAL = 0.1

_AT_ONCE = 16


@dataclass(frozen=True)
class Video:
    """One recording. `subject` is the name of the actor's folder."""

    subject: str
    expression: str
    strong: bool
    path: Path


class RAVDESS(_folders.FaceClips):
    """The recordings of six emotions, from neutral to peak, each cropped by `i2vlib.faces.align_clip`.

    The face is read in every frame, which takes seconds for a recording and is done once for each; `neutral_to_peak`
    of the expression's lead says which part is kept. The scores that were read are the clip's blendshapes.

    Args:
        folder: the one that holds the actors' folders, or one actor's.
        split: ``train``, ``validation`` or ``test``, disjoint by actor.
        size: side of the square frames in pixels.
        expression: the expression, or several, to keep; all six if not given.
        frames: how many frames to keep of the part, evenly spread; all if not given.
        strong: only recordings of strong (True) or of normal intensity (False); both if not given.
        read: from frames ``uint8 (T, H, W, 3)`` to blendshapes ``float32 (T, 52)``, NaN where no face was found;
            `i2vlib.faces.blendshapes` if not given.

    Raises:
        ValueError: the folder is missing, empty or laid out otherwise; a name is not seven numbers; there is no such
            split or expression, or nothing in it. When a clip is read: the file cannot be decoded, or its lead never
            rises.
        NoFaceError: when a clip is read and no face is found in it.
        ImportError, RuntimeError: as `i2vlib.faces.blendshapes`.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        size: int = 128,
        expression: str | Sequence[str] | None = None,
        frames: int | None = None,
        strong: bool | None = None,
        read: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.split, self.frames = _folders.check_split(split, "RAVDESS"), _folders.check_frames(frames)
        folder, self.read = Path(folder), read
        found = [video for video in find_videos(folder) if strong is None or video.strong == strong]
        names = _folders.chosen(expression, (video.expression for video in found), folder)
        kept = _folders.of_split([video for video in found if video.expression in names], split, folder)
        self._part = cache(lambda index: find_part(self.videos[index], self.read))
        super().__init__(folder, kept, NAMES.values(), size, self._read)

    def _read(self, index: int) -> Clip:
        video, (start, scores) = self.videos[index], self._part(index)
        kept = _folders.evenly(len(scores), self.frames)
        wanted = set((start + kept).tolist())
        frames = np.stack([frame for i, frame in enumerate(_decoding.decode(video.path)) if i in wanted])
        fps = _folders.slowed(FPS, len(scores), len(kept))
        return Clip(frames, fps, blendshapes=scores[kept], subject=video.subject, expression=video.expression)


def find_part(video: Video, read: Callable[[np.ndarray], np.ndarray] | None = None) -> tuple[int, np.ndarray]:
    """The frame at which the part from neutral to peak begins, and the blendshapes (T, 52) of its frames.

    A few frames at a time are in memory. Raises as `RAVDESS` says.
    """
    from i2vlib import faces

    read = read or faces.blendshapes
    frames = _decoding.decode(video.path)
    scores = np.concatenate([read(np.stack(some)) for some in iter(lambda: list(islice(frames, _AT_ONCE)), [])])
    lead = faces.lead(scores, video.expression)
    if not np.isfinite(lead).any():
        raise faces.NoFaceError(f"No face was found in any frame of {video.path}. Copy the file again, or remove it.")
    start, peak = neutral_to_peak(lead)
    if start == peak:
        raise ValueError(
            f"In {video.path} nothing rises that shows {video.expression}, so it has no part from neutral to peak. "
            "Remove the file, or open the folder without that expression."
        )
    return start, scores[start : peak + 1]


def neutral_to_peak(lead: np.ndarray) -> tuple[int, int]:
    """Where an expression is neutral and where it peaks, from its lead (T,), at least one value finite.

    Frames without a value are filled in between their neighbours, and the lead is smoothed by a running mean of five,
    so that a blink or a syllable does not count. Of all pairs of an earlier and a later frame, the later one of the
    pair with the largest rise is the peak; the neutral frame is the first that is above the earlier one by at most a
    tenth of that rise. Both are the same frame, 0, if nothing rises.
    """
    lead = np.asarray(lead, np.float64)
    known = np.flatnonzero(np.isfinite(lead))
    smooth = _folders.smoothed(np.interp(np.arange(len(lead)), known, lead[known]))
    rise = smooth - np.minimum.accumulate(smooth)
    peak = int(np.argmax(rise))
    if rise[peak] <= 0:
        return 0, 0
    low = smooth[: peak + 1].min()
    return int(np.argmax(smooth <= low + NEUTRAL * rise[peak])), peak


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as RAVDESS: with actors' folders in it, or one of them."""
    return any(path.suffix.lower() == ".mp4" for actor in _actors(folder) for path in actor.iterdir())


def find_videos(folder: Path) -> tuple[Video, ...]:
    """The recordings of the six emotions, by actor and name, each once. Raises as `RAVDESS` says."""
    _folders.check_folder(folder, LAYOUT)
    paths = {}
    for actor in _actors(folder):
        for path in sorted(actor.iterdir()):
            if path.suffix.lower() == ".mp4" and not path.name.startswith("."):
                modality, *take = _fields(path)
                # The same recording with and without sound; the later one in order is without.
                if modality in (1, 2):
                    paths[tuple(take)] = path
    found = [(*_fields(path), path) for path in paths.values()]
    videos = tuple(
        Video(path.parent.name, NAMES[emotion], strength == 2, path)
        for _, _, emotion, strength, _, _, _, path in found
        if emotion in NAMES
    )
    if not videos:
        raise ValueError(f"{folder} holds no video of {', '.join(NAMES.values())}. The layout is {LAYOUT}.")
    return videos


def held(folder: Path) -> list[str]:
    """What the folder holds and what is missing, a line each."""
    return _folders.tally(find_videos(folder), NAMES.values())


def _actors(folder: Path) -> list[Path]:
    """The actors' folders: this one, those in it, and those in the folders of unpacked archives in it."""
    inside = _folders.folders(folder)
    paths = [folder.resolve(), *inside, *(path for one in inside for path in _folders.folders(one))]
    return [path for path in paths if path.is_dir() and re.fullmatch(r"Actor_\d\d", path.name)]


def _fields(path: Path) -> tuple[int, ...]:
    """The seven numbers of a name."""
    if not re.fullmatch(r"\d\d(-\d\d){6}", path.stem):
        raise ValueError(f"{path} is not named by seven numbers as {Path(LAYOUT).name} is. Rename it, or remove it.")
    return tuple(map(int, path.stem.split("-")))
