"""Spans and metrics against the SDK's own in-memory exporters."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.trace import SpanKind, StatusCode

from agentsdk.agent import Agent
from agentsdk.budget import Usage
from agentsdk.errors import ConnectionLost
from agentsdk.function_tool import tool
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import Reply
from agentsdk.telemetry import CAPTURE
from agentsdk.testing.scripted import ScriptedModel, call, plan

# OpenTelemetry takes providers once a process, and keeps them.
_EXPORTER = InMemorySpanExporter()
_READER = InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def sdk() -> Iterator[None]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_EXPORTER))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider(metric_readers=[_READER]))
    yield
    _EXPORTER.shutdown()


@pytest.fixture(autouse=True)
def empty() -> None:
    _EXPORTER.clear()


@tool
def add(a: int, b: int) -> int:
    """Return the sum of a and b."""
    return a + b


@tool
def fail(why: str) -> str:
    """Fail."""
    raise ValueError(why)


def spans() -> list[ReadableSpan]:
    return list(_EXPORTER.get_finished_spans())


def named(name: str) -> ReadableSpan:
    return next(s for s in spans() if s.name == name)


def of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def tree() -> list[str]:
    """Return every span as "parent > name", sorted."""
    ids = {s.context.span_id: s.name for s in spans() if s.context}
    return sorted(f"{ids[s.parent.span_id] if s.parent else ''} > {s.name}" for s in spans())


def test_a_run_has_a_span_with_its_model_calls_and_tool_calls_in_it() -> None:
    model = ScriptedModel([call("add", a=1, b=2), "It is 3."])
    Agent(model, tools=[add]).run("What is 1 + 2?")
    chat = f"chat {model.name.partition(':')[2] or model.name}"
    assert tree() == [
        " > invoke_agent",
        f"invoke_agent > {chat}",
        f"invoke_agent > {chat}",
        "invoke_agent > execute_tool add",
    ]
    assert named("execute_tool add").kind is SpanKind.INTERNAL
    assert named(chat).kind is SpanKind.CLIENT
    assert of(named("execute_tool add")) | {"gen_ai.tool.call.id": ""} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Return the sum of a and b.",
        "gen_ai.tool.call.id": "",
    }
    assert of(named("invoke_agent"))["agentsdk.status"] == "answered"


def test_a_model_call_tells_what_was_asked_for_and_what_came() -> None:
    usage = Usage(calls=1, input_tokens=11, output_tokens=7, cached_tokens=4, reasoning_tokens=2)
    reply = Reply(Message.assistant("Hi."), usage, model="gpt-x-2026", details={"id": "r-1"})

    Agent(ScriptedModel([reply], name="openai:gpt-x")).run("hello")
    span = named("chat gpt-x")
    assert of(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-x-2026",
        "gen_ai.response.id": "r-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_every_name_is_one_of_the_installed_conventions() -> None:
    Agent(ScriptedModel([plan({"id": "s1", "do": "add", "in": {"a": 1, "b": 2}}), "3"]), tools=[add]).run("q")
    known = {v for k, v in vars(gen_ai_attributes).items() if k.startswith("GEN_AI_")}
    used = {name for s in spans() for name in of(s) if not name.startswith("agentsdk.")}
    assert used <= {*known, "error.type"}
    operations = {o.value for o in gen_ai_attributes.GenAiOperationNameValues}
    assert {of(s)["gen_ai.operation.name"] for s in spans()} <= operations


def test_spans_of_parallel_steps_in_threads_have_the_right_parents() -> None:
    @tool
    def outer(at: int) -> int:
        """Do something within a span of its own."""
        with trace.get_tracer("mine").start_as_current_span(f"mine {at}"):
            return at

    steps = [{"id": f"s{n}", "do": "outer", "in": {"at": n}} for n in range(6)]
    Agent(ScriptedModel([plan(*steps), "Done."]), tools=[outer]).run("q")
    parents = {s.context.span_id: s for s in spans() if s.context}
    mine = [s for s in spans() if s.name.startswith("mine")]
    assert len(mine) == 6
    around = [parents[s.parent.span_id] for s in mine if s.parent]
    assert len({s.context.span_id for s in around if s.context}) == 6
    assert {s.name for s in around} == {"execute_tool outer"}


@pytest.mark.parametrize("way", ["run", "stream", "astream"])
def test_the_callers_span_is_the_parent_of_the_run(way: str) -> None:
    agent = Agent(ScriptedModel(["Hi."]))

    async def read_all() -> None:
        async for _event in agent.astream("q"):
            pass

    with trace.get_tracer("mine").start_as_current_span("request"):
        if way == "run":
            agent.run("q")
        elif way == "stream":
            list(agent.stream("q"))
        else:
            asyncio.run(read_all())
    assert "request > invoke_agent" in tree()


def test_an_agent_that_a_tool_asks_is_within_the_tools_span() -> None:
    other = Agent(ScriptedModel(["42"]))

    @tool
    def ask_other(question: str) -> str:
        """Ask another agent."""
        return other.run(question).text

    Agent(ScriptedModel([call("ask_other", question="x"), "It is 42."]), tools=[ask_other]).run("q")
    assert "execute_tool ask_other > invoke_agent" in tree()


def test_what_went_wrong_is_named_by_its_type_and_without_its_text() -> None:
    model = ScriptedModel([call("fail", why="secret"), "It failed."])
    Agent(model, tools=[fail]).run("q")
    span = named("execute_tool fail")
    assert of(span)["error.type"] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in json.dumps([s.to_json() for s in spans()])
    _EXPORTER.clear()
    with pytest.raises(ConnectionLost):
        Agent(ScriptedModel([ConnectionLost("gone")])).run("q")
    assert {of(s)["error.type"] for s in spans()} == {"ConnectionLost"}


def test_nothing_that_was_said_is_in_a_span_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CAPTURE, raising=False)

    def run() -> str:
        _EXPORTER.clear()
        model = ScriptedModel([call("add", a=4711, b=2), "The sum is 4713."])
        Agent(model, tools=[add], instructions="Speak like a pirate.").run("What is 4711 + 2?")
        return json.dumps([s.to_json() for s in spans()])

    silent = run()
    assert not any(word in silent for word in ("4711", "4713", "pirate"))
    monkeypatch.setenv(CAPTURE, "span_only")
    telling = run()
    assert all(word in telling for word in ("4711", "4713", "pirate"))
    said = json.loads(of(named("invoke_agent"))["gen_ai.output.messages"])
    text = {"type": "text", "content": "The sum is 4713."}
    assert said == [{"role": "assistant", "parts": [text], "finish_reason": "stop"}]
    assert json.loads(of(named("execute_tool add"))["gen_ai.tool.call.arguments"]) == {"a": 4711, "b": 2}
    assert json.loads(of(named("execute_tool add"))["gen_ai.tool.call.result"]) == 4713


def test_thoughts_are_in_no_span_even_where_content_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CAPTURE, "true")
    turn = Message(
        "assistant", "", calls=(ToolCall("1", "add", {"a": 1, "b": 1}),), reasoning="a private thought"
    )
    Agent(ScriptedModel([Reply(turn), "2"]), tools=[add]).run("q")
    assert "private thought" not in json.dumps([s.to_json() for s in spans()])


def test_durations_and_tokens_are_measured() -> None:
    usage = Usage(calls=1, input_tokens=100, output_tokens=5)
    Agent(ScriptedModel([Reply(Message.assistant("Hi."), usage)], name="openai:counted")).run("q")
    data = _READER.get_metrics_data()
    assert data is not None
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points: list[tuple[dict[str, Any], Any]] = [
                    (dict(p.attributes or {}), p) for p in metric.data.data_points
                ]
                points = [(told, p) for told, p in points if told.get("gen_ai.request.model") == "counted"]
                found[metric.name] = points
    tokens = {told["gen_ai.token.type"]: p.sum for told, p in found[gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE]}
    assert tokens == {"input": 100, "output": 5}
    lasted = found[gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION]
    assert {told["gen_ai.operation.name"] for told, _p in lasted} == {"chat", "invoke_agent"}
    assert all(p.count == 1 for _told, p in lasted)


_WITHOUT = """
import sys
import agentsdk, agentsdk.telemetry
assert not any(m.startswith("opentelemetry") for m in sys.modules)
from agentsdk.models.model import Request
watch = agentsdk.telemetry.chatting("openai:x", Request(()))
assert type(watch).__name__ == "Watch"
assert not any(m.startswith("opentelemetry") for m in sys.modules)
import opentelemetry.trace, opentelemetry.metrics
assert type(agentsdk.telemetry.chatting("openai:x", Request(()))).__name__ == "Watch"
"""


def test_without_an_sdk_nothing_is_imported_and_nothing_recorded() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


_BLOCKED = """
import sys
sys.modules["opentelemetry.trace"] = None
sys.modules["opentelemetry.metrics"] = None
import os
os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = "sdk_tracer_provider"
import agentsdk.telemetry
from agentsdk.models.model import Request
with agentsdk.telemetry.chatting("openai:x", Request(())) as watch:
    print(type(watch).__name__)
"""


def test_a_machine_without_opentelemetry_records_nothing_and_fails_at_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _BLOCKED], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("Watch", 0), done.stderr
