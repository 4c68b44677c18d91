"""Which of two systems is preferred, clip by clip: a stand-in for raters, who are shown both beside each other.

The judge is stated, and the same for all: of five things in which a made clip can be like the true one, it prefers the
clip that is nearer in more. Each of the five has its own way to be cheated (standing still, blurring, showing somebody
else), and none of those wins three of a system that does its work.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from i2vbook.evidence.effects import Effect, level

if TYPE_CHECKING:
    import pandas as pd

#: What cannot be read is so far away.
UNREAD = 1e6
CLIP = ["seed", "subject", "expression"]


def preferred(ours: pd.DataFrame, *others: pd.DataFrame) -> pd.DataFrame:
    """Whether each clip of one system is preferred to the same clip of others.

    Args:
        ours: rows of `metrics.evaluate` with a column ``seed``.
        others: the same of other systems, one at least; preferred to several is what is preferred to each of them.

    Returns:
        A row a clip that all have, in a seed that all have: seed, subject, expression, and won, 1, 0, or one half where
        both are nearer in as many things.

    Raises:
        ValueError: there is no clip that all have.
    """
    won = reduce(np.minimum, [_won(ours, other) for other in others]).dropna()
    if won.empty:
        raise ValueError("Preferences are about clips of the same people, expressions and seeds, and none is shared.")
    return won.reset_index()


def win_rate(ours: pd.DataFrame, *others: pd.DataFrame) -> Effect:
    """The share of clips that are preferred (`preferred`), over people and seeds."""
    return level(preferred(ours, *others), "won")


def far_off(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """How far each clip is from the true one, by what is looked at: five numbers for each of the rows."""
    far = {
        "the pixels that move": (rows["moving_ratio"] + rows["halfway_ratio"]) / 2,
        "the landmarks": rows["landmark_ratio"],
        "the person": rows["acd_g_ratio"],
        "the sharpness": np.log(rows["sharpness"].clip(lower=1e-6)).abs(),
        "the expression": (rows["lead_change"] - rows["lead_change_real"]).abs(),
    }
    return {name: values.clip(upper=UNREAD).fillna(UNREAD) for name, values in far.items()}


def _won(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.Series:
    one, other = (far_off(rows.set_index(CLIP)) for rows in (ours, theirs))
    nearer = sum(np.sign(other[name] - one[name]) for name in one)
    return ((np.sign(nearer) + 1) / 2).rename("won")
