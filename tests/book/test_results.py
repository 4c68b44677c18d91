"""Results are written as a folder a run and read back as they were; the committed ones are whole."""

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from i2vbook import checkout
from i2vbook.audits import final
from i2vbook.evidence import measuring, poses, results
from i2vbook.evidence.plan import Run, planned
from i2vlib import metrics
from i2vlib.papers.frgan.follower import Follower
from i2vlib.papers.playing import Inferring

REFERENCES = checkout.RESULTS / "references"
PICTURE = np.full((4, 6, 3), 200, np.uint8)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of the table whose results are nowhere yet."""
    found = planned()["affinegan_64_0"]
    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    return found


def facts(run: Run, **others: object) -> dict:
    return {"run": run.name, "digest": run.digest, "steps": run.steps, **others}


def test_tables_come_back_to_four_decimals_and_lists_as_lists(tmp_path: Path) -> None:
    rows = {"subject": ["a", "b"], "value": [0.12341, 40.6], "some": [None, 1.0], "none": [None, None]}
    frame = pd.DataFrame({**rows, "curve": [[0.1, 0.25004], [1.0]], "step": [1, 2]})
    results.write_table(tmp_path / "x.parquet", frame)
    found = results.read_table(tmp_path / "x.parquet")
    assert found["value"].tolist() == [0.1234, 40.6] and found["curve"].tolist() == [[0.1, 0.25], [1.0]]
    assert list(found) == ["subject", "value", "some", "curve", "step"] and found["some"].isna().tolist() == [
        True,
        False,
    ]
    assert found["subject"].tolist() == ["a", "b"] and found["step"].tolist() == [1, 2]


def test_a_result_is_a_folder_that_replaces_the_earlier_one(run: Run) -> None:
    clips = pd.DataFrame({"subject": ["a"], "expression": ["happy"], "motion": [0.5]})
    history = pd.DataFrame({"step": [1], "loss": [0.00012]})
    results.write(run, facts(run), {"clips": clips, "unrefined": clips, "history": history}, PICTURE)
    assert results.parts(run) == {"clips", "unrefined", "history"}
    results.write(run, facts(run, seconds=3), {"clips": clips, "history": history}, PICTURE)
    assert {path.name for path in run.results.iterdir()} == {
        "run.json", "clips.parquet", "history.parquet", "sample.webp",
    }  # fmt: skip
    assert results.result(run)["seconds"] == 3
    found = results.rows(run)
    assert found["motion"].tolist() == [0.5] and set(metrics.COLUMNS) <= set(found) and found["flicker"].isna().all()
    assert results.rows(run, "history")["loss"].tolist() == [0.00012]
    assert np.abs(np.asarray(Image.open(run.picture)).astype(int) - PICTURE).max() < 4
    with pytest.raises(ValueError, match="affinegan_64_0"):
        results.rows(run, "unrefined")


def test_a_sample_is_kept_of_the_first_seed_alone(run: Run) -> None:
    other = dataclasses.replace(run, name="affinegan_64_1", seed=1)
    results.write(other, facts(other), {"history": pd.DataFrame({"step": [1]})}, PICTURE)
    assert {path.name for path in other.results.iterdir()} == {"run.json", "history.parquet"}


def test_a_result_that_was_not_written_to_its_end_is_none(run: Run) -> None:
    with pytest.raises(AttributeError):
        results.write(run, facts(run), {"clips": "no table"}, PICTURE)
    assert results.result(run) is None and results.parts(run) == set()
    with pytest.raises(ValueError, match="--only affinegan_64_0"):
        results.rows(run)


def test_reference_rows_are_kept_once_and_take_the_place_of_their_summary(run: Run) -> None:
    clips = pd.DataFrame({"subject": ["a", "b"], "expression": ["happy"] * 2, "motion": [0.5, 0.7]})
    rows = clips.assign(system="copy", motion=[0.0, 0.2])
    summary = metrics.summary(rows).reset_index()
    results.write_table(checkout.RESULTS / "references" / "same_summary.parquet", summary)
    results.write(run, facts(run, references="same"), {"clips": clips}, PICTURE)
    assert results.reference_rows("same") is None
    first = results.measurements(run, "happy")
    results.write_references("same", rows)
    assert [path.name for path in (checkout.RESULTS / "references").iterdir()] == ["same.parquet"]
    assert results.measurements(run, "happy") == first
    assert f"{first['AffineGAN']['motion']:.2f}" == "0.60 [0.50, 0.70]"
    assert f"{first['copy']['motion']:.2f}" == "0.10 [0.00, 0.20]"


def test_a_history_is_thinned_and_keeps_every_validation() -> None:
    steps = np.arange(1, 1001)
    score = np.where(steps % 125 == 0, 0.5, np.nan)
    found = results.thin(pd.DataFrame({"step": steps, "loss": steps / 1000, "validation/score": score}))
    assert found["validation/score"].notna().sum() == 8 and 100 <= len(found) <= 108
    assert len(results.thin(pd.DataFrame({"step": steps[:199], "loss": 1.0}))) == 100
    assert len(results.thin(pd.DataFrame({"step": steps[:80], "loss": 1.0}))) == 80


def test_a_thinned_history_ends_with_the_last_terms_and_has_no_empty_rows() -> None:
    steps = np.arange(20, 3001, 20)
    history = pd.DataFrame({"step": steps, "seconds": steps / 5, "loss": steps / 1000})
    history.loc[len(history)] = {"step": 3000, "seconds": 601.0}  # a validation that had nothing to say
    found = results.thin(history)
    assert found["step"].iloc[-1] == 3000 and found["loss"].notna().all() and len(found) == 75
    assert set(found["step"].diff().dropna()) == {40}


def test_numbers_are_of_the_metrics_of_the_method_and_of_each_reference() -> None:
    runs = planned()
    inferring, driven = (runs[name] for name in ("affinegan", "fan"))
    known = [name for name in results.SHOWN if name in set(results.summary(inferring).dropna()["metric"])]
    ours = results.measurements(inferring, "happy")["AffineGAN"]
    assert list(ours) == known and {"spearman", "motion", "acd_i_ratio"} <= set(known)
    found = results.measurements(driven, "happy")
    assert list(found) == ["FAN", "real", "copy", "cross-fade"]
    # A result holds the metrics that there were when it was measured, and FAN infers no intensity.
    assert {"motion", "acd_i_ratio"} <= set(found["FAN"]) <= set(known) - {"spearman"}
    assert found["copy"]["motion"].mean == 0 and "psnr_neutral" not in found["real"]
    # The lead of puffed cheeks moves enough to be compared on one person only: that is no mean over people.
    assert "lead_rise" not in results.measurements(inferring, "cheeks_puffed")["AffineGAN"]
    # A forecast is the method of its own run, and what comes before the method of another.
    assert list(results.measurements(runs["frgan_photos"], "happy")) == ["Forecast", "real", "copy", "cross-fade"]
    assert list(results.measurements(runs["frgan"], "happy"))[:2] == ["Refine", "Forecast"]


def test_measured_clips_know_their_seed_and_a_seed_that_lacks_a_run_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = {name: name for name in ("one_0", "two_0", "one_1", "two_1")}
    stored = {"one_0": [1.0], "two_0": [2.0], "one_1": [3.0]}
    monkeypatch.setattr(results, "planned", lambda: table)
    monkeypatch.setattr(results, "result", stored.get)
    monkeypatch.setattr(results, "rows", lambda name, part: pd.DataFrame({"motion": stored[name]}))
    rows = results.measured({s: [f"one_{s}", f"two_{s}"] for s in (0, 1)})
    assert rows.to_dict("list") == {"motion": [1.0, 2.0], "seed": [0, 0]}
    assert results.measured({1: ["one_1", "two_1"]}) is None


# What is committed --------------------------------------------------------------------------------------------------


def test_every_committed_result_is_whole() -> None:
    done = [run for run in planned().values() if results.result(run)]
    assert len(done) >= 127
    for run in done:
        stored = results.result(run)
        assert (stored["run"], stored["method"], stored["steps"]) == (run.name, run.method, run.steps)
        parts = results.parts(run)
        of_bodies = {"forecast", "unrefined_forecast", "forecast_shared"} if run.bodies else set()
        of_faces = {"inferences", "unrefined", "pairs", "seen", "frames"}
        assert {"clips", "history"} <= parts <= {"clips", "history"} | of_faces | of_bodies
        assert run.method == "Forecast" or "pairs" not in parts
        assert issubclass(run.kind, Inferring) or "inferences" not in parts
        assert ("unrefined" in parts) == (run.method == "Refine")
        assert ("forecast" in parts) == (run.bodies and (issubclass(run.kind, Follower) or run.method == "HP"))
        assert ("forecast_shared" in parts) == (run.bodies and run.method == "HP")
        assert not (run.seed and run.picture.is_file())
        clips = results.rows(run)
        column = "motion" if run.kind.makes == "pictures" else "pck" if run.kind.makes == "readings" else "1"
        assert len(clips) and clips[column].notna().all()
        assert clips["subject"].nunique() == 16
        assert stored["steps"] == results.rows(run, "history")["step"].max()


@cache
def compared(name: str) -> set[str]:
    """The systems of some reference rows, or of their summary where the rows were not kept."""
    rows = results.reference_rows(name)
    return set((results.references(name) if rows is None else rows)["system"])


def test_every_committed_result_names_its_reference_rows_and_none_are_kept_in_vain() -> None:
    done = [(run, found) for run in planned().values() if (found := results.result(run))]
    with final.people_kept_apart():
        done += [(run, found) for run in planned().values() if (found := results.result(run))]
    for run, stored in done:
        assert measuring.reference_digest(run, stored) == stored["references"]
        of_bodies = {
            "pictures": ("real", "copy", "nearest"),
            "readings": ("mean place",),
            "poses": (poses.STILL, poses.MEAN, *poses.VELOCITIES),
        }[run.kind.makes]
        systems = of_bodies if run.bodies else metrics.REFERENCE_ROWS
        assert compared(stored["references"]) == set(systems)
    named = {stored["references"] for _, stored in done}
    assert {path.stem.removesuffix("_summary") for path in REFERENCES.iterdir()} == named


def test_reference_rows_depend_on_the_data_and_not_on_the_method() -> None:
    table = planned()
    run, stored = table["affinegan_64_0"], results.result(table["affinegan_64_0"])
    other = table["paper_64_0"]
    assert measuring.reference_digest(other, results.result(other)) == stored["references"]
    for change in ({"every": 2}, {"backwards": True}, {"data": {**run.data, "subjects": 3}}, {"taught": {"frames": 2}}):
        assert measuring.reference_digest(dataclasses.replace(run, **change), stored) != stored["references"]
    for change in ({"measured_actors": -1}, {"readings": {"extractors": {}}}, {"split": "validation"}):
        assert measuring.reference_digest(run, {**stored, **change}) != stored["references"]


def test_committed_facts_are_plain_json() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for path in checkout.RESULTS.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=refuse)


def test_arms_are_what_was_measured_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    table = planned()
    for seed in (0, 2):
        run = table[f"frgan_64_gated_{seed}"]
        frames = {part: pd.DataFrame({"subject": ["a"], "motion": [0.25 * seed]}) for part in ("clips", "pairs")}
        results.write(run, facts(run), frames, PICTURE)
    rows = {"with a gate": "frgan_64_gated", "without": "frgan_64_eq_1"}
    for part in ("clips", "pairs"):
        found, missing = results.arms(rows, part)
        assert list(found) == ["with a gate"] and missing == {"with a gate": [1], "without": [0, 1, 2]}
        assert found["with a gate"][["seed", "motion"]].to_numpy().tolist() == [[0, 0], [2, 0.5]]
    with pytest.raises(ValueError, match="'frgan_64_gate'.*'gate'"):
        results.arms({"gate": "frgan_64_gate"})
