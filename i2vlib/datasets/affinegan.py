"""Folders in the layout in which AffineGAN's authors published their clips; also the way in for one's own.

    <root>/<expression>/{train,test}/img/<video>/0001.jpg, 0002.jpg, ...
    <root>/<expression>/train/patch/<video>/0001.jpg, ...      (optional masks of the mouth)

Frames are in the order of their numbers, which need not start at 1 nor be without gaps; the first is neutral. A test
video may be a single still.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from i2vlib.clips import Clip, load_image

#: The authors' names of folders, and the book's names of expressions.
NAMES = {
    "anger": "angry",
    "surprise": "surprised",
    "eyeup": "eyes_up",
    "closeeye": "eyes_closed",
    "drumcheeks": "cheeks_puffed",
}
SPLITS = ("train", "test")
LAYOUT = "<folder>/<expression>/{train,test}/img/<video>/0001.jpg"

#: Masks are JPEG files of 0 and 255, blurred by the compression.
_MASK_LEVEL = 191
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_KEPT_IN_MEMORY = 256


@dataclass(frozen=True)
class Video:
    """The files of one video: frames in order, and a mask for each or none at all."""

    folder: Path
    expression: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]


class AffineGANFolder(Sequence):
    """The clips of a folder in AffineGAN's layout, each cropped by `i2vlib.faces.align_clip`.

    A clip is read when it is asked for, and up to 256 are then kept in memory. Where masks of the mouth are given,
    they are its ``truth["mouth"]``, bool (T, size, size), moved along with the frames.

    Args:
        folder: the root, or the folder of one expression.
        expression: the expression, or several, to keep; all if not given.
        split: ``train`` or ``test``.
        size: side of the square frames in pixels.

    Raises:
        ValueError: the folder is missing, empty or laid out otherwise; there is no such split or expression; a video
            has no frame, or in ``train`` fewer than two. When a clip is read: a frame cannot be read or differs in
            size from the first, or some masks are missing.
        NoFaceError: when a clip is read and its first frame shows no face.
    """

    def __init__(
        self,
        folder: str | Path,
        expression: str | Sequence[str] | None = None,
        split: str = "train",
        size: int = 128,
    ) -> None:
        if size < 16:
            raise ValueError(f"A frame is at least 16 pixels wide; {size} were asked for.")
        wanted = (expression,) if isinstance(expression, str) else expression
        self.folder, self.split, self.size = Path(folder), split, size
        self.videos = find_videos(self.folder, split, None if wanted is None else tuple(wanted))
        self.expressions = tuple(dict.fromkeys(video.expression for video in self.videos))
        self._load = lru_cache(_KEPT_IN_MEMORY)(self._read)

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Clip:
        return self._load(range(len(self.videos))[index])

    def _read(self, index: int) -> Clip:
        from i2vlib import faces

        video = self.videos[index]
        clip = read_video(video)
        mouth = clip.truth.get("mouth")
        if mouth is None:
            return faces.align_clip(clip, self.size)
        # One clip of frames and masks, so that both are cropped by the first frame's transform.
        pictures = np.repeat(mouth[..., None].astype(np.uint8) * 255, 3, -1)
        both = faces.align_clip(replace(clip, frames=np.concatenate([clip.frames, pictures]), truth={}), self.size)
        cropped = both.frames[len(clip) :, ..., 0] > 127
        return replace(both, frames=both.frames[: len(clip)], truth={"mouth": cropped})


def find_videos(folder: Path, split: str, expressions: Sequence[str] | None = None) -> tuple[Video, ...]:
    """The videos of a split, by expression and then by name. Raises as `AffineGANFolder` says."""
    folder = Path(folder)
    found = expression_folders(folder)
    known = {name: path for name, path in found.items() if expressions is None or name in expressions}
    absent = sorted(set(expressions or ()) - set(found))
    if absent:
        raise ValueError(f"{folder} holds no clips of {', '.join(absent)}. It holds: {', '.join(found)}.")
    if split not in SPLITS:
        raise ValueError(f"A folder in AffineGAN's layout has the splits train and test; this one is {split!r}.")
    videos = [
        _video(path, name, split)
        for name, home in known.items()
        if (home / split / "img").is_dir()
        for path in sorted((home / split / "img").iterdir(), key=_number)
        if path.is_dir() and not path.name.startswith(".")
    ]
    if not videos:
        raise ValueError(
            f"{folder} holds no video in the split {split!r} of {', '.join(known)}. "
            f"Put frames at {LAYOUT.replace('{train,test}', split)}, or open the other split."
        )
    return tuple(videos)


def expression_folders(folder: Path) -> dict[str, Path]:
    """The folders of the expressions, by the book's name of each, of a root or of one expression's own folder."""
    folder = Path(folder)
    if not folder.exists():
        raise ValueError(f"There is no folder at {folder}. Check the path.")
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, not a folder. Give the folder that holds {LAYOUT}.")
    if _is_expression(folder):
        name = folder.resolve().name
        return {NAMES.get(name, name): folder}
    children = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not children:
        raise ValueError(f"The folder {folder} is empty. Put clips into it as {LAYOUT}.")
    found = {NAMES.get(path.name, path.name): path for path in children if _is_expression(path)}
    if not found:
        raise ValueError(
            f"{folder} holds no expression's folder: none of {', '.join(path.name for path in children[:5])} "
            f"has train/img or test/img in it. The layout is {LAYOUT}."
        )
    return found


def _is_expression(folder: Path) -> bool:
    return any((folder / split / "img").is_dir() for split in SPLITS)


def _number(path: Path) -> tuple[list[int], str]:
    """Sorts 2.jpg before 10.jpg."""
    return [int(digits) for digits in re.findall(r"\d+", path.stem)], path.name


def _images(folder: Path) -> tuple[Path, ...]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."))
    return tuple(sorted(files, key=_number))


def _video(folder: Path, expression: str, split: str) -> Video:
    frames = _images(folder)
    if not frames:
        raise ValueError(f"The video {folder} holds no frame. Put images into it as 0001.jpg, 0002.jpg, ...")
    if split == "train" and len(frames) < 2:
        raise ValueError(
            f"The training video {folder} has a single frame, {frames[0].name}, so it is a clip without a "
            "neutral frame: training needs one and at least one more. Add frames, or move it to the split 'test'."
        )
    patches = folder.parents[1] / "patch" / folder.name
    return Video(folder, expression, frames, _images(patches) if patches.is_dir() else ())


def read_video(video: Video) -> Clip:
    """A video as it lies on disk, uncropped; ``truth["mouth"]`` bool (T, H, W) where masks are given."""
    frames = [load_image(path) for path in video.frames]
    for path, frame in zip(video.frames, frames, strict=True):
        _check_size(path, frame, video.frames[0], frames[0])
    truth = {}
    if video.masks:
        by_name = {path.stem: path for path in video.masks}
        absent = [path.name for path in video.frames if path.stem not in by_name]
        if absent:
            raise ValueError(
                f"{video.masks[0].parent} holds masks for some frames but none for {', '.join(absent[:5])} of "
                f"{video.folder}. Give a mask of the same name for every frame, or delete that folder."
            )
        masks = [load_image(by_name[path.stem]) for path in video.frames]
        for path, mask in zip(video.frames, masks, strict=True):
            _check_size(by_name[path.stem], mask, video.frames[0], frames[0])
        truth["mouth"] = np.stack([mask.mean(-1) >= _MASK_LEVEL for mask in masks])
    return Clip(np.stack(frames), subject=video.folder.name, expression=video.expression, truth=truth)


def _check_size(path: Path, image: np.ndarray, first: Path, expected: np.ndarray) -> None:
    if image.shape != expected.shape:
        (height, width, _), (other_height, other_width, _) = image.shape, expected.shape
        raise ValueError(
            f"{path} has {width}x{height} pixels, but the first frame of its clip, {first.name}, has "
            f"{other_width}x{other_height}. All frames and masks of a clip have one size: resize or remove it."
        )
