"""The flat map of an actor's skin on which its fine structure is painted: where a texel lies, clouds, dots and strokes.

The map runs once around the front of the head: `across`, metres from the middle line along the skin, and z, the height
on the template. It is drawn as a texture that multiplies the colours of the vertices, so that it moves with the skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.mesh import smoothstep

#: Texels across and down, and what of the template they cover, in metres.
WIDTH, HEIGHT = 1024, 768
REACH, LOW, HIGH = 0.155, 0.598, 0.812
#: What a texel of plain skin multiplies the light by, in sRGB: room above it for what is lighter than the skin.
PLAIN = 0.86

_COARSE = 4


@dataclass(frozen=True, eq=False)
class Atlas:
    """Where texels lie on the template, each field ``float32 (HEIGHT, WIDTH)``, the top row first.

    Attributes:
        uv: ``float32 (M, 2)`` in [0, 1] of each fine vertex; what is not skin lies on a texel that is white.
        x, y, z: place on the template in metres.
        lips, lids: how much of a lip a texel is, and edges from the rim of an eye.
    """

    uv: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    lips: np.ndarray
    lids: np.ndarray


def across(place: np.ndarray) -> np.ndarray:
    """Metres ``(...)`` from the middle line along the skin, of places ``(..., 3)`` on the template."""
    side = np.abs(place[..., 0])
    along = side + 0.7 * np.clip(place[..., 1] + 0.14, 0, None) * np.minimum(side / 0.05, 1)
    # Ears stand out of the skin: they are moved away, so that what is painted before them does not lie on them too.
    ears = smoothstep(0.0625, 0.068, side) * smoothstep(0.774, 0.766, place[..., 2])
    return np.sign(place[..., 0]) * (along + 0.03 * ears)


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """The map, built in about half a second and kept."""
    from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
    from scipy.ndimage import zoom

    canvas = mesh.canvas()
    fields, skin = canvas.fields, canvas.part == mesh.SKIN
    flat = np.stack([across(canvas.place), canvas.place[:, 2]], 1)
    uv = np.stack([(flat[:, 0] / REACH + 1) / 2, (flat[:, 1] - LOW) / (HIGH - LOW)], 1).clip(0.002, 0.996)
    uv[~skin] = 1 - 1.5 / np.array([WIDTH, HEIGHT])
    chosen = skin & (fields["cavity"] < 0.1) & (fields["socket"] < 0.1) & (fields["ears"] < 0.1)
    chosen &= (np.abs(flat[:, 0]) < 1.1 * REACH) & (flat[:, 1] > LOW - 0.01) & (flat[:, 1] < HIGH + 0.01)
    values = np.stack([canvas.place[:, 0], canvas.place[:, 1], fields["lips"], fields["lid_rings"]], 1)
    rows = HIGH - (np.arange(HEIGHT // _COARSE) + 0.5) / (HEIGHT // _COARSE) * (HIGH - LOW)
    columns = ((np.arange(WIDTH // _COARSE) + 0.5) / (WIDTH // _COARSE) * 2 - 1) * REACH
    grid = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
    found = LinearNDInterpolator(flat[chosen], values[chosen])(grid)
    hole = np.isnan(found).any(1)
    found[hole] = NearestNDInterpolator(flat[chosen], values[chosen])(grid[hole])
    planes = found.reshape(len(rows), len(columns), 4).astype(np.float32)
    x, y, lips, lids = (zoom(planes[..., i], _COARSE, order=1, grid_mode=True, mode="nearest") for i in range(4))
    z = np.repeat((HIGH - (np.arange(HEIGHT) + 0.5) / HEIGHT * (HIGH - LOW))[:, None], WIDTH, 1).astype(np.float32)
    return Atlas(uv=uv.astype(np.float32), x=x, y=y, z=z, lips=lips, lids=lids)


@lru_cache(maxsize=1)
def _columns() -> tuple[np.ndarray, np.ndarray]:
    """Across ``(HEIGHT // 4, 161)`` of the front of the face, for x from -0.08 to 0.08."""
    where = atlas()
    xs = np.linspace(-0.08, 0.08, 161)
    flat = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1) * REACH
    table = [np.interp(xs, np.maximum.accumulate(row), flat) for row in where.x[::4]]
    return xs, np.stack(table)


def texels(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, as floats, of places on the front of the template given by x and z in metres."""
    from scipy.ndimage import map_coordinates

    _, table = _columns()
    row = (HIGH - z) / (HIGH - LOW) * HEIGHT - 0.5
    place = [np.clip(row / 4, 0, len(table) - 1).ravel(), np.clip((x + 0.08) / 0.001, 0, 160).ravel()]
    flat = map_coordinates(table, place, order=1).reshape(x.shape)
    return (flat / REACH + 1) / 2 * WIDTH - 0.5, row


def cloud(rng: np.random.Generator, metres: float) -> np.ndarray:
    """Smooth noise ``float32 (HEIGHT, WIDTH)`` of about unit variance, with features of about so many metres."""
    from scipy.ndimage import gaussian_filter, zoom

    sigma = metres / (2 * REACH) * WIDTH * 0.5
    step = next(f for f in (16, 8, 4, 2, 1) if f <= max(1.0, sigma / 1.5))
    white = rng.standard_normal((HEIGHT // step, WIDTH // step), np.float32)
    soft = gaussian_filter(white, sigma / step, mode="wrap")
    soft /= soft.std()
    return zoom(soft, step, order=1, grid_mode=True, mode="nearest") if step > 1 else soft


def splat(column: np.ndarray, row: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Amounts at places, each shared between its four texels, added up: ``float32 (HEIGHT, WIDTH)``."""
    c0, r0 = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    fc, fr = column - c0, row - r0
    total = np.zeros(HEIGHT * WIDTH)
    for dc, dr, share in ((0, 0, (1 - fc) * (1 - fr)), (1, 0, fc * (1 - fr)), (0, 1, (1 - fc) * fr), (1, 1, fc * fr)):
        inside = (c0 + dc >= 0) & (c0 + dc < WIDTH) & (r0 + dr >= 0) & (r0 + dr < HEIGHT)
        at = ((r0 + dr) * WIDTH + c0 + dc)[inside]
        total += np.bincount(at, (share * amount)[inside], HEIGHT * WIDTH)
    return total.reshape(HEIGHT, WIDTH).astype(np.float32)


def strokes(
    rng: np.random.Generator, start: np.ndarray, heading: np.ndarray, length: np.ndarray, bend: np.ndarray, thick: float
) -> np.ndarray:
    """How much of short tapered hairs covers each texel, ``float32 (HEIGHT, WIDTH)`` in [0, 1].

    Args:
        start: ``(n, 2)``, x and z of the roots in metres; `heading` ``(n,)`` radians from +x towards +z.
        length: ``(n,)`` in metres; `bend` ``(n,)`` radians by which the heading turns from root to tip.
        thick: coverage of a texel at the root of a hair.
    """
    count = 14
    along = (np.arange(count) + 0.5) / count
    turn = heading[:, None] + bend[:, None] * along
    step = length[:, None] / count
    x = start[:, :1] + np.cumsum(np.cos(turn) * step, 1)
    z = start[:, 1:] + np.cumsum(np.sin(turn) * step, 1)
    texel = 2 * REACH / WIDTH
    weight = thick * (1 - along**2) * rng.uniform(0.6, 1.3, (len(start), 1)) * step / texel
    column, row = texels(x, z)
    return 1 - np.exp(-splat(column.ravel(), row.ravel(), weight.ravel()))


def scattered(rng: np.random.Generator, density: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, as floats, of `count` places drawn by a density ``(HEIGHT, WIDTH)`` of at least 0."""
    sums = np.cumsum(density.ravel(), dtype=np.float64)
    if sums[-1] <= 0:
        return np.zeros(0), np.zeros(0)
    at = np.searchsorted(sums, rng.random(count) * sums[-1]).clip(0, density.size - 1)
    return at % WIDTH + rng.uniform(-0.5, 0.5, count), at // WIDTH + rng.uniform(-0.5, 0.5, count)


def places(column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and z of texels on the template, in metres: the inverse of `texels`."""
    inside = np.clip(row.round().astype(int), 0, HEIGHT - 1), np.clip(column.round().astype(int), 0, WIDTH - 1)
    return atlas().x[inside], HIGH - (row + 0.5) / HEIGHT * (HIGH - LOW)
