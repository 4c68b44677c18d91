"""From an equation on the page of the package to the heading that derives it, and back."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from i2vbook.checkout import BOOK, NOTEBOOKS, ROOT
from i2vbook.pages import derivations

DOCSTRING = 'What.\n\nDerived in the chapter *affinegan*, "Reading the intensity off a\nframe". More.'


def test_the_words_become_a_link_and_the_rest_stays() -> None:
    target = "../notebooks/affinegan.html#reading-the-intensity-off-a-frame"
    link = f'`affinegan, "Reading the intensity off a frame" <{target}>`__'
    assert derivations.linked_back(DOCSTRING) == f"What.\n\nDerived in the chapter {link}. More."
    assert derivations.linked_back("In the chapter *fan*.") == "In the chapter *fan*."


def test_a_heading_may_go_on_and_is_named_in_full() -> None:
    assert derivations.place("frgan_faces", "From a map to a picture").endswith("#from-a-map-to-a-picture-eq-1-2-and-3")


@pytest.mark.parametrize("heading", ["No such heading", ""])
def test_a_heading_that_is_missing_or_not_the_only_one_is_an_error(heading: str) -> None:
    with pytest.raises(ValueError, match="needed"):
        derivations.place("affinegan", heading)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of two pages, built as the whole one is: AffineGAN's chapter and the page of its equations."""
    source, html = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("html")
    (source / "book").mkdir()
    (source / "notebooks").mkdir()
    listing = "```{eval-rst}\n.. automodule:: i2vlib.papers.affinegan.equations\n   :members:\n```\n"
    (source / "book/api.md").write_text(f"# The package\n\n{listing}")
    text = (NOTEBOOKS / "affinegan.ipynb").read_text("utf-8")
    others = r"\[([^\]\n]+)\]\((?:\.\./book/(?!api\.md#i2vlib\.papers)[^)]*|\w+\.ipynb)\)"  # pages that are not here
    (source / "notebooks/affinegan.ipynb").write_text(re.sub(others, r"\1", text), "utf-8")
    (source / "index.md").write_text("# Book\n\n```{toctree}\nbook/api\nnotebooks/affinegan\n```\n")
    (source / "conf.py").write_text(
        'extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "i2vbook.pages.derivations"]\n'
        'nb_execution_mode = "off"\nmyst_enable_extensions = ["dollarmath", "amsmath"]\n'
        "autodoc_preserve_defaults = True\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(source), str(html)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return html


def links(page: Path, into: str) -> set[str]:
    return set(re.findall(rf'href="{re.escape(into)}#([^"]+)"', page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    return set(re.findall(r'\bid="([^"]+)"', page.read_text("utf-8")))


def test_in_a_built_book_both_links_land(pages: Path) -> None:
    api, chapter = pages / "book/api.html", pages / "notebooks/affinegan.html"
    back = links(api, "../notebooks/affinegan.html")
    assert "reading-the-intensity-off-a-frame" in back and back <= anchors(chapter)
    there = links(chapter, "../book/api.html")
    assert "i2vlib.papers.affinegan.equations.projected" in there and there <= anchors(api)


def test_the_book_loads_the_extension() -> None:
    assert "i2vbook.pages.derivations" in (BOOK.parent / "_config.yml").read_text()
