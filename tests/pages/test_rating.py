"""The question "real or made?" in a real browser: what is asked, by which keys, and the score."""

from __future__ import annotations

import math
from urllib.parse import unquote

import numpy as np
import pytest

from i2vbook.audits import turing
from i2vlib import metrics
from i2vlib.clips import Clip
from tests.pages.conftest import until
from tests.pages.test_scrubber import PAINTED

REAL, MADE = 3, 3


def clip(shade: int) -> Clip:
    """Three frames, each ten grey levels above the last."""
    shades = (shade + 10 * np.arange(3)).astype(np.uint8)
    frames = np.broadcast_to(shades[:, None, None, None], (3, 32, 32, 3))
    return Clip(frames, fps=20, subject=f"actor-{shade}", expression="happy")


@pytest.fixture
def page(show):
    real, made = [clip(20 * i) for i in range(REAL)], [clip(130 + 20 * i) for i in range(MADE)]
    judged = {("made", f"actor-{130 + 20 * i}", "happy"): 0.9 if i == 0 else 0.1 for i in range(MADE)}
    judged |= {("real", f"actor-{20 * i}", "happy"): 0.8 for i in range(REAL)}
    return show(turing.rating(real, made, judged, seed=1))


def painted(page) -> int:
    return page.execute_script(PAINTED, page.find_element("class name", "i2v-picture"))


def press(page, key: str) -> None:
    page.execute_script("document.querySelector('[data-answer]').focus()")
    page.switch_to.active_element.send_keys(key)


def test_every_clip_is_asked_about_once_in_an_order_of_its_own_and_the_score_is_told(page) -> None:
    shades = []
    for number in range(REAL + MADE):
        assert page.find_element("class name", "i2v-status").text.endswith(f"{number + 1} of {REAL + MADE}")
        shades.append(painted(page))
        press(page, "r" if shades[-1] < 100 or shades[-1] > 160 else "m")  # one made clip is taken for real
    assert sorted(round(s / 10) * 10 for s in shades) == [0, 20, 40, 130, 150, 170] and shades != sorted(shades)
    assert not page.find_element("class name", "i2v-ask").is_displayed()
    score, lines = (page.find_element("class name", f"i2v-{part}").text for part in ("score", "lines"))
    _, low, high = metrics.share(5, 6)
    assert score.startswith(f"You were right about 5 of 6 ({low * 100:.0f} % to {high * 100:.0f} %)")
    _, low, high = metrics.share(1, 3)
    assert f"Of 3 made clips you called 1 real: 33 % (95 % interval {low * 100:.0f} % to {high * 100:.0f} %)." in lines
    assert "Of 3 real clips you called 3 real: 100 %" in lines and "judge network was right about 5 of these 6" in lines
    shown = page.find_elements("css selector", ".i2v-shown span")
    assert len(shown) == 6 and sum("✗" in words.text for words in shown) == 1
    saved = unquote(page.find_element("class name", "i2v-save").get_attribute("href")).split(",", 1)[1].splitlines()
    assert saved[0] == "order,source,subject,expression,answer" and len(saved) == 7
    assert "made,actor-170,happy,real" in "\n".join(saved)
    page.find_element("class name", "i2v-restart").click()
    assert painted(page) == shades[0] and page.find_element("class name", "i2v-ask").is_displayed()
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_buttons_answer_and_play(page) -> None:
    first = painted(page)
    page.find_element("class name", "i2v-again").click()
    until(page, lambda: painted(page) == first + 20)  # the last of its three frames, at 20 a second
    page.find_element("css selector", "[data-answer='made']").click()
    assert page.find_element("class name", "i2v-status").text.endswith("2 of 6") and painted(page) != first


def test_the_interval_is_the_exact_one(page) -> None:
    """The script's own function, out of the page, against SciPy."""
    found = page.execute_script("""
    const text = document.querySelector(".i2v-rating script").textContent;
    const code = text.slice(text.indexOf("function interval"), text.indexOf("const percent"));
    const interval = new Function(code + "; return interval")();
    return [[0, 4], [4, 4], [1, 12], [7, 12], [20, 40]].map(given => interval(...given));
    """)
    for (count, of), (low, high) in zip([(0, 4), (4, 4), (1, 12), (7, 12), (20, 40)], found, strict=True):
        _, *wanted = metrics.share(count, of)
        assert math.isclose(low, wanted[0], abs_tol=1e-9) and math.isclose(high, wanted[1], abs_tol=1e-9)


def test_it_starts_when_it_is_seen_unless_less_motion_is_wanted(page, in_motion) -> None:
    first = painted(page)
    page.refresh()
    until(page, lambda: painted(page) != first)


def test_no_clips_is_nothing_to_ask() -> None:
    with pytest.raises(ValueError, match="clips"):
        turing.rating([], [])
