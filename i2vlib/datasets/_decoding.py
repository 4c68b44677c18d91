"""The pictures of a video file, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def decode(path: Path) -> Iterator[np.ndarray]:
    """The pictures of a video one after the other, ``uint8 (H, W, 3)``; by PyAV if it is installed, else by ffmpeg.

    Raises:
        ValueError: the file is no video, holds no picture, or is cut short.
    """
    empty = True
    try:
        for frame in (_with_pyav if find_spec("av") else _with_ffmpeg)(path):
            empty = False
            yield frame
    except (OSError, RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} cannot be decoded as a video ({reason}). Download it again.") from None
    if empty:
        raise ValueError(f"{path} holds no picture. Download it again.")


def rate(path: Path) -> float:
    """Frames per second of a video that can be decoded, as the file says; 0 if it does not."""
    if find_spec("av"):
        import av

        with av.open(str(path)) as container:
            return float(container.streams.video[0].average_rate or 0)
    import imageio_ffmpeg

    frames = imageio_ffmpeg.read_frames(str(path))
    try:
        return float(next(frames)["fps"])
    finally:
        frames.close()


def _with_pyav(path: Path) -> Iterator[np.ndarray]:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _with_ffmpeg(path: Path) -> Iterator[np.ndarray]:
    import imageio_ffmpeg

    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    width, height = about["size"]
    count = 0
    for frame in frames:
        count += 1
        yield np.frombuffer(frame, np.uint8).reshape(height, width, 3)
    # ffmpeg ends a damaged file without an error.
    promised = about["duration"] * about["fps"]
    if count < 0.9 * promised:
        raise ValueError(f"it has {count} of about {promised:.0f} frames")
