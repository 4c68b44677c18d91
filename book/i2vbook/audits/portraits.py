"""What a model makes of stills that nobody trained on, in numbers that may be shown where the pictures may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
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


def asked(folder: str | Path, size: int = 128) -> dict[str, np.ndarray]:
    """The portraits that nobody trained on, as crops ``uint8 (S, S, 3)`` by name: the first frame of each person in the
    clips that AffineGAN's authors published, and two portraits in the public domain.

    Args:
        folder: ``affinegan-sample``, in AffineGAN's layout.
    """
    import skimage.data

    from i2vlib import datasets

    people = {clip.subject: clip.frames[0] for clip in films(folder, size)}
    crops = {f"portrait {number}": still for number, still in enumerate(people.values(), 1)}
    known = {"Grace Hopper": datasets.portrait(), "astronaut": skimage.data.astronaut()}
    return crops | {name: faces.align_face(photo, size) for name, photo in known.items()}


def films(folder: str | Path, size: int = 128) -> list[Clip]:
    """Opens the clips that AffineGAN's authors published, each with its person as the subject: ``person 1`` and so on.

    Their layout numbers the clips of each expression anew, so that one number is several people. One person is in three
    of the clips.

    Args:
        folder: ``affinegan-sample``, in AffineGAN's layout.
        size: the side in pixels.
    """
    from i2vlib import datasets

    clips = [clip for split in ("train", "test") for clip in datasets.open(folder, split=split, size=size)]
    thrice = "vid_0026"
    keys = [clip.subject if clip.subject == thrice else (clip.expression, clip.subject) for clip in clips]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys), 1)}
    return [replace(clip, subject=f"person {numbers[key]}") for clip, key in zip(clips, keys, strict=True)]


def halves(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Deals clips into two halves by their people, every other person in each."""
    first = list(dict.fromkeys(clip.subject for clip in clips))[::2]
    return [clip for clip in clips if clip.subject in first], [clip for clip in clips if clip.subject not in first]


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


def readings(models: Mapping[str, Method], clips: Sequence[Clip]) -> pd.DataFrame:
    """What models that infer the intensity read off real clips.

    Returns:
        A row a clip and model: ``expression``, ``clip``, ``model``; ``at_the_peak``, the intensity where the lead is
        highest; ``spearman``, of the intensity with the lead, frames after the first.
    """
    import pandas as pd

    from i2vlib import metrics

    rows = []
    for clip in clips:
        lead = faces.lead(faces.read(clip), clip.expression)
        for name, model in models.items():
            a = model.infer_intensity(clip.frames, clip.frames[0], clip.expression)
            known = {"expression": clip.expression, "clip": clip.subject, "model": name}
            peak, order = float(a[int(np.nanargmax(lead))]), metrics.spearman(a[1:], lead[1:])
            rows.append({**known, "at_the_peak": peak, "spearman": order})
    return pd.DataFrame(rows)


def _change(ends: np.ndarray, expression: str) -> dict[str, float]:
    """Of two frames, the first and the peak."""
    seen = faces.measure(ends)
    lead = faces.lead(Clip(ends, landmarks=seen.landmarks, blendshapes=seen.blendshapes), expression)
    return {
        "rise": float(lead[1] - lead[0]),
        "distance": float(np.linalg.norm(seen.embeddings[1] - seen.embeddings[0])),
    }
