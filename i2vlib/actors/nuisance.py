"""What happens in a recording beside the expression: blinks, wandering eyes, a drifting head, camera noise."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from i2vlib.actors.head import LOOK_UP
from i2vlib.expressions import BLENDSHAPES

#: By how many degrees the eyes turn at coefficient 1 of eyeLookIn and eyeLookOut, and of eyeLookDown.
ACROSS, UPRIGHT = 15.0, 10.5
#: Seconds in which a lid closes, and in which it opens again.
_CLOSING, _OPENING = 0.1, 0.2
#: Mean seconds between two shifts of the eyes.
_FIXATION = 0.5


@dataclass(frozen=True)
class Nuisance:
    """How much of what is not the expression a clip holds; nothing by default. Drawn by seed, expression and mode.

    The first frame stays neutral unless `starts` says otherwise: there eyes are open and straight and the head is where
    the crop has it. Noise lies on every frame. What a clip takes from coefficients of its own or from a driver has no
    blinks, gaze, start or stagger but theirs.

    Attributes:
        blinks: mean number of blinks a second (people: 0.2 to 0.5), each 0.3 s long, at random times.
        gaze: standard deviation, in degrees, of the directions that the eyes jump to, about twice a second; up and
            down half as much. The eyes turn at most 15 degrees to a side and 10.5 up or down.
        drift: standard deviation, in degrees, of a slow rotation of the head (yaw, pitch and half as much roll) about
            the neck.
        noise: standard deviation of Gaussian noise on each channel of each pixel, in levels of 0 to 255.
        starts: share of clips, 0 to 1, whose first frame is a still that smiles, talks, squints or the like and mostly
            looks into the camera; its intensity is 0 all the same. See `acting.opening` and `acting.blended`.
        stagger: how far apart muscles start and end, 0 to 1 of the way from intensity 0 to 1; see `acting.rises`.

    Raises:
        ValueError: a value is negative or not finite, or a share is above 1.
    """

    blinks: float = 0.0
    gaze: float = 0.0
    drift: float = 0.0
    noise: float = 0.0
    starts: float = 0.0
    stagger: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"A nuisance is a finite number, 0 or more; {name} is {value!r}. 0 turns it off.")
        for name, value in (("starts", self.starts), ("stagger", self.stagger)):
            if value > 1:
                raise ValueError(f"A share is a number from 0 to 1; {name} is {value!r}.")

    def words(self) -> str:
        """What is on, as part of a folder's name: ``-blinks0.5-noise2``; nothing if all is off."""
        return "".join(f"-{name}{value:g}" for name, value in asdict(self).items() if value)


def blinks(rng: np.random.Generator, frames: int, fps: float, rate: float) -> np.ndarray:
    """How far the lids are closed, ``float32 (frames,)`` in [0, 1], 0 in the first frame.

    Blinks start at random, `rate` a second on average.
    """
    length = frames / fps
    starts = rng.uniform(0, length, rng.poisson(rate * length))
    time = np.arange(frames)[:, None] / fps - starts[None]
    closed = np.minimum(time / _CLOSING, 1 - (time - _CLOSING) / _OPENING).clip(0, 1)
    return closed.max(1, initial=0).astype(np.float32)


def gaze(rng: np.random.Generator, frames: int, fps: float, degrees: float) -> np.ndarray:
    """Where the eyes look, ``float32 (frames, 2)``: degrees to the right of the image and up; 0 in the first frame.

    They jump to a direction drawn from N(0, degrees), half as much upright, and rest there 0.5 s on average.
    """
    jumps = np.concatenate([[False], rng.random(frames - 1) < 1 / (_FIXATION * fps)])
    targets = rng.normal(0, degrees, (frames, 2)) * [1, 0.5]
    targets[0] = 0
    last = np.maximum.accumulate(np.where(jumps, np.arange(frames), 0))
    return targets[last].clip([-ACROSS, -UPRIGHT], [ACROSS, UPRIGHT]).astype(np.float32)


def drift(rng: np.random.Generator, frames: int, fps: float, degrees: float) -> np.ndarray:
    """Yaw, pitch and roll of the head, ``float32 (frames, 3)`` in degrees; 0 in the first frame.

    Each is the sum of two slow waves of 0.1 to 0.6 Hz with random phases.
    """
    time = np.arange(frames)[:, None] / fps
    turns = 2 * np.pi * (time[..., None] * rng.uniform(0.1, 0.6, (3, 2)) + rng.uniform(0, 1, (3, 2)))
    waves = np.sin(turns).sum(-1)
    return (degrees * (waves - waves[0]) * [1, 1, 0.5]).astype(np.float32)


def noisy(rng: np.random.Generator, frames: np.ndarray, level: float) -> np.ndarray:
    """Frames ``uint8 (T, H, W, 3)`` with Gaussian noise of a standard deviation in levels of 0 to 255."""
    noise = rng.standard_normal(frames.shape, dtype=np.float32) * np.float32(level)
    return np.clip(np.rint(frames + noise), 0, 255).astype(np.uint8)


def rotations(degrees: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll ``(T, 3)`` in degrees as rotations ``float32 (T, 3, 3)`` in the frame of the head.

    x points to the image's right, y away from the camera, z up: yaw turns about z, pitch about x, roll about y.
    """
    from scipy.spatial.transform import Rotation

    yaw, pitch, roll = np.asarray(degrees, np.float64).T
    turns = Rotation.from_euler("YXZ", np.stack([roll, pitch, yaw], 1), degrees=True)
    return turns.as_matrix().astype(np.float32)


def with_eyes(coefficients: np.ndarray, closed: np.ndarray, looking: np.ndarray) -> np.ndarray:
    """Coefficients ``(T, 52)`` with blinks ``(T,)`` and shifted eyes ``(T, 2)`` (see `gaze`) laid over the expression.

    A blink closes what the expression leaves open. The eyes' directions add up and end at coefficient 1.
    """
    values = np.array(coefficients, np.float32)
    column = {name: values[:, BLENDSHAPES.index(f"eye{name}")] for name in _EYES}
    for side in ("Left", "Right"):
        lid = column[f"Blink{side}"]
        lid += (1 - lid) * closed
    # The subject's left is the image's right.
    pairs = [
        ("LookOutLeft", "LookInLeft", looking[:, 0], ACROSS, ACROSS),
        ("LookInRight", "LookOutRight", looking[:, 0], ACROSS, ACROSS),
        ("LookUpLeft", "LookDownLeft", looking[:, 1], LOOK_UP, UPRIGHT),
        ("LookUpRight", "LookDownRight", looking[:, 1], LOOK_UP, UPRIGHT),
    ]
    for plus, minus, shift, there, back in pairs:
        total = column[plus] * there - column[minus] * back + shift
        column[plus][:], column[minus][:] = (total / there).clip(0, 1), (-total / back).clip(0, 1)
    return values


_EYES = tuple(
    f"{what}{side}"
    for what in ("Blink", "LookUp", "LookDown", "LookIn", "LookOut")
    for side in ("Left", "Right")
)  # fmt: skip
