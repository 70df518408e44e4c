"""The conversation that every model understands: messages and tool calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.media import Media

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""A JSON value. Integers stay integers of any size."""

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for, whole and well-formed: it may be run once its arguments are checked."""

    id: str
    """The provider's id for the call; made by the adapter where the provider gives none."""
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokenCall:
    """A call that was cut off or is not JSON. It is never run; its text and its fault go back to the model."""

    id: str
    name: str
    raw: str
    """The arguments as they came."""
    fault: str
    """One English sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that an adapter mended in an answer before it could be used. It is told, never hidden."""

    kind: str
    """Short and stable, such as "name.folded" or "call.from_text"; docs/tool-calls.md lists them."""
    detail: str
    """What was there and what it became, in one English line."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    An assistant's turn may hold text, calls, or both. A tool's turn answers exactly one call, `call_id`.
    """

    role: Role
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    broken_calls: tuple[BrokenCall, ...] = ()
    call_id: str = ""
    """On a tool's turn: the id of the call it answers."""
    name: str = ""
    """On a tool's turn: the tool's name."""
    reasoning: str = ""
    """On an assistant's turn: what the model thought; never part of the public answer."""
    media: tuple[Media, ...] = ()
    """Pictures, sound, video and documents that belong to the turn; they stand before its text."""
    repairs: tuple[Repair, ...] = ()
    """On an assistant's turn: what was mended in it."""
    native: Mapping[str, Any] = field(default_factory=dict)
    """On an assistant's turn: what its provider wants back with it as it gave it, by provider; OpenAI's reasoning
    items, for one. Plain JSON."""

    @classmethod
    def system(cls, text: str) -> Message:
        """Return a turn that instructs the model."""
        return cls("system", text)

    @classmethod
    def user(cls, text: str, *media: Media) -> Message:
        """Return a turn by the person who asks."""
        return cls("user", text, media=media)

    @classmethod
    def assistant(cls, text: str = "", calls: Sequence[ToolCall] = ()) -> Message:
        """Return a turn by the model."""
        return cls("assistant", text, calls=tuple(calls))

    @classmethod
    def tool(cls, call: ToolCall | BrokenCall, text: str) -> Message:
        """Return the turn that answers `call`."""
        return cls("tool", text, call_id=call.id, name=call.name)
