"""What loaders share, and how a folder finds its loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.clips import Clip
from i2vlib.datasets import _folders


def clip(count: int = 10) -> Clip:
    return Clip(np.repeat(np.arange(count, dtype=np.uint8)[:, None, None, None], 3, -1), fps=18)


def test_a_subject_has_one_split_whatever_else_there_is() -> None:
    splits = {name: _folders.split_of(name) for name in ("S005", "Actor_03", "004", 18, 19, "S132")}
    assert splits == {
        "S005": "train",
        "Actor_03": "validation",
        "004": "test",
        18: "validation",
        19: "test",
        "S132": "train",
    }


@pytest.mark.parametrize(
    ("frames", "kept"), [(None, list(range(10))), (4, [0, 3, 6, 9]), (2, [0, 9]), (99, [*range(10)])]
)
def test_a_thinned_clip_keeps_its_ends_and_its_length(frames: int | None, kept: list[int]) -> None:
    some = _folders.thinned(clip(), frames)
    assert some.frames[:, 0, 0, 0].tolist() == kept
    assert (len(some) - 1) / some.fps == pytest.approx(9 / 18)


def test_clips_are_read_once_and_the_last_256_are_kept() -> None:
    asked = []
    clips = _folders.Lazy(300, lambda index: asked.append(index) or clip(1))
    assert len(clips) == 300 and not asked
    assert clips[3] is clips[3] and clips[-297] is clips[3] and asked == [3]
    for index in range(300):
        clips[index]
    assert clips[299] is clips[-1] and len(asked) == 300
    clips[3]
    assert asked[-1] == 3
    with pytest.raises(IndexError):
        clips[300]


def test_the_running_mean_is_shorter_at_the_ends() -> None:
    np.testing.assert_allclose(_folders.smoothed(np.array([0, 3, 6, 9, 12.0])), [3, 4.5, 6, 7.5, 9])
    assert _folders.smoothed(np.ones(1)).tolist() == [1]


def test_a_folder_in_no_known_layout_is_told_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "holidays").mkdir()
    with pytest.raises(ValueError, match="recognised"):
        datasets.open(tmp_path)
    with pytest.raises(ValueError, match="Other layouts"):
        datasets.describe(tmp_path)


@pytest.mark.parametrize("name", ["affinegan", "ckplus", "mug", "ravdess", "penn_action"])
def test_a_name_is_described_and_says_that_a_folder_is_needed(name: str) -> None:
    lines = datasets.describe(name).splitlines()
    assert [line.split(": ")[0] for line in lines] == [name, "licence", "how to get it", "on disk"]
    with pytest.raises(ValueError, match=f"{name} is opened by the path of the folder"):
        datasets.open(name)
    assert getattr(datasets, name).LAYOUT.startswith("<folder>/")
