"""How many frames of actors are rendered a second, with everything that can be known of them."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from i2vbook.audits.actors.reading import FIRST

#: What is drawn for the measurement, by each process: people, expressions, frames of a clip.
PEOPLE, SHOWN, FRAMES = 2, ("happy", "surprised", "angry"), 12


def speed(size: int = 128, counts: tuple[int, ...] = (1, 2)) -> dict[str, object]:
    """Frames rendered a second, pictures alone and with everything, by the number of processes at work at once.

    Everything is all truth and all nuisances. A process draws `PEOPLE` in the expressions `SHOWN`, `FRAMES` each, after
    one that does not count. A person's own making counts; starting Python and reading the head from disk do not.
    """
    from i2vlib.datasets.actors import processes

    rates: dict[str, dict[str, float]] = {"pictures": {}, "everything": {}}
    for count in counts:
        for what, found in rates.items():
            with processes(count) as pool:
                jobs = [(FIRST + 100 + PEOPLE * index, size, what == "everything") for index in range(count)]
                done = list(pool.map(_draw, jobs))
            found[str(count)] = round(sum(frames / seconds for frames, seconds in done), 2)
    return {"frames_per_second": rates, "processor": processor(), "cores": os.cpu_count(), "size": size}


def _draw(job: tuple[int, int, bool]) -> tuple[int, float]:
    from i2vlib.datasets import actors

    first, size, everything = job
    all_on = {"truth": "all", "nuisance": actors.Nuisance(blinks=0.3, gaze=3, drift=2, noise=2)}
    options = all_on if everything else {}
    actors.clip(first + 50, "happy", frames=2, size=size, **options)
    start, frames = time.perf_counter(), 0
    for seed in range(first, first + PEOPLE):
        for expression in SHOWN:
            frames += len(actors.clip(seed, expression, frames=FRAMES, size=size, **options))
    return frames, time.perf_counter() - start


def processor() -> str:
    """The name of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
