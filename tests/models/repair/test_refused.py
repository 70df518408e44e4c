"""Calls that a server checked itself and refused, as Groq does (Q39)."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from agentsdk import Agent, tool
from agentsdk.errors import InvalidRequest
from agentsdk.messages import Message
from agentsdk.models.model import Reply, Request, TextDelta, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.testing.standin import Standin

RECORDED = (
    Path(__file__).parents[4]
    / "shared/recordings/groq/pydantic__pydantic-ai/test_groq__test_tool_use_failed_error.yaml"
)
NAMED = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}, "required": ["name"], "additionalProperties": False}  # fmt: skip
ASK = Request((Message.user("Hi"),), (ToolSpec("get_something", "Get it.", NAMED),))


def error(written: str) -> bytes:
    return json.dumps(
        {
            "error": {
                "message": "Tool call validation failed",
                "type": "invalid_request_error",
                "code": "tool_use_failed",
                "failed_generation": written,
            }
        }
    ).encode()


def ask(server: Standin, *, streamed: bool = False, request: Request = ASK) -> tuple[str, Reply]:
    model = OpenAIModel("llama-3.3-70b-versatile", "key", base_url=server.url("openai"), server=SERVERS["groq"])

    async def go() -> tuple[str, Reply]:
        if not streamed:
            return "", await model.complete(request)
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        return "".join(p.text for p in pieces if isinstance(p, TextDelta)), pieces[-1]

    return asyncio.run(go())


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "get_something", "arguments": {"name": "x", "n": "5"}}',
        '{"name": "functions.get_something", "parameters": {"name": "x", "n": 5}}',
        '<function=get_something{"name": "x", "n": 5}</function>',
        '<function=get_something>{"name": "x", "n": "5"}</function>',
        '<tool_call>\n{"name": "get_something", "arguments": {"name": "x", "n": 5}}\n</tool_call>',
    ],
)
def test_what_the_server_withheld_is_mended_and_comes_as_the_reply(written: str) -> None:
    with Standin("groq") as server:
        server.raw(error(written), status=400)
        _said, reply = ask(server)
        assert len(server.requests) == 1
    assert [(c.name, dict(c.arguments)) for c in reply.message.calls] == [
        ("get_something", {"name": "x", "n": 5})
    ]
    assert reply.finish == "tool_calls"
    assert reply.message.repairs[0].kind == "call.refused"


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ('{"name": "get_something", "arguments": {"foo": "bar"}}', "name: is missing; expected a string."),
        ('{"name": "get_nothing", "arguments": {}}', "The tools are: get_something."),
        ('{"name": "get_something", "arguments": {"na', "The end of the call is missing."),
    ],
)
def test_what_cannot_be_mended_is_the_servers_error_with_the_broken_call(written: str, fault: str) -> None:
    with Standin("groq") as server:
        server.raw(error(written), status=400)
        with pytest.raises(InvalidRequest, match="refuses the tool call") as caught:
            ask(server)
    assert caught.value.received.calls == ()
    assert fault in caught.value.received.broken_calls[0].fault


def test_an_agent_tells_the_model_what_was_wrong_with_the_refused_call() -> None:
    @tool
    def double(n: int) -> int:
        """Return twice the number."""
        return 2 * n

    with Standin("groq") as server:
        server.raw(error('{"name": "double", "arguments": {"n": "three"}}'), status=400)
        server.call("double", n=3).say("6")
        model = OpenAIModel(
            "llama-3.3-70b-versatile", "key", base_url=server.url("openai"), server=SERVERS["groq"]
        )
        assert Agent(model, tools=[double], plan="never").run("Twice three?").text == "6"
        told = server.requests[1].body["messages"][-1]["content"]
    assert "n: expected an integer, got the string" in told


@pytest.mark.parametrize("written", ["", "maybe", "[1]", "<tool_call>"])
def test_what_is_no_call_is_the_servers_error_with_what_was_written(written: str) -> None:
    with Standin("groq") as server:
        server.raw(error(written), status=400)
        with pytest.raises(InvalidRequest, match="refuses the tool call") as caught:
            ask(server)
    assert caught.value.written == written
    assert caught.value.code == "tool_use_failed"


def test_nothing_may_run_where_calls_were_forbidden() -> None:
    with Standin("groq") as server:
        server.raw(error('{"name": "get_something", "arguments": {"name": "x"}}'), status=400)
        with pytest.raises(InvalidRequest, match="refuses the tool call"):
            ask(server, request=Request(ASK.messages, ASK.tools, "none"))


def test_a_refusal_within_a_stream_keeps_what_was_said_before_it() -> None:
    chunk = json.dumps({"choices": [{"index": 0, "delta": {"content": "I look. "}}]})
    refused = error('{"name": "get_something", "arguments": {"name": "x"}}').decode()
    with Standin("groq") as server:
        server.raw(f"data: {chunk}\n\nevent: error\ndata: {refused}\n\n".encode())
        said, reply = ask(server, streamed=True)
    assert said == reply.message.text == "I look. "
    assert [c.name for c in reply.message.calls] == ["get_something"]


@pytest.mark.skipif(not RECORDED.exists(), reason="the shared recordings are not beside this folder")
def test_groqs_recorded_refusal_tells_what_is_wrong() -> None:
    recorded = yaml.safe_load(RECORDED.read_text(encoding="utf-8"))["interactions"][0]
    tool = json.loads(recorded["request"]["body"])["tools"][0]["function"]
    request = Request(ASK.messages, (ToolSpec(tool["name"], "Get it.", tool["parameters"]),))
    with Standin("groq") as server:
        server.raw(recorded["response"]["body"]["string"].encode(), status=400)
        with pytest.raises(InvalidRequest, match="refuses the tool call") as caught:
            ask(server, request=request)
    broken = caught.value.received.broken_calls[0]
    assert broken.name == "get_something_by_name"
    assert "name: is missing; expected a string." in broken.fault
    assert "foo: there is no such key; the keys are: name." in broken.fault
