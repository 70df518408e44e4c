"""Retrying: what is tried again, how long is waited, and what all tries may take together."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from agentsdk import Message, connect
from agentsdk.errors import (
    AuthFailed,
    BadResponse,
    ConnectionLost,
    ContentFiltered,
    ContextOverflow,
    DeadlineExceeded,
    EmptyResponse,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    Truncated,
)
from agentsdk.models.model import Delta, Model, Reply, Request, TextDelta, reading
from agentsdk.models.retry import Allowance, Retrying
from agentsdk.testing.standin import Standin

ASK = Request((Message.user("Hi"),))
both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@dataclass
class Stumbling:
    """A Model that fails in the ways it is given, and then answers."""

    errors: list[ModelError]
    said: Sequence[str] = ()
    """Pieces that a stream yields before it fails."""
    asked: list[Request] = field(default_factory=list)
    closed: int = 0
    name: str = "stumbling"

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return Reply(Message.assistant("there"))

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        try:
            for piece in self.said:
                yield TextDelta(piece)
            yield await self.complete(request)
        finally:
            self.closed += 1


async def ask(model: Model, *, streamed: bool, request: Request = ASK) -> str:
    if not streamed:
        return (await model.complete(request)).message.text
    last = None
    async with reading(model.stream(request)) as pieces:
        async for piece in pieces:
            last = piece
    assert isinstance(last, Reply)
    return last.message.text


def soon() -> RateLimited:
    return RateLimited("busy", retry_after=0.01)


@both
@pytest.mark.parametrize(
    "error",
    [
        ConnectionLost("x", retry_after=0.0), Overloaded("x", retry_after=0.0), soon(),
        DeadlineExceeded("x", phase="first", retry_after=0.0), EmptyResponse("x"), BadResponse("x", kind="empty"),
    ],
)  # fmt: skip
def test_what_may_pass_is_tried_again(error: ModelError, streamed: bool) -> None:
    model = Stumbling([error])
    assert asyncio.run(ask(Retrying(model), streamed=streamed)) == "there"
    assert len(model.asked) == 2


@both
@pytest.mark.parametrize(
    "error",
    [
        QuotaExhausted("x"), AuthFailed("x"), ModelNotFound("x"), InvalidRequest("x"), ContextOverflow("x"),
        ContentFiltered("x"), Truncated("x"), BadResponse("x", kind="html"), EmptyResponse("x", kind="thought"),
    ],
)  # fmt: skip
def test_what_stays_wrong_is_raised_at_once(error: ModelError, streamed: bool) -> None:
    model = Stumbling([error])
    with pytest.raises(type(error)) as raised:
        asyncio.run(ask(Retrying(model), streamed=streamed))
    assert raised.value is error
    assert (len(model.asked), error.tries) == (1, 1)


@both
def test_there_are_so_many_tries_and_the_last_error_says_how_many(streamed: bool) -> None:
    model = Stumbling([soon() for _ in range(9)])
    with pytest.raises(RateLimited) as raised:
        asyncio.run(ask(Retrying(model, times=3), streamed=streamed))
    assert (len(model.asked), raised.value.tries) == (4, 4)


@both
def test_an_empty_answer_is_asked_for_once_more_and_not_twice(streamed: bool) -> None:
    model = Stumbling([EmptyResponse("x"), soon(), BadResponse("x", kind="empty")])
    with pytest.raises(BadResponse):
        asyncio.run(ask(Retrying(model, times=9), streamed=streamed))
    assert len(model.asked) == 3


@both
def test_the_time_that_a_server_names_is_waited_in_full(streamed: bool) -> None:
    model = Stumbling([RateLimited("busy", retry_after=0.4)])
    began = time.monotonic()
    asyncio.run(ask(Retrying(model), streamed=streamed))
    assert time.monotonic() - began >= 0.4


@both
def test_a_wait_beyond_the_deadline_is_not_begun(streamed: bool) -> None:
    model = Stumbling([RateLimited("busy", retry_after=30)])
    began = time.monotonic()
    with pytest.raises(RateLimited):
        asyncio.run(ask(Retrying(model, seconds=29), streamed=streamed))
    assert time.monotonic() - began < 10
    assert len(model.asked) == 1


@both
def test_each_try_gets_the_time_that_is_left(streamed: bool) -> None:
    model = Stumbling([RateLimited("busy", retry_after=0.2), RateLimited("busy", retry_after=0.2)])
    asyncio.run(ask(Retrying(model, seconds=50), streamed=streamed, request=Request(ASK.messages, timeout=20)))
    times = [r.timeout for r in model.asked]
    assert all(t is not None for t in times)
    first, second, third = (t or 0.0 for t in times)
    assert 19 < first <= 20
    assert second <= first - 0.2
    assert third <= second - 0.2


@both
def test_all_tries_end_within_the_one_deadline(streamed: bool) -> None:
    with Standin() as server:
        server.fault("429", retry_after=0.1).fault("silence", when=lambda asked: len(server.requests) > 1)
        model = connect("openai:m", base_url=server.url("openai"), api_key="k", timeout=1.0)
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            asyncio.run(ask(model, streamed=streamed))
        assert time.monotonic() - began < 15
        assert len(server.requests) == 2


def test_nothing_is_tried_again_once_a_piece_was_streamed() -> None:
    model = Stumbling([soon()], said=["Half"])
    with pytest.raises(RateLimited):
        asyncio.run(ask(Retrying(model), streamed=True))
    assert (len(model.asked), model.closed) == (1, 1)


def test_a_try_that_had_hardly_any_time_does_not_hide_what_the_others_met() -> None:
    cause = RateLimited("busy", retry_after=0.45)
    model = Stumbling([cause, DeadlineExceeded("late")])
    with pytest.raises(RateLimited) as raised:
        asyncio.run(ask(Retrying(model, seconds=0.55), streamed=False))
    assert raised.value is cause
    assert cause.tries == 2


def test_a_stream_is_closed_when_its_reader_stops() -> None:
    model = Stumbling([], said=["One", "two"])

    async def go() -> None:
        async with reading(Retrying(model).stream(ASK)) as pieces:
            async for _piece in pieces:
                break
        assert model.closed == 1

    asyncio.run(go())


def test_when_a_server_is_down_second_tries_run_out_for_all_calls_together() -> None:
    allowance = Allowance(most=5, left=5)

    async def go() -> int:
        models = [Stumbling([soon() for _ in range(9)]) for _ in range(20)]
        calls = (ask(Retrying(m, times=2, allowance=allowance), streamed=False) for m in models)
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(e, RateLimited) for e in errors)
        return sum(len(m.asked) for m in models)

    assert asyncio.run(go()) == 25
    for _ in range(4):
        asyncio.run(ask(Retrying(Stumbling([]), allowance=allowance), streamed=True))
    assert allowance.left == 2
    assert asyncio.run(ask(Retrying(Stumbling([soon()]), allowance=allowance), streamed=False)) == "there"


def test_an_allowance_never_grows_beyond_its_most() -> None:
    allowance = Allowance(most=1, left=0.9)
    assert not allowance.take()
    allowance.give()
    allowance.give()
    assert allowance.left == 1
