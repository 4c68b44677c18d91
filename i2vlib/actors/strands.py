"""How hair is drawn: strands as ribbons that face the camera, lit along their length, in two layers around the head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors import drawing, light
from i2vlib.actors.hair import Mane
from i2vlib.actors.people import Person

#: Cells along each side of a frame in which the head's depth is kept.
_CELLS = 120


@dataclass(frozen=True, eq=False)
class Ribbons:
    """Strands before a camera, V vertices.

    Attributes:
        points, normal: ``float32 (V, 3)`` in the world; ``flat`` ``(V, 3)`` in pixels with a depth in pixels.
        colours: ``uint8 (V, 3)``.
        front, back: ``int (n, 3)``, the triangles before the head, and those behind or beside it.
        head: ``float (120, 120)``, where the head is: 1 in its cells, 0 elsewhere.
    """

    points: np.ndarray
    normal: np.ndarray
    flat: np.ndarray
    colours: np.ndarray
    front: np.ndarray
    back: np.ndarray
    head: np.ndarray


@dataclass(frozen=True, eq=False)
class Layers:
    """Hair behind and before the head, drawn once, with a border of `border` pixels: side ``D = 2 (S + 2 border)``.

    Attributes:
        back: ``float32 (D, D, 4)``, colours times their cover, and the cover.
        front: ``float32 (D, D, 5)``, the same, and the share of light that hair before the face takes from it.
    """

    back: np.ndarray
    front: np.ndarray

    def behind(self, background: np.ndarray, at: np.ndarray) -> np.ndarray:
        """A background with hair over it; `at` ``(S, S, 2)`` says where in the layer each pixel lies: see `places`."""
        seen = sampled(self.back, at)
        return background * (1 - seen[..., 3:]) + seen[..., :3]

    def before(self, picture: np.ndarray, at: np.ndarray) -> np.ndarray:
        """A picture ``uint8`` of the head with the hair before it."""
        seen = sampled(self.front, at)
        mixed = picture * ((1 - seen[..., 4:]) * (1 - seen[..., 3:4])) + seen[..., :3]
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def places(size: int, moved: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Where in a layer each pixel of a frame lies, ``float32 (S, S, 2)``, column and row.

    Args:
        moved: where points of the hair ``(n, 2)`` are when the layer is drawn and in the frame, both in pixels: what
            lies between is taken for a smooth bend of the picture.
    """
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(centre, centre)
    there = np.stack([x, y], -1)
    if moved is not None:
        rest, now = (points.astype(np.float64) / size for points in moved)
        bend = np.linalg.lstsq(_powers(now), rest, rcond=None)[0]
        there = (_powers(there.reshape(-1, 2)) @ bend).reshape(size, size, 2)
    return (2 * (there * size + border(size)) - 0.5).astype(np.float32)


def _powers(at: np.ndarray) -> np.ndarray:
    x, y = at[:, 0], at[:, 1]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)


def border(size: int) -> int:
    """Pixels of a border wide enough for what a drifting head brings into the frame."""
    return size // 8


def sampled(layer: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values ``(S, S, C)`` of a layer between its pixels."""
    side = len(layer)
    at = np.clip(at, 0, side - 1.001)
    low = at.astype(np.int64)
    across, down = np.moveaxis(at - low, -1, 0)[..., None]
    flat, first = layer.reshape(side * side, -1), low[..., 1] * side + low[..., 0]
    above = flat[first] * (1 - across) + flat[first + 1] * across
    below = flat[first + side] * (1 - across) + flat[first + side + 1] * across
    return above * (1 - down) + below * down


def ribbons(
    mane: Mane,
    points: np.ndarray,
    normal: np.ndarray,
    flat: np.ndarray,
    head: np.ndarray,
    who: Person,
    size: int,
    width: float,
) -> Ribbons:
    """Ribbons of strands.

    Args:
        points, normal, flat: ``(S, K, 3)`` of the strands, in the world and in pixels.
        head: ``(n, 3)`` points of the head in pixels.
        size, width: of the frame, in pixels and about in metres.
    """
    count, steps, _ = points.shape
    along = np.linspace(0, 1, steps)
    way = np.gradient(flat[..., :2], axis=1)
    way /= np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6)
    half = mane.width[:, None] * (1 - 0.85 * along**2.5) * (0.5 * size / width)
    aside = np.stack([-way[..., 1], way[..., 0], 0 * way[..., 0]], -1) * half[..., None]
    wide = np.stack([flat - aside, flat + aside], 2).reshape(-1, 3).astype(np.float32)
    colours = light.srgb(_lit(mane, points, normal, along, who))
    twice = lambda values: np.repeat(values.reshape(-1, 3), 2, 0)  # noqa: E731
    at = np.arange(count * steps).reshape(count, steps)[:, :-1]
    front, behind, covered = _sides(flat, head, size, width)
    quads = np.stack([2 * at, 2 * at + 2, 2 * at + 3, 2 * at + 1], -1)
    cut = lambda chosen: np.stack([quads[chosen][:, [0, 1, 2]], quads[chosen][:, [0, 2, 3]]], 1).reshape(-1, 3)  # noqa: E731
    return Ribbons(
        points=twice(points),
        normal=twice(normal),
        flat=wide,
        colours=twice(colours),
        front=cut(front),
        back=cut(behind),
        head=covered,
    )


def _sides(flat: np.ndarray, head: np.ndarray, size: int, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pieces of strands ``(S, K - 1)`` are before the head, which are not, and the head's cells."""
    from scipy.ndimage import grey_dilation

    cell = size / _CELLS
    grid = np.full((_CELLS, _CELLS), -1e6, np.float32)
    column, row = np.floor(head[:, 0] / cell).astype(int), np.floor(head[:, 1] / cell).astype(int)
    inside = (column >= 0) & (column < _CELLS) & (row >= 0) & (row < _CELLS)
    np.maximum.at(grid, (row[inside], column[inside]), head[inside, 2])
    # Where the mesh is coarser than a cell, the nearest one of its neighbours.
    for _ in range(2):
        grid = np.where(grid < -1e5, grey_dilation(grid, (2, 2)), grid)
    middle = (flat[:, 1:] + flat[:, :-1]) / 2
    column, row = (np.floor(middle[..., i] / cell).astype(int) for i in (0, 1))
    shown = (column >= -2) & (column < _CELLS + 2) & (row >= -2) & (row < _CELLS + 2)
    depth = grid[row.clip(0, _CELLS - 1), column.clip(0, _CELLS - 1)]
    front = middle[..., 2] > depth - 0.0015 * size / width
    beside = depth < -1e5
    # What has gone well behind the face does not come out of it again.
    lost = np.logical_or.accumulate(shown & ~beside & (middle[..., 2] < depth - 0.005 * size / width), 1)
    before = shown & front & ~beside & ~lost
    return before, shown & ~before, (grid > -1e5).astype(np.float32)


def _lit(mane: Mane, points: np.ndarray, normal: np.ndarray, along: np.ndarray, who: Person) -> np.ndarray:
    """Linear colours ``(S, K, 3)``: light scattered around strands, a band of gloss, darkness inside and at roots."""
    tangent = np.gradient(points, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)
    tint = mane.tint[:, None]
    deep = (mane.open[:, None] * (0.55 + 0.45 * np.minimum(1, 3 * along)))[..., None]
    up = 0.5 + 0.5 * normal[..., 2:]
    total = (who.sky * up + who.ground * (1 - up)) * tint * 0.9
    view = np.array([0, -1, 0], np.float32)
    for lamp, colour in zip(who.lights, who.tints, strict=True):
        sine = lambda way: np.sqrt(np.clip(1 - (tangent @ way) ** 2, 0, 1))[..., None]  # noqa: E731
        facing = np.clip((normal @ lamp + 0.35) / 1.35, 0, 1)[..., None]
        half = (lamp + view) / np.linalg.norm(lamp + view)
        white = np.sqrt(np.clip(1 - ((tangent + mane.lean[:, None, None] * normal) @ half) ** 2, 0, 1))[..., None]
        tinted = np.sqrt(np.clip(1 - ((tangent - 0.2 * normal) @ half) ** 2, 0, 1))[..., None]
        gloss = white**120 * (0.04 + 0.25 * tint) + tinted**40 * 0.45 * tint
        total = total + colour * facing * (0.85 * sine(lamp) * tint + gloss)
    return np.clip(total * deep, 0, 0.9)


def layers(strands: Ribbons, seen: tuple[np.ndarray, np.ndarray], who: Person, size: int) -> Layers:
    """The two layers and the shadow of the front one; `seen` is what `identify` gives for the back and the front."""
    from scipy.ndimage import gaussian_filter, shift, zoom

    side = size + 2 * border(size)
    parts = zip(seen, (strands.back, strands.front), strict=True)
    back, front = (_coloured(ids, strands.colours, triangles) for ids, triangles in parts)
    cover = front[::2, ::2, 3]
    key = who.lights[0]
    moved = shift(cover, (0.045 * size * max(0.2, key[2]), -0.035 * size * key[0]), order=1, mode="nearest")
    shade = np.maximum(gaussian_filter(moved, 0.022 * size), 0.8 * gaussian_filter(cover, 0.012 * size))
    head = zoom(strands.head, side / len(strands.head), order=1, grid_mode=True, mode="nearest")
    shadow = (0.55 * shade * np.clip(head, 0, 1)).repeat(2, 0).repeat(2, 1)
    return Layers(back, np.concatenate([front, shadow[..., None]], -1).astype(np.float32))


def identify(strands: Ribbons, triangles: np.ndarray, size: int) -> np.ndarray:
    """``int (2 D, 2 D)``, the row of `triangles` seen at the centre of each quarter of a layer's pixel, -1 for none."""
    side = size + 2 * border(size)
    if not len(triangles):
        return np.full((4 * side, 4 * side), -1)
    window = _identifier(side)
    window.put(strands.flat, triangles, drawing.numbered(len(triangles)))
    return drawing.numbers(window.picture(strands.flat))


def _coloured(ids: np.ndarray, colours: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """``float32 (D, D, 4)``: colours of triangles times their cover, and the cover, of what `identify` gives.

    A piece of a strand is smaller than a pixel: it has one colour.
    """
    layer = np.zeros((len(ids) // 2, len(ids) // 2, 4), np.float32)
    if not len(triangles):
        return layer
    mean = (colours[triangles].sum(1, dtype=np.uint16) + 1) // 3
    for c in range(3):
        layer[..., c] = drawing.down(np.append(mean[:, c], 0).astype(np.uint8)[ids], 2)
    layer[..., 3] = drawing.down(ids >= 0, 2)
    return layer


@lru_cache(maxsize=2)
def _identifier(side: int) -> drawing.Window:
    """A window for ribbons, another mesh each time, at four times the size."""
    return drawing.Window(np.zeros((1, 3), int), 3, 4 * side, side, "rgb", "cell")
