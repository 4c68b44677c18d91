"""A chapter reads alike in the book, in JupyterLab, in VS Code and on Colab, for it is written in what all render."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from i2vbook.checkout import BOOK, NOTEBOOKS

CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))

#: What Sphinx alone understands, or leaves a reader of the bare notebook without words.
FOREIGN = {
    "a directive": re.compile(r"^\s*(?:`{3,}|:{3,}|~{3,})\s*\{[^}]*\}", re.MULTILINE),
    "a role": re.compile(r"\{[a-z][\w:.-]*\}`"),
    "a target": re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE),
    "a comment or a block break of MyST": re.compile(r"^(?:%|\+\+\+)", re.MULTILINE),
    "a substitution": re.compile(r"\{\{.*?\}\}"),
    "a link without words": re.compile(r"(?<!!)\[\s*\]\("),
    "a line break within a line": re.compile(r"(?<!\$)\$[^$\n]*\\\\[^$\n]*\$(?!\$)"),
    "a label on an equation": re.compile(r"^\$\$\s*\([\w-]+\)\s*$|\\label\{|\\eqref|\\ref\{", re.MULTILINE),
}
#: What KaTeX, which VS Code has, knows besides single formulas; MathJax knows these as well.
ENVIRONMENTS = {"aligned", "gathered", "cases", "matrix", "pmatrix", "bmatrix", "vmatrix", "array", "split"}
#: Two dollars on one line would be read as an empty formula by some and as the start of a block by others.
BLOCK = re.compile(r"(?:\A|(?<=\n\n))\$\$\n(?P<formula>(?:(?!\$\$).)+?)\n\$\$(?=\n\n|\Z)", re.DOTALL)


def unreadable(text: str) -> list[str]:
    """What in a cell of prose one of the four shows as it is typed, or not at all."""
    prose = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)  # code that is shown as code
    found = [f"{kind}: {hit[0].strip()}" for kind, pattern in FOREIGN.items() for hit in pattern.finditer(prose)]
    blocks = [match["formula"] for match in BLOCK.finditer(text)]
    if "$$" in BLOCK.sub("", text):
        found.append("$$ that do not stand alone on a line, with empty lines around the formula")
    for formula in blocks:
        if formula.count(r"\tag{") > 1:
            found.append(f"two numbers in one formula: {formula}")
        if r"\tag{" in formula and r"\\" in formula:
            found.append(f"a number beside several lines: {formula}")
    used = re.findall(r"\\begin\{([^}]*)\}", text)
    return found + [f"the environment {name}" for name in used if name not in ENVIRONMENTS]


def prose(path: Path) -> list[str]:
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_written_in_what_every_reader_renders(path: Path) -> None:
    assert [problem for text in prose(path) for problem in unreadable(text)] == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("```{math}\n:label: x\na\n```", "a directive"),
        (":::{note}\nText\n:::", "a directive"),
        ("FAN {cite}`fan2019controllable` turns", "a role"),
        ("as {cite:t}`fan2019controllable` says", "a role"),
        ("see {eq}`fan-joint`", "a role"),
        ("(here)=\n# Title", "a target"),
        ("+++\ntext", "a comment"),
        ("{{ name }}", "a substitution"),
        ("as [](fan.ipynb) shows", "a link without words"),
        ("with $f_\\\\Delta$ as", "a line break within a line"),
        ("$$\na\n$$ (label)", "a label"),
        ("Text\n\n$$\na \\label{b}\n$$", "a label"),
        ("Text $$a$$ text", "$$"),
        ("Text\n$$\na\n$$\ntext", "$$"),
        ("$$\na \\tag{1} b \\tag{2}\n$$", "two numbers"),
        ("$$\na \\\\ b \\tag{2}\n$$", "a number beside several lines"),
        ("\\begin{align}\na\n\\end{align}", "the environment align"),
    ],
)
def test_what_one_of_them_shows_raw_is_noticed(text: str, kind: str) -> None:
    assert unreadable(text) and any(problem.startswith(kind) for problem in unreadable(text))


def test_what_all_of_them_render_is_left_alone() -> None:
    text = (
        "With $f_{0}$ and [words](../book/references.md#fan2019controllable):\n\n$$\na^{b}_{c} \\tag{Eq. 1}\n$$\n\n"
        "$$\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n$$\n\n```python\nx = {'a': []}\n```"
    )
    assert unreadable(text) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_link_in_a_chapter_leads_somewhere(path: Path) -> None:
    works = set(re.findall(r"@\w+\{(\w+),", (BOOK / "references.bib").read_text()))
    page = (BOOK / "api.md").read_text()
    functions = set(re.findall(r"auto(?:function|class|exception):: (\S+)", page))
    modules = dict(re.findall(r"automodule:: (\S+)\n +:members:(.*)", page))  # of which all is listed, or what follows
    targets = [target for text in prose(path) for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    assert targets
    for target in targets:
        file, _, place = target.partition("#")
        if not re.match(r"[a-z]+:", target):
            assert (NOTEBOOKS / file).is_file(), target
        if file == "../book/references.md":
            assert place in works, target
        if file == "../book/api.md" and place not in functions:
            module, _, name = place.rpartition(".")
            assert name in re.findall(r"\w+", modules[module] or name), target
            assert callable(getattr(importlib.import_module(module), name)), target
