"""What is painted on an actor's vertices: the colours of skin, lips, lids, eyes and teeth, and creases.

Places are those on the template head (x to the subject's left, y backwards, z up, in metres), where a place means the
same on everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.cast import WIDE, Cast
from i2vlib.actors.hair import Cut, grown
from i2vlib.actors.mesh import Canvas, across, linear, smoothstep
from i2vlib.actors.texture import BLOOD, MELANIN, Brow, Face, draw_texture
from i2vlib.expressions import BLENDSHAPES

#: The ten tones of the Monk Skin Tone scale, in sRGB.
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
_SHADOWS = ((150, 110, 120), (140, 120, 110), (120, 100, 140))
_HAIRS = (
    (26, 20, 18),
    (44, 30, 22),
    (78, 50, 30),
    (120, 78, 44),
    (172, 130, 76),
    (140, 62, 30),
    (140, 138, 136),
)
#: How much of the light a crease of a full move takes.
CREASE = 0.42


@dataclass(frozen=True, eq=False)
class Painted:
    """What `paint` gives: as in `Person`, the tone 0 to 9, and the hair's own colour ``(3,)``."""

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
    rng: np.random.Generator,
    canvas: Canvas,
    phenotype: Mapping[str, float],
    cut: Cut,
    light: np.ndarray,
    cast: Cast = WIDE,
) -> Painted:
    """Paints a person; `light` ``(3,)`` points towards the key light, by which pores and creases are shaded."""
    woman, age = phenotype["gender"] > 0.5, phenotype["age"]
    tone = tone_of(rng, phenotype)
    skin = skin_colour(rng, tone, cast)
    hair, grey = hair_colour(rng, tone, age)
    lash = (0.2 if woman else 0.35) * np.minimum(hair, 0.15) + (0.003 if woman else 0.12 * skin)
    fields, place, is_skin = canvas.fields, canvas.place, canvas.part == mesh.SKIN
    albedo = _flushed(rng, canvas, skin, tone, cast.flush)
    albedo, shine = _lips(rng, canvas, albedo, skin, woman, cast)
    albedo = _rims(rng, canvas, albedo, skin, lash, woman, cast.made_up[1])
    brow = Brow.draw(rng, woman)
    fill = brow.fill(place[:, 0], place[:, 2]) * is_skin * (place[:, 1] < -0.09)
    scalp = grown(cut, across(place), place[:, 2], 0) * is_skin
    scalp = scalp * smoothstep(0.35, 0.05, fields["ears"])

    oil = rng.uniform(0.045, 0.085) * (1 + 0.8 * _ridge(place))
    wet = smoothstep(1.3, 0.2, fields["lid_rings"]) * (place[:, 2] < 0.728) * is_skin
    gloss = (oil * (1 - 0.7 * fill) + shine) * (1 - scalp) + 0.35 * wet
    eyes, teeth = _eyes(rng, canvas, tone, cast), _teeth(rng, place)
    tongue = np.array([0.34, 0.11, 0.10])
    if cast.teeth:
        teeth, tongue = own_teeth(rng, place), own_tongue(rng, place)
    albedo = np.choose(canvas.part[:, None], [albedo, eyes, teeth, tongue, lash])
    moist = 0.008 + 0.05 * smoothstep(26, 36, fields["iris_angle"])
    gloss = np.choose(canvas.part, [gloss, moist, 0.06, 0.10, 0.0])
    sharpness = np.choose(canvas.part, [15.0 + 30 * fields["lips"] + 50 * wet, 40.0, 30.0, 30.0, 20.0])
    pigment = _blend(0.7 * hair[None], np.float32([0.25, 0.25, 0.25]), np.float32([0.5 * grey]))[0]
    painted = draw_texture(rng, Face(skin, pigment, tone, age, woman, light, cast.beards), brow, cut, hair)
    as_float = (np.clip(albedo, 0.002, 0.95), gloss, sharpness, scalp, fill)
    albedo, gloss, sharpness, scalp, fill = (np.asarray(value, np.float32) for value in as_float)
    return Painted(tone, albedo, gloss, sharpness, scalp, fill, painted, hair)


def skin_colour(rng: np.random.Generator, tone: int, cast: Cast = WIDE) -> np.ndarray:
    """A skin's linear colour ``(3,)`` of a tone from 0 to 9, a little lighter or redder by person."""
    skin = np.array(_ALBEDO[tone]) * linear(MONK[tone])
    # Undertones run from rosy to olive, with less green and blue or with less red.
    under = rng.normal() * np.array([-0.02, 0.025, -0.05]) + rng.normal() * np.array([0.0, 0.01, -0.04])
    if cast is not WIDE:
        grey = skin @ np.array([0.2126, 0.7152, 0.0722])
        skin, under = grey + cast.saturation * (skin - grey), cast.undertone * under
    return (skin * np.exp(under + rng.normal(0, 0.06))).astype(np.float32)


def hair_colour(rng: np.random.Generator, tone: int, age: float) -> tuple[np.ndarray, float]:
    """Draws a colour of hair, linear ``(3,)``, likely for a skin's tone and an age, and whether it is grey."""
    style = int(rng.choice(len(_HAIRS), p=_hair_chances(1.3 * tone, age)))
    hair = linear(_HAIRS[style]) * float(np.exp(rng.normal(0, 0.18)))
    return hair.astype(np.float32), float(style == len(_HAIRS) - 1)


def _flushed(rng: np.random.Generator, canvas: Canvas, skin: np.ndarray, tone: int, amount: float) -> np.ndarray:
    """Skin ``(M, 3)`` with blush on cheeks, nose, chin and ears, paler around the eyes and mouth."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    blob = lambda cx, cz, rx, rz: np.exp(-(((side - cx) / rx) ** 2) - ((z - cz) / rz) ** 2)  # noqa: E731
    cheeks, tip = blob(0.043, 0.692, 0.021, 0.019), blob(0, 0.691, 0.014, 0.011)
    flush = 0.75 * cheeks + 1.1 * tip + 0.35 * blob(0, 0.635, 0.020, 0.013)
    flush = (flush + 1.3 * canvas.fields["ears"]) * rng.uniform(0.08, 0.26) * (1.1 - 0.03 * tone) * amount
    depth = 0.06 * _noise(rng, canvas.place, 0.02)
    return (skin * np.exp(-flush[:, None] * BLOOD - depth[:, None] * MELANIN)).astype(np.float32)


def _lips(
    rng: np.random.Generator, canvas: Canvas, albedo: np.ndarray, skin: np.ndarray, woman: bool, cast: Cast
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo with lips, mouth, sockets and nostrils ``(M, 3)``, and the lips' highlight ``(M,)``."""
    x, y, z = canvas.place.T
    field, is_skin = canvas.fields, canvas.part == mesh.SKIN
    rosy = np.clip(skin.mean() / 0.30, 0.2, 1)
    red = rng.uniform(0.50, 0.72) - (0.06 if woman else 0.0)
    lip = skin * np.array([0.86, red, red * rng.uniform(0.96, 1.12)]) + rosy * np.array([0.03, 0.0, 0.005])
    shine = rng.uniform(0.04, 0.10) + (0.03 if woman else 0.0)
    if woman and rng.random() < cast.made_up[0]:
        stick = linear(cast.lipsticks[int(rng.integers(len(cast.lipsticks)))])
        lip, shine = lip + (stick * (0.30 + 0.60 * rosy) - lip) * rng.uniform(0.35, 0.8), shine + rng.uniform(0, 0.12)
    full = rng.uniform(-0.6, 0.5) + (0.5 if woman else -0.2)
    rings = field["mouth_rings"] - full
    edge = smoothstep(mesh.LIP_RINGS + 1.4, mesh.LIP_RINGS - 2.2, rings) * is_skin
    albedo = _blend(albedo, lip, edge * (rng.uniform(0.75, 0.95) if woman else rng.uniform(0.55, 0.85)))
    albedo = albedo * (1 - 0.45 * smoothstep(2.2, 0.6, field["mouth_rings"]) * is_skin)[:, None]
    inside = np.array([0.15, 0.030, 0.028]) * (1 - 0.85 * smoothstep(-0.142, -0.118, y))[:, None]
    albedo = _blend(albedo, inside, field["cavity"] * is_skin)
    albedo = _blend(albedo, np.array([0.35, 0.13, 0.11]), field["socket"] * is_skin * 0.8)
    nostril = smoothstep(-0.139, -0.134, y) * smoothstep(0.0185, 0.013, np.abs(x))
    nostril = nostril * smoothstep(0.679, 0.682, z) * smoothstep(0.692, 0.688, z)
    return albedo * (1 - 0.55 * nostril * is_skin)[:, None], edge * shine


def _rims(
    rng: np.random.Generator,
    canvas: Canvas,
    albedo: np.ndarray,
    skin: np.ndarray,
    lash: np.ndarray,
    woman: bool,
    shaded: float,
) -> np.ndarray:
    """The lids' rims: dark above where lashes grow, pink and wet below; sometimes eye shadow."""
    x, _, z = canvas.place.T
    free = (1 - canvas.fields["socket"]) * (canvas.part == mesh.SKIN)
    rim = smoothstep(1.5, 0.2, canvas.fields["lid_rings"]) * free
    above = smoothstep(0.7255, 0.7285, z)
    albedo = _blend(albedo, skin * np.array([1.0, 0.68, 0.64]), 0.7 * rim * (1 - above))
    rim = smoothstep(2.5, 0.3, canvas.fields["lid_rings"]) * free
    albedo = _blend(albedo, lash, rim * above * (rng.uniform(0.85, 0.98) if woman else rng.uniform(0.45, 0.7)))
    if woman and rng.random() < shaded:
        shade = skin * linear(_SHADOWS[int(rng.integers(len(_SHADOWS)))]) * 2
        area = np.exp(-(((np.abs(x) - 0.031) / 0.017) ** 2) - ((z - 0.738) / 0.005) ** 2)
        albedo = _blend(albedo, shade, area * rng.uniform(0.15, 0.5) * free)
    return albedo


def _eyes(rng: np.random.Generator, canvas: Canvas, tone: int, cast: Cast) -> np.ndarray:
    """Colours ``(M, 3)`` of eyes: pupil, a lighter collar, fibres, a dark limbal ring, and the veined white."""
    angle, around = canvas.fields["iris_angle"], canvas.fields["iris_around"]
    light = np.clip((5 - tone) / 5, 0.02, 1)
    fair, dark = (np.array(chances) for chances in cast.iris_chances)
    chances = fair * np.where(fair == dark, 1, light) if cast is WIDE else dark + light * (fair - dark)
    colour = linear(cast.irises[int(rng.choice(len(cast.irises), p=chances / chances.sum()))])
    colour = colour * float(np.exp(rng.normal(0.0, 0.2))) * (1 - 0.055 * tone)
    edge, pupil = rng.uniform(*cast.iris), rng.uniform(8.5, 11.5)
    depth = np.clip((angle - pupil) / (edge - pupil), 0, 1)
    fibres = sum(np.sin(k * around + rng.uniform(0, 6.3) + rng.uniform(-2, 2) * depth) for k in (11, 17, 26, 38, 53))
    collar = np.exp(-(((depth - rng.uniform(0.2, 0.35)) / 0.18) ** 2))
    warm = 1 + collar[:, None] * np.array([0.6, 0.4, 0.15]) * rng.uniform(0.1, 0.8)
    iris = colour * warm * (1 + 0.20 * fibres + 0.35 * (1 - depth))[:, None]
    # Light that enters at one side of the cornea brightens the iris at the other.
    iris = iris * (1 - 0.3 * np.sin(around))[:, None]
    iris = iris * (1 - 0.9 * smoothstep(edge - 5.5, edge - 1.0, angle))[:, None]
    iris = _blend(iris, np.full(3, 0.003), smoothstep(pupil + 1.5, pupil - 1.5, angle))
    white = linear(np.array([208, 200, 191]) - tone * np.array([3.2, 4.0, 4.6])) * np.ones((len(angle), 1)) * cast.white
    veins = np.clip(sum(np.sin(k * around + rng.uniform(0, 6.3)) for k in (5, 9, 13)) / 2, 0, 1)
    flesh = linear((186, 128, 112)) * (1 - 0.05 * tone)
    white = _blend(white, flesh, smoothstep(36, 64, angle) * (0.50 + 0.3 * veins))
    white = white * (1 - 0.45 * smoothstep(40, 62, angle))[:, None]
    return _blend(iris, white, smoothstep(edge - 1.0, edge + 3.0, angle))


def _ridge(place: np.ndarray) -> np.ndarray:
    """Forehead, nose and chin, which shine."""
    return np.exp(-((place[:, 0] / 0.02) ** 2)) * smoothstep(0.65, 0.70, place[:, 2])


def _teeth(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """Colours ``(M, 3)`` of teeth: dark lines between them, darker towards the back."""
    side = np.abs(place[:, 0])
    lines = sum(np.exp(-(((side - at) / 0.0006) ** 2)) for at in (0.0, 0.0085, 0.0155, 0.0215, 0.0265))
    tooth = linear((232, 221, 200)) * rng.uniform(0.74, 0.92)
    shade = 1 - 0.35 * np.clip(lines, 0, 1) - 0.9 * smoothstep(-0.148, -0.128, place[:, 1])
    return tooth * shade[:, None].clip(0.04)


def own_teeth(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """Colours ``(M, 3)`` of one person's teeth: from white to yellow, wide or narrow, with fine or broad gaps."""
    side = np.abs(place[:, 0]) * rng.uniform(0.9, 1.12) + rng.normal(0, 0.0003)
    gap, deep = rng.uniform(0.0004, 0.0009), rng.uniform(0.15, 0.55)
    ends = (0.0, 0.0085, 0.0155, 0.0215, 0.0265)
    lines = sum(np.exp(-(((side - at) / gap) ** 2)) for at in ends)
    if rng.random() < 0.12:
        lines = lines + 1.5 * np.exp(-((side / rng.uniform(0.0009, 0.0016)) ** 2))
    yellow = rng.beta(1.3, 2.0)
    tooth = linear(np.array([238, 233, 222]) + yellow * np.array([-12, -22, -52])) * rng.uniform(0.74, 0.98)
    # Every tooth is a little lighter or darker than the next.
    number = np.searchsorted(ends[1:], side) + 5 * (place[:, 0] > 0)
    tooth = tooth * np.exp(rng.normal(0, 0.04, 10))[number][:, None]
    shade = 1 - deep * np.clip(lines, 0, 1.6) - 0.9 * smoothstep(-0.148, -0.128, place[:, 1])
    return tooth * shade[:, None].clip(0.04)


def own_tongue(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """Linear colours ``(M, 3)`` of one person's tongue: darker towards the back and along its middle."""
    colour = np.array([0.30, 0.115, 0.105]) * np.exp(rng.normal(0, [0.10, 0.16, 0.16]) + rng.normal(0, 0.15))
    groove = rng.uniform(0.1, 0.3) * np.exp(-((place[:, 0] / 0.0022) ** 2))
    return colour * (1 - 0.75 * smoothstep(-0.140, -0.105, place[:, 1]) - groove)[:, None].clip(0.1)


def _hair_chances(tone: float, age: float) -> np.ndarray:
    fair = np.clip((5 - tone) / 5, 0, 1)
    chances = np.array([1.0, 1.0, 0.2 + fair, 0.8 * fair, 0.7 * fair, 0.35 * fair, 3 * max(0.0, age - 0.75)])
    return chances / chances.sum()


def _noise(rng: np.random.Generator, place: np.ndarray, scale: float, waves: int = 24) -> np.ndarray:
    """Smooth noise over space, about unit variance, with features of about `scale` metres."""
    directions = rng.normal(size=(waves, 3)) / scale
    phases = rng.uniform(0, 2 * np.pi, waves)
    return (np.sin(place @ directions.T.astype(np.float32) + phases.astype(np.float32)).sum(1)) * np.sqrt(2 / waves)


def _blend(albedo: np.ndarray, colour: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """From albedo to colour ``(3,)`` or ``(M, 3)`` by an amount ``(M,)``, cut to [0, 1]."""
    return albedo + (colour - albedo) * np.clip(amount, 0, 1)[:, None]


def creases(canvas: Canvas, coefficients: np.ndarray, age: float) -> np.ndarray:
    """The share of its light that each vertex ``(m,)`` of a mesh loses at coefficients ``(52,)``: more on old skin.

    Creases are lines that a move draws into the skin, finer than the mesh: furrows of a frown, folds of a smile. They
    are darkened in proportion to the move.
    """
    moved = dict(zip(BLENDSHAPES, coefficients, strict=True))
    both = lambda name: 0.5 * (moved[name + "Left"] + moved[name + "Right"])  # noqa: E731
    folds = max(both("mouthSmile"), both("noseSneer"), both("mouthUpperUp"))
    lines = _lines(canvas)
    total = both("browDown") * lines["frown"] + folds * lines["fold"] + both("noseSneer") * lines["nose"]
    return np.clip(CREASE * (0.7 + 0.6 * age) * total, 0, 0.6).astype(np.float32)


@lru_cache(maxsize=2)
def _lines(canvas: Canvas) -> dict[str, np.ndarray]:
    """How deep each kind of crease is at each vertex ``(m,)``, in [0, 1]."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    skin = (canvas.part == mesh.SKIN) * (1 - canvas.fields["ears"])
    furrow = lambda away, wide: np.exp(-((away / wide) ** 2))  # noqa: E731
    between = furrow(side - 0.0062 - 0.06 * (z - 0.748), 0.0013)
    frown = between * smoothstep(0.738, 0.744, z) * smoothstep(0.762, 0.752, z)
    along = (0.692 - z) / 0.036
    fold = furrow(side - 0.0185 - 0.016 * along - 0.004 * along**2, 0.0016)
    fold = fold * smoothstep(-0.05, 0.2, along) * smoothstep(1.05, 0.75, along)
    nose = sum(furrow(z - at + 0.35 * side, 0.001) for at in (0.727, 0.7325)) * smoothstep(0.013, 0.008, side)
    named = {"frown": frown, "fold": 0.8 * fold, "nose": 0.7 * nose}
    return {name: (line * skin).astype(np.float32) for name, line in named.items()}
