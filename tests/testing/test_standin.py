"""The stand-in, asked over real sockets by the clients that people use."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dashscope
import httpx2
import ollama
import openai
import pytest
from dashscope.v2.errors import APIStatusError

from agentsdk import connect
from agentsdk.errors import ConnectionLost, ModelError, QuotaExhausted
from agentsdk.messages import Message
from agentsdk.models.model import Reply, Request
from agentsdk.testing.standin import DIALECTS, FLAVOURS, QUIRKS, Asked, Exchange, Line, Standin
from agentsdk.testing.standin.scriptfile import fill, read_script

HI: Any = [{"role": "user", "content": "Hi there"}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS: Any = [{"type": "function", "function": {"name": "add", "description": "Add.", "parameters": SCHEMA}}]
FLAT: Any = [{"type": "function", "name": "add", "description": "Add.", "parameters": SCHEMA, "strict": False}]


CLIENTS = contextlib.ExitStack()
"""What a test has opened; closed when it ends."""


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    CLIENTS.close()


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def openai_client(server: Standin, flavour: str = "") -> openai.OpenAI:
    client = openai.OpenAI(base_url=server.url("openai", flavour=flavour), api_key="sk-x", max_retries=0)
    return CLIENTS.enter_context(client)


def ollama_client(server: Standin) -> ollama.Client:
    client = ollama.Client(server.url("ollama"))
    CLIENTS.callback(client._client.close)
    return client


def dashscope_client(server: Standin) -> Any:
    client = dashscope.Client(base_url=server.url("dashscope"), api_key="sk-x", max_retries=0, workspace="w")
    CLIENTS.callback(client.close)
    return client


def post(server: Standin, path: str, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return what is answered to a bare request."""
    where = urlsplit(server.url("ollama"))
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, raw, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data


def get(server: Standin, path: str) -> Any:
    where = urlsplit(server.url("ollama"))
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data.startswith(b"{") else data.decode()


# What the official clients read.


def test_the_openai_client_reads_chat_completions(server: Standin) -> None:
    server.calls(("add", {"a": 1}), ("add", {"a": 2}), reasoning="Hmm.").say("Two.").usage(
        input=9, output=4, cached=3, reasoning=2
    )
    client = openai_client(server)
    first = client.chat.completions.create(model="gpt-4o", messages=HI, tools=TOOLS)
    assert [
        c.function.arguments for c in first.choices[0].message.tool_calls or [] if c.type == "function"
    ] == [
        '{"a": 1}',
        '{"a": 2}',
    ]
    assert first.choices[0].finish_reason == "tool_calls"
    second = client.chat.completions.create(model="gpt-4o", messages=HI)
    assert second.choices[0].message.content == "Two."
    usage = second.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (9, 4, 13)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 3
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 2


@pytest.mark.parametrize("flavour", sorted(FLAVOURS))
def test_the_openai_client_reads_the_stream_of_each_server(server: Standin, flavour: str) -> None:
    client = openai_client(server, flavour)
    server.say("One and one is two.", reasoning="Let me think of it.")
    server.calls(("add", {"a": 123456789012}), ("add", {"a": 2}))
    text = thoughts = ""
    calls: dict[int, list[str]] = {}
    for turn in range(2):
        stream = client.chat.completions.create(
            model="m", messages=HI, tools=TOOLS, stream=True, stream_options={"include_usage": True}
        )
        usage = None
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                thoughts += getattr(choice.delta, FLAVOURS[flavour].reasoning, "") or ""
                for piece in choice.delta.tool_calls or ():
                    call = calls.setdefault(piece.index, ["", "", ""])
                    assert piece.function is not None
                    call[0] = piece.id or call[0]
                    call[1] += piece.function.name or ""
                    call[2] += piece.function.arguments or ""
        assert usage is not None
        assert usage.completion_tokens > 0
        assert turn or not calls
    assert (text, thoughts) == ("One and one is two.", "Let me think of it.")
    assert list(calls.values()) == [
        ["call_standin_1", "add", '{"a": 123456789012}'],
        ["call_standin_2", "add", '{"a": 2}'],
    ]


@pytest.mark.parametrize("flavour", sorted(FLAVOURS))
def test_the_openai_client_reads_the_whole_answer_of_each_server(server: Standin, flavour: str) -> None:
    client = openai_client(server, flavour)
    server.calls(("add", {"a": 1}), reasoning="Think.")
    message = client.chat.completions.create(model="m", messages=HI, tools=TOOLS).choices[0].message
    assert message.tool_calls
    assert message.tool_calls[0].type == "function"
    assert message.tool_calls[0].function.arguments == '{"a": 1}'
    assert getattr(message, FLAVOURS[flavour].reasoning) == "Think."
    assert not message.content


def test_the_openai_client_reads_responses_whole_and_streamed(server: Standin) -> None:
    client = openai_client(server)
    for _way in range(2):
        server.calls(("add", {"a": 1}), ("add", {"a": 2}), text="Let me add.", reasoning="They want a sum.")
    asked: Any = {
        "model": "gpt-5-mini",
        "input": "1+1?",
        "tools": FLAT,
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    whole = client.responses.create(**asked)
    kinds: list[str] = []
    numbers: list[int] = []
    streamed = None
    for event in client.responses.create(**asked, stream=True):
        kinds.append(event.type)
        numbers.append(event.sequence_number)
        if event.type == "response.completed":
            streamed = event.response
    assert streamed is not None
    for response in (whole, streamed):
        assert [item.type for item in response.output] == [
            "reasoning",
            "message",
            "function_call",
            "function_call",
        ]
        assert response.output_text == "Let me add."
        assert response.output[0].type == "reasoning"
        assert response.output[0].encrypted_content == "encrypted-by-the-stand-in"
        assert response.output[0].summary[0].text == "They want a sum."
        assert response.usage is not None
        assert response.usage.output_tokens_details.reasoning_tokens == 4
    assert numbers == list(range(len(numbers)))
    for kind in (
        "created", "in_progress", "output_item.added", "output_item.done", "content_part.added", "content_part.done",
        "output_text.delta", "output_text.done", "function_call_arguments.delta", "function_call_arguments.done",
        "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done",
        "reasoning_summary_part.done", "completed",
    ):  # fmt: skip
        assert f"response.{kind}" in kinds


def test_the_pieces_of_a_responses_stream_make_its_items(server: Standin) -> None:
    server.calls(
        ("add", {"a": 123456789012}), text="A text of some length.", reasoning="Thoughts of some length."
    )
    with openai_client(server).responses.stream(
        model="gpt-5-mini", input="1+1?", reasoning={"summary": "auto"}
    ) as stream:
        said = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert said == final.output_text == "A text of some length."
    assert [i.arguments for i in final.output if i.type == "function_call"] == ['{"a": 123456789012}']


def test_a_responses_answer_can_be_incomplete_and_can_fail(server: Standin) -> None:
    client = openai_client(server)
    server.say("Half of", finish="length").calls(("add", '{"a": '), finish="length").say("All of it.").fail(
        4, code="server_error", message="Sorry."
    )
    cut = client.responses.create(model="gpt-5", input="x", max_output_tokens=16)
    assert cut.status == "incomplete"
    assert cut.incomplete_details is not None
    assert cut.incomplete_details.reason == "max_output_tokens"
    call = client.responses.create(model="gpt-5", input="x", tools=FLAT).output[0]
    assert call.type == "function_call"
    assert (call.status, call.arguments) == ("incomplete", '{"a": ')
    with pytest.raises(openai.APIError, match="Sorry"):
        list(client.responses.create(model="gpt-5", input="x", stream=True))


def test_the_ollama_client_reads_chat_whole_and_streamed(server: Standin) -> None:
    client = ollama_client(server)
    for _way in range(2):
        server.calls(("add", {"a": 1}), ("add", {"a": 2}), text="Adding it.", reasoning="A sum.")
    whole = client.chat("llama3.1", messages=HI, tools=TOOLS, think=True)
    assert [c.function.arguments for c in whole.message.tool_calls or ()] == [{"a": 1}, {"a": 2}]
    assert (whole.message.content, whole.message.thinking, whole.done_reason) == (
        "Adding it.",
        "A sum.",
        "stop",
    )
    parts = list(client.chat("llama3.1", messages=HI, tools=TOOLS, think=True, stream=True))
    assert "".join(p.message.content or "" for p in parts) == "Adding it."
    assert "".join(p.message.thinking or "" for p in parts) == "A sum."
    assert [c.function.name for p in parts for c in p.message.tool_calls or ()] == ["add", "add"]
    assert parts[-1].eval_count == whole.eval_count


def test_the_dashscope_client_reads_both_paths_whole_and_streamed(server: Standin) -> None:
    client = dashscope_client(server)
    for _way in range(2):
        server.calls(("add", {"a": 123456789012}), text="Adding.")
    whole = client.chat.completions.create(model="qwen-plus", messages=HI, tools=TOOLS)
    assert whole.choices[0].message.content == "Adding."
    assert whole.choices[0].message.tool_calls[0].function.arguments == '{"a": 123456789012}'
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.usage.input_tokens > 0
    said = arguments = ""
    for chunk in client.chat.completions.create(model="qwen-plus", messages=HI, tools=TOOLS, stream=True):
        delta = chunk.choices[0].delta
        said += delta.content or ""
        arguments += "".join(c.function.arguments or "" for c in delta.tool_calls or ())
    assert (said, arguments) == ("Adding.", '{"a": 123456789012}')
    picture = [{"role": "user", "content": [{"image": "http://x/a.png"}, {"text": "What is it?"}]}]
    server.say("A cat.")
    seen = client.multimodal.chat.create(model="qwen-vl-plus", messages=picture)
    assert seen.choices[0].message.content == "A cat." or seen.choices[0].message.content[0]["text"] == "A cat."
    assert server.requests[-1].path.split("/")[-2] == "multimodal-generation"


def test_dashscope_without_incremental_output_says_all_again_each_time(server: Standin) -> None:
    server.calls(
        ("add", {"a": 123456789012}), text="One, two, three, four, five.", reasoning="Counting it all."
    )
    body = {
        "model": "qwen-plus",
        "input": {"messages": HI},
        "parameters": {"result_format": "message", "tools": TOOLS},
    }
    path = "/api/v1/services/aigc/text-generation/generation"
    _status, _headers, data = post(server, path, body, **{"X-DashScope-SSE": "enable"})
    frames = [json.loads(line[5:]) for line in data.decode().splitlines() if line.startswith("data:")]
    messages = [f["output"]["choices"][0]["message"] for f in frames]
    assert all(b["content"].startswith(a["content"]) for a, b in zip(messages, messages[1:], strict=False))
    assert messages[-1]["content"] == "One, two, three, four, five."
    assert messages[-1]["reasoning_content"] == "Counting it all."
    assert messages[-1]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 123456789012}'}
    outs = [f["usage"]["output_tokens"] for f in frames]
    assert outs == sorted(outs)


def test_a_call_streamed_by_dashscope_is_named_once_and_goes_on_without_an_id(server: Standin) -> None:
    server.calls(("add", {"a": 123456789012}))
    parameters = {"result_format": "message", "incremental_output": True, "tools": TOOLS}
    body = {"model": "qwen-plus", "input": {"messages": HI}, "parameters": parameters}
    path = "/api/v1/services/aigc/text-generation/generation"
    _status, _headers, data = post(server, path, body, **{"X-DashScope-SSE": "enable"})
    frames = [json.loads(line[5:]) for line in data.decode().splitlines() if line.startswith("data:")]
    choices = [f["output"]["choices"][0] for f in frames]
    pieces = [c["message"]["tool_calls"][0] for c in choices]
    assert [p["id"] for p in pieces] == ["call_standin_1", *[""] * (len(pieces) - 1)]
    assert ["name" in p["function"] for p in pieces] == [True, *[False] * (len(pieces) - 1)]
    assert pieces[-1]["function"] == {}
    assert [c["finish_reason"] for c in choices] == [*["null"] * (len(pieces) - 1), "tool_calls"]


def test_dashscope_in_its_older_form_answers_a_bare_text(server: Standin) -> None:
    server.say("Hello.")
    body = {"model": "qwen-turbo", "input": {"prompt": "Hi"}, "parameters": {}}
    _status, _headers, data = post(server, "/api/v1/services/aigc/text-generation/generation", body)
    assert json.loads(data)["output"] == {"finish_reason": "stop", "text": "Hello."}
    assert server.requests[0].last == "Hi"


def replies(name: str, url: str, request: Request) -> tuple[Reply, Reply]:
    """Return what our adapter makes of two answers, whole and streamed."""
    model = connect(name, base_url=url, api_key="sk-x", retries=0)

    async def both() -> tuple[Reply, Reply]:
        whole = await model.complete(request)
        last = None
        async for piece in model.stream(request):
            last = piece
        assert isinstance(last, Reply)
        return whole, last

    return asyncio.run(both())


@pytest.mark.parametrize("flavour", sorted(FLAVOURS))
def test_our_adapter_reads_each_server_alike_whole_and_streamed(server: Standin, flavour: str) -> None:
    server.say("It is two.", reasoning="Let me see.", times=2)
    ask = Request((Message("user", "1+1?"),))
    whole, streamed = replies("openai:m", server.url("openai", flavour=flavour), ask)
    for reply in (whole, streamed):
        assert (reply.message.text, reply.message.reasoning) == ("It is two.", "Let me see.")
        assert reply.usage.input_tokens > 0
        assert reply.usage.output_tokens > 0


# What is asked, and what is kept of it.


def test_what_was_asked_is_kept_without_its_keys(server: Standin) -> None:
    server.say("ok")
    before = time.monotonic()
    openai_client(server).chat.completions.create(
        model="gpt-4o", messages=HI, tools=TOOLS, tool_choice={"type": "function", "function": {"name": "add"}}
    )
    (asked,) = server.requests
    assert (asked.method, asked.path, asked.protocol, asked.streamed) == (
        "POST",
        "/v1/chat/completions",
        "chat",
        False,
    )
    assert before <= asked.at <= time.monotonic()
    assert asked.body["messages"] == HI
    assert "authorization" not in asked.headers
    assert asked.headers["content-type"] == "application/json"
    assert "sk-x" not in repr(asked)
    assert (asked.model, asked.last, asked.tool_choice) == ("gpt-4o", "Hi there", "add")
    assert asked.tools == {"add": SCHEMA}


@pytest.mark.parametrize("protocol", ["chat", "responses", "ollama", "dashscope"])
def test_a_request_reads_the_same_in_each_protocol(server: Standin, protocol: str) -> None:
    server.say("{}")
    if protocol == "chat":
        body: Any = {
            "model": "m",
            "messages": HI,
            "tools": TOOLS,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
        }
        path = "/v1/chat/completions"
    elif protocol == "responses":
        body = {
            "model": "m",
            "input": HI,
            "tools": FLAT,
            "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}},
        }
        path = "/v1/responses"
    elif protocol == "ollama":
        body, path = (
            {"model": "m", "messages": HI, "tools": TOOLS, "format": SCHEMA, "stream": False},
            "/api/chat",
        )
    else:
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
        parameters = {"tools": TOOLS, "response_format": form, "result_format": "message"}
        body = {"model": "m", "input": {"messages": HI}, "parameters": parameters}
        path = "/api/v1/services/aigc/text-generation/generation"
    assert post(server, path, body)[0] == 200
    (asked,) = server.requests
    assert (asked.protocol, asked.model, asked.last, asked.tool_choice) == (protocol, "m", "Hi there", "auto")
    assert asked.tools == {"add": SCHEMA}
    assert asked.output_schema == SCHEMA


def test_tokens_follow_what_is_sent_and_are_the_same_each_time(server: Standin) -> None:
    client = openai_client(server)

    def counted(messages: Any, **more: Any) -> tuple[int, int]:
        server.say("Four.")
        usage = client.chat.completions.create(model="m", messages=messages, **more).usage
        assert usage is not None
        return usage.prompt_tokens, usage.completion_tokens

    short = counted(HI)
    assert counted(HI) == short
    assert counted([*HI, {"role": "assistant", "content": "x" * 400}, *HI])[0] >= short[0] + 100
    assert counted(HI, tools=TOOLS)[0] > short[0]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    assert counted([{"role": "user", "content": [picture]}])[0] < 1000


# What is answered.


def test_a_function_answers_from_the_request_and_may_leave_it_to_others(server: Standin) -> None:
    def write(asked: Asked) -> Line | str | None:
        if "add" in asked.tools:
            return Line(calls=[("add", {"a": len(asked.last)})])
        return f"You said {asked.last}." if asked.last != "pass" else None

    server.answer(write).say("From the row.")
    client = openai_client(server)

    def say(text: str, **more: Any) -> Any:
        asked: Any = [{"role": "user", "content": text}]
        return client.chat.completions.create(model="m", messages=asked, **more).choices[0].message

    assert say("hello").content == "You said hello."
    assert say("hello", tools=TOOLS).tool_calls[0].function.arguments == '{"a": 5}'
    assert say("pass").content == "From the row."


def test_rules_go_before_the_row_and_may_end(server: Standin) -> None:
    server.say("row").say("weather", when="rain", times=1).say("long", when=lambda asked: len(asked.last) > 20)
    client = openai_client(server)

    def say(text: str) -> str | None:
        asked: Any = [{"role": "user", "content": text}]
        return client.chat.completions.create(model="m", messages=asked).choices[0].message.content

    assert say("will it rain in the afternoon") == "weather"
    assert say("will it rain in the afternoon") == "long"
    assert say("rain") == "row"
    assert server.left == 0
    with pytest.raises(
        openai.InternalServerError, match=r"nothing left to say to: 'rain'. Add say\(...\) or call"
    ):
        say("rain")


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_a_call_written_as_text_is_text_on_the_wire(server: Standin, dialect: str) -> None:
    server.text_call(dialect, "add", a=1)
    message = openai_client(server).chat.completions.create(model="m", messages=HI).choices[0].message
    assert message.tool_calls is None
    assert "add" in (message.content or "")
    assert "1" in (message.content or "")


def test_groq_refuses_what_its_own_model_wrote(server: Standin) -> None:
    client = openai_client(server, "groq")
    server.calls(("multiply", {"a": 1})).calls(("add", {"b": 1})).calls(("add", {"b": 1}), text="So")
    for why in ("not in request.tools", "missing properties: 'a'"):
        with pytest.raises(openai.BadRequestError, match=why) as error:
            client.chat.completions.create(model="m", messages=HI, tools=TOOLS)
        assert isinstance(error.value.body, dict)
        assert error.value.body["code"] == "tool_use_failed"
        assert json.loads(error.value.body["failed_generation"])["name"] in ("multiply", "add")
    with pytest.raises(openai.APIError, match="missing properties"):
        list(client.chat.completions.create(model="m", messages=HI, tools=TOOLS, stream=True))


def chat_events(server: Standin, *, flavour: str = "") -> list[Any]:
    path = f"{FLAVOURS[flavour].prefix if flavour else ''}/v1/chat/completions"
    _status, _headers, data = post(server, path, {"model": "m", "messages": HI, "tools": TOOLS, "stream": True})
    return [json.loads(p[6:]) for p in data.decode().replace("\r", "").split("\n\n") if p.startswith("data: {")]


def call_pieces(server: Standin) -> list[Any]:
    deltas = [e["choices"][0]["delta"] for e in chat_events(server) if e["choices"]]
    return [piece for d in deltas for piece in d.get("tool_calls", ())]


def test_the_habits_of_streamed_calls_show_on_the_wire(server: Standin) -> None:
    two = (("add", {"a": 123456789012}), ("add", {"a": 2}))
    server.calls(*two).quirk("empty_ids")
    assert {p["id"] for p in call_pieces(server)} == {"call_standin_1", "", "call_standin_2"}
    server.calls(*two).quirk("no_index")
    assert not any("index" in p for p in call_pieces(server))
    server.calls(*two).quirk("one_index")
    pieces = call_pieces(server)
    assert {p["index"] for p in pieces} == {0}
    assert {p["id"] for p in pieces if "id" in p} == {"call_standin_1", "call_standin_2"}
    server.calls(*two).quirk("same_ids")
    assert {p["id"] for p in call_pieces(server) if "id" in p} == {"call_standin_1"}
    server.calls(*two).quirk("no_ids")
    assert not any("id" in p for p in call_pieces(server))
    server.calls(*two).quirk("repeated_names")
    assert {p["function"].get("name") for p in call_pieces(server)} == {"add"}
    server.calls(*two).quirk("whole_calls")
    assert [p["function"]["arguments"] for p in call_pieces(server)] == ['{"a": 123456789012}', '{"a": 2}']
    server.calls(*two).quirk("object_arguments")
    assert [p["function"]["arguments"] for p in call_pieces(server)] == [{"a": 123456789012}, {"a": 2}]


def test_the_habits_of_streams_show_on_the_wire(server: Standin) -> None:
    def raw(*quirks: str, **said: Any) -> str:
        server.say(said.pop("text", "Hello there."), quirks=quirks, **said)
        body = {"model": "m", "messages": HI, "stream": True, "stream_options": {"include_usage": True}}
        return post(server, "/v1/chat/completions", body)[2].decode()

    plain = raw()
    assert "[DONE]" in plain
    assert '"total_tokens"' in plain
    assert '"finish_reason":"stop"' in plain
    assert "[DONE]" not in raw("no_done")
    assert '"total_tokens"' not in raw("no_usage")
    assert '"finish_reason":"stop"' not in raw("no_finish")
    assert '"role":null' in raw("null_role")
    assert raw("comments").startswith(": ")
    assert raw("carriage_returns").replace("\r\n", "\n") == plain
    assert '"choices":[{' not in raw("no_choices")
    assert "<think>" in raw("think_tags", reasoning="Hm.", pieces=99)
    orphan = raw("orphan_think", reasoning="Hm.", pieces=99)
    assert "</think>" in orphan
    assert "<think>" not in orphan
    server.calls(("add", {"a": 1})).quirk("stop_finish")
    assert chat_events(server)[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_habits_of_ollama_show_on_the_wire(server: Standin) -> None:
    def calls(quirk: str) -> list[Any]:
        server.calls(("add", {"a": 1}), ("add", {"a": 2})).quirk(quirk)
        data = post(server, "/api/chat", {"model": "m", "messages": HI, "tools": TOOLS})[2]
        lines = [json.loads(line) for line in data.splitlines()]
        return [c for line in lines for c in line["message"].get("tool_calls", ())]

    assert [c["function"]["index"] for c in calls("one_index")] == [0, 0]
    assert not any("index" in c["function"] for c in calls("no_index"))
    assert not any("id" in c for c in calls("no_ids"))
    assert [c["function"]["arguments"] for c in calls("text_arguments")] == ['{"a": 1}', '{"a": 2}']


def test_each_habit_has_an_effect_somewhere(server: Standin) -> None:
    # A name in the table that changes no byte in any protocol would be a promise not kept.
    asked = {
        "/v1/chat/completions": {
            "model": "m",
            "messages": HI,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        "/api/chat": {"model": "m", "messages": HI},
    }

    def said(*quirks: str) -> list[bytes]:
        out = []
        for path, body in asked.items():
            server.calls(("add", {"a": 123456789012}), ("b", {}), text="Hi.", reasoning="Hm.", quirks=quirks)
            out.append(post(server, path, body)[2])
        return out

    plain = said()
    for quirk in QUIRKS:
        assert said(quirk) != plain, quirk


def test_a_habit_that_nobody_knows_is_named(server: Standin) -> None:
    with pytest.raises(ValueError, match=r"No quirk is called no_indices. There are: carriage_returns, "):
        server.say("x", quirks=("no_indices",))
    with pytest.raises(ValueError, match="No dialect is called 'latin'"):
        server.text_call("latin", "add")
    with pytest.raises(ValueError, match=r"No server is called 'lm-studio'. There are: openai, lmstudio"):
        Standin("lm-studio")
    with pytest.raises(ValueError, match="No fault is called 'earthquake'"):
        server.fault("earthquake")


# Faults.


def test_a_stream_is_cut_after_events_and_after_bytes_in_three_ways(server: Standin) -> None:
    def read() -> tuple[bytes, type[Exception] | None]:
        url = server.url("openai") + "/chat/completions"
        got = b""
        try:
            with httpx2.stream("POST", url, json={"model": "m", "messages": HI, "stream": True}) as answer:
                for piece in answer.iter_raw():
                    got += piece
        except httpx2.TransportError as error:
            return got, type(error)
        return got, None

    server.say("A text of some more words.").cut(after=2)
    got, error = read()
    assert got.count(b"data: ") == 2
    assert error is httpx2.RemoteProtocolError
    server.say("A text of some more words.").cut(bytes=100)
    got, error = read()
    assert len(got) == 100
    assert error is httpx2.RemoteProtocolError
    server.say("A text of some more words.").cut(after=2, how="reset")
    assert read()[1] is httpx2.ReadError
    server.say("A text of some more words.").cut(after=2, how="clean")
    got, error = read()
    assert (got.count(b"data: "), error) == (2, None)


def test_a_whole_answer_is_cut_too(server: Standin) -> None:
    server.say("A text.").cut(bytes=20).say("A text.").cut(after=0)
    with pytest.raises(openai.APIConnectionError):
        openai_client(server).chat.completions.create(model="m", messages=HI)
    with pytest.raises(openai.APIConnectionError):
        openai_client(server).chat.completions.create(model="m", messages=HI)


def test_an_error_in_the_middle_of_a_stream_has_the_form_of_its_protocol(server: Standin) -> None:
    server.say("Some text to begin with.").fail(2, code="overloaded", message="No more.")
    with pytest.raises(openai.APIError, match=r"No more\."):
        list(openai_client(server).chat.completions.create(model="m", messages=HI, stream=True))
    server.say("Some text to begin with.").fail(1, message="No more.")
    with pytest.raises(ollama.ResponseError, match=r"No more\."):
        list(ollama_client(server).chat("m", messages=HI, stream=True))
    server.say("Some text to begin with.").fail(1, code="DataInspectionFailed", message="No more.")
    with pytest.raises(Exception, match=r"No more\."):
        list(dashscope_client(server).chat.completions.create(model="m", messages=HI, stream=True))


def test_a_status_with_retry_after_and_a_fault_by_name_are_told_as_the_provider_would(server: Standin) -> None:
    server.fault(429, code="insufficient_quota", retry_after=7).fault("401")
    with pytest.raises(openai.RateLimitError) as error:
        openai_client(server).chat.completions.create(model="m", messages=HI)
    assert error.value.response.headers["retry-after"] == "7"
    assert error.value.code == "insufficient_quota"
    assert error.value.request_id == "req-standin"
    with pytest.raises(openai.AuthenticationError):
        openai_client(server).chat.completions.create(model="m", messages=HI)
    server.fault(400, code="InvalidParameter", message="Wrong.")
    with pytest.raises(APIStatusError) as refused:
        dashscope_client(server).chat.completions.create(model="m", messages=HI)
    assert refused.value.code == "InvalidParameter"
    server.fault(429, code="insufficient_quota")
    model = connect("openai:m", base_url=server.url("openai"), retries=0)
    with pytest.raises(QuotaExhausted):
        asyncio.run(model.complete(Request((Message("user", "x"),))))


def test_a_fault_of_ones_own_has_the_socket(server: Standin) -> None:
    def half(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": "1000"})
        exchange.write(exchange.whole(Line("Half of this."))[:40])
        exchange.reset()

    server.fault(half).fault(half, when="again", times=1).say("Whole.")
    client = openai_client(server)
    for asked in ("first", "again"):
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": asked}])
    assert client.chat.completions.create(model="m", messages=HI).choices[0].message.content == "Whole."


def test_raw_bytes_are_sent_as_they_are(server: Standin) -> None:
    server.raw(b"<html>", status=502, content_type="text/html", headers={"X-Where": "proxy"})
    status, headers, data = post(server, "/v1/chat/completions", {"model": "m", "messages": HI})
    assert (status, data) == (502, b"<html>")
    assert (headers["content-type"], headers["x-where"]) == ("text/html", "proxy")


def test_a_slow_answer_waits_before_its_events(server: Standin) -> None:
    # At least so long, and far below what a wait before each of the 200 events would take.
    server.say("A text in pieces.", pieces=4).slow(0.05).say("x" * 200, pieces=1).slow(0.2, every=100)
    server.say("A text.").slow(first=0.15)
    client = openai_client(server)
    took = []
    for _turn in range(3):
        began = time.monotonic()
        list(client.chat.completions.create(model="m", messages=HI, stream=True))
        took.append(time.monotonic() - began)
    assert took[0] >= 0.3
    assert 0.4 <= took[1] < 20
    assert took[2] >= 0.15


def test_a_torn_stream_is_the_same_in_pieces_of_any_size(server: Standin) -> None:
    server.say("Zwei — 二 — two.", reasoning="数える").torn(1).say("Zwei — 二 — two.", reasoning="数える").torn(
        7
    )
    url = server.url("openai") + "/chat/completions"
    pieces = []
    for _size in range(2):
        with httpx2.stream("POST", url, json={"model": "m", "messages": HI, "stream": True}) as answer:
            pieces.append(b"".join(answer.iter_raw()))
    assert pieces[0] == pieces[1]
    server.say("Zwei — 二 — two.").torn(1)
    stream = openai_client(server).chat.completions.create(model="m", messages=HI, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in stream) == "Zwei — 二 — two."


def test_what_is_changed_of_a_function_is_changed_of_all_its_answers(server: Standin) -> None:
    server.answer(lambda asked: asked.last).usage(input=77).quirk("stop_finish")
    for _turn in range(2):
        usage = openai_client(server).chat.completions.create(model="m", messages=HI).usage
        assert usage is not None
        assert usage.prompt_tokens == 77


# Sockets and threads.


def threads() -> int:
    return sum(t.name.startswith(("standin", "Thread-")) for t in threading.enumerate())


def test_closing_ends_what_is_slow_and_leaves_no_thread() -> None:
    before = threads()
    with Standin() as server:
        server.say("Never.").slow(600).say("Never.").slow(first=600).fault("silence")
        waiting = []
        for _number in range(3):
            where = urlsplit(server.url("openai"))
            connection = http.client.HTTPConnection(where.netloc, timeout=30)
            body = json.dumps({"model": "m", "messages": HI, "stream": True})
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            waiting.append(connection)
        while len(server.requests) < 3:
            time.sleep(0.005)
        assert server.open_sockets == 3
        began = time.monotonic()
    assert time.monotonic() - began < 8
    assert threads() == before
    for connection in waiting:
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse().read()
        connection.close()


def test_closing_ends_a_slow_answer_behind_which_the_next_request_waits() -> None:
    with Standin() as server:
        server.say("Never.").slow(600)
        where = urlsplit(server.url("openai"))
        with socket.create_connection((where.hostname, where.port)) as connection:
            body = json.dumps({"model": "m", "messages": HI, "stream": True}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            while not server.requests:
                time.sleep(0.005)
            connection.sendall(head.encode() + body)
            time.sleep(0.05)
            began = time.monotonic()
            server.close()
            assert time.monotonic() - began < 8


def test_a_client_that_goes_away_ends_its_slow_answer(server: Standin) -> None:
    server.say("Never.").slow(600).say("x" * 5_000_000, pieces=1000)
    for _number in range(2):  # once while it waits, once while it writes to somebody who does not read
        where = urlsplit(server.url("openai"))
        with socket.create_connection((where.hostname, where.port)) as connection:
            body = json.dumps({"model": "m", "messages": HI, "stream": True}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.recv(100)
        assert server.all_closed(5)
    assert server.connections == 2


def test_a_connection_is_kept_alive_and_counted(server: Standin) -> None:
    server.say("One.").say("Two.").say("Three.")
    where = urlsplit(server.url("ollama"))
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    for stream in (False, True, False):
        body = json.dumps({"model": "m", "messages": HI, "stream": stream})
        connection.request("POST", "/api/chat", body, {"Content-Type": "application/json"})
        assert connection.getresponse().read()
    assert (server.connections, server.open_sockets) == (1, 1)
    assert not server.all_closed(0.01)
    connection.close()
    assert server.all_closed()
    assert server.open_sockets == 0


def test_a_body_in_chunks_is_read(server: Standin) -> None:
    server.say("Hello.")
    where = urlsplit(server.url("ollama"))
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    raw = json.dumps({"model": "m", "messages": HI, "stream": False}).encode()
    pieces = iter([raw[:10], raw[10:]])
    connection.request("POST", "/api/chat", pieces, {"Content-Type": "application/json"}, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["message"]["content"] == "Hello."
    connection.close()


def test_sixty_streams_at_once_do_not_mix() -> None:
    async def one(client: openai.AsyncOpenAI, number: int) -> str:
        messages: Any = [{"role": "user", "content": f"number {number}"}]
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream])

    async def all_of_them() -> list[str]:
        async with Standin() as server:
            server.answer(lambda asked: Line(f"{asked.last} " * 20, slow=0.001))
            client = openai.AsyncOpenAI(base_url=server.url("openai"), api_key="x")
            async with client:
                said = await asyncio.gather(*(one(client, n) for n in range(60)))
            assert await asyncio.to_thread(server.all_closed)
            return list(said)

    assert asyncio.run(all_of_them()) == [f"number {n} " * 20 for n in range(60)]


def test_a_server_that_was_never_started_closes() -> None:
    Standin().close()
    with Standin() as server:
        server.close()
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()


# What it serves.


def test_probes_tell_what_was_said_of_the_models() -> None:
    with Standin() as server:
        server.model("llama3.1:8b", vision=True, context=8192, loaded=4096, family="llama").model(
            "qwen3", thinking=True
        )
        client = ollama_client(server)
        assert [m.model for m in client.list().models] == ["llama3.1:8b", "qwen3:latest"]
        shown = client.show("llama3.1:8b")
        assert shown.capabilities == ["completion", "tools", "vision"]
        assert (shown.modelinfo or {})["llama.context_length"] == 8192
        assert "num_ctx                        4096" in (shown.parameters or "")
        assert client.show("qwen3").capabilities == ["completion", "tools", "thinking"]
        assert [m.context_length for m in client.ps().models] == [4096, 131072]
        with pytest.raises(ollama.ResponseError, match="model 'phi4' not found"):
            client.show("phi4")
        assert get(server, "/api/version") == (200, {"version": "0.17.1"})
        assert get(server, "/")[1] == "Ollama is running"
        assert [m.id for m in openai_client(server).models.list()] == ["llama3.1:8b", "qwen3"]


@pytest.mark.parametrize(
    ("flavour", "path", "found"),
    [
        ("lmstudio", "/api/v0/models", ("data", 0, "loaded_context_length")),
        ("vllm", "/v1/models", ("data", 0, "max_model_len")),
        ("llamacpp", "/props", ("default_generation_settings", "n_ctx")),
    ],
)
def test_each_server_tells_its_window_in_its_own_place(flavour: str, path: str, found: tuple[Any, ...]) -> None:
    with Standin(flavour) as server:
        server.model("m", context=9000, loaded=5000, vision=True)
        status, told = get(server, path)
        assert status == 200
        for step in found:
            told = told[step]
        assert told == 5000
        assert get(server, "/api/tags")[0] == 404


def test_our_discovery_finds_each_server() -> None:
    from agentsdk.models.discover import discover

    for flavour in ("vllm", "lmstudio", "llamacpp"):
        with Standin(flavour) as server:
            server.model("m", context=9000)
            report = asyncio.run(discover(2.0, base_url=server.url("openai")))
            assert flavour in [s.kind for s in report.servers]


def test_an_unknown_path_says_which_there_are(server: Standin) -> None:
    status, _headers, data = post(server, "/v1/completions", {"model": "m"})
    assert status == 404
    said = json.loads(data)["error"]["message"]
    assert said.startswith("The stand-in has nothing at POST /v1/completions. There are: ")
    assert "/v1/chat/completions" in said
    assert "/api/show" in said
    assert get(server, "/v1/chat/completions")[0] == 404


def test_a_model_that_is_not_served_is_refused_as_the_provider_would(server: Standin) -> None:
    server.model("qwen-plus")
    with pytest.raises(
        openai.NotFoundError, match="The model `gpt-9` does not exist or you do not have access"
    ):
        openai_client(server).chat.completions.create(model="gpt-9", messages=HI)
    with pytest.raises(ollama.ResponseError, match="model 'gpt-9' not found"):
        ollama_client(server).chat("gpt-9", messages=HI)
    with pytest.raises(APIStatusError) as error:
        dashscope_client(server).chat.completions.create(model="gpt-9", messages=HI)
    assert (error.value.status_code, error.value.code) == (404, "ModelNotFound")


def test_a_model_without_tools_refuses_them_in_the_words_of_its_server(server: Standin) -> None:
    server.model("m", tools=False)
    with pytest.raises(ollama.ResponseError, match=r"registry.ollama.ai/library/m does not support tools"):
        ollama_client(server).chat("m", messages=HI, tools=TOOLS)
    said = {
        "vllm": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "llamacpp": "tools param requires --jinja flag",
        "ollama": "does not support tools",
    }
    for flavour, words in said.items():
        with pytest.raises(openai.APIStatusError, match=words):
            openai_client(server, flavour).chat.completions.create(model="m", messages=HI, tools=TOOLS)
    with pytest.raises(ollama.ResponseError, match='"m" does not support thinking'):
        ollama_client(server).chat("m", messages=HI, think=True)


def test_servers_refuse_the_forms_that_they_do_not_take(server: Standin) -> None:
    client = openai_client(server, "lmstudio")
    choice: Any = {"type": "function", "function": {"name": "add"}}
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="m", messages=HI, tools=TOOLS, tool_choice=choice)
    said = error.value.response.json()["error"]
    assert said == "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model="m", messages=HI, response_format={"type": "json_object"})
    assert error.value.response.json()["error"] == "'response_format.type' must be 'json_schema'"
    server.model("deep", thinking=True)
    with pytest.raises(openai.BadRequestError, match="Thinking mode does not support this tool_choice"):
        openai_client(server, "deepseek").chat.completions.create(
            model="deep", messages=HI, tools=TOOLS, tool_choice="required"
        )


def test_a_model_refuses_the_parameters_that_it_was_said_to(server: Standin) -> None:
    server.model("gpt-5-mini", refuses=("max_tokens", "temperature")).say("ok")
    client = openai_client(server)
    with pytest.raises(openai.BadRequestError, match="Use 'max_completion_tokens' instead") as error:
        client.chat.completions.create(model="gpt-5-mini", messages=HI, max_tokens=5)
    assert error.value.param == "max_tokens"
    with pytest.raises(openai.BadRequestError, match="'temperature' is not supported with this model"):
        client.chat.completions.create(model="gpt-5-mini", messages=HI, temperature=0)
    assert client.chat.completions.create(model="gpt-5-mini", messages=HI, max_completion_tokens=5)


def test_a_conversation_that_is_too_long_is_refused_in_the_words_of_each_server(server: Standin) -> None:
    server.model("m", context=100)
    long: Any = [{"role": "user", "content": "word " * 400}]
    said = {
        "openai": "maximum context length is 100 tokens",
        "llamacpp": r"request \(\d+ tokens\) exceeds the available context size \(100 tokens\)",
        "vllm": r"maximum context length is 100 tokens. However, you requested \d+ tokens",
        "dashscope": r"Range of input length should be \[1, 100\]",
        "ollama": r"exceeded max context length by \d+ tokens",
    }
    for flavour, words in said.items():
        with pytest.raises(openai.BadRequestError, match=words):
            openai_client(server, flavour).chat.completions.create(model="m", messages=long)
    with pytest.raises(openai.BadRequestError, match="maximum context length is 100 tokens"):
        openai_client(server).responses.create(model="m", input=long)


def test_a_model_of_ollama_that_truncates_drops_the_oldest_messages_in_silence(server: Standin) -> None:
    server.model("m", truncates=True).answer(lambda asked: f"{len(asked.messages)} of it, from {asked.dropped}")
    talk: Any = [{"role": "system", "content": "Be kind."}]
    talk += [{"role": "user", "content": f"{n} " + "word " * 100} for n in range(10)]
    client = ollama_client(server)
    cut = client.chat("m", messages=talk, options={"num_ctx": 400})
    (asked,) = server.requests
    assert asked.dropped > 0
    assert asked.messages[0]["role"] == "system"
    assert asked.messages[-1] == talk[-1]
    assert len(asked.body["messages"]) == 11
    assert cut.prompt_eval_count is not None
    assert cut.prompt_eval_count <= 400
    whole = client.chat("m", messages=talk, options={"num_ctx": 4000})
    assert server.requests[-1].dropped == 0
    assert whole.prompt_eval_count is not None
    assert whole.prompt_eval_count > 400
    one = client.chat("m", messages=[{"role": "user", "content": "word " * 9000}])
    assert one.prompt_eval_count == 4096


def test_ollama_without_messages_only_loads_the_model(server: Standin) -> None:
    server.say("Later.")
    loaded = ollama_client(server).chat("m", messages=[])
    assert (loaded.done_reason, loaded.message.content, server.left) == ("load", "", 1)


def test_a_model_of_dashscope_lives_on_one_path(server: Standin) -> None:
    server.model("qwen-vl", path="multimodal").model("qwen-plus", path="text").say("Seen.").say("Read.")
    client = dashscope_client(server)
    with pytest.raises(APIStatusError, match="url error"):
        client.chat.completions.create(model="qwen-vl", messages=HI)
    parts = [{"role": "user", "content": [{"text": "Hi"}]}]
    assert client.multimodal.chat.create(model="qwen-vl", messages=parts)
    with pytest.raises(APIStatusError, match="url error"):
        client.multimodal.chat.create(model="qwen-plus", messages=parts)
    assert client.chat.completions.create(model="qwen-plus", messages=HI)


# What it refuses.

CALL: Any = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
}
RESULT: Any = {"role": "tool", "tool_call_id": "c1", "content": "2"}
WRONG = [
    ({"model": "m"}, "Missing required parameter: 'messages'", "messages"),
    ({"model": "m", "messages": "Hi"}, "expected an array of objects, but got a string instead", "messages"),
    ({"model": "m", "messages": []}, "empty array", "messages"),
    ({"messages": HI}, "you must provide a model parameter", None),
    ({"model": "m", "messages": [{"role": "robot", "content": "x"}]}, "Invalid value: 'robot'. Supported values", "messages[0].role"),
    ({"model": "m", "messages": ["Hi"]}, "expected an object, but got a string", "messages[0]"),
    ({"model": "m", "messages": [*HI, RESULT]}, "must be a response to a preceeding message", "messages.[1].role"),
    ({"model": "m", "messages": [*HI, CALL, *HI]}, "did not have response messages: c1", "messages.[2].role"),
    ({"model": "m", "messages": [*HI, CALL]}, "did not have response messages: c1", "messages.[2].role"),
    ({"model": "m", "messages": HI, "tool_choice": "required"}, "only allowed when 'tools' are specified", "tool_choice"),
    ({"model": "m", "messages": HI, "tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}}, "Tool choice 'x' not found", "tool_choice"),
    ({"model": "m", "messages": HI, "tools": [{"type": "function", "function": {"name": "a b"}}]}, "does not match pattern", "tools[0].function.name"),
    ({"model": "m", "messages": HI, "tools": [{"type": "function", "function": {"name": "a", "strict": True, "parameters": SCHEMA}}]}, "'additionalProperties' is required", "tools[0].function.parameters"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said", "param"), WRONG)
def test_a_request_that_openai_would_refuse_is_refused_in_its_words(
    server: Standin, body: Any, said: str, param: str | None
) -> None:
    server.say("never")
    status, _headers, data = post(server, "/v1/chat/completions", body)
    error = json.loads(data)["error"]
    assert status == 400
    assert said in error["message"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert server.left == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, 'One of "input" or "previous_response_id"'),
        ([{"type": "function_call_output", "call_id": "c9", "output": "2"}], "No tool call found for function call output with call_id c9"),
        ([{"type": "function_call", "call_id": "c9", "name": "add", "arguments": "{}"}], "No tool output found for function call c9"),
        ([{"type": "reasoning", "id": "rs_1", "summary": []}, {"role": "user", "content": "x"}], "'rs_1' of type 'reasoning' was provided without its required following item"),
        ([{"role": "robot", "content": "x"}], "Invalid value: 'robot'"),
        (7, "expected one of an array of objects or string, but got an integer"),
    ],
)  # fmt: skip
def test_a_responses_request_that_openai_would_refuse_is_refused(
    server: Standin, given: Any, said: str
) -> None:
    status, _headers, data = post(server, "/v1/responses", {"model": "m", "input": given})
    assert status == 400
    assert said in json.loads(data)["error"]["message"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": ""}, "model is required"),
        ({"messages": "Hi"}, "cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "cannot unmarshal array into Go struct field ChatRequest.messages.content of type string"),
        ({"messages": [*HI, CALL]}, "arguments of type api.ToolCallFunctionArguments"),
        ({"messages": [{"role": "user", "content": "x", "images": ["https://x/a.png"]}]}, "illegal base64 data"),
        ({"format": "xml"}, "invalid format"),
    ],
)  # fmt: skip
def test_a_request_that_ollama_would_refuse_is_refused(server: Standin, change: Any, said: str) -> None:
    status, _headers, data = post(server, "/api/chat", {"model": "m", "messages": HI} | change)
    assert status == 400
    assert said in json.loads(data)["error"]


@pytest.mark.parametrize(
    ("messages", "parameters", "said"),
    [
        ([*HI, RESULT], {}, 'must be a response to a preceeding message with "tool_calls"'),
        ([*HI, CALL, *HI], {}, "did not have response messages: message[2].role"),
        ([{"role": "user"}], {}, "content field is a required field"),
        ([{"role": "developer", "content": "x"}], {}, "Role must be in"),
        (HI, {"enable_thinking": True}, "must be set to false for non-streaming calls"),
        (HI, {"tools": TOOLS, "result_format": "text"}, "result_format must be message"),
    ],
)  # fmt: skip
def test_a_request_that_dashscope_would_refuse_is_refused(
    server: Standin, messages: Any, parameters: Any, said: str
) -> None:
    body = {
        "model": "m",
        "input": {"messages": messages},
        "parameters": {"result_format": "message"} | parameters,
    }
    status, _headers, data = post(server, "/api/v1/services/aigc/text-generation/generation", body)
    assert status == 400
    assert json.loads(data)["code"] == "InvalidParameter"
    assert said in json.loads(data)["message"]


def test_what_is_in_order_is_not_refused(server: Standin) -> None:
    server.say("ok", times=3)
    strict = {**SCHEMA, "additionalProperties": False}
    tools = [{"type": "function", "function": {"name": "add", "strict": True, "parameters": strict}}]
    body: Any = {"model": "m", "messages": [*HI, CALL, RESULT, *HI], "tools": tools, "tool_choice": "auto"}
    assert post(server, "/v1/chat/completions", body)[0] == 200
    items = [
        *HI,
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
    ]
    assert post(server, "/v1/responses", {"model": "m", "input": items})[0] == 200
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}],
    }
    body = {"model": "m", "messages": [*HI, call, {"role": "tool", "tool_name": "add", "content": "2"}]}
    assert post(server, "/api/chat", body)[0] == 200


def test_checks_can_be_switched_off() -> None:
    with Standin(check=False) as server:
        server.say("ok")
        assert post(server, "/v1/chat/completions", {"model": "m", "messages": [RESULT]})[0] == 200


def test_a_body_that_is_no_json_is_refused(server: Standin) -> None:
    for raw in (b"{", b"[" * 100_000, b"\xff"):
        status, _headers, data = post(server, "/v1/chat/completions", raw)
        assert status == 400
        assert "JSON" in json.loads(data)["error"]["message"]
    assert post(server, "/api/chat", [1, 2])[0] == 400
    assert post(server, "/v1/responses", b"")[0] == 400


RICH: Any = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:,"}}]},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "2"},
]  # fmt: skip
STRICT = {
    "type": "object",
    "properties": {
        "a": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
    },
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"c": {"type": "object", "additionalProperties": False}},
}
WRAPPED: Any = [{"type": "function", "function": {"name": "add", "strict": True, "parameters": STRICT}}]
FORM: Any = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": STRICT}}
CHAT: Any = {
    "model": "m",
    "messages": RICH,
    "tools": WRAPPED,
    "tool_choice": "auto",
    "response_format": FORM,
    "stream": True,
    "stream_options": {"include_usage": True},
}
NATIVE: Any = {
    "model": "m",
    "input": {"messages": [{"role": "user", "content": "x"}, *RICH[2:]]},
    "parameters": {
        "result_format": "message",
        "tools": WRAPPED,
        "tool_choice": "auto",
        "response_format": FORM,
        "incremental_output": True,
    },
}
BODIES: list[tuple[str, Any]] = [
    ("/v1/chat/completions", CHAT),
    ("/openai/v1/chat/completions", CHAT | {"stream": False}),
    ("/v1/responses", {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}, {"type": "reasoning", "id": "r", "summary": []}, {"type": "function_call", "call_id": "c", "name": "add", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": "2"}], "tools": FLAT, "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}, "reasoning": {"summary": "auto"}, "include": ["x"], "temperature": 1, "stream": True}),
    ("/api/chat", {"model": "m", "messages": [{"role": "user", "content": "x", "images": ["aaaa"]}, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add", "arguments": {}}}]}, {"role": "tool", "content": "2"}], "tools": WRAPPED, "format": STRICT, "options": {"num_ctx": 9, "stop": []}, "think": True}),
    ("/api/v1/services/aigc/text-generation/generation", NATIVE),
    ("/api/show", {"model": "m"}),
]  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something stands in a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from places(below, (*at, key))


def changed(value: Any, at: tuple[Any, ...], to: Any) -> Any:
    """Return a JSON value with something else in one place."""
    if not at:
        return to
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[at[0]] = changed(value[at[0]], at[1:], to)
    return copy


ODD: list[Any] = [None, True, -1.5, "x", [], [None], [{}], {}, {"x": 1}]


@pytest.mark.parametrize("described", [False, True])
@pytest.mark.parametrize(("path", "body"), BODIES, ids=[p for p, _b in BODIES])
def test_no_body_however_odd_breaks_it(path: str, body: Any, described: bool) -> None:
    # Anything in place of anything: each must be answered or refused, and never be an error of the stand-in's own.
    with Standin() as server:
        if described:
            server.model("m", thinking=True, truncates=True, refuses=("stream",))
        server.answer(lambda asked: Line(f"{asked.last}{asked.tools}{asked.tool_choice}{asked.output_schema}"))
        where = urlsplit(server.url("ollama"))
        connection = http.client.HTTPConnection(where.netloc, timeout=10)
        for at in places(body):
            for odd in ODD:
                connection.request(
                    "POST", path, json.dumps(changed(body, at, odd)), {"X-DashScope-SSE": "enable"}
                )
                answer = connection.getresponse()
                said = answer.read()
                assert answer.status in (200, 400, 404), (at, odd, said)
                assert server.errors == [], (at, odd)
        connection.close()


def test_a_function_of_the_script_that_fails_is_told_to_the_client_and_to_the_test() -> None:
    def fails(asked: Asked) -> str:
        raise LookupError(asked.last)

    server = Standin().__enter__().answer(fails)
    status, _headers, data = post(server, "/v1/chat/completions", {"model": "m", "messages": HI})
    assert status == 500
    assert "has failed: LookupError: Hi there" in json.loads(data)["error"]["message"]
    with pytest.raises(LookupError, match="Hi there"):
        server.__exit__(None, None, None)


def test_a_length_that_is_no_number_is_refused(server: Standin) -> None:
    status, _headers, _data = post(server, "/v1/chat/completions", b"", **{"Content-Length": "many"})
    assert status == 400


# From a file.


def test_the_script_in_the_docs_is_one() -> None:
    import re

    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    with Standin() as server:
        fill(server, json.loads(script), Path("docs"))
        assert server.left == 3


def test_a_script_file_says_what_the_methods_say(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(
        """
flavour: lmstudio
models:
  - {name: qwen3, context: 8192}
lines:
  - {call: add, arguments: {a: 1}}
  - {calls: [[add, {a: 1}], [add, '{"a": ']], finish: length}
  - {say: It rains., when: weather, times: 1}
  - {text_call: hermes, tool: add, arguments: {a: 1}}
  - {fault: "429", retry_after: 3}
  - {fault: 503}
  - {say: Some text of a length., cut: 2}
  - {say: Slow., slow: {first: 0.01}}
  - {raw: "<html>", status: 502}
""",
        encoding="utf-8",
    )
    script = read_script(file)
    with Standin(script["flavour"]) as server:
        fill(server, script, file)
        assert server.left == 8
        client = openai_client(server)
        messages: Any = [{"role": "user", "content": "The weather?"}]
        said = client.chat.completions.create(model="qwen3", messages=messages)
        assert said.choices[0].message.content == "It rains."
        call = client.chat.completions.create(model="qwen3", messages=HI, tools=TOOLS).choices[0].message
        assert call.tool_calls
    assert get_error(tmp_path, '{"lines": [{"say": "x", "shout": 1}]}').startswith("Line 1: ")
    assert (
        get_error(tmp_path, '{"lines": [{}]}')
        == "Line 1: It holds 0 of say, call, calls, text_call, fault, raw."
    )
    assert get_error(tmp_path, '{"lines": [{"fault": "earthquake"}]}').startswith("Line 1: No fault is called")
    assert get_error(tmp_path, '{"models": [{"nome": "x"}]}').startswith("Model 1: ")
    assert get_error(tmp_path, '{"linse": []}') == "It has 'linse'."
    assert get_error(tmp_path, "[]") == "It is a list, and not an object."
    assert "Expecting" in get_error(tmp_path, "{")


def get_error(folder: Path, text: str) -> str:
    from agentsdk.errors import ConfigurationError

    file = folder / "wrong.json"
    file.write_text(text, encoding="utf-8")
    with Standin() as server, pytest.raises(ConfigurationError) as error:
        fill(server, read_script(file), file)
    return error.value.why


@contextlib.contextmanager
def program(*arguments: str) -> Iterator[dict[str, str]]:
    """Run the stand-in as a program, and return its addresses by provider."""
    command = [sys.executable, "-m", "agentsdk.testing.standin", "--port", "0", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield dict(running.stdout.readline().split() for _provider in range(3))
    finally:
        running.terminate()
        running.communicate(timeout=10)


def test_the_program_repeats_what_it_is_asked_or_plays_a_file(tmp_path: Path) -> None:
    with program() as addresses:
        client = ollama.Client(addresses["ollama"])
        CLIENTS.callback(client._client.close)
        assert client.chat("any", messages=HI).message.content == "You said: Hi there"
    file = tmp_path / "script.json"
    file.write_text('{"lines": [{"say": "By the file."}]}', encoding="utf-8")
    with program("--script", str(file)) as addresses:
        client2 = CLIENTS.enter_context(openai.OpenAI(base_url=addresses["openai"], api_key="x"))
        assert (
            client2.chat.completions.create(model="m", messages=HI).choices[0].message.content == "By the file."
        )


def test_the_program_says_what_is_wrong_with_a_script(tmp_path: Path) -> None:
    from agentsdk.testing.standin.__main__ import main

    assert main(["--script", str(tmp_path / "none.json"), "--port", "0"]) == 2


@pytest.mark.parametrize("standin", ["groq"], indirect=True)
def test_the_fixture_is_the_server_that_was_named(standin: Standin) -> None:
    assert standin.flavour.name == "groq"


def test_the_fixture_is_a_running_server(standin: Standin) -> None:
    standin.say("Hello.").cut(after=1)
    model = connect("openai:m", base_url=standin.url("openai"), retries=0)

    async def ask() -> None:
        async for _piece in model.stream(Request((Message("user", "x"),))):
            pass

    with pytest.raises((ConnectionLost, ModelError)):
        asyncio.run(ask())
