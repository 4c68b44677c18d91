"""The claims in words, as `claims.toml` states them, and the rule in code that each is given."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from i2vbook.claims.common import Answer

#: Where every claim is stated.
WORDS = Path(__file__).with_name("claims.toml")


class Change(NamedTuple):
    """That a rule was changed after one of its runs had been measured: the day, what was changed, and why."""

    when: str
    what: str
    why: str


class Claim(NamedTuple):
    """One claim: where it is made, what it says in our words, what would show it, and the rule, in words and as code.

    A claim that nobody has answered yet has no rule. ``undecided`` says why its evidence cannot carry a verdict. What
    is lower, higher, less or more in a rule differs by an interval that leaves out 0, with every seed agreeing
    (`Effect.counts`).
    """

    where: str
    claim: str
    measure: str
    rule: str = ""
    changes: tuple[Change, ...] = ()
    undecided: str = ""
    decide: Callable[..., Answer] | None = None


class Claims(dict[str, Claim]):
    """Claims by id, in the order of the file that states them."""

    @classmethod
    def read(cls, path: Path) -> Claims:
        """Returns the claims that a file states, none of them with its rule in code.

        Raises:
            ValueError: a claim lacks a word, has one too many, or names a change that is not stated.
        """
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
        changes = {name: Change(**_on_one_line(words)) for name, words in stated.pop("changes", {}).items()}
        return cls({name: _claim(name, words, changes) for name, words in stated.items()})

    def rule(self, name: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Makes the function beneath it the rule of a claim.

        Raises:
            ValueError: no such claim is stated, or it has a rule in code already.
        """
        if name not in self:
            raise ValueError(f"No claim {name!r} is stated in {WORDS.name}; write its words first.")
        if self[name].decide is not None:
            raise ValueError(f"The claim {name!r} has a rule in code already; a claim has one.")

        def decided(decide: Callable[..., Answer]) -> Callable[..., Answer]:
            self[name] = self[name]._replace(decide=decide)
            return decide

        return decided


def _claim(name: str, words: Mapping[str, object], changes: Mapping[str, Change]) -> Claim:
    """Returns a claim of the words that a file has for it, with the changes that these name."""
    said = _on_one_line(words)
    named = said.pop("changes", ())
    if unknown := [change for change in named if change not in changes]:
        raise ValueError(f"The claim {name!r} names changes that are not stated: {', '.join(unknown)}.")
    try:
        return Claim(claim=said.pop("says"), changes=tuple(changes[change] for change in named), **said)
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"The words of the claim {name!r} are not what a claim has: {wrong}.") from wrong


def _on_one_line(words: Mapping[str, object]) -> dict[str, object]:
    """Returns words with every line break as a space."""
    return {name: " ".join(said.split()) if isinstance(said, str) else said for name, said in words.items()}


def lines_of(claim: str, path: Path = WORDS) -> tuple[int, int]:
    """Returns where a file states a claim: the number of the first line, from 1, and how many there are."""
    lines = [*path.read_text(encoding="utf-8").splitlines(), ""]
    first = lines.index(f"[{claim}]")
    return first + 1, lines.index("", first) - first


#: Every claim that the book answers, by its id; `i2vbook.claims` gives each its rule.
CLAIMS = Claims.read(WORDS)
