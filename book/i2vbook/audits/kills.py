"""Checks that a run which is killed at random moments and resumed ends in the same bits.

``python -m i2vbook.audits.kills`` does a reader's few lines (`LINES`) to their end, does them again, kills them over
and over, and writes ``book/results/kills.json``: the seed of the moments, after which steps the kills came, and a
digest of the weights that each run ended in.
"""

from __future__ import annotations

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
import torch
from tqdm.auto import tqdm

from i2vbook import checkout
from i2vlib.store import digest, write_file
from i2vlib.training import CHECKPOINT

RESULT = checkout.RESULTS / "kills.json"
STEPS, KILLS = 120, 12

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


def record(command: Sequence[str], kills: int = KILLS, seed: int = 0) -> dict[str, object]:
    """What came of a command that trains in the folder that it is given last.

    Returns:
        ``seed`` of the moments; ``alone`` and ``again``, the digests of two runs that were left alone; ``killed``,
        those of the runs that were killed, each over and over until it ended between two kills; and ``after``, the
        steps of the checkpoints that the kills left behind, at least as many as were asked for.
    """
    moments, after, killed = random.Random(seed), [], []
    with TemporaryDirectory() as name, tqdm(total=kills, desc="killing", unit="kill") as bar:
        home = Path(name)
        lasts = min(do(command, home / untouched) for untouched in ("alone", "again"))
        folders = (home / f"killed {number}" for number in itertools.count())
        while len(after) < kills:
            folder = next(folders)
            left = list(_killed(command, folder, lambda: moments.uniform(0, lasts / 2)))
            if left:
                killed.append(ended_in(folder))
            after.extend(left)
            bar.update(len(left))
        alone, again = (ended_in(home / untouched) for untouched in ("alone", "again"))
    return {"seed": seed, "steps": STEPS, "alone": alone, "again": again, "killed": killed, "after": after}


def _killed(command: Sequence[str], folder: Path, moment: Callable[[], float]) -> Iterator[int]:
    """Kills a run until it ends before the kill comes; the step that each kill left behind."""
    while kill(command, folder, moment()):
        yield step_of(folder)


def main() -> None:
    """Kills, and keeps what came of it."""
    found = record([sys.executable, "-c", LINES])
    write_file(RESULT, (json.dumps(found) + "\n").encode())


if __name__ == "__main__":
    main()
