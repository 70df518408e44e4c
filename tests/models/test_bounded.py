"""At most so many calls of a model are under way at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agentsdk.errors import ConfigurationError
from agentsdk.messages import Message
from agentsdk.models.bounded import Bounded
from agentsdk.models.connect import connect
from agentsdk.models.facts import served_by
from agentsdk.models.model import Delta, Reply, Request, TextDelta


class Counting:
    name = "scripted:counting"

    def __init__(self) -> None:
        self.now = self.most = 0

    async def complete(self, request: Request) -> Reply:
        return [p async for p in self.stream(request)][-1]  # type: ignore[return-value]  # a stream ends in its Reply

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
                yield TextDelta("x")
            yield Reply(Message.assistant("xxxxx"))
        finally:
            self.now -= 1


@pytest.mark.parametrize("streamed", [True, False])
def test_calls_wait_until_there_is_room(streamed: bool) -> None:
    inner = Counting()
    model = Bounded(inner, 3)

    async def one() -> None:
        if streamed:
            async for _ in model.stream(Request(())):
                pass
        else:
            await model.complete(Request(()))

    async def go() -> None:
        await asyncio.gather(*(one() for _ in range(12)))

    asyncio.run(go())
    asyncio.run(go())  # another event loop has room of its own
    assert (inner.most, inner.now) == (3, 0)


def test_a_stream_that_is_closed_gives_its_room_back() -> None:
    inner = Counting()
    model = Bounded(inner, 1)

    async def go() -> None:
        stream = model.stream(Request(()))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # as above
        await asyncio.wait_for(model.complete(Request(())), 10)

    asyncio.run(go())
    assert inner.now == 0


def test_connect_bounds_a_model_and_shows_what_stands_behind_it() -> None:
    model = connect("ollama:llama3.1:8b", at_once=2)
    assert isinstance(model, Bounded)
    assert model.name == "ollama:llama3.1:8b"
    assert served_by(model).name == "llama3.1:8b"
    with pytest.raises(ConfigurationError, match="at_once=0"):
        connect("offline:extract", at_once=0)
