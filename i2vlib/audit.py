"""An audit of the actors: do face readers see in rendered people what is there, and are they different people?

``python -m i2vlib.audit`` renders subjects of the test split in every expression at five intensities, reads
every frame with dlib and MediaPipe, and writes ``book/results/actors_audit.json``. What was read is kept in the user
cache, subject by subject, so an audit that was stopped goes on. ``--folder`` reads real clips in AffineGAN's layout
instead, as far as that goes without truth, and ``--table`` prints the results as the book shows them.

It measures detection, landmarks against the mesh's own, identity within and between subjects, and whether the
expression that is read grows with the true intensity.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2vlib import faces, metrics
from i2vlib.clips import EXPRESSIONS, Clip

#: The intensities at which each expression is read, enough of them above 0 for a rank correlation.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)
#: The first subject, and how many.
FIRST, SUBJECTS = 20_000, 50
#: Which of the 68 landmarks lie where.
REGIONS = {
    "jaw": range(0, 17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
    "inner": range(17, 68),
}
#: Coefficients that MediaPipe cannot read: absent, or 0 whatever the face does.
UNREAD = ("cheekPuff", "noseSneerLeft", "noseSneerRight", "tongueOut")
#: dlib's own threshold: two pictures nearer than this are taken for one person.
SAME_PERSON = 0.6
#: The share of clips whose lead follows the intensity at least this well is reported.
FOLLOWS = 0.9
#: A lead that rises by less from the first frame to the last may be in order, but hardly shows.
SHOWS = 0.1
RESULT = Path(__file__).resolve().parents[1] / "book/results/actors_audit.json"

#: Raised when what is kept of a subject changes.
_VERSION = 1

#: What a classifier of expressions is: frames ``uint8 (T, H, W, 3)`` to names as in `EXPRESSIONS`, None for no answer.
Classifier = Callable[[np.ndarray], Sequence[str | None]]


@dataclass(frozen=True, eq=False)
class Sample:
    """A clip as it was read.

    Attributes:
        subject, expression: who, and what.
        reading: what the readers found in T frames.
        intensity: ``float32 (T,)``, the true one; None if unknown.
        landmarks: ``float32 (T, 68, 2)``, the mesh's own; None if unknown.
        guesses: what a classifier said, T names; None if there was none.
    """

    subject: str
    expression: str
    reading: faces.Reading
    intensity: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    guesses: tuple[str | None, ...] | None = None


def read_clip(clip: Clip, known: bool = True, classify: Classifier | None = None) -> Sample:
    """Reads a clip's frames; `known` says whether its own landmarks and intensities are true."""
    return Sample(
        subject=str(clip.subject),
        expression=str(clip.expression),
        reading=faces.measure(clip.frames),
        intensity=clip.intensity if known else None,
        landmarks=clip.landmarks if known else None,
        guesses=None if classify is None else tuple(classify(clip.frames)),
    )


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
    if sample.expression not in faces.LEADS:
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
        sample.guesses[-1 if sample.intensity is None else int(sample.intensity.argmax())] == sample.expression
        for sample in samples
        if sample.guesses is not None and sample.expression in names
    ]
    return float(np.mean(right)) if right else float("nan")


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
            "taken_for_one_person": float((different < SAME_PERSON).mean()) if len(different) else None,
        },
        "expressions": {
            name: _expression([one for one in samples if one.expression == name])
            for name in dict.fromkeys(sample.expression for sample in samples)
        },
    }
    known = [sample for sample in samples if sample.landmarks is not None]
    if known:
        seen = np.concatenate([sample.reading.landmarks for sample in known])
        result["landmarks"] = region_errors(seen, np.concatenate([sample.landmarks for sample in known]))
    if any(sample.guesses is not None for sample in samples):
        result["classifier"] = accuracy(samples, EXPRESSIONS)
    return _rounded(result)


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
        "lead": list(faces.LEADS.get(samples[0].expression, ())) or "width of the cheeks",
        "lead_first": float(np.mean([lead[0] for lead in leads])) if leads else None,
        "lead_last": float(np.mean([lead[-1] for lead in leads])) if leads else None,
        "shows": float(np.mean([rise >= SHOWS for rise in rises])) if rises else None,
        "spearman": float(values.mean()) if len(values) else None,
        "follows": float((values >= FOLLOWS).mean()) if len(values) else None,
    }


def _detection(samples: Sequence[Sample]) -> dict[str, float]:
    detected = np.concatenate([sample.reading.detected for sample in samples])
    scores = np.concatenate([sample.reading.blendshapes for sample in samples])
    # The reader has no tongueOut, which is NaN everywhere: a frame without a face is NaN throughout.
    return {"dlib": float(detected.mean()), "mediapipe": float(np.isfinite(scores).any(1).mean())}


def _spread(values: np.ndarray) -> dict[str, float] | None:
    if not len(values):
        return None
    low, high = np.quantile(values, [0.05, 0.95])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high), "pairs": len(values)}


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value


# Reading, kept subject by subject


def read_subject(
    seed: int,
    expressions: Sequence[str] = EXPRESSIONS,
    size: int = 128,
    levels: Sequence[float] = LEVELS,
    look: int = 1,
) -> list[Sample]:
    """Renders a subject in each expression at each level and reads the frames; kept in the user cache and read there.

    About 0.2 s a frame on one core. The file is another for another size, renderer, version of the readers or levels.
    """
    from i2vlib.datasets import actors

    samples = []
    for expression in expressions:
        path = _kept(seed, expression, size, levels, look)
        sample = _load(path)
        if sample is None:
            sample = read_clip(actors.clip(seed, expression, size=size, intensity=levels, look=look))
            _save(path, sample)
        samples.append(sample)
    return samples


def _kept(seed: int, expression: str, size: int, levels: Sequence[float], look: int = 1) -> Path:
    import zlib

    from i2vlib.datasets import actors

    version = actors.RENDERER_VERSION if look == 1 else f"look {look}, {actors.LOOK_VERSION}"
    made = json.dumps([_VERSION, version, list(levels), faces.extractors()])
    return faces.user_cache() / f"audit-{size}px-{zlib.crc32(made.encode()):08x}" / f"{seed:05d}-{expression}.npz"


def _save(path: Path, sample: Sample) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                names=np.array([sample.subject, sample.expression]),
                intensity=sample.intensity,
                true=sample.landmarks,
                **vars(sample.reading),
            )
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _load(path: Path) -> Sample | None:
    import zipfile

    try:
        with np.load(path) as arrays:
            reading = {name: arrays[name] for name in faces.Reading.__dataclass_fields__}
            subject, expression = arrays["names"].tolist()
            return Sample(subject, expression, faces.Reading(**reading), arrays["intensity"], arrays["true"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def audit(
    seeds: Iterable[int], expressions: Sequence[str] = EXPRESSIONS, size: int = 128, look: int = 1
) -> dict[str, object]:
    """The audit of some subjects, with progress: what `summarise` says, and what it was made with."""
    from tqdm.auto import tqdm

    seeds = list(seeds)
    samples = [
        s for seed in tqdm(seeds, desc="auditing actors") for s in read_subject(seed, expressions, size, look=look)
    ]
    made_with = {"first": seeds[0] if seeds else None, "size": size, "levels": list(LEVELS)}
    made_with |= {} if look == 1 else {"look": look}
    return made_with | {"extractors": faces.extractors(), "unread": list(UNREAD)} | summarise(samples)


def audit_folder(folder: str | Path, size: int = 128) -> dict[str, object]:
    """The audit of real clips in AffineGAN's layout, all splits, with progress; raises as `datasets.open`.

    Nobody says who is in a clip, so each counts as a subject of its own: distances "between" may compare one person
    with himself. Leads are correlated with time, and clips without a face in their first frame are counted and left
    out.
    """
    from tqdm.auto import tqdm

    from i2vlib.datasets.affinegan import AffineGANFolder

    samples, faceless = [], 0
    for split in ("train", "test"):
        try:
            clips = AffineGANFolder(folder, split=split, size=size)
        except ValueError:
            if split == "train":
                raise
            continue
        for index in tqdm(range(len(clips)), desc=f"auditing {split}"):
            try:
                clip = clips[index]
            except faces.NoFaceError:
                faceless += 1
                continue
            named = f"{clip.expression}/{split}/{clip.subject}"
            sample = read_clip(clip, known=False)
            samples.append(Sample(named, sample.expression, sample.reading))
    return {"size": size, "faceless_clips": faceless, "extractors": faces.extractors()} | summarise(samples)


# The command


def table(result: Mapping[str, object]) -> str:
    """The audit in Markdown, as the book's data card shows it."""
    percent = lambda value: "–" if value is None else f"{100 * value:.1f} %"  # noqa: E731
    number = lambda value: "–" if value is None else f"{value:.2f}"  # noqa: E731
    detection, identity = result["detection"], result["identity"]
    lines = ["| measure | value |", "|---|---|"]
    lines += [
        f"| frames, subjects | {result['frames']:,}, {result['subjects']} |",
        f"| faces detected by dlib, by MediaPipe | {percent(detection['dlib'])}, {percent(detection['mediapipe'])} |",
    ]
    if "landmarks" in result:
        parts = ", ".join(f"{name} {value:.1f}" for name, value in result["landmarks"].items() if value is not None)
        lines.append(f"| own landmarks against dlib's, % of the distance between the outer eye corners | {parts} |")
    for name in ("within", "between"):
        if identity[name]:
            spread = identity[name]
            words = f"{spread['mean']:.2f} ({spread['low']:.2f} to {spread['high']:.2f})"
            lines.append(f"| identity distance {name} subjects, mean and the middle 90 % | {words} |")
    lines += [
        f"| equal-error rate, at a distance of {number(identity['threshold'])} "
        f"| {percent(identity['equal_error_rate'])} |",
        f"| pairs of two people under dlib's {SAME_PERSON}, taken for one | "
        f"{percent(identity['taken_for_one_person'])} |",
    ]
    lines += [
        "",
        f"| expression | lead, first to last | Spearman | clips with {FOLLOWS} or more | lead rises by {SHOWS} |",
        "|---|---|---|---|---|",
    ]
    for name, row in result["expressions"].items():
        lead = f"{number(row['lead_first'])} to {number(row['lead_last'])}"
        lines.append(
            f"| {name} | {lead} | {number(row['spearman'])} | {percent(row['follows'])} | {percent(row['shows'])} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m i2vlib.audit", description="Audit the actors.")
    parser.add_argument("--subjects", type=int, default=SUBJECTS, help=f"how many; {SUBJECTS} if not given")
    parser.add_argument("--first", type=int, default=FIRST, help=f"the first of them; {FIRST} if not given")
    parser.add_argument("--size", type=int, default=128, help="side of the frames in pixels")
    parser.add_argument("--look", type=int, choices=(1, 2), default=1, help="of the actors; 1 if not given")
    parser.add_argument("--folder", help="audit real clips in AffineGAN's layout instead")
    parser.add_argument("--table", action="store_true", help="print the results there are, and do nothing")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the results are kept")
    chosen = parser.parse_args(arguments)
    there = json.loads(chosen.json.read_text()) if chosen.json.is_file() else {}
    if chosen.table:
        if not there:
            parser.error(f"there are no results at {chosen.json}; run the command without --table first")
        print("\n\n".join(f"**{name}**\n\n{table(result)}" for name, result in there.items()))
        return 0
    if chosen.subjects < 1:
        parser.error(f"an audit needs at least one subject; {chosen.subjects} were asked for")
    name = "real" if chosen.folder else "actors" if chosen.look == 1 else f"actors, look {chosen.look}"
    if chosen.folder:
        there[name] = audit_folder(chosen.folder, chosen.size)
    else:
        seeds = range(chosen.first, chosen.first + chosen.subjects)
        there[name] = audit(seeds, size=chosen.size, look=chosen.look)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    temporary = chosen.json.with_suffix(".part")
    temporary.write_text(json.dumps(there, indent=1) + "\n")
    os.replace(temporary, chosen.json)
    print(table(there[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
