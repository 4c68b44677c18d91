"""CK+, the Extended Cohn-Kanade data set (Lucey et al., 2010), as its archives unpack.

    <root>/cohn-kanade-images/S005/001/S005_001_00000011.png
    <root>/Landmarks/S005/001/S005_001_00000011_landmarks.txt      68 rows "x y" for every frame
    <root>/Emotion/S005/001/S005_001_00000011_emotion.txt          one number, for 327 of the 593 sequences

Every sequence begins neutral and ends at its peak. Subjects whose number ends in 3 or 8 are for validation, in 4 or 9
for test, all others for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2vlib.clips import Clip
from i2vlib.datasets import _folders
from i2vlib.expressions import known_to

#: The emotion labels, and the book's names of expressions; 0 is neutral, which is no expression.
NAMES = known_to("ckplus")
IMAGES, LANDMARKS, EMOTION = "cohn-kanade-images", "Landmarks", "Emotion"
LAYOUT = f"<folder>/{IMAGES}/S005/001/S005_001_00000011.png"
FPS = 30.0


@dataclass(frozen=True)
class Video:
    """The files of one sequence, neutral first; `landmarks` is the folder of their points, whether there or not."""

    subject: str
    number: str
    expression: str | None
    frames: tuple[Path, ...]
    landmarks: Path


class CKPlus(_folders.FaceClips):
    """The sequences of CK+ from neutral to peak, each cropped by `i2vlib.faces.align_clip`.

    Where a sequence has landmarks they are read and moved along with the crop. The files count the centre of the
    first pixel as 0; the book as 0.5, so 0.5 is added.

    Args:
        folder: the one that holds ``cohn-kanade-images``.
        split: ``train``, ``validation`` or ``test``, disjoint by subject.
        size: side of the square frames in pixels.
        expression: the expression, or several, to keep; all if not given.
        frames: how many frames to keep of a sequence, evenly spread from neutral to peak; all if not given.
        unlabelled: also the sequences without an emotion label, whose expression is None.

    Raises:
        ValueError: the folder is missing, empty or laid out otherwise; there is no such split or expression, or
            nothing in it; a label is not a number from 0 to 7; a sequence has fewer than two frames. When a clip is
            read: a frame or its landmarks cannot be read, or a frame differs in size from the first.
        NoFaceError: when a clip is read and its first frame shows no face.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        size: int = 128,
        expression: str | Sequence[str] | None = None,
        frames: int | None = None,
        unlabelled: bool = False,
    ) -> None:
        self.split, self.frames = _folders.check_split(split, "CK+"), _folders.check_frames(frames)
        folder = Path(folder)
        found = [video for video in find_videos(folder) if unlabelled or video.expression]
        if not found:
            raise ValueError(
                f"{folder} holds no sequence with an emotion label. Unpack Emotion_labels.zip beside {IMAGES}, "
                "so that there is a folder Emotion; or open it with unlabelled=True."
            )
        names = _folders.chosen(expression, (video.expression for video in found if video.expression), folder)
        wanted = [video for video in found if video.expression in names or unlabelled and expression is None]
        super().__init__(folder, _folders.of_split(wanted, split, folder), NAMES.values(), size, self._read)

    def _read(self, index: int) -> Clip:
        return _folders.thinned(read_video(self.videos[index]), self.frames)


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as CK+."""
    return (folder / IMAGES).is_dir()


def find_videos(folder: Path) -> tuple[Video, ...]:
    """All sequences, labelled or not, by subject and number. Raises as `CKPlus` says."""
    _folders.check_folder(folder, LAYOUT)
    if not recognises(folder):
        raise ValueError(f"{folder} holds no folder {IMAGES}. Give the folder that holds it; the layout is {LAYOUT}.")
    found = tuple(
        _video(folder, take)
        for subject in _folders.folders(folder / IMAGES)
        if any(letter.isdigit() for letter in subject.name)
        for take in _folders.folders(subject)
    )
    if not found:
        raise ValueError(f"{folder / IMAGES} holds no sequence. Unpack the images so that they lie at {LAYOUT}.")
    return found


def held(folder: Path) -> list[str]:
    """What the folder holds and what is missing, a line each."""
    videos = find_videos(folder)
    without = sum(video.expression is None for video in videos)
    tracked = sum(video.landmarks.is_dir() for video in videos)
    return [
        *_folders.tally(videos, NAMES.values()),
        f"without an emotion label: {without} of {len(videos)}",
        f"with landmarks: {tracked}",
    ]


def read_video(video: Video) -> Clip:
    """A sequence as it lies on disk, uncropped, with its landmarks where they are given."""
    points = None
    if video.landmarks.is_dir():
        points = np.stack([_points(video.landmarks / f"{path.stem}_landmarks.txt") for path in video.frames])
    frames = _folders.load_frames(video.frames)
    return Clip(frames, FPS, landmarks=points, subject=video.subject, expression=video.expression)


def _video(folder: Path, take: Path) -> Video:
    subject, number = take.parent.name, take.name
    frames = _folders.images(take)
    if len(frames) < 2:
        raise ValueError(
            f"The sequence {take} has {len(frames)} frames, but neutral and peak make two. Unpack the images again, or "
            "remove that folder."
        )
    expression = _expression(folder / EMOTION / subject / number)
    return Video(subject, number, expression, frames, folder / LANDMARKS / subject / number)


def _expression(folder: Path) -> str | None:
    """The expression that the label in a folder says; None for neutral, or where there is no label."""
    labels = sorted(path for path in folder.glob("*_emotion.txt") if not path.name.startswith("."))
    if not labels:
        return None
    text = labels[0].read_text(errors="replace").strip()
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number not in (0, *NAMES):
        raise ValueError(f"The label {labels[0]} is a number from 0 to 7, but it holds {text[:40]!r}. Unpack it again.")
    return NAMES.get(int(number))


def _points(path: Path) -> np.ndarray:
    """The 68 landmarks (68, 2) of one frame, pixel centres at +0.5."""
    remedy = "Unpack Landmarks.zip again, or remove the landmarks of this sequence to open it without them."
    if not path.is_file():
        raise ValueError(f"There is no file of landmarks at {path}. {remedy}")
    try:
        points = np.array(path.read_text(errors="replace").split(), dtype=np.float32)
    except ValueError:
        points = np.empty(0, np.float32)
    if points.size != 136 or not np.isfinite(points).all():
        raise ValueError(f"The landmarks {path} are 68 rows of two numbers, but other things are in it. {remedy}")
    return points.reshape(68, 2) + 0.5
