"""A headless Chromium without network, for the tests that look at pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=900,900",
    "--force-device-scale-factor=1",
    "--force-prefers-reduced-motion",  # nothing starts by itself, unless a test wants it to (`in_motion`)
)


def _missing(what: str) -> None:
    """Without a browser nothing on a page is tested: a developer may go without, CI may not."""
    reason = f"{what} is missing; install Debian's chromium and chromium-driver (see apt-packages.txt)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def chromium(folder: Path) -> tuple:
    """How Chromium is started, with a folder for its profile: both programs are named, so that Selenium looks for
    neither; its manager of drivers sends statistics."""
    try:
        from selenium import webdriver
    except ImportError:
        _missing("the package selenium")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program:
        _missing("Chromium")
    if not driver:
        _missing("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return options, webdriver.ChromeService(driver)


@contextmanager
def started(folder: Path, *flags: str) -> Iterator:
    """A Chromium with a folder for its profile and more flags, which ends with the block."""
    options, service = chromium(folder)
    for flag in flags:
        options.add_argument(flag)
    from selenium import webdriver

    browser = webdriver.Chrome(options=options, service=service)
    browser.set_page_load_timeout(60)
    browser.set_script_timeout(30)
    try:
        yield browser
    finally:
        browser.quit()


def until(browser, holds: Callable[[], object], seconds: float = 20) -> None:
    """Waits until something holds, however busy the machine is."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, seconds, 0.02).until(lambda _: holds())


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    with started(tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.fixture
def show(browser, tmp_path: Path) -> Callable[[str], object]:
    """Opens a body of HTML as a page on file:// and gives the browser, its log emptied."""

    def open_page(body: str, root: str = "") -> object:
        page = tmp_path / "page.html"
        page.write_text(f"<!doctype html><html {root}><meta charset='utf-8'><body>{body}</body></html>", "utf-8")
        browser.get_log("browser")
        browser.get(page.as_uri())
        return browser

    return open_page


@pytest.fixture
def in_motion(browser) -> Iterator[None]:
    """A reader who has not asked for less motion."""
    features = {"features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    yield
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
