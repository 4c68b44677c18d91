"""What a model makes of stills that nobody trained on, in numbers that may be shown where the pictures may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from i2vlib import faces
from i2vlib.clips import LUMA, Clip

if TYPE_CHECKING:
    import pandas as pd

    from i2vlib.papers.method import Method


def grey(picture: np.ndarray) -> np.ndarray:
    """A picture ``uint8 (..., 3)`` without its colours, as Pillow and JPEG grey it."""
    return np.repeat((picture @ LUMA).round().astype(np.uint8)[..., None], 3, -1)


def answered(model: Method, stills: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What a model that is dialled makes of each still at every expression's peak.

    Args:
        stills: crops ``uint8 (S, S, 3)`` by name.

    Returns:
        A row a still and an expression: ``picture``, ``expression``; ``rise``, how far the expression's lead rises
        from intensity 0 to 1; ``distance``, of dlib's identity between the two frames; NaN where a face is lost;
        ``chroma``, the mean range of red, green and blue at the peak, in levels of 255, beyond that of the still.
    """
    import pandas as pd

    rows = []
    for picture, still in stills.items():
        for expression in model.expressions:
            frames = model.animate(still, expression, [0, 1]).frames
            chroma = float(np.ptp(frames[1].astype(int), -1).mean() - np.ptp(still.astype(int), -1).mean())
            rows.append({"picture": picture, "expression": expression, **_change(frames, expression), "chroma": chroma})
    return pd.DataFrame(rows)


def observed(clips: Sequence[Clip]) -> pd.DataFrame:
    """The same of real clips, from their first frame to the one in which the lead is highest."""
    import pandas as pd

    rows = []
    for clip in clips:
        lead = faces.lead(faces.read(clip), clip.expression)
        ends = clip.frames[[0, int(np.nanargmax(lead))]]
        rows.append({"picture": clip.subject, "expression": clip.expression, **_change(ends, clip.expression)})
    return pd.DataFrame(rows)


def _change(ends: np.ndarray, expression: str) -> dict[str, float]:
    """Of two frames, the first and the peak."""
    seen = faces.measure(ends)
    lead = faces.lead(Clip(ends, landmarks=seen.landmarks, blendshapes=seen.blendshapes), expression)
    return {
        "rise": float(lead[1] - lead[0]),
        "distance": float(np.linalg.norm(seen.embeddings[1] - seen.embeddings[0])),
    }
