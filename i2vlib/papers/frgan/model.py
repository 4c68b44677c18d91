r"""FRGAN: learning to forecast and refine residual motion for image-to-video generation (Zhao et al., 2018).

.. math:: I_{t+k} = m_{t+k} \odot c_{t+k} + (1 - m_{t+k}) \odot I_t \qquad (2)

A frame is another frame in which something has moved: a mask :math:`m` says where, a content :math:`c` what is there
now. G_M (`Forecast`) draws both from the difference of two *condition maps*, a 3D face as it is and as it is to become
(`condition`), a frame at a time; G_R (`Refine`) does the same once more to the whole clip. `FRGAN` is the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import nn

from i2vlib import animation, faces
from i2vlib.clips import Clip
from i2vlib.datasets import load_clip
from i2vlib.expressions import recipe
from i2vlib.papers.frgan import condition
from i2vlib.papers.frgan.forecast import Forecast, ForecastConfig
from i2vlib.papers.frgan.refine import Refine, RefineConfig
from i2vlib.papers.method import Config, Method, checked_expressions

#: The six expressions of section 4.1.
SIX = ("angry", "fear", "disgust", "happy", "sad", "surprised")


@dataclass(frozen=True)
class FRGANConfig(Config):
    """The two stages together."""

    forecast: ForecastConfig = field(default_factory=ForecastConfig)
    refine: RefineConfig | None = field(default_factory=RefineConfig)
    """None stops after G_M."""
    expressions: tuple[str, ...] = SIX
    """Those that the networks were taught: others are drawn too, by their coefficients."""

    def __post_init__(self) -> None:
        for name, kind in (("forecast", ForecastConfig), ("refine", RefineConfig)):
            if isinstance(vars(self)[name], Mapping):  # as a file of weights has it
                object.__setattr__(self, name, kind(**vars(self)[name]))
        super().__post_init__()
        checked_expressions(self.expressions)
        if self.refine and self.refine.size != self.forecast.size:
            raise ValueError(f"G_M works at {self.forecast.size} px and G_R at {self.refine.size}; they need one size.")


class FRGAN(nn.Module, Method):
    """G_C, G_M and G_R in turn: a still and a driver to a clip. Its stages are trained as `Forecast` and `Refine`."""

    Config = FRGANConfig

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
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    def generator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self._stages() for p in stage.generator_parameters()]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self._stages() for p in stage.discriminator_parameters()]

    def _stages(self) -> list[Forecast | Refine]:
        return [stage for stage in (self.forecast, self.refine) if stage is not None]

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        driver: Clip | str | Path | None = None,
        fps: float = 12.0,
        refine: bool = True,
    ) -> Clip:
        """A still that does what a driver does, or an expression at the intensities asked for.

        Args:
            face: ``uint8 (H, W, 3)``, a square crop made by `i2vlib.align_face`; other sizes are resampled. It need not
                be neutral: its own expression is read first.
            expression: of the book's ten, by the actors' recipe.
            intensity: of it, finite values >= 0 in any number and order, 1 the recipe's peak; or one such curve an
                expression. Left out, 20 values from 0 to 1.
            driver: a clip, the path of a video file, or of a folder of pictures, whose first frame is neutral; in place
                of an expression. The head's own movements are not taken over.
            fps: of the result; a driver's own where there is one.
            refine: with G_R.

        Returns:
            A `Clip` of ``config.forecast.size`` px; its ``truth`` holds condition, the maps that it was drawn from.

        Raises:
            NoFaceError: no face is found in the still or in the driver.
            ValueError: neither an expression nor a driver is given, or both; or the intensity or the file is no good.
        """
        size = self.config.forecast.size
        still = animation.crop_of(face, size)
        if (driver is None) == (expression is None and not isinstance(intensity, Mapping)):
            raise ValueError("FRGAN follows an expression or a driver: give one of the two.")
        target, curve, name = condition.fit(still), None, None
        if driver is not None:
            clip = driver if isinstance(driver, Clip) else load_clip(driver)
            moves, fps, name = _expressions_of(clip), clip.fps, clip.expression
        else:
            curves = animation.curves(intensity, expression)
            moves = np.clip(sum(np.outer(curve, recipe(name)) for name, curve in curves.items()), 0, 1)
            curve, name = np.stack(list(curves.values()), 1).squeeze(1 if len(curves) == 1 else ()), " + ".join(curves)
        return self.perform(still, target, moves.astype(np.float32), fps, refine, curve, name)

    def perform(
        self,
        still: np.ndarray,
        target: condition.Face,
        coefficients: np.ndarray,
        fps: float = 12.0,
        refine: bool = True,
        intensity: np.ndarray | None = None,
        expression: str | None = None,
    ) -> Clip:
        """`animate` with a face that is known: fitted before, or an actor's.

        Args:
            still: ``uint8 (size, size, 3)``.
            target: the face in the still; its first frame counts.
            coefficients: ``float32 (T, 52)`` in [0, 1], of the expression in each frame to be drawn.
        """
        moved = condition.Face(
            target.identity, coefficients, np.repeat(target.pose[:1], len(coefficients), 0), target.camera, target.size
        )
        posed = self.config.forecast.posed_normals
        maps = np.concatenate([condition.condition_maps(f, posed) for f in (target[:1], moved)])
        frames = self.forecast.forecast(still, maps)["frames"]
        if refine and self.refine is not None:
            frames = self.refine.refine(frames, maps[1:])["frames"]
        return Clip(frames, fps, intensity, expression=expression, truth={"condition": maps[1:]})


def _expressions_of(clip: Clip) -> np.ndarray:
    """The coefficients ``(T, 52)`` of a driver: an actor's own, or else fitted to its faces."""
    if "camera" in clip.truth:  # an actor, whose blendshapes are coefficients and no reading of a face
        return clip.blendshapes
    return condition.fit(faces.align_clip(clip, 256)).coefficients
