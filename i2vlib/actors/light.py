"""Light on an actor: how much reaches each vertex, and what each vertex sends to the camera.

Light is linear, from 0 to 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.mesh import Canvas, smoothstep
from i2vlib.actors.people import Person
from i2vlib.actors.texture import PLAIN

#: What skin is multiplied by so that plain texels of its texture leave it as it is.
_LIFTED = np.float32(PLAIN**-2.2)


def shade(
    who: Person, canvas: Canvas, points: np.ndarray, normal: np.ndarray, light: np.ndarray, creased: np.ndarray
) -> np.ndarray:
    """Linear colour ``(3, M)``: wrapped diffuse light that reddens at the edge of shade, ambient light, and gloss.

    `light` ``(M, 2)`` is what of the ambient and of the key light reaches each vertex, and `creased` ``(M,)`` the share
    that its creases take. A channel at a time, each ``(M,)``: numpy is slow where the innermost dimension is 3.
    """
    is_skin = canvas.part == mesh.SKIN
    wrap = [np.where(is_skin, np.float32(amount), np.float32(0.1)) for amount in (0.42, 0.20, 0.14)]
    ambient, key = np.ascontiguousarray(light.T)
    up = np.float32(0.5) + np.float32(0.5) * normal[:, 2]
    red, grey = ambient ** np.float32(0.75), ambient ** np.float32(0.95)
    total = [(who.sky[c] * up + who.ground[c] * (1 - up)) * (grey if c else red) for c in range(3)]
    gleam = [np.float32(0), np.float32(0), np.float32(0)]
    for index, (lamp, tint) in enumerate(zip(who.lights, who.tints, strict=True)):
        facing = normal @ lamp
        reach = 0.22 + 0.78 * key if index == 0 else 0.3 + 0.7 * ambient
        reddened = reach ** np.float32(0.72)
        half = lamp + np.array([0, -1, 0], np.float32)
        shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** who.sharpness
        for c in range(3):
            diffuse = np.maximum((facing + wrap[c]) / (1 + wrap[c]), 0)
            total[c] = total[c] + diffuse * (reach if c else reddened) * tint[c]
            gleam[c] = gleam[c] + shine * tint[c] * (reach if index == 0 else ambient)
    edge = 1 + 1.2 * (1 - np.clip(-normal[:, 1], 0, 1)) ** 3
    # What skin mirrors is golden on dark people: white light on it would look like ash.
    dark = np.float32(min(1.0, max(0.0, (who.tone - 3) / 5)))
    golden = [np.where(is_skin, 1 - dark * np.float32(less), np.float32(1)) for less in (0.10, 0.36, 0.56)]
    lids = _under_lids(canvas, points) * (1 - creased)
    raised = np.where(is_skin, _LIFTED, np.float32(1))
    colour = [who.albedo[:, c] * total[c] * lids + who.gloss * gleam[c] * edge * golden[c] for c in range(3)]
    for chosen, catch in _catchlights(who, canvas, points):
        for c in range(3):
            colour[c][chosen] += catch * (0.4 + 0.6 * who.tints[0, c])
    return np.stack([_shoulder(channel) * raised for channel in colour])


def _catchlights(who: Person, canvas: Canvas, points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices of each eyeball, and the key and fill lamps mirrored in it: small soft spots beside the pupil."""
    found = []
    for chosen, middle in mesh.pupils(canvas):
        centre = _centre(points[chosen[::8]])
        ray = points[chosen] - centre
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        looking = points[middle].mean(0) - centre
        looking /= np.linalg.norm(looking)
        catch = np.zeros(len(chosen), np.float32)
        for lamp, strength, wide in ((who.lights[0], 0.55, 2.6), (who.lights[1], 0.07, 3.6)):
            half = lamp + np.array([0, -1, 0], np.float32)
            offset = half / np.linalg.norm(half) - looking
            offset -= (offset @ looking) * looking
            far = np.linalg.norm(offset)
            # The cornea bulges more than the ball; its mirror image never lies on the pupil's middle.
            offset *= np.clip(far / 1.8, np.sin(np.radians(12.0)), np.sin(np.radians(15.0))) / max(far, 1e-6)
            spot = looking + offset
            spot /= np.linalg.norm(spot)
            catch += strength * np.exp(((ray @ spot) - 1) / np.radians(wide) ** 2)
        found.append((chosen, catch))
    return found


def _centre(points: np.ndarray) -> np.ndarray:
    """The middle ``(3,)`` of the sphere nearest to points ``(n, 3)``."""
    at = points.mean(0, dtype=np.float64)
    near = points - at
    rows = np.concatenate([2 * near, np.ones((len(near), 1))], 1)
    found = np.linalg.lstsq(rows, (near * near).sum(1), rcond=None)[0]
    return (at + found[:3]).astype(np.float32)


def _shoulder(light: np.ndarray) -> np.ndarray:
    """Keeps light up to a half, and compresses the rest below 0.92."""
    over = np.maximum(light - np.float32(0.5), 0)
    return np.minimum(light, np.float32(0.5)) + np.float32(0.42) * (1 - np.exp(over / np.float32(-0.42)))


def _under_lids(canvas: Canvas, points: np.ndarray) -> np.ndarray:
    """What the upper lids leave of the light on each vertex, ``(M,)``: they shade the eyes below them."""
    left = np.ones(len(points), np.float32)
    for chosen, rim in mesh.eye_rims(canvas):
        lid = points[rim, 2]
        place = np.interp(points[chosen, 0], *_sorted(points[rim, 0], lid))
        left[chosen] = 1 - 0.62 * smoothstep(-0.0052, 0.0005, points[chosen, 2] - place)
    return left


def _sorted(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(x)
    return x[order], z[order]


def occlusion(points: np.ndarray, normal: np.ndarray, directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of light from `directions` ``(D, 3)`` that reaches each point, ``(K,)`` in [0, 1], cosine-weighted.

    A depth picture of the points is taken along each direction, with cells of 5 mm; a point more than 6 mm
    behind the front of its cell lies in shadow.
    """
    lit = np.zeros(len(points), np.float32)
    total = np.full(len(points), 1e-6, np.float32)
    for direction, weight in zip(directions, weights, strict=True):
        helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        u = np.cross(helper, direction)
        u /= np.linalg.norm(u)
        v = np.cross(direction, u)
        across, along = np.floor(points @ np.stack([u, v], 1).astype(np.float32) / 0.005).T.astype(np.int64, order="C")
        along -= along.min()
        cell = (across - across.min()) * (along.max() + 1) + along
        depth = points @ direction.astype(np.float32)
        front = np.full(cell.max() + 1, -9.0, np.float32)
        np.maximum.at(front, cell, depth)
        facing = np.maximum(normal @ direction.astype(np.float32), 0) * np.float32(weight)
        lit += facing * smoothstep(0.010, 0.005, front[cell] - depth)
        total += facing
    return lit / total


def srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to ``uint8`` sRGB."""
    linear = np.clip(linear, 0, 1)
    return (np.where(linear < 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255 + 0.5).astype(
        np.uint8
    )


@lru_cache(maxsize=1)
def sky_directions() -> tuple[np.ndarray, np.ndarray]:
    """Directions ``(28, 3)`` evenly over the front of the sphere, and their weights: more from above."""
    index = np.arange(28) + 0.5
    polar, turn = np.arccos(1 - 1.25 * index / 28), np.pi * (1 + 5**0.5) * index
    directions = np.stack([np.sin(polar) * np.cos(turn), -np.cos(polar), np.sin(polar) * np.sin(turn)], 1)
    return directions, np.where(directions[:, 2] > 0, 1.0, 0.6)


@lru_cache(maxsize=1)
def soft_offsets() -> np.ndarray:
    """Offsets ``(8, 3)`` over a disc: a lamp of some size, whose shadows are soft."""
    turn = np.arange(8) * 2.4
    radius = 0.22 * np.sqrt((np.arange(8) + 0.5) / 8)
    return np.stack([radius * np.cos(turn), np.zeros(8), radius * np.sin(turn)], 1)
