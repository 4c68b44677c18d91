"""Everything that decides what FAN is and how it learns; what the paper leaves open is said where it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from i2vlib.papers import carried
from i2vlib.papers.coded import CodedConfig

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


@dataclass(frozen=True, kw_only=True)
class FANConfig(CodedConfig):
    """Everything that decides what FAN is and how it learns. `paper` and `small` are presets.

    One clip per step and the learning rate are the paper's (section 4.1); the betas, which it does not give, are
    pix2pix's, and it has no augmentation but its random crop.
    """

    TERMS: ClassVar[Mapping[str, float]] = {**PAPER_WEIGHTS, **carried.TERMS}

    norm: Literal["batch", "instance", "none"] = "batch"
    """Of encoders and discriminators: ``batch`` as printed (section 3.2), ``instance`` or ``none``. In training, batch
    normalisation lets every frame of a step see the statistics of all others, R_t's neighbours among them; while
    animating it uses the running ones, so a frame does not depend on its company."""
    decoder_norm: Literal["batch", "instance", "none"] = "batch"
    """Of the decoder."""
    residual: Literal["feature", "pixel"] = "feature"
    """Where the residual is added: to the codes (Eq. 1), or to the still itself, V = clip(I + a g(I)), which the
    paper rejects (section 3.2). g has the same encoder and decoder; no layer of it knows a, so it has no landmarks."""
    labels: Literal["time", "true"] = "time"
    """The intensity of a training frame: (t - 1) / (T - 1) (section 3.3), or what the clip states."""
    increment: float = 0.1
    """Delta a of Eq. 5 (section 4.1)."""
    crop: float = 0.0
    """Without ``augment``: by how much frames are enlarged before a window of their old size is cropped at random."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(PAPER_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
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
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.3, "temporal": 0.1, "landmarks": 0.1}
        return cls(**{**cls.SMALL, "norm": "instance", "labels": "true", "weights": weights, **changes})

    @classmethod
    def carried(cls, **changes: object) -> FANConfig:
        """Ours: as `small`, drawn by carrying the still (`i2vlib.papers.carried`); the still needs no decoding."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, "landmarks": 0.1, **carried.WEIGHTS}
        return cls.small(**{"drawing": "carried", "include_neutral": False, "weights": weights, **changes})
