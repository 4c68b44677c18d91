"""What is broken on purpose can be broken: every change still has its one place. `make mutants` breaks it."""

import ast
import fnmatch
import tomllib
from dataclasses import replace

import pytest

from tests import mutants
from tests.mutants import CHANGES, FUNCTIONS, ROOT, Change


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_has_one_place_and_its_tests_are_there(change):
    assert mutants.changed(change) != ast.unparse(ast.parse((ROOT / change.file).read_text()))
    compile(mutants.changed(change), change.file, "exec")
    assert change.tests and all((ROOT / test).is_file() for test in change.tests)


def test_no_change_is_made_twice():
    assert len({change.name for change in CHANGES}) == len(CHANGES)
    assert len({(change.file, mutants.changed(change)) for change in CHANGES}) == len(CHANGES)


LOST = Change("lost", mutants.LOSSES, "discriminator_loss", "F.softplus(-a)", "a", mutants.OF_LOSSES)


@pytest.mark.parametrize(
    ("lost", "times"),
    [
        (replace(LOST, before="F.softplus(a).nowhere()"), 0),
        (replace(LOST, before="F.softplus(a)"), 2),
        (replace(LOST, before="F.softplus(a) + F.softplus(a)"), 0),  # one letter for two things
        (replace(LOST, function="nowhere"), 0),
    ],
)
def test_a_change_whose_place_is_gone_or_is_not_one_is_an_error(lost, times):
    assert mutants.changed(LOST) != mutants.changed(replace(LOST, after="-a"))
    with pytest.raises(ValueError, match=f"{times} times in {lost.function} of .*losses.py"):
        mutants.changed(lost)


class Renamed(ast.NodeTransformer):
    """Gives other names to the arguments and variables of every function but ``self``."""

    def __init__(self, tree: ast.AST) -> None:
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        local = [node for function in functions for node in ast.walk(function)]
        stored = {node.id for node in local if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.names = (stored | {node.arg for node in local if isinstance(node, ast.arg)}) - {"self"}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"another_{node.id}" if node.id in self.names else node.id, node.ctx)


@pytest.mark.parametrize("file", sorted({change.file for change in CHANGES}))
def test_other_names_of_variables_and_another_format_lose_no_change(file, tmp_path):
    tree = ast.parse((ROOT / file).read_text())
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(ast.unparse(Renamed(tree).visit(tree)))
    for change in CHANGES:
        if change.file == file:
            assert "another_" in mutants.changed(change, tmp_path)


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
