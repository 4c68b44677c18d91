"""A Sphinx extension: ``[Fan et al., 2019](../book/references.md#fan2019controllable)`` lands on that work.

A chapter is read in JupyterLab, VS Code and Colab as well, which know no role for citations but know links. MyST
follows a link into another page to its headings only, and warns of any other; the works are made known to it as if
they were.
"""

from __future__ import annotations

from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls. The works have their places once the extension for bibliographies has seen all pages."""
    app.connect("env-updated", make_known, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def make_known(app: Any, env: Any) -> None:
    """Adds every work to the places that a link into the page of its bibliography may lead to."""
    for work in env.get_domain("cite").citations:
        places = env.metadata[work.bibliography_key.docname].setdefault("myst_slugs", {})
        places[work.key] = (None, work.citation_id, work.key)
