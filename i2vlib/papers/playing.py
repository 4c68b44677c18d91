"""How trained methods are played, by what they are told: an intensity here, condition maps in `frgan.follower`.

Systems whose clips have one length are in `i2vlib.compared.fixed_length`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from i2vlib import animation, datasets, faces
from i2vlib.clips import Clip
from i2vlib.papers.method import Redrawn, Trainable

if TYPE_CHECKING:
    from i2vlib.faces.crop import Found, Which


class Dialled(Trainable):
    """A method that is told an intensity, and draws each frame independently of all others."""

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    @abstractmethod
    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> animation.Drawer:
        """What `animate` draws with (`i2vlib.animation.drawer`): a column of intensities an expression, to frames."""

    def animate(
        self,
        face: np.ndarray | str | Path | bytes,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | str | Path | None = None,
        fps: float = 12.0,
        region: str | np.ndarray | None = None,
        whole: bool = False,
        which: Which | Found = "largest",
    ) -> Clip:
        """Makes a clip of the face at the intensities asked for, of any length and in any order.

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled. With
                ``whole``, a photo of any size, as `i2vlib.load_image` reads it.
            expression: one of `expressions`; may be left out if there is one only.
            intensity: finite values >= 0, 0 neutral and 1 the peak, in any number and order; or one such curve an
                expression, all of one length: several above 0 mix expressions, one that falls while another rises
                transfers. Left out, 20 values from 0 to 1.
            driver: for a method that infers intensities, in place of them: a clip whose first frame is neutral; or the
                path of a video, a GIF or a folder of pictures, whose faces are aligned where they are not of the
                model's size.
            region: where the expression may act: "mouth", "eyes", "left" or "right", as one looks at the picture, or a
                mask ``(H, W)`` in [0, 1], square (`i2vlib.regions.acting`). The papers have no such thing.
            whole: find the face in a photo, animate its crop, and lay that back (`i2vlib.paste_back`): the clip is of
                the whole photo at its own size. A model that carries its still (``config.drawing``) composes each
                frame of the photo's own pixels; of a crop, however large, it draws ``config.size`` px.
            which: with ``whole``, of several faces, as of `i2vlib.align_face`.

        Returns:
            A `Clip` of ``config.size`` px, or of the whole photo, with its intensity, (T,) or (T, n) for a mixture. Of
            a crop by a model that carries, with the ``maps`` that `i2vlib.paste_back` lays on the photo.

        Raises:
            ValueError: the face is no square picture, the expression or the region is unknown, an intensity is empty,
                negative or not finite; a driver is given to a method that infers nothing, or there is no clip at its
                path. Warns above 1, and of a still that does already what the expression moves (`i2vlib.faces.rest`).
            NoFaceError: no face is found in a whole photo, or in the first frame of a driver that has to be aligned.
        """
        if whole:
            of_crop = lambda crop: self.animate(crop, expression, intensity, driver, fps, region)  # noqa: E731
            return animation.of_photo(face, self.size, which, of_crop)
        if driver is not None:
            expression, intensity = self.led_by(driver, expression, intensity)
        only = self.expressions[0] if len(self.expressions) == 1 else None
        curves = animation.read_curves(intensity, expression or only)
        return animation.play(self.drawer(face, curves, region), curves, fps)

    def led_by(self, driver: Clip | str | Path, expression: str | None, intensity: object) -> tuple[str | None, object]:
        """Returns the expression and the intensity to follow a driver by; refuses, unless a method infers them."""
        raise ValueError(
            f"{type(self).__name__} infers no intensity, so it cannot follow a driver. "
            "Give intensity=driver.intensity where that is known, or use AffineGAN."
        )

    def redraws(self, clip: Clip) -> bool:
        return clip.intensity is not None and clip.intensity.ndim == 1

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """Makes a held-out clip again of its first frame, by its own intensity held within [0, 1]."""
        index = list(range(len(clip)) if frames is None else frames)
        drive = self.drive(clip)[index]
        played = np.clip(np.abs(drive), 0, 1)
        return Redrawn(self.animate(clip.frames[0], clip.expression, played).frames, drive)

    def drive(self, clip: Clip) -> np.ndarray:
        """Returns what `redraw` drives a clip by, ``(T,)``: what it states, or, signed, what is inferred."""
        return clip.intensity


class Inferring(Dialled):
    """A dialled method that also reads the intensity off frames, and so can follow a clip."""

    @abstractmethod
    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Reads the intensity off frames, ``float32 (T,)``, unclipped.

        Args:
            frames: ``uint8 (T, H, W, 3)``, aligned as the neutral one, ``uint8 (H, W, 3)``.
            expression: may be left out if the model has one.
        """

    @abstractmethod
    def infer_projection(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        """Reads the signed intensity off frames, ``float32 (T,)``: negative for a mirrored solution."""

    def led_by(self, driver: Clip | str | Path, expression: str | None, intensity: object) -> tuple[str | None, object]:
        """Returns a driver's expression, unless one is given, and the intensity inferred from its frames."""
        if intensity is not None:
            raise ValueError("Both driver= and intensity= were given; each sets the intensity: give one of them.")
        clip = driver if isinstance(driver, Clip) else self._loaded(driver)
        expression = expression or (clip.expression if clip.expression in self.expressions else None)
        return expression, self.infer_intensity(clip.frames, clip.frames[0], expression)

    def _loaded(self, path: str | Path) -> Clip:
        clip = datasets.load_clip(path)
        return clip if clip.frames.shape[1:3] == (self.size, self.size) else faces.align_clip(clip, self.size)

    def redraws(self, clip: Clip) -> bool:
        return True

    def drive(self, clip: Clip) -> np.ndarray:
        return self.infer_projection(clip.frames, clip.frames[0], clip.expression)
