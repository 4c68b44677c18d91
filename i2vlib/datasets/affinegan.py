"""Folders in the layout in which AffineGAN's authors published their clips; also the way in for one's own.

    <root>/<expression>/{train,test}/img/<video>/0001.jpg, 0002.jpg, ...
    <root>/<expression>/train/patch/<video>/0001.jpg, ...      (optional masks of the mouth)

Frames are in the order of their numbers, which need not start at 1 nor be without gaps; the first is neutral. A test
video may be a single still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2vlib.clips import Clip, load_image
from i2vlib.datasets import _folders
from i2vlib.expressions import known_to

#: The authors' names of folders, and the book's names of expressions.
NAMES = known_to("affinegan")
SPLITS = ("train", "test")
LAYOUT = "<folder>/<expression>/{train,test}/img/<video>/0001.jpg"

#: Masks are JPEG files of 0 and 255, blurred by the compression.
_MASK_LEVEL = 191


@dataclass(frozen=True)
class Video:
    """The files of one video: frames in order, and a mask for each or none at all."""

    folder: Path
    expression: str
    frames: tuple[Path, ...]
    masks: tuple[Path, ...]

    @property
    def subject(self) -> str:
        return self.folder.name


class AffineGANFolder(_folders.FaceClips):
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
        folder, self.split = Path(folder), split
        videos = find_videos(folder, split, expression)
        names = dict.fromkeys(video.expression for video in videos)
        super().__init__(folder, videos, names, size, lambda index: read_video(self.videos[index]))

    def _cropped(self, clip: Clip) -> Clip:
        mouth = clip.truth.get("mouth")
        if mouth is None:
            return super()._cropped(clip)
        # One clip of frames and masks, so that both are cropped by the first frame's transform.
        pictures = np.repeat(mouth[..., None].astype(np.uint8) * 255, 3, -1)
        both = super()._cropped(replace(clip, frames=np.concatenate([clip.frames, pictures]), truth={}))
        cropped = both.frames[len(clip) :, ..., 0] > 127
        return replace(both, frames=both.frames[: len(clip)], truth={"mouth": cropped})


def find_videos(folder: Path, split: str, expressions: str | Sequence[str] | None = None) -> tuple[Video, ...]:
    """The videos of a split, by expression and then by name. Raises as `AffineGANFolder` says."""
    folder = Path(folder)
    found = expression_folders(folder)
    names = _folders.chosen(expressions, found, folder)
    known = {name: path for name, path in found.items() if name in names}
    if split not in SPLITS:
        raise ValueError(f"A folder in AffineGAN's layout has the splits train and test; this one is {split!r}.")
    videos = [
        _video(path, name, split) for name, home in known.items() for path in _folders.folders(home / split / "img")
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
    _folders.check_folder(folder, LAYOUT)
    if _is_expression(folder):
        name = folder.resolve().name
        return {NAMES.get(name, name): folder}
    children = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = {NAMES.get(path.name, path.name): path for path in children if _is_expression(path)}
    if not found:
        raise ValueError(
            f"{folder} holds no expression's folder: none of {', '.join(path.name for path in children[:5])} "
            f"has train/img or test/img in it. The layout is {LAYOUT}."
        )
    return found


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as AffineGAN's data, or is one expression's folder."""
    return any(map(_is_expression, [folder, *_folders.folders(folder)]))


def held(folder: Path) -> list[str]:
    """What the folder holds and what is missing, a line for each expression."""
    lines = []
    for name, home in expression_folders(folder).items():
        found = [split for split in SPLITS for _ in _folders.folders(home / split / "img")]
        masks = "with masks" if (home / "train" / "patch").is_dir() else "masks missing"
        lines.append(f"{name}: {_folders.counted(found, SPLITS)}, {masks}")
    return lines


def _is_expression(folder: Path) -> bool:
    return any((folder / split / "img").is_dir() for split in SPLITS)


def _video(folder: Path, expression: str, split: str) -> Video:
    frames = _folders.images(folder)
    if not frames:
        raise ValueError(f"The video {folder} holds no frame. Put images into it as 0001.jpg, 0002.jpg, ...")
    if split == "train" and len(frames) < 2:
        raise ValueError(
            f"The training video {folder} has a single frame, {frames[0].name}, so it is a clip without a "
            "neutral frame: training needs one and at least one more. Add frames, or move it to the split 'test'."
        )
    patches = folder.parents[1] / "patch" / folder.name
    return Video(folder, expression, frames, _folders.images(patches) if patches.is_dir() else ())


def read_video(video: Video) -> Clip:
    """A video as it lies on disk, uncropped; ``truth["mouth"]`` bool (T, H, W) where masks are given."""
    frames = _folders.load_frames(video.frames)
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
            _folders.check_same_size(by_name[path.stem], mask, video.frames[0], frames[0])
        truth["mouth"] = np.stack([mask.mean(-1) >= _MASK_LEVEL for mask in masks])
    return Clip(frames, subject=video.subject, expression=video.expression, truth=truth)
