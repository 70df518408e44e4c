"""Lets sync code wait for async code: one background loop a process, for notebooks, scripts and threads alike.

`asyncio.run` for every call would leave HTTP clients bound to a dead loop, and fails inside a running loop.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _

if TYPE_CHECKING:  # half of the time that `import agentsdk` would take: imported by the functions that need it
    import asyncio

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


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
        raise ConfigurationError(
            _("A sync call was made from inside an async tool."),
            why=_("It would wait for the loop that it stops."),
            fix=_("Await the async twin instead: arun, astream, aplan."),
        )
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


async def anext_of(items: AsyncGenerator[T, None]) -> T:
    """Return the next item: `anext` as a coroutine, which is what a loop takes from another thread."""
    return await anext(items)


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
