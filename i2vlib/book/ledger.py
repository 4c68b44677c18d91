"""The ledger: one claim of a paper, one verdict, one JSON file.

A chapter that has measured a claim calls `record`; the ledger chapter shows `load`, every claim of the three papers
with what was found, and "open" beside those that nobody has answered yet. An answer carries the digests of the runs
that it rests on: once one of them is defined anew, it is outdated.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from i2vlib.book import checkout
from i2vlib.book.claims import CLAIMS
from i2vlib.book.plan import named, planned
from i2vlib.book.results import result
from i2vlib.store import write_file

if TYPE_CHECKING:
    import pandas as pd

#: What can be said of a claim. One that fails to reproduce is a result like any other.
VERDICTS = ("reproduced", "partly", "not reproduced", "not testable here")
#: The verdict of a claim that has no file yet.
OPEN = "open"
PRESETS = ("smoke", "small", "paper")
PAPERS = {"FAN": "FAN", "AFF": "AffineGAN", "FRG": "FRGAN"}
#: What an answer rests on that is a test without a training run.
EXACT = "exact"


def record(
    claim: str,
    verdict: str,
    value: float | None,
    interval: tuple[float, float] | None,
    run: str | Sequence[str],
    note: str,
    *,
    preset: str,
    folder: str | Path | None = None,
) -> Path | None:
    """Answers a claim: writes ``<folder>/<claim>.json``, whole or not at all, over any earlier answer.

    At the size ``smoke`` everything is checked and nothing is written: a run of seconds is no evidence.

    Args:
        claim: one of `CLAIMS`.
        verdict: one of `VERDICTS`.
        value: the number behind the verdict, finite; None if there is none.
        interval: its lower and upper end, over seeds or subjects; None if there is none.
        run: the training run that it rests on, or several: a run's name, or that of a row of seeds for all of them
            that have a result; or "exact" for a test without one.
        note: one honest sentence that says what the number is.
        preset: the size that the chapter ran at, ``smoke``, ``small`` or ``paper``.
        folder: the checkout's ``book/results/ledger`` unless given.

    Returns:
        The file written; None at size ``smoke``.

    Raises:
        ValueError: a name is unknown, a number is not finite, the interval does not hold the value, a sentence is
            missing, or, unless the size is ``smoke``, no run that it rests on has a result.
    """
    _one_of("claim", claim, tuple(CLAIMS))
    _one_of("verdict", verdict, VERDICTS)
    _one_of("preset", preset, PRESETS)
    numbers = {"value": value}
    if interval is not None:
        if value is None or len(interval) != 2:
            raise ValueError(
                f"The interval of {claim} is (low, high) around a value; given were {interval!r}, {value!r}."
            )
        numbers |= {"low": interval[0], "high": interval[1]}
        if not interval[0] <= value <= interval[1]:
            raise ValueError(f"The interval of {claim}, {interval!r}, does not hold its value {value!r}.")
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise ValueError(f"The {name} of {claim} is {number!r}; give a finite number, or None if there is none.")
    if not note.strip():
        raise ValueError(f"The note of {claim} is empty; say in words what the answer rests on.")
    names = [run] if isinstance(run, str) else list(run)
    done = {step.name: step.digest for name in names if name != EXACT for step in named(name) if result(step)}
    if preset == "smoke":
        return None
    if not names or not done and names != [EXACT]:
        raise ValueError(f"No run that {claim} is said to rest on has a result; named were {names}.")
    answer = {
        "claim": claim, "verdict": verdict, "value": None, "low": None, "high": None,
        **{name: None if number is None else float(number) for name, number in numbers.items()},
        "run": ", ".join(names), "runs": done, "note": note, "preset": preset,
    }  # fmt: skip
    path = _folder(folder) / f"{claim}.json"
    write_file(path, (json.dumps(answer, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def load(folder: str | Path | None = None) -> pd.DataFrame:
    """Every claim with its answer, in the order of `CLAIMS`.

    Args:
        folder: the checkout's ``book/results/ledger`` unless given; it may be missing or empty.

    Returns:
        A row a claim, indexed by id, with the columns paper, where, claim, measure, verdict (`OPEN` without an
        answer), value, low, high (NaN without), run, runs (their digests by name), note, preset, outdated: whether
        the committed result of one of these runs is missing or of another digest; and chapter: the notebook that
        calls `record` with the id, and the number of the cell.

    Raises:
        ValueError: a file is no answer to a claim. The message names it.
    """
    import pandas as pd

    folder = _folder(folder)
    answers = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    empty = {"verdict": OPEN, "value": None, "low": None, "high": None, "run": "", "runs": {}, "note": "", "preset": ""}
    sources = _sources(checkout.NOTEBOOKS)
    rows = [
        {
            "id": name,
            "paper": PAPERS[name[:3]],
            **claim._asdict(),
            **(answer := answers.get(name) or empty),
            "outdated": _outdated(answer["runs"]),
            "chapter": sources.get(name, ""),
        }
        for name, claim in CLAIMS.items()
    ]
    frame = pd.DataFrame(rows).set_index("id")
    return frame.astype({"value": float, "low": float, "high": float})


def table(rows: pd.DataFrame) -> str:
    """Rows of `load` as an HTML table; a chapter is a link beside the ledger's own page."""
    head = ("Claim", "Where", "What the paper says", "Verdict", "Found", "Computed in")
    body = []
    for name, row in rows.iterrows():
        chapter = row["chapter"].partition(",")[0]
        link = f'<a href="{html.escape(chapter)}.html">{html.escape(row["chapter"])}</a>' if chapter else "–"
        found = " ".join(filter(None, (_number(row), row["note"]))) or f"to be measured: {row['measure']}"
        verdict = row["verdict"] + " (outdated: a run that it rests on has changed since)" * row["outdated"]
        cells = [html.escape(text) for text in (name, row["where"], row["claim"], verdict, found)]
        body.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, link)) + "</tr>")
    return (
        '<div style="overflow-x: auto"><table><thead><tr>'
        + "".join(f"<th>{title}</th>" for title in head)
        + "</tr></thead><tbody>"
        + "".join(body)
        + "</tbody></table></div>"
    )


def _number(row: Mapping[str, float]) -> str:
    if math.isnan(row["value"]):
        return ""
    spread = "" if math.isnan(row["low"]) else f" ({row['low']:.3g} to {row['high']:.3g})"
    return f"{row['value']:.3g}{spread}:"


def _one_of(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise ValueError(f"There is no {what} {given!r} in the ledger; there are: {', '.join(known)}.")


def _folder(folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder)
    if not checkout.BOOK.is_dir():
        raise ValueError("This is no checkout of the book, so it has no ledger. Say where to keep one: folder=...")
    return checkout.RESULTS / "ledger"


def _read(path: Path) -> dict[str, object]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        found = {key: answer[key] for key in ("verdict", "value", "low", "high", "run", "runs", "note", "preset")}
        _one_of("claim", path.stem, tuple(CLAIMS))
        _one_of("verdict", found["verdict"], VERDICTS)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no answer to a claim ({error}). Record it again, or delete it.") from None
    return found


def _outdated(runs: Mapping[str, str]) -> bool:
    table = planned() if runs else {}
    known = {name for name, digest in runs.items() if name in table and table[name].digest == digest}
    return any(name not in known or result(table[name]) is None for name in runs)


def _sources(notebooks: Path) -> dict[str, str]:
    """Claim id -> "chapter, cell n" of the call of `record` that answers it."""
    found = {}
    for path in sorted(notebooks.glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], 1):
            if cell["cell_type"] == "code":
                for name in re.findall(r'record\(\s*"([A-Z]+-\d+)"', "".join(cell["source"])):
                    found[name] = f"{path.stem}, cell {number}"
    return found
