"""Reading what is audited: rendered subjects, kept clip by clip in the user cache, and folders of real clips."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from i2vbook.audits.actors.measures import NEUTRAL, UNREAD, Sample, summarise
from i2vlib import faces, store
from i2vlib.clips import Clip
from i2vlib.expressions import EXPRESSIONS
from i2vlib.faces import fer

#: The intensities at which each expression is read, enough of them above 0 for a rank correlation.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)
#: The first subject, and how many.
FIRST, SUBJECTS = 20_000, 50

#: Raised when what is kept of a clip changes.
_VERSION = 2

#: What a classifier of expressions is: frames ``uint8 (T, H, W, 3)`` to names as in `EXPRESSIONS`, None for no answer.
Classifier = Callable[[np.ndarray], Sequence[str | None]]


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


def read_by() -> dict[str, str]:
    """The readers of the audit and their versions."""
    return faces.extractors() | {"expression": fer.extractor()}


def read_subject(
    seed: int,
    expressions: Sequence[str] = EXPRESSIONS,
    size: int = 128,
    levels: Sequence[float] = LEVELS,
    fresh: bool = False,
) -> list[Sample]:
    """Renders a subject in each expression at each level, and once neutral, and reads the frames.

    What was read is kept in the user cache and read there, unless it is to be `fresh`. About 0.3 s a frame on one core.
    The file is another for another size, renderer, version of the readers or levels.
    """
    from i2vlib.actors.people import person

    wanted = [*((name, levels) for name in expressions), (NEUTRAL, (0.0,))]
    samples = []
    for expression, curve in wanted:
        path = _kept(seed, expression, size, curve)
        sample = None if fresh else _load(path)
        if sample is None:
            read = read_clip(_drawn(seed, expression, size, curve), classify=fer.classify)
            tone = person(seed).tone
            sample = Sample(read.subject, expression, read.reading, read.intensity, read.landmarks, read.guesses, tone)
            _save(path, sample)
        samples.append(sample)
    return samples


def _drawn(seed: int, expression: str, size: int, curve: Sequence[float]) -> Clip:
    from i2vlib.datasets import actors

    # At intensity 0 one expression is as good as another.
    shown = EXPRESSIONS[0] if expression == NEUTRAL else expression
    return actors.clip(seed, shown, size=size, intensity=curve)


def _kept(seed: int, expression: str, size: int, levels: Sequence[float]) -> Path:
    from i2vlib.datasets import actors

    made = json.dumps([_VERSION, actors.RENDERER_VERSION, list(levels), read_by()])
    return store.user_cache() / f"audit-{size}px-{zlib.crc32(made.encode()):08x}" / f"{seed:05d}-{expression}.npz"


def _save(path: Path, sample: Sample) -> None:
    store.write_arrays(
        path,
        names=np.array([sample.subject, sample.expression]),
        intensity=sample.intensity,
        true=sample.landmarks,
        guesses=np.array([guess or "" for guess in sample.guesses]),
        tone=np.array(-1 if sample.tone is None else sample.tone),
        **vars(sample.reading),
    )


def _load(path: Path) -> Sample | None:
    try:
        with np.load(path) as arrays:
            reading = {name: arrays[name] for name in faces.Reading.__dataclass_fields__}
            subject, expression = arrays["names"].tolist()
            guesses = tuple(guess or None for guess in arrays["guesses"].tolist())
            tone = int(arrays["tone"])
            known = (arrays["intensity"], arrays["true"], guesses, None if tone < 0 else tone)
            return Sample(subject, expression, faces.Reading(**reading), *known)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def audit(
    seeds: Iterable[int],
    expressions: Sequence[str] = EXPRESSIONS,
    size: int = 128,
    workers: int = 1,
    fresh: bool = False,
) -> dict[str, object]:
    """The audit of some subjects, with progress: what `summarise` says, and what it was made with.

    With more than one worker the subjects are shared out among processes; the result is the same.
    """
    from tqdm.auto import tqdm

    seeds = list(seeds)
    read = partial(read_subject, expressions=tuple(expressions), size=size, fresh=fresh)
    samples = [s for some in tqdm(_mapped(read, seeds, workers), "auditing actors", len(seeds)) for s in some]
    made_with = {"first": seeds[0] if seeds else None, "size": size, "levels": list(LEVELS)}
    return made_with | {"extractors": read_by(), "unread": list(UNREAD)} | summarise(samples)


def _mapped(read: Callable[[int], list[Sample]], seeds: Sequence[int], workers: int) -> Iterator[list[Sample]]:
    workers = min(workers, len(seeds))
    if workers <= 1:
        yield from map(read, seeds)
        return
    from i2vlib.datasets.actors import processes

    with processes(workers) as pool:
        yield from pool.map(read, seeds)


def audit_folder(folder: str | Path, size: int = 128) -> dict[str, object]:
    """The audit of real clips in AffineGAN's layout, all splits, with progress; raises as `datasets.open`.

    Nobody says who is in a clip, so each counts as a subject of its own: distances "between" may compare one person
    with himself. Leads are correlated with time, and clips without a face in their first frame are counted and left
    out. A still, a clip of one frame, has no neutral frame and no rise.
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
            sample = read_clip(clip, known=False, classify=fer.classify)
            samples.append(Sample(named, sample.expression, sample.reading, guesses=sample.guesses))
    return {"size": size, "faceless_clips": faceless, "extractors": read_by()} | summarise(samples)
