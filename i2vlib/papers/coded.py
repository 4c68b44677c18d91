"""What FAN and AffineGAN share: a still's code moves along a direction, by an intensity, and decodes to a frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, export, samples
from i2vlib.clips import to_tensor
from i2vlib.expressions import TABLE
from i2vlib.papers import blocks, carried
from i2vlib.papers.config import Augmented, checked_expressions
from i2vlib.papers.playing import Dialled

if TYPE_CHECKING:
    from i2vlib.clips import Clip


@dataclass(frozen=True, kw_only=True)
class CodedConfig(carried.Drawing, Augmented):
    """The fields that both methods have: sizes, layers, what a step draws and who judges it."""

    #: What two cores can train, beside each method's own weights.
    SMALL: ClassVar[Mapping[str, object]] = {
        "size": 128, "base_channels": 32, "channel_cap": 4, "decoder_norm": "none", "smooth_upsampling": True,
        "corrected_levels": 3, "residual_scale": 0.1, "local_region": "moving", "discriminator_strides": (2, 2, 2, 1),
        "saturating": False, "include_neutral": True, "frames_per_clip": 2, "clips_per_step": 4,
        "learning_rate": 5e-4, "decay": 0.3,
    }  # fmt: skip

    size: int = 256
    """Height and width in pixels, a power of two; the U-Nets have log2(size) levels."""
    expressions: tuple[str, ...] = ("happy",)
    """What the model can be asked for; one model may know several."""
    base_channels: int = 64
    """Channels of the outermost level; they double from level to level. FAN gives no widths; these are pix2pix's."""
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels."""
    norm: Literal["instance", "batch", "none"] = "instance"
    """Of encoders and discriminators."""
    decoder_norm: Literal["instance", "batch", "none"] = "instance"
    """Of the decoder. Instance normalisation takes away a map's mean and scale, and decoders learn to smuggle them past
    it as bright blobs; the small presets decode without."""
    smooth_upsampling: bool = False
    """Up-convolutions that cannot draw a grid (`i2vlib.papers.blocks.UpConv`)."""
    corrected_levels: int = 0
    """Outermost decoder levels that may take away what the still's own code shows (`i2vlib.papers.blocks.Decoder`)."""
    residual_scale: float | None = None
    """Where given, a learned factor on each channel of the direction that starts here; the papers have none."""
    local_region: Literal["mouth", "moving"] = "mouth"
    """What D_l sees of a frame: the mouth, as printed (nothing for expressions of the eyes), or all that moves."""
    discriminator_strides: tuple[int, ...] = (2, 2, 1)
    """Of the image discriminators' convolutions: three in both papers, which give neither strides nor kernels."""
    saturating: bool = True
    """The papers' minimax game; otherwise the generator minimises -log D of its frames."""
    include_neutral: bool = False
    """Also decode the still at intensity 0, and compare it with the still."""
    frames_per_clip: int = 5
    """Frames of a clip that a step draws. Five is AffineGAN's (section 4); FAN does not say."""

    def __post_init__(self) -> None:
        super().__post_init__()
        blocks.widths(self.size, self.base_channels, self.channel_cap)
        checked_expressions(self.expressions)
        carried.check(self)


class Batch(carried.Origins):
    """Training samples of B clips, n frames of each; pictures in [-1, 1]."""

    neutral: Tensor
    """``(B, 3, H, W)``, the first frame."""
    frames: Tensor
    """``(B, n, 3, H, W)``."""
    mask: Tensor
    """``(B, n, 1, H, W)``, ones on the mouth."""
    local: Tensor
    """``(B,)``, whether the mask counts."""
    label: Tensor
    """``(B,)``, the number of the expression."""


class Coded(Dialled):
    """A dialled method whose decoder draws codes, painted or carried; two discriminators judge its frames."""

    exportable = True
    limits = (
        "Frontal faces, cropped by align_face; the head stays where it is. What a closed mouth hides, such as "
        "teeth, is a guess. What it makes is synthetic; say so where you show it."
    )

    config: CodedConfig
    decoder: blocks.Decoder
    outer: carried.Outer
    discriminator_local: nn.Module

    @abstractmethod
    def directions(self, still: Tensor, labels: Sequence[int]) -> tuple[list[Tensor], dict[int, list[Tensor]]]:
        """Encodes a still ``(1, 3, H, W)``: its code, and the direction of each expression by its number."""

    @abstractmethod
    def moved(self, code: Sequence[Tensor], directions: Mapping[int, list[Tensor]], rows: Tensor) -> list[Tensor]:
        """Returns the codes of frames from a row of intensities per frame, a column per direction."""

    def inherit(self, other: Coded, **changed: Tensor) -> None:
        """Starts from another model's generator, of the same sizes, with some of its weights changed.

        Discriminators stay new. A painted model's colours go on as a carried one's colour map.
        """
        new, taken = self.state_dict(), {**other.state_dict(), **changed}
        taken = {name: weight for name, weight in taken.items() if not name.startswith("discriminator")}
        self.load_state_dict({**new, **carried.widened(taken, f"decoder.levels.{len(self.decoder.levels) - 1}", new)})

    def tensors(self, images: Sequence[np.ndarray]) -> Tensor:
        """Returns pictures ``uint8 (H, W, 3)`` of any size as the networks take them, ``(T, 3, size, size)``."""
        fitted = to_tensor(np.stack([animation.fit_to(image, self.size) for image in images]))
        return fitted.to(next(self.parameters()).device)

    # One training step ------------------------------------------------------------------------------------------

    def sample(
        self, clip: Clip, index: Sequence[int], change: samples.Augmentation | None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Returns the tensors of a `Batch` for one clip, without their first axis, and landmarks ``(1 + n, 68, 2)``.

        Args:
            index: the numbers of the n frames beside the first one.
            change: how all of them are shifted, lit and degraded.

        Raises:
            ValueError: the clip has another size, or an expression that the model does not know.
        """
        label = animation.label_of(clip.expression, self.expressions)
        frames, mouths, points = samples.training_frames(clip, [0, *index], self.size, change)
        mask = torch.zeros_like(frames[:, :1]) if mouths is None else mouths
        local = mouths is not None and not TABLE[self.expressions[label]].still_mouth
        known = {"neutral": frames[0], "frames": frames[1:], "mask": mask[1:]}
        known |= {"local": torch.tensor(local), "label": torch.tensor(label)}
        if self.carries:
            known |= carried.origins_of(clip, index, change)
        return known, points

    def frames_of(self, decoded: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Returns what was decoded as a step's outputs: frames ``(B, n, 3, H, W)``, and their maps where they carry."""
        if self.carries:
            still, codes = batch["neutral"], (decoded["images"], decoded["neutral_images"])
            return carried.drawn_step(self.config, self.outer, *codes, still)
        of_frames = {name for name in ("images", "self_images") if name in decoded}
        return {**decoded, **{name: decoded[name].view(batch["frames"].shape) for name in of_frames}}

    def compared(self, loss: Callable[..., Tensor], batch: Batch, outputs: Mapping[str, Tensor]) -> Tensor:
        """A loss of real and made frames, and of the neutral frame too where that is decoded for comparison."""
        error = loss(batch["frames"], outputs["images"])
        if self.config.include_neutral:
            error = error + loss(batch["neutral"], outputs["neutral_images"])
        return error

    def shown(self, batch: Batch, images: Tensor) -> Tensor:
        """Returns frames ``(B, n, 3, H, W)`` as the image discriminators see them."""
        return images

    def judged_locally(self, loss: Callable[..., Tensor], batch: Batch, *images: Tensor) -> Tensor | None:
        """A loss of the logits that D_l gives to the masked frames of clips whose mask counts; None without one."""
        rows, mask = blocks.local_region(batch, self.config.local_region)
        if not rows.any():
            return None
        seen = [self.shown(batch, frames * mask)[rows].flatten(0, 1) for frames in images]
        return loss(*(self.discriminator_local(frames)[0] for frames in seen))

    # Drawing, painted or carried --------------------------------------------------------------------------------

    @classmethod
    def truth(cls, config: CodedConfig) -> tuple[str, ...]:
        return carried.truth(config)

    @property
    def carries(self) -> bool:
        """Whether frames are the still itself, carried along, and not painted anew."""
        return self.config.drawing == "carried"

    @property
    def ranges(self) -> dict[str, list[float]]:
        """Bounds what `drawn` returns, by name (`i2vlib.export.Exportable`)."""
        return carried.ranges(self.config)

    def painted(self, codes: Sequence[Tensor]) -> Tensor:
        """Decodes codes, one ``(B, C, h, w)`` per level, to pictures ``(B, 3, H, W)`` in [-1, 1]."""
        return self.decoder(codes)

    def rest(self, code: Sequence[Tensor], still: Tensor) -> list[Tensor]:
        """Returns what frames of a still ``(1, 3, H, W)`` are drawn as changes from; nothing for painted drawing."""
        return [self._unbounded(code, still), still] if self.carries else []

    def drawn(self, codes: Sequence[Tensor], *rest: Tensor) -> Tensor:
        """Pictures of codes, or, given the still's `rest`, maps (`i2vlib.export.Exportable`)."""
        if not rest:
            return self.painted(codes)
        at_rest, still = rest
        maps = carried.maps_of(self._unbounded(codes, still), at_rest, self.config.reach, self.config.shaded)
        return maps.joined()

    def _unbounded(self, codes: Sequence[Tensor], still: Tensor) -> Tensor:
        """The last level's numbers for codes of a still ``(1, 3, H, W)``: ``(B, 7, H, W)``."""
        return self.outer(self.decoder.unbounded(codes), still)

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> animation.Drawer:
        """Returns what `animate` draws with: from a column of intensities per expression to frames."""
        labels = [animation.label_of(name, self.expressions) for name in expressions]
        animation.look_at_start(face, [self.expressions[label] for label in labels])

        def decoder_of(still: Tensor, mask: Tensor | None) -> Callable[[Tensor], Tensor]:
            if self.runtime == "onnx":
                return export.decoder_of(self, still, mask, labels)
            code, directions = self.directions(still, labels)
            directions = {label: animation.within(direction, mask) for label, direction in directions.items()}
            rest = self.rest(code, still)
            return lambda rows: self.drawn(self.moved(code, directions, rows), *rest)

        composed = carried.composed_frames if self.carries else None
        return animation.drawer(self, face, self.size, decoder_of, region, composed)
