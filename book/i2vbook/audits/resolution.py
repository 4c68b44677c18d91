"""What colours drawn at twice the resolution could buy: ``python -m i2vbook.audits.resolution``.

A carried frame takes its colours from a map of 128 px, also where the photo is larger. Here a face is 256 px wide, and
the shipped model's colours, where the still shows nothing, give way to two others: the true frame as a map of 128 px
would hold it, and the true frame itself. The step from the first to the second is what resolution takes away; the step
from the model's to the first is what the model does not know. People are those who validate. The rows go to
``book/results/resolution.csv``, in about four minutes of one core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

import i2vlib
from i2vbook.checkout import RESULTS
from i2vlib import metrics
from i2vlib.clips import Clip, to_frames, to_tensor
from i2vlib.datasets import actors
from i2vlib.papers.carried import Maps, composed

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from i2vlib.papers.method import Method

RESULT = RESULTS / "resolution.csv"
#: The first person, how many, and expressions that open a mouth or close the eyes: only there are colours drawn.
FIRST, PEOPLE, EXPRESSIONS = 10_000, 16, ("happy", "surprised", "eyes_closed")
SIZE = 256


def enlarged(maps: np.ndarray, size: int) -> Maps:
    """Returns one frame's maps ``(1, 7, h, w)`` at another size; a flow grows with the picture."""
    large = F.interpolate(torch.from_numpy(maps).float(), (size, size), mode="bicubic", antialias=True)
    flow, gate, shade, colour = Maps.parted(large)
    return Maps(flow * (size / maps.shape[-1]), gate.clamp(0, 1), shade, colour.clamp(-1, 1))


def through(picture: Tensor, size: int) -> Tensor:
    """Returns a picture ``(1, 3, H, W)`` as it comes back from a map of ``size`` px."""
    small = F.interpolate(picture, (size, size), mode="area")
    return F.interpolate(small, picture.shape[-2:], mode="bicubic").clamp(-1, 1)


def compared(model: Method, clips: list[Clip]) -> pd.DataFrame:
    """Measures the peak of each clip with three maps of colour, where the model draws anew.

    Args:
        clips: of ``SIZE`` px, their peaks last.

    Returns:
        A row per clip and ``colour``: the ``error`` over copying's and the ``sharpness`` over the true frame's, both
        where the gate is below one half; ``drawn``, the share of the picture that this is.
    """
    import pandas as pd

    rows = []
    for clip in clips:
        still, true = to_tensor(clip.frames[:1]), to_tensor(clip.frames[-1:])
        small = to_frames(F.interpolate(still, (model.size, model.size), mode="area"))[0]
        maps = enlarged(model.animate(small, clip.expression, [float(clip.intensity[-1])]).maps, SIZE)
        where = (maps.gate < 0.5)[0, 0].numpy()
        copied = metrics.moving_error(clip.frames[0], clip.frames[-1], where)
        colours = {"the model's": maps.colour, "true, at 128 px": through(true, model.size), "true, at 256 px": true}
        for name, colour in colours.items():
            frame = to_frames(composed(still, maps._replace(colour=colour)))[0]
            known = {"subject": clip.subject, "expression": clip.expression, "colour": name}
            error = metrics.moving_error(frame, clip.frames[-1], where) / copied
            sharp = metrics.sharpness(frame, where) / metrics.sharpness(clip.frames[-1], where)
            rows.append({**known, "error": error, "sharpness": sharp, "drawn": float(where.mean())})
    return pd.DataFrame(rows)


def main() -> None:
    """Draws, measures and writes the rows."""
    model = i2vlib.load_pretrained("affinegan", "cpu")
    people = range(FIRST, FIRST + PEOPLE)
    clips = [actors.clip(one, name, frames=2, size=SIZE) for one in people for name in EXPRESSIONS]
    compared(model, clips).to_csv(RESULT, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
