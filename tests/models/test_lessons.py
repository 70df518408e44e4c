"""What servers refuse of a request, learned from what they say."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from agentsdk import Message
from agentsdk.errors import InvalidRequest
from agentsdk.models.lessons import Lesson, lesson_of, nearest
from agentsdk.models.model import Prepared, Reply, Request, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.testing.standin import Standin

ADD = ToolSpec("add", "Return the sum.")
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [],
    "tools": [{}],
    "temperature": 0.5,
    "stop": ["x"],
    "max_tokens": 9,
    "stream_options": {},
    "reasoning": {"effort": "none", "summary": "auto"},
    "reasoning_effort": "minimal",
    "parallel_tool_calls": True,
    "enable_thinking": True,
}

SAID = [
    ("Unsupported parameter: 'stop' is not supported with this model.", Lesson("stop")),
    ("Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
     Lesson("temperature")),
    ("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
     Lesson("max_tokens", "rename", "max_completion_tokens")),
    ("Unsupported parameter: 'reasoning.summary' is not supported with this model.", Lesson("reasoning.summary")),
    (("Unsupported value: 'none' is not supported with the 'gpt-5-mini' model. Supported values are: 'minimal', 'low', "
     "'medium', and 'high'."), Lesson("reasoning.effort", "set", "minimal", was="none")),
    (("Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'none', "
     "'low' and 'high'."), Lesson("reasoning_effort", "set", "none", was="minimal")),
    (("Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use "
     "/v1/responses instead."), Lesson("reasoning_effort", "set", "none", was="minimal", beside="tools")),
    ("Unrecognized request argument supplied: enable_thinking", Lesson("enable_thinking")),
    ("Unknown parameter: 'stream_options'.", Lesson("stream_options")),
    ("[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
     Lesson("stream_options")),
    ("Validation error at #/stream_options: Extra inputs are not permitted", Lesson("stream_options")),
    ("Argument not supported: stream_options", Lesson("stream_options")),
    ("property 'parallel_tool_calls' is unsupported", Lesson("parallel_tool_calls")),
    ("Model grok-4 does not support parameter stop.", Lesson("stop")),
    ("`temperature` is not supported by this model", Lesson("temperature")),
    ("Unsupported parameter: 'tools' is not supported with this model.", None),
    ("Unsupported parameter: 'top_k' is not supported with this model.", None),  # it was not sent
    ("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.", None),
    ("'temperature' is not allowed to be above 2", None),
    ("`temperature` is not supported when stop is set", None),
    ("temperature is not allowed with stop", None),
    ("'temperature' does not support values above 2", None),
    ("Unsupported value: 'temperature' does not support 99. It must be between 0 and 2.", None),
    ("Invalid schema for function 'add': 'required' is required to be supplied.", None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "lesson"), SAID)
def test_a_refusal_teaches_what_to_change_and_nothing_that_bears_the_meaning(
    said: str, lesson: Lesson | None
) -> None:
    assert lesson_of(said, BODY) == lesson


def test_the_nearest_grade_is_taken_and_of_two_the_lower() -> None:
    assert nearest("none", ["minimal", "low", "high"]) == "minimal"
    assert nearest("medium", ["low", "high"]) == "low"
    assert nearest("max", ("none", "high")) == "high"
    assert nearest("high", ("none", "high")) == "high"
    assert nearest("auto", ["concise", "detailed"]) == "concise"


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def run(model: OpenAIModel, request: Request, streamed: bool) -> Reply:
    async def go() -> Reply:
        if not streamed:
            return await model.complete(request)
        return [p async for p in model.stream(request)][-1]  # type: ignore[return-value]  # a stream ends in its Reply

    return asyncio.run(go())


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@both
def test_a_refused_parameter_is_left_out_at_once_told_of_and_remembered(
    server: Standin, streamed: bool
) -> None:
    server.fault(400, message="Unsupported parameter: 'seed' is not supported with this model.")
    server.fault(400, message="Unsupported value: 'temperature' does not support 0 with this model.")
    server.say("one").say("two").say("three")
    request = Request((Message.user("Hi"),), seed=7, temperature=0.0)
    model = OpenAIModel("picky", "sk", base_url=server.url("openai"))
    reply = run(model, request, streamed)
    assert reply.message.text == "one"
    assert [r.kind for r in reply.message.repairs] == ["request.changed", "request.changed"]
    assert "seed was left out" in reply.message.repairs[0].detail
    run(OpenAIModel("picky", "sk", base_url=server.url("openai")), request, streamed)
    run(OpenAIModel("other", "sk", base_url=server.url("openai")), request, streamed)
    sent = [("seed" in s.body, "temperature" in s.body) for s in server.requests]
    assert sent == [(True, True), (False, True), (False, False), (False, False), (True, True)]


def test_a_server_that_knows_no_choice_by_name_is_offered_that_tool_alone(server: Standin) -> None:
    said = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    server.fault(400, message=said).call("add", a=1).call("sub", a=1)
    model = OpenAIModel("words-only", "sk", base_url=server.url("openai"))
    tools = (ADD, ToolSpec("sub", "Return the difference."))
    reply = run(model, Request((Message.user("Hi"),), tools, "add"), streamed=False)
    assert [c.name for c in reply.message.calls] == ["add"]
    run(model, Request((Message.user("Hi"),), tools, "sub"), streamed=False)
    assert [(s.body["tool_choice"], len(s.body["tools"])) for s in server.requests[1:]] == [("required", 1)] * 2
    assert server.requests[2].body["tools"][0]["function"]["name"] == "sub"


@pytest.mark.parametrize(
    ("said", "asked", "form"),
    [
        (
            "'response_format.type' must be 'json_schema' or 'text'",
            {"type": "json_object"},
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        ),
        (
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
            {"type": "json_object"},
        ),
        (
            "This response_format type is unavailable now",
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
            {"type": "json_object"},
        ),
    ],
)
def test_a_form_that_is_refused_becomes_the_one_that_is_taken(
    server: Standin, said: str, asked: dict[str, Any], form: dict[str, Any]
) -> None:
    server.fault(400, message=said).say("{}").say("{}")
    name = f"forms-{abs(hash(said))}"
    body = {"model": name, "messages": [{"role": "user", "content": "Hi"}], "response_format": asked}
    model = OpenAIModel(name, "sk", base_url=server.url("openai"))
    for _ in range(2):
        run(model, Prepared((), body=body), streamed=False)
    assert [s.body["response_format"] for s in server.requests] == [asked, form, form]


def test_a_value_that_is_wrong_costs_no_later_call_its_parameter(server: Standin) -> None:
    server.fault(400, message="'temperature' is not allowed to be above 2").say("one")
    model = OpenAIModel("warm", "sk", base_url=server.url("openai"))
    with pytest.raises(InvalidRequest, match="above 2"):
        run(model, Request((Message.user("Hi"),), temperature=9.0), streamed=False)
    run(model, Request((Message.user("Hi"),), temperature=0.0), streamed=False)
    assert [s.body["temperature"] for s in server.requests] == [9.0, 0.0]


def test_a_refusal_that_comes_again_is_raised(server: Standin) -> None:
    for _ in range(2):
        server.fault(400, message="Unsupported parameter: 'seed' is not supported with this model.")
    model = OpenAIModel("stubborn", "sk", base_url=server.url("openai"))
    with pytest.raises(InvalidRequest, match="seed"):
        run(model, Request((Message.user("Hi"),), seed=7), streamed=False)
    assert len(server.requests) == 2


def test_a_prepared_body_is_fitted_too(server: Standin) -> None:
    server.fault(400, message="Unknown parameter: 'verbosity'.").say("hello")
    body = {"model": "prepared", "messages": [{"role": "user", "content": "Hi"}], "verbosity": "low"}
    model = OpenAIModel("prepared", "sk", base_url=server.url("openai"))
    assert run(model, Prepared((), body=body), streamed=False).message.text == "hello"
    assert "verbosity" not in server.requests[1].body
    assert body["verbosity"] == "low"


@both
def test_a_model_that_is_only_on_the_other_protocol_is_found_there_once_and_for_all(
    server: Standin, streamed: bool
) -> None:
    server.fault(
        404, message="This model is only supported in v1/responses and not in v1/chat/completions.", code="x"
    )
    server.say("from there").say("again")
    name = f"elsewhere-{streamed}"
    request = Request((Message.user("Hi"),), (ADD,))
    assert (
        run(OpenAIModel(name, "sk", base_url=server.url("openai")), request, streamed).message.text
        == "from there"
    )
    model = OpenAIModel(name, "sk", base_url=server.url("openai"))
    assert model.api == "responses"
    run(model, request, streamed)
    assert [s.path for s in server.requests] == ["/v1/chat/completions", "/v1/responses", "/v1/responses"]


def test_tools_beside_an_effort_send_a_model_to_responses_or_take_its_effort_away(server: Standin) -> None:
    said = "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions."
    server.fault(400, message=said + " Please use /v1/responses instead.").say("there")
    request = Request((Message.user("Hi"),), (ADD,), thinking="high")
    options: dict[str, Any] = {"base_url": server.url("openai"), "server": SERVERS["azure"]}
    run(OpenAIModel("gpt-5.4-free", "sk", **options), request, streamed=False)
    server.fault(400, message=said + " Please use /v1/responses instead.").say("here")
    run(OpenAIModel("gpt-5.4-bound", "sk", **options, api="chat"), request, streamed=False)
    assert [(s.path, s.body.get("reasoning_effort")) for s in server.requests] == [
        ("/v1/chat/completions", "high"),
        ("/v1/responses", None),
        ("/v1/chat/completions", "high"),
        ("/v1/chat/completions", "none"),
    ]


def test_a_protocol_that_is_forced_is_kept(server: Standin) -> None:
    server.fault(404, message="This model is only supported in v1/responses.")
    with pytest.raises(Exception, match="does not have"):
        run(
            OpenAIModel("forced", "sk", base_url=server.url("openai"), api="chat"),
            Request((Message.user("Hi"),)),
            False,
        )
    assert json.dumps([s.path for s in server.requests]) == '["/v1/chat/completions"]'
