"""Penn Action, on labels written here with the traps of the real ones, and on the real ones where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2vlib import datasets, faces
from i2vlib.datasets import penn_action
from i2vlib.joints import ACTIONS

from .test_affinegan import picture

savemat = pytest.importorskip("scipy.io").savemat

HEIGHT, WIDTH, FRAMES = 60, 80, 5


def label(number: int, action: str = "squat", train: int = 1, frames: int = FRAMES, **changes: object) -> dict:
    """A label as the data set's are: small unsigned numbers wherever they fit, coordinates from 1."""
    x = np.tile(np.arange(20.0, 46.0, 2), (frames, 1)) + np.arange(frames)[:, None]
    y = np.tile(np.arange(10.0, 49.0, 3), (frames, 1))
    visible = np.ones((frames, 13), np.uint8)
    visible[1, 3], x[1, 3], y[1, 3] = 0, 1, 1
    visible[2, 4] = 0
    return {
        "x": x,
        "y": y,
        "visibility": visible,
        "bbox": np.tile([18.0, 8.0, 50.0, 50.0], (frames, 1)),
        "train": np.int32(train),
        "dimensions": np.array([[HEIGHT, WIDTH, frames]], np.uint16),
        "nframes": np.uint8(frames) if frames < 256 else np.uint16(frames),
        "action": action,
        "pose": "back",
        **changes,
    }


def write(root: Path, number: int, frames_too: bool = False, **options: object) -> Path:
    path = root / "labels" / f"{number:04d}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, label(number, **options))
    if frames_too:
        home = root / "frames" / path.stem
        home.mkdir(parents=True)
        for index in range(1, FRAMES + 1):
            picture(10 * index, WIDTH, HEIGHT).save(home / f"{index:06d}.jpg", quality=95)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "Penn_Action"
    write(root, 1, frames_too=True)
    write(root, 2, action="jump_rope")
    write(root, 31, action="jump_rope")
    write(root, 42, action="squat")
    write(root, 52, action="squat", train=-1)
    (root / "labels/.DS_Store").write_bytes(b"x")
    return root


def numbers(poses: penn_action.PennAction) -> list[int]:
    return [one.number for one in poses]


def test_joints_without_frames(tree: Path) -> None:
    poses = datasets.open(tree)
    assert isinstance(poses, penn_action.PennAction) and numbers(poses) == [1, 2, 42]
    one = poses[1]
    assert (one.action, one.size, one.train, one.number, len(one)) == ("jump_rope", (HEIGHT, WIDTH), True, 2, FRAMES)
    assert one.joints.dtype == np.float32 and one.joints.shape == (FRAMES, 13, 2) == (*one.visible.shape, 2)
    np.testing.assert_array_equal(one.joints[0, 0], [19.5, 9.5])
    np.testing.assert_array_equal(one.bbox, np.tile(np.float32([17.5, 7.5, 49.5, 49.5]), (FRAMES, 1)))
    assert poses[1] is one
    with pytest.raises(IndexError):
        poses[3]


def test_hidden_joints_are_masked_and_unknown_ones_are_nan(tree: Path) -> None:
    one = datasets.open(tree)[0]
    assert np.argwhere(~one.visible).tolist() == [[1, 3], [2, 4]]
    assert np.isnan(one.joints[1, 3]).all() and np.isfinite(one.joints[2, 4]).all()
    assert np.isnan(one.joints).sum() == 2


def test_a_corner_is_no_joint_even_if_the_label_says_so(tree: Path) -> None:
    x, y = label(1)["x"], label(1)["y"]
    x[0, 5] = y[0, 5] = 1
    one = penn_action.read_label(write(tree, 3, x=x, y=y))
    assert not one.visible[0, 5] and np.isnan(one.joints[0, 5]).all()


def test_small_numbers_do_not_overflow(tree: Path) -> None:
    small = {"x": np.full((FRAMES, 13), 250, np.uint8), "y": np.full((FRAMES, 13), 300, np.uint16)}
    one = penn_action.read_label(write(tree, 3, **small, dimensions=np.array([[270, 480, FRAMES]], np.uint16)))
    np.testing.assert_array_equal(one.joints[0, 0], [249.5, 299.5])
    assert one.size[0] * one.size[1] == 270 * 480
    long = penn_action.read_label(write(tree, 4, frames=300))
    assert len(long) == 300


def test_a_box_too_few_is_repeated(tree: Path) -> None:
    boxes = np.arange(4.0 * (FRAMES - 1)).reshape(-1, 4)
    one = penn_action.read_label(write(tree, 1865, bbox=boxes))
    np.testing.assert_array_equal(one.bbox, np.float32(boxes[[0, 1, 2, 3, 3]]) - 0.5)


def test_splits(tree: Path) -> None:
    published = {split: numbers(datasets.open(tree, split=split)) for split in ("train", "validation", "test")}
    assert published == {"train": [1, 2, 42], "validation": [31], "test": [52]}
    own = {split: numbers(datasets.open(tree, split, published=False)) for split in ("train", "validation", "test")}
    assert own == {"train": [1, 2, 52], "validation": [31], "test": [42]}


def test_actions(tree: Path) -> None:
    assert numbers(datasets.open(tree, actions="squat")) == [1, 42]
    assert numbers(datasets.open(tree, actions=("jump_rope",))) == [2]
    with pytest.raises(ValueError, match="squats"):
        datasets.open(tree, actions="squats")
    with pytest.raises(ValueError, match="jump_rope.*'test'"):
        datasets.open(tree, split="test", actions="jump_rope")
    with pytest.raises(ValueError, match="Action"):
        datasets.open(tree, split="all")


def test_the_tube_holds_the_person_in_every_frame(tree: Path) -> None:
    one = datasets.open(tree)[0]
    matrix = penn_action.tube(one, 64)
    moved = faces.transform(one.joints, matrix)[one.visible]
    boxes = faces.transform(one.bbox.reshape(-1, 2), matrix)
    for points in (moved, boxes):
        assert points.min() > 64 * 0.1 / 1.2 - 1e-3 and points.max() < 64 * 1.1 / 1.2 + 1e-3
    assert boxes[:, 1].max() - boxes[:, 1].min() == pytest.approx(64 / 1.2, abs=0.01)
    blind = penn_action.Poses(one.joints, one.visible & False, one.bbox * 0, "squat", one.size, True, 7)
    with pytest.raises(ValueError, match="0007"):
        penn_action.tube(blind, 64)


def test_a_clip_where_there_are_frames(tree: Path) -> None:
    poses = datasets.open(tree, size=32)
    clip = poses.clip(0)
    assert clip.frames.shape == (FRAMES, 32, 32, 3) and (clip.subject, clip.expression) == ("0001", "squat")
    np.testing.assert_allclose(clip.frames.mean((1, 2, 3)), 10 * np.arange(1, FRAMES + 1), atol=1)
    np.testing.assert_array_equal(clip.truth["visible"], poses[0].visible)
    np.testing.assert_array_equal(
        clip.truth["joints"], faces.transform(poses[0].joints, penn_action.tube(poses[0], 32))
    )
    clips = poses.clips()
    assert len(clips) == 3 and clips[0] is clips[0] and (clips[0].frames == clip.frames).all()


def test_the_joint_lies_on_its_pixel(tree: Path) -> None:
    """Joint 0 of the first frame is at (20, 10), counted from 1: column 19 and row 9 counted from 0."""
    path = tree / "frames/0001/000001.jpg"
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[9, 19] = 255
    picture(0, WIDTH, HEIGHT).save(path)
    Image.fromarray(image).save(path, format="PNG")
    clip = datasets.open(tree, size=256).clip(0)
    weight = clip.frames[0, ..., 0].astype(float)
    rows, columns = np.mgrid[:256, :256] + 0.5
    centre = [(weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()]
    np.testing.assert_allclose(centre, clip.truth["joints"][0, 0], atol=0.3)


def test_frames_that_are_missing_or_wrong(tree: Path) -> None:
    poses = datasets.open(tree)
    with pytest.raises(ValueError, match="0002.*0"):
        poses.clip(1)
    with pytest.raises(ValueError, match="0002 holds 0 frames"):
        poses.clips()[1]
    last = tree / "frames/0001/000005.jpg"
    picture(0, 30, 20).save(last)
    with pytest.raises(ValueError, match="000005.jpg.*30x20"):
        poses.clip(0)
    for path in last.parent.iterdir():
        picture(0, 30, 20).save(path)
    with pytest.raises(ValueError, match="000001.jpg.*30x20"):
        poses.clip(0)
    last.unlink()
    with pytest.raises(ValueError, match="0001 holds 4 frames"):
        poses.clip(0)


@pytest.mark.parametrize("damage", ["text", "empty", "cut"])
def test_a_label_that_cannot_be_read(tree: Path, damage: str) -> None:
    path = tree / "labels/0002.mat"
    whole = path.read_bytes()
    path.write_bytes({"text": b"this is no label", "empty": b"", "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(ValueError, match="0002.mat"):
        datasets.open(tree)[1]


def test_labels_of_another_shape(tree: Path) -> None:
    savemat(tree / "labels/0002.mat", {"action": "squat"})
    with pytest.raises(ValueError, match="0002.mat.*'train'"):
        datasets.open(tree)
    write(tree, 2, bbox=np.ones((2, 4)))
    with pytest.raises(ValueError, match="0002.mat.*2"):
        datasets.open(tree)[1]


def test_wrong_folders(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Download"):
        penn_action.PennAction(tree / "labels")
    with pytest.raises(ValueError, match="folder"):
        penn_action.PennAction(tmp_path / "nowhere")


def test_describe_says_what_is_missing(tree: Path) -> None:
    lines = datasets.describe(tree).splitlines()
    assert lines[0].startswith("penn_action: Penn Action")
    assert lines[3:] == ["jump_rope: 2 train, test missing", "squat: 2 train, 1 test", "with frames: 1 of 5"]


def test_the_real_labels(real_data: Path) -> None:
    folder = real_data / "penn-action-labels"
    if not folder.is_dir():
        pytest.skip("there are no labels of Penn Action in I2V_REAL_DATA")
    poses = {split: datasets.open(folder, split, published=False) for split in ("train", "validation", "test")}
    assert {split: len(some) for split, some in poses.items()} == {"train": 775, "validation": 248, "test": 235}
    with pytest.raises(ValueError, match="1010 train.*248 validation"):
        datasets.open(folder, "test")
    eight = [len(datasets.open(folder, "train", actions=name, published=False)) for name in ACTIONS]
    assert min(eight) >= 20
    seen = 0
    for one in (one for some in poses.values() for one in some):
        assert one.train and one.joints.shape == (len(one), 13, 2) and one.bbox.shape == (len(one), 4)
        assert (one.joints[one.visible] >= 0.5).all() and np.isfinite(one.bbox).all()
        moved = faces.transform(one.joints, penn_action.tube(one, 64))[one.visible]
        assert (moved >= 0).all() and (moved <= 64).all()
        seen += len(one)
    assert seen > 80_000
    (short,) = (one for some in poses.values() for one in some if one.number == 1865)
    np.testing.assert_array_equal(short.bbox[-1], short.bbox[-2])
