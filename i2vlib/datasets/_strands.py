"""How hair is drawn: strands as ribbons that face the camera, lit along their length, in two layers around the head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._hair import Mane
from i2vlib.datasets._people import Person

#: Cells along each side of a frame in which the head's depth is kept.
_CELLS = 96


@dataclass(frozen=True, eq=False)
class Ribbons:
    """Strands before a camera, V vertices.

    Attributes:
        points, normal: ``float32 (V, 3)`` in the world; ``flat`` ``(V, 3)`` in pixels with a depth in pixels.
        colours: ``uint8 (V, 3)``.
        front, back: ``int (n, 3)``, the triangles before the head, and those behind or beside it.
        head: ``float (96, 96)``, where the head is: 1 in its cells, 0 elsewhere.
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
    """Hair behind and before the head: colours ``float32 (S, S, 3)`` times their covers ``(S, S, 1)``, and the shadow.

    ``shadow`` ``(S, S, 1)`` is what light is multiplied by where hair is before the face.
    """

    back: np.ndarray
    back_cover: np.ndarray
    front: np.ndarray
    front_cover: np.ndarray
    shadow: np.ndarray

    def behind(self, background: np.ndarray) -> np.ndarray:
        """A background with hair over it."""
        return background * (1 - self.back_cover) + self.back

    def before(self, picture: np.ndarray) -> np.ndarray:
        """A picture ``uint8`` of the head with the hair before it."""
        mixed = picture * (self.shadow * (1 - self.front_cover)) + self.front
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


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
    colours = drawing.srgb(_lit(mane, points, normal, along, who))
    twice = lambda values: np.repeat(values.reshape(-1, 3), 2, 0)  # noqa: E731
    at = np.arange(count * steps).reshape(count, steps)[:, :-1]
    front, behind, covered = _sides(flat, head, size)
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


def _sides(flat: np.ndarray, head: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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
    front = middle[..., 2] > depth - 0.0015 * size / 0.17
    beside = depth < -1e5
    # What has gone well behind the face does not come out of it again.
    lost = np.logical_or.accumulate(shown & ~beside & (middle[..., 2] < depth - 0.005 * size / 0.17), 1)
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


def layers(strands: Ribbons, who: Person, size: int) -> Layers:
    """Draws the two layers and the shadow of the front one."""
    from scipy.ndimage import gaussian_filter, shift, zoom

    drawn = [_window(size).draw(strands, part) for part in (strands.back, strands.front)]
    cover = drawn[1][1][..., 0]
    light = who.lights[0]
    moved = shift(cover, (0.045 * size * max(0.2, light[2]), -0.035 * size * light[0]), order=1, mode="nearest")
    shade = np.maximum(gaussian_filter(moved, 0.022 * size), 0.8 * gaussian_filter(cover, 0.012 * size))
    head = zoom(strands.head, size / len(strands.head), order=1, grid_mode=True, mode="nearest")
    shadow = 1 - 0.55 * shade * np.clip(head, 0, 1)
    return Layers(*drawn[0], *drawn[1], shadow[..., None].astype(np.float32))


def identify(strands: Ribbons, triangles: np.ndarray, size: int) -> np.ndarray:
    """``int (size, size)``, the row of `triangles` seen at the centre of each pixel, -1 for none."""
    if not len(triangles):
        return np.full((size, size), -1)
    tell = drawing.Identifier(triangles, len(strands.flat), size)
    try:
        return tell.draw(strands.flat)
    finally:
        tell.close()


class _Window(drawing._Window):
    """Draws ribbons, another mesh each time."""

    def __init__(self, size: int, scale: int) -> None:
        super().__init__(np.zeros((1, 3), int), 3, size * scale, size, "rgb", "point")
        self.size, self.scale = size, scale

    def draw(self, strands: Ribbons, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours ``float32 (S, S, 3)`` times their cover, and the cover ``(S, S, 1)``."""
        import pyvista

        if not len(triangles):
            return np.zeros((self.size, self.size, 3), np.float32), np.zeros((self.size, self.size, 1), np.float32)
        cells = np.concatenate([np.full((len(triangles), 1), 3), triangles], 1).ravel()
        mesh = pyvista.PolyData(np.zeros_like(strands.flat), cells)
        mesh.point_data["rgb"] = strands.colours
        mesh.set_active_scalars("rgb")
        self.mesh = mesh
        actor = next(iter(self.plotter.renderer.actors.values()))
        actor.mapper.SetInputData(mesh)
        picture = self.picture(strands.flat)
        drawn = picture[..., 3] > 0
        cover = drawing._down(drawn, self.scale)
        colour = np.stack([drawing._down(picture[..., c] * drawn, self.scale) for c in range(3)], -1)
        return colour, cover[..., None]


@lru_cache(maxsize=2)
def _window(size: int) -> _Window:
    return _Window(size, 5 if size <= 160 else 3)
