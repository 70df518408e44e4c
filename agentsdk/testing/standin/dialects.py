"""Tool calls as models write them into their text, by the name of the dialect."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _named(name: str, arguments: Mapping[str, Any], key: str = "arguments") -> str:
    return _json({"name": name, key: dict(arguments)})


def _xml(name: str, arguments: Mapping[str, Any]) -> str:
    inner = "".join(
        f"<parameter={key}>\n{value if isinstance(value, str) else _json(value)}\n</parameter>\n"
        for key, value in arguments.items()
    )
    return f"<tool_call>\n<function={name}>\n{inner}</function>\n</tool_call>"


def _keywords(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items())


DIALECTS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "python_tag": lambda name, given: f"<|python_tag|>{_named(name, given, 'parameters')}",
    "bare_json": lambda name, given: _named(name, given, "parameters"),
    "fenced_json": lambda name, given: f"```json\n{_named(name, given)}\n```",
    "hermes": lambda name, given: f"<tool_call>\n{_named(name, given)}\n</tool_call>",
    "xml": _xml,
    "function_tag": lambda name, given: f"<function={name}>{_json(dict(given))}</function>",
    "pythonic": lambda name, given: f"[{name}({_keywords(given)})]",
    "builtin": lambda name, given: f"<|python_tag|>{name}.call({_keywords(given)})",
    "marks": lambda name, given: f"✿FUNCTION✿: {name}\n✿ARGS✿: {_json(dict(given))}",
}
"""Llama 3.x: python_tag, bare_json, function_tag, pythonic, builtin; Qwen: hermes, xml (Qwen-Coder), marks (Qwen 1.5
and 2); fenced_json: many, and those who were only asked for it."""


def written(dialect: str, name: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as text.

    Raises:
        ValueError: no dialect is called so.

    """
    if dialect not in DIALECTS:
        raise ValueError(f"No dialect is called {dialect!r}. There are: {', '.join(DIALECTS)}.")
    return DIALECTS[dialect](name, arguments)
