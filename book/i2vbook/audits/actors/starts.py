"""The thresholds of `i2vlib.faces.rest`, measured on actors: ``python -m i2vbook.audits.actors.starts``.

It renders people of the validation split at rest, of both casts; and, lifelike, in stills that smile, talk, squint or
the like (`i2vlib.actors.acting`), and in expressions on their way to the peak. It reads them, and writes what each sign
reads and what is true of it to ``book/results/starts.csv``, a row a still. ``--table`` only prints the thresholds.
That takes about six minutes of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from i2vbook.checkout import RESULTS
from i2vlib import faces
from i2vlib.faces.rest import SIGNS, Sign
from i2vlib.store import write_text

RESULT = RESULTS / "starts.csv"
#: The first person, how many of each cast, and the side of a still in pixels.
FIRST, PEOPLE, SIDE = 10_000, {"lifelike": 48, "wide": 160}, 128
#: A face truly does what its coefficients say, from this on; below the other it does not.
DOES, DOES_NOT = 0.3, 0.05
#: The share of a cast's faces at rest that may cross a threshold, and of those that do it that should.
AT_REST, CAUGHT = 0.02, 0.9
#: Signs that are measured and are too little worth to be told.
UNTOLD = (
    Sign("raises its brows", ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), np.inf),
    Sign("squints", ("eyeSquintLeft", "eyeSquintRight"), np.inf),
    Sign("lowers its brows", ("browDownLeft", "browDownRight"), np.inf),
)
#: What people show beside rest and starts, at which intensity, those of even seeds and of odd ones.
ON_THE_WAY, LEVEL = (("angry",), ("eyes_closed", "surprised")), 0.6


@dataclass(frozen=True, eq=False)
class Still:
    """A rendered still: of whom, what it shows, ``uint8 (S, S, 3)``, and its true coefficients ``(52,)``."""

    cast: str
    seed: int
    shows: str
    frame: np.ndarray
    true: np.ndarray


def stills(seed: int, cast: str) -> Iterator[Still]:
    """All stills of a person: one at rest; of the lifelike cast also two starts and an expression or two."""
    from i2vlib.datasets import actors

    wanted = [("rest", "happy", 0.0, actors.Nuisance())]
    if cast == "lifelike":
        wanted += [("start", name, 0.0, actors.Nuisance(starts=1.0)) for name in ("happy", "surprised")]
        wanted += [(name, name, LEVEL, actors.Nuisance()) for name in ON_THE_WAY[seed % 2]]
    for shows, expression, level, nuisance in wanted:
        clip = actors.clip(seed, expression, size=SIDE, truth=(), intensity=[level], nuisance=nuisance, cast=cast)
        yield Still(cast, seed, shows, clip.frames[0], clip.blendshapes[0])


def row(still: Still) -> dict[str, str | int | float]:
    """What is read of a still and what is true: by sign the score, the ratio of landmarks, and the coefficient."""
    reading = faces.measure(still.frame[None], identity=False)
    known: dict[str, str | int | float] = {"cast": still.cast, "seed": still.seed, "shows": still.shows}
    for sign in (*SIGNS, *UNTOLD):
        known[f"{sign.does}: score"] = float(sign.score(reading.blendshapes[0]))
        if sign.spans:
            known[f"{sign.does}: ratio"] = float(sign.ratio(reading.landmarks[0]))
        known[f"{sign.does}: true"] = float(sign.score(still.true))
    return known


def threshold(rest: Sequence[np.ndarray], doing: np.ndarray) -> float:
    """The threshold of a sign: what `CAUGHT` of those that do it cross, and no more than `AT_REST` of those at rest.

    Where there is no such threshold, fewer that do it cross.

    Args:
        rest: what was read of faces at rest, ``(N,)`` a cast.
        doing: ``(M,)``, what was read of those that truly do it; may be none.

    Returns:
        The highest such threshold, in hundredths.
    """
    least = [np.sort(values)[len(values) - 1 - int(AT_REST * len(values))] for values in rest]
    highest = np.sort(doing)[int(round((1 - CAUGHT) * len(doing), 6))] if len(doing) else 0.0
    return float(max(np.ceil(round(100 * max(least), 4)), np.ceil(round(100 * highest, 4)) - 1)) / 100


def thresholds(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each sign, by scores and by landmarks: the threshold, and the shares of stills that cross it.

    Args:
        frame: rows as `row` makes them.

    Returns:
        By ``sign`` and ``read``: ``threshold``; ``wide`` and ``lifelike``, of those at rest; ``doing``, how many truly
        do it, and ``caught``, which share of them crosses; ``mistaken``, which share of other stills that do not.
    """
    rows = []
    for column in frame.columns:
        sign, _, read = column.partition(": ")
        if read not in ("score", "ratio"):
            continue
        values, true = frame[column], frame[f"{sign}: true"]
        at_rest = {name: values[(frame["shows"] == "rest") & (frame["cast"] == name)] for name in PEOPLE}
        does, does_not = (values[(frame["shows"] != "rest") & these] for these in (true > DOES, true < DOES_NOT))
        limit = threshold([some.dropna().to_numpy() for some in at_rest.values()], does.dropna().to_numpy())
        shares = {name: (some > limit).mean() for name, some in at_rest.items()}
        shares |= {"doing": len(does), "caught": (does > limit).mean(), "mistaken": (does_not > limit).mean()}
        rows.append({"sign": sign, "read": read, "threshold": limit, **shares})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m i2vbook.audits.actors.starts", description=__doc__.split("\n")[0])
    parser.add_argument("--table", action="store_true", help="print the thresholds of what was measured, and no more")
    if not parser.parse_args().table:
        from tqdm.auto import tqdm

        people = [(seed, cast) for cast, count in PEOPLE.items() for seed in range(FIRST, FIRST + count)]
        write([row(still) for who in tqdm(people, "reading people") for still in stills(*who)])
    print(thresholds(pd.read_csv(RESULT)).round(3).to_string(index=False))


def write(rows: Sequence[dict[str, str | int | float]]) -> None:
    """Keeps rows of `row` as the book's result, in thousandths."""
    write_text(RESULT, pd.DataFrame(rows).round(3).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    main()
