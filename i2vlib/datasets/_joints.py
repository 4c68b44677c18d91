"""The joints of one clip out of a file, or out of the folder of its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from i2vlib.datasets import _folders, penn_action
from i2vlib.joints import JOINTS

#: What the table is called that lies beside the pictures of a clip, and its columns.
TABLE = "joints.csv"
COLUMNS = tuple(f"{name}_{axis}" for name in JOINTS for axis in "xy")


def load_joints(source: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """The joints of a clip as they lie on disk.

    Args:
        source: a label of Penn Action, ``labels/0001.mat``, or the folder of its pictures, ``frames/0001``; a table
            of joints, or a folder of pictures with one, ``joints.csv``. A table has a row a frame and the columns
            ``head_x, head_y, left_shoulder_x, ...`` after `i2vlib.joints.JOINTS`, in pixels, pixel centres at +0.5,
            left and right being the person's own; empty where a joint is hidden or unknown. Other columns may stand
            beside.

    Returns:
        ``float32 (T, 13, 2)``, left and right being the person's own, those of a label too (`penn_action.own_sides`);
        and ``bool (T, 13)``, which of them are visible and known.

    Raises:
        ValueError: there is nothing at the path, or no joints; a file of them cannot be read, lacks a column or has
            another number of frames than there are pictures.
    """
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise ValueError(f"There is no file and no folder of joints at {path}. Check the path.")
    if path.suffix == ".mat":
        return penn_action.own_sides(penn_action.read_label(path))
    if path.suffix == ".csv":
        return _of_table(path)
    raise ValueError(
        f"{path} holds no joints that can be read. Give a label of Penn Action (.mat), a table of joints (.csv), or "
        f"a folder of pictures with {TABLE}."
    )


def _of_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    label = folder.parent.parent / "labels" / f"{folder.name}.mat"
    files = [path for path in (folder / TABLE, label) if path.is_file()]
    if not files and penn_action.recognises(folder):
        raise ValueError(f"{folder} holds many sequences. Give one of them: {penn_action.find_labels(folder)[0]}.")
    if not files:
        raise ValueError(
            f"{folder} says nowhere where the joints are. Put a table {TABLE} beside its pictures, with a row a frame "
            f"and the columns {', '.join(COLUMNS[:4])}, ...; or lay it out as Penn Action, frames/0001 beside "
            "labels/0001.mat."
        )
    joints, visible = load_joints(files[0])
    pictures = len(_folders.images(folder))
    if pictures not in (0, len(joints)):
        raise ValueError(f"{folder} holds {pictures} pictures, but {files[0]} is for {len(joints)} frames.")
    return joints, visible


def _of_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        table = np.genfromtxt(path, delimiter=",", names=True, dtype=np.float64, ndmin=1)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a table of joints ({error}). Check its rows.") from None
    held = table.dtype.names or ()
    lacking = [name for name in COLUMNS if name not in held]
    if lacking or not len(table):
        raise ValueError(
            f"{path} is no table of joints: it has {len(table)} rows and lacks the columns "
            f"{', '.join(lacking[:4]) or 'of none'}{', ...' if len(lacking) > 4 else ''}."
        )
    joints = np.stack([table[name] for name in COLUMNS], -1).reshape(-1, len(JOINTS), 2).astype(np.float32)
    return joints, np.isfinite(joints).all(-1)
