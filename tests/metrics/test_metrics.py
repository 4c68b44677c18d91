"""Metrics, against values worked by hand; and that copying keeps the identity and loses the motion."""

import json
from dataclasses import replace

import numpy as np
import pytest

from i2vlib import faces, metrics
from i2vlib.clips import Clip, load_image
from i2vlib.expressions import BLENDSHAPES
from tests.conftest import moving_square

NAN = np.nan


def vectors(*firsts: float) -> np.ndarray:
    """Identity vectors that are 0 but for their first number; NaN where the face was missed."""
    rows = np.zeros((len(firsts), 128))
    rows[:, 0] = firsts
    rows[np.isnan(firsts)] = NAN
    return rows


def frame(value: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def happy(clip: Clip, low: float, high: float) -> Clip:
    scores = np.zeros((len(clip), 52), np.float32)
    smile = [BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")]
    scores[:, smile] = np.linspace(low, high, len(clip))[:, None]
    return replace(clip, blendshapes=scores)


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


# Identity


def test_acd_by_hand():
    embeddings = vectors(1, 2, 4)
    assert metrics.acd_i(embeddings, vectors(0)[0]) == pytest.approx(7 / 3)
    assert metrics.acd_c(embeddings) == pytest.approx((1 + 3 + 2) / 3)
    assert metrics.acd_g(embeddings, vectors(1, 0, 0)) == pytest.approx((0 + 2 + 4) / 3)


def test_a_missed_face_is_dropped_or_replaced_by_a_seeded_vector():
    embeddings = vectors(1, NAN, 3)
    reference = vectors(0)[0]
    assert metrics.acd_i(embeddings, reference, rule="detected") == pytest.approx(2)
    assert metrics.acd_c(embeddings, rule="detected") == pytest.approx(2)
    assert metrics.acd_g(embeddings, vectors(0, 0, NAN), rule="detected") == pytest.approx(1)
    # A N(0, 1) vector of 128 numbers is about sqrt(128) = 11.3 long, so one miss costs about a third of that here.
    paper = metrics.acd_i(embeddings, reference, seed=5)
    assert 3 < paper - 4 / 3 < 4.6
    assert paper == metrics.acd_i(embeddings, reference, seed=5) != metrics.acd_i(embeddings, reference, seed=6)


def test_a_missed_face_is_another_vector_in_every_frame():
    assert metrics.acd_c(vectors(NAN, NAN)) == pytest.approx(16, abs=3)  # sqrt(2 * 128)
    assert metrics.acd_g(vectors(NAN), vectors(NAN)) == pytest.approx(16, abs=3)


def test_nothing_to_compare_is_nan():
    assert np.isnan(metrics.acd_i(vectors(1, 2), vectors(NAN)[0], rule="detected"))
    assert np.isnan(metrics.acd_c(vectors(1, NAN), rule="detected"))
    assert np.isnan(metrics.acd_g(vectors(1, NAN), vectors(NAN, 1), rule="detected"))


def test_acd_does_not_change_its_arguments():
    embeddings = vectors(1, NAN)
    metrics.acd_i(embeddings, vectors(0)[0])
    metrics.acd_c(embeddings)
    assert np.isnan(embeddings[1]).all()


def test_acd_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="frame by frame"):
        metrics.acd_g(vectors(1, 2), vectors(1))
    with pytest.raises(ValueError, match="'paper' or 'detected'"):
        metrics.acd_c(vectors(1, 2), rule="lenient")
    with pytest.raises(ValueError, match=r"come as \(T, 128\)"):
        metrics.acd_c(np.zeros(128))


def test_detection_rate():
    assert metrics.detection_rate(vectors(1, NAN, 2, NAN)) == 0.5


# Pixels


def test_psnr_by_hand():
    assert metrics.psnr(frame(100), frame(110)) == pytest.approx(20 * np.log10(25.5))
    assert metrics.psnr(frame(0), frame(255)) == 0
    assert metrics.psnr(frame(7), frame(7)) == float("inf")
    with pytest.raises(ValueError, match=r"one size; given were \(16, 16, 3\) and \(8, 8, 3\)"):
        metrics.psnr(frame(0), frame(0, 8))


def test_moving_region_is_what_changes_and_a_little_more():
    neutral = frame(100, 128)
    real = neutral.copy()
    real[40:50, 60:80] += 20
    real[100:, :] += 10  # 0.04 of the range: under the threshold
    region = metrics.moving_region(real, neutral)
    grown = np.zeros((128, 128), bool)
    grown[38:52, 58:82] = True
    assert np.array_equal(region, grown)
    both = metrics.moving_region(np.stack([neutral, real]), neutral)
    assert not both[0].any() and np.array_equal(both[1], grown)


def test_moving_region_grows_with_the_size():
    for size, border in ((32, 1), (64, 1), (128, 2), (256, 4)):
        neutral = frame(0, size)
        real = neutral.copy()
        real[size // 2, size // 2] = 255
        assert metrics.moving_region(real, neutral).sum() == (2 * border + 1) ** 2


def test_moving_error_and_ratio_by_hand():
    neutral, real = frame(100, 64), frame(100, 64)
    real[20:40] = 200
    halfway = real.copy()
    halfway[20:40] = 150
    region = metrics.moving_region(real, neutral)
    assert metrics.moving_error(halfway, real, np.s_[20:40]) == pytest.approx(50 / 255)
    assert metrics.moving_ratio(halfway, real, neutral) == pytest.approx(0.5)
    assert metrics.moving_ratio(neutral, real, neutral) == pytest.approx(1)
    assert metrics.moving_ratio(real, real, neutral) == 0
    outside = real.copy()
    outside[50:] = 0
    assert not region[50:].any() and metrics.moving_ratio(outside, real, neutral) == 0


def test_nothing_moves_is_nan():
    still = np.stack([frame(9)] * 3)
    assert np.isnan(metrics.moving_ratio(still[0], still[0], still[0]))
    assert np.isnan(metrics.motion(still, still))
    assert np.isnan(metrics.moving_error(still, still, np.zeros(still.shape[:3], bool)))


def test_motion_is_not_fooled_by_an_error_that_all_frames_share():
    real = np.stack([frame(100, 64)] * 3)
    real[1, 20:40], real[2, 20:40] = 150, 200
    assert metrics.motion(real, real) == pytest.approx(1)
    assert metrics.motion(real + np.uint8(30), real) == pytest.approx(1)
    half = real.copy()
    half[2, 20:40] = 150
    assert metrics.motion(half, real) == pytest.approx(0.5)
    assert metrics.motion(np.repeat(real[2:], 3, 0), real) == 0
    assert metrics.motion(half, real, peak=1) == pytest.approx(1)


def test_sharpness_by_hand():
    stripes = frame(0)
    stripes[:, ::2] = 255
    inner = np.zeros((16, 16), bool)
    inner[1:-1, 1:-1] = True
    # Each pixel differs from both neighbours in its row by 1: the Laplacian is +2 or -2, its variance 4.
    assert metrics.sharpness(stripes, inner) == pytest.approx(4)
    assert metrics.sharpness(frame(80)) == 0
    ramp = np.repeat(np.arange(16, dtype=np.uint8)[None, :, None] * 10, 16, 0).repeat(3, 2)
    assert metrics.sharpness(ramp, inner) == pytest.approx(0, abs=1e-12)
    assert np.isnan(metrics.sharpness(stripes, np.zeros((16, 16), bool)))


# Expression


def test_lead_rise_by_hand():
    clip = moving_square()
    real = happy(clip, 0.1, 0.9)
    assert metrics.lead_change(real, "happy") == pytest.approx(0.8)
    assert metrics.lead_rise(happy(clip, 0.3, 0.7), real, "happy") == pytest.approx(0.5)
    assert metrics.lead_rise(happy(clip, 0.4, 0.4), real, "happy") == 0
    assert metrics.lead_rise(happy(clip, 0.5, 0.1), real, "happy") == pytest.approx(-0.5)
    assert metrics.lead_rise(real.blendshapes, real.blendshapes, "happy", peak=2) == pytest.approx(1)


def test_lead_rise_is_nan_where_the_real_lead_cannot_be_read():
    clip = moving_square()
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, 0.2, 0.29), "happy"))
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, 0.9, 0.1), "happy"))
    assert np.isnan(metrics.lead_rise(happy(clip, 0, 1), happy(clip, NAN, NAN), "happy"))


def test_landmark_error_by_hand():
    real = np.zeros((2, 68, 2), np.float32)
    real[:, 45] = [50, 0]
    generated = real + np.float32([3, 4])
    generated[:, 48:] = real[:, 48:]
    assert metrics.landmark_error(generated, real) == pytest.approx(10 * 48 / 68)
    assert metrics.landmark_error(generated, real, slice(48, 68)) == 0
    assert metrics.landmark_error(generated, real, slice(36, 48)) == pytest.approx(10)
    generated[1] = NAN
    assert metrics.landmark_error(generated, real, slice(36, 48)) == pytest.approx(10)
    assert np.isnan(metrics.landmark_error(generated * NAN, real))


# Curves


def test_spearman_by_hand():
    true = np.array([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert metrics.spearman(true**3, true) == pytest.approx(1)
    assert metrics.spearman(1 - true, true) == pytest.approx(-1)
    # Without the neutral frame the ranks are 2 1 3 4 5: d = 1, 1, 0, 0, 0, so 1 - 6 * 2 / (5 * 24) = 0.9.
    assert metrics.spearman(np.array([9, 0.2, 0.1, 0.3, 0.4, 0.5]), true) == pytest.approx(0.9)


def test_spearman_ties_have_their_average_rank():
    from scipy.stats import spearmanr

    true = np.array([0.1, 0.2, 0.2, 0.4, 0.5, 0.6])
    inferred = np.array([0.3, 0.3, 0.1, 0.5, 0.5, 0.5])
    assert metrics.spearman(inferred, true) == pytest.approx(spearmanr(inferred, true).statistic)


def test_spearman_wants_five_distinct_true_values():
    assert np.isnan(metrics.spearman(np.arange(5), np.array([0, 0.25, 0.5, 0.75, 1])))
    assert np.isnan(metrics.spearman(np.arange(8), np.array([0, 0.2, 0.2, 0.2, 0.4, 0.6, 0.8, 0.8])))
    assert metrics.spearman(np.arange(6), np.linspace(0, 1, 6)) == pytest.approx(1)


def test_an_inference_that_says_nothing_scores_nothing():
    true = np.linspace(0, 1, 8)
    assert metrics.spearman(np.full(8, 0.4), true) == 0
    assert metrics.spearman(np.full(8, NAN), true) == 0
    with pytest.raises(ValueError, match="one length"):
        metrics.spearman(np.zeros(3), true)


def test_falls_by_hand():
    rising = np.linspace(0, 1, 21)
    assert metrics.falls(rising) == 0
    dented = rising.copy()
    dented[10] = dented[9] - 0.004  # under half a per cent of the range
    assert metrics.falls(dented) == metrics.falls(100 * dented) == 0
    dented[10] = dented[9] - 0.006
    assert metrics.falls(dented) == pytest.approx(1 / 20)
    assert metrics.falls(100 * dented) == pytest.approx(1 / 20)
    assert metrics.falls(-rising) == 1
    assert metrics.falls(np.zeros(21)) == 0
    assert np.isnan(metrics.falls(np.array([0, NAN, 1])))
    with pytest.raises(ValueError, match="at least two values"):
        metrics.falls(np.zeros(1))


def test_unevenness_by_hand():
    even = np.stack([frame(value) for value in (0, 10, 20, 30)])
    assert metrics.unevenness(even) == pytest.approx(0)
    one_long_step = np.stack([frame(value) for value in (0, 10, 10, 40)])
    assert metrics.unevenness(one_long_step) == pytest.approx(np.std([1, 0, 3]) / np.mean([1, 0, 3]))
    assert np.isnan(metrics.unevenness(even[[0, 0, 0]]))


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


def test_interval():
    low, high = metrics.interval([1.0] * 9)
    assert low == high == 1
    values = np.random.default_rng(0).normal(5, 1, 400)
    low, high = metrics.interval([*values, NAN])
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    narrow = metrics.interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high
    assert metrics.interval(values, seed=3) == metrics.interval(values, seed=3) != metrics.interval(values, seed=4)
    assert np.isnan(metrics.interval([1.0, NAN])).all() and np.isnan(metrics.interval([])).all()


def test_the_peak_is_the_largest_true_intensity_or_the_largest_change():
    clip = replace(moving_square(), intensity=np.array([0, 0.3, 1, 0.6, 0.2, 0]))
    assert metrics.peak_frame(clip) == 2
    assert metrics.peak_frame(replace(moving_square(), intensity=None)) == 5


# Reference models


def test_cross_fade_by_hand():
    def clip(start: int, end: int, expression: str) -> Clip:
        return Clip(np.stack([frame(start), frame((start + end) // 2), frame(end)]), expression=expression)

    fade = metrics.CrossFade([clip(100, 200, "happy"), clip(10, 60, "happy"), clip(30, 250, "angry")])
    made = fade.animate(frame(30), "happy", [0, 0.5, 1, 2])
    assert [int(picture[0, 0, 0]) for picture in made.frames] == [30, 45, 60, 60]
    assert fade.animate(frame(30), "angry", [1]).frames[0, 0, 0, 0] == 250
    inferred = fade.infer_intensity(np.stack([frame(0), frame(20), frame(40)]), frame(0))
    assert np.allclose(inferred, [0, 0.5, 1])
    assert not fade.infer_intensity(np.stack([frame(0)] * 2), frame(0)).any()


def test_cross_fade_refuses_what_it_has_not():
    with pytest.raises(ValueError, match="none were given"):
        metrics.CrossFade([])
    fade = metrics.CrossFade([moving_square()])
    with pytest.raises(ValueError, match="No training clip shows 'sad'; they show: happy"):
        fade.animate(frame(0), "sad", [1])
    with pytest.raises(ValueError, match="one size"):
        fade.animate(frame(0, 8), "happy", [1])


def test_copy_copies():
    made = metrics.CopyNeutral().animate(frame(3), "happy", [0, 0.5, 1])
    assert (made.frames == 3).all() and len(made) == 3


# Tables


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
    with pytest.raises(ValueError, match="no true intensity to be driven by"):
        metrics.evaluate(Perfect([clip]), [blind], drive="true", readers=False)


def test_evaluate_refuses_what_it_cannot_compare():
    clip = moving_square()
    with pytest.raises(ValueError, match="no clips to evaluate"):
        metrics.evaluate(metrics.CopyNeutral(), [])
    with pytest.raises(ValueError, match="'inferred' or the 'true'"):
        metrics.evaluate(metrics.CopyNeutral(), [clip], drive="guess")

    class Small(metrics.CopyNeutral):
        def animate(self, face, expression=None, intensity=None) -> Clip:
            return super().animate(face[::2, ::2], expression, intensity)

    with pytest.raises(ValueError, match="16 px and the model makes 8 px; open the data with size=8"):
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


def test_a_mean_is_written_with_its_interval_over_people():
    import pandas as pd

    values = pd.Series([1.0, 3.0, 4.0, 4.0], pd.Index(["a", "a", "b", "b"], name="subject"))
    assert metrics.with_interval(values) == "3.00 [2.00, 4.00]"
    assert metrics.with_interval(values * np.nan) == ""


def test_systems_are_compared_person_by_person():
    import pandas as pd

    def table(values):
        rows = [(seed, subject, value) for (seed, subject), value in values.items()]
        return pd.DataFrame(rows, columns=["seed", "subject", "motion"])

    theirs = table({(0, "a"): 1.0, (0, "b"): 5.0, (1, "a"): 2.0, (1, "b"): 6.0})
    ours = table({(0, "a"): 1.5, (0, "b"): 5.5, (1, "a"): 2.1, (1, "b"): 6.3, (2, "a"): 9.0})
    mean, (low, high), seeds = metrics.paired(ours, theirs, "motion")
    assert mean == pytest.approx((0.5 + 0.5 + 0.1 + 0.3) / 4)
    assert low == pytest.approx(0.3) and high == pytest.approx(0.4)
    assert seeds.to_dict() == pytest.approx({0: 0.5, 1: 0.2})


def test_tables_can_be_written_as_json():
    table = metrics.evaluate(metrics.CopyNeutral(), [moving_square()], readers=False)
    assert json.loads(json.dumps(table.attrs))["drive"] == "inferred"
    records = json.loads(metrics.summary(table).reset_index().to_json(orient="records"))
    assert {"expression", "metric", "mean", "low", "high", "subjects"} == set(records[0])


# With the readers


@pytest.fixture(scope="module")
def smiles() -> list[Clip]:
    """A rendered subject that smiles: six frames."""
    from i2vlib.datasets import actors

    return [actors.clip(seed=20_001, expression="happy", frames=6, size=128)]


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
    assert "dlib" in attrs["extractors"]["detector"] and "mediapipe" in attrs["extractors"]["blendshapes"]


def test_a_frame_is_read_once(smiles, monkeypatch):
    metrics.evaluate(metrics.CopyNeutral(), smiles)
    before = metrics.evaluate(metrics.CopyNeutral(), smiles)

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(faces, "measure", fail)
    assert metrics.evaluate(metrics.CopyNeutral(), smiles).equals(before)


def test_every_reads_fewer_frames_and_always_the_peak(smiles, monkeypatch):
    seen = []
    monkeypatch.setattr(metrics, "_readings", {})
    measure = faces.measure
    monkeypatch.setattr(faces, "measure", lambda frames: seen.append(len(frames)) or measure(frames))
    clip = replace(smiles[0], intensity=np.array([0, 0.2, 0.5, 0.7, 1, 0.9]))
    row = metrics.compare(clip.frames, clip, every=5)
    assert seen == [3] and row["lead_rise"] == pytest.approx(1)


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


def test_flicker_is_the_second_difference_over_the_real_clips():
    ramp = np.arange(6, dtype=np.uint8)[:, None, None, None] * 10 + np.zeros((6, 8, 8, 3), np.uint8)
    bent = ramp.copy()
    bent[3] += 4
    trembling = ramp.copy()
    trembling[1::2] += 8
    assert np.isnan(metrics.flicker(bent, ramp))  # what moves evenly has no second difference to divide by
    assert metrics.flicker(bent, bent) == 1
    assert metrics.flicker(trembling, bent) == pytest.approx((4 * 16 / 4) / ((4 + 8 + 4) / 4))


def test_normals_are_compared_by_angle_where_both_maps_show_the_head():
    wanted = np.zeros((4, 4, 3), np.int8)
    wanted[:3, :, 2] = -127
    found = np.zeros((4, 4, 3), np.int8)
    found[1:] = (0, 90, -90)
    found[1, 0] = (0, 0, -64)  # the length does not matter
    assert metrics.normal_error(wanted, wanted) == pytest.approx(0, abs=1e-3)
    assert metrics.normal_error(found, wanted) == pytest.approx(45 * 7 / 8)
    assert np.isnan(metrics.normal_error(wanted[:1], wanted[3:]))


def test_static_pixels_are_those_the_real_clip_leaves_alone():
    real = np.full((3, 8, 8, 3), 100, np.uint8)
    real[1:, :4] = 160
    made = real.copy()
    made[:, :4] = 0
    assert metrics.static_change(made, real) == 0
    made[2, 4:] += 3
    assert metrics.static_change(made, real) == pytest.approx(1)


def test_mask_iou_by_hand():
    mask, region = np.zeros((4, 4)), np.zeros((4, 4), bool)
    mask[:2], region[1:3] = 0.9, True
    assert metrics.mask_iou(mask, region) == pytest.approx(4 / 12)
    assert metrics.mask_iou(region.astype(float), region) == 1
    assert np.isnan(metrics.mask_iou(np.full((4, 4), np.nan), region))


def test_blendshapes_that_cannot_be_read_do_not_count():
    made, real = np.zeros((2, 52)), np.zeros((2, 52))
    made[:, BLENDSHAPES.index("cheekPuff")] = 1
    real[:, BLENDSHAPES.index("tongueOut")] = np.nan
    assert metrics.blendshape_error(made, real) == 0
    made[0, BLENDSHAPES.index("jawOpen")] = 0.96
    assert metrics.blendshape_error(made, real) == pytest.approx(0.01)
