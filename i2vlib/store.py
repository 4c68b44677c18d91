"""The one place that keeps files: where the cache is, what a file is called by its content, and writing all or nothing.

Nobody else opens a file to write it. A file appears whole or not at all: it is written under another name beside its
place, brought to disk, and renamed. Who needs a whole folder, or a format's own writer, does the same by `replacing`
and `replacing_folder`.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from filelock import BaseFileLock

Made = TypeVar("Made")


def user_cache() -> Path:
    """Where models, rendered clips and fits are kept: ``I2VLIB_CACHE``, or the user's cache folder."""
    if folder := os.environ.get("I2VLIB_CACHE"):
        return Path(folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("i2vlib"))


def digest(*arrays: np.ndarray) -> str:
    """24 hexadecimal digits that change with the shape or a value of any of the arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:24]


def remembered(count: int) -> Callable[[Callable[[np.ndarray], Made]], Callable[[np.ndarray], Made]]:
    """Keeps a function's last results by the digest of the array that it is given; the array itself is let go."""

    def keep(work: Callable[[np.ndarray], Made]) -> Callable[[np.ndarray], Made]:
        results: OrderedDict[str, Made] = OrderedDict()

        @wraps(work)
        def ask(array: np.ndarray) -> Made:
            key = digest(array)
            if key not in results:
                results[key] = work(array)
            results.move_to_end(key)
            if len(results) > count:
                results.popitem(last=False)
            return results[key]

        return ask

    return keep


def file_digest(path: Path) -> str:
    """The sha256 of a file's content, in 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to: it becomes ``path`` when the block ends well, and is removed when it fails.

    It keeps the suffix, by which writers choose a format. Folders on the way are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem[:80]}-{os.getpid()}-{os.urandom(4).hex()}{path.suffix}")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Writes a whole file, or nothing."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes a whole text file in UTF-8, or nothing."""
    write_file(path, text.encode())


def write_array(path: Path, array: np.ndarray) -> None:
    """``np.save``, all or nothing."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_file(path, buffer.getvalue())


def write_arrays(path: Path, compressed: bool = False, **arrays: np.ndarray) -> None:
    """``np.savez``, all or nothing; smaller and slower if ``compressed``."""
    save = np.savez_compressed if compressed else np.savez
    with replacing(path) as part, open(part, "wb") as file:
        save(file, **arrays)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` to fill: it becomes ``folder`` when the block ends well, and goes when it fails.

    ``folder`` must not be there yet, or be empty. Folders on the way are made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield part
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def lock(path: Path) -> BaseFileLock:
    """A lock between processes, for ``with``: the file ``path`` is made beside what it guards, and holds nothing."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
