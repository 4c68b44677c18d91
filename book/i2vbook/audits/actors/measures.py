"""What the audit measures: landmarks, identity, leads and named expressions, from clips as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from i2vlib import expressions, faces, metrics
from i2vlib.clips import Clip
from i2vlib.expressions import EXPRESSIONS
from i2vlib.faces import fer

#: Which of the 68 landmarks lie where.
REGIONS = {
    "jaw": range(0, 17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
    "inner": range(17, 68),
}
#: The expression of a clip that shows none.
NEUTRAL = "neutral"
#: Coefficients that MediaPipe cannot read: absent, or 0 whatever the face does.
UNREAD = ("cheekPuff", "noseSneerLeft", "noseSneerRight", "tongueOut")
#: Expressions whose lead says too little to ask anything of it, and why.
LEFT_OUT = {"cheeks_puffed": "cheekPuff stays at 0, and dlib's points of the jaw hardly follow the cheeks"}
#: The expressions whose peak a classifier is asked to name.
NAMED = ("happy", "surprised", "angry")
#: dlib's own threshold: two pictures nearer than this are taken for one person.
SAME_PERSON = 0.6
#: The share of clips whose lead follows the intensity at least this well is reported.
FOLLOWS = 0.9
#: A lead that rises by less from the first frame to the last may be in order, but hardly shows.
SHOWS = 0.1


@dataclass(frozen=True, eq=False)
class Sample:
    """A clip as it was read.

    Attributes:
        subject, expression: who, and what.
        reading: what the readers found in T frames.
        intensity: ``float32 (T,)``, the true one; None if unknown.
        landmarks: ``float32 (T, 68, 2)``, the mesh's own; None if unknown.
        guesses: what a classifier said, T names; None if there was none.
        tone: the skin's, 0 to 9 on the Monk scale; None if unknown.
    """

    subject: str
    expression: str
    reading: faces.Reading
    intensity: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    guesses: tuple[str | None, ...] | None = None
    tone: int | None = None


# Measures


def region_errors(seen: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Mean distance of landmarks read ``(T, 68, 2)`` from the true ones, by `REGIONS`.

    In % of the distance between the true outer eye corners; frames without a reading are left out, NaN if none is left.
    """
    return {name: metrics.landmark_error(seen, true, list(points)) for name, points in REGIONS.items()}


def identity_distances(embeddings: np.ndarray, subjects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The distances (L2) of all pairs of frames of one subject, and of all pairs of frames of two.

    Args:
        embeddings: ``(N, 128)``; rows with NaN, where no face was detected, are left out.
        subjects: of the N frames.

    Returns:
        ``same`` and ``different``, float64, of one dimension.

    Raises:
        ValueError: another number of subjects than of embeddings.
    """
    vectors, names = np.asarray(embeddings, np.float64), np.asarray(subjects)
    if len(vectors) != len(names):
        raise ValueError(f"Every identity vector has a subject; given were {len(vectors)} and {len(names)}.")
    found = np.isfinite(vectors).all(1)
    vectors, names = vectors[found], names[found]
    squares = (vectors**2).sum(1)
    first, second = np.triu_indices(len(vectors), 1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0))[first, second]
    alike = names[first] == names[second]
    return distance[alike], distance[~alike]


def equal_error_rate(same: np.ndarray, different: np.ndarray) -> tuple[float, float]:
    """The error of telling people apart by a threshold on distance at which both kinds of error are as frequent.

    Args:
        same, different: distances between pictures of one person, and of two.

    Returns:
        The rate, the mean of the two kinds where they are nearest to each other, and the threshold; a pair at the
        threshold counts as one person. NaN if there are no pairs of a kind.
    """
    if not len(same) or not len(different):
        return float("nan"), float("nan")
    same, different = np.sort(same), np.sort(different)
    thresholds = np.unique(np.concatenate([same, different]))
    missed = 1 - np.searchsorted(same, thresholds, side="right") / len(same)
    mistaken = np.searchsorted(different, thresholds, side="right") / len(different)
    best = int(np.argmin(np.abs(missed - mistaken)))
    return float((missed[best] + mistaken[best]) / 2), float(thresholds[best])


def lead_of(sample: Sample) -> np.ndarray | None:
    """The lead ``(T,)`` of a sample's expression (see `faces.lead`), or None if it has none."""
    if sample.expression not in expressions.TABLE:
        return None
    blank = np.zeros((len(sample.reading.detected), 1, 1, 3), np.uint8)
    read = Clip(blank, landmarks=sample.reading.landmarks, blendshapes=sample.reading.blendshapes)
    return faces.lead(read, sample.expression)


def lead_correlation(sample: Sample) -> float:
    """Rank correlation of a sample's lead with its true intensity, or with time if that is unknown.

    As `metrics.spearman`: NaN with fewer than five values above 0, or without a lead.
    """
    lead = lead_of(sample)
    against = np.arange(len(sample.reading.detected)) if sample.intensity is None else sample.intensity
    return float("nan") if lead is None else metrics.spearman(lead, against)


def accuracy(samples: Iterable[Sample], names: Sequence[str]) -> float:
    """Share of the peak frames of clips of `names` in which a classifier names the expression; NaN without guesses."""
    right = [
        sample.guesses[peak] == sample.expression
        for sample in samples
        if sample.guesses is not None and sample.expression in names and (peak := _peak(sample)) is not None
    ]
    return float(np.mean(right)) if right else float("nan")


def _peak(sample: Sample) -> int | None:
    """The frame of the highest intensity, or where that is unknown the last of several; None if there is none."""
    if sample.intensity is not None:
        return int(sample.intensity.argmax())
    return len(sample.reading.detected) - 1 or None


def confusion(samples: Iterable[Sample]) -> dict[str, dict[str, int]]:
    """How often a classifier answered what, by what is shown: the peaks of clips, and neutral frames.

    Neutral are the frames of intensity 0, and the first one of a clip whose intensity is unknown; its last one is the
    peak, so a clip of one frame has none.
    Expressions that the classifier has no name for are counted too. The answer "none" is a face that was not found.
    """
    counts: dict[str, dict[str, int]] = {}
    for sample in samples:
        if sample.guesses is None:
            continue
        neutral = [0] if sample.intensity is None else np.flatnonzero(sample.intensity == 0).tolist()
        peak = _peak(sample)
        shown = [(NEUTRAL, index) for index in neutral]
        if peak is not None and sample.expression != NEUTRAL:
            shown.append((sample.expression, peak))
        for name, index in shown:
            row, answer = counts.setdefault(name, {}), sample.guesses[index] or "none"
            row[answer] = row.get(answer, 0) + 1
    return counts


def summarise(samples: Sequence[Sample]) -> dict[str, object]:
    """All measures of some samples, as JSON has them: numbers rounded to four places, None for what is unknown.

    Raises:
        ValueError: no samples.
    """
    if not samples:
        raise ValueError("There is nothing to audit: no clip was read. Ask for at least one subject.")
    subjects = [sample.subject for sample in samples for _ in sample.reading.detected]
    embeddings = np.concatenate([sample.reading.embeddings for sample in samples])
    same, different = identity_distances(embeddings, subjects)
    rate, threshold = equal_error_rate(same, different)
    result = {
        "clips": len(samples),
        "frames": len(subjects),
        "subjects": len(set(subjects)),
        "detection": _detection(samples),
        "identity": {
            "within": _spread(same),
            "between": _spread(different),
            "equal_error_rate": rate,
            "threshold": threshold,
            "up_to": _identity_up_to(samples),
            "taken_for_one_person": float((different < SAME_PERSON).mean()) if len(different) else None,
            "histogram": _histogram(same, different),
        },
        "follows": _follows([sample for sample in samples if sample.expression not in LEFT_OUT]),
        "left_out": dict(LEFT_OUT),
        "expressions": {
            name: _expression([one for one in samples if one.expression == name])
            for name in dict.fromkeys(sample.expression for sample in samples)
            if name != NEUTRAL
        },
    }
    known = [sample for sample in samples if sample.landmarks is not None]
    if known:
        seen = np.concatenate([sample.reading.landmarks for sample in known])
        result["landmarks"] = region_errors(seen, np.concatenate([sample.landmarks for sample in known]))
        each = [region_errors(sample.reading.landmarks, sample.landmarks) for sample in known]
        result["landmarks_of_clips"] = {name: _spread(np.array([one[name] for one in each])) for name in REGIONS}
    if any(sample.guesses is not None for sample in samples):
        result["classifier"] = {
            "accuracy": {name: accuracy(samples, [name]) for name in fer.NAMES if name in EXPRESSIONS},
            "confusion": confusion(samples),
        }
    tones = {sample.subject: sample.tone for sample in samples if sample.tone is not None}
    if tones:
        result["tones"] = [list(tones.values()).count(tone) for tone in range(10)]
    return _rounded(result)


def _identity_up_to(samples: Sequence[Sample]) -> list[dict[str, float]]:
    """The equal-error rate of the frames up to 0.6 and 0.8 of the peak; empty unless all intensities are known."""
    if any(sample.intensity is None for sample in samples):
        return []
    intensity = np.concatenate([sample.intensity for sample in samples])
    subjects = np.concatenate([[sample.subject] * len(sample.intensity) for sample in samples])
    embeddings = np.concatenate([sample.reading.embeddings for sample in samples])
    found = []
    for level in (0.6, 0.8):
        chosen = intensity <= level + 1e-6
        rate, _ = equal_error_rate(*identity_distances(embeddings[chosen], subjects[chosen].tolist()))
        found.append({"level": level, "equal_error_rate": rate})
    return found


def _expression(samples: Sequence[Sample]) -> dict[str, object]:
    values = np.array([lead_correlation(sample) for sample in samples])
    values = values[np.isfinite(values)]
    read = [lead for lead in map(lead_of, samples) if lead is not None]
    # A still shows no rise, nor its absence.
    leads = [lead for lead in read if len(lead) > 1 and np.isfinite(lead[[0, -1]]).all()]
    rises = [lead[-1] - lead[0] for lead in leads]
    return {
        "clips": len(samples),
        "detection": _detection(samples),
        "curve": _curve(samples),
        "lead": _lead_scores(samples[0].expression) or "width of the cheeks",
        "lead_first": float(np.mean([lead[0] for lead in leads])) if leads else None,
        "lead_last": float(np.mean([lead[-1] for lead in leads])) if leads else None,
        "shows": float(np.mean([rise >= SHOWS for rise in rises])) if rises else None,
        "spearman": float(values.mean()) if len(values) else None,
        "follows": _follows(samples),
    }


def _follows(samples: Sequence[Sample]) -> float:
    """The share of clips whose lead follows the intensity; NaN if none has a lead that can be ranked."""
    values = np.array([lead_correlation(sample) for sample in samples if sample.expression in expressions.TABLE])
    values = values[np.isfinite(values)]
    # Rounded, for a correlation of exactly 0.9 may come out a bit lower.
    return float((values.round(9) >= FOLLOWS).mean()) if len(values) else float("nan")


def _curve(samples: Sequence[Sample]) -> dict[str, list[float]] | None:
    """The lead by true intensity: mean and the middle 90 % of the clips at each level; None where that is unknown."""
    leads = [lead_of(sample) for sample in samples]
    if any(lead is None or sample.intensity is None for lead, sample in zip(leads, samples, strict=True)):
        return None
    levels = np.concatenate([sample.intensity for sample in samples]).round(4)
    values = np.concatenate(leads)
    found = {float(level): values[(levels == level) & np.isfinite(values)] for level in np.unique(levels)}
    found = {level: some for level, some in found.items() if len(some)}
    return {
        "intensity": list(found),
        "mean": [float(some.mean()) for some in found.values()],
        "low": [float(np.quantile(some, 0.05)) for some in found.values()],
        "high": [float(np.quantile(some, 0.95)) for some in found.values()],
    }


def _histogram(same: np.ndarray, different: np.ndarray) -> dict[str, list[float]]:
    """The distances of pairs in bins of 0.02, as shares of each kind; what lies beyond 1.2 is in the last bin."""
    edges = np.linspace(0, 1.2, 61)
    share = lambda values: np.histogram(np.clip(values, 0, 1.1999), edges)[0] / max(1, len(values))  # noqa: E731
    return {"edges": edges.tolist(), "within": share(same).tolist(), "between": share(different).tolist()}


def _detection(samples: Sequence[Sample]) -> dict[str, float]:
    detected = np.concatenate([sample.reading.detected for sample in samples])
    scores = np.concatenate([sample.reading.blendshapes for sample in samples])
    # The reader has no tongueOut, which is NaN everywhere: a frame without a face is NaN throughout.
    return {"dlib": float(detected.mean()), "mediapipe": float(np.isfinite(scores).any(1).mean())}


def _spread(values: np.ndarray) -> dict[str, float] | None:
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [0.05, 0.95])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high), "count": len(values)}


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value


def _lead_scores(expression: str | None) -> list[str]:
    return list(expressions.TABLE[expression].lead) if expression in expressions.TABLE else []
