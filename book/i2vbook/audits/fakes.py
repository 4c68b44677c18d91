"""What a rule must not fall for: the still copied, a cross-fade, noise; and the true clip, which it must not refuse.

`measure_fakes` measures the four as if they were methods, on actors of whom everything is known, and ``python -m
i2vbook.audits.fakes`` writes the table. `tried` asks every rule of a claim about what a system does, with one of them
in place of whatever was trained. What a chapter would hand to the rule is taken at its best, so that the committed
numbers alone have to give a fake away.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from i2vbook import checkout, claims
from i2vbook.claims.common import STAND_IN, people, seeds
from i2vbook.evidence.results import read_table, with_every_metric, write_table
from i2vlib import metrics
from i2vlib.clips import Clip
from i2vlib.datasets import actors, performers
from i2vlib.metrics import Model

if TYPE_CHECKING:
    import pandas as pd

#: Where they are committed, of faces and of bodies.
TABLE, BODY_TABLE = checkout.RESULTS / "fakes.parquet", checkout.RESULTS / "fakes_bodies.parquet"
FAKES = ("copying", "cross-fade", "noise")
TRUTH = "true clip"
#: Of these a rule is asked nothing by a clip: what they are about.
NO_CLIPS = {
    "AFF-1": "an exact test", "AFF-2": "an exact test", "AFF-7": "what two encoders look at",
    "AFF-18": "two programs beside one another", "BOOK-1": "a page and its requests",
    "BOOK-2": "digests of weights", "BOOK-3": "the actors themselves", "BOOK-4": "the ledger itself",
}  # fmt: skip
#: These hold one training against another. The same fake in place of both shows no difference, so the true clip, too,
#: may be turned down.
COMPARE = (
    *(f"FAN-{n}" for n in (5, 6, 8, 9, 10, 11, 14)), *(f"AFF-{n}" for n in (5, 6, 8, 9, 10, 11, 12, 14)),
    *(f"FRG-{n}" for n in (1, 2, 3, 4, 5, 6, 9, 10, 12, 14)),
)  # fmt: skip
PEOPLE, BODIES = 6, 3
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


def measure_fakes(people: int = PEOPLE, size: int = SIZE, expressions: Sequence[str] = EXPRESSIONS) -> pd.DataFrame:
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


def measure_body_fakes(people: int = BODIES, seen: int = 10) -> pd.DataFrame:
    """The four on bodies (`metrics.compare_bodies`): test performers, from the last of the frames that are seen on.

    The cross-fade goes evenly from the still to the last frame of the nearest training clip.
    """
    held_out = performers.Performers("test", subjects=people)
    trained = performers.Performers("train", subjects=24)
    nearest = metrics.Nearest(trained[i] for i in range(len(trained)))
    rows = []
    for clip in (held_out[i][seen - 1 :] for i in range(len(held_out))):
        still, shape = clip.frames[:1].astype(np.float32), clip.frames.shape
        share = np.linspace(0, 1, len(clip))[:, None, None, None]
        made = {
            "copying": np.repeat(clip.frames[:1], len(clip), 0),
            "cross-fade": ((1 - share) * still + share * nearest.frames(clip)[-1]).round().astype(np.uint8),
            "noise": np.random.default_rng(0).integers(0, 256, shape, np.uint8),
            TRUTH: clip.frames,
        }
        rows += [
            {"system": name, "subject": clip.subject, "expression": clip.expression}
            | metrics.compare_bodies(frames, clip)
            for name, frames in made.items()
        ]
    return metrics.body_table(rows)


def fakes() -> pd.DataFrame:
    """What `measure_fakes` and `measure_body_fakes` measured, as it was committed."""
    import pandas as pd

    both = [with_every_metric(read_table(path)).to_dict("records") for path in (TABLE, BODY_TABLE)]
    return pd.DataFrame([row for rows in both for row in rows])


def tried() -> pd.DataFrame:
    """What every rule says of the four.

    Returns:
        The verdicts: a row a claim that has a rule about clips, a column each of `FAKES` and `TRUTH`.
    """
    import pandas as pd

    # Of the best residual in pixels, which FAN-5 is handed the distance from, the trained ones stand in.
    best_in_pixels = float(seeds("fan_64_pixel")["halfway_ratio"].mean())
    asked = [name for name, claim in claims.CLAIMS.items() if claim.decide and name not in NO_CLIPS]
    table, found = fakes(), {}
    for system in (*FAKES, TRUTH):
        rows = table[table["system"] == system].reset_index(drop=True)
        handed = at_best(rows, table[table["system"] == TRUTH], best_in_pixels)
        token = STAND_IN.set(rows)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing, where no face was found
                found[system] = {name: claims.answer(name, **handed.get(name, {})).verdict for name in asked}
        finally:
            STAND_IN.reset(token)
    return pd.DataFrame(found, index=asked)


def at_best(rows: pd.DataFrame, true: pd.DataFrame, best_in_pixels: float) -> dict[str, dict[str, object]]:
    """What chapters hand to rules, by claim: as good as it can get, or made from a fake's rows and the true clips'."""
    half = people(rows.assign(seed=0), "halfway_ratio") - best_in_pixels
    mixtures = ("happy + angry", "happy + surprised", "angry + surprised")
    portraits = [part[["expression", "lead_change", "acd_i"]].to_numpy().tolist() for part in (rows, true)]
    steady = {"made": 1.0, "true": 1.0}
    return {
        "FAN-2": {"slopes": [(1.0, 1.0)]},
        "FAN-4": {"same": True},
        "FAN-5": {"beyond": half.to_dict()},
        "FAN-7": {"falling": steady, "straight": steady, "made": [1.0, 1.0], "true": [1.0, 1.0]},
        "FAN-12": {"ends": [(1.0, 1.0)] * 2, "order": [(1.0, 1.0)] * 2},
        "FAN-13": {"kept": [(name, 1.0, 1.0) for name in mixtures for _ in range(2)]},
        "AFF-13": dict(zip(("made", "real"), portraits, strict=True)),
    }


def main() -> None:
    """``python -m i2vbook.audits.fakes``: measures them and writes the table."""
    write_table(TABLE, measure_fakes())
    write_table(BODY_TABLE, measure_body_fakes())


if __name__ == "__main__":
    main()
