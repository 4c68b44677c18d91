"""Contact sheets of actors: many people, and every expression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from i2vlib.book.audit.reading import FIRST
from i2vlib.book.checkout import BOOK
from i2vlib.expressions import EXPRESSIONS
from i2vlib.store import replacing

#: Where the book's pictures lie.
ASSETS = BOOK / "assets"
#: People and columns of the first sheet; people of the second.
PEOPLE, COLUMNS, SHOWN = 40, 8, 4


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


def write_sheets(folder: Path = ASSETS, size: int = 256, quality: int = 88) -> list[Path]:
    """Draws both sheets into `folder`: ``actors_people.jpg`` and ``actors_expressions.jpg``."""
    drawn = {"actors_people.jpg": people_sheet(size=size), "actors_expressions.jpg": expressions_sheet(size=size)}
    for name, sheet in drawn.items():
        with replacing(folder / name) as part:
            Image.fromarray(sheet).save(part, quality=quality, optimize=True)
    return [folder / name for name in drawn]


def _grid(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    blank = np.full_like(pictures[0], 255)
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    return np.concatenate([np.concatenate([*row, *[blank] * (columns - len(row))], 1) for row in rows])
