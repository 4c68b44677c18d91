"""The one place that keeps files: where the cache is, what a file is called by its content, and writing all or nothing.

Nobody else opens a file of the cache, of weights or of results to write it. A file appears whole or not at all: it is
written under another name beside its place, brought to disk, and renamed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from filelock import BaseFileLock


def user_cache() -> Path:
    """Where models, rendered clips and fits are kept: ``I2VLIB_CACHE``, or the user's cache folder."""
    import platformdirs

    folder = os.environ.get("I2VLIB_CACHE")
    return Path(folder).expanduser() if folder else Path(platformdirs.user_cache_dir("i2vlib"))


def digest(*arrays: np.ndarray) -> str:
    """24 hexadecimal digits that change with the shape or a value of any of the arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:24]


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
    """All of a file or none of it."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_array(path: Path, array: np.ndarray) -> None:
    """``np.save``, all or nothing."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_file(path, buffer.getvalue())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """``np.savez``, all or nothing."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_file(path, buffer.getvalue())


def lock(path: Path) -> BaseFileLock:
    """A lock between processes, for ``with``: the file ``path`` is made beside what it guards, and holds nothing."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)
