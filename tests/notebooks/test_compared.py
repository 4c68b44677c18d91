"""Every equation of a compared system has a probe in the chapter *compared*, a link to it, and a way back."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator

import pytest

from i2vbook.checkout import BOOK, NOTEBOOKS
from i2vbook.pages.derivations import DERIVED, headings
from tests.notebooks.test_probes import cells, probes

#: Those that have a page in the chapter.
SYSTEMS = ("conv_lstm", "vgan", "fgst", "ganimation", "hp", "mcnet", "mocogan", "mathieu")


def equations() -> Iterator[Callable]:
    """The public functions of the systems that state a formula."""
    for system in SYSTEMS:
        module = importlib.import_module(f"i2vlib.compared.{system}")
        for name, one in inspect.getmembers(module, inspect.isfunction):
            if one.__module__ == module.__name__ and not name.startswith("_") and ".. math::" in (one.__doc__ or ""):
                yield pytest.param(one, id=f"{system}-{name}")


@pytest.mark.parametrize("equation", list(equations()))
def test_an_equation_is_probed_and_linked_and_leads_back(equation: Callable) -> None:
    name = f"{equation.__module__}.{equation.__name__}"
    assert equation.__name__ in probes(cells("compared", "code")), f"no cell calls {name} and asserts"
    assert f"](../book/api.md#{name})" in "\n".join(cells("compared", "markdown"))
    ((chapter, heading),) = DERIVED.findall(equation.__doc__)
    assert chapter == "compared"
    assert sum(there.startswith(heading) for there in headings(NOTEBOOKS / "compared.ipynb")) == 1
    listed = (BOOK / "api.md").read_text("utf-8").split(f"automodule:: {equation.__module__}\n")[1].split("```")[0]
    assert equation.__name__ in listed.replace(",", " ").split()


def test_every_system_has_equations() -> None:
    assert {one.id.partition("-")[0] for one in equations()} == set(SYSTEMS)
