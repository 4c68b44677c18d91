"""Propositions of the chapters, as the book's theme shows them.

In a chapter a proposition is plain Markdown, which JupyterLab, VS Code and Colab render:

    **Proposition 1** (Shen et al.). *If ..., then ....*

    *Proof.* .... ∎

For the book's pages these become directives of sphinx-proof, which frames them and lets the search find them. A number
is the paper's own, as printed; sphinx-proof's count would be another. A proposition of ours has a name and no number.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

#: A statement: the paper's number, if it is the paper's; whose it is, or what it says; and the italics. One paragraph.
STATED = re.compile(r"^\*\*Proposition(?: (\d+))?\*\* \(([^()]+)\)\. \*(.+)\*$", re.MULTILINE)
#: A proof, which may have several paragraphs and formulas.
PROVED = re.compile(r"^\*Proof\.\* (.+?∎)$", re.MULTILINE | re.DOTALL)


def framed(text: str, chapter: str) -> str:
    """A text of Markdown whose propositions and proofs are directives of sphinx-proof, labelled by the chapter."""

    def stated(found: re.Match[str]) -> str:
        number, title, statement = found.groups()
        name = f"{number} ({title})" if number else f"({title})"
        label = f"{chapter}-proposition-{number or re.sub('[^a-z0-9]+', '-', title.lower())}"
        return f"````{{prf:proposition}} {name}\n:nonumber:\n:label: {label}\n\n{statement}\n````"

    text = STATED.sub(stated, text)
    return PROVED.sub(lambda found: f"````{{prf:proof}}\n{found[1]}\n````", text)


def staged(notebook: Mapping[str, Any], chapter: str) -> dict[str, Any]:
    """A copy of a notebook for the book's pages, its propositions framed."""
    shown = copy.deepcopy(dict(notebook))
    for cell in shown["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = framed("".join(cell["source"]), chapter).splitlines(keepends=True)
    return shown
