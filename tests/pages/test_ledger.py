"""The ledger's map in a real browser: filters, tiles and links, without a kernel."""

from __future__ import annotations

import pytest

from i2vbook.show import ledger


@pytest.fixture
def page(show):
    return show(ledger.overview(ledger.load()))


def seen(page) -> list[str]:
    claims = page.find_elements("class name", "i2v-claim")
    return [claim.get_attribute("id") for claim in claims if claim.is_displayed()]


def press(page, text: str) -> None:
    button = next(b for b in page.find_elements("css selector", ".i2v-ledger button") if text in b.text)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"


def test_the_buttons_show_the_claims_of_a_paper_and_of_a_verdict(page) -> None:
    rows = ledger.load()
    assert seen(page) == list(rows.index)
    press(page, "FRGAN")
    assert seen(page) == list(rows.index[rows["paper"] == "FRGAN"])
    press(page, "◐ partly")
    both = (rows["paper"] == "FRGAN") & (rows["verdict"] == "partly")
    assert both.sum() and seen(page) == list(rows.index[both])
    assert page.find_element("class name", "i2v-count").text == f"{both.sum()} of {len(rows)} claims"
    press(page, "all papers")
    assert seen(page) == list(rows.index[rows["verdict"] == "partly"])
    press(page, "all verdicts")
    assert seen(page) == list(rows.index)
    assert not [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_tile_leads_to_its_claim_even_where_that_is_filtered_out(page) -> None:
    press(page, "AffineGAN")
    page.find_element("css selector", "a.i2v-tile[href='#FRG-9']").click()
    top = page.execute_script("return document.getElementById('FRG-9').getBoundingClientRect().top")
    assert "FRG-9" in seen(page) and -5 <= top < 900
    assert page.current_url.endswith("#FRG-9")


def test_verdicts_are_told_apart_without_colour(show) -> None:
    """Tiles of two verdicts differ in the sign that is drawn, not only in its colour, whichever there are."""
    rows, known = ledger.load(), [*ledger.VERDICTS, ledger.OPEN]
    rows.loc[rows.index[: len(known)], "verdict"] = known
    signs = {}
    for tile in show(ledger.overview(rows)).find_elements("class name", "i2v-tile"):
        signs.setdefault(tile.get_attribute("data-verdict"), set()).add(tile.find_element("tag name", "b").text)
    assert all(len(found) == 1 for found in signs.values()) and set(signs) == set(known)
    assert len(set.union(*signs.values())) == len(known) == 6


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off_at_the_right(show, width: int) -> None:
    browser = show("")
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        show('<meta name="viewport" content="width=device-width">' + ledger.overview(ledger.load()))
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_the_web_a_link_leads_to_a_page_and_in_a_notebook_to_a_notebook(page, tmp_path) -> None:
    link = "#AFF-3 a[data-chapter]"
    assert page.find_element("css selector", link).get_attribute("href").endswith("affinegan_intensity.html#AFF-3")
    elsewhere = tmp_path / "page.htm"  # whatever does not end in .html is no page of the book
    elsewhere.write_text((tmp_path / "page.html").read_text("utf-8"), "utf-8")
    page.get(elsewhere.as_uri())
    assert page.find_element("css selector", link).get_attribute("href").endswith("affinegan_intensity.ipynb")
