"""The built chapters: the result is on the first screen, and nothing reaches out of the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebooks.test_opening import CHAPTERS

PAGES = Path(__file__).resolve().parents[2] / "_build/html/notebooks"

# The top of the first thing to look at, and what is wider than the article and no box around it scrolls.
LOOK = """
const article = document.querySelector(".bd-article");
const shown = [...article.querySelectorAll(".cell_output img, .i2v-card")].filter(one => one.offsetHeight > 60);
const end = Math.min(article.getBoundingClientRect().right, innerWidth) + 2;
const boxed = one => getComputedStyle(one).overflowX !== "visible" || one !== article && boxed(one.parentElement);
const out = [...article.querySelectorAll("*")].filter(one => one.checkVisibility()
  && one.getBoundingClientRect().right > end && !one.closest("mjx-assistive-mml") && !boxed(one));
return [Math.min(...shown.map(one => one.getBoundingClientRect().top + scrollY)),
        out.map(one => one.outerHTML.slice(0, 80)), document.documentElement.scrollWidth - innerWidth];
"""

# Waits until formulas and letters have their size.
SETTLED = """
const done = arguments[0], formulas = window.MathJax?.startup?.promise ?? Promise.resolve();
Promise.all([formulas, document.fonts.ready]).then(() => requestAnimationFrame(() => requestAnimationFrame(done)));
"""


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desk", "phone"])
def screen(request: pytest.FixtureRequest, browser) -> Iterator[tuple[int, int]]:
    width, height = request.param
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield width, height
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("name", ["quickstart", *(path.stem for path in CHAPTERS)])
def test_the_result_is_on_the_first_screen_and_nothing_is_cut_off(browser, screen: tuple[int, int], name: str) -> None:
    page = PAGES / f"{name}.html"
    if not page.is_file():
        (pytest.fail if os.environ.get("I2V_BUILT_BOOK") == "1" else pytest.skip)("the book is not built: make book")
    browser.get(page.as_uri())
    browser.execute_async_script(SETTLED)
    top, out, beyond = browser.execute_script(LOOK)
    assert top < screen[1] and out == [] and beyond <= 0
