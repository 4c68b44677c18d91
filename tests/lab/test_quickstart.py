"""The quickstart as a reader has it: opened in JupyterLab, run, and every slider moved."""

from __future__ import annotations

import pytest

from tests.lab.conftest import until

pytest.importorskip("selenium", reason="the package selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

#: The studio's picture of the whole photo: an address that is another one for every picture.
PICTURE = "return ([...document.querySelectorAll('.jupyter-widgets img')].find(i => i.naturalHeight > 400) || {}).src"
STUDIO = ".jupyter-widgets:has(> * .i2v-studio)"


def shown(page) -> str:
    return until(lambda: page.execute_script(PICTURE), "the studio shows the photo")


def drag(page, element, across: int, down: int) -> None:
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    hand = ActionChains(page, duration=50).move_to_element(element).click_and_hold()
    hand.move_by_offset(across // 2, down // 2).move_by_offset(
        across - across // 2, down - down // 2
    ).release().perform()


def changes(page, act) -> None:
    """Does something, and waits until the studio shows another picture."""
    before = shown(page)
    act()
    until(lambda: page.execute_script(PICTURE) not in (before, None), "the picture changes")


def choose(page, among: str, name: str) -> None:
    fields = page.find_elements(By.CSS_SELECTOR, ".jupyter-widgets select")
    field = next(one for one in fields if among in one.text)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
    Select(field).select_by_visible_text(name)


@pytest.mark.slow
def test_no_cell_ends_in_an_error(chapter) -> None:
    said = "return [...document.querySelectorAll('.jp-OutputArea-output[data-mime-type*=error]')].map(e => e.innerText)"
    assert chapter.execute_script(said) == []


def test_every_player_follows_its_slider(chapter) -> None:
    """The scrubbers that need no kernel."""
    moved = chapter.execute_script("""
        return [...document.querySelectorAll('.i2v-scrubber')].map(root => {
            const [slider, picture] = [root.querySelector('input[type=range]'), root.querySelector('img.i2v-picture')];
            const seen = [...Array(3).keys()].map(step => {
                slider.value = Math.round(step * slider.max / 2.5);
                slider.dispatchEvent(new Event('input', {bubbles: true}));
                return picture.src;
            });
            return new Set(seen).size;
        })""")
    assert len(moved) >= 3 and set(moved) == {3}


def test_every_expression_of_the_studio_moves_the_picture(chapter) -> None:
    sliders = chapter.find_elements(By.CSS_SELECTOR, f"{STUDIO} .noUi-handle")
    assert len(sliders) >= 8  # seven expressions and the frame
    for handle in sliders[-7:]:
        at = float(handle.get_attribute("aria-valuenow"))
        changes(chapter, lambda handle=handle, at=at: drag(chapter, handle, -60 if at > 0.5 else 60, 0))


def test_the_frame_a_point_of_the_curve_and_the_pad_move_the_picture(chapter) -> None:
    (frame,) = chapter.find_elements(By.CSS_SELECTOR, f"{STUDIO} .noUi-handle")[:1]
    changes(chapter, lambda: drag(chapter, frame, 40, 0))
    point = chapter.find_elements(By.CSS_SELECTOR, ".i2v-studio circle")[1]
    changes(chapter, lambda: drag(chapter, point, 30, 40))
    changes(chapter, lambda: drag(chapter, chapter.find_element(By.CSS_SELECTOR, ".i2v-studio .i2v-field"), 20, -30))


def test_where_it_acts_a_brush_and_a_preset_move_the_picture(chapter) -> None:
    choose(chapter, "there and back", "smile and stay")
    changes(chapter, lambda: choose(chapter, "where I paint", "the mouth"))
    changes(chapter, lambda: choose(chapter, "where I paint", "where I paint"))
    canvas = until(lambda: chapter.find_elements(By.CSS_SELECTOR, ".i2v-brush canvas"), "there is a canvas")[0]
    changes(chapter, lambda: drag(chapter, canvas, 30, 60))
    changes(chapter, lambda: choose(chapter, "where I paint", "the whole face"))
    changes(chapter, lambda: choose(chapter, "there and back", "blink"))


def test_the_camera_hands_over_a_picture(chapter) -> None:
    """The made-up camera shows no face, which the studio says."""
    buttons = chapter.find_elements(By.CSS_SELECTOR, ".i2v-studio button")
    camera = next(button for button in buttons if button.text == "Camera")
    chapter.execute_script("arguments[0].scrollIntoView({block: 'center'})", camera)
    camera.click()
    until(lambda: camera.text == "Take the picture", "the camera runs")
    camera.click()
    said = "return [...document.querySelectorAll('.widget-label')].some(e => e.innerText.includes('No face was found'))"
    until(lambda: chapter.execute_script(said), "the studio says that no face was found")
