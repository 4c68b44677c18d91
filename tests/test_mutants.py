"""What is broken on purpose can be broken: every change still has its one place. `make mutants` breaks it."""

import fnmatch
import tomllib

import pytest

from tests import mutants
from tests.mutants import CHANGES, FUNCTIONS, ROOT, Change


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_has_one_place_and_its_tests_are_there(change):
    assert mutants.changed(change) != (ROOT / change.file).read_text()
    compile(mutants.changed(change), change.file, "exec")
    assert change.tests and all((ROOT / test).is_file() for test in change.tests)


def test_no_change_is_made_twice():
    assert len({change.name for change in CHANGES}) == len(CHANGES)
    assert len({(change.file, mutants.changed(change)) for change in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize(("before", "times"), [("nowhere to be found", 0), ("return", 4)])
def test_a_change_whose_place_is_gone_or_is_not_one_is_an_error(before, times):
    with pytest.raises(ValueError, match=f"{before}' stands {times} times in .*losses.py, not once"):
        mutants.changed(Change("lost", mutants.LOSSES, before, "", mutants.OF_LOSSES))


def test_every_function_that_mutmut_breaks_is_there_and_its_file_is_one_that_it_reads():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    assert set(settings["only_mutate"]) == set(FUNCTIONS)
    for file, names in FUNCTIONS.items():
        text = (ROOT / file).read_text()
        for name in names:
            kind, _, function = name.rpartition(".")
            assert not kind or f"class {kind}" in text
            assert function == "*" or f"def {function}(" in text
    (steps, *_) = mutants._patterns(mutants.TRAINING, ["_step"])
    assert fnmatch.fnmatch("i2vlib.training.x__step__mutmut_3", steps)
    (of_class,) = mutants._patterns(mutants.FAN, ["FAN.example"])
    assert fnmatch.fnmatch("i2vlib.papers.fan.method.xǁFANǁexample__mutmut_1", of_class)


def test_the_score_counts_who_lives_whatever_the_reason():
    died = mutants.Outcome("a.py", "one", True, "")
    lived = mutants.Outcome("a.py", "two", False, "-x + y\n+x - y")
    said = mutants.report([died, lived, died, died])
    assert "a.py: two\n-x + y\n+x - y\n  No test notices." in said
    assert said.endswith("3 of 4 died: 75.0 %")
