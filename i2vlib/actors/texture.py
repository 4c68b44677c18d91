"""The texture of an actor's skin: pores, creases, freckles and moles, cropped hair, brows and beards.

It is painted on a flat map and multiplies the colours of the vertices, so that it moves with the skin. The map runs
once around the front of the head: `mesh.across`, metres from the middle line along the skin, and z, the height on the
template. First comes the map, with clouds, dots and strokes on it; then what of a face is painted with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.hair import Cut, grown
from i2vlib.actors.mesh import across, smoothstep

#: Texels across and down, and what of the template they cover, in metres.
WIDTH, HEIGHT = 1024, 768
REACH, LOW, HIGH = 0.155, 0.598, 0.812
#: What a texel of plain skin multiplies the light by, in sRGB: room above it for what is lighter than the skin.
PLAIN = 0.86

#: Which light melanin and blood take away, in red, green and blue.
MELANIN, BLOOD = np.array([0.6, 1.0, 1.25], np.float32), np.array([0.18, 1.0, 0.85], np.float32)

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


@dataclass(frozen=True)
class Face:
    """What of a face decides how its skin is painted."""

    skin: np.ndarray
    pigment: np.ndarray
    tone: int
    age: float
    woman: bool
    light: np.ndarray
    beards: tuple[float, ...]


def draw_texture(rng: np.random.Generator, face: Face, brow: Brow, cut: Cut, hair: np.ndarray) -> np.ndarray:
    """``uint8 (HEIGHT, WIDTH, 3)``, by which the vertices' colours are multiplied."""
    where = atlas()
    side = np.abs(where.x)
    melanin, blood = _mottled(rng, where, face)
    height, dark = _relief(rng, where, side, face)
    slope = _slopes(height, face.light)
    tint = [np.exp(-melanin * m - blood * b - dark) * slope for m, b in zip(MELANIN, BLOOD, strict=True)]
    scalp = grown(cut, across(np.stack([where.x, where.y, where.z], -1)), where.z, 0.002 * cloud(rng, 0.004))
    layers = [
        (_cropped(rng, where, cut, scalp), 0.75 * hair),
        (brow.hairs(rng), np.minimum(face.pigment * rng.uniform(0.6, 1.5), rng.uniform(0.22, 0.42) * face.skin)),
        *_beard(rng, where, face),
    ]
    for cover, colour in layers:
        ratio = np.clip(colour / face.skin, 0.02, 1.3)
        tint = [t + (r - t) * cover for t, r in zip(tint, ratio, strict=True)]
    picture = np.stack(tint, -1).clip(0, 1.4) ** np.float32(1 / 2.2) * np.float32(255 * PLAIN)
    picture = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    picture[:4, -4:] = 255
    return picture


def _cropped(rng: np.random.Generator, where: Atlas, cut: Cut, scalp: np.ndarray) -> np.ndarray:
    """How much of each texel is under the shortest hair: closed above, single hairs towards the edge and the ears."""
    low = smoothstep(0.778, 0.760, where.z)
    edge = np.clip(4 * scalp * (1 - scalp), 0, 1)
    column, row = scattered(rng, scalp * (low + 0.8 * edge), 5_000)
    x, z = places(column, row)
    heading = np.where(z > 0.775, np.pi / 2, -np.pi / 2) - 0.3 * np.sign(x) + rng.normal(0, 0.2, len(x))
    hairs = strokes(
        rng, np.stack([x, z], 1), heading, rng.uniform(0.002, 0.006, len(x)), rng.normal(0, 0.3, len(x)), 1.2
    )
    fill = scalp * (0.94 - 0.42 * low - 0.25 * edge)
    return fill + (1 - fill) * 0.9 * hairs


def _mottled(rng: np.random.Generator, where: Atlas, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """How much more pigment and blood than elsewhere a texel has: clouds, freckles, moles, shade under the eyes."""
    from scipy.ndimage import gaussian_filter

    side, z = np.abs(where.x), where.z
    melanin = 0.025 * cloud(rng, 0.010) + 0.025 * cloud(rng, 0.003) + 0.03 * cloud(rng, 0.0009)
    blood = 0.03 * cloud(rng, 0.008) + 0.025 * cloud(rng, 0.0022)
    under = np.exp(-(((side - 0.030) / 0.013) ** 2) - ((z - 0.7155 + 20 * (side - 0.030) ** 2) / 0.0045) ** 2)
    melanin = melanin + under * rng.uniform(0.05, 0.22)
    blood = blood + under * rng.uniform(0.0, 0.2)
    mask = smoothstep(0.655, 0.68, z) * smoothstep(0.765, 0.735, z) * smoothstep(0.066, 0.045, side)
    if face.tone < 5 and rng.random() < 0.3:
        for radius, count in ((0.9, 500), (1.6, 160)):
            at = scattered(rng, mask * np.clip(0.6 + 0.6 * cloud(rng, 0.008), 0, None), count)
            spots = gaussian_filter(splat(*at, rng.uniform(0.3, 1, count)), radius)
            melanin = melanin + np.minimum(spots * radius**2 * 6.3, 1.2) * rng.uniform(0.25, 0.6)
    moles = int(rng.integers(0, 7))
    at = scattered(rng, ((where.y < -0.09) & (where.lips < 0.1)).astype(np.float32), moles)
    spots = gaussian_filter(splat(*at, np.ones(moles)), 1.5) * 14
    return melanin + np.minimum(spots, 1.0), blood


def _relief(rng: np.random.Generator, where: Atlas, side: np.ndarray, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Height of pores, creases of the lips and fine lines, in no unit, and the shade in folds."""
    from scipy.ndimage import gaussian_filter

    z = where.z
    nose = np.exp(-((side / 0.018) ** 2) - ((z - 0.695) / 0.02) ** 2)
    cheek = np.exp(-(((side - 0.035) / 0.022) ** 2) - ((z - 0.690) / 0.025) ** 2)
    plain = 1 - smoothstep(0.0, 0.3, where.lips)
    density = (0.25 + 1.2 * nose + 0.9 * cheek) * plain * (where.y < -0.05)
    count = 26_000
    pores = gaussian_filter(splat(*scattered(rng, density, count), rng.uniform(0.3, 1.2, count)), 0.7)
    grain = cloud(rng, 0.0007) * plain
    ripple = np.sin(2 * np.pi * (where.x / 0.0016 + 0.8 * cloud(rng, 0.003))) * where.lips
    lines = sum(np.exp(-(((z - level - 0.002 * cloud(rng, 0.02)) / 0.0007) ** 2)) for level in (0.762, 0.771, 0.780))
    lines = lines * smoothstep(0.045, 0.025, side) * np.clip(2.2 * (face.age - 0.6), 0, 1)
    rough = rng.uniform(0.6, 1.0) if face.woman else rng.uniform(0.9, 1.4)
    height = -0.9 * pores * rough + 0.15 * rough * grain + 0.30 * ripple - 0.8 * lines * rng.uniform(0.3, 1.0)
    fold = _near_line(side, z, (0.0195, 0.690), (0.0345, 0.662))
    crease = (0.6 * np.exp(-((fold / 0.0024) ** 2)) + 0.5 * np.exp(-((fold / 0.0065) ** 2))) * rng.uniform(
        0.07, 0.15 + 0.30 * max(0.0, face.age - 0.6)
    )
    dark = crease + 0.30 * pores + 0.06 * (1 + ripple) * where.lips + 0.10 * lines
    chin = np.exp(-((side / 0.014) ** 2) - ((z - 0.6475) / 0.0028) ** 2)
    wing = np.exp(-((_near_line(side, z, (0.0165, 0.697), (0.0185, 0.685)) / 0.0018) ** 2))
    return height, (dark + 0.10 * chin + 0.14 * wing).astype(np.float32)


def _near_line(x: np.ndarray, z: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """Distance in metres from a straight line between two places."""
    along = np.array(end) - np.array(start)
    t = np.clip(((x - start[0]) * along[0] + (z - start[1]) * along[1]) / (along @ along), 0, 1)
    return np.hypot(x - start[0] - t * along[0], z - start[1] - t * along[1])


def _slopes(height: np.ndarray, light: np.ndarray) -> np.ndarray:
    """What relief does to light ``(3,)`` that comes from the side, at least 0.5."""
    down, right = np.gradient(height)
    return np.clip(1 - 0.55 * (right * light[0] - down * max(0.35, light[2])), 0.5, 1.4).astype(np.float32)


@dataclass(frozen=True)
class Brow:
    """An arc from above the inner corner of the eye to beyond the outer one, lengths in metres."""

    height: float
    arch: float
    peak: float
    slope: float
    half: float
    taper: float
    count: int
    length: float
    density: float

    @staticmethod
    def draw(rng: np.random.Generator, woman: bool) -> Brow:
        return Brow(
            height=0.7452 + rng.normal(0, 0.0010),
            arch=rng.uniform(0.0020, 0.0056) if woman else rng.uniform(0.0004, 0.0038),
            peak=rng.uniform(0.52, 0.74),
            slope=rng.normal(0.0, 0.0012),
            half=rng.uniform(0.0013, 0.0025) if woman else rng.uniform(0.0024, 0.0046),
            taper=rng.uniform(0.55, 0.85),
            count=int(rng.integers(150, 380) * (0.75 if woman else 1.15)),
            length=rng.uniform(0.0045, 0.0070),
            density=rng.uniform(0.35, 0.75) if woman else rng.uniform(0.40, 0.95),
        )

    def middle(self, along: np.ndarray) -> np.ndarray:
        rise = np.where(
            along < self.peak,
            1 - ((along - self.peak) / self.peak) ** 2,
            1 - 1.4 * ((along - self.peak) / (1.1 - self.peak)) ** 2,
        )
        return self.height + self.arch * rise + self.slope * (along - 0.5)

    def width(self, along: np.ndarray) -> np.ndarray:
        return self.half * np.clip(1.1 - self.taper * np.clip(along, 0, 1) ** 1.6, 0.18, 1.1)

    def fill(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """How much of the brow lies at places, in [0, 1]."""
        along = (np.abs(x) - 0.0125) / 0.040
        distance = np.abs(z - self.middle(along)) / self.width(along)
        return smoothstep(1.45, 0.5, distance) * smoothstep(-0.07, 0.08, along) * smoothstep(1.08, 0.9, along)

    def hairs(self, rng: np.random.Generator) -> np.ndarray:
        """How much of hairs and the shade beneath them covers each texel."""
        where = atlas()
        cover = 0.36 * self.density * self.fill(where.x, where.z) * (where.y < -0.09)
        for side in (-1, 1):
            along = rng.beta(1.05, 1.25, self.count)
            over = rng.uniform(-1, 1, self.count)
            x = 0.0125 + 0.040 * along
            z = self.middle(along) + 0.8 * over * self.width(along) - 0.0006
            lean = np.radians(82 - 75 * smoothstep(0.0, 0.4, along) - 28 * smoothstep(0.5, 1.0, along))
            lean = lean - 0.45 * over + rng.normal(0, 0.14, self.count)
            heading = lean if side > 0 else np.pi - lean
            length = self.length * (0.75 + 0.5 * smoothstep(0.0, 0.3, along) - 0.5 * smoothstep(0.6, 1.0, along))
            length = length * rng.uniform(0.7, 1.2, self.count)
            bend = -side * rng.uniform(0.1, 0.6, self.count)
            hair = strokes(rng, np.stack([side * x, z], 1), heading, length, bend, 1.5)
            cover = cover + (1 - cover) * hair * 0.95
        return cover


def _beard(rng: np.random.Generator, where: Atlas, face: Face) -> list[tuple[np.ndarray, np.ndarray]]:
    """Covers ``(HEIGHT, WIDTH)`` and colours of a man's shade, stubble or beard, one over the other."""
    from scipy.ndimage import gaussian_filter

    kind = rng.choice(["shaved", "stubble", "beard", "goatee", "moustache"], p=face.beards)
    if face.woman:
        return []
    side, y, z = np.abs(where.x), where.y, where.z
    wave = 0.0015 * cloud(rng, 0.006)
    lip = 1 - smoothstep(0.05, 0.5, where.lips)
    lap = smoothstep(0.0285, 0.023, side + wave) * smoothstep(0.6655, 0.668, z) * smoothstep(0.6845, 0.679, z + wave)
    chin = smoothstep(0.024, 0.017, side + wave) * smoothstep(0.655, 0.650, z)
    chin = np.maximum(chin, smoothstep(0.0035, 0.0015, np.abs(side - 0.0295 + 0.15 * (z - 0.66)) - 0.003) * (z < 0.670))
    cheek_line = 0.672 + 0.55 * np.clip(side - 0.035, 0, None) + wave
    jaw = smoothstep(0.004, -0.003, z - cheek_line) * smoothstep(0.031, 0.037, side + 0.3 * np.maximum(z - 0.655, 0))
    jaw = np.maximum(jaw, smoothstep(0.652, 0.646, z + wave)) * smoothstep(0.602, 0.618, z)
    jaw = np.maximum(jaw, smoothstep(0.058, 0.066, side) * smoothstep(0.715, 0.70, z) * (y > -0.125) * (z > 0.62))
    jaw = jaw * smoothstep(-0.055, -0.075, y) * np.maximum(smoothstep(-0.085, -0.115, y), smoothstep(0.635, 0.65, z))
    chin = chin * smoothstep(-0.105, -0.125, y)
    area = {"goatee": np.maximum(lap, chin), "moustache": lap}.get(str(kind), np.maximum(np.maximum(lap, chin), jaw))
    # Beards thin out towards their borders, and no border is a line.
    ragged = 0.10 * cloud(rng, 0.0025) + 0.06 * cloud(rng, 0.008)
    area = smoothstep(0.18, 0.92, gaussian_filter(area, 8) + ragged * (area > 0)) * lip
    amount = {"shaved": rng.uniform(0, 0.16), "stubble": rng.uniform(0.2, 0.4)}.get(str(kind), rng.uniform(0.30, 0.50))
    colour = np.minimum(face.pigment, 0.4 * face.skin)
    covers = [(area**1.5 * amount * (0.8 if kind == "shaved" else 0.5), 0.6 * colour + 0.10 * face.skin)]
    count = {"shaved": 4_000, "stubble": 9_000}.get(str(kind), int(90_000 * area.mean()))
    column, row = scattered(rng, area, count)
    x, at = places(column, row)
    short = kind in ("shaved", "stubble")
    length = rng.uniform(0.0006, 0.0014, len(x)) if short else rng.uniform(0.002, 0.005, len(x))
    heading = -np.pi / 2 + np.sign(x) * rng.normal(0.25 if at.mean() > 0.66 else 0.1, 0.25, len(x))
    hairs = strokes(rng, np.stack([x, at], 1), heading, length, rng.normal(0, 0.3, len(x)), 1.2 if short else 1.3)
    covers.append((hairs * (0.5 if kind == "shaved" else 0.85), colour))
    return covers
