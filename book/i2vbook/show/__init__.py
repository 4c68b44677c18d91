"""What a chapter shows: figures, tables, verdicts.

`figures` has the one style of the chapters' pictures, and `tables` that of their tables, with the words for every
metric. `opening` says at the top of a chapter what became of its claims; `departures` says where a shipped model
differs from its paper; `ledger` keeps one file per verdict, and shows all of them.

Chapters, `pages` and `audits` may import it; it imports `evidence` and `claims`. Start with `figures.panels`, inside
which everything is drawn, and with `ledger.record`.
"""
