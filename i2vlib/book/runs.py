r"""The reference runs, and doing them: what a chapter calls, and ``python -m i2vlib.book.runs``.

``book/results/runs.toml`` lists every training run that a figure of the book rests on (`i2vlib.book.plan`). The
command does the runs whose result is missing or was made from another definition, goes on with those that were
interrupted (`i2vlib.book.learning`), measures them (`i2vlib.book.measuring`), and writes ``book/results/<run>`` and
the weights (`i2vlib.book.results`). With ``--train`` it stops before measuring, which needs more than a bare machine
has.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import torch

from i2vlib import regions
from i2vlib.book.checkout import RESULTS
from i2vlib.book.learning import clips, cost, earlier, train, validate
from i2vlib.book.measuring import DRIVEN_BY, inferences, measure_run, retargeted, sample
from i2vlib.book.plan import Run, lineage, planned
from i2vlib.book.results import (
    SHOWN,
    arms,
    history,
    measured,
    measurements,
    read_table,
    rendered_by,
    result,
    rows,
    summary,
    write_table,
)
from i2vlib.training import CHECKPOINT

__all__ = [
    "DRIVEN_BY", "RESULTS", "SHOWN", "Run", "arms", "clips", "cost", "earlier", "history", "inferences", "lineage",
    "main", "measure_run", "measured", "measurements", "planned", "read_table", "result", "retargeted", "rows",
    "sample", "summary", "train", "validate", "write_table",
]  # fmt: skip


def _state(run: Run) -> str:
    """One line of ``--list``."""
    facts = result(run)
    state = "done" if facts else "begun" if (run.folder / CHECKPOINT).exists() else "missing"
    notes = ["needs a GPU"] * run.gpu
    for name, today in rendered_by(run).items():
        if facts and facts.get(name, today) != today:
            notes.append(f"trained on version {facts[name]} of the {name}; today's is {today}")
    if facts and (version := facts.get("regions", 1)) != regions.VERSION:
        notes.append(f"what moves: version {version}; today's is {regions.VERSION}")
    return f"{state:8} {run.name:40} {run.steps:7} steps{'  '.join(['', *notes])}"


def main(arguments: Sequence[str] | None = None) -> int:
    from i2vlib.book import packs

    parser = argparse.ArgumentParser(prog="python -m i2vlib.book.runs", description="Do the book's reference runs.")
    parser.add_argument("--list", action="store_true", help="say what is done, begun and missing")
    parser.add_argument("--only", nargs="+", metavar="RUN", help="these runs, whether done or not measured yet")
    parser.add_argument("--again", action="store_true", help="also what has a result: its weights are seldom kept")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop, resumably, after this long")
    parser.add_argument("--device", help="cpu or cuda; left out: what there is")
    parser.add_argument("--train", action="store_true", help="train only")
    parser.add_argument("--measure", action="store_true", help="measure only")
    packs.add_arguments(parser)
    chosen = parser.parse_args(arguments)
    table = planned()
    unknown = set(chosen.only or ()) - set(table)
    if unknown:
        parser.error(f"the table has no runs {sorted(unknown)}; it has {sorted(table)}")
    if chosen.again and not chosen.only:
        parser.error("--again does a run once more that has a result: name it with --only")
    if chosen.list:
        for run in table.values():
            print(_state(run))
        return 0
    deadline = time.monotonic() + 60 * chosen.minutes
    try:
        if packs.carried(chosen):
            return 0
    except ValueError as error:
        parser.error(str(error))
    both = not (chosen.train or chosen.measure)
    for run in packs.gpu_first(table):
        if (chosen.only and run.name not in chosen.only) or (result(run) and not chosen.again):
            continue
        if run.gpu and not chosen.only and not torch.cuda.is_available():
            print(f"leaving out {run.name}: it needs a GPU; name it with --only to do it all the same")
            continue
        if chosen.packs and (why := packs.unready(chosen.packs, run)):
            print(f"leaving out {run.name}: {why}")
            continue
        left = (deadline - time.monotonic()) / 60
        finished = (run.folder / "facts.json").exists()
        if (chosen.train or both) and not finished and left > 0:
            print(f"training {run.name}", flush=True)
            finished = train(run, left, chosen.device)
        if (chosen.measure or both) and finished:
            print(f"measuring {run.name}", flush=True)
            measure_run(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
