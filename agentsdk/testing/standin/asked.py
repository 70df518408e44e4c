"""A request that came in, read the same way whatever protocol it was written in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.testing.standin.loose import mapping, mappings


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in."""

    path: str
    """Without what stands behind the question mark."""
    headers: Mapping[str, str]
    """By their names in small letters; those that hold keys are left out."""
    body: Any
    """As JSON; None where there was none."""
    method: str = "POST"
    at: float = 0.0
    """Seconds on `time.monotonic()` when it had come whole."""
    protocol: str = ""
    """"chat" (Chat Completions), "responses", "ollama", "dashscope", "embeddings" (whose texts are the messages), or ""
    for a request that asks no model."""
    streamed: bool = False
    """Whether it asks for a stream."""
    messages: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """The conversation as the model sees it; Ollama's oldest messages may be missing from it."""
    dropped: int = 0
    """Messages that did not fit `num_ctx`, where the model truncates."""
    window: int | None = None
    """Tokens that the model counts at most, where it truncates."""

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return str(mapping(self.body).get("model") or "")

    @property
    def last(self) -> str:
        """The text of the last message; other contents as JSON."""
        if not self.messages:
            return ""
        message = self.messages[-1]
        content = message.get("content", message.get("output", ""))
        if isinstance(content, list) and all(_is_text(part) for part in content):
            return "".join(part["text"] for part in content)
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)

    @property
    def tools(self) -> dict[str, Mapping[str, Any]]:
        """The tools on offer: name -> JSON schema of its arguments."""
        found: dict[str, Mapping[str, Any]] = {}
        for tool in mappings(self._field("tools")):
            function = mapping(tool.get("function", tool))
            if isinstance(function.get("name"), str):
                found[function["name"]] = mapping(function.get("parameters"))
        return found

    @property
    def tool_choice(self) -> str:
        """What must be called: "auto", "none", "required", or the name of a tool."""
        choice = self._field("tool_choice")
        if isinstance(choice, Mapping):
            return str(mapping(choice.get("function") or choice).get("name") or "auto")
        return "required" if choice == "any" else str(choice or "auto")

    @property
    def output_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the answer must fit; {} for any JSON, None for any text."""
        form = self._field("response_format")
        if form is None and isinstance(text := self._field("text"), Mapping):
            form = text.get("format")
        if isinstance(form, Mapping):
            if form.get("type") == "json_object":
                return {}
            if form.get("type") == "json_schema":
                inner = mapping(form.get("json_schema") or form)
                return mapping(inner.get("schema"))
            return None
        if self.protocol == "ollama" and (wanted := self._field("format")):
            return wanted if isinstance(wanted, Mapping) else {}
        return None

    def _field(self, name: str) -> Any:
        body = mapping(self.body)
        return (mapping(body.get("parameters")) if self.protocol == "dashscope" else body).get(name)


def messages_of(body: Any, protocol: str) -> tuple[Mapping[str, Any], ...]:
    """Return the messages of a request; text that a Responses request asks with is one of the user."""
    if not isinstance(body, Mapping):
        return ()
    if protocol == "responses":
        asked = body.get("input")
        found: Any = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    elif protocol == "dashscope":
        given = mapping(body.get("input"))
        found = given.get("messages")
        if found is None and isinstance(given.get("prompt"), str):
            found = [{"role": "user", "content": given["prompt"]}]
    else:
        found = body.get("messages")
    return tuple(mappings(found))


def _is_text(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str)
