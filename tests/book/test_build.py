"""Building the book: what is run again, what is published, what is fetched, and what is said when it fails."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import re
import tarfile
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("papermill")
    monkeypatch.syspath_prepend(ROOT / "book")
    return importlib.import_module("build")


def notebook(folder: Path, *code: str) -> Path:
    cells = [nbformat.v4.new_code_cell('preset = "smoke"', metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(text) for text in code]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


# Chapters -----------------------------------------------------------------------------------------------------------


def test_pages_are_read_in_order(build, tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text(
        "root: a\nparts:\n- caption: b\n  chapters:\n  - file: c\n    sections:\n    - file: d\n"
    )
    assert build.pages(tmp_path / "_toc.yml") == ["a", "c", "d"]


def test_a_digest_follows_names_contents_and_words(build, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("1")
    first = build.digest([one], "smoke")
    assert first == build.digest([one], "smoke")
    assert len({first, build.digest([other], "smoke"), build.digest([one], "small"), build.digest([one, other])}) == 4
    one.write_text("2")
    assert build.digest([one], "smoke") != first


def test_the_package_and_the_results_count_as_surroundings(build, tmp_path: Path) -> None:
    for name in (
        "i2vlib/weights/x/model.safetensors",
        "book/results/runs.toml",
        "book/i2vbook/a.py",
        "i2vlib/__pycache__/a.pyc",
        "book/a.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in build.surroundings(tmp_path)}
    kept = {"i2vlib/weights/x/model.safetensors", "book/i2vbook/a.py", "book/results/runs.toml", "constraints.txt"}
    assert found == kept


def test_a_chapter_runs_beside_its_copy_and_is_then_finished(build, tmp_path: Path) -> None:
    source, target = notebook(tmp_path, "open('made', 'w').write(preset)"), tmp_path / "staging/chapter.ipynb"
    before = source.read_bytes()
    target.parent.mkdir()
    assert not build.finished(target, "key")
    assert build.execute(source, target, "smoke", "key") > 0
    assert build.finished(target, "key") and not build.finished(target, "another key")
    assert source.read_bytes() == before
    assert {path.name for path in target.parent.iterdir()} == {"chapter.ipynb", "made"}
    assert (target.parent / "made").read_text() == "smoke"
    published = json.loads(target.read_text())
    assert [cell["execution_count"] for cell in published["cells"]] == [1, 2]
    assert "papermill" not in target.read_text()


def test_another_preset_reaches_the_chapter_and_its_cell_is_hidden(build, tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    build.execute(notebook(tmp_path, "preset"), target, "small", "key")
    cells = json.loads(target.read_text())["cells"]
    assert cells[-1]["outputs"][0]["data"]["text/plain"] == ["'small'"]
    assert cells[1]["metadata"]["tags"] == ["injected-parameters", "remove-cell"]


def test_figures_are_kept_whatever_backend_is_set_outside(build, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    target = tmp_path / "out.ipynb"
    build.execute(
        notebook(tmp_path, "import matplotlib.pyplot as plt\nplt.figure(), plt.plot([1, 2])"), target, "smoke", "k"
    )
    kinds = {
        kind for cell in json.loads(target.read_text())["cells"] for out in cell["outputs"] for kind in out["data"]
    }
    assert "image/png" in kinds


def test_a_failing_chapter_is_named_and_leaves_no_finished_copy(build, tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    with pytest.raises(build.BuildError, match="2.*ZeroDivisionError"):
        build.execute(notebook(tmp_path, "1 / 0"), target, "smoke", "key")
    assert not target.exists()


def test_a_copy_cut_off_half_way_is_not_finished(build, tmp_path: Path) -> None:
    (tmp_path / "out.ipynb").write_text('{"metadata": {"book": {"key": "k')
    assert not build.finished(tmp_path / "out.ipynb", "k")


def test_one_failing_chapter_does_not_keep_the_others_from_running(build, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "notebooks").mkdir()
    for name in ("bad", "good", "done"):
        (tmp_path / f"notebooks/{name}.ipynb").write_text(name)
    (tmp_path / "constraints.txt").touch()
    ran = []

    def execute(source: Path, target: Path, preset: str, key: str) -> float:
        ran.append(source.stem)
        if source.stem == "bad":
            raise build.BuildError("The chapter bad failed")
        target.write_text(json.dumps({"metadata": {"book": {"key": key}}}))
        return 1.0

    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "execute", execute)
    chapters, staging = ["notebooks/bad", "notebooks/good", "notebooks/done"], tmp_path / "staging"
    build.execute_chapters(["notebooks/done"], staging, "smoke")
    (tmp_path / "book").mkdir()
    (tmp_path / "book/here").touch()
    assert (staging / "book/here").exists()
    with pytest.raises(build.BuildError, match="chapter"):
        build.execute_chapters(chapters, staging, "smoke")
    assert ran[:1] == ["done"] and sorted(ran[1:]) == ["bad", "good"]
    with pytest.raises(build.BuildError):
        build.execute_chapters(chapters, staging, "smoke")
    assert ran[3:] == ["bad"]
    (tmp_path / "i2vlib").mkdir()
    (tmp_path / "i2vlib/new.py").touch()
    with pytest.raises(build.BuildError):
        build.execute_chapters(chapters, staging, "smoke")
    assert sorted(ran[4:]) == ["bad", "done", "good"]


# Vendor files -------------------------------------------------------------------------------------------------------


@cache  # gzip notes the second
def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as members:
        for name, text in {
            "package/dist/embed.js": "run",
            "package/dist/a.woff2": "font",
            "package/b.txt": "no",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            members.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def package(build):
    digest = hashlib.sha256(archive()).hexdigest()
    files = {"package/dist/embed.js": "widgets.js", "package/dist/*.woff2": ""}
    return build.Package("@scope/thing", "1.2.3", "npm", digest, files)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that packs whatever lies in `packed`, and fails where nothing does."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/npm"
    script.write_text(
        f'#!/bin/sh\n[ "$1 $4" = "pack @scope/thing@1.2.3" ] && cp "{tmp_path}/packed" "${{3#*=}}/thing.tgz"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return tmp_path / "packed"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in the only place where pip looks for one."""
    path = tmp_path / "wheels/some_thing-1.2.3-py3-none-any.whl"
    path.parent.mkdir()
    inside = "some_thing-1.2.3.dist-info"
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("some-thing/static/tex.js", "typeset")
        members.writestr(f"{inside}/METADATA", "Metadata-Version: 2.1\nName: some-thing\nVersion: 1.2.3\n")
        members.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        members.writestr(f"{inside}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def test_npm_fetches_once(build, package, npm: Path, tmp_path: Path) -> None:
    npm.write_bytes(archive())
    fetched = build.fetch(package, tmp_path / "cache")
    assert fetched.read_bytes() == archive()
    npm.unlink()
    assert build.fetch(package, tmp_path / "cache") == fetched
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [fetched.name]


def test_pip_fetches_a_wheel_once(build, wheel: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = build.Package("some-thing", "1.2.3", "pip", digest, {"some-thing/static/tex.js": "math.js"})
    fetched = build.fetch(package, tmp_path / "cache")
    wheel.unlink()
    assert build.fetch(package, tmp_path / "cache") == fetched
    build.unpack(package, fetched, tmp_path / "vendor")
    assert {path.name: path.read_text() for path in (tmp_path / "vendor").iterdir()} == {"math.js": "typeset"}


def test_an_archive_with_another_hash_is_not_used(build, package, npm: Path, tmp_path: Path) -> None:
    npm.write_bytes(archive() + b"!")
    with pytest.raises(build.BuildError, match="1.2.3 has"):
        build.fetch(package, tmp_path / "cache")
    assert not any((tmp_path / "cache").iterdir())


def test_an_archive_in_the_cache_that_was_cut_short_is_fetched_again(build, package, npm: Path, tmp_path: Path) -> None:
    npm.write_bytes(archive())
    fetched = build.fetch(package, tmp_path / "cache")
    fetched.write_bytes(archive()[:-1])
    assert build.fetch(package, tmp_path / "cache").read_bytes() == archive()


def test_without_a_network_it_says_what_to_do(build, package, npm: Path, tmp_path: Path) -> None:
    with pytest.raises(build.BuildError, match="fetched"):
        build.fetch(package, tmp_path / "cache")
    assert not any((tmp_path / "cache").iterdir())


def test_without_npm_it_says_what_to_install(build, package, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.BuildError, match="Debian's"):
        build.fetch(package, tmp_path / "cache")


def test_only_the_files_that_pages_load_are_unpacked(build, package, tmp_path: Path) -> None:
    (tmp_path / "thing.tgz").write_bytes(archive())
    build.unpack(package, tmp_path / "thing.tgz", tmp_path / "vendor")
    found = {path.name: path.read_text() for path in (tmp_path / "vendor").iterdir()}
    assert found == {"widgets.js": "run", "a.woff2": "font"}
    lacking = replace(package, files={"package/dist/other.js": ""})
    with pytest.raises(build.BuildError, match="1.2.3.*package/dist/other.js"):
        build.unpack(lacking, tmp_path / "thing.tgz", tmp_path / "vendor")


def test_the_book_names_no_registry() -> None:
    assert not re.search(r"https?://", (ROOT / "book/build.py").read_text())


# The whole ----------------------------------------------------------------------------------------------------------


def test_what_cannot_be_built_is_said(build, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "_toc.yml").write_text("root: book/here\nchapters:\n- file: notebooks/gone\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book/here.md").touch()
    with pytest.raises(build.BuildError, match="_toc.yml"):
        build.build("smoke")
    (tmp_path / "notebooks").mkdir()
    notebook(tmp_path / "notebooks").rename(tmp_path / "notebooks/gone.ipynb")
    with pytest.raises(build.BuildError, match="chapter"):
        build.build("smoke", only=["x"])


def test_the_first_page_is_made_once_until_the_package_changes(build, tmp_path: Path, monkeypatch) -> None:
    from i2vbook.pages import landing

    made = []
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(landing, "player", lambda: made.append("made") or "<p>faces</p>")
    (tmp_path / "constraints.txt").touch()
    for _ in range(2):
        assert build.first_page(tmp_path / "staging").read_text().endswith("-->\n<p>faces</p>")
    assert len(made) == 1
    (tmp_path / "i2vlib").mkdir()
    (tmp_path / "i2vlib/weights").write_text("better")
    build.first_page(tmp_path / "staging")
    assert len(made) == 2


def test_the_model_of_a_page_is_exported_once_until_it_changes(build, tmp_path: Path, monkeypatch) -> None:
    import i2vlib

    made = []

    class Model:
        def export(self, folder: Path, half: bool) -> None:
            made.append((folder, half))

    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(i2vlib, "load_pretrained", lambda name: Model())
    weights = tmp_path / "i2vlib/weights/affinegan"
    weights.mkdir(parents=True)
    for text in ("good", "good", "better"):
        (weights / "model.safetensors").write_text(text)
        assert build.exported("affinegan", tmp_path / "staging") == tmp_path / "staging/exported/affinegan"
    assert made == [(tmp_path / "staging/exported/affinegan", True)] * 2


@pytest.mark.slow
def test_a_warning_of_jupyter_book_fails_the_build(build, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("jupyter_book")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    source = tmp_path / "source"
    source.mkdir()
    (source / "_config.yml").write_text("title: t\nonly_build_toc_files: true\n")
    (source / "_toc.yml").write_text("format: jb-book\nroot: a\n")
    (source / "a.md").write_text("# A\n")
    with pytest.raises(build.BuildError, match="_toc.yml"):
        build.publish(source, ["a", "b"])
    (source / "a.md").write_text("# A\n\n### C\n")
    for _ in range(2):  # the second time as well: nothing is taken from the failed build
        with pytest.raises(build.BuildError, match="without"):
            build.publish(source, ["a"])


# Where it is built --------------------------------------------------------------------------------------------------


def test_the_workflow_keeps_its_cache_by_files_that_exist() -> None:
    key = re.search(r"hashFiles\((.*)\)", (ROOT / ".github/workflows/book.yml").read_text())[1]
    patterns = re.findall(r"'([^']+)'", key)
    assert patterns and [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def test_a_page_brings_the_files_out_of_which_it_shows_a_piece(build, tmp_path: Path) -> None:
    page = tmp_path / "book/page.md"
    page.parent.mkdir()
    fences = [f"```{{literalinclude}} ../i2vlib/{name}.py\n:pyobject: f\n```" for name in "aba"]
    page.write_text("# Page\n\n" + "\n\n".join(fences) + "\n\n```python\nx\n```\n")
    assert build.listed(page) == [tmp_path / "i2vlib/a.py", tmp_path / "i2vlib/b.py"]
