"""Contact sheets: actors in every expression, performers in every action."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from i2vbook.audits.actors.reading import FIRST
from i2vbook.checkout import BOOK
from i2vlib.expressions import EXPRESSIONS
from i2vlib.joints import ACTIONS, BONES
from i2vlib.store import replacing

#: Where the book's pictures lie.
ASSETS = BOOK / "assets"
#: People and columns of the first sheet; people of the second.
PEOPLE, COLUMNS, SHOWN = 40, 8, 4
#: Every so manieth frame of a performer's clip is shown.
STEP = 5


def people_sheet(first: int = FIRST, count: int = PEOPLE, columns: int = COLUMNS, size: int = 256) -> np.ndarray:
    """So many people with a neutral face, in rows: ``uint8 (rows * size, columns * size, 3)``."""
    from tqdm.auto import tqdm

    from i2vlib.datasets import actors

    seeds = tqdm(range(first, first + count), "drawing people")
    return _grid([actors.clip(seed, "happy", size=size, intensity=[0]).frames[0] for seed in seeds], columns)


def expressions_sheet(first: int = FIRST, count: int = SHOWN, size: int = 256) -> np.ndarray:
    """A row for each person and a column for each of `EXPRESSIONS`, at its peak: ``uint8``, as `people_sheet`."""
    from tqdm.auto import tqdm

    from i2vlib.datasets import actors

    pairs = [(seed, expression) for seed in range(first, first + count) for expression in EXPRESSIONS]
    peaks = [
        actors.clip(seed, expression, size=size, intensity=[1]).frames[0]
        for seed, expression in tqdm(pairs, "drawing expressions")
    ]
    return _grid(peaks, len(EXPRESSIONS))


def actions_sheet(first: int = FIRST, size: int = 128, step: int = STEP) -> np.ndarray:
    """A row for each of `ACTIONS`, a person each: a film strip of every `step`-th frame: ``uint8``."""
    from tqdm.auto import tqdm

    from i2vlib.datasets import performers

    rows = tqdm(enumerate(ACTIONS, first), "drawing actions", len(ACTIONS))
    clips = [performers.clip(seed, action, size=size, truth=()) for seed, action in rows]
    return _grid([frame for clip in clips for frame in clip.frames[::step]], len(clips[0].frames[::step]))


def bodies_sheet(
    first: int = FIRST, shown: Sequence[str] = ("baseball_pitch", "tennis_serve"), size: int = 256
) -> np.ndarray:
    """What is known of a frame of a performer, a row an action: the frame, its joints and limbs (those that are hidden
    as rings), the person, the depth (near is light), and the flow to the next frame (right is red, down is green)."""
    from i2vlib.datasets import performers

    pictures = []
    for seed, action in enumerate(shown, first):
        clip = performers.clip(seed, action, 28, size, truth="all")
        known = {name: value[-2] for name, value in clip.truth.items()}
        mask, depth, flow = known["person"], known["depth"], known["flow"]
        near = np.where(mask, 1 - 0.8 * (depth - depth[mask].min()) / np.ptp(depth[mask]), 0)
        moved = np.where(mask[..., None], 0.5 + flow / (2 * np.abs(flow).max()), 0.0)
        flat = [np.repeat(mask[..., None], 3, -1), np.repeat(near[..., None], 3, -1), np.dstack([moved, 0.5 * mask])]
        drawn = _limbs(clip.frames[-2], known["joints"], known["visible"])
        pictures += [clip.frames[-2], drawn, *((255 * one).astype(np.uint8) for one in flat)]
    return _grid(pictures, 5)


def _limbs(frame: np.ndarray, joints: np.ndarray, visible: np.ndarray) -> np.ndarray:
    from PIL import ImageDraw

    picture = Image.fromarray(frame)
    pen, radius = ImageDraw.Draw(picture), max(1.0, len(frame) / 85)
    for pair in BONES:
        pen.line([tuple(joints[end]) for end in pair], fill=(255, 255, 255), width=max(1, len(frame) // 170))
    for (x, y), seen in zip(joints.tolist(), visible, strict=True):
        box = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, fill=(255, 196, 0) if seen else None, outline=(0, 0, 0) if seen else (255, 196, 0))
    return np.asarray(picture)


def write_sheets(folder: Path = ASSETS, size: int = 256, quality: int = 88) -> list[Path]:
    """Draws the sheets into `folder`: ``actors_people.jpg``, ``actors_expressions.jpg``, ``performers_actions.jpg`` and
    ``performers_truth.jpg``."""
    drawn = {
        "actors_people.jpg": people_sheet(size=size),
        "actors_expressions.jpg": expressions_sheet(size=size),
        "performers_actions.jpg": actions_sheet(size=size // 2),
        "performers_truth.jpg": bodies_sheet(size=size),
    }
    for name, sheet in drawn.items():
        with replacing(folder / name) as part:
            Image.fromarray(sheet).save(part, quality=quality, optimize=True)
    return [folder / name for name in drawn]


def _grid(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    blank = np.full_like(pictures[0], 255)
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    return np.concatenate([np.concatenate([*row, *[blank] * (columns - len(row))], 1) for row in rows])
