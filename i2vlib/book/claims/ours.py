"""What the book itself promises, answered like the papers' claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from i2vlib.book.claims.common import Answer, Claims, all_or_some, graded

CLAIMS = Claims()

#: What a page of the book may be opened from.
OPENED = ("file", "http")
#: What a reader can take along.
FORMATS = ("gif", "json", "png", "strip", "webp")


@CLAIMS.claim(
    "BOOK-1",
    "the page with the model",
    "A photo never leaves the reader's machine.",
    measure=(
        "a capture of the network while a photo is chosen, every control is used and every format is saved, from http "
        "and from a file; each build of the book repeats it, and a test watches reading and animating in Python"
    ),
    rule=(
        "frames were drawn and all five formats saved, no address but the page's own was asked for, the policy had "
        "nothing to refuse, and a connection from the page, one from its Worker and a picture from elsewhere, tried on "
        "purpose, were refused: reproduced if so from http and from a file, partly if from one"
    ),
)
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


@CLAIMS.claim(
    "BOOK-2",
    "training",
    "A run killed at any moment ends in the same bits as one left alone, and the same lines run twice do, too.",
    measure="a reader's lines done twice, then killed at random moments until they are through; digests of the weights",
    rule=(
        f"done twice the lines end in the same weights, and so does every run that was killed, in {KILLS} kills or "
        "more after at least three different checkpoints: reproduced if both hold, partly if one does"
    ),
)
def book_2(found: Mapping[str, object]) -> Answer:
    """The loop (`i2vlib.book.kills`): digests of two runs left ``alone`` and done ``again``, of those ``killed``, and
    ``after`` which steps of how many."""
    twice = found["alone"] == found["again"]
    cut = [step for step in found["after"] if step < found["steps"]]
    enough = len(cut) >= KILLS and len(set(cut)) >= 3
    same = [digest == found["alone"] for digest in found["killed"]]
    note = f"Share of runs that end in the same bits: {len(same)} were killed {len(cut)} times, "
    note += f"after {min(cut, default=0)} to {max(cut, default=0)} of {found['steps']} steps, and one was done twice."
    share = sum([*same, twice]) / (len(same) + 1)
    return Answer(all_or_some([twice, enough and all(same)]), share, None, (), note)


@CLAIMS.claim(
    "BOOK-3",
    "actors",
    "A seed is a person, drawn the same on every run, and readers of real faces bear out the truth.",
    measure="the audit of the actors, and a clip drawn twice by different processes",
    rule=(
        "what was asked of the readers before the audit is met: faces found, landmarks, one person told from another, "
        "expressions that grow and that are named; and a clip drawn by another process has the same pixels: reproduced "
        "if all hold, partly if some do"
    ),
)
def book_3(met: Mapping[str, bool], differ: int) -> Answer:
    """The actors: which aims of the audit were ``met``, and how many numbers ``differ`` between two drawings."""
    missed = [name for name, is_met in met.items() if not is_met]
    note = f"Share of {len(met)} aims of the audit that are met; missed: {', '.join(missed) or 'none'}. "
    note += f"Drawn again by another process, {differ} numbers of a clip differ."
    held = len(met) - len(missed)
    verdict = graded(bool(met) and not missed and not differ, held > 0 or not differ)
    return Answer(verdict, held / max(len(met), 1), None, (), note)


@CLAIMS.claim(
    "BOOK-4",
    "the ledger",
    "Every verdict follows from the committed results, by a rule that copying, a cross-fade and noise do not pass.",
    measure="every rule asked again, and tried on the three and on the true clip",
    rule=(
        "no fake makes a rule say reproduced, no rule about one system turns the true clip down, and no verdict is "
        "another when it is asked for again: reproduced if all hold, partly if the verdicts do"
    ),
)
def book_4(passed: Sequence[str], refused: Sequence[str], astray: Sequence[str], asked: int) -> Answer:
    """The ledger. Claims that a fake ``passed``, that ``refused`` the true clip, whose verdict went ``astray``, and how
    many were ``asked`` again."""
    wrong = sorted({*passed, *refused, *astray})
    note = f"Share of {asked} rules that stand; the others: {', '.join(wrong) or 'none'}."
    return Answer(graded(not wrong, not astray), 1 - len(wrong) / asked, None, (), note)
