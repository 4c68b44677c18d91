"""The pad in a real browser: dragging and sliders change the picture that is painted."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib import video
from tests.pages.test_scrubber import PAINTED

COLUMNS, ROWS = 4, 3


@pytest.fixture
def page(show):
    shades = (20 * np.arange(ROWS * COLUMNS)).astype(np.uint8).reshape(ROWS, COLUMNS, 1, 1, 1)
    frames = np.broadcast_to(shades, (ROWS, COLUMNS, 64, 64, 3))
    return show(video.pad(frames, ("happy", "sad"), (np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS))))


def shown(browser) -> tuple[int, int]:
    """Column and row of the frame that is painted."""
    number = round(browser.execute_script(PAINTED, browser.find_element("class name", "i2v-picture")) / 20)
    return number % COLUMNS, number // COLUMNS


def test_the_pad_shows_the_frame_under_the_pointer(page) -> None:
    from selenium.webdriver import ActionChains

    field = page.find_element("class name", "i2v-field")
    for column, row in ((3, 2), (0, 2), (2, 0), (1, 1)):
        x, y = (column / (COLUMNS - 1) - 0.5) * 132, (0.5 - row / (ROWS - 1)) * 132
        ActionChains(page).move_to_element_with_offset(field, int(x), int(y)).click().perform()
        assert shown(page) == (column, row)
    assert page.find_element("class name", "i2v-label").text == "happy 0.33, sad 0.50"


def test_each_slider_moves_one_axis(page) -> None:
    from selenium.webdriver.common.keys import Keys

    across, up = page.find_elements("css selector", ".i2v-pad input")
    across.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert shown(page) == (2, 0)
    up.send_keys(Keys.ARROW_RIGHT)
    assert shown(page) == (2, 1) and up.get_attribute("aria-valuetext") == "sad 0.50"
    across.send_keys(Keys.HOME)
    assert shown(page) == (0, 1)


def test_the_arrow_keys_move_the_dot(page) -> None:
    from selenium.webdriver.common.keys import Keys

    field = page.find_element("class name", "i2v-field")
    field.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert shown(page) == (2, 1)
    field.send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP, Keys.ARROW_UP)  # and no further than its side
    assert shown(page) == (1, 2)


def test_it_is_led_around_once_when_it_is_seen_until_it_is_touched(show, in_motion) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.support.ui import WebDriverWait

    shades = (20 * np.arange(ROWS * COLUMNS)).astype(np.uint8).reshape(ROWS, COLUMNS, 1, 1, 1)
    frames = np.broadcast_to(shades, (ROWS, COLUMNS, 64, 64, 3))
    browser = show(video.pad(frames, ("happy", "sad"), (np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS))))
    for place in ((COLUMNS - 1, 0), (COLUMNS - 1, ROWS - 1), (0, ROWS - 1), (0, 0)):
        WebDriverWait(browser, 5, 0.02).until(lambda _, place=place: shown(browser) == place)
    browser.refresh()
    WebDriverWait(browser, 5, 0.02).until(lambda _: shown(browser) != (0, 0))
    ActionChains(browser).move_to_element(browser.find_element("class name", "i2v-field")).click().perform()
    rest = shown(browser)
    browser.execute_async_script("setTimeout(arguments[0], 1000)")
    assert shown(browser) == rest
