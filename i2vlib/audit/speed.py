"""How many frames of actors are rendered a second, with everything that can be known of them."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from i2vlib.audit.reading import FIRST, processes

#: What is drawn for the measurement, by each process: people, expressions, frames of a clip.
PEOPLE, SHOWN, FRAMES = 2, ("happy", "surprised", "angry"), 12


def speed(size: int = 128, counts: tuple[int, ...] = (1, 2)) -> dict[str, object]:
    """Frames rendered a second with all truth and all nuisances, by the number of processes at work at once.

    A process draws `PEOPLE` in the expressions `SHOWN`, `FRAMES` each, after one that does not count. A person's own
    making counts; starting Python and reading the head from disk do not.
    """
    rates = {}
    for count in counts:
        with processes(count) as pool:
            done = list(pool.map(_draw, [(FIRST + 100 + PEOPLE * index, size) for index in range(count)]))
        rates[str(count)] = sum(frames / seconds for frames, seconds in done)
    return {
        "frames_per_second": {count: round(rate, 2) for count, rate in rates.items()},
        "processor": processor(),
        "cores": os.cpu_count(),
        "size": size,
    }


def _draw(job: tuple[int, int]) -> tuple[int, float]:
    from i2vlib.datasets import actors

    first, size = job
    everything = {"truth": "all", "nuisance": actors.Nuisance(blinks=0.3, gaze=3, drift=2, noise=2)}
    actors.clip(first + 50, "happy", frames=2, size=size, look=2, **everything)
    start, frames = time.perf_counter(), 0
    for seed in range(first, first + PEOPLE):
        for expression in SHOWN:
            frames += len(actors.clip(seed, expression, frames=FRAMES, size=size, look=2, **everything))
    return frames, time.perf_counter() - start


def processor() -> str:
    """The name of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
