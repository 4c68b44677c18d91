"""People kept apart are nobody's who trained, validated or was looked at, and their results stand beside the others."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from i2vbook import checkout
from i2vbook.audits import final
from i2vbook.evidence import results
from i2vbook.evidence.plan import planned
from i2vlib.datasets import actors, performers


@pytest.mark.parametrize(("data", "count"), [(actors.Actors, 64), (performers.Performers, 16)])
def test_people_kept_apart_are_in_no_other_split_however_many_are_asked_for(data, count) -> None:
    seeds = {split: {seed for seed, _ in data(split).keys} for split in ("train", "validation", "test", "final")}
    assert seeds["final"] == set(range(30_000, 30_000 + count))
    for split in ("train", "validation", "test"):
        everybody = {seed for seed, _ in data(split, subjects=10_000).keys}
        assert not everybody & seeds["final"]


def test_no_row_of_the_table_of_runs_trains_or_validates_on_them() -> None:
    for run in planned().values():
        for options in (run.data, run.taught, run.also):
            assert dict(options or {}).get("skip", 0) + dict(options or {}).get("subjects", 0) <= 10_000, run.name


def test_a_result_of_people_kept_apart_stands_beside_the_other_and_neither_reads_the_other(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    run = planned()["fan"]
    facts = {"run": "fan", "digest": run.digest}
    with final.people_kept_apart():
        results.write(run, {**facts, "split": "final"}, {"clips": pd.DataFrame({"subject": ["30000"]})}, None)
        assert results.result(run)["split"] == "final"
        assert results.rows(run)["subject"].tolist() == ["30000"]
    assert results.result(run) is None
    assert json.loads((tmp_path / "final" / "fan" / "run.json").read_text())["split"] == "final"


def test_what_is_measured_is_what_is_shipped_with_the_stages_before_it() -> None:
    names = {run.name for run in final.shipped()}
    assert {"fan", "affinegan", "frgan", "fan_carried_judged", "affinegan_carried_judged_longer"} <= names
    assert not {"fan_mouths", "carried_64_0"} & names


def test_a_claim_is_asked_again_of_rows_alone_and_keeps_the_answer_that_stands() -> None:
    """FAN-1 and FAN-3 read the rows of `fan`; FAN-2 is handed slopes, and FAN-15 a judge's scores, of test people."""
    again = final.asked_again().set_index("claim")
    assert {"FAN-1", "FAN-3"} <= set(again.index) and not {"FAN-2", "FAN-15", "AFF-1"} & set(again.index)
    assert again.loc["FAN-1", "value"] != again.loc["FAN-1", "value apart"]
    assert results.SPLIT.get() == "test"


def test_both_groups_of_people_stand_beside_each_other() -> None:
    both = final.beside(planned()["fan"], ["motion"])
    before, apart = (both[who]["motion"] for who in ("test people", "people kept apart"))
    assert before.high - before.low > apart.high - apart.low > 0
