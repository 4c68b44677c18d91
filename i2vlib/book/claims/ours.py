"""What the book itself promises, answered like the papers' claims."""

from __future__ import annotations

from collections.abc import Sequence

from i2vlib.book.claims.common import Answer, Claims, graded

CLAIMS = Claims()

CLAIMS.claim(
    "BOOK-1",
    "pages, studio",
    "A photo never leaves the reader's machine.",
    measure=(
        "a capture of the network while faces are read, a clip is animated and every control is used, from http and "
        "from a file; a test watches reading and animating, and none yet the pages"
    ),
)


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
