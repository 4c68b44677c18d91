"""Installs what the chapters need beside what is there: the first cell of a chapter runs it where that is missing.

    python book/install.py

What an environment such as Colab's brings stays as it is: its torch, numpy and ipywidgets are loaded already or bound
to its front end, and another version of one of them would break it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("actors", "faces", "chapters")
#: What is loaded in a running kernel, or fits one front end only.
KEPT = ("ipykernel", "ipython", "ipywidgets", "matplotlib", "numpy", "pandas", "pillow", "torch", "torchvision")


def there(names: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def command(constraints: Path) -> list[str]:
    """What installs i2vlib, i2vbook and what the chapters need, and upgrades nothing without need."""
    wanted = f"{ROOT}[{','.join(EXTRAS)}]"
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--prefer-binary"]
    return [*pip, "--constraint", str(constraints), "--editable", wanted, "--editable", str(ROOT / "book")]


def main() -> int:
    start, before = time.monotonic(), there(KEPT)
    print("Installing i2vlib, which takes two minutes or so …", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={number}\n" for name, number in before.items()))
        done = subprocess.run(command(constraints))
    if done.returncode:
        print("pip could not install i2vlib beside what is here: see above.", flush=True)
        return done.returncode
    print(f"i2vlib is installed, after {time.monotonic() - start:.0f} s.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
