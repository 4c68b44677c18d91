"""The expressions of the book, one row each: what makes one, what shows it, and what data sets call it.

To add an expression, add a row; nothing else has to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

#: The 52 ARKit blendshapes, in the order of the columns of `Clip.blendshapes`.
BLENDSHAPES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """One expression.

    Attributes:
        name: its spelling everywhere in the book.
        recipe: blendshape to coefficient at the peak, in [0, 1]; a name without Left or Right stands for both sides.
        lead: the scores whose mean shows how strong it is: of its own, those that a reader of real faces responds to
            most. So a lead tells how strong a known expression is, not which one it is. Empty where none can be read:
            then `i2vlib.faces.lead` measures a distance between landmarks.
        known_as: what each data set calls it, by the name of the data set's module; several where it has several.
        one_sided: it belongs to one side of the face: mirrored half of the time, it would be learnt as both at once.
        still_mouth: the mouth hardly moves, and a local loss on it is dropped (AffineGAN, section 4).
    """

    name: str
    recipe: Mapping[str, float]
    lead: tuple[str, ...]
    known_as: Mapping[str, str | int] = field(default_factory=dict)
    one_sided: bool = False
    still_mouth: bool = False


_ROWS = (
    Expression(
        "happy",
        {
            "mouthSmile": 1.0, "cheekSquint": 0.6, "mouthUpperUp": 0.7, "mouthLowerDown": 0.5, "jawOpen": 0.18,
            "eyeSquint": 0.3, "mouthDimple": 0.25, "mouthStretch": 0.1,
        },
        ("mouthSmileLeft", "mouthSmileRight"),
        {"affinegan": "happy", "ckplus": 5, "mug": "happiness", "ravdess": 3},
    ),
    Expression(
        "angry",
        {
            "browDown": 1.0, "eyeWide": 0.6, "noseSneer": 0.5, "mouthUpperUp": 0.3, "mouthLowerDown": 0.7,
            "jawOpen": 0.1, "mouthStretch": 0.4, "mouthFrown": 0.7,
        },
        ("browDownLeft", "browDownRight"),
        {"affinegan": "anger", "ckplus": 1, "mug": "anger", "ravdess": 5},
    ),
    Expression(
        "surprised",
        {
            "jawOpen": 0.55, "browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0, "mouthFunnel": 0.3,
            "mouthPucker": 0.2,
        },
        ("jawOpen",),
        {"affinegan": "surprise", "ckplus": 7, "mug": "surprise", "ravdess": 8},
    ),
    Expression(
        "contempt",
        {"mouthSmileLeft": 0.9, "mouthDimpleLeft": 0.7, "mouthUpperUpLeft": 0.4, "cheekSquintLeft": 0.4},
        ("mouthSmileLeft", "mouthSmileRight"),
        {"affinegan": "contempt", "ckplus": 2},
        one_sided=True,
    ),
    Expression(
        "eyes_up",
        {"eyeLookUp": 1.0, "browInnerUp": 0.35, "eyeWide": 0.3},
        ("eyeLookUpLeft", "eyeLookUpRight"),
        {"affinegan": "eyeup"},
        still_mouth=True,
    ),
    Expression(
        "eyes_closed",
        {"eyeBlink": 1.0, "eyeSquint": 0.1, "mouthPress": 0.15},
        ("eyeBlinkLeft", "eyeBlinkRight"),
        {"affinegan": "closeeye"},
        still_mouth=True,
    ),
    Expression(
        "cheeks_puffed",
        {"cheekPuff": 1.0, "mouthPress": 0.35, "mouthPucker": 0.3},
        (),
        {"affinegan": "drumcheeks"},
    ),
    Expression(
        "fear",
        {
            "browInnerUp": 1.0, "browOuterUp": 0.1, "browDown": 0.1, "eyeWide": 1.0, "mouthStretch": 1.0,
            "jawOpen": 0.22, "mouthLowerDown": 0.45,
        },
        ("browInnerUp",),
        {"ckplus": 4, "mug": "fear", "ravdess": 6},
    ),
    Expression(
        "disgust",
        {
            "noseSneer": 0.75, "mouthUpperUp": 0.8, "browDown": 0.25, "eyeSquint": 0.4, "cheekSquint": 0.4,
            "mouthShrugLower": 0.12, "mouthLowerDown": 0.1,
        },
        ("mouthUpperUpLeft", "mouthUpperUpRight"),
        {"ckplus": 3, "mug": "disgust", "ravdess": 7},
    ),
    Expression(
        "sad",
        {"browInnerUp": 0.9, "mouthFrown": 1.0, "mouthShrugLower": 0.6, "eyeSquint": 0.2, "eyeLookDown": 0.3},
        ("browInnerUp",),
        {"ckplus": 6, "mug": "sadness", "ravdess": 4},
    ),
)  # fmt: skip

#: Every expression by its name, in the order of their labels.
TABLE: Mapping[str, Expression] = MappingProxyType({row.name: row for row in _ROWS})
#: Their names. Loaders translate into these.
EXPRESSIONS: tuple[str, ...] = tuple(TABLE)

#: What moves as one: an expression that moves some of a group takes over all of it.
_GROUPS = (("brow",), ("eyeBlink", "eyeSquint", "eyeWide"), ("eyeLookUp", "eyeLookDown"), ("eyeLookIn", "eyeLookOut"),
           ("jaw", "mouth", "tongue", "cheekPuff"), ("cheekSquint", "noseSneer"))  # fmt: skip


def sides(name: str) -> tuple[str, ...]:
    """The blendshapes that a name stands for: itself, or where there is one a side, both."""
    return (name + "Left", name + "Right") if name + "Left" in BLENDSHAPES else (name,)


def named(name: str) -> Expression:
    """The row of an expression.

    Raises:
        ValueError: the book has no such expression.
    """
    if name not in TABLE:
        raise ValueError(f"The book knows no expression {name!r}. Choose one of: {', '.join(TABLE)}.")
    return TABLE[name]


def recipe(name: str) -> np.ndarray:
    """The coefficients ``float32 (52,)`` of an expression's peak before a person makes them their own.

    Raises:
        ValueError: the book has no such expression.
    """
    values = np.zeros(len(BLENDSHAPES), np.float32)
    for shape, amount in named(name).recipe.items():
        for side in sides(shape):
            values[BLENDSHAPES.index(side)] = amount
    return values


def taken_over(expression: str) -> np.ndarray:
    """Which coefficients ``bool (52,)`` an expression brings to its peak, whatever the first frame held."""
    row = named(expression)
    moved = tuple(label for name in row.recipe for label in sides(name))
    taken = np.zeros(len(BLENDSHAPES), bool)
    for group in _GROUPS:
        if any(label.startswith(group) for label in moved) and not (row.still_mouth and "mouth" in group):
            taken |= [label.startswith(group) for label in BLENDSHAPES]
    return taken


def known_to(data_set: str) -> dict[str | int, str]:
    """What a data set calls the expressions that it shows: its name or number to ours, in our order."""
    return {row.known_as[data_set]: row.name for row in TABLE.values() if data_set in row.known_as}
