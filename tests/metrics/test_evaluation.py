"""Tables; and that copying keeps the identity and loses the motion."""

import json
from dataclasses import replace

import numpy as np
import pytest

from i2vlib import faces, metrics
from i2vlib.clips import Clip, load_image
from i2vlib.metrics import evaluation
from tests.conftest import moving_square


class Perfect:
    """Knows the true clip by its neutral frame and gives back its frames: the best that a model could do."""

    def __init__(self, clips: list[Clip]) -> None:
        self.clips = clips

    def _clip(self, face: np.ndarray) -> Clip:
        return next(clip for clip in self.clips if np.array_equal(clip.frames[0], face))

    def animate(self, face, expression=None, intensity=None) -> Clip:
        clip = self._clip(face)
        nearest = np.abs(clip.intensity[:, None] - np.asarray(intensity)).argmin(0)
        return Clip(clip.frames[nearest], intensity=intensity)

    def infer_intensity(self, frames, neutral, expression=None) -> np.ndarray:
        return self._clip(neutral).intensity


@pytest.fixture(scope="module")
def smiles() -> list[Clip]:
    """A rendered subject that smiles: six frames."""
    from i2vlib.datasets import actors

    return [actors.clip(seed=20_001, expression="happy", frames=6, size=128)]


def test_halfway_there_a_fade_to_the_peak_is_a_ghost():
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    for index, left in enumerate((4, 12, 20)):
        frames[index, 8:16, left : left + 8] = 200
    clip = Clip(frames, intensity=np.array([0, 0.5, 1], np.float32), expression="happy")
    fade = frames.copy()
    fade[1] = (frames[0].astype(int) + frames[2]) // 2
    row = metrics.compare(fade, clip, readers=False)
    # Of copying's two errors, half of the one at the old place is left, all of the one at the new, and a ghost beyond.
    assert row["moving_ratio"] == 0 and row["halfway_ratio"] > 0.75
    assert metrics.compare(frames, clip, readers=False)["halfway_ratio"] == 0
    assert np.isnan(metrics.compare(fade, replace(clip, intensity=None), readers=False)["halfway_ratio"])


def test_the_mouth_is_measured_where_its_true_landmarks_are():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    points = np.full((2, 68, 2), 2.0, np.float32)
    angle = np.linspace(0, 2 * np.pi, 20)
    points[:, 48:] = np.stack([16 + 6 * np.cos(angle), 22 + 4 * np.sin(angle)], 1)
    clip = Clip(frames, intensity=np.array([0, 1], np.float32), landmarks=points, expression="happy")
    outside = frames.copy()
    outside[1, :10] = 0
    row = metrics.compare(outside, clip, readers=False)
    assert row["mouth_ratio"] == 0 and row["sharpness_mouth"] == 1 and row["error"] > 0
    copied = metrics.compare(frames[[0, 0]], clip, readers=False)
    assert copied["mouth_ratio"] == 1
    blurred = frames.copy()
    blurred[1] = frames[1].mean(axis=(0, 1))
    assert metrics.compare(blurred, clip, readers=False)["sharpness_mouth"] == 0
    assert "mouth_ratio" not in metrics.compare(outside, replace(clip, landmarks=None), readers=False)


def test_evaluate_by_hand():
    clips = [moving_square(seed=seed, frames=8) for seed in range(3)]
    table = metrics.evaluate(Perfect(clips), clips, readers=False)
    assert table["subject"].tolist() == ["s0", "s1", "s2"] and set(table["expression"]) == {"happy"}
    assert list(table) == ["subject", "expression", *metrics.COLUMNS]
    for name, value in {
        "spearman": 1, "intensity_peak": 1, "psnr_neutral": 60, "psnr": 60, "error": 0, "moving_error": 0,
        "moving_ratio": 0, "motion": 1, "sharpness": 1, "falls": 0,
    }.items():  # fmt: skip
        assert np.allclose(table[name], value), name
    assert table[["lead_rise", "acd_i", "detection"]].isna().all(axis=None)
    copy = metrics.evaluate(metrics.CopyNeutral(), clips, readers=False)
    for name, value in {"spearman": 0, "moving_ratio": 1, "motion": 0, "falls": 0, "psnr_neutral": 60}.items():
        assert np.allclose(copy[name], value), name
    assert (copy["psnr"] < 40).all()


def test_evaluate_drives_by_the_intensity_asked_for():
    clip = moving_square(frames=8)
    asked = []

    class Spy(Perfect):
        def animate(self, face, expression=None, intensity=None) -> Clip:
            asked.append(np.asarray(intensity))
            return super().animate(face, expression, intensity)

        def infer_intensity(self, frames, neutral, expression=None) -> np.ndarray:
            return np.linspace(-0.2, 1.2, len(frames), dtype=np.float32)

    table = metrics.evaluate(Spy([clip]), [clip], readers=False)
    assert np.allclose(asked[0], np.clip(np.linspace(-0.2, 1.2, 8), 0, None))  # unclipped above, none below 0
    assert np.allclose(asked[1], np.linspace(0, 1, 21))
    assert table["intensity_peak"][0] == pytest.approx(1.2)
    table = metrics.evaluate(Spy([clip]), [clip], drive="true", readers=False)
    assert np.array_equal(asked[2], clip.intensity) and np.isnan(table["spearman"][0])


def test_a_clip_without_intensity_has_no_rank_correlation():
    clip = moving_square()
    blind = replace(clip, intensity=None)
    table = metrics.evaluate(Perfect([clip]), [blind], readers=False)
    assert np.isnan(table["spearman"][0]) and table["moving_ratio"][0] == 0
    with pytest.raises(ValueError, match="intensity"):
        metrics.evaluate(Perfect([clip]), [blind], drive="true", readers=False)


def test_evaluate_refuses_what_it_cannot_compare():
    clip = moving_square()
    with pytest.raises(ValueError, match="evaluate"):
        metrics.evaluate(metrics.CopyNeutral(), [])
    with pytest.raises(ValueError, match="'inferred'.*'true'"):
        metrics.evaluate(metrics.CopyNeutral(), [clip], drive="guess")

    class Small(metrics.CopyNeutral):
        def animate(self, face, expression=None, intensity=None) -> Clip:
            return super().animate(face[::2, ::2], expression, intensity)

    with pytest.raises(ValueError, match="16.*8"):
        metrics.evaluate(Small(), [clip], readers=False)


def test_a_method_can_be_evaluated(model):
    clips = [moving_square(frames=8), moving_square(frames=8, seed=1)]
    table = metrics.evaluate(model, clips, readers=False)
    for name in ("spearman", "psnr_neutral", "psnr", "moving_ratio", "motion", "falls", "growth"):
        assert np.isfinite(table[name]).all(), name
    assert table.equals(metrics.evaluate(model, clips, readers=False))


def test_references_and_summary():
    clips = [replace(moving_square(seed=seed), subject=f"s{seed // 2}") for seed in range(6)]
    table = metrics.evaluate_references(clips, [moving_square(seed=9)], readers=False)
    assert tuple(table["system"].unique()) == metrics.REFERENCE_ROWS and len(table) == 18
    real = table[table["system"] == "real"]
    assert (real["moving_ratio"] == 0).all() and (real["motion"] == 1).all() and real["falls"].isna().all()
    fade = table[table["system"] == "cross-fade"]
    assert (fade["motion"] > 0.3).all() and (fade["falls"] == 0).all()

    result = metrics.summary(table)
    row = result.loc[("copy", "all", "moving_ratio")]
    assert row["mean"] == 1 and row["low"] == row["high"] == 1 and row["subjects"] == 3
    assert np.isnan(result.loc[("real", "happy", "lead_rise"), "mean"])
    assert result.loc[("real", "happy", "lead_rise"), "subjects"] == 0


def test_summary_averages_a_subject_first():
    import pandas as pd

    table = pd.DataFrame({"subject": ["a", "a", "a", "b"], "expression": "happy", "motion": [0.0, 0.0, 0.0, 1.0]})
    assert metrics.summary(table).loc[("all", "motion"), "mean"] == 0.5
    unnamed = table.assign(subject=None)
    assert metrics.summary(unnamed).loc[("happy", "motion"), "mean"] == 0.25
    assert metrics.summary(unnamed).loc[("happy", "motion"), "subjects"] == 4


def test_tables_can_be_written_as_json():
    table = metrics.evaluate(metrics.CopyNeutral(), [moving_square()], readers=False)
    assert json.loads(json.dumps(table.attrs))["drive"] == "inferred"
    records = json.loads(metrics.summary(table).reset_index().to_json(orient="records"))
    assert {"expression", "metric", "mean", "low", "high", "subjects"} == set(records[0])


def test_copying_wins_identity_and_loses_motion(smiles):
    table = metrics.evaluate_references(smiles, [smiles[0][[0, 3]]]).set_index("system")
    assert (table["detection"] == 1).all()
    for name in ("acd_i_ratio", "acd_c_ratio", "lead_rise", "motion", "sharpness", "detection"):
        assert table.loc["real", name] == pytest.approx(1), name
    for name in ("acd_i", "acd_c", "acd_i_ratio", "lead_rise", "lead_change", "motion"):
        assert table.loc["copy", name] == pytest.approx(0, abs=1e-6), name
    assert table.loc["copy", "acd_g_ratio"] == pytest.approx(1)
    assert table.loc["real", ["acd_g", "landmark_error", "landmark_error_mouth"]].tolist() == [0, 0, 0]
    assert table.loc["copy", "landmark_error_mouth"] > table.loc["copy", "landmark_error_eyes"]
    assert table.loc["real", "lead_change"] > 0.3
    assert table.loc["real", "acd_i"] == table.loc["real", "acd_i_paper"] > 0.05
    attrs = metrics.evaluate(metrics.CopyNeutral(), smiles).attrs
    assert "dlib" in attrs["extractors"]["detector"] and "face_landmarker" in attrs["extractors"]["blendshapes"]


def test_a_frame_is_read_once(smiles, monkeypatch):
    metrics.evaluate(metrics.CopyNeutral(), smiles)
    before = metrics.evaluate(metrics.CopyNeutral(), smiles)

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(faces, "measure", fail)
    assert metrics.evaluate(metrics.CopyNeutral(), smiles).equals(before)


def test_every_reads_fewer_frames_and_always_the_peak(smiles, monkeypatch):
    seen = []
    monkeypatch.setattr(evaluation, "_readings", {})
    measure = faces.measure
    monkeypatch.setattr(faces, "measure", lambda frames: seen.append(len(frames)) or measure(frames))
    clip = replace(smiles[0], intensity=np.array([0, 0.2, 0.5, 0.7, 1, 0.9]))
    row = metrics.compare(clip.frames, clip, every=5)
    assert seen == [3] and row["lead_rise"] == pytest.approx(1)


def test_every_frame_is_measured_from_the_still_and_over_the_true_peak():
    clip = moving_square(frames=5)
    ends = clip.frames.astype(float)
    half = (ends[:1] + (ends - ends[:1]) / 2).round().astype(np.uint8)
    made = half.copy()
    made[1] = ends[-1]  # at the end at once, and back
    row = metrics.compare_frames(made, clip, readers=False)
    wanted = np.array([0, 1, 0.25, 0.375, 0.5])
    assert row["reach"] == pytest.approx(wanted, abs=0.02)
    assert row["reach_true"] == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.02)
    assert row["subject"] == clip.subject and "curve" not in row
    assert np.isnan(metrics.compare_frames(clip.frames[[0] * 5], clip[[0] * 5], readers=False)["reach"]).all()
    with pytest.raises(ValueError, match="compared"):
        metrics.compare_frames(made[:3], clip, readers=False)


def test_a_frame_is_as_sharp_as_the_true_one_of_its_moment():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    clip = Clip(frames, intensity=np.array([0, 0.5, 1], np.float32), expression="happy")
    made = frames.copy()
    made[1] = 128 + (frames[1].astype(int) - 128) // 2
    made[2] = 128
    assert metrics.compare_frames(made, clip, readers=False)["sharp"] == pytest.approx([1, 0.25, 0], abs=0.01)


def test_landmark_curves_start_at_zero_and_share_their_scale(smiles):
    clip = smiles[0]
    row = metrics.compare_frames(clip.frames, clip, every=2)
    peak = metrics.peak_frame(clip)
    assert row["shown"] == sorted({0, 2, 4, 5, peak}) and row["curve"] == row["curve_true"]
    assert row["curve"][0] == 0 and 2 < max(row["curve"]) < 30
    points = evaluation._read(clip.frames).landmarks
    moved = np.linalg.norm(points[2] - points[0], axis=-1).mean()
    assert row["curve"][1] == pytest.approx(100 * moved / np.linalg.norm(points[0, 36] - points[0, 45]))
    made = clip.frames.copy()
    made[2] = 0
    blind = metrics.compare_frames(made, clip, every=2)
    assert np.isnan(blind["curve"][1]) and np.isfinite(blind["curve_true"]).all()


def test_missed_faces_cost_by_the_papers_rule_only(smiles):
    generated = smiles[0].frames.copy()
    generated[2] = np.random.default_rng(0).integers(0, 256, generated[2].shape)
    row = metrics.compare(generated, smiles[0])
    assert row["detection"] == pytest.approx(5 / 6)
    assert row["acd_i"] < 0.4 and row["acd_i_paper"] > 2
    assert np.isfinite(row["landmark_error"]) and row["lead_rise"] == pytest.approx(1)


def test_clips_without_any_face_are_nan_but_by_the_papers_rule():
    clip = moving_square()
    table = metrics.evaluate(metrics.CopyNeutral(), [clip, clip])
    assert (table["detection"] == 0).all()
    for name in ("acd_i", "acd_c_ratio", "acd_g_ratio", "lead_rise", "landmark_error"):
        assert table[name].isna().all(), name
    assert table["acd_i_paper"].between(13, 19).all()  # sqrt(2 * 128) = 16
    assert table["acd_i_paper"][0] != table["acd_i_paper"][1]  # another draw for every clip


def test_real_clips_as_they_are(real_data):
    folder = real_data / "affinegan-sample" / "happy" / "train" / "img" / "vid_0002"
    frames = np.stack([load_image(path) for path in sorted(folder.glob("*.jpg"))[::4]])
    clip = faces.align_clip(Clip(frames, subject="vid_0002", expression="happy"), 128)
    table = metrics.evaluate_references([clip], [clip]).set_index("system")
    assert (table["detection"] == 1).all()
    assert 0.05 < table.loc["real", "acd_i"] < 0.4
    assert table.loc["copy", "motion"] == 0 and table.loc["copy", "lead_rise"] == 0
    assert table.loc["real", "lead_change"] > 0.4
    # It fades to its own peak, so at the peak it is the real frame.
    assert table.loc["cross-fade", "moving_ratio"] == 0 and table.loc["cross-fade", "lead_rise"] == pytest.approx(1)
