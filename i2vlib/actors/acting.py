"""How an expression comes over a face: the still that it starts from, and muscles that start one after another."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from i2vlib.actors.nuisance import with_eyes
from i2vlib.expressions import BLENDSHAPES, sides, taken_over

#: Stills that people are photographed in, by the coefficients that each holds at most.
STARTS: Mapping[str, Mapping[str, float]] = MappingProxyType({
    "at_rest": {},
    "smiling": {"mouthSmile": 0.75, "cheekSquint": 0.4, "mouthDimple": 0.3, "eyeSquint": 0.25},
    "laughing": {
        "mouthSmile": 0.9, "cheekSquint": 0.6, "mouthUpperUp": 0.6, "mouthLowerDown": 0.45, "jawOpen": 0.22,
        "eyeSquint": 0.35,
    },
    "lips_parted": {"jawOpen": 0.10, "mouthUpperUp": 0.15, "mouthLowerDown": 0.25},
    "saying_a": {"jawOpen": 0.40, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "saying_e": {"jawOpen": 0.14, "mouthStretch": 0.5, "mouthUpperUp": 0.35, "mouthLowerDown": 0.5, "mouthSmile": 0.2},
    "saying_o": {"jawOpen": 0.25, "mouthFunnel": 0.6, "mouthPucker": 0.3},
    "squinting": {"eyeSquint": 0.7, "cheekSquint": 0.35, "browDown": 0.3},
    "brows_up": {"browInnerUp": 0.5, "browOuterUp": 0.5, "eyeWide": 0.2},
    "frowning": {"browDown": 0.5, "mouthPress": 0.3, "mouthFrown": 0.2},
    "sleepy": {"eyeBlink": 0.3, "jawOpen": 0.03},
})  # fmt: skip
#: How often each of them is drawn; a still at rest looks into the camera, and does no more.
CHANCES = (0.08, 0.17, 0.17, 0.10, 0.10, 0.10, 0.07, 0.07, 0.05, 0.05, 0.04)
#: How many stills look into the camera; the others look where the head points.
FACING = 0.85


def opening(rng: np.random.Generator, share: float, pose: np.ndarray) -> np.ndarray:
    """The coefficients ``float32 (52,)`` in [0, 1] of a clip's first frame: 0 but in a share of clips.

    Args:
        pose: ``(3, 3)``, the rotation of the head, by which eyes find the camera.
    """
    first = np.zeros(len(BLENDSHAPES), np.float32)
    starts = rng.random() < share
    recipe = STARTS[str(rng.choice(list(STARTS), p=CHANCES))]
    strength, facing, lean = rng.uniform(0.45, 1.0), rng.random() < FACING, rng.normal(0, 0.07)
    if not starts:
        return first
    for name, amount in recipe.items():
        each = amount * strength * rng.uniform(0.8, 1.15)
        for label in sides(name):
            sway = (1 + lean) if label.endswith("Left") else (1 - lean) if label.endswith("Right") else 1.0
            first[BLENDSHAPES.index(label)] = np.clip(each * sway, 0, 1)
    if facing:
        across, _, up = np.degrees(np.arcsin(pose.T @ np.array([0.0, -1.0, 0.0])))
        first = with_eyes(first[None], np.zeros(1), np.array([[across, up]]))[0]
    return first


def rises(rng: np.random.Generator, stagger: float, intensity: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """How far each shape has come, ``float32 (T, 52)`` in [0, 1], at intensities ``(T,)``: 0 at 0 and 1 at 1.

    Each rises from an onset to an end of its own, at most `stagger` of the way apart from the others', and left and
    right nearly at once; at stagger 0 all are the intensity. The intensity stays the mean of what the shapes have come,
    weighted by a peak ``(52,)`` that is not all 0.
    """
    onset, over = stagger * rng.uniform(0, 0.45, (2, len(BLENDSHAPES)))
    near = rng.normal(0, 0.03 * stagger, len(BLENDSHAPES))
    for index, label in enumerate(BLENDSHAPES):
        if label.endswith("Right"):
            left = BLENDSHAPES.index(label.removesuffix("Right") + "Left")
            onset[index], over[index] = max(0.0, onset[left] + near[index]), over[left]
    # The first of the peak's shapes starts at once, and the last ends with the clip's own rise.
    onset, over = (np.maximum(value - value[peak > 0].min(), 0) for value in (onset, over))

    def at(time: np.ndarray) -> np.ndarray:
        linear = np.clip((time[:, None] - onset) / np.maximum(1 - onset - over, 0.05), 0, 1)
        return linear + stagger * (linear * linear * (3 - 2 * linear) - linear)

    time = np.linspace(0, 1, 513)
    come = at(time) @ peak
    risen = at(np.interp(np.asarray(intensity, np.float64), come / come[-1], time))
    return (risen * (np.asarray(intensity)[:, None] > 0)).astype(np.float32)


def blended(first: np.ndarray, peak: np.ndarray, risen: np.ndarray, expression: str) -> np.ndarray:
    """Coefficients ``float32 (T, 52)`` on the way from a first frame ``(52,)`` to a peak ``(52,)``.

    Where an expression moves brows, lids, gaze, mouth or cheeks, `risen` ``(T, 52)`` leads from the start to the peak;
    elsewhere the start stays: closing the eyes takes no smile away.
    """
    target = np.where(taken_over(expression), peak, np.maximum(first, peak))
    return (first + risen * (target - first)).astype(np.float32)
