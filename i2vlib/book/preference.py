"""Which of two systems is preferred, clip by clip: a stand-in for raters, who are shown both beside each other.

The judge is stated, and the same for all: of five things in which a made clip can be like the true one, it prefers the
clip that is nearer in more. Each of the five has its own way to be cheated (standing still, blurring, showing somebody
else), and none of those wins three of a system that does its work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from i2vlib.book.effects import Effect, level

if TYPE_CHECKING:
    import pandas as pd

#: How far a made clip is from the true one, by what is looked at: of the rows of a table of metrics.
FAR: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "the pixels that move": lambda rows: (rows["moving_ratio"] + rows["halfway_ratio"]) / 2,
    "the landmarks": lambda rows: rows["landmark_ratio"],
    "the person": lambda rows: rows["acd_g_ratio"],
    "the sharpness": lambda rows: np.log(rows["sharpness"].clip(lower=1e-6)).abs(),
    "the expression": lambda rows: (rows["lead_change"] - rows["lead_change_real"]).abs(),
}
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


def _won(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.Series:
    nearer = sum(np.sign(b - a) for a, b in zip(_far(ours), _far(theirs), strict=True))
    return ((np.sign(nearer) + 1) / 2).rename("won")


def _far(rows: pd.DataFrame) -> list[pd.Series]:
    """By clip, each of the five distances."""
    by_clip = rows.set_index(CLIP)
    return [measure(by_clip).clip(upper=UNREAD).fillna(UNREAD) for measure in FAR.values()]
