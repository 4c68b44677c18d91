"""Whether the expression is there: its lead, the landmarks, the blendshapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from i2vlib.metrics.statistics import mean

_NO_LEAD = 0.1


def lead_change(source: Clip | np.ndarray, expression: str, peak: int = -1) -> float:
    """The lead's change from the first frame to the peak; arguments and errors as `faces.lead`."""
    values = faces.lead(source, expression)
    return float(values[peak] - values[0])


def lead_rise(generated: Clip | np.ndarray, real: Clip | np.ndarray, expression: str, peak: int = -1) -> float:
    """The lead's change from first to peak frame over the real clip's: 1 is the same expression, 0 none at all.

    NaN where the real clip's is under 0.1 of the scale, for then the lead cannot be read. Arguments as `faces.lead`.
    """
    wanted = lead_change(real, expression, peak)
    return lead_change(generated, expression, peak) / wanted if wanted >= _NO_LEAD else float("nan")


def landmark_error(generated: np.ndarray, real: np.ndarray, points: slice | Sequence[int] = slice(None)) -> float:
    """Mean distance of landmarks in % of the distance between the real face's outer eye corners.

    Args:
        generated, real: ``(T, 68, 2)``; frames with NaN in either are left out.
        points: which of the 68.

    Returns:
        The error; NaN if no frame is left.
    """
    distance = np.linalg.norm(np.asarray(generated) - real, axis=-1)[:, points].mean(-1)
    scale = np.linalg.norm(real[:, 36] - real[:, 45], axis=-1)
    return 100 * mean(distance / scale)


def blendshape_error(generated: np.ndarray, real: np.ndarray) -> float:
    """Mean absolute error of the blendshapes in `faces.READABLE`, ``(T, 52)`` each; unread frames are left out."""
    readable = [BLENDSHAPES.index(name) for name in faces.READABLE]
    return mean(np.abs(np.asarray(generated) - real)[:, readable])
