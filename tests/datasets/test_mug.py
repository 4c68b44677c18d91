"""MUG, on trees in its layout: curves of motion with a known apex, sessions, and lists of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.datasets import mug

from .test_affinegan import levels, picture

#: Onset, apex at frame 5, offset.
CURVE = [0, 0, 30, 60, 80, 90, 80, 50, 20, 0]


def write(folder: Path, curve: list[int] = CURVE) -> Path:
    """A take whose picture is brighter than the first by `curve`."""
    folder.mkdir(parents=True)
    for index, value in enumerate(curve):
        picture(40 + value).save(folder / f"img_{index:04d}.jpg", quality=95)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "subjects3"
    write(root / "001/anger/take000")
    write(root / "001/anger/take001nsg", [0, 50, 90])
    write(root / "001/neutral/take000", [0, 0])
    write(root / "002/session1/happiness/take000")
    write(root / "002/session2/happiness/take000", [0, 10, 20, 30])
    write(root / "003/surprise/take000")
    write(root / "004/sadness/take000")
    (root / "001/anger/.DS_Store").write_bytes(b"x")
    (root / "001/anger/take000/Thumbs.db").write_bytes(b"x")
    return root


def names(clips: mug.MUG) -> list[tuple[str, str, str]]:
    return [(video.subject, video.expression, video.folder.name) for video in clips.videos]


def bump(count: int = 60, top: int = 25, noise: float = 0.0) -> np.ndarray:
    rising, falling = np.linspace(0, 1, top + 1), np.linspace(1, 0.1, count - top)[1:]
    return np.r_[rising, falling] * 8 + noise * np.random.default_rng(0).standard_normal(count)


def test_the_apex_of_a_curve() -> None:
    assert abs(mug.apex(bump()) - 25) <= 1
    assert abs(mug.apex(bump(noise=0.2)) - 25) <= 3


def test_a_blink_is_no_apex() -> None:
    curve = bump()
    curve[50:52] += 9
    assert curve.argmax() == 50 and abs(mug.apex(curve) - 25) <= 1


def test_a_take_that_stops_at_its_peak_is_kept_whole() -> None:
    assert mug.apex(np.linspace(0, 5, 20)) == 19
    assert mug.apex(np.zeros(8)) == 1 and mug.apex(np.array([0, 4.0])) == 1


def test_takes_are_cut_at_the_apex(tree: Path, plain: None) -> None:
    clips = datasets.open(tree)
    assert isinstance(clips, mug.MUG)
    assert names(clips) == [
        ("001", "angry", "take000"), ("001", "angry", "take001nsg"),
        ("002", "happy", "take000"), ("002", "happy", "take000"),
    ]  # fmt: skip
    assert clips.expressions == ("happy", "angry")
    assert levels(clips[0]) == [40, 40, 70, 100, 120, 130]
    assert (clips[0].subject, clips[0].expression, clips[0].fps) == ("001", "angry", 19)
    assert levels(datasets.open(tree, cut=False)[0])[-3:] == [90, 60, 40]


def test_differences_are_those_to_the_first_frame(tree: Path) -> None:
    found = mug.frame_differences(mug.find_videos(tree)[0].frames)
    np.testing.assert_allclose(found, CURVE, atol=1)


def test_fewer_frames_last_as_long(tree: Path, plain: None) -> None:
    clip = datasets.open(tree, frames=3)[0]
    assert levels(clip) == [40, 70, 130] or levels(clip) == [40, 100, 130]
    assert clip.fps == pytest.approx(19 * 2 / 5)


def test_splits_are_disjoint_by_subject_and_fixed(tree: Path) -> None:
    subjects = {
        split: {video.subject for video in datasets.open(tree, split=split).videos}
        for split in ("train", "validation", "test")
    }
    assert subjects == {"train": {"001", "002"}, "validation": {"003"}, "test": {"004"}}
    assert names(datasets.open(tree)) == names(datasets.open(tree))


def rows(*takes: tuple[str, range]) -> str:
    return "".join(f"{take} img_{index:04d}.jpg\n" for take, frames in takes for index in frames)


def test_a_list_says_which_frames(tree: Path, plain: None) -> None:
    path = tree.parent / "test.txt"
    path.write_text(
        rows(("004 sadness take000", range(1, 5)), ("001 neutral take000", range(2)), ("001 anger take000", range(10)))
        + "\n"
    )
    clips = datasets.open(tree, split_list=path, cut=False)
    assert names(clips) == [("004", "sad", "take000"), ("001", "angry", "take000")]
    assert levels(clips[0]) == [40, 70, 100, 120] and len(clips[1]) == 10
    assert levels(datasets.open(tree, split="test", split_list=path)[1])[-1] == 130


def test_a_list_finds_sessions(tree: Path, plain: None) -> None:
    path = tree.parent / "list.txt"
    path.write_text(rows(("002 session2 happiness take000", range(4))))
    assert len(datasets.open(tree, split_list=path)[0]) == 4
    path.write_text(rows(("002/session2 happiness take000", range(4))))
    assert len(datasets.open(tree, split_list=path)) == 1
    path.write_text(rows(("002 happiness take000", range(4))))
    with pytest.raises(ValueError, match="sessions"):
        datasets.open(tree, split_list=path)
    (tree / "002/session1").rename(tree / "002/old")
    assert len(datasets.open(tree, split_list=path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("001 anger take000\n", "Row 1 of .*list.txt is '001 anger take000', but a row is"),
        ("001 anger take000 img_0000.jpg\nhello\n", "Row 2 of .*list.txt is 'hello'"),
        ("", "list.txt names no frame of an expression"),
        ("001 anger take007 img_0000.jpg\n", "names .*take007.img_0000.jpg, which is there in no session"),
        ("001 anger take000 img_0000.jpg\n", "take000 has 1 frames, but neutral and apex make two"),
    ],
)
def test_a_list_that_is_wrong(tree: Path, text: str, message: str) -> None:
    path = tree.parent / "list.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        datasets.open(tree, split_list=path)


def test_a_list_that_names_a_missing_frame_or_is_missing(tree: Path, plain: None) -> None:
    path = tree.parent / "list.txt"
    with pytest.raises(ValueError, match="list.txt"):
        datasets.open(tree, split_list=path)
    path.write_text(rows(("001 anger take000", range(12))))
    with pytest.raises(ValueError, match="img_0010.jpg"):
        datasets.open(tree, split_list=path)[0]


def test_wrong_folders_and_options(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="<folder>/001/anger/take000"):
        mug.MUG(tree / "001")
    with pytest.raises(ValueError, match="fear"):
        datasets.open(tree, expression="fear")
    with pytest.raises(ValueError, match="sad.*'train'"):
        datasets.open(tree, expression="sad")
    with pytest.raises(ValueError, match="MUG"):
        datasets.open(tree, split="all")
    (tree / "003/surprise/take001").mkdir()
    with pytest.raises(ValueError, match="take001.*0"):
        datasets.open(tree)


def test_frames_that_cannot_be_read(tree: Path, plain: None) -> None:
    path = tree / "001/anger/take000/img_0003.jpg"
    picture(100, width=30).save(path)
    with pytest.raises(ValueError, match="img_0003.jpg.*30x20"):
        datasets.open(tree)[0]
    path.write_bytes(b"this is no image")
    with pytest.raises(ValueError, match="img_0003.jpg"):
        datasets.open(tree)[0]


def test_describe_says_what_is_missing(tree: Path) -> None:
    lines = datasets.describe(tree).splitlines()
    assert lines[0].startswith("mug: MUG")
    assert "angry: 2 train, validation missing, test missing" in lines
    assert "fear: train missing, validation missing, test missing" in lines
