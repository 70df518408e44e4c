"""Takes HTTP requests to the tape instead of the network: at the transports of httpx and httpx2, plain and async.

All three client libraries end there. vcrpy's stubs stand at the same place, and read a whole answer before its
first byte is passed on (10 times the time to the first token, measured): here each piece is passed on as it comes.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from agentsdk.errors import CassetteMiss
from agentsdk.i18n import _
from agentsdk.testing.keys import Ask, ask_of
from agentsdk.testing.redact import scrub
from agentsdk.testing.standin.server import SERVER_NAME
from agentsdk.testing.tape import Exchange, Source, Tape

_tape: ContextVar[Tape | None] = ContextVar("agentsdk_tape", default=None)
_lock = threading.RLock()
_installed: list[tuple[Any, str, Any]] = []
_users = 0
_open: list[Tape] = []

only_loopback = False
"""Set by the pytest plugin: a request without a tape may go to this machine alone."""


@contextmanager
def playing(tape: Tape) -> Iterator[Tape]:
    """Send the requests of this block, its tasks and the threads it starts, to `tape`.

    Several tapes may be open at once, in tasks and threads. A request from a thread that knows of no tape goes to
    the one that is open, and is refused where that is not clear.
    """
    with intercepting():
        token = _tape.set(tape)
        with _lock:
            _open.append(tape)
        try:
            yield tape
        finally:
            with _lock:
                _open.remove(tape)
            _tape.reset(token)
            tape.close()


@contextmanager
def intercepting() -> Iterator[None]:
    """Stand between the clients and the network while the block runs; blocks may be nested and overlap."""
    global _users  # noqa: PLW0603  # the patches are the process's, and so is their count
    with _lock:
        _users += 1
        if _users == 1:
            _install()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                while _installed:
                    owner, name, original = _installed.pop()
                    setattr(owner, name, original)


def _install() -> None:
    import httpx
    import httpx2

    for library in (httpx, httpx2):
        for owner, name, wrap in (
            (library.HTTPTransport, "handle_request", _plain),
            (library.AsyncHTTPTransport, "handle_async_request", _async),
        ):
            original = getattr(owner, name)
            _installed.append((owner, name, original))
            setattr(owner, name, wrap(library, original))


def _plain(library: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        tape = _tape_for(request)
        if tape is None:
            return original(self, request)
        ask = _ask(request, request.read())
        if exchange := tape.take(ask):
            return _replayed(library, exchange)
        if tape.mode == "none":
            raise tape.miss(ask)
        response = original(self, request)
        exchange = tape.begin(ask, _source(request, response))
        stream = _Tee(response.stream, tape, exchange)
        return _passed_on(library, response, exchange, stream)

    return handle_request


def _async(library: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        tape = _tape_for(request)
        if tape is None:
            return await original(self, request)
        ask = _ask(request, await request.aread())
        if exchange := tape.take(ask):
            return _replayed(library, exchange)
        if tape.mode == "none":
            raise tape.miss(ask)
        response = await original(self, request)
        exchange = tape.begin(ask, _source(request, response))
        stream = _Tee(response.stream, tape, exchange)
        return _passed_on(library, response, exchange, stream)

    return handle_async_request


def _tape_for(request: Any) -> Tape | None:
    tape = _tape.get()
    if tape is not None:
        return tape
    with _lock:
        if len(_open) == 1:
            return _open[0]
        several = len(_open) > 1
    if several:
        raise CassetteMiss(
            _("A request to {host} came from a thread that belongs to no cassette.").format(
                host=request.url.host
            ),
            why=_("Several cassettes are open, and it is not clear whose it is."),
            fix=_("Start the thread with contextvars.copy_context().run."),
        )
    if only_loopback and not _is_loopback(request.url.host):
        raise CassetteMiss(
            _("A test asked {host}, which is not this machine.").format(host=request.url.host),
            why=_("Tests never reach a network."),
            fix=_("Mark the test with @pytest.mark.cassette and record it once: pytest --record=all"),
        )
    return None


def _ask(request: Any, body: bytes) -> Ask:
    # Scrubbed in the same way as what is recorded: else a secret would make every request a new one.
    return ask_of(
        request.method,
        str(request.url),
        scrub(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
    )


def _source(request: Any, response: Any) -> Source:
    """Return who answered: the recorder says it, and not the author of a test."""
    standin = SERVER_NAME in response.headers.get("server", "")
    return "simulator" if standin or _is_loopback(request.url.host) else "live"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _passed_on(library: Any, response: Any, exchange: Exchange, stream: Any) -> Any:
    exchange.status = response.status_code
    exchange.type = response.headers.get("content-type", "")
    return library.Response(
        response.status_code,
        headers=response.headers,
        stream=_stream_of(library, stream),
        extensions=response.extensions,
    )


def _replayed(library: Any, exchange: Exchange) -> Any:
    headers = {"content-type": exchange.type, "server": "agentsdk-cassette"}
    return library.Response(
        exchange.status, headers=headers, stream=_stream_of(library, _Recorded(exchange.events))
    )


@cache
def _stream_class(library: Any, plain: Any) -> type[Any]:
    return type(plain.__name__, (plain, library.SyncByteStream, library.AsyncByteStream), {})


def _stream_of(library: Any, stream: Any) -> Any:
    """Return a stream as one of the library's own classes, which is what its client insists on."""
    stream.__class__ = _stream_class(library, stream.__class__)
    return stream


class _Recorded:
    """The pieces of a recorded answer, for plain and async clients alike."""

    def __init__(self, events: list[bytes]) -> None:
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        yield from self._events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self._events:
            yield event

    def close(self) -> None:
        """Do nothing: nothing is open."""

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


class _Tee:
    """Passes an answer on piece by piece, and gives it to the tape once it has ended.

    A client that stops reading, as some do at [DONE], has ended it as well; a connection that broke has not.
    """

    def __init__(self, inner: Any, tape: Tape, exchange: Exchange) -> None:
        self._inner = inner
        self._tape = tape
        self._exchange = exchange
        self._broken = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._inner:
                self._exchange.events.append(piece)
                yield piece
        except Exception:
            self._broken = True
            raise
        self._finish()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._inner:
                self._exchange.events.append(piece)
                yield piece
        except Exception:
            self._broken = True
            raise
        self._finish()

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()
        self._finish()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()
        self._finish()

    def _finish(self) -> None:
        if not self._exchange.done and not self._broken:
            self._broken = True  # unless the tape takes it: what it refuses is not offered a second time
            self._tape.finish(self._exchange)
            self._broken = False
