"""LangChain's conversations as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agentsdk.errors import InvalidRequest
from agentsdk.i18n import _
from agentsdk.media import Media
from agentsdk.messages import BrokenCall, Message, ToolCall
from agentsdk.models.chat.parts import parts_of, text_of

NATIVE = "agentsdk_native"
"""In `additional_kwargs` of an answer: what its provider wants back with it (`Message.native`)."""


def turns_of(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    """Return a conversation of LangChain's as ours.

    Raises:
        InvalidRequest: a message or a part of one is of a kind that has no place in a conversation.

    """
    return tuple(map(_turn, messages))


def _turn(message: BaseMessage) -> Message:
    parts = parts_of(message.content)
    text = text_of(parts)
    media = tuple(p for p in parts if isinstance(p, Media))
    match message:
        case SystemMessage():
            return Message.system(text)
        case HumanMessage():
            return Message.user(text, *media)
        case ToolMessage():
            return Message("tool", text, call_id=message.tool_call_id, name=message.name or "", media=media)
        case AIMessage():
            return _assistant(message, text)
        case ChatMessage(role="system" | "user" | "assistant" as role):
            return Message(role, text, media=media)
    raise InvalidRequest(
        _("A part of the conversation is of a kind that cannot be sent: {kind}.").format(
            kind=type(message).__name__
        )
    )


def _assistant(message: AIMessage, text: str) -> Message:
    extra: dict[str, Any] = message.additional_kwargs
    return Message(
        "assistant",
        text,
        calls=tuple(ToolCall(c["id"] or "", c["name"], c["args"]) for c in message.tool_calls),
        broken_calls=tuple(
            BrokenCall(c["id"] or "", c["name"] or "", c["args"] or "", c["error"] or "The call is broken.")
            for c in message.invalid_tool_calls
        ),
        reasoning=str(extra.get("reasoning_content") or ""),
        native=extra.get(NATIVE) or {},
    )
