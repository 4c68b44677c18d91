"""Haircuts of an actor: which there are, where on the scalp hair grows, and the strands that grow there.

A haircut is grown as a few hundred guides, which are combed, fall and lie on the head; the strands of a lock follow
their guide. Places are those of the template (`across` the skin and height z); strands lie around a person's own head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.cast import WIDE, Cast
from i2vlib.actors.mesh import Canvas, smoothstep

#: How often a haircut is drawn in the first cast, for women and for men.
CUTS: Mapping[str, tuple[float, float]] = WIDE.cuts
#: Points along a strand.
STEPS = 15


@dataclass(frozen=True)
class Cut:
    """A haircut: its name of `CUTS`, and lengths in metres.

    Attributes:
        line: height of the hairline above the nose; ``recess`` by how much it is higher at the temples.
        burn: height at which the sideburns end.
        part: x of the parting; ``volume`` how far the hair stands off; ``length`` of the longest hair.
        curl, wave: radius and length of a wave; ``long`` whether hair falls below the ears.
        edge: how far above the eyes a fringe ends.
    """

    name: str
    line: float
    recess: float
    burn: float
    part: float
    volume: float
    length: float
    curl: float
    wave: float
    long: bool
    edge: float = 0.0255


@dataclass(frozen=True, eq=False)
class Mane:
    """The strands of a person, each with K points from root to tip.

    Attributes:
        points, normal: ``float32 (S, K, 3)`` in metres around the neutral head, and the way out of the hair.
        tint: ``float32 (S, 3)`` colour at the root, linear.
        open: ``float32 (S,)`` in [0, 1], how much light comes to a strand: little deep inside.
        width: ``float32 (S,)`` at the root, in metres.
        lean: ``float32 (S,)``, how much a strand's band of gloss is moved along it.
    """

    points: np.ndarray
    normal: np.ndarray
    tint: np.ndarray
    open: np.ndarray
    width: np.ndarray
    lean: np.ndarray


def choose(rng: np.random.Generator, woman: bool, age: float, cast: Cast = WIDE, african: float = 0.0) -> Cut:
    """Draws a haircut; `african` is how African the head's shape is, 0 to 1."""
    names = list(cast.cuts)
    chances = np.array([cast.cuts[name][0 if woman else 1] for name in names])
    if cast.origins:
        tight = np.array([name in ("afro", "curls") for name in names])
        straight = np.array([name in ("fringe", "parted", "wavy", "swept") for name in names])
        chances = chances * np.where(tight, 0.10 + 1.5 * african**2, 1) * np.where(straight, 1.1 - african, 1)
    name = str(rng.choice(names, p=chances / chances.sum()))
    long = name == "wavy" or (woman and name in ("fringe", "parted") and rng.random() < 0.75)
    volume = {
        "fringe": (0.007, 0.012), "parted": (0.009, 0.016), "crop": (0.004, 0.008), "afro": (0.016, 0.034),
        "curls": (0.010, 0.016), "wavy": (0.009, 0.017), "tied": (0.008, 0.014), "swept": (0.012, 0.022),
    }.get(name, (0.001, 0.002))  # fmt: skip
    curl = {"afro": (0.0025, 0.0042), "curls": (0.0045, 0.0065), "wavy": (0.003, 0.007)}.get(name, (0.0003, 0.0012))
    wave = {"afro": (0.007, 0.011), "curls": (0.012, 0.02), "wavy": (0.03, 0.06)}.get(name, (0.03, 0.08))
    return Cut(
        name=name,
        line=float(np.clip(rng.normal(0.7835 if woman else 0.7850, 0.003), 0.777, 0.792)),
        recess=float(rng.uniform(0, 0.004) if woman else rng.uniform(0.001, 0.004 + 0.03 * max(0.0, age - 0.65))),
        burn=float(rng.uniform(0.735, 0.745) if woman else rng.uniform(0.720, 0.736)),
        part=float(rng.choice([-1.0, 1.0]) * (rng.uniform(0.0, 0.02) if name == "wavy" else rng.uniform(0.015, 0.032))),
        volume=float(rng.uniform(*volume)),
        length=float(rng.uniform(0.16, 0.24) if long else rng.uniform(0.07, 0.10)),
        curl=float(rng.uniform(*curl)),
        wave=float(rng.uniform(*wave)),
        long=bool(long),
        edge=cast.fringe[0] if cast.fringe[0] == cast.fringe[1] else float(rng.uniform(*cast.fringe)),
    )


def grown(cut: Cut, across: np.ndarray, z: np.ndarray, wobble: np.ndarray | float) -> np.ndarray:
    """How much of the scalp is under hair, in [0, 1], at places `across` and `z`; `wobble` metres move its edge."""
    side = np.abs(across)
    line = cut.line + cut.recess * np.exp(-(((side - 0.050) / 0.016) ** 2)) - 0.05 * np.clip(side - 0.035, 0, 0.04)
    heights = np.array([0.69, 0.72, 0.74, 0.755, 0.768, 0.78, 0.80])
    start = np.interp(z, heights, np.array([0.0785, 0.0740, 0.0750, 0.0765, 0.0765, 0.0735, 0.066]) + cut.recess)
    burn = np.minimum(np.minimum(side - start, z - cut.burn), start + 0.009 + 9 * np.maximum(z - 0.744, 0) - side)
    edge = np.maximum(z - line, burn) + wobble
    soft = 0.003 if cut.name != "bald" else 0.006
    return smoothstep(-soft, soft, edge) * (0.35 if cut.name == "bald" else 1.0)


def grow(
    rng: np.random.Generator, cut: Cut, canvas: Canvas, vertices: np.ndarray, colour: np.ndarray, grey: float = 0.0
) -> Mane | None:
    """The strands of a haircut around a neutral head ``(N, 3)``; None for a bald one."""
    if cut.name == "bald":
        return None
    head = _Scalp(canvas, vertices)
    count = 420 if cut.name in ("afro", "curls") else 330
    roots = head.roots(rng, cut, count)
    paths, out = _guides(rng, cut, head, roots)
    if cut.long:
        more, outwards = _curtain(rng, cut, head, 210)
        paths, out = np.concatenate([paths, more]), np.concatenate([out, outwards])
    return _strands(rng, cut, head, paths, out, colour)


class _Scalp:
    """The skin of a neutral head without its ears, and where hair grows on it."""

    def __init__(self, canvas: Canvas, vertices: np.ndarray) -> None:
        from scipy.spatial import cKDTree

        points = (canvas.fine @ vertices).astype(np.float32)
        normal = mesh.normals(points, canvas.quads, canvas.gather)
        fields = canvas.fields
        skin = (canvas.part == mesh.SKIN) & (fields["cavity"] < 0.1) & (fields["socket"] < 0.1)
        skin &= (canvas.place[:, 2] > 0.60) & (np.abs(canvas.place[:, 0]) < 0.072)
        self.points, self.normal, self.place = points[skin], normal[skin], canvas.place[skin]
        self.across = mesh.across(self.place)
        self.tree = cKDTree(self.points[::3])

    def roots(self, rng: np.random.Generator, cut: Cut, count: int) -> np.ndarray:
        """Indices of points evenly over the scalp."""
        weight = (grown(cut, self.across, self.place[:, 2], 0) > 0.6) & (self.place[:, 2] > 0.750)
        distance, _ = self.tree.query(self.points[weight], 4)
        chances = distance[:, 3] ** 2
        return rng.choice(np.flatnonzero(weight), count, p=chances / chances.sum())

    def outside(self, points: np.ndarray, least: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Points ``(..., 3)`` moved at least so far off the skin, and the skin's normals there."""
        distance, index = self.tree.query(points.reshape(-1, 3))
        normal = self.normal[::3][index].reshape(points.shape)
        off = ((points - self.points[::3][index].reshape(points.shape)) * normal).sum(-1)
        near = distance.reshape(off.shape) < 0.03
        return points + (np.maximum(least - off, 0) * near)[..., None] * normal, normal


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _guides(rng: np.random.Generator, cut: Cut, head: _Scalp, roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Paths ``(G, K, 3)`` of guides and the ways out ``(G, K, 3)``."""
    start, normal, place = head.points[roots], head.normal[roots], head.place[roots]
    heading, fall, length, low = _combing(rng, cut, start, normal, place)
    point, way = start + 0.0005 * normal, _unit(heading)
    clear = cut.volume * rng.uniform(0.25, 1.0, len(roots)) * (1.0 if cut.name != "crop" else 0.4)
    restless = {"afro": 0.40, "curls": 0.30}.get(cut.name, 0.05)
    paths, out = [point], [normal]
    for k in range(1, STEPS):
        way = _unit(way + fall[:, None] * np.array([0, 0, -1.0]) + rng.normal(0, restless, way.shape))
        step = (length / (STEPS - 1))[:, None] * way
        # A tip that has come as low as it may stays there.
        step = np.where((point[:, 2] < low)[:, None], 0.02 * step, step)
        moved, normal = head.outside(point + step, clear * min(1.0, k / 4))
        way = _unit(0.5 * way + 0.5 * _unit(moved - point + 1e-9))
        point = moved
        paths.append(point)
        out.append(normal)
    return np.stack(paths, 1), np.stack(out, 1)


def _combing(
    rng: np.random.Generator, cut: Cut, start: np.ndarray, normal: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, ...]:
    """First heading ``(G, 3)``, fall per step, length and lowest height, each ``(G,)``, of guides."""
    count, x, z = len(start), start[:, 0], place[:, 2]
    away = np.sign(x - cut.part)
    beside = smoothstep(0.052, 0.064, np.abs(place[:, 0]))
    vector = lambda a, b, c: np.stack(np.broadcast_arrays(a + 0 * x, b, c), 1)  # noqa: E731
    jitter = rng.normal(0, 0.12, (count, 3))
    vary = rng.uniform(0.75, 1.1, count)
    none = np.full(count, -1.0)
    if cut.name == "crop":
        heading = (
            normal * (0.8 - 0.6 * beside)[:, None] + vector(0.1 * np.sign(cut.part), -0.3, 0.25) * (1 - beside)[:, None]
        )
        heading = heading + vector(0, 0.25, -1.0) * beside[:, None]
        return (
            heading + (2 - 1.5 * beside)[:, None] * jitter,
            0.02 + 0 * x,
            (0.017 * (1 - 0.75 * beside) + 0.002) * vary,
            none,
        )
    if cut.name in ("afro", "curls"):
        droop = 0.05 if cut.name == "afro" else 0.18
        heading = normal + vector(0, -0.1, -0.5 * beside)
        return (
            heading + 2.5 * jitter,
            droop + 0.05 * beside,
            (1.5 * cut.volume * (1 - 0.35 * beside) + 0.004) * vary,
            none,
        )
    if cut.name == "tied":
        heading = vector(-0.15 * np.sign(x), 1.0, 0.9 + 0.2 * beside)
        return heading + 0.5 * jitter, 0 * x - 0.02, 0.09 * vary, none
    if cut.name == "swept":
        heading = (
            normal * (0.6 - 0.5 * beside)[:, None] + vector(0.4 * np.sign(cut.part), 0.25, 0.9) * (1 - beside)[:, None]
        )
        heading = heading + vector(0, 0.5, -0.4) * beside[:, None]
        return heading + jitter, 0.05 + 0 * x, (0.045 * (1 - 0.8 * beside) + 0.003) * vary, none
    lowest = np.where(rng.random(count) < 0.9, 0.45 if cut.long else 0.712, 0.7) + 0 * x
    if cut.name == "fringe":
        front = (np.abs(start[:, 0]) < 0.056) & (z > 0.77)
        edge = mesh.EYE + cut.edge + rng.normal(0, 0.0022, count) - 0.5 * np.maximum(np.abs(x) - 0.040, 0)
        heading = np.where(front[:, None], vector(0.25 * np.sign(cut.part) + 2 * x, -1, -0.3), vector(away, -0.1, -0.6))
        long = np.where(front, 0.052 * vary, cut.length * vary)
        return heading + jitter, np.where(front, 0.35, 0.25), long, np.where(front, edge, lowest)
    # Parted: sideways from the parting, then down before the temples.
    heading = vector(away, -0.35, 0.2 if cut.name == "wavy" else 0.1) * (1 - beside)[:, None]
    heading = heading + normal * 0.4 + vector(0.1 * away, -0.05, -1) * beside[:, None]
    low = lowest if cut.long else mesh.EYE + rng.uniform(-0.004, 0.022, count) + 0 * x
    return heading + 0.7 * jitter, np.full(count, 0.16), cut.length * vary, low


def _curtain(rng: np.random.Generator, cut: Cut, head: _Scalp, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Long hair that falls behind the ears: paths and ways out as those of `_guides`."""
    side = rng.choice([-1.0, 1.0], count)
    width = float(np.abs(head.points[:, 0]).max())
    depth = rng.uniform(0, 1, count)
    top = np.stack([side * (width + rng.uniform(-0.004, 0.010, count) - 0.045 * depth), -0.055 + 0.07 * depth], 1)
    fall = np.linspace(0, 1, STEPS) * (cut.length * rng.uniform(0.9, 1.2, count))[:, None]
    spread = side[:, None] * rng.normal(0, 0.02, (count, 1)) * np.linspace(0, 1, STEPS) ** 1.5
    x = top[:, :1] + spread
    y = top[:, 1:] - 0.015 * np.linspace(0, 1, STEPS)
    z = 0.79 - fall
    out = np.stack([side * 0.8, np.full(count, -0.6), np.zeros(count)], 1)[:, None]
    return np.stack([x, y, z], -1), np.repeat(_unit(out), STEPS, 1)


def _resampled(paths: np.ndarray, steps: int) -> np.ndarray:
    """Paths ``(G, K, 3)`` with another number of points, ``(G, steps, 3)``."""
    at = np.linspace(0, paths.shape[1] - 1, steps)
    low = np.minimum(at.astype(int), paths.shape[1] - 2)
    share = (at - low)[:, None]
    return paths[:, low] * (1 - share) + paths[:, low + 1] * share


def _aside(points: np.ndarray, cut: Cut) -> np.ndarray:
    """Strands ``(S, K, 3)`` put aside where they would hang before the eyes; fringes end above them."""
    x, y, z = np.moveaxis(points, -1, 0)
    high, low = (cut.edge - 0.0055, cut.edge - 0.0175) if cut.name == "fringe" else (0.040, 0.006)
    limit = 0.057 * smoothstep(mesh.EYE + high, mesh.EYE + low, z) * smoothstep(-0.03, -0.07, y)
    aside = np.sign(x[:, -1:]) * np.maximum(np.abs(x), limit)
    return np.stack([np.where(np.abs(x) < limit, aside, x), y, z], -1)


def _strands(
    rng: np.random.Generator, cut: Cut, head: _Scalp, paths: np.ndarray, out: np.ndarray, colour: np.ndarray
) -> Mane:
    """Locks of strands that follow guides ``(G, K, 3)``."""
    coiled = cut.name in ("afro", "curls")
    each, steps = (9, 34) if coiled else (16, STEPS)
    guide = np.repeat(np.arange(len(paths)), each)
    t = np.linspace(0, 1, steps)
    path, normal = (_resampled(values, steps)[guide] for values in (paths, out))
    tangent = _unit(np.gradient(path, axis=1) + 1e-9)
    across = _unit(np.cross(tangent, normal))
    wide = {"afro": 0.006, "curls": 0.005}.get(cut.name, 0.0062)
    spread = rng.normal(0, wide, (len(guide), 1)) * (1 - (0.45 if cut.name != "crop" else 0.0) * t)
    raised = rng.uniform(-0.5, 0.5, (len(guide), 1)) * cut.volume * np.minimum(1, 3 * t)
    phase = rng.uniform(0, 2 * np.pi, len(paths))[guide] + rng.normal(0, 0.35, len(guide))
    run = np.concatenate([np.zeros((len(path), 1)), np.cumsum(np.linalg.norm(np.diff(path, axis=1), axis=-1), 1)], 1)
    turn = 2 * np.pi * run / (cut.wave * rng.uniform(0.85, 1.15, (len(guide), 1))) + phase[:, None]
    size = cut.curl * np.minimum(1, 4 * t)
    points = (
        path + across * (spread + size * np.sin(turn))[..., None] + normal * (raised + size * np.cos(turn))[..., None]
    )
    if not coiled:
        points, normal = head.outside(points, 0.0008)
    points = _aside(points, cut)
    dim = np.clip(0.5 + raised[:, -1] / max(cut.volume, 1e-6), 0, 1)
    tint = colour * np.exp(rng.normal(0, 0.14, len(paths))[guide] + rng.normal(0, 0.20, len(guide)))[:, None]
    tint = tint * np.exp(rng.normal(0, 0.04, (len(guide), 3)))
    width = rng.uniform(0.0005, 0.0010, len(guide)) * (0.75 if cut.name == "crop" else 1.3 if coiled else 1.0)
    lean = 0.1 + rng.normal(0, 0.05, len(paths))[guide] + rng.normal(0, 0.03, len(guide))
    arrays = (points, normal, tint, 0.35 + 0.65 * dim, width, lean)
    return Mane(*(np.asarray(value, np.float32) for value in arrays))
