"""FRGAN in use: G_C, G_M and G_R in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from i2vlib import animation, faces
from i2vlib.clips import Clip
from i2vlib.datasets import load_clip
from i2vlib.expressions import recipe
from i2vlib.papers.frgan import condition
from i2vlib.papers.frgan.config import SIX, FRGANConfig
from i2vlib.papers.frgan.forecast import Forecast
from i2vlib.papers.frgan.refine import Refine
from i2vlib.papers.method import Whole


class FRGAN(Whole):
    """G_C, G_M and G_R in turn: a still and a driver to a clip. Its stages are trained as `Forecast` and `Refine`."""

    Config = FRGANConfig
    config: FRGANConfig
    about = (
        "Makes a still do what another clip does, or an expression of the book: it draws frame by frame from maps of a "
        "3D face, then refines the clip as a whole (Zhao et al., 2018)."
    )
    limits = (
        "Frontal faces, cropped by align_face. A driver's expression is taken over, its head's movements are not. "
        "Expressions that it was not taught are drawn by their recipe. What it makes is "
        "synthetic; say so where you show it."
    )

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.config = config
        self.forecast = Forecast(config.forecast)
        self.refine = None if config.refine is None else Refine(config.refine)

    @classmethod
    def of(cls, forecast: Forecast, refine: Refine | None, expressions: Sequence[str] = SIX) -> FRGAN:
        """The two trained stages as one model."""
        whole = cls(FRGANConfig(forecast.config, refine and refine.config, tuple(expressions)))
        whole.forecast.load_state_dict(forecast.state_dict())
        if refine is not None:
            whole.refine.load_state_dict(refine.state_dict())
        return whole.eval()

    @property
    def size(self) -> int:
        return self.config.forecast.size

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    def stages(self) -> Mapping[str, Forecast | Refine]:
        return {type(stage).__name__: stage for stage in (self.forecast, self.refine) if stage is not None}

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | str | Path | None = None,
        fps: float = 12.0,
        refine: bool = True,
        region: str | np.ndarray | None = None,
    ) -> Clip:
        """A still that does what a driver does, or an expression at the intensities asked for.

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled. It need not
                be neutral: its own expression is read first.
            expression: of the book's ten, by the actors' recipe.
            intensity: finite values >= 0 in any number and order, 1 the recipe's peak; or one such curve an
                expression. Left out, 20 values from 0 to 1.
            driver: a clip, the path of a video file, or of a folder of pictures, whose first frame is neutral; in place
                of an expression. The head's own movements are not taken over.
            fps: of the result; a driver's own where there is one.
            refine: with G_R.
            region: where the expression may act: "mouth", "eyes", "left" or "right", as one looks at the picture, or a
                mask ``(H, W)`` in [0, 1], square (`i2vlib.regions.acting`). Held within it is what was
                drawn, by blending with the still: FRGAN has no direction that could be masked before.

        Returns:
            A `Clip` of ``config.forecast.size`` px; its ``truth`` holds condition, the maps that it was drawn from.

        Raises:
            NoFaceError: no face is found in the driver. A still in which none is found again moves as a usual face
                would, with a warning.
            ValueError: neither an expression nor a driver is given, or both; or the intensity or the file is no good.
        """
        if driver is not None and intensity is not None:
            raise ValueError("Both driver= and intensity= were given; a driver sets its own: give one of them.")
        if (driver is None) == (expression is None and not isinstance(intensity, Mapping)):
            raise ValueError("FRGAN follows an expression or a driver: give one of the two.")
        still = animation.crop_of(face, self.config.forecast.size)
        clip = driver if driver is None or isinstance(driver, Clip) else load_clip(driver)
        curves = {} if clip is not None else animation.read_curves(intensity, expression)
        recipes = {name: recipe(name) for name in curves}  # before a face is fitted, which takes a while
        target = condition.fit_crop(still)
        mask = animation.mask_of(region, still)
        if clip is not None:
            made = self.perform(still, target, _expressions_of(clip), clip.fps, refine, expression=clip.expression)
            return animation.confined(made, still, mask)
        moves = np.clip(sum(np.outer(curve, recipes[name]) for name, curve in curves.items()), 0, 1).astype(np.float32)
        curve = np.stack(list(curves.values()), 1).squeeze(1 if len(curves) == 1 else ())
        return animation.confined(
            self.perform(still, target, moves, fps, refine, curve, " + ".join(curves)), still, mask
        )

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str], region: str | np.ndarray | None = None
    ) -> Callable[..., np.ndarray]:
        """The function from intensities ``(T, n)``, a column an expression, to frames; the face is fitted once, now.

        With ``batch=1``, as a slider asks for a frame, it draws without G_R, which reads a window of frames.
        """
        still = animation.crop_of(face, self.config.forecast.size)
        recipes = np.stack([recipe(name) for name in expressions])
        target, mask = condition.fit_crop(still), animation.mask_of(region, still)
        own = self._maps(target[:1])

        def draw(values: np.ndarray, batch: int = animation.BATCH) -> np.ndarray:
            moves = np.clip(values @ recipes, 0, 1).astype(np.float32)
            made = self.perform(still, target, moves, refine=batch > 1, batch=batch, own=own)
            return animation.confined(made, still, mask).frames

        return draw

    def perform(
        self,
        still: np.ndarray,
        target: condition.Face,
        coefficients: np.ndarray,
        fps: float = 12.0,
        refine: bool = True,
        intensity: np.ndarray | None = None,
        expression: str | None = None,
        batch: int = animation.BATCH,
        own: np.ndarray | None = None,
    ) -> Clip:
        """`animate` with a face that is known: fitted before, or an actor's.

        Args:
            still: ``uint8 (size, size, 3)``.
            target: the face in the still; its first frame counts.
            coefficients: ``float32 (T, 52)`` in [0, 1], of the expression in each frame to be drawn.
            own: ``int8 (1, size, size, 3)``, the still's map where it has been drawn before.
        """
        moved = condition.Face(
            target.identity, coefficients, np.repeat(target.pose[:1], len(coefficients), 0), target.camera, target.size
        )
        own = self._maps(target[:1]) if own is None else own
        maps = np.concatenate([own, self._maps(moved)])
        frames = self.forecast.forecast(still, maps, batch)["frames"]
        if refine and self.refine is not None:
            frames = self.refine.refine(frames, maps[1:])["frames"]
        frames = animation.in_tone_of(still, frames)
        return Clip(frames, fps, intensity, expression=expression, truth={"condition": maps[1:]}, neutral=still)

    def _maps(self, face: condition.Face) -> np.ndarray:
        return condition.condition_maps(face, self.config.forecast.posed_normals)


def _expressions_of(clip: Clip) -> np.ndarray:
    """The coefficients ``(T, 52)`` of a driver: an actor's own, or else fitted to its faces."""
    if "camera" in clip.truth:  # an actor, whose blendshapes are coefficients and no reading of a face
        return np.asarray(clip.blendshapes, np.float32)
    return condition.fit_face(faces.align_clip(clip, 256)).coefficients
