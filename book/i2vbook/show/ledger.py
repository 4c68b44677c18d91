"""The ledger: one claim of a paper, one verdict, one JSON file.

A chapter asks the rule of a claim (`i2vbook.claims`) and calls `record`; the ledger chapter shows `load`, every
claim of the three papers with what was found, and "open" beside those that nobody has answered yet. An answer carries
the digests of the runs that it rests on: once one of them is defined anew, it is outdated. ``python -m
i2vbook.show.ledger`` asks every rule again.
"""

from __future__ import annotations

import hashlib
import html
import inspect
import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from i2vbook import checkout, claims
from i2vbook.claims import CLAIMS, Answer, Change, words
from i2vbook.evidence.plan import planned
from i2vbook.evidence.results import result
from i2vlib import video
from i2vlib.store import write_file

if TYPE_CHECKING:
    import pandas as pd

#: What can be said of a claim. One that fails to reproduce is a result like any other.
VERDICTS = ("reproduced", "partly", "not reproduced", "not decided", "not testable here")
#: The verdict of a claim that has no file yet.
OPEN = "open"
PRESETS = ("smoke", "small", "paper")
#: What a file of the ledger holds of an answer.
KEPT = ("verdict", "value", "low", "high", "runs", "note", "preset", "ruled_at", "evidence")
#: What stands for a verdict where its colour does not: in grey, and for those who tell colours apart otherwise.
SIGNS = {
    "reproduced": "✓",
    "partly": "◐",
    "not reproduced": "✗",
    "not decided": "?",
    "not testable here": "–",
    OPEN: "○",
}
PAPERS = {"FAN": "FAN", "AFF": "AffineGAN", "FRG": "FRGAN", "BOOK": "this book"}


def record(claim: str, answer: Answer, *, preset: str, folder: str | Path | None = None) -> Path | None:
    """Answers a claim: writes ``<folder>/<claim>.json``, whole or not at all, over any earlier answer.

    At the size ``smoke`` everything is checked and nothing is written: a run of seconds is no evidence.

    Args:
        claim: one of `CLAIMS`.
        answer: what its rule says (`i2vbook.claims.answer`).
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
        "note": answer.note, "preset": preset, "ruled_at": ruled_at(claim), "evidence": dict(answer.evidence),
    }  # fmt: skip
    path = _folder(folder) / f"{claim}.json"
    write_file(path, (json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
    return path


def ruled_at(claim: str) -> str:
    """Returns the commit that last changed a claim's words or its rule in code: 12 digits.

    Empty where git cannot say: outside a git checkout, or while one of the two is not committed.
    """
    decide = CLAIMS[claim].decide
    if decide is None:
        return ""
    code, first = inspect.getsourcelines(decide)
    commits = [
        last_commit(words.WORDS, *words.lines_of(claim, words.WORDS)),
        last_commit(Path(inspect.getfile(decide)), first, len(code)),
    ]
    return max(commits)[1][:12] if all(commits) else ""


def last_commit(file: Path, first: int, count: int) -> tuple[int, str] | None:
    """Returns when some lines of a file were last committed, in seconds, and the commit's name.

    None without git, outside a git checkout, or while one of the lines is not committed.
    """
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "blame", "--line-porcelain", f"-L{first},+{count}", "--", file.name]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True)
    commits = re.findall(r"^([0-9a-f]{40}) \d+ \d+", done.stdout, re.MULTILINE)
    times = map(int, re.findall(r"^committer-time (\d+)", done.stdout, re.MULTILINE))
    if not commits or "0" * 40 in commits:  # git's name for what is not committed
        return None
    return max(zip(times, commits, strict=True))


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
            f"The answer rests on the run {name}, which has no result: python -m i2vbook.evidence --only {name}."
        )
    return run.digest


def verdicts(answers: Mapping[str, Answer]) -> str:
    """Answers as HTML: what the paper says, the rule, and then the number and what it is.

    The ledger's links lead to each of them, so a chapter shows them in the cell that asks the rules.
    """
    listed = "".join(_claim(name, CLAIMS[name]._asdict() | asdict(answer)) for name, answer in answers.items())
    return f'<div class="i2v-ledger i2v-card"><style>{video.style("ledger")}</style>{listed}</div>'


def again(folder: str | Path | None = None) -> list[str]:
    """Asks the rule of every answer in the folder again, with the evidence that it was given, and keeps what it says.

    Returns:
        The claims whose verdict has changed.
    """
    changed = []
    for path in sorted(_folder(folder).glob("*.json")):
        kept = _read(path)
        found = claims.answer(path.stem, **kept["evidence"])
        record(path.stem, found, preset=kept["preset"], folder=folder)
        changed += [path.stem] * (found.verdict != kept["verdict"])
    return changed


def load(folder: str | Path | None = None) -> pd.DataFrame:
    """Every claim with its answer, in the order of `CLAIMS`.

    Args:
        folder: the checkout's ``book/results/ledger`` unless given; it may be missing or empty.

    Returns:
        A row a claim, indexed by id, with the columns paper, where, claim, measure, rule (in words), changes of the
        rule, verdict (`OPEN` without an answer), value, low, high (NaN without), runs (their digests by name), note,
        preset, ruled_at (the commit that last changed the rule), outdated: whether the committed
        result of one of these runs is missing or of another digest; trained: how often what it compares was trained,
        in words; and chapter: the notebook that calls `record` with the id, and the number of the cell.

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
        "ruled_at": "",
        "evidence": {},
    }
    sources = _sources(checkout.NOTEBOOKS)
    rows = [
        {
            "id": name,
            "paper": _paper(name),
            **{key: part for key, part in claim._asdict().items() if key != "decide"},
            **(answer := answers.get(name) or empty),
            "outdated": _outdated(answer["runs"]),
            "trained": trained(answer["runs"]),
            "chapter": sources.get(name, ""),
        }
        for name, claim in CLAIMS.items()
    ]
    frame = pd.DataFrame(rows).set_index("id")
    return frame.astype({"value": float, "low": float, "high": float})


def overview(rows: pd.DataFrame) -> str:
    """Rows of `load` as HTML without kernel or network: a map of all verdicts, filters, and every claim.

    A tile of the map leads to its claim, and a claim to the very place in a chapter where its rule was asked
    (`verdicts`). The map is told apart by signs as well as by colours.
    """
    known = [*VERDICTS, OPEN]
    tiles = "".join(
        f'<strong>{paper}</strong><div class="i2v-tiles">{"".join(map(_tile, part.index, part["verdict"]))}</div>'
        for paper in PAPERS.values()
        if len(part := rows[rows["paper"] == paper])
    )
    counts = rows["verdict"].value_counts()
    papers = [_button("paper", "", "all papers"), *(_button("paper", paper, paper) for paper in PAPERS.values())]
    found = [_button("verdict", "", "all verdicts")]
    found += [_button("verdict", v, f"{v} {counts[v]}", SIGNS[v]) for v in known if v in counts]
    listed = "".join(
        _claim(name, {**row, "interval": None if math.isnan(row["low"]) else (row["low"], row["high"])})
        for name, row in rows.iterrows()
    )
    identity = hashlib.sha256(listed.encode()).hexdigest()[:12]
    return f"""<div class="i2v-ledger i2v-card" data-ledger="{identity}">
<style>{video.style("ledger")}</style>
<div class="i2v-map">{tiles}</div>
<div class="i2v-filters" role="group" aria-label="Paper" hidden>{"".join(papers)}</div>
<div class="i2v-filters" role="group" aria-label="Verdict" hidden>{"".join(found)}</div>
<p class="i2v-count" aria-live="polite">{len(rows)} claims</p>
{listed}
<script>{video.script("ledger")}("{identity}");</script>
</div>"""


def _paper(name: str) -> str:
    return PAPERS[name.partition("-")[0]]


def trials(verdicts: pd.DataFrame) -> str:
    """What rules say of fakes (`i2vbook.audits.fakes.tried`) as HTML: a row a claim, a sign for each of them."""
    head = "".join(f'<th scope="col">{name}</th>' for name in verdicts)
    rows = "".join(
        f'<tr><th scope="row"><a href="#{name}">{name}</a></th>'
        + "".join(f'<td data-verdict="{v}" title="{v}"><b aria-label="{v}">{SIGNS[v]}</b></td>' for v in row)
        + "</tr>"
        for name, row in zip(verdicts.index, verdicts.to_numpy(), strict=True)
    )
    return (
        f'<div class="i2v-ledger i2v-card"><style>{video.style("ledger")}</style><table class="i2v-trials"><thead><tr>'
        f"<th>claim</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def astray(folder: str | Path | None = None) -> list[str]:
    """The claims whose rule, asked again with the evidence that was kept, gives another verdict than the one kept."""
    kept = {path.stem: _read(path) for path in sorted(_folder(folder).glob("*.json"))}
    return [n for n, answer in kept.items() if claims.answer(n, **answer["evidence"]).verdict != answer["verdict"]]


def _tile(name: str, verdict: str) -> str:
    said = html.escape(f"{name}: {verdict}. {CLAIMS[name].claim}")
    return (
        f'<a class="i2v-tile" href="#{name}" data-paper="{_paper(name)}" data-verdict="{verdict}" title="{said}" '
        f'aria-label="{said}"><b aria-hidden="true">{SIGNS[verdict]}</b>{name.partition("-")[2]}</a>'
    )


def _button(key: str, value: str, text: str, sign: str = "") -> str:
    mark = f'<b aria-hidden="true">{sign}</b> ' if sign else ""
    return (
        f'<button type="button" data-key="{key}" value="{value}" data-verdict="{value}" '
        f'aria-pressed="{"false" if value else "true"}">{mark}{html.escape(text)}</button>'
    )


def _claim(name: str, row: Mapping[str, object]) -> str:
    """One claim: what it says and the rule, then what was found and where."""
    paper, verdict, value = _paper(name), row["verdict"], row["value"]
    chapter = str(row.get("chapter") or "").partition(",")[0]
    late = "; outdated: a run that it rests on has changed since" if row.get("outdated") else ""
    facts = [("Rule" if row["rule"] else "To be measured", html.escape(row["rule"] or row["measure"]))]
    if changes := "<br>".join(html.escape(_said_of(change)) for change in row["changes"]):
        facts.append(("Rule changed", changes))
    if verdict != OPEN:
        known = [] if value is None or math.isnan(value) else [value, *(row["interval"] or ())]
        said = _said(known)
        number = f'<span class="i2v-number">{said[0]}</span> ' if said else ""
        spread = f"{' to '.join(said[1:])}<br>" if said[1:] else ""
        facts.append(("Found", number + spread + html.escape(row["note"])))
        if times := trained(row["runs"]):
            facts.append(("Trained", times))
    if chapter:
        link = f'<a href="{chapter}.html#{name}" data-chapter="{chapter}">{html.escape(row["chapter"])}</a>'
        facts.append(("Computed in", link))
    listed = "".join(f"<dt>{title}</dt><dd>{text}</dd>" for title, text in facts)
    return (
        f'<div class="i2v-claim" id="{name}" data-paper="{paper}" data-verdict="{verdict}"><div class="i2v-side">'
        f'<strong>{name}</strong><span class="i2v-verdict">{SIGNS[verdict]} {html.escape(verdict + late)}</span>'
        f'<span class="i2v-where">{paper}, {html.escape(row["where"])}</span></div>'
        f'<div><p class="i2v-said">{html.escape(row["claim"])}</p><dl>{listed}</dl></div></div>'
    )


def _said_of(change: Change) -> str:
    day = date.fromisoformat(change.when)
    return f"{day.day} {day:%B %Y}: {change.what}, because {change.why}."


def trained(runs: Iterable[str]) -> str:
    """How often what an answer compares was trained, in words: 3 seeds, 1 to 3 seeds; nothing where nothing was."""
    table, seeds = planned(), {}
    for name in (name for name in runs if name in table):
        seeds.setdefault(name.removesuffix(f"_{table[name].seed}"), set()).add(table[name].seed)
    counts = sorted({len(of_it) for of_it in seeds.values()})
    if not counts:
        return ""
    return f"{' to '.join(map(str, counts[:: max(1, len(counts) - 1)]))} seed{'s' * (counts[-1] > 1)}"


def _said(numbers: list[float]) -> list[str]:
    """A number and its interval, all with as many decimals as give the largest three figures, and four at most."""
    largest = max(map(abs, numbers), default=0.0)
    whole = all(float(number).is_integer() for number in numbers)
    decimals = 0 if whole or not largest else min(max(2 - math.floor(math.log10(largest)), 0), 4)
    written = [f"{number:.{decimals}f}" for number in numbers]
    return [(text if text.strip("-0.") else text.lstrip("-")).replace("-", "\N{MINUS SIGN}") for text in written]


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
        found = {key: answer[key] for key in KEPT}
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
    """``python -m i2vbook.show.ledger``: asks every rule again, and says what has changed."""
    print("changed verdicts:", ", ".join(again()) or "none")


if __name__ == "__main__":
    main()
