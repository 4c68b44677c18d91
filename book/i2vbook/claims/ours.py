"""What the book itself promises, answered like the papers' claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from i2vbook.claims.common import Answer, all_or_some, graded
from i2vbook.claims.words import CLAIMS

#: What a page of the book may be opened from.
OPENED = ("file", "http")
#: What a reader can take along.
FORMATS = ("gif", "json", "png", "strip", "webp")


@CLAIMS.rule("BOOK-1")
def book_1(captured: Mapping[str, Mapping[str, object]]) -> Answer:
    """The page of the model, by what it was opened from: frames ``drawn``, formats ``saved``, addresses asked for
    ``outside``, what was ``refused`` in use, and how the three that were ``tried`` ended."""
    kept = [way for way in OPENED if way in captured and _nothing_left(captured[way])]
    outside = sum(len(found["outside"]) for found in captured.values())
    drawn = sum(found["drawn"] for found in captured.values())
    note = f"Requests for anything but the page's own files, while {drawn} frames of a photo were kept; "
    note += f"opened from {' and from '.join(captured)}."
    return Answer(graded(len(kept) == len(OPENED), bool(kept)), float(outside), None, (), note)


def _nothing_left(found: Mapping[str, object]) -> bool:
    used = found["drawn"] > 0 and set(found["saved"]) == set(FORMATS)
    return used and not found["outside"] and not found["refused"] and set(found["tried"].values()) == {"refused"}


#: Of the kills that are kept, how many at least have to have come before the run's last step.
KILLS = 10


@CLAIMS.rule("BOOK-2")
def book_2(found: Mapping[str, object]) -> Answer:
    """The loop (``tests/book/test_kills.py``): digests of two runs left ``alone`` and done ``again``, of those
    ``killed``, and ``after`` which steps of how many."""
    twice = found["alone"] == found["again"]
    cut = [step for step in found["after"] if step < found["steps"]]
    enough = len(cut) >= KILLS and len(set(cut)) >= 3
    same = [digest == found["alone"] for digest in found["killed"]]
    note = f"Share of runs that end in the same bits: {len(same)} were killed {len(cut)} times, "
    note += f"after {min(cut, default=0)} to {max(cut, default=0)} of {found['steps']} steps, and one was done twice."
    share = sum([*same, twice]) / (len(same) + 1)
    return Answer(all_or_some([twice, enough and all(same)]), share, None, (), note)


@CLAIMS.rule("BOOK-3")
def book_3(met: Mapping[str, bool], differ: int) -> Answer:
    """The actors: which aims of the audit were ``met``, and how many numbers ``differ`` between two drawings."""
    missed = [name for name, is_met in met.items() if not is_met]
    note = f"Share of {len(met)} aims of the audit that are met; missed: {', '.join(missed) or 'none'}. "
    note += f"Drawn again by another process, {differ} numbers of a clip differ."
    held = len(met) - len(missed)
    verdict = graded(bool(met) and not missed and not differ, held > 0 or not differ)
    return Answer(verdict, held / max(len(met), 1), None, (), note)


@CLAIMS.rule("BOOK-4")
def book_4(passed: Sequence[str], refused: Sequence[str], astray: Sequence[str], asked: int) -> Answer:
    """The ledger. Claims that a fake ``passed``, that ``refused`` the true clip, whose verdict went ``astray``, and how
    many were ``asked`` again."""
    wrong = sorted({*passed, *refused, *astray})
    note = f"Share of {asked} rules that stand; the others: {', '.join(wrong) or 'none'}."
    return Answer(graded(not wrong, not astray), 1 - len(wrong) / asked, None, (), note)
