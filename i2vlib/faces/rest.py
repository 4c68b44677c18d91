"""What a face does already in a still: by thresholds that rendered faces at rest hardly ever cross.

A model that animates a neutral face lays its expression over whatever the still shows: a smile on a smile, teeth on
teeth. So a still is read first. Each of `SIGNS` is read from MediaPipe's scores, or from dlib's landmarks where there
are no scores, as far as landmarks tell it. A threshold is the highest that nine of ten actors cross who do it (with
coefficients above 0.3), but no lower than what 2 % of either cast cross at rest; an audit of the
book measures them (``book/i2vbook/audits/actors/starts.py``). What fewer than half of those cross who do it is no sign:
squints, brows that are raised or lowered, and by landmarks an open mouth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from i2vlib.expressions import BLENDSHAPES, taken_over

#: Pairs of the 68 landmarks, from 0 on.
Pairs = tuple[tuple[int, int], ...]

_EYE_CORNERS: Pairs = ((36, 45),)


@dataclass(frozen=True)
class Sign:
    """Something that a face may do in a still, and how it is told.

    Attributes:
        does: the predicate of a sentence about the face.
        shapes: the blendshapes whose mean score tells it.
        threshold: the score that a face at rest stays below.
        spans, over: pairs of landmarks: the mean distance of the first, in mean distances of the second, tells it
            where no score is read; none if landmarks do not tell it.
        widest: what a face at rest stays below in that.
    """

    does: str
    shapes: tuple[str, ...]
    threshold: float
    spans: Pairs = ()
    over: Pairs = _EYE_CORNERS
    widest: float = np.inf

    def score(self, scores: np.ndarray) -> np.ndarray:
        """The mean score ``(...)`` of the shapes, of scores ``(..., 52)`` in [0, 1]; NaN where unread."""
        return np.asarray(scores)[..., [BLENDSHAPES.index(name) for name in self.shapes]].mean(-1)

    def ratio(self, points: np.ndarray) -> np.ndarray:
        """The spans over what they are compared with, ``(...)``, of landmarks ``(..., 68, 2)``; NaN without spans."""
        points = np.asarray(points)
        if not self.spans:
            return np.full(points.shape[:-2], np.nan)
        return _distance(points, self.spans) / np.maximum(_distance(points, self.over), 1e-6)

    def moved_by(self, expression: str) -> bool:
        """Whether an expression takes over what does this (`i2vlib.expressions.taken_over`)."""
        return bool(taken_over(expression)[[BLENDSHAPES.index(name) for name in self.shapes]].any())


@dataclass(frozen=True)
class Shown:
    """A sign that a still shows, with its reading above the limit."""

    sign: Sign
    value: float
    limit: float


SIGNS = (
    Sign("smiles", ("mouthSmileLeft", "mouthSmileRight"), 0.37, spans=((48, 54),), widest=0.66),
    Sign("has its mouth open", ("jawOpen",), 0.09),
    Sign(
        "has its eyes closed", ("eyeBlinkLeft", "eyeBlinkRight"), 0.5,
        spans=((36, 39), (42, 45)), over=((37, 41), (38, 40), (43, 47), (44, 46)), widest=4.63,
    ),
)  # fmt: skip


def signs_of(scores: np.ndarray, points: np.ndarray | None = None) -> tuple[Shown, ...]:
    """Which of `SIGNS` a still shows; none of a face at rest, or of one that was not read.

    Args:
        scores: ``(52,)`` in [0, 1], MediaPipe's, columns as in `BLENDSHAPES`; NaN where unread.
        points: ``(68, 2)``, dlib's landmarks in pixels, asked where a sign's scores are NaN.
    """
    read = []
    for sign in SIGNS:
        value, limit = float(sign.score(scores)), sign.threshold
        if np.isnan(value) and points is not None:
            value, limit = float(sign.ratio(points)), sign.widest
        if value > limit:
            read.append(Shown(sign, value, limit))
    return tuple(read)


def in_the_way(signs: Iterable[Shown], expressions: Iterable[str]) -> str:
    """The sentences about a still that does already what some expressions move; empty if it does nothing of that."""
    wanted = tuple(expressions)
    doubled = [one for one in signs if any(one.sign.moved_by(name) for name in wanted)]
    if not doubled:
        return ""
    does = [f"{one.sign.does} (it reads {one.value:.2f}, at rest at most {one.limit:.2f})" for one in doubled]
    return (
        f"This face already {' and '.join(does)}, and the expression would be laid over that. Choose another photo, or "
        "a frame in which the face rests."
    )


def _distance(points: np.ndarray, pairs: Pairs) -> np.ndarray:
    first, second = np.array(pairs).T
    return np.linalg.norm(points[..., first, :] - points[..., second, :], axis=-1).mean(-1)
