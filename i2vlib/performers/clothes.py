"""What a performer wears: colours of the vertices, and how far cloth, shoes and hair stand off the skin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors.mesh import linear, smoothstep
from i2vlib.actors.skin import hair_colour, skin_colour, tone_of
from i2vlib.performers.body import BONES, load_body, skin_weights

#: Cloth in sRGB: shirts, and what is worn below.
_SHIRTS = ((196, 44, 48), (32, 74, 150), (238, 238, 232), (30, 32, 38), (44, 128, 84), (232, 184, 48), (226, 112, 40),
           (110, 62, 140), (70, 150, 196), (214, 120, 150), (128, 132, 138), (94, 34, 46), (24, 120, 128))  # fmt: skip
_BOTTOMS = ((28, 30, 36), (44, 52, 84), (236, 234, 226), (104, 106, 112), (140, 116, 86), (60, 70, 60), (20, 44, 96),
            (150, 34, 40))  # fmt: skip
_SHOES = ((236, 236, 232), (34, 34, 38), (170, 40, 44), (40, 80, 150), (120, 90, 60), (220, 210, 80))
_TOPS = {"shirt": 0.42, "sleeves": 0.22, "vest": 0.16, "raglan": 0.20}
_LEGS = {"shorts": 0.42, "trousers": 0.38, "leggings": 0.20}
_PATTERNS = {"plain": 0.34, "stripes": 0.24, "block": 0.16, "band": 0.14, "pinstripes": 0.12}
_HAIR = {"short": 0.34, "long": 0.26, "bun": 0.12, "cap": 0.18, "bald": 0.10}


@dataclass(frozen=True, eq=False)
class Worn:
    """What is worn: colours ``albedo (N, 3)``, linear; metres ``off (N,)`` by which each vertex stands off the skin;
    and the skin's ``tone``, 0 to 9."""

    albedo: np.ndarray
    off: np.ndarray
    tone: int


@dataclass(frozen=True, eq=False)
class _Places:
    """Where each vertex of the template lies: fields ``(N,)``.

    ``arm`` runs from 0 at the shoulder over 1 at the elbow to 2 at the wrist and on, -1 elsewhere; ``leg`` likewise
    from hip over knee to ankle; ``of`` is how much of a vertex moves with arms, legs, feet, hands, head. ``eyes``
    ``(2, 3)`` and ``mouth (3,)`` are where those are.
    """

    place: np.ndarray
    arm: np.ndarray
    leg: np.ndarray
    of: dict[str, np.ndarray]
    eyes: np.ndarray
    mouth: np.ndarray


@lru_cache(maxsize=1)
def _places() -> _Places:
    body, weights = load_body(), skin_weights()
    head = dict(zip(body.names, body.heads, strict=True))
    share = lambda *names: weights[:, [i for i, bone in enumerate(BONES) if bone.startswith(names)]].sum(1)  # noqa: E731
    of = {
        "arm": share("upperarm", "lowerarm", "wrist"),
        "leg": share("upperleg", "lowerleg", "foot", "toes"),
        "foot": share("foot", "toes"),
        "hand": share("wrist"),
        "head": share("head"),
        "neck": share("neck"),
    }
    place = body.template
    mirrored = np.column_stack([np.abs(place[:, 0]), place[:, 1:]])
    arm = _along(mirrored, [head[name] for name in ("upperarm01.L", "lowerarm01.L", "wrist.L")])
    leg = _along(mirrored, [head[name] for name in ("upperleg01.L", "lowerleg01.L", "foot.L")])
    arm[of["arm"] < 0.5] = -1
    leg[of["leg"] < 0.3] = -1
    eyes = np.stack([head["eye.L"], head["eye.R"]])
    mouth = (head["oris05"] + head["oris01"]) / 2
    return _Places(place, arm, leg, of, eyes, mouth)


def _along(place: np.ndarray, line: list[np.ndarray]) -> np.ndarray:
    """How far along a line of two pieces each place lies: 0 to 1 on the first, 1 to 2 on the second and beyond."""
    a, b, c = line
    first = (place - a) @ (b - a) / ((b - a) @ (b - a))
    second = (place - b) @ (c - b) / ((c - b) @ (c - b))
    return np.where(second > 0, 1 + second, np.minimum(first, 1))


def dressed(rng: np.random.Generator, phenotype: Mapping[str, float]) -> Worn:
    """Dresses a person of a phenotype."""
    at = _places()
    x, y, z = at.place.T
    tone = tone_of(rng, phenotype)
    skin = skin_colour(rng, tone)
    woman = phenotype["gender"] > 0.5
    albedo, off = np.repeat(skin[None], len(x), 0), np.zeros(len(x))
    albedo, off = _face(at, albedo, off, rng, skin)
    top, legs, pattern = (_chosen(rng, table) for table in (_TOPS, _LEGS, _PATTERNS))
    shirt, bottom, shoe = (np.stack([linear(c) for c in table]) for table in (_SHIRTS, _BOTTOMS, _SHOES))
    one, other = shirt[rng.permutation(len(shirt))[:2]] * np.exp(rng.normal(0, 0.12, (2, 3)) * [1, 0.6, 0.6])
    low = bottom[rng.choice(len(bottom))] * np.exp(rng.normal(0, 0.15))
    if np.abs(np.log(low.mean() + 0.02) - np.log(one.mean() + 0.02)) < 0.35:
        low = low * (0.35 if one.mean() > 0.2 else 2.5) + (0.02 if one.mean() <= 0.2 else 0)

    end = {"shorts": rng.uniform(0.55, 0.98), "trousers": 1.93, "leggings": rng.choice([1.45, 1.9])}[legs]
    torso = (at.of["head"] < 0.3) & (at.arm < 0) & (at.of["hand"] < 0.1)
    below = smoothstep(0.165, 0.155, z) * (torso & (at.leg < 0))
    below = np.maximum(below, smoothstep(end + 0.02, end - 0.02, at.leg) * (at.leg >= -0.5) * (at.of["leg"] >= 0.3))
    cloth = low[None] * np.ones((len(x), 1))
    if pattern in ("band", "block") and legs != "leggings":
        side = smoothstep(0.025, 0.015, np.abs(y - np.interp(z, [-0.8, 0.1], [0.0, -0.02]))) * (
            np.abs(x) > 0.14 - 0.1 * z
        )
        cloth = _mixed(cloth, one, side)
    albedo = _mixed(albedo, cloth, below)
    loose = {"shorts": 0.016, "trousers": 0.012, "leggings": 0.003}[legs]
    flare = 0.016 * smoothstep(0.2, end, at.leg) if legs == "shorts" else 0.0
    off = np.where(below > 0.5, loose + flare, off)

    sleeve = {"shirt": rng.uniform(0.45, 0.85), "sleeves": 1.92, "vest": -0.2, "raglan": rng.uniform(0.6, 1.92)}[top]
    hem = rng.uniform(0.06, 0.13)
    # A collar is a ring around the neck, lower in front.
    collar = 0.600 - rng.uniform(0.035, 0.075) * smoothstep(0.0, -0.09, y) + 0.6 * smoothstep(0.055, 0.085, np.abs(x))
    trunk = smoothstep(hem - 0.006, hem + 0.006, z) * smoothstep(collar + 0.006, collar - 0.006, z)
    above = np.where(torso, trunk * (at.leg < 0.35), 0)
    above = np.where(at.arm > -0.9, smoothstep(sleeve + 0.02, sleeve - 0.02, at.arm), above)
    if top == "vest":
        above = np.where(at.arm > -0.9, 0, above) * smoothstep(0.19, 0.17, np.abs(x))
    cloth = _patterned(at, one, other, pattern, top, rng)
    albedo = _mixed(albedo, cloth, above)
    off = np.where(above > 0.5, 0.012 if top != "vest" else 0.007, off)

    shoes = np.where(at.of["foot"] > 0.4, 1.0, 0.0)
    sock = smoothstep(1.62, 1.66, at.leg) * (at.leg > 0) * (rng.random() < 0.6) * (end < 1.5)
    albedo = _mixed(albedo, np.array([0.8, 0.8, 0.78]), sock * (1 - below))
    paint = shoe[rng.choice(len(shoe))]
    sole = smoothstep(-0.785, -0.795, z)[:, None]
    albedo = _mixed(albedo, paint * (1 - sole) + sole * (0.75 if paint.mean() < 0.4 else 0.12), shoes)
    off = np.where(shoes > 0, 0.011, off)
    albedo, off = _hair(at, albedo, off, rng, tone, phenotype["age"], woman, other)
    return Worn(np.clip(albedo, 0.003, 0.92).astype(np.float32), off.astype(np.float32), tone)


def _patterned(
    at: _Places, one: np.ndarray, other: np.ndarray, pattern: str, top: str, rng: np.random.Generator
) -> np.ndarray:
    x, _, z = at.place.T
    cloth = one[None] * np.ones((len(x), 1))
    height = np.where(at.arm > -0.9, 0.52 - 0.26 * at.arm, z)
    if pattern == "stripes":
        width = rng.uniform(0.05, 0.085)
        cloth = _mixed(cloth, other, smoothstep(-0.2, 0.2, np.sin(2 * np.pi * height / width)))
    elif pattern == "block":
        cloth = _mixed(cloth, other, smoothstep(0.37, 0.39, height))
    elif pattern == "band":
        cloth = _mixed(cloth, other, smoothstep(0.06, 0.05, np.abs(height - 0.36)))
    elif pattern == "pinstripes":
        cloth = _mixed(cloth, 0.35 * one + 0.1, smoothstep(0.5, 0.9, np.sin(2 * np.pi * x / 0.055)) * (at.arm < 0))
    if top == "raglan":
        cloth = _mixed(cloth, other, smoothstep(0.02, 0.08, at.arm))
    return cloth


def _face(
    at: _Places, albedo: np.ndarray, off: np.ndarray, rng: np.random.Generator, skin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    for eye in at.eyes:
        way = at.place - eye
        far = np.linalg.norm(way, axis=1)
        ball = (far < 0.0165) & (at.of["head"] > 0.5)
        ahead = np.hypot(way[:, 0], way[:, 2])
        albedo = _mixed(albedo, np.array([0.55, 0.53, 0.5]), ball * 1.0)
        albedo = _mixed(albedo, np.array([0.02, 0.015, 0.01]), ball * smoothstep(0.008, 0.006, ahead))
        brow = smoothstep(0.006, 0.003, np.abs(way[:, 2] - 0.024)) * (np.abs(way[:, 0]) < 0.024) * (way[:, 1] < 0.02)
        albedo = _mixed(albedo, 0.25 * skin * [1, 0.8, 0.7], 0.8 * brow * (far < 0.05))
    way = at.place - at.mouth
    lips = (
        smoothstep(0.013, 0.006, np.hypot(way[:, 2], 0.4 * way[:, 0]))
        * (way[:, 1] < 0.03)
        * (np.abs(way[:, 0]) < 0.026)
    )
    return _mixed(albedo, skin * [0.85, 0.5, 0.5], 0.7 * lips * at.of["head"]), off


def _hair(
    at: _Places, albedo: np.ndarray, off: np.ndarray, rng: np.random.Generator, tone: int, age: float, woman: bool,
    cloth: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    colour, _ = hair_colour(rng, tone, age)
    style = _chosen(rng, _HAIR)
    style = (
        {"bald": "long", "short": "bun"}.get(style, style)
        if woman
        else {"long": "short", "bun": "short"}.get(style, style)
    )
    x, y, z = at.place.T
    top = z.max()
    eye = at.eyes[:, 2].mean()
    front = at.eyes[:, 1].mean()
    line = np.interp(
        y, [front, front + 0.05, front + 0.09, front + 0.13], [eye + 0.062, eye + 0.035, eye - 0.01, eye - 0.055]
    )
    if style == "long":
        line = np.interp(
            y, [front, front + 0.05, front + 0.08, front + 0.12], [eye + 0.06, eye - 0.01, eye - 0.10, eye - 0.16]
        )
    on = smoothstep(-0.004, 0.004, z - line) * ((at.of["head"] + at.of["neck"]) > 0.5)
    if style == "bald":
        return albedo, off
    if style == "cap":
        lid = smoothstep(eye + 0.045, eye + 0.052, z) * (at.of["head"] > 0.5)
        albedo, off = _mixed(albedo, colour, on), np.where(on > 0.5, 0.008, off)
        peak = lid * smoothstep(front + 0.015, front, y) * smoothstep(eye + 0.075, eye + 0.06, z) * (np.abs(x) < 0.055)
        return _mixed(albedo, cloth, lid), np.where(lid > 0.5, 0.014 + 0.055 * peak, off)
    thick = {"short": rng.uniform(0.008, 0.02), "long": rng.uniform(0.02, 0.032), "bun": 0.012}[style]
    grown = thick * smoothstep(0, 0.04, z - line) * (1 + 0.5 * smoothstep(eye, top, z))
    if style == "bun":
        bun = np.exp(-(((z - eye - 0.03) / 0.026) ** 2 + (x / 0.026) ** 2)) * smoothstep(front + 0.12, front + 0.15, y)
        grown = grown + 0.07 * bun
    return _mixed(albedo, colour, on), np.where(on > 0.5, 0.004 + grown, off)


def _mixed(below: np.ndarray, above: np.ndarray, amount: np.ndarray) -> np.ndarray:
    amount = np.asarray(amount, np.float64)[:, None]
    return below * (1 - amount) + above * amount


def _chosen(rng: np.random.Generator, chances: Mapping[str, float]) -> str:
    return str(rng.choice(list(chances), p=list(chances.values())))
