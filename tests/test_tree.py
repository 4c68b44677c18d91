"""The tracked tree stays small enough to be taken along, and its results are those of the table."""

import shutil
import subprocess
from pathlib import Path

import pytest

from i2vbook import checkout
from i2vbook.evidence.plan import planned

ROOT = Path(__file__).parents[1]
MIB = 2**20
#: Folders of `book/results` that are no run's.
SHARED = {"ledger", "references", "final"}


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    """Bytes of every tracked file by its path."""
    git = shutil.which("git")
    listed = git and subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if not listed or listed.returncode:
        pytest.skip("this is no git checkout, or there is no git")
    paths = [ROOT / name for name in filter(None, listed.stdout.split("\0"))]
    return {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in paths if path.is_file()}


def test_the_tree_is_below_56_mib(sizes: dict[str, int]) -> None:
    assert sum(sizes.values()) < 56 * MIB


def test_the_results_take_40_kb_a_run_on_average(sizes: dict[str, int]) -> None:
    results = {name: size for name, size in sizes.items() if name.startswith("book/results/")}
    runs = {name.split("/")[2] for name in results if name.endswith("/run.json")}
    assert 0 < sum(results.values()) < 40_000 * len(runs)


def test_no_file_is_above_16_mib(sizes: dict[str, int]) -> None:
    assert {name: size for name, size in sizes.items() if size > 16 * MIB} == {}


def test_every_folder_of_results_is_of_a_run_of_the_table(sizes: dict[str, int]) -> None:
    inside = [name.split("/")[2:] for name in sizes if name.startswith("book/results/")]
    folders = {parts[0] for parts in inside if len(parts) > 1} - SHARED
    assert folders and folders <= set(planned())
    assert {name for name in folders if not (checkout.RESULTS / name / "run.json").is_file()} == set()
    apart = {parts[1] for parts in inside if parts[0] == "final"}
    assert apart <= folders and all((checkout.RESULTS / "final" / name / "run.json").is_file() for name in apart)
