"""The eleven systems: each has a row on the same people in as many steps, and a budget that can be counted by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from i2vbook.evidence import systems
from i2vbook.evidence.plan import planned, sets_apart
from i2vlib.clips import Clip

SAME = ("name", "size", "subjects", "frames", "expressions")


def test_all_are_taught_the_same_people_in_as_many_steps() -> None:
    rows = [planned()[f"{system.row}_0"] for system in systems.SYSTEMS.values()]
    assert len(rows) == 11 and {run.steps for run in rows} == {3000} and {run.seed for run in rows} == {0}
    assert len({tuple(str(run.data[name]) for name in SAME) for run in rows}) == 1
    assert {run.precision for run in rows} == {"bf16"} and {run.keep for run in rows} == {"last"}


def test_all_are_stopped_after_as_many_seconds_as_well() -> None:
    rows, steps = planned(), systems.seconds()
    cheapest = min(steps, key=steps.get)
    assert f"{systems.SYSTEMS[cheapest].row}_seconds_0" not in rows
    for name, system in systems.SYSTEMS.items():
        if name != cheapest:
            run = rows[f"{system.row}_seconds_0"]
            assert set(sets_apart(replace(run, like=system.row), rows)) == {"steps"}
            assert run.steps * steps[name] == pytest.approx(3000 * steps[cheapest], rel=0.04)


def test_the_run_of_as_many_seconds_is_one_of_its_own_but_of_the_cheapest(monkeypatch) -> None:
    monkeypatch.setattr(systems, "result", lambda run: run.name != "compared_hp_seconds_0")
    assert systems.in_as_many_seconds("AffineGAN").name == "affinegan_64_three_0"
    assert systems.in_as_many_seconds("VGAN").name == "compared_vgan_seconds_0"
    assert systems.in_as_many_seconds("HP") is None


def test_the_products_of_a_frame_are_those_of_its_convolutions(monkeypatch) -> None:
    class One(torch.nn.Module):
        def __init__(self, config: object) -> None:
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 5, 3, padding=1)

        def generator_parameters(self):
            return self.layer.parameters()

        def discriminator_parameters(self):
            return iter(())

        def redraw(self, clip):
            return self.layer(torch.zeros(len(clip), 3, 8, 8))

    monkeypatch.setattr(systems, "clips", lambda run, split, subjects: [Clip(np.zeros((4, 8, 8, 3), np.uint8))])
    found = systems.budget(SimpleNamespace(kind=One, settings=None))
    assert found["products"] == pytest.approx(5 * 3 * 9 * 64 / 1e6)
    assert found["weights"] == pytest.approx((5 * 3 * 9 + 5) / 1e6) and found["judges"] == 0


def test_seconds_are_those_that_were_measured(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(systems, "COST", tmp_path / "cost.csv")
    assert systems.seconds() == {}
    monkeypatch.setattr(systems, "cost", lambda run, steps: {"seconds_per_step": len(run.name) / 10})
    systems.main(1)
    assert systems.seconds()["FAN"] == pytest.approx(len("compared_fan_0") / 10)
    assert list(systems.seconds()) == list(systems.SYSTEMS)


def test_a_system_without_a_result_has_no_first_run(monkeypatch) -> None:
    monkeypatch.setattr(systems, "result", lambda run: run.name == "compared_vgan_0")
    assert systems.first("VGAN").name == "compared_vgan_0" and systems.first("FAN") is None
