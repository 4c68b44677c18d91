"""A user's intensity over time: points, joined without overshooting; presets, and the small file that keeps one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from i2vlib.store import write_text

#: The longest clip in seconds, and the most frames a second: a file with a slip of the key is refused, not computed.
LONGEST, FASTEST = 60.0, 60.0
_KIND = "i2vlib curve"


@dataclass(frozen=True)
class Curve:
    """How strong an expression is, second by second.

    Attributes:
        points: (seconds, intensity), in the order of time; intensity 0 is neutral and 1 the peak. Before the first and
            after the last one the curve stays where it is.
        seconds: how long the clip is.
        fps: its frames per second.
        amounts: of which expressions, and how much of each where the curve is 1; empty: of one that is named elsewhere.

    Raises:
        ValueError: there is no point, two share a moment, a number is not finite or negative, or the clip is too long.
    """

    points: Sequence[tuple[float, float]] = ((0.0, 0.0), (1.0, 1.0), (2.0, 0.0))
    seconds: float = 2.0
    fps: float = 12.0
    amounts: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            points = tuple(sorted((float(t), float(a)) for t, a in self.points))
            amounts = {str(name): float(amount) for name, amount in self.amounts.items()}
            numbers = [float(self.seconds), float(self.fps), *np.ravel(points), *amounts.values()]
        except (AttributeError, TypeError, ValueError):
            raise ValueError(
                "A curve has points (seconds, intensity), seconds, fps, and amounts by expression, all numbers; "
                f"given were points {self.points!r}, seconds {self.seconds!r}, fps {self.fps!r}, {self.amounts!r}."
            ) from None
        if not points or not np.isfinite(numbers).all() or min(numbers) < 0:
            raise ValueError(f"A curve has at least one point, and finite numbers from 0 on; given were {numbers}.")
        if len({t for t, _ in points}) < len(points):
            raise ValueError(f"Two points of a curve share a moment: {points}. Move one of them.")
        if not 0 < self.seconds <= LONGEST or not 0 < self.fps <= FASTEST:
            raise ValueError(
                f"A clip lasts up to {LONGEST:g} seconds at up to {FASTEST:g} frames a second; "
                f"asked for were {self.seconds:g} at {self.fps:g}."
            )
        for name, value in {"points": points, "amounts": amounts}.items():
            object.__setattr__(self, name, value)

    def at(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """The intensity at some moments, ``float32``, by monotone cubic interpolation (PCHIP): between two points it
        never leaves their range."""
        from scipy.interpolate import PchipInterpolator

        when, what = np.array(self.points).T
        times = np.clip(np.asarray(times, dtype=np.float64), when[0], when[-1])
        joined = PchipInterpolator(when, what)(times) if len(when) > 1 else np.full(times.shape, what[0])
        return np.clip(joined, what.min(), what.max()).astype(np.float32)  # against -1e-18, which is no intensity

    @property
    def times(self) -> np.ndarray:
        """The moment of each frame in seconds, ``(T,)``; at least one."""
        return np.arange(max(1, round(self.seconds * self.fps))) / self.fps

    def intensity(self) -> np.ndarray | dict[str, np.ndarray]:
        """What `animate` takes: ``(T,)``, or where there are amounts, one such curve an expression."""
        sampled = self.at(self.times)
        return {name: sampled * np.float32(amount) for name, amount in self.amounts.items()} or sampled

    def to_json(self) -> str:
        """The curve as a small text that `from_json` reads."""
        kept = {
            "kind": _KIND,
            "seconds": self.seconds,
            "fps": self.fps,
            "points": [[round(t, 3), round(a, 3)] for t, a in self.points],
            "amounts": dict(self.amounts),
        }
        return json.dumps(kept, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "This text") -> Curve:
        """The curve that a text keeps; `name` is the text's, in a message.

        Raises:
            ValueError: it is no JSON, keeps no curve, or one that cannot be.
        """
        try:
            kept = json.loads(text)
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{name} is no JSON ({error}). Give a file that the studio or Curve.save wrote.") from None
        wanted = {"kind", "seconds", "fps", "points", "amounts"}
        if not isinstance(kept, dict) or kept.get("kind") != _KIND or set(kept) != wanted:
            raise ValueError(
                f"{name} is JSON, but keeps no curve: that is an object of {sorted(wanted)}, its kind {_KIND!r}."
            )
        try:
            return cls(**{key: value for key, value in kept.items() if key != "kind"})
        except ValueError as error:
            raise ValueError(f"{name} keeps a curve that cannot be: {error}") from None

    def save(self, path: str | Path) -> Path:
        """Writes the curve as JSON. Raises `ValueError` for another suffix than ``.json``, or where no folder is."""
        path = Path(path)
        if path.suffix != ".json" or not path.parent.is_dir():
            raise ValueError(f"A curve is saved as .json into a folder that exists; given was {path}.")
        write_text(path, self.to_json())
        return path

    @classmethod
    def load(cls, path: str | Path) -> Curve:
        """A curve from its file. Raises `ValueError` as `from_json` does, and where there is no such file."""
        try:
            data = Path(path).read_bytes()
        except OSError:
            raise ValueError(f"There is no curve at {path}. Check the path.") from None
        return cls.from_json(data, Path(path).name)


#: Ready-made ones by name.
PRESETS: Mapping[str, Curve] = {
    "there and back": Curve(((0, 0), (1, 1), (2, 0)), 2, amounts={"happy": 1}),
    "smile and stay": Curve(((0, 0), (0.3, 0.05), (1, 0.9), (1.4, 1), (3, 1)), 3, amounts={"happy": 1}),
    "blink": Curve(((0, 0), (0.6, 0), (0.7, 1), (0.8, 1), (1, 0), (2, 0)), 2, 24, amounts={"eyes_closed": 1}),
    "surprise and relax": Curve(
        ((0, 0), (0.2, 0), (0.5, 1), (0.9, 0.9), (2.2, 0.1), (2.8, 0)), 3, 24, {"surprised": 1}
    ),
}
