"""The renderer's rooms are public; what begins with an underscore stays in its file."""

from __future__ import annotations

import ast
from pathlib import Path

import i2vlib.actors

RENDERER = Path(i2vlib.actors.__file__).parent
ROOT = RENDERER.parents[1]


def private_uses(source: str) -> list[str]:
    """Names with a leading underscore that are taken from a module of the renderer."""
    modules, found = set(), []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("i2vlib.actors"):
            modules |= {name.asname or name.name for name in node.names}
            found += [name.name for name in node.names if name.name.startswith("_")]
        if isinstance(node, ast.ImportFrom) and node.module == "i2vlib.datasets":
            modules |= {name.asname or name.name for name in node.names if name.name == "actors"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            found += [node.attr] if getattr(node.value, "id", None) in modules else []
    return found


def test_nobody_uses_what_is_private() -> None:
    files = [path for top in ("i2vlib", "book/i2vbook", "tests") for path in (ROOT / top).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): private_uses(path.read_text()) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_private_use_is_noticed() -> None:
    assert private_uses("from i2vlib.actors.skin import _lines") == ["_lines"]
    assert private_uses("from i2vlib.actors import skin as paint\npaint._lines(1)\npaint.__doc__") == ["_lines"]
    assert private_uses("from i2vlib.datasets import actors\nactors._read(path)") == ["_read"]
    assert private_uses("from i2vlib.actors.skin import creases\nself._lines = creases(1)") == []
