"""The browser that looks at pages is started from the machine's own programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.conftest import chromium


def test_selenium_looks_for_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manager, which would, sends statistics."""
    options, service = chromium(tmp_path)
    from selenium.webdriver.common import driver_finder

    def asked(*_: object) -> None:
        raise AssertionError("Selenium's manager was asked for a driver")

    monkeypatch.setattr(driver_finder, "SeleniumManager", asked)
    finder = driver_finder.DriverFinder(service, options)
    assert Path(finder.get_driver_path()).name == "chromedriver" and not finder.get_browser_path()
    assert Path(options.binary_location).is_file()


def test_no_other_test_starts_a_browser() -> None:
    started = ("webdriver." + "Chrome(", "webdriver." + "Firefox(")
    tests = Path(__file__).resolve().parents[1]
    found = {path.name for path in tests.rglob("*.py") if any(one in path.read_text() for one in started)}
    assert found == {"conftest.py"}
