"""Killing a run: that it is killed while it runs, and that what it ended in is told to the bit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from i2vbook import claims
from i2vbook.audits import kills
from i2vlib.training import CHECKPOINT

#: Counts to ten on disk, a tenth of a second a step, from where it was; if "forgetful", each process leaves its mark;
#: if "fragile", it does not go on.
COUNT = """
import json, os, sys, time
from pathlib import Path
ways, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(exist_ok=True)
path = folder / "checkpoint.pt"
kept = json.loads(path.read_text()) if path.exists() else {"step": 0, "marks": 0}
kept["marks"] += ways == "forgetful"
if ways == "fragile" and kept["step"]:
    sys.exit(3)
while kept["step"] < 10:
    time.sleep(0.1)
    kept["step"] += 1
    (folder / "part").write_text(json.dumps(kept))
    os.replace(folder / "part", path)
"""


@pytest.fixture
def counted(monkeypatch):
    """Reads what `COUNT` keeps as if it were a checkpoint."""

    def load(path: Path, weights_only: bool) -> dict[str, object]:
        kept = json.loads(path.read_text())
        return {"step": kept["step"], "method": {"marks": torch.tensor(kept["marks"])}}

    monkeypatch.setattr(kills.torch, "load", load)


@pytest.mark.parametrize(("ways", "same"), [("steady", True), ("forgetful", False)])
@pytest.mark.slow
def test_what_a_kill_changes_is_seen(ways, same, counted):
    found = kills.record([sys.executable, "-c", COUNT, ways], kills=3)
    assert found["alone"] == found["again"] and len(found["after"]) >= 3 and found["killed"]
    assert all(0 < step <= 10 for step in found["after"]) and min(found["after"]) < 10
    assert (set(found["killed"]) == {found["alone"]}) == same


@pytest.mark.slow
def test_a_run_that_ended_before_its_first_kill_was_not_killed(counted, monkeypatch):
    folders, came = [], iter([False, True, True, False, False, True, False])

    def kill(command: list[str], folder: Path, seconds: float) -> bool:
        folders.append(folder.name)
        kills.do(command, folder)
        return next(came)

    monkeypatch.setattr(kills, "kill", kill)
    found = kills.record([sys.executable, "-c", COUNT, "steady"], kills=3)
    assert folders == [f"killed {number}" for number in (0, 1, 1, 1, 2, 3, 3)]
    assert found["after"] == [10] * 3 and len(found["killed"]) == 2


@pytest.mark.slow
def test_a_run_that_does_not_go_on_is_no_record(counted):
    with pytest.raises(subprocess.CalledProcessError, match="3"):
        kills.record([sys.executable, "-c", COUNT, "fragile"], kills=5)


def test_a_digest_is_of_names_and_bits(tmp_path):
    def digest(**weights: torch.Tensor) -> str:
        torch.save({"method": weights}, tmp_path / CHECKPOINT)
        return kills.ended_in(tmp_path)

    one, next_ = torch.ones(2), torch.nextafter(torch.ones(2), torch.tensor(2.0))
    digests = {digest(a=one), digest(b=one), digest(a=next_), digest(a=one, b=one)}
    assert len(digests) == 4 and digest(a=one) in digests
    assert kills.step_of(tmp_path / "nowhere") == 0


def test_a_run_that_fails_is_no_record():
    with pytest.raises(Exception, match="status"):
        kills.record([sys.executable, "-c", "raise SystemExit(3)"], kills=1)


KEPT = {"steps": 120, "alone": "a", "again": "a", "killed": ["a", "a"], "after": [*range(1, 11)]}


@pytest.mark.parametrize(
    ("changes", "verdict", "share"),
    [
        ({}, "reproduced", 1),
        ({"killed": ["a", "b"]}, "partly", 2 / 3),
        ({"again": "b"}, "partly", 2 / 3),
        ({"again": "b", "killed": ["b", "b"]}, "not reproduced", 0),
        ({"after": [1] * 12}, "partly", 1),  # always at the same place
        ({"after": [120] * 12}, "partly", 1),  # when all was done
        ({"after": [1, 2, 3]}, "partly", 1),
    ],
)
def test_all_digests_are_one_and_the_kills_came_in_time(changes, verdict, share):
    found = claims.answer("BOOK-2", found=KEPT | changes)
    assert (found.verdict, found.value) == (verdict, pytest.approx(share))


@pytest.mark.parametrize(
    ("met", "differ", "verdict"),
    [
        ({"faces": True, "identity": True}, 0, "reproduced"),
        ({"faces": True, "identity": False}, 0, "partly"),
        ({"faces": True, "identity": None}, 0, "partly"),
        ({"faces": True, "identity": True}, 1, "partly"),
        ({"faces": False, "identity": False}, 0, "partly"),
        ({"faces": False, "identity": False}, 1, "not reproduced"),
        ({}, 0, "partly"),
    ],
)
def test_actors_are_borne_out_by_readers_and_drawn_alike(met, differ, verdict):
    assert claims.answer("BOOK-3", met=met, differ=differ).verdict == verdict
