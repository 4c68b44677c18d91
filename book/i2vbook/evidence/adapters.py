"""What measuring has to know of single methods, each answered by the class that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from i2vlib.clips import Clip
from i2vlib.compared import HP
from i2vlib.papers.frgan import FRGAN, Forecast, FRGANPoses, Refine
from i2vlib.papers.method import Method, Redrawn

#: The method that all stages of FRGAN together are, by what conditions them.
WHOLE = {"normals": FRGAN, "joints": FRGANPoses}


@singledispatch
def before(method: Method, clip: Clip) -> Redrawn | None:
    """Returns the clip as it was before a method that refines it; None for any other method."""
    return None


@before.register
def _(method: Refine, clip: Clip) -> Redrawn:
    return Redrawn(np.asarray(clip.truth["forecast"]))


@singledispatch
def followed(method: Method, clip: Clip) -> Redrawn | None:
    """Makes a clip again of its first frame by the poses that it states, by a method that otherwise forecasts them."""
    return None


@followed.register
def _(method: HP, clip: Clip) -> Redrawn | None:
    return method.followed(clip)


@singledispatch
def shipped(method: Method, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
    """Returns what is shipped when a method is the last of its stages: usually itself.

    Args:
        earlier: the trained stages before it.
        expressions: that the stages were taught.
    """
    return method


@shipped.register
def _(method: Forecast, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
    return WHOLE[method.config.condition].of(*earlier, method, None, expressions)


@shipped.register
def _(method: Refine, earlier: Sequence[Method], expressions: Sequence[str]) -> Method:
    return WHOLE[method.config.condition].of(*earlier, method, expressions)
