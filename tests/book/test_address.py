"""Where a copy of the book is from: what its chapters, buttons and workflow make of a repository that no file names."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from i2vbook.checkout import NOTEBOOKS, ROOT
from i2vbook.pages.address import COLAB, EMPTY, PUBLISHED, Address, address_of, addressed, configured, linked

COMMIT = "0123456789" * 4
WORKFLOW = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "ann/her-book", "GITHUB_SHA": COMMIT}
HERS = Address("https://github.com/ann/her-book", COMMIT)


def quickstart() -> dict:
    return json.loads((NOTEBOOKS / "quickstart.ipynb").read_text())


# Who says it --------------------------------------------------------------------------------------------------------


def test_a_workflow_knows_its_own_repository() -> None:
    assert address_of(None, WORKFLOW) == HERS
    elsewhere = address_of(None, WORKFLOW | {"GITHUB_SERVER_URL": "https://git.example.org"})
    assert elsewhere.url == "https://git.example.org/ann/her-book"
    assert elsewhere.repository is None and elsewhere.site is None


def test_without_a_word_nothing_is_address_of() -> None:
    assert address_of(None, {}) is None
    assert address_of(None, {"GITHUB_SHA": COMMIT, "GITHUB_REPOSITORY": ""}) is None


def test_what_is_given_goes_with_the_commit_of_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2vbook.pages.address._head", lambda: "f" * 40)
    assert address_of("bob/book", WORKFLOW) == Address("https://github.com/bob/book", "f" * 40)
    assert address_of("file:///somewhere/fork.git", {}) == Address("file:///somewhere/fork.git", "f" * 40)


def test_a_folder_without_git_has_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("i2vbook.pages.address.ROOT", tmp_path)
    with pytest.raises(ValueError, match="checkout"):
        address_of("bob/book", {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})


@pytest.mark.parametrize(("url", "commit"), [("ann/book", COMMIT), ("https://x.org/a b", COMMIT), (HERS.url, "main")])
def test_what_git_cannot_fetch_is_no_address(url: str, commit: str) -> None:
    with pytest.raises(ValueError, match="fetched"):
        Address(url, commit)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://github.com/ann/her-book", "https://ann.github.io/her-book"),
        ("https://github.com/Ann/Her-Book.git", "https://ann.github.io/Her-Book"),
        ("https://github.com/ann/ann.github.io", "https://ann.github.io"),
        ("https://gitlab.example.org/ann/book", None),
    ],
)
def test_pages_lie_where_github_puts_them(url: str, site: str | None) -> None:
    assert Address(url, COMMIT).site == site


# What follows from it -----------------------------------------------------------------------------------------------


def test_the_first_cell_is_filled_in_and_nothing_else_is_touched() -> None:
    source = quickstart()
    filled = addressed(source, HERS)
    line = f'address, commit = "https://github.com/ann/her-book", "{COMMIT}"\n'
    changed = [(old, new) for old, new in zip(source["cells"], filled["cells"], strict=True) if old != new]
    assert len(changed) == 1 and changed[0][0]["id"] == "install"
    assert set(changed[0][1]["source"]) - set(changed[0][0]["source"]) == {line}
    assert source == quickstart()
    assert filled | {"cells": []} == source | {"cells": []}


def test_a_notebook_without_the_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="'install'"):
        addressed({"cells": [{"id": "a", "cell_type": "code", "source": EMPTY}]}, HERS)
    with pytest.raises(ValueError, match="cell"):
        addressed(addressed(quickstart(), HERS), HERS)


def test_links_lead_to_the_pages_of_the_book() -> None:
    text = "[a](../book/references.md#fan2019controllable) [b](fan.ipynb) ![p](../book/assets/p.jpg) "
    text += "[c](https://x.example.org/d.md) `[e](e.ipynb"
    cells = [{"cell_type": "markdown", "source": [text]}, {"cell_type": "code", "source": "'[b](fan.ipynb)'"}]
    prose, code = linked({"cells": cells}, "https://ann.github.io/her-book")["cells"]
    assert prose["source"] == [
        "[a](https://ann.github.io/her-book/book/references.html#fan2019controllable) "
        "[b](https://ann.github.io/her-book/notebooks/fan.html) "
        "![p](https://ann.github.io/her-book/_static/p.jpg) [c](https://x.example.org/d.md) `[e](e.ipynb"
    ]
    assert code == cells[1] and cells[0]["source"] == [text]


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_link_of_a_chapter_is_left_behind(path: Path) -> None:
    cells = linked(json.loads(path.read_text()), "https://ann.github.io/her-book")["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "https://ann.github.io/her-book/" in prose
    assert [target for target in re.findall(r"\]\(([^)]+)\)", prose) if not target.startswith("https://")] == []


def test_buttons_point_to_the_published_chapters() -> None:
    config = {"title": "t", "html": {"favicon": "f"}}
    book = configured(config, HERS)
    assert book["repository"] == {"url": HERS.url, "path_to_book": "", "branch": PUBLISHED}
    assert book["launch_buttons"] == {"colab_url": COLAB}
    assert book["html"]["favicon"] == "f" and book["html"]["use_issues_button"]
    assert f'<a href="{HERS.url}/commit/{COMMIT}">' in book["html"]["extra_footer"]
    assert config == {"title": "t", "html": {"favicon": "f"}}


@pytest.mark.parametrize("address", [None, Address("https://git.example.org/ann/book", COMMIT)])
def test_where_colab_cannot_come_there_is_a_reason_and_no_button(address: Address | None) -> None:
    book = configured(yaml.safe_load((ROOT / "_config.yml").read_text()), address)
    assert "no chapter has a button that opens it on Colab" in book["html"]["extra_footer"]
    assert not {"repository", "launch_buttons"} & set(book)
    assert not {"use_repository_button", "use_issues_button"} & set(book["html"])


# The build and the workflow -----------------------------------------------------------------------------------------


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("papermill")
    monkeypatch.syspath_prepend(ROOT / "book")
    return importlib.import_module("build")


def test_the_build_writes_every_chapter_as_colab_opens_it(build, tmp_path: Path) -> None:
    (tmp_path / "old.ipynb").touch()
    contents = build.pages(ROOT / "_toc.yml")
    build.write_published(tmp_path, contents, HERS)
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert made == sorted(["README.md", *(f"{page}.ipynb" for page in contents if page.startswith("notebooks/"))])
    first = json.loads((tmp_path / "notebooks/quickstart.ipynb").read_text())
    assert HERS.url in "".join(first["cells"][1]["source"])
    assert "https://ann.github.io/her-book/notebooks/affinegan.html" in json.dumps(first)


@pytest.mark.slow
def test_the_built_pages_have_the_rocket_or_the_reason(build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small books of one chapter: on GitHub, elsewhere, nowhere; none of them with a warning."""
    pytest.importorskip("jupyter_book")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    (source / "_toc.yml").write_text("format: jb-book\nroot: notebooks/a\n")
    small = {"cells": quickstart()["cells"][:2], "metadata": quickstart()["metadata"], "nbformat": 4}
    small["cells"][0]["source"] = ["# A"]
    (tmp_path / "a.ipynb").write_text(json.dumps(small | {"nbformat_minor": 5}))
    rocket = f"{COLAB}/github/ann/her-book/blob/published/notebooks/a.ipynb"
    for address, there in ((HERS, True), (Address("file:///fork.git", COMMIT), False), (None, False)):
        config = {"title": "t", "only_build_toc_files": True, "execute": {"execute_notebooks": "off"}}
        (source / "_config.yml").write_text(yaml.safe_dump(configured(config, address)))
        build.write_chapter(tmp_path / "a.ipynb", source / "notebooks/a.ipynb", address)
        html = build.publish(source, ["notebooks/a"])
        page = (html / "notebooks/a.html").read_text()
        assert (rocket in page) == there
        assert ("no chapter has a button" in page) == (not there)
        assert "git fetch" not in page  # the first cell is for those who run it
        download = (html / "_sources/notebooks/a.ipynb").read_text()
        assert (EMPTY in json.loads(download)["cells"][1]["source"][5]) == (address is None)


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text())


def steps(job: str, action: str) -> list[dict]:
    return [step for step in workflow()["jobs"][job]["steps"] if step.get("uses", "run").startswith(action)]


def test_the_workflow_publishes_what_the_build_wrote() -> None:
    uploads = [*steps("build", "actions/upload-artifact"), *steps("build", "actions/upload-pages-artifact")]
    assert [step["with"]["path"] for step in uploads] == ["_build/published", "_build/html"]
    jobs, main = workflow()["jobs"], "github.ref == 'refs/heads/main' && github.event_name != 'pull_request'"
    assert [step["if"] for step in uploads] == [main, main]
    assert jobs["chapters"]["if"] == jobs["pages"]["if"] == main
    assert jobs["pages"]["needs"] == ["build", "chapters"]  # no button before what it opens
    assert workflow()["permissions"] == {"contents": "read"}
    assert jobs["chapters"]["permissions"] == {"contents": "write"}
    assert jobs["pages"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert uploads[0]["with"]["name"] == steps("chapters", "actions/download-artifact")[0]["with"]["name"]


def test_the_workflow_pushes_the_chapters_to_their_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own lines, to a repository in a folder, twice: a branch of one commit that is replaced."""
    (command,) = [step for step in workflow()["jobs"]["chapters"]["steps"] if "run" in step]
    folder = tmp_path / command["working-directory"]
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "ann/her-book"], check=True)
    address = '"${GITHUB_SERVER_URL/:\\/\\//://x-access-token:$TOKEN@}/$GITHUB_REPOSITORY"'
    assert address in command["run"]
    lines = command["run"].replace(address, f'"{(tmp_path / "ann/her-book").as_uri()}"')
    for text in ("one", "two"):
        subprocess.run(["rm", "-rf", folder], check=True)
        (folder / "notebooks").mkdir(parents=True)
        (folder / "notebooks/a.ipynb").write_text(text)
        environment = {"GITHUB_ACTOR": "ann", "GITHUB_SHA": COMMIT, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/"}
        subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=folder, env=environment, check=True)
    git = ["git", "-C", str(tmp_path / "ann/her-book")]
    shown = subprocess.run([*git, "show", f"{PUBLISHED}:notebooks/a.ipynb"], capture_output=True, text=True)
    count = subprocess.run([*git, "rev-list", "--count", PUBLISHED], capture_output=True, text=True)
    assert (shown.stdout, count.stdout) == ("two", "1\n")


def test_the_workflow_pushes_with_the_token_of_the_run() -> None:
    words = 'echo "${GITHUB_SERVER_URL/:\\/\\//://x-access-token:$TOKEN@}/$GITHUB_REPOSITORY"'
    done = subprocess.run(["bash", "-c", words], env=WORKFLOW | {"TOKEN": "t"}, capture_output=True, text=True)
    assert done.stdout == "https://x-access-token:t@github.com/ann/her-book\n"
