"""The claims in a chapter's opening are the ledger's, sign and verdict."""

from __future__ import annotations

import html
import json
import re

import pytest

from i2vbook.checkout import NOTEBOOKS
from i2vbook.show import ledger, opening

#: Every chapter that records a claim, but for the ledger, which opens with all of them.
CHAPTERS = sorted({chapter.partition(",")[0] for chapter in ledger.load()["chapter"]} - {"", "ledger"})


def cells(chapter: str) -> list[dict]:
    return json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text("utf-8"))["cells"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_it_says_of_every_claim_of_the_chapter_what_the_ledger_says(chapter: str) -> None:
    text = html.unescape(opening.answered(chapter))
    shown = re.findall(r'<a href="#([A-Z]+-\d+)" data-verdict="([^"]+)"><b[^>]*>(.)</b> \1</a>', text)
    rows = ledger.load()
    own = rows[rows["chapter"].str.startswith(f"{chapter},")]
    assert shown == [(name, row.verdict, ledger.SIGNS[row.verdict]) for name, row in own.iterrows()] != []
    assert all(row.claim in text for _, row in own.iterrows())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_that_answers_claims_opens_with_them(chapter: str) -> None:
    code = ["".join(cell["source"]) for cell in cells(chapter) if cell["cell_type"] == "code"]
    assert sum(f'HTML(opening.answered("{chapter}"))' in text for text in code) == 1


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_opening_says_reproduced_by_itself(path) -> None:
    tables = ["".join(cell["source"]) for cell in cells(path.stem) if cell["cell_type"] == "markdown"]
    opened = [
        line for text in tables if "| | in this chapter |" in text for line in text.split("\n") if line[:1] == "|"
    ]
    named = {name for line in opened for name in re.findall("[A-Z]{3}-[0-9]+", line)}
    assert not [line for line in opened if "reproduced" in line]
    assert {name for name in named if ledger.load().loc[name, "verdict"] != ledger.OPEN} == set()


def test_a_chapter_without_claims_is_refused() -> None:
    with pytest.raises(ValueError, match="records"):
        opening.answered("quickstart")
