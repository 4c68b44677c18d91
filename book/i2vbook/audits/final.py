"""Measures shipped weights on people kept apart: ``python -m i2vbook.audits.final``.

The people of the split ``test`` were looked at in hundreds of cells while the book was written, and a few of them chose
a model. Those of ``final``, 64 actors and 16 performers from seed 30,000 on, were fixed before anything was measured on
them, and choose nothing. Every run whose weights are shipped is measured on them once, and every claim that rests on
such runs alone is asked again: `asked_again` has both verdicts. The results go to ``book/results/final``, in about two
hours of one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from i2vbook.evidence import measuring, results
from i2vbook.evidence.learning import weights
from i2vbook.evidence.plan import Run, lineage, planned

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "final"


@contextmanager
def people_kept_apart() -> Iterator[None]:
    """Reads and writes results of people kept apart, in place of those of the split ``test``."""
    before = results.SPLIT.set(SPLIT)
    try:
        yield
    finally:
        results.SPLIT.reset(before)


def shipped() -> list[Run]:
    """Returns the runs whose weights are shipped, each with the stages of other methods that it ships with it."""
    table = planned()
    last = [run for run in table.values() if run.ships and results.result(run)]
    stages = [stage for run in last for stage in {step.method: step for step in lineage(run)}.values()]
    return list({run.name: run for run in stages if results.result(run)}.values())


def measure(run: Run) -> None:
    """Measures a run's shipped weights, of 8 bits, on people kept apart, and writes its result."""
    facts = {"run": run.name, "digest": run.digest, "split": SPLIT, "steps": run.steps}
    facts |= results.rendered_by(run, "measured_")
    parts, _, picture = measuring.tables(run, weights(run), SPLIT, facts)
    with people_kept_apart():
        results.write(run, facts, parts, picture)


def asked_again() -> pd.DataFrame:
    """Asks every claim again whose runs are all measured on people kept apart.

    Returns:
        A row per claim: ``claim``; ``verdict`` and ``value`` of the committed answer, and the same ``apart``.
    """
    import pandas as pd

    from i2vbook.claims import answer
    from i2vbook.show import ledger

    table, rows = planned(), []
    for path in sorted(ledger.KEPT.glob("*.json")):
        kept = json.loads(path.read_text())
        with people_kept_apart():
            if not kept["runs"] or not all(results.result(table[run]) for run in kept["runs"]):
                continue
            try:
                again = answer(path.stem, **kept["evidence"])
            except (ValueError, KeyError):  # it reads more than these runs, of which the weights are gone
                continue
        known = {"claim": path.stem, "verdict": kept["verdict"], "value": kept["value"]}
        rows.append({**known, "verdict apart": again.verdict, "value apart": again.value})
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is not measured yet."""
    parser = argparse.ArgumentParser(prog="python -m i2vbook.audits.final", description="Measure people kept apart.")
    parser.add_argument(
        "--only", nargs="+", metavar="RUN", help="these runs; all whose weights are shipped if not given"
    )
    chosen = parser.parse_args(arguments)
    for run in shipped():
        with people_kept_apart():
            done = results.result(run) is not None
        if not done and (chosen.only is None or run.name in chosen.only):
            print(f"measuring {run.name} on people kept apart", flush=True)
            measure(run)


if __name__ == "__main__":
    main()
