"""FAN in the page that runs a model: fetched when it is chosen, and drawn as PyTorch draws it."""

from __future__ import annotations

import numpy as np

import i2vlib
from tests.pages.test_your_face import page, site  # noqa: F401

FETCHED = "return document.querySelectorAll('script[src$=\"fan.js\"]').length"


def test_fan_is_fetched_when_it_is_chosen_and_draws_as_pytorch_does(page) -> None:  # noqa: F811
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    page.begin()
    page.chosen("contempt")
    method = Select(page.part("method"))
    assert page.browser.execute_script(FETCHED) == 0 and "MB more" in method.options[1].text
    method.select_by_value("fan")
    page.wait(lambda: page.state("frames.model.spec.name") == "fan")
    page.drawn()
    assert page.part("said").text.endswith("FAN was taught a smile, anger, surprise alone.")
    disabled = {b.get_attribute("data-name") for b in page.card.find_elements("css selector", ".i2v-choice:disabled")}
    assert disabled == {"contempt", "eyes_up", "eyes_closed", "cheeks_puffed"}
    pressed = page.card.find_element("css selector", ".i2v-choice[aria-pressed=true]")
    assert pressed.get_attribute("data-name") == "happy"
    fan = i2vlib.load_pretrained("fan")
    expected = fan.animate(page.crop(), "happy", [0, 1]).frames
    assert np.abs(page.kept("0,0,0", "20,0,0") - expected).max() <= 2
    Select(page.part("other")).select_by_value("surprised")
    page.drawn()
    expected = fan.animate(page.crop(), intensity={"happy": [0.2], "surprised": [1]}).frames
    assert np.abs(page.kept("4,0,20") - expected).max() <= 2
    Select(page.part("where")).select_by_value("left")  # a mask, which the page has for both
    page.drawn()
    page.key(Keys.HOME)
    Select(page.part("where")).select_by_value("all")
    Select(page.part("other")).select_by_value("")
    page.drawn()
    method.select_by_value("affinegan")
    page.wait(lambda: page.state("frames.model.spec.name") == "affinegan")
    page.drawn()
    assert page.card.find_elements("css selector", ".i2v-choice:disabled") == []
    assert page.browser.execute_script(FETCHED) == 1
    page.chosen("happy")
    again = i2vlib.load_pretrained("affinegan").animate(page.crop(), "happy", [0, 1]).frames
    assert np.abs(page.kept("0,0,0,0,0,0,0", "20,0,0,0,0,0,0") - again).max() <= 2
