"""Fits a Chat Completions request that langchain-openai wrote to the server that it goes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentsdk.models.chat.face import only
from agentsdk.models.model import Request
from agentsdk.models.profiles import Server, family_of
from agentsdk.models.wire import offered_by, unforced


def fit(body: dict[str, Any], request: Request, server: Server) -> None:
    """Give what is asked for the names and forms that the model and its server know.

    Args:
        body: the request as it was written; it is changed.
        request: the tools and the choice in it.
        server: where it goes.

    """
    family = family_of(body["model"])
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body and name != family.limit_name:
            body[family.limit_name] = body.pop(name)
    if not family.takes_sampling:
        for name in ("temperature", "top_p", "stop"):
            body.pop(name, None)
    if body.get("tools"):
        _fit_tools(body, unforced(request, family, server), server)
    _fit_format(body, server)
    if server.one_system:
        body["messages"] = _told_first(body["messages"])


def _fit_tools(body: dict[str, Any], request: Request, server: Server) -> None:
    tools, choice = offered_by(request, server)
    kept = only(body["tools"], tools)
    if not kept:
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
        return
    body["tools"] = kept
    if not server.parallel:
        body.pop("parallel_tool_calls", None)
    if choice != request.tool_choice or choice == "auto":
        named = choice not in ("auto", "none", "required")
        body["tool_choice"] = {"type": "function", "function": {"name": choice}} if named else choice
    if choice == "auto":
        body.pop("tool_choice")


def _fit_format(body: dict[str, Any], server: Server) -> None:
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind not in ("json_schema", "json_object") or kind in server.output:
        return
    if not server.output:
        body.pop("response_format")
    elif kind == "json_schema":
        body["response_format"] = {"type": "json_object"}
    else:  # any object fits this schema (Q26)
        schema = {"name": "answer", "schema": {"type": "object"}}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _told_first(messages: list[Any]) -> list[Any]:
    """Return the messages with all that the system says in one at the beginning."""
    told = [m for m in messages if m.get("role") == "system"]
    if not told or (len(told) == 1 and messages[0] is told[0]):
        return messages
    if all(isinstance(m["content"], str) for m in told):
        content: Any = "\n\n".join(m["content"] for m in told if m["content"])
    else:
        content = [part for m in told for part in _parts(m["content"])]
    return [{**told[0], "content": content}, *(m for m in messages if m.get("role") != "system")]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())
