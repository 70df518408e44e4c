"""The three adapters against the stand-in: real sockets, the real client libraries, every kind of end."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx
import httpx2
import pytest

from agentsdk import Agent, Message, connect, tool
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
from agentsdk.messages import ToolCall
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.model import CallDelta, Model, ReasoningDelta, Reply, Request, TextDelta, ToolSpec
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.openai import OpenAIModel
from agentsdk.testing.standin import Standin

Provider = Literal["openai", "ollama", "dashscope"]
PROVIDERS: list[Provider] = ["openai", "ollama", "dashscope"]
NAMES = {"openai": "openai:gpt-4o-mini", "ollama": "ollama:llama3.1:8b", "dashscope": "dashscope:qwen-plus"}
ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
ASK = Request((Message.system("Be brief."), Message.user("Hi 你好")), (ADD,))


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def model_for(provider: Provider, server: Standin, **options: Any) -> Model:
    return connect(
        NAMES[provider], base_url=server.url(provider), api_key="sk-secret", **{"retries": 0, **options}
    )


def run(model: Model, request: Request, streamed: bool) -> tuple[Reply, list[object]]:
    async def go() -> tuple[Reply, list[object]]:
        if not streamed:
            return await model.complete(request), []
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        assert sum(isinstance(p, Reply) for p in pieces) == 1
        return pieces[-1], list(pieces[:-1])

    return asyncio.run(go())


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
each = pytest.mark.parametrize("provider", PROVIDERS)


@both
@each
def test_text_thoughts_and_usage_arrive_apart(server: Standin, provider: Provider, streamed: bool) -> None:
    server.say("The answer is 四十二.", reasoning="Let me think about it.")
    reply, pieces = run(model_for(provider, server), ASK, streamed)
    assert (reply.message.text, reply.message.reasoning) == ("The answer is 四十二.", "Let me think about it.")
    assert reply.finish == "stop"
    assert reply.usage.calls == 1
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    if streamed:
        assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == reply.message.text
        assert "".join(p.text for p in pieces if isinstance(p, ReasoningDelta)) == reply.message.reasoning
        assert len([p for p in pieces if isinstance(p, TextDelta)]) > 1


@both
@each
def test_parallel_calls_arrive_whole_and_typed(server: Standin, provider: Provider, streamed: bool) -> None:
    big = 9223372036854775807
    server.calls(("add", {"a": big, "b": "二"}), ("add", {"nested": {"x": [1, None, True]}}))
    reply, pieces = run(model_for(provider, server), ASK, streamed)
    assert [(c.name, c.arguments) for c in reply.message.calls] == [
        ("add", {"a": big, "b": "二"}),
        ("add", {"nested": {"x": [1, None, True]}}),
    ]
    assert len({c.id for c in reply.message.calls}) == 2
    assert reply.finish == "tool_calls"
    if streamed:
        deltas = [p for p in pieces if isinstance(p, CallDelta)]
        assert json.loads("".join(d.arguments for d in deltas if d.index == 0)) == {"a": big, "b": "二"}
        assert [d.name for d in deltas if d.name] == ["add", "add"]


@each
def test_a_whole_run_with_a_tool_speaks_the_providers_own_form(server: Standin, provider: Provider) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    server.call("add", a=1, b=2).say("It is 3.")
    answer = Agent(model_for(provider, server), tools=[add]).run("1 + 2?")
    assert (answer.text, answer.steps[0].value, answer.usage.calls) == ("It is 3.", 3, 2)
    body = server.requests[1].body
    messages = body["input"]["messages"] if provider == "dashscope" else body["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "tool"]
    arguments = messages[2]["tool_calls"][0]["function"]["arguments"]
    assert (arguments if provider == "ollama" else json.loads(arguments)) == {"a": 1, "b": 2}
    assert "secret" not in json.dumps([s.body for s in server.requests])


FAULTS: list[tuple[str, Callable[[Standin], object], type[ModelError]]] = [
    ("rate", lambda s: s.fault(429, retry_after=7), RateLimited),
    ("quota", lambda s: s.fault(429, message="You exceeded your current quota"), QuotaExhausted),
    ("key", lambda s: s.fault(401, code="InvalidApiKey"), AuthFailed),
    ("model", lambda s: s.fault(404, message="model not found"), ModelNotFound),
    ("server", lambda s: s.fault(503), Overloaded),
    ("overflow", lambda s: s.fault(400, message="maximum context length is 10 tokens"), ContextOverflow),
    ("filter", lambda s: s.fault(400, message="content_filter triggered"), ContentFiltered),
    ("tools", lambda s: s.fault(400, message="tools: too many of them"), InvalidRequest),
    ("html", lambda s: s.raw(b"<html>hello</html>"), BadResponse),
    ("nothing", lambda s: s.raw(b""), BadResponse),
    ("wrong", lambda s: s.raw(b'["a"]'), BadResponse),
    ("deep", lambda s: s.raw(b"[" * 200_000), BadResponse),
    ("slow", lambda s: s.say("late").slow(9), DeadlineExceeded),
    ("empty", lambda s: s.say("").say(""), EmptyResponse),
]


@pytest.mark.parametrize(("fault", "error"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
@both
@each
def test_every_fault_ends_in_its_own_error_in_time(
    server: Standin,
    provider: Provider,
    streamed: bool,
    fault: Callable[[Standin], object],
    error: type[ModelError],
) -> None:
    fault(server)
    began = time.monotonic()
    with pytest.raises(error) as raised:
        run(model_for(provider, server, timeout=1.0), ASK, streamed)
    assert time.monotonic() - began < 8
    assert "sk-secret" not in f"{raised.value}{raised.value.__dict__}"
    if error is RateLimited:
        assert raised.value.retry_after == 7  # type: ignore[attr-defined]  # RateLimited by the line above


@each
def test_a_stream_that_breaks_off_keeps_what_had_come(server: Standin, provider: Provider) -> None:
    server.say("A sentence that is cut in the middle of it.").cut(after=3)
    with pytest.raises(ConnectionLost) as error:
        run(model_for(provider, server), ASK, streamed=True)
    assert error.value.partial
    assert "A sentence that is cut in the middle of it.".startswith(error.value.partial)


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_stream_that_ends_cleanly_without_its_finish_marker_is_truncated(
    provider: Provider, server: Standin
) -> None:
    raw = {
        "openai": b'data: {"choices":[{"index":0,"delta":{"content":"Half an"},"finish_reason":null}]}\n\n',
        "ollama": b'{"message":{"role":"assistant","content":"Half an"},"done":false}\n',
    }[provider]
    server.raw(raw)
    with pytest.raises(Truncated) as error:
        run(model_for(provider, server), ASK, streamed=True)
    assert error.value.partial == "Half an"


@both
@each
def test_a_call_cut_by_the_token_limit_is_never_executable(
    server: Standin, provider: Provider, streamed: bool
) -> None:
    server.calls(("add", {"a": 1}), ("add", {"path": "/srv/data/pro"}), finish="length")
    reply, _ = run(model_for(provider, server), ASK, streamed)
    assert [c.arguments for c in reply.message.calls] == [{"a": 1}]
    assert [b.name for b in reply.message.broken_calls] == ["add"]


def test_a_streamed_call_without_an_end_is_never_executable(server: Standin) -> None:
    server.raw(
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":'
        b'{"name":"add","arguments":"{\\"a\\": 1}"}}]},"finish_reason":null}]}\n\n'
    )
    reply, _ = run(model_for("openai", server), ASK, streamed=True)
    assert reply.message.calls == ()
    assert len(reply.message.broken_calls) == 1


@each
def test_two_event_loops_in_a_row_and_fifty_calls_at_once(server: Standin, provider: Provider) -> None:
    model = model_for(provider, server)
    for _ in range(50):
        server.say("hello")

    async def many() -> list[Reply]:
        return list(await asyncio.gather(*(model.complete(ASK) for _ in range(24))))

    for _ in range(2):
        assert {r.message.text for r in asyncio.run(many())} == {"hello"}


@each
def test_what_is_asked_for_reaches_the_wire(server: Standin, provider: Provider) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    server.say("{}")
    request = Request(
        ASK.messages, (ADD,), "add", schema, max_tokens=50, temperature=0.1, seed=7, stop=("END",)
    )
    run(model_for(provider, server), request, streamed=False)
    body = server.requests[0].body
    sent = json.dumps(body)
    assert all(word in sent for word in ("add", "50", "0.1", "7", "END"))
    if provider == "ollama":
        assert body["format"] == schema
        assert body["options"]["num_ctx"] >= 8192


@each
def test_with_tool_choice_none_no_model_is_led_to_call(server: Standin, provider: Provider) -> None:
    server.say("ok")
    run(model_for(provider, server), Request(ASK.messages, (ADD,), "none"), streamed=False)
    body = server.requests[0].body
    assert body.get("tool_choice") == "none" or "tools" not in json.dumps(body)


def test_dashscope_learns_on_which_of_its_two_paths_a_model_lives(server: Standin) -> None:
    model = connect("dashscope:qwen9-vl-learned", base_url=server.url("dashscope"), api_key="k", retries=0)
    server.fault(400, code="InvalidParameter", message="url error, please check url").say("hello").say("again")
    assert run(model, ASK, streamed=True)[0].message.text == "hello"
    assert run(model, ASK, streamed=False)[0].message.text == "again"
    paths = [s.path.split("/")[-2] for s in server.requests]
    assert paths == ["text-generation", "multimodal-generation", "multimodal-generation"]


def test_models_that_reason_get_the_limit_by_its_new_name(server: Standin) -> None:
    server.say("ok")
    model = connect("openai:gpt-5-mini", base_url=server.url("openai"), retries=0)
    run(model, Request(ASK.messages, max_tokens=9, temperature=0.5), streamed=False)
    body = server.requests[0].body
    assert body["max_completion_tokens"] == 9
    assert "temperature" not in body
    assert "max_tokens" not in body


def test_an_unreachable_server_says_where_and_what_to_do() -> None:
    model = connect("ollama:llama3.1", base_url="http://127.0.0.1:9", retries=0)
    with pytest.raises(ConnectionLost) as error:
        run(model, ASK, streamed=False)
    assert "127.0.0.1:9" in error.value.what
    assert "ollama serve" in error.value.fix


def test_a_server_that_is_not_there_at_first_is_tried_again(server: Standin) -> None:
    server.fault(503).fault(429, retry_after=0).say("there")
    model = connect("openai:gpt-4o", base_url=server.url("openai"), api_key="k", retries=2)
    assert run(model, ASK, streamed=True)[0].message.text == "there"
    assert len(server.requests) == 3


def test_a_quota_is_not_tried_again(server: Standin) -> None:
    server.fault(429, code="insufficient_quota")
    with pytest.raises(QuotaExhausted):
        run(connect("openai:gpt-4o", base_url=server.url("openai"), api_key="k"), ASK, streamed=False)
    assert len(server.requests) == 1


def test_a_wait_that_would_pass_the_deadline_is_not_begun(server: Standin) -> None:
    server.fault(429, retry_after=3600)
    began = time.monotonic()
    with pytest.raises(RateLimited):
        run(connect("openai:gpt-4o", base_url=server.url("openai"), api_key="k"), ASK, streamed=False)
    assert time.monotonic() - began < 10


def test_nothing_is_tried_again_once_a_piece_was_streamed(server: Standin) -> None:
    server.say("A sentence that is cut in the middle.").cut(after=3)
    with pytest.raises(ConnectionLost):
        run(connect("openai:gpt-4o", base_url=server.url("openai"), api_key="k"), ASK, streamed=True)
    assert len(server.requests) == 1


RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
GROUPS: list[tuple[str, Provider]] = [
    ("openai-chat", "openai"), ("lmstudio", "openai"), ("llamacpp", "openai"), ("groq", "openai"),
    ("dashscope-compatible", "openai"), ("deepseek", "openai"), ("ollama-native", "ollama"),
    ("dashscope-native", "dashscope"),
]  # fmt: skip


@pytest.mark.skipif(not RECORDINGS.exists(), reason="../shared/recordings is not beside this checkout")
@pytest.mark.parametrize(("group", "provider"), GROUPS)
def test_recorded_answers_of_real_providers_are_read_and_none_that_was_cut_can_run(
    group: str, provider: Provider
) -> None:
    import yaml

    from agentsdk.models.collect import Collector
    from agentsdk.models.dashscope import DashScopeModel
    from agentsdk.models.ollama import OllamaModel
    from agentsdk.models.openai import OpenAIModel

    readers: dict[str, Any] = {
        "openai": OpenAIModel("m", "k"),
        "ollama": OllamaModel("m"),
        "dashscope": DashScopeModel("m", "k"),
    }
    read = 0
    for path in sorted((RECORDINGS / group).rglob("*.y*ml")):
        for exchange in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
            body = exchange["response"]["body"].get("string")
            text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
            if exchange["response"]["status"]["code"] != 200 or not text.strip():
                continue
            streamed = text.lstrip().startswith(("data:", "id:", "event:", ":")) or "\n{" in text.strip()
            lines = [x.split("data:", 1)[1].strip() for x in text.splitlines() if x.startswith("data:")]
            if streamed and not lines:
                lines = [x for x in text.splitlines() if x.strip()]
            lines = [x for x in (lines if streamed else [text]) if x != "[DONE]"]
            if not all(x.startswith("{") for x in lines) or "/embeddings" in exchange["request"]["uri"]:
                continue
            answer = Collector("m")
            try:
                for line in lines:
                    if provider == "openai":
                        event = json.loads(line)
                        if "choices" not in event:
                            raise BadResponse("another endpoint")
                        list(readers[provider].take(event, answer, stream=streamed))
                    else:
                        list(readers[provider].take(line, answer, stream=streamed))
                reply = answer.reply(streamed=streamed)
            except (ModelError, json.JSONDecodeError):
                continue
            read += 1
            assert "<think>" not in reply.message.text
            for made in reply.message.calls:
                assert isinstance(made, ToolCall)
                assert isinstance(made.arguments, dict)
                assert made.name
            if answer.finish == "length" and (reply.message.calls or reply.message.broken_calls):
                assert reply.message.broken_calls
    assert read >= 2


@both
@each
def test_a_call_for_a_tool_that_was_not_offered_can_never_be_run(
    server: Standin, provider: Provider, streamed: bool
) -> None:
    server.calls(("add", {"a": 1}), ("delete_everything", {}))
    reply, _pieces = run(model_for(provider, server), ASK, streamed)
    assert [c.name for c in reply.message.calls] == ["add"]
    assert [(c.name, c.fault) for c in reply.message.broken_calls] == [
        ("delete_everything", "There is no tool called delete_everything. The tools are: add.")
    ]


@both
@each
def test_a_call_where_calls_were_forbidden_can_never_be_run(
    server: Standin, provider: Provider, streamed: bool
) -> None:
    server.calls(("add", {"a": 1}), text="No.")
    reply, _pieces = run(model_for(provider, server), replace(ASK, tool_choice="none"), streamed)
    assert reply.message.calls == ()
    assert [c.fault for c in reply.message.broken_calls] == ["No tool may be called now."]


@each
def test_text_that_may_be_the_beginning_of_a_tag_is_streamed_in_the_end(
    server: Standin, provider: Provider
) -> None:
    # "<" may open a thought and is held back; at the end of the answer it turns out to be text.
    server.say("<")
    reply, pieces = run(model_for(provider, server), ASK, streamed=True)
    assert reply.message.text == "<"
    assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == "<"


@both
@each
def test_a_reply_names_the_model_and_never_its_provider(
    server: Standin, provider: Provider, streamed: bool
) -> None:
    # DashScope's answers name no model: then it is the one that was asked for.
    server.say("Hi.")
    reply, _pieces = run(model_for(provider, server), ASK, streamed)
    assert reply.model == NAMES[provider].partition(":")[2]


@both
@each
def test_a_client_of_ones_own_carries_the_call_and_stays_open(
    server: Standin, provider: Provider, streamed: bool
) -> None:
    name = NAMES[provider].partition(":")[2]
    mark = {"X-Proxy": "mine", "Authorization": "Bearer sk-secret"}
    server.say("One.").say("Two.")

    async def go() -> list[str]:
        model: Model
        client: httpx.AsyncClient | httpx2.AsyncClient
        if provider == "openai":
            client = httpx2.AsyncClient(headers=mark)
            model = OpenAIModel(name, "sk-secret", base_url=server.url(provider), http_client=client)
        elif provider == "ollama":
            client = httpx.AsyncClient(headers=mark)
            model = OllamaModel(name, base_url=server.url(provider), http_client=client)
        else:
            client = httpx.AsyncClient(headers=mark, base_url=server.url(provider) + "/")
            model = DashScopeModel(name, "sk-secret", base_url=server.url(provider), http_client=client)
        said = []
        async with client:
            for _turn in range(2):
                if streamed:
                    async with aclosing(model.stream(ASK)) as pieces:  # type: ignore[type-var]  # a generator behind its protocol
                        said += [p.message.text async for p in pieces if isinstance(p, Reply)]
                else:
                    said.append((await model.complete(ASK)).message.text)
        return said

    assert asyncio.run(go()) == ["One.", "Two."]
    assert [{k.lower(): v for k, v in seen.headers.items()}["x-proxy"] for seen in server.requests] == [
        "mine"
    ] * 2
