"""The standard for all answers: trainings, what cannot be decided, stills, thresholds met by whole intervals."""

from __future__ import annotations

import pandas as pd
import pytest

from i2vbook import claims
from i2vbook.claims import common, standard
from i2vbook.claims.common import Answer


def answer(verdict: str, *runs: str) -> Answer:
    return Answer(verdict, 1.0, None, runs, "A number.")


@pytest.mark.parametrize(
    ("runs", "least"),
    [
        ((), 3),
        (("fan",), 1),
        (("a_0", "a_1", "a_2"), 3),
        (("a_0", "a_1", "a_2", "b_0", "b_1"), 2),
        (("a_64_0", "a_64_1", "a_64_2", "fan"), 1),
    ],
)
def test_trainings_are_counted_row_by_row_and_the_fewest_count(runs, least):
    assert standard.trainings(runs) == least


def test_reproduced_takes_three_trainings_of_all_that_is_compared():
    thrice = answer("reproduced", "a_0", "a_1", "a_2")
    assert standard.held(thrice) == thrice
    twice = standard.held(answer("reproduced", "a_0", "a_1", "a_2", "b_0", "b_2"))
    assert twice.verdict == "partly" and "2 trainings" in twice.note
    for verdict in ("partly", "not reproduced", "not testable here"):
        assert standard.held(answer(verdict, "fan")).verdict == verdict


def test_what_cannot_carry_a_verdict_is_not_decided_and_says_why():
    held = standard.held(answer("not reproduced", "fan"), "because nobody was asked")
    assert held.verdict == "not decided" and "because nobody was asked" in held.note and "not reproduced" in held.note
    assert standard.held(answer("not testable here"), "because nobody was asked").verdict == "not testable here"


def test_a_rule_that_is_tried_on_a_stand_in_is_heard_by_itself():
    token = common.STAND_IN.set(pd.DataFrame())
    try:
        assert standard.held(answer("reproduced", "fan"), "because").verdict == "reproduced"
    finally:
        common.STAND_IN.reset(token)


def test_every_claim_that_is_left_undecided_says_why_in_half_a_sentence():
    reasons = {name: claim.undecided for name, claim in claims.CLAIMS.items() if claim.undecided}
    assert {"FAN-15", "AFF-15", "FRG-5", "FRG-6", "FRG-9", "FRG-14"} == set(reasons)
    assert all(reason.startswith("because ") and not reason.endswith(".") for reason in reasons.values())


@pytest.mark.parametrize(
    ("motion", "verdict"),
    [((0.7, 0.8), "reproduced"), ((0.5, 0.8), "partly"), ((0.3, 0.4), "not reproduced"), ((0.9, 1.1), "reproduced")],
)
def test_a_threshold_within_the_interval_leaves_partly_at_most(motion, verdict):
    rows = {"motion": motion, "moving_ratio": 0.5, "halfway_ratio": 0.6, "subject": ["p0", "p1"], "seed": 0}
    assert common.if_it_moves("reproduced", pd.DataFrame(rows)) == verdict


def test_nothing_is_won_against_a_system_behind_a_copied_still(monkeypatch):
    beside = {"ours": "a", "one": "b", "other": "c"}
    monkeypatch.setattr(common, "stands", lambda base: base == "b")
    assert "other" in common.behind_a_still(beside) and "one" not in common.behind_a_still(beside)
    monkeypatch.setattr(common, "stands", lambda base: True)
    assert common.behind_a_still(beside) == ""


def test_who_loses_to_a_copied_still_is_known():
    rows = {**claims.affinegan.BESIDE, **claims.fan.BESIDE, **claims.frgan.BESIDE}
    stand = {name for name, base in rows.items() if common.stands(base)}
    assert {"FGST", "FAN", "AffineGAN", "FRGAN"} <= stand
    assert not {"MoCoGAN", "VideoGAN", "ConvLSTM", "GANimation", "MCNet"} & stand
