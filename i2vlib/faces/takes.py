"""A take of one's own: the part that a model can be taught from, and what is wrong with the rest, in sentences."""

from __future__ import annotations

import numpy as np

from i2vlib.clips import Clip
from i2vlib.faces.crop import eye_centres
from i2vlib.faces.reading import lead, read

#: Of what the lead rises in a clip: so much of it above the calmest frame is no neutral face any more.
CALM = 0.25
#: The least rise of a lead that is an expression, of a score and of the width of the cheeks.
LEAST_RISE = {"score": 0.1, "width": 0.03}
#: How far the eyes may wander, in parts of the picture's side.
STEADY = 0.06


def onset(clip: Clip) -> Clip:
    """The part of a clip from its last calm frame before the peak to the peak: what models are taught from.

    Args:
        clip: an aligned one that names its expression.

    Returns:
        Its frames in order, with what readers see in them; the peak is the frame in which the expression's lead is
        highest, and a frame is calm whose lead has risen by less than `CALM` of that.

    Raises:
        ValueError: the book does not know the expression, or no face is found in any frame.
    """
    seen, found = _read(clip)
    peak = int(np.nanargmax(found))
    low = np.nanmin(found[: peak + 1])
    calm = np.flatnonzero(found[: peak + 1] <= low + CALM * (found[peak] - low))
    return seen[int(calm[-1]) : peak + 1]


def faults(clip: Clip) -> list[str]:
    """What would keep a model from learning an expression from a clip, a sentence each; none of a good one.

    It asks whether there are frames enough, whether a face is found in all of them, whether the first one is neutral,
    whether anything moves, and whether the head stays where it is.

    Args:
        clip: an aligned one that names its expression.

    Raises:
        ValueError: as `onset`.
    """
    seen, found = _read(clip)
    name, said = clip.expression, []
    if len(clip) < 4:
        said.append(f"The clip has {len(clip)} frames; film on until there are at least 4, from neutral to the peak.")
    lost = np.flatnonzero(~np.isfinite(found))
    if lost.size:
        said.append(
            f"No face is found in {lost.size} of {len(clip)} frames, the first of them frame {lost[0]}; leave them "
            "out, or film again in better light, facing the camera."
        )
    calmest, rise = int(np.nanargmin(found)), float(np.nanmax(found) - np.nanmin(found))
    if rise < LEAST_RISE["score" if np.nanmax(found) <= 1 else "width"]:
        said.append(
            f"Hardly anything moves: what is read as {name} rises by {rise:.2f} in the whole clip. Film from a neutral "
            "face to the strongest expression."
        )
    elif not found[0] <= found[calmest] + CALM * rise:
        said.append(
            f"The first frame is not neutral: it reads {found[0]:.2f} of {name}, frame {calmest} {found[calmest]:.2f} "
            f"and the peak {np.nanmax(found):.2f}. Let the clip begin at frame {calmest}."
        )
    eyes = eye_centres(seen.landmarks).mean(1)
    away = float(np.nanmax(np.linalg.norm(eyes - eyes[calmest], axis=-1)) / clip.frames.shape[1])
    if away > STEADY:
        said.append(
            f"The head moves: the eyes wander by {away:.0%} of the picture's side. Hold it still; a model takes every "
            "movement for the expression."
        )
    return said


def _read(clip: Clip) -> tuple[Clip, np.ndarray]:
    """The clip as readers see it, unless it knows that itself, and its lead."""
    seen = read(clip) if clip.landmarks is None or clip.blendshapes is None else clip
    found = lead(seen, str(clip.expression))
    if not np.isfinite(found).any():
        raise ValueError(f"No face is found in any frame of {clip!r}. Was it aligned (i2vlib.faces.align_clip)?")
    return seen, found
