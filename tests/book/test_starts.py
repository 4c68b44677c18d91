"""The thresholds of what a still does already are those that were measured on actors."""

import numpy as np
import pandas as pd
import pytest

from i2vbook.audits.actors import starts
from i2vlib.faces.rest import SIGNS


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(starts.RESULT)


@pytest.fixture(scope="module")
def table(frame) -> pd.DataFrame:
    return starts.thresholds(frame).set_index(["sign", "read"])


def test_the_thresholds_are_those_measured(table):
    for sign in SIGNS:
        assert table.loc[(sign.does, "score"), "threshold"] == sign.threshold
        if sign.spans:
            assert table.loc[(sign.does, "ratio"), "threshold"] == sign.widest


def test_two_of_a_hundred_at_rest_cross_and_half_or_more_of_those_that_do_it(table):
    told = table.loc[[sign.does for sign in SIGNS]]
    assert (told[["wide", "lifelike"]] <= starts.AT_REST).all(axis=None)
    assert (told["caught"] >= 0.5).all() and (told["doing"] >= 10).all() and (told["mistaken"] < 0.1).all()


def test_what_is_not_told_is_hardly_told_from_rest(table):
    assert (table.loc[[sign.does for sign in starts.UNTOLD], "caught"] < 0.4).all()


def test_who_was_measured(frame):
    at_rest = frame[frame["shows"] == "rest"]
    assert at_rest.groupby("cast")["seed"].nunique().to_dict() == starts.PEOPLE
    assert (frame["seed"] >= 10_000).all() and (frame["seed"] < 20_000).all()
    assert (frame["shows"] == "start").sum() == 96
    true = frame[[column for column in frame.columns if column.endswith("true")]]
    assert (true[frame["shows"] == "rest"] == 0).all(axis=None)


def test_a_threshold_keeps_both_shares_where_it_can():
    rest, doing = np.linspace(0, 0.099, 100), np.linspace(0.3, 0.795, 100)
    limit = starts.threshold([rest, rest / 2], doing)
    assert limit == 0.34 and (doing > limit).mean() == pytest.approx(0.91)
    assert (doing > limit + 0.011).mean() < 0.9


def test_a_threshold_lets_few_at_rest_cross_whoever_is_missed():
    rest = np.r_[np.zeros(48), 0.521, 0.9]
    limit = starts.threshold([np.zeros(48), rest], np.full(20, 0.3))
    assert limit == 0.53 and (rest > limit).mean() == 0.02
    assert starts.threshold([rest[1:]], np.full(20, 0.3)) == 0.9, "of 49, none may"
    assert starts.threshold([rest], np.array([])) == 0.53


@pytest.mark.slow
def test_the_command_measures_a_person(head, monkeypatch, tmp_path, capsys):
    pytest.importorskip("ai_edge_litert", reason='reading faces needs pip install "i2vlib[faces]"')
    monkeypatch.setattr(starts, "PEOPLE", {"lifelike": 2, "wide": 1})
    monkeypatch.setattr(starts, "FIRST", 10_001)
    monkeypatch.setattr(starts, "RESULT", tmp_path / "starts.csv")
    monkeypatch.setattr("sys.argv", ["starts"])
    starts.main()
    measured = pd.read_csv(tmp_path / "starts.csv")
    assert measured["shows"].tolist() == ["rest", "start", "start", "eyes_closed", "surprised"] + [
        "rest", "start", "start", "angry", "rest",
    ]  # fmt: skip
    closed = measured[measured["shows"] == "eyes_closed"].iloc[0]
    assert closed["has its eyes closed: true"] > 0.5 and closed["has its eyes closed: score"] > 0.3
    assert "smiles" in capsys.readouterr().out
