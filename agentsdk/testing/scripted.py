"""ScriptedModel: a Model that reads its replies from a list, and keeps what it was asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from agentsdk.budget import Usage
from agentsdk.errors import AgentError
from agentsdk.i18n import _
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import CallDelta, Delta, Reply, Request, TextDelta

Line = str | Message | Reply | Exception | Sequence[ToolCall] | Callable[[Request], "Line"]
"""A reply: its text, its calls, a whole Message or Reply, an error to raise, or a function of the request."""


def call(name: str, /, **arguments: Any) -> list[ToolCall]:
    """Return the reply that makes one tool call.

    Replies add up: `call("a") + call("b")` makes two calls at once.
    """
    return [ToolCall("", name, arguments)]


def plan(*steps: dict[str, Any]) -> list[ToolCall]:
    """Return a reply that makes a plan of `steps`, each as on the wire."""
    return call("make_plan", steps=list(steps))


class ScriptedModel:
    """A model for tests: it answers with the lines of a script, one a request.

    Args:
        script: the replies, in order.
        name: what `model` shows in answers and traces.

    `requests` holds every Request that it got.

    """

    def __init__(self, script: Iterable[Line], *, name: str = "scripted:test") -> None:
        self._name = name
        self._script = list(script)
        self.requests: list[Request] = []

    @property
    def name(self) -> str:
        """The name given."""
        return self._name

    async def complete(self, request: Request) -> Reply:
        """Return the next line of the script.

        Raises:
            AgentError: the script has ended.
            Exception: the line is an exception.

        """
        self.requests.append(request)
        at = len(self.requests)
        if at > len(self._script):
            last = request.messages[-1].text if request.messages else ""
            raise AgentError(
                _("The script has {count} lines, and this is request {at}.").format(
                    count=len(self._script), at=at
                ),
                why=_("It ends in: {text}").format(text=last[-200:]),
                fix=_("Add the reply that the model would give here."),
            )
        return self._reply(self._script[at - 1], request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the next line of the script word by word, then whole."""
        reply = await self.complete(request)
        for word in re.findall(r"\s*\S{1,12}|\s+", reply.message.text):
            yield TextDelta(word)
        for at, each in enumerate(reply.message.calls):
            yield CallDelta(at, each.name, "")
        yield reply

    def _reply(self, line: Line, request: Request) -> Reply:
        if isinstance(line, Exception):
            raise line
        if callable(line):
            return self._reply(line(request), request)
        if isinstance(line, Reply):
            return line
        if isinstance(line, str):
            line = Message.assistant(line)
        elif not isinstance(line, Message):
            at = len(self.requests)
            numbered = [ToolCall(c.id or f"call_{at}_{i}", c.name, c.arguments) for i, c in enumerate(line, 1)]
            line = Message.assistant(calls=numbered)
        usage = Usage(calls=1, input_tokens=sum(len(m.text) for m in request.messages) // 4, output_tokens=10)
        return Reply(line, usage, "tool_calls" if line.calls else "stop", self._name)
