"""The claims: what each says, and the rule that decides it.

A rule goes from what the runs measured to a verdict. It reads committed results and nothing else, so whoever has the
repository can ask it again; `answer` does, and a test compares every committed verdict with it. Where a chapter
measures what no run's result holds (a curve on a fine grid, a mixture), those numbers are the rule's *evidence*: the
chapter hands them over, and the ledger keeps them.

The words of all claims stand in `claims.toml`, which `words` reads. The rules have one file per paper: `fan`,
`affinegan`, `frgan`; `ours` is what the book promises, `common` what they share, and `standard` what all have to meet.
A rule is written before its run is measured. Where one was changed afterwards, its claim names the day, what was
changed and why, and the ledger prints it. Chapters, `show` and `audits` may import this room; it imports `evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from i2vbook.claims import affinegan, fan, frgan, ours, standard
from i2vbook.claims.common import Answer
from i2vbook.claims.words import CLAIMS, Change, Claim

__all__ = ["CLAIMS", "Answer", "Change", "Claim", "affinegan", "answer", "fan", "frgan", "ours"]


def answer(claim: str, **evidence: object) -> Answer:
    """What the committed results say of a claim, by its rule and by the standard for all of them.

    Args:
        claim: one of `CLAIMS` that has a rule.
        evidence: the numbers that its rule asks for, plain or arrays.

    Raises:
        ValueError: there is no rule for it, or a run that it rests on has no result.
    """
    rules = {name: said.decide for name, said in CLAIMS.items() if said.decide}
    if claim not in rules:
        raise ValueError(f"There is no rule for the claim {claim!r}; there are rules for: {', '.join(rules)}.")
    plain = {name: _plain(value) for name, value in evidence.items()}
    found = standard.held(rules[claim](**plain), CLAIMS[claim].undecided)
    return Answer(found.verdict, found.value, found.interval, found.runs, found.note, plain)


def _plain(value: object) -> object:
    """Numbers as JSON has them: arrays as lists, NaN as None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
