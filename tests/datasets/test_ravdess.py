"""RAVDESS, on videos written here under its names; the reader of faces is replaced where none is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets, faces, video
from i2vlib.datasets import _decoding, ravdess
from i2vlib.expressions import BLENDSHAPES

from .test_actors import Rendered
from .test_affinegan import levels

#: Neutral, a syllable, neutral again, a rise to the peak at frame 16, and back.
CURVE = [0, 0, 0, 3, 0, 0, 0, 0, 10, 20, 30, 40, 50, 60, 80, 90, 100, 95, 80, 20, 0, 0]


def write(path: Path, curve: list[int] = CURVE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.full((len(curve), 32, 48, 3), 40, np.uint8) + np.array(curve, np.uint8)[:, None, None, None]
    return video.save(frames, path, fps=30)


def brightness(frames: np.ndarray) -> np.ndarray:
    """In place of blendshapes: all scores say how much brighter than 40 a frame is; a black one shows no face."""
    value = frames.mean((1, 2, 3)).astype(np.float32)
    scores = np.repeat((value[:, None] - 40) / 100, len(BLENDSHAPES), 1)
    scores[value < 20] = np.nan
    return scores


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "ravdess"
    write(root / "Actor_01/01-01-03-02-01-01-01.mp4")
    write(root / "Actor_01/02-01-03-02-01-01-01.mp4")
    write(root / "Actor_01/01-01-06-01-02-02-01.mp4", [0, 20, 40, 60])
    write(root / "Actor_01/01-01-01-01-01-01-01.mp4", [0, 0])
    write(root / "Actor_01/01-02-02-01-01-01-01.mp4", [0, 0])
    write(root / "Actor_03/01-01-08-01-01-01-03.mp4")
    write(root / "Actor_14/01-02-05-02-01-01-14.mp4")
    (root / "Actor_01/._01-01-03-02-01-01-01.mp4").write_bytes(b"x")
    (root / "Actor_01/03-01-03-02-01-01-01.wav").write_bytes(b"x")
    return root


def open_(folder: Path, **options: object) -> ravdess.RAVDESS:
    return datasets.open(folder, **{"read": brightness, **options})


def test_the_part_of_a_curve() -> None:
    rise = np.r_[np.zeros(10), np.linspace(0, 1, 21), np.ones(5), np.linspace(1, 0, 10)]
    start, peak = ravdess.neutral_to_peak(rise)
    assert start == 0 and 28 <= peak <= 33
    start, peak = ravdess.neutral_to_peak(np.r_[np.linspace(1, 0, 11), rise])
    assert 8 <= start <= 11 and 39 <= peak <= 44


def test_a_blink_is_no_peak_and_gaps_are_bridged() -> None:
    curve = np.r_[np.zeros(10), np.linspace(0, 1, 21), np.ones(9)]
    curve[5] = 1.2
    curve[[0, 20, 21, 39]] = np.nan
    start, peak = ravdess.neutral_to_peak(curve)
    assert start <= 3 and peak >= 28
    assert ravdess.neutral_to_peak(np.linspace(1, 0, 9)) == (0, 0)
    assert ravdess.neutral_to_peak(np.array([0.3])) == (0, 0)


def test_recordings_from_neutral_to_peak(tree: Path, plain: None) -> None:
    clips = open_(tree)
    assert isinstance(clips, ravdess.RAVDESS)
    assert [(v.subject, v.expression, v.strong, v.path.name[:2]) for v in clips.videos] == [
        ("Actor_01", "happy", True, "02"), ("Actor_01", "fear", False, "01")
    ]  # fmt: skip
    assert clips.expressions == ("happy", "fear")
    clip = clips[0]
    assert (len(clip), clip.subject, clip.expression) == (17, "Actor_01", "happy")
    assert clip.fps == pytest.approx(29.97, abs=0.01)
    np.testing.assert_allclose(levels(clip), np.array(CURVE[:17]) + 40, atol=2)
    np.testing.assert_allclose(clip.blendshapes[:, 0], np.array(CURVE[:17]) / 100, atol=0.02)
    assert levels(clips[1])[0] == pytest.approx(40, abs=2) and len(clips[1]) == 4


def test_what_comes_before_the_neutral_frame_is_cut_away(tree: Path, plain: None) -> None:
    write(tree / "Actor_01/02-01-03-02-01-01-01.mp4", [60, 50, 40, 20, 5, 0, 0, 0, *CURVE])
    clip = open_(tree)[0]
    assert levels(clip)[0] < 50 < 138 < levels(clip)[-1] and 19 <= len(clip) <= 20
    np.testing.assert_allclose(clip.blendshapes[:, 0], (np.array(levels(clip)) - 40) / 100, atol=0.02)


def test_frames_are_evenly_chosen(tree: Path, plain: None) -> None:
    clip = open_(tree, frames=5)[0]
    np.testing.assert_allclose(levels(clip), [40 + CURVE[i] for i in (0, 4, 8, 12, 16)], atol=2)
    assert clip.fps == pytest.approx(29.97 / 4, abs=0.01) and clip.blendshapes.shape == (5, 52)


def test_a_recording_is_read_once(tree: Path, plain: None) -> None:
    seen = []

    def read(frames: np.ndarray) -> np.ndarray:
        seen.append(len(frames))
        return brightness(frames)

    clips = open_(tree, read=read, frames=4)
    assert seen == []
    first = clips[0]
    assert seen == [16, 6] and clips[0] is first
    clips._load.cache_clear()
    np.testing.assert_array_equal(clips[0].frames, first.frames)
    assert seen == [16, 6]


def test_strong_or_normal(tree: Path) -> None:
    assert [v.expression for v in open_(tree, strong=True).videos] == ["happy"]
    assert [v.expression for v in open_(tree, strong=False).videos] == ["fear"]


def test_splits_are_disjoint_by_actor(tree: Path) -> None:
    subjects = {
        split: {v.subject for v in open_(tree, split=split).videos} for split in ("train", "validation", "test")
    }
    assert subjects == {"train": {"Actor_01"}, "validation": {"Actor_03"}, "test": {"Actor_14"}}


def test_one_actor_and_archives_side_by_side(tree: Path) -> None:
    assert len(open_(tree / "Actor_01")) == 2
    (tree / "Video_Speech_Actor_01").mkdir()
    (tree / "Actor_01").rename(tree / "Video_Speech_Actor_01/Actor_01")
    assert len(open_(tree)) == 2


def test_no_face_and_nothing_that_rises(tree: Path, plain: None) -> None:
    path = tree / "Actor_01/02-01-03-02-01-01-01.mp4"
    video.save(np.zeros((8, 32, 48, 3), np.uint8), path, fps=30)
    with pytest.raises(faces.NoFaceError, match="02-01-03-02-01-01-01.mp4"):
        open_(tree)[0]
    write(path, [40, 40, 40, 30, 20, 10, 0])
    with pytest.raises(ValueError, match="02-01-03-02-01-01-01.mp4"):
        open_(tree)[0]


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_file_that_cannot_be_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decoder: str, damage: str
) -> None:
    if decoder == "ffmpeg":
        monkeypatch.setattr(_decoding, "find_spec", lambda name: None)
    else:
        pytest.importorskip("av")
    path = tmp_path / "Actor_01/01-01-03-02-01-01-01.mp4"
    path.parent.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (30, 64, 64, 3), dtype=np.uint8)
    whole = video.save(noise, path, fps=30).read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"this is no video", "empty": b""}[damage])
    with pytest.raises(ValueError, match="01-01-03-02-01-01-01.mp4"):
        list(_decoding.decode(path))


def test_both_decoders_see_the_same(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    path = tree / "Actor_01/01-01-03-02-01-01-01.mp4"

    def decoded() -> Iterator[np.ndarray]:
        return np.stack(list(_decoding.decode(path)))

    first = decoded()
    monkeypatch.setattr(_decoding, "find_spec", lambda name: None)
    assert first.shape == (len(CURVE), 32, 48, 3)
    np.testing.assert_allclose(decoded().astype(int), first, atol=2)


def test_wrong_names_and_folders(tree: Path) -> None:
    with pytest.raises(ValueError, match="sad"):
        open_(tree, expression="sad")
    with pytest.raises(ValueError, match="surprised.*'test'"):
        open_(tree, split="test", expression="surprised")
    with pytest.raises(ValueError, match="happy"):
        ravdess.RAVDESS(Path(__file__).parent)
    (tree / "Actor_01/holiday.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match="holiday.mp4.*01-01-03-02-01-01-01.mp4"):
        open_(tree)


def test_describe_says_what_is_missing(tree: Path) -> None:
    lines = datasets.describe(tree).splitlines()
    assert lines[0].startswith("ravdess: RAVDESS") and "CC BY-NC-SA 4.0" in lines[1]
    assert "happy: 1 train, validation missing, test missing" in lines and len(lines) == 9


def test_a_face_is_read_and_cropped(tmp_path: Path, rendered: Rendered) -> None:
    pytest.importorskip("ai_edge_litert")
    neutral, between, peak = np.repeat(np.repeat(rendered[31_001, "surprised"].frames, 3, 1), 3, 2)
    frames = [neutral] * 6 + [between] * 3 + [peak] * 6 + [neutral] * 4
    wide = np.pad(np.stack(frames), ((0, 0), (40, 40), (120, 120), (0, 0)), mode="edge")
    path = tmp_path / "Actor_01/01-01-08-02-01-01-01.mp4"
    path.parent.mkdir()
    video.save(wide, path, fps=30)
    clip = datasets.open(tmp_path, size=96, frames=6)[0]
    assert clip.frames.shape == (6, 96, 96, 3)
    lead = faces.lead(clip, "surprised")
    assert lead[0] < 0.2 < 0.4 < lead[-1]
    inside = np.abs(clip.frames[0, 20:90, 20:76].astype(int) - rendered[31_001, "surprised"].frames[0, 20:90, 20:76])
    assert inside.mean() < 15
