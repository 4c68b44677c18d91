"""The table of Fréchet distances: what stands in it, and that measuring one run leaves the others."""

import numpy as np
import pytest

from i2vbook.audits import frechet
from i2vbook.evidence.plan import planned
from i2vlib import metrics
from i2vlib.clips import Clip


def people(seed):
    """Two clips of two frames; the second frame is brighter."""
    noise = np.random.default_rng(seed).integers(0, 200, (2, 1, 4, 4, 3), np.uint8)
    return [
        Clip(np.concatenate([x, x + 40]), intensity=np.array([0, 1], np.float32), expression="happy", subject=f"{n}")
        for n, x in enumerate(noise)
    ]


@pytest.fixture
def table(monkeypatch, tmp_path):
    monkeypatch.setattr(frechet, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(frechet, "_clips", lambda run, split, **options: people(0 if split == "test" else 1))
    monkeypatch.setattr(frechet, "_made", lambda run: (clip.frames for clip in people(run.seed)))
    monkeypatch.setattr(metrics, "video_features", lambda frames: frames.mean((1, 2)).ravel())
    return tmp_path / "table.csv"


def test_runs_stand_beside_copying_a_cross_fade_and_other_people(table):
    assert frechet.found().empty
    names = ["compared_hp_0", "compared_hp_1"]
    frechet.add([planned()[names[0]]])
    first = frechet.found()["distance"]
    assert set(first.index) == {names[0], "copy", "cross-fade", frechet.OTHERS} and set(frechet.found()["clips"]) == {2}
    assert first[names[0]] == 0  # seed 0 makes the true clips
    # A still is as bright in its second frame as in its first: 40 too dark in three colours.
    assert first["copy"] == pytest.approx(3 * 40**2) and first[frechet.OTHERS] > 0
    frechet.add([planned()[names[1]]])
    assert frechet.found()["distance"].to_dict() == {**first, names[1]: first[frechet.OTHERS]}
    assert table.read_text().splitlines()[0] == "name,clips,distance"


def test_runs_of_other_clips_do_not_share_a_table(table, monkeypatch):
    seeds = {"compared_hp_0": 0, "compared_hp_1": 5}
    monkeypatch.setattr(frechet, "_clips", lambda run, split, **options: people(seeds[run.name]))
    with pytest.raises(ValueError, match="compared_hp_0.*compared_hp_1"):
        frechet.add([planned()[name] for name in seeds])
    assert not table.exists()


@pytest.mark.parametrize("given", [[], ["no_such_run"]])
def test_a_run_that_is_not_there_is_answered_in_a_sentence(given, monkeypatch):
    monkeypatch.setattr("sys.argv", ["frechet", *given])
    with pytest.raises(SystemExit, match="table"):
        frechet.main()
