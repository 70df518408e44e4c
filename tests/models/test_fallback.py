"""Fallback: who is asked when, for how long, and what is told of it."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from agentsdk import Agent, Message, connect
from agentsdk.errors import (
    AuthFailed,
    ConfigurationError,
    ConnectionLost,
    ContentFiltered,
    DeadlineExceeded,
    InvalidRequest,
    MissingKey,
    ModelError,
    Overloaded,
    RateLimited,
)
from agentsdk.models.facts import served_by
from agentsdk.models.fallback import Fallback
from agentsdk.models.model import Model, Prepared, Reply, Request, TextDelta, ToolSpec, reading
from agentsdk.testing import ScriptedModel
from agentsdk.testing.standin import Standin

ASK = Request((Message.user("Hi"),))
both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@pytest.fixture
def first() -> Iterator[Standin]:
    with Standin() as running:
        yield running


@pytest.fixture
def second() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def falling_back(first: Standin, second: Standin, timeout: float = 30.0) -> Model:
    other = connect("ollama:qwen3", base_url=second.url("ollama"), retries=0)
    return connect(
        "openai:gpt-4o", base_url=first.url("openai"), api_key="k", retries=0, fallback=[other], timeout=timeout
    )


def ask(model: Model, *, streamed: bool, request: Request = ASK) -> Reply:
    async def go() -> Reply:
        if not streamed:
            return await model.complete(request)
        last = None
        async with reading(model.stream(request)) as pieces:
            async for piece in pieces:
                last = piece
        assert isinstance(last, Reply)
        return last

    return asyncio.run(go())


@both
@pytest.mark.parametrize(
    "fault",
    ["429-hour", "500", "reset", "quota", "401", "404-model", "overflow", "html", "empty-body", "empty-text"],
)
def test_where_one_cannot_answer_the_next_is_asked_and_the_reply_says_so(
    first: Standin, second: Standin, fault: str, streamed: bool
) -> None:
    first.fault(fault)
    second.say("Hello from the second.")
    reply = ask(falling_back(first, second), streamed=streamed)
    assert reply.message.text == "Hello from the second."
    assert reply.details["answered_by"] == "ollama:qwen3"
    (repair,) = (r for r in reply.message.repairs if r.kind == "model.fallback")
    assert repair.detail.startswith("openai:gpt-4o could not answer")
    assert (len(first.requests), len(second.requests)) == (1, 1)


@both
def test_where_the_first_answers_nobody_else_is_asked(first: Standin, second: Standin, streamed: bool) -> None:
    first.say("Hello from the first.")
    reply = ask(falling_back(first, second), streamed=streamed)
    assert (reply.details["answered_by"], reply.message.repairs) == ("openai:gpt-4o", ())
    assert second.requests == []


@both
@pytest.mark.parametrize(("fault", "error"), [("filter", ContentFiltered), ("400", InvalidRequest)])
def test_what_is_wrong_with_the_request_is_not_carried_to_another(
    first: Standin, second: Standin, fault: str, error: type[ModelError], streamed: bool
) -> None:
    first.fault(fault)
    with pytest.raises(error):
        ask(falling_back(first, second), streamed=streamed)
    assert second.requests == []


def test_once_a_piece_was_streamed_nobody_else_is_asked(first: Standin, second: Standin) -> None:
    first.fault("reset-midway")
    with pytest.raises(ConnectionLost) as error:
        ask(falling_back(first, second), streamed=True)
    assert error.value.partial
    assert second.requests == []


@both
@pytest.mark.parametrize("fault", ["silence", "drip", "keep-alive"])
def test_who_does_not_begin_in_its_share_of_the_time_is_left(
    first: Standin, second: Standin, fault: str, streamed: bool
) -> None:
    first.fault(fault)
    second.say("In time.")
    began = time.monotonic()
    reply = ask(falling_back(first, second, timeout=1.5), streamed=streamed)
    assert reply.message.text == "In time."
    assert time.monotonic() - began >= 0.7
    assert "DeadlineExceeded" in reply.message.repairs[0].detail
    assert first.all_closed(5)


@both
def test_all_together_end_within_the_one_deadline(first: Standin, second: Standin, streamed: bool) -> None:
    first.fault("silence")
    second.fault("silence")
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        ask(falling_back(first, second, timeout=1.0), streamed=streamed)
    assert time.monotonic() - began < 15


def test_a_long_stream_that_began_in_time_may_take_the_rest(first: Standin, second: Standin) -> None:
    first.say("One two three four five six seven.", pieces=5).slow(0.2)
    reply = ask(falling_back(first, second, timeout=30.0), streamed=True)
    assert reply.message.text.endswith("seven.")


@both
def test_where_none_answers_the_error_of_the_first_is_raised_with_what_the_others_said(
    first: Standin, second: Standin, streamed: bool
) -> None:
    first.fault("429-hour")
    second.fault("503")
    with pytest.raises(RateLimited) as error:
        ask(falling_back(first, second), streamed=streamed)
    assert error.value.retry_after == 3600
    assert error.value.__notes__[0].startswith("ollama:qwen3: Overloaded")


def test_a_later_model_that_refuses_the_request_itself_is_the_one_that_is_told() -> None:
    with Standin() as first, Standin() as second:
        first.fault("503")
        second.fault("filter")
        with pytest.raises(ContentFiltered) as error:
            ask(falling_back(first, second), streamed=False)
        assert error.value.__notes__[0].startswith("openai:gpt-4o: Overloaded")


def test_a_request_in_one_protocol_goes_to_the_first_alone(first: Standin, second: Standin) -> None:
    first.fault("503")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    with pytest.raises(Overloaded):
        ask(falling_back(first, second), streamed=False, request=Prepared((), body=body))
    assert second.requests == []


def test_a_whole_run_falls_back_and_its_words_are_those_of_one_model(first: Standin, second: Standin) -> None:
    first.fault("quota", when=lambda _asked: True)
    second.say("It is three.")
    assert Agent(falling_back(first, second)).run("1 + 2?").text == "It is three."


def test_what_stands_behind_a_fallback_is_its_first_model(first: Standin, second: Standin) -> None:
    model = falling_back(first, second)
    assert model.name == "openai:gpt-4o"
    assert served_by(model).name == "gpt-4o"


def test_the_first_is_told_of_tools_in_the_way_that_was_asked_for(first: Standin) -> None:
    first.say("No call.")
    model = connect(
        "openai:gpt-4o", base_url=first.url("openai"), api_key="k", tools="text", fallback=["offline:extract"]
    )
    asyncio.run(model.complete(Request((Message.user("Hi"),), (ToolSpec("clock", "The time."),))))
    assert "tools" not in first.requests[-1].body


def test_each_fallback_needs_its_own_key_before_a_call_is_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    with pytest.raises(MissingKey):
        connect("openai:gpt-4o", api_key="k", fallback=["dashscope:qwen-plus"])
    with pytest.raises(ConfigurationError):
        connect("openai:gpt-4o", api_key="k", fallback=[3])  # type: ignore[list-item]  # what is tested


def test_any_model_can_fall_back_on_any_other() -> None:
    broken = ScriptedModel([AuthFailed("No key.")])
    model = connect(broken, fallback=["offline:extract"])
    assert isinstance(model, Fallback)
    pieces: list[str] = []

    async def go() -> Reply:
        async with reading(model.stream(Request((Message.user("What is 2 + 3?"),)))) as stream:
            async for piece in stream:
                if isinstance(piece, TextDelta):
                    pieces.append(piece.text)
                elif isinstance(piece, Reply):
                    return piece
        raise AssertionError

    reply = asyncio.run(go())
    assert reply.details["answered_by"] == "offline:extract"
    assert "".join(pieces) == reply.message.text
