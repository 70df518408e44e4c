"""What the adapters share below their protocols: one TLS context a process, one client an event loop, deadlines."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ssl
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import cache
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from agentsdk import _bridge
from agentsdk.models.faults import too_late

T = TypeVar("T")

IDLE = 60.0
"""Seconds that may pass between two events of a stream; a model that thinks sends some of its thoughts."""

_lock = threading.Lock()
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Any]] = WeakKeyDictionary()


@cache
def tls_context() -> ssl.SSLContext:
    """Return the process's TLS context: building one costs 17 ms, nearly all of what a client costs."""
    return ssl.create_default_context()


def client_of_loop(key: Any, make: Callable[[], T]) -> T:
    """Return the client that `make` builds, kept for the running event loop.

    A client belongs to the loop it was first used on: used on another, it ends in "Event loop is closed".
    """
    loop = asyncio.get_running_loop()
    with _lock:
        known = _clients.setdefault(loop, {})
        if key not in known:
            known[key] = make()
        client: T = known[key]
        return client


@atexit.register
def _close() -> None:
    """Close the clients of the background loop, which lives until the process ends: no socket is left open."""
    loop = _bridge.loop()
    clients = list(_clients.get(loop, {}).values()) if loop else []

    async def close() -> None:
        for client in clients:
            inner = getattr(client, "transport", None)  # DashScope's client does not close what it was given
            closing = getattr(getattr(inner, "http_client", client), "aclose", None) or client.close
            with contextlib.suppress(Exception):
                await closing()

    if clients:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(close(), cast("asyncio.AbstractEventLoop", loop)).result(timeout=1)


async def one(item: T) -> AsyncIterator[T]:
    """Yield the one event of a plain answer."""
    yield item


class Deadline:
    """The time that one call may take: in all, and between two pieces of it."""

    def __init__(self, model: str, seconds: float, idle: float = IDLE) -> None:
        self._model = model
        self._seconds = seconds
        self._idle = min(idle, seconds)
        self._end = time.monotonic() + seconds

    async def within(self, awaitable: Any) -> Any:
        """Return what `awaitable` brings, in the time that is left.

        Raises:
            DeadlineExceeded: it brings nothing in time.

        """
        try:
            async with asyncio.timeout(max(self._end - time.monotonic(), 0)) as limit:
                return await awaitable
        except TimeoutError:
            if not limit.expired():
                raise
            raise too_late(self._model, self._seconds) from None

    async def each(self, items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """Yield the items, each of which must come before the deadline and within the idle time.

        The time is bounded around each item and not around all: a timeout that spans a `yield` would strike
        in the middle of the consumer's own work.
        """
        while True:
            left = self._end - time.monotonic()
            try:
                async with asyncio.timeout(max(min(left, self._idle), 0)) as limit:
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not limit.expired():
                    raise
                idle = left > self._idle
                raise too_late(
                    self._model, self._idle if idle else self._seconds, phase="idle" if idle else "total"
                ) from None
            yield item
