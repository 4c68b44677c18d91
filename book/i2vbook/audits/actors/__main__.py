"""The command ``python -m i2vbook.audits.actors``.

Real clips are audited too where the environment variable ``I2V_REAL_DATA`` names a folder with ``affinegan-sample``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from i2vbook.audits.actors.reading import FIRST, SUBJECTS, audit, audit_folder
from i2vbook.audits.actors.report import CARD, RESULT, aims, table, write_card
from i2vbook.audits.actors.sheets import write_sheets
from i2vbook.audits.actors.speed import speed
from i2vlib.store import write_text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m i2vbook.audits.actors", description="Audit the actors.")
    parser.add_argument("--subjects", type=int, default=SUBJECTS, help=f"how many; {SUBJECTS} if not given")
    parser.add_argument("--first", type=int, default=FIRST, help=f"the first of them; {FIRST} if not given")
    parser.add_argument("--size", type=int, default=128, help="side of the frames in pixels")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes; one a core if not given")
    parser.add_argument("--fresh", action="store_true", help="read again what was read before")
    parser.add_argument("--no-speed", action="store_true", help="do not measure how fast frames are rendered")
    parser.add_argument("--folder", type=Path, help="audit only real clips, in AffineGAN's layout")
    parser.add_argument("--sheets", action="store_true", help="draw the book's contact sheets, and do nothing else")
    parser.add_argument("--table", action="store_true", help="print the results there are, and do nothing else")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the results are kept")
    chosen = parser.parse_args(arguments)
    if chosen.sheets:
        print("\n".join(f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for path in write_sheets()))
        return 0
    there = json.loads(chosen.json.read_text()) if chosen.json.is_file() else {}
    if chosen.table:
        if not there:
            parser.error(f"there are no results at {chosen.json}; run the command without --table first")
        print("\n\n".join(f"**{name}**\n\n{table(result)}" for name, result in there.items()))
        return 0
    if chosen.subjects < 1 or chosen.workers < 1:
        parser.error(
            f"an audit needs at least one subject and one worker; {chosen.subjects} and {chosen.workers} were asked for"
        )
    sample = os.environ.get("I2V_REAL_DATA") and Path(os.environ["I2V_REAL_DATA"], "affinegan-sample")
    folder = chosen.folder or (sample if sample and sample.is_dir() else None)
    if not chosen.folder:
        there["actors"] = _actors(chosen)
        _write(there, chosen.json)
        print(table(there["actors"]))
        words = {True: "met", False: "NOT MET", None: "unknown"}
        lines = [f"{one.name}: {one.measured} (asked {one.asked}): {words[one.met]}" for one in aims(there["actors"])]
        print("\n".join(["", *lines]))
    if folder:
        there["real"] = audit_folder(folder, chosen.size)
        _write(there, chosen.json)
        print("\n" + table(there["real"]))
    return 0


def _write(results: Mapping[str, object], path: Path) -> None:
    write_text(path, json.dumps(results) + "\n")
    if path == RESULT and CARD.is_file():
        write_card(results)


def _actors(chosen: argparse.Namespace) -> dict[str, object]:
    seeds = range(chosen.first, chosen.first + chosen.subjects)
    result = audit(seeds, size=chosen.size, workers=chosen.workers, fresh=chosen.fresh)
    return result if chosen.no_speed else result | {"speed": speed(chosen.size)}


if __name__ == "__main__":
    sys.exit(main())
