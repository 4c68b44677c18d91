"""The intensity meter: what AffineGAN reads off a clip of a face, beside what MediaPipe reads off it."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES

#: Side of the face and width of the chart beside it, in pixels.
_FACE, _CHART = 256, 400
_MOVED = 0.05
_STYLES = ("-", "--", "-.", ":")


class InfersIntensity(Protocol):
    """A model that the meter can read."""

    @property
    def expressions(self) -> tuple[str, ...]: ...

    @property
    def config(self) -> object: ...

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray: ...


def read_intensity(model: InfersIntensity, clip: Clip, expression: str | None = None, neutral: int = 0) -> Clip:
    """The clip with the intensity that a model infers, and the landmarks and blendshapes read off its frames.

    Args:
        model: AffineGAN, say.
        clip: any clip of one face. One of the model's size is not cropped; any other is cropped by its first frame.
        expression: one of the model's; left out, the clip's own.
        neutral: the number of the frame that shows the face at rest.

    Returns:
        A clip of the model's size; its ``intensity`` is inferred, unclipped.

    Raises:
        ValueError: the model does not know the expression, or there is no such frame.
        NoFaceError: the clip has another size, and no face was found in its first frame.
    """
    size = model.config.size
    if not -len(clip) <= neutral < len(clip):
        raise ValueError(f"The clip has {len(clip)} frames; number {neutral} was given as the neutral one.")
    if clip.frames.shape[1:3] != (size, size):
        clip = faces.align_clip(clip, size)
    expression = expression or clip.expression
    inferred = model.infer_intensity(clip.frames, clip.frames[neutral], expression)
    return replace(faces.read(clip), intensity=inferred, expression=expression)


def moved(clip: Clip, count: int = 3) -> list[str]:
    """Names the blendshapes of a clip that change most over its frames, by .05 at least, the widest range first.

    A pair of a left and a right one counts by its wider side.
    """
    scores = np.nan_to_num(clip.blendshapes)
    ranges = dict(zip(BLENDSHAPES, np.ptp(scores, 0), strict=True))
    names: dict[str, str] = {}
    for name in sorted(ranges, key=ranges.get, reverse=True):
        names.setdefault(name.removesuffix("Left").removesuffix("Right"), name)
    return [name for name in names.values() if ranges[name] >= _MOVED][:count]


def chart(clip: Clip, count: int = 3) -> np.ndarray:
    """Each frame of a measured clip beside its curves, with a mark at its own place on them.

    The solid line is the inferred intensity; the thinner ones are the blendshapes that move most (`moved`).

    Args:
        clip: from `read_intensity`.
        count: how many blendshapes.

    Returns:
        ``uint8 (T, 256, 656, 3)``, for `i2vlib.video.scrubber` or a `Clip` of its own.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_CHART / 100, _FACE / 100), dpi=100, layout="constrained")
    canvas, axis = FigureCanvasAgg(figure), figure.subplots()
    time = np.arange(len(clip)) / clip.fps
    axis.plot(time, clip.intensity, "k", linewidth=2.5, label="inferred intensity")
    for name, style in zip(moved(clip, count), _STYLES[1:] * count, strict=False):
        axis.plot(time, clip.blendshapes[:, BLENDSHAPES.index(name)], style, color="0.35", linewidth=1.2, label=name)
    low, high = min(0, clip.intensity.min()), max(1, clip.intensity.max())
    margin = 0.05 * (high - low)
    axis.set(xlabel="seconds", ylim=(low - margin, high + margin))
    figure.legend(fontsize=7, loc="outside upper center", ncols=2, frameon=False)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3]
    columns = axis.transData.transform(np.stack([time, time], 1))[:, 0].round().astype(int)
    bounds = axis.bbox
    rows = slice(_FACE - int(bounds.y1), _FACE - int(bounds.y0))
    pictures = []
    for frame, column in zip(clip.frames, columns, strict=True):
        beside = drawn.copy()
        beside[rows, max(0, column - 1) : column + 1] = (200, 60, 40)
        pictures.append(np.concatenate([_enlarged(frame), beside], 1))
    return np.stack(pictures)


def _enlarged(frame: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(frame).resize((_FACE, _FACE), Image.Resampling.BICUBIC))
