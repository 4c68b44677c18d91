"""One clip out of one file, or out of one folder of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from i2vlib.clips import Clip, load_image
from i2vlib.datasets import _decoding, _folders

#: Pictures, still or moving, which Pillow reads; every other file is taken for a video.
_PICTURES = (".gif", ".apng", *_folders.SUFFIXES)
_USUAL = 12.0


def load_clip(source: str | Path, frames: int | None = None, fps: float | None = None) -> Clip:
    """A clip as it lies on disk, uncropped: a video file, an animated GIF or WebP, or a folder of pictures.

    Args:
        source: its path. The pictures of a folder are in the order of the numbers in their names.
        frames: keep so many, evenly spread, the first and the last among them; all if left out.
        fps: frames per second; left out, what the file says, and 12 of a folder. Fewer frames last as long as all.

    Raises:
        ValueError: there is nothing at the path, a folder holds no picture, or a file is no video, is cut short or
            cannot be read.
    """
    path = Path(source)
    _folders.check_frames(frames)
    if not path.exists():
        raise ValueError(f"There is no video and no folder at {path}. Check the path.")
    read = _of_folder if path.is_dir() else _of_picture if path.suffix.lower() in _PICTURES else _of_video
    pictures, own = read(path)
    clip = Clip(np.stack(pictures), fps=fps or own, subject=path.resolve().stem)
    return _folders.thinned(clip, frames)


def _of_folder(folder: Path) -> tuple[list[np.ndarray], float]:
    paths = _folders.images(folder)
    if not paths:
        raise ValueError(f"The folder {folder} holds no picture. Put frames into it as 0001.jpg, 0002.jpg, ...")
    return list(_folders.load_frames(paths)), _USUAL


def _of_picture(path: Path) -> tuple[list[np.ndarray], float]:
    try:
        with Image.open(path) as image:
            shown = [
                (load_image(frame.convert("RGBA")), frame.info.get("duration", 0))
                for frame in ImageSequence.Iterator(image)
            ]
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise ValueError(f"{path} cannot be read as moving pictures ({error}). Copy it again.") from None
    mean = float(np.mean([duration for _, duration in shown]))
    return [picture for picture, _ in shown], 1000 / mean if mean > 0 else _USUAL


def _of_video(path: Path) -> tuple[list[np.ndarray], float]:
    return list(_decoding.decode(path)), _decoding.rate(path) or _USUAL
