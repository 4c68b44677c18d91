"""Files appear whole or not at all, one process at a time where a lock says so, and only `store` writes them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2vlib import store

PACKAGE = Path(store.__file__).parent

WRITERS: dict[str, Callable[[Path], None]] = {
    "bytes": lambda path: store.write_file(path, b"new"),
    "text": lambda path: store.write_text(path, "new"),
    "array": lambda path: store.write_array(path, np.arange(3)),
    "arrays": lambda path: store.write_arrays(path, a=np.arange(3)),
    "compressed": lambda path: store.write_arrays(path, compressed=True, a=np.arange(3)),
}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return WRITERS[request.param]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    deep = tmp_path / "made" / "on the way"
    one, two = np.arange(6).reshape(2, 3), np.zeros((2, 0), np.float32)
    store.write_file(deep / "a.bin", b"\x00\x01")
    store.write_text(deep / "a.txt", "Größe\n")
    store.write_array(deep / "a.npy", one)
    store.write_arrays(deep / "a.npz", one=one, two=two)
    store.write_arrays(deep / "small.npz", compressed=True, one=np.zeros(10_000))
    assert (deep / "a.bin").read_bytes() == b"\x00\x01" and (deep / "a.txt").read_bytes() == "Größe\n".encode()
    np.testing.assert_array_equal(np.load(deep / "a.npy"), one)
    with np.load(deep / "a.npz") as arrays:
        assert arrays.files == ["one", "two"] and arrays["two"].shape == (2, 0)
        np.testing.assert_array_equal(arrays["one"], one)
    assert (deep / "small.npz").stat().st_size < 5_000
    assert len(list(deep.iterdir())) == 5


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_no_litter(
    write: Callable[[Path], None], error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")

    def fail(*paths: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        write(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="halfway"), store.replacing(path) as part:
        part.write_bytes(b"half")
        assert part.parent == path.parent and part.suffix == path.suffix and path.read_bytes() == b"old"
        raise RuntimeError("halfway")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "head"
    with pytest.raises(RuntimeError, match="halfway"), store.replacing_folder(folder) as part:
        (part / "a").write_bytes(b"half")
        assert not folder.exists()
        raise RuntimeError("halfway")
    assert list(tmp_path.iterdir()) == []
    with store.replacing_folder(folder) as part:
        (part / "a").write_bytes(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["head"] and (folder / "a").read_bytes() == b"whole"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.bin", [bytes([value]) * length for value, length in ((1, 3_000_000), (2, 1_000))]
    store.write_file(path, whole[0])
    done = threading.Event()

    def write() -> None:
        for index in range(40):
            store.write_file(path, whole[index % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        seen.append(path.read_bytes())
    writer.join()
    assert seen and set(seen) <= set(whole)


COUNT = """
import sys, time
from pathlib import Path
from i2vlib.store import lock, write_text
folder = Path(sys.argv[1])
for _ in range(25):
    with lock(folder / "count.lock"):
        count = int((folder / "count").read_text())
        time.sleep(0.002)
        write_text(folder / "count", str(count + 1))
"""


def test_two_processes_take_turns_by_a_lock(tmp_path: Path) -> None:
    store.write_text(tmp_path / "count", "0")
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    running = [subprocess.Popen(command, cwd=PACKAGE.parent) for _ in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert (tmp_path / "count").read_text() == "50"


def test_a_place_that_cannot_be_written_to_is_named(write: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(OSError, match="file"):
        write(tmp_path / "file" / "a.npz")
    assert (tmp_path / "file").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write_is_named(write: Callable[[Path], None], tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="closed"):
        write(closed / "a.npz")
    assert list(closed.iterdir()) == []


# Nobody else writes -------------------------------------------------------------------------------------------------

#: What may write beside `store`, and why.
ALLOWED = {
    ("widgets/__init__.py", "open"): "the ratings of a reader are appended to the reader's own table, a row at a time",
    ("widgets/__init__.py", "write_bytes"): "an upload is put into a temporary folder that goes at once",
}
MOVES = {("os", "replace"), ("os", "rename"), ("os", "fdopen"), ("shutil", "move"), ("tempfile", "mkstemp"),
         ("tempfile", "mkdtemp"), ("tempfile", "NamedTemporaryFile")}  # fmt: skip
#: The mode of a file that is opened to be written.
MODE = re.compile(r"(?=.*[wax+])[rwaxbt+]{1,3}")


def writes(source: str) -> list[tuple[int, str]]:
    """The calls that write a file or put one in its place: line and name of each."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        whose, name = None, getattr(call.func, "id", "")
        if isinstance(call.func, ast.Attribute):
            whose, name = getattr(call.func.value, "id", ""), call.func.attr
        given = call.args[1:] if whose is None else call.args
        values = [getattr(one, "value", None) for one in (*given, *(word.value for word in call.keywords))]
        opened = name == "open" and any(isinstance(value, str) and MODE.fullmatch(value) for value in values)
        if (whose, name) in MOVES or name in ("write_bytes", "write_text") and whose is not None or opened:
            found.append((call.lineno, name))
    return found


def test_nobody_else_writes_a_file() -> None:
    packages = (PACKAGE, PACKAGE.parent / "book/i2vbook")
    modules = {path.relative_to(package).as_posix(): path for package in packages for path in package.rglob("*.py")}
    found = {(name, what) for name, path in modules.items() for _, what in writes(path.read_text())}
    assert {name for name, _ in found} >= {"store.py"}
    assert sorted(one for one in found - set(ALLOWED) if one[0] != "store.py") == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("os.replace(a, b)", "replace"),
        ("tempfile.mkstemp(dir=folder)", "mkstemp"),
        ("path.write_bytes(data)", "write_bytes"),
        ("(folder / name).write_text(text, encoding='utf-8')", "write_text"),
        ("open(path, 'w')", "open"),
        ("open(path, mode='xb')", "open"),
        ("path.open('a', newline='')", "open"),
        ("text.replace('a', 'b')", None),
        ("open(path)", None),
        ("open(path, 'rb')", None),
        ("datasets.open('actors', split='test')", None),
        ("write_text(path, text)", None),
    ],
)
def test_a_write_is_noticed(line: str, name: str | None) -> None:
    assert writes(line) == ([(1, name)] if name else [])


def test_what_was_worked_out_of_an_array_is_kept_by_its_content_and_the_array_is_not():
    asked = []
    double = store.remembered(2)(lambda array: asked.append(array.sum()) or 2 * array)
    first, second, third = (np.full(3, value) for value in (1, 2, 3))
    assert (double(first) == 2).all() and (double(first.copy()) == 2).all() and len(asked) == 1
    double(second), double(first), double(third)
    double(first)
    assert asked == [3, 6, 9]
    double(second)  # the one that was asked for longest ago went
    assert asked == [3, 6, 9, 6]
    gone = weakref.ref(given := np.full(3, 4))
    double(given)
    asked.clear()
    del given
    assert gone() is None
