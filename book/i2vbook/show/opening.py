"""What a chapter's opening says of the claims that it answers: read off the ledger, so that the two cannot disagree."""

from __future__ import annotations

import html

from i2vbook.show import ledger
from i2vlib import video


def answered(chapter: str) -> str:
    """The claims that a chapter records, with the ledger's verdicts, as HTML; each leads to its answer on the page.

    Args:
        chapter: the notebook's name, such as ``fan``.

    Raises:
        ValueError: no cell of the chapter records a claim.
    """
    rows = ledger.load()
    rows = rows[rows["chapter"].str.partition(",")[0] == chapter]
    if rows.empty:
        raise ValueError(f"The chapter {chapter!r} records no claim, so the ledger has nothing to say in its opening.")
    listed = "".join(
        f'<a href="#{name}" data-verdict="{row.verdict}"><b aria-hidden="true">{ledger.SIGNS[row.verdict]}</b> {name}'
        f'</a><em data-verdict="{row.verdict}">{html.escape(row.verdict)}</em><span>{html.escape(row.claim)}</span>'
        for name, row in rows.iterrows()
    )
    return (
        f'<div class="i2v-ledger i2v-card"><style>{video.style("ledger")}</style>'
        f'<div class="i2v-asked" role="group" aria-label="claims of this chapter">{listed}</div></div>'
    )
