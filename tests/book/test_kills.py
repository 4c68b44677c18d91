"""A run that is killed at random moments and goes on ends in the same bits as one that was left alone.

``python -m tests.book.test_kills`` kills one until a dozen kills have come, and writes ``book/results/kills.json``, on
which the ledger's BOOK-2 rests: the seed of the moments, after which steps the kills came, and a digest of the weights
that each run ended in.
"""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from i2vbook import checkout, claims
from i2vlib.store import digest, write_file
from i2vlib.training import CHECKPOINT

STEPS = 120

#: A training run as a reader writes it: small, with all that is random in one, and a checkpoint every few steps.
LINES = f"""
import sys, torch, i2vlib
torch.set_num_threads(1)
clips = i2vlib.datasets.open("actors", split="train", subjects=2, expressions=["happy"], size=32, frames=6)
config = i2vlib.AffineGANConfig.small(size=32, base_channels=8, expressions=("happy",), latent_noise=0.01, dropout=0.5)
model, where = i2vlib.AffineGAN(config), dict(folder=sys.argv[1], device="cpu")
i2vlib.fit(model, clips, steps={STEPS}, seed=3, checkpoint_every=7, progress=False, **where)
"""


def ended_in(folder: Path) -> str:
    """A digest of the weights of a run's last checkpoint: their names, and every bit of them."""
    weights = torch.load(folder / CHECKPOINT, weights_only=True)["method"]
    names = sorted(weights)
    return digest(np.array(names), *(weights[name].numpy() for name in names))


def step_of(folder: Path) -> int:
    """The step after which a run's last checkpoint was written; 0 before the first."""
    path = folder / CHECKPOINT
    return torch.load(path, weights_only=True)["step"] if path.exists() else 0


def do(command: Sequence[str], folder: Path) -> float:
    """Runs a command on a folder to its end; the seconds from its first checkpoint on. Raises
    `subprocess.CalledProcessError` if it fails."""
    process = _begun(command, folder)
    began = time.monotonic()
    _ended(process)
    return time.monotonic() - began


def kill(command: Sequence[str], folder: Path, seconds: float) -> bool:
    """Runs a command on a folder and kills it so long after its next checkpoint; whether it was still running. Raises
    `subprocess.CalledProcessError` if it fails."""
    process = _begun(command, folder)
    time.sleep(seconds)
    process.kill()
    return _ended(process)


def _begun(command: Sequence[str], folder: Path) -> subprocess.Popen:
    """A command that has written a checkpoint of its own into the folder, or has ended."""
    path = folder / CHECKPOINT
    known = path.stat().st_mtime_ns if path.exists() else 0
    process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL)
    while process.poll() is None and not (path.exists() and path.stat().st_mtime_ns > known):
        time.sleep(0.005)
    return process


def _ended(process: subprocess.Popen) -> bool:
    """Waits for the end of a process; whether it was killed."""
    if (status := process.wait()) not in (0, -signal.SIGKILL):
        raise subprocess.CalledProcessError(status, process.args)
    return status == -signal.SIGKILL


def record(command: Sequence[str], kills: int, seed: int = 0) -> dict[str, object]:
    """What came of a command that trains in the folder that it is given last.

    Returns:
        ``seed`` of the moments; ``alone`` and ``again``, the digests of two runs that were left alone; ``killed``,
        those of the runs that were killed, each over and over until it ended between two kills; and ``after``, the
        steps of the checkpoints that the kills left behind, at least as many as were asked for.
    """
    moments, after, killed = random.Random(seed), [], []
    with TemporaryDirectory() as name:
        home = Path(name)
        lasts = min(do(command, home / untouched) for untouched in ("alone", "again"))
        folders = (home / f"killed {number}" for number in itertools.count())
        while len(after) < kills:
            folder = next(folders)
            left = list(_killed(command, folder, lambda: moments.uniform(0, lasts / 2)))
            if left:
                killed.append(ended_in(folder))
            after.extend(left)
        alone, again = (ended_in(home / untouched) for untouched in ("alone", "again"))
    return {"seed": seed, "steps": STEPS, "alone": alone, "again": again, "killed": killed, "after": after}


def _killed(command: Sequence[str], folder: Path, moment: Callable[[], float]) -> Iterator[int]:
    """Kills a run until it ends before the kill comes; the step that each kill left behind."""
    while kill(command, folder, moment()):
        yield step_of(folder)


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

    monkeypatch.setattr(torch, "load", load)


@pytest.mark.parametrize(("ways", "same"), [("steady", True), ("forgetful", False)])
@pytest.mark.slow
def test_what_a_kill_changes_is_seen(ways, same, counted):
    found = record([sys.executable, "-c", COUNT, ways], kills=3)
    assert found["alone"] == found["again"] and len(found["after"]) >= 3 and found["killed"]
    assert all(0 < step <= 10 for step in found["after"]) and min(found["after"]) < 10
    assert (set(found["killed"]) == {found["alone"]}) == same


@pytest.mark.slow
def test_a_run_that_ended_before_its_first_kill_was_not_killed(counted, monkeypatch):
    folders, came = [], iter([False, True, True, False, False, True, False])

    def told(command: list[str], folder: Path, seconds: float) -> bool:
        folders.append(folder.name)
        do(command, folder)
        return next(came)

    monkeypatch.setitem(globals(), "kill", told)
    found = record([sys.executable, "-c", COUNT, "steady"], kills=3)
    assert folders == [f"killed {number}" for number in (0, 1, 1, 1, 2, 3, 3)]
    assert found["after"] == [10] * 3 and len(found["killed"]) == 2


@pytest.mark.slow
def test_a_run_that_does_not_go_on_is_no_record(counted):
    with pytest.raises(subprocess.CalledProcessError, match="3"):
        record([sys.executable, "-c", COUNT, "fragile"], kills=5)


def test_a_digest_is_of_names_and_bits(tmp_path):
    def of(**weights: torch.Tensor) -> str:
        torch.save({"method": weights}, tmp_path / CHECKPOINT)
        return ended_in(tmp_path)

    one, next_ = torch.ones(2), torch.nextafter(torch.ones(2), torch.tensor(2.0))
    digests = {of(a=one), of(b=one), of(a=next_), of(a=one, b=one)}
    assert len(digests) == 4 and of(a=one) in digests
    assert step_of(tmp_path / "nowhere") == 0


def test_a_run_that_fails_is_no_record():
    with pytest.raises(Exception, match="status"):
        record([sys.executable, "-c", "raise SystemExit(3)"], kills=1)


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


if __name__ == "__main__":
    write_file(checkout.RESULTS / "kills.json", (json.dumps(record([sys.executable, "-c", LINES], 12)) + "\n").encode())
