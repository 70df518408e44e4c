"""DashScope's own protocol: every field on the wire, and thinking, which is answered as a stream only."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agentsdk import Message
from agentsdk.errors import BadResponse
from agentsdk.messages import ToolCall
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.model import Prepared, Reply, Request, ToolSpec
from agentsdk.testing.standin import Standin

ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SUB = ToolSpec("sub", "Return the difference.")
HI = Request((Message.user("Hi"),))


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def run(model: DashScopeModel, request: Request, streamed: bool = False) -> Reply:
    async def go() -> Reply:
        if not streamed:
            return await model.complete(request)
        return [p async for p in model.stream(request)][-1]  # type: ignore[return-value]  # a stream ends in its Reply

    return asyncio.run(go())


def sent(server: Standin, name: str, request: Request, *, streamed: bool = False) -> dict[str, Any]:
    before = len(server.requests)
    server.say("ok")
    run(DashScopeModel(name, "sk", base_url=server.url("dashscope")), request, streamed)
    body: dict[str, Any] = dict(server.requests[before].body)  # a second ask is shown in test_emulate.py
    return body


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


def test_every_field_of_a_request_reaches_the_wire(server: Standin) -> None:
    turn = Message("assistant", "", (ToolCall("c", "add", {"a": 1}),), reasoning="So.")
    request = Request(
        (Message.system("A."), *HI.messages, turn, Message.tool(turn.calls[0], "1"), Message.system("B.")),
        (ADD, SUB),
        "add",
        output_schema={"type": "object"},
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("END",),
        parallel=True,
        options={"top_k": 5, "enable_search": True, "parameters": {"n": 1}, "input": {"extra": "x"}},
    )
    body = sent(server, "qwen-plus", request, streamed=True)
    assert server.requests[0].headers["x-dashscope-sse"] == "enable"
    tools = body["parameters"].pop("tools")
    assert [t["function"]["name"] for t in tools] == ["add", "sub"]
    assert '{"type": "object"}' in body["input"]["messages"].pop()["content"]  # the form, in words
    assert body == {
        "model": "qwen-plus",
        "input": {
            "messages": [
                {"role": "system", "content": "A.\n\nB."},
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
                    ],
                },
                {"role": "tool", "content": "1", "tool_call_id": "c", "name": "add"},
            ],
            "extra": "x",
        },
        "parameters": {
            "result_format": "message",
            "incremental_output": True,
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "parallel_tool_calls": True,
            "response_format": {"type": "json_object"},
            "max_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
            "top_k": 5,
            "enable_search": True,
            "n": 1,
        },
    }


THINKING: list[tuple[str, Any, Any, bool]] = [
    ("qwen-plus", None, None, False),
    ("qwen-plus", True, True, True),
    ("qwen-plus", "high", True, True),
    ("qwen-plus", False, False, False),
    ("qwen3-8b", None, None, True),
    ("qwen3-8b", False, False, False),
    ("qwq-plus", None, None, True),
    ("qwq-plus", False, None, True),
    ("qwen-max", False, None, False),
    ("qwen3-omni-flash", None, None, True),
]


@pytest.mark.parametrize(("name", "thinking", "field", "streams"), THINKING)
def test_a_plain_answer_of_a_model_that_thinks_is_put_together_from_a_stream(
    server: Standin, name: str, thinking: Any, field: Any, streams: bool
) -> None:
    server.say("It is 42.", reasoning="Let me think.")
    model = DashScopeModel(name, "sk", base_url=server.url("dashscope"))
    reply = run(model, replace(HI, thinking=thinking))
    assert (reply.message.text, reply.message.reasoning) == ("It is 42.", "Let me think.")
    seen = server.requests[0]
    assert seen.body["parameters"].get("enable_thinking") == field
    assert seen.body["parameters"].get("incremental_output", False) == streams
    assert (seen.headers.get("x-dashscope-sse") == "enable") == streams


def test_a_budget_for_thinking_is_an_option(server: Standin) -> None:
    request = replace(HI, thinking=True, options={"thinking_budget": 100})
    assert sent(server, "qwen-plus", request)["parameters"]["thinking_budget"] == 100


CHOICES: list[tuple[str, Any, Any, Any]] = [
    ("auto", None, "auto", None),
    ("none", None, None, None),
    ("required", None, "auto", None),
    ("add", None, {"type": "function", "function": {"name": "add"}}, None),
    ("add", True, "auto", True),  # 400 otherwise: it is left free, with that tool alone
]


@pytest.mark.parametrize(("choice", "thinking", "form", "field"), CHOICES)
def test_a_choice_of_tools_is_said_in_a_form_that_is_taken(
    server: Standin, choice: str, thinking: Any, form: Any, field: Any
) -> None:
    request = replace(HI, tools=(ADD, SUB), tool_choice=choice, thinking=thinking)
    parameters = sent(server, "qwen-plus", request)["parameters"]
    assert (parameters.get("tool_choice"), parameters.get("enable_thinking")) == (form, field)
    assert ("tools" in parameters) == (choice != "none")


def test_a_model_that_thinks_unasked_does_not_where_a_tool_is_forced(server: Standin) -> None:
    parameters = sent(server, "qwen3-8b", replace(HI, tools=(ADD, SUB), tool_choice="add"))["parameters"]
    assert parameters["enable_thinking"] is False
    assert parameters["tool_choice"] == {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(("name", "form"), [("qwen-plus", "json_object"), ("qwen3.5-plus", "json_schema")])
def test_a_schema_is_sent_where_the_family_can_be_held_to_it(server: Standin, name: str, form: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    request = replace(HI, output_schema=schema, thinking=False)
    assert sent(server, name, request)["parameters"]["response_format"]["type"] == form


def test_what_is_found_to_answer_as_a_stream_only_is_asked_so_from_then_on(server: Standin) -> None:
    said = "This model only support stream mode, please enable the stream parameter to access the model."
    server.fault(400, code="InvalidParameter", message=said).say("one").say("two")
    model = DashScopeModel("some-new-model", "sk", base_url=server.url("dashscope"))
    assert [run(model, HI).message.text for _ in range(2)] == ["one", "two"]
    assert [s.headers.get("x-dashscope-sse") for s in server.requests] == [None, "enable", "enable"]


@both
def test_where_a_search_found_it_is_kept_beside_the_answer(server: Standin, streamed: bool) -> None:
    found = {"search_results": [{"index": 1, "title": "T", "url": "https://example.org"}]}
    choice = {"message": {"role": "assistant", "content": "It is 42."}, "finish_reason": "stop"}
    event = {
        "output": {"choices": [choice], "search_info": found},
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    data = json.dumps(event | {"request_id": "r1"}).encode()
    if streamed:
        server.raw(
            b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:" + data + b"\n\n", content_type="text/event-stream"
        )
    else:
        server.raw(data)
    reply = run(DashScopeModel("qwen-plus", "sk", base_url=server.url("dashscope")), HI, streamed)
    assert (reply.message.text, reply.details["search_info"]) == ("It is 42.", found)
    assert reply.details["request_id"] == "r1"


def test_a_prepared_body_is_sent_as_it_is_and_as_it_is_asked_for(server: Standin) -> None:
    server.say("one").say("two").say("three")
    body = {
        "model": "m",
        "input": {"messages": [{"role": "user", "content": "Hi"}]},
        "parameters": {"top_k": 3},
    }
    model = DashScopeModel("m", "sk", base_url=server.url("dashscope"))
    run(model, Prepared((), body=body))
    run(model, Prepared((), body=body), streamed=True)
    run(model, Prepared((), body=body | {"parameters": {"enable_thinking": True}}))
    assert [s.body["parameters"] for s in server.requests] == [
        {"top_k": 3},
        {"top_k": 3, "incremental_output": True},
        {"enable_thinking": True, "incremental_output": True},
    ]


def test_a_prepared_body_may_hold_the_prompt_of_old(server: Standin) -> None:
    server.raw(
        json.dumps(
            {"output": {"text": "Hello.", "finish_reason": "stop"}, "usage": {"input_tokens": 1}}
        ).encode()
    )
    model = DashScopeModel("qwen-turbo", "sk", base_url=server.url("dashscope"))
    reply = run(model, Prepared((), body={"model": "qwen-turbo", "input": {"prompt": "Hi"}, "parameters": {}}))
    assert reply.message.text == "Hello."
    assert server.requests[0].body["input"] == {"prompt": "Hi"}


def test_a_message_that_is_none_is_told(server: Standin) -> None:
    server.raw(b'{"output": {"choices": [{"message": "Hi."}]}, "request_id": "r"}')
    with pytest.raises(BadResponse, match='"message": "Hi'):
        run(DashScopeModel("qwen-turbo", "sk", base_url=server.url("dashscope")), HI)
