"""The Fréchet distance between what a run makes of held-out people and the true clips, by I3D.

``python -m i2vbook.audits.frechet NAME ...`` measures runs whose weights are there and writes their lines of
``book/results/compared_frechet.csv``, beside those of copying, of a cross-fade, and of the true clips of as many other
people, which say how large the distance is for want of clips alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from i2vbook import checkout
from i2vbook.evidence.learning import clips
from i2vbook.evidence.measuring import DRIVEN_BY
from i2vbook.evidence.plan import Run, planned
from i2vlib import metrics
from i2vlib.clips import Clip
from i2vlib.hub import load_pretrained
from i2vlib.papers.frgan.follower import Follower
from i2vlib.store import write_text

TABLE = checkout.RESULTS / "compared_frechet.csv"
OTHERS = "true clips of other people"
COLUMNS = ("clips", "distance")


def found() -> pd.DataFrame:
    """What was measured, a row a run, ``copy``, ``cross-fade`` and `OTHERS`: ``distance``, and of how many ``clips``.
    Without a row before anything has been."""
    return pd.read_csv(TABLE, index_col="name") if TABLE.is_file() else pd.DataFrame(columns=COLUMNS, dtype=float)


def add(runs: Iterable[Run]) -> None:
    """Measures runs on the same people, and what they are held against once, and writes the table.

    Raises:
        ValueError: some runs are asked about other clips than the first.
    """
    runs = list(runs)
    frames = {run.name: _made(run) for run in runs}
    held_out = _clips(runs[0], "test")
    if others := [run.name for run in runs[1:] if not _are_same(_clips(run, "test"), held_out)]:
        raise ValueError(f"One table is about the clips of {runs[0].name}; about others are: {', '.join(others)}.")
    kept = found()
    if OTHERS not in kept.index:
        frames |= _references(runs[0], held_out)
    true = _features("true clips", (clip.frames for clip in held_out))
    distances = {name: metrics.frechet_distance(_features(name, made), true) for name, made in frames.items()}
    new = pd.DataFrame({"clips": len(true), "distance": pd.Series(distances)}).rename_axis("name")
    table = pd.concat([kept.drop(new.index, errors="ignore"), new]) if len(kept) else new
    write_text(TABLE, table.sort_index().to_csv(float_format="%.2f"))


def _references(run: Run, held_out: list[Clip]) -> dict[str, Iterable[np.ndarray]]:
    fade, copy = metrics.CrossFade(_clips(run, "train")), metrics.CopyNeutral()
    people = len({clip.subject for clip in held_out})
    return {
        "copy": (copy.animate(c.frames[0], c.expression, c.intensity).frames for c in held_out),
        "cross-fade": (fade.animate(c.frames[0], c.expression, c.intensity).frames for c in held_out),
        OTHERS: (clip.frames for clip in _clips(run, "train", subjects=people)),
    }


def _are_same(some: list[Clip], others: list[Clip]) -> bool:
    return len(some) == len(others) and all(
        map(np.array_equal, *([c.frames for c in of_it] for of_it in (some, others)))
    )


def _clips(run: Run, split: str, **changes: object) -> list[Clip]:
    data = clips(run, split, **changes)
    return [data[index] for index in range(len(data))]


def _made(run: Run) -> Iterable[np.ndarray]:
    method = load_pretrained(run.folder / "best")
    driven = {"driven_by": DRIVEN_BY} if issubclass(run.kind, Follower) else {}
    return (method.redraw(clip).frames for clip in _clips(run, "test", **driven))


def _features(name: str, frames: Iterable[np.ndarray]) -> np.ndarray:
    return np.stack([metrics.video_features(video) for video in tqdm(frames, desc=name, unit="clip")])


def main() -> None:
    """Measures the runs named."""
    unknown = [name for name in sys.argv[1:] if name not in planned()]
    if unknown or not sys.argv[1:]:
        sys.exit(f"Name runs of the table of runs whose weights are there; unknown: {', '.join(unknown) or 'none'}.")
    add(planned()[name] for name in sys.argv[1:])


if __name__ == "__main__":
    main()
