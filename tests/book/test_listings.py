"""What a page shows out of a file is there, and short enough to be read; and what it says to run runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in sorted((ROOT / "book").glob("*.md")) if "{literalinclude}" in path.read_text()]
FENCE = re.compile(r"^```\{literalinclude\} (\S+)\n((?::.*\n)*)```", re.MULTILINE)
LINES = 15


def listings(page: Path) -> list[tuple[Path, dict[str, str]]]:
    """The files out of which a page shows a piece, and which piece."""
    found = []
    for name, options in FENCE.findall(page.read_text()):
        pairs = (line[1:].partition(": ") for line in options.splitlines())
        found.append(((page.parent / name).resolve(), {key: value.strip("'\"") for key, _, value in pairs}))
    return found


def shown(file: Path, options: dict[str, str]) -> tuple[str, int]:
    """What Sphinx makes of a listing: its text and how many lines it has. Raises `ValueError` if there is none."""
    from sphinx.config import Config
    from sphinx.directives.code import LiteralIncludeReader

    numbers = {name: int(value) for name, value in options.items() if name == "dedent"}
    return LiteralIncludeReader(str(file), {**options, **numbers}, Config()).read()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_listing_is_there_and_short(page: Path) -> None:
    pytest.importorskip("sphinx")
    assert len(listings(page)) == page.read_text().count("{literalinclude}")
    for file, options in listings(page):
        text, lines = shown(file, options)
        assert text.strip() and lines <= LINES, f"{file.name} {options}: {lines} lines"
        assert options["caption"].partition(",")[0] == str(file.relative_to(ROOT)) and "language" in options


def test_a_listing_whose_piece_has_gone_is_noticed() -> None:
    pytest.importorskip("sphinx")
    for lost in ({"pyobject": "gone"}, {"start-at": "nowhere to be found"}):
        with pytest.raises(ValueError):
            shown(ROOT / "i2vlib/compared/vgan.py", lost)


def test_the_trial_of_the_page_on_the_next_paper_runs(head, tmp_path, monkeypatch) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "book/next_paper.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    known: dict[str, object] = {}
    exec(block.replace("steps=20", "steps=2").replace("base_channels=8", "base_channels=2"), known)
    assert known["clip"].frames.shape == (16, 64, 64, 3) and (tmp_path / "runs/trial/history.csv").is_file()
