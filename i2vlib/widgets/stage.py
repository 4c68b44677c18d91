"""What a studio holds, without a widget: a photo, the face chosen in it, what it is to show, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from i2vlib import faces
from i2vlib.animation import Drawer
from i2vlib.clips import Clip, load_image
from i2vlib.curves import Curve

#: Pixels: the side of the crop that a model is given, and the longer side of the photo while it is worked on.
CROP, SHOWN = 256, 560


class Draws(Protocol):
    """A model that a studio can play."""

    @property
    def expressions(self) -> tuple[str, ...]: ...

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str], region: str | np.ndarray | None = None
    ) -> Drawer: ...

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Mapping[str, Sequence[float]] | None = None,
        fps: float = 12.0,
        region: str | np.ndarray | None = None,
    ) -> Clip: ...


class Stage:
    """A photo, a face, how much of which expression, where, and when. Every change takes effect on the next picture.

    Attributes:
        photo: ``uint8 (H, W, 3)``; None before one is opened.
        found: its faces, from left to right.
        crop: ``uint8 (256, 256, 3)``, the chosen face.
        region: where the expressions act, as in `animate`.
        amounts: of every expression of the model, 0 to 1, where the curve is 1.
        curve: when.
    """

    def __init__(self, model: Draws) -> None:
        if not model.expressions:
            raise ValueError("This model has no expressions to choose from. Give one that was trained on some.")
        self.model = model
        self.photo: np.ndarray | None = None
        self.found: list[faces.Found] = []
        self.crop: np.ndarray | None = None
        self.region: str | np.ndarray | None = None
        self.amounts = {name: float(number == 0) for number, name in enumerate(model.expressions)}
        self.curve = Curve()
        self._draw: Drawer | None = None

    def open(self, source: np.ndarray | str | Path | bytes) -> None:
        """Takes a photo and chooses its largest face. What was open stays open if the photo cannot be used.

        Raises:
            ValueError: the photo cannot be read.
            NoFaceError: it shows no face.
        """
        photo = load_image(source)
        found = faces.find(photo)
        self.photo, self.found = photo, found
        self.choose(int(np.argmax([face.area for face in found])))

    def choose(self, number: int) -> None:
        """Takes another face of the photo, by its number from left to right."""
        self.number = number
        eyes = self.found[number].eyes
        self.crop = faces.warp(self.photo, faces.crop_matrix(eyes, CROP), CROP)
        height, width, _ = self.photo.shape
        scale = min(1.0, SHOWN / max(height, width))
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._shown = np.asarray(Image.fromarray(self.photo).resize(small, Image.Resampling.LANCZOS))
        self._eyes = eyes * [small[0] / width, small[1] / height]
        self._draw = None

    def act(self, region: str | np.ndarray | None) -> None:
        """Says where the expressions act: a region of `animate`, or None for the whole face."""
        self.region, self._draw = region, None

    def picture(self, strength: float = 1.0) -> np.ndarray:
        """The photo, reduced to what is shown, with the amounts times a strength: ``uint8 (H, W, 3)``."""
        draw, row = self._ready(), self._row(strength)
        if draw.carries:
            return self._place.composed(draw.said(row, 1)[0].cpu().numpy()) if row.any() else self._shown.copy()
        return self._place.carried(self._rest, self.face(strength))

    def face(self, strength: float = 1.0) -> np.ndarray:
        """The crop alone as the model draws it, ``uint8 (S, S, 3)``."""
        draw, row = self._ready(), self._row(strength)
        return draw(row, batch=1)[0] if row.any() else self._rest

    def _row(self, strength: float) -> np.ndarray:
        """The amounts times a strength, as a model's drawer takes them: ``float32 (1, expressions)``."""
        return np.float32(strength) * np.array([list(self.amounts.values())], np.float32)

    def _ready(self) -> Drawer:
        """What draws the chosen face; what its frames share is computed at its first call."""
        if self.photo is None:
            raise ValueError("There is no photo yet: upload one, take one, or give its path.")
        if self._draw is None:
            draw = self.model.drawer(self.crop, self.model.expressions, self.region)
            self._rest = draw(np.zeros((1, len(self.amounts)), np.float32), batch=1)[0]
            size = len(self._rest)
            self._place = faces.Place.of(self._shown, faces.crop_matrix(self._eyes, size), size)
            self._draw = draw
        return self._draw

    def clip(self, whole: bool = True) -> Clip:
        """The clip that the curve asks for: in the whole photo at its own resolution, or of the crop alone."""
        if self.photo is None:
            raise ValueError("There is no photo yet: upload one, take one, or give its path.")
        wanted = {name: amount for name, amount in self.amounts.items() if amount > 0} or dict(
            [*self.amounts.items()][:1]
        )
        curve = replace(self.curve, amounts=wanted)
        made = self.model.animate(self.crop, intensity=curve.intensity(), fps=curve.fps, region=self.region)
        return faces.paste_back(self.photo, made, which=self.found[self.number]) if whole else made
