"""Claude and Gemini through their LangChain packages, over real sockets, with answers in the form of their protocols."""

import asyncio
import builtins
import gc
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agentsdk import Agent, Message, connect, tool
from agentsdk._bridge import wait
from agentsdk.errors import (
    AuthFailed,
    ConnectionLost,
    ContentFiltered,
    DeadlineExceeded,
    MissingExtra,
    MissingKey,
    ModelError,
    Overloaded,
    RateLimited,
    Truncated,
    UnsupportedMedia,
)
from agentsdk.media import Media
from agentsdk.messages import ToolCall
from agentsdk.models.model import Model, ReasoningDelta, Reply, Request, TextDelta, ToolSpec

# google-genai 2.34 leaves the body of some errors unread, and it is collected at any later time.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*ClientResponse.json:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine 'ClientResponse.json':RuntimeWarning"),
]

ADD = ToolSpec(
    "add",
    "Return the sum.",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
)
ASK = Request((Message.system("Be brief."), Message.user("1 + 2?")), (ADD,))


class Provider:
    """Answers in a row, whatever is asked; keeps what was asked."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, str], bytes, float]] = []
        self.seen: list[Any] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                provider.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, headers, body, wait = provider.rows.pop(0)
                if provider.stop.wait(wait):
                    return
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.stop = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def events(self, events: Sequence[Any]) -> None:
        parts = []
        for event in events:
            kind = f"event: {event['type']}\n" if "type" in event else ""
            parts.append(f"{kind}data: {json.dumps(event)}\n\n")
        self.rows.append((200, {"Content-Type": "text/event-stream"}, "".join(parts).encode(), 0))

    def fault(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.rows.append(
            (status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode(), 0)
        )


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop.set()
    running.server.shutdown()
    running.server.server_close()
    gc.collect()


def claude(provider: Provider, **options: Any) -> Model:
    return connect(
        "anthropic:claude-sonnet-5", base_url=provider.url, api_key="test", **{"retries": 0, **options}
    )


def gemini(provider: Provider, **options: Any) -> Model:
    return connect(
        "google:gemini-3.5-flash", base_url=provider.url, api_key="test", **{"retries": 0, **options}
    )


def blocks(*contents: tuple[dict[str, Any], list[dict[str, Any]]], stop: str | None) -> list[dict[str, Any]]:
    """Return Claude's events: each content block with its deltas, then why it stopped."""
    start: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5-20260301", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 20, "output_tokens": 1},
    }  # fmt: skip
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, (block, deltas) in enumerate(contents):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    if stop:
        delta = {"stop_reason": stop, "stop_sequence": None}
        usage = {"input_tokens": 20, "output_tokens": 9, "cache_read_input_tokens": 4}
        events.append({"type": "message_delta", "delta": delta, "usage": usage})
        events.append({"type": "message_stop"})
    return events


def said(*pieces: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in pieces]


def called(*pieces: str, name: str = "add") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    block = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    return block, [{"type": "input_json_delta", "partial_json": p} for p in pieces]


THOUGHT = (
    {"type": "thinking", "thinking": "", "signature": ""},
    [
        {"type": "thinking_delta", "thinking": "One and "},
        {"type": "thinking_delta", "thinking": "two."},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ],
)


def parts(*contents: dict[str, Any], finish: str | None = "STOP") -> list[dict[str, Any]]:
    """Return Gemini's events: a part each, the last with why it stopped."""
    events = []
    for at, part in enumerate(contents):
        candidate: dict[str, Any] = {"content": {"parts": [part], "role": "model"}, "index": 0}
        last = at == len(contents) - 1
        if finish and last:
            candidate["finishReason"] = finish
        usage = {
            "promptTokenCount": 20,
            "candidatesTokenCount": 9 if last else 1,
            "totalTokenCount": 29 if last else 21,
        }
        events.append({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3.5-flash"})
    return events


def ask(model: Model, request: Request = ASK) -> tuple[Reply, list[object]]:
    async def go() -> list[object]:
        return [piece async for piece in model.stream(request)]

    pieces = wait(go())  # on the loop that lives on, as Agent.run does
    assert isinstance(pieces[-1], Reply)
    return pieces[-1], pieces[:-1]


def test_claude_speaks_thinks_and_is_counted(provider: Provider) -> None:
    provider.events(blocks(THOUGHT, said("It is ", "3."), stop="end_turn"))
    reply, pieces = ask(claude(provider), Request(ASK.messages, thinking=True))
    assert (reply.message.text, reply.message.reasoning, reply.finish) == ("It is 3.", "One and two.", "stop")
    assert (reply.usage.calls, reply.usage.output_tokens) == (1, 9)
    assert reply.usage.input_tokens >= 20
    assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == "It is 3."
    assert "".join(p.text for p in pieces if isinstance(p, ReasoningDelta)) == "One and two."
    assert reply.model == "claude-sonnet-5-20260301"


def test_claudes_signed_thoughts_go_back_with_their_call(provider: Provider) -> None:
    provider.events(blocks(THOUGHT, called('{"a": 1', ', "b": 2}'), stop="tool_use"))
    provider.events(blocks(said("3."), stop="end_turn"))
    model = claude(provider)
    first, _ = ask(model, Request(ASK.messages, ASK.tools, thinking=True))
    call = first.message.calls[0]
    assert (call.name, call.arguments) == ("add", {"a": 1, "b": 2})
    turns = (*ASK.messages, first.message, Message.tool(call, "3"))
    ask(model, Request(turns, ASK.tools, thinking=True))
    content = provider.seen[1]["messages"][1]["content"]
    assert content[0]["type"] == "thinking"
    assert content[0]["signature"] == "c2lnbmVk"
    assert [b["type"] for b in content] == ["thinking", "tool_use"]
    assert content[1]["input"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("pieces", "stop"),
    [(('{"a": 1, "b": 2',), "max_tokens"), (('{"a": 1, "b": 2}',), "max_tokens"), (('{"a": 1',), None)],
)
def test_a_call_of_claudes_that_was_cut_can_never_be_run(
    provider: Provider, pieces: tuple[str, ...], stop: str | None
) -> None:
    provider.events(blocks(called(*pieces), stop=stop))
    reply, _ = ask(claude(provider))
    assert reply.message.calls == ()
    assert len(reply.message.broken_calls) == 1


def test_a_call_for_what_was_not_offered_can_never_be_run(provider: Provider) -> None:
    provider.events(blocks(called("{}", name="remove_everything"), stop="tool_use"))
    provider.events(parts({"functionCall": {"name": "remove_everything", "args": {}}}))
    for model in (claude(provider), gemini(provider)):
        reply, _ = ask(model)
        assert reply.message.calls == ()
        assert "remove_everything" in reply.message.broken_calls[0].fault


def test_a_text_that_breaks_off_without_its_end_is_truncated(provider: Provider) -> None:
    provider.events(blocks(said("It is"), stop=None))
    provider.events(parts({"text": "It is"}, finish=None))
    for model in (claude(provider), gemini(provider)):
        with pytest.raises(Truncated) as raised:
            ask(model)
        assert "It is" in str(raised.value.partial)


def test_gemini_speaks_calls_and_is_counted(provider: Provider) -> None:
    provider.events(parts({"text": "One "}, {"functionCall": {"name": "add", "args": {"a": 1, "b": 2}}}))
    reply, _ = ask(gemini(provider))
    assert [(c.name, c.arguments) for c in reply.message.calls] == [("add", {"a": 1, "b": 2})]
    assert reply.message.text == "One "
    assert reply.finish == "tool_calls"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (20, 9)


def test_geminis_signatures_go_back_with_their_call(provider: Provider) -> None:
    call = {"functionCall": {"name": "add", "args": {"a": 1, "b": 2}}, "thoughtSignature": "c2lnbmVk"}
    provider.events(parts(call))
    provider.events(parts({"text": "3."}))
    model = gemini(provider)
    first, _ = ask(model)
    made = first.message.calls[0]
    ask(model, Request((*ASK.messages, first.message, Message.tool(made, "3")), ASK.tools))
    sent = provider.seen[1]["contents"][1]["parts"][0]
    assert sent["functionCall"]["name"] == "add"
    assert sent["thoughtSignature"] == "c2lnbmVk"


@pytest.mark.parametrize("word", ["SAFETY", "PROHIBITED_CONTENT"])
def test_an_answer_that_geminis_filter_stopped_says_so(provider: Provider, word: str) -> None:
    provider.events(parts({"text": "It is"}, finish=word))
    try:
        reply, _ = ask(gemini(provider))
    except ContentFiltered:
        return
    assert reply.finish == "filter"


FAULTS: list[tuple[int, dict[str, str], type[ModelError]]] = [
    (401, {}, AuthFailed),
    (429, {"retry-after": "7"}, RateLimited),
    (500, {}, Overloaded),
    (529, {}, Overloaded),
]


@pytest.mark.parametrize(("status", "headers", "error"), FAULTS, ids=[str(f[0]) for f in FAULTS])
def test_every_status_has_its_error(
    provider: Provider, status: int, headers: dict[str, str], error: type[ModelError]
) -> None:
    provider.fault(status, {"type": "error", "error": {"type": "some_error", "message": "no"}}, headers)
    with pytest.raises(error) as raised:
        ask(claude(provider))
    assert raised.value.status == status
    if isinstance(raised.value, RateLimited):
        assert raised.value.retry_after == 7
    provider.fault(status, {"error": {"code": status, "message": "no", "status": "SOME_ERROR"}}, headers)
    with pytest.raises(error):
        ask(gemini(provider))
    assert len(provider.seen) == 2  # their own clients do not try again


def test_a_server_that_is_not_there_is_a_lost_connection() -> None:
    for name in ("anthropic:claude-sonnet-5", "google:gemini-3.5-flash"):
        model = connect(name, base_url="http://127.0.0.1:9", api_key="test", retries=0)
        with pytest.raises(ConnectionLost):
            ask(model)


def test_an_answer_that_never_comes_ends_at_the_deadline(provider: Provider) -> None:
    for build in (claude, gemini):
        provider.rows.append((200, {}, b"", 30.0))
        with pytest.raises(DeadlineExceeded):
            ask(build(provider, timeout=0.3))


def test_what_is_asked_for_reaches_the_wire(provider: Provider) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    request = Request(
        ASK.messages, ASK.tools, "required", max_tokens=50, temperature=0.3, stop=("END",), parallel=False
    )
    provider.events(blocks(called('{"a": 1, "b": 2}'), stop="tool_use"))
    ask(claude(provider), request)
    sent = provider.seen[0]
    assert (sent["max_tokens"], sent["temperature"], sent["stop_sequences"]) == (50, 0.3, ["END"])
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert sent["system"] == "Be brief."
    provider.events(parts({"functionCall": {"name": "add", "args": {"a": 1, "b": 2}}}))
    ask(gemini(provider), request)
    sent = provider.seen[1]
    config = sent["generationConfig"]
    assert (config["maxOutputTokens"], config["temperature"], config["stopSequences"]) == (50, 0.3, ["END"])
    assert sent["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
    provider.events(blocks(said('{"sum": 3}'), stop="end_turn"))
    ask(claude(provider), Request(ASK.messages, output_schema=schema))
    assert provider.seen[2]["output_config"]["format"]["schema"]["properties"] == {"sum": {"type": "integer"}}
    provider.events(parts({"text": '{"sum": 3}'}))
    ask(gemini(provider), Request(ASK.messages, output_schema=schema))
    assert provider.seen[3]["generationConfig"]["responseMimeType"] == "application/json"


def test_no_tool_is_called_where_none_may_be(provider: Provider) -> None:
    call = ToolCall("toolu_1", "add", {"a": 1, "b": 2})
    turns = (*ASK.messages, Message.assistant("", [call]), Message.tool(call, "3"))
    provider.events(blocks(said("3."), stop="end_turn"))
    ask(claude(provider), Request(turns, ASK.tools, "none"))
    assert provider.seen[0]["tool_choice"] == {"type": "none"}
    assert provider.seen[0]["tools"]
    provider.events(parts({"text": "3."}))
    ask(gemini(provider), Request(turns, ASK.tools, "none"))
    assert provider.seen[1]["toolConfig"]["functionCallingConfig"]["mode"] == "NONE"


def test_pictures_go_in_each_providers_own_form(provider: Provider) -> None:
    picture = Media("image", "image/png", b"\x89PNG\r\n\x1a\n")
    request = Request((Message.user("What is it?", picture),))
    provider.events(blocks(said("A dot."), stop="end_turn"))
    ask(claude(provider), request)
    source = provider.seen[0]["messages"][0]["content"][0]["source"]
    assert (source["type"], source["media_type"]) == ("base64", "image/png")
    provider.events(parts({"text": "A dot."}))
    ask(gemini(provider), request)
    assert provider.seen[1]["contents"][0]["parts"][0]["inlineData"]["mime_type"] == "image/png"


def test_a_kind_that_a_partner_does_not_take_is_refused_before_the_call(provider: Provider) -> None:
    sound = Media("audio", "audio/wav", b"RIFF\x00\x00\x00\x00WAVEfmt ")
    with pytest.raises(UnsupportedMedia, match="claude-sonnet-5"):
        ask(claude(provider), Request((Message.user("What is it?", sound),)))
    assert provider.seen == []


def test_an_agent_works_with_either(provider: Provider) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    provider.events(blocks(called('{"a": 1, "b": 2}'), stop="tool_use"))
    provider.events(blocks(said("It is 3."), stop="end_turn"))
    answer = Agent(claude(provider), tools=[add]).run("1 + 2?")
    assert (answer.text, answer.steps[0].value) == ("It is 3.", 3)
    provider.events(parts({"functionCall": {"name": "add", "args": {"a": 1, "b": 2}}}))
    provider.events(parts({"text": "It is 3."}))
    answer = Agent(gemini(provider), tools=[add]).run("1 + 2?")
    assert (answer.text, answer.steps[0].value) == ("It is 3.", 3)


@pytest.mark.parametrize(
    ("name", "line"), [("anthropic", "agentsdk[anthropic]"), ("google", "agentsdk[google]")]
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    name: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(module: str, *args: Any, **kwargs: Any) -> Any:
        if module.startswith(("langchain_anthropic", "langchain_google_genai")):
            raise ImportError(module)
        return real(module, *args, **kwargs)

    import sys

    for loaded in [m for m in sys.modules if m.startswith(("langchain_anthropic", "langchain_google_genai"))]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra) as raised:
        connect(f"{name}:some-model", api_key="test")
    assert line in str(raised.value)


# Their clients outlive a loop that asyncio.run ends: nobody closes them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_event_loop_has_a_client_of_its_own(provider: Provider) -> None:
    models = (claude(provider), gemini(provider))
    for _ in range(2):
        for model, events in zip(
            models, (blocks(said("3."), stop="end_turn"), parts({"text": "3."})), strict=True
        ):
            provider.events(events)
            assert asyncio.run(model.complete(ASK)).message.text == "3."
    gc.collect()


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(MissingKey, match="anthropic"):
        connect("anthropic:claude-sonnet-5")
    with pytest.raises(MissingKey) as raised:
        connect("google:gemini-3.5-flash")
    assert "GOOGLE_API_KEY" in str(raised.value)
