"""Propositions are plain Markdown in a chapter and framed by the theme in the book."""

from __future__ import annotations

import json
import re

import pytest

from i2vbook.checkout import NOTEBOOKS, ROOT
from i2vbook.pages import propositions

TEXT = """Before.

**Proposition 1** (Shen et al.). *If $a^*$ is *b*, then $c$.*

*Proof.* First.

$$
a
$$

Then. ∎

After, **bold** and *slanted*."""

FRAMED = """Before.

````{prf:proposition} 1 (Shen et al.)
:nonumber:
:label: affinegan-proposition-1

If $a^*$ is *b*, then $c$.
````

````{prf:proof}
First.

$$
a
$$

Then. ∎
````

After, **bold** and *slanted*."""


def test_a_proposition_and_its_proof_become_directives() -> None:
    assert propositions.framed(TEXT, "affinegan") == FRAMED
    ours = propositions.framed("**Proposition** (what it sees). *All.*\n\n*Proof.* Look. ∎\n\n*Proof.* Again. ∎", "fan")
    assert (
        ours.startswith("````{prf:proposition} (what it sees)\n:nonumber:\n:label: fan-proposition-what-it-sees\n")
        and ours.count("{prf:proof}") == 2
    )


def test_a_notebook_is_left_as_it_was_and_its_code_too() -> None:
    notebook = {"cells": [{"cell_type": "markdown", "source": [TEXT]}, {"cell_type": "code", "source": [TEXT]}]}
    shown = propositions.staged(notebook, "affinegan")
    assert "".join(shown["cells"][0]["source"]) == FRAMED and shown["cells"][1] == notebook["cells"][1]
    assert notebook["cells"][0]["source"] == [TEXT]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_proposition_of_a_chapter_is_framed_with_its_proof(path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for text in prose:
        found = propositions.framed(text, path.stem)
        assert not re.search(r"^\*\*Proposition|^\*Proof", found, re.M)
        assert found.count("{prf:proposition}") == found.count("{prf:proof}") == text.count("∎")


def test_the_papers_own_two_are_there_and_the_book_loads_what_frames_them() -> None:
    cells = json.loads((NOTEBOOKS / "affinegan.ipynb").read_text("utf-8"))["cells"]
    stated = [found for cell in cells for found in propositions.STATED.findall("".join(cell["source"]))]
    assert [number for number, *_ in stated] == ["1", "2"]
    assert "sphinx_proof" in (ROOT / "_config.yml").read_text()
