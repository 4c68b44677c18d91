"""Runs the published chapters where the book is not installed, and prints a transcript: on Colab, or in its versions.

    python tests/colab.py FOLDER [CHAPTER ...]     with the Python of that environment, which lacks i2vlib

A bare clone of this checkout's HEAD in FOLDER stands for the fork, and the chapters carry its address. The first
chapter's first cell then installs the book, and what was there before has to be as it was; a package that changed, or a
chapter that fails, makes the exit status 1. The environment needs git, nbclient and nbformat, which come with Jupyter.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("torch", "numpy", "pillow", "pandas", "matplotlib", "ipywidgets", "ipykernel", "ipython", "notebook")


def packages() -> dict[str, str]:
    """What is installed, by a Python of its own: this one has read its list already."""
    words = "from importlib.metadata import distributions as d; print(*(f'{x.name.lower()}=={x.version}' for x in d()))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd="/")
    return dict(pair.split("==") for pair in done.stdout.split())


def timed(work: Callable[[], str]) -> str:
    """What the work says, with its seconds: by the clock, and of all processors together."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{time.monotonic() - start:5.0f} s  {busy:5.0f} s of CPU  {said}"


def run(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Executes a notebook in a folder; says how many cells and pictures it made, or where it failed."""
    client = NotebookClient(notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": folder}})
    try:
        client.execute()
    except CellExecutionError as error:
        return f"FAILED: {error.ename}: {error.evalue}"
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    return f"{len(cells)} cells, {pictures} figures"


def published(folder: Path) -> dict[str, nbformat.NotebookNode]:
    """The chapters with the address of a bare clone in a folder, which stands for a fork."""
    sys.path[:0] = [str(ROOT), str(ROOT / "book")]
    from i2vbook.pages.address import Address, addressed

    fork = folder / "fork.git"
    subprocess.run(["git", "clone", "-q", "--bare", ROOT, fork], check=True)
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    address = Address(fork.as_uri(), head.stdout.strip())
    chapters = sorted((ROOT / "notebooks").glob("*.ipynb"), key=lambda path: (path.stem != "quickstart", path.stem))
    read = {path.stem: nbformat.read(path, as_version=4) for path in chapters}
    return {name: nbformat.from_dict(addressed(notebook, address)) for name, notebook in read.items()}


def main(folder: Path, *chosen: str) -> int:
    if any(found.name == "i2vlib" for found in distributions()):
        print("i2vlib is installed here: take an environment without it, or the first cell has nothing to do.")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.pop("PYTHONPATH", None)
    chapters, before = published(folder), packages()
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors;", end=" ")
    print(", ".join(f"{name} {before.get(name, 'missing')}" for name in SHOWN), flush=True)
    first = nbformat.from_dict({**chapters["quickstart"], "cells": chapters["quickstart"].cells[:2]})
    print(timed(lambda: run(first, folder)), " the first cell", flush=True)
    after = packages()
    changed = {name: f"{old} -> {after.get(name)}" for name, old in before.items() if after.get(name) != old}
    print(f"{len(after) - len(before)} packages added; changed: {changed or 'none'}", flush=True)
    said = []
    for name, notebook in chapters.items():
        if not chosen or name in chosen:
            said.append(timed(lambda notebook=notebook: run(notebook, folder)))
            print(said[-1], f" {name}", flush=True)
    return int(bool(changed) or any("FAILED" in line for line in said))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
