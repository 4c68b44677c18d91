"""Figures in which the model draws: what they ask the page for, and that nothing happens before a reader asks."""

from __future__ import annotations

import numpy as np
import pytest

from i2vbook.pages import live, your_face
from i2vlib import video
from tests.pages.test_your_face import Page, errors, page, site

__all__ = ["page", "site"]


@pytest.fixture
def three(monkeypatch) -> None:
    """Pictures that need no rendering."""
    drawn = {name: np.full((8, 8, 3), level, np.uint8) for level, name in enumerate(("one", "two", "<three>"))}
    monkeypatch.setattr(your_face, "pictures", lambda: drawn)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((3, "happy"), r"no person 3; it has \[0, 1, 2\]"),
        ((0, "sad"), "no expression 'sad'; it has .'happy', 'surprised'"),
        ((0, "happy", "sad"), "no second expression 'sad'; it has .'happy'"),
        ((0, "happy", "", "frgan"), "no method 'frgan'; it has .'affinegan_painted', 'fan_painted'"),
    ],
)
def test_what_the_page_cannot_show_is_refused(three, asked: tuple, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        live.figure(*asked)


def test_a_press_puts_the_page_in_the_place_of_its_picture(three, show) -> None:
    browser = show(live.figure(2, "angry", method="fan_painted") + live.figure(0, "happy", "eyes_up"))
    figures = browser.find_elements("class name", "i2v-within")
    assert browser.find_elements("tag name", "iframe") == []
    links = [figure.find_element("tag name", "a").get_attribute("href").rpartition("/")[2] for figure in figures]
    assert links == [
        "your_face.html#across=angry&height=&method=fan_painted",
        "your_face.html#across=happy&height=eyes_up&method=affinegan_painted",
    ]
    figures[0].find_element("tag name", "button").click()
    (frame,) = browser.find_elements("tag name", "iframe")
    asked = "book/your_face.html#figure&across=angry&height=&method=fan_painted&person=2"
    assert frame.get_attribute("src").endswith(asked)
    assert frame.get_attribute("title") == "<three>: anger, drawn by FAN in this page"
    assert figures[0].find_elements("css selector", "button, img") == []
    assert figures[1].find_elements("tag name", "img")
    for figure, method in zip(figures, ("fan_painted", "affinegan_painted"), strict=True):
        assert f"{your_face.FETCHED[method]} MB" in figure.text


def test_a_slider_beside_a_live_figure_looks_as_it_does_alone(three, show) -> None:
    moving = np.stack([np.full((64, 64, 3), level, np.uint8) for level in range(0, 200, 40)])
    looks = """return ["slider", "play", "picture"].map((part) => document.querySelector(".i2v-scrubber .i2v-" + part))
      .map((part) => part && [part.getBoundingClientRect().width, getComputedStyle(part).padding])"""
    alone = show(video.scrubber(moving)).execute_script(looks)
    assert alone[0][0] > 40
    assert show(live.figure(0, "happy") + video.scrubber(moving)).execute_script(looks) == alone


def test_a_notebook_has_no_page_beside_it(three, show, tmp_path) -> None:
    browser = show(live.figure(0, "happy"))
    notebook = tmp_path / "page.htm"
    notebook.write_bytes((tmp_path / "page.html").read_bytes())
    browser.get(notebook.as_uri())
    figure = browser.find_element("class name", "i2v-within")
    assert not figure.find_element("tag name", "button").is_displayed()
    assert figure.find_element("tag name", "a").get_attribute("href").endswith("book/your_face.md")


# In the built book ----------------------------------------------------------------------------------------------------


def asking(page: Page, words: str) -> None:
    page.browser.get("about:blank")  # else a change of the fragment alone opens nothing
    page.address = f"{page.address.partition('#')[0]}#{words}"
    page.open()


@pytest.fixture
def addressed(page) -> Page:
    yield page
    asking(page, "")


def test_an_address_begins_with_an_example_and_what_acts_on_it(addressed) -> None:
    page = addressed
    asking(page, "person=1&across=angry&height=happy&method=fan_painted")
    page.drawn()
    assert page.state("frames.model.spec.name") == "fan_painted"
    assert page.part("other").get_attribute("value") == "happy"
    pressed = page.card.find_element("css selector", ".i2v-choice[aria-pressed=true]")
    assert pressed.get_attribute("data-name") == "angry" and page.part("save").is_displayed()
    asking(page, "person=9&across=<b>&height=happy&method=no")
    assert page.data("state") == "empty" and page.part("method").get_attribute("value") == "affinegan_painted"
    assert errors(page.browser) == []


@pytest.mark.slow
def test_a_chapter_draws_with_the_model(page, site) -> None:
    from selenium.webdriver.common.keys import Keys

    page.browser.get(f"{page.root}/notebooks/affinegan.html")
    figure = page.browser.find_element("class name", "i2v-within")
    page.press(figure.find_element("tag name", "button"))
    page.browser.switch_to.frame(figure.find_element("tag name", "iframe"))
    try:
        page.wait(lambda: page.browser.find_elements("css selector", ".i2v-yours[data-frames=kept]"))
        page.card = page.browser.find_element("class name", "i2v-yours")
        page.key(Keys.HOME)
        still = page.pixels()
        page.key(Keys.END)
        assert (np.abs(page.pixels() - still).max(2) > 24).mean() > 0.01
        shown = [part for part in page.card.find_elements("css selector", "*") if part.is_displayed()]
        assert shown and not page.part("file").is_displayed() and not page.part("save").is_displayed()
        assert not page.browser.find_element("tag name", "h1").is_displayed()
        below = "return arguments[0].getBoundingClientRect().bottom <= innerHeight"
        assert page.browser.execute_script(below, page.part("before"))
    finally:
        page.browser.switch_to.default_content()
    assert errors(page.browser) == []


def test_what_is_said_to_be_fetched_is_fetched(site) -> None:
    folder, _ = site
    size = {name: (folder / f"_static/your_face/{name}.js").stat().st_size for name in (*your_face.MODELS, "runtime")}
    fetched = {name: round((size[name] + size["runtime"]) / 1e6) for name in your_face.MODELS}
    assert fetched == your_face.FETCHED
