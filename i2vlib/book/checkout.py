"""Where the checkout of the book is: the chapters, the prose, the committed results. Nowhere else is it looked for."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
BOOK = ROOT / "book"
RESULTS = BOOK / "results"
#: The table of reference runs, one row a run or a run a seed.
TABLE = RESULTS / "runs.toml"
#: What runs leave while they are done: checkpoints, the best weights, the facts that a measurement starts from.
WORK = ROOT / "runs/reference"
