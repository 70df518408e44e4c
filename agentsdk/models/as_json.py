"""Answers that were to be JSON: the schema of a call, the call that a text holds, and what does not fit a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.models.repair.json_text import read_json
from agentsdk.models.repair.validate import Check

_NONE = object()


def call_schema(tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the schema of one call of one of the tools.

    Args:
        tools: name and parameters of each.

    """
    defs: dict[str, Any] = {}
    calls = []
    for tool in tools:
        parameters = dict(tool.get("parameters") or {"type": "object", "properties": {}})
        defs |= parameters.pop("$defs", None) or {}  # "#/$defs/..." is read from the root
        calls.append(
            {
                "type": "object",
                "properties": {"name": {"type": "string", "enum": [tool.get("name")]}, "arguments": parameters},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
        )
    schema: dict[str, Any] = dict(calls[0]) if len(calls) == 1 else {"anyOf": calls}
    return schema | ({"$defs": defs} if defs else {})


def call_in(text: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Return name and arguments of the call that a text is; None where it is none of one of these tools.

    Of one tool alone the arguments will do.
    """
    value = _value_of(text)
    if not isinstance(value, Mapping):
        return None
    name, given = value.get("name"), value.get("arguments", value.get("parameters"))
    if name not in names or not isinstance(given, Mapping):
        if len(names) != 1:
            return None
        name, given = names[0], value
    return str(name), json.dumps(given, ensure_ascii=False)


def fault_of(text: str, schema: Mapping[str, Any]) -> str:
    """Return what is wrong with a text that must be JSON of a schema; "" where nothing is."""
    value = _value_of(text)
    if value is _NONE:
        return "It is not JSON."
    try:
        return " ".join(Check(schema).faults(value, schema)) if schema else ""
    except ValueError:  # too much to check
        return ""


def _value_of(text: str) -> Any:
    """Return what a JSON text says; `_NONE` where it is none."""
    try:
        value, _how = read_json(text)
    except ValueError:
        return _NONE
    return value
