"""Creases: lines that a move draws into the skin, finer than the mesh: furrows of a frown, folds of a smile.

They are places on the template head (x to the subject's left, z up, in metres), darkened in proportion to the move.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.mesh import Canvas, smoothstep
from i2vlib.expressions import BLENDSHAPES

#: How much of the light a crease of a full move takes.
DEPTH = 0.42


def creases(canvas: Canvas, coefficients: np.ndarray, age: float) -> np.ndarray:
    """The share of its light that each vertex ``(m,)`` of a mesh loses at coefficients ``(52,)``: more on old skin."""
    moved = dict(zip(BLENDSHAPES, coefficients, strict=True))
    both = lambda name: 0.5 * (moved[name + "Left"] + moved[name + "Right"])  # noqa: E731
    folds = max(both("mouthSmile"), both("noseSneer"), both("mouthUpperUp"))
    lines = _lines(canvas)
    total = both("browDown") * lines["frown"] + folds * lines["fold"] + both("noseSneer") * lines["nose"]
    return np.clip(DEPTH * (0.7 + 0.6 * age) * total, 0, 0.6).astype(np.float32)


@lru_cache(maxsize=2)
def _lines(canvas: Canvas) -> dict[str, np.ndarray]:
    """How deep each kind of crease is at each vertex ``(m,)``, in [0, 1]."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    skin = (canvas.part == mesh.SKIN) * (1 - canvas.fields["ears"])
    furrow = lambda away, wide: np.exp(-((away / wide) ** 2))  # noqa: E731
    between = furrow(side - 0.0062 - 0.06 * (z - 0.748), 0.0013)
    frown = between * smoothstep(0.738, 0.744, z) * smoothstep(0.762, 0.752, z)
    along = (0.692 - z) / 0.036
    fold = furrow(side - 0.0185 - 0.016 * along - 0.004 * along**2, 0.0016)
    fold = fold * smoothstep(-0.05, 0.2, along) * smoothstep(1.05, 0.75, along)
    nose = sum(furrow(z - at + 0.35 * side, 0.001) for at in (0.727, 0.7325)) * smoothstep(0.013, 0.008, side)
    named = {"frown": frown, "fold": 0.8 * fold, "nose": 0.7 * nose}
    return {name: (line * skin).astype(np.float32) for name, line in named.items()}
