"""Where a published copy of the book is from: a repository that no file names, because only its publisher knows it.

The workflow of a fork knows its own (`address_of`). From it follow the first cell of each published chapter
(`addressed`), the links that a chapter opened on Colab has into the book, and the book's buttons (`configured`).
"""

from __future__ import annotations

import copy
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from i2vbook.checkout import ROOT

#: The branch of the same repository that holds the chapters with their address.
PUBLISHED = "published"
#: The only host whose notebooks Colab opens by an address.
GITHUB = "https://github.com"
COLAB = "https://colab.research.google.com"
#: The line of a chapter's first cell that the source leaves empty.
EMPTY = 'address, commit = "", ""'

UNKNOWN = (
    "This copy was built from a folder, and does not know where others can get it; so no chapter has a button that "
    "opens it on Colab. The copy that a fork's workflow publishes has them."
)


@dataclass(frozen=True)
class Address:
    """What git fetches a copy of the book by: a repository's URL, and a commit, 40 hexadecimal digits."""

    url: str
    commit: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]+://[\w.~:/@%+-]+", self.url) or not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise ValueError(
                f"The book cannot be fetched by {self.url!r} at {self.commit!r}: give the URL of a git repository and "
                "a whole commit, 40 hexadecimal digits."
            )

    @property
    def repository(self) -> str | None:
        """``owner/name`` on GitHub; None anywhere else."""
        found = re.fullmatch(re.escape(GITHUB) + r"/([^/]+/[^/]+?)(?:\.git)?/?", self.url)
        return found[1] if found else None

    @property
    def site(self) -> str | None:
        """Where GitHub Pages shows the book of a repository on GitHub, without a slash at the end."""
        if self.repository is None:
            return None
        owner, name = self.repository.lower().split("/")[0], self.repository.split("/")[1]
        host = f"{owner}.github.io"
        return f"https://{host}" if name.lower() == host else f"https://{host}/{name}"


def address_of(given: str | None, environment: Mapping[str, str]) -> Address | None:
    """The address of the copy that is being built; None where nobody has said it.

    Args:
        given: ``owner/name`` on GitHub, or the URL of any git repository that holds this checkout's commit; None asks
            the environment, as a workflow of GitHub sets it.
        environment: `os.environ`.

    Raises:
        ValueError: what is given names no repository, or this is no git checkout.
    """
    server, commit = environment.get("GITHUB_SERVER_URL", GITHUB), environment.get("GITHUB_SHA", "")
    repository = given or environment.get("GITHUB_REPOSITORY")
    if not repository:
        return None
    if given or not commit:
        commit = _head()
    return Address(repository if "://" in repository else f"{server}/{repository}", commit)


def _head() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{ROOT} is no git checkout, so its commit is not known: {done.stderr.strip()}")
    return done.stdout.strip()


def addressed(notebook: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """A copy of a notebook whose first cell fetches the book from its address.

    Raises:
        ValueError: it has no such cell.
    """
    filled = copy.deepcopy(notebook)
    cells = [cell for cell in filled["cells"] if cell.get("id") == "install"]
    if len(cells) != 1 or "".join(cells[0]["source"]).count(EMPTY) != 1:
        raise ValueError(f"The notebook has no one cell with the id 'install' and the line {EMPTY}.")
    line = f'address, commit = "{address.url}", "{address.commit}"'
    _replace(cells[0], lambda text: text.replace(EMPTY, line))
    return filled


def linked(notebook: Mapping[str, Any], site: str) -> dict[str, Any]:
    """A copy of a notebook, to be opened away from its folder: links and pictures are the book's on its site."""
    absolute = copy.deepcopy(notebook)
    for cell in absolute["cells"]:
        if cell["cell_type"] == "markdown":
            _replace(cell, lambda text: _TARGET.sub(lambda target: f"]({site}/{_page(target[1])}{target[2]})", text))
    return absolute


#: Of a link or a picture: a file of the book, beside the notebook or not, and a place in it.
_TARGET = re.compile(r"\]\(((?:\.\./book/)?[\w/-]+\.(?:md|ipynb|png|jpg|svg))((?:#[\w.-]+)?)\)")


def _page(file: str) -> str:
    """Where the book's site shows a file that a notebook names by its place in the checkout."""
    if file.startswith("../book/assets/"):
        return file.replace("../book/assets/", "_static/")  # html_static_path
    folder = "" if file.startswith("../") else "notebooks/"
    return folder + re.sub(r"\.(?:md|ipynb)$", ".html", file.removeprefix("../"))


def _replace(cell: dict[str, Any], change: Any) -> None:
    """Changes the text of a cell, which is one string or a list of lines, and stays what it is."""
    text = change("".join(cell["source"]))
    cell["source"] = text if isinstance(cell["source"], str) else text.splitlines(keepends=True)


def configured(config: Mapping[str, Any], address: Address | None) -> dict[str, Any]:
    """The configuration of the book, with the buttons that its address allows and a line that says why there are none.

    A repository elsewhere than on GitHub gets the line: Colab does not open it.
    """
    book = copy.deepcopy(dict(config))
    html = book.setdefault("html", {})
    if address is None or address.repository is None:
        html["extra_footer"] = f"<p>{UNKNOWN}</p>"
        return book
    commit = f'<a href="{address.url}/commit/{address.commit}">{address.commit[:10]}</a>'
    html["extra_footer"] = f"<p>Built from {commit} of {address.repository}.</p>"
    html |= {"use_repository_button": True, "use_issues_button": True}
    book["repository"] = {"url": f"{GITHUB}/{address.repository}", "path_to_book": "", "branch": PUBLISHED}
    book["launch_buttons"] = {"colab_url": COLAB}
    return book
