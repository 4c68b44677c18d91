"""What of the page that runs the model can be asked without a browser."""

from __future__ import annotations

import re
from pathlib import Path

from i2vlib.book import your_face
from i2vlib.expressions import TABLE

ROOT = Path(__file__).resolve().parents[2]


def test_the_policy_lets_no_script_connect() -> None:
    text = (ROOT / "book/your_face.md").read_text("utf-8")
    # Anywhere else in the front matter is a warning, and the book is built without any.
    policy = re.search(r'^---\nmyst:\n  html_meta:\n    "http-equiv=Content-Security-Policy": "(.*)"\n---\n', text)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["connect-src"] == rules["frame-src"] == rules["object-src"] == "'none'"
    own = {"'self'", "file:", "data:", "blob:", "'unsafe-inline'", "'wasm-unsafe-eval'"}
    assert {word for name in ("default-src", "script-src") for word in rules[name].split()} <= own


def test_the_buttons_are_expressions_of_the_book() -> None:
    assert set(your_face.EXPRESSIONS) <= set(TABLE)


def test_what_is_packed_is_the_same_each_time() -> None:
    assert your_face.as_text(b"a" * 1000) == your_face.as_text(b"a" * 1000)


def test_the_corners_of_the_eyes_are_those_of_the_mesh() -> None:
    """On the left of the picture the outer and the inner, on the right the inner and the outer."""
    assert your_face.face_numbers()["eyes"] == [[33, 133], [362, 263]]
