"""Skin, lips, brows, beard and eyes of an actor's second look: colours of vertices and a texture that refines them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.datasets import _atlas, _people
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._atlas import Atlas
from i2vlib.datasets._drawing import Canvas, linear, smoothstep
from i2vlib.datasets._hair import Cut, grown

#: The ten tones of the Monk Skin Tone scale, in sRGB: the anchors of the second look.
MONK = (
    (246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
    (160, 126, 86), (130, 92, 60), (96, 65, 52), (58, 49, 42), (41, 36, 32),
)  # fmt: skip
#: What each anchor's linear colour is multiplied by to be an albedo, in red, green and blue: the scale shows skin in
#: the light, and its anchors at both ends are nearly grey, which skin in a room is not.
_ALBEDO = (
    (0.63, 0.47, 0.39), (0.62, 0.46, 0.39), (0.61, 0.45, 0.42), (0.65, 0.49, 0.46), (0.74, 0.60, 0.58),
    (0.93, 0.80, 0.75), (1.08, 0.93, 0.90), (1.38, 1.07, 0.90), (2.50, 1.55, 1.12), (3.40, 1.72, 1.15),
)  # fmt: skip

_MELANIN, _BLOOD = np.array([0.6, 1.0, 1.25], np.float32), np.array([0.18, 1.0, 0.85], np.float32)


@dataclass(frozen=True, eq=False)
class Painted:
    """What `paint` gives: as in `_people.Person`, the tone 0 to 9, and the hair's own colour ``(3,)``."""

    tone: int
    albedo: np.ndarray
    gloss: np.ndarray
    sharpness: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    texture: np.ndarray
    colour: np.ndarray


def tone_of(rng: np.random.Generator, phenotype: Mapping[str, float]) -> int:
    """Which of the ten tones: each as likely as another, darker ones where the shape has more of `african`."""
    score = _score(phenotype["african"], phenotype["asian"], rng.normal())
    share = np.searchsorted(_scores(), score) / len(_scores())
    return int(np.clip(share * 10, 0, 9))


def _score(african: np.ndarray, asian: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return african + 0.35 * asian + 0.3 * noise


@lru_cache(maxsize=1)
def _scores() -> np.ndarray:
    """The scores of many people, sorted: by them a score becomes a share."""
    rng = np.random.default_rng(10)
    races = rng.dirichlet([0.6, 0.6, 0.6], 20_000) + 0.02
    return np.sort(_score(races[:, 0], races[:, 1], rng.normal(size=20_000)))


def paint(
    rng: np.random.Generator, canvas: Canvas, phenotype: Mapping[str, float], cut: Cut, light: np.ndarray
) -> Painted:
    """Paints a person; `light` ``(3,)`` points towards the key light, by which pores and creases are shaded."""
    woman, age = phenotype["gender"] > 0.5, phenotype["age"]
    tone = tone_of(rng, phenotype)
    skin = _colour(rng, tone)
    hair, grey = _hair_colour(rng, tone, age)
    lash = (0.2 if woman else 0.35) * np.minimum(hair, 0.15) + (0.003 if woman else 0.12 * skin)
    fields, place, is_skin = canvas.fields, canvas.place, canvas.part == drawing.SKIN
    albedo = _flushed(rng, canvas, skin, tone)
    albedo, shine = _lips(rng, canvas, albedo, skin, woman)
    albedo = _rims(rng, canvas, albedo, skin, lash, woman)
    brow = _Brow.draw(rng, woman)
    fill = brow.fill(place[:, 0], place[:, 2]) * is_skin * (place[:, 1] < -0.09)
    scalp = grown(cut, _atlas.across(place), place[:, 2], 0) * is_skin
    scalp = scalp * smoothstep(0.35, 0.05, fields["ears"])

    oil = _people._uniform(rng, 0.045, 0.085) * (1 + 0.8 * _people._ridge(place))
    wet = smoothstep(1.3, 0.2, fields["lid_rings"]) * (place[:, 2] < 0.728) * is_skin
    gloss = (oil * (1 - 0.7 * fill) + shine) * (1 - scalp) + 0.35 * wet
    eyes, teeth = _eyes(rng, canvas, tone), _people._teeth(rng, place)
    tongue = np.array([0.34, 0.11, 0.10])
    albedo = np.choose(canvas.part[:, None], [albedo, eyes, teeth, tongue, lash, hair])
    moist = 0.008 + 0.05 * smoothstep(26, 36, fields["iris_angle"])
    gloss = np.choose(canvas.part, [gloss, moist, 0.06, 0.10, 0.0, 0.0])
    sharpness = np.choose(canvas.part, [15.0 + 30 * fields["lips"] + 50 * wet, 40.0, 30.0, 30.0, 20.0, 20.0])
    pigment = _people._blend(0.7 * hair[None], np.float32([0.25, 0.25, 0.25]), np.float32([0.5 * grey]))[0]
    texture = _texture(rng, _Face(skin, pigment, tone, age, woman, light), brow, cut, hair)
    as_float = (np.clip(albedo, 0.002, 0.95), gloss, sharpness, scalp, fill)
    albedo, gloss, sharpness, scalp, fill = (np.asarray(value, np.float32) for value in as_float)
    return Painted(tone, albedo, gloss, sharpness, scalp, fill, texture, hair)


def _colour(rng: np.random.Generator, tone: int) -> np.ndarray:
    skin = np.array(_ALBEDO[tone]) * linear(MONK[tone])
    # Undertones run from rosy to olive, with less green and blue or with less red.
    under = rng.normal() * np.array([-0.02, 0.025, -0.05]) + rng.normal() * np.array([0.0, 0.01, -0.04])
    return (skin * np.exp(under + rng.normal(0, 0.06))).astype(np.float32)


def _hair_colour(rng: np.random.Generator, tone: int, age: float) -> tuple[np.ndarray, float]:
    style = int(rng.choice(len(_people._HAIRS), p=_people._hair_chances(1.3 * tone, age)))
    hair = linear(_people._HAIRS[style]) * float(np.exp(rng.normal(0, 0.18)))
    return hair.astype(np.float32), float(style == len(_people._HAIRS) - 1)


def _flushed(rng: np.random.Generator, canvas: Canvas, skin: np.ndarray, tone: int) -> np.ndarray:
    """Skin ``(M, 3)`` with blush on cheeks, nose, chin and ears, paler around the eyes and mouth."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    blob = lambda cx, cz, rx, rz: np.exp(-(((side - cx) / rx) ** 2) - ((z - cz) / rz) ** 2)  # noqa: E731
    cheeks, tip = blob(0.043, 0.692, 0.021, 0.019), blob(0, 0.691, 0.014, 0.011)
    flush = 0.75 * cheeks + 1.1 * tip + 0.35 * blob(0, 0.635, 0.020, 0.013)
    flush = (flush + 1.3 * canvas.fields["ears"]) * rng.uniform(0.08, 0.26) * (1.1 - 0.03 * tone)
    depth = 0.06 * _people._noise(rng, canvas.place, 0.02)
    return (skin * np.exp(-flush[:, None] * _BLOOD - depth[:, None] * _MELANIN)).astype(np.float32)


def _lips(
    rng: np.random.Generator, canvas: Canvas, albedo: np.ndarray, skin: np.ndarray, woman: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo with lips, mouth, sockets and nostrils ``(M, 3)``, and the lips' highlight ``(M,)``."""
    x, y, z = canvas.place.T
    field, is_skin = canvas.fields, canvas.part == drawing.SKIN
    rosy = np.clip(skin.mean() / 0.30, 0.2, 1)
    red = rng.uniform(0.50, 0.72) - (0.06 if woman else 0.0)
    lip = skin * np.array([0.86, red, red * rng.uniform(0.96, 1.12)]) + rosy * np.array([0.03, 0.0, 0.005])
    shine = rng.uniform(0.04, 0.10) + (0.03 if woman else 0.0)
    if woman and rng.random() < 0.6:
        stick = linear(_people._LIPSTICKS[int(rng.integers(len(_people._LIPSTICKS)))])
        lip, shine = lip + (stick * (0.30 + 0.60 * rosy) - lip) * rng.uniform(0.35, 0.8), shine + rng.uniform(0, 0.12)
    full = rng.uniform(-0.6, 0.5) + (0.5 if woman else -0.2)
    rings = field["mouth_rings"] - full
    edge = smoothstep(drawing.LIP_RINGS + 1.4, drawing.LIP_RINGS - 2.2, rings) * is_skin
    albedo = _people._blend(albedo, lip, edge * (rng.uniform(0.75, 0.95) if woman else rng.uniform(0.55, 0.85)))
    albedo = albedo * (1 - 0.45 * smoothstep(2.2, 0.6, field["mouth_rings"]) * is_skin)[:, None]
    inside = np.array([0.15, 0.030, 0.028]) * (1 - 0.85 * smoothstep(-0.142, -0.118, y))[:, None]
    albedo = _people._blend(albedo, inside, field["cavity"] * is_skin)
    albedo = _people._blend(albedo, np.array([0.35, 0.13, 0.11]), field["socket"] * is_skin * 0.8)
    nostril = smoothstep(-0.139, -0.134, y) * smoothstep(0.0185, 0.013, np.abs(x))
    nostril = nostril * smoothstep(0.679, 0.682, z) * smoothstep(0.692, 0.688, z)
    return albedo * (1 - 0.55 * nostril * is_skin)[:, None], edge * shine


def _rims(
    rng: np.random.Generator, canvas: Canvas, albedo: np.ndarray, skin: np.ndarray, lash: np.ndarray, woman: bool
) -> np.ndarray:
    """The lids' rims: dark above where lashes grow, pink and wet below; sometimes eye shadow."""
    x, _, z = canvas.place.T
    free = (1 - canvas.fields["socket"]) * (canvas.part == drawing.SKIN)
    rim = smoothstep(1.5, 0.2, canvas.fields["lid_rings"]) * free
    above = smoothstep(0.7255, 0.7285, z)
    albedo = _people._blend(albedo, skin * np.array([1.0, 0.68, 0.64]), 0.7 * rim * (1 - above))
    rim = smoothstep(2.5, 0.3, canvas.fields["lid_rings"]) * free
    albedo = _people._blend(albedo, lash, rim * above * (rng.uniform(0.85, 0.98) if woman else rng.uniform(0.45, 0.7)))
    if woman and rng.random() < 0.6:
        shade = skin * linear(_people._SHADOWS[int(rng.integers(len(_people._SHADOWS)))]) * 2
        area = np.exp(-(((np.abs(x) - 0.031) / 0.017) ** 2) - ((z - 0.738) / 0.005) ** 2)
        albedo = _people._blend(albedo, shade, area * rng.uniform(0.15, 0.5) * free)
    return albedo


def _eyes(rng: np.random.Generator, canvas: Canvas, tone: int) -> np.ndarray:
    """Colours ``(M, 3)`` of eyes: pupil, a lighter collar, fibres, a dark limbal ring, and the veined white."""
    angle, around = canvas.fields["iris_angle"], canvas.fields["iris_around"]
    light = np.clip((5 - tone) / 5, 0.02, 1)
    chances = np.array([1.2, 1.2, 0.6 * light, 0.5 * light, 0.8 * light, 0.4 * light, 0.4 * light])
    colour = linear(_people._IRISES[int(rng.choice(len(_people._IRISES), p=chances / chances.sum()))])
    colour = colour * float(np.exp(rng.normal(0.0, 0.2))) * (1 - 0.055 * tone)
    edge, pupil = rng.uniform(25.0, 27.5), rng.uniform(8.5, 11.5)
    depth = np.clip((angle - pupil) / (edge - pupil), 0, 1)
    fibres = sum(np.sin(k * around + rng.uniform(0, 6.3) + rng.uniform(-2, 2) * depth) for k in (11, 17, 26, 38, 53))
    collar = np.exp(-(((depth - rng.uniform(0.2, 0.35)) / 0.18) ** 2))
    warm = 1 + collar[:, None] * np.array([0.6, 0.4, 0.15]) * rng.uniform(0.1, 0.8)
    iris = colour * warm * (1 + 0.20 * fibres + 0.35 * (1 - depth))[:, None]
    # Light that enters at one side of the cornea brightens the iris at the other.
    iris = iris * (1 - 0.3 * np.sin(around))[:, None]
    iris = iris * (1 - 0.9 * smoothstep(edge - 5.5, edge - 1.0, angle))[:, None]
    iris = _people._blend(iris, np.full(3, 0.003), smoothstep(pupil + 1.5, pupil - 1.5, angle))
    white = linear(np.array([208, 200, 191]) - tone * np.array([3.2, 4.0, 4.6])) * np.ones((len(angle), 1))
    veins = np.clip(sum(np.sin(k * around + rng.uniform(0, 6.3)) for k in (5, 9, 13)) / 2, 0, 1)
    flesh = linear((186, 128, 112)) * (1 - 0.05 * tone)
    white = _people._blend(white, flesh, smoothstep(36, 64, angle) * (0.50 + 0.3 * veins))
    white = white * (1 - 0.45 * smoothstep(40, 62, angle))[:, None]
    return _people._blend(iris, white, smoothstep(edge - 1.0, edge + 3.0, angle))


@dataclass(frozen=True)
class _Face:
    skin: np.ndarray
    pigment: np.ndarray
    tone: int
    age: float
    woman: bool
    light: np.ndarray


def _texture(rng: np.random.Generator, face: _Face, brow: _Brow, cut: Cut, hair: np.ndarray) -> np.ndarray:
    """``uint8 (HEIGHT, WIDTH, 3)``, by which the vertices' colours are multiplied."""
    where = _atlas.atlas()
    side = np.abs(where.x)
    melanin, blood = _mottled(rng, where, face)
    height, dark = _relief(rng, where, side, face)
    slope = _slopes(height, face.light)
    tint = [np.exp(-melanin * m - blood * b - dark) * slope for m, b in zip(_MELANIN, _BLOOD, strict=True)]
    scalp = grown(
        cut, _atlas.across(np.stack([where.x, where.y, where.z], -1)), where.z, 0.002 * _atlas.cloud(rng, 0.004)
    )
    layers = [
        (_cropped(rng, where, cut, scalp), 0.75 * hair),
        (brow.hairs(rng), np.minimum(face.pigment * rng.uniform(0.6, 1.5), rng.uniform(0.22, 0.42) * face.skin)),
        *_beard(rng, where, face),
    ]
    for cover, colour in layers:
        ratio = np.clip(colour / face.skin, 0.02, 1.3)
        tint = [t + (r - t) * cover for t, r in zip(tint, ratio, strict=True)]
    picture = np.stack(tint, -1).clip(0, 1.4) ** np.float32(1 / 2.2) * np.float32(255 * _atlas.PLAIN)
    picture = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    picture[:4, -4:] = 255
    return picture


def _cropped(rng: np.random.Generator, where: Atlas, cut: Cut, scalp: np.ndarray) -> np.ndarray:
    """How much of each texel is under the shortest hair: closed above, single hairs towards the edge and the ears."""
    low = smoothstep(0.778, 0.760, where.z)
    edge = np.clip(4 * scalp * (1 - scalp), 0, 1)
    column, row = _atlas.scattered(rng, scalp * (low + 0.8 * edge), 5_000)
    x, z = _atlas.places(column, row)
    heading = np.where(z > 0.775, np.pi / 2, -np.pi / 2) - 0.3 * np.sign(x) + rng.normal(0, 0.2, len(x))
    hairs = _atlas.strokes(
        rng, np.stack([x, z], 1), heading, rng.uniform(0.002, 0.006, len(x)), rng.normal(0, 0.3, len(x)), 1.2
    )
    fill = scalp * (0.94 - 0.42 * low - 0.25 * edge)
    return fill + (1 - fill) * 0.9 * hairs


def _mottled(rng: np.random.Generator, where: Atlas, face: _Face) -> tuple[np.ndarray, np.ndarray]:
    """How much more pigment and blood than elsewhere a texel has: clouds, freckles, moles, shade under the eyes."""
    from scipy.ndimage import gaussian_filter

    side, z = np.abs(where.x), where.z
    melanin = 0.025 * _atlas.cloud(rng, 0.010) + 0.025 * _atlas.cloud(rng, 0.003) + 0.03 * _atlas.cloud(rng, 0.0009)
    blood = 0.03 * _atlas.cloud(rng, 0.008) + 0.025 * _atlas.cloud(rng, 0.0022)
    under = np.exp(-(((side - 0.030) / 0.013) ** 2) - ((z - 0.7155 + 20 * (side - 0.030) ** 2) / 0.0045) ** 2)
    melanin = melanin + under * rng.uniform(0.05, 0.22)
    blood = blood + under * rng.uniform(0.0, 0.2)
    mask = smoothstep(0.655, 0.68, z) * smoothstep(0.765, 0.735, z) * smoothstep(0.066, 0.045, side)
    if face.tone < 5 and rng.random() < 0.3:
        for radius, count in ((0.9, 500), (1.6, 160)):
            at = _atlas.scattered(rng, mask * np.clip(0.6 + 0.6 * _atlas.cloud(rng, 0.008), 0, None), count)
            spots = gaussian_filter(_atlas.splat(*at, rng.uniform(0.3, 1, count)), radius)
            melanin = melanin + np.minimum(spots * radius**2 * 6.3, 1.2) * rng.uniform(0.25, 0.6)
    moles = int(rng.integers(0, 7))
    at = _atlas.scattered(rng, ((where.y < -0.09) & (where.lips < 0.1)).astype(np.float32), moles)
    spots = gaussian_filter(_atlas.splat(*at, np.ones(moles)), 1.5) * 14
    return melanin + np.minimum(spots, 1.0), blood


def _relief(rng: np.random.Generator, where: Atlas, side: np.ndarray, face: _Face) -> tuple[np.ndarray, np.ndarray]:
    """Height of pores, creases of the lips and fine lines, in no unit, and the shade in folds."""
    from scipy.ndimage import gaussian_filter

    z = where.z
    nose = np.exp(-((side / 0.018) ** 2) - ((z - 0.695) / 0.02) ** 2)
    cheek = np.exp(-(((side - 0.035) / 0.022) ** 2) - ((z - 0.690) / 0.025) ** 2)
    plain = 1 - smoothstep(0.0, 0.3, where.lips)
    density = (0.25 + 1.2 * nose + 0.9 * cheek) * plain * (where.y < -0.05)
    count = 26_000
    pores = gaussian_filter(_atlas.splat(*_atlas.scattered(rng, density, count), rng.uniform(0.3, 1.2, count)), 0.7)
    grain = _atlas.cloud(rng, 0.0007) * plain
    ripple = np.sin(2 * np.pi * (where.x / 0.0016 + 0.8 * _atlas.cloud(rng, 0.003))) * where.lips
    lines = sum(
        np.exp(-(((z - level - 0.002 * _atlas.cloud(rng, 0.02)) / 0.0007) ** 2)) for level in (0.762, 0.771, 0.780)
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
class _Brow:
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
    def draw(rng: np.random.Generator, woman: bool) -> _Brow:
        return _Brow(
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
        where = _atlas.atlas()
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
            hair = _atlas.strokes(rng, np.stack([side * x, z], 1), heading, length, bend, 1.5)
            cover = cover + (1 - cover) * hair * 0.95
        return cover


def _beard(rng: np.random.Generator, where: Atlas, face: _Face) -> list[tuple[np.ndarray, np.ndarray]]:
    """Covers ``(HEIGHT, WIDTH)`` and colours of a man's shade, stubble or beard, one over the other."""
    from scipy.ndimage import gaussian_filter

    kind = rng.choice(["shaved", "stubble", "beard", "goatee", "moustache"], p=[0.44, 0.30, 0.16, 0.05, 0.05])
    if face.woman:
        return []
    side, y, z = np.abs(where.x), where.y, where.z
    wave = 0.0015 * _atlas.cloud(rng, 0.006)
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
    ragged = 0.10 * _atlas.cloud(rng, 0.0025) + 0.06 * _atlas.cloud(rng, 0.008)
    area = smoothstep(0.18, 0.92, gaussian_filter(area, 8) + ragged * (area > 0)) * lip
    amount = {"shaved": rng.uniform(0, 0.16), "stubble": rng.uniform(0.2, 0.4)}.get(str(kind), rng.uniform(0.30, 0.50))
    colour = np.minimum(face.pigment, 0.4 * face.skin)
    covers = [(area**1.5 * amount * (0.8 if kind == "shaved" else 0.5), 0.6 * colour + 0.10 * face.skin)]
    count = {"shaved": 4_000, "stubble": 9_000}.get(str(kind), int(90_000 * area.mean()))
    column, row = _atlas.scattered(rng, area, count)
    x, at = _atlas.places(column, row)
    short = kind in ("shaved", "stubble")
    length = rng.uniform(0.0006, 0.0014, len(x)) if short else rng.uniform(0.002, 0.005, len(x))
    heading = -np.pi / 2 + np.sign(x) * rng.normal(0.25 if at.mean() > 0.66 else 0.1, 0.25, len(x))
    hairs = _atlas.strokes(
        rng, np.stack([x, at], 1), heading, length, rng.normal(0, 0.3, len(x)), 1.2 if short else 1.3
    )
    covers.append((hairs * (0.5 if kind == "shaved" else 0.85), colour))
    return covers
