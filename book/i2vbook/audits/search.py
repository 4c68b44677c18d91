"""A small search of settings: each of the eleven systems in a tenth of its steps, at its own learning rate, a third of
it and thrice.

``python -m i2vbook.audits.search NAME ...`` trains the systems named (all without a name) and writes their lines of
``book/results/compared_search.csv``. What decides are people who validate, and no test clip.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd
import torch

from i2vbook import checkout
from i2vbook.evidence.learning import VALIDATION, clips, validate
from i2vbook.evidence.plan import Run, planned
from i2vbook.evidence.systems import SYSTEMS
from i2vlib.store import write_text
from i2vlib.training import fit

TABLE = checkout.RESULTS / "compared_search.csv"
#: What a learning rate is multiplied with, by how the table calls it.
FACTORS: Mapping[str, float] = {"a third": 1 / 3, "its own": 1.0, "thrice": 3.0}
#: How many times fewer steps than the system's run a search takes; the schedule is as much shorter.
FEWER = 10
COLUMNS = ("system", "rate", "score", "motion")


def found() -> pd.DataFrame:
    """What was found so far, a row a ``system`` and ``rate``, the name of a factor: ``score`` and ``motion`` as
    `learning.validate` has them, the error inside what moves, over copying's, and how far it moves, over the true
    motion. Without a row before anything has been."""
    return pd.read_csv(TABLE) if TABLE.is_file() else pd.DataFrame(columns=COLUMNS)


def tried(run: Run, factor: float) -> Run:
    """A run as the search does it: at so many times its learning rate, in a tenth of its steps."""
    rate = run.settings.learning_rate * factor
    return replace(run, steps=run.steps // FEWER, config={**run.config, "learning_rate": rate})


def search(names: Iterable[str]) -> None:
    """Trains systems at each of `FACTORS`, and writes each number when it is there."""
    for name in names:
        own = planned()[f"{SYSTEMS[name].row}_0"]
        data, held_out = clips(own, "train"), clips(own, "validation", subjects=VALIDATION)
        for rate, factor in FACTORS.items():
            run = tried(own, factor)
            method = run.kind(run.settings)
            fit(method, data, run.steps, run.seed, precision=run.precision, device="cpu")
            _keep({"system": name, "rate": rate, **validate(method, held_out)})


def _keep(row: Mapping[str, object]) -> None:
    order = [*SYSTEMS, *FACTORS]
    table = pd.DataFrame([*found().to_dict("records"), row], columns=COLUMNS)
    table = table.drop_duplicates(["system", "rate"], keep="last")
    table = table.sort_values(["system", "rate"], key=lambda names: names.map(order.index))
    write_text(TABLE, table.to_csv(index=False, float_format="%.4f"))


def main() -> None:
    """Searches for the systems named."""
    if unknown := [name for name in sys.argv[1:] if name not in SYSTEMS]:
        sys.exit(f"There are no systems named {', '.join(unknown)}; the eleven are: {', '.join(SYSTEMS)}.")
    torch.set_num_threads(1)
    search(sys.argv[1:] or SYSTEMS)


if __name__ == "__main__":
    main()
