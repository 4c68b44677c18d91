"""Penn Action, people in 15 actions with 13 joints in every frame (Zhang et al., 2013), with or without its frames.

    <root>/labels/0001.mat
    <root>/frames/0001/000001.jpg, 000002.jpg, ...                 may be missing

Labels and frames count from 1. A place x of a label is x - 0.5 here, where the centre of the first pixel is at 0.5.
(Most labels were scaled together with their video from a larger one, which makes this exact to a quarter of a pixel.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2vlib import joints
from i2vlib.clips import Clip
from i2vlib.datasets import _folders

LAYOUT = "<folder>/labels/0001.mat"
#: Frames a second. The data set states none; its videos are from the web.
FPS = 30.0


@dataclass(frozen=True, eq=False)
class Poses:
    """The joints of one sequence of T frames.

    Attributes:
        joints: ``float32 (T, 13, 2)``, (x, y) in pixels of the frame, pixel centres at +0.5, in the order of
            `i2vlib.joints.JOINTS`; NaN where the label says nothing. Where a joint is hidden the label may hold a
            guess, which is kept. A few visible ones lie outside the frame.
        visible: ``bool (T, 13)``, false where a joint is hidden or unknown.
        bbox: ``float32 (T, 4)``, x1, y1, x2, y2 of the person, as `joints`.
        action: its name, in the singular: ``squat``.
        size: height and width of the frames in pixels.
        train: whether the data set counts the sequence among its training half.
        number: of the sequence, from 1.
    """

    joints: np.ndarray
    visible: np.ndarray
    bbox: np.ndarray
    action: str
    size: tuple[int, int]
    train: bool
    number: int

    def __len__(self) -> int:
        return len(self.joints)


class PennAction(_folders.Lazy[Poses]):
    """The poses of a split; where the frames are on disk, `clip` gives the pictures too.

    Args:
        folder: the one that holds ``labels``.
        split: ``train``, ``validation`` or ``test``.
        size: side of the square frames of a clip in pixels.
        actions: the action, or several, to keep; all if not given, `i2vlib.joints.ACTIONS` for the paper's.
        published: split as the data set does: its test half is ``test``, and of its training half every fifth group
            of ten numbers is ``validation``. Otherwise of all sequences every fifth group of ten is ``validation``
            and the next is ``test``: for a folder with labels of one half only. Neighbours in number often come from
            one video, so that groups of ten are split and not single sequences.

    Raises:
        ValueError: the folder is missing, empty or laid out otherwise; there is no such split or action, or nothing in
            it; a label cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        size: int = 128,
        actions: str | Sequence[str] | None = None,
        published: bool = True,
    ) -> None:
        self.folder, self.size = Path(folder), _folders.check_size(size)
        self.split = _folders.check_split(split, "Penn Action")
        found = [(path, *_kind(path)) for path in find_labels(self.folder)]
        self.actions = _folders.chosen(actions, sorted({action for _, action, _ in found}), self.folder)
        splits = [
            (path, _split(int(path.stem), train if published else None))
            for path, action, train in found
            if action in self.actions
        ]
        self.labels = tuple(path for path, name in splits if name == split)
        if not self.labels:
            counts = _folders.counted(name for _, name in splits)
            raise ValueError(
                f"{self.folder} holds no sequence of {', '.join(self.actions)} in the split {split!r}: {counts}. "
                "Give the labels of both halves, or split by number with published=False."
            )
        super().__init__(len(self.labels), lambda index: read_label(self.labels[index]))

    def clip(self, index: int) -> Clip:
        """The pictures of a sequence cropped by its `tube`; its action is the clip's expression.

        ``truth["joints"]`` and ``truth["visible"]`` are moved along.

        Raises:
            ValueError: the frames are missing, are not as many as the label's, cannot be read or differ in size.
        """
        from i2vlib import faces

        poses, matrix = self[index], tube(self[index], self.size)
        home = self.folder / "frames" / self.labels[index].stem
        paths = _folders.images(home) if home.is_dir() else ()
        if len(paths) != len(poses):
            raise ValueError(
                f"{home} holds {len(paths)} frames, but the label {self.labels[index]} is for {len(poses)}. Download "
                "the frames of Penn Action beside its labels; the joints alone can be had without them."
            )
        frames = _folders.load_frames(paths)
        if frames.shape[1:3] != poses.size:
            sides = "{1}x{0} pixels, but its label is for {3}x{2}".format(*frames.shape[1:3], *poses.size)
            raise ValueError(f"{paths[0]} has {sides}. Download the frames again.")
        frames = np.stack([faces.warp(frame, matrix, self.size) for frame in frames])
        truth = {"joints": faces.transform(poses.joints, matrix), "visible": poses.visible}
        return Clip(frames, FPS, subject=self.labels[index].stem, expression=poses.action, truth=truth)

    def clips(self) -> Sequence[Clip]:
        """All clips of the split, each read when it is asked for."""
        return _folders.Lazy(len(self), self.clip)


def tube(poses: Poses, size: int, margin: float = 0.1) -> np.ndarray:
    """The crop that holds the person in every frame (FRGAN, Section 4): one square around all boxes and visible joints.

    Args:
        poses: with at least one visible joint or one box that is wider than a pixel.
        size: side of the crop in pixels.
        margin: on each side, as a share of the larger side of what it holds.

    Returns:
        ``float64 (2, 3)``, for `i2vlib.faces.warp` and `i2vlib.faces.transform`.

    Raises:
        ValueError: nothing is visible.
    """
    boxes = poses.bbox[((poses.bbox[:, 2:] - poses.bbox[:, :2]) > 1).all(1)]
    points = np.concatenate([poses.joints[poses.visible], boxes.reshape(-1, 2)]).astype(np.float64)
    if not len(points):
        raise ValueError(f"Nothing is visible in sequence {poses.number:04d}, so it has no crop. Leave it out.")
    return joints.around(points, size, margin)


def own_sides(poses: Poses) -> tuple[np.ndarray, np.ndarray]:
    """The joints ``(T, 13, 2)`` and which are visible, with the person's own left and right.

    The labels' left is the person's right: who does jumping jacks before the camera has his "left" hand at the left of
    the picture, and four serves of five are struck with it. `Poses` keeps the labels' names.
    """
    order = list(joints.MIRRORED)
    return poses.joints[:, order], poses.visible[:, order]


def recognises(folder: Path) -> bool:
    """Whether a folder is laid out as Penn Action."""
    return any((folder / "labels").glob("*.mat"))


def find_labels(folder: Path) -> list[Path]:
    """The label files, by number. Raises as `PennAction` says."""
    _folders.check_folder(folder, LAYOUT)
    found = [path for path in (folder / "labels").glob("*.mat") if path.stem.isdigit()]
    if not found:
        raise ValueError(f"{folder} holds no label. Download those of Penn Action, so that they lie at {LAYOUT}.")
    return sorted(found)


def read_label(path: Path) -> Poses:
    """The poses of one label file. Raises `ValueError` if it is no label of Penn Action, or cut short."""
    label = _mat(path, ("x", "y", "visibility", "bbox", "train", "dimensions", "action"))
    count, boxes = len(label["x"]), label["bbox"].astype(np.float32)
    if len(boxes) == count - 1:  # as in sequences 1154 and 1865
        boxes = np.concatenate([boxes, boxes[-1:]])
    shapes = [label[name].shape for name in ("x", "y", "visibility")] + [boxes.shape]
    if shapes != [(count, 13)] * 3 + [(count, 4)] or not count:
        raise ValueError(
            f"The label {path} has x, y, visibility and bbox of the shapes {shapes}, but 13, 13, 13 and 4 numbers for "
            "every frame were expected. Download it again."
        )
    places = np.stack([label["x"], label["y"]], -1).astype(np.float32)
    unknown = (places <= 1).all(-1)
    places[unknown] = np.nan
    height, width = (int(side) for side in label["dimensions"].ravel()[:2])
    return Poses(
        places - 0.5,
        (label["visibility"] > 0) & ~unknown,
        boxes - 0.5,
        str(label["action"].item()),
        (height, width),
        int(label["train"].item()) > 0,
        int(path.stem),
    )


def held(folder: Path) -> list[str]:
    """What the folder holds and what is missing, a line each."""
    kinds = [_kind(path) for path in find_labels(folder)]
    lines = []
    for name in sorted({action for action, _ in kinds}):
        halves = ["train" if train else "test" for action, train in kinds if action == name]
        lines.append(f"{name}: {_folders.counted(halves, ('train', 'test'))}")
    there = sum((folder / "frames" / path.stem).is_dir() for path in find_labels(folder))
    return [*lines, f"with frames: {there} of {len(kinds)}"]


def _split(number: int, train: bool | None) -> str:
    if train is False:
        return "test"
    split = _folders.split_of(number // 10)
    return "train" if train and split == "test" else split


def _kind(path: Path) -> tuple[str, bool]:
    """The action, and whether the data set counts it among its training half."""
    label = _mat(path, ("action", "train"))
    return str(label["action"].item()), int(label["train"].item()) > 0


def _mat(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=names)
        return {name: found[name] for name in names}
    except KeyError as error:
        raise ValueError(
            f"The label {path} has no {error}, so it is none of Penn Action's. Download it again."
        ) from None
    except Exception as error:  # scipy raises what it happens to meet in a damaged file
        raise ValueError(f"The label {path} cannot be read ({error}). Download it again.") from None
