"""The audit in words: what was asked, what was measured, and the tables of the data card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from i2vbook.audits.actors.measures import FOLLOWS, NAMED, SAME_PERSON, SHOWS
from i2vbook.checkout import BOOK, RESULTS
from i2vlib.faces import fer
from i2vlib.store import write_text

RESULT = RESULTS / "actors_audit.json"
CARD = BOOK / "data_actors.md"


@dataclass(frozen=True)
class Aim:
    """What is asked of the actors, and what was measured.

    Attributes:
        name: of the measure.
        asked, measured: in words; a measure that is unknown is a dash.
        met: whether the one satisfies the other; None if unknown.
        of_truth: whether it is about what readers see in the actors, and not about how fast they are drawn.
    """

    name: str
    asked: str
    measured: str
    met: bool | None
    of_truth: bool = True


def aims(result: Mapping[str, object]) -> list[Aim]:
    """The aims of the actors beside an audit's result; measures that the result lacks are left out."""
    identity, found = result["identity"], result["detection"]
    rows = [
        _aim(f"faces detected by {name}", label, 0.995, True, 100, " %")
        for name, label in (("dlib", found["dlib"]), ("MediaPipe", found["mediapipe"]))
    ]
    if "landmarks" in result:
        words = "own landmarks against dlib's, 51 inner points, of the distance of the outer eye corners"
        rows.append(_aim(words, result["landmarks"]["inner"], 5, False, 1, " %"))
    rows.append(_aim("identity: equal-error rate", identity["equal_error_rate"], 0.02, False, 100, " %"))
    within = identity["within"] and identity["within"]["mean"]
    rows.append(_aim("identity: mean distance within a subject", within, 0.30, False, 1, "", 2))
    if "follows" in result:
        rows.append(_aim(f"clips whose lead has Spearman {FOLLOWS} or more", result["follows"], 0.95, True, 100, " %"))
    for name in NAMED if "classifier" in result else ():
        value = result["classifier"]["accuracy"].get(name)
        rows.append(_aim(f"peaks of {name} that fer names right", value, 0.8, True, 100, " %"))
    if "speed" in result:
        rate = result["speed"]["frames_per_second"]["everything"].get("2")
        aim = _aim("frames rendered a second by two processes, everything on", rate, 20, True, 1, "")
        rows.append(replace(aim, of_truth=False))
    return rows


def _aim(name: str, value: float | None, bound: float, least: bool, scale: float, unit: str, digits: int = 1) -> Aim:
    asked = f"{'≥' if least else '≤'} {scale * bound:.{digits}f}{unit}"
    if value is None:
        return Aim(name, asked, "–", None)
    return Aim(name, asked, f"{scale * value:.{digits}f}{unit}", value >= bound if least else value <= bound)


def table(result: Mapping[str, object]) -> str:
    """The audit in Markdown, as the book's data card shows it."""
    detection, identity = result["detection"], result["identity"]
    lines = ["| measure | value |", "|---|---|"]
    lines += [
        f"| frames, subjects | {result['frames']:,}, {result['subjects']} |",
        f"| faces detected by dlib, by MediaPipe | {_percent(detection['dlib'])}, {_percent(detection['mediapipe'])} |",
    ]
    if "landmarks" in result:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in result["landmarks"].items() if value is not None)
        lines.append(f"| own landmarks against dlib's, % of the distance between the outer eye corners | {parts} |")
    for name in ("within", "between"):
        if identity[name]:
            spread = identity[name]
            words = f"{spread['mean']:.2f} ({spread['low']:.2f} to {spread['high']:.2f})"
            lines.append(f"| identity distance {name} subjects, mean and the middle 90 % | {words} |")
    lines += [
        f"| equal-error rate, at a distance of {_number(identity['threshold'])} "
        f"| {_percent(identity['equal_error_rate'])} |",
        *(
            f"| the same, of frames up to the intensity {row['level']} | {_percent(row['equal_error_rate'])} |"
            for row in identity.get("up_to", ())
        ),
        f"| pairs of two people under dlib's {SAME_PERSON}, taken for one | "
        f"{_percent(identity['taken_for_one_person'])} |",
    ]
    if result.get("follows") is not None:
        lines.append(f"| clips whose lead has Spearman {FOLLOWS} or more | {_percent(result['follows'])} |")
    if "tones" in result:
        words = ", ".join(map(str, result["tones"]))
        lines.append(f"| subjects with each tone of the Monk scale, light to dark | {words} |")
    if "speed" in result:
        speed = result["speed"]
        words = {"pictures": "without maps and nuisances", "everything": "with all truth and all nuisances"}
        for what, rates in speed["frames_per_second"].items():
            counts, found = " and ".join(rates), " and ".join(f"{rate:.1f}" for rate in rates.values())
            lines.append(
                f"| frames rendered a second {words[what]}, {speed['size']} px, "
                f"on {counts} processes ({speed['processor']}) | {found} |"
            )
    lines += [
        "",
        f"| expression | lead, first to last | Spearman | clips with {FOLLOWS} or more | lead rises by {SHOWS} |",
        "|---|---|---|---|---|",
    ]
    for name, row in result["expressions"].items():
        lead = f"{_number(row['lead_first'])} to {_number(row['lead_last'])}"
        lines.append(
            f"| {name} | {lead} | {_number(row['spearman'])} | {_percent(row['follows'])} | {_percent(row['shows'])} |"
        )
    return "\n".join(lines + _named(result))


def _named(result: Mapping[str, object]) -> list[str]:
    """What the classifier answered, a row for each thing shown."""
    if "classifier" not in result:
        return []
    rows = result["classifier"]["confusion"]
    known = [*(name for name in fer.NAMES if name in rows), *(name for name in rows if name not in fer.NAMES)]
    answers = [name for name in (*fer.NAMES, "none") if any(name in rows[shown] for shown in known)]
    lines = ["", f"| shown | {' | '.join(answers)} | right |", "|---|" + "---|" * (len(answers) + 1)]
    for shown in known:
        total = sum(rows[shown].values())
        right = _percent(rows[shown].get(shown, 0) / total, 0) if shown in fer.NAMES else "–"
        counts = " | ".join(str(rows[shown].get(name, 0)) for name in answers)
        lines.append(f"| {shown} | {counts} | {right} |")
    return lines


def write_card(results: Mapping[str, Mapping[str, object]], card: Path = CARD) -> None:
    """Puts the tables into the data card, between the comments that mark their places; the rest stays as it is.

    Raises:
        ValueError: the card has no place for one of the results.
    """
    text = card.read_text()
    for name, result in results.items():
        start, end = f"<!-- audit: {name} -->", "<!-- end of audit -->"
        pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{card} has no place for the audit of {name}: the lines {start} and {end}.")
        text = pattern.sub(lambda _, start=start, end=end, r=result: f"{start}\n\n{table(r)}\n\n{end}", text)
    write_text(card, text)


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.{digits}f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
