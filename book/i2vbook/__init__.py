"""What makes the book. It works in a checkout only; i2vlib imports nothing of it, and no wheel of i2vlib holds it.

A room imports only from i2vlib, from `checkout`, and from the rooms before it in this list:

    evidence   plans the training runs, does them, measures them and keeps the results
    claims     turns results into verdicts, one rule per claim
    show       draws and tabulates: figures, tables, openings, departures, and the ledger of all verdicts
    pages      what Sphinx and the browser need: citations, derivations, first page, the page with the model
    audits     tries the book's own foundations: actors, fakes, the Turing test, the benchmark, learning rates

`checkout` knows where the chapters and the results lie. Chapters and ``book/build.py`` import all of them. Start with
`evidence`, whose table (``book/results/runs.toml``) says what every figure rests on.
"""
