"""What the book itself promises, answered like the papers' claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from i2vlib.book.claims.common import Answer, Claims, graded

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


CLAIMS.claim(
    "BOOK-2",
    "training",
    "A run killed at any moment ends in the same bits as one left alone, and the same lines run twice do, too.",
    measure="kills at random moments and hashes of the weights; a test kills at chosen moments, and keeps no record",
)


CLAIMS.claim(
    "BOOK-3",
    "actors",
    "A seed is a person, drawn the same on every run, and readers of real faces bear out the truth.",
    measure="the audit of the actors; its questions are answered in the chapter on clips, and no rule sums them up yet",
)


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
