"""Reads calls that a model writes as Python, as Llama 3.2 and later do; nothing of it is ever run.

[get_weather(city="San Francisco"), get_time(zone="UTC")]
brave_search.call(query="weather in San Francisco")
"""

from __future__ import annotations

import ast
from typing import Any

from agentsdk.models.repair.found import Brackets, Held

LONGEST = 50_000
"""Characters of a text that is read as Python."""

_PYTHON = Brackets("python", "()[]{}", "'\"", deepest=50)
_WORDS = {"true": True, "false": False, "null": None}


def end_of_brackets(text: str, at: int, held: Held) -> int | None:
    """Return where the bracket at `at` is closed, None where it is not yet, -1 where it is nested too deep."""
    return held.end_of(_PYTHON, text, at)


def read_python(source: str) -> list[tuple[str, dict[str, Any]]] | None:
    """Return the calls of an expression as (name, arguments), None where it is anything else.

    An argument is a literal given by its name: what would have to be worked out is no argument.
    """
    if len(source) > LONGEST:
        return None
    try:
        tree = ast.parse(source.strip(), mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_call(node) for node in nodes] or None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with named arguments")
    arguments = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in arguments:
            raise ValueError("an argument without a name of its own")
        arguments[keyword.arg] = _as_json(ast.literal_eval(_Words().visit(keyword.value)))
    return _name(node.func), arguments


def _name(node: ast.expr) -> str:
    words: list[str] = []
    while isinstance(node, ast.Attribute) and len(words) < 8:
        words.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError("not a name")
    return ".".join([node.id, *words])


class _Words(ast.NodeTransformer):
    """JSON's words, which a model mixes into its Python."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the constant that a word stands for, any other name as it is."""
        return ast.Constant(_WORDS[node.id]) if node.id in _WORDS else node


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is no text")
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    raise ValueError("no JSON value")
