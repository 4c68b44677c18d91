"""A chapter opens with its result, and folds what only draws it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from i2vbook.checkout import NOTEBOOKS

#: Pages of another kind: the quickstart is all call and result, and the ledger is one table.
OTHERS = {"quickstart", "ledger"}
CHAPTERS = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in OTHERS)

SHOWS = re.compile(r"^(?:HTML\(|figures\.)", re.MULTILINE)


def problems(cells: list[dict]) -> list[str]:
    """What keeps a chapter's result from its first screen, as far as its cells say."""
    texts = ["".join(cell["source"]) for cell in cells]
    tags = [cell["metadata"].get("tags", []) for cell in cells]
    found = []
    shown = next((n for n, cell in enumerate(cells) if cell["cell_type"] == "code" and SHOWS.search(texts[n])), None)
    if shown is None:
        return ["it shows nothing"]
    if len(texts[0]) > 900 or "|---" in texts[0]:
        found.append("its claim is no sentence or two")
    if any(cell["cell_type"] == "markdown" for cell in cells[1:shown]):
        found.append("there is text between the claim and the result")
    open_cells = [n for n in range(1, shown + 1) if not {"hide-input", "remove-cell"} & set(tags[n])]
    if open_cells:
        found.append(f"cells {open_cells} above the result are not folded")
    if "| | in this chapter |" not in "".join(texts[shown : shown + 3]):
        found.append("what it reproduces and what it cannot does not follow the result")
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_opens_with_its_result(path: Path) -> None:
    assert problems(json.loads(path.read_text("utf-8"))["cells"]) == []


def cell(text: str, kind: str = "code", *tags: str) -> dict:
    return {"cell_type": kind, "source": [text], "metadata": {"tags": list(tags)}}


def test_a_chapter_that_begins_with_its_derivation_is_noticed() -> None:
    title, table = cell("# Title\n\nClaim.", "markdown"), cell("| | in this chapter |\n|---|---|", "markdown")
    imports, result = cell("import numpy", "code", "hide-input"), cell("HTML(video)", "code", "hide-input")
    assert problems([title, imports, result, table]) == []
    assert problems([title, imports]) == ["it shows nothing"]
    late = [cell("# Title\n\n| | in this chapter |\n|---|---|", "markdown"), cell("import numpy"), table, result]
    assert [problem.split(" ")[0] for problem in problems(late)] == ["its", "there", "cells", "what"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_is_folded_in_the_book_is_folded_in_jupyterlab(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    folded = [one["id"] for one in cells if "hide-input" in one["metadata"].get("tags", [])]
    hidden = [one["id"] for one in cells if one["metadata"].get("jupyter", {}).get("source_hidden")]
    assert folded and set(folded) <= set(hidden)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_table_is_shown_as_pandas_writes_it(path: Path) -> None:
    """With code names for headings and as many decimals as it likes; `tables.table` is the book's one way."""
    bare = re.compile(r"^(?:pd\.(?:DataFrame|concat)\(.*|.*\.(?:round\(\d*\)|T))$")
    code = [one for one in json.loads(path.read_text("utf-8"))["cells"] if one["cell_type"] == "code"]
    last = {one["id"]: "".join(one["source"]).strip().split("\n")[-1] for one in code}
    assert {name: line for name, line in last.items() if bare.match(line)} == {}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_two_cells_have_one_name(path: Path) -> None:
    names = [one["id"] for one in json.loads(path.read_text("utf-8"))["cells"]]
    assert sorted(names) == sorted(set(names))
