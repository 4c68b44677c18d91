"""The claims in words: what the file may state, and the one rule in code that each may have."""

import tomllib
from pathlib import Path

import pytest

from i2vbook.claims import CLAIMS, words

STATED = """
[changes.later]
when = "2026-11-22"
what = "the face has to move"
why = "a still passed"

[FAN-1]
where = "§3.1"
says = "At 0 the output
  is the input."
measure = "PSNR"
rule = "30 dB"
changes = ["later"]

[FAN-2]
where = "§3.1"
says = "It varies."
measure = "steps"
""".replace('"At 0 the output\n  is the input."', '"""At 0 the output\n  is the input."""')


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    (tmp_path / "claims.toml").write_text(STATED, "utf-8")
    return tmp_path / "claims.toml"


def test_claims_are_read_in_order_with_the_changes_that_they_name(stated):
    claims = words.Claims.read(stated)
    assert list(claims) == ["FAN-1", "FAN-2"]
    first, second = claims.values()
    assert first.claim == "At 0 the output is the input." and first.changes[0].when == "2026-11-22"
    assert second.rule == "" and second.changes == () and first.decide is None


@pytest.mark.parametrize(
    ("changed", "culprit"),
    [
        (('measure = "steps"', 'measured = "steps"'), "FAN-2"),
        (('measure = "steps"', ""), "FAN-2"),
        (('changes = ["later"]', 'changes = ["never"]'), "never"),
    ],
)
def test_a_claim_with_a_word_too_few_or_too_many_is_refused_by_name(stated, changed, culprit):
    stated.write_text(STATED.replace(*changed), "utf-8")
    with pytest.raises(ValueError, match=culprit):
        words.Claims.read(stated)


def test_a_claim_has_one_rule_and_a_rule_a_claim(stated):
    claims = words.Claims.read(stated)
    decide = claims.rule("FAN-1")(lambda: "an answer")
    assert claims["FAN-1"].decide is decide and claims["FAN-2"].decide is None
    for name in ("FAN-1", "FAN-9"):
        with pytest.raises(ValueError, match=name):
            claims.rule(name)


def test_every_change_of_the_file_is_named_by_a_claim_and_every_rule_in_words_has_its_code():
    named = {change for claim in CLAIMS.values() for change in claim.changes}
    table = tomllib.loads(words.WORDS.read_text("utf-8"))
    assert {change["when"] for change in table["changes"].values()} == {change.when for change in named}
    assert len(table["changes"]) == len(named)
    assert {name for name, claim in CLAIMS.items() if claim.rule} == {n for n, c in CLAIMS.items() if c.decide}


def test_the_lines_of_a_claim_are_its_own_table():
    lines = words.WORDS.read_text("utf-8").splitlines()
    for name, claim in CLAIMS.items():
        first, count = words.lines_of(name)
        (own,) = tomllib.loads("\n".join(lines[first - 1 : first - 1 + count])).values()
        assert " ".join(own["says"].split()) == claim.claim
