"""AffineGAN's folder layout, on trees written here and on the authors' own clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2vlib import datasets, faces
from i2vlib.clips import Clip
from i2vlib.datasets import affinegan

from .test_actors import Rendered


def picture(value: int, width: int = 24, height: int = 20) -> Image.Image:
    return Image.new("RGB", (width, height), (value, value, value))


def write(folder: Path, names: list[str], width: int = 24) -> Path:
    """A video whose frames are grey 10, 20, 30, ... in the order of `names`."""
    folder.mkdir(parents=True)
    for index, name in enumerate(names):
        picture(10 + 10 * index, width).save(folder / name, quality=100)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    write(root / "happy/train/img/vid_0002", ["0001.jpg", "0002.jpg", "0003.jpg"])
    write(root / "happy/train/img/vid_0010", ["1.png", "2.png", "10.png"])
    write(root / "happy/test/img/vid_0003", ["0001.jpg"])
    write(root / "anger/train/img/vid_0001", ["0310.jpg", "0311.jpg", "0333.jpg"])
    write(root / "closeeye/train/img/vid_0001", ["0001.jpg", "0002.jpg"])
    write(root / "wink/train/img/vid_0001", ["0001.jpg", "0002.jpg"])
    (root / "happy/train/img/.DS_Store").write_bytes(b"x")
    (root / "happy/train/img/vid_0002/.DS_Store").write_bytes(b"x")
    (root / "happy/train/img/vid_0002/notes.txt").write_text("no frame")
    (root / "README.md").write_text("no expression")
    return root


def levels(clip: Clip) -> list[int]:
    return clip.frames.mean((1, 2, 3)).round().astype(int).tolist()


def test_videos_frames_and_names(tree: Path, plain: None) -> None:
    clips = datasets.open(tree)
    assert [(clip.expression, clip.subject) for clip in clips] == [
        ("angry", "vid_0001"),
        ("eyes_closed", "vid_0001"),
        ("happy", "vid_0002"),
        ("happy", "vid_0010"),
        ("wink", "vid_0001"),
    ]
    assert [levels(clip) for clip in clips] == [[10, 20, 30], [10, 20], [10, 20, 30], [10, 20, 30], [10, 20]]
    assert clips[-1].expression == "wink" and clips.expressions == ("angry", "eyes_closed", "happy", "wink")
    with pytest.raises(IndexError):
        clips[5]


def test_a_still_is_a_clip_of_one_frame(tree: Path, plain: None) -> None:
    (clip,) = datasets.open(tree, split="test")
    assert (len(clip), clip.expression, clip.subject) == (1, "happy", "vid_0003")


def test_one_expression_by_name_or_by_its_folder(tree: Path, plain: None) -> None:
    assert {clip.expression for clip in datasets.open(tree, expression="angry")} == {"angry"}
    assert [clip.expression for clip in datasets.open(tree, expression=("angry", "wink"))] == [
        "angry",
        "wink",
    ]
    assert [clip.expression for clip in datasets.open(tree / "anger")] == ["angry"]


def test_the_content_and_not_the_suffix_decides(tree: Path, plain: None) -> None:
    picture(90).convert("L").save(tree / "anger/train/img/vid_0001/0312.jpg", format="PNG")
    assert levels(datasets.open(tree, expression="angry")[0]) == [10, 20, 90, 30]


def test_clips_are_read_late_and_kept(tree: Path, plain: None) -> None:
    clips = datasets.open(tree / "happy")
    first = clips[0]
    for path in (tree / "happy/train/img/vid_0002").iterdir():
        path.unlink()
    assert clips[0] is first and clips[-2] is first
    with pytest.raises(ValueError, match="vid_0002"):
        datasets.open(tree / "happy")


def with_masks(tree: Path) -> Path:
    folder = tree / "anger/train/patch/vid_0001"
    folder.mkdir(parents=True)
    for index, name in enumerate(("0310", "0311", "0333")):
        mask = np.zeros((20, 24, 3), np.uint8)
        mask[8:16, 4 : 12 + 4 * index] = 255
        Image.fromarray(mask).save(folder / f"{name}.jpg")
    return folder


def test_masks_are_made_black_and_white(tree: Path, plain: None) -> None:
    with_masks(tree)
    clip = datasets.open(tree / "anger")[0]
    assert levels(clip) == [10, 20, 30]
    expected = np.zeros((3, 20, 24), bool)
    for index in range(3):
        expected[index, 8:16, 4 : 12 + 4 * index] = True
    np.testing.assert_array_equal(clip.truth["mouth"], expected)


def test_masks_move_with_the_frames(tmp_path: Path, rendered: Rendered) -> None:
    pytest.importorskip("dlib")
    actor = rendered[31_001, "surprised"]
    for kind, pictures in (
        ("img", actor.frames),
        ("patch", np.repeat(actor.truth["mouth"][..., None] * np.uint8(255), 3, -1)),
    ):
        folder = tmp_path / "surprise/train" / kind / "vid_1"
        folder.mkdir(parents=True)
        for index, image in enumerate(pictures):
            large = Image.fromarray(image).resize((192, 192))
            wide = Image.new("RGB", (320, 260))
            wide.paste(large, (90, 40))
            wide.save(folder / f"{index + 1:04d}.jpg", quality=95)
    clip = datasets.open(tmp_path, size=96)[0]
    assert clip.frames.shape == (3, 96, 96, 3) and clip.truth["mouth"].shape == (3, 96, 96)
    for seen, drawn in zip(clip.truth["mouth"], actor.truth["mouth"], strict=True):
        assert (seen & drawn).sum() / (seen | drawn).sum() > 0.65
    inside = np.abs(clip.frames[:, 20:90, 20:76].astype(int) - actor.frames[:, 20:90, 20:76]).mean()
    assert inside < 15


def test_a_missing_mask_is_named(tree: Path, plain: None) -> None:
    (with_masks(tree) / "0311.jpg").unlink()
    with pytest.raises(ValueError, match="0311.jpg.*vid_0001"):
        datasets.open(tree / "anger")[0]


def test_no_face_says_whose(tree: Path) -> None:
    pytest.importorskip("dlib")
    with pytest.raises(faces.NoFaceError, match="vid_0001"):
        datasets.open(tree / "anger")[0]


def test_a_frame_of_another_size(tree: Path, plain: None) -> None:
    picture(0, width=30).save(tree / "anger/train/img/vid_0001/0320.jpg")
    with pytest.raises(ValueError, match="0320.jpg.*30x20"):
        datasets.open(tree / "anger")[0]


@pytest.mark.parametrize("content", [b"", b"this is no image", "cut"])
def test_a_frame_that_cannot_be_read(tree: Path, plain: None, content: bytes | str) -> None:
    path = tree / "anger/train/img/vid_0001/0311.jpg"
    path.write_bytes(path.read_bytes()[:200] if content == "cut" else content)
    with pytest.raises(ValueError, match="0311.jpg"):
        datasets.open(tree / "anger")[0]


def test_a_training_clip_needs_a_neutral_frame_and_another(tree: Path) -> None:
    write(tree / "happy/train/img/vid_0099", ["0007.jpg"])
    with pytest.raises(ValueError, match="vid_0099.*0007.jpg"):
        datasets.open(tree)


def test_an_empty_video(tree: Path) -> None:
    (tree / "wink/train/img/vid_0002").mkdir()
    with pytest.raises(ValueError, match="vid_0002"):
        datasets.open(tree)


def test_wrong_folders(tree: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="empty"):
        datasets.open(empty)
    with pytest.raises(ValueError, match="README.md"):
        datasets.open(tree / "README.md")
    with pytest.raises(ValueError, match="vid_0002.*vid_0010"):
        datasets.open(tree / "happy/train/img")
    with pytest.raises(ValueError, match="actors"):
        datasets.open(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="nowhere"):
        affinegan.AffineGANFolder(tmp_path / "nowhere")


def test_a_split_or_expression_that_is_not_there(tree: Path) -> None:
    with pytest.raises(ValueError, match="'test'.*angry"):
        datasets.open(tree / "anger", split="test")
    with pytest.raises(ValueError, match="'validation'"):
        datasets.open(tree, split="validation")
    with pytest.raises(ValueError, match="sad"):
        datasets.open(tree, expression=("happy", "sad"))
    with pytest.raises(ValueError, match="16 pixels"):
        datasets.open(tree, size=8)


def test_a_misspelt_name() -> None:
    with pytest.raises(ValueError, match=r"'actros'.*'actors'\?"):
        datasets.open("actros")


def test_describe_says_what_is_missing(tree: Path, cache: Path) -> None:
    with_masks(tree)
    lines = datasets.describe(tree).splitlines()
    assert (
        lines[0].startswith("affinegan: ") and lines[1].startswith("licence: ") and lines[2].startswith("how to get it")
    )
    assert "angry: 1 train, test missing, with masks" in lines
    assert "happy: 2 train, 1 test, masks missing" in lines
    text = datasets.describe("actors")
    assert "CC0" in text and "train: 0 of 256 clips" in text and "test: 0 of 64 clips" in text
    assert "None is stated" in datasets.describe("affinegan")
    with pytest.raises(ValueError, match="'affinegan'"):
        datasets.describe("afinegan")


def test_the_authors_clips(real_data: Path) -> None:
    pytest.importorskip("dlib")
    folder = real_data / "affinegan-sample"
    train, stills = datasets.open(folder, size=64), datasets.open(folder, split="test", size=64)
    assert len(train) == 9 and [len(clip) for clip in stills] == [1, 1, 1]
    assert set(train.expressions) == {
        "angry", "surprised", "eyes_up", "eyes_closed", "cheeks_puffed", "happy", "contempt"
    }  # fmt: skip
    assert sorted(len(clip) for clip in train) == [6, 8, 9, 9, 12, 13, 13, 14, 26]
    masked = [clip for clip in train if "mouth" in clip.truth]
    assert len(masked) == 5
    for clip in masked:
        rows = np.nonzero(clip.truth["mouth"][0])[0]
        assert 0.6 < rows.mean() / 64 < 0.9 and 0.005 < clip.truth["mouth"].mean() < 0.08
    (smile,) = datasets.open(folder, expression="happy", size=128)
    eyes = faces.landmarks(smile.frames[:1])[0][[36, 39, 42, 45]].reshape(2, 2, 2).mean(1)
    wanted = np.array(
        [[0.5 - faces.EYE_DISTANCE / 2, faces.EYE_LEVEL], [0.5 + faces.EYE_DISTANCE / 2, faces.EYE_LEVEL]]
    )
    np.testing.assert_allclose(eyes, wanted * 128, atol=4)
