"""A Sphinx extension: an equation's entry on the page of the package leads to where it is derived, and back.

A docstring says ``Derived in the chapter *fan*, "A still, a change and a dial".``, which reads as it stands; on the
page it becomes a link to that heading. A chapter links to ``../book/api.md#i2vlib.papers.fan.equations.affine``, which
MyST would not find, for it follows a link into another page to its headings only.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from i2vbook.checkout import NOTEBOOKS

#: How a docstring says where its equation is derived: the chapter, and the beginning of a heading in it.
DERIVED = re.compile(r'in the chapter\s+\*(\w+)\*,\s+"([^"]+)"')


def headings(notebook: Path) -> list[str]:
    """The headings of a chapter, in order, as they are typed."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def place(chapter: str, heading: str) -> str:
    """Where the page of a chapter has the heading that begins so, as seen from a page in ``book/``.

    Raises:
        ValueError: the chapter has no such heading, or several.
    """
    found = [there for there in headings(NOTEBOOKS / f"{chapter}.ipynb") if there.startswith(heading)]
    if len(found) != 1:
        raise ValueError(f"The chapter {chapter} has {len(found)} headings that begin with {heading!r}; one is needed.")
    anchor = re.sub("[^a-z0-9]+", "-", found[0].lower()).strip("-")  # as docutils names a section
    return f"../notebooks/{chapter}.html#{anchor}"


def linked_back(docstring: str) -> str:
    """A docstring whose words about its chapter are a link to it, in reStructuredText."""

    def link(said: re.Match[str]) -> str:
        chapter, heading = said[1], " ".join(said[2].split())
        return f'in the chapter `{chapter}, "{heading}" <{place(chapter, heading)}>`__'

    return DERIVED.sub(link, docstring)


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("env-updated", _make_known, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _process(app: Any, what: str, name: str, documented: object, options: object, lines: list[str]) -> None:
    lines[:] = linked_back("\n".join(lines)).split("\n")


def _make_known(app: Any, env: Any) -> None:
    """Adds every name of the package to the places that a link into its page may lead to."""
    for name, _, _, page, anchor, _ in env.get_domain("py").get_objects():
        env.metadata[page].setdefault("myst_slugs", {})[name] = (None, anchor, name)
