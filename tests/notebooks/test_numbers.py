"""No number that a result computes is typed into a chapter's prose: a cell prints it, so that a rerun changes it."""

from __future__ import annotations

import re

import pytest

from tests.notebooks.test_probes import cells

#: Chapters whose prose has no such number; the others are read by people.
CHAPTERS = ("carried", "comparison")

#: What is no prose: blocks and spans of code, formulas, where a link leads.
OTHER = re.compile(r"^```.*?^```$|\$\$.*?\$\$|`[^`\n]*`|\$[^$\n]*\$|\]\([^)\s]*\)", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])\d*\.\d+\b|\b\d+ ?%|\b\d+ (?:of|in) (?:a|each|every) hundred\b|\b\d+ (?:of|in) 100\b")
#: Sentences that may have one: what people said before a paper's authors, a table of a paper, what we aimed at.
CITED = re.compile(
    r"\b(?:AffineGAN's|FAN's|FRGAN's|its) raters\b|\(Table \d\)|\b[Tt]he paper reports\b"
    r"|\b(?:had asked|ask) for\b|\baims? (?:was|were)\b"
)
#: Definitions of what is counted.
DEFINED = re.compile(r"\bby \.4\b|\.5 is a coin|\bthreshold is set where 80\.8 %")


def typed(text: str) -> list[str]:
    """The decimals, percentages and shares of a hundred in a cell of prose that no sentence cites or defines."""
    prose = DEFINED.sub("", OTHER.sub("", text))
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z*_(\[|])", prose)
    return [hit[0] for sentence in sentences if not CITED.search(sentence) for hit in NUMBER.finditer(sentence)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_number_of_a_result_is_typed_into_the_prose(chapter: str) -> None:
    assert {number for text in cells(chapter, "markdown") for number in typed(text)} == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("FGST errs .54 of copying's instead of .53.", [".54", ".53"]),
        ("Mathieu et al. 1.03 instead of .90; and", ["1.03", ".90"]),
        ("It is 54.2 % of them, and 71% before.", ["54.2", "71%"]),
        ("A face is in 71 of a hundred frames, and in 67 of 100 portraits.", ["71 of a hundred", "67 of 100"]),
        ("FAN's raters preferred it in 71 of a hundred cases. Here it is .31.", [".31"]),
        ("We had asked for .30. The smile ends at .44.", [".44"]),
        ("Surprise rises by .4 in some, by .44 in the median.", [".44"]),
    ],
)
def test_a_typed_number_is_noticed(text: str, numbers: list[str]) -> None:
    assert typed(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "AffineGAN's raters preferred it in 70 to 80 of a hundred cases, FAN's in 71 and 83.",
        "64 pixels, 3,000 steps, 16 clips a step instead of 4, and 2,304 frames.",
        "FAN's Figure 3 (FAN-7), [Unterthiner et al., 2018](../book/references.md#v1.5).",
        "The rules ask for a correlation of at least .95. The aims were at least 40 %. There, .5 is a coin.",
        "The threshold is set where 80.8 % of the real clips pass, and by .4 or more is a rise.",
        "With $\\rho = 0.15$ and `reach=0.15`:\n\n$$\n1 - .5\n$$\n\n```python\nx = 0.4\n```",
    ],
)
def test_a_citation_a_setting_and_a_formula_are_left_alone(text: str) -> None:
    assert typed(text) == []
