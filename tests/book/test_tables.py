"""Tables say numbers in plain words, leave out what is not known, and scroll in their own box."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd

from i2vbook.evidence import plan
from i2vbook.evidence.effects import Effect
from i2vbook.show import tables
from i2vlib import metrics
from i2vlib.hub import method_class

NAN = float("nan")


def cells(made: tables.Table) -> list[list[str]]:
    """The text of a table, row by row; the second line of a cell follows a slash."""
    rows = re.findall(r"<tr>(.*?)</tr>", made.html)
    texts = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[text.replace("<small>", " / ").replace("</small>", "") for text in row] for row in texts]


def test_a_number_stands_above_its_interval_and_what_is_not_known_is_empty() -> None:
    rows = {
        "FAN": {"motion": Effect(0.8912, 0.8, 0.951), "psnr": 39.6},
        "copy": {"motion": Effect(0, 0, 0), "psnr": NAN},
    }
    assert cells(tables.table(rows)) == [
        ["", "how much moves", "likeness of the frames (dB)"],
        ["FAN", "0.89 / 0.80 to 0.95", "39.60"],
        ["the still, copied", "0.00", ""],
    ]
    assert cells(tables.table(rows, {"psnr": 1}, first="system"))[1] == ["FAN", "0.89 / 0.80 to 0.95", "39.6"]
    turned = cells(tables.table(rows, turned=True))
    assert turned[0] == ["", "FAN", "the still, copied"] and turned[2] == ["likeness of the frames (dB)", "39.60", ""]


def test_differences_have_a_sign_and_nothing_has_none() -> None:
    rows = {"a": {"x": Effect(-0.0123, -0.02, 0.004), "y": 0.0001}, "b": {"x": Effect(0.1, NAN, NAN), "y": None}}
    assert cells(tables.table(rows, 2, signed=True))[1:] == [["a", "−0.01 / −0.02 to 0.00", "0.00"], ["b", "+0.10", ""]]


def test_whole_numbers_switches_and_words_are_left_as_they_are() -> None:
    frame = pd.DataFrame({"steps": [12000], "kept": [True], "why": ["a sentence that is longer than a number <b>"]})
    made = tables.table(frame.set_index(pd.Index(["run"])))
    assert cells(made)[1] == ["run", "12,000", "yes", "a sentence that is longer than a number &lt;b&gt;"]
    assert "class=i2v-words" in made.html and "<b>" not in made.html
    assert str(made) == str(made.frame)


def test_rows_of_two_names_stand_under_their_group() -> None:
    rows = {("happy", "FAN"): {"x": 1.0}, ("happy", "real"): {"x": 2.0}, ("sad", "FAN"): {"y": 3.0}}
    assert cells(tables.table(rows, 1)) == [
        ["", "x", "y"], ["happy"], ["FAN", "1.0", ""], ["real clips", "2.0", ""], ["sad"], ["FAN", "", "3.0"],
    ]  # fmt: skip


def test_every_metric_has_words_that_are_no_code_name_and_its_definition_as_a_tip() -> None:
    assert {*metrics.COLUMNS, *metrics.BODY_COLUMNS} <= set(tables.WORDS)
    assert not any("_" in said for said in tables.WORDS.values())
    assert len(set(tables.WORDS.values())) == len(tables.WORDS) and set(tables.REAL) <= set(metrics.COLUMNS)
    made = tables.table({"a": dict.fromkeys(metrics.COLUMNS, 1.0)})
    tips = re.findall(r'<th scope="col" title="(.*?)">', made.html)
    assert tips == [html.escape(said) for said in metrics.COLUMNS.values()]


def test_second_names_come_once_and_in_order() -> None:
    rows = {("a", "y"): 0, ("a", "x"): 0, ("b", "y"): 0}
    assert tables.names_in_order(rows) == ["y", "x"] and tables.names_in_order({"q": 0}) == ["q"]
    assert np.array_equal(tables.words(3), "3")


def test_the_weights_of_runs_show_every_term_and_that_one_weighs_nothing() -> None:
    planned = plan.planned()
    shown = tables.losses({"ours": planned["affinegan_64_0"], "printed": planned["paper_64_0"]})
    assert shown.frame.loc["a frame from its own code (Eq. 10)"].tolist() == ["0", "10"]
    assert shown.frame.loc["D_a (Eq. 11)"].tolist() == ["0.02", "100"]
    for method, terms in tables.TERMS.items():
        assert set(terms) == set(method_class(method).Config.TERMS)
    assert "<td>0.02</td><td>100</td>" in shown.html


def test_an_arm_says_what_it_changes() -> None:
    said = tables.changes({"carried": "carried_64", "judged": "carried_64_judged", "again": "carried_64_1"})
    judged, again = said.splitlines()
    assert judged == "judged  weights.adversarial 0.0 → 0.005, weights.adversarial_local 0.0 → 0.1"
    assert again.strip() == "again"
