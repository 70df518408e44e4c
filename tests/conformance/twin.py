"""Makes of a recorded stream the plain answer with the same parts, and of a plain answer a stream: its twin.

Both must come out alike. It imports nothing of agentsdk.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.conformance.folder import Exchange
from tests.conformance.protocol import Protocol, events_of
from tests.conformance.wire import Wire, WireCall

Event = dict[str, Any]


def twin_of(exchange: Exchange, protocol: Protocol, wire: Wire, *, streamed: bool) -> Exchange | None:
    """Return the twin of an exchange; None for an error, and for an answer whose end is missing: it can have none."""
    if exchange.status != 200 or wire.error or not wire.readable or wire.finish is None or wire.refused:
        return None
    if protocol == "responses":
        whole = _response(exchange)
        if whole is None:
            return None
        body = (
            json.dumps(whole).encode()
            if streamed
            else _sse(_response_events(whole, _chance(exchange)), named=True)
        )
    else:
        write = {"openai": _chat, "dashscope": _dashscope, "ollama": _ollama}[protocol]
        pieces = [wire] if streamed else _pieces(wire, _chance(exchange))
        events = list(write(wire, pieces, stream=not streamed))
        if streamed:
            body = json.dumps(events[0]).encode()
        elif protocol == "ollama":
            body = "".join(json.dumps(e) + "\n" for e in events).encode()
        else:
            body = _sse(events) + (b"data: [DONE]\n\n" if protocol == "openai" else b"")
    kind = (
        "application/json"
        if streamed
        else "application/x-ndjson"
        if protocol == "ollama"
        else "text/event-stream"
    )
    headers = {k: v for k, v in exchange.headers.items() if k != "content-encoding"} | {"content-type": kind}
    asked = None if exchange.asked is None else {**exchange.asked, "stream": not streamed}
    return replace(exchange, body=body, headers=headers, asked=asked, asked_headers={})


def _chance(exchange: Exchange) -> random.Random:
    return random.Random(hashlib.sha256(exchange.body).digest())


def _sse(events: Iterator[Event] | list[Event], *, named: bool = False) -> bytes:
    return "".join(
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events
    ).encode()


def _split(text: str, chance: random.Random) -> list[str]:
    """Return a text in pieces of a few characters, as tokens are."""
    pieces = []
    while text:
        size = chance.randint(1, 6)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def _pieces(wire: Wire, chance: random.Random) -> list[Wire]:
    """Return an answer's parts in the order and the sizes of a stream."""
    found = [Wire(thoughts=piece) for piece in _split(wire.thoughts, chance)]
    found += [Wire(content=piece) for piece in _split(wire.content, chance)]
    for at, call in enumerate(wire.calls):
        found.append(Wire(calls=[replace(call, raw="", at=at)]))
        if call.given is None:
            found += [Wire(calls=[WireCall(raw=piece, at=at)]) for piece in _split(call.raw, chance)]
    return found or [Wire()]


def _message(wire: Wire, *, stream: bool) -> Event:
    message: Event = {"content": wire.content or (None if wire.calls else "")}
    if not stream or wire.calls:
        message["role"] = "assistant"
    if wire.thoughts:
        message[wire.thoughts_field or "reasoning_content"] = wire.thoughts
    if wire.calls:
        message["tool_calls"] = [_call(c, stream=stream, at=at) for at, c in enumerate(wire.calls)]
    return message


def _call(call: WireCall, *, stream: bool, at: int) -> Event:
    function: Event = {"arguments": call.raw if call.given is None else call.given}
    if call.name:
        function["name"] = call.name
    found: Event = {"type": "function", "function": function, "index": call.at if stream else at}
    return found | ({"id": call.id} if call.id else {})


def _named(wire: Wire, piece: Wire) -> Wire:
    piece.thoughts_field = wire.thoughts_field
    return piece


def _chat(wire: Wire, pieces: list[Wire], *, stream: bool) -> Iterator[Event]:
    part, kind = ("delta", "chat.completion.chunk") if stream else ("message", "chat.completion")
    usage = {"usage": wire.raw_usage} if wire.raw_usage else {}
    for piece in pieces:
        choice: Event = {"index": 0, part: _message(_named(wire, piece), stream=stream), "finish_reason": None}
        if not stream:
            choice["finish_reason"] = wire.finish
        yield {"object": kind, "model": "twin", "choices": [choice]} | ({} if stream else usage)
    if stream:
        yield {"object": kind, "choices": [{"index": 0, part: {}, "finish_reason": wire.finish}]}
        yield {"object": kind, "choices": [], **usage}


def _dashscope(wire: Wire, pieces: list[Wire], *, stream: bool) -> Iterator[Event]:
    usage = {"usage": wire.raw_usage} if wire.raw_usage else {}
    last = pieces[-1]
    for piece in pieces:
        message = _message(_named(wire, piece), stream=stream) | {"role": "assistant"}
        message["content"] = message["content"] or ""
        reason = wire.finish if piece is last else "null"
        yield {
            "output": {"choices": [{"message": message, "finish_reason": reason}]},
            "request_id": "twin",
            **usage,
        }


def _ollama(wire: Wire, pieces: list[Wire], *, stream: bool) -> Iterator[Event]:
    end = {"done": True, "done_reason": wire.finish, **wire.raw_usage}
    for piece in [*pieces, Wire()] if stream else pieces:
        message = _message(_named(wire, piece), stream=False)
        message["content"] = message["content"] or ""
        if piece.calls and not piece.calls[0].name:
            continue  # calls come whole here
        if piece.calls:
            message["tool_calls"] = [_whole(c, wire) for c in piece.calls]
        yield {"model": "twin", "message": message, "done": False} | ({} if stream else end)
    if stream:
        yield {"model": "twin", "message": {"role": "assistant", "content": ""}, **end}


def _whole(call: WireCall, wire: Wire) -> Event:
    own = wire.calls[call.at] if isinstance(call.at, int) and call.at < len(wire.calls) else call
    found: Event = {"function": {"name": own.name, "arguments": own.raw if own.given is None else own.given}}
    return found | ({"id": own.id} if own.id else {})


def _response(exchange: Exchange) -> Event | None:
    """Return the response as a plain answer has it: the last one of a stream, with its items where it left them out."""
    items: list[Any] = []
    found: Event | None = None
    for event in events_of(exchange.body):
        if event.get("type") == "response.output_item.done":
            items.append(event.get("item"))
        whole = event if event.get("object") == "response" else event.get("response")
        if isinstance(whole, Mapping) and whole.get("status") in ("completed", "incomplete"):
            found = {**whole, "output": whole.get("output") or items}
    return found


def _response_events(whole: Event, chance: random.Random) -> Iterator[Event]:
    yield {
        "type": "response.created",
        "response": whole | {"status": "in_progress", "output": [], "usage": None},
    }
    for at, item in enumerate(whole["output"]):
        place = {"output_index": at, "item_id": item.get("id") or f"item_{at}"}
        begun = {**item, **({"content": []} if item.get("content") else {})}
        begun |= {"summary": []} if item.get("summary") else {}
        begun |= {"arguments": ""} if "arguments" in item else {}
        yield {"type": "response.output_item.added", **place, "item": begun}
        yield from _item_events(item, place, chance)
        yield {"type": "response.output_item.done", **place, "item": item}
    yield {"type": f"response.{whole['status']}", "response": whole}


def _item_events(item: Event, place: Event, chance: random.Random) -> Iterator[Event]:
    if item.get("type") == "function_call" and isinstance(item.get("arguments"), str):
        for piece in _split(item["arguments"], chance):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]}
    if item.get("type") == "message" and isinstance(item.get("content"), list):
        for number, part in enumerate(item["content"]):
            if part.get("type") == "output_text":
                for piece in _split(part.get("text") or "", chance):
                    yield {
                        "type": "response.output_text.delta",
                        **place,
                        "content_index": number,
                        "delta": piece,
                    }
                yield {
                    "type": "response.output_text.done",
                    **place,
                    "content_index": number,
                    "text": part.get("text"),
                }
    if item.get("type") == "reasoning" and isinstance(item.get("summary"), list):
        for number, part in enumerate(item["summary"]):
            for piece in _split(part.get("text") or "", chance):
                kind = "response.reasoning_summary_text.delta"
                yield {"type": kind, **place, "summary_index": number, "delta": piece}
