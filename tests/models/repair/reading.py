"""Reads an answer through the Collector, whole or in pieces, as an adapter does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agentsdk.errors import ModelError
from agentsdk.models.collect import Collector
from agentsdk.models.model import Offer, ReasoningDelta, Restated, TextDelta

TEXT = {"type": "string"}
TOOLS: dict[str, Mapping[str, Any]] = {
    "get_weather": {"type": "object", "properties": {"city": TEXT, "metric": TEXT}},
    "add": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}},
    "get_time": {"type": "object", "properties": {"timezone": TEXT}},
    "brave_search": {"type": "object", "properties": {"query": TEXT}},
    "write": {"type": "object", "properties": {"path": TEXT, "text": TEXT, "tags": {"type": "array"}}},
}
AUTO = Offer(TOOLS)


@dataclass(frozen=True)
class Answer:
    """What came of an answer."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    """Name and fault."""
    reasoning: str = ""
    repairs: tuple[str, ...] = ()
    error: str = ""


def read(
    pieces: Iterable[str],
    *,
    offer: Offer | None = AUTO,
    finish: str | None = "stop",
    native: Callable[[Collector], Any] | None = None,
) -> Answer:
    """Return what comes of an answer whose text is `pieces`; what was streamed is held against it."""
    answer = Collector("m", offer)
    said: list[str] = []
    thought: list[str] = []

    def show(deltas: Iterable[object]) -> None:
        for delta in deltas:
            match delta:
                case TextDelta(text):
                    said.append(text)
                case ReasoningDelta(text):
                    thought.append(text)
                case Restated(text):
                    thought.append(text)
                    said.clear()

    for piece in pieces:
        show(answer.text(piece))
    if native is not None:
        native(answer)
    answer.finish = finish
    show(answer.rest())
    try:
        reply = answer.reply(streamed=True)
    except ModelError as error:
        return Answer("".join(said), reasoning="".join(thought).strip(), error=type(error).__name__)
    message = reply.message
    assert "".join(said) == message.text
    assert "".join(thought).strip() == message.reasoning
    return Answer(
        message.text,
        tuple((c.name, c.arguments) for c in message.calls),
        tuple((c.name, c.fault) for c in message.broken_calls),
        message.reasoning,
        tuple(r.kind for r in message.repairs),
    )


def read_everywhere(text: str, **how: Any) -> Answer:
    """Return what comes of a text, having seen that it is the same at every split and character by character."""
    whole = read([text], **how)
    for at in range(1, len(text)):
        assert read([text[:at], text[at:]], **how) == whole, f"split at {at}: {text[:at]!r}"
    assert read(text, **how) == whole
    return whole
