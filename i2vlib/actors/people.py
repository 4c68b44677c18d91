"""Who an actor is: a seed decides the head, skin, eyes and hair, the light and the room behind."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib import faces
from i2vlib.actors import glasses, mesh
from i2vlib.actors.cast import WIDE, Cast, cast_named
from i2vlib.actors.glasses import Glasses
from i2vlib.actors.hair import Mane, choose, grow
from i2vlib.actors.head import Head
from i2vlib.actors.mesh import smoothstep
from i2vlib.actors.skin import paint
from i2vlib.expressions import BLENDSHAPES

#: What hues of walls, wood, foliage and shade do to a grey.
_WALLS = np.array([[1.12, 1.0, 0.84], [1.16, 0.98, 0.88], [0.90, 1.0, 1.10], [0.94, 1.03, 0.92], [1.0, 1.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Person:
    """What a seed decides once for all of its clips; see `person`.

    Attributes:
        name: ``actor-<seed>``, of other casts than the first ``actor-<cast>-<seed>``.
        age: in [0, 1] as `identity` has it; older skin creases more deeply.
        identity: ``float32 (k,)``, what the head's shape was made from: see `identity`.
        vertices: ``float32 (N, 3)`` of the neutral head, in metres, the eyes at a fixed height.
        tone: 0 to 9 on the Monk scale.
        albedo: ``float32 (M, 3)`` of each fine vertex; ``gloss`` and ``sharpness`` ``(M,)`` of its highlights.
        hair, brows: ``float32 (M,)`` in [0, 1], how much of each grows on a vertex.
        texture: ``uint8``, on the flat map of `texture.atlas`; ``mane``: the strands of hair, None for the bald.
        glasses: worn on the nose, None for those who wear none.
        lights: ``float32 (3, 3)`` directions towards key, fill and rim light, and their colours ``tints``.
        sky, ground: ``float32 (3,)`` light from above and below. All light is exposed for the skin's tone.
        background: a room or a street out of focus, for `draw_background`.
        distance: of the camera from the eyes, in metres.
    """

    name: str
    age: float
    identity: np.ndarray
    vertices: np.ndarray
    tone: int
    albedo: np.ndarray
    gloss: np.ndarray
    sharpness: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    texture: np.ndarray
    mane: Mane | None
    glasses: Glasses | None
    lights: np.ndarray
    tints: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    background: tuple[np.ndarray, ...]
    distance: float


def generator(seed: int, *words: str) -> np.random.Generator:
    """Random numbers of their own for each seed, any int, and words."""
    return np.random.default_rng([abs(int(seed)), int(seed < 0), *(zlib.crc32(word.encode()) for word in words)])


@lru_cache(maxsize=4)
def person(seed: int, cast: str = WIDE.name) -> Person:
    """The person behind a seed, any int, and a cast, one of `cast.CASTS`."""
    with one_thread():
        return _made(seed, cast_named(cast))


def one_thread() -> AbstractContextManager:
    """Linear algebra on one thread: on more of them sums are split elsewhere, and the last bits of a pixel differ."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ImportError(
            f'Making actors needs threadpoolctl ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    return threadpool_limits(1, user_api="blas")


def _made(seed: int, cast: Cast) -> Person:
    canvas = mesh.canvas()
    phenotype, local = shape_of(seed, cast.name)
    vertices = neutral_head(phenotype, local, cast.arch)
    light = generator(seed, "light", *cast.words)
    lights, tints, sky, ground = lamps(light, cast.warmth)
    woman = phenotype["gender"] > 0.5
    cut = choose(generator(seed, "look-2", *cast.words), woman, phenotype["age"], cast, phenotype["african"])
    painted = paint(generator(seed, "paint-2", *cast.words), canvas, phenotype, cut, lights[0], cast)
    # A photographer opens the lens for dark skin; without it, the darkest faces lose their features.
    exposure = np.float32(1 + 1.2 * max(0, painted.tone - 2) / 7)
    return Person(
        name=f"{'-'.join(('actor', *cast.words))}-{seed}",
        age=phenotype["age"],
        identity=np.array([*phenotype.values(), *local.values()], np.float32),
        vertices=vertices,
        tone=painted.tone,
        albedo=painted.albedo,
        gloss=painted.gloss,
        sharpness=painted.sharpness,
        hair=painted.hair,
        brows=painted.brows,
        texture=painted.texture,
        mane=grow(generator(seed, "mane", *cast.words), cut, canvas, vertices, painted.colour),
        glasses=glasses.choose(generator(seed, "glasses", *cast.words), cast.glasses, vertices),
        lights=lights,
        tints=exposure * tints,
        sky=exposure * sky,
        ground=exposure * ground,
        background=backdrop(light),
        distance=_uniform(light, 0.8, 1.2),
    )


def neutral_head(phenotype: Mapping[str, float], local: Mapping[str, float], arch: float = WIDE.arch) -> np.ndarray:
    """The vertices ``float32 (N, 3)`` of a head at rest, in metres, the eyes at a fixed height.

    `arch` is how wide the teeth stand, as a share of what the base mesh has.
    """
    head = mesh.canvas().head
    vertices = head.neutral(phenotype, local)
    _set_teeth(vertices, head, arch)
    eyes = mesh.eye_corners(vertices).mean((0, 1)) * np.array([0, 0, 1])
    return (vertices + np.array([0, 0, mesh.EYE], np.float32) - eyes).astype(np.float32)


def identity(seed: int, cast: str = WIDE.name) -> np.ndarray:
    """What the shape of a person's head was made from, ``float32 (k,)``: the same in all clips of a subject.

    Nine phenotypes in [0, 1] (gender, age, muscle, weight, height, proportions, and the shares of three origins as the
    package `anny` has them), then the local changes in [-1, 1] in the order of `Head.local_names`.
    """
    return person(seed, cast).identity


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _set_teeth(vertices: np.ndarray, head: Head, arch: float) -> None:
    """Moves the teeth inwards, in place: the base mesh holds them so far out that they pierce the lips' corners."""
    teeth = np.unique(head.quads[head.part == mesh.TEETH])
    middle = vertices[teeth, 0].mean()
    vertices[teeth, 0] = middle + arch * (vertices[teeth, 0] - middle)
    vertices[teeth, 1] += 0.0025
    rows = head.quads[head.part == mesh.TEETH]
    vertices[np.unique(rows[: len(rows) // 2]), 2] -= 0.0034


#: Widths of the local changes by what their names begin with or, first, by their whole names; 0.3 where none fits.
_WIDTHS = {
    "head-angle-out": 0.03, "head-trans-out": 0.03, "neck-trans-out": 0.03, "nose-trans-out": 0.06,
    "mouth-trans-out": 0.03, "head-trans-forward": 0.08, "head-trans-up": 0.08, "mouth-laugh-lines-out": 0.08,
    "head-age-incr": 0.18, "l-eye-bag-incr": 0.12, "l-eye-bag-out": 0.12, "eyebrows-angle-up": 0.1,
    "eyebrows-trans-up": 0.42, "eyebrows-trans-forward": 0.40, "head-scale-vert-incr": 0.25,
    "l-eye-trans-out": 0.35, "l-eye-scale-incr": 0.50,
    "l-eye-push1-out": 0.25, "l-eye-push2-out": 0.25, "l-eye-epicanthus-out": 0.35, "l-eye-trans-up": 0.36,
    "mouth-scale-horiz-incr": 0.48, "mouth-trans-up": 0.45, "mouth-upperlip-middle-up": 0.15,
    "mouth-lowerlip-middle-up": 0.15, "mouth-angles-up": 0.2, "mouth-trans-forward": 0.33,
    "mouth-scale-depth-incr": 0.2, "chin-height-incr": 0.35, "forehead-nubian-incr": 0.2,
    "forehead-scale-vert-incr": 0.3, "neck": 0.08, "mouth": 0.30, "l-eye": 0.30, "nose": 0.42, "chin": 0.48,
    "l-cheek": 0.45, "head": 0.46, "forehead": 0.35,
}  # fmt: skip


def _width(name: str) -> float:
    if name in _WIDTHS:
        return _WIDTHS[name]
    return next((width for start, width in _WIDTHS.items() if name.startswith(start)), 0.3)


#: Where on a frame's height the chin may lie; the rule of the crop puts a real one at about 0.97.
_CHIN = (0.84, 0.97)


@lru_cache(maxsize=256)
def shape_of(seed: int, cast: str) -> tuple[dict[str, float], dict[str, float]]:
    """A person's phenotype and local changes, drawn until the chin lies in the frame."""
    kind = cast_named(cast)
    draw = gentle_shape if kind.gentle else drawn_shape
    head, rows, rng = mesh.canvas().head, mesh.landmark_rows(), generator(seed, "shape", *kind.words)
    while True:
        phenotype, local = draw(rng, head.local_names)
        points = rows @ head.neutral(phenotype, local)
        apart = points[42:48, 0].mean() - points[36:42, 0].mean()
        chin = faces.EYE_LEVEL + faces.EYE_DISTANCE * (points[36:48, 2].mean() - points[8, 2]) / apart
        if _CHIN[0] < chin < _CHIN[1]:
            return phenotype, local


def _phenotype(races: np.ndarray, **drawn: float) -> dict[str, float]:
    """A phenotype by name: what was drawn, then the shares of three origins ``(3,)``."""
    return drawn | dict(zip(("african", "asian", "caucasian"), map(float, races), strict=True))


def drawn_shape(rng: np.random.Generator, names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Phenotype and local changes: left and right nearly alike, and little of what would turn the head."""
    woman = rng.random() < 0.5
    races = rng.dirichlet([0.4, 0.4, 0.4]) + 0.02
    phenotype = _phenotype(
        races,
        gender=float(np.clip(rng.normal(0.88 if woman else 0.12, 0.12), 0, 1)),
        age=_uniform(rng, 0.6, 1.0),
        muscle=_uniform(rng, 0.1, 0.9),
        weight=_uniform(rng, 0.1, 0.9),
        height=_uniform(rng, 0.2, 0.8),
        proportions=_uniform(rng, 0.1, 0.8),
    )
    local: dict[str, float] = {}
    for name in names:
        if name.startswith("r-"):
            local[name] = local["l-" + name[2:]] + rng.normal(0, 0.02)
        else:
            width = _width(name)
            bound = min(2.2 * width, 0.95)
            local[name] = float(np.clip(rng.normal(0, width), -bound, bound))
    return phenotype, local


#: How many of the local changes a gentle shape has, and their standard deviation.
_CHANGED, _GENTLE = 0.25, 0.2
#: What everybody's gentle shape has, mean and standard deviation: eyes and mouth as wide as people's, which the
#: head's are not, and proportions that differ as much as people's do.
_COMMON = {
    "l-eye-scale-incr": (0.45, 0.15), "l-eye-push1-out": (0.22, 0.10), "l-eye-push2-out": (0.32, 0.10),
    "l-eye-trans-out": (-0.22, 0.14), "l-eye-height2-incr": (0.08, 0.15), "mouth-scale-horiz-incr": (0.34, 0.22),
    "mouth-lowerlip-volume-incr": (0.0, 0.25), "mouth-upperlip-volume-incr": (0.0, 0.25),
    "mouth-trans-up": (0.0, 0.25), "head-scale-horiz-incr": (0.0, 0.25), "head-fat-incr": (0.0, 0.3),
    "chin-width-incr": (0.0, 0.3), "chin-height-incr": (0.0, 0.25), "l-cheek-bones-incr": (0.0, 0.25),
    "nose-scale-horiz-incr": (0.0, 0.25), "nose-scale-vert-incr": (0.0, 0.25), "nose-width3-incr": (0.0, 0.2),
    "eyebrows-trans-up": (0.0, 0.25),
}  # fmt: skip
#: Lips that these part show teeth at rest.
_PARTING = ("mouth-upperlip-middle-up", "mouth-lowerlip-middle-up", "mouth-upperlip-ext-up", "mouth-lowerlip-ext-up")


def gentle_shape(rng: np.random.Generator, names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Phenotype and local changes as people's: a quarter of what `drawn_shape` changes, by less, and fewer extremes."""
    woman = rng.random() < 0.5
    races = rng.dirichlet([0.5, 0.5, 0.5]) + 0.02
    phenotype = _phenotype(
        races,
        gender=float(np.clip(rng.normal(0.94 if woman else 0.08, 0.07), 0, 1)),
        age=0.6 + 0.36 * float(rng.beta(1.1, 2.2)),
        muscle=_uniform(rng, 0.3, 0.6) if woman else _uniform(rng, 0.35, 0.8),
        weight=float(np.clip(rng.normal(0.5, 0.16), 0.15, 0.9)),
        height=_uniform(rng, 0.2, 0.8),
        proportions=_uniform(rng, 0.0, 0.5),
    )
    local: dict[str, float] = {}
    for name in names:
        if name.startswith("r-"):
            local[name] = local["l-" + name[2:]] + rng.normal(0, 0.015)
        else:
            width = 0.05 if name in _PARTING else min(_width(name), _GENTLE)
            middle, width = _COMMON.get(name, (0.0, width))
            amount = middle + width * float(np.clip(rng.normal(), -2.2, 2.2))
            kept = rng.random() < _CHANGED or name in _COMMON
            local[name] = float(np.clip(amount, -0.95, 0.95)) if kept else 0.0
    return phenotype, local


#: By how much closed lids overlap, in metres.
OVERLAP = 0.001
#: Landmarks of the upper and the lower lid of each eye that meet when it closes.
LIDS = (("Left", (43, 44), (47, 46)), ("Right", (37, 38), (41, 40)))


@lru_cache(maxsize=256)
def own_gains(seed: int, cast: str = WIDE.name) -> np.ndarray:
    """How much stronger a person's facial shapes are than the head's, ``float32 (52,)``: 1 but for eyes.

    Eyes differ in height: by its gain eyeBlink 1 closes everybody's, and pushes no lid through the other. Of the
    lifelike cast eyeWide is weaker: the lids of its wider eyes would else bare the whole iris.
    """
    gains = gains_of(mesh.canvas().head.neutral(*shape_of(seed, cast)))
    for side in ("Left", "Right"):
        gains[BLENDSHAPES.index("eyeWide" + side)] *= np.float32(cast_named(cast).eye_wide)
    return gains


def gains_of(vertices: np.ndarray) -> np.ndarray:
    """`own_gains` of a head at rest, ``float32 (N, 3)``."""
    head, rows = mesh.canvas().head, mesh.landmark_rows()
    points = rows @ vertices
    gains = np.ones(len(BLENDSHAPES), np.float32)
    for side, above, below in LIDS:
        index = BLENDSHAPES.index("eyeBlink" + side)
        moved = rows @ head.facial[index]
        gap, closing = (
            (points[list(above)] - points[list(below)])[:, 2],
            (moved[list(below)] - moved[list(above)])[:, 2],
        )
        gains[index] = ((gap + OVERLAP) / closing).max()
    return gains


def lamps(rng: np.random.Generator, warmth: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Directions ``(3, 3)`` towards key, fill and rim light, their colours ``(3, 3)``, sky and ground ``(3,)``."""
    turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.35, 0.95)
    rise = rng.uniform(0.35, 0.8)
    places = [
        (turn, rise),
        (-turn * rng.uniform(0.6, 1.1), rng.uniform(-0.1, 0.35)),
        (-np.sign(turn) * 2.3, 0.4),
    ]
    directions = [(np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)) for a, b in places]
    warm = warmth * rng.uniform(-1, 1)
    key = np.array([1 + 0.10 * warm, 1.0, 1 - 0.13 * warm]) * rng.uniform(0.72, 0.95)
    fill = np.array([1 - 0.12 * warm, 1.0, 1 + 0.16 * warm]) * rng.uniform(0.12, 0.3)
    rim = rng.uniform(0.85, 1.1, 3) * rng.uniform(0.1, 0.45)
    sky = np.array([0.95, 1.0, 1.06]) * rng.uniform(0.26, 0.4)
    ground = np.array([1.06, 0.98, 0.9]) * rng.uniform(0.12, 0.22)
    arrays = (np.array(directions), np.stack([key, fill, rim]), sky, ground)
    return tuple(np.asarray(value, np.float32) for value in arrays)


def backdrop(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
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
