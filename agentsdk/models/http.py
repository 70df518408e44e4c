"""What the adapters share below their protocols: clients that belong to an event loop, and what one call may take.

A client of httpx or httpx2 is kept for the event loop it was made on and closed with it. Its two hooks hold every
answer against the `Deadline` of the call that asked for it: how long until there is a connection, and how many bytes
may come. Time is bounded here and not by the client's own timeouts, which every byte that arrives restarts.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import ssl
import sys
import threading
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

from agentsdk import _bridge
from agentsdk.errors import DeadlineExceeded, Phase
from agentsdk.i18n import _
from agentsdk.models.faults import bad_answer, too_late

T = TypeVar("T")


CONNECT = 10.0
LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take."""

    seconds: float = 120.0
    """In all, from the call to its last byte."""
    connect: float = CONNECT
    """Seconds until there is a connection."""
    first: float | None = None
    """Seconds until the first piece of a stream: a model may think for long, so None leaves it to `seconds`."""
    idle: float = 60.0
    """Seconds between two events of a stream once it began; comments that keep a connection open do not count."""
    size: int = 32 * 1024 * 1024
    """Bytes of an answer, unpacked."""
    line: int = LINE
    """Bytes of one line of a stream."""

    @classmethod
    def of(cls, timeout: float | Limits) -> Limits:
        """Return limits; a number is the seconds in all."""
        return timeout if isinstance(timeout, Limits) else cls(seconds=timeout)


_current: ContextVar[Deadline | None] = ContextVar("agentsdk_deadline", default=None)


class _Watch:
    """Bounds the waits of one reader, one after the other, with one timer for all of them.

    `asyncio.timeout` makes a timer for each, and those that were not needed pile up in the loop's queue, where they
    cost more than all else that is done with a piece.
    """

    def __init__(self) -> None:
        self._struck = False
        self._cancelling = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        """The one that waits now: a reader may be a new task for each item."""
        self._until = self._at = 0.0
        """When the wait ends, and when the timer strikes."""

    def begin(self, seconds: float) -> None:
        """Begin a wait of at most so many seconds: whoever waits longer is cancelled."""
        task = self._task = asyncio.current_task()
        assert task is not None
        self._cancelling = task.cancelling()
        self._until = self._loop.time() + max(seconds, 0.0)
        if self._timer is None or self._at > self._until:
            self.close()
            self._set()

    def end(self, error: BaseException | None = None) -> bool:
        """End a wait; return whether its time was up, and its end is not the caller's own doing.

        Args:
            error: what it ended in.

        """
        task, self._task = self._task, None
        if not self._struck:
            return False
        alone = task is not None and task.uncancel() <= self._cancelling
        # None: something below took the cancellation for its own.
        return (
            error is None
            or isinstance(error, TimeoutError)
            or (alone and isinstance(error, asyncio.CancelledError))
        )

    def _set(self) -> None:
        self._at = self._until
        self._timer = self._loop.call_at(self._at, self._strike)

    def _strike(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._at < self._until:  # it was set for an earlier wait
            self._set()
            return
        self._struck = True
        self._task.cancel()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Deadline:
    """The time and the bytes that one call may take.

    Args:
        model: whose call it is, for the error.
        limits: what it may take, or the seconds in all.
        seconds: those in all, where they are less than its limits say.

    """

    def __init__(self, model: str, limits: float | Limits, seconds: float | None = None) -> None:
        self.model = model
        self.limits = Limits.of(limits)
        most = self.limits.seconds
        self._seconds = most if seconds is None else min(max(seconds, 0.0), most)
        self.begun = False
        """Whether a piece of the answer came: from then on the idle time counts. Set by the reader."""
        self._start = time.monotonic()
        self._end = self._start + self._seconds
        self._phase: Phase = "first"
        self._arrived = False

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(self._end - time.monotonic(), 0.0)

    async def within(self, awaitable: Any) -> Any:
        """Return what `awaitable` brings, in the time that is left.

        Raises:
            DeadlineExceeded: it brings nothing in time.

        """
        token = _current.set(self)
        try:
            async with asyncio.timeout(self.left) as limit:
                return await awaitable
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._late() from None
        finally:
            _current.reset(token)

    async def each(self, items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """Yield the items, each of which must come before the deadline and within the idle time.

        The time is bounded around each item and not around all: a timeout that spans a `yield` would strike
        in the middle of the consumer's own work.
        """
        if isinstance(items, One):
            yield items.item
            return
        watch = _Watch()
        try:
            while True:
                watch.begin(self._most())
                try:
                    item = await anext(items)
                except BaseException as error:
                    if watch.end(error):
                        raise self._late() from None
                    if isinstance(error, StopAsyncIteration):
                        return
                    raise
                if watch.end():
                    raise self._late()
                yield item
        finally:
            watch.close()

    def asked(self) -> None:
        """Note that a request begins: there may be no connection yet."""
        self._phase, self._arrived = "connect", False

    async def watch(self, name: str, info: Any) -> None:
        """Note how far a request got: httpcore's trace, which costs as much as the rest of this class if it goes on."""
        if name.endswith("send_request_headers.started"):
            self._phase = "first"
            info["request"].extensions.pop("trace", None)

    def arrived(self) -> None:
        """Note that a byte of the body came."""
        self._arrived = True

    def _most(self) -> float:
        left = self._end - time.monotonic()
        if self.begun:
            return min(left, self.limits.idle)
        if self.limits.first is not None:
            return min(left, self._start + self.limits.first - time.monotonic())
        return left

    def _late(self) -> DeadlineExceeded:
        if self._end > time.monotonic():
            phase: Phase = "idle" if self.begun else "first"
            seconds = self.limits.idle if self.begun else self.limits.first or 0.0
        else:
            phase = "total" if self.begun or self._arrived else self._phase
            seconds = self._seconds
        return too_late(self.model, seconds, phase=phase)


class One(AsyncIterator[T]):
    """The one event of a plain answer. It has come: nobody waits for it."""

    def __init__(self, item: T) -> None:
        self.item = item
        self._given = False

    async def __anext__(self) -> T:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self.item


@cache
def tls_context() -> ssl.SSLContext:
    """Return the process's TLS context: building one costs 17 ms, nearly all of what a client costs."""
    if sys.platform in ("win32", "darwin"):  # where OpenSSL finds no certificates of the system's
        import truststore  # it comes with httpx2

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()


def new_client(library: ModuleType, **options: Any) -> Any:
    """Return an async client of `httpx` or `httpx2` that holds its calls to what they may take.

    It follows no redirect: a key belongs to one address. It asks for answers that are not packed, since a packed one
    of a few bytes may be a gigabyte.
    """
    return library.AsyncClient(
        **{
            "verify": tls_context(),
            "follow_redirects": False,
            "timeout": library.Timeout(None, connect=CONNECT),
            "limits": library.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=5.0),
            "event_hooks": {"request": [_on_request], "response": [_on_response(library)]},
            **options,
            "headers": {"Accept-Encoding": "identity", **options.get("headers", {})},
        }
    )


async def _on_request(request: Any) -> None:
    deadline = _current.get()
    if deadline is not None:
        deadline.asked()
        request.extensions["trace"] = deadline.watch
        times = dict(request.extensions.get("timeout") or {})
        request.extensions["timeout"] = times | {
            "connect": max(min(deadline.limits.connect, deadline.left), 0.001)
        }


@cache
def _on_response(library: ModuleType) -> Callable[[Any], Any]:
    class Counted(library.AsyncByteStream):  # type: ignore[name-defined, misc]  # each library checks for its own class
        """The body of an answer, unpacked and counted."""

        def __init__(self, inner: Any, packing: str, deadline: Deadline, *, streamed: bool) -> None:
            self._inner = inner
            self._packing = packing
            self._deadline = deadline
            self._streamed = streamed

        async def __aiter__(self) -> AsyncIterator[bytes]:
            limits, size, line = self._deadline.limits, 0, 0
            pieces = self._inner
            if self._packing:
                pieces = _unpacked(pieces, self._deadline.model)
            async for piece in pieces:
                self._deadline.arrived()
                size += len(piece)
                at = piece.rfind(b"\n")
                line = line + len(piece) if at < 0 else len(piece) - at - 1
                if size > limits.size or (self._streamed and line > limits.line):
                    raise _too_large(self._deadline.model, limits.size if size > limits.size else limits.line)
                yield piece

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def hook(response: Any) -> None:
        deadline = _current.get() or Deadline("", Limits())
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > deadline.limits.size:
            raise _too_large(deadline.model, deadline.limits.size)
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing in ("gzip", "x-gzip", "deflate"):
            del response.headers["content-encoding"]
        elif packing not in ("", "identity"):
            raise bad_answer(
                deadline.model,
                _("It is packed by {packing}, which was not asked for.").format(packing=packing[:20]),
                kind="encoding",
            )
        else:
            packing = ""
        kind = response.headers.get("content-type", "")
        streamed = "event-stream" in kind or "ndjson" in kind
        response.stream = Counted(response.stream, packing, deadline, streamed=streamed)

    return hook


def _too_large(model: str, most: int) -> Exception:
    return bad_answer(model, _("More than {most:,} bytes came.").format(most=most), kind="size")


async def _unpacked(pieces: AsyncIterator[bytes], model: str) -> AsyncIterator[bytes]:
    """Yield pieces of a body, unpacked a little at a time: no piece is larger than what was asked for."""
    # 32 more bits: the header tells gzip from zlib.
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        async for piece in pieces:
            while piece:
                if out := unpacker.decompress(piece, 65_536):
                    yield out
                piece = unpacker.unconsumed_tail
        if out := unpacker.flush():
            yield out
    except zlib.error as error:
        raise bad_answer(model, str(error), kind="encoding") from error


class _Held:
    """The clients of one event loop."""

    def __init__(self) -> None:
        self.clients: dict[Any, Any] = {}
        self.end = _close_at_the_end(self)
        # Begun, and not awaited: it waits at once.
        with contextlib.suppress(StopIteration):
            self.end.__anext__().send(None)

    async def close(self) -> None:
        """Close the clients; the next call makes new ones."""
        clients, self.clients = list(self.clients.values()), {}
        for client in clients:
            inner = getattr(client, "transport", None)  # DashScope's client does not close what it was given
            closing = getattr(getattr(inner, "http_client", client), "aclose", None) or client.close
            with contextlib.suppress(Exception):
                await closing()


async def _close_at_the_end(held: _Held) -> AsyncGenerator[None, None]:
    """Wait for the end of a loop, and close its clients while it still runs.

    A loop that ends as it should (`asyncio.run`, a Runner, pytest's) first closes the asynchronous generators that
    were begun on it. That is the one moment that it gives to others, and this generator is there to notice it.
    """
    try:
        yield
    finally:
        await held.close()
        with _lock:
            for loop in [loop for loop, known in _held.items() if known is held or loop.is_closed()]:
                del _held[loop]


_lock = threading.Lock()
_held: dict[asyncio.AbstractEventLoop, _Held] = {}


def client_of_loop(key: Any, make: Callable[[], T]) -> T:
    """Return the client that `make` builds, kept for the running event loop and closed with it.

    A client belongs to the loop it was first used on: used on another, it ends in "Event loop is closed".
    """
    loop = asyncio.get_running_loop()
    with _lock:
        held = _held.get(loop)
        if held is None:
            held = _held[loop] = _Held()
        if key not in held.clients:
            held.clients[key] = make()
        client: T = held.clients[key]
        return client


async def close_clients() -> None:
    """Close the clients of the running loop: no socket is left open. The next call makes new ones."""
    if held := _held.get(asyncio.get_running_loop()):
        await held.close()


@atexit.register
def _close() -> None:
    """Close the clients of the background loop, which lives until the process ends: no socket is left open."""
    loop = _bridge.loop()
    if loop is not None and loop in _held:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(close_clients(), loop).result(timeout=1)


def _forget_lock() -> None:
    """Begin anew in a forked child: another thread may have held the lock."""
    global _lock  # noqa: PLW0603  # as in _bridge
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
