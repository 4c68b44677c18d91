"""What a run on bodies is measured by, on bodies of which nothing is rendered."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from i2vbook.evidence import measuring, poses, results
from i2vlib import metrics
from i2vlib.compared import HP, ConvLSTM
from i2vlib.datasets import performers
from i2vlib.papers.frgan import (
    Forecast,
    Forecasts,
    Hourglass,
    HourglassConfig,
    PosePredictor,
    PosePredictorConfig,
    Refine,
)
from i2vlib.papers.frgan.condition import Posed
from tests.papers.frgan.clips import SIZE, forecaster, refiner
from tests.papers.frgan.test_kinds import body

PEOPLE = 3


@pytest.fixture
def trained(monkeypatch):
    """Three networks without training, and `measuring.clips` and its like as a run on performers would have them."""
    torch.manual_seed(0)
    stages = {"poses": PosePredictor(PosePredictorConfig(hidden=8, code=4)), "bodies": forecaster(condition="joints")}
    stages["refined"] = refiner(condition="joints")
    kept = {}
    monkeypatch.setattr(measuring, "earlier", lambda run: [stages["poses"], stages["bodies"]][: run.depth])
    monkeypatch.setattr(results, "reference_rows", kept.get)
    monkeypatch.setattr(results, "write_references", kept.__setitem__)

    def clips(run, split, seen_as=lambda clip: clip, **options):
        data = [seen_as(body(26, seed)) for seed in range(PEOPLE)]
        if not run.depth:
            return data
        posed = Posed(data, 1 / 32)
        return posed if run.depth == 1 else Forecasts(posed, stages["bodies"])

    monkeypatch.setattr(measuring, "clips", clips)
    return stages, kept


def run_of(depth: int) -> SimpleNamespace:
    """As much of a run as measuring asks for; ``depth``: how many stages come before it."""
    kind = (PosePredictor, Forecast, Refine)[depth]
    parts = {"name": "performers"}, {}, False, 3, False, "PosePredictor", kind
    named = dict(zip(("data", "taught", "backwards", "every", "dealt", "method", "kind"), parts, strict=True))
    return SimpleNamespace(depth=depth, bodies=True, **named)


def test_g_m_is_measured_by_true_poses_and_by_forecast_ones(trained):
    stages, kept = trained
    facts = {"split": "test", "measured_performers": 3}
    parts, known, picture = measuring.measured_bodies(run_of(1), stages["bodies"], "test", facts)
    assert set(parts) == {"clips", "forecast"} and all(len(table) == PEOPLE for table in parts.values())
    assert list(parts["clips"]) == ["subject", "expression", *metrics.BODY_COLUMNS]
    assert not np.allclose(parts["clips"]["mse"], parts["forecast"]["mse"], rtol=1e-6)
    by_system = known.groupby("system")[["mse", "motion", "moving_ratio"]].mean()
    assert by_system.loc["real", "mse"] == 0 and by_system.loc["copy", "motion"] == 0
    assert set(by_system.index) == {"real", "copy", "nearest"} and list(kept) == [facts["references"]]
    assert picture.dtype == np.uint8 and picture.ndim == 3


def test_the_forecast_ones_are_held_against_the_same_true_frames(trained):
    """Seventeen frames are left of twenty-six: the last of ten that are seen, and those after it."""
    stages, _ = trained
    run = run_of(1)
    clip = measuring.clips(run, "test", lambda one: measuring.future_of(one, stages["poses"], True))[1]
    parts, _, _ = measuring.measured_bodies(run, stages["bodies"], "test", {"split": "test", "measured_performers": 3})
    assert len(clip) == 17 and np.array_equal(clip.frames, body(26, 1).frames[9:])
    wanted = metrics.compare_bodies(stages["bodies"].redraw(clip).frames, clip)
    assert parts["forecast"].iloc[1]["mse"] == pytest.approx(wanted["mse"])


def test_g_r_is_measured_beside_what_it_was_given(trained):
    stages, _ = trained
    torch.nn.init.normal_(stages["refined"].network.up[-1].weight, std=0.2)
    parts, _, _ = measuring.measured_bodies(
        run_of(2), stages["refined"], "test", {"split": "test", "measured_performers": 3}
    )
    assert set(parts) == {"clips", "forecast", "unrefined", "unrefined_forecast"}
    assert not np.allclose(parts["clips"]["mse"], parts["unrefined"]["mse"], rtol=1e-6)


def shown(system, **changes):
    """One of the systems of `compared` that are shown bodies of these clips."""
    config = {"size": SIZE, "base_channels": 4, "frames": 5, "shows": "bodies", "expressions": ("golf_swing",)}
    return system(system.Config.small(**config, **changes)).eval()


def test_a_system_that_knows_no_poses_is_measured_on_the_same_frames(trained):
    stages, kept = trained
    run, facts = run_of(1), {"split": "test", "measured_performers": 3}
    measuring.measured_bodies(run, stages["bodies"], "test", facts)
    run.kind = ConvLSTM
    system = shown(ConvLSTM)
    parts, known, _ = measuring.measured_bodies(run, system, "test", facts)
    clip = measuring.clips(run, "test", lambda one: measuring.future_of(one, stages["poses"]))[1]
    assert set(parts) == {"clips"} and len(kept) == 1 and len(known) == 3 * PEOPLE
    wanted = metrics.compare_bodies(system.redraw(clip).frames, clip)
    assert parts["clips"].iloc[1]["mse"] == pytest.approx(wanted["mse"])


def test_a_system_with_poses_of_its_own_is_measured_by_true_ones_its_own_and_g_cs(trained):
    stages, _ = trained
    run = run_of(1)
    run.kind = HP
    system = shown(HP, hidden=8)
    torch.nn.init.normal_(system.offsets.weight)
    parts, _, _ = measuring.measured_bodies(run, system, "test", {"split": "test", "measured_performers": 3})
    true, guessed = (
        measuring.clips(run, "test", lambda one, by=by: measuring.future_of(one, stages["poses"], by))[2]
        for by in (False, True)
    )
    draws = {
        "clips": system.followed(true), "forecast": system.redraw(true), "forecast_shared": system.followed(guessed),
    }  # fmt: skip
    assert set(parts) == set(draws)
    for name, made in draws.items():
        assert parts[name].iloc[2]["mse"] == pytest.approx(metrics.compare_bodies(made.frames, true)["mse"])
    assert len({round(parts[name]["mse"].mean(), 9) for name in parts}) == 3


def test_a_forecaster_is_measured_as_the_committed_errors_are(trained):
    stages, _ = trained
    parts, others, _ = measuring.measured_poses(
        run_of(0), stages["poses"], "test", {"split": "test", "measured_performers": 3}
    )
    assert list(parts["clips"]) == ["subject", "expression", *(str(n) for n in range(1, 33))]
    assert set(others["system"]) == {poses.STILL, poses.MEAN, *poses.VELOCITIES} and len(parts["clips"]) == PEOPLE
    assert parts["clips"]["subject"].tolist() == [f"body {n}" for n in range(PEOPLE)]
    asked = [poses.sequence_of(body(26, n).truth, "golf_swing", n) for n in range(PEOPLE)]
    asked = [window for window in poses.windows(asked) if window.first]
    np.testing.assert_allclose(parts["clips"].iloc[:, 2:18], poses.errors(stages["poses"].forecast, asked)[:, :16])


def test_a_reader_of_joints_is_measured_beside_their_mean_place(trained):
    run, reader = run_of(0), Hourglass(HourglassConfig(size=SIZE, channels=8))
    run.kind = Hourglass
    facts = {"split": "test", "measured_performers": 3}
    parts, mean, picture = measuring.measured_readings(run, reader, "test", facts)
    assert list(parts["clips"]) == ["subject", "expression", "joint_error", "pck"] and len(parts["clips"]) == PEOPLE
    assert set(mean["system"]) == {"mean place"} and mean["joint_error"].mean() < parts["clips"]["joint_error"].mean()
    clip = body(26, 1)
    assert (
        parts["clips"].iloc[1]["pck"]
        == metrics.joints_found(reader.read(clip.frames)[0], clip.truth["joints"], clip.truth["visible"])["pck"]
    )
    run.kind = PosePredictor  # what is read of the same people as is forecast is filed under another name
    assert measuring.reference_digest(run, facts) != facts["references"] and picture.dtype == np.uint8


def test_reference_rows_are_filed_by_the_version_of_the_renderer():
    """Otherwise a clip drawn anew would be held against a still of the old one."""
    facts = [{"split": "test", "measured_performers": version} for version in (3, 4)]
    of = [measuring.reference_digest(run_of(1), one) for one in facts]
    poses = measuring.reference_digest(run_of(0), facts[0])
    assert len({*of, poses}) == 3


def test_a_result_says_which_renderer_drew_its_people():
    run = SimpleNamespace(data={"name": "performers"})
    assert results.rendered_by(run, "measured_") == {"measured_performers": performers.RENDERER_VERSION}
    assert results.rendered_by(SimpleNamespace(data={"name": "mug"})) == {}
