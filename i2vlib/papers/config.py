"""What every configuration is: a frozen dataclass whose values are checked, with ready-made ones by name."""

from __future__ import annotations

import numbers
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import ClassVar, Literal, Self


@dataclass(frozen=True)
class Config:
    """The base of every configuration: frozen, its choices checked at once.

    A field whose type is a ``Literal`` takes one of its values and nothing else, and one that is a number, numbers,
    or a switch takes no text for it; lists, as a file has them, become tuples.
    """

    def __post_init__(self) -> None:
        for name, kind in _kinds(type(self)).items():
            value = vars(self)[name]
            if typing.get_origin(kind) is Literal and value not in typing.get_args(kind):
                choices = ", ".join(map(repr, typing.get_args(kind)))
                raise ValueError(f"{type(self).__name__}.{name} is one of {choices}; given was {value!r}.")
            if not _fits(value, kind):
                wanted = kind.__name__ if isinstance(kind, type) else str(kind)
                raise ValueError(f"{type(self).__name__}.{name} is of the type {wanted}; given was {value!r}.")
            if typing.get_origin(kind) is tuple:
                object.__setattr__(self, name, tuple(value))

    @classmethod
    def stated(cls, settings: Mapping[str, object]) -> Self:
        """Makes a configuration of settings by name, as a file has them; one that they leave out keeps its default.

        Raises:
            ValueError: there is no field of such a name, or a field does not take its value.
        """
        known = [one.name for one in fields(cls)]
        if unknown := sorted(set(settings) - set(known)):
            raise ValueError(f"{cls.__name__} has no fields {unknown}; it has {known}.")
        return cls(**settings)

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


@dataclass(frozen=True, kw_only=True)
class Trained(Config):
    """The base of every configuration with something to train: what `i2vlib.fit` reads.

    Loss terms that ``weights`` leaves out weigh 0.
    """

    #: Every loss term of the method with its weight in the paper, 0 for those that the paper does not have.
    TERMS: ClassVar[Mapping[str, float]] = {}

    clips_per_step: int = 1
    """Clips in a step."""
    learning_rate: float = 2e-4
    """Of Adam."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Of Adam: how long it remembers slopes, and their squares."""
    decay: float = 0.0
    """The last share of the steps, over which the learning rate falls to 0."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """By the names of the loss terms; a term of weight 0 is not computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := set(self.weights) - set(self.TERMS):
            raise ValueError(f"There are no loss terms {sorted(unknown)}; there are {sorted(self.TERMS)}.")
        object.__setattr__(self, "weights", {**dict.fromkeys(self.TERMS, 0.0), **self.weights})


@dataclass(frozen=True, kw_only=True)
class Augmented(Trained):
    """The base of those whose training pictures may look as photographs do."""

    augment: bool = True
    """Flips, small shifts and changes of scale, light and colour, the same for all frames of a clip."""
    looks: float = 0.0
    """The share of training samples that look as photographs do: grey, sepia, pale, grainy, soft, JPEG, frames and
    still alike (`i2vlib.samples.Look`); not in the papers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.looks <= (1 if self.augment else 0):
            raise ValueError(
                f"{type(self).__name__}.looks is a share of the training samples, from 0 to 1, and 0 without augment; "
                f"given was {self.looks}."
            )


@cache
def _kinds(config: type[Config]) -> dict[str, object]:
    """The types of a configuration's fields by name."""
    hints = typing.get_type_hints(config)
    return {one.name: hints[one.name] for one in fields(config)}


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
