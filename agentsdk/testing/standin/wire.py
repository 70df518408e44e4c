"""What the wire formats have in common: how JSON is written, how text is cut in pieces, how tokens are counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.script import Line

CREATED = 1_700_000_000
"""Fixed ids and times: equal scripts give equal bytes."""

REQUEST_ID: Mapping[str, str] = {"x-request-id": "req-standin"}

_CHARACTERS_OF_A_FILE = 1024
"""An image counts as so much text, however many bytes it has."""


class Wire(Protocol):
    """A wire format: an answer of the script as the bytes that a provider would send."""

    @property
    def content_type(self) -> str:
        """The content type of a stream."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What every answer has beside the usual headers."""
        ...

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without a stream."""
        ...

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the events of a stream."""
        ...

    def error(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body of an error."""
        ...

    def error_event(self, code: str, message: str, *, more: Mapping[str, Any] | None = None) -> bytes:
        """Return an error in the middle of a stream that began well."""
        ...


def to_json(value: Any) -> bytes:
    """Return JSON as servers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def cut_up(text: str, size: int) -> list[str]:
    """Return a text in pieces of `size` characters."""
    size = max(size, 1)
    return [text[i : i + size] for i in range(0, len(text), size)]


def argument_text(arguments: Mapping[str, Any] | str) -> str:
    """Return the arguments of a call as text."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def argument_object(arguments: Mapping[str, Any] | str) -> Any:
    """Return the arguments of a call as an object, and as the text that they are where they are none."""
    if not isinstance(arguments, str):
        return dict(arguments)
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def error_type(status: int, code: str) -> str:
    """Return the type that OpenAI gives an error: not its code, but its kind."""
    if status == 429:
        return code or "requests"
    return "server_error" if status >= 500 else "invalid_request_error"


def spoken(line: Line) -> tuple[str, str]:
    """Return the thoughts and the text of an answer; with some quirks the thoughts stand in the text."""
    if line.reasoning and "think_tags" in line.quirks:
        return "", f"<think>\n{line.reasoning}\n</think>\n\n{line.text}"
    if line.reasoning and "orphan_think" in line.quirks:
        return "", f"{line.reasoning}\n</think>\n\n{line.text}"
    return line.reasoning, line.text


def dressed(event: bytes, line: Line) -> bytes:
    """Return an event as a server writes it that has its own way with lines and comments."""
    if "comments" in line.quirks:
        event = b": keep-alive\n\n" + event
    return event.replace(b"\n", b"\r\n") if "carriage_returns" in line.quirks else event


def call_id(line: Line, index: int) -> str:
    """Return the id of an answer's call."""
    return f"call_standin_{1 if 'same_ids' in line.quirks else index + 1}"


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of a request and its answer: a quarter of the characters, so that they follow what is sent."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.input + self.output


def count(asked: Asked, line: Line) -> Counts:
    """Return the token counts of an answer; what the line says of them comes first."""
    body = mapping(asked.body)
    tools = (mapping(body.get("parameters")) if asked.protocol == "dashscope" else body).get("tools")
    sent = sum(map(message_size, asked.messages)) + _size(tools) + _size(body.get("instructions"))
    said = len(line.text) + sum(len(argument_text(a)) + len(n) for n, a in line.calls)
    into = sent // 4 + 1
    if asked.window is not None:
        into = min(into, asked.window)
    return Counts(
        input=line.usage.get("input", into),
        output=line.usage.get("output", (said + len(line.reasoning)) // 4 + 1),
        cached=line.usage.get("cached", 0),
        reasoning=line.usage.get("reasoning", len(line.reasoning) // 4),
    )


def message_size(message: Any) -> int:
    """Return how much a message counts, in characters."""
    return _size(message) + 8


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        if any(k in value for k in ("image_url", "input_audio", "file_data", "inline_data")):
            return _CHARACTERS_OF_A_FILE
        return sum(
            _CHARACTERS_OF_A_FILE * len(v) if k == "images" and isinstance(v, list) else len(k) + _size(v)
            for k, v in value.items()
        )
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    if isinstance(value, str):
        return _CHARACTERS_OF_A_FILE if value.startswith("data:") and len(value) > 200 else len(value)
    return 0 if value is None else 2
