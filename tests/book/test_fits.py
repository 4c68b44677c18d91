"""How well bodies fit real people: the table that is committed, and how it is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from i2vlib.book import fits
from i2vlib.datasets.penn_action import Poses
from i2vlib.joints import ACTIONS, MIRRORED
from i2vlib.performers import fit


def test_residuals_are_counted_by_hand(body: object, monkeypatch: pytest.MonkeyPatch) -> None:
    joints, visible = np.zeros((4, 13, 2), np.float32), np.ones((4, 13), bool)
    visible[0, 0] = False
    away = np.full_like(joints, 3.0)
    away[..., 1] = 4.0
    away[0, 0] = 1e6
    foot = np.zeros((4, 5), np.float32)
    foot[:, 0] = [0, 0.01, 0.03, 9]
    foot[3, 2] = 0.2  # up
    pose = {"left_foot": foot, "right_foot": np.zeros((4, 5), np.float32)}
    monkeypatch.setattr(fits, "performed", lambda *_: 2 * away)
    found = fits.residuals(joints, visible, fit.Fit(pose, away, 200.0))
    assert {name: found[name] for name in ("percent", "pixels", "performed")} == {
        "percent": 2.5, "pixels": 5.0, "performed": 5.0,
    }  # fmt: skip
    # Six steps of feet that are down, but the last of the left: 1 and 2 hundredths of a leg, and three that stand.
    assert np.isclose(found["slide"], 100 * fit.reference().leg * 0.03 / 5)


def test_clips_of_which_too_little_is_visible_are_counted_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def poses(action: str, shown: int) -> Poses:
        visible = np.zeros((9, 13), bool)
        visible[:, :shown] = True
        return Poses(np.ones((9, 13, 2), np.float32), visible, np.zeros((9, 4)), action, (9, 9), True, 1)

    asked = []
    monkeypatch.setattr(fits, "fitted", lambda clips: asked.extend(clips) or clips)
    monkeypatch.setattr(
        fits, "residuals", lambda *_: dict.fromkeys(("percent", "pixels", "performed", "slide"), float(len(asked)))
    )
    table = fits.measure_fits([poses("golf_swing", 13), poses("golf_swing", 5), poses("jump_rope", 7)])
    rows = table.set_index("action")
    assert list(rows.index) == [*ACTIONS, "all"]
    assert rows.loc["golf_swing", ["sequences", "fitted", "frames"]].tolist() == [2, 1, 9]
    assert rows.loc["all", ["sequences", "fitted", "frames", "percent"]].tolist() == [3, 2, 18, 2.0]
    # The label's left is the person's right.
    assert asked[1][1][0].tolist() == [i in MIRRORED[:7] for i in range(13)]


def test_the_committed_table_and_the_card_say_the_same() -> None:
    table = pd.read_csv(fits.TABLE).set_index("action")
    assert list(table.index) == [*ACTIONS, "all"]
    assert table.loc["all", "fitted"] == table["fitted"].iloc[:-1].sum() >= 600
    card = (Path(fits.TABLE).parent.parent / "data_performers.md").read_text()
    for action, row in table.iterrows():
        name = "all" if action == "all" else f"`{action}`"
        numbers = [f"{row[column]:.1f}" for column in ("percent", "percent_90", "pixels", "performed", "slide")]
        wanted = [name, f"{row['fitted']:.0f} of {row['sequences']:.0f}", *numbers]
        assert f"| {' | '.join(wanted)} |" in card
