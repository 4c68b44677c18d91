"""What decides what FRGAN's networks are and how they learn: the configurations and their presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from i2vlib.papers import carried
from i2vlib.papers.config import Augmented, Config, checked_expressions
from i2vlib.papers.frgan.networks import LEVELS, checked_size

#: Of the terms of Eq. 4 and of Eq. 8. The paper gives the last; the released code gives 3, 0.05 and 1 to the others.
#: Two are not in the paper: `reconstruction_moving` is the error where the true frames differ, and `content` asks the
#: content for the whole frame, so that it is worth choosing before the mask has given it up. `appearance` and
#: `structure` are the two norms of Eq. 15, which the paper has for bodies alone, and for which it gives no weight.
FORECAST_WEIGHTS = {
    "reconstruction": 3.0,
    "reconstruction_moving": 0.0,
    "content": 0.0,
    "sparsity": 0.05,
    "appearance": 0.0,
    "structure": 0.0,
    "adversarial": 1.0,
    "critic": 1.0,
    "gradient_penalty": 10.0,
}


@dataclass(frozen=True)
class ForecastConfig(carried.Drawing, Augmented):
    """Everything that decides what G_M is and how it learns.

    `paper`, `released_code` and `small` are presets; `carried` and `carried_bodies` draw otherwise than any paper.
    """

    TERMS: ClassVar[Mapping[str, float]] = {**FORECAST_WEIGHTS, **carried.TERMS}

    size: int = 96
    """Height and width in pixels, a multiple of 16 (section 4.1: 96; released code: 64)."""
    base_channels: int = 64
    """Channels of the outermost level; they double from level to level."""
    channel_cap: int = 8
    """The widest level has ``base_channels * channel_cap`` channels (released code: 64 to 512)."""
    code: int = 128
    """Length of the vector on which the analogy of Eq. 3 is made (released code)."""
    residual: Literal["mask", "difference"] = "mask"
    """Eq. 2, or the one difference map of Eq. 1."""
    content: Literal["free", "from_still"] = "free"
    """The content of Eq. 2 is drawn anew, ``tanh(d)``, as the released code has it, or as a change of the still,
    ``I_t + d``. A new content is worse than the still everywhere at first, and the mask shuts for good."""
    mask_start: float = 0.0
    """The mask's logit at the start, above 0 for one that begins open; not in the paper."""
    dense: bool = True
    """Every block of the decoder reads all earlier ones (section 3.2)."""
    decoder_channels: int = 0
    """As ``base_channels``, of the decoder alone; 0 for the same. A decoder without dense connections has fewer
    weights: a wider one has as many."""
    blocks: Literal["plain", "residual"] = "plain"
    """The decoder's: two 3x3 convolutions (section 3.2), or, as the released code has them, each of the two after a
    batch normalisation, beside a shortcut."""
    skips: Literal["image", "all"] = "image"
    """What the decoder is shown of the encoders: f_I's features, or, as the released code, those of both maps too."""
    jumps: Literal["random", "from_first"] = "random"
    """Pairs (t, t + k), or (0, k) as in the released code."""
    condition: Literal["normals", "joints"] = "normals"
    """What the maps show: the surface of a 3D face, or the joints of a body (section 3.1; `condition.KINDS`)."""
    posed_normals: bool = True
    """The map's normals are of the head as it is turned, or, as in the released code, of the head before that."""
    joint_width: float = 1 / 32
    """Standard deviation of a joint's Gaussian, as a share of the side; the paper gives none."""
    appearance: Literal["hourglass", "vgg16"] = "hourglass"
    """C_1 of Eq. 15: a stand-in, or VGG16 as the paper has it, for which torchvision has to be there (`structure`)."""
    features: str = "hourglass"
    """Whose C_2, and C_1 unless that is VGG16's: weights of a `Hourglass` as `load_pretrained` takes them."""
    misfit: float = 0.0
    """Training maps are shifted against their picture by up to this share of its side, as those of a fitted face are;
    not in the paper, whose maps are all fitted."""
    clips_per_step: int = 32
    """Clips in a step (section 4.1)."""
    learning_rate: float = 1e-4
    """Of Adam, as the betas (section 4.1)."""
    betas: tuple[float, float] = (0.0, 0.9)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(FORECAST_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_size(self.size)
        carried.check(self)
        if self.drawing == "carried":
            _check_carried(self)
        if self.condition != "joints" and (self.weights["appearance"] or self.weights["structure"]):
            raise ValueError(
                "Eq. 15 is of bodies: its weights, appearance and structure, are above 0 with condition='joints' only; "
                f"given was condition={self.condition!r}."
            )

    @classmethod
    def presets(cls) -> dict[str, Callable[..., ForecastConfig]]:
        return {
            "paper": cls.paper, "released_code": cls.released_code, "small": cls.small, "carried": cls.carried,
            "carried_bodies": cls.carried_bodies,
        }  # fmt: skip

    @classmethod
    def paper(cls, **changes: object) -> ForecastConfig:
        """The paper's text (sections 3.2 and 4.1); widths are the released code's, for the paper gives none."""
        return replace(cls(), **changes)

    @classmethod
    def released_code(cls, **changes: object) -> ForecastConfig:
        """What the authors' forecasting code does otherwise."""
        return replace(cls(size=64, skips="all", blocks="residual", jumps="from_first", posed_normals=False), **changes)

    @classmethod
    def small(cls, **changes: object) -> ForecastConfig:
        """What two cores can train: narrow, both maps shown to the decoder, a mask that begins open, larger steps."""
        small = cls(
            base_channels=24, channel_cap=4, skips="all", content="from_still", mask_start=3.0, misfit=0.015,
            clips_per_step=8, learning_rate=5e-4, betas=(0.5, 0.99),
            weights={"reconstruction": 3.0, "reconstruction_moving": 1.0},
        )  # fmt: skip
        return replace(small, **changes)

    @classmethod
    def carried(cls, **changes: object) -> ForecastConfig:
        """Ours: as `small`, drawn by carrying the still (`i2vlib.papers.carried`), whose flow is known from the first
        frame of actors on."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, **carried.WEIGHTS}
        return cls.small(**{"drawing": "carried", "jumps": "from_first", "weights": weights, **changes})

    @classmethod
    def carried_bodies(cls, **changes: object) -> ForecastConfig:
        """Ours: as `carried`, of bodies, whose flow is known between any two frames. Limbs go far: there the colour of
        a pixel says little of where it came from, so the true flow counts for more."""
        weights = {"reconstruction": 1.0, "reconstruction_moving": 0.4, **carried.WEIGHTS, "flow": 0.1}
        bodies = {"condition": "joints", "size": 64, "base_channels": 20, "misfit": 0.0, "jumps": "random"}
        return cls.carried(**{"reach": 0.5, "weights": weights | {"flow_moving": 0.1}, **bodies, **changes})


def _check_carried(config: ForecastConfig) -> None:
    """Raises `ValueError` for what does not go with carried drawing in G_M."""
    if config.residual != "mask":
        raise ValueError("Eq. 1 adds a difference to the still and carries nothing: give residual='mask' with "
                         "drawing='carried'.")  # fmt: skip
    if config.outer_channels:
        raise ValueError(f"G_M's decoder is shown the still at its full size and has no outer level; outer_channels is "
                         f"0, given was {config.outer_channels}.")  # fmt: skip
    if asked := [name for name in ("sparsity", "content") if config.weights[name]]:
        raise ValueError(f"The terms {asked} weigh the mask and the content of Eq. 2, which drawing='carried' has not.")
    if config.blocks == "residual":
        raise ValueError("With blocks='residual' a frame depends on the others of its batch, so that a map that stays "
                         "would not leave the still; give blocks='plain' with drawing='carried'.")  # fmt: skip
    flows = [name for name in ("flow", "flow_moving", "gate", "colour") if config.weights[name]]
    if flows and config.condition == "normals" and config.jumps != "from_first":
        raise ValueError(f"Where a face's pixels come from is known from the first frame on: the terms {flows} need "
                         "jumps='from_first'.")  # fmt: skip


#: Of the terms of Eq. 11 and of Eq. 13, of which the paper gives the penalties'; those of reconstruction and sparsity
#: are the released code's of G_M. Those of ``_frames`` are about D_I. `reconstruction_moving` is not in the paper: the
#: error where the true frames differ from the first of those that are refined together.
REFINE_WEIGHTS = {
    "reconstruction": 3.0,
    "reconstruction_moving": 0.0,
    "sparsity": 0.05,
    "adversarial": 1.0,
    "critic": 1.0,
    "gradient_penalty": 10.0,
    "adversarial_frames": 1.0,
    "critic_frames": 1.0,
    "gradient_penalty_frames": 10.0,
}


@dataclass(frozen=True)
class RefineConfig(Augmented):
    """Everything that decides what G_R is and how it learns. `paper` and `small` are presets."""

    TERMS: ClassVar[Mapping[str, float]] = REFINE_WEIGHTS

    size: int = 96
    frames: int = 32
    """Of a clip that is refined at once, a multiple of 16 (section 4.1: 32 for faces, 16 for poses)."""
    base_channels: int = 64
    """As of `ForecastConfig`."""
    channel_cap: int = 8
    """As of `ForecastConfig`; these are VideoGAN's widths."""
    critic_base: int = 64
    """As ``base_channels``, of D_I."""
    criticised_frames: int = 32
    """How many frames of a clip the sum over D_I in Eq. 12 takes a step; the paper takes all."""
    condition: Literal["normals", "joints"] = "normals"
    posed_normals: bool = True
    joint_width: float = 1 / 32
    """This and the two above as of `ForecastConfig`, with whose clips it is taught."""
    content: Literal["free", "from_clip"] = "free"
    """The content of Eq. 10 is drawn anew, ``tanh(d)``, or as a change of the forecast clip; see `ForecastConfig`."""
    mask_start: float = 0.0
    """The mask's logit at the start, above 0 for one that begins open; not in the paper."""
    clips_per_step: int = 32
    """Clips in a step (section 4.1)."""
    learning_rate: float = 1e-4
    """Of Adam, as the betas (section 4.1)."""
    betas: tuple[float, float] = (0.0, 0.9)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(REFINE_WEIGHTS))

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_size(self.size)
        if self.frames % 2**LEVELS:
            raise ValueError(f"G_R refines a multiple of {2**LEVELS} frames at once; asked for were {self.frames}.")

    @classmethod
    def presets(cls) -> dict[str, Callable[..., RefineConfig]]:
        return {"paper": cls.paper, "small": cls.small}

    @classmethod
    def paper(cls, **changes: object) -> RefineConfig:
        """The paper's text (sections 3.3 and 4.1); widths are VideoGAN's."""
        return replace(cls(), **changes)

    @classmethod
    def small(cls, **changes: object) -> RefineConfig:
        """What two cores can train: narrow, few clips a step, faint critics, a mask that begins open."""
        small = cls(
            base_channels=16, channel_cap=4, critic_base=16, criticised_frames=4, content="from_clip", mask_start=3.0,
            clips_per_step=2, learning_rate=5e-4, betas=(0.0, 0.9), decay=0.3,
            weights={**REFINE_WEIGHTS, "sparsity": 0.005, "adversarial": 0.003, "adversarial_frames": 0.003},
        )  # fmt: skip
        return replace(small, **changes)


def stage_configs(whole: Config, **kinds: type[Config]) -> None:
    """Makes configurations of those stages that are mappings, as a file of weights has them."""
    for name, kind in kinds.items():
        if isinstance(vars(whole)[name], Mapping):
            object.__setattr__(whole, name, kind.stated(vars(whole)[name]))


#: The six expressions of section 4.1.
SIX = ("angry", "fear", "disgust", "happy", "sad", "surprised")


@dataclass(frozen=True)
class FRGANConfig(Config):
    """The two stages together."""

    forecast: ForecastConfig = field(default_factory=ForecastConfig)
    refine: RefineConfig | None = field(default_factory=RefineConfig)
    """None stops after G_M."""
    expressions: tuple[str, ...] = SIX
    """Those that the networks were taught: others are drawn too, by their coefficients."""

    def __post_init__(self) -> None:
        stage_configs(self, forecast=ForecastConfig, refine=RefineConfig)
        super().__post_init__()
        checked_expressions(self.expressions)
        if self.refine and self.refine.size != self.forecast.size:
            raise ValueError(f"G_M works at {self.forecast.size} px and G_R at {self.refine.size}; they need one size.")
