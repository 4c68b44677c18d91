"""Everything that decides what AffineGAN is and how it learns; the paper's text and the released code are presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from i2vlib.papers import carried
from i2vlib.papers.coded import CodedConfig

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


@dataclass(frozen=True, kw_only=True)
class AffineGANConfig(CodedConfig):
    """Everything that decides what AffineGAN is and how it learns. `paper` and `released_code` are presets.

    Clips per step, learning rate and betas default to the paper's (section 4). Its text has no augmentation; the
    released code resizes to 286 px, crops 256 at random, and flips.
    """

    TERMS: ClassVar[Mapping[str, float]] = {**PAPER_WEIGHTS, **carried.TERMS}

    dropout: float = 0.0
    """In three decoder levels. The released code uses 0.5, and keeps it on while generating unless asked."""
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
    with_replacement: bool = False
    """Draw a clip's frames with replacement, as the released code."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_WEIGHTS))

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
        weights = {"reconstruction": 1.0, "reconstruction_self": 0.3, "reconstruction_moving": 0.3}
        weights |= {"adversarial_intensity": 0.02}
        return cls(**{**cls.SMALL, "intensity_from": "innermost", "weights": weights, **changes})

    @classmethod
    def carried(cls, **changes: object) -> AffineGANConfig:
        """Ours: as `small`, drawn by carrying the still (`i2vlib.papers.carried`); still and self need no decoding."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, "adversarial_intensity": 0.02}
        weights |= carried.WEIGHTS
        return cls.small(**{"drawing": "carried", "include_neutral": False, "weights": weights, **changes})
