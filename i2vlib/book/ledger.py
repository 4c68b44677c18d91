"""The ledger: one claim of a paper, one verdict, one JSON file.

A chapter asks the rule of a claim (`i2vlib.book.rules`) and calls `record`; the ledger chapter shows `load`, every
claim of the three papers with what was found, and "open" beside those that nobody has answered yet. An answer carries
the digests of the runs that it rests on: once one of them is defined anew, it is outdated. ``python -m
i2vlib.book.ledger`` asks every rule again.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from i2vlib.book import checkout
from i2vlib.book.claims import CLAIMS, Answer
from i2vlib.book.plan import planned
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


def record(claim: str, answer: Answer, *, preset: str, folder: str | Path | None = None) -> Path | None:
    """Answers a claim: writes ``<folder>/<claim>.json``, whole or not at all, over any earlier answer.

    At the size ``smoke`` everything is checked and nothing is written: a run of seconds is no evidence.

    Args:
        claim: one of `CLAIMS`.
        answer: what its rule says (`i2vlib.book.rules.answer`).
        preset: the size that the chapter ran at, ``smoke``, ``small`` or ``paper``.
        folder: the checkout's ``book/results/ledger`` unless given.

    Returns:
        The file written; None at size ``smoke``.

    Raises:
        ValueError: a name is unknown, a number is not finite, the interval does not hold the value, a sentence is
            missing, or a run that it rests on has no result.
    """
    _one_of("claim", claim, tuple(CLAIMS))
    _one_of("verdict", answer.verdict, VERDICTS)
    _one_of("preset", preset, PRESETS)
    numbers = _numbers(claim, answer)
    if not answer.note.strip():
        raise ValueError(f"The note of {claim} is empty; say in words what the answer rests on.")
    if preset == "smoke":
        return None
    kept = {
        "claim": claim, "verdict": answer.verdict, **numbers, "runs": {name: _digest(name) for name in answer.runs},
        "note": answer.note, "preset": preset, "evidence": dict(answer.evidence),
    }  # fmt: skip
    path = _folder(folder) / f"{claim}.json"
    write_file(path, (json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    return path


def _numbers(claim: str, answer: Answer) -> dict[str, float | None]:
    """Value, low and high, checked."""
    value, interval = answer.value, answer.interval
    if interval is not None:
        if value is None or len(interval) != 2:
            raise ValueError(
                f"The interval of {claim} is (low, high) around a value; given were {interval!r}, {value!r}."
            )
        if not interval[0] <= value <= interval[1]:
            raise ValueError(f"The interval of {claim}, {interval!r}, does not hold its value {value!r}.")
    numbers = dict(zip(("value", "low", "high"), (value, *(interval or (None, None))), strict=True))
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise ValueError(f"The {name} of {claim} is {number!r}; give a finite number, or None if there is none.")
    return {name: None if number is None else float(number) for name, number in numbers.items()}


def _digest(name: str) -> str:
    run = planned().get(name)
    if run is None or result(run) is None:
        raise ValueError(
            f"The answer rests on the run {name}, which has no result: python -m i2vlib.book.runs --only {name}."
        )
    return run.digest


def verdicts(answers: Mapping[str, Answer]) -> str:
    """Answers as an HTML table: verdict, number, interval, and the whole sentence that says what the number is."""
    rows = (
        (
            claim,
            answer.verdict,
            "" if answer.value is None else f"{answer.value:.3g}",
            "" if answer.interval is None else f"{answer.interval[0]:.3g} to {answer.interval[1]:.3g}",
            answer.note,
        )
        for claim, answer in answers.items()
    )
    return _html(("Claim", "Verdict", "Value", "Interval", "What it is"), (map(html.escape, row) for row in rows))


def again(folder: str | Path | None = None) -> list[str]:
    """Asks the rule of every answer in the folder again, with the evidence that it was given, and keeps what it says.

    Returns:
        The claims whose verdict has changed.
    """
    from i2vlib.book import rules

    changed = []
    for path in sorted(_folder(folder).glob("*.json")):
        kept = _read(path)
        found = rules.answer(path.stem, **kept["evidence"])
        record(path.stem, found, preset=kept["preset"], folder=folder)
        changed += [path.stem] * (found.verdict != kept["verdict"])
    return changed


def load(folder: str | Path | None = None) -> pd.DataFrame:
    """Every claim with its answer, in the order of `CLAIMS`.

    Args:
        folder: the checkout's ``book/results/ledger`` unless given; it may be missing or empty.

    Returns:
        A row a claim, indexed by id, with the columns paper, where, claim, measure, verdict (`OPEN` without an
        answer), value, low, high (NaN without), runs (their digests by name), note, preset, outdated: whether
        the committed result of one of these runs is missing or of another digest; and chapter: the notebook that
        calls `record` with the id, and the number of the cell.

    Raises:
        ValueError: a file is no answer to a claim. The message names it.
    """
    import pandas as pd

    folder = _folder(folder)
    answers = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    empty = {
        "verdict": OPEN,
        "value": None,
        "low": None,
        "high": None,
        "runs": {},
        "note": "",
        "preset": "",
        "evidence": {},
    }
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
        body.append((*map(html.escape, (name, row["where"], row["claim"], verdict, found)), link))
    return _html(head, body)


def _html(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; it scrolls where the page is too narrow for it."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return (
        '<div style="overflow-x: auto"><table><thead><tr>'
        + "".join(f"<th>{title}</th>" for title in head)
        + "</tr></thead><tbody>"
        + "".join(f"<tr>{line}</tr>" for line in lines)
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
        found = {key: answer[key] for key in ("verdict", "value", "low", "high", "runs", "note", "preset", "evidence")}
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
    """Claim id -> "chapter, cell n": the cell that calls `record` and names it."""
    found = {}
    for path in sorted(notebooks.glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], 1):
            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                for name in re.findall(r'"([A-Z]+-\d+)"', code) if "ledger.record(" in code else ():
                    found[name] = f"{path.stem}, cell {number}"
    return found


def main() -> None:
    """``python -m i2vlib.book.ledger``: asks every rule again, and says what has changed."""
    print("changed verdicts:", ", ".join(again()) or "none")


if __name__ == "__main__":
    main()
