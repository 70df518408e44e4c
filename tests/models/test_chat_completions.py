"""Chat Completions: every field as each kind of server takes it, and answers in all the shapes that are met."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agentsdk import Message
from agentsdk.messages import ToolCall
from agentsdk.models import chat_completions
from agentsdk.models.collect import Collector
from agentsdk.models.model import Prepared, Reply, Request, TextDelta, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.testing.standin import Standin

ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SUB = ToolSpec("sub", "Return the difference.", {"type": "object", "properties": {"a": {"type": "integer"}}})
HI = Request((Message.user("Hi"),))
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def run(model: OpenAIModel, request: Request, streamed: bool) -> tuple[Reply, list[object]]:
    async def go() -> tuple[Reply, list[object]]:
        if not streamed:
            return await model.complete(request), []
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        return pieces[-1], list(pieces[:-1])

    return asyncio.run(go())


def sent(server: Standin, name: str, kind: str, request: Request, *, streamed: bool = False) -> dict[str, Any]:
    """Return the body that a request becomes for a model on a kind of server."""
    before = len(server.requests)
    server.say("ok")
    model = OpenAIModel(name, "sk", base_url=server.url("openai"), server=SERVERS[kind], api="chat")
    run(model, request, streamed)
    body: dict[str, Any] = dict(server.requests[before].body)  # a second ask is shown in test_emulate.py
    return body


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


def test_every_field_of_a_request_reaches_the_wire(server: Standin) -> None:
    request = Request(
        (Message.system("Be brief."), Message.user("Hi")),
        (ADD,),
        "add",
        output_schema=SCHEMA,
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("END",),
        parallel=False,
        options={"user": "u1", "stream_options": {"include_obfuscation": False}},
    )
    assert sent(server, "llama-3.1-8b", "vllm", request, streamed=True) == {
        "model": "llama-3.1-8b",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
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
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "user": "u1",
    }


def test_a_request_that_says_nothing_sends_nothing(server: Standin) -> None:
    assert sent(server, "gpt-4o", "openai", HI) == {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_a_model_that_thinks_gets_no_sampling_a_developer_and_a_limit_by_its_new_name(server: Standin) -> None:
    request = Request(
        (Message.system("Be brief."), *HI.messages), temperature=0.5, top_p=0.9, stop=("x",), max_tokens=9
    )
    assert sent(server, "o3", "openai", request) == {
        "model": "o3",
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_completion_tokens": 9,
    }
    assert sent(server, "gpt-oss-20b", "vllm", request)["messages"][0]["role"] == "system"


THINKING: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("o3", "openai", "high", {"reasoning_effort": "high"}),
    ("o3", "openai", False, {"reasoning_effort": "low"}),
    ("gpt-5.2", "azure", False, {"reasoning_effort": "none"}),
    ("gpt-4o", "openai", False, {}),
    ("qwen3-8b", "groq", False, {"reasoning_effort": "none"}),
    ("qwen3-8b", "groq", True, {}),
    ("qwen-plus", "dashscope-compatible", True, {"enable_thinking": True}),
    ("qwen3-8b", "dashscope-compatible", False, {"enable_thinking": False}),
    ("qwq-plus", "dashscope-compatible", False, {}),
    ("qwen3-8b", "vllm", False, {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
    (
        "gpt-oss-20b",
        "llamacpp",
        "low",
        {
            "chat_template_kwargs": {"enable_thinking": True, "thinking": True, "reasoning_effort": "low"},
            "reasoning_effort": "low",
        },
    ),
    ("deepseek-v4-flash", "deepseek", "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
    ("deepseek-v4-flash", "deepseek", False, {"thinking": {"type": "disabled"}}),
    ("qwen3-8b", "openrouter", True, {"reasoning": {"enabled": True}}),
    ("o3", "openrouter", "low", {"reasoning": {"effort": "low"}}),
    ("qwen3-8b", "lmstudio", True, {}),
]


@pytest.mark.parametrize(("name", "kind", "thinking", "fields"), THINKING)
def test_thinking_is_switched_by_the_servers_own_field(
    server: Standin, name: str, kind: str, thinking: Any, fields: dict[str, Any]
) -> None:
    body = sent(server, name, kind, replace(HI, thinking=thinking))
    rest = {"model", "messages", "stream", "stream_options"}
    assert {k: v for k, v in body.items() if k not in rest} == fields


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


CHOICES: list[tuple[str, str, Any, list[str]]] = [
    ("openai", "required", "required", ["add", "sub"]),
    ("openai", "sub", named("sub"), ["add", "sub"]),
    ("openai", "none", "none", ["add", "sub"]),
    ("lmstudio", "sub", "required", ["sub"]),
    ("lmstudio", "required", "required", ["add", "sub"]),
    ("mindie", "sub", "auto", ["sub"]),
    ("mindie", "required", "auto", ["add", "sub"]),
    ("ollama-compatible", "none", None, []),
    ("ollama-compatible", "sub", "auto", ["sub"]),
    ("dashscope-compatible", "required", "auto", ["add", "sub"]),
    ("dashscope-compatible", "sub", named("sub"), ["add", "sub"]),
]


@pytest.mark.parametrize(("kind", "choice", "form", "offered"), CHOICES)
def test_a_choice_of_tools_is_said_in_a_form_that_the_server_knows(
    server: Standin, kind: str, choice: str, form: Any, offered: list[str]
) -> None:
    body = sent(server, "qwen2.5-7b", kind, replace(HI, tools=(ADD, SUB), tool_choice=choice, parallel=True))
    assert (body.get("tool_choice"), [t["function"]["name"] for t in body.get("tools", ())]) == (form, offered)
    assert ("parallel_tool_calls" in body) == (bool(offered) and SERVERS[kind].parallel)


def test_tools_are_not_spoken_of_where_there_are_none(server: Standin) -> None:
    body = sent(server, "gpt-4o", "openai", replace(HI, parallel=True, tool_choice="required"))
    assert {"tools", "tool_choice", "parallel_tool_calls"} & body.keys() == set()


@pytest.mark.parametrize(
    ("kind", "name", "form"),
    [
        ("openai", "gpt-4o", "json_schema"),
        ("lmstudio", "qwen2.5-7b", "json_schema"),
        ("lmstudio", "qwen-plus", "json_schema"),
        ("deepseek", "deepseek-chat", "json_object"),
        ("dashscope-compatible", "qwen-plus", "json_object"),
        ("mindie", "qwen2.5-7b", None),
    ],
)
def test_a_form_is_asked_for_as_the_server_knows_it(
    server: Standin, kind: str, name: str, form: str | None
) -> None:
    body = sent(server, name, kind, replace(HI, output_schema=SCHEMA))
    assert body.get("response_format", {}).get("type") == form


def test_a_server_of_one_system_turn_gets_one_and_first(server: Standin) -> None:
    late = Request(
        (
            Message.system("A."),
            Message.user("Hi"),
            Message.assistant("Yes?"),
            Message.system("B."),
            *HI.messages,
        )
    )
    roles = [m["role"] for m in sent(server, "qwen3-8b", "openai", late)["messages"]]
    assert roles == ["developer", "user", "assistant", "developer", "user"]
    messages = sent(server, "qwen3-8b", "vllm", late)["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == "A.\n\nB."


@pytest.mark.parametrize(
    ("kind", "back"), [("deepseek", "So."), ("dashscope-compatible", "So."), ("openai", None), ("vllm", None)]
)
def test_thoughts_go_back_with_their_calls_only_where_they_are_wanted(
    server: Standin, kind: str, back: str | None
) -> None:
    turn = Message("assistant", "", (ToolCall("c", "add", {"a": 1}),), reasoning="So.")
    request = Request((*HI.messages, turn, Message.tool(turn.calls[0], "1")), (ADD,))
    message = sent(server, "qwen3-8b", kind, request)["messages"][1]
    assert (message.get("reasoning_content"), message["content"]) == (back, None)


def test_a_server_that_does_not_know_stream_options_is_not_sent_any(server: Standin) -> None:
    assert "stream_options" not in sent(server, "qwen2.5-7b", "mindie", HI, streamed=True)


@both
@pytest.mark.parametrize("name", ["o3", "gpt-4o"])
def test_stop_strings_are_cut_at_here_where_the_model_does_not_take_them(
    server: Standin, streamed: bool, name: str
) -> None:
    server.say("One. Two. Three.")
    model = OpenAIModel(name, "sk", base_url=server.url("openai"))
    reply, pieces = run(model, replace(HI, stop=(" Two",)), streamed)
    told = "stop" in server.requests[0].body
    assert told == (name == "gpt-4o")
    assert reply.message.text == (
        "One. Two. Three." if told else "One."
    )  # the stand-in does not stop by itself
    assert not streamed or "".join(p.text for p in pieces if isinstance(p, TextDelta)) == reply.message.text


@pytest.mark.parametrize(
    ("name", "thinking", "tools", "streams"),
    [
        ("qwen3-8b", None, (), True),
        ("qwen3-8b", False, (), False),
        ("qwen-plus", True, (), True),
        ("qwen-plus", None, (), False),
        ("qwq-plus", False, (), True),
        ("qwen3-8b", None, (ADD,), False),  # a forced tool switches its thinking off
    ],
)
def test_a_model_that_thinks_is_asked_for_a_stream_where_it_answers_in_no_other_way(
    server: Standin, name: str, thinking: Any, tools: tuple[ToolSpec, ...], streams: bool
) -> None:
    request = replace(HI, thinking=thinking, tools=tools, tool_choice="add" if tools else "auto")
    body = sent(server, name, "dashscope-compatible", request)
    assert bool(body.get("stream")) == streams
    assert not tools or body["enable_thinking"] is False


def test_a_forced_tool_is_left_free_where_the_model_is_to_think(server: Standin) -> None:
    request = replace(HI, thinking=True, tools=(ADD, SUB), tool_choice="sub")
    body = sent(server, "qwen-plus", "dashscope-compatible", request)
    assert (body["tool_choice"], [t["function"]["name"] for t in body["tools"]]) == ("auto", ["sub"])
    assert body["enable_thinking"] is True


def test_what_is_found_to_answer_as_a_stream_only_is_asked_so_from_then_on(server: Standin) -> None:
    server.fault(400, message="parameter.enable_thinking must be set to false for non-streaming calls")
    server.say("one").say("two")
    model = OpenAIModel("thinks-somewhere", "sk", base_url=server.url("openai"))
    assert [run(model, HI, streamed=False)[0].message.text for _ in range(2)] == ["one", "two"]
    assert [bool(s.body.get("stream")) for s in server.requests] == [False, True, True]


def test_a_prepared_body_is_sent_as_it_is_and_as_it_is_asked_for(server: Standin) -> None:
    server.say("one").say("two")
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "logit_bias": {"1": 2}}
    model = OpenAIModel("m", "sk", base_url=server.url("openai"))
    run(model, Prepared((), body=body | {"stream": True}), streamed=False)
    run(model, Prepared((), body=body), streamed=True)
    assert [s.body for s in server.requests] == [body, body | {"stream": True}]


# What comes back.

USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def whole(message: Mapping[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"model": "m-1", "choices": [choice], "usage": USAGE, **more}).encode()


def frames(*events: Mapping[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"


def delta(finish: str | None = None, /, **fields: Any) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def read(server: Standin, body: bytes, *, streamed: bool, tools: Sequence[ToolSpec] = (ADD,)) -> Reply:
    server.raw(body, content_type="text/event-stream" if streamed else "application/json")
    model = OpenAIModel("m", "sk", base_url=server.url("openai"))
    return run(model, replace(HI, tools=tuple(tools)), streamed)[0]


CALL = {"name": "add", "arguments": '{"a": 1}'}


def test_an_old_function_call_is_a_call(server: Standin) -> None:
    told = read(server, whole({"role": "assistant", "content": None, "function_call": CALL}), streamed=False)
    pieces = [delta(function_call={"name": "add", "arguments": ""})]
    pieces += [delta(function_call={"arguments": p}) for p in ('{"a"', ": 1}")]
    streamed = read(server, frames(*pieces, delta("function_call")), streamed=True)
    for reply in (told, streamed):
        assert [(c.name, c.arguments) for c in reply.message.calls] == [("add", {"a": 1})]
        assert reply.finish == "tool_calls"


@both
def test_a_refusal_is_the_text_and_is_told(server: Standin, streamed: bool) -> None:
    body = whole({"content": None, "refusal": "I'm sorry."})
    if streamed:
        body = frames(delta(content=""), delta(refusal="I'm "), delta(refusal="sorry."), delta("stop"))
    reply = read(server, body, streamed=streamed)
    assert (reply.message.text, reply.refused) == ("I'm sorry.", True)


@both
def test_text_comes_in_parts_too(server: Standin, streamed: bool) -> None:
    parts = [
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "42."},
        {"type": "image_url", "image_url": {}},
    ]
    body = frames(delta(content=parts), delta("stop")) if streamed else whole({"content": parts})
    assert read(server, body, streamed=streamed).message.text == "It is 42."


def test_citations_and_sound_beside_the_text_are_no_part_of_it(server: Standin) -> None:
    cited = [{"type": "url_citation", "url_citation": {"url": "https://example.org", "title": "T"}}]
    reply = read(server, whole({"content": "It is 42.", "annotations": cited, "audio": None}), streamed=False)
    assert (reply.message.text, reply.details["annotations"]) == ("It is 42.", cited)
    odd = read(server, whole({"content": "It is 42.", "annotations": 5}), streamed=False)
    assert (odd.message.text, odd.details.get("annotations")) == ("It is 42.", None)
    spoken = {"content": None, "audio": {"id": "a", "data": "UklGRg==", "transcript": "It is 42."}}
    assert read(server, whole(spoken), streamed=False).message.text == "It is 42."


END = delta("stop")
USAGES = {
    "in a tail frame": [END, {"choices": [], "usage": USAGE}],
    "beside the choices": [END | {"usage": USAGE}],
    "in every frame": [
        {**delta(content=""), "usage": {**USAGE, "completion_tokens": 1}},
        END | {"usage": USAGE},
    ],
    "in groq's field": [END | {"x_groq": {"id": "r", "usage": USAGE}}],
    "within the choice": [{"choices": [{**END["choices"][0], "usage": USAGE}]}],
    "before the end": [{"choices": [], "usage": USAGE}, END, {"choices": [], "usage": None}],
}


@pytest.mark.parametrize("tail", USAGES.values(), ids=USAGES)
def test_usage_is_found_wherever_it_is_told(server: Standin, tail: list[dict[str, Any]]) -> None:
    azure = {"choices": [], "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
    usage = read(server, frames(azure, delta(content="Hi"), *tail), streamed=True).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == (
        5,
        7,
        2,
        3,
    )


def test_only_the_first_of_several_answers_is_taken(server: Standin) -> None:
    second = {"choices": [{"index": 1, "delta": {"content": "No"}, "finish_reason": "stop"}]}
    reply = read(server, frames(second, delta(content="Yes"), second, delta("stop")), streamed=True)
    assert reply.message.text == "Yes"


def test_a_call_that_a_filter_cut_is_never_run(server: Standin) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": CALL}
    reply = read(server, frames(delta(tool_calls=[call]), delta("content_filter")), streamed=True)
    assert (reply.message.calls, len(reply.message.broken_calls)) == ((), 1)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_setting_that_the_model_does_not_take_is_told_of(server: Standin, api: Any) -> None:
    server.say("one").say("two")
    model = OpenAIModel("o3", "sk", base_url=server.url("openai"), api=api)
    told = asyncio.run(model.complete(Request((Message.user("Hi"),), temperature=0.2, top_p=0.5)))
    assert [(r.kind, r.detail) for r in told.message.repairs] == [
        ("request.changed", "temperature was left out: the model does not take it."),
        ("request.changed", "top_p was left out: the model does not take it."),
    ]
    untold = asyncio.run(model.complete(Request((Message.user("Hi"),), temperature=1)))
    assert untold.message.repairs == ()


def test_log_probabilities_of_a_stream_are_put_together_in_linear_time() -> None:
    # Each token's list was copied for the next one: 50,000 of them took a minute.
    tokens = [{"token": "a", "logprob": -0.1}]
    event = {
        "choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": tokens, "refusal": None}}]
    }
    answer = Collector("m")
    for _token in range(50_000):
        list(chat_completions.read(event, answer, name="openai:m", stream=True))
    assert answer.details["logprobs"] == {"content": tokens * 50_000, "refusal": None}
