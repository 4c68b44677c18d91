"""Does the reference runs: ``python -m i2vbook.evidence``.

``book/results/runs.toml`` lists every training run that a figure of the book rests on (`i2vbook.evidence.plan`). The
command does the runs whose result is missing or was made from another definition, goes on with those that were
interrupted (`i2vbook.evidence.learning`), measures them (`i2vbook.evidence.measuring`), and writes
``book/results/<run>`` and the weights (`i2vbook.evidence.results`). With ``--train`` it stops before measuring, which
needs more than a bare machine has.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from i2vbook.evidence.learning import train
from i2vbook.evidence.measuring import measure_run
from i2vbook.evidence.plan import Run, gpu_first, planned
from i2vbook.evidence.results import rendered_by, result
from i2vlib import regions
from i2vlib.training import CHECKPOINT


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m i2vbook.evidence", description="Do the book's reference runs.")
    parser.add_argument("--list", action="store_true", help="say what is done, begun and missing")
    parser.add_argument("--only", nargs="+", metavar="RUN", help="these runs, whether done or not measured yet")
    parser.add_argument("--again", action="store_true", help="also what has a result: its weights are seldom kept")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop, resumably, after this long")
    parser.add_argument("--device", help="cpu or cuda; left out: what there is")
    parser.add_argument("--train", action="store_true", help="train only")
    parser.add_argument("--measure", action="store_true", help="measure only")
    carried = parser.add_mutually_exclusive_group()
    for name, what in {
        "--pack": "pack what training reads, to carry it to a bare machine",
        "--unpack": "unpack what --pack wrote; with --train, train the runs that it is of",
        "--bring": "pack what training has left, to carry it back",
        "--fetch": "put what --bring wrote in its place, to be measured or gone on with",
    }.items():
        carried.add_argument(name, type=Path, metavar="FOLDER", help=what)
    parser.add_argument("--part-mb", type=float, default=16, help="the most that a part may have; 16 if not given")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line asks for; 0 as it is done."""
    parser = _parser()
    chosen, table = parser.parse_args(arguments), planned()
    if unknown := set(chosen.only or ()) - set(table):
        parser.error(f"the table has no runs {sorted(unknown)}; it has {sorted(table)}")
    if chosen.again and not chosen.only:
        parser.error("--again does a run once more that has a result: name it with --only")
    if chosen.list:
        for run in table.values():
            print(_state(run))
        return 0
    order = [run for run in gpu_first(table) if not chosen.only or run.name in chosen.only]
    try:
        packed = _carry(chosen, order)
    except ValueError as error:
        parser.error(str(error))
    if not (chosen.pack or chosen.bring or chosen.fetch or (chosen.unpack and not chosen.train)):
        _do([run for run in order if _wanted(run, chosen, packed)], chosen)
    return 0


def _carry(chosen: argparse.Namespace, order: Sequence[Run]) -> dict[str, str] | None:
    """Packs or unpacks, as asked; the digests of the runs that were unpacked, by name."""
    from i2vbook.evidence import packs

    if chosen.pack:
        packs.pack(chosen.pack, [run for run in order if not result(run)], chosen.part_mb)
    elif chosen.bring:
        packs.bring(chosen.bring, order, chosen.part_mb)
    elif folder := chosen.unpack or chosen.fetch:
        return packs.read_pack(folder, replace=bool(chosen.fetch))
    return None


def _wanted(run: Run, chosen: argparse.Namespace, packed: Mapping[str, str] | None) -> bool:
    """Whether a run is to be done now; says so if it could be and is left out."""
    if result(run) and not chosen.again:
        return False
    why = None
    if run.gpu and not chosen.only and not torch.cuda.is_available():
        why = "it needs a GPU; name it with --only to do it all the same"
    elif packed is not None and packed.get(run.name) != run.digest:
        why = "its definition has changed since it was packed" if run.name in packed else "it is not in the pack"
    if why:
        print(f"leaving out {run.name}: {why}")
    return not why


def _do(runs: Sequence[Run], chosen: argparse.Namespace) -> None:
    """Trains runs and measures them, or one of the two, until the time is over."""
    deadline, both = time.monotonic() + 60 * chosen.minutes, not (chosen.train or chosen.measure)
    for run in runs:
        left = (deadline - time.monotonic()) / 60
        finished = (run.folder / "facts.json").exists()
        if (chosen.train or both) and not finished and left > 0:
            print(f"training {run.name}", flush=True)
            finished = train(run, left, chosen.device)
        if (chosen.measure or both) and finished:
            print(f"measuring {run.name}", flush=True)
            measure_run(run)


if __name__ == "__main__":
    sys.exit(main())
