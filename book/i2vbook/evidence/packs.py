"""Runs on a bare machine: what their training reads is packed here, and what it leaves there is brought back.

A machine with a GPU that is lent for half an hour may have torch and little else, no network, and a limit on what is
carried to it. So whatever a training reads is drawn beforehand. A pack is a ``.tar.gz`` cut into parts, and
``manifest.json``, which says the sha256 of each part and which runs the pack is of. It opens once all parts are there.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm.auto import tqdm

from i2vbook import checkout
from i2vbook.evidence import learning
from i2vbook.evidence.plan import Run, lineage
from i2vlib.store import file_digest, user_cache, write_file
from i2vlib.training import CHECKPOINT

MANIFEST, FACTS = "manifest.json", "facts.json"
MB = 1_000_000


def write_pack(folder: Path, files: Mapping[str, Sequence[Path]], digests: Mapping[str, str], part_mb: float) -> None:
    """Writes the files of runs, by name, as a pack of parts of so many MB; an older pack in the folder goes.

    Raises:
        ValueError: parts of no size.
    """
    if part_mb <= 0:
        raise ValueError(f"A part has more than 0 MB; {part_mb:g} were asked for.")
    for old in [folder / MANIFEST, *folder.glob("part-*")]:
        old.unlink(missing_ok=True)
    parts = {}
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w:gz") as archive:
            needed = dict.fromkeys(path for each in files.values() for path in each)
            for path in tqdm(needed, "packing", unit="file"):
                archive.add(path, _name(path))
        whole.seek(0)
        while content := whole.read(int(part_mb * MB)):
            part = f"part-{len(parts):03d}"
            write_file(folder / part, content)
            parts[part] = hashlib.sha256(content).hexdigest()
    runs = {name: digests[name] for name in files}
    write_file(folder / MANIFEST, json.dumps({"runs": runs, "parts": parts}, indent=1).encode())
    print(f"{len(parts)} parts of {len(runs)} runs in {folder}: {', '.join(runs)}")


def read_pack(folder: Path, replace: bool = False) -> dict[str, str]:
    """Puts the files of a pack where they belong; what is there already stays, unless it is to be replaced.

    Returns:
        The digests of the runs that it is of, by name.

    Raises:
        ValueError: the manifest or a part is missing or damaged, or a file belongs elsewhere; nothing is written then.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        raise ValueError(f"{folder / MANIFEST} cannot be read. Copy it again, along with every part.") from None
    with tempfile.TemporaryFile() as whole:
        for part, digest in manifest["parts"].items():
            if not (folder / part).is_file():
                raise ValueError(f"{folder / part} is missing. Copy it beside {MANIFEST}.")
            if file_digest(folder / part) != digest:
                raise ValueError(f"{folder / part} was changed or cut short on the way. Copy it again.")
            whole.write((folder / part).read_bytes())
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            places = [(home(member.name), member) for member in archive]
            for path, member in places:
                if replace or not path.is_file():
                    write_file(path, archive.extractfile(member).read())
    return manifest["runs"]


def home(name: str) -> Path:
    """Where a packed file belongs. Raises `ValueError` for a name that leads elsewhere."""
    first, *others = name.split("/")
    if first not in _homes() or not all(others) or not others or ".." in others:
        raise ValueError(f"A packed file belongs under {' or '.join(_homes())}; this one is called {name!r}.")
    return _homes()[first].joinpath(*others)


def _homes() -> dict[str, Path]:
    """Where packed files belong, by the first word of their names."""
    return {"cache": user_cache(), "reference": checkout.WORK}


def _name(path: Path) -> str:
    """The name that `home` puts back there."""
    return next(f"{first}/{path.relative_to(to).as_posix()}" for first, to in _homes().items() if to in path.parents)


def read_by(run: Run) -> list[Path]:
    """Lists what the training of a run reads, which is made if it is missing: weights, clips and drawn conditions.

    Raises:
        ValueError: its clips are drawn with weights that are not here.
    """
    steps = {step.method: step for step in lineage(run) if step.method != run.method}
    files = [path for step in [*steps.values(), learning.parent(run)] if step for path in _kept(step)]
    for split, people in (("train", {}), ("validation", {"subjects": learning.VALIDATION})):
        data = learning.clips(run, split, **people)
        for index in tqdm(range(len(data)), f"{run.name}, {split}", unit="clip", leave=False):
            data[index]
        files += [one.path(*key) for one in learning.sources(run, split, **people) for key in one.keys]
    # What is drawn from clips lies in folders that end in a version, and is not told apart by run.
    return files + (sorted(user_cache().glob("*-v[0-9]*/*.np[yz]")) if run.kind.truth(run.settings) else [])


def _kept(run: Run) -> list[Path]:
    """The files of the weights that a run has kept."""
    return sorted(path for path in (run.folder / "best").glob("*") if path.is_file())


def pack(folder: Path, runs: Sequence[Run], part_mb: float) -> None:
    """Packs what the training of runs reads. A run whose weights to begin with are missing is left out, and said so."""
    files: dict[str, list[Path]] = {}
    for run in runs:
        try:
            before = learning.parent(run)
            if before and before.name not in files:
                learning.weights(before)
            files[run.name] = read_by(run)
        except ValueError as error:
            print(f"leaving out {run.name}: {error}")
    write_pack(folder, files, {run.name: run.digest for run in runs}, part_mb)


def left_by(run: Run) -> list[Path]:
    """Lists what a training has left: kept weights and, last, its facts; or its checkpoint if it is not finished."""
    last = [run.folder / name for name in (FACTS, CHECKPOINT) if (run.folder / name).is_file()]
    return _kept(run) + last[:1]


def bring(folder: Path, runs: Sequence[Run], part_mb: float) -> None:
    """Packs what the training of runs has left, of those that have begun."""
    files = {run.name: left_by(run) for run in runs if left_by(run)}
    write_pack(folder, files, {run.name: run.digest for run in runs}, part_mb)
