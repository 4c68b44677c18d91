"""What a method is: an ``nn.Module`` with a configuration, a card, and the questions that each one answers.

`fit` asks a `Trainable` for the terms of a training step. Data are opened by what a method says that it has to know,
and held-out clips are measured by what it draws. Each method answers in its own file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import export
from i2vlib.animation import evaluating
from i2vlib.hub import Pretrained
from i2vlib.papers.card import html_card
from i2vlib.papers.config import Config

if TYPE_CHECKING:
    from i2vlib.clips import Clip


@dataclass(frozen=True, eq=False)
class Redrawn:
    """A held-out clip as a method makes it of the clip's first frame.

    Attributes:
        frames: ``uint8 (T, H, W, 3)``.
        drive: ``(T,)``, by what it was driven: the true intensity, or the signed one that the method inferred; None
            for a method that follows condition maps.
        masks: ``float32 (T, H, W)``, where the method says that it has drawn; None for one that does not say.
    """

    frames: np.ndarray
    drive: np.ndarray | None = None
    masks: np.ndarray | None = None


class Method(nn.Module, Pretrained):
    """What every method is. Parameters of discriminators have names that begin so."""

    #: The class of its configurations; the first argument of its constructor is one.
    Config: ClassVar[type[Config]]
    #: What it makes: pictures of pictures, joints read off pictures, or poses of poses.
    makes: ClassVar[Literal["pictures", "readings", "poses"]] = "pictures"
    #: What it is and what it cannot, in a sentence or two each: how a notebook shows the model (`papers.card`).
    about: ClassVar[str] = ""
    limits: ClassVar[str] = ""

    config: Config

    @property
    def size(self) -> int:
        """Height and width, in pixels, of the pictures that go in and come out."""
        return self.config.size

    @property
    def expressions(self) -> tuple[str, ...]:
        """Those that it can be asked for, or was taught; a stage that follows maps has none of its own."""
        return ()

    def stages(self) -> Mapping[str, Method]:
        """The trained methods that it is made of, by name: itself, unless several are animated as one."""
        return {type(self).__name__: self}

    def _repr_html_(self) -> str:
        return html_card(self)

    # Without PyTorch --------------------------------------------------------------------------------------------

    def export(self, folder: str | Path, half: bool = False) -> dict[str, object]:
        """Writes the model as ONNX, for a program or a page without PyTorch: AffineGAN and FAN.

        ``encoder.onnx`` is asked once a face: ``still`` ``(1, 3, H, W)`` in [-1, 1], cropped by `i2vlib.align_face`, to
        the maps ``base_0``, ``base_1``, ... ``(1, C, h, w)`` and ``direction_0``, ... ``(expressions, C, h, w)``.
        ``decoder.onnx`` is asked once a frame: those maps, ``intensity`` ``(expressions,)``, of which several above 0
        mix, and ``mask`` ``(1, 1, H, W)`` in [0, 1], ones for everywhere, as `animate` has ``region``; to ``frame``
        ``(1, 3, H, W)`` in [-1, 1]. ``model.json`` lists names, shapes, ranges, expressions, digests, and how far the
        pictures were from PyTorch's. The same weights give the same bytes.

        A model that carries its still (``config.drawing``) gives maps in place of a frame: ``flow`` ``(1, 2, H, W)`` in
        pixels, ``gate`` and ``shade`` ``(1, 1, H, W)``, and ``colour`` ``(1, 3, H, W)``; `i2vlib.papers.carried.Maps`
        says what they mean. The encoder then also gives ``rest`` ``(1, 7, H, W)`` and ``seen``, the
        still again, which the decoder takes. Without
        PyTorch, a frame is composed of the still and its maps, each without its first axis::

            def cubic(x):
                x = np.abs(x)
                near, far = (1.25 * x - 2.25) * x * x + 1, -0.75 * (((x - 5) * x + 8) * x - 4)
                return np.where(x < 1, near, np.where(x < 2, far, 0))

            def composed(still, flow, gate, shade, colour):
                height, width = still.shape[1:]
                y, x = np.mgrid[:height, :width] + flow[::-1]
                carried = np.zeros_like(still)
                for row in range(-1, 3):
                    for column in range(-1, 3):
                        rows, columns = np.floor(y).astype(int) + row, np.floor(x).astype(int) + column
                        taken = still[:, rows.clip(0, height - 1), columns.clip(0, width - 1)]
                        carried += cubic(y - rows) * cubic(x - columns) * taken
                lit = ((carried + 1) * np.exp(shade) - 1).clip(-1, 1)
                return gate * lit + (1 - gate) * colour

        Args:
            folder: made where it is not there; an earlier export in it is replaced.
            half: keep the weights as float16, each cast to float32 before it is used: half the size.

        Returns:
            What ``model.json`` says.

        Raises:
            ImportError: the packages of ``pip install "i2vlib[onnx]"`` are not there.
            ValueError: the folder is a file, or this method cannot be exported.
        """
        if not self.exportable:
            raise ValueError(
                f"{type(self).__name__} has no code that an intensity moves: it cannot be exported, "
                "as AffineGAN and FAN can."
            )
        with evaluating(self):
            return export.write_graphs(self, folder, half)

    # Data and held-out clips ------------------------------------------------------------------------------------

    @classmethod
    def truth(cls, config: Config) -> tuple[str, ...]:
        """What it has to know of the truth of rendered clips."""
        return ()

    @classmethod
    def prepared(
        cls,
        clips: Sequence[Clip],
        config: Config,
        fitted: bool = False,
        drivers: Sequence[Clip] | None = None,
        earlier: Sequence[Method] = (),
    ) -> Sequence[Clip]:
        """Clips as the method is taught and measured on them: as they are, unless it needs more than a clip knows.

        Args:
            clips: rendered, knowing `truth`.
            config: of the method.
            fitted: what is known of the faces is fitted to the frames, and not taken from the truth.
            drivers: where given, the clip that drives each of them.
            earlier: the trained methods of other kinds that the run builds on, the last one nearest.
        """
        return clips

    def redraws(self, clip: Clip) -> bool:
        """Whether `redraw` can make a clip again: the method says how, and the clip knows all that has to be told."""
        return type(self).redraw is not Method.redraw

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """Makes a held-out clip, or those of its frames, again of its first frame."""
        raise ValueError(f"{type(self).__name__} does not say how it makes {clip!r} again; give its class a redraw.")


class Whole(Method):
    """A method put together of trained `stages`, which has no parameters but theirs."""

    def generator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self.stages().values() for p in stage.generator_parameters()]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self.stages().values() for p in stage.discriminator_parameters()]


class Trainable(Method, ABC):
    """A method with weights to train. It answers what `fit` asks; one that is made of trained parts does not."""

    @abstractmethod
    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample out of a clip."""

    @abstractmethod
    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the generator makes of a batch, once a step."""

    @abstractmethod
    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the discriminators minimise: named, unweighted scalars."""

    @abstractmethod
    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the generator minimises: named, unweighted scalars."""

    def weighed(self, **terms: Callable[[], Tensor | None]) -> dict[str, Tensor]:
        """Computes the terms that have a weight, in the order given; one of weight 0 is not computed.

        Args:
            terms: by name, each a function that returns an unweighted scalar, or None where a batch has nothing to
                measure it by: such a term is left out.
        """
        values = {name: term() for name, term in terms.items() if self.config.weights[name]}
        return {name: value for name, value in values.items() if value is not None}

    def generator_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if not name.startswith("discriminator")]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if name.startswith("discriminator")]

    def inherit(self, other: Self) -> None:
        """Starts from another model's generator, of the same sizes; the discriminators are left new."""
        state = {k: v for k, v in other.state_dict().items() if not k.startswith("discriminator")}
        self.load_state_dict({**self.state_dict(), **state})
