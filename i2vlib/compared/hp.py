r"""HP, hierarchical prediction (Villegas et al., 2017), as FAN compared with it: first landmarks, then the pictures.

Declared adaptations. The network of pictures is a U-Net, as FAN has it, and the analogy is made on each of its levels.
One still is seen where the paper sees ten poses, so a forecast is counted from the still's own points, and begins with
a face at rest; the expression is told beside them. The 68 landmarks stand in the place of a body's joints: in training
those that the clip states, in use those that are read off the still, or given; a clip that is made again gives its
own. Of bodies they are the 13 joints, as in the paper. Nobody reads these: they are given, and one that is hidden in
the still sets out from the middle of those that are not. The feature loss is left out, for it asks for another
network's weights. Both halves learn at once, by Adam, from nothing of each other: the pictures from true landmarks, as
in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import animation, regions, samples
from i2vlib.clips import Clip
from i2vlib.compared.fixed_length import FixedLength, PairsConfig, at_moments
from i2vlib.joints import JOINTS
from i2vlib.papers.blocks import Decoder, Encoder, PatchDiscriminator, widths
from i2vlib.papers.losses import generator_loss, masked_l1
from i2vlib.papers.method import Redrawn

CODE = 32  # length of what the first linear layer makes of a pose
WIDTH = 0.02  # standard deviation of a landmark's Gaussian, as a share of the side
STRIDES = (2, 2, 2, 1)  # of the discriminator


@dataclass(frozen=True)
class HPConfig(PairsConfig):
    """Everything that decides what HP is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {
        "pose": 1.0, "reconstruction": 1.0, "reconstruction_moving": 0.0, "adversarial": 1.0,
    }  # fmt: skip
    #: Ten frames, as FAN has it.
    PAPER: ClassVar[Mapping[str, object]] = {
        "size": 128, "frames": 10, "clips_per_step": 8, "learning_rate": 1e-4, "augment": False,
    }  # fmt: skip
    SMALL: ClassVar[Mapping[str, object]] = {
        "base_channels": 16, "channel_cap": 4, "hidden": 128, "pairs": 3, "learning_rate": 5e-4, "decay": 0.3,
        "weights": {**TERMS, "reconstruction_moving": 0.3, "adversarial": 0.02},
    }  # fmt: skip
    FORMER: ClassVar[Mapping[str, object]] = {"code": CODE, "width": WIDTH, "discriminator_strides": list(STRIDES)}

    hidden: int = 1024
    """Width of the LSTM."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(HPConfig.TERMS))

    @property
    def points(self) -> int:
        """Landmarks of a face, or joints of a body."""
        return {"faces": 68, "bodies": len(JOINTS)}[self.shows]


def gaussians(points: Tensor, size: int, width: float) -> Tensor:
    r"""HP, g: landmarks as pictures ``(B, l, size, size)`` in [0, 1], a Gaussian each.

    .. math:: g(p)_l(x) = \exp\left(-\frac{\lVert x - p_l \rVert_2^2}{2 \sigma^2}\right)

    Derived in the chapter *compared*, "HP".

    Args:
        points: ``(B, l, 2)``, x and y from -1 to 1 over the picture; NaN where unknown, which leaves a picture empty.
        width: :math:`\sigma` as a share of the side.
    """
    centres = (torch.arange(size, device=points.device) + 0.5) * (2 / size) - 1
    away = torch.exp(-((centres - points.float().unsqueeze(-1)) / (2 * width)).square() / 2).nan_to_num(0.0)
    return away[:, :, 1, :, None] * away[:, :, 0, None, :]


def by_analogy(image: Tensor, to: Tensor, of: Tensor) -> Tensor:
    r"""HP, the analogy: the code of a frame whose landmarks are p', as p is to p'.

    .. math:: f(I) + f_g(g(p')) - f_g(g(p))

    Derived in the chapter *compared*, "HP".

    Args:
        image: f(I), ``(B, 1, C, h, w)``, on one level.
        to: of p', ``(B, m, C, h, w)``.
        of: of p, ``(B, 1, C, h, w)``.
    """
    return image + (to - of)


def pose_error(made: Tensor, real: Tensor) -> Tensor:
    r"""HP, the loss of its forecast: the squared error of the landmarks that are known.

    .. math:: \frac{1}{\sum m} \sum_{t,l} m_t^l \lVert \hat p_t^l - p_t^l \rVert_2^2

    Derived in the chapter *compared*, "HP".

    Args:
        made, real: ``(B, T, l, 2)``; the real ones are NaN where unknown.
    """
    known = torch.isfinite(real).all(-1)
    squared = (made - real.nan_to_num(0.0)).square().sum(-1)
    return (squared * known).sum() / known.sum().clamp_min(1)


def from_the_middle(points: Tensor) -> Tensor:
    """Points ``(B, l, 2)``, where the unknown ones, NaN, stand in the middle of those that are known."""
    known = torch.isfinite(points).all(-1, keepdim=True)
    middle = torch.where(known, points, 0).sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp_min(1)
    return torch.where(known, points, middle)


def mismatched(real: Tensor, made: Tensor, other: Tensor) -> Tensor:
    r"""HP, what its discriminator minimises. A frame has to look real *and* be of the landmarks it is shown with,
    so a real frame of other landmarks is as wrong as a made one.

    .. math:: -\log D([p', x']) - \tfrac12 \log(1 - D([p', \hat x'])) - \tfrac12 \log(1 - D([p', x_t]))

    Derived in the chapter *compared*, "HP".

    Args:
        real, made, other: its logits of x', of :math:`\hat x'` and of the still x_t, each beside p'.
    """
    return F.softplus(-real).mean() + (F.softplus(made).mean() + F.softplus(other).mean()) / 2


class HP(FixedLength):
    """An LSTM that forecasts landmarks, and a U-Net that draws what the still would be with them."""

    Config = HPConfig
    about = (
        "Forecasts how a face's landmarks or a body's joints move, and draws each frame by analogy (Villegas et al., "
        "2017)."
    )

    def __init__(self, config: HPConfig) -> None:
        super().__init__()
        self.config = config
        channels = widths(config.size, config.base_channels, config.channel_cap)
        self.pose = nn.Linear(2 * config.points + len(config.expressions), CODE)
        self.recurrence = nn.LSTM(CODE, config.hidden, batch_first=True)
        self.offsets = nn.Linear(config.hidden, 2 * config.points)
        for parameter in self.offsets.parameters():
            nn.init.zeros_(parameter)
        self.image = Encoder(3, channels, "instance")
        self.structure = Encoder(config.points, channels, "instance")
        self.decoder = Decoder(channels, "none", True, 0.0, 3)
        self.discriminator = PatchDiscriminator(3 + config.points, config.base_channels, STRIDES, "instance")

    def forecast(self, points: Tensor, label: Tensor) -> Tensor:
        """Points ``(B, l, 2)`` of stills, from -1 to 1, to those of the later frames, ``(B, n - 1, l, 2)``.

        The LSTM is shown the still's, and then nothing.
        """
        points = from_the_middle(points)
        told = F.one_hot(label, len(self.expressions)).to(points)
        code = self.pose(torch.cat([points.flatten(1), told], 1)).unsqueeze(1)
        said, _ = self.recurrence(F.pad(code, (0, 0, 0, self.config.frames - 2)))
        return points.unsqueeze(1) + self.offsets(said).unflatten(-1, (self.config.points, 2))

    def draw(self, still: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Stills ``(B, 3, H, W)`` of points ``(B, l, 2)`` with others, ``(B, m, l, 2)``: ``(B, m, 3, H, W)``."""
        shape = after.shape[0], 1 + after.shape[1]
        maps = gaussians(torch.cat([before.unsqueeze(1), after], 1).flatten(0, 1), self.size, WIDTH)
        codes = []
        for image, pose in zip(self.image(still), self.structure(maps), strict=True):
            pose = pose.unflatten(0, shape)
            codes.append(by_analogy(image.unsqueeze(1), pose[:, 1:], pose[:, :1]).flatten(0, 1))
        return self.decoder(codes).unflatten(0, after.shape[:2])

    def clip(self, still: Tensor, label: Tensor, points: Tensor) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``, the stills first, and the points forecast; points ``(B, l, 2)`` from -1 to 1
        are the stills'."""
        after = self.forecast(points, label)
        return {"images": torch.cat([still.unsqueeze(1), self.draw(still, points, after)], 1), "points": after}

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """As of `FixedLength`, and points ``(n, l, 2)`` from -1 to 1, and moments ``(pairs,)``, the frames to draw.

        Raises:
            ValueError: the clip does not state the landmarks, or of a body any joint, of the still.
        """
        config, first = self.config, self.moments(clip)[0]
        if self._stated(clip[[first]]) is None:
            raise ValueError(
                f"{clip!r} does not state the {config.points} landmarks or joints of its frame {first}, which HP "
                "begins with."
            )
        sample, points = self.shown(clip, samples.change_of(clip, config.augment, rng))
        return {**sample, "points": points * (2 / config.size) - 1, "moments": config.moments(rng)}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Images ``(B, pairs, 3, H, W)`` of true points, and those forecast, ``(B, n - 1, l, 2)``."""
        still, points = batch["frames"][:, 0], batch["points"]
        images = self.draw(still, points[:, 0], at_moments(points, batch["moments"]))
        return {"images": images, "points": self.forecast(points[:, 0], batch["label"])}

    def _judge(self, pictures: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Logits of pictures ``(B, pairs, 3, H, W)``, each beside the landmarks of its moment."""
        maps = gaussians(at_moments(batch["points"], batch["moments"]).flatten(0, 1), self.size, WIDTH)
        return self.discriminator(torch.cat([pictures.flatten(0, 1), maps], 1))[0]

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To call real a real frame beside its own landmarks, and nothing else."""
        real, made = at_moments(batch["frames"], batch["moments"]), outputs["images"].detach()
        still = batch["frames"][:, :1].expand_as(real)
        return {"adversarial": mismatched(*(self._judge(pictures, batch) for pictures in (real, made, still)))}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To forecast the landmarks; and to draw what was filmed, that looks real."""
        real, made = at_moments(batch["frames"], batch["moments"]), outputs["images"]
        return self.weighed(
            pose=lambda: pose_error(outputs["points"], batch["points"][:, 1:]),
            reconstruction=lambda: F.mse_loss(made, real),
            adversarial=lambda: generator_loss(self._judge(made, batch), saturating=False),
            reconstruction_moving=lambda: masked_l1(made, real, regions.moving(real, batch["frames"][:, 0])),
        )

    # Using a trained model ---------------------------------------------------------------------------------------

    def animate(
        self, face: np.ndarray, expression: str | None = None, fps: float = 12.0, landmarks: np.ndarray | None = None
    ) -> Clip:
        """A clip of a face, as of `FixedLength.animate`.

        Args:
            landmarks: ``(68, 2)`` in pixels of the face; left out, they are read. Of a body its joints, ``(13, 2)``,
                NaN for those that are hidden, and they have to be given.

        Raises:
            ValueError: as `FixedLength.animate`; or no landmarks are given, and none can be read.
        """
        still, count = self.still_of(face), self.config.points
        scale = 2 / (len(still) if landmarks is None else len(face))
        reads = landmarks is None and self.config.shows == "faces"
        points = animation.points_of(still) if reads else landmarks
        points = np.full((1, 2), np.nan) if points is None else np.asarray(points, np.float32)
        if points.shape != (count, 2) or not np.isfinite(points).all(-1).any():
            raise ValueError(
                f"HP begins with the {count} landmarks or joints of the still, and they were not given, nor could they "
                f"be read off it. Give landmarks, ({count}, 2) in its pixels."
            )
        return super().animate(still, expression, fps, points=torch.from_numpy(points * scale - 1).float()[None])

    def redraw(self, clip: Clip, frames: Sequence[int] | None = None) -> Redrawn:
        """As of `FixedLength`, from the landmarks that the clip states of its first frame, if it does."""
        stated = self._stated(clip)
        return super().redraw(clip, frames, landmarks=None if stated is None else stated[0])

    def followed(self, clip: Clip) -> Redrawn | None:
        """A clip made again of its first frame by the points that it states, instead of those that are forecast; None
        if it states none."""
        stated = self._stated(clip)
        if stated is None:
            return None
        scaled = torch.from_numpy(stated * (2 / clip.frames.shape[1]) - 1)[None]

        def images(still: Tensor) -> Tensor:
            points = scaled.to(still.device)
            return torch.cat([still.unsqueeze(1), self.draw(still, points[:, 0], points[:, 1:])], 1)

        return Redrawn(self.played(clip.frames[0], images))

    def _stated(self, clip: Clip) -> np.ndarray | None:
        """The points of a clip ``(T, l, 2)`` in pixels, if it states some of its first frame, of whom is shown."""
        points = samples.stated_points(clip)
        fits = points is not None and points.shape[1] == self.config.points and np.isfinite(points[0]).all(-1).any()
        return points if fits else None
