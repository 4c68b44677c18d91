"""The first cell of a chapter: nothing where i2vlib is, and otherwise the book from where the chapter came from."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

from i2vbook.checkout import BOOK, NOTEBOOKS

CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))


def cell() -> dict:
    return json.loads(CHAPTERS[0].read_text())["cells"][1]


class Shell:
    """The two things of IPython's that the cell asks for."""

    def __init__(self) -> None:
        self.user_ns: dict[str, int] = {}

    def system(self, command: str) -> None:
        self.user_ns["_exit_code"] = subprocess.run(command, shell=True).returncode


def run(text: str, monkeypatch: pytest.MonkeyPatch, missing: bool = True) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    if missing:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell = Shell()
    exec(compile(text, "cell", "exec"), {"get_ipython": lambda: shell})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with one commit, whose installer says in a file that it has run."""
    folder = tmp_path / "fork"
    (folder / "book").mkdir(parents=True)
    (folder / "book/install.py").write_text("open('installed', 'a').write('once ')")
    git = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run([*git, *words], check=True)
    return folder


def addressed(folder: Path) -> str:
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    empty = 'address, commit = "", ""'
    assert empty in "".join(cell()["source"])
    return "".join(cell()["source"]).replace(empty, f'address, commit = "{folder.as_uri()}", "{head.stdout.strip()}"')


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_the_cell_after_its_title_without_an_address(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    needed = cell()
    if path.stem == "quickstart":  # which needs the package alone
        line = needed["source"].index('if not all(map(find_spec, ("i2vlib", "i2vbook"))):\n')
        needed["source"][line] = 'if not find_spec("i2vlib"):\n'
    assert cells[1] == needed
    assert [each["id"] for each in cells].count("install") == 1


def test_the_built_page_does_not_show_it_and_the_others_fold_it() -> None:
    assert "remove-cell" in cell()["metadata"]["tags"]
    assert cell()["metadata"]["jupyter"] == {"source_hidden": True}  # JupyterLab
    assert cell()["metadata"]["cellView"] == "form" and cell()["source"][0].startswith("# @title ")  # Colab


def test_it_does_nothing_where_the_package_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    run("".join(cell()["source"]), monkeypatch, missing=False)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_without_an_address_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError, match="install"):
        run("".join(cell()["source"]), monkeypatch)


def test_a_copy_with_one_fetches_the_book_and_installs_it_again_and_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    text = addressed(repository)
    run(text, monkeypatch)
    assert sys.path[:2] == [str(tmp_path / "i2v-book"), str(tmp_path / "i2v-book/book")]
    run(text, monkeypatch)
    assert (tmp_path / "i2v-book/installed").read_text() == "once once "


def test_a_failed_installation_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Path) -> None:
    monkeypatch.chdir(tmp_path)
    text = addressed(repository).replace("fork", "gone")
    with pytest.raises(RuntimeError, match="installation"):
        run(text, monkeypatch)


# What it installs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BOOK)
    return importlib.import_module("install")


def test_what_is_loaded_or_bound_to_a_front_end_is_kept(install, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def pip(words: list[str]) -> subprocess.CompletedProcess:
        asked["words"], asked["kept"] = words, Path(words[words.index("--constraint") + 1]).read_text().splitlines()
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(install.subprocess, "run", pip)
    assert install.main() == 0
    assert {f"{name}=={version(name)}" for name in ("torch", "numpy", "ipywidgets")} <= set(asked["kept"])
    assert asked["words"][-4:] == ["--editable", f"{BOOK.parent}[actors,faces,chapters]", "--editable", str(BOOK)]
    assert not {"--upgrade", "-U", "--force-reinstall"} & set(asked["words"])


def test_what_is_not_there_is_not_kept(install) -> None:
    assert install.there(["no-such-package", "numpy"]) == {"numpy": version("numpy")}


def test_a_failure_of_pip_is_handed_on(install, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(install.subprocess, "run", lambda words: subprocess.CompletedProcess(words, 2))
    assert install.main() == 2
    assert "pip could not install i2vlib beside what is here" in capsys.readouterr().out


def test_its_extras_are_those_of_the_project(install) -> None:
    extras = tomllib.loads((BOOK.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(install.EXTRAS) <= set(extras)
    assert f"[{','.join(install.EXTRAS)}]" in "".join(cell()["source"])  # what a copy without an address advises
