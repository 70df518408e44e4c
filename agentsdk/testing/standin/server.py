"""The stand-in itself: what it is to say is told here, and what it was asked is kept here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

from agentsdk.testing.standin.answering import answer
from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.dialects import written
from agentsdk.testing.standin.faults import FAULTS, fault_named
from agentsdk.testing.standin.flavours import FLAVOURS, Flavour
from agentsdk.testing.standin.listening import Listener
from agentsdk.testing.standin.script import Fault, Line, Script, Writer
from agentsdk.testing.standin.served import ServedModel

SERVER_NAME = "agentsdk-standin"
"""What it calls itself in every answer's Server header: a recording knows by it that no provider was asked."""

When = str | Callable[[Asked], bool] | None
"""Which requests a rule answers: those whose last message holds a text, or those that a function fits."""


class Standin:
    """A provider for tests.

        with Standin() as server:
            server.call("calculator", expression="1+1")
            server.say("It is 2.")
            model = connect("openai:gpt-4o-mini", base_url=server.url("openai"), api_key="test")

    Answers are given in the order in which they were added, whatever protocol asks; an answer added by
    `when=` is given, again and again, to every request that it fits, or `times` times.

    Args:
        flavour: the server of Chat Completions that it is, such as "lmstudio".
        check: refuse a request that the provider would refuse, in the provider's words.
        host: the address to listen on.
        port: the port; 0 takes a free one.

    """

    def __init__(
        self, flavour: str = "openai", *, check: bool = True, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.flavour = _flavour(flavour)
        self.check = check
        self.models: list[ServedModel] = []
        """What `model` has named; where there are any, no others exist."""
        self.requests: list[Asked] = []
        """What was asked of models, in order."""
        self.errors: list[Exception] = []
        """What functions of the script have raised; the first is raised again when the stand-in closes."""
        self.script = Script()
        self._listener = Listener(
            (host, port), SERVER_NAME, lambda handler, closing: answer(self, handler, closing)
        )

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.errors:
            raise self.errors[0]

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, where)

    def close(self) -> None:
        """Stop, and end what is under way: no thread and no socket is left."""
        self._listener.close()

    @property
    def connections(self) -> int:
        """Connections that clients have opened so far."""
        return self._listener.accepted

    @property
    def open_sockets(self) -> int:
        """Connections that are open now; a client that just closed one may be a moment ahead: see `all_closed`."""
        return self._listener.open

    def all_closed(self, within: float = 2.0) -> bool:
        """Wait until no connection is open, at most so many seconds, and return whether it came to that."""
        return self._listener.wait_idle(within)

    @property
    def left(self) -> int:
        """Lines of the row that nobody has asked for yet."""
        return len(self.script.rows)

    def url(self, provider: Literal["openai", "ollama", "dashscope"], *, flavour: str = "") -> str:
        """Return the base URL for a provider's protocol; with a flavour, for that server of Chat Completions."""
        host, port = self._listener.address
        path = {"openai": "/v1", "ollama": "", "dashscope": "/api/v1"}[provider]
        prefix = _flavour(flavour).prefix if flavour else ""
        return f"http://{host}:{port}{prefix}{path}"

    def model(self, name: str, **facts: Any) -> Self:
        """Serve a model: `model("llama3.1:8b", tools=True, context=8192)`; the facts are those of `ServedModel`.

        From the first one on, no others exist: a request for another name is refused as the provider would.
        """
        self.models.append(ServedModel(name, **facts))
        return self

    def say(
        self,
        text: str,
        *,
        reasoning: str = "",
        finish: str = "",
        when: When = None,
        times: int | None = None,
        **more: Any,
    ) -> Self:
        """Answer with a text; `more` are fields of `Line`, such as usage, pieces and quirks."""
        self.script.add(_line(text=text, reasoning=reasoning, finish=finish, **more), when, times)
        return self

    def call(self, tool: str, /, **arguments: Any) -> Self:
        """Answer with one tool call."""
        return self.calls((tool, arguments))

    def calls(
        self,
        *calls: tuple[str, Mapping[str, Any] | str],
        text: str = "",
        finish: str = "",
        when: When = None,
        times: int | None = None,
        **more: Any,
    ) -> Self:
        """Answer with several tool calls: `calls(("add", {"a": 1}), ("clock", {}))`.

        Arguments that are text are sent as they are: `calls(("add", '{"a": '), finish="length")`.
        """
        self.script.add(_line(text=text, calls=calls, finish=finish, **more), when, times)
        return self

    def text_call(self, dialect: str, tool: str, /, **arguments: Any) -> Self:
        """Answer with a call that the model writes as text: `text_call("hermes", "add", a=1)`; see `DIALECTS`."""
        return self.say(written(dialect, tool, arguments))

    def answer(self, write: Writer, *, when: When = None, times: int | None = None) -> Self:
        """Answer by a function of the request, which returns a text, a `Line`, or None to leave it to others."""
        self.script.rule(write, when, times)
        return self

    def fault(
        self,
        what: int | str | Fault,
        *,
        code: str = "",
        message: str = "",
        retry_after: float | str | None = None,
        when: When = None,
        times: int | None = None,
        **options: Any,
    ) -> Self:
        """Answer with an error in the form of the provider that is asked, or do worse.

        Args:
            what: an HTTP status, the name of a fault (see `FAULTS`: "429" is one, with the provider's own words), or
                a function that gets the `Exchange`.
            code: the provider's code for it.
            message: the provider's text.
            retry_after: seconds, or the header's text.
            when: as everywhere.
            times: as everywhere.
            options: those of a named fault.

        """
        if isinstance(what, int) or (isinstance(what, str) and what.isdigit() and what not in FAULTS):
            said = message or "fault by script"
            line = Line(status=int(what), code=code, message=said, retry_after=retry_after, **options)
        elif isinstance(what, str):
            given = {"code": code, "message": message, "retry_after": retry_after}
            options |= {name: value for name, value in given.items() if value not in ("", None)}
            line = Line(fault=fault_named(what, **options), code=code, message=message)
        else:
            line = Line(fault=what, code=code, message=message, retry_after=retry_after)
        self.script.add(line, when, times)
        return self

    def raw(
        self,
        body: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> Self:
        """Answer with these bytes, whatever was asked."""
        self.script.add(Line(raw=body, status=status, headers=headers or {}, content_type=content_type))
        return self

    def cut(
        self, after: int | None = None, *, bytes: int | None = None, how: str = "close"
    ) -> Self:  # the unit's word
        """Break the answer added last off, after so many events or bytes.

        Args:
            after: events of the stream; a whole answer is one.
            bytes: bytes of the body.
            how: "close" ends the connection, "reset" with a TCP reset, "clean" as if all had been sent.

        """
        self.script.change_last(cut=after, cut_bytes=bytes, cut_how=how)
        return self

    def slow(self, seconds: float = 0.0, *, every: int = 1, first: float = 0.0) -> Self:
        """Make the answer added last slow: so many seconds before each `every`-th event, `first` before all."""
        self.script.change_last(slow=seconds, slow_every=every, slow_first=first)
        return self

    def fail(self, after: int, *, code: str = "server_error", message: str = "fault by script") -> Self:
        """Break a stream off after so many events of the answer added last, with an error of the protocol."""
        self.script.change_last(fail_after=after, code=code, message=message)
        return self

    def torn(self, size: int) -> Self:
        """Send the stream of the answer added last in pieces of so many bytes, whatever they tear apart."""
        self.script.change_last(torn=size)
        return self

    def usage(self, **tokens: int) -> Self:
        """Tell of the answer added last that it took so many tokens: input, output, cached, reasoning."""
        self.script.change_last(usage=tokens)
        return self

    def quirk(self, *names: str) -> Self:
        """Send the answer added last as a server with these habits would: see `QUIRKS`."""
        self.script.change_last(quirks=frozenset(names))
        return self


def _line(**fields: Any) -> Line:
    return Line(**fields | {"quirks": frozenset(fields.get("quirks", ()))})


def _flavour(name: str) -> Flavour:
    if name not in FLAVOURS:
        raise ValueError(f"No server is called {name!r}. There are: {', '.join(FLAVOURS)}.")
    return FLAVOURS[name]
