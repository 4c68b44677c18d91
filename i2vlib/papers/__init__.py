"""The papers, a folder each, and what they share. Start with the index of equations in a paper's ``__init__``.

A folder has ``equations`` (pure functions, one a number, in the paper's order), ``config`` (what can be chosen, and the
presets), ``networks`` (what no other paper has) and ``method``, which assembles them and reads as the paper's own
section does. Beside the folders stand `method` (what every method answers), `playing` (methods that are told an
intensity), `config`, `blocks` (the layers of FAN and AffineGAN), `carried` and `losses`. Names of equations belong to
the papers: what is shared carries no number.

A paper imports no other paper. Papers are imported by the public API, by `book` and by chapters; `training` and
`metrics` know methods, and no paper.
"""
