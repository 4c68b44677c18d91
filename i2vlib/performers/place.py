"""Where a performer is: a floor that reaches to the horizon or to a wall, in perspective, and the shadow on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from i2vlib.actors.mesh import smoothstep
from i2vlib.actors.people import backdrop, draw_background

#: Pixels of a place are averages of so many by so many.
_FINER = 3
#: Colours in sRGB of floors, by kind, and of walls.
_FLOORS = {
    "grass": ((86, 122, 58), (104, 132, 66), (70, 108, 56)),
    "clay": ((172, 104, 70), (150, 112, 80), (186, 150, 112)),
    "court": ((52, 92, 132), (60, 118, 92), (150, 76, 66)),
    "boards": ((176, 132, 88), (140, 100, 66), (196, 160, 116)),
    "tiles": ((150, 150, 148), (118, 122, 128), (176, 168, 156)),
    "rubber": ((62, 64, 68), (84, 84, 90), (50, 54, 62)),
}
_WALLS = ((196, 190, 178), (150, 160, 172), (214, 208, 200), (112, 120, 118), (170, 140, 118), (92, 104, 124))
#: What is behind a floor in the open, and behind one under a roof.
_OUTSIDE, _INSIDE = ("trees", "trees", "bricks", "fence"), ("bricks", "panels", "room", "room")


@dataclass(frozen=True, eq=False)
class Place:
    """A floor and what is behind it; see `draw_place`.

    Attributes:
        floor, behind: kinds; ``floor_colour``, ``wall_colour`` and ``sky`` in sRGB.
        distance: metres from the person to what is behind.
        unit: by how much planks, tiles, bricks and panels are larger than usual; turn: of the floor, in radians.
        clouds: ``(64, 64)``, what all noise is read from.
        room: a room out of focus, for `i2vlib.actors.people.draw_background`.
    """

    floor: str
    floor_colour: np.ndarray
    behind: str
    wall_colour: np.ndarray
    sky: np.ndarray
    distance: float
    unit: float
    turn: float
    clouds: np.ndarray
    room: tuple[np.ndarray, ...]


def draw_place(rng: np.random.Generator) -> Place:
    """A place by chance."""
    floor = str(rng.choice(list(_FLOORS)))
    outside = floor in ("grass", "clay", "court")
    behind = str(rng.choice(_OUTSIDE if outside else _INSIDE))
    colours = np.array(_FLOORS[floor][rng.choice(3)], float) * rng.uniform(0.8, 1.15)
    wall = np.array(_WALLS[rng.choice(len(_WALLS))], float) * rng.uniform(0.7, 1.1)
    blue = np.array([168, 196, 228]) * (1 - (g := rng.uniform(0, 1))) + np.array([214, 216, 218]) * g
    return Place(
        floor, colours, behind, wall, blue * rng.uniform(0.85, 1.05), rng.uniform(2.2, 7.0), rng.uniform(0.7, 1.3),
        rng.uniform(0, np.pi), rng.normal(size=(64, 64)), backdrop(rng),
    )  # fmt: skip


def picture_of(place: Place, camera: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A place as a camera ``(3, 4)`` sees it: ``float (size, size, 3)`` sRGB in 0 to 255, and how much of each pixel
    is floor ``(size, size)``."""
    fine = size * _FINER
    grid = (np.arange(fine) + 0.5) / _FINER
    u, v = np.meshgrid(grid, grid)
    back = np.linalg.inv(camera[:, :3].astype(np.float64))
    origin = -back @ camera[:, 3]
    ray = np.stack([u, v, np.ones_like(u)], -1) @ back.T
    ahead = camera[2, :2] / np.linalg.norm(camera[2, :2])
    beside = np.array([-ahead[1], ahead[0]])
    # The wall stands square to where the camera looks, so far behind the middle of the floor.
    to_wall = (place.distance - origin[:2] @ ahead) / np.maximum(ray[..., :2] @ ahead, 1e-6)
    at_wall = origin + ray * to_wall[..., None]
    high, across = at_wall[..., 2], at_wall[..., :2] @ beside
    on_floor = high < 0
    to_floor = -origin[2] / np.minimum(ray[..., 2], -1e-6)
    at_floor = origin + ray * to_floor[..., None]
    x, y = np.where(on_floor, at_floor[..., 0], 0), np.where(on_floor, at_floor[..., 1], 0)
    ground = _floor(place, x, y, np.where(on_floor, to_floor, 1))
    room = np.kron(draw_background(place.room, size), np.ones((_FINER, _FINER, 1))) if place.behind == "room" else None
    wall = _wall(place, across, high, room)
    foot = smoothstep(0.25, 0.0, np.where(on_floor, place.distance - (x * ahead[0] + y * ahead[1]), high))
    picture = np.where(on_floor[..., None], ground, wall) * (1 - 0.3 * foot[..., None])
    mean = lambda a: a.reshape(size, _FINER, size, _FINER, -1).mean((1, 3))  # noqa: E731
    return np.clip(mean(picture), 0, 255), mean(on_floor.astype(float))[..., 0]


def shadow_on(points: np.ndarray, light: np.ndarray, camera: np.ndarray, size: int) -> np.ndarray:
    """How much of the light the body takes from each pixel of the floor, ``(size, size)`` in [0, 1].

    Args:
        points: ``(N, 3)``, the body's; light: ``(3,)``, the way towards the lamp, which is above.
    """
    from scipy.ndimage import gaussian_filter

    fallen = points[::2] - (points[::2, 2:] / light[2]) * light
    dark = np.zeros((size, size))
    for where, blur, strong in ((fallen, 0.012, 0.55), (points[points[:, 2] < 0.12] * [1, 1, 0], 0.02, 0.6)):
        image = where @ camera[:, :3].T + camera[:, 3]
        column, row = np.floor(image[:, :2] / image[:, 2:]).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < size) & (row < size)
        count = np.bincount(row[inside] * size + column[inside], minlength=size * size).reshape(size, size)
        cover = gaussian_filter(1 - np.exp(-count * (size / 64) ** 2 / 2.0), max(0.7, blur * size))
        dark = 1 - (1 - dark) * (1 - strong * cover)
    return dark


def _noise(place: Place, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Smooth random numbers over a plane, of a standard deviation below 1."""
    from scipy.ndimage import map_coordinates

    return map_coordinates(place.clouds, [x, y], order=1, mode="grid-wrap")


def _floor(place: Place, x: np.ndarray, y: np.ndarray, far: np.ndarray) -> np.ndarray:
    across = x * np.cos(place.turn) + y * np.sin(place.turn)
    along = y * np.cos(place.turn) - x * np.sin(place.turn)
    light = 1 + 0.07 * _noise(place, x * 0.9, y * 0.9)
    fade = np.clip(1.4 - far / 14, 0.15, 1)
    if place.floor in ("grass", "clay", "rubber"):
        strong = {"grass": 0.16, "clay": 0.08, "rubber": 0.07}[place.floor]
        light = light + strong * fade * (_noise(place, x * 14, y * 14) + 0.7 * _noise(place, x * 4, y * 4))
    if place.floor == "grass":
        light = light + 0.07 * np.sign(np.sin(np.pi * across / (1.6 * place.unit)))
    if place.floor == "boards":
        plank = np.floor(across / (0.14 * place.unit))
        light = light + fade * 0.11 * _noise(place, plank * 7.3, np.floor(along / 1.7) * 3.1)
        light = light - fade * 0.22 * smoothstep(
            0.09, 0.03, np.abs(across / (0.14 * place.unit) - plank - 0.5) * -1 + 0.5
        )
    if place.floor == "tiles":
        side = 0.55 * place.unit
        gap = np.minimum(*(np.abs((a / side) % 1 - 0.5) * -1 + 0.5 for a in (across, along)))
        light = light - 0.28 * fade * smoothstep(0.05, 0.02, gap)
        light = light + 0.05 * fade * _noise(place, np.floor(across / side) * 5.7, np.floor(along / side) * 3.9)
    colour = place.floor_colour * light[..., None]
    if place.floor == "court":
        line = np.minimum(np.abs(across - 0.75 * place.unit), np.abs(along + 0.9 * place.unit))
        colour = colour + (np.array([228, 228, 222]) - colour) * smoothstep(0.05, 0.03, line)[..., None] * 0.9
    return colour


def _wall(place: Place, across: np.ndarray, high: np.ndarray, room: np.ndarray | None) -> np.ndarray:
    light = 1 + 0.05 * _noise(place, across * 1.3, high * 1.3)
    if place.behind == "trees":
        top = (
            2.2
            + 0.7 * place.unit
            + 0.5 * _noise(place, across * 0.8, 0 * high)
            + 0.25 * _noise(place, across * 3, high)
        )
        leaves = 0.75 + 0.24 * _noise(place, across * 2.2, high * 2.2) + 0.16 * _noise(place, across * 7, high * 7)
        green = np.array([64, 88, 52]) * leaves[..., None]
        return np.where((high > top)[..., None], place.sky * (1.06 - 0.02 * np.clip(high, 0, 8))[..., None], green)
    if place.behind == "room":
        return room * (0.9 + 0.1 * light[..., None])
    if place.behind == "bricks":
        row = np.floor(high / (0.16 * place.unit))
        column = across / (0.42 * place.unit) + 0.5 * (row % 2)
        light = light + 0.10 * _noise(place, row * 5.3, np.floor(column) * 3.7)
        gap = np.minimum(
            np.abs(high / (0.16 * place.unit) - row - 0.5) * -1 + 0.5, (np.abs(column % 1 - 0.5) * -1 + 0.5) * 2.5
        )
        light = light - 0.16 * smoothstep(0.14, 0.06, gap)
    if place.behind == "panels":
        light = light + 0.16 * np.where(high < 1.1 * place.unit, -1, 0.3)
        light = light - 0.2 * smoothstep(0.03, 0.015, np.abs((across / (0.9 * place.unit)) % 1 - 0.5))
    colour = place.wall_colour * light[..., None]
    if place.behind == "fence":
        post = smoothstep(0.42, 0.38, np.abs((across / (0.22 * place.unit)) % 1 - 0.5)) * (high < 1.5 * place.unit)
        behind = np.where((high > 1.0)[..., None], place.sky, np.array([96, 116, 76]))
        colour = np.where((post > 0.5)[..., None], colour * (0.92 + 0.08 * post[..., None]), behind)
    return colour
