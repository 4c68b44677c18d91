"""One standard for all answers: what a rule's verdict has to meet before it counts.

A rule says whether the numbers are as a paper says; the standard asks how much these numbers can carry:

- *Reproduced* takes three trainings of everything that is compared.
- A proxy that cannot carry a verdict, for its reason in `claims.toml`, leaves the claim *not decided*.
- Nothing is won against a system that does not beat a copied still (`common.stands`).
- A threshold is met by the whole interval. Where the interval holds the threshold, the claim is *partly* at most.
- Parts of a claim are counted alike: all, some, or none (`common.all_or_some`).

The first two are applied here, to every answer; the other three are how the rules ask.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from i2vbook.claims.common import STAND_IN, Answer

#: How many trainings "reproduced" takes.
TRAININGS = 3


def trainings(runs: Iterable[str]) -> int:
    """Returns the least number of trainings of any row of the table of runs that is among some runs."""
    return min(Counter(re.sub(r"_\d+$", "", run) for run in runs).values(), default=TRAININGS)


def held(answer: Answer, undecided: str = "") -> Answer:
    """Returns an answer as the standard lets it stand, with a sentence for what it changes.

    Args:
        answer: what a rule says. While a rule is tried on a `STAND_IN`, it stands.
        undecided: why the evidence cannot carry a verdict, as half a sentence; empty where it can.
    """
    if STAND_IN.get() is not None or answer.verdict == "not testable here":
        return answer
    if undecided:
        said = f"Not decided, {undecided}; by the rule alone: {answer.verdict}."
        return replace(answer, verdict="not decided", note=f"{answer.note} {said}")
    count = trainings(answer.runs)
    if answer.verdict == "reproduced" and count < TRAININGS:
        said = f"The rule holds, in {count} training{'s' * (count > 1)} of the {TRAININGS} that the standard takes."
        return replace(answer, verdict="partly", note=f"{answer.note} {said}")
    return answer
