"""Where the checkout of the book is: the chapters, the prose, the committed results. Nowhere else is it looked for."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BOOK = ROOT / "book"
RESULTS = BOOK / "results"
#: The table of reference runs, one row a run or a run a seed.
TABLE = RESULTS / "runs.toml"
#: What runs leave while they are done: checkpoints, the best weights, the facts that a measurement starts from. On a
#: machine that may be taken away, ``I2VLIB_RUNS`` names a folder that stays, and a run goes on there on the next one.
WORK = Path(os.environ.get("I2VLIB_RUNS") or ROOT / "runs/reference").expanduser()
