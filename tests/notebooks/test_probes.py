"""Every equation of the three papers stands in a chapter with a probe under it: its function, called and asserted."""

from __future__ import annotations

import ast
import importlib
import json
import re

import pytest

from i2vbook.checkout import NOTEBOOKS
from i2vbook.pages.derivations import DERIVED, headings
from tests.papers.test_equations import NAMES, rows

#: A number, its home and its chapter.
EQUATIONS = [
    pytest.param(paper, row[1], row[2], row[4], id=f"{paper}-{row[1]}")
    for paper in NAMES
    for row in rows(paper)
    if row[0] == "Eq." and row[2] != "open"
]


def home(paper: str, name: str) -> object:
    module, *names = name.split(".")
    found = importlib.import_module(f"i2vlib.papers.{paper}.{module}")
    for part in names:
        found = getattr(found, part)
    return found


def called(name: str) -> str:
    """By which name a probe calls the home of an equation: a game is played by the generator's side of a step."""
    last = name.rpartition(".")[2]
    return "generator_terms" if last[0].isupper() else last


def probes(cells: list[str]) -> set[str]:
    """The functions that are called, by their last name, in cells that assert something."""
    found = set()
    for text in cells:
        nodes = list(ast.walk(ast.parse(text)))
        if any(isinstance(node, ast.Assert) for node in nodes):
            calls = [node.func for node in nodes if isinstance(node, ast.Call)]
            found |= {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
    return found


def cells(chapter: str, kind: str) -> list[str]:
    notebook = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize(("paper", "number", "name", "chapter"), EQUATIONS)
def test_an_equation_has_a_probe_in_its_chapter(paper: str, number: str, name: str, chapter: str) -> None:
    assert called(name) in probes(cells(chapter, "code")), f"no cell of {chapter} calls {name} and asserts"


@pytest.mark.parametrize(("paper", "number", "name", "chapter"), EQUATIONS)
def test_an_equation_is_printed_under_its_number(paper: str, number: str, name: str, chapter: str) -> None:
    tags = re.findall(r"\\tag\{Eq\. ([\d, ]+)\}", "\n".join(cells(chapter, "markdown")))
    assert number in {one for numbers in tags for one in numbers.split(", ")}


@pytest.mark.parametrize(("paper", "number", "name", "chapter"), EQUATIONS)
def test_a_docstring_says_where_its_equation_is_derived(paper: str, number: str, name: str, chapter: str) -> None:
    said = DERIVED.findall(home(paper, name).__doc__)
    assert len(said) == 1 and said[0][0] == chapter
    assert [there.startswith(" ".join(said[0][1].split())) for there in headings(NOTEBOOKS / f"{chapter}.ipynb")].count(
        True
    ) == 1


def entry(paper: str, name: str) -> str:
    """Where the page of the package has the home of an equation."""
    last = name.split(".")[1]
    return f"i2vlib.{last}" if last[0].isupper() else f"i2vlib.papers.{paper}.{name}"


@pytest.mark.parametrize(("paper", "number", "name", "chapter"), EQUATIONS)
def test_a_chapter_links_to_the_function_of_an_equation(paper: str, number: str, name: str, chapter: str) -> None:
    assert f"](../book/api.md#{entry(paper, name)})" in "\n".join(cells(chapter, "markdown"))


def test_a_call_without_an_assertion_is_no_probe() -> None:
    assert probes(["equations.affine(1)", "assert projected(2) == 2\nf(x)(3)"]) == {"projected", "f", ""}
    assert called("method.FAN") == called("forecast.Forecast.generator_terms") == "generator_terms"
    assert entry("fan", "equations.joint") == "i2vlib.papers.fan.equations.joint"
    assert entry("frgan", "refine.Refine.generator_terms") == "i2vlib.Refine"
