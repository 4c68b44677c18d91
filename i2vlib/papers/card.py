"""A model as a reader meets it in a notebook: what it is, what it can do, what it learnt from, and what it cannot."""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from i2vlib import video

if TYPE_CHECKING:
    from torch import nn

    from i2vlib.papers.method import Method

#: Of what a card of weights states, what is said of all expressions together: in words, and what to hold it against.
MEASURED = {
    "motion": ("how much moves", "1 is the real clips'"),
    "moving_ratio": ("error where it moves", "1 is copying the still"),
    "pck": ("joints found", "within a fifth of the body's box"),
    "acd_i_ratio": ("drift of the identity", "1 is the real clips'"),
}


def html_card(method: Method) -> str:
    """The model's card as HTML, for a notebook; all that comes from a file or a user is escaped.

    Of shipped weights, and of any that were loaded from a folder, it says what their own card states (`Method.facts`).
    """
    size = method.size
    rows = {
        "expressions": _chips(method.expressions),
        "picture": f"{size} × {size} pixels in{' and out' * (method.makes == 'pictures')}" if size else "",
        "parameters": _parameters(method),
        "learnt from": html.escape(_data(method.facts)),
        "on unseen people": _measured(method.facts),
        "limits": html.escape(method.limits),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows.items() if value)
    return (
        f'<div class="i2v-model i2v-card" role="group" aria-label="the model {type(method).__name__}">'
        f"<style>{video.style('model')}</style><strong>{type(method).__name__}</strong>"
        f"<p>{html.escape(method.about)}</p><dl>{listed}</dl></div>"
    )


def _chips(names: Iterable[str]) -> str:
    return " ".join(f"<code>{html.escape(name)}</code>" for name in names)


def _parameters(method: Method) -> str:
    generator, discriminators = _count(method.generator_parameters()), _count(method.discriminator_parameters())
    besides = f"; {_millions(discriminators)} in the discriminators, which only training needs" * bool(discriminators)
    return f"{_millions(generator)} in the generator{besides}"


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} million" if count >= 1e5 else f"{count:,}"


def _data(facts: Mapping[str, str]) -> str:
    """What a card says of the data in words; as it stands where it is no list of options of `datasets.open`."""
    if "data" not in facts:
        return "not known: these weights were not loaded from a folder"
    options = _literal(facts["data"])
    if not isinstance(options, dict):
        return facts["data"]
    name = str(options.get("name", "clips"))
    what = f"rendered people ({name})" if name in ("actors", "performers") else name
    people = f"{options['subjects']} " if "subjects" in options else ""
    frames = f", {options['frames']} frames a clip" if "frames" in options else ""
    return f"{people}{what}{frames}"


def _measured(facts: Mapping[str, str]) -> str:
    found = []
    for name, (words, beside) in MEASURED.items():
        values = next((_literal(value) for fact, value in facts.items() if fact.startswith(f"{name}, ")), None)
        if isinstance(values, dict) and values:
            found.append(f"{words} {np.mean(list(values.values())):.2f} <small>({beside})</small>")
    return "<br>".join(found)


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
