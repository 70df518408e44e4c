"""Lets sync code wait for async code: one background loop a process, for notebooks, scripts and threads alike.

`asyncio.run` for every call would leave HTTP clients bound to a dead loop, and fails inside a running loop.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _

if TYPE_CHECKING:  # half of the time that `import agentsdk` would take: imported by the functions that need it
    import asyncio

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


AHEAD = 64
"""Items that a stream may be read ahead of whoever consumes it."""


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what `coroutine` returns; it runs on the background loop, with the caller's context variables.

    Raises:
        ConfigurationError: called from the background loop itself, where waiting would stop everything.
        KeyboardInterrupt: the coroutine is cancelled first.

    """
    import asyncio

    background = _running_loop()
    if _current_loop() is background:
        coroutine.close()
        raise _stops_itself()
    future = asyncio.run_coroutine_threadsafe(coroutine, background)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what `items` yields; it runs on the background loop and is closed when the iterator is."""
    try:
        while True:
            try:
                yield wait(anext_of(items))
            except StopAsyncIteration:
                return
    finally:
        wait(items.aclose())


def read_ahead(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what `items` yields; it runs on ahead by up to `AHEAD` items, and is closed when the iterator is.

    Two threads that hand over each piece of a stream cost more than all that is done with it: here the loop goes on
    while there is something to read. What must not go on before its last item was seen is for `iterate`.
    """
    if _current_loop() is _running_loop():
        raise _stops_itself()
    pump = _Pump(items)
    try:
        yield from pump.items()
    finally:
        pump.close()


class _Pump(Generic[T]):
    """Moves the items of a generator, which runs on the background loop, to the thread that consumes them."""

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        import asyncio

        self._items = items
        self._loop = _running_loop()
        self._ready: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
        """Each item alone in a tuple; what it ended in, None where it just ended."""
        self._ended = False
        self._full = False
        self._room = asyncio.Event()
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._end)

    def _stop(self) -> None:
        self._task.cancel()

    def _end(self, task: asyncio.Task[None]) -> None:
        import asyncio

        self._ready.put(asyncio.CancelledError() if task.cancelled() else task.exception())

    async def _run(self) -> None:
        import asyncio

        first = True
        try:
            async for item in self._items:
                self._ready.put((item,))
                if first:  # it is waited for: the other thread runs when the loop does nothing
                    await asyncio.sleep(0)
                    first = False
                if self._ready.qsize() >= AHEAD:
                    await self._until_there_is_room()
        finally:
            await self._items.aclose()

    async def _until_there_is_room(self) -> None:
        self._room.clear()
        self._full = True  # from here on whoever consumes says so
        if self._ready.qsize() >= AHEAD:
            await self._room.wait()

    def items(self) -> Iterator[T]:
        """Yield the items as they come."""
        while True:
            item = self._ready.get()
            if not isinstance(item, tuple):
                self._ended = True
                if item is not None:
                    raise item
                return
            if self._full and self._ready.qsize() <= AHEAD // 2:
                self._full = False
                self._loop.call_soon_threadsafe(self._room.set)
            yield item[0]

    def close(self) -> None:
        """End the generator, and wait until it has."""
        if self._ended:
            return
        self._loop.call_soon_threadsafe(self._stop)
        if _current_loop() is not self._loop:  # the collector may come by anywhere
            while not self._ended:
                self._ended = not isinstance(self._ready.get(), tuple)


async def anext_of(items: AsyncGenerator[T, None]) -> T:
    """Return the next item: `anext` as a coroutine, which is what a loop takes from another thread."""
    return await anext(items)


def _stops_itself() -> ConfigurationError:
    return ConfigurationError(
        _("A sync call was made from inside an async tool."),
        why=_("It would wait for the loop that it stops."),
        fix=_("Await the async twin instead: arun, astream, aplan."),
    )


def loop() -> asyncio.AbstractEventLoop | None:
    """Return the background loop, or None where nothing needed it yet."""
    return _loop


def _current_loop() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _running_loop() -> asyncio.AbstractEventLoop:
    import asyncio

    global _loop  # noqa: PLW0603  # one loop a process is the whole point
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="agentsdk", daemon=True).start()
        return _loop


def _forget() -> None:
    """Forget the loop in a forked child: its thread did not come along."""
    global _loop, _lock  # as above
    _loop, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
