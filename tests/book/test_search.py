"""The search of settings: what it changes, what it looks at, and that a number once found is kept."""

import pytest

from i2vbook.audits import search
from i2vbook.evidence.plan import planned
from i2vbook.evidence.systems import SYSTEMS


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Trains nobody: the score of a method is its learning rate."""
    splits, trained = [], []
    monkeypatch.setattr(search, "TABLE", tmp_path / "search.csv")
    monkeypatch.setattr(search, "clips", lambda run, split, **options: splits.append((split, options)) or split)
    monkeypatch.setattr(
        search, "fit", lambda method, data, steps, seed, **how: trained.append((data, steps, seed, how))
    )
    monkeypatch.setattr(
        search, "validate", lambda method, data: {"score": method.config.learning_rate, "motion": 0.5, "psnr": 30.0}
    )
    return splits, trained


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("factor", search.FACTORS.values())
def test_a_search_differs_from_the_run_in_its_steps_and_its_learning_rate(name, factor):
    own = planned()[f"{SYSTEMS[name].row}_0"]
    run = search.tried(own, factor)
    assert run.steps == 300 and run.settings.learning_rate == pytest.approx(factor * own.settings.learning_rate)
    same = {**vars(run.settings), "learning_rate": own.settings.learning_rate}
    assert same == vars(own.settings) and (run.data, run.seed, run.precision) == (own.data, own.seed, own.precision)


def test_those_who_validate_decide_and_what_was_found_stays(asked):
    splits, trained = asked
    assert search.found().empty
    search.search(["HP"])
    first = search.found().set_index(["system", "rate"])
    assert splits == [("train", {}), ("validation", {"subjects": 4})]
    assert [(data, steps, seed) for data, steps, seed, _ in trained] == [("train", 300, 0)] * 3
    assert [("HP", rate) for rate in search.FACTORS] == list(first.index) and set(first["motion"]) == {0.5}
    assert first["score"].tolist() == pytest.approx([5e-4 * f for f in search.FACTORS.values()], abs=5e-5)
    search.search(["HP", "FAN"])
    again = search.found().set_index(["system", "rate"])
    assert again.loc[["HP"]].equals(first) and again.index.unique("system").tolist() == ["FAN", "HP"]
    assert len(again) == 6


def test_a_system_that_is_not_there_is_answered_in_a_sentence(monkeypatch):
    monkeypatch.setattr("sys.argv", ["search", "DVD-GAN"])
    with pytest.raises(SystemExit, match="DVD-GAN.*FAN"):
        search.main()
