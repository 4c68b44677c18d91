"""The rules: every committed verdict follows from the committed results, and a difference counts as it should."""

import json

import numpy as np
import pytest

from i2vlib.book import claims, results
from i2vlib.book.checkout import RESULTS
from i2vlib.book.effects import Effect

ANSWERS = {path.stem: json.loads(path.read_text()) for path in sorted((RESULTS / "ledger").glob("*.json"))}


def test_every_answer_has_a_rule_and_every_rule_an_answer():
    assert set(ANSWERS) == {name for name, claim in claims.CLAIMS.items() if claim.decide}


@pytest.mark.parametrize("claim", ANSWERS)
def test_a_committed_verdict_follows_from_the_committed_results(claim):
    kept = ANSWERS[claim]
    found = claims.answer(claim, **kept["evidence"])
    assert (found.verdict, found.note) == (kept["verdict"], kept["note"])
    assert found.value == pytest.approx(kept["value"], rel=1e-4, abs=1e-6)
    if found.interval is None:
        assert kept["low"] is None and kept["high"] is None
    else:
        assert found.interval == pytest.approx((kept["low"], kept["high"]), rel=1e-4, abs=1e-6)
    assert kept["runs"] == {name: results.planned()[name].digest for name in found.runs}


def effect_of(differences, by_seed):
    return Effect(float(np.mean(differences)), min(differences), max(differences), by_seed)


@pytest.mark.parametrize(
    ("interval", "by_seed", "sign", "counts"),
    [
        ((0.1, 0.3), (0.1, 0.2), 1, True),
        ((0.1, 0.3), (0.1, 0.2), -1, False),
        ((-0.3, -0.1), (-0.1, -0.2), -1, True),
        ((-0.1, 0.3), (0.1, 0.2), 1, False),
        ((0.1, 0.3), (0.5, -0.1), 1, False),
        ((0.1, 0.3), (0.2,), 1, False),
        ((0.0, 0.3), (0.1, 0.2), 1, False),
    ],
)
def test_a_difference_counts_if_its_interval_leaves_out_0_and_all_seeds_agree(interval, by_seed, sign, counts):
    assert effect_of(interval, by_seed).counts(sign) is counts


def test_one_seed_counts_where_a_rule_says_so():
    assert effect_of((0.1, 0.3), (0.2,)).counts(1, seeds=1)


def test_evidence_is_kept_as_plain_numbers():
    found = claims.answer("FAN-12", ends=np.array([[0.9, 1.0], [np.nan, 1.1]]), order=[[0.95, 0.99], [0.9, 0.92]])
    assert found.evidence["ends"] == [[0.9, 1.0], [None, 1.1]] and found.verdict == "reproduced"
    assert claims.answer("FAN-12", **json.loads(json.dumps(found.evidence))).value == found.value


@pytest.mark.parametrize(("same", "verdict"), [(True, "reproduced"), (False, "not reproduced")])
def test_a_rule_can_fail(same, verdict):
    assert claims.answer("FAN-4", same=same).verdict == verdict


def test_an_unknown_claim_and_a_missing_run_are_errors(monkeypatch):
    with pytest.raises(ValueError, match="no rule for the claim 'FAN-99'"):
        claims.answer("FAN-99")
    monkeypatch.setattr(results, "measured", lambda *_: None)
    with pytest.raises(ValueError, match="fan has not been measured yet: python -m i2vlib.book.runs --only fan"):
        claims.answer("FAN-1")
    with pytest.raises(ValueError, match="No seed of affinegan_64_eyes_closed"):
        claims.answer("AFF-4")


REAL = [("happy", 0.8, 0.3), ("happy", 0.6, 0.3), ("angry", 0.4, 0.3), ("cheeks_puffed", 0.01, 0.1)]


@pytest.mark.parametrize(
    ("made", "verdict", "value"),
    [
        ([("happy", 0.7, 0.3), ("angry", 0.3, 0.4)], "reproduced", 0.75),
        ([("happy", 0.0, 0.0), ("angry", 0.0, 0.0)], "not reproduced", 0.0),  # the still, copied
        ([("happy", 0.7, 0.3), ("angry", 0.16, 0.4)], "partly", 0.4),
        ([("happy", 0.7, 0.7), ("angry", 0.3, 0.7)], "not reproduced", 0.75),  # somebody else
        ([("happy", 0.7, 0.3), ("cheeks_puffed", 0.7, 0.4)], "partly", 1.0),  # which real clips do not raise
        ([("happy", None, None), ("angry", 0.3, 0.4)], "partly", 0.0),  # a face that is lost
    ],
)
def test_an_expression_works_on_a_portrait_if_it_is_there_and_the_person_still_is(made, verdict, value):
    found = claims.affinegan.aff_13([row for row in made for _ in range(12)], REAL)
    assert (found.verdict, found.runs) == (verdict, ("affinegan",)) and found.value == pytest.approx(value)
    assert "on 12 portraits" in found.note and "of 2 expressions work" in found.note
