"""Where the book's files are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from i2vlib.book import checkout


@pytest.mark.parametrize(("given", "expected"), [({}, "runs/reference"), ({"I2VLIB_RUNS": "kept/here"}, "kept/here")])
def test_runs_are_kept_where_the_environment_says(given: dict[str, str], expected: str) -> None:
    words = "from i2vlib.book import checkout, plan; print(next(iter(plan.planned().values())).folder.parent)"
    done = subprocess.run([sys.executable, "-c", words], env=given, capture_output=True, text=True, cwd=checkout.ROOT)
    assert done.stdout.strip() == (expected if given else str(checkout.ROOT / expected)), done.stderr
