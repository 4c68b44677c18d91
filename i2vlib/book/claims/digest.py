"""What a rule is, as one short string: its words, its code and whatever of ours that code calls.

An answer keeps it, so that a rule which has become another one is noticed however little of it was changed.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType

from i2vlib.book import effects
from i2vlib.book.claims.common import Claim

#: Where a rule's own code lies. What clips are measured by has a digest of its own, that of the runs.
OURS = ("i2vlib.book.claims", "i2vlib.book.effects", "i2vlib.book.preference", "i2vlib.metrics.statistics")
#: What "lower" and "higher" mean, of which every rule that compares depends.
SENSE = (effects.Effect.counts, effects.Effect.more.fget, effects.Effect.less.fget)
PLAIN = (int, float, str, tuple, range, dict)


def rule_digest(claim: Claim) -> str:
    """Of the words and the code of a claim's rule. Comments, docstrings, layout and an answer's ``note`` do not count.

    Raises:
        ValueError: the claim has no rule.
    """
    if claim.decide is None:
        raise ValueError(f"There is no rule yet for the claim: {claim.claim}")
    parts = [claim.rule, *sorted(_parts(claim.decide, {}).values())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _parts(function: Callable[..., object], found: dict[str, str]) -> dict[str, str]:
    """The code of a function and of all that it calls, by name."""
    name = f"{function.__module__}.{function.__qualname__}"
    if name in found:
        return found
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    tree.decorator_list, tree.returns = [], None
    found[name] = f"{name} {_written(tree)}"
    for other, value in _named(tree, function.__globals__):
        if value is effects.Effect:
            for part in SENSE:
                _parts(part, found)
        elif inspect.isfunction(value) and value.__module__.startswith(OURS):
            _parts(value, found)
        elif isinstance(value, PLAIN) and function.__module__.startswith(OURS):
            found[other] = f"{other} {value!r}"
    return found


def _named(tree: ast.AST, known: dict[str, object]) -> Iterator[tuple[str, object]]:
    """What a function's code names of the world around it: `effect`, or `metrics.share` of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in known:
            yield node.id, known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = known.get(node.value.id)
            if isinstance(owner, ModuleType) and hasattr(owner, node.attr):
                yield f"{node.value.id}.{node.attr}", getattr(owner, node.attr)


def _written(node: object) -> str:
    """A syntax tree in words that are the same for every version of Python: what is empty is left out."""
    if isinstance(node, list):
        return "[" + " ".join(_written(part) for part in node if not _says_nothing(part)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, part) for name, part in ast.iter_fields(node) if part not in (None, []) and name != "ctx"]
    return f"({type(node).__name__} {' '.join(f'{name}={_written(part)}' for name, part in fields)})"


def _says_nothing(node: object) -> bool:
    """Whether a statement is a docstring or makes an answer's note."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["note"]
