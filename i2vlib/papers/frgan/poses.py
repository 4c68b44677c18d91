"""G_C for bodies: a recurrent network that watches joints and forecasts where they go (section 3.1, right).

The paper takes the network of Villegas et al. (2017) as it was trained: a linear layer, an LSTM, a linear layer. The
LSTM is shown the poses that are seen, one a frame, and then nothing; what it gives out from there on is the forecast.
`condition.heatmaps` turns it into condition maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation
from i2vlib.joints import JOINTS, MIRRORED, box, last_seen
from i2vlib.papers.config import Trained
from i2vlib.papers.frgan import condition
from i2vlib.papers.method import Redrawn, Trainable

if TYPE_CHECKING:
    from i2vlib.clips import Clip
    from i2vlib.datasets.penn_action import Poses

#: Of the terms of a step. The squared error is Villegas et al.'s; the mean distance, which is what a forecast is
#: measured by, is not in the papers.
POSE_WEIGHTS = {"squared": 1.0, "distance": 0.0}


@dataclass(frozen=True)
class PosePredictorConfig(Trained):
    """Everything that decides what the forecaster of poses is and how it learns. `paper` and `small` are presets.

    Two things of Villegas et al. are not fields: RMSProp, which is Adam with a first beta of 0 apart from the
    correction of its first steps, and the gradients' limit of 25, which joints in units of a box never come near.
    """

    TERMS: ClassVar[Mapping[str, float]] = POSE_WEIGHTS

    seen: int = 10
    """Poses that are shown (FRGAN, section 4.3, after Villegas et al.)."""
    frames: int = 32
    """Poses after them that are learnt from (section 4.3)."""
    code: int = 32
    """Length of what the first linear layer makes of a pose."""
    hidden: int = 1024
    """Width of the LSTM."""
    outputs: Literal["places", "offsets", "steps"] = "places"
    """What is forecast: where the joints are; how far from the last pose that was seen; or how far from frame to frame,
    counted from that pose on. The last two are not in the papers."""
    soon: float = 0.0
    """A pose n frames ahead weighs ``n ** -soon`` in the loss: errors grow with n, and those of the next frames would
    go unnoticed beside the last ones. Not in the papers."""
    mirror: bool = False
    """Half of the training samples are seen in a mirror."""
    scale: float = 0.0
    """The share by which a training sample may be larger or smaller. The papers have no such thing."""
    shift: float = 0.0
    """The share of its box's side by which a training sample may be shifted. The papers have no such thing."""
    speed: float = 0.0
    """The share by which a training sample may be faster or slower. The papers have no such thing."""
    hide: float = 0.0
    """The share of the visible joints that is hidden from the network. The papers have no such thing."""
    clips_per_step: int = 256
    """Sequences in a step."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.0, 0.9)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(POSE_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.seen, self.frames, self.code, self.hidden) < 1:
            raise ValueError(
                "A forecaster is shown at least one pose, forecasts at least one, and has layers of at least one "
                f"unit; given were seen={self.seen}, frames={self.frames}, code={self.code}, hidden={self.hidden}."
            )

    @classmethod
    def presets(cls) -> dict[str, Callable[..., PosePredictorConfig]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> PosePredictorConfig:
        """Villegas et al. (2017), whose network the paper takes."""
        return replace(cls(), **changes)

    @classmethod
    def small(cls, **changes: object) -> PosePredictorConfig:
        """What one core trains in three minutes on a few hundred sequences: narrower, steps, changed samples."""
        small = cls(
            hidden=128, outputs="steps", soon=1.0, mirror=True, scale=0.2, shift=0.05, speed=0.4, hide=0.1,
            clips_per_step=32, learning_rate=3e-3, betas=(0.9, 0.99), decay=0.5, weights={"distance": 1.0},
        )  # fmt: skip
        return replace(small, **changes)


class PosePredictor(Trainable):
    """G_C of bodies: the joints of some frames to those of the frames after them (section 3.1, right)."""

    Config = PosePredictorConfig
    config: PosePredictorConfig
    makes = "poses"
    about = (
        "The condition generator of FRGAN for bodies: watches the 13 joints of a body and forecasts where they go "
        "(Zhao et al., 2018, after Villegas et al., 2017)."
    )
    limits = "It forecasts one future of many, nearer to their mean than any of them is, and draws no pictures."

    def __init__(self, config: PosePredictorConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Linear(3 * len(JOINTS), config.code)
        self.recurrence = nn.LSTM(config.code, config.hidden, batch_first=True)
        self.decoder = nn.Linear(config.hidden, 2 * len(JOINTS))
        if config.outputs != "places":  # it begins with a body that stands still
            nn.init.zeros_(self.decoder.weight)
            nn.init.zeros_(self.decoder.bias)

    @property
    def size(self) -> int:
        """0: no pictures go in or come out."""
        return 0

    def forward(self, seen: Tensor, last: Tensor, frames: int) -> Tensor:
        """Where joints go, in units of the box.

        Args:
            seen: ``(B, seen, 13, 3)``, x, y and 1 for a visible joint, 0, 0, 0 for any other.
            last: ``(B, 13, 2)``, where each joint was seen last.
            frames: how many poses to forecast.

        Returns:
            ``(B, frames, 13, 2)``.
        """
        codes = self.encoder(seen.flatten(2))
        nothing = codes.new_zeros(len(codes), frames, codes.shape[-1])
        told, _ = self.recurrence(torch.cat([codes, nothing], 1))
        places = self.decoder(told[:, -frames:]).unflatten(-1, (len(JOINTS), 2))
        if self.config.outputs == "places":
            return places
        return last[:, None] + (places if self.config.outputs == "offsets" else places.cumsum(1))

    def forecast(self, joints: np.ndarray, visible: np.ndarray | None = None, frames: int = 32) -> np.ndarray:
        """Where the joints of a body go.

        Args:
            joints: ``(T, 13, 2)``, (x, y) in pixels, in the order of `i2vlib.joints.JOINTS`; NaN where unknown. The
                last ``config.seen`` frames are watched, so there are as many at least.
            visible: ``bool (T, 13)``; None for all that are known.
            frames: how many poses to forecast, any number; the network learnt from ``config.frames``.

        Returns:
            ``float32 (frames, 13, 2)`` in the same pixels: of every joint, those that were never seen included, which
            are guessed.

        Raises:
            ValueError: another shape, too few frames, or no visible joint in the frames that are watched.
        """
        if not isinstance(frames, int | np.integer) or frames < 1:
            raise ValueError(f"The number of poses to forecast is a positive integer; given was {frames!r}.")
        joints, known = _checked(joints, visible)
        if len(joints) < self.config.seen:
            raise ValueError(f"This forecaster watches {self.config.seen} poses; given were {len(joints)}.")
        watched, known = joints[-self.config.seen :], known[-self.config.seen :]
        centre, side = box(watched, known)
        seen, last = (x[None].to(self.decoder.weight.device) for x in _shown(watched, known, centre, side))
        with animation.evaluating(self), torch.inference_mode():
            places = self(seen, last, int(frames))[0].cpu().numpy()
        return (places * side + centre).astype(np.float32)

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """A clip with joints as heatmaps in one channel: of the poses that are seen, and of the forecast after them."""
        joints, known = joints_of(clip)
        seen = self.config.seen
        made = joints.copy()
        if len(clip) > seen:
            made[seen:], known = self.forecast(joints[:seen], known[:seen], len(clip) - seen), known.copy()
            known[seen:] = True
        index = list(range(len(clip)) if frames is None else frames)
        drawn = condition.heatmaps(made[index], known[index], clip.frames.shape[1]).max(-1)
        return Redrawn(np.repeat(drawn.astype(np.uint8)[..., None] * 2, 3, -1))

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip | Poses, rng: torch.Generator) -> dict[str, Tensor]:
        """Poses that follow one another, from a frame drawn at random, in units of the box of those that are seen.

        A sequence that ends earlier is as one whose joints are hidden from there on.

        Returns:
            seen ``(seen, 13, 3)`` and last ``(13, 2)``, as `forward` takes them; future ``(frames, 13, 2)``, 0 where
            unknown; visible ``(frames, 13)``, 1 or 0.

        Raises:
            ValueError: nothing can be learnt from it: there are no frames in which a joint is visible, followed by a
                frame in which one is.
        """
        config = self.config
        draw = torch.rand(5, generator=rng).tolist()
        pace = (1 + config.speed) ** (2 * draw[0] - 1)
        joints, visible = at_pace(*joints_of(clip), pace)
        if config.mirror and draw[1] < 0.5:
            joints, visible = (joints * np.float32([-1, 1]))[:, MIRRORED], visible[:, MIRRORED]
        starts = self.starts(visible)
        if not len(starts):
            raise ValueError(
                f"A sequence of {len(visible)} frames teaches no forecast: among {config.seen} frames and those after "
                "them a joint has to be visible. Leave it out."
            )
        begin = starts[int(torch.randint(len(starts), (), generator=rng))]
        joints, visible = (x[begin : begin + config.seen + config.frames] for x in (joints, visible))
        centre, side = box(joints[: config.seen], visible[: config.seen])
        side = side * (1 + config.scale) ** (2 * draw[2] - 1)
        centre = centre + config.shift * side * (2 * np.float32(draw[3:]) - 1)
        shown = visible[: config.seen]
        if config.hide:
            shown = shown & (torch.rand(shown.shape, generator=rng) >= config.hide).numpy()
        seen, last = _shown(joints[: config.seen], shown, centre, side)
        future, known = np.zeros((config.frames, len(JOINTS), 2), np.float32), np.zeros((config.frames, len(JOINTS)))
        after = len(joints) - config.seen
        known[:after] = visible[config.seen :]
        future[:after] = np.where(visible[config.seen :, :, None], (joints[config.seen :] - centre) / side, 0)
        return {
            "seen": seen, "last": last, "future": torch.from_numpy(future), "visible": torch.from_numpy(known).float(),
        }  # fmt: skip

    def starts(self, visible: np.ndarray) -> np.ndarray:
        """Lists the frames from which a sample can begin: a joint is visible in what it sees, and one after that."""
        seen, frames = self.config.seen, self.config.frames
        before = np.concatenate([[0], visible.any(1).cumsum()])
        begin = np.arange(max(len(visible) - seen, 0))
        middle, end = before[begin + seen], before[np.minimum(begin + seen + frames, len(visible))]
        return begin[(middle > before[begin]) & (end > middle)]

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The forecast of a batch: joints, ``(B, frames, 13, 2)``."""
        return {"joints": self(batch["seen"], batch["last"], self.config.frames)}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """None: there is no discriminator."""
        return {}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """How far the visible joints of the forecast are from where they should be; the others weigh nothing."""
        visible = batch["visible"]
        ahead = torch.arange(1, visible.shape[1] + 1, device=visible.device)
        counted = visible * (ahead**-self.config.soon)[:, None]
        squared = (outputs["joints"] - batch["future"]).square().sum(-1)
        mean = lambda error: (error * counted).sum() / counted.sum().clamp(min=1e-8)  # noqa: E731
        return self.weighed(squared=lambda: mean(squared / 2), distance=lambda: mean((squared + 1e-8).sqrt()))


def joints_of(clip: Clip | Poses) -> tuple[np.ndarray, np.ndarray]:
    """The joints of a clip, whose truth has them, or of a sequence of Penn Action's.

    Returns:
        ``float32 (T, 13, 2)`` in pixels, and ``bool (T, 13)``, which of them are visible and known.

    Raises:
        ValueError: there are none, or they have another shape.
    """
    known = getattr(clip, "truth", None)
    if known is None:
        return _checked(clip.joints, clip.visible)
    if "joints" not in known:
        raise ValueError(f"{clip!r} has no joints. Open performers, or Penn Action with its frames.")
    return _checked(known["joints"], known.get("visible"))


def at_pace(joints: np.ndarray, visible: np.ndarray, pace: float) -> tuple[np.ndarray, np.ndarray]:
    """A sequence of joints played faster or slower, each frame between two; a joint is visible where it is in both.

    Args:
        joints: ``(T, 13, 2)``.
        visible: ``bool (T, 13)``.
        pace: frames of the sequence in one of the result.
    """
    if pace == 1:
        return joints, visible
    times = np.arange(int((len(joints) - 1) / pace) + 1) * pace
    before = np.minimum(times.astype(int), len(joints) - 1)
    after = np.minimum(before + (times > before), len(joints) - 1)
    share = (times - before).astype(np.float32)[:, None, None]
    return joints[before] * (1 - share) + joints[after] * share, visible[before] & visible[after]


def _checked(joints: np.ndarray, visible: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    joints = np.asarray(joints, np.float32)
    if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 2):
        raise ValueError(f"The poses of a body are joints (T, {len(JOINTS)}, 2); given was the shape {joints.shape}.")
    known = np.isfinite(joints).all(-1)
    if visible is None:
        return joints, known
    if np.shape(visible) != joints.shape[:2]:
        raise ValueError(
            f"Which joints are visible is said for each of {joints.shape[:2]}; given was {np.shape(visible)}."
        )
    return joints, known & np.asarray(visible, bool)


def _shown(joints: np.ndarray, visible: np.ndarray, centre: np.ndarray, side: float) -> tuple[Tensor, Tensor]:
    """What the network is shown of the visible joints, and where each was last: in the middle if nowhere."""
    places = np.where(visible[..., None], (joints - centre) / side, 0)
    last = np.nan_to_num(last_seen(places, visible))
    seen = np.concatenate([places, visible[..., None]], -1)
    return torch.from_numpy(seen).float(), torch.from_numpy(last).float()
