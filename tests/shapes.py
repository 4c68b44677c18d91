"""The shapes that a paper's equations promise, enforced: their annotations cost nothing until they are wrapped here."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

from beartype import beartype
from jaxtyping import jaxtyped


def enforced(module: ModuleType) -> SimpleNamespace:
    """The public functions of a module, each of which refuses what its annotations do not allow."""
    names = vars(module) | _for_type_checkers(module)
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return SimpleNamespace(
        **{
            name: _checked(value, names)
            for name, value in own.items()
            if inspect.isfunction(value) and value.__module__ == module.__name__
        }
    )


def _for_type_checkers(module: ModuleType) -> dict[str, object]:
    """What a module imports and names for type checkers only."""
    names = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), str(module.__file__), "exec"), names)
    return names


def _checked(function: Callable, names: dict[str, object]) -> Callable:
    signature = inspect.signature(function)  # also of one that is wrapped, as those that are broken on purpose are
    hints = {name: eval(text, names) for name, text in inspect.get_annotations(function).items()}

    @functools.wraps(function)
    def copy(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    copy.__annotations__ = hints
    copy.__signature__ = signature.replace(
        parameters=[p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()],
        return_annotation=hints.get("return", signature.return_annotation),
    )
    return jaxtyped(copy, typechecker=beartype)
