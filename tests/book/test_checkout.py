"""Where the book's files are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from i2vbook import checkout


@pytest.mark.parametrize(("given", "expected"), [({}, "runs/reference"), ({"I2VLIB_RUNS": "kept/here"}, "kept/here")])
def test_runs_are_kept_where_the_environment_says(given: dict[str, str], expected: str) -> None:
    words = "from i2vbook.evidence import plan; print(next(iter(plan.planned().values())).folder.parent)"
    given = {**given, "PYTHONPATH": os.pathsep.join(map(str, (checkout.ROOT, checkout.BOOK)))}
    done = subprocess.run([sys.executable, "-c", words], env=given, capture_output=True, text=True, cwd=checkout.ROOT)
    assert done.stdout.strip() == (expected if "I2VLIB_RUNS" in given else str(checkout.ROOT / expected)), done.stderr
