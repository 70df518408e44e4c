"""The pieces that several wire formats have in common: tools, calls and content as OpenAI first wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentsdk.messages import ToolCall
from agentsdk.models.model import ToolSpec


def function_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Return tools as `{"type": "function", "function": {...}}`."""
    return [
        {
            "type": "function",
            "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
        }
        for t in tools
    ]


def function_calls(calls: Iterable[ToolCall]) -> list[dict[str, Any]]:
    """Return calls of a model's turn, their arguments as JSON text."""
    return [
        {
            "id": c.id,
            "type": "function",
            "function": {"name": c.name, "arguments": json.dumps(c.arguments, ensure_ascii=False)},
        }
        for c in calls
    ]


def text_of(content: Any) -> Any:
    """Return the text of a content that may also be a list of parts."""
    if isinstance(content, list):
        texts = [p.get("text") for p in content if isinstance(p, Mapping)]
        return "".join(t for t in texts if isinstance(t, str))
    return content
