"""Every field at which a shipped model differs from its paper's preset is told, with a reason."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from i2vbook.checkout import NOTEBOOKS
from i2vbook.evidence import results
from i2vbook.evidence.plan import lineage, planned
from i2vbook.show import departures
from i2vlib import compared
from i2vlib.papers.affinegan import AffineGANConfig
from i2vlib.papers.fan import FAN, FANConfig
from i2vlib.papers.method import Method

#: What is shipped, stage by stage, and the chapter that has its table.
SHIPPED = {"fan": "fan", "affinegan": "affinegan", "frgan_photos": "frgan_faces", "frgan": "frgan_refinement"}


def stages(name: str) -> list:
    run = planned()[name]
    return [one.settings for one in lineage(run) if one.kind is run.kind]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_field_that_differs_lacks_its_reason_and_none_has_one_too_many(name: str) -> None:
    found, told = departures.departures(stages(name)), departures.described(type(stages(name)[0]))
    names = [one.name for one in found]
    assert set(names) == set(departures.WHY[type(stages(name)[0])])
    assert [one for one in names if not one.startswith("weights.") and not told[one]] == []


@pytest.mark.parametrize(("name", "chapter"), SHIPPED.items())
def test_the_chapter_shows_the_table(name: str, chapter: str) -> None:
    cells = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text("utf-8"))["cells"]
    code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "departures.table(plan.lineage(" in code


def test_bodies_have_reasons_of_their_own_beside_those_of_faces() -> None:
    own = stages("bodies_longer_0")
    names, told = {one.name for one in departures.departures(own)}, departures.WHY[type(own[0])]
    assert set(departures.OF_BODIES) == names - set(told)


def test_what_differs_in_any_stage_is_found_and_weights_are_shares_of_the_reconstructions() -> None:
    paper = FANConfig.paper()
    weights = {**paper.weights, "reconstruction": 10.0, "temporal": 1.0, "landmarks": 2.0, "adversarial": 0.1,
               "adversarial_local": 0.1}  # fmt: skip
    one, other = replace(paper, decay=0.5), replace(paper, weights=weights)
    assert departures.departures([paper]) == []
    assert departures.departures([one, other]) == [
        departures.Departure("decay", 0.0, (0.5, 0.0)),
        departures.Departure("weights.landmarks", 0.1, (0.1, 0.2)),
    ]


def test_a_field_is_told_by_its_docstring() -> None:
    told = departures.described(AffineGANConfig)
    assert told["signed_intensity"] == "Leave out the absolute value of Eq. 5."
    assert told["intensity_by"].startswith("Eq. 5, or a plain MLP")
    assert set(told) == {field.name for field in fields(AffineGANConfig)} and told["norm"]


def test_a_row_says_what_it_is_what_both_have_and_why() -> None:
    frame = departures.table(lineage(planned()["fan"])).frame
    row = frame.loc["include_neutral: also decode the still at intensity 0, and compare it with the still"]
    assert row.tolist()[:2] == ["no", "yes"] and "FAN-1" in row.iloc[2]
    assert (
        frame.loc["weight of adversarial_local, over the reconstruction's", "here"]
        == "0.0, then 0.5, then 0.3, then 0.5"
    )


@pytest.mark.parametrize("kind", departures.MEASURED)
def test_two_arms_differ_in_the_one_field(kind: type) -> None:
    for field, arms in departures.MEASURED[kind].items():
        ours, papers = (planned()[f"{name}_0"].settings for name in (arms.ours, arms.papers))
        assert {name for name, value in vars(ours).items() if value != vars(papers)[name]} == {field}
        assert vars(papers)[field] == vars(kind.preset("paper"))[field]
        assert all(results.result(planned()[f"{name}_0"]) for name in (arms.ours, arms.papers))


SYSTEMS = [kind for kind in vars(compared).values() if isinstance(kind, type) and issubclass(kind, Method)]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.__name__)
def test_a_compared_system_declares_what_it_has_adapted(system: type[Method]) -> None:
    said = departures.declared(system)
    assert said.endswith(".") and "`" not in said and "\n" not in said and "Declared" not in said
    assert any(word in said for word in ("expression", "label"))  # nobody's paper had ours


def test_a_file_that_declares_nothing_is_refused() -> None:
    assert departures.declared(compared.MoCoGAN).startswith("The paper makes clips of nothing; here an encoder")
    assert "the drawn z_C" in departures.declared(compared.MoCoGAN)
    with pytest.raises(ValueError, match="FAN"):
        departures.declared(FAN)
