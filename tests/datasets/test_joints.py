"""Joints of one clip on disk: a label, a table, or the folder of the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.datasets._joints import COLUMNS
from i2vlib.joints import MIRRORED

from .test_affinegan import picture
from .test_penn_action import FRAMES, write


def table(path: Path, frames: int = 3, drop: str = "") -> np.ndarray:
    """Joint j of frame t at (10 j + t, 5 j), the last of the last frame being hidden."""
    joints = np.stack([np.stack([10.0 * np.arange(13) + t, 5.0 * np.arange(13)], 1) for t in range(frames)])
    rows = [[f"{value}" for value in one.ravel()] for one in joints]
    rows[-1][-2:] = ["", ""]
    kept = [i for i, name in enumerate(COLUMNS) if name != drop]
    lines = [[f"frame,{','.join(COLUMNS[i] for i in kept)}"]]
    lines += [[f"{t}," + ",".join(row[i] for i in kept)] for t, row in enumerate(rows)]
    path.write_text("\n".join(line[0] for line in lines) + "\n")
    return joints


def test_a_table(tmp_path: Path) -> None:
    wanted = table(tmp_path / "joints.csv")
    for source in (tmp_path, tmp_path / "joints.csv", str(tmp_path)):
        joints, visible = datasets.load_joints(source)
        assert joints.dtype == np.float32 and joints.shape == (3, 13, 2)
        np.testing.assert_array_equal(joints[visible], wanted[visible])
        assert (~visible).sum() == 1 and not visible[2, 12] and np.isnan(joints[2, 12]).all()


def test_one_frame_is_a_clip(tmp_path: Path) -> None:
    table(tmp_path / "joints.csv", 1)
    assert datasets.load_joints(tmp_path)[0].shape == (1, 13, 2)


def test_the_pictures_of_a_sequence_of_penn_action(tmp_path: Path) -> None:
    label = write(tmp_path, 1, frames_too=True)
    of_label, of_pictures = (datasets.load_joints(path) for path in (label, tmp_path / "frames" / "0001"))
    np.testing.assert_array_equal(of_label[0], of_pictures[0])
    poses = datasets.penn_action.read_label(label)
    np.testing.assert_array_equal(of_label[0], poses.joints[:, list(MIRRORED)])
    np.testing.assert_array_equal(of_label[1], poses.visible[:, list(MIRRORED)])
    (tmp_path / "frames" / "0001" / "000001.jpg").unlink()
    with pytest.raises(ValueError, match=rf"holds {FRAMES - 1} pictures, but .*0001.mat is for {FRAMES} frames"):
        datasets.load_joints(tmp_path / "frames" / "0001")


def test_what_holds_no_joints(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        datasets.load_joints(tmp_path / "nowhere")
    picture(1, 8, 8).save(tmp_path / "0001.png")
    with pytest.raises(ValueError, match="joints.csv"):
        datasets.load_joints(tmp_path)
    with pytest.raises(ValueError, match="0001.png"):
        datasets.load_joints(tmp_path / "0001.png")
    table(tmp_path / "joints.csv", 2)
    with pytest.raises(ValueError, match="1.*joints.csv"):
        datasets.load_joints(tmp_path)
    table(tmp_path / "joints.csv", 1, drop="left_knee_y")
    with pytest.raises(ValueError, match="1.*left_knee_y"):
        datasets.load_joints(tmp_path)
    (tmp_path / "joints.csv").write_text("head_x,head_y\n1,2\n1\n")
    with pytest.raises(ValueError, match="joints"):
        datasets.load_joints(tmp_path)
    write(tmp_path / "penn", 7)
    with pytest.raises(ValueError, match="0007.mat"):
        datasets.load_joints(tmp_path / "penn")
