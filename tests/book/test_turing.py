"""Judges of made clips: what they must tell apart, what they cannot, and whom they may not have seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from i2vbook.audits import turing
from i2vlib import metrics
from i2vlib.clips import Clip


def noisy(subject: int, seed: int, blur: float = 0.0) -> Clip:
    """Five frames of a person's own colour under fresh noise, blurred as asked."""
    rng = np.random.default_rng([subject, seed])
    own = np.random.default_rng(subject).uniform(80, 170, 3)
    frames = own + rng.normal(0, 25, (5, 32, 32, 3))
    if blur:
        frames = gaussian_filter(frames, (0, blur, blur, 0))
    return Clip(frames.clip(0, 255).astype(np.uint8), subject=f"person-{subject}", expression="happy")


def right(table) -> float:
    return float(((table["score"] > 0.5) == (table["source"] == "real")).mean())


def test_what_is_blurred_is_told_from_what_is_not():
    real = [noisy(s, 0) for s in range(20)]
    table = turing.judge(real, [noisy(s, 1, blur=1.0) for s in range(20)], steps=80, progress=False)
    assert right(table) > 0.95
    assert len(table) == 40 and list(table["source"][:2]) == ["real", "made"]


def test_what_is_drawn_alike_is_not_told_apart():
    real = [noisy(s, 0) for s in range(30)]
    table = turing.judge(real, [noisy(s, 1) for s in range(30)], steps=40, progress=False)
    assert 0.3 < right(table) < 0.7


def test_nobody_is_judged_by_a_network_that_saw_them(monkeypatch):
    """The first network is made to call everything real and the second nothing, so a score says who gave it."""
    seen = []

    def trained(pairs, *rest):
        seen.append({clip.subject for pair in pairs for clip in pair})
        sure = 50.0 if len(seen) == 1 else -50.0
        return lambda clips: torch.full((len(clips),), sure)

    monkeypatch.setattr(turing, "_trained", trained)
    real = [noisy(s, k) for s in range(5) for k in (0, 1)]
    table = turing.judge(real, real, steps=1, progress=False)
    judged = [set(table.loc[table["score"] > 0.5, "subject"]), set(table.loc[table["score"] < 0.5, "subject"])]
    assert judged[0].isdisjoint(seen[0]) and judged[1].isdisjoint(seen[1])
    assert seen[0].isdisjoint(seen[1]) and judged[0] | judged[1] == {f"person-{s}" for s in range(5)}


def test_one_seed_gives_one_verdict_and_leaves_the_callers_randomness_alone():
    real, made = [noisy(s, 0) for s in range(4)], [noisy(s, 1) for s in range(4)]
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = turing.judge(real, made, steps=3, seed=5, progress=False)
    assert torch.equal(torch.rand(1), expected)
    assert first.equals(turing.judge(real, made, steps=3, seed=5, progress=False))
    assert not first.equals(turing.judge(real, made, steps=3, seed=6, progress=False))


def test_a_share_by_hand():
    # Ten of ten: the lower end is where 0.975 of the way, p ** 10 = 0.025.
    whole, low, high = metrics.share(10, 10)
    assert (whole, high) == (1, 1) and np.isclose(low, 0.025**0.1)
    half, low, high = metrics.share(5, 10)
    assert half == 0.5 and np.isclose(low + high, 1)


@pytest.mark.parametrize(
    ("real", "made", "message"),
    [
        ([noisy(0, 0), noisy(1, 0)], [noisy(0, 1)], "2 real and 1 made"),
        ([noisy(0, 0), noisy(1, 0)], [noisy(0, 1), noisy(2, 1)], "Clip 1: .* was not made from"),
        ([noisy(0, 0), noisy(0, 1)], [noisy(0, 1), noisy(0, 2)], "at least two subjects"),
        ([noisy(0, 0)[:2], noisy(1, 0)[:2]], [noisy(0, 1)[:2], noisy(1, 1)[:2]], "at least 3 frames"),
    ],
)
def test_what_cannot_be_judged_says_why(real, made, message):
    with pytest.raises(ValueError, match=message):
        turing.judge(real, made)


def test_a_share_of_nothing_says_so():
    with pytest.raises(ValueError, match="0 out of 0"):
        metrics.share(0, 0)
