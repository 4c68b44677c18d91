"""Everything that decides what AffineGAN is and how it learns; the paper's text and the released code are presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from i2vlib.papers import carried
from i2vlib.papers.blocks import widths
from i2vlib.papers.config import Augmented, checked_expressions

#: The paper's weights of Eq. 12 (section 4); `reconstruction_moving` and `classification` are not in it.
PAPER_WEIGHTS = {
    "adversarial": 1.0,
    "adversarial_local": 1.0,
    "reconstruction": 100.0,
    "reconstruction_self": 10.0,
    "adversarial_intensity": 100.0,
    "reconstruction_moving": 0.0,
    "classification": 0.0,
}


@dataclass(frozen=True)
class AffineGANConfig(carried.Drawing, Augmented):
    """Everything that decides what AffineGAN is and how it learns. `paper` and `released_code` are presets.

    Clips per step, learning rate and betas default to the paper's (section 4). Its text has no augmentation; the
    released code resizes to 286 px, crops 256 at random, and flips.
    """

    TERMS: ClassVar[Mapping[str, float]] = {**PAPER_WEIGHTS, **carried.TERMS}

    size: int = 256
    """Height and width in pixels, a power of two; the U-Nets have log2(size) levels."""
    expressions: tuple[str, ...] = ("happy",)
    """One model may know several: the label is then laid beside the still that E_Delta sees (section 3.1)."""
    base_channels: int = 64
    """Channels of the outermost level; they double from level to level."""
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels."""
    norm: Literal["instance", "batch", "none"] = "instance"
    decoder_norm: Literal["instance", "batch", "none"] = "instance"
    """Instance normalisation takes away a map's mean and scale, and decoders learn to smuggle them past it as bright
    blobs; the small preset decodes without."""
    smooth_upsampling: bool = False
    """Up-convolutions that cannot draw a grid (`i2vlib.papers.blocks.UpConv`)."""
    local_region: Literal["mouth", "moving"] = "mouth"
    """What D_l sees of a frame: the mouth (Eq. 8; nothing for expressions of the eyes), or all that moves."""
    corrected_levels: int = 0
    """Outermost decoder levels that may take away what the still's own code shows (`i2vlib.papers.blocks.Decoder`)."""
    dropout: float = 0.0
    """In three decoder levels. The released code uses 0.5, and keeps it on while generating unless asked."""
    residual_scale: float | None = None
    """Where given, a learned factor on each channel of f_Delta that starts here; the paper has none."""
    discriminator_strides: tuple[int, ...] = (2, 2, 1)
    """Of the image discriminators' convolutions: three in the paper's text, the 70x70 PatchGAN in the released code."""
    intensity_from: Literal["innermost", "hierarchy"] = "hierarchy"
    """The code that Eq. 5 projects: the 1 x 1 one, or all levels laid end to end. Eq. 2 moves every level that
    the decoder reads, so Propositions 1 and 2 hold for the whole; the released code projects the innermost."""
    intensity_denominator: Literal["squared", "norm"] = "squared"
    """Eq. 5 divides by the squared norm of f_Delta; the released code by the norm, which breaks Proposition 1."""
    intensity_by: Literal["projection", "mlp"] = "projection"
    """Eq. 5, or a plain MLP that is shown f_0, f_t and f_Delta (section 4.2)."""
    signed_intensity: bool = False
    """Leave out the absolute value of Eq. 5."""
    detach_intensity: bool = False
    """Let no image loss reach the encoders through the intensity, as the released code."""
    latent_noise: float = 0.0
    """Standard deviation of Gaussian noise on every level's code while training (released code: 0.01)."""
    conditional_discriminators: bool = False
    """Show the image discriminators the still beside the frame, as the released code."""
    joint_intensity: bool = False
    """D_a judges all intensities of a clip at once (released code) instead of one by one (Eq. 11)."""
    saturating: bool = True
    """The minimax game of Eq. 12; otherwise the non-saturating form of the released code."""
    with_replacement: bool = False
    """Draw a clip's frames with replacement, as the released code."""
    include_neutral: bool = False
    """Also decode the still itself at intensity 0 and ask for the still back."""
    frames_per_clip: int = 5
    """Frames of a clip that a step draws beside the still (section 4: five)."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        widths(self.size, self.base_channels, self.channel_cap)
        checked_expressions(self.expressions)
        carried.check(self)

    @classmethod
    def presets(cls) -> dict[str, Callable[..., AffineGANConfig]]:
        return {"paper": cls.paper, "released_code": cls.released_code, "small": cls.small, "carried": cls.carried}

    @classmethod
    def paper(cls, **changes: object) -> AffineGANConfig:
        """The paper's text (section 4): 256 px, eight levels, weights 1, 1, 100, 10, 100."""
        return replace(cls(), **changes)

    @classmethod
    def released_code(cls, **changes: object) -> AffineGANConfig:
        """The authors' released code, where it differs from the paper in the mathematics of a step."""
        released = cls(
            dropout=0.5, discriminator_strides=(2, 2, 2, 1, 1), intensity_from="innermost",
            intensity_denominator="norm", detach_intensity=True,
            latent_noise=0.01, conditional_discriminators=True, joint_intensity=True,
            saturating=False, with_replacement=True, decay=100 / 10_100,
            weights={**PAPER_WEIGHTS, "adversarial_intensity": 20.0},
        )  # fmt: skip
        return replace(released, **changes)

    @classmethod
    def small(cls, **changes: object) -> AffineGANConfig:
        """What two cores can train: 128 px, 32 channels, reconstruction on the moving region as well."""
        small = cls(
            size=128, base_channels=32, channel_cap=4, smooth_upsampling=True, decoder_norm="none", residual_scale=0.1,
            corrected_levels=3, local_region="moving", discriminator_strides=(2, 2, 2, 1), intensity_from="innermost",
            saturating=False, include_neutral=True, frames_per_clip=2, clips_per_step=4, learning_rate=5e-4, decay=0.3,
            weights={"reconstruction": 1.0, "reconstruction_self": 0.3, "reconstruction_moving": 0.3,
                     "adversarial_intensity": 0.02},
        )  # fmt: skip
        return replace(small, **changes)

    @classmethod
    def carried(cls, **changes: object) -> AffineGANConfig:
        """Ours: as `small`, drawn by carrying the still (`i2vlib.papers.carried`); still and self need no decoding."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, "adversarial_intensity": 0.02}
        weights |= carried.WEIGHTS
        return cls.small(**{"drawing": "carried", "include_neutral": False, "weights": weights, **changes})
