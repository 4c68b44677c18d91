"""What is left out of every page, and what moves on the first one."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from i2vbook.pages import offline as pages


def test_what_thebe_puts_on_a_page_is_left_out_and_nothing_else() -> None:
    inline = SimpleNamespace(filename=None, attributes={"body": 'const THEBE_JS_URL = "https://a.cdn/thebe.js"'})
    loader = SimpleNamespace(filename="_static/sphinx-thebe.js", attributes={})
    theme = SimpleNamespace(filename="_static/theme.js", attributes={"async": "async"})
    settings = SimpleNamespace(filename=None, attributes={"body": "window.MathJax = {}"})
    assert pages.without_thebe([inline, loader, theme, settings, "a.css", "sphinx-thebe.css"]) == [
        theme,
        settings,
        "a.css",
    ]


def test_it_is_asked_about_every_page_after_everybody_else() -> None:
    asked = []
    pages.setup(SimpleNamespace(connect=lambda *what, **how: asked.append((*what, how))))
    ((event, drop, how),) = asked
    context = {"script_files": ["thebe.js", "a.js"], "css_files": ["thebe.css"]}
    drop(None, "page", "page.html", context, None)
    assert event == "html-page-context" and how["priority"] > 500
    assert context == {"script_files": ["a.js"], "css_files": []}


@pytest.mark.slow
def test_the_first_page_shows_a_photograph_and_actors_and_nobody_who_trained(tmp_path: Path) -> None:
    for package in ("anny", "pyvista", "dlib", "matplotlib"):
        pytest.importorskip(package)
    from i2vbook.pages import landing
    from i2vlib import datasets

    assert all(10_000 <= seed < 20_000 for seed in landing.ACTORS)
    photo = datasets.portrait()
    assert photo.shape == (600, 512, 3) and photo.dtype == np.uint8
    text = landing.player()
    assert text.count('class="i2v-picture"') == 1 + len(landing.ACTORS)
    assert re.findall(r'class="i2v-choice"[^>]*>([^<]+)<', text) == list(landing.EXPRESSIONS)
    assert "Grace Hopper" in text and len(text) < 1_800_000
