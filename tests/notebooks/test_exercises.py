"""Every chapter that derives something ends with exercises, and every exercise has a solution that holds."""

from __future__ import annotations

import json
import re

import pytest

from i2vbook.checkout import NOTEBOOKS

DERIVING = (
    "clips", "fan", "fan_ablations", "fan_many_emotions", "affinegan", "affinegan_intensity", "affinegan_corruptions",
    "paper_and_code", "frgan_faces", "frgan_refinement", "frgan_poses", "frgan_bodies",
)  # fmt: skip
#: An exercise: its number, its question, and its solution, folded. Empty lines let Markdown be read within.
EXERCISE = re.compile(
    r"^\*\*(\d)\.\*\* (.+?)\n\n<details><summary>Solution</summary>\n\n(.+?)\n\n</details>(?=\n\n|\Z)", re.M | re.S
)
CODE = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def cells(chapter: str) -> list[dict]:
    return json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text("utf-8"))["cells"]


def exercises(chapter: str) -> list[tuple[str, ...]]:
    texts = ["".join(cell["source"]) for cell in cells(chapter) if cell["cell_type"] == "markdown"]
    (text,) = [text for text in texts if re.search(r"^## Exercises", text, re.M)]
    found = EXERCISE.findall(text)
    assert len(found) == len(re.findall(r"^\*\*\d\.\*\* |^\d\. ", text, re.M)) == text.count("<details>")
    return found


@pytest.mark.parametrize("chapter", DERIVING)
def test_a_chapter_that_derives_ends_with_exercises_that_are_solved(chapter: str) -> None:
    found = exercises(chapter)
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1)) and 2 <= len(found) <= 4
    assert any("assert" in code for *_, solution in found for code in CODE.findall(solution))


@pytest.mark.parametrize("chapter", DERIVING)
def test_the_code_of_a_solution_runs_with_the_chapters_imports(chapter: str) -> None:
    codes = ["".join(cell["source"]) for cell in cells(chapter) if cell["cell_type"] == "code"]
    imports = next(text for text in codes if re.search(r"^import i2vlib$", text, re.M))
    for number, _, solution in exercises(chapter):
        for code in CODE.findall(solution):
            names: dict[str, object] = {}
            exec(compile(imports, f"{chapter}, imports", "exec"), names)
            exec(compile(code, f"{chapter}, exercise {number}", "exec"), names)


def test_an_exercise_without_its_solution_is_noticed() -> None:
    solved = "**1.** Why?\n\n<details><summary>Solution</summary>\n\nSo.\n\n</details>"
    assert EXERCISE.findall(f"## Exercises\n\n{solved}") == [("1", "Why?", "So.")]
    assert not EXERCISE.findall(solved.replace("\n\nSo.", "\nSo."))  # shown as it is typed, in some readers
