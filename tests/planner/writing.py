"""A model that writes its plans piece by piece, and waits in between where a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from agentsdk.budget import Usage
from agentsdk.messages import BrokenCall, Message, ToolCall
from agentsdk.models.model import CallDelta, Delta, Reply, Request, TextDelta

Wait = Callable[[], Any]
"""Called between two pieces; what it returns is awaited where it can be."""

Line = str | Exception | Sequence["str | Wait | Exception"] | dict[str, Any] | Reply
"""A reply: a text; the pieces of a plan with waits between them; an error to raise."""


class Writer:
    """Answers with the lines of a script. A list is a plan: its texts are the pieces of the arguments.

    A list that ends in the middle of its JSON is a call that was cut; an exception in it breaks the stream there.
    """

    name = "scripted:writer"

    def __init__(self, *lines: Any) -> None:
        self.lines = list(lines)
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        async for piece in self.stream(request):
            if isinstance(piece, Reply):
                return piece
        raise AssertionError

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        line = self.lines[len(self.requests)]
        self.requests.append(request)
        if callable(line):
            line = line(request)
            if asyncio.iscoroutine(line):
                line = await line
        if isinstance(line, Exception):
            raise line
        if isinstance(line, str):
            yield TextDelta(line)
            yield Reply(Message.assistant(line), Usage(calls=1))
            return
        text = ""
        for piece in line:
            if isinstance(piece, Exception):
                raise piece
            if not isinstance(piece, str):
                waited = piece()
                if asyncio.iscoroutine(waited):
                    await waited
                continue
            yield CallDelta(0, "" if text else "make_plan", piece)
            text += piece
        yield reply_of(text)


def reply_of(text: str) -> Reply:
    """Return the reply that a text of arguments ends in: a call, or a broken one."""
    try:
        message = Message.assistant(calls=[ToolCall("call_1", "make_plan", json.loads(text))])
    except ValueError:
        message = Message(
            "assistant", broken_calls=(BrokenCall("call_1", "make_plan", text, "it was cut off"),)
        )
    return Reply(message, Usage(calls=1), "tool_calls")


def written(*steps: dict[str, Any]) -> list[str]:
    """Return the arguments of a plan in pieces: the frame, and each step by itself."""
    pieces = [json.dumps(s, ensure_ascii=False) for s in steps]
    return ['{"steps": [', *(f"{p}, " for p in pieces[:-1]), pieces[-1], "]}"]
