"""Which share of made clips passes for real, without a threshold: ``python -m i2vbook.audits.passing``.

A judge that calls few real clips real lets few made ones pass either, so its calls say as much about its threshold as
about the clips. Here the threshold is set, judge by judge, where four of five real clips pass, as they did before
AffineGAN's raters (80.8 %, Table 1), and the area under the curve (AUC) asks about all thresholds at once.

Ten judges of different people decide: the people are dealt into halves five times over, and a judge is trained on each
half to judge the other. All models are judged by the same people and the three expressions that all of them know. Two
controls stand beside them: clips that differ in nothing but noise, and blurred ones.
The scores go to ``book/results/passing.parquet``. That takes about an hour of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from i2vbook.audits import turing
from i2vbook.checkout import RESULTS
from i2vbook.evidence.effects import Effect
from i2vbook.evidence.plan import planned
from i2vlib.clips import Clip

if TYPE_CHECKING:
    import pandas as pd

RESULT = RESULTS / "passing.parquet"
#: The share of real clips that pass: that of Table 1 of AffineGAN.
REAL = 0.808
#: The first person, how many, and what they show: test people.
FIRST, PEOPLE, EXPRESSIONS = 20_000, 32, ("happy", "angry", "surprised")
#: How often the people are dealt into halves, each of which trains a judge, and the steps of a training.
DEALS, STEPS = 5, 300
MODELS = ("affinegan", "affinegan_painted", "fan", "fan_painted")
QUESTIONS = ("nothing", "blurred", *MODELS)
#: Standard deviations of the noise and of the blur of the controls, in grey levels and in pixels.
NOISE, BLUR = 2.0, 1.0


def matched(real: np.ndarray, made: np.ndarray, share: float = REAL) -> float:
    """Returns the share of made clips that pass where a share of the real ones does.

    That is a point of the judge's curve, straight between its corners: what scores alike passes alike. Where several
    thresholds let as many real clips pass, the strictest counts.

    Args:
        real, made: what one judge scores them, ``(n,)`` and ``(m,)``, higher for real.
        share: of the real clips, in (0, 1).
    """
    thresholds = np.unique(np.concatenate([real, made]))
    passes = lambda scores: 1 - np.searchsorted(np.sort(scores), thresholds) / len(scores)  # noqa: E731
    shares, strictest = np.unique([0, *passes(real)[::-1]], return_index=True)
    return float(np.interp(share, shares, np.array([0, *passes(made)[::-1]])[strictest]))


def area(real: np.ndarray, made: np.ndarray) -> float:
    """Returns the area under a judge's curve: how often a real clip scores above a made one, ties counting half."""
    return float((real[:, None] > made).mean() + 0.5 * (real[:, None] == made).mean())


def summary(scores: pd.DataFrame, draws: int = 1000, seed: int = 0) -> dict[str, dict[str, Effect]]:
    """Averages the judges of each question, with 95 % intervals over people drawn anew.

    Args:
        scores: rows as `judged` writes them.
        draws: how often people are drawn with replacement; ``seed``, of these draws.

    Returns:
        Of each question: ``made clips that pass`` and ``AUC``.
    """
    columns = {"made clips that pass": matched, "AUC": area}
    out = {}
    for question, part in scores.groupby("question", sort=False):
        judges = [_by_person(one) for _, one in part.groupby(["deal", "half"])]
        people = sorted({person for judge in judges for person in judge})
        rng = np.random.default_rng(seed)
        drawn = [people, *(rng.choice(people, len(people)) for _ in range(draws))]
        values = np.array([[_mean(judges, some, ask) for ask in columns.values()] for some in drawn])
        ends = np.quantile(values[1:], [0.025, 0.975], axis=0)
        out[str(question)] = {
            name: Effect(float(values[0, i]), float(ends[0, i]), float(ends[1, i])) for i, name in enumerate(columns)
        }
    return out


#: One judge's scores of somebody's real clips, and of the made ones.
Scores = tuple[np.ndarray, np.ndarray]


def _by_person(scores: pd.DataFrame) -> dict[str, Scores]:
    """One judge's scores of each person's real and made clips."""
    return {
        str(person): tuple(part.loc[part["source"] == source, "score"].to_numpy() for source in ("real", "made"))
        for person, part in scores.groupby("subject")
    }


def _mean(
    judges: Sequence[Mapping[str, Scores]], people: Sequence[str], ask: Callable[[np.ndarray, np.ndarray], float]
) -> float:
    """The mean over judges of what is asked of the scores of some people, who may be drawn more than once."""
    values = []
    for judge in judges:
        seen = [judge[person] for person in people if person in judge]
        if seen:
            values.append(ask(*(np.concatenate([pair[k] for pair in seen]) for k in (0, 1))))
    return float(np.mean(values))


def judged(question: str, real: Sequence[Clip], made: Sequence[Clip], deals: int, steps: int) -> pd.DataFrame:
    """Has made clips judged beside the real ones of the same people, by two judges for each deal of the people.

    Returns:
        A row per clip and deal: ``question``, ``deal``, ``half``, ``subject``, ``expression``, ``source``, ``score``.
    """
    import pandas as pd

    parts = []
    for deal in range(deals):
        part = turing.judge(real, made, steps=steps, seed=deal, deal=deal, progress=False)
        parts.append(part.assign(deal=deal))
    return pd.concat(parts, ignore_index=True).assign(question=question)


def films(people: int) -> list[Clip]:
    """Renders what the test people truly do."""
    from i2vlib import datasets

    seeds = range(FIRST, FIRST + people)
    return [datasets.actors.clip(seed, expression) for seed in seeds for expression in EXPRESSIONS]


def drawn(name: str, real: Sequence[Clip]) -> list[Clip]:
    """A model's clips of the first frames, by the intensity that it infers or, where it infers none, the true one."""
    from i2vlib import load_pretrained

    model, infers = load_pretrained(name), name.startswith("affinegan")

    def again(clip: Clip) -> Clip:
        a = model.infer_intensity(clip.frames, clip.frames[0], clip.expression) if infers else clip.intensity
        new = model.animate(clip.frames[0], clip.expression, intensity=np.clip(a, 0, 1))
        return replace(new, subject=clip.subject, expression=clip.expression)

    return [again(clip) for clip in real]


def weights(name: str) -> str:
    """Returns the digest of the run whose weights a name loads; nothing for a control."""
    return next((run.digest for run in planned().values() if run.ships == name), "")


def noisy(clip: Clip, rng: np.random.Generator) -> Clip:
    """Adds noise of a camera to a clip."""
    grain = rng.normal(0, NOISE, clip.frames.shape)
    return replace(clip, frames=(clip.frames + grain).round().clip(0, 255).astype(np.uint8))


def pairs(question: str, real: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Returns the clips that a question calls real and made: nothing but noise differs, all is blurred, or a model."""
    if question == "nothing":
        rng = np.random.default_rng(0)
        first, second = ([noisy(clip, rng) for clip in real] for _ in range(2))
        return first, second
    if question == "blurred":
        return list(real), [replace(clip, frames=gaussian_filter(clip.frames, (0, BLUR, BLUR, 0))) for clip in real]
    return list(real), drawn(question, real)


def main(argv: Sequence[str] | None = None) -> None:
    """Draws, judges and writes the scores."""
    import pandas as pd

    from i2vbook.evidence.results import read_table, write_table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--deals", type=int, default=DEALS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS, help="judge these, keep the others")
    args = parser.parse_args(argv)
    kept = read_table(RESULT) if RESULT.exists() else None
    tables = {} if kept is None else dict(iter(kept.groupby("question", sort=False)))
    real = films(args.people)
    for name in args.only:
        tables[name] = judged(name, *pairs(name, real), args.deals, args.steps).assign(run=weights(name))
        for asked, value in summary(tables[name], draws=100)[name].items():
            print(f"{name:20} {asked}: {value:.2f}", flush=True)
        write_table(RESULT, pd.concat([tables[each] for each in QUESTIONS if each in tables], ignore_index=True))


if __name__ == "__main__":
    main()
