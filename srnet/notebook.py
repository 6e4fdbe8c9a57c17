"""What a notebook of the book needs besides the study itself."""

import ast
from collections.abc import Collection, Mapping
from typing import Any

from srnet.errors import InputError


def check_parameters(namespace: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise an error if papermill gave the notebook a parameter that it does not know.

    Papermill only warns of such a parameter, and the notebook then runs with its defaults. Papermill sets parameters in
    a cell that starts with the comment "Parameters"; that cell's source, which IPython keeps, says which ones they are.

    Args:
        namespace: the notebook's `globals()`.
        known: names of the parameters that the notebook declares.

    Raises:
        InputError: a given parameter is not in `known`.
    """
    given = (name for source in namespace.get("In", ()) if source.startswith("# Parameters\n") for name in _set(source))
    for name in given:
        if name not in known:
            raise InputError(f"unknown notebook parameter {name}: this notebook has {', '.join(known)}")


def _set(source: str) -> list[str]:
    statements = (node for node in ast.parse(source).body if isinstance(node, ast.Assign))
    return [target.id for node in statements for target in node.targets if isinstance(target, ast.Name)]
