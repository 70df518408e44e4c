"""The readers of bytes and events: frames, the answers of each protocol, and errors."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from agentsdk.errors import ModelError
from agentsdk.models import chat_completions, faults, responses
from agentsdk.models.collect import Collector
from agentsdk.models.dashscope import DashScopeModel
from agentsdk.models.framing import lines, sse_data
from agentsdk.models.model import Delta
from agentsdk.models.ollama import OllamaModel
from agentsdk.models.retry_after import retry_after
from tests.fuzz.answers import OFFERS, answered
from tests.fuzz.events import DRAWN, body, chat, drawn, lines_of, ollama
from tests.fuzz.reader import Ended, Reader, Watch, holds, same
from tests.fuzz.texts import LONG, WORDS, long, scalar, text
from tests.fuzz.values import dumped

Take = Callable[[Any, Collector, bool], Iterator[Delta]]

Frames = tuple[bytes, list[int], str]


def _frames(sample: Frames, watch: Watch) -> None:
    data, sizes, end = sample

    async def chunks(*, whole: bool) -> AsyncIterator[bytes]:
        if whole:
            yield data
            return
        at = turn = 0
        while at < len(data):
            size = sizes[turn % len(sizes)]
            yield data[at : at + size]
            at, turn = at + size, turn + 1

    def read(*, whole: bool) -> list[str]:
        async def go() -> list[str]:
            reader = (
                lines(chunks(whole=whole)) if end == "lines" else sse_data(chunks(whole=whole), end=end or None)
            )
            return [x async for x in reader]

        return _loop().run_until_complete(go())

    got = watch.read(lambda: read(whole=True))
    same("cut", watch.read(lambda: read(whole=False), pieces=1 + len(data) * len(sizes) // sum(sizes)), got)
    if isinstance(got, Ended):
        try:
            data.decode()
        except UnicodeDecodeError:
            return
        holds("refused", ok=False, detail=got)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _body(chance: Random) -> Frames:
    kind = chance.randrange(500)
    if kind == 499:
        data = _bytes(
            long(
                chance,
                (
                    "data:",
                    "data: {}\n",
                    "\n",
                    "\r",
                    "\r\n",
                    ": x\n",
                    "{",
                    "}",
                    "id:",
                    "x",
                    "é",
                    "event: a\n",
                    "[DONE]",
                    "\ufeff",
                ),
            )
        )
    elif kind < 150:
        data = bytes(
            chance.choices(b"\n\n\r:d {}[]ax\x00\xff\xc3\xa9\xe2\x80\xa8\xef\xbb\xbf", k=chance.randrange(60))
        )
    elif kind < 200:
        data = bytes(chance.randrange(256) for _ in range(chance.randrange(60)))
    else:
        events = (
            drawn(chance, "chat stream") if chance.random() < 0.5 else (chat if kind < 300 else ollama)(chance)
        )
        gap = chance.choice(("\n\n", "\r\n\r\n", "\n", "\n\n\n"))
        start = chance.choice(("data: ", "data:", "data: ", ": hi\n\ndata: ", "event: x\nid: 1\ndata: ", ""))
        data = b"".join(_bytes(start + dumped(e, ascii_=False) + gap) for e in events[:40])
        data += chance.choice((b"", b"data: [DONE]\n\n", b"data: [DONE]", b"\xff", b"data: more\n\n"))
        data = chance.choice((b"", b"\xef\xbb\xbf", b"<html>\n")) + data
    sizes = [chance.choice((1, 1, 2, 3, 50, 1_000)) if len(data) < 5_000 else chance.choice((1, 100, 4_000))]
    sizes += [chance.choice((1, 7, 300))] * chance.randrange(3)
    return data, sizes, chance.choice(("lines", "", "[DONE]", "[DONE]"))


def _bytes(said: str) -> bytes:
    return said.encode("utf-8", "replace")


def _answers(name: str, take: Take, *, of_lines: bool = False) -> Reader:
    """Return the reader of a protocol's answers."""
    stream = DRAWN[name][1]

    def check(sample: tuple[list[Any], str], watch: Watch) -> None:
        events, offer = sample

        def feed(answer: Collector) -> Iterator[Delta]:
            answer.asked = {}
            for event in events:
                yield from take(event, answer, stream)

        got, _deltas = answered(watch, feed, OFFERS[offer], streamed=stream, pieces=1 + len(events))
        again, _deltas = answered(watch, feed, OFFERS[offer], streamed=stream, pieces=1 + len(events))
        same("again", again, got)

    def make(chance: Random) -> tuple[list[Any], str]:
        events = drawn(chance, name)
        # What comes over a wire has been JSON.
        read = lines_of(chance, events) if of_lines else json.loads(dumped(events))
        return read or [], "auto" if chance.random() < 0.8 else chance.choice(list(OFFERS))

    return Reader(name, make, check, (ModelError, ValueError) if of_lines else (ModelError,), share=8)


_OLLAMA, _DASHSCOPE = OllamaModel("m"), DashScopeModel("m", "sk-x")


def _chat(event: Any, answer: Collector, stream: bool) -> Iterator[Delta]:
    return chat_completions.read(event, answer, name="openai:m", stream=stream)


def _responses(event: Any, answer: Collector, stream: bool) -> Iterator[Delta]:
    return responses.read(event, answer, {"server": "openai", "model": "m"}, name="openai:m", stream=stream)


def _fault(sample: tuple[Any, Any, dict[str, str]], watch: Watch) -> None:
    status, said, headers = sample
    got = watch.read(lambda: faults.from_status(status, said, headers, model="openai:m", partial="x"))
    holds("error", isinstance(got, ModelError), got)
    watch.read(lambda: str(got))
    seconds = watch.read(lambda: retry_after(headers, text_of_body(said)))
    if seconds is not None:
        holds("seconds", isinstance(seconds, float | int) and math.isfinite(seconds) and seconds >= 0, seconds)


def text_of_body(said: Any) -> str:
    """Return a body as text."""
    return (
        said
        if isinstance(said, str)
        else said.decode("utf-8", "replace")
        if isinstance(said, bytes)
        else dumped(said)
    )


_TIMES = ("1", "0.5", "-1", "1e9", "9" * 400, "nan", "inf", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT",
          "Fri, 31 Dec 9999 23:59:59 -2359", "Wed, 21 Oct 2015 07:28:00 +9999", "x", "1" * 20)  # fmt: skip
_HEADERS = (
    "retry-after",
    "Retry-After",
    "retry-after-ms",
    "date",
    "x-request-id",
    "location",
    "x-dashscope-request-id",
    "X",
)


def _refusal(chance: Random) -> tuple[Any, Any, dict[str, str]]:
    status = chance.choice(
        (
            None,
            200,
            301,
            400,
            401,
            402,
            403,
            404,
            408,
            413,
            422,
            429,
            498,
            500,
            503,
            529,
            0,
            -1,
            999,
            100,
            10**9,
        )
    )
    names = chance.sample(_HEADERS, chance.randrange(4))
    headers = {n: chance.choice(_TIMES) if chance.random() < 0.8 else chance.choice(WORDS) for n in names}
    said = body(chance)
    if chance.random() > 0.998:
        said = {
            "error": {
                "message": long(
                    chance,
                    ("model ", "context ", "1", "max ", "quota ", "flagged by ", "<", " ", "try again in 1h"),
                ),
                "code": scalar(chance),
            }
        }
    return status, said, headers


def _unreadable(sample: str, watch: Watch) -> None:
    """Read a text as JSON, as an adapter does, and turn what that ends in into an error."""

    def read() -> Any:
        try:
            return json.loads(sample)
        except (ValueError, RecursionError) as error:
            return _OLLAMA.fault(error, "")

    got = watch.read(read)
    if isinstance(got, Exception):
        holds("error", isinstance(got, ModelError), got)
        holds("short", len(str(got)) < 3_000, len(str(got)))


def _json_or_not(chance: Random) -> str:
    if chance.random() > 0.9:
        return "[" * chance.choice((500, 1_500, LONG))
    return (
        text(chance)
        if chance.random() < 0.6
        else chance.choice(("<html>", "<!doctype html><title>", '{"a": ', "[1, ")) + text(chance)
    )


READERS = (
    Reader("frames", _body, _frames, (UnicodeDecodeError, OverflowError), share=10,
           strategy=lambda: st.tuples(st.binary(max_size=200), st.lists(st.integers(1, 9), min_size=1), st.sampled_from(["lines", "", "[DONE]"]))),
    _answers("chat stream", _chat),
    _answers("chat", _chat),
    _answers("responses stream", _responses),
    _answers("responses", _responses),
    _answers("ollama", lambda event, answer, stream: _OLLAMA.take(event, answer, stream=stream), of_lines=True),
    _answers("dashscope", lambda event, answer, stream: _DASHSCOPE.take(event, answer, stream=stream), of_lines=True),
    Reader("faults", _refusal, _fault, share=5),
    Reader("unreadable", _json_or_not, _unreadable, share=2),
)  # fmt: skip
