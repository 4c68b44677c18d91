"""What G_M and G_R share: they follow condition maps, so that one person can drive another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from i2vlib.clips import Clip
from i2vlib.papers.frgan.condition import KINDS
from i2vlib.papers.method import Method, Trainable

if TYPE_CHECKING:
    from i2vlib.papers.frgan.config import ForecastConfig, RefineConfig


class Follower(Trainable):
    """A stage of FRGAN that is told condition maps (`condition.KINDS`)."""

    @classmethod
    def truth(cls, config: ForecastConfig | RefineConfig) -> tuple[str, ...]:
        return KINDS[config.condition].truth

    @classmethod
    def prepared(
        cls,
        clips: Sequence[Clip],
        config: ForecastConfig | RefineConfig,
        fitted: bool = False,
        drivers: Sequence[Clip] | None = None,
        earlier: Sequence[Method] = (),
    ) -> Sequence[Clip]:
        return KINDS[config.condition].prepared(clips, config, fitted, drivers)
