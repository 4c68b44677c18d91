"""Trials of what the book stands on, each a command of its own and a file in ``book/results``.

`actors` asks readers of real faces about the rendered ones; `fakes` tries every rule on a copied still and its like;
`turing` asks a classifier, and the reader, which clips are real, and `passing` ten of them without a threshold;
`benchmark` sets a model from elsewhere beside the book's; `search` tries other learning rates, `frechet` measures
distances of videos, and `portraits` looks at photographs.

Chapters and ``book/build.py`` may import it; it may import every other room. Start with `fakes`.
"""
