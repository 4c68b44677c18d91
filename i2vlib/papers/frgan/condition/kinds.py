"""What conditions G_M and G_R in each of the paper's two tasks: all that they, and their training, know of a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import Tensor

from i2vlib.clips import Clip, to_tensor
from i2vlib.joints import JOINTS
from i2vlib.papers.frgan.condition.clips import Conditioned
from i2vlib.papers.frgan.condition.face import FACE
from i2vlib.papers.frgan.condition.heatmaps import heatmaps
from i2vlib.papers.frgan.condition.maps import map_tensor
from i2vlib.samples import Augmentation

if TYPE_CHECKING:
    from i2vlib.papers.frgan.config import ForecastConfig, RefineConfig


@dataclass(frozen=True)
class Posed(Sequence):
    """Clips of bodies with their condition maps, ``truth["condition"]``: int8 (T, S, S, 13), as `heatmaps`.

    Args:
        clips: square ones, which know ``truth["joints"]`` and ``truth["visible"]``.
        width: of a joint, as `heatmaps` has it.
    """

    clips: Sequence[Clip]
    width: float

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        clip = self.clips[index]
        lacking = {"joints", "visible"} - set(clip.truth)
        if lacking:
            raise ValueError(f"{clip!r} does not know its {sorted(lacking)}; a forecast of bodies is drawn from them.")
        maps = heatmaps(clip.truth["joints"], clip.truth["visible"], clip.frames.shape[1], self.width)
        return replace(clip, truth={**clip.truth, "condition": maps})


@dataclass(frozen=True)
class Kind:
    """One kind of condition maps.

    Attributes:
        channels: of a map.
        truth: what has to be known of rendered clips to draw it.
        origin: and what more, to know where a frame's pixels come from in another one (`i2vlib.samples.origins`).
        prepared: clips, a configuration, whether they are fitted, and drivers or None (`Method.prepared`), to clips
            that have ``truth["condition"]``, ``int8 (T, S, S, channels)``.
        moved: maps ``(T, channels, H, W)`` as they are once their pictures have been augmented.
    """

    channels: int
    truth: tuple[str, ...]
    origin: tuple[str, ...]
    prepared: Callable[[Sequence[Clip], ForecastConfig | RefineConfig, bool, Sequence[Clip] | None], Sequence[Clip]]
    moved: Callable[[Augmentation, Tensor], Tensor]


KINDS = {
    "normals": Kind(
        3, FACE, ("flow_to_first", "seen_in_first"),
        lambda clips, config, *how: Conditioned(clips, how[0], config.posed_normals, how[1]),
        Augmentation.moved_normals,
    ),
    "joints": Kind(
        len(JOINTS), ("joints", "visible", "person"), ("surface",),
        lambda clips, config, *_: Posed(clips, config.joint_width), Augmentation.moved_joints,
    ),
}  # fmt: skip


def conditioned_frames(
    clip: Clip, index: Sequence[int], config: ForecastConfig | RefineConfig, change: Augmentation | None
) -> tuple[Tensor, Tensor]:
    """Some frames of a clip and their condition maps, changed all alike.

    Returns:
        ``(n, 3, size, size)`` and ``(n, channels, size, size)`` in [-1, 1].

    Raises:
        ValueError: the clip has another size, or no condition maps.
    """
    size, kind = config.size, KINDS[config.condition]
    if "condition" not in clip.truth:
        raise ValueError(f"{clip!r} has no condition maps. Wrap the clips: condition.Conditioned(clips).")
    if clip.frames.shape[1:3] != (size, size):
        raise ValueError(f"{clip!r} does not fit a model of {size} px. Open the data with size={size}.")
    frames, maps = to_tensor(clip.frames[list(index)]), map_tensor(clip.truth["condition"][list(index)])
    return (frames, maps) if change is None else (change.lit(change.moved(frames)), kind.moved(change, maps))
