"""The share of made clips that pass: where the threshold lies, what the curve says, and how people are dealt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from i2vbook.audits import passing, turing
from i2vbook.evidence.results import read_table
from tests.book.test_turing import noisy


def test_the_threshold_lies_where_a_share_of_the_real_clips_passes() -> None:
    real = np.arange(10) / 10
    assert passing.matched(real, real, 0.8) == pytest.approx(0.8)
    assert passing.matched(real, real - 0.05, 0.8) == pytest.approx(0.7)
    assert passing.matched(real, real - 1, 0.8) == 0 and passing.matched(real, real + 1, 0.8) == 1


def test_what_scores_alike_passes_alike() -> None:
    """People who are drawn twice for an interval score alike; a threshold that let all of a tie pass was too kind."""
    alike = np.repeat(np.arange(5) / 5, 4)
    assert passing.matched(alike, alike, 0.7) == pytest.approx(0.7)
    assert passing.matched(np.zeros(8), np.zeros(8), 0.8) == pytest.approx(0.8)


def test_no_threshold_of_the_judge_s_matters() -> None:
    """A judge that doubts everything says as much as one that believes everything, in the same order."""
    rng = np.random.default_rng(0)
    real, made = rng.normal(1, 1, 200), rng.normal(0, 1, 200)
    for ask in (passing.matched, passing.area):
        assert ask(real, made) == ask(real - 5, made - 5) == ask(3 * real, 3 * made)


def test_the_area_is_how_often_a_real_clip_is_believed_more() -> None:
    assert passing.area(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx(3.5 / 4)
    assert passing.area(np.array([0.0]), np.array([0.0])) == 0.5


def table(shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        ("q", deal, half, f"p{person}", source, rng.normal(shift * (source == "real"), 1))
        for deal in range(3)
        for half in (0, 1)
        for person in range(half, 20, 2)
        for source in ("real", "made")
        for _ in range(3)
    ]
    return pd.DataFrame(rows, columns=["question", "deal", "half", "subject", "source", "score"])


def test_the_mean_of_judges_is_chance_where_nothing_differs_and_not_where_it_does() -> None:
    same, apart = (passing.summary(table(shift), draws=200)["q"] for shift in (0, 2))
    assert same["AUC"].mean == pytest.approx(0.5, abs=0.08) and same["AUC"].low < same["AUC"].mean < same["AUC"].high
    assert same["made clips that pass"].mean == pytest.approx(passing.REAL, abs=0.08)
    assert apart["AUC"].low > 0.8 and apart["made clips that pass"].high < 0.5


def test_every_deal_has_two_judges_and_other_halves() -> None:
    real, made = ([noisy(s, k) for s in range(8)] for k in (0, 1))
    scores = passing.judged("nothing", real, made, deals=3, steps=1)
    assert len(scores) == 3 * 16 and set(scores["question"]) == {"nothing"}
    halves = [frozenset(part.query("half == 0")["subject"]) for _, part in scores.groupby("deal")]
    assert len(set(halves)) > 1 and all(len(half) == 4 for half in halves)
    assert set(turing.judge(real, made, steps=1, progress=False)["half"]) == {0, 1}


@pytest.mark.skipif(not passing.RESULT.exists(), reason="The scores are not committed yet.")
def test_the_committed_judges_see_a_blur_and_nothing_in_noise() -> None:
    measured = passing.summary(read_table(passing.RESULT), draws=100)
    for asked in measured.values():
        assert all(effect.low <= effect.mean <= effect.high for effect in asked.values())
    assert measured["nothing"]["AUC"].mean == pytest.approx(0.5, abs=0.08)
    assert measured["blurred"]["AUC"].mean > 0.8
