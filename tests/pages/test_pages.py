"""The built book in a real browser, from file:// and without network: pages are there, and what they show moves."""

from __future__ import annotations

import functools
import html
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build/html"
SECONDS = 30

# All pixels, as they are painted, of the pictures in an element that can be seen; null while one is loading. In one
# script, since widgets replace the picture whenever the slider moves.
PIXELS = """
const pictures = [...arguments[0].querySelectorAll("img")].filter(picture => picture.checkVisibility());
if (!pictures.length || pictures.some(picture => !picture.complete || !picture.naturalWidth)) return null;
return pictures.map(picture => {
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL();
});
"""


TYPESET = """
const done = arguments[arguments.length - 1];
(window.MathJax?.startup?.promise || Promise.resolve()).then(() => done());
"""
# Formulas that MathJax refused, names that it does not know, which it writes in red, and formulas that it left alone.
WRONG = """
const wrong = [...document.querySelectorAll("mjx-merror, [data-mml-node='merror'], [data-mjx-error]")];
const unknown = [...document.querySelectorAll("mjx-container [fill='red'], mjx-container [color='red']")];
const left = [...document.querySelectorAll(".math")].filter(math => !math.querySelector("mjx-container"));
return [...wrong, ...unknown, ...left].map(part => (part.closest(".math") || part).textContent || part.outerHTML);
"""


def contents() -> list[str]:
    """The pages of ``_toc.yml`` in order, as paths without suffix."""
    yaml = pytest.importorskip("yaml")

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from walk(child)

    return list(walk(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))))


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    if not HTML.is_dir():
        reason = "_build/html does not exist; make book makes it"
        if os.environ.get("I2V_BUILT_BOOK") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def wait(browser, true) -> object:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, SECONDS, 0.1).until(true)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *said: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The address at which the book is served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def opened(browser, page: str, root: str = ""):
    """A page with its scripts run, its mathematics set and its widgets drawn; the logs hold what it said and asked."""
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(f"{root or HTML.as_uri()}/{page}.html")
    wait(browser, lambda _: browser.execute_script("return document.readyState") == "complete")
    browser.execute_async_script(TYPESET)
    views = "script[type='application/vnd.jupyter.widget-view+json']"
    wanted = len(browser.find_elements("css selector", views))
    drawn = "return document.querySelectorAll('.cell_output .jupyter-widgets').length"
    wait(browser, lambda _: not wanted or browser.execute_script(drawn) >= wanted)
    return browser


def pixels(browser, element) -> list[str]:
    return wait(browser, lambda _: browser.execute_script(PIXELS, element))


def press(browser, element, key: str) -> None:
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.send_keys(key)


def test_every_page_of_the_contents_exists() -> None:
    pages = contents()
    assert pages and not [page for page in ["index", *pages] if not (HTML / f"{page}.html").is_file()]


def figures(page: str) -> list[str]:
    """What the figures of a chapter show, as its cells say for those who cannot see them."""
    cells = json.loads((ROOT / f"{page}.ipynb").read_text("utf-8"))["cells"]
    told = (cell["metadata"].get("mystnb", {}).get("image") for cell in cells)
    return [image["alt"] for image in told if image]


@pytest.mark.parametrize("page", [page for page in contents() if page.startswith("notebooks/")])
def test_every_figure_of_a_chapter_is_on_its_page(page: str) -> None:
    text = html.unescape((HTML / f"{page}.html").read_text("utf-8"))
    assert [alt for alt in figures(page) if f'alt="{alt}"' not in text] == []


@pytest.mark.parametrize("page", contents())
def test_every_scrubber_on_a_page_moves_its_picture(browser, page: str) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    scrubbers = browser.find_elements("class name", "i2v-scrubber")
    assert scrubbers or not page.endswith("quickstart"), "quickstart shows no scrubber"
    for scrubber in scrubbers:
        slider = scrubber.find_element("class name", "i2v-slider")
        steps = int(slider.get_attribute("max"))
        if not steps:
            continue  # one frame
        first = pixels(browser, scrubber)
        # A clip may end as it begins, or hold a frame: somewhere on the way the picture changes.
        changed = (press(browser, slider, Keys.ARROW_RIGHT) or pixels(browser, scrubber) != first for _ in range(steps))
        assert any(changed), f"{scrubber.accessible_name!r} shows one picture all along"
        press(browser, slider, Keys.HOME)
        assert pixels(browser, scrubber) == first
        press(browser, slider, Keys.ARROW_RIGHT)
        sources = browser.execute_script("return arguments[0].i2vImages.map(image => image.src)", scrubber)
        assert scrubber.find_element("class name", "i2v-picture").get_attribute("src") == sources[1]


@pytest.mark.parametrize("page", contents())
def test_every_pad_on_a_page_changes_its_picture_both_ways(browser, page: str) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    pads = browser.find_elements("class name", "i2v-pad")
    assert pads or not page.endswith("fan_many_emotions"), "the chapter on mixtures shows no pad"
    for pad in pads:
        for slider in pad.find_elements("css selector", "input"):
            before = pixels(browser, pad)
            press(browser, slider, Keys.END)
            assert pixels(browser, pad) != before, f"{slider.accessible_name!r} does not change the picture"


@pytest.mark.parametrize("page", contents())
def test_every_widget_with_a_play_button_moves_its_picture_without_a_kernel(browser, page: str) -> None:
    """The readout of the slider moves even where the picture does not: only the picture counts."""
    from selenium.webdriver.common.keys import Keys

    if "PlayModel" not in (HTML / f"{page}.html").read_text("utf-8"):
        pytest.skip(f"{page} has no such widget")
    opened(browser, page)
    boxes = wait(browser, lambda _: browser.find_elements("xpath", "//*[contains(@class, 'widget-play')]/../.."))
    for box in boxes:
        before = pixels(browser, box)

        def moved(_, box=box, before=before) -> bool:
            return pixels(browser, box) != before

        handle = box.find_element("css selector", "[role='slider']")
        press(browser, handle, Keys.ARROW_RIGHT * 8)
        wait(browser, moved)
        press(browser, handle, Keys.HOME)
        wait(browser, lambda _, moved=moved: not moved(_))
        play = box.find_element("css selector", ".widget-play button")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", play)
        play.click()
        wait(browser, moved)


def errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def asked(browser) -> list[str]:
    """Every address that the page has asked for; the first is opened over the browser's own start page."""
    said = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in said if event["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:"))]


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("page", [*contents(), "search", "genindex"])
def test_a_page_says_no_error_and_asks_for_the_books_own_files_only(browser, served, page: str, way: str) -> None:
    root = HTML.as_uri() if way == "file" else served
    opened(browser, page, root)
    assert errors(browser) == []
    urls = asked(browser)
    assert f"{root}/{page}.html" in urls
    assert [url for url in urls if not url.startswith(f"{root}/")] == []
    assert browser.execute_script(WRONG) == []


def test_wrong_mathematics_and_a_request_that_leaves_are_noticed(browser) -> None:
    opened(browser, "book/notation")
    add = """
    const [text, done] = arguments, place = document.createElement("div");
    place.className = "math";
    place.textContent = text;
    document.querySelector("article").append(place);
    MathJax.typesetPromise([place]).then(() => done());
    """
    for number, text in enumerate((r"\(\nosuchname{x}\)", r"\(\frac{1}{\)", "never set"), 1):
        browser.execute_async_script(add, text)
        assert len(browser.execute_script(WRONG)) == number
    browser.execute_async_script("fetch('https://example.org/x').catch(() => {}).then(arguments[0])")
    assert "https://example.org/x" in asked(browser)


def test_a_first_visit_says_no_error(browser) -> None:
    opened(browser, "book/notation").execute_script("localStorage.clear()")
    opened(browser, "book/notation")
    assert errors(browser) == []


def test_every_link_of_the_ledger_lands_on_the_answer_in_its_chapter() -> None:
    text = (HTML / "notebooks/ledger.html").read_text("utf-8")
    links = re.findall(r'<a href="(\w+)\.html#([A-Z]+-\d+)"', text)
    assert len(links) > 30
    pages = {chapter: (HTML / f"notebooks/{chapter}.html").read_text("utf-8") for chapter, _ in links}
    assert [link for link in links if f'id="{link[1]}"' not in pages[link[0]]] == []


def places(page: str) -> set[str]:
    """Everything on a page that a link may lead to."""
    return set(re.findall(r'\bid="([^"]+)"', (HTML / f"{page}.html").read_text("utf-8")))


def test_every_link_between_an_equation_and_its_chapter_lands() -> None:
    derived = re.findall(r'href="\.\./(notebooks/\w+)\.html#([^"]+)"', (HTML / "book/api.html").read_text("utf-8"))
    assert len(derived) >= 30 and [link for link in derived if link[1] not in places(link[0])] == []
    chapters = [HTML / f"{page}.html" for page in contents() if page.startswith("notebooks/")]
    there = {name for page in chapters for name in re.findall(r'/book/api\.html#([^"]+)"', page.read_text("utf-8"))}
    assert len(there) >= 30 and there <= places("book/api")


@pytest.mark.parametrize("page", [page for page in contents() if page.startswith("notebooks/")])
def test_every_claim_in_an_opening_leads_to_its_answer(page: str) -> None:
    text = (HTML / f"{page}.html").read_text("utf-8")
    asked = re.findall(
        r'<a href="#([A-Z]+-\d+)" data-verdict', "".join(re.findall(r'class="i2v-asked".*?</div>', text, re.S))
    )
    assert set(asked) <= places(page) and bool(asked) == (
        "opening.answered" in (ROOT / f"{page}.ipynb").read_text("utf-8")
    )


def test_the_map_of_the_ledger_is_on_its_first_screen(browser) -> None:
    opened(browser, "notebooks/ledger")
    bottom = (
        "return Math.max(...[...document.querySelectorAll('.i2v-tile')].map(t => t.getBoundingClientRect().bottom))"
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert 0 < browser.execute_script(bottom) < 900
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# Search ---------------------------------------------------------------------------------------------------------------

FOUND = """
const done = arguments[arguments.length - 1];
const look = () => {
  const found = [...document.querySelectorAll("#search-results li a")].map(link => new URL(link.href).pathname);
  const said = document.querySelector("#search-results").textContent;
  /finished|did not match/.test(said) ? done(found) : setTimeout(look, 50);
};
look();
"""


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("install", "book/installing"),
        ("licence", "book/responsible_use"),
        ("license", "book/responsible_use"),
        ("upload", "book/responsible_use"),
        ("paste_back", "book/api"),
    ],
)
def test_the_search_finds_what_readers_look_for(browser, word: str, page: str) -> None:
    browser.get(f"{HTML.as_uri()}/search.html?q={word}")
    found = browser.execute_async_script(FOUND)
    assert any(address.endswith(f"/{page}.html") for address in found), found


# The first page -------------------------------------------------------------------------------------------------------

FIRST = "book/introduction"


def test_the_first_screen_moves_a_photograph_and_actors_with_one_slider(browser) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, FIRST)
    (card,) = browser.find_elements("class name", "i2v-scrubber")
    slider, pictures = card.find_element("class name", "i2v-slider"), card.find_elements("class name", "i2v-picture")
    assert len(pictures) == 5 and slider.rect["y"] + slider.rect["height"] < 900
    first = pixels(browser, card)
    press(browser, slider, Keys.END)
    smiling = pixels(browser, card)
    assert all(now != before for now, before in zip(smiling, first, strict=True))
    for choice in card.find_elements("class name", "i2v-choice")[1:]:
        choice.click()
        assert all(now not in (a, b) for now, a, b in zip(pixels(browser, card), first, smiling, strict=True))


def test_the_first_page_weighs_two_megabytes_at_most(browser, served) -> None:
    opened(browser, FIRST, served)
    own = (HTML / f"{FIRST}.html").stat().st_size
    shown = browser.execute_script("return [...document.images].map(i => i.src).filter(s => !s.startsWith('data:'))")
    weight = own + sum((HTML / url.removeprefix(f"{served}/")).stat().st_size for url in set(shown))
    assert own > 500_000 and weight <= 2_000_000
