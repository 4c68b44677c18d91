"""Forecasts of poses: what is asked, how it is averaged, and what the committed errors say of themselves."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import i2vlib
from i2vbook import claims
from i2vbook.claims import common
from i2vbook.evidence import poses
from i2vlib.datasets.penn_action import Poses
from i2vlib.papers.frgan import PosePredictorConfig

TINY = PosePredictorConfig(seen=4, frames=6, code=4, hidden=8, clips_per_step=2)


def sequence(frames: int, number: int = 1, action: str = "golf_swing") -> Poses:
    """A body that moves one pixel a frame to the right, of which the last joint is hidden for good."""
    joints = np.zeros((frames, 13, 2), np.float32)
    joints[:, :, 0] = np.arange(frames)[:, None] + np.arange(13)
    visible = np.ones((frames, 13), bool)
    visible[:, 12] = False
    return Poses(joints, visible, np.zeros((frames, 4), np.float32), action, (64, 64), True, number)


def test_windows_begin_with_the_sequence_and_every_eighth_frame_while_a_dozen_poses_follow():
    found = list(poses.windows([sequence(42), sequence(29, 2), sequence(12, 3), sequence(10, 4)]))
    assert [(one.sequence, one.first, int(one.joints[0, 0, 0])) for one in found] == [
        (1, True, 0), (1, False, 8), (1, False, 16), (2, True, 0), (3, True, 0),
    ]  # fmt: skip
    assert [int(one.counted[:, 0].sum()) for one in found] == [32, 24, 16, 19, 2]


def test_what_has_ended_or_was_never_seen_counts_for_nothing():
    (one, *_) = poses.windows([sequence(14)])
    assert one.joints.shape == (10, 13, 2) and one.counted.shape == (32, 13)
    assert one.counted[:4, :12].all() and not one.counted[4:].any() and not one.counted[:, 12].any()
    assert np.isnan(one.future[4:]).all()
    late = sequence(14)
    late.visible[:10, 3] = False
    assert not next(poses.windows([late])).counted[:, 3].any()
    late.visible[:10] = False
    assert not list(poses.windows([late]))


def test_errors_are_in_units_of_the_box_that_was_seen():
    asked = list(poses.windows([sequence(14)]))
    off = poses.errors(lambda joints, visible, frames: np.zeros((frames, 13, 2)) + 5.5 + np.arange(13)[:, None], asked)
    # The box is 20 wide: 9 frames and 11 joints that are seen. The truth is at 10 to 13, and 0 high.
    wanted = np.hypot(np.arange(10, 14)[:, None] - 5.5, 5.5 + np.arange(12)).mean(1) / 20
    np.testing.assert_allclose(off[0, :4], wanted, rtol=1e-5)
    assert np.isnan(off[0, 4:]).all()


def test_rows_are_means_over_the_windows_of_a_sequence():
    asked = list(poses.windows([sequence(42), sequence(29, 2)]))
    found = np.arange(4.0)[:, None] + np.zeros((4, 2))
    found[2, 1] = np.nan
    table = poses.rows_of(found, asked, system="x", seed=3)
    assert table[["start", "sequence", "1", "2"]].to_numpy().tolist() == [
        ["first", 1, 0, 0], ["first", 2, 3, 3], ["all", 1, 1, 0.5], ["all", 2, 3, 3],
    ]  # fmt: skip
    assert set(table["system"]) == {"x"} and set(table["seed"]) == {3} and set(table["action"]) == {"golf_swing"}


def test_a_body_that_goes_on_is_forecast_by_its_velocity_and_by_nothing_else():
    data = [sequence(42)]
    asked = list(poses.windows(data))
    off = {name: poses.errors(forecast, asked) for name, forecast in poses.baselines(data, 10).items()}
    for name in poses.VELOCITIES:
        np.testing.assert_allclose(off[name][0], 0, atol=1e-6)
    np.testing.assert_allclose(off["constant pose"][0], np.arange(1, 33) / 20, rtol=1e-5)
    assert off["mean pose"][0].argmin() == 15  # half way along what follows


def test_the_weights_that_are_kept_are_those_of_the_least_error():
    data = [sequence(30), sequence(3, 2)]  # the second is too short, and left out
    method = poses.trained(TINY, data, [sequence(30)], 5, seed=0)
    asked = list(poses.windows([sequence(30)], 4, 6))
    assert np.isfinite(np.nanmean(poses.errors(method.forecast, asked)))
    again = poses.trained(TINY, data, [sequence(30)], 5, seed=0)
    np.testing.assert_array_equal(*(one.forecast(data[0].joints) for one in (method, again)))


def test_real_poses_are_measured(real_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = real_data / "penn-action-labels"
    if not folder.is_dir():
        pytest.skip(f"there are no labels of Penn Action at {folder}")
    monkeypatch.setattr(poses, "ACTIONS", ("jump_rope",))
    table = pd.concat(poses.measure_forecasts(poses.labelled(folder), TINY, steps=2, seeds=[0])).assign(
        data="penn_action"
    )
    assert set(table["system"]) == {*poses.VELOCITIES, "constant pose", "mean pose", "LSTM", "LSTM, one an action"}
    assert len(table) == 7 * 2 * table["sequence"].nunique() and (table["1"] > 0).all()
    monkeypatch.setattr(poses, "TABLE", tmp_path / "x.parquet")
    poses.write_table(poses.TABLE, table)
    first = poses.measured()
    assert len(first) == len(table) // 2 and list(first)[:4] == ["system", "seed", "subject", "action"]
    with pytest.raises(ValueError, match="'performers'.*.'penn_action'"):
        poses.measured("performers")


# The committed errors -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return poses.measured()


def test_every_system_is_asked_of_the_same_sequences(committed: pd.DataFrame):
    asked = committed.groupby(["system", "seed"])["subject"].agg(lambda numbers: tuple(sorted(numbers)))
    assert asked.nunique() == 1 and len(asked.iloc[0]) > 100
    assert set(committed["action"]) == set(poses.ACTIONS)
    numbers = np.array(asked.iloc[0])
    assert set(numbers // 10 % 5) == {4}  # the third group, by tens


def test_they_are_errors_and_nothing_else(committed: pd.DataFrame):
    frames = [str(frame) for frame in range(1, 33)]
    assert list(committed) == ["system", "seed", "subject", "action", *frames]
    assert (committed[frames].min() >= 0).all() and committed[frames].notna().to_numpy().mean() > 0.8


def test_a_standing_body_is_wrong_sooner_the_further_ahead_it_is_asked(committed: pd.DataFrame):
    still = committed[committed["system"] == poses.STILL][["1", "4", "8", "16", "32"]].mean()
    assert (still.diff().dropna() > 0).all()


def test_the_command_asks_what_to_measure_on(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit):
        poses.main([])
    assert "--folder of Penn Action, or --performers" in capsys.readouterr().err


def test_performers_are_sequences_too():
    found = poses.performing({"train": [0], "test": [20_000]}, frames=3)
    assert [len(every) for every in found.values()] == [8, 8]
    one = found["test"][1]
    assert (one.number, one.action, len(one), one.train) == (20_000, poses.ACTIONS[1], 3, False)
    assert one.visible.dtype == bool and one.visible.any() and (one.bbox[:, 2:] > one.bbox[:, :2]).all()


def test_what_ships_is_measured_on_performers_beside_forecasts_that_need_no_network():
    moving = [sequence(42, number, action) for number in (20_000, 20_001) for action in ("golf_swing", "jump_rope")]
    table = poses.measure_shipped({"train": moving, "test": moving})
    assert set(table["system"]) == {poses.LSTM, poses.STILL, poses.MEAN, *poses.VELOCITIES}
    assert table.groupby(["system", "start"]).size().unique().tolist() == [4]
    off = table[table["system"] == poses.LSTM].iloc[0]
    shipped = i2vlib.load_pretrained("frgan_poses", "cpu")
    (first, *_) = poses.windows(moving[:1])
    assert off["4"] == pytest.approx(poses.errors(shipped.forecast, [first])[0, 3])


def test_the_shipped_forecaster_was_asked_of_every_test_performer():
    table = poses.measured(poses.PERFORMERS)
    assert set(table["subject"]) == set(poses.TAUGHT["test"]) and set(table["action"]) == set(poses.ACTIONS)
    assert table.groupby("system").size().unique().tolist() == [8 * 16]
    assert set(table["system"]) == {poses.LSTM, poses.STILL, poses.MEAN, *poses.VELOCITIES}


# The claim that rests on them ---------------------------------------------------------------------------------------


def with_forecast(committed: pd.DataFrame, system: str | None, factor: float = 1.0) -> pd.DataFrame:
    """The committed errors with those of another system, times a factor, in place of the LSTM's; None for the truth."""
    frames = [str(frame) for frame in range(1, 33)]
    other = committed[committed["system"] == (system or poses.STILL)].query("seed == 0").drop(columns="seed")
    other[frames] = other[frames] * factor * (system is not None)
    fake = pd.concat([other.assign(seed=seed, system=poses.LSTM) for seed in poses.SEEDS])
    return pd.concat([committed[committed["system"] != poses.LSTM], fake], ignore_index=True)


@pytest.mark.parametrize(
    ("system", "factor", "verdict"),
    [
        (poses.STILL, 1.0, "not reproduced"),  # the last pose, copied
        (poses.MEAN, 1.0, "not reproduced"),
        (poses.LAST_STEP, 1.0, "not reproduced"),
        (poses.LAST_STEP, 0.9, "not reproduced"),  # nearer than itself, and further than a copy
        (None, 1.0, "partly"),  # the truth, and a video that does not move
    ],
)
def test_no_rule_is_passed_by_a_copy_of_the_last_pose(committed, monkeypatch, system, factor, verdict):
    monkeypatch.setattr(poses, "measured", lambda: with_forecast(committed, system, factor))
    monkeypatch.setattr(common, "bodies_move", lambda table: False)
    assert claims.CLAIMS["FRG-11"].decide().verdict == verdict


@pytest.mark.parametrize(("system", "verdict"), [(poses.STILL, "partly"), (None, "reproduced")])
def test_a_video_that_moves_is_half_of_the_claim(committed, monkeypatch, system, verdict):
    monkeypatch.setattr(poses, "measured", lambda: with_forecast(committed, system, 1.0))
    monkeypatch.setattr(common, "bodies_move", lambda table: True)
    assert claims.CLAIMS["FRG-11"].decide().verdict == verdict
