"""FRGAN of bodies in use: G_C, which forecasts joints, then G_M and G_R, which are those of faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from i2vlib import animation
from i2vlib.clips import Clip, load_image
from i2vlib.datasets import load_joints
from i2vlib.datasets.penn_action import Poses, own_sides
from i2vlib.joints import ACTIONS, JOINTS, box
from i2vlib.papers.config import Config
from i2vlib.papers.frgan.condition import heatmaps
from i2vlib.papers.frgan.config import ForecastConfig, RefineConfig, stage_configs
from i2vlib.papers.frgan.forecast import Forecast
from i2vlib.papers.frgan.poses import PosePredictor, PosePredictorConfig, joints_of
from i2vlib.papers.frgan.refine import Refine
from i2vlib.papers.method import Whole


def _of_bodies(config: type[ForecastConfig] | type[RefineConfig], **changes: object) -> Callable[[], object]:
    """The default of a stage that is conditioned on joints, at 64 pixels and on 16 frames (section 4.1)."""
    return lambda: config(**{"condition": "joints", "size": 64, **changes})


@dataclass(frozen=True)
class FRGANPosesConfig(Config):
    """The three networks together."""

    poses: PosePredictorConfig = field(default_factory=PosePredictorConfig)
    forecast: ForecastConfig = field(default_factory=_of_bodies(ForecastConfig))
    refine: RefineConfig | None = field(default_factory=_of_bodies(RefineConfig, frames=16))
    """None stops after G_M."""
    actions: tuple[str, ...] = ACTIONS
    """Those that the networks were taught."""

    def __post_init__(self) -> None:
        stage_configs(self, poses=PosePredictorConfig, forecast=ForecastConfig, refine=RefineConfig)
        super().__post_init__()
        for stage in filter(None, (self.forecast, self.refine)):
            if stage.condition != "joints" or stage.size != self.forecast.size:
                raise ValueError(
                    f"The stages of FRGAN for bodies are conditioned on joints and of one size; given was {stage}."
                )


class FRGANPoses(Whole):
    """G_C, G_M and G_R for bodies: a still and some poses to a clip. Its stages are trained one by one."""

    Config = FRGANPosesConfig
    config: FRGANPosesConfig
    about = (
        "Makes a still of a body follow poses, given or forecast: it draws frame by frame from maps of 13 joints, then "
        "refines the clip as a whole (Zhao et al., 2018)."
    )
    limits = (
        "Whole bodies in a square crop of 64 pixels, one person, whose joints in the still are given. It was taught "
        "rendered people in eight actions. What it makes is synthetic; say so where you show it."
    )

    def __init__(self, config: FRGANPosesConfig) -> None:
        super().__init__()
        self.config = config
        self.g_c = PosePredictor(config.poses)
        self.g_m = Forecast(config.forecast)
        self.g_r = None if config.refine is None else Refine(config.refine)

    @classmethod
    def of(
        cls, poses: PosePredictor, forecast: Forecast, refine: Refine | None, actions: Sequence[str] = ACTIONS
    ) -> FRGANPoses:
        """The trained stages as one model."""
        whole = cls(FRGANPosesConfig(poses.config, forecast.config, refine and refine.config, tuple(actions)))
        for mine, given in ((whole.g_c, poses), (whole.g_m, forecast), (whole.g_r, refine)):
            if given is not None:
                mine.load_state_dict(given.state_dict())
        return whole.eval()

    @property
    def size(self) -> int:
        return self.config.forecast.size

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.actions

    def stages(self) -> Mapping[str, PosePredictor | Forecast | Refine]:
        return {type(stage).__name__: stage for stage in (self.g_c, self.g_m, self.g_r) if stage is not None}

    def forecast(self, poses: np.ndarray, visible: np.ndarray | None = None, frames: int = 32) -> np.ndarray:
        """Where the joints go after those that were seen, as `PosePredictor.forecast`: ``float32 (frames, 13, 2)``."""
        return self.g_c.forecast(poses, visible, frames)

    def animate(
        self,
        still: np.ndarray,
        poses: np.ndarray | None = None,
        driver: Clip | Poses | str | Path | None = None,
        pose: np.ndarray | None = None,
        fps: float = 30.0,
        refine: bool = True,
    ) -> Clip:
        """A still of a body that takes one pose after another.

        Args:
            still: ``uint8 (H, W, 3)``, square, one person in it; other sizes are resampled.
            poses: ``(T, 13, 2)``, joints in pixels of the still, in the order of `i2vlib.joints.JOINTS`; NaN for one
                that is hidden or unknown. The first are the still's own, unless ``pose`` gives these.
            driver: in place of poses: a clip whose truth has joints, as performers have, or a sequence of Penn
                Action's, or a path for `i2vlib.datasets.load_joints`: a label of Penn Action, or a folder of pictures
                that has one or has a table ``joints.csv``. Its joints are moved and scaled so that in its first frame
                their box is that of the still's, ``pose``.
            pose: ``(13, 2)``, the joints of the still.
            fps: of the result; a driver's own where it is a clip.
            refine: with G_R.

        Returns:
            A `Clip` of ``config.forecast.size`` px, a frame a pose; its ``truth`` holds joints, in its own pixels, and
            condition, the maps that it was drawn from.

        Raises:
            ValueError: neither poses nor a driver, or both; a driver without ``pose``, or without joints, or none of
                whose joints is visible at first; arrays of another shape.
        """
        if (poses is None) == (driver is None):
            raise ValueError("FRGAN of bodies follows poses or a driver: give one of the two.")
        if driver is not None:
            poses, fps = _followed(driver, pose), getattr(driver, "fps", fps)
        poses = np.asarray(poses, np.float32)
        own = poses[0] if pose is None else np.asarray(pose, np.float32)
        if poses.shape[1:] != (len(JOINTS), 2) or own.shape != (len(JOINTS), 2):
            raise ValueError(
                f"Poses are joints (T, {len(JOINTS)}, 2), the still's own ({len(JOINTS)}, 2); given were {poses.shape} "
                f"and {own.shape}."
            )
        still = load_image(still)
        shown = animation.fit_to(still, self.size)
        joints = np.concatenate([own[None], poses]) * (self.size / len(still))
        maps = heatmaps(joints, None, self.size, self.config.forecast.joint_width)
        frames = self.g_m.forecast(shown, maps)["frames"]
        if refine and self.g_r is not None:
            frames = self.g_r.refine(frames, maps[1:])["frames"]
        truth = {"joints": joints[1:], "visible": np.isfinite(joints[1:]).all(-1), "condition": maps[1:]}
        return Clip(animation.in_tone_of(shown, frames), fps, truth=truth, neutral=shown)


def _followed(driver: Clip | Poses | str | Path, pose: np.ndarray | None) -> np.ndarray:
    """The joints of a driver, moved and scaled so that those of its first frame lie in the box of a still's."""
    if pose is None:
        raise ValueError("A driver says how a body moves; where it is in the still, pose=(13, 2) says. Give both.")
    if isinstance(driver, str | Path):
        joints, known = load_joints(driver)
    else:
        joints, known = own_sides(driver) if isinstance(driver, Poses) else joints_of(driver)
    pose = np.asarray(pose, np.float32)
    both = known[0] & np.isfinite(pose).all(-1)
    if not both.any():
        raise ValueError(
            "No joint is known both in the first frame of the driver and in the still, so that nothing says how large "
            "the driver is there. Begin with a frame in which it is visible."
        )
    (theirs, size), (ours, wanted) = (box(x[None], both[None]) for x in (joints[0], pose))
    return np.where(known[..., None], (joints - theirs) * (wanted / size) + ours, np.nan)


def future_of(clip: Clip, poses: PosePredictor, forecast: bool = False) -> Clip:
    """What is left of a clip of a body for G_M to draw: the last of the frames that G_C watches, and those after it.

    Args:
        clip: whose truth has joints and visible.
        poses: G_C.
        forecast: after the first frame, the joints are those that G_C forecasts, all of which count as visible.
    """
    seen = poses.config.seen
    left = clip[seen - 1 :]
    if not forecast:
        return left
    joints, known = joints_of(clip)
    ahead = poses.forecast(joints[:seen], known[:seen], len(clip) - seen)
    truth = {
        **left.truth,
        "joints": np.concatenate([joints[seen - 1 : seen], ahead]),
        "visible": np.concatenate([known[seen - 1 : seen], np.ones(ahead.shape[:2], bool)]),
    }
    return replace(left, truth=truth)
