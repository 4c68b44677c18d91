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

from i2vbook import checkout
from i2vbook.evidence import effects, measuring, results
from i2vbook.evidence.effects import Effect
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
    """Asks every claim again whose runs are all measured on people kept apart, and that reads nothing but their rows.

    What a chapter measured and handed to a rule, and what a judge of test people scored, is of the people before.

    Returns:
        A row per claim: ``claim``; ``verdict`` and ``value`` of the committed answer, and the same ``apart``.
    """
    import pandas as pd

    from i2vbook.claims import CLAIMS, answer

    table, rows = planned(), []
    for path in sorted((checkout.RESULTS / "ledger").glob("*.json")):
        kept = json.loads(path.read_text())
        with people_kept_apart():
            there = kept["runs"] and all(results.result(table[run]) for run in kept["runs"])
            if not there or kept["evidence"] or CLAIMS[path.stem].undecided:
                continue
            again = answer(path.stem)
        known = {"claim": path.stem, "verdict": kept["verdict"], "value": kept["value"]}
        rows.append({**known, "verdict apart": again.verdict, "value apart": again.value})
    return pd.DataFrame(rows)


def beside(run: Run, columns: Sequence[str]) -> dict[str, dict[str, Effect]]:
    """Returns the level of some metrics of a run on test people and on people kept apart, over people."""
    tables = {"test people": results.rows(run)}
    with people_kept_apart():
        tables["people kept apart"] = results.rows(run)
    return effects.levels({who: rows.assign(seed=run.seed) for who, rows in tables.items()}, columns)


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
