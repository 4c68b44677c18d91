"""Training samples out of clips: which frames are drawn, and one change for all of them and what belongs to them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from i2vlib import joints, regions
from i2vlib.clips import LUMA, Clip, to_frames, to_tensor
from i2vlib.expressions import TABLE
from i2vlib.surfaces import flow_between

#: Where each of the 68 landmarks comes from when a face is mirrored: its left becomes its right.
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip


def one_sided(expression: str | None) -> bool:
    """Whether an expression belongs to one side of the face; one that the book does not know counts as both sides'."""
    return expression in TABLE and TABLE[expression].one_sided


def drawn(clip: Clip, count: int, first: int, repeat: bool, rng: torch.Generator) -> list[int]:
    """The frames of one training sample: ``count`` different ones, or any where a clip has too few.

    Args:
        first: the first frame that may be drawn: 1 leaves out the neutral one.
        repeat: draw with replacement at any rate.

    Raises:
        ValueError: the clip has one frame only.
    """
    if len(clip) < 2:
        raise ValueError(f"{clip!r} has one frame; training needs the neutral frame and at least one more.")
    left = len(clip) - first
    repeat = repeat or left < count
    index = torch.randint(left, (count,), generator=rng) if repeat else torch.randperm(left, generator=rng)[:count]
    return (first + index).tolist()


def change_of(
    clip: Clip, augmented: bool, rng: torch.Generator, looks: float = 0.0, crop: float = 0.0
) -> Augmentation | None:
    """Draws the one change for all frames of a training sample; None where nothing is changed.

    Args:
        looks: the share of samples that are shown as photographs look (`Look`).
        crop: where nothing else is augmented and this is above 0, frames are enlarged by this share and a window of
            their old size is cropped at random.
    """
    if augmented:
        return Augmentation.draw(rng, not one_sided(clip.expression), looks)
    return Augmentation.cropped(rng, crop) if crop else None


def training_frames(
    clip: Clip, index: Sequence[int], size: int, change: Augmentation | None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Some frames of a clip, the masks of their mouths and the points that it states, changed all alike.

    Args:
        change: by `change_of`; None leaves the frames alone.

    Returns:
        ``(n, 3, size, size)`` in [-1, 1]; ``(n, 1, size, size)`` of zeros and ones, or None where nobody knows
        where the mouth is; and ``(n, 68, 2)`` in pixels, NaN where nobody knows where they are: of a clip of a body
        its joints, ``(n, 13, 2)`` (`stated_points`).

    Raises:
        ValueError: the clip has another size.
    """
    if clip.frames.shape[1:3] != (size, size):
        raise ValueError(f"{clip!r} does not fit a model of {size} px. Open the data with size={size}.")
    frames, mouth = to_tensor(clip.frames[list(index)]), mouth_masks(clip, index)
    mask = torch.zeros(len(index), 1, size, size) if mouth is None else torch.from_numpy(mouth)[:, None].float()
    stated = stated_points(clip)
    points = torch.full((len(index), 68, 2), torch.nan) if stated is None else torch.from_numpy(stated[list(index)])
    if change is not None:
        frames, mask = change.lit(change.moved(frames)), change.moved(mask, "nearest")
        points = change.moved_points(points, size)
    return frames, None if mouth is None else mask, points


def origins(
    clip: Clip, index: Sequence[int], change: Augmentation | None, still: int = 0
) -> tuple[Tensor, Tensor] | None:
    """Where some frames of a clip come from in another one, changed as the frames are; None of a clip that does not
    know. Actors know where they come from in their first frame, performers in any (`surfaces.flow_between`).

    Args:
        still: the number of that other frame.

    Returns:
        The flow ``(n, 2, H, W)``, x and y in pixels, from a frame to the still; and ``(n, 1, H, W)`` of zeros and
        ones, whether the still shows what is at a pixel.
    """
    if "surface" in clip.truth:
        surface = clip.truth["surface"]
        pairs = [flow_between(surface[i], surface[still]) for i in index]
        flow, seen = (np.stack(some).astype(np.float32) for some in zip(*pairs, strict=True))
    elif still == 0 and {"flow_to_first", "seen_in_first"} <= set(clip.truth):
        names = "flow_to_first", "seen_in_first"
        flow, seen = (np.asarray(clip.truth[name][list(index)], np.float32) for name in names)
    else:
        return None
    flow, seen = torch.from_numpy(flow).permute(0, 3, 1, 2), torch.from_numpy(seen)[:, None]
    if change is None:
        return flow.contiguous(), seen
    return change.moved_flow(flow), change.moved(seen, "nearest")


def stated_points(clip: Clip) -> np.ndarray | None:
    """Returns the points of a person that a clip states, ``float32 (T, n, 2)`` in pixels; None if it states none.

    They are the 68 landmarks of a face, NaN where none was found, or the 13 joints of a body, NaN where hidden.
    """
    if clip.landmarks is not None or "joints" not in clip.truth:
        return clip.landmarks
    shown = np.asarray(clip.truth.get("visible", True))[..., None]
    return np.where(shown, clip.truth["joints"], np.nan).astype(np.float32)


def mouth_masks(clip: Clip, index: Sequence[int]) -> np.ndarray | None:
    """``bool (n, H, W)`` of the mouth in some frames of a clip: the truth, or the hull of its landmarks, or None."""
    if "mouth" in clip.truth:
        return np.asarray(clip.truth["mouth"][list(index)], dtype=bool)
    if clip.landmarks is None or not np.isfinite(clip.landmarks[list(index)]).all():
        return None
    return np.stack([regions.mouth(clip.landmarks[i], clip.frames.shape[1]) for i in index])


#: Of red, green and blue in a print that is grey but for its tone; a sepia goes some of the way to it.
SEPIA = (0.08, -0.01, -0.28)


@dataclass(frozen=True)
class Look:
    """What a camera, a film and a file make of a scene.

    One draw holds for all frames of a clip, so that grain and blur stay in place, as in a still that is set moving.

    In this order: white balance, a blurred lens, grain, contrast about the mean of the first frame, saturation (0 is
    grey), a sepia tone, JPEG. Nothing here is differentiable, nor needs to be: still and frames are data.
    """

    warmth: float
    """Red up and blue down by this share."""
    blur: float
    """Standard deviation in pixels; none below a third of one."""
    grain: float
    """Standard deviation on [0, 1]."""
    seed: int
    """Of the grain."""
    contrast: float
    saturation: float
    sepia: float
    """How much of `SEPIA`, on a grey picture only."""
    quality: int | None
    """Of JPEG, as Pillow counts it; None leaves it out."""

    @classmethod
    def draw(cls, rng: torch.Generator) -> Look:
        """Three in ten grey, a third of these toned; the colours of the others paler or stronger; every second one
        with grain, a blur or JPEG each."""
        draw = lambda low, high: float(torch.empty(1).uniform_(low, high, generator=rng))  # noqa: E731
        chance = lambda share: draw(0, 1) < share  # noqa: E731
        grey, toned, grainy, blurred, coded = (chance(share) for share in (0.3, 1 / 3, 0.5, 0.5, 0.5))
        blur, grain, quality = draw(0.3, 1.2), draw(0, 0.035), round(draw(30, 95))
        seed = int(torch.randint(2**31, (1,), generator=rng))
        saturation, sepia = draw(0.3, 1.2), draw(0.2, 1)
        return cls(
            warmth=draw(-0.12, 0.12), blur=blur * blurred, grain=grain * grainy, seed=seed, contrast=draw(0.7, 1.3),
            saturation=0.0 if grey else saturation, sepia=sepia * (grey and toned), quality=quality if coded else None,
        )  # fmt: skip

    def on(self, frames: Tensor) -> Tensor:
        """Frames ``(T, 3, H, W)`` in [-1, 1], seen so."""
        light = (frames + 1) / 2 * torch.tensor([1 + self.warmth, 1.0, 1 - self.warmth])[:, None, None]
        light = blurred(light, self.blur)
        grain = torch.randn(light.shape[1:], generator=torch.Generator().manual_seed(self.seed))
        light = light + self.grain * grain
        middle = light[0].mean()
        light = (middle + self.contrast * (light - middle)).clamp(0, 1)
        luma = (light * torch.tensor(LUMA).float()[:, None, None]).sum(1, keepdim=True)
        light = luma + self.saturation * (light - luma)
        light = (light * (1 + self.sepia * torch.tensor(SEPIA))[:, None, None]).clamp(0, 1)
        return as_jpeg(light * 2 - 1, self.quality) if self.quality else light * 2 - 1


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Pictures ``(T, C, H, W)`` under a Gaussian of so many pixels; below a third of one as they are."""
    if sigma < 1 / 3:
        return x
    reach = torch.arange(-(radius := round(3 * sigma)), radius + 1, dtype=x.dtype)
    kernel = torch.exp(-(reach**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, -1)
    padded = F.pad(x, (radius,) * 4, "replicate").flatten(0, 1)[:, None]
    return F.conv2d(F.conv2d(padded, kernel[..., None]), kernel[:, :, None])[:, 0].view(x.shape)


def as_jpeg(frames: Tensor, quality: int) -> Tensor:
    """Frames ``(T, 3, H, W)`` in [-1, 1], each through a JPEG file of Pillow's ``quality``."""
    read = []
    for frame in to_frames(frames):
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "JPEG", quality=quality)
        read.append(np.asarray(Image.open(file)))
    return to_tensor(np.stack(read))


@dataclass(frozen=True)
class Augmentation:
    """One random flip, shift, scale, light and colour, the same for all frames of a clip and what belongs to them."""

    scale: Tensor
    shift: Tensor
    mirrored: bool
    gain: Tensor
    gamma: Tensor
    tint: Tensor
    look: Look | None = None

    @classmethod
    def draw(cls, rng: torch.Generator, mirror: bool = True, looks: float = 0.0) -> Augmentation:
        """One of them.

        Args:
            mirror: whether there may be a flip; the other draws are the same with and without.
            looks: how often there is a `Look`; at 0 none is drawn, and what is drawn next is as it was without.
        """
        draw = lambda low, high, count=1: torch.empty(count).uniform_(low, high, generator=rng)  # noqa: E731
        scale, shift, flip = draw(0.93, 1.07), draw(-0.05, 0.05, 2), bool(torch.randint(2, (1,), generator=rng))
        light = draw(0.8, 1.2), draw(0.8, 1.25), draw(0.92, 1.08, 3)
        look = Look.draw(rng) if looks and float(draw(0, 1)) < looks else None
        return cls(scale, shift, flip and mirror, *light, look)

    @classmethod
    def cropped(cls, rng: torch.Generator, share: float) -> Augmentation:
        """Frames enlarged by a share, and a window of their old size anywhere within them; no flip and no light."""
        scale, one = torch.tensor([1 + share]), torch.ones(1)
        reach = float(1 - 1 / scale)
        shift = torch.empty(2).uniform_(-reach, reach, generator=rng)
        return cls(scale, shift, False, one, one, torch.ones(3))

    def moved(self, x: Tensor, mode: str = "bilinear", outside: str = "border") -> Tensor:
        """Pictures ``(T, C, H, W)``, flipped, shifted and scaled; ``mode`` and ``outside`` as of ``grid_sample``."""
        flip = torch.tensor([-1.0 if self.mirrored else 1.0])
        across, down = torch.cat([flip / self.scale, torch.zeros(1)]), torch.cat([torch.zeros(1), 1 / self.scale])
        matrix = torch.stack([torch.cat([across, self.shift[:1]]), torch.cat([down, self.shift[1:]])])
        grid = F.affine_grid(matrix.expand(len(x), -1, -1), list(x.shape), False)
        return F.grid_sample(x, grid, mode, outside, False)

    def moved_normals(self, maps: Tensor) -> Tensor:
        """Maps of normals ``(T, 3, H, W)``, x to the right: mirrored, they point the other way."""
        moved = self.moved(maps)
        return moved * torch.tensor([-1.0, 1.0, 1.0])[:, None, None] if self.mirrored else moved

    def moved_flow(self, flow: Tensor) -> Tensor:
        """Flows ``(T, 2, H, W)``, x and y in pixels, between frames that are all changed so: as long as they look."""
        along = torch.tensor([-1.0 if self.mirrored else 1.0, 1.0])[:, None, None]
        return self.moved(flow) * self.scale * along

    def moved_joints(self, maps: Tensor) -> Tensor:
        """Maps of joints ``(T, 13, H, W)``, one a joint: mirrored, the left hand is the right one."""
        moved = self.moved(maps, outside="zeros")
        return moved[:, list(joints.MIRRORED)] if self.mirrored else moved

    def moved_points(self, points: Tensor, size: int) -> Tensor:
        """Landmarks ``(T, 68, 2)`` in pixels, or joints ``(T, 13, 2)``; a flip also makes the left eye, or hand, the
        right one (`MIRRORED`, `joints.MIRRORED`)."""
        points = (points * (2 / size) - 1 - self.shift) * self.scale
        if self.mirrored:
            turned = {len(order): order for order in (MIRRORED, joints.MIRRORED)}[points.shape[1]]
            points = (points * torch.tensor([-1.0, 1.0]))[:, list(turned)]
        return (points + 1) * (size / 2)

    def lit(self, frames: Tensor) -> Tensor:
        """Frames ``(T, 3, H, W)`` in [-1, 1] in another light and colour, and with the look of a photograph."""
        light = ((frames + 1) / 2).clamp(0, 1) ** self.gamma
        lit = (light * (self.gain * self.tint)[:, None, None]).clamp(0, 1) * 2 - 1
        return lit if self.look is None else self.look.on(lit)
