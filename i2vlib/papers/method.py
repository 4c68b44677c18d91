"""What the book asks of a method: its configuration, checked in one place, and the questions that each one answers.

`fit` asks a `Trainable` for the terms of a training step; the table of runs asks how clips have to be prepared, what a
method makes of a held-out clip, and what is shipped in the end. What differs between methods is an answer
in its own file, and nobody asks for a method's type.
"""

from __future__ import annotations

import numbers
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import export
from i2vlib.animation import evaluating
from i2vlib.hub import Pretrained
from i2vlib.papers.card import html_card

if TYPE_CHECKING:
    from i2vlib.clips import Clip


@dataclass(frozen=True)
class Config:
    """The base of every configuration: frozen, its choices checked as it is made.

    A field whose type is a ``Literal`` takes one of its values and nothing else, and one that is a number, numbers,
    or a switch takes no text for it; lists, as a file has them, become tuples; loss terms that ``weights`` leaves out
    weigh 0.
    """

    #: Every loss term of the method with its weight in the paper, 0 for those that the paper does not have.
    TERMS: ClassVar[Mapping[str, float]] = {}

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for name in (field.name for field in fields(self)):
            value, kind = vars(self)[name], hints[name]
            if typing.get_origin(kind) is Literal and value not in typing.get_args(kind):
                choices = ", ".join(map(repr, typing.get_args(kind)))
                raise ValueError(f"{type(self).__name__}.{name} is one of {choices}; given was {value!r}.")
            if not _fits(value, kind):
                wanted = kind.__name__ if isinstance(kind, type) else str(kind)
                raise ValueError(f"{type(self).__name__}.{name} is of the type {wanted}; given was {value!r}.")
            if typing.get_origin(kind) is tuple:
                object.__setattr__(self, name, tuple(value))
        looks = vars(self).get("looks", 0.0)
        if not 0 <= looks <= (1 if vars(self).get("augment") else 0):
            raise ValueError(
                f"{type(self).__name__}.looks is a share of the training samples, from 0 to 1, and 0 without augment; "
                f"given was {looks}."
            )
        if "weights" in vars(self):
            unknown = set(self.weights) - set(self.TERMS)
            if unknown:
                raise ValueError(f"There are no loss terms {sorted(unknown)}; there are {sorted(self.TERMS)}.")
            object.__setattr__(self, "weights", {**dict.fromkeys(self.TERMS, 0.0), **self.weights})

    @classmethod
    def presets(cls) -> dict[str, Callable[..., Self]]:
        """The ready-made configurations by name; each takes the fields that are to differ."""
        return {}

    @classmethod
    def preset(cls, name: str, **changes: object) -> Self:
        """One of the `presets`.

        Raises:
            ValueError: there is none of that name.
        """
        known = cls.presets()
        if name not in known:
            raise ValueError(f"{cls.__name__} has the presets {sorted(known)}; asked for was {name!r}.")
        return known[name](**changes)


def _fits(value: object, kind: object) -> bool:
    """Whether a value is of the kind that a field states, of those that text or a flag could be mistaken for."""
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return any(_fits(value, one) for one in of)
    if kind in (bool, str, types.NoneType):
        return isinstance(value, kind)
    if kind in (int, float):
        return isinstance(value, numbers.Integral if kind is int else numbers.Real) and not isinstance(value, bool)
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            return False
        kinds = of[:1] * len(value) if of[-1] is ... else of
        return len(kinds) == len(value) and all(map(_fits, value, kinds))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(_fits(one, of[1]) for one in value.values())
    return True


def checked_expressions(expressions: Sequence[str]) -> None:
    """Raises `ValueError` unless there is at least one expression, and none twice."""
    if not expressions or len(set(expressions)) != len(expressions):
        raise ValueError(f"A model needs one or more different expressions; given were {expressions}.")


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


class Method(Pretrained):
    """What every method is, beside an ``nn.Module``. Parameters of discriminators have names that begin so."""

    #: The class of its configurations; the first argument of its constructor is one.
    Config: ClassVar[type[Config]]
    #: Whether it reads the intensity off frames (``infer_intensity``), instead of being told it.
    infers: ClassVar[bool] = False
    #: Whether ``animate`` takes an intensity; otherwise it follows condition maps, or has a length of its own.
    dialled: ClassVar[bool] = True
    #: Whether it follows condition maps, so that one person can drive another.
    retargets: ClassVar[bool] = False
    #: Whether pictures go in and come out.
    pictures: ClassVar[bool] = True
    #: Whether it reads joints off pictures, and makes nothing.
    reads: ClassVar[bool] = False
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

    # The table of runs ------------------------------------------------------------------------------------------

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

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """A held-out clip, or those of its frames, made again of its first frame.

        Driven by the clip's own intensity; a method that infers one, by that, held within [0, 1].
        """
        index = list(range(len(clip)) if frames is None else frames)
        drive = self.infer_projection(clip.frames, clip.frames[0], clip.expression) if self.infers else clip.intensity
        played = np.clip(np.abs(drive), 0, 1)[index]
        return Redrawn(self.animate(clip.frames[0], clip.expression, played).frames, drive[index])

    def before(self, clip: Clip) -> Redrawn | None:
        """The clip as it was before this method, for one that refines; None for one that does not."""
        return None

    def followed(self, clip: Clip) -> Redrawn | None:
        """The clip made again of its first frame by the poses that it states, by a method that makes poses of its own
        when it redraws; None for any other."""
        return None

    def whole(self, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
        """What is shipped when the method is the last of its stages: usually itself."""
        return self


class Whole(Method):
    """A method put together of trained `stages`, which has no parameters but theirs."""

    def generator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self.stages().values() for p in stage.generator_parameters()]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        return [p for stage in self.stages().values() for p in stage.discriminator_parameters()]


class Trainable(Method, ABC):
    """A method with weights of its own to train: what `fit` asks of it, which a method made of trained parts lacks."""

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

    def generator_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if not name.startswith("discriminator")]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if name.startswith("discriminator")]

    def inherit(self, other: Self) -> None:
        """Starts from another model's generator, of the same sizes; the discriminators are left new."""
        state = {k: v for k, v in other.state_dict().items() if not k.startswith("discriminator")}
        self.load_state_dict({**self.state_dict(), **state})
