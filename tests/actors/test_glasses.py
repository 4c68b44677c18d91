"""Glasses: who wears them, that no expression moves them, and what they hide."""

from __future__ import annotations

import numpy as np

from i2vlib.actors import people
from i2vlib.actors.film import Order, clip, film
from i2vlib.actors.nuisance import Nuisance
from i2vlib.actors.truth import PARTS

#: Who wears them, of the first ten from 31_000 on.
WORN = [seed for seed in range(31_000, 31_010) if people.person(seed, "glasses").glasses is not None]
TRUTH = ("parts", "depth", "flow_to_first", "seen_in_first")


def rims(parts: np.ndarray) -> np.ndarray:
    return parts == PARTS.index("glasses")


def test_half_of_one_cast_wears_them_and_nobody_of_the_others() -> None:
    assert 3 <= len(WORN) <= 7
    for cast in ("wide", "lifelike"):
        assert all(people.person(seed, cast).glasses is None for seed in WORN)


def test_rims_lie_around_the_eyes() -> None:
    for seed in WORN:
        shown = clip(seed, size=128, intensity=[0], cast="glasses", truth=("parts", "eyes"))
        row, column = np.nonzero(rims(shown.truth["parts"][0]))
        eyes = shown.landmarks[0, 36:48]
        low, high = np.percentile(column, [10, 90])
        assert low < eyes[:, 0].min() and eyes[:, 0].max() < high
        assert np.percentile(row, 5) < eyes[:, 1].min() and eyes[:, 1].max() < np.percentile(row, 95)


def test_no_expression_moves_them_while_the_brows_rise() -> None:
    shown = clip(WORN[0], "surprised", size=128, intensity=[0, 1], cast="glasses", truth=TRUTH)
    there = rims(shown.truth["parts"][1])
    np.testing.assert_array_equal(there, rims(shown.truth["parts"][0]))
    assert there.sum() > 150 and (shown.truth["flow_to_first"][1][there] == 0).all()
    assert shown.truth["seen_in_first"][1][there].all()
    brows = shown.landmarks[:, 17:27, 1]
    assert (brows[0] - brows[1]).mean() > 2
    covered = rims(shown.truth["parts"][0])
    came = shown.truth["flow_to_first"][1] + np.indices(there.shape)[::-1].transpose(1, 2, 0)
    column, row = np.rint(came).astype(int).clip(0, 127).transpose(2, 0, 1)
    behind = ~there & covered[row, column] & (shown.truth["parts"][1] == PARTS.index("skin"))
    assert behind.sum() > 5 and shown.truth["seen_in_first"][1][behind].mean() < 0.3


def test_they_turn_with_the_head() -> None:
    still, turned = (
        film(Order(WORN[0], "happy", "onset", 8, 128, TRUTH, Nuisance(drift=amount), cast="glasses"))
        for amount in (0, 3.0)
    )
    assert (still.truth["flow_to_first"][-1][rims(still.truth["parts"][-1])] == 0).all()
    there = rims(turned.truth["parts"][-1])
    flow = turned.truth["flow_to_first"][-1]
    assert np.linalg.norm(flow[there], axis=1).mean() > 0.5
    row, column = np.nonzero(there)
    x, y = np.rint(np.stack([column, row], 1) + flow[there]).astype(int).clip(0, 127).T
    assert rims(turned.truth["parts"][0])[y, x].mean() > 0.7


def test_lenses_show_the_eyes_a_little_darker() -> None:
    worn = people.person(WORN[0], "glasses").glasses
    assert 0.8 < worn.clear < 1
    shown = clip(WORN[0], size=128, intensity=[0], cast="glasses", truth=("parts",))
    assert (shown.truth["parts"][0] == PARTS.index("eyeball")).sum() > 40
