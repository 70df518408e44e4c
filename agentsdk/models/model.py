"""The Model protocol, and what goes in and comes out: Request, Reply and the deltas of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from agentsdk.budget import Usage
from agentsdk.messages import Message

T = TypeVar("T")

Finish = Literal["stop", "tool_calls", "length", "filter"]
"""Why the model stopped. `tool_calls` whenever the reply holds calls, whatever the provider named it."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON schema of the arguments: an object."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"
    """"auto", "none", "required", or the name of the one tool to call."""
    output_schema: Mapping[str, Any] | None = None
    """JSON schema that the text must fit; an adapter uses what its server has for it."""
    max_tokens: int | None = None
    """Limit of the output; None leaves it to the server."""
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_p: float | None = None
    parallel: bool | None = None
    """Whether one answer may hold several calls; None leaves it to the server."""
    thinking: bool | str | None = None
    """Whether the model thinks first, or how hard ("low", "medium", "high"); None leaves it to the server."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the provider's own protocol, sent as they are."""
    timeout: float | None = None
    """Seconds that this call may take in all, where that is less than the model was given."""


@dataclass(frozen=True, slots=True)
class Prepared(Request):
    """A request that is already written in the protocol of the model it goes to.

    The other fields still say what is offered; `body` is what is sent.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """Names of what was asked for and not written, because the model does not take it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an answer may call: a call for anything else is never run."""

    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: JSON schema of the arguments."""
    choice: str = "auto"
    """As `Request.tool_choice`; with "none" no call may be run."""
    sent: Mapping[str, str] = field(default_factory=dict)
    """By the name under which a tool was sent: its own, where they differ."""
    nulls: bool = False
    """Whether null may stand for what is left out, since the server was told to require every argument."""

    @classmethod
    def of(cls, request: Request) -> Offer:
        """Return what a request offers."""
        return cls({t.name: t.parameters for t in request.tools}, request.tool_choice)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, whole."""

    message: Message
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    finish: Finish = "stop"
    model: str = ""
    """The model that answered, as the server names it."""
    refused: bool = False
    """The model declined (OpenAI's `refusal`, a content filter on the answer)."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What else the server said of the answer, by its own names: id, request_id, logprobs. Plain JSON."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the public text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what the model thinks; never shown as the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of a tool call. It may still be cut off: only a call in the final Reply may be run."""

    index: int
    name: str = ""
    """Given with the first piece of a call."""
    arguments: str = ""
    """The next piece of the arguments' JSON text."""


@dataclass(frozen=True, slots=True)
class Restated:
    """All text that was streamed so far was a thought, as only its end has shown: the public text begins anew.

    What a person was shown of it is to be taken back. The text of the Reply is that of the TextDeltas after the last
    of these.
    """

    thought: str
    """That text; its thoughts in full are the ReasoningDeltas and these, in their order."""


Delta = TextDelta | ReasoningDelta | CallDelta | Restated


@runtime_checkable
class Model(Protocol):
    """Anything that can answer a Request.

    Both methods raise the ModelError family and nothing else for what goes wrong on the way. Neither tries
    again: that is `Retrying`'s job.
    """

    @property
    def name(self) -> str:
        """The name that `connect` takes: "provider:name"."""

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply."""

    def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces as they come, and at the end the whole Reply, exactly once."""


@asynccontextmanager
async def reading(stream: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Give a stream, and close it at the end however that comes: its connection does not wait for the collector."""
    try:
        yield stream
    finally:
        closing = getattr(stream, "aclose", None)
        if closing is not None:
            await closing()
