"""The items of a Responses answer as langchain-openai keeps them in a message, so that they can go back in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import ToolCall

from agentsdk.models.model import Reply

_PLACE = "index"
"""A name that core keeps for merging streams; a citation's own is called otherwise, as the stock class does."""


def restored(message: AIMessage, reply: Reply) -> AIMessage:
    """Return the message with its answer's items as content, where it holds more than text and calls.

    A thought must stand before the call that it led to, and what a provider's own tools did must come back with it.
    """
    items = reply.message.native.get("openai", {}).get("responses")
    if not items:
        return message
    known = {c["id"] for c in [*message.tool_calls, *message.invalid_tool_calls]}
    content: list[str | dict[Any, Any]] = []
    for item in _fitting(items, message.text):
        if item.get("type") == "message":
            content += _said(item)
        elif item.get("type") != "function_call" or item.get("call_id") in known:
            content.append(dict(item))
    custom = [i for i in items if i.get("type") == "custom_tool_call"]
    calls = [ToolCall(name=i["name"], args={"__arg1": i.get("input")}, id=i.get("call_id")) for i in custom]
    extra = {k: v for k, v in message.additional_kwargs.items() if k != "refusal"}  # a block says it
    return AIMessage(
        content,
        tool_calls=[*message.tool_calls, *calls],
        invalid_tool_calls=message.invalid_tool_calls,
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        additional_kwargs=extra,
    )


def _fitting(items: Sequence[Mapping[str, Any]], text: str) -> Iterator[Mapping[str, Any]]:
    """Yield the items, with the text as it was read where that is not what they say."""
    said = [b["text"] for i in items if i.get("type") == "message" for b in _said(i) if "text" in b]
    refused = any("refusal" in b for i in items if i.get("type") == "message" for b in _said(i))
    told = False
    for item in items:
        if item.get("type") != "message" or refused or "".join(said) == text:
            yield item
        elif text and not told:
            told = True
            yield {"type": "message", "content": [{"type": "output_text", "text": text}]}


def _said(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    parts: list[Any] = (
        [{"text": content}] if isinstance(content, str) else content if isinstance(content, list) else []
    )
    kept = {k: item[k] for k in ("id", "phase") if item.get(k) is not None}
    blocks: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part.get("refusal"), str):
            blocks.append({"type": "refusal", "refusal": part["refusal"], **kept})
        elif isinstance(part.get("text"), str):
            found = [_citation(a) for a in part.get("annotations") or ()]
            blocks.append({"type": "text", "text": part["text"], "annotations": found, **kept})
    return blocks


def _citation(annotation: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(annotation)
    if found.get("type") == "file_citation" and _PLACE in found:
        found["file_index"] = found.pop(_PLACE)
    return found
