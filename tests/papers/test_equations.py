"""An equation has one home: the index in each paper's docstring, against the code, the tests and the chapters."""

from __future__ import annotations

import ast
import importlib
import json
import re
from functools import cache, reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"fan": "FAN", "affinegan": "AffineGAN", "frgan": "FRGAN"}
LAST = {"fan": 7, "affinegan": 12, "frgan": 15}
PROPOSITIONS = {"affinegan": 2}

#: A number, its home, its test, the chapter that derives it, and (the beginning of) the heading under which it does.
ROW = re.compile(r"^(Eq\.|Proposition) (\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)$", re.MULTILINE)
#: "Eq. 7 to 11", "Eq. 3 and 4": nobody finds the numbers between by searching for one.
RANGE = re.compile(r"Eq\. \d+(?:, \d+)*(?:,? (?:and|to) \d+| ?[-–] ?\d)")


def rows(paper: str) -> list[tuple[str, ...]]:
    return ROW.findall(importlib.import_module(f"i2vlib.papers.{paper}").__doc__ or "")


def tag(paper: str, kind: str, number: str | int) -> str:
    return f"{NAMES[paper]}, {kind} {number}"


@cache
def docstrings() -> tuple[tuple[str, str], ...]:
    """Every docstring of the package and where it stands."""
    found = []
    for path in sorted((ROOT / "i2vlib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
                found.append((f"{path.relative_to(ROOT)}:{getattr(node, 'name', '')}", text))
    return tuple(found)


def headings(chapter: str) -> list[str]:
    cells = json.loads((ROOT / f"notebooks/{chapter}.ipynb").read_text())["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def begins(text: str, with_tag: str) -> bool:
    return re.match(re.escape(with_tag) + r"(?!\d)", text) is not None


@pytest.fixture(params=NAMES)
def paper(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_number_stands_in_the_index_once_and_in_order(paper):
    numbers = {kind: [int(row[1]) for row in rows(paper) if row[0] == kind] for kind in ("Eq.", "Proposition")}
    assert numbers["Eq."] == list(range(1, LAST[paper] + 1))
    assert numbers["Proposition"] == list(range(1, PROPOSITIONS.get(paper, 0) + 1))


def test_every_number_has_one_home_which_begins_with_it(paper):
    assert rows(paper)
    for kind, number, home, *_ in rows(paper):
        if home == "open":
            continue
        module, *names = home.split(".")
        lives = reduce(getattr, names, importlib.import_module(f"i2vlib.papers.{paper}.{module}"))
        assert lives.__module__ == f"i2vlib.papers.{paper}.{module}", home
        if kind == "Eq.":
            assert begins(lives.__doc__, tag(paper, kind, number)), home
            found = [where for where, text in docstrings() if begins(text, tag(paper, kind, number))]
            assert len(found) == 1, f"{tag(paper, kind, number)} lives at {found}"
        else:
            assert f"{kind} {number}:" in lives.__doc__, home


def test_no_home_has_a_number_that_the_index_has_not(paper):
    assert rows(paper)
    known = {f"Eq. {row[1]}" for row in rows(paper)}
    tags = [re.match(rf"{NAMES[paper]}, (Eq\. \d+)", text) for _, text in docstrings()]
    assert {found[1] for found in tags if found} <= known


def test_every_number_has_a_test_by_value(paper):
    assert rows(paper)
    tree = ast.parse((ROOT / f"tests/papers/{paper}/test_equations.py").read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {row[3] for row in rows(paper) if row[2] != "open"} <= tests


def test_every_number_is_derived_in_a_chapter(paper):
    assert rows(paper)
    for _, number, _, _, chapter, heading in (row for row in rows(paper) if row[-1] != "open"):
        assert any(there.startswith(heading) for there in headings(chapter)), (number, chapter, heading)


def test_no_line_names_a_range_of_numbers(paper):
    assert rows(paper)
    sources = {path.name: path.read_text() for path in (ROOT / "i2vlib/papers" / paper).glob("*.py")}
    found = {name: RANGE.findall(re.sub(r"\s+", " ", text)) for name, text in sources.items()}
    assert {name: ranges for name, ranges in found.items() if ranges} == {}


def test_what_breaks_the_rule_is_noticed():
    assert begins("FAN, Eq. 1: the code", "FAN, Eq. 1") and not begins("FAN, Eq. 12: the code", "FAN, Eq. 1")
    for text in ("Eq. 7 to 11", "Eq. 3 and 4", "Eq. 7, 8 and 11", "Eq. 9-14", "Eq. 9–14"):
        assert RANGE.search(f"What is minimised ({text}).")
    assert not RANGE.search("Eq. 12 and its two sides; Eq. 5, then 3 frames; Eq. 9")
    assert ROW.findall("Eq. 4  equations.projected  test_it  affinegan  Reading the") == [
        ("Eq.", "4", "equations.projected", "test_it", "affinegan", "Reading the")
    ]
