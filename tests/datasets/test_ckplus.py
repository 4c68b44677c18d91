"""CK+, on trees in the layout that its archives unpack to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2vlib import datasets, faces
from i2vlib.datasets import ckplus

from .test_affinegan import levels, picture

#: Subjects, one in validation (3) and one in test (4); their sequences, and the labels, None where there is none.
TREE = {
    "S005": {"001": 3},
    "S010": {"001": 7, "002": None, "006": 1},
    "S032": {"004": 5},
    "S053": {"003": 5},
    "S074": {"005": 5, "001": None},
    "S999": {"001": 4},
}


def points(frame: int) -> np.ndarray:
    return np.stack([np.arange(68) + frame, 2.0 * np.arange(68)], 1)


def write(root: Path, subject: str, number: str, label: int | None, frames: int = 4) -> None:
    """A sequence of grey 8-bit PNGs of levels 10, 20, 30, ..., with landmarks, as the archives hold it."""
    names = [f"{subject}_{number}_{index:08d}" for index in range(1, frames + 1)]
    home, tracked, emotion = (root / kind / subject / number for kind in (ckplus.IMAGES, "Landmarks", "Emotion"))
    for folder in (home, tracked, emotion):
        folder.mkdir(parents=True)
        (folder / ".DS_Store").write_bytes(b"x")
    (emotion / f"._{names[-1]}_emotion.txt").write_bytes(b"x")
    (home / f"._{names[0]}.png").write_bytes(b"x")
    for index, name in enumerate(names):
        picture(10 + 10 * index).convert("L").save(home / f"{name}.png")
        rows = (f"   {x:.7e}   {y:.7e}" for x, y in points(index))
        (tracked / f"{name}_landmarks.txt").write_text("\n".join(rows) + "\n")
    if label is not None:
        (emotion / f"{names[-1]}_emotion.txt").write_text(f"   {label:.7e}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "CK+"
    for subject, sequences in TREE.items():
        for number, label in sequences.items():
            write(root, subject, number, label)
    (root / ckplus.IMAGES / ".DS_Store").write_bytes(b"x")
    (root / ckplus.IMAGES / "S005" / ".DS_Store").write_bytes(b"x")
    return root


def names(clips: datasets.ckplus.CKPlus) -> list[tuple[str, str | None]]:
    return [(video.subject, video.expression) for video in clips.videos]


def test_labelled_sequences_from_neutral_to_peak(tree: Path, plain: None) -> None:
    clips = datasets.open(tree)
    assert isinstance(clips, ckplus.CKPlus)
    assert names(clips) == [
        ("S005", "disgust"), ("S010", "surprised"), ("S010", "angry"), ("S032", "happy")
    ]  # fmt: skip
    assert clips.expressions == ("happy", "angry", "surprised", "disgust")
    clip = clips[0]
    assert levels(clip) == [10, 20, 30, 40] and clip.frames.shape == (4, 20, 24, 3)
    assert (clip.subject, clip.expression, clip.fps, clip.intensity) == ("S005", "disgust", 30, None)


def test_the_first_pixel_is_0_in_the_files_and_a_half_in_the_book(tree: Path, plain: None) -> None:
    clip = datasets.open(tree, frames=2)[0]
    np.testing.assert_allclose(clip.landmarks, np.stack([points(0), points(3)]) + 0.5)
    assert levels(clip) == [10, 40] and clip.fps == 10


def test_landmarks_move_with_the_frames(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    from skimage.data import astronaut

    write(tmp_path, "S005", "001", 5, frames=2)
    photo = astronaut()
    seen = faces.landmarks(photo[None])[0]
    for path in (tmp_path / ckplus.IMAGES).rglob("*.png"):
        Image.fromarray(photo).convert("L").save(path)
        file = tmp_path / "Landmarks/S005/001" / f"{path.stem}_landmarks.txt"
        np.savetxt(file, seen - 0.5, fmt="%.7e")
    clip = datasets.open(tmp_path, size=96)[0]
    assert clip.frames.shape == (2, 96, 96, 3) and (clip.frames[..., 0] == clip.frames[..., 2]).all()
    wanted = np.array(
        [[0.5 - faces.EYE_DISTANCE / 2, faces.EYE_LEVEL], [0.5 + faces.EYE_DISTANCE / 2, faces.EYE_LEVEL]]
    )
    np.testing.assert_allclose(faces.eye_centres(clip.landmarks[1]), wanted * 96, atol=2)


def test_without_landmarks(tree: Path, plain: None) -> None:
    for path in sorted((tree / "Landmarks/S005").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    clips = datasets.open(tree)
    assert clips[0].landmarks is None and clips[1].landmarks is not None


def test_splits_are_disjoint_by_subject_and_fixed(tree: Path) -> None:
    parts = {split: datasets.open(tree, split=split, unlabelled=True) for split in ("train", "validation", "test")}
    subjects = {split: {video.subject for video in clips.videos} for split, clips in parts.items()}
    assert subjects == {"train": {"S005", "S010", "S032"}, "validation": {"S053"}, "test": {"S074", "S999"}}
    assert sum(map(len, parts.values())) == 9
    again = datasets.open(tree, unlabelled=True)
    assert again.videos == parts["train"].videos
    for path in sorted((tree / ckplus.IMAGES / "S010").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    left = datasets.open(tree, split="test", unlabelled=True)
    assert left.videos == parts["test"].videos


def test_unlabelled_sequences_on_request(tree: Path, plain: None) -> None:
    clips = datasets.open(tree, split="test", unlabelled=True)
    assert names(clips) == [("S074", None), ("S074", "happy"), ("S999", "fear")]
    assert clips[0].expression is None and clips.expressions == ("happy", "fear")
    assert names(datasets.open(tree, split="test", unlabelled=True, expression="happy")) == [("S074", "happy")]


def test_a_neutral_label_is_no_expression(tree: Path) -> None:
    next((tree / "Emotion/S005/001").glob("*.txt")).write_text("0.0000000e+00")
    assert ("S005", None) in names(datasets.open(tree, unlabelled=True)) and len(datasets.open(tree)) == 3


def test_expressions_that_are_not_there(tree: Path) -> None:
    assert names(datasets.open(tree, expression=("happy", "disgust"))) == [("S005", "disgust"), ("S032", "happy")]
    with pytest.raises(ValueError, match="sad"):
        datasets.open(tree, expression="sad")
    with pytest.raises(ValueError, match="disgust.*'test'"):
        datasets.open(tree, split="test", expression="disgust")
    with pytest.raises(ValueError, match=r"CK\+.*'dev'"):
        datasets.open(tree, split="dev")
    with pytest.raises(ValueError, match="16 pixels"):
        datasets.open(tree, size=8)
    with pytest.raises(ValueError, match="2 or.*1"):
        datasets.open(tree, frames=1)


@pytest.mark.parametrize("text", ["happy", "", "9.0", "2.5", "nan"])
def test_a_label_that_is_none(tree: Path, text: str) -> None:
    next((tree / "Emotion/S032/004").glob("*.txt")).write_text(text)
    with pytest.raises(ValueError, match="S032_004_00000004_emotion.txt.*0"):
        datasets.open(tree)


def test_no_labels_at_all(tree: Path) -> None:
    (tree / "Emotion").rename(tree / "Emotion_labels")
    with pytest.raises(ValueError, match="Emotion_labels.zip"):
        datasets.open(tree)
    assert len(datasets.open(tree, unlabelled=True)) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no file of landmarks at .*S005_001_00000002_landmarks.txt"),
        ("1 2 3", "S005_001_00000002_landmarks.txt are 68 rows of two numbers"),
        ("one two", "68 rows of two numbers"),
        ("nan " * 136, "68 rows of two numbers"),
    ],
)
def test_landmarks_that_cannot_be_read(tree: Path, plain: None, content: str | None, message: str) -> None:
    path = tree / "Landmarks/S005/001/S005_001_00000002_landmarks.txt"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ValueError, match=message):
        datasets.open(tree)[0]


def test_frames_that_cannot_be_read(tree: Path, plain: None) -> None:
    path = tree / ckplus.IMAGES / "S005/001/S005_001_00000002.png"
    picture(0, width=30).save(path)
    with pytest.raises(ValueError, match="S005_001_00000002.png.*30x20"):
        datasets.open(tree)[0]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match="S005_001_00000002.png"):
        datasets.open(tree)[0]


def test_wrong_folders(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        ckplus.CKPlus(tree / ckplus.IMAGES)
    (tmp_path / "new" / ckplus.IMAGES).mkdir(parents=True)
    with pytest.raises(ValueError, match="sequence"):
        datasets.open(tmp_path / "new")
    (tree / ckplus.IMAGES / "S032/009").mkdir()
    with pytest.raises(ValueError, match="S032.009.*0"):
        datasets.open(tree)


def test_describe_says_what_is_missing(tree: Path) -> None:
    lines = datasets.describe(tree).splitlines()
    assert lines[0].startswith("ckplus: CK+") and lines[1].startswith("licence: Research only")
    assert (
        "happy: 1 train, 1 validation, 1 test" in lines
        and "sad: train missing, validation missing, test missing" in lines
    )
    assert lines[-2:] == ["without an emotion label: 2 of 9", "with landmarks: 9"]
