"""What a rule must not fall for: the still copied, a cross-fade, noise; and the true clip, which it must not refuse.

`measure` measures the four as if they were methods, on actors of whom everything is known, and ``python -m
i2vlib.book.fakes`` writes the table. `tried` asks every rule of a claim about what a system does, with one of them in
place of whatever was trained. What a chapter would hand to the rule is taken at its best, so that the committed
numbers alone have to give a fake away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from i2vlib import metrics
from i2vlib.book import checkout, claims
from i2vlib.book.results import read_table, write_table
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.metrics import Model

if TYPE_CHECKING:
    import pandas as pd

FAKES = ("copying", "cross-fade", "noise")
TRUTH = "true clip"
PEOPLE = 6
SIZE = 64
EXPRESSIONS = ("happy", "angry", "surprised", "eyes_closed")


class Noise:
    """As a method: every frame is other noise, and so is what it infers."""

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        """A frame for each intensity, grey levels drawn evenly; the same intensity gives the same frame."""
        seeds = [int(1e6 * a) for a in np.asarray(intensity, float)]
        frames = [np.random.default_rng(seed).integers(0, 256, face.shape, np.uint8) for seed in seeds]
        return Clip(np.stack(frames), intensity=np.asarray(intensity, np.float32), expression=expression)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Numbers between 0 and 1."""
        return np.random.default_rng(0).random(len(frames), np.float32)


class Truth:
    """One clip of an actor as a method: the actor filmed at the intensities that are asked for, and their intensity."""

    def __init__(self, clip: Clip) -> None:
        self.clip, self.person = clip, int(str(clip.subject).removeprefix("actor-"))

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        """The actor at these intensities; at the clip's own, the clip."""
        curve = np.asarray(intensity, np.float32)
        if np.array_equal(curve, self.clip.intensity):
            return self.clip
        return actors.clip(self.person, self.clip.expression, size=self.clip.frames.shape[1], intensity=curve)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """The clip's own."""
        return self.clip.intensity


def measure(people: int = PEOPLE, size: int = SIZE, expressions: Sequence[str] = EXPRESSIONS) -> pd.DataFrame:
    """The four, measured as every method is (`metrics.evaluate`), on test people, the cross-fade among training people.

    Returns:
        A row a clip and ``system``: the metrics, and the lists and numbers of `measuring.inferences` that a clip has:
        true, inferred, projection and motion_at_one.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    held_out = actors.Actors("test", size, people, expressions)
    trained = actors.Actors("train", size, 24, expressions)
    copying, fading = metrics.CopyNeutral(), metrics.CrossFade(trained[i] for i in range(len(trained)))
    systems: Mapping[str, Callable[[Clip], Model]] = {
        "copying": lambda clip: copying,
        "cross-fade": lambda clip: fading,
        "noise": lambda clip: Noise(),
        TRUTH: Truth,
    }
    rows = []
    for clip in tqdm([held_out[i] for i in range(len(held_out))], desc="fakes", unit="clip"):
        for name, system in systems.items():
            model = system(clip)
            inferred = np.asarray(model.infer_intensity(clip.frames, clip.frames[0], clip.expression), float)
            ends = clip.frames[[0, metrics.peak_frame(clip)]]
            at_one = model.animate(clip.frames[0], clip.expression, [0.0, 1.0]).frames
            row = metrics.evaluate(model, [clip]).assign(system=name, motion_at_one=metrics.motion(at_one, ends))
            curves = {"true": clip.intensity.astype(float), "inferred": inferred, "projection": inferred}
            rows.append(row.assign(**{of: [curve.tolist()] for of, curve in curves.items()}))
    return pd.concat(rows, ignore_index=True)


def main() -> None:
    """``python -m i2vlib.book.fakes``: measures them and writes the table."""
    write_table(checkout.RESULTS / "fakes.parquet", measure())


if __name__ == "__main__":
    main()
