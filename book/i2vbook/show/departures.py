"""Where a shipped model departs from its paper's preset: every field that differs, read off the runs that made it.

What a field is, its docstring says; why the shipped model has another value stands here, a sentence a field, and what
that did where two runs differ in it alone. A test holds the sentences to the fields that differ, neither more nor less.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise

from i2vbook.evidence import effects, results
from i2vbook.evidence.plan import Run
from i2vbook.show import tables
from i2vlib.papers.affinegan import AffineGANConfig
from i2vlib.papers.config import Augmented, Config
from i2vlib.papers.fan import FANConfig
from i2vlib.papers.frgan import ForecastConfig, RefineConfig
from i2vlib.papers.method import Method

_SMALL = "What two cores train in hours."
_GAME = "Against a judge that is sure, the printed form has no gradient left."
_JUDGES = "They are half of a step's cost and slow the first thousands of steps; so they join when the pixels stand."
_MOVING = (
    "Most of a face does not move, and a still copied is nearly right everywhere; this is what makes it worth moving."
)

#: Why a shipped model has another value than its paper's preset, by its configuration; a loss term is ``weights.name``.
WHY: Mapping[type[Config], Mapping[str, str]] = {
    FANConfig: {
        "size": _SMALL,
        "expressions": "Section 3.4's joint model: one file of weights in place of three.",
        "base_channels": _SMALL,
        "channel_cap": _SMALL,
        "norm": "Frames of one step should not see each other through its statistics.",
        "decoder_norm": "As in AffineGAN, whose first models drew bright blobs with it.",
        "smooth_upsampling": "Plain ones drew a faint grid on cheeks in the first trials of AffineGAN.",
        "corrected_levels": "A feature that has seen 4 by 4 pixels cannot know that a lid is to cover them.",
        "residual_scale": "The change starts small, so that training begins with the still and not with noise over it.",
        "local_region": "Brows and lips sharpen together; one stage looks at the mouth alone, as printed.",
        "discriminator_strides": "Three convolutions see 22 pixels across, four see 46: nearly a mouth.",
        "saturating": _GAME,
        "labels": "On actors time is not intensity, and what the model cannot do should not be its labels' fault.",
        "include_neutral": "It trains f(I, 0) = I directly, so FAN-1 is answered by a model that was asked for it.",
        "frames_per_clip": "One frame each of several people says more in a step than several of one.",
        "clips_per_step": "As said of the frames of a clip.",
        "learning_rate": "Few steps have to do; the paper's rate follows in the later stages.",
        "decay": "A stage ends at rest; short ones fall from their first step on.",
        "looks": "Actors are clean and in colour, and on a grey photograph teeth came out violet and lips pink.",
        "augment": "The paper resizes to 289 px, crops 256 at random and does nothing else; our people are few.",
        "crop": "Our augmentation shifts and scales by itself.",
        "weights.adversarial": _JUDGES,
        "weights.adversarial_local": "The same; and heavier than printed, for sharpness is its work alone.",
        "weights.reconstruction_moving": _MOVING,
    },
    AffineGANConfig: {
        "size": _SMALL,
        "expressions": "Section 3.1 offers both; seven models would not fit in the package.",
        "base_channels": _SMALL,
        "channel_cap": _SMALL,
        "decoder_norm": "With it, the first models drew bright blobs.",
        "smooth_upsampling": "Plain ones drew a faint grid on smooth cheeks in the first trials.",
        "local_region": "One stage lets brows and lips sharpen together; in the others D_l is off, or sees the mouth.",
        "corrected_levels": "A feature that has seen 4 by 4 pixels cannot know that a lid is to cover them.",
        "residual_scale": "Instance normalisation gives a change of full strength to pixels that do not move.",
        "discriminator_strides": "Three convolutions see 22 pixels across, four see 46: nearly a mouth.",
        "intensity_from": "On it the picture's texture does not drown the expression.",
        "saturating": _GAME,
        "include_neutral": "Neither paper nor code ever draws the still itself, so its giving back is asked for here.",
        "frames_per_clip": "Two frames each of four people say more in a step than five of one.",
        "clips_per_step": "As said of the frames of a clip.",
        "learning_rate": "Few steps have to do; the paper's rate follows in the later stages.",
        "decay": "A stage ends at rest; the last ones fall from their first step on.",
        "looks": "Actors are clean and in colour, and the teeth of a grey photograph came out violet.",
        "weights.adversarial": _JUDGES,
        "weights.adversarial_local": "The same; and heavier than printed, for sharpness is its work alone.",
        "weights.reconstruction_self": "Left out of the two stages that taught motion, to save a decoding a frame.",
        "weights.adversarial_intensity": "Where it weighs as much as all pixels it writes the intensities.",
        "weights.reconstruction_moving": _MOVING,
        "weights.classification": "Section 3.1's; at this weight it stays at chance, and the labels work all the same.",
    },
    ForecastConfig: {
        "base_channels": _SMALL,
        "channel_cap": _SMALL,
        "content": "As printed the mask shuts before there is anything to open it for.",
        "mask_start": "The same: a mask that begins open lets the content learn.",
        "skips": "The released code's. It leads the maps past the analogy of Eq. 3, which then need not carry them.",
        "misfit": "A fitted face lies beside its picture by about as much.",
        "clips_per_step": _SMALL,
        "learning_rate": "Few steps have to do.",
        "betas": "Without a critic there is no game that momentum could upset; the last two stages have the paper's.",
        "decay": "A stage ends at rest; the last falls from its first step on.",
        "looks": "Actors are clean and in colour, and on a grey photograph lips came out violet.",
        "weights.reconstruction_moving": _MOVING,
        "weights.sparsity": "It joins when the content is worth choosing; one stage doubles it, to close the mask.",
        "weights.adversarial": "It joins last and faintly: of weight 1 it leaves a lattice in so few steps.",
        "weights.critic": "With the adversarial term.",
        "weights.gradient_penalty": "With the adversarial term.",
    },
    RefineConfig: {
        "base_channels": _SMALL,
        "channel_cap": _SMALL,
        "critic_base": _SMALL,
        "criticised_frames": "The mean over a draw is the same in expectation, and cheaper.",
        "content": "As printed the mask shuts within sixty steps.",
        "mask_start": "As said of the content, above.",
        "clips_per_step": _SMALL,
        "learning_rate": "Few steps have to do.",
        "decay": "It ends at rest.",
        "weights.reconstruction_moving": _MOVING,
        "weights.sparsity": "The printed weight shuts the mask in so few steps.",
        "weights.adversarial": "A heavier one paints a lattice in so few steps.",
        "weights.adversarial_frames": "As said of the adversarial term.",
    },
}


@dataclass(frozen=True)
class Arms:
    """Two runs that differ in one field alone, the paper's value in the second, and the metric that shows it."""

    ours: str
    papers: str
    metric: str


#: Where a field has been switched alone, in small models.
MEASURED: Mapping[type[Config], Mapping[str, Arms]] = {
    AffineGANConfig: {"intensity_from": Arms("paper_64_3_innermost", "paper_64", "spearman")},
    ForecastConfig: {"skips": Arms("frgan_64", "frgan_64_image_skips", "moving_ratio")},
}


@dataclass(frozen=True)
class Departure:
    """A field at which some stage of a shipped model differs from its paper's preset.

    Attributes:
        name: of the field, or ``weights.term``, whose values are shares of the reconstruction's weight.
        paper: the preset's value.
        ours: the value of each stage.
    """

    name: str
    paper: object
    ours: tuple[object, ...]


def departures(stages: Sequence[Config]) -> list[Departure]:
    """What differs from the paper's preset in any of the stages that made a model, all of one class, in order."""
    paper = type(stages[0]).preset("paper")
    how = {field.name for field in fields(Augmented)}  # how it is trained, below what it is
    names = sorted((field.name for field in fields(paper)), key=how.__contains__)
    compared = {name: [vars(one)[name] for one in (paper, *stages)] for name in names}
    weighed = compared.pop("weights")
    for term in paper.weights:
        compared[f"weights.{term}"] = [round(one[term] / one["reconstruction"], 4) for one in weighed]
    return [Departure(name, first, tuple(rest)) for name, (first, *rest) in compared.items() if set(rest) != {first}]


def described(config: type[Config]) -> dict[str, str]:
    """The docstring of each field of a configuration, on one line; '' for one that has none.

    A field that a class restates without a docstring keeps its base's.
    """
    told = {one.name: "" for one in fields(config)}
    for kind in reversed([base for base in config.__mro__ if is_dataclass(base)]):
        told |= _stated(kind)
    return told


def _stated(kind: type) -> dict[str, str]:
    """The docstrings of those fields that stand in a class's own lines."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    pairs = [
        (field.target.id, below.value.value)
        for field, below in pairwise(body.body)
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    ]
    return {name: " ".join(str(words).split()) for name, words in pairs}


#: Of the stages that draw bodies, which share their configuration with those of faces.
OF_BODIES = {
    "condition": "bodies are told by their joints (section 3.1)",
    "size": "the paper's own size for bodies (section 4.1); its 96 are for faces",
}


def table(lineage: Sequence[Run]) -> tables.Table:
    """The departures of the model that a lineage of runs has made, with why and what each did.

    Args:
        lineage: of `plan.lineage`; stages of another method, which it starts from, are left out.
    """
    stages = [run.settings for run in lineage if run.kind is lineage[-1].kind]
    kind = type(stages[0])
    told, measured = described(kind), MEASURED.get(kind, {})
    rows = {}
    for one in departures(stages):
        what = (WHY[kind] | OF_BODIES)[one.name]
        if one.name in measured:
            what += _did(measured[one.name])
        name = one.name.removeprefix("weights.")
        of = f"weight of {name}, over the reconstruction's" if name != one.name else _named(name, told[name])
        rows[of] = {"paper": _value(one.paper), "here": _stages(one.ours), "why, and what it did": what}
    return tables.table(rows, first="field")


def declared(system: type[Method]) -> str:
    """What a compared system declares to have adapted: that paragraph at the head of its file, on one line, as text.

    Raises:
        ValueError: the file declares nothing.
    """
    head = inspect.cleandoc(sys.modules[system.__module__].__doc__ or "")
    found = re.search(r"^Declared adaptations\.\s+(.+?)(?:\n\n|\Z)", head, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"The file of {system.__name__} has no paragraph that begins with 'Declared adaptations.'")
    return " ".join(re.sub(":math:|`", "", found[1]).split())


def _did(arms: Arms) -> str:
    found = [results.measured({seed: [f"{name}_{seed}"] for seed in range(3)}) for name in (arms.ours, arms.papers)]
    if any(one is None for one in found):
        return ""
    seeds = set(found[0]["seed"]) & set(found[1]["seed"])
    shared = [one[one["seed"].isin(seeds)] for one in found]
    change = effects.effect(*shared, arms.metric)
    many = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed"
    return (
        f" Switched alone in small models ({many}), it changed the {tables.words(arms.metric)} by {change.mean:+.2f} "
        f"({change.low:+.2f} to {change.high:+.2f})."
    ).replace("-", "−")


def _named(name: str, docstring: str) -> str:
    """A field and the first sentence of its docstring, without its marks."""
    first = re.split(r"(?<!Eq)\.(?=\s+[A-Z`]|$)", docstring, maxsplit=1)[0]
    first = re.sub(r" ?\(`i2vlib[^)]*\)|`", "", first)
    if not first:
        return name
    return f"{name}: {first[:1].lower()}{first[1:]}" if first[1:2].islower() else f"{name}: {first}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_value, value))
    return {True: "yes", False: "no", None: "none"}[value] if value is None or isinstance(value, bool) else f"{value}"


def _stages(values: Sequence[object]) -> str:
    """The value of each stage, once where several have the same."""
    changes = [value for value, before in zip(values, (object(), *values), strict=False) if value != before]
    return ", then ".join(map(_value, changes))
