"""OpenAI's Responses API: what is sent, and how every event and item is read, over real sockets."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from agentsdk import Message
from agentsdk.messages import ToolCall
from agentsdk.models.model import CallDelta, ReasoningDelta, Reply, Request, TextDelta, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.testing.standin import Standin

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


def model_for(server: Standin, name: str = "gpt-5", **options: Any) -> OpenAIModel:
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
                "parameters": dict(ADD.parameters),
                "strict": False,
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
