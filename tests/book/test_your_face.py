"""What of the page that runs the model can be asked without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import i2vlib
from i2vbook.checkout import BOOK, RESULTS
from i2vbook.pages import your_face
from i2vlib.datasets import actors
from i2vlib.expressions import TABLE

TEXT = (BOOK / "your_face.md").read_text("utf-8")


def test_the_policy_lets_no_script_connect() -> None:
    # Anywhere else in the front matter is a warning, and the book is built without any.
    policy = re.search(r'^---\nmyst:\n  html_meta:\n    "http-equiv=Content-Security-Policy": "(.*)"\n---\n', TEXT)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert all(rules[what] == "'none'" for what in ("connect-src", "frame-src", "object-src", "form-action"))
    own = {"'self'", "file:", "data:", "blob:", "'unsafe-inline'", "'wasm-unsafe-eval'"}
    assert {word for name in ("default-src", "script-src") for word in rules[name].split()} <= own


def test_the_buttons_are_expressions_of_the_book() -> None:
    assert set(your_face.EXPRESSIONS) <= set(TABLE)


def test_what_is_packed_is_the_same_each_time() -> None:
    assert your_face.as_text(b"a" * 1000) == your_face.as_text(b"a" * 1000)


def test_the_corners_of_the_eyes_are_those_of_the_mesh() -> None:
    """On the left of the picture the outer and the inner, on the right the inner and the outer."""
    assert your_face.face_numbers()["eyes"] == [[33, 133], [362, 263]]


def test_the_text_says_how_long_it_took() -> None:
    """As `tests/pages/test_your_face.py` has kept it: a first drag within 3 seconds, and 15 new frames a second."""
    kept = json.loads((RESULTS / "your_face_speed.json").read_text("utf-8"))
    ways = kept["file"], kept["http"]
    said = re.search(
        r"([\d.]+) seconds after an example was pressed and ([\d.]+) after a photo was chosen from a folder, "
        r"([\d.]+) and ([\d.]+) from a server; a new frame took (\d+) milliseconds .*, a saved GIF ([\d.]+) seconds, "
        r"any other file ([\d.]+) at most",
        TEXT,
    )
    files = max(way[kind] for way in ways for kind in ("json", "png", "strip", "webp"))
    first = [way[kind] for way in ways for kind in ("example", "photo")]
    assert max(first) < 3 and max(way["frame"] for way in ways) < 1000 / 15
    took = [*first, min(way["frame"] for way in ways), max(way["gif"] for way in ways), files]
    assert [float(number) for number in said.groups()] == [round(number, 1) for number in took]


@pytest.mark.slow
def test_more_pixels_than_the_weights_were_taught_are_no_gain() -> None:
    """Why the page offers no 256 pixels: at the peak of four unseen people, the error of what moves over that of
    copying the still, of the same weights at 256 pixels, and of their change at 128, enlarged."""
    small, large = (i2vlib.load_pretrained("affinegan_painted") for _ in range(2))
    object.__setattr__(large, "config", replace(large.config, size=256))
    errors = []
    for seed, name in ((20_011, "happy"), (20_012, "surprised"), (20_013, "angry"), (20_014, "happy")):
        rest, peak = actors.clip(seed, name, mode="onset", frames=4, size=256).frames[[0, -1]].astype(float)
        face = actors.clip(seed, name, mode="onset", frames=4, size=128).frames[0]
        drawn = large.animate(rest.astype(np.uint8), name, [0, 1]).frames.astype(float)
        change = torch.from_numpy(np.subtract(*small.animate(face, name, [1, 0]).frames.astype(float)))
        enlarged = F.interpolate(change.movedim(-1, 0)[None], (256, 256), mode="bicubic")[0].movedim(0, -1).numpy()
        moves = np.abs(peak - rest).mean(-1) > 8
        copied = np.abs(rest - peak)[moves].mean()
        made = (rest + drawn[1] - drawn[0], rest + enlarged)
        errors.append([np.abs(np.clip(one, 0, 255) - peak)[moves].mean() / copied for one in made])
    said = re.search(r"err by (\.\d\d) of what copying .*, enlarged, by (\.\d\d)\.", TEXT)
    assert np.mean(errors, 0) == pytest.approx([float(number) for number in said.groups()], abs=0.02)
