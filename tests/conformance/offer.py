"""Reads what a recorded request offered: its tools, the choice among them, and the form of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.conformance.folder import Exchange
from tests.conformance.protocol import events_of

OPEN: Mapping[str, Any] = {"type": "object"}
"""The schema of a tool of which only the name is known."""
FREE: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}
"""The schema of a tool that takes a text of its own grammar (OpenAI's custom tools)."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the model might call, as the request said it."""

    source: Literal["recorded", "inferred"]
    """"inferred": only the answer was recorded, and the tools are those that it calls."""
    tools: Mapping[str, Mapping[str, Any]]
    """By name: JSON schema of the arguments."""
    choice: str
    """"auto", "none", "required" or one name."""
    parallel: bool | None
    output_schema: Mapping[str, Any] | None


def offered(exchange: Exchange) -> Offered:
    """Return what was offered in an exchange."""
    if exchange.asked is None:
        names = dict.fromkeys(_names(exchange))
        return Offered("inferred", dict.fromkeys(names, OPEN), "auto", None, None)
    inner = exchange.asked.get("parameters")
    asked = {**exchange.asked, **(inner if isinstance(inner, Mapping) else {})}  # DashScope's second half
    choice, only = _choice(asked.get("tool_choice", asked.get("function_call")))
    tools = dict(_tools(asked))
    if only:
        tools = {n: s for n, s in tools.items() if n in only} or tools
    parallel = asked.get("parallel_tool_calls")
    return Offered("recorded", tools, choice, parallel if isinstance(parallel, bool) else None, _schema(asked))


def _tools(asked: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    given = [*_list(asked.get("tools")), *({"function": f} for f in _list(asked.get("functions")))]
    for tool in given:
        if not isinstance(tool, Mapping) or tool.get("type", "function") not in ("function", "custom"):
            continue  # the provider's own, such as web_search: it runs there
        inner = tool.get("function") or tool.get("custom") or tool
        if isinstance(inner, Mapping) and isinstance(inner.get("name"), str):
            schema = FREE if tool.get("type") == "custom" else inner.get("parameters")
            yield inner["name"], schema if isinstance(schema, Mapping) and schema else OPEN


def _choice(given: Any) -> tuple[str, tuple[str, ...]]:
    """Return the choice in agentsdk's words, and the names that it is limited to, () for all."""
    if isinstance(given, str):
        return ({"any": "required"}.get(given, given) if given in ("none", "required", "any") else "auto"), ()
    if isinstance(given, Mapping):
        allowed = given.get("allowed_tools") or (given if given.get("type") == "allowed_tools" else None)
        if isinstance(allowed, Mapping):
            names = (
                t.get("name") or (t.get("function") or {}).get("name") for t in _list(allowed.get("tools"))
            )
            return ("required" if allowed.get("mode") == "required" else "auto"), tuple(n for n in names if n)
        name = given.get("name") or (given.get("function") or given.get("custom") or {}).get("name")
        if isinstance(name, str):
            return name, ()
    return "auto", ()


def _schema(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    form = asked.get("response_format")
    text = asked.get("text")
    if isinstance(text, Mapping):
        form = text.get("format")
    if isinstance(form, Mapping):
        inner = form.get("json_schema")
        form = (inner if isinstance(inner, Mapping) else form).get("schema")
    elif isinstance(asked.get("format"), Mapping):
        form = asked["format"]
    return form if isinstance(form, Mapping) else None


def _names(exchange: Exchange) -> Iterator[str]:
    """Yield the names that the answer's structured calls have; for a wrapper of several calls, those inside it."""
    whole: list[str] = []
    names: list[str] = []
    for event in events_of(exchange.body):
        for name, arguments in _calls(event):
            names += [name] if name else []
            whole.append(arguments if isinstance(arguments, str) else json.dumps(arguments))
    try:
        wrapped = json.loads("".join(whole))["tool_uses"]
        yield from (str(use["recipient_name"]).removeprefix("functions.") for use in wrapped)
    except (ValueError, KeyError, TypeError, RecursionError):
        yield from names


def _calls(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    inner = event.get("response") if isinstance(event.get("response"), Mapping) else event
    output = inner.get("output") if isinstance(inner, Mapping) else None
    choices = _list(event.get("choices")) or (
        _list(output.get("choices")) if isinstance(output, Mapping) else []
    )
    messages = [c.get("message") or c.get("delta") for c in choices if isinstance(c, Mapping)]
    for message in [*messages, event.get("message")]:
        if isinstance(message, Mapping):
            for call in [*_list(message.get("tool_calls")), {"function": message.get("function_call")}]:
                function = call.get("function") or call.get("custom") if isinstance(call, Mapping) else None
                if isinstance(function, Mapping):
                    yield str(function.get("name") or ""), function.get("arguments") or ""
    if str(event.get("type") or "").endswith("output_item.done"):
        output = [event.get("item")]
    for item in _list(output):
        if isinstance(item, Mapping) and item.get("type") in ("function_call", "custom_tool_call"):
            yield str(item.get("name") or ""), item.get("arguments") or ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
