"""The judge that stands in for raters, on clips whose distances are written down."""

import numpy as np
import pandas as pd
import pytest

from i2vbook.evidence.preference import preferred, win_rate


def clips(people: int = 3, seed: int = 0, **far: float) -> pd.DataFrame:
    """Clips that are all as far from the true ones."""
    row = {
        "moving_ratio": 0.6, "halfway_ratio": 0.6, "landmark_ratio": 0.8, "acd_g_ratio": 1.2, "sharpness": 0.5,
        "lead_change": 0.2, "lead_change_real": 0.5,
    }  # fmt: skip
    return pd.DataFrame([row | far | {"subject": f"p{n}", "expression": "happy", "seed": seed} for n in range(people)])


@pytest.mark.parametrize(
    ("better", "share"),
    [
        ({}, 0.5),
        ({"moving_ratio": 0.4}, 1.0),
        ({"halfway_ratio": 0.7}, 0.0),
        ({"moving_ratio": 0.5, "halfway_ratio": 0.7}, 0.5),
        ({"sharpness": 1.5}, 1.0),  # log 1.5 is less than log 2, either way
        ({"sharpness": 2.5}, 0.0),
        ({"lead_change": 0.7}, 1.0),
        ({"lead_change": 0.9, "acd_g_ratio": 1.1}, 0.5),
        ({"lead_change": 0.9, "acd_g_ratio": 1.1, "landmark_ratio": 0.7}, 1.0),
        ({"acd_g_ratio": np.nan}, 0.0),
        ({"acd_g_ratio": np.nan, "sharpness": 1.0, "landmark_ratio": 0.5}, 1.0),
    ],
)
def test_the_nearer_in_more_things_is_preferred(better: dict, share: float) -> None:
    assert win_rate(clips(**better), clips()).mean == pytest.approx(share)
    assert win_rate(clips(), clips(**better)).mean == pytest.approx(1 - share)


def test_what_neither_shows_is_no_preference() -> None:
    lost = clips(landmark_ratio=np.nan, acd_g_ratio=np.nan)
    assert win_rate(lost, lost).mean == 0.5


def test_to_be_preferred_to_several_is_to_be_preferred_to_each() -> None:
    ours = clips()
    weak, strong = clips(moving_ratio=0.9), clips(moving_ratio=0.3)
    assert win_rate(ours, weak).mean == 1 and win_rate(ours, weak, strong).mean == 0


def test_clips_are_compared_with_themselves_whatever_their_order() -> None:
    ours = clips(4)
    ours["moving_ratio"] = [0.1, 0.2, 0.3, 0.4]
    theirs = clips(4)
    theirs["moving_ratio"] = [0.15, 0.15, 0.35, 0.35]
    found = preferred(ours, theirs.sample(frac=1, random_state=0)).sort_values("subject")
    assert found["won"].tolist() == [1, 0, 1, 0]


def test_only_seeds_that_all_have_are_compared() -> None:
    ours = pd.concat([clips(), clips(seed=1, moving_ratio=0.1)])
    assert win_rate(ours, clips()).by_seed == (0.5,)
    with pytest.raises(ValueError, match="shared"):
        preferred(ours, clips(seed=2))


def test_a_still_that_is_sharp_and_the_same_person_is_not_preferred_to_what_moves_rightly() -> None:
    still = clips(
        moving_ratio=1.0, halfway_ratio=1.0, landmark_ratio=1.0, acd_g_ratio=1.0, sharpness=0.9, lead_change=0.0
    )
    assert win_rate(clips(), still).mean == 1
