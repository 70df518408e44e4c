"""Ollama's own protocol: every field on the wire, and the odd ends that are worth asking once more."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agentsdk import Message
from agentsdk.errors import BadResponse, EmptyResponse, ModelError
from agentsdk.messages import ToolCall
from agentsdk.models.model import Prepared, Reply, Request, ToolSpec
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.profiles import OLLAMA_WINDOW
from agentsdk.testing.standin import Standin

ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
HI = Request((Message.user("Hi"),))


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def run(model: OllamaModel, request: Request, streamed: bool = False) -> Reply:
    async def go() -> Reply:
        if not streamed:
            return await model.complete(request)
        return [p async for p in model.stream(request)][-1]  # type: ignore[return-value]  # a stream ends in its Reply

    return asyncio.run(go())


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


def test_every_field_of_a_request_reaches_the_wire(server: Standin) -> None:
    server.model("qwen3:8b", thinking=True).say("ok")
    turn = Message("assistant", "", (ToolCall("c", "add", {"a": 1}),), reasoning="So.")
    schema = {"type": "object"}
    request = Request(
        (*HI.messages, turn, Message.tool(turn.calls[0], "1")),
        (ADD,),
        output_schema=schema,
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("END",),
        thinking=True,
        options={"options": {"num_gpu": 1}, "truncate": False},
    )
    run(OllamaModel("qwen3:8b", base_url=server.url("ollama"), keep_alive="10m", window=4096), request)
    assert server.requests[0].body == {
        "model": "qwen3:8b",
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}],
                "thinking": "So.",
            },
            {"role": "tool", "content": "1", "tool_name": "add"},
        ],
        "stream": False,
        "options": {
            "num_ctx": 4096,
            "num_predict": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
            "num_gpu": 1,
        },
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "add",
                    "description": "Return the sum.",
                    "parameters": dict(ADD.parameters),
                },
            }
        ],
        "format": schema,
        "keep_alive": "10m",
        "think": True,
        "truncate": False,
    }


@pytest.mark.parametrize(
    ("name", "thinking", "think"),
    [
        ("qwen3:8b", True, True),
        ("qwen3:8b", False, False),
        ("qwen3:8b", "high", True),
        ("gpt-oss:20b", "high", "high"),
        ("gpt-oss:20b", True, "medium"),
        ("gpt-oss:20b", False, "low"),
        ("llama3.1:8b", False, None),
        ("llama3.1:8b", None, None),
        ("new-model", True, True),
    ],
)
def test_thinking_is_a_switch_or_a_grade_as_the_model_knows_it(
    server: Standin, name: str, thinking: Any, think: Any
) -> None:
    server.say("ok")
    run(OllamaModel(name, base_url=server.url("ollama")), replace(HI, thinking=thinking))
    assert server.requests[0].body.get("think") == think


@both
def test_a_model_that_cannot_think_is_asked_once_more_and_remembered(server: Standin, streamed: bool) -> None:
    server.fault(400, message='"plain" does not support thinking').say("one").say("two")
    model = OllamaModel(f"plain-{streamed}", base_url=server.url("ollama"))
    reply = run(model, replace(HI, thinking=True), streamed)
    assert reply.message.text == "one"
    assert [r.kind for r in reply.message.repairs] == ["request.changed"]
    run(model, replace(HI, thinking=True), streamed)
    assert ["think" in s.body for s in server.requests] == [True, False, False]


def test_a_grade_that_the_model_does_not_know_becomes_a_switch(server: Standin) -> None:
    server.fault(400, message='think value "high" is not supported for this model').say("one")
    run(OllamaModel("gpt-oss-of-old", base_url=server.url("ollama")), replace(HI, thinking="high"))
    assert [s.body["think"] for s in server.requests] == ["high", True]


@both
def test_a_call_that_ollama_could_not_read_is_asked_for_once_more_and_whole(
    server: Standin, streamed: bool
) -> None:
    server.fault(500, message="error parsing tool call: raw='{\"a\": 1', err=unexpected end").call("add", a=1)
    reply = run(OllamaModel("gpt-oss:20b", base_url=server.url("ollama")), replace(HI, tools=(ADD,)), streamed)
    assert [c.arguments for c in reply.message.calls] == [{"a": 1}]
    assert [s.body["stream"] for s in server.requests] == [streamed, False]


def test_a_call_that_cannot_be_read_twice_is_an_error(server: Standin) -> None:
    for _ in range(2):
        server.fault(500, message="error parsing tool call")
    with pytest.raises(ModelError):
        run(OllamaModel("gpt-oss:20b", base_url=server.url("ollama")), replace(HI, tools=(ADD,)), streamed=True)
    assert len(server.requests) == 2


LOADED = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}


@both
def test_an_answer_that_only_loaded_the_model_is_asked_for_once_more(server: Standin, streamed: bool) -> None:
    server.raw(json.dumps(LOADED).encode() + b"\n").say("now")
    assert run(OllamaModel("m", base_url=server.url("ollama")), HI, streamed).message.text == "now"
    assert len(server.requests) == 2


@both
def test_an_empty_answer_of_any_other_kind_is_told_at_once(server: Standin, streamed: bool) -> None:
    server.say("")
    with pytest.raises(EmptyResponse):
        run(OllamaModel("m", base_url=server.url("ollama")), HI, streamed)


def test_a_prepared_body_is_sent_as_it_is_asked_for_and_with_a_window(server: Standin) -> None:
    server.say("one").say("two")
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    model = OllamaModel("m", base_url=server.url("ollama"))
    run(model, Prepared((), body=body | {"stream": True}), streamed=False)
    run(model, Prepared((), body=body), streamed=True)
    window = {"options": {"num_ctx": OLLAMA_WINDOW}}
    assert [s.body for s in server.requests] == [body | window | {"stream": s} for s in (False, True)]


def test_calls_without_ids_get_one_each(server: Standin) -> None:
    server.calls(("add", {"a": 1}), ("add", {"a": 2})).quirk("no_ids")
    calls = run(OllamaModel("m", base_url=server.url("ollama")), replace(HI, tools=(ADD,))).message.calls
    assert len({c.id for c in calls if c.id}) == 2


@pytest.mark.parametrize("calls", [5, ["x"], [{"function": "add"}], {"function": {"name": 1}}])
def test_calls_in_a_form_that_is_none_lose_no_text(server: Standin, calls: Any) -> None:
    message = {"role": "assistant", "content": "Hi.", "tool_calls": calls}
    server.raw(json.dumps({"model": "m", "message": message, "done": True}).encode())
    assert run(OllamaModel("m", base_url=server.url("ollama")), HI).message.text == "Hi."


def test_a_message_that_is_none_is_told(server: Standin) -> None:
    server.raw(b'{"model": "m", "message": "Hi.", "done": true}')
    with pytest.raises(BadResponse, match='"message": "Hi'):
        run(OllamaModel("m", base_url=server.url("ollama")), HI)
