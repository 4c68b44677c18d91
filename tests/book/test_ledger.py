"""The ledger refuses what is no answer, writes whole files or none, and shows every claim."""

import html
import json
import linecache
import math
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from i2vbook import checkout, claims
from i2vbook.evidence.plan import planned
from i2vbook.show import ledger

ANSWER = ledger.Answer("reproduced", 0.97, (0.95, 0.99), ("fan",), "Spearman.", {"slopes": [1.0]})


def record(folder: Path, claim: str = "AFF-3", preset: str = "small", **changes: object) -> Path | None:
    return ledger.record(claim, replace(ANSWER, **changes), preset=preset, folder=folder)


def test_every_claim_of_the_three_papers_and_the_book_is_listed() -> None:
    wanted = {"FAN": 15, "AFF": 18, "FRG": 14, "BOOK": 4}
    ids = [f"{paper}-{i}" for paper, count in wanted.items() for i in range(1, count + 1)]
    assert list(ledger.CLAIMS) == ids
    assert all(all(claim[:3]) for claim in ledger.CLAIMS.values())


def test_an_answer_comes_back(tmp_path: Path) -> None:
    path = record(tmp_path)
    assert path == tmp_path / "AFF-3.json"
    assert [file.name for file in tmp_path.iterdir()] == ["AFF-3.json"]
    row = ledger.load(tmp_path).loc["AFF-3"]
    assert (row["verdict"], row["value"], row["low"], row["high"]) == ("reproduced", 0.97, 0.95, 0.99)
    assert (row["paper"], list(row["runs"]), row["note"], row["preset"]) == ("AffineGAN", ["fan"], "Spearman.", "small")
    assert row["evidence"] == {"slopes": [1.0]}


def test_a_later_answer_replaces_the_earlier(tmp_path: Path) -> None:
    record(tmp_path)
    record(tmp_path, verdict="partly", value=0.5, interval=None)
    row = ledger.load(tmp_path).loc["AFF-3"]
    assert row["verdict"] == "partly" and row["value"] == 0.5 and math.isnan(row["low"])


def test_claims_without_an_answer_are_open(tmp_path: Path) -> None:
    record(tmp_path)
    rows = ledger.load(tmp_path)
    assert list(rows.index) == list(ledger.CLAIMS)
    assert set(rows["verdict"].drop("AFF-3")) == {ledger.OPEN}
    assert set(ledger.load(tmp_path / "not there")["verdict"]) == {ledger.OPEN}


@pytest.mark.parametrize(
    ("value", "interval", "said", "spread"),
    [
        (39.83, (39.0, 40.46), "39.8", "39.0 to 40.5"),
        (0.00104, (0.0, 0.00313), "0.0010", "0.0000 to 0.0031"),
        (-0.5, (-0.625, 0.0001), "\N{MINUS SIGN}0.500", "\N{MINUS SIGN}0.625 to 0.000"),
        (1.0, None, "1", ""),
        (0.971, None, "0.971", ""),
    ],
)
def test_a_number_and_its_interval_have_one_number_of_decimals(
    tmp_path: Path, value: float, interval: tuple[float, float] | None, said: str, spread: str
) -> None:
    record(tmp_path, value=value, interval=interval)
    shown = re.search(
        r'<span class="i2v-number">([^<]*)</span> (?:([^<]*)<br>)?', ledger.overview(ledger.load(tmp_path))
    )
    assert shown[1] == said and (shown[2] or "") == spread


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_larger_sizes_write(tmp_path: Path, preset: str) -> None:
    record(tmp_path, preset=preset)
    assert json.loads((tmp_path / "AFF-3.json").read_text())["preset"] == preset


def test_smoke_writes_nothing(tmp_path: Path) -> None:
    assert record(tmp_path, preset="smoke") is None
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"claim": "AFF-99"}, "There is no claim 'AFF-99' in the ledger; there are: FAN-1"),
        ({"verdict": "true"}, "no verdict 'true' in the ledger; there are: reproduced, partly"),
        ({"preset": "large"}, "no preset 'large' in the ledger; there are: smoke, small, paper"),
        ({"value": float("nan"), "interval": None}, "The value of AFF-3 is nan; give a finite number"),
        ({"interval": (0.98, 0.99)}, "does not hold its value 0.97"),
        ({"interval": (0.9,)}, r"is \(low, high\) around a value"),
        ({"value": None}, r"is \(low, high\) around a value"),
        ({"interval": (-math.inf, 1.0)}, "The low of AFF-3 is -inf"),
        ({"note": "  "}, "The note of AFF-3 is empty"),
    ],
)
@pytest.mark.parametrize("preset", ["smoke", "small"])
def test_what_is_no_answer_is_refused_and_changes_nothing(
    tmp_path: Path, changes: dict, message: str, preset: str
) -> None:
    before = record(tmp_path).read_bytes()
    with pytest.raises(ValueError, match=message):
        record(tmp_path, **{"preset": preset, **changes})
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize("name, text", [("AFF-3", "{"), ("AFF-3", "{}"), ("AFF-99", None), ("AFF-3", '"open"')])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    answer = record(tmp_path).read_text()
    (tmp_path / f"{name}.json").write_text(text or answer)
    with pytest.raises(ValueError, match=f"{name}.json is no answer to a claim"):
        ledger.load(tmp_path)


def test_without_a_checkout_the_folder_must_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checkout, "BOOK", tmp_path / "book")
    with pytest.raises(ValueError, match="checkout"):
        ledger.record("AFF-3", ANSWER, preset="small")


def test_by_default_it_lives_in_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    monkeypatch.setattr(checkout, "BOOK", tmp_path / "book")
    monkeypatch.setattr(checkout, "RESULTS", tmp_path / "book" / "results")
    path = ledger.record("AFF-3", replace(ANSWER, runs=()), preset="small")
    assert path == tmp_path / "book" / "results" / "ledger" / "AFF-3.json"
    assert ledger.load().loc["AFF-3", "value"] == 0.97


def test_the_chapter_that_records_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ['ledger.record("AFF-1"']},
        {"cell_type": "code", "source": ['print("AFF-2")']},
        {"cell_type": "code", "source": ['answer = claims.answer("AFF-3")\n', "ledger.record(claim, answer)"]},
    ]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "chapter.ipynb").write_text(json.dumps({"cells": cells}))
    monkeypatch.setattr(checkout, "NOTEBOOKS", tmp_path / "notebooks")
    chapters = ledger.load(tmp_path)["chapter"]
    assert chapters["AFF-3"] == "chapter, cell 3" and chapters["AFF-1"] == chapters["AFF-2"] == ""


def test_a_chapter_shows_the_rule_before_the_number_and_the_whole_sentence() -> None:
    note = "Spearman < 1, " + "and so on, " * 20
    shown = ledger.verdicts({"AFF-3": replace(ANSWER, note=note), "AFF-4": replace(ANSWER, value=None, interval=None)})
    first, second = shown.split('id="AFF-4"')
    parts = [
        "The intensity of frames is inferred",
        "above .95, partly above .8",
        ">0.970<",
        "0.950 to 0.990",
        "Spearman &lt;",
    ]
    assert [first.index(part) for part in parts] == sorted(first.index(part) for part in parts)
    assert html.escape(note) in first and 'id="AFF-3"' in first and "✓ reproduced" in first
    assert "0.970" not in second and "Spearman." in second


def test_the_overview_shows_every_claim_by_sign_rule_number_and_place(tmp_path: Path) -> None:
    record(tmp_path, note="a < b & c")
    record(tmp_path, "AFF-15", verdict="not testable here", value=None, interval=None, note="No raters.")
    rows = ledger.load(tmp_path)
    rows.loc["AFF-3", "chapter"] = "affinegan, cell 9"
    rows.loc["BOOK-2", "rule"] = ""  # as of a claim that has none yet
    shown = ledger.overview(rows)
    for name in ledger.CLAIMS:
        assert shown.count(f'href="#{name}"') == shown.count(f'<div class="i2v-claim" id="{name}"') == 1
    assert '<a href="affinegan.html#AFF-3" data-chapter="affinegan">affinegan, cell 9</a>' in shown
    assert "0.950 to 0.990<br>a &lt; b &amp; c" in shown and "– not testable here" in shown and "nan" not in shown
    assert "To be measured</dt><dd>Kendall" not in shown and "Rule</dt><dd>with the MLP tau is lower" in shown
    assert f"To be measured</dt><dd>{html.escape(ledger.CLAIMS['BOOK-2'].measure[:20])}" in shown
    assert not re.search(r"https?:|url\(|<script src|<link", shown)


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert list(ledger.SIGNS) == [*ledger.VERDICTS, ledger.OPEN] and len(set(ledger.SIGNS.values())) == 6


def test_every_claim_with_a_rule_says_it_in_words() -> None:
    assert [name for name, claim in ledger.CLAIMS.items() if bool(claim.rule) != bool(claim.decide)] == []


def test_every_answer_of_a_chapter_can_be_landed_on() -> None:
    """The cell that records a claim shows it (`verdicts`), with the id that the ledger's link ends in."""
    for path in checkout.NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            text = "".join(cell["source"])
            assert cell["cell_type"] != "code" or ("ledger.record(" in text) == ("ledger.verdicts(" in text), path


def test_every_committed_answer_names_the_cell_that_gave_it():
    rows = ledger.load()
    answered = rows[rows["verdict"] != ledger.OPEN]
    assert len(answered) and (answered["chapter"] != "").all(), answered.index[answered["chapter"] == ""].tolist()


# What an answer rests on --------------------------------------------------------------------------------------------


def test_an_answer_carries_the_digests_of_the_runs_it_rests_on(tmp_path: Path) -> None:
    table = planned()
    record(tmp_path, runs=("fan", "fan_64_full_0"))
    row = ledger.load(tmp_path).loc["AFF-3"]
    assert row["runs"] == {name: table[name].digest for name in ("fan", "fan_64_full_0")} and not row["outdated"]
    record(tmp_path, runs=())
    row = ledger.load(tmp_path).loc["AFF-3"]
    assert row["runs"] == {} and not row["outdated"]


@pytest.mark.parametrize("name", ["fan", "a fan"])
def test_an_answer_that_rests_on_a_run_without_a_result_is_refused(tmp_path, monkeypatch, name: str) -> None:
    monkeypatch.setattr(ledger, "result", lambda run: None)
    with pytest.raises(ValueError, match=f"{name},.* --only {name}"):
        record(tmp_path, runs=(name,))


def test_a_change_of_a_rule_is_shown_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path)
    change = ledger.Change("2026-11-22", "the limit fell from <.95> to .5", "it was not reached")
    stated = ledger.CLAIMS["AFF-3"]
    monkeypatch.setitem(ledger.CLAIMS, "AFF-3", stated._replace(changes=(*stated.changes, change)))
    shown = ledger.overview(ledger.load(tmp_path)).partition('id="AFF-3"')[2].partition('id="AFF-4"')[0]
    assert shown.count("<dt>Rule changed</dt>") == 1
    assert "<br>22 November 2026: the limit fell from &lt;.95&gt; to .5, because it was not reached.</dd>" in shown


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Writes a module with the rule of AFF-3, and commits it where there is a name for the commit."""

    def git(*words: str) -> str:
        named = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(["git", *named, *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    def write(text: str, commit: str) -> str:
        (tmp_path / "a_rule.py").write_text(text)
        if commit:
            git("init", "-q")
            git("add", "a_rule.py")
            git("commit", "-q", "-m", commit)
        linecache.clearcache()
        rule = runpy.run_path(str(tmp_path / "a_rule.py"))["rule"]
        monkeypatch.setitem(ledger.CLAIMS, "AFF-3", ledger.CLAIMS["AFF-3"]._replace(decide=rule))
        return git("rev-parse", "HEAD")[:12] if commit else ""

    return write


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_an_answer_names_the_commit_of_its_rule(tmp_path: Path, history: Callable[[str, str], str]) -> None:
    history("def rule():\n    return 1\n", "")
    assert ledger.ruled_at("AFF-3") == ""  # no repository
    one = history("def rule():\n    return 1\n", "one")
    assert ledger.ruled_at("AFF-3") == one
    history("def rule():\n    return 1\n\n\nOTHER = 2\n", "two")
    assert ledger.ruled_at("AFF-3") == one
    history("def rule():\n    return 2\n\n\nOTHER = 2\n", "")
    assert ledger.ruled_at("AFF-3") == ""  # not committed
    (tmp_path / "kept").mkdir()
    assert json.loads(record(tmp_path / "kept").read_text())["ruled_at"] == ""


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ((), ""),
        (("fan",), "1 seed"),
        (("fan_64_full_0", "fan_64_full_2", "fan_64_pixel_0", "fan_64_pixel_1"), "2 seeds"),
        (("fan_64_full_0", "fan_64_full_1", "fan_64_full_2", "fan_64_pixel_0"), "1 to 3 seeds"),
    ],
)
def test_the_ledger_says_how_often_what_an_answer_compares_was_trained(runs, words) -> None:
    assert ledger.trained(runs) == words


def test_an_answer_that_its_rule_does_not_give_is_found(tmp_path: Path) -> None:
    record(tmp_path, "FAN-4", verdict="reproduced", value=1.0, interval=None, runs=(), evidence={"same": True})
    assert ledger.astray(tmp_path) == ["FAN-4"]
    ledger.again(tmp_path)
    assert ledger.astray(tmp_path) == []


def test_what_rules_say_of_fakes_is_a_table_of_signs() -> None:
    import pandas as pd

    shown = ledger.trials(pd.DataFrame({"copying": ["not reproduced"], "true clip": ["partly"]}, index=["FAN-1"]))
    assert shown.count("<td") == 2 and '<a href="#FAN-1">FAN-1</a>' in shown and 'scope="col">copying<' in shown
    assert 'aria-label="not reproduced">✗' in shown and 'aria-label="partly">◐' in shown


@pytest.mark.parametrize(
    ("passed", "refused", "astray", "verdict", "value"),
    [([], [], [], "reproduced", 1.0), (["A"], ["B"], [], "partly", 0.8), (["A"], ["A"], ["A"], "not reproduced", 0.9)],
)
def test_the_ledger_answers_for_itself(passed, refused, astray, verdict, value) -> None:
    found = claims.answer("BOOK-4", passed=passed, refused=refused, astray=astray, asked=10)
    assert (found.verdict, found.value) == (verdict, pytest.approx(value))


def test_rules_are_asked_again_and_what_they_say_is_kept(tmp_path: Path) -> None:
    record(tmp_path, "FAN-4", verdict="not reproduced", value=0.0, interval=None, runs=(), evidence={"same": True})
    assert ledger.again(tmp_path) == ["FAN-4"]
    assert ledger.load(tmp_path).loc["FAN-4", "verdict"] == "partly" and ledger.again(tmp_path) == []


@pytest.mark.parametrize("changed", ["digest", "name", "result"])
def test_an_answer_is_outdated_once_a_run_or_its_result_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    path = record(tmp_path)
    record(tmp_path, "AFF-4", runs=())
    answer = path.read_text()
    if changed == "digest":
        path.write_text(answer.replace(planned()["fan"].digest, "0123456789abcdef"))
    elif changed == "name":
        path.write_text(answer.replace('"fan": ', '"no_fan": '))
    else:
        monkeypatch.setattr(ledger, "result", lambda run: None)
    rows = ledger.load(tmp_path)
    assert rows.index[rows["outdated"]].tolist() == ["AFF-3"]
    assert ledger.overview(rows).count("reproduced; outdated: a run that it rests on has changed since") == 1


def test_no_committed_answer_is_outdated() -> None:
    rows = ledger.load()
    assert rows.index[rows["outdated"]].tolist() == []
