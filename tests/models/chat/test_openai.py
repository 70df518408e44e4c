"""OpenAIChat: the stock class's requests go out, and our reading of the answer comes back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core import exceptions as theirs
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from pydantic import BaseModel, SecretStr

from agentsdk import errors as ours
from agentsdk.models.chat import OpenAIChat
from agentsdk.testing.standin import Standin


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def chat(standin: Standin, **options: Any) -> OpenAIChat:
    return OpenAIChat(
        model="gpt-4o-mini", base_url=standin.url("openai"), api_key=SecretStr("k"), max_retries=0, **options
    )


ADD = {
    "type": "function",
    "function": {"name": "add", "description": "Add.", "parameters": {"type": "object", "properties": {}}},
}


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str


def test_thoughts_are_apart_from_what_is_said_and_are_blocks_of_their_own(server: Standin) -> None:
    server.say("Hello.", reasoning="They greet me.")
    answer = chat(server).invoke("hi")
    assert answer.text == "Hello."
    assert answer.additional_kwargs["reasoning_content"] == "They greet me."
    assert [b["type"] for b in answer.content_blocks] == ["reasoning", "text"]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_token_details"]["reasoning"] > 0
    assert answer.response_metadata["model_name"] == "gpt-4o-mini"
    assert answer.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_that_was_cut_off_is_invalid_and_a_merge_cannot_revive_it(
    server: Standin, *, streamed: bool
) -> None:
    server.calls(("add", {"a": 1}), ("add", {"path": "/srv/data/pro"}), finish="length")
    bound = chat(server).bind_tools([ADD])
    answer: AIMessage
    if streamed:
        merged = AIMessageChunk(content="")
        for chunk in bound.stream("hi"):
            assert isinstance(chunk, AIMessageChunk)
            merged = merged + chunk
        answer = merged + AIMessageChunk(content="", chunk_position="last")
        assert type(message_chunk_to_message(answer)) is AIMessage
    else:
        answer = bound.invoke("hi")
    for read in (answer, message_chunk_to_message(answer)):
        assert isinstance(read, AIMessage)
        assert [c["args"] for c in read.tool_calls] == [{"a": 1}]
        assert [(c["name"], c["args"]) for c in read.invalid_tool_calls] == [
            ("add", '{"path": "/srv/data/pro"}')
        ]
        assert read.response_metadata["finish_reason"] == "length"


def test_a_pydantic_schema_is_answered_by_an_object_of_it(server: Standin) -> None:
    for _ in range(2):
        server.say('{"setup": "a", "punchline": "b"}')
    for named in ("openai", "vllm"):
        model = chat(server, server=named).with_structured_output(Joke)
        assert model.invoke("hi") == Joke(setup="a", punchline="b")
    sent = [r.body["response_format"]["json_schema"] for r in server.requests]
    assert [s.get("strict") for s in sent] == [True, None]


def test_a_server_gets_what_it_takes(server: Standin) -> None:
    for _ in range(3):
        server.call("add")
    lmstudio = chat(server, server="lmstudio").bind_tools([ADD, {**ADD, "function": {"name": "sub"}}])
    lmstudio.invoke(
        "hi", tool_choice={"type": "function", "function": {"name": "add"}}, parallel_tool_calls=True
    )
    mindie = chat(server, server="mindie", max_tokens=5).bind_tools([ADD])
    list(mindie.stream([("system", "a"), ("user", "b"), ("system", "c")]))
    first, second = (r.body for r in server.requests)
    assert (first["tool_choice"], [t["function"]["name"] for t in first["tools"]]) == ("required", ["add"])
    assert "parallel_tool_calls" not in first
    assert [m["content"] for m in second["messages"]] == ["a\n\nc", "b"]
    assert "stream_options" not in second


def test_two_event_loops_in_a_row_and_a_sync_call_between_them(server: Standin) -> None:
    model = chat(server)
    server.say("one").say("two").say("three")
    said = [
        asyncio.run(model.ainvoke("hi")).text,
        model.invoke("hi").text,
        asyncio.run(model.ainvoke("hi")).text,
    ]
    assert said == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("status", "code", "mine", "core"),
    [
        (401, "", ours.AuthFailed, theirs.ModelAuthenticationError),
        (403, "", ours.AuthFailed, theirs.ModelPermissionDeniedError),
        (404, "", ours.ModelNotFound, theirs.ModelNotFoundError),
        (400, "", ours.InvalidRequest, theirs.ModelInvalidRequestError),
        (400, "context_length_exceeded", ours.ContextOverflow, theirs.ContextOverflowError),
        (429, "", ours.RateLimited, theirs.ModelRateLimitError),
        (429, "insufficient_quota", ours.QuotaExhausted, theirs.ModelRateLimitError),
        (503, "", ours.Overloaded, theirs.ModelAPIError),
    ],
)
def test_an_error_is_caught_by_our_name_and_by_langchains(
    server: Standin, status: int, code: str, mine: type[Exception], core: type[Exception]
) -> None:
    server.fault(status, code=code).fault(status, code=code)
    with pytest.raises(mine) as first:
        chat(server).invoke("hi")
    assert isinstance(first.value, core)
    with pytest.raises(core):
        list(chat(server).stream("hi"))


def test_the_limit_has_the_name_that_the_model_knows(server: Standin) -> None:
    server.say("a").say("b")
    chat(server, max_tokens=9).invoke("hi")
    chat(server, max_tokens=9).invoke("hi", model="llama-3.3-70b")
    assert "max_completion_tokens" in server.requests[0].body
    assert "max_tokens" in server.requests[1].body
    assert server.requests[1].body["model"] == "llama-3.3-70b"


def test_what_cannot_be_honoured_is_refused_at_once(server: Standin) -> None:
    with pytest.raises(ours.ConfigurationError, match="one answer"):
        chat(server, n=2)


def test_headers_and_keys_of_the_stock_class_reach_the_server(server: Standin) -> None:
    async def key() -> str:
        return "fetched"

    server.say("ok").say("ok")
    model = OpenAIChat(
        model="gpt-4o",
        base_url=server.url("openai"),
        api_key=key,
        default_headers={"x-own": "1"},
        organization="org",
    )
    assert model.invoke("q", extra_headers={"x-call": "2"}).text == "ok"
    headers = server.requests[0].headers
    assert (headers["x-own"], headers["x-call"], headers["openai-organization"]) == ("1", "2", "org")
    assert asyncio.run(model.ainvoke("q")).text == "ok"
    assert "x-call" not in server.requests[1].headers


def test_a_model_that_streams_always_gives_whole_messages_all_the_same(server: Standin) -> None:
    server.say("A text in some pieces.")
    answer = chat(server, streaming=True).invoke("q")
    assert (type(answer), answer.text) == (AIMessage, "A text in some pieces.")
    assert server.requests[0].streamed


def test_langgraph_keeps_a_streamed_answer_as_a_message(server: Standin) -> None:
    from langgraph.graph.message import add_messages

    server.calls(("add", {"a": 1}), ("add", '{"path": "/srv/data/pro'), finish="length")
    *_, last = chat(server).bind_tools([ADD]).stream("q")
    kept = add_messages([], last)
    assert isinstance(kept, list)
    assert [type(m) for m in kept] == [AIMessage]
    assert [c["args"] for c in getattr(kept[0], "tool_calls", ())] == [{"a": 1}]
