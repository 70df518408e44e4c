"""One exchange with a server: a request body goes in, deltas and at the end one Reply come out.

A `Wire` is what differs between protocols. Both faces of an adapter, the `Model` and the LangChain chat model, send
their bodies through here, so what is promised of an answer is kept in one place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Protocol

from agentsdk.errors import AgentError
from agentsdk.models.collect import Collector
from agentsdk.models.http import Deadline
from agentsdk.models.model import Delta, Offer, Reply, TextDelta


class Wire(Protocol):
    """One protocol of one provider."""

    @property
    def name(self) -> str:
        """The model's name in messages to people: "openai:gpt-4o"."""

    @property
    def timeout(self) -> float:
        """Seconds that one exchange may take in all."""

    def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Send a body; give the events of the answer, read as JSON. A plain answer is one event."""

    def take(self, event: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take an event into the answer, and yield what of it can be shown."""

    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's or of the reading."""


async def exchange(
    wire: Wire, body: dict[str, Any], offer: Offer, *, stream: bool, timeout: float | None = None
) -> AsyncIterator[Delta | Reply]:
    """Yield the pieces of an answer as they come, and at the end the whole Reply, exactly once.

    Raises:
        ModelError: whatever goes wrong on the way; `partial` holds the text that had come.

    """
    deadline = Deadline(wire.name, timeout or wire.timeout)
    answer = Collector(wire.name, offer)
    said: list[str] = []
    try:
        async with (
            wire.open(body, stream=stream, deadline=deadline) as events,
            aclosing(deadline.each(events)) as items,
        ):
            async for event in items:
                for delta in wire.take(event, answer, stream=stream):
                    if isinstance(delta, TextDelta):
                        said.append(delta.text)
                    yield delta
    except Exception as error:
        raise wire.fault(error, "".join(said)) from error
    for delta in answer.rest():
        yield delta
    yield answer.reply(streamed=stream)


async def whole(
    wire: Wire, body: dict[str, Any], offer: Offer, *, stream: bool = False, timeout: float | None = None
) -> Reply:
    """Return the Reply alone. With `stream`, the answer is streamed all the same and put together here."""
    async with aclosing(exchange(wire, body, offer, stream=stream, timeout=timeout)) as pieces:  # type: ignore[type-var]  # an async generator behind its protocol
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise AssertionError  # an exchange ends in a Reply or an error
