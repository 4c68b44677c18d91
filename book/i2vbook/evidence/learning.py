"""Doing a reference run: its clips, training it in parts, choosing its weights, what a step costs.

Nothing here needs more than torch, accelerate, safetensors, pandas, numpy, pillow, tqdm and rendered data: a run is
trained on a bare machine, and measured elsewhere (`i2vbook.evidence.measuring`).
"""

from __future__ import annotations

import json
import math
import multiprocessing
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch.utils.data import ConcatDataset, Subset
from tqdm.auto import tqdm

from i2vbook import checkout
from i2vbook.evidence.plan import Run, lineage, planned
from i2vbook.evidence.results import rendered_by, result, thin
from i2vlib import datasets, regions
from i2vlib.clips import Clip, backwards
from i2vlib.hub import SHIPPED, load_pretrained
from i2vlib.papers.method import Method
from i2vlib.papers.playing import Inferring
from i2vlib.store import write_file
from i2vlib.training import fit

if TYPE_CHECKING:
    from i2vlib.datasets.actors import Actors
    from i2vlib.datasets.performers import Performers

VALIDATION = 4  # subjects that choose the checkpoint


def sources(run: Run, split: str, **changes: object) -> list[Actors | Performers]:
    """Opens the data sets that the clips of a run come from: its own, and that of more training people if it has any.

    ``subjects`` of the table counts those trained on.
    """
    options = run.data | run.taught if split == "train" else {k: v for k, v in run.data.items() if k != "subjects"}
    truth = run.kind.truth(run.settings)
    options = {**options, **changes} | ({"truth": truth} if truth else {})
    name, also = options.pop("name"), [run.also] if run.also and split == "train" else []
    return [datasets.open(name, split, **options | others) for others in ({}, *also)]


def clips(run: Run, split: str, seen_as: Callable[[Clip], Clip] | None = None, **changes: object) -> Sequence[Clip]:
    """The clips of a run's `sources` in one of its splits; where they are dealt, those that its model is about.

    Each clip goes through ``seen_as``, where given, before the method prepares it.
    """
    people = sources(run, split, **changes)
    data = people[0] if len(people) == 1 else ConcatDataset(people)
    drivers, others = None, {**run.data, **changes}.get("driven_by", 0)
    if run.fitted and others:
        drivers = sources(run, split, **{**changes, "driven_by": 0})[0]
        count, each = len(drivers), len(drivers.expressions)
        drivers = Subset(drivers, [(index + others * each) % count for index in range(count)])
    if run.backwards:
        data = _SeenAs(data, backwards)
    elif run.dealt:
        taught, names = run.settings.expressions, data.expressions
        kept = [e in taught and (split != "train" or e == names[seed % len(names)]) for seed, e in data.keys]
        data = Subset(data, np.flatnonzero(kept).tolist())
    if seen_as is not None:
        data = _SeenAs(data, seen_as)
    return run.kind.prepared(data, run.settings, run.fitted, drivers, earlier(run))


def earlier(run: Run) -> list[Method]:
    """The trained methods of other kinds that a run builds on: for a G_R, the G_M whose clips it refines."""
    kinds = {step.method: step for step in lineage(run) if step.method != run.method}
    return [weights(step) for step in kinds.values()]


@dataclass(frozen=True)
class _SeenAs(Sequence):
    data: Sequence[Clip]
    change: Callable[[Clip], Clip]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Clip:
        return self.change(self.data[index])


def validate(method: torch.nn.Module, data: Sequence[Clip]) -> dict[str, float]:
    """How a method stands on validation clips, without any reader of faces; lower ``score`` is better.

    Returns:
        score: the error inside the moving region at the peak, over that of copying the neutral frame; motion:
        the change that the method makes there, over the true one; psnr: of the decoded still, in dB, at most 60; and,
        of a method that infers the intensity, spearman: of the signed projection with the true intensity, negative for
        a mirrored solution. A method that infers none is driven by the true intensity.
    """
    from i2vlib import metrics

    rows, infers = [], isinstance(method, Inferring)
    for clip in data:
        peak = metrics.peak_frame(clip)
        ends, made = clip.frames[[0, peak]], method.redraw(clip, [0, peak]).frames
        rows.append(
            {
                "score": metrics.moving_ratio(made[1], ends[1], ends[0]),
                "motion": metrics.motion(made, ends),
                **({"spearman": metrics.spearman(method.drive(clip), clip.intensity)} if infers else {}),
                "psnr": -10 * math.log10(max(_squared_error(made[0], ends[0]), 10 ** (-metrics.BEST_PSNR / 10))),
            }
        )
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def _squared_error(made: np.ndarray, true: np.ndarray) -> float:
    """Of the full range: without scikit-image, which a bare machine lacks."""
    return float(np.square(made / 255 - true / 255).mean())


def train(run: Run, minutes: float = float("inf"), device: str | None = None, **options: object) -> bool:
    """Trains a run, or goes on with it, for at most so many minutes; True once all its steps are done."""
    deadline = time.monotonic() + 60 * minutes
    torch.manual_seed(run.seed)
    method, best = run.kind(run.settings), run.folder / "best"
    if before := parent(run):
        method.inherit(weights(before))
    if not run.steps:
        method.save_pretrained(best)
        _finish(run, method, pd.DataFrame({"step": [0], "seconds": [0.0]}))
        return True
    data = clips(run, "train")
    held_out = clips(run, "validation", subjects=VALIDATION)
    if run.kind.truth(run.settings):
        for index in tqdm(range(len(data)), desc="drawing conditions", unit="clip"):
            data[index]

    def keep(method: torch.nn.Module) -> dict[str, float]:
        measured = validate(method, held_out) if run.kind.makes == "pictures" else {}
        score = best / "score.json"
        best_so_far = run.keep == "best" and score.exists()
        least = json.loads(score.read_text())["score"] if best_so_far else float("inf")
        if run.keep == "last" or measured["score"] < least:
            method.save_pretrained(best)
            write_file(score, json.dumps(measured).encode())
        return measured

    history = fit(
        method, data, run.steps, run.seed, run.folder, precision=run.precision, device=device, validate=keep,
        validate_every=max(1, run.steps // 8), stop=lambda: time.monotonic() > deadline, **options,
    )  # fmt: skip
    finished = int(history["step"].max()) >= run.steps
    if finished:
        _finish(run, method, history)
    return finished


def _finish(run: Run, method: Method, history: pd.DataFrame) -> None:
    """Leaves what measuring needs to know of the training."""
    facts = {
        "digest": run.digest, "method": run.method, "steps": run.steps, "seed": run.seed,
        "device": next(method.parameters()).device.type, "threads": torch.get_num_threads(),
        "seconds": round(float(history["seconds"].max())), "commit": _commit(), "python": platform.python_version(),
        **rendered_by(run), "regions": regions.VERSION,
        "history": json.loads(thin(history).to_json(orient="records")),
    }  # fmt: skip
    write_file(run.folder / "facts.json", json.dumps(facts, indent=1).encode())


def cost(run: Run, steps: int = 10) -> dict[str, float]:
    """What a training step of a run takes on this machine's CPU, on one thread, in a process of its own.

    Returns:
        seconds_per_step, after a first step that is not counted, and memory_gib, the most that the process held.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_cost, run, steps).result()


def _cost(run: Run, steps: int) -> dict[str, float]:
    import resource  # not on Windows

    torch.set_num_threads(1)
    method, data = run.kind(run.settings), clips(run, "train")
    for index in range(steps):  # conditions are drawn beforehand
        data[index % len(data)]
    history = fit(
        method, Subset(data, range(min(steps, len(data)))), steps + 1, run.seed, precision=run.precision, device="cpu",
        log_every=1, progress=False,
    )  # fmt: skip
    seconds = history["seconds"].to_numpy()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30
    return {"seconds_per_step": float((seconds[-1] - seconds[0]) / steps), "memory_gib": most}


def parent(run: Run) -> Run | None:
    """The run of the same method whose weights a run starts from; None if it begins anew."""
    before = planned().get(run.inherits or run.start)
    return before if before and before.method == run.method else None


def shipped_by(run: Run) -> Run | None:
    """The run with whose weights this one's were shipped: itself, one that takes them as they are, or that of a later
    stage; None if they were not."""
    done = (last for last in planned().values() if last.ships and result(last))
    for last in done:
        stages = {step.method: step for step in lineage(last)}.values()
        if run in stages or run in [parent(stage) for stage in stages if not stage.steps]:
            return last
    return None


def weights(run: Run) -> Method:
    """What a run ended in: as trained here, or else as shipped, by itself or as a stage of what it was used for.

    Raises:
        ValueError: it is neither.
    """
    if (run.folder / "best").is_dir():
        return load_pretrained(run.folder / "best", "cpu")
    if last := shipped_by(run):
        return load_pretrained(SHIPPED / last.ships, "cpu").stages()[run.method]
    again = " --again" if result(run) else ""  # its result is there, its weights are not
    raise ValueError(f"The run {run.name} has to be done first: python -m i2vbook.evidence --only {run.name}{again}.")


def _commit() -> str:
    command = ["git", "-C", str(checkout.ROOT), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
