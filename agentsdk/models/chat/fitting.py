"""Fits a Chat Completions request that langchain-openai wrote to the server that it goes to."""

from __future__ import annotations

from typing import Any

from agentsdk.models.profiles import Server, family_of
from agentsdk.models.wire import left_out


def fit(body: dict[str, Any], server: Server) -> tuple[str, ...]:
    """Give what is asked for the names that the model and its server know, and return those of what it does not take.

    Forms and choices the wire sees to.

    Args:
        body: the request as it was written; it is changed.
        server: where it goes.

    """
    family = family_of(body["model"])
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body and name != family.limit_name:
            body[family.limit_name] = body.pop(name)
    asked = {name: body.get(name) for name in ("temperature", "top_p")}
    if not family.takes_sampling:
        for name in ("temperature", "top_p", "stop"):
            body.pop(name, None)
    if not server.parallel:
        body.pop("parallel_tool_calls", None)
    if server.one_system:
        body["messages"] = _told_first(body["messages"])
    return left_out(asked, body)


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
