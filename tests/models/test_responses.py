"""OpenAI's Responses API: what is sent, and how every event and item is read, over real sockets."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentsdk import Agent, Message, tool
from agentsdk.errors import (
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelError,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    Truncated,
)
from agentsdk.messages import ToolCall
from agentsdk.models.collect import Collector
from agentsdk.models.model import CallDelta, Offer, ReasoningDelta, Reply, Request, TextDelta, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS, family_of
from agentsdk.models.responses import read, write
from agentsdk.testing.standin import Exchange, Standin

ADD = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
ASK = Request((Message.system("Be brief."), Message.user("Hi 你好")), (ADD,))
USAGE = {
    "input_tokens": 43,
    "input_tokens_details": {"cached_tokens": 32},
    "output_tokens": 11,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 54,
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "encrypted_content": "gAAAA",
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "add",
    "arguments": '{"a": 9223372036854775807}',
}
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "It is 四十二.", "annotations": [{"type": "url_citation"}]}],
}


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def response(*output: Mapping[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "status": status,
        "model": "gpt-5-2025-08-07",
        "output": list(output),
        "error": None,
        "incomplete_details": None,
        "reasoning": {"effort": "low", "summary": None},
        "usage": USAGE,
        **more,
    }


def events(*output: Mapping[str, Any], piece: int = 3, **end: Any) -> list[dict[str, Any]]:
    """Return the events of a stream of such items, as OpenAI sends them."""
    out: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(status="in_progress", usage=None)}
    ]
    for at, item in enumerate(output):
        where = {"output_index": at, "item_id": item["id"]}

        def cut(kind: str, text: str, done: str, where: dict[str, Any] = where, **more: Any) -> None:
            pieces = [text[i : i + piece] for i in range(0, len(text), piece)]
            out.extend({"type": f"response.{kind}.delta", "delta": p, **where, **more} for p in pieces)
            out.append({"type": f"response.{kind}.done", done: text, **where, **more})

        empty: dict[str, Any] = {"content": [], "summary": [], "arguments": ""}
        begun = {k: empty.get(k, v) for k, v in item.items()} | {"status": "in_progress"}
        out.append({"type": "response.output_item.added", "output_index": at, "item": begun})
        for i, part in enumerate(item.get("summary") or []):
            cut("reasoning_summary_text", part["text"], "text", summary_index=i)
        for i, part in enumerate(item.get("content") or []):
            if part["type"] == "reasoning_text":
                cut("reasoning_text", part["text"], "text", content_index=i)
            elif part["type"] == "refusal":
                cut("refusal", part["refusal"], "refusal", content_index=i)
            else:
                cut("output_text", part["text"], "text", content_index=i)
        if item["type"] == "function_call":
            cut("function_call_arguments", item["arguments"], "arguments")
        out.append({"type": "response.output_item.done", "output_index": at, "item": dict(item)})
    last = response(*output, **end)
    out.append({"type": f"response.{last['status']}", "response": last})
    return out


def wire(frames: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(
        f"event: {f['type']}\ndata: {json.dumps(f, ensure_ascii=False)}\n\n".encode() for f in frames
    )


def model_for(server: Standin, name: str = "gpt-5", /, **options: Any) -> OpenAIModel:
    options = {"api": "responses", "server": SERVERS["openai"], "timeout": 5.0, **options}
    return OpenAIModel(name, "sk-secret", base_url=server.url("openai"), **options)


def run(model: OpenAIModel, request: Request, streamed: bool) -> tuple[Reply, list[object]]:
    async def go() -> tuple[Reply, list[object]]:
        if not streamed:
            return await model.complete(request), []
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        return pieces[-1], list(pieces[:-1])

    return asyncio.run(go())


def answer(server: Standin, streamed: bool, *output: Mapping[str, Any], **end: Any) -> None:
    server.raw(wire(events(*output, **end)) if streamed else json.dumps(response(*output, **end)).encode())


both = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


@both
def test_text_thoughts_calls_and_usage_are_read(server: Standin, streamed: bool) -> None:
    answer(server, streamed, THOUGHT, SAID, CALL)
    reply, pieces = run(model_for(server), ASK, streamed)
    assert reply.message.text == "It is 四十二."
    assert reply.message.reasoning == "First.\n\nThen."
    assert reply.message.calls == (ToolCall("call_1", "add", {"a": 9223372036854775807}),)
    assert (reply.finish, reply.model, reply.refused) == ("tool_calls", "gpt-5-2025-08-07", False)
    usage = reply.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == (
        43,
        11,
        32,
        7,
    )
    if streamed:
        assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == "It is 四十二."
        assert "".join(p.text for p in pieces if isinstance(p, ReasoningDelta)) == "First.\n\nThen."
        assert "".join(p.arguments for p in pieces if isinstance(p, CallDelta)) == CALL["arguments"]


def test_a_request_is_written_item_by_item(server: Standin) -> None:
    answer(server, False, SAID)
    turn = Message.assistant("I add.", (ToolCall("call_9", "add", {"a": 1}),))
    messages = (*ASK.messages, turn, Message.tool(turn.calls[0], "3"), Message.system("Now in French."))
    schema = {"type": "object", "properties": {}}
    request = Request(
        messages,
        (ADD,),
        "add",
        output_schema=schema,
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        parallel=False,
        thinking="low",
        options={"metadata": {"a": "b"}, "reasoning": {"summary": "detailed"}},
    )
    run(model_for(server), request, streamed=False)
    seen = server.requests[0]
    assert seen.path == "/v1/responses"
    assert seen.body == {
        "model": "gpt-5",
        "store": False,
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Hi 你好"},
            {"role": "assistant", "content": "I add."},
            {"type": "function_call", "call_id": "call_9", "name": "add", "arguments": '{"a": 1}'},
            {"type": "function_call_output", "call_id": "call_9", "output": "3"},
            {"role": "developer", "content": "Now in French."},
        ],
        "tools": [
            {
                "type": "function",
                "name": "add",
                "description": "Return the sum.",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": ["integer", "null"]}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
                "strict": True,
            }
        ],
        "tool_choice": {"type": "function", "name": "add"},
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": schema}},
        "max_output_tokens": 16,
        "reasoning": {"effort": "low", "summary": "detailed"},
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
    }


@both
def test_thoughts_go_back_right_before_their_call_and_without_ids(server: Standin, streamed: bool) -> None:
    answer(server, streamed, THOUGHT, CALL)
    model = model_for(server)
    reply, _ = run(model, ASK, streamed)
    answer(server, False, SAID)
    again = Request((*ASK.messages, reply.message, Message.tool(reply.message.calls[0], "3")))
    run(model, again, streamed=False)
    assert server.requests[1].body["input"][1:] == [
        {k: v for k, v in THOUGHT.items() if k != "id"},
        {k: v for k, v in CALL.items() if k not in ("id", "status")},
        {"type": "function_call_output", "call_id": "call_1", "output": "3"},
    ]


def chunked(server: Standin, body: bytes, at: int) -> None:
    """Answer with these bytes, in two pieces."""

    def send(to: Exchange) -> None:
        to.head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        to.chunk(body[:at])
        to.chunk(body[at:])
        to.chunk(b"")

    server.fault(send)


def told(reply: Reply) -> tuple[Any, ...]:
    message = reply.message
    return (message.text, message.reasoning, message.calls, message.broken_calls, reply.finish, reply.usage)


EVERYTHING = (
    {**THOUGHT, "content": [{"type": "reasoning_text", "text": "In full."}]},
    {
        "id": "ws_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    },
    SAID | {"content": [*SAID["content"], {"type": "refusal", "refusal": " No."}]},
    CALL,
    CALL | {"id": "fc_2", "call_id": "call_2", "arguments": "{}"},
)


def test_every_event_reads_the_same_however_it_is_cut(server: Standin) -> None:
    answer(server, False, *EVERYTHING)
    whole, _ = run(model_for(server), ASK, streamed=False)
    assert whole.refused
    assert whole.message.text == "It is 四十二. No."
    assert whole.message.reasoning == "First.\n\nThen.\n\nIn full."
    assert [c.id for c in whole.message.calls] == ["call_1", "call_2"]
    for piece in (1, 2, 5, 1000):
        server.raw(wire(events(*EVERYTHING, piece=piece)))
        assert told(run(model_for(server), ASK, streamed=True)[0]) == told(whole)


def test_a_stream_reads_the_same_wherever_a_packet_ends(server: Standin) -> None:
    body = wire(events(THOUGHT, SAID, CALL, piece=20))
    places = range(1, len(body), 29)
    for at in places:
        chunked(server, body, at)
    model = model_for(server)

    async def go() -> list[Reply]:
        replies = []
        for _ in places:
            replies += [p async for p in model.stream(ASK) if isinstance(p, Reply)]
        return replies

    replies = asyncio.run(go())
    assert len(replies) == len(places)
    assert {repr(told(r)) for r in replies} == {repr(told(replies[0]))}
    assert replies[0].message.calls == (ToolCall("call_1", "add", {"a": 9223372036854775807}),)


def without(*kinds: str, **fields: Any) -> list[dict[str, Any]]:
    return [{**e, **fields} for e in events(THOUGHT, SAID, CALL, piece=4) if e["type"] not in kinds]


def numbered(frames: Sequence[dict[str, Any]], number: Any) -> list[dict[str, Any]]:
    return [{**f, "output_index": number} if "output_index" in f else f for f in frames]


def unnumbered(frames: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in f.items() if k != "output_index"} for f in frames]


LAST = events(THOUGHT, SAID, CALL)[-1]
ODD = {
    "only the end": [LAST],
    "no items": without("response.output_item.added", "response.output_item.done"),
    "no pieces": [e for e in without() if not e["type"].endswith(".delta")],
    "no ends of parts": [e for e in without() if not e["type"].endswith((".done", "x"))],
    "an end without items": [*without("response.completed"), {**LAST, "response": response()}],
    "all at index 0": numbered(without(), 0),
    "all at index -1": numbered(without(), -1),
    "no indexes": unnumbered(without()),
    "unknown events": [{"type": "response.odd", "delta": "x"}, {"type": "ping"}, {"odd": 1}, *without()],
    "in the words of another": [*without("response.completed"), {**LAST, "type": "response.done"}],
}


@pytest.mark.parametrize("frames", ODD.values(), ids=ODD)
def test_servers_that_leave_events_out_or_count_otherwise_are_read_too(
    server: Standin, frames: list[dict[str, Any]]
) -> None:
    server.raw(wire([{"type": "x", **f} for f in frames]))
    reply, pieces = run(model_for(server), ASK, streamed=True)
    assert (reply.message.text, reply.message.reasoning) == ("It is 四十二.", "First.\n\nThen.")
    assert reply.message.calls == (ToolCall("call_1", "add", {"a": 9223372036854775807}),)
    assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == reply.message.text
    assert reply.message.native["openai"]["responses"][0] == THOUGHT


@both
@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "filter"), ("steered", "length"), (None, "length")],
)
def test_an_answer_that_is_not_complete_runs_no_call_that_may_be_cut(
    server: Standin, streamed: bool, reason: str | None, finish: str
) -> None:
    end = {"status": "incomplete", "incomplete_details": reason and {"reason": reason}}
    answer(server, streamed, SAID, **end)
    assert run(model_for(server), ASK, streamed)[0].finish == finish
    answer(server, streamed, CALL, CALL | {"id": "fc_2", "call_id": "c2", "arguments": '{"a": 1}'}, **end)
    reply, _ = run(model_for(server), ASK, streamed)
    assert [c.id for c in reply.message.calls] == ["call_1"]
    assert [c.id for c in reply.message.broken_calls] == ["c2"]


@both
def test_a_call_that_its_item_calls_incomplete_is_never_run(server: Standin, streamed: bool) -> None:
    answer(server, streamed, CALL | {"status": "incomplete", "arguments": '{"a": 1}'}, SAID)
    reply, _ = run(model_for(server), ASK, streamed)
    assert reply.message.calls == ()
    assert [c.fault for c in reply.message.broken_calls] == ["The answer ended before the call did."]


def test_a_stream_without_its_end_runs_no_call(server: Standin) -> None:
    server.raw(wire(events(CALL)[:-1]))
    reply, _ = run(model_for(server), ASK, streamed=True)
    assert (reply.message.calls, len(reply.message.broken_calls)) == ((), 1)
    server.raw(wire(events(SAID)[:-1]))
    with pytest.raises(Truncated) as error:
        run(model_for(server), ASK, streamed=True)
    assert error.value.partial == "It is 四十二."


FAILURES: list[tuple[str, type[ModelError]]] = [
    ("rate_limit_exceeded", RateLimited),
    ("insufficient_quota", QuotaExhausted),
    ("server_error", Overloaded),
    ("context_length_exceeded", ContextOverflow),
    ("invalid_image", InvalidRequest),
    ("image_content_policy_violation", ContentFiltered),
    ("bio_policy", ContentFiltered),
    ("invalid_prompt", InvalidRequest),
]


@pytest.mark.parametrize(("code", "kind"), FAILURES)
def test_a_failed_answer_is_its_own_error(server: Standin, code: str, kind: type[ModelError]) -> None:
    error = {"code": code, "message": f"It happened: {code}"}
    failed = response(status="failed", error=error)
    server.raw(json.dumps(failed).encode())
    server.raw(wire([*events(SAID)[:-1], {"type": "response.failed", "response": failed}]))
    server.raw(wire([*events(SAID)[:-1], {"type": "error", **error, "param": None}]))
    with pytest.raises(kind) as plain:
        run(model_for(server), ASK, streamed=False)
    assert code in str(plain.value)
    for _ in range(2):
        with pytest.raises(kind) as streamed:
            run(model_for(server), ASK, streamed=True)
        assert streamed.value.partial == "It is 四十二."


@both
@pytest.mark.parametrize(
    "kind",
    [
        "computer_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "shell_call",
    ],
)
def test_what_the_provider_runs_itself_is_no_call_of_ours_and_no_empty_answer(
    server: Standin, streamed: bool, kind: str
) -> None:
    item = {"id": "x_1", "type": kind, "status": "completed", "call_id": "c", "name": "add", "arguments": "{}"}
    answer(server, streamed, item)
    reply, _ = run(model_for(server), ASK, streamed)
    assert (reply.message.text, reply.message.calls, reply.message.broken_calls) == ("", (), ())
    assert reply.message.native["openai"]["responses"] == [item]


@both
@pytest.mark.parametrize("name", [["add"], {"add": 1}, None, 5])
def test_a_call_of_text_whose_name_is_none_is_no_call_of_ours(
    server: Standin, streamed: bool, name: Any
) -> None:
    # A list was looked up among the tools, and a TypeError went through.
    item = {"id": "x_1", "type": "custom_tool_call", "call_id": "c", "name": name, "input": "x"}
    answer(server, streamed, item)
    reply, _ = run(model_for(server), ASK, streamed)
    assert (reply.message.text, reply.message.calls, reply.message.broken_calls) == ("", (), ())


def test_the_answer_of_mistral_rs_is_read(server: Standin) -> None:
    said = {
        "output_text": "\n\nOK",
        "reasoning": "\nThe user wants OK.\n",
        "usage": {"input_tokens": 39, "output_tokens": 6},
    }
    server.raw(json.dumps(response(SAID) | said | {"output": None}).encode())
    model = model_for(server, "qwen3", server=SERVERS["compatible"])
    reply, _ = run(model, ASK, streamed=False)
    assert (reply.message.text.strip(), reply.message.reasoning) == ("OK", "The user wants OK.")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (39, 6)


SECOND = THOUGHT | {"id": "rs_2", "encrypted_content": "gBBBB"}


def items_of(reply: Reply, **changes: Any) -> list[dict[str, Any]]:
    """Return the items that a reply becomes when it goes back."""
    message = replace(reply.message, **changes)
    request = Request((Message.user("Hi"), message, *(Message.tool(c, "ok") for c in message.calls)))
    body = write(request, "gpt-5", family_of("gpt-5"), SERVERS["openai"], stream=False)
    return [i for i in body["input"][1:] if i.get("type") != "function_call_output"]


def kinds(items: list[dict[str, Any]]) -> list[str]:
    return [i.get("encrypted_content") or i.get("call_id") or i.get("type") or i["role"] for i in items]


def test_each_thought_goes_back_before_what_it_led_to_or_not_at_all(server: Standin) -> None:
    other = CALL | {"id": "fc_2", "call_id": "call_2", "arguments": '{"a": 2}'}
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "x"}}
    phased = SAID | {"phase": "commentary"}
    answer(server, False, THOUGHT, search, phased, CALL, SECOND, other)
    reply, _ = run(model_for(server), ASK, streamed=False)
    calls = reply.message.calls
    assert kinds(items_of(reply)) == ["gAAAA", "web_search_call", "message", "call_1", "gBBBB", "call_2"]
    assert items_of(reply)[2]["phase"] == "commentary"
    assert not any("id" in i or "status" in i for i in items_of(reply))
    # A call that was broken, or taken out, takes its thought with it.
    assert kinds(items_of(reply, calls=calls[:1])) == ["gAAAA", "web_search_call", "message", "call_1"]
    # A text that was changed stands where the first one did; a call that was made of text comes last.
    assert kinds(items_of(reply, text="…", calls=(*calls, ToolCall("new", "add", {})))) == [
        "gAAAA",
        "web_search_call",
        "assistant",
        "call_1",
        "gBBBB",
        "call_2",
        "new",
    ]
    # Another model cannot read them.
    request = Request((Message.user("Hi"), reply.message))
    for name, server_ in (("o3", "openai"), ("gpt-5", "azure")):
        sent = write(request, name, family_of(name), SERVERS[server_], stream=False)["input"]
        assert kinds(sent) == ["user", "assistant", "call_1", "call_2"]


def test_a_thought_that_is_stored_there_or_was_never_led_anywhere_stays_out(server: Standin) -> None:
    answer(server, False, {k: v for k, v in THOUGHT.items() if k != "encrypted_content"}, CALL, SECOND)
    reply, _ = run(model_for(server), ASK, streamed=False)
    assert kinds(items_of(reply)) == ["call_1"]


@both
@pytest.mark.parametrize("name", ["gpt-5", "gpt-4o"])
def test_stop_strings_cut_the_answer_here_since_the_protocol_knows_none(
    server: Standin, streamed: bool, name: str
) -> None:
    said = SAID | {"content": [{"type": "output_text", "text": "One. Two. Three."}]}
    answer(server, streamed, said, CALL)
    reply, pieces = run(model_for(server, name), replace(ASK, stop=("Thr", " Two")), streamed)
    assert "stop" not in server.requests[0].body
    assert (reply.message.text, reply.message.calls, reply.finish) == ("One.", (), "stop")
    assert reply.usage.output_tokens == 11
    if streamed:
        assert "".join(p.text for p in pieces if isinstance(p, TextDelta)) == "One."
        assert not any(isinstance(p, CallDelta) for p in pieces)


def test_a_model_that_does_not_think_is_not_asked_for_thoughts(server: Standin) -> None:
    answer(server, False, SAID)
    request = Request((Message.system("Only this."),), temperature=0.5, top_p=0.9, thinking=False, seed=7)
    run(model_for(server, "gpt-4o"), request, streamed=False)
    assert server.requests[0].body == {
        "model": "gpt-4o",
        "store": False,
        "input": [{"role": "developer", "content": "Only this."}],
        "temperature": 0.5,
        "top_p": 0.9,
    }


@pytest.mark.parametrize(
    ("thinking", "effort"), [(True, "medium"), (False, "minimal"), ("max", "high"), (None, None)]
)
def test_the_effort_is_one_that_the_model_knows(server: Standin, thinking: Any, effort: str | None) -> None:
    answer(server, False, SAID)
    run(model_for(server), Request((Message.user("Hi"),), thinking=thinking), streamed=False)
    assert (server.requests[0].body.get("reasoning") or {}).get("effort") == effort


@both
def test_the_stand_in_speaks_it_too(server: Standin, streamed: bool) -> None:
    server.say("The answer is 四十二.", reasoning="Let me think.").calls(("add", {"a": 1}), ("add", {"a": 2}))
    server.calls(("add", {"a": 1}), ("add", {"a": 2}), finish="length")
    model = model_for(server)
    first, _ = run(model, replace(ASK, thinking=True), streamed)
    assert (first.message.text, first.message.reasoning) == ("The answer is 四十二.", "Let me think.")
    second, _ = run(model, ASK, streamed)
    assert [c.arguments for c in second.message.calls] == [{"a": 1}, {"a": 2}]
    third, _ = run(model, ASK, streamed)
    assert [c.arguments for c in third.message.calls] == [{"a": 1}]
    assert third.finish == "tool_calls"


def test_an_agents_thoughts_travel_with_its_calls_from_turn_to_turn(server: Standin) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    server.calls(("add", {"a": 1, "b": 2}), reasoning="I add.").say("It is 3.")
    answered = Agent(model_for(server), tools=[add]).run("1 + 2?")
    assert (answered.text, answered.steps[0].value) == ("It is 3.", 3)
    first, second = (s.body["input"] for s in server.requests)
    assert "encrypted_content" not in json.dumps(first)
    kinds_ = [i.get("type", i.get("role")) for i in second]
    assert kinds_ == ["user", "reasoning", "function_call", "function_call_output"]
    assert second[1]["encrypted_content"] == "encrypted-by-the-stand-in"
    assert second[2]["call_id"] == second[3]["call_id"]


RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the shared recordings are not here")
def test_recorded_answers_are_read_item_by_item() -> None:
    yaml = pytest.importorskip("yaml")
    read_ = 0
    for path in sorted(RECORDINGS.glob("openai-responses/*/*.yaml")):
        for exchange in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
            if (
                not exchange["request"]["uri"].endswith("/responses")
                or exchange["response"]["status"]["code"] != 200
            ):
                continue
            body = exchange["response"]["body"]["string"]
            streamed = body.lstrip().startswith("event:")
            lines = body.splitlines() if streamed else [f"data: {body}"]
            frames = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
            last = frames[-1].get("response", frames[-1])
            names: dict[str, dict[str, Any]] = {
                i["name"]: {} for i in last["output"] if i["type"] == "function_call"
            }
            taken = Collector("m", Offer(names))
            origin = {"server": "openai", "model": "m"}
            shown = [d for f in frames for d in read(f, taken, origin, name="m", stream=streamed)]
            reply = taken.reply(streamed=streamed)
            message = reply.message
            calls = [i for i in last["output"] if i["type"] == "function_call"]
            assert [(c.id, c.name, c.arguments) for c in message.calls] == [
                (i["call_id"], i["name"], json.loads(i["arguments"])) for i in calls
            ], path.name
            parts = [p for i in last["output"] if i["type"] == "message" for p in i["content"]]
            assert message.text == "".join(p.get("text") or p.get("refusal") or "" for p in parts), path.name
            assert "".join(d.text for d in shown if isinstance(d, TextDelta)) == message.text, path.name
            assert reply.usage.output_tokens == last["usage"]["output_tokens"], path.name
            read_ += 1
    assert read_ >= 40
