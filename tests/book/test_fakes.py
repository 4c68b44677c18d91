"""No rule falls for a still, a cross-fade or noise, and none that asks about one system turns the true clip down."""

import numpy as np
import pandas as pd
import pytest

from i2vbook import claims
from i2vbook.audits import fakes
from i2vbook.claims import common
from i2vbook.claims.common import STAND_IN
from i2vlib.datasets import actors
from i2vlib.joints import ACTIONS


@pytest.fixture(scope="module")
def verdicts() -> pd.DataFrame:
    return fakes.tried()


def test_every_rule_is_tried_unless_it_asks_nothing_of_a_clip(verdicts):
    with_a_rule = [name for name, claim in claims.CLAIMS.items() if claim.decide]
    assert set(verdicts.index) | set(fakes.NO_CLIPS) == set(with_a_rule)
    assert not set(verdicts.index) & set(fakes.NO_CLIPS) and set(fakes.COMPARE) <= set(verdicts.index)
    assert STAND_IN.get() is None


@pytest.mark.parametrize("fake", fakes.FAKES)
def test_no_rule_is_passed_by(verdicts, fake):
    assert verdicts.index[verdicts[fake] == "reproduced"].tolist() == []


def test_no_rule_about_one_system_turns_the_true_clip_down(verdicts):
    refused = verdicts.index[verdicts[fakes.TRUTH] == "not reproduced"]
    assert set(refused) <= set(fakes.COMPARE)


def test_without_the_part_about_motion_a_still_would_pass(monkeypatch):
    """The parts that a still cannot pass are what stops it, not an accident of the table."""
    for name in ("moves", "if_it_moves"):
        monkeypatch.setattr(common, name, lambda *given, **more: given[0] if isinstance(given[0], str) else True)
    passed = fakes.tried()
    assert {"FAN-1", "FAN-2", "FAN-3", "FAN-4", "AFF-4"} <= set(passed.index[passed["copying"] == "reproduced"])
    assert {"FAN-3", "AFF-3", "AFF-4", "AFF-17"} <= set(passed.index[passed["cross-fade"] == "reproduced"])


def test_the_table_of_fakes_is_what_it_says():
    both = fakes.fakes()
    table, bodies = (both[both["expression"].isin(ACTIONS) == moving] for moving in (False, True))
    for part in (table, bodies):
        assert part.groupby("system").size().to_dict() == dict.fromkeys((*fakes.FAKES, fakes.TRUTH), 24)
    moved = bodies.groupby("system")[["motion", "moving_ratio", "mse"]].mean()
    assert moved.loc[fakes.TRUTH].tolist() == [1, 0, 0] and moved.loc["copying"].tolist()[:2] == [0, 1]
    mean = table.groupby("system")[["motion", "moving_ratio", "psnr_neutral", "spearman"]].mean()
    assert mean.loc["copying", ["motion", "moving_ratio", "spearman"]].tolist() == [0, 1, 0]
    assert mean.loc[fakes.TRUTH, ["motion", "moving_ratio", "spearman"]].tolist() == [1, 0, 1]
    assert (mean.loc[["cross-fade", "noise"], "moving_ratio"] > 1).all()


def test_noise_is_the_same_for_the_same_intensity_and_other_for_another():
    face = np.zeros((4, 4, 3), np.uint8)
    first, second, again = fakes.Noise().animate(face, "happy", [0.0, 0.5, 0.0]).frames
    assert (first == again).all() and (first != second).any()


def test_the_truth_is_the_clip_at_its_own_intensities_and_the_actor_at_others():
    clip = actors.clip(20_000, "happy", size=32, frames=3)
    truth = fakes.Truth(clip)
    assert truth.animate(clip.frames[0], "happy", clip.intensity).frames is clip.frames
    assert (truth.animate(clip.frames[0], "happy", [0.0, 1.0]).frames[0] == clip.frames[0]).all()
    assert truth.infer_intensity(clip.frames, clip.frames[0]) is clip.intensity


def test_a_stand_in_takes_the_place_of_what_was_measured():
    rows = pd.DataFrame({"subject": ["a", "b"], "expression": ["happy", "sad"], "motion": [0.1, 0.2]})
    token = STAND_IN.set(rows)
    try:
        found = claims.common.seeds("affinegan_64")
    finally:
        STAND_IN.reset(token)
    assert found[["subject", "motion", "seed"]].to_numpy().tolist() == [["a", 0.1, seed] for seed in range(3)]
