"""Who an actor is: a seed decides the head, the skin, lips, brows, eyes and hair, the light and the background.

Every colour is painted on the vertices of `_Canvas`, by places on the template head (x to the subject's
left, y backwards, z up, in metres), where a place means the same on everybody. Light is linear, 0 to 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from i2vlib.clips import BLENDSHAPES
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._drawing import Canvas, linear, smoothstep
from i2vlib.datasets._head import Head

if TYPE_CHECKING:
    from i2vlib.datasets._hair import Mane

_SKINS = (
    (243, 212, 193), (236, 198, 172), (224, 180, 150), (210, 160, 126), (191, 138, 102),
    (165, 113, 78), (139, 92, 62), (112, 72, 49), (86, 55, 40), (66, 43, 34),
)  # fmt: skip
_IRISES = (
    (84, 52, 30),
    (60, 38, 24),
    (110, 78, 40),
    (96, 118, 80),
    (88, 122, 158),
    (112, 134, 146),
    (70, 96, 130),
)
_LIPSTICKS = ((168, 48, 56), (190, 92, 90), (142, 44, 64), (190, 108, 94), (150, 78, 76), (178, 70, 84))
_SHADOWS = ((150, 110, 120), (140, 120, 110), (120, 100, 140))
#: What hues of walls, wood, foliage and shade do to a grey.
_WALLS = np.array([[1.12, 1.0, 0.84], [1.16, 0.98, 0.88], [0.90, 1.0, 1.10], [0.94, 1.03, 0.92], [1.0, 1.0, 1.0]])
_HAIRS = (
    (26, 20, 18),
    (44, 30, 22),
    (78, 50, 30),
    (120, 78, 44),
    (172, 130, 76),
    (140, 62, 30),
    (140, 138, 136),
)


@dataclass(frozen=True, eq=False)
class Person:
    """What a seed decides once for all of its clips; see `person`.

    Attributes:
        name: ``actor-<seed>``.
        vertices: ``float32 (N, 3)`` of the neutral head, in metres, the eyes at a fixed height.
        albedo: ``float32 (M, 3)`` of each fine vertex; ``gloss`` and ``sharpness`` ``(M,)`` of its highlights.
        lift: ``float32 (M,)`` metres by which hair stands off the head.
        hair, brows: ``float32 (M,)`` in [0, 1], how much of each grows on a vertex.
        identity: ``float32 (k,)``, what the head's shape was made from: see `identity`.
        lights: ``float32 (3, 3)`` directions towards key, fill and rim light, and their colours ``tints``.
        sky, ground: ``float32 (3,)`` light from above and below.
        background: see `_background`.
        distance: of the camera from the eyes, in metres.
        look: 1 or 2; all that follows is the second look's: ``tone`` 0 to 9 on the Monk scale, ``texture`` uint8 as
            `_atlas` lays it out, and ``mane``, the strands of hair, None for the bald.
    """

    name: str
    vertices: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    sharpness: np.ndarray
    lift: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    identity: np.ndarray
    lights: np.ndarray
    tints: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    background: tuple[np.ndarray, ...]
    distance: float
    look: int = 1
    tone: int | None = None
    texture: np.ndarray | None = None
    mane: Mane | None = None


def generator(seed: int, *words: str) -> np.random.Generator:
    """Random numbers of their own for each seed, any int, and words."""
    return np.random.default_rng([abs(int(seed)), int(seed < 0), *(zlib.crc32(word.encode()) for word in words)])


@lru_cache(maxsize=4)
def person(seed: int, look: int = 1) -> Person:
    """The person behind a seed, any int, in a look, 1 or 2: the head, the lights and the background are the same."""
    canvas = drawing.canvas()
    phenotype, local = _shape(generator(seed, "shape"), canvas.head.local_names)
    vertices = canvas.head.neutral(phenotype, local)
    _set_teeth(vertices, canvas.head)
    eyes = drawing.eye_corners(vertices).mean((0, 1)) * np.array([0, 0, 1])
    vertices = vertices + np.array([0, 0, drawing.EYE], np.float32) - eyes
    light = generator(seed, "light")
    lights, tints, sky, ground = _lights(light)
    shared = {
        "name": f"actor-{seed}",
        "identity": np.array([*phenotype.values(), *local.values()], np.float32),
        "lights": lights,
        "tints": tints,
        "sky": sky,
        "ground": ground,
        "background": _background(light),
        "distance": _uniform(light, 0.8, 1.2),
    }
    if look == 2:
        from i2vlib.datasets import _fine

        return _fine.dress(seed, phenotype, shared | {"vertices": vertices.astype(np.float32)})
    albedo, gloss, sharpness, lift, hair, brows = _paint(generator(seed, "paint"), canvas, phenotype)
    _set_locks(vertices, canvas.head, generator(seed, "locks"), long=phenotype["gender"] > 0.5)
    return Person(
        **shared,
        vertices=vertices.astype(np.float32),
        albedo=albedo,
        gloss=gloss,
        sharpness=sharpness,
        lift=lift,
        hair=hair,
        brows=brows,
    )


def identity(seed: int) -> np.ndarray:
    """What the shape of a person's head was made from, ``float32 (k,)``: the same in all clips of a subject.

    Nine phenotypes in [0, 1] (gender, age, muscle, weight, height, proportions, and the shares of three origins as the
    package `anny` has them), then the local changes in [-1, 1] in the order of `Head.local_names`.
    """
    return person(seed).identity


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _set_teeth(vertices: np.ndarray, head: Head) -> None:
    """Moves the teeth inwards, in place: the base mesh holds them so far out that they pierce the lips' corners."""
    teeth = np.unique(head.quads[head.part == drawing.TEETH])
    middle = vertices[teeth, 0].mean()
    vertices[teeth, 0] = middle + 0.80 * (vertices[teeth, 0] - middle)
    vertices[teeth, 1] += 0.0025
    rows = head.quads[head.part == drawing.TEETH]
    vertices[np.unique(rows[: len(rows) // 2]), 2] -= 0.0034


def _set_locks(vertices: np.ndarray, head: Head, rng: np.random.Generator, long: bool) -> None:
    """Hangs the sheet of long hair around the head, in place, or hides it behind the head."""
    sheet = np.unique(head.quads[head.part == drawing.LOCKS])
    if not (long and rng.random() < 0.75):
        vertices[sheet] = (0, 0.03, drawing.EYE)
        return
    around, _, down = head.template[sheet].T
    ears = _ears(head)
    width = float(np.abs(vertices[ears, 0]).max()) + rng.uniform(0.001, 0.006)
    back = vertices[ears, 1].mean()
    theta = around * rng.uniform(1.85, 2.05)
    fall = 1 - down
    wave = 0.004 * np.sin(theta * rng.uniform(5, 9) + fall * rng.uniform(4, 12)) * np.minimum(2 * fall, 1)
    flare = 1 + rng.uniform(-0.06, 0.12) * fall - 0.55 * np.clip(down - 0.72, 0, 1) ** 1.5
    reach = (width + wave) * flare
    length = rng.uniform(0.17, 0.29)
    vertices[sheet, 0] = reach * np.sin(theta)
    vertices[sheet, 1] = back + 1.1 * reach * np.cos(theta) + 0.006
    vertices[sheet, 2] = 0.806 - length * fall * (1 + 0.05 * np.sin(3 * theta + rng.uniform(0, 6)))


def _ears(head: Head) -> np.ndarray:
    shift = np.linalg.norm(head.local[2 * head.local_names.index("l-ear-scale-incr")], axis=-1)
    return np.flatnonzero(shift > 0.3 * shift.max())


#: Widths of the local changes by what their names begin with or, first, by their whole names; 0.3 where none fits.
_WIDTHS = {
    "head-angle-out": 0.03, "head-trans-out": 0.03, "neck-trans-out": 0.03, "nose-trans-out": 0.06,
    "mouth-trans-out": 0.03, "head-trans-forward": 0.08, "head-trans-up": 0.08, "mouth-laugh-lines-out": 0.08,
    "head-age-incr": 0.12, "l-eye-bag-incr": 0.12, "l-eye-bag-out": 0.12, "eyebrows-angle-up": 0.1,
    "eyebrows-trans-up": 0.42, "eyebrows-trans-forward": 0.40, "head-scale-vert-incr": 0.25,
    "l-eye-trans-out": 0.45, "l-eye-scale-incr": 0.45,
    "l-eye-push1-out": 0.25, "l-eye-push2-out": 0.25, "l-eye-epicanthus-out": 0.35, "l-eye-trans-up": 0.3,
    "mouth-scale-horiz-incr": 0.42, "mouth-trans-up": 0.38, "mouth-upperlip-middle-up": 0.15,
    "mouth-lowerlip-middle-up": 0.15, "mouth-angles-up": 0.2, "mouth-trans-forward": 0.2, "mouth-scale-depth-incr": 0.2,
    "chin-height-incr": 0.25, "forehead-nubian-incr": 0.2, "forehead-scale-vert-incr": 0.3,
    "neck": 0.08, "mouth": 0.25, "l-eye": 0.30, "nose": 0.36, "chin": 0.42, "l-cheek": 0.4, "head": 0.42,
    "forehead": 0.35,
}  # fmt: skip


def _width(name: str) -> float:
    if name in _WIDTHS:
        return _WIDTHS[name]
    return next((width for start, width in _WIDTHS.items() if name.startswith(start)), 0.3)


def _shape(rng: np.random.Generator, names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Phenotype and local changes: left and right nearly alike, and little of what would turn the head."""
    woman = rng.random() < 0.5
    races = rng.dirichlet([0.4, 0.4, 0.4]) + 0.02
    phenotype = {
        "gender": float(np.clip(rng.normal(0.88 if woman else 0.12, 0.12), 0, 1)),
        "age": float(np.clip(rng.normal(0.74, 0.12), 0.58, 1.0)),
        "muscle": _uniform(rng, 0.15, 0.85),
        "weight": _uniform(rng, 0.15, 0.9),
        "height": _uniform(rng, 0.2, 0.8),
        "proportions": _uniform(rng, 0.1, 0.8),
        "african": float(races[0]),
        "asian": float(races[1]),
        "caucasian": float(races[2]),
    }
    local: dict[str, float] = {}
    for name in names:
        if name.startswith("r-"):
            local[name] = local["l-" + name[2:]] + rng.normal(0, 0.02)
        else:
            width = _width(name)
            bound = min(2.2 * width, 0.95)
            local[name] = float(np.clip(rng.normal(0, width), -bound, bound))
    return phenotype, local


#: By how much closed lids overlap, in metres.
_OVERLAP = 0.001


@lru_cache(maxsize=256)
def own_gains(seed: int) -> np.ndarray:
    """How much stronger a person's facial shapes are than the head's, ``float32 (52,)``: 1 but for eyeBlink.

    Eyes differ in height: by its gain eyeBlink 1 closes everybody's, and pushes no lid through the other.
    """
    head, rows = drawing.canvas().head, drawing.landmark_rows()
    points = rows @ head.neutral(*_shape(generator(seed, "shape"), head.local_names))
    gains = np.ones(len(BLENDSHAPES), np.float32)
    for side, above, below in (("Left", (43, 44), (47, 46)), ("Right", (37, 38), (41, 40))):
        index = BLENDSHAPES.index("eyeBlink" + side)
        moved = rows @ head.facial[index]
        gap, closing = (
            (points[list(above)] - points[list(below)])[:, 2],
            (moved[list(below)] - moved[list(above)])[:, 2],
        )
        gains[index] = ((gap + _OVERLAP) / closing).max()
    return gains


def _noise(rng: np.random.Generator, place: np.ndarray, scale: float, waves: int = 24) -> np.ndarray:
    """Smooth noise over space, about unit variance, with features of about `scale` metres."""
    directions = rng.normal(size=(waves, 3)) / scale
    phases = rng.uniform(0, 2 * np.pi, waves)
    return (np.sin(place @ directions.T.astype(np.float32) + phases.astype(np.float32)).sum(1)) * np.sqrt(2 / waves)


def _blend(albedo: np.ndarray, colour: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """From albedo to colour ``(3,)`` or ``(M, 3)`` by an amount ``(M,)``, cut to [0, 1]."""
    return albedo + (colour - albedo) * np.clip(amount, 0, 1)[:, None]


def _paint(rng: np.random.Generator, canvas: Canvas, phenotype: Mapping[str, float]) -> tuple[np.ndarray, ...]:
    """Albedo ``(M, 3)``; gloss, its sharpness, lift along the normal in metres, hair and brows, each ``(M,)``."""
    part, place, lips = canvas.part, canvas.place, canvas.fields["lips"]
    is_skin = part == drawing.SKIN
    woman = phenotype["gender"] > 0.5
    tone, skin, albedo = _skin(rng, canvas, phenotype)
    style = int(rng.choice(len(_HAIRS), p=_hair_chances(tone, phenotype["age"])))
    hair = linear(_HAIRS[style]) * float(np.exp(rng.normal(0, 0.15)))
    lash = 0.25 * hair + 0.004
    albedo = _blend(albedo, 0.5 * hair + 0.12 * skin, _stubble(rng, canvas, woman))
    albedo = _mouth(rng, canvas, albedo, skin, woman)
    albedo = _lids(rng, canvas, albedo, skin, lash, woman)
    brows = np.clip(_brows(rng, canvas, woman), 0, 1) * is_skin
    albedo = _blend(albedo, _brow_colour(hair, skin), brows)

    gloss = _uniform(rng, 0.05, 0.11) * (1 + 0.8 * _ridge(place))
    gloss = gloss * (1 - 0.8 * brows) + lips * _uniform(rng, 0.05, 0.22)
    scalp, thick = _hair(rng, canvas, woman)
    strand = _noise(rng, place * np.array([1, 0.35, 0.08], np.float32), 0.0016)
    tint = hair * (1 + 0.28 * np.clip(strand, -2, 2))[:, None]
    albedo = albedo + (tint - albedo) * (scalp * is_skin)[:, None]
    lift = scalp * thick * (1 + 0.10 * np.clip(strand, -1.5, 1.5)) * is_skin

    eyes, teeth = _eye_colours(rng, canvas, tone), _teeth(rng, place)
    strand = _noise(rng, place * np.array([1, 0, 0.04], np.float32), 0.02)
    locks = hair * (1 + 0.25 * np.clip(strand, -2, 2))[:, None]
    tongue = np.array([0.33, 0.085, 0.085])
    albedo = np.choose(part[:, None], [albedo, eyes, teeth, tongue, lash, locks])
    gloss = gloss * (1 - 0.4 * scalp)
    gloss = np.choose(part, [gloss, 0.6, 0.08, 0.08, 0.0, gloss])
    sharpness = 14.0 + 22 * lips + 12 * scalp
    sharpness = np.choose(part, [sharpness, 110.0, 30.0, 30.0, sharpness, 26.0])
    albedo = np.clip(albedo, 0.002, 0.95)
    return tuple(np.asarray(value, np.float32) for value in (albedo, gloss, sharpness, lift, scalp * is_skin, brows))


def _ridge(place: np.ndarray) -> np.ndarray:
    """Forehead, nose and chin, which shine."""
    return np.exp(-((place[:, 0] / 0.02) ** 2)) * smoothstep(0.65, 0.70, place[:, 2])


def _skin(
    rng: np.random.Generator, canvas: Canvas, phenotype: Mapping[str, float]
) -> tuple[float, np.ndarray, np.ndarray]:
    """The tone as an index into the skins, its colour ``(3,)``, and the mottled, flushed, freckled skin ``(M, 3)``."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    dark = phenotype["african"] * 0.55 + phenotype["asian"] * 0.2 + rng.uniform(-0.15, 0.42)
    tone = float(np.clip(dark + rng.normal(0, 0.06), 0, 1)) * (len(_SKINS) - 1)
    ramp = linear(_SKINS)
    skin = np.array([np.interp(tone, range(len(_SKINS)), ramp[:, c]) for c in range(3)], np.float32)
    skin = skin * np.exp(rng.normal(0, 0.04, 3)).astype(np.float32)
    albedo = np.tile(skin, (len(x), 1))
    mottle = 0.035 * _noise(rng, canvas.place, 0.012) + 0.02 * _noise(rng, canvas.place, 0.003)
    albedo = albedo * (1 + mottle[:, None] * np.array([0.6, 1.0, 1.1]))
    red = np.array([1.10, 0.70, 0.66], np.float32)
    flush = (
        np.exp(-(((side - 0.045) / 0.018) ** 2) - ((z - 0.690) / 0.016) ** 2)
        + 0.8 * np.exp(-((x / 0.014) ** 2) - ((z - 0.690) / 0.012) ** 2)
        + 0.4 * np.exp(-((x / 0.02) ** 2) - ((z - 0.635) / 0.012) ** 2)
        + 0.6 * canvas.fields["ears"]
    )
    albedo = albedo * (1 + (red - 1) * (np.clip(flush, 0, 1.2) * rng.uniform(0.25, 0.75) * 0.6)[:, None])
    under = np.exp(-(((side - 0.031) / 0.014) ** 2) - ((z - 0.714) / 0.006) ** 2)
    albedo = albedo * (1 - (under * rng.uniform(0.03, 0.2))[:, None] * np.array([0.8, 1.0, 0.8]))
    if rng.random() < 0.15 and tone < 4:
        where = smoothstep(0.67, 0.69, z) * smoothstep(0.74, 0.72, z) * smoothstep(0.07, 0.03, side)
        spots = (rng.random(len(x)) < 0.05) * where
        albedo = albedo * (1 - (0.28 * spots)[:, None] * np.array([0.6, 1.0, 1.1]))
    return tone, skin, albedo


def _stubble(rng: np.random.Generator, canvas: Canvas, woman: bool) -> np.ndarray:
    """How much of a shaved beard lies on each vertex."""
    x, y, z = canvas.place.T
    side = np.abs(x)
    amount = 0.0 if woman else max(0.0, rng.uniform(-0.3, 0.4))
    jaw = smoothstep(0.668, 0.650, z) * smoothstep(-0.02, -0.06, y)
    moustache = smoothstep(0.03, 0.022, side) * smoothstep(0.668, 0.671, z) * smoothstep(0.684, 0.680, z)
    moustache = moustache * smoothstep(-0.125, -0.135, y)
    cheek = smoothstep(0.045, 0.06, side) * smoothstep(0.70, 0.68, z) * smoothstep(-0.045, -0.07, y)
    beard = np.clip(np.maximum(np.maximum(jaw, moustache), cheek), 0, 1) * (1 - canvas.fields["lips"])
    grain = 0.85 + 0.15 * np.clip(_noise(rng, canvas.place, 0.0015), -1, 1)
    return beard * smoothstep(0.60, 0.625, z) * grain * amount


def _mouth(rng: np.random.Generator, canvas: Canvas, albedo: np.ndarray, skin: np.ndarray, woman: bool) -> np.ndarray:
    """Lips with a soft edge, sometimes painted; the mouth's inside, the eye sockets and the nostrils."""
    x, y, z = canvas.place.T
    side, field = np.abs(x), canvas.fields
    is_skin = canvas.part == drawing.SKIN
    lip = skin * np.array([0.92, 0.50, 0.50], np.float32) + np.array([0.03, 0.0, 0.004], np.float32)
    if woman and rng.random() < 0.5:
        paint = linear(_LIPSTICKS[int(rng.integers(len(_LIPSTICKS)))])
        lip = lip + (paint * (0.35 + 0.65 * skin.mean() / 0.5) - lip) * rng.uniform(0.4, 0.8)
    albedo = _blend(albedo, lip, field["lips"] * rng.uniform(0.7, 0.95) * is_skin)
    albedo = albedo * (1 - 0.45 * smoothstep(2.2, 0.6, field["mouth_rings"]) * is_skin)[:, None]
    albedo = _blend(albedo, np.array([0.13, 0.024, 0.024], np.float32), field["cavity"] * is_skin)
    albedo = _blend(albedo, np.array([0.35, 0.13, 0.11], np.float32), field["socket"] * is_skin * 0.8)
    nostril = smoothstep(-0.139, -0.134, y) * smoothstep(0.0185, 0.013, side)
    nostril = nostril * smoothstep(0.679, 0.682, z) * smoothstep(0.692, 0.688, z)
    return albedo * (1 - 0.55 * nostril * is_skin)[:, None]


def _lids(
    rng: np.random.Generator,
    canvas: Canvas,
    albedo: np.ndarray,
    skin: np.ndarray,
    lash: np.ndarray,
    woman: bool,
) -> np.ndarray:
    """Dark margins of the lids, heavier above, and sometimes eye shadow."""
    x, _, z = canvas.place.T
    is_skin = canvas.part == drawing.SKIN
    margin = smoothstep(1.7, 0.2, canvas.fields["lid_rings"]) * (1 - canvas.fields["socket"]) * is_skin
    amount = rng.uniform(0.6, 0.95) if woman else rng.uniform(0.35, 0.6)
    albedo = _blend(albedo, lash, margin * (0.25 + 0.75 * smoothstep(0.7255, 0.7285, z)) * amount)
    if woman and rng.random() < 0.4:
        shade = skin * linear(_SHADOWS[int(rng.integers(len(_SHADOWS)))]) * 2
        area = np.exp(-(((np.abs(x) - 0.031) / 0.017) ** 2) - ((z - 0.738) / 0.006) ** 2)
        albedo = _blend(albedo, shade, area * rng.uniform(0.2, 0.6) * is_skin)
    return albedo


def _teeth(rng: np.random.Generator, place: np.ndarray) -> np.ndarray:
    """Colours ``(M, 3)`` of teeth: dark lines between them, darker towards the back."""
    side = np.abs(place[:, 0])
    lines = sum(np.exp(-(((side - at) / 0.0006) ** 2)) for at in (0.0, 0.0085, 0.0155, 0.0215, 0.0265))
    tooth = linear((232, 221, 200)) * _uniform(rng, 0.74, 0.92)
    shade = 1 - 0.35 * np.clip(lines, 0, 1) - 0.9 * smoothstep(-0.148, -0.128, place[:, 1])
    return tooth * shade[:, None].clip(0.04)


def _hair_chances(tone: float, age: float) -> np.ndarray:
    fair = np.clip((5 - tone) / 5, 0, 1)
    chances = np.array([1.0, 1.0, 0.2 + fair, 0.8 * fair, 0.7 * fair, 0.35 * fair, 3 * max(0.0, age - 0.75)])
    return chances / chances.sum()


def _brow_colour(hair: np.ndarray, skin: np.ndarray) -> np.ndarray:
    return np.minimum(0.7 * hair, 0.25 * skin + 0.001)


def _brows(rng: np.random.Generator, canvas: Canvas, woman: bool) -> np.ndarray:
    """How much of a brow lies on each vertex: an arc from above the inner corner to beyond the outer one."""
    x, _, z = canvas.place.T
    side = np.abs(x)
    along = (side - 0.0125) / 0.040
    height = 0.7452 + rng.normal(0, 0.0006)
    arch = rng.uniform(0.0015, 0.0045)
    peak = rng.uniform(0.58, 0.72)
    bend = np.where(along < peak, 1 - ((along - peak) / peak) ** 2, 1 - 1.4 * ((along - peak) / (1.1 - peak)) ** 2)
    middle = height + arch * bend
    half = (rng.uniform(0.0020, 0.0032) if woman else rng.uniform(0.0028, 0.0044)) * np.clip(
        1.12 - 0.75 * np.clip(along, 0, 1) ** 1.5, 0.2, 1.2
    )
    strands = _noise(rng, canvas.place * np.array([1, 1, 0.3], np.float32), 0.0011)
    distance = np.abs(z - middle) / half * (1 + 0.12 * np.clip(strands, -2, 2))
    ends = smoothstep(-0.06, 0.1, along) * smoothstep(1.06, 0.85, along)
    density = rng.uniform(0.65, 0.95)
    return smoothstep(1.25, 0.45, distance) * ends * density * (1 + 0.15 * np.clip(strands, -1, 1))


def _hair(rng: np.random.Generator, canvas: Canvas, woman: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where hair grows, in [0, 1], and how thick it lies, in metres."""
    x, y, z = canvas.place.T
    side = np.abs(x)
    wobble = _noise(rng, canvas.place, 0.006)
    style = rng.choice(
        ["short", "fringe", "swept", "bald"], p=[0.4, 0.32, 0.2, 0.08] if woman else [0.6, 0.12, 0.13, 0.15]
    )
    line = 0.797 + rng.normal(0, 0.004) - 1.1 * np.maximum(side - 0.045, 0)
    thick = rng.uniform(0.008, 0.014)
    if style == "fringe":
        line = 0.768 + rng.uniform(-0.004, 0.008)
        thick = rng.uniform(0.010, 0.015)
    elif style == "swept":
        line = 0.785 + rng.choice([-1.0, 1.0]) * 0.22 * x
        thick = rng.uniform(0.012, 0.018)
    line = line + 0.002 * np.clip(wobble, -2, 2)
    top = smoothstep(-0.002, 0.004, z - line)
    burns = rng.uniform(0.69, 0.72) if not woman else rng.uniform(0.66, 0.70)
    edge = -0.078 + (0.02 * smoothstep(0.75, 0.70, z)) + 0.002 * np.clip(wobble, -2, 2)
    sides = smoothstep(-0.002, 0.004, y - edge) * smoothstep(burns - 0.006, burns + 0.006, z)
    sides = sides * smoothstep(0.04, 0.055, side)
    grown = np.maximum(top, sides)
    ears = smoothstep(0.35, 0.05, canvas.fields["ears"])
    if style == "bald":
        return 0.25 * grown * ears, np.zeros(len(z))
    volume = np.maximum(smoothstep(-0.002, 0.022, z - line), 0.5 * sides)
    return grown * ears, thick * volume


def _eye_colours(rng: np.random.Generator, canvas: Canvas, tone: float) -> np.ndarray:
    """Colours ``(M, 3)`` of eyes: pupil, rayed iris with a dark rim, and the white, redder towards its edge."""
    angle, around = canvas.fields["iris_angle"], canvas.fields["iris_around"]
    light = np.clip((6 - tone) / 6, 0.03, 1)
    chances = np.array([1.2, 1.2, 0.6 * light, 0.5 * light, 0.8 * light, 0.4 * light, 0.4 * light])
    colour = linear(_IRISES[int(rng.choice(len(_IRISES), p=chances / chances.sum()))])
    colour = colour * float(np.exp(rng.normal(0.15, 0.2)))
    rays = np.clip(sum(np.sin(k * around + rng.uniform(0, 6.3)) for k in (9, 14, 23, 31)) * 0.1, -0.3, 0.3)
    edge = rng.uniform(24.5, 27.0)
    pupil = rng.uniform(9.0, 12.0)
    white = linear((232, 226, 222)) * np.ones((len(angle), 1), np.float32)
    white = _blend(white, linear((214, 168, 158)), 0.7 * smoothstep(38, 62, angle))
    iris = colour * (1 + rays + 0.7 * smoothstep(edge, pupil, angle))[:, None]
    iris = iris * (1 - 0.75 * smoothstep(edge - 6.5, edge - 1.0, angle))[:, None]
    iris = _blend(iris, np.full(3, 0.004, np.float32), smoothstep(pupil + 1.5, pupil - 1.5, angle))
    return _blend(iris, white, smoothstep(edge - 1.5, edge + 2.5, angle))


def _lights(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Directions ``(3, 3)`` towards key, fill and rim light, their colours ``(3, 3)``, sky and ground ``(3,)``."""
    turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.35, 0.95)
    rise = rng.uniform(0.35, 0.8)
    places = [
        (turn, rise),
        (-turn * rng.uniform(0.6, 1.1), rng.uniform(-0.1, 0.35)),
        (-np.sign(turn) * 2.3, 0.4),
    ]
    directions = [(np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)) for a, b in places]
    warm = rng.uniform(-1, 1)
    key = np.array([1 + 0.10 * warm, 1.0, 1 - 0.13 * warm]) * rng.uniform(0.72, 0.95)
    fill = np.array([1 - 0.12 * warm, 1.0, 1 + 0.16 * warm]) * rng.uniform(0.12, 0.3)
    rim = rng.uniform(0.85, 1.1, 3) * rng.uniform(0.1, 0.45)
    sky = np.array([0.95, 1.0, 1.06]) * rng.uniform(0.26, 0.4)
    ground = np.array([1.06, 0.98, 0.9]) * rng.uniform(0.12, 0.22)
    arrays = (np.array(directions), np.stack([key, fill, rim]), sky, ground)
    return tuple(np.asarray(value, np.float32) for value in arrays)


def _background(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """A room or a street out of focus: two colours in sRGB, the direction from one to the other, and soft shapes.

    Shapes are ``(n, 9)``: x, y, half their width and height, softness, whether round, and three factors of colour.
    """
    light = rng.choice([rng.uniform(32, 85), rng.uniform(85, 150), rng.uniform(150, 205)], p=[0.35, 0.35, 0.3])
    hue = rng.choice(len(_WALLS))
    base = light * (1 + (_WALLS[hue] - 1) * rng.uniform(0.2, 1.0))
    other = base * rng.uniform(0.55, 0.95) * (1 + (_WALLS[rng.choice(len(_WALLS))] - 1) * rng.uniform(0, 0.5))
    turn = rng.uniform(0, 2 * np.pi)
    shapes = []
    for _ in range(rng.integers(2, 6)):
        tint = (1 + rng.normal(0, 0.22)) * (1 + (_WALLS[rng.choice(len(_WALLS))] - 1) * rng.uniform(0, 0.7))
        half = rng.uniform(0.05, 0.25), rng.uniform(0.15, 0.7)
        shapes.append([rng.uniform(0, 1), rng.uniform(0, 1), *half, rng.uniform(0.025, 0.09), 0.0, *tint])
    if rng.random() < 0.5:
        for _ in range(rng.integers(2, 9)):
            radius = rng.uniform(0.02, 0.06)
            tint = rng.uniform(1.1, 1.5) * (1 + (_WALLS[0] - 1) * rng.uniform(-0.3, 1.0))
            shapes.append([rng.uniform(0, 1), rng.uniform(0, 0.7), radius, radius, 0.012, 1.0, *tint])
    return base, other, np.array([np.cos(turn), np.sin(turn)]), np.array(shapes)


def draw_background(background: tuple[np.ndarray, ...], size: int) -> np.ndarray:
    """A person's background, ``float (size, size, 3)`` sRGB in 0 to 255."""
    base, other, direction, shapes = background
    grid = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(grid, grid)
    ramp = np.clip(0.5 + (x - 0.5) * direction[0] + (y - 0.5) * direction[1], 0, 1)[..., None]
    picture = base + (other - base) * ramp
    for at_x, at_y, wide, high, soft, is_round, *tint in shapes:
        across, down = np.abs(x - at_x), np.abs(y - at_y)
        if is_round:
            inside = smoothstep(wide + soft, wide - soft, np.hypot(across, down))
        else:
            inside = smoothstep(wide + soft, wide - soft, across) * smoothstep(high + soft, high - soft, down)
        picture = picture * (1 + inside[..., None] * (np.array(tint) - 1))
    return np.clip(240 * (1 - np.exp(-picture / 200)) * 1.15, 0, 255)
