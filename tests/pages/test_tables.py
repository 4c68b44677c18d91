"""Tables in a real browser: wide ones stay inside the page, whatever its width."""

from __future__ import annotations

from pathlib import Path

import pytest

from i2vbook.evidence.effects import Effect
from i2vbook.show import tables
from i2vlib import metrics


@pytest.mark.parametrize("width", [1280, 390])
def test_a_wide_table_scrolls_in_its_own_box_and_not_the_page(browser, tmp_path: Path, width: int) -> None:
    rows = {f"system {n}": {name: Effect(0.5, 0.4, 0.6) for name in metrics.COLUMNS} for n in range(3)}
    page = tmp_path / "table.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><main style='max-width:800px'>{tables.table(rows).html}</main>"
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        browser.get(page.as_uri())
        box = "const box = document.querySelector('.i2v-table');"
        assert browser.execute_script(f"{box} return box.scrollWidth > box.clientWidth + 100")
        assert browser.execute_script(f"{box} box.scrollLeft = 60; return box.scrollLeft") == 60
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
