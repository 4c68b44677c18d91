"""Runs on a bare machine: what they read is packed here, what they leave there is brought back.

A machine with a GPU that is lent for half an hour may have torch and little else, no network, and a limit on what is
carried to it and from it. So everything that a training reads is rendered beforehand and packed, without loss, into
parts of so many MB; and what a training leaves is cut into parts and put back where `runs` measures it. Packing needs
what the run's data need; unpacking, training from packs and bringing back need torch, accelerate, safetensors, pandas,
numpy, pillow and tqdm.

A folder of parts holds ``manifest.json`` and the parts. A part is nothing but files one after another; the manifest
says where each file lies, its sha256, and which runs need it. A file lies within one part, unless it is larger than a
part may be: so parts can be carried one by one, and what has come is of use before the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from i2vlib.book import checkout, learning
from i2vlib.book.plan import Run, lineage, planned
from i2vlib.book.results import result
from i2vlib.store import file_digest, user_cache, write_array, write_file
from i2vlib.training import CHECKPOINT

MANIFEST = "manifest.json"
MB = 1_000_000
#: The most that a part may have, in MB: what is packed, and what is brought back.
MOST_PACKED, MOST_BROUGHT = 60, 16
#: The longest side of a WebP.
_LONGEST = 16_383


@dataclass(frozen=True)
class Packed:
    """One file of a folder of parts.

    Attributes:
        name: ``cache/...`` or ``reference/...``: where it belongs.
        sha256: of its bytes as they are packed.
        pieces: of each its part, where in it the piece starts, and its length in bytes.
        runs: that need it, by name.
    """

    name: str
    sha256: str
    pieces: tuple[tuple[str, int, int], ...]
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a folder of parts holds.

    Attributes:
        digests: of the runs as they were defined, by name.
        parts: the sha256 of each part, by name.
        files: all that is packed.
    """

    digests: Mapping[str, str]
    parts: Mapping[str, str]
    files: tuple[Packed, ...]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """That of a folder. Raises `ValueError` if it has none, or one that cannot be read."""
        try:
            stored = json.loads((folder / MANIFEST).read_text())
            files = [
                Packed(f["name"], f["sha256"], tuple(map(tuple, f["pieces"])), tuple(f["runs"]))
                for f in stored["files"]
            ]
            return cls(stored["digests"], stored["parts"], tuple(files))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder / MANIFEST} cannot be read ({type(error).__name__}). Give a folder that --pack or --bring "
                "wrote, and copy its manifest along with every part."
            ) from None


def homes() -> dict[str, Path]:
    """Where packed files belong, by the first word of their names."""
    return {"cache": user_cache(), "reference": checkout.WORK}


def home(name: str) -> Path:
    """Where a packed file belongs. Raises `ValueError` for a name that leads elsewhere."""
    first, *others = Path(name).parts
    if first not in homes() or ".." in others or not others:
        raise ValueError(f"A packed file belongs under {' or '.join(homes())}; this one is called {name!r}.")
    return homes()[first].joinpath(*others)


# Parts


def write_parts(
    folder: Path, files: Iterable[tuple[str, bytes, Sequence[str]]], digests: Mapping[str, str], part_mb: float
) -> Manifest:
    """Writes files into the parts of a folder; older parts in it go.

    Args:
        folder: made if it is not there.
        files: names, contents and the runs that need them.
        digests: of the runs, by name.
        part_mb: the most that a part may have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / MANIFEST, *folder.glob("part-*.bin")]:
        old.unlink(missing_ok=True)
    most = int(part_mb * MB)
    part, packed, parts = bytearray(), [], {}

    def close() -> None:
        if part:
            name = f"part-{len(parts):03d}.bin"
            write_file(folder / name, bytes(part))
            parts[name] = hashlib.sha256(part).hexdigest()
            part.clear()

    for name, content, needed_by in files:
        if len(part) + len(content) > most:
            close()
        pieces = []
        for start in range(0, len(content), most):
            piece = content[start : start + most]
            if len(part) + len(piece) > most:
                close()
            pieces.append((f"part-{len(parts):03d}.bin", len(part), len(piece)))
            part += piece
        packed.append(Packed(name, hashlib.sha256(content).hexdigest(), tuple(pieces), tuple(needed_by)))
    close()
    manifest = Manifest(dict(digests), parts, tuple(packed))
    write_file(folder / MANIFEST, json.dumps(asdict(manifest)).encode())
    return manifest


def read_parts(folder: Path) -> Iterator[tuple[Packed, bytes]]:
    """The files of those parts that are there.

    Raises:
        ValueError: a part, or a file in it, is not what the manifest says.
    """
    manifest = Manifest.read(folder)
    there = {name: folder / name for name in manifest.parts if (folder / name).is_file()}
    for name, path in there.items():
        if file_digest(path) != manifest.parts[name]:
            raise ValueError(f"{path} was changed or cut short on the way. Copy it again.")

    @cache
    def content(part: str) -> bytes:
        return there[part].read_bytes()

    for file in manifest.files:
        if all(part in there for part, _, _ in file.pieces):
            found = b"".join(content(part)[start : start + length] for part, start, length in file.pieces)
            if hashlib.sha256(found).hexdigest() != file.sha256:
                raise ValueError(f"{file.name} in {folder} is not the file that was packed. Pack it again.")
            yield file, found


# Arrays, without loss


def encoded(path: Path) -> bytes:
    """A file of the cache, ``.npz`` or ``.npy``, in as few bytes as keep every bit of its arrays.

    It is a zip of ``arrays.npz``, compressed, and of a WebP beside it for each array of coloured pictures.
    """
    if path.suffix == ".npy":
        arrays = {"": np.load(path)}
    else:
        with np.load(path) as file:
            arrays = dict(file)
    pictures = {name: array for name, array in arrays.items() if _are_pictures(array)}
    plain, buffer = io.BytesIO(), io.BytesIO()
    # An empty array stands for pictures: it says their type and size.
    np.savez_compressed(
        plain, **{f"_{name}": array[:0] if name in pictures else array for name, array in arrays.items()}
    )
    with zipfile.ZipFile(buffer, "w") as members:
        members.writestr(zipfile.ZipInfo("arrays.npz"), plain.getvalue())
        for name, array in pictures.items():
            members.writestr(zipfile.ZipInfo(f"_{name}.webp"), _webp(array))
    return buffer.getvalue()


def decoded(content: bytes) -> dict[str, np.ndarray]:
    """The arrays that were `encoded`, by name; that of a ``.npy`` has the name ''."""
    with zipfile.ZipFile(io.BytesIO(content)) as members:
        with np.load(io.BytesIO(members.read("arrays.npz"))) as file:
            arrays = {name[1:]: file[name] for name in file.files}
        for name in arrays:
            if f"_{name}.webp" in members.namelist():
                arrays[name] = _pictures(members.read(f"_{name}.webp"), arrays[name])
    return arrays


def restore(path: Path, content: bytes) -> None:
    """Writes a file of the cache as it was before it was `encoded`, each array of it bit for bit."""
    arrays = decoded(content)
    if path.suffix == ".npy":
        write_array(path, arrays[""])
        return
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_file(path, buffer.getvalue())


def _are_pictures(array: np.ndarray) -> bool:
    return (
        array.dtype.itemsize == 1
        and array.ndim == 4
        and array.shape[-1] == 3
        and 0 < array.size
        and array.shape[0] * array.shape[1] <= _LONGEST
        and array.shape[2] <= _LONGEST
    )


def _webp(array: np.ndarray) -> bytes:
    """``(T, H, W, 3)`` of one byte each, below each other, each by its difference from the one before, modulo 256: what
    stands still is black, and costs nothing."""
    steps = array.view(np.uint8).copy()
    steps[1:] -= array.view(np.uint8)[:-1]
    buffer = io.BytesIO()
    Image.fromarray(steps.reshape(-1, *array.shape[2:])).save(buffer, "WEBP", lossless=True, method=4)
    return buffer.getvalue()


def _pictures(webp: bytes, empty: np.ndarray) -> np.ndarray:
    steps = np.asarray(Image.open(io.BytesIO(webp)).convert("RGB")).reshape(-1, *empty.shape[1:])
    return np.cumsum(steps, 0, dtype=np.uint8).view(empty.dtype)


# What a run needs


def needed_weights(run: Run) -> dict[str, Run]:
    """The runs whose weights a run needs, by name: that which it starts from, and the last of each other kind."""
    before = lineage(run)[:-1]
    last = {step.method: step for step in before if step.method != run.method}
    return {step.name: step for step in [*before[-1:], *last.values()]}


def lacking(run: Run, trained_before: Iterable[str] = ()) -> str | None:
    """Why the data of a run cannot be packed here: the first run whose weights it needs and cannot have; or None.

    Weights to start from may be those of a run that is trained before it on the same journey. What G_R refines is drawn
    with weights of G_M while packing, so these have to be here.
    """
    for step in needed_weights(run).values():
        here = (step.folder / "best").is_dir() or learning.shipped_by(step)
        if not here and not (step.method == run.method and step.name in trained_before):
            return step.name
    return None


def files_read(of: Sequence[Run]) -> dict[str, list[Path]]:
    """The files of the user's cache that the training of each run reads, by name; missing ones are made first."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_files_read, of).result()


def _files_read(of: Sequence[Run]) -> dict[str, list[Path]]:
    # In a process of its own, because a hook of auditing cannot be taken out again.
    opened: dict[Path, None] = {}

    def listen(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            opened[Path(arguments[0])] = None

    sys.addaudithook(listen)
    found, cache = {}, user_cache()
    for run in of:
        # Whatever is missing is made in the first round; what is opened in the second is what training opens.
        for again in (False, True):
            opened.clear()
            for split, options in (("train", {}), ("validation", {"subjects": learning.VALIDATION})):
                data = learning.clips(run, split, **options)
                about = f"{run.name}, {split}"
                for index in tqdm(range(len(data)), about, unit="clip", leave=False, disable=again):
                    data[index]
        found[run.name] = [p for p in opened if p.suffix in (".npz", ".npy") and p.is_relative_to(cache)]
    return found


def pack(folder: Path, names: Sequence[str], part_mb: float = 20) -> Manifest:
    """Packs what the training of runs reads: from the user's cache, and the weights that they start from.

    Args:
        folder: of the parts.
        names: of the runs, those first that matter most. One that cannot be packed is left out, and said so.
        part_mb: the most that a part may have.

    Raises:
        ValueError: parts larger than `MOST_PACKED`.
    """
    if not 0 < part_mb <= MOST_PACKED:
        raise ValueError(f"A part has at most {MOST_PACKED} MB; {part_mb:g} were asked for.")
    table, chosen = planned(), {}
    for name in names:
        if missing := lacking(table[name], chosen):
            print(f"leaving out {name}: it needs the weights of {missing}, which are not here")
        else:
            chosen[name] = table[name]
    needed: dict[Path, list[str]] = {}
    for name, read in files_read(list(chosen.values())).items():
        of_starts = [
            path for step in needed_weights(table[name]).values() for path in sorted((step.folder / "best").glob("*"))
        ]
        for path in [*of_starts, *read]:
            needed.setdefault(path, []).append(name)
    digests = {name: run.digest for name, run in chosen.items()}
    progress = tqdm(needed.items(), desc="packing", unit="file")
    manifest = write_parts(folder, ((*_entry(path), by) for path, by in progress), digests, part_mb)
    _say(folder, manifest)
    return manifest


def _entry(path: Path) -> tuple[str, bytes]:
    """The name and the bytes that a file is packed as."""
    if path.is_relative_to(checkout.WORK):
        return f"reference/{path.relative_to(checkout.WORK).as_posix()}", path.read_bytes()
    return f"cache/{path.relative_to(user_cache()).as_posix()}", encoded(path)


def unpack(folder: Path) -> None:
    """Puts what lies in the parts that are there where it belongs; what is there already stays.

    Raises:
        ValueError: a part was changed or cut short.
    """
    count = 0
    for file, content in read_parts(folder):
        path = home(file.name)
        if not path.is_file():
            write = restore if file.name.startswith("cache/") else write_file
            write(path, content)
            count += 1
    print(f"unpacked {count} files of {folder}", flush=True)


def unready(folder: Path, run: Run) -> str | None:
    """Why a run cannot be trained from what was packed into a folder and unpacked on this machine, or None."""
    manifest = Manifest.read(folder)
    if run.name not in manifest.digests:
        return "it is not in the packs"
    if manifest.digests[run.name] != run.digest:
        return "its definition has changed since it was packed"
    away = [file for file in manifest.files if run.name in file.runs and not home(file.name).is_file()]
    if parts := sorted({part for file in away for part, _, _ in file.pieces}):
        return f"these parts are not unpacked yet: {', '.join(parts)}"
    missing = lacking(run)
    return f"it needs the weights of {missing}, which is not trained yet" if missing else None


# What a run leaves


def left(run: Run) -> list[Path]:
    """What a training has left that is worth carrying: the facts and the kept weights; of one that is not finished, its
    checkpoint as well."""
    facts, checkpoint = run.folder / "facts.json", run.folder / CHECKPOINT
    kept = [facts] if facts.is_file() else []
    kept += [path for path in sorted((run.folder / "best").glob("*")) if path.is_file()]
    return kept + ([checkpoint] if checkpoint.is_file() and not facts.is_file() else [])


def bring(folder: Path, names: Sequence[str], part_mb: float = MOST_BROUGHT) -> Manifest:
    """Cuts what the training of runs has left into parts.

    Raises:
        ValueError: parts larger than `MOST_BROUGHT`.
    """
    if not 0 < part_mb <= MOST_BROUGHT:
        raise ValueError(f"What is brought back comes in parts of at most {MOST_BROUGHT} MB; {part_mb:g} were given.")
    table = [planned()[name] for name in names]
    begun = {run.name: run.digest for run in table if left(run)}
    # Whole results first: a checkpoint is several times as large as the weights.
    files = sorted((path.name == CHECKPOINT, run.name, path) for run in table for path in left(run))
    manifest = write_parts(folder, ((*_entry(path), [name]) for _, name, path in files), begun, part_mb)
    _say(folder, manifest)
    return manifest


def fetch(folder: Path) -> list[str]:
    """Puts what was brought back where `runs` measures it, or goes on with it; returns the runs that came whole.

    What lies there of the same run is replaced, for what comes from elsewhere was trained further.

    Raises:
        ValueError: a part was changed or cut short.
    """
    manifest, came = Manifest.read(folder), {}
    for file, content in read_parts(folder):
        came.setdefault(file.runs[0], []).append((home(file.name), content))
    counts = {name: sum(name in file.runs for file in manifest.files) for name in manifest.digests}
    whole = [name for name, count in counts.items() if len(came.get(name, ())) == count]
    for name in counts:
        if name not in whole:
            print(f"leaving out {name}: some of its parts are not here")
            continue
        # The facts last: they say that the rest is there.
        for path, content in sorted(came[name], key=lambda one: one[0].name == "facts.json"):
            write_file(path, content)
        finished = any(path.name == "facts.json" for path, _ in came[name])
        print(f"{name}: {'trained' if finished else 'begun'}")
    return whole


def _say(folder: Path, manifest: Manifest) -> None:
    for part in manifest.parts:
        held = [file for file in manifest.files if part in {piece[0] for piece in file.pieces}]
        by = list(dict.fromkeys(name for file in held for name in file.runs))
        also = f" and {len(by) - 3} more" if len(by) > 3 else ""
        print(f"{part}  {(folder / part).stat().st_size / MB:5.1f} MB  {len(held):5} files  {', '.join(by[:3])}{also}")
    size = sum((folder / part).stat().st_size for part in manifest.parts) / MB
    print(f"{len(manifest.parts)} parts, {size:.1f} MB, of {len(manifest.digests)} runs in {folder}")


# The command


def gpu_first(table: Mapping[str, Run]) -> list[Run]:
    """The runs in the order of doing them: those that need a GPU, each after those that it starts from; then others."""
    first = [step.name for run in table.values() if run.gpu for step in lineage(run)]
    return [table[name] for name in dict.fromkeys([*first, *table])]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `main`'s parser that carry runs to another machine and back."""
    where = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument("--pack", **where, help="pack what training reads, to carry it to a bare machine")
    parser.add_argument("--part-mb", type=float, help="the most that a part of --pack or --bring may have")
    parser.add_argument("--packs", **where, help="with --train: unpack what --pack wrote, and train from it alone")
    parser.add_argument("--unpack", **where, help="only unpack what --pack wrote, as many of its parts as are there")
    parser.add_argument("--bring", **where, help="cut what training has left into parts that can be carried")
    parser.add_argument("--fetch", **where, help="put what --bring wrote in its place, to be measured or gone on with")


def carried(chosen: argparse.Namespace) -> bool:
    """Does what the options of `add_arguments` ask for; whether they asked for nothing else to be done.

    Raises:
        ValueError: as `pack`, `unpack`, `bring` and `fetch`; or --packs without --train.
    """
    if chosen.packs and not chosen.train:
        raise ValueError("From packs one trains only: add --train, or use --unpack.")
    order = [run for run in gpu_first(planned()) if not chosen.only or run.name in chosen.only]
    size = {} if chosen.part_mb is None else {"part_mb": chosen.part_mb}
    if chosen.pack:
        pack(chosen.pack, [run.name for run in order if not result(run)], **size)
    if chosen.bring:
        bring(chosen.bring, [run.name for run in order], **size)
    if chosen.fetch:
        fetch(chosen.fetch)
    if chosen.unpack or chosen.packs:
        unpack(chosen.unpack or chosen.packs)
    return bool(chosen.pack or chosen.bring or chosen.fetch or chosen.unpack)
