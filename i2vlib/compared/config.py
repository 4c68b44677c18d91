"""What the configurations of all compared systems share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from i2vlib.papers.config import Trained, checked_expressions


@dataclass(frozen=True)
class ComparedConfig(Trained):
    """What every compared system has to decide. A preset is the fields that it sets, by name."""

    #: The paper's text.
    PAPER: ClassVar[Mapping[str, object]] = {}
    #: What two cores can train.
    SMALL: ClassVar[Mapping[str, object]] = {}
    #: Fields of earlier versions with the one value that they had; settings that state it still load.
    FORMER: ClassVar[Mapping[str, object]] = {}

    size: int = 64
    """Height and width in pixels."""
    expressions: tuple[str, ...] = ("happy",)
    """One model for all of them; of bodies, actions."""
    clips_per_step: int = 4
    augment: bool = True
    """Flips, small shifts and changes of scale, light and colour, the same for all frames of a clip."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_expressions(self.expressions)

    @classmethod
    def stated(cls, settings: Mapping[str, object]) -> Self:
        """As of `Config`, and settings of an earlier version load as well."""
        former = cls.FORMER.items()
        return super().stated(dict(setting for setting in settings.items() if setting not in former))

    @classmethod
    def presets(cls) -> dict[str, Callable[..., Self]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> Self:
        """The paper's text, but for the changes."""
        return cls(**{**cls.PAPER, **changes})

    @classmethod
    def small(cls, **changes: object) -> Self:
        """What two cores can train, but for the changes."""
        return cls(**{**cls.SMALL, **changes})
