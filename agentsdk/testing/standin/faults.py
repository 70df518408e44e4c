"""What can go wrong between a program and a provider, by name: each fault as the bytes, or the silence, on the socket.

    server.fault("429", retry_after=1).say("now it works")
    server.fault("reset-midway", after=3)

A fault strikes one answer: the request is right, and so is everything before and after it. Where a provider has its
own form for a fault (an error body, an error event, a finish reason), that form is used.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import cache
from typing import Any

from agentsdk.testing.standin.exchange import Exchange
from agentsdk.testing.standin.refusals import told
from agentsdk.testing.standin.script import Fault, Line

SPOILT = "This is the answer that a fault spoils: nobody should ever take half of it for the whole."
"""What is being answered when the fault strikes, where the script says nothing else."""

FOREVER = 600.0
"""Seconds after which a fault that never ends gives up, should nobody hang up."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that goes wrong."""

    name: str
    what: str
    """One sentence on what the client gets to see."""
    strike: Callable[[Exchange, Mapping[str, Any]], None]

    def __call__(self, **options: Any) -> Fault:
        """Return the fault, set as the options say."""
        return lambda exchange: self.strike(_speaking(exchange), options)


FAULTS: dict[str, Kind] = {}
"""All of them, by name."""


def fault_named(name: str, **options: Any) -> Fault:
    """Return the fault of a name.

    Args:
        name: one of `FAULTS`.
        options: `after` (events that still come), `retry_after` (seconds), `code` and `message` of an error,
            `seconds` of a delay; a fault takes those that concern it.

    Raises:
        ValueError: there is none; the message lists them.

    """
    if name not in FAULTS:
        raise ValueError(f"No fault is called {name!r}. There are: {', '.join(sorted(FAULTS))}.")
    return FAULTS[name](**options)


Strike = Callable[[Exchange, Mapping[str, Any]], None]


def _fault(name: str, what: str) -> Callable[[Strike], Strike]:
    def keep(strike: Strike) -> Strike:
        FAULTS[name] = Kind(name, what, strike)
        return strike

    return keep


def _refusal(
    name: str, what: str, error: str, retry_after: Callable[[Mapping[str, Any]], str] | None = None
) -> None:
    def strike(to: Exchange, options: Mapping[str, Any]) -> None:
        said = told(error, to.asked.protocol, options)
        headers = {"Retry-After": retry_after(options)} if retry_after else {}
        body = to.wire.error(said.status, said.code, said.message)
        to.send(said.status, body, {"x-request-id": "req-standin", **headers})

    FAULTS[name] = Kind(name, what, strike)


def _speaking(exchange: Exchange) -> Exchange:
    """Return an exchange whose line says something: half of nothing could not be told from the whole."""
    line = exchange.line
    if not (line.text or line.calls or line.reasoning):
        exchange.line = replace(line, text=SPOILT)
    return exchange


# Refusals: a status, and the provider's own words.
_refusal(
    "429",
    "Too many requests; Retry-After says 1 second, or `retry_after`.",
    "rate",
    lambda options: f"{options.get('retry_after', 1):g}",
)
_refusal("429-hour", "Too many requests; Retry-After says an hour.", "rate", lambda _options: "3600")
_refusal(
    "429-date",
    "Too many requests; Retry-After names a moment 2 seconds ahead, or `retry_after`.",
    "rate",
    lambda options: formatdate(time.time() + options.get("retry_after", 2), usegmt=True),
)
_refusal("quota", "The account has nothing left to spend.", "quota")
_refusal("500", "The server failed.", "500")
_refusal("502", "The server behind the server failed.", "502")
_refusal("503", "The server has no room.", "503")
_refusal("504", "The server behind the server did not answer.", "504")
_refusal("529", "The server is overloaded.", "529")
_refusal("401", "The key is wrong.", "key")
_refusal("403", "The key may not use this model.", "access")
_refusal("404-model", "The server does not have the model.", "model")
_refusal("400", "The server refuses a parameter.", "invalid")
_refusal("overflow", "The conversation is longer than the model's window.", "overflow")
_refusal("filter", "A filter stopped the request.", "filter")


@_fault("html-502", "A gateway answers 502 with a page of HTML.")
def _html_502(to: Exchange, options: Mapping[str, Any]) -> None:
    to.send(502, _PAGE.replace(b"Welcome", b"502 Bad Gateway"), {"Content-Type": "text/html"})


# The connection breaks.
@_fault("reset", "The connection is reset before a byte of the answer came.")
def _reset(to: Exchange, options: Mapping[str, Any]) -> None:
    to.reset()


@_fault("close", "The connection is closed before a byte of the answer came.")
def _close(to: Exchange, options: Mapping[str, Any]) -> None:
    to.close()


@_fault("close-after-headers", "The connection is closed after the headers.")
def _close_after(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    to.close()


@_fault("reset-midway", "The connection is reset in the middle of the answer, or `after` so many events.")
def _reset_midway(to: Exchange, options: Mapping[str, Any]) -> None:
    _half(to, options)
    to.wait(0.1)  # a reset throws away what the client has not read yet: let it read
    to.reset()


@_fault("close-midway", "The connection is closed in the middle of the answer, or `after` so many events.")
def _close_midway(to: Exchange, options: Mapping[str, Any]) -> None:
    _half(to, options)
    to.close()


@_fault("short-body", "The answer is shorter than its Content-Length says.")
def _short_body(to: Exchange, options: Mapping[str, Any]) -> None:
    body = b"".join(_first(to, options)) if to.streamed else to.whole()
    to.head(200, {**_type(to), "Content-Length": str(len(body) + 500)})
    to.write(body)
    to.close()


@_fault("short-length", "The answer is longer than its Content-Length says, and is cut there.")
def _short_length(to: Exchange, options: Mapping[str, Any]) -> None:
    events = to.events()
    body = b"".join(events) if to.streamed else to.whole()
    at = len(b"".join(events[: len(events) // 2])) + 9 if to.streamed else len(body) // 2
    to.head(200, {**_type(to), "Content-Length": str(at), "Connection": "close"})
    to.write(body)
    to.close()


@_fault("bad-chunks", "The chunks of the body do not have the lengths that they announce.")
def _bad_chunks(to: Exchange, options: Mapping[str, Any]) -> None:
    _half(to, options)
    to.write(b"zz\r\nno length at all\r\n")
    to.wait(FOREVER)


# Nothing comes, or it never ends.
@_fault("silence", "No byte is ever sent.")
def _silence(to: Exchange, options: Mapping[str, Any]) -> None:
    to.wait(FOREVER)


@_fault("silence-after-headers", "The headers come, and then nothing.")
def _silence_after(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    to.wait(FOREVER)


@_fault("silence-midway", "The answer begins, or comes `after` so many events, and then nothing.")
def _silence_midway(to: Exchange, options: Mapping[str, Any]) -> None:
    _half(to, options)
    to.wait(FOREVER)


@_fault("drip", "One byte a second comes, for ever.")
def _drip(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    body = b"".join(to.events()) if to.streamed else to.whole()
    for byte in body:
        to.chunk(bytes([byte]))
        to.wait(1)


@_fault("keep-alive", "Comments keep the connection open for ever; where there are none, blanks do.")
def _keep_alive(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    beat = b": keep-alive\n\n" if to.streamed and to.asked.protocol != "ollama" else b" \n"
    while True:
        to.chunk(beat)
        to.wait(0.1)


@_fault("endless", "The answer goes on and on, event after event.")
def _endless(to: Exchange, options: Mapping[str, Any]) -> None:
    _half(to, options)
    more = to.events()[1 if to.asked.protocol == "ollama" else 2] if to.streamed else b"and on " * 500
    while True:
        to.chunk(more)
        to.wait(0.02)


@_fault("endless-line", "One line comes that never ends.")
def _endless_line(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    framed = to.streamed and to.asked.protocol != "ollama"
    to.chunk(b'data: {"id": "' if framed else b'{"model": "')
    block = b"x" * 262_144
    while True:
        to.chunk(block)


@_fault("gigabyte", "The answer announces a gigabyte, and begins to send it.")
def _gigabyte(to: Exchange, options: Mapping[str, Any]) -> None:
    to.head(200, {**_type(to), "Content-Length": str(1 << 30)})
    block = b" " * 262_144
    for _ in range((1 << 30) // len(block)):
        to.write(block)


@_fault("gzip-bomb", "A gigabyte of blanks comes, packed small.")
def _gzip_bomb(to: Exchange, options: Mapping[str, Any]) -> None:
    to.head(200, {**_type(to), "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"})
    head, block = _packed_megabyte()
    to.chunk(head)
    for _ in range(1024):
        to.chunk(block)


@_fault("slow-first", "The first byte comes late, after 0.4 seconds or `seconds`; the answer is right.")
def _slow_first(to: Exchange, options: Mapping[str, Any]) -> None:
    to.wait(options.get("seconds", 0.4))
    _right(to, to.line)


# What comes is not in the protocol.
@_fault("not-json", "What should be JSON is not.")
def _not_json(to: Exchange, options: Mapping[str, Any]) -> None:
    _instead(to, options, b'{"choices": [oops')


@_fault("deep", "JSON comes that is nested 200,000 deep.")
def _deep(to: Exchange, options: Mapping[str, Any]) -> None:
    _instead(to, options, b'{"choices":' + b"[" * 200_000)


@_fault("html", "A page of HTML comes with status 200: a portal, or a proxy.")
def _html(to: Exchange, options: Mapping[str, Any]) -> None:
    to.send(200, _PAGE, {"Content-Type": "text/html; charset=utf-8"})


@_fault("wrong-type", "A right answer comes under a Content-Type that is wrong.")
def _wrong_type(to: Exchange, options: Mapping[str, Any]) -> None:
    to.send(200, b"".join(to.events()) if to.streamed else to.whole(), {"Content-Type": "text/plain"})


@_fault("empty-body", "Status 200, and no body.")
def _empty_body(to: Exchange, options: Mapping[str, Any]) -> None:
    to.send(200, b"")


@_fault("empty-stream", "The stream ends before its first event; a plain answer is an empty object.")
def _empty_stream(to: Exchange, options: Mapping[str, Any]) -> None:
    if to.streamed:
        _head(to)
        to.write(_END)
    else:
        to.send(200, b"{}")


@_fault("bad-utf8", "Bytes that are not UTF-8 stand in the text.")
def _bad_utf8(to: Exchange, options: Mapping[str, Any]) -> None:
    word = to.line.text[:4].encode()
    _each(to, lambda event: event.replace(word, b"\xff\xfe\x80\xc3"))


@_fault("redirect-loop", "Status 307, and the address that it names is the same one.")
def _redirect_loop(to: Exchange, options: Mapping[str, Any]) -> None:
    to.send(307, b"", {"Location": to.asked.path})


# An error, in a place where none is looked for.
@_fault("error-in-200", "Status 200, and the body is an error; also where a stream was asked for.")
def _error_in_200(to: Exchange, options: Mapping[str, Any]) -> None:
    said = told("busy", to.asked.protocol, options)
    to.send(200, to.wire.error(500, said.code, said.message))


@_fault("error-midway", "An error comes in the middle of a stream; a plain answer is an error with status 200.")
def _error_midway(to: Exchange, options: Mapping[str, Any]) -> None:
    if not to.streamed:
        _error_in_200(to, options)
        return
    said = told("busy", to.asked.protocol, options)
    _half(to, options)
    to.chunk(to.wire.error_event(said.code, said.message))
    to.write(_END)


# The answer is whole and in the protocol, and yet not one.
@_fault("no-finish", "The answer ends in good order, but nothing says why it ended.")
def _no_finish(to: Exchange, options: Mapping[str, Any]) -> None:
    if not to.streamed:
        to.send(200, _changed(to.whole(), _unfinish))
        return
    _head(to)
    for event in to.events():
        if _finishes(to.asked.protocol, event):
            break
        to.chunk(event)
    to.write(_END)


@_fault("no-choices", "The answer holds an empty list where its choices should be.")
def _no_choices(to: Exchange, options: Mapping[str, Any]) -> None:
    _each(to, lambda event: _changed(event, lambda value: _set_choices(value, [])))


@_fault("null-choices", "The answer holds null where its choices should be.")
def _null_choices(to: Exchange, options: Mapping[str, Any]) -> None:
    _each(to, lambda event: _changed(event, lambda value: _set_choices(value, None)))


@_fault("cut-arguments", "A tool call's arguments stop in the middle, though it says that it is whole.")
def _cut_arguments(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(calls=(("add", _HALF),)))


@_fault("cut-call", "The token limit cuts a tool call in the middle of its arguments.")
def _cut_call(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(calls=(("add", _HALF),), finish="length"))


@_fault("length", "The token limit cuts the text.")
def _length(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(SPOILT[:30], finish="length"))


@_fault("filter-finish", "A filter stops the answer in the middle of its text.")
def _filter_finish(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(SPOILT[:30], finish="content_filter"))


@_fault("filter-empty", "A filter stops the answer before its first word.")
def _filter_empty(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(finish="content_filter"))


@_fault("reasoning-only", "The model thinks, and then says nothing.")
def _reasoning_only(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(reasoning="They want a word, and I have none."))


@_fault("empty-text", "The answer is whole, and its text is empty.")
def _empty_text(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line())


@_fault("load", "The answer is empty since the model was only loaded (Ollama); elsewhere an empty text.")
def _load(to: Exchange, options: Mapping[str, Any]) -> None:
    _right(to, Line(finish="load" if to.asked.protocol == "ollama" else ""))


@cache
def _packed_megabyte() -> tuple[bytes, bytes]:
    """Return the head of a gzip body, and a block of it that may be repeated."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    return head, packer.compress(b" " * 1_048_576) + packer.flush(zlib.Z_FULL_FLUSH)


def _type(to: Exchange) -> dict[str, str]:
    return {"Content-Type": to.wire.content_type if to.streamed else "application/json"}


def _head(to: Exchange) -> None:
    to.head(200, {**_type(to), "Transfer-Encoding": "chunked", "x-request-id": "req-standin"})


def _first(to: Exchange, options: Mapping[str, Any]) -> list[bytes]:
    """Return the events that still come: `after`, or half of them."""
    events = to.events()
    return events[: options.get("after", max(len(events) // 2, 1))]


def _half(to: Exchange, options: Mapping[str, Any]) -> None:
    _head(to)
    if to.streamed:
        for event in _first(to, options):
            to.chunk(event)
    else:
        body = to.whole()
        to.chunk(body[: len(body) // 2])


def _right(to: Exchange, line: Line) -> None:
    """Answer in good order."""
    if not to.streamed:
        to.send(200, to.whole(line))
        return
    _head(to)
    for event in to.events(line):
        to.chunk(event)
    to.write(_END)


def _each(to: Exchange, change: Callable[[bytes], bytes]) -> None:
    """Answer with every event changed."""
    if not to.streamed:
        to.send(200, change(to.whole()))
        return
    _head(to)
    for event in to.events():
        to.chunk(change(event))
    to.write(_END)


def _instead(to: Exchange, options: Mapping[str, Any], data: bytes) -> None:
    """Answer with `data` where JSON should be: in place of the answer, or of the second half of the events."""
    if not to.streamed:
        to.send(200, data)
        return
    _half(to, options)
    to.chunk(data + b"\n" if to.asked.protocol == "ollama" else b"data: " + data + b"\n\n")
    to.write(_END)


def _changed(event: bytes, change: Callable[[Any], object]) -> bytes:
    """Return an answer, or an event of one, whose JSON was changed in place."""
    start, end = event.find(b"{"), event.rfind(b"}") + 1
    if start < 0:
        return event
    value = json.loads(event[start:end])
    change(value)
    return event[:start] + json.dumps(value, ensure_ascii=False).encode() + event[end:]


def _set_choices(event: Any, value: Any) -> None:
    for holder in _holders(event):
        if "choices" in holder:
            holder["choices"] = value
        elif isinstance(holder.get("output"), list):
            holder["output"] = value
        elif "message" in holder:  # Ollama's one message stands for the choices
            holder["message"] = None if value is None else {}


def _holders(event: Any) -> Iterator[dict[str, Any]]:
    yield event
    for key in ("output", "response"):
        if isinstance(event.get(key), dict):
            yield event[key]


def _unfinish(event: Any) -> None:
    for holder in _holders(event):
        for choice in holder.get("choices") or []:
            choice["finish_reason"] = None
        if "done" in holder:
            holder["done"] = False
            holder.pop("done_reason", None)
        if holder.get("status") == "completed":
            holder["status"] = "in_progress"


def _finishes(protocol: str, event: bytes) -> bool:
    """Whether an event says that the answer is at its end."""
    start, end = event.find(b"{"), event.rfind(b"}") + 1
    if start < 0:
        return True  # [DONE]
    value = json.loads(event[start:end])
    if protocol == "ollama":
        return bool(value.get("done"))
    if protocol == "responses":
        return value.get("type") in ("response.completed", "response.incomplete")
    choices = (value.get("output") or value).get("choices") or []
    return any(c.get("finish_reason") not in (None, "null") for c in choices)


_END = b"0\r\n\r\n"
_HALF = '{"a": 1, "path": "/srv/data/pro'
_PAGE = b"""<!DOCTYPE html>
<html><head><title>Welcome</title></head>
<body><h1>Welcome</h1><p>Please sign in to use this network.</p></body></html>
"""
