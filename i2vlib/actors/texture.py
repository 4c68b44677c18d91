"""The texture of an actor's skin: pores, creases, freckles and moles, cropped hair, brows and beards.

It lies on the flat map of `_atlas` and is what the colours of the vertices are multiplied by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from i2vlib.actors import atlas
from i2vlib.actors.atlas import Atlas
from i2vlib.actors.hair import Cut, grown
from i2vlib.actors.mesh import smoothstep

#: Which light melanin and blood take away, in red, green and blue.
MELANIN, BLOOD = np.array([0.6, 1.0, 1.25], np.float32), np.array([0.18, 1.0, 0.85], np.float32)


@dataclass(frozen=True)
class Face:
    """What of a face decides how its skin is painted."""

    skin: np.ndarray
    pigment: np.ndarray
    tone: int
    age: float
    woman: bool
    light: np.ndarray


def texture(rng: np.random.Generator, face: Face, brow: Brow, cut: Cut, hair: np.ndarray) -> np.ndarray:
    """``uint8 (HEIGHT, WIDTH, 3)``, by which the vertices' colours are multiplied."""
    where = atlas.atlas()
    side = np.abs(where.x)
    melanin, blood = _mottled(rng, where, face)
    height, dark = _relief(rng, where, side, face)
    slope = _slopes(height, face.light)
    tint = [np.exp(-melanin * m - blood * b - dark) * slope for m, b in zip(MELANIN, BLOOD, strict=True)]
    scalp = grown(
        cut, atlas.across(np.stack([where.x, where.y, where.z], -1)), where.z, 0.002 * atlas.cloud(rng, 0.004)
    )
    layers = [
        (_cropped(rng, where, cut, scalp), 0.75 * hair),
        (brow.hairs(rng), np.minimum(face.pigment * rng.uniform(0.6, 1.5), rng.uniform(0.22, 0.42) * face.skin)),
        *_beard(rng, where, face),
    ]
    for cover, colour in layers:
        ratio = np.clip(colour / face.skin, 0.02, 1.3)
        tint = [t + (r - t) * cover for t, r in zip(tint, ratio, strict=True)]
    picture = np.stack(tint, -1).clip(0, 1.4) ** np.float32(1 / 2.2) * np.float32(255 * atlas.PLAIN)
    picture = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    picture[:4, -4:] = 255
    return picture


def _cropped(rng: np.random.Generator, where: Atlas, cut: Cut, scalp: np.ndarray) -> np.ndarray:
    """How much of each texel is under the shortest hair: closed above, single hairs towards the edge and the ears."""
    low = smoothstep(0.778, 0.760, where.z)
    edge = np.clip(4 * scalp * (1 - scalp), 0, 1)
    column, row = atlas.scattered(rng, scalp * (low + 0.8 * edge), 5_000)
    x, z = atlas.places(column, row)
    heading = np.where(z > 0.775, np.pi / 2, -np.pi / 2) - 0.3 * np.sign(x) + rng.normal(0, 0.2, len(x))
    hairs = atlas.strokes(
        rng, np.stack([x, z], 1), heading, rng.uniform(0.002, 0.006, len(x)), rng.normal(0, 0.3, len(x)), 1.2
    )
    fill = scalp * (0.94 - 0.42 * low - 0.25 * edge)
    return fill + (1 - fill) * 0.9 * hairs


def _mottled(rng: np.random.Generator, where: Atlas, face: Face) -> tuple[np.ndarray, np.ndarray]:
    """How much more pigment and blood than elsewhere a texel has: clouds, freckles, moles, shade under the eyes."""
    from scipy.ndimage import gaussian_filter

    side, z = np.abs(where.x), where.z
    melanin = 0.025 * atlas.cloud(rng, 0.010) + 0.025 * atlas.cloud(rng, 0.003) + 0.03 * atlas.cloud(rng, 0.0009)
    blood = 0.03 * atlas.cloud(rng, 0.008) + 0.025 * atlas.cloud(rng, 0.0022)
    under = np.exp(-(((side - 0.030) / 0.013) ** 2) - ((z - 0.7155 + 20 * (side - 0.030) ** 2) / 0.0045) ** 2)
    melanin = melanin + under * rng.uniform(0.05, 0.22)
    blood = blood + under * rng.uniform(0.0, 0.2)
    mask = smoothstep(0.655, 0.68, z) * smoothstep(0.765, 0.735, z) * smoothstep(0.066, 0.045, side)
    if face.tone < 5 and rng.random() < 0.3:
        for radius, count in ((0.9, 500), (1.6, 160)):
            at = atlas.scattered(rng, mask * np.clip(0.6 + 0.6 * atlas.cloud(rng, 0.008), 0, None), count)
            spots = gaussian_filter(atlas.splat(*at, rng.uniform(0.3, 1, count)), radius)
            melanin = melanin + np.minimum(spots * radius**2 * 6.3, 1.2) * rng.uniform(0.25, 0.6)
    moles = int(rng.integers(0, 7))
    at = atlas.scattered(rng, ((where.y < -0.09) & (where.lips < 0.1)).astype(np.float32), moles)
    spots = gaussian_filter(atlas.splat(*at, np.ones(moles)), 1.5) * 14
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
    pores = gaussian_filter(atlas.splat(*atlas.scattered(rng, density, count), rng.uniform(0.3, 1.2, count)), 0.7)
    grain = atlas.cloud(rng, 0.0007) * plain
    ripple = np.sin(2 * np.pi * (where.x / 0.0016 + 0.8 * atlas.cloud(rng, 0.003))) * where.lips
    lines = sum(
        np.exp(-(((z - level - 0.002 * atlas.cloud(rng, 0.02)) / 0.0007) ** 2)) for level in (0.762, 0.771, 0.780)
    )
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
        where = atlas.atlas()
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
            hair = atlas.strokes(rng, np.stack([side * x, z], 1), heading, length, bend, 1.5)
            cover = cover + (1 - cover) * hair * 0.95
        return cover


def _beard(rng: np.random.Generator, where: Atlas, face: Face) -> list[tuple[np.ndarray, np.ndarray]]:
    """Covers ``(HEIGHT, WIDTH)`` and colours of a man's shade, stubble or beard, one over the other."""
    from scipy.ndimage import gaussian_filter

    kind = rng.choice(["shaved", "stubble", "beard", "goatee", "moustache"], p=[0.44, 0.30, 0.16, 0.05, 0.05])
    if face.woman:
        return []
    side, y, z = np.abs(where.x), where.y, where.z
    wave = 0.0015 * atlas.cloud(rng, 0.006)
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
    ragged = 0.10 * atlas.cloud(rng, 0.0025) + 0.06 * atlas.cloud(rng, 0.008)
    area = smoothstep(0.18, 0.92, gaussian_filter(area, 8) + ragged * (area > 0)) * lip
    amount = {"shaved": rng.uniform(0, 0.16), "stubble": rng.uniform(0.2, 0.4)}.get(str(kind), rng.uniform(0.30, 0.50))
    colour = np.minimum(face.pigment, 0.4 * face.skin)
    covers = [(area**1.5 * amount * (0.8 if kind == "shaved" else 0.5), 0.6 * colour + 0.10 * face.skin)]
    count = {"shaved": 4_000, "stubble": 9_000}.get(str(kind), int(90_000 * area.mean()))
    column, row = atlas.scattered(rng, area, count)
    x, at = atlas.places(column, row)
    short = kind in ("shaved", "stubble")
    length = rng.uniform(0.0006, 0.0014, len(x)) if short else rng.uniform(0.002, 0.005, len(x))
    heading = -np.pi / 2 + np.sign(x) * rng.normal(0.25 if at.mean() > 0.66 else 0.1, 0.25, len(x))
    hairs = atlas.strokes(rng, np.stack([x, at], 1), heading, length, rng.normal(0, 0.3, len(x)), 1.2 if short else 1.3)
    covers.append((hairs * (0.5 if kind == "shaved" else 0.85), colour))
    return covers
