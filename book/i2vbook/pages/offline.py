"""An extension of Sphinx: what the theme puts on every page and this book does without.

Jupyter Book always loads Thebe, which would run cells on somebody else's machine. Sphinx 7.4 writes its inline script
twice, which is an error in the console of every page, and it names an address outside the book.
"""

from __future__ import annotations

from collections.abc import Sequence


def without_thebe(files: Sequence[object]) -> list[object]:
    """Scripts or styles of a page, as Sphinx holds them, less those of Thebe."""
    return [
        file
        for file in files
        if "thebe" not in str(getattr(file, "filename", file)).lower()
        and "thebe" not in str(getattr(file, "attributes", {}).get("body", "")).lower()
    ]


def _drop(app: object, page: str, template: str, context: dict, doctree: object) -> None:
    for kind in ("script_files", "css_files"):
        context[kind] = without_thebe(context[kind])


def setup(app: object) -> dict[str, bool]:
    """Called by Sphinx (``extra_extensions`` of ``_config.yml``)."""
    app.connect("html-page-context", _drop, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
