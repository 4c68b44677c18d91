"""Everything that decides what FAN is and how it learns; what the paper leaves open is said where it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from i2vlib.papers import carried
from i2vlib.papers.blocks import widths
from i2vlib.papers.config import Augmented, checked_expressions

#: Eq. 6 prints every term with weight 1, leaves out L_r, and says that "slightly different weights" were used, which
#: are given nowhere. These are ours: L_r weighs what it weighs in AffineGAN and pix2pix, and R_t and L_k a tenth of it,
#: so that R_t, which a still video minimises, cannot outweigh the motion. `reconstruction_moving` is not in the paper.
PAPER_WEIGHTS = {
    "adversarial": 1.0,
    "adversarial_local": 1.0,
    "reconstruction": 100.0,
    "temporal": 10.0,
    "landmarks": 10.0,
    "reconstruction_moving": 0.0,
}


@dataclass(frozen=True)
class FANConfig(carried.Drawing, Augmented):
    """Everything that decides what FAN is and how it learns. `paper` and `small` are presets.

    One clip per step and the learning rate are the paper's (section 4.1); the betas, which it does not give, are
    pix2pix's, and it has no augmentation but its random crop.
    """

    TERMS: ClassVar[Mapping[str, float]] = {**PAPER_WEIGHTS, **carried.TERMS}

    size: int = 256
    """Height and width in pixels, a power of two; the U-Nets have log2(size) levels (section 4.1: eight)."""
    expressions: tuple[str, ...] = ("happy",)
    """One residual encoder each (Eq. 7)."""
    base_channels: int = 64
    """The paper gives no widths; these are pix2pix's."""
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels."""
    norm: Literal["batch", "instance", "none"] = "batch"
    """Of encoders and discriminators: ``batch`` as printed (section 3.2), ``instance`` or ``none``. In training, batch
    normalisation lets every frame of a step see the statistics of all others, R_t's neighbours among them; while
    animating it uses the running ones, so a frame does not depend on its company."""
    decoder_norm: Literal["batch", "instance", "none"] = "batch"
    """Of the decoder."""
    smooth_upsampling: bool = False
    """Up-convolutions that cannot draw a grid (`i2vlib.papers.blocks.UpConv`)."""
    corrected_levels: int = 0
    """Outermost decoder levels that may take away what the still's own code shows (`i2vlib.papers.blocks.Decoder`)."""
    residual: Literal["feature", "pixel"] = "feature"
    """Where the residual is added: to the codes (Eq. 1), or to the still itself, V = clip(I + a g(I)), which the
    paper rejects (section 3.2). g has the same encoder and decoder; no layer of it knows a, so it has no landmarks."""
    residual_scale: float | None = None
    """Where given, a learned factor on each channel of a residual code that starts here; the paper has none."""
    local_region: Literal["mouth", "moving"] = "mouth"
    """What D_l sees of a frame: the mouth (Eq. 4; nothing for expressions of the eyes), or all that moves."""
    discriminator_strides: tuple[int, ...] = (2, 2, 1)
    """Three convolutions (section 4.1); the paper gives neither strides nor kernels."""
    saturating: bool = True
    """The minimax game of Eq. 6; otherwise the generator minimises -log D(V)."""
    labels: Literal["time", "true"] = "time"
    """The intensity of a training frame: (t - 1) / (T - 1) (section 3.3), or what the clip states."""
    increment: float = 0.1
    """Delta a of Eq. 5 (section 4.1)."""
    include_neutral: bool = False
    """Decode the still at intensity 0 in every step and ask for the still back. Otherwise the neutral frame is drawn
    like any other, as the paper has it."""
    frames_per_clip: int = 5
    """How many values of a the sum of Eq. 6 takes a step; not in the paper."""
    crop: float = 0.0
    """Without ``augment``: by how much frames are enlarged before a window of their old size is cropped at random."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        widths(self.size, self.base_channels, self.channel_cap)
        checked_expressions(self.expressions)
        carried.check(self)
        if self.crop < 0 or (self.crop and self.augment):
            raise ValueError(
                f"Frames are enlarged by a share of 0 or more before they are cropped, and only without augment, which "
                f"shifts and scales them itself; given were crop={self.crop} and augment={self.augment}."
            )
        if not 0 < self.increment <= 1:
            raise ValueError(f"The increment of Eq. 5 lies above 0 and up to 1; given was {self.increment}.")
        if self.residual == "pixel" and self.weights["landmarks"]:
            raise ValueError("A residual in pixels is drawn once for all intensities, so it predicts no landmarks; "
                             "set the weight of 'landmarks' to 0.")  # fmt: skip
        if self.drawing == "carried" and self.weights["temporal"]:
            raise ValueError("Eq. 5 compares a frame with its painted neighbours, and carried drawing draws none; "
                             "leave the weight of 'temporal' at 0.")  # fmt: skip
        if self.residual == "pixel" and self.drawing == "carried":
            raise ValueError("A residual in pixels is added to the still, so there is no code to draw maps of; take "
                             "residual='feature' with drawing='carried'.")  # fmt: skip

    @classmethod
    def presets(cls) -> dict[str, Callable[..., FANConfig]]:
        return {"paper": cls.paper, "small": cls.small, "carried": cls.carried}

    @classmethod
    def paper(cls, **changes: object) -> FANConfig:
        """The paper's text (sections 3 and 4.1): 256 px, eight levels, batch normalisation, labels from time, frames
        resized to 289 px and cropped to 256 at random."""
        return replace(cls(augment=False, crop=289 / 256 - 1), **changes)

    @classmethod
    def small(cls, **changes: object) -> FANConfig:
        """What two cores can train: 128 px, 32 channels, true labels, reconstruction on the moving region as well."""
        small = cls(
            size=128, base_channels=32, channel_cap=4, norm="instance", decoder_norm="none", smooth_upsampling=True,
            corrected_levels=3, residual_scale=0.1, local_region="moving", discriminator_strides=(2, 2, 2, 1),
            saturating=False, labels="true", include_neutral=True, frames_per_clip=2, clips_per_step=4,
            learning_rate=5e-4, decay=0.3,
            weights={"reconstruction": 1.0, "reconstruction_moving": 0.3, "temporal": 0.1, "landmarks": 0.1},
        )  # fmt: skip
        return replace(small, **changes)

    @classmethod
    def carried(cls, **changes: object) -> FANConfig:
        """Ours: as `small`, drawn by carrying the still (`i2vlib.papers.carried`); the still needs no decoding."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, "landmarks": 0.1, **carried.WEIGHTS}
        return cls.small(**{"drawing": "carried", "include_neutral": False, "weights": weights, **changes})
