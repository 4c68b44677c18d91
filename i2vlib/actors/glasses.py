"""Glasses: two rims, a bridge and two temples, which turn with the head and stay where the face moves.

Frames are tubes along lines. A lens lets the eye behind be seen, a little darker, under a bright streak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from i2vlib.actors import mesh

#: Points along a rim, and around a tube.
_ALONG, _AROUND = 40, 6
#: How far lenses stand before the corners of the eyes, and how far they bend back at the temples, in metres.
_BEFORE, _BENT = 0.016, 0.006
#: Frames of metal and of plastic, in linear light.
_FRAMES = ((0.02, 0.02, 0.02), (0.05, 0.02, 0.01), (0.16, 0.06, 0.02), (0.30, 0.22, 0.10), (0.25, 0.25, 0.26))


@dataclass(frozen=True, eq=False)
class Glasses:
    """A pair of glasses; places are in the frame of a head at rest, in metres.

    Attributes:
        points, normal: ``float32 (G, 3)``, the tubes' vertices and their outward normals of unit length.
        triangles: ``int64 (K, 3)`` over them.
        lenses: ``float32 (2, n, 3)``, the outline of each lens.
        streaks: ``float32 (2, 4, 3)``, the bright streak on each lens, whose middle it crosses.
        colour: ``float32 (3,)`` of the frame, in linear light.
        clear: the share of light that the lenses let through; ``bright``: that which the streaks add.
    """

    points: np.ndarray
    normal: np.ndarray
    triangles: np.ndarray
    lenses: np.ndarray
    streaks: np.ndarray
    colour: np.ndarray
    clear: float
    bright: float


def choose(rng: np.random.Generator, share: float, vertices: np.ndarray) -> Glasses | None:
    """A pair that fits a head ``float32 (N, 3)`` at rest, for a share of people; None for the others."""
    if rng.random() >= share:
        return None
    rows = mesh.landmark_rows() @ vertices
    corners = mesh.eye_corners(vertices)
    middle, half = corners.mean(1), np.abs(np.diff(corners[..., 0], axis=1)).mean() / 2
    plastic = rng.random() < 0.6
    thick = rng.uniform(0.0016, 0.0028) if plastic else rng.uniform(0.0006, 0.0010)
    wide = half * rng.uniform(1.5, 2.0)
    high, square = wide * rng.uniform(0.6, 0.92), rng.uniform(2.0, 3.4)
    level = middle[:, 2].mean() - high * rng.uniform(0.05, 0.25)
    before = min(rows[28, 1] - 0.001, corners[..., 1].min() - _BEFORE)
    outward = np.sign(middle[:, 0])
    apart = np.maximum(np.abs(middle[:, 0]) + wide * rng.uniform(0.06, 0.14), wide + 0.008)
    centre = outward * apart

    across, up = _outline(square)
    across = across * np.where(up < 0, 1 + rng.uniform(-0.12, 0.0) * np.abs(up), 1)  # lenses are narrower below
    rims = np.stack(
        [_bent(x + side * wide * across, level + high * up, before) for x, side in zip(centre, outward, strict=True)]
    )
    browed = rng.uniform(0.6, 1.4) * np.clip(up, 0, 1) if plastic and rng.random() < 0.4 else 0 * up
    bridge = np.linspace(*rims[:, _ALONG // 2], 9)
    bridge[:, 2] += high * rng.uniform(0.3, 0.5) + 0.15 * high * np.sin(np.linspace(0, np.pi, 9))
    ears = rows[[0, 16]] + np.stack([0.004 * outward, [0.01, 0.01], [0, 0]], 1)
    temples = [_temple(rim[0] + [0, 0, 0.4 * high], ear) for rim, ear in zip(rims, ears, strict=True)]
    tubes = [_tube(rim, thick * (1 + browed), closed=True) for rim in rims]
    points, normal, triangles = _joined(tubes + [_tube(line, np.full(9, thick)) for line in (bridge, *temples)])
    ends = _streak(rng)
    streaks = np.stack([_bent(x + wide * ends[:, 0] * 0.8, level + high * ends[:, 1], before) for x in centre])
    return Glasses(
        points, normal, triangles, rims.astype(np.float32), streaks.astype(np.float32),
        np.array(_FRAMES[rng.integers(3) if plastic else rng.integers(2, 5)], np.float32),
        rng.uniform(0.86, 0.98), rng.choice([0.0, rng.uniform(0.02, 0.3)]),
    )  # fmt: skip


def _outline(square: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a rim runs, in half widths and half heights ``(n,)``: 2 for an ellipse, more for a squarer one."""
    turn = np.linspace(0, 2 * np.pi, _ALONG, endpoint=False)
    across, up = (np.sign(value) * np.abs(value) ** (2 / square) for value in (np.cos(turn), np.sin(turn)))
    return across, up


def _temple(hinge: np.ndarray, ear: np.ndarray) -> np.ndarray:
    """The line ``(9, 3)`` from a hinge out to the side of the head and back to the ear."""
    return np.concatenate([hinge[None], np.linspace(hinge + (ear - hinge) * [1, 0.06, 0], ear, 8)])


def _streak(rng: np.random.Generator) -> np.ndarray:
    """The corners ``(4, 2)`` of a slanting streak, in half widths and half heights of a lens."""
    where, slant, width = rng.uniform(-0.4, 0.2), rng.uniform(0.2, 0.5), rng.uniform(0.08, 0.3)
    low, high = np.array([where - width, where + width]), np.array([where + width, where - width]) + slant
    return np.stack([np.concatenate([low, high]), [-0.8, -0.8, 0.8, 0.8]], 1)


def shade(worn: Glasses, normal: np.ndarray, lights: np.ndarray, tints: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """Linear colour ``(G, 3)`` of the frame: matt in the lamps' light, and bright where it mirrors them.

    Args:
        normal: ``(G, 3)``, as the head is turned.
        lights, tints: ``(3, 3)``, towards each lamp and its colour; ``sky`` ``(3,)`` the light from above.
    """
    half = lights + np.array([0, -1, 0], np.float32)
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    matt = np.clip(normal @ lights.T, 0, 1) @ tints + sky * (0.5 + 0.5 * normal[:, 2:])
    return worn.colour * matt + 0.35 * np.clip(normal @ half.T, 0, 1) ** 24 @ tints


def covers(lenses: np.ndarray, streaks: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The shares ``float32 (side, side, 1)`` of each pixel that lenses, and streaks on them, cover.

    Args:
        lenses, streaks: outlines ``(2, n, 2)`` and ``(2, 4, 2)``, in pixels.
    """
    lens = _covered(lenses, side)
    return lens, _covered(streaks, side) * lens


def seen_through(picture: np.ndarray, worn: Glasses, lens: np.ndarray, streak: np.ndarray) -> np.ndarray:
    """A picture ``uint8 (S, S, 3)`` through lenses and the streaks on them, by what each of them `covers`."""
    through = picture * (1 - lens * np.float32(1 - worn.clear))
    return np.clip(through + (255 - through) * streak * np.float32(worn.bright) + 0.5, 0, 255).astype(np.uint8)


def _covered(outlines: np.ndarray, side: int) -> np.ndarray:
    """The share ``float32 (side, side, 1)`` of each pixel that some outlines, in pixels, enclose."""
    from skimage.draw import polygon2mask

    fine = sum(polygon2mask((4 * side, 4 * side), 4 * outline[:, ::-1] - 0.5) for outline in outlines).clip(0, 1)
    return fine.reshape(side, 4, side, 4).mean((1, 3), dtype=np.float32)[..., None]


def _bent(across: np.ndarray, up: np.ndarray, before: float) -> np.ndarray:
    """Places ``(n, 3)`` on the front of the glasses, which bends back at the sides."""
    return np.stack([across, before + _BENT * (across / 0.06) ** 2, np.broadcast_to(up, np.shape(across))], 1)


def _tube(line: np.ndarray, thick: np.ndarray, closed: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, normals and quads of a tube along a line ``(n, 3)``, half as deep as it is ``thick (n,)`` in radius."""
    ahead = np.roll(line, -1, 0) - np.roll(line, 1, 0) if closed else np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    aside = np.cross(ahead, np.where(np.abs(ahead[:, 1:2]) < 0.8, [[0.0, 1, 0]], [[0.0, 0, 1]]))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    ring = np.cos(turn)[None, :, None] * aside[:, None] + np.sin(turn)[None, :, None] * np.cross(ahead, aside)[:, None]
    points = line[:, None] + thick[:, None, None] * ring
    count = len(line)
    n, k = np.meshgrid(np.arange(count if closed else count - 1), np.arange(_AROUND), indexing="ij")
    corner = lambda i, j: (i % count) * _AROUND + j % _AROUND  # noqa: E731
    quads = np.stack([corner(n, k), corner(n + 1, k), corner(n + 1, k + 1), corner(n, k + 1)], -1).reshape(-1, 4)
    return points.reshape(-1, 3), ring.reshape(-1, 3), quads


def _joined(tubes: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, normal, quads = zip(*tubes, strict=True)
    first = np.cumsum([0, *map(len, points[:-1])])
    every = np.concatenate([quad + at for quad, at in zip(quads, first, strict=True)])
    triangles = np.concatenate([every[:, [0, 1, 2]], every[:, [0, 2, 3]]])
    return np.concatenate(points).astype(np.float32), np.concatenate(normal).astype(np.float32), triangles
