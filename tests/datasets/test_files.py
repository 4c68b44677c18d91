"""One clip from a file or a folder: frames in order, speed as the file says, and a sentence for what cannot be read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import i2vlib
from i2vlib import video


def levels(count: int, size: int = 32) -> np.ndarray:
    return np.stack([np.full((size, size, 3), 20 * (i + 1), np.uint8) for i in range(count)])


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_what_was_saved_is_read_back(tmp_path: Path, suffix: str) -> None:
    path = video.save(levels(10), tmp_path / f"my clip{suffix}", fps=10)
    clip = i2vlib.load_clip(path)
    assert clip.frames.shape == (10, 32, 32, 3) and clip.fps == pytest.approx(10, rel=0.05)
    assert np.abs(clip.frames.astype(int) - levels(10)).max() <= 4 and clip.subject == "my clip"
    few = i2vlib.load_clip(path, frames=4)
    assert np.abs(few.frames[:, 0, 0, 0].astype(int) - [20, 80, 140, 200]).max() <= 4
    assert (len(few) - 1) / few.fps == pytest.approx((len(clip) - 1) / clip.fps)


def test_the_pictures_of_a_folder_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number, frame in zip((8, 9, 10), levels(3), strict=True):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    clip = i2vlib.load_clip(tmp_path, fps=25)
    assert clip.frames[:, 0, 0, 0].tolist() == [20, 40, 60] and clip.fps == 25
    assert i2vlib.load_clip(tmp_path).fps == 12


@pytest.mark.parametrize("name", ["one.png", "one.jpg", "one.JPEG", "one.bmp"])
def test_a_still_is_a_clip_of_one_frame(tmp_path: Path, name: str) -> None:
    Image.fromarray(levels(1)[0]).save(tmp_path / name)
    clip = i2vlib.load_clip(tmp_path / name)
    assert len(clip) == 1 and clip.fps == 12


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.mp4", None, "There is no video and no folder at .*gone.mp4"),
        ("text.mp4", b"no video", "text.mp4 cannot be decoded as a video"),
        ("text.gif", b"no picture", "text.gif cannot be read as moving pictures"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        i2vlib.load_clip(tmp_path / name)


def test_a_cut_file_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0001.jpg"):
        i2vlib.load_clip(tmp_path)
    noise = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    for suffix in (".gif", ".webp"):
        path = video.save(noise, tmp_path / f"cut{suffix}")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match=f"cut{suffix} cannot be read as moving pictures"):
            i2vlib.load_clip(path)
    with pytest.raises(ValueError, match="2 or.*1"):
        i2vlib.load_clip(path, frames=1)
