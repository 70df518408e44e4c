"""Tries again what may succeed later: `Retrying` wraps a Model, `retried` any other call. The only layer that does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from agentsdk.errors import BadResponse, DeadlineExceeded, EmptyResponse, ModelError, ModelUnavailable
from agentsdk.models.model import Delta, Model, Reply, Request, reading

T = TypeVar("T")

FIRST_WAIT = 0.5
"""Seconds before the second try; doubled for each further one, and varied by half so that clients part."""

SHORTEST = 0.05
"""Seconds that must be left for a try to be worth its request."""


@dataclass(slots=True)
class Allowance:
    """How many second tries may still be made of one model: when a server is down, a thousand calls are not three.

    Each second try takes one, each call that succeeds gives half of one back.
    """

    most: float = 100.0
    left: float = 100.0

    def take(self) -> bool:
        """Take one, and return whether there was one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def give(self) -> None:
        """Give back for a call that succeeded."""
        self.left = min(self.left + 0.5, self.most)


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries a call again after an error that may pass (`retryable`), and after nothing else.

    A server's Retry-After is waited for in full where it ends before the deadline; else the error is raised at once.
    An empty answer is asked for once more. Nothing is tried again once a piece was streamed.
    """

    inner: Model
    times: int = 2
    """Tries after the first."""
    seconds: float = 120.0
    """Deadline of all tries and waits together."""
    allowance: Allowance = field(default_factory=Allowance, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self.inner.name

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first try that brings one."""
        return await retried(
            lambda seconds: self.inner.complete(replace(request, timeout=seconds)),
            self.times,
            self._seconds(request),
            self.allowance,
        )

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces of the first try that brings one."""
        tries = _Tries(self.times, self._seconds(request), self.allowance)
        while True:
            begun = False
            try:
                timed = replace(request, timeout=tries.begin())
                async with reading(self.inner.stream(timed)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except ModelError as error:
                if begun:
                    raise
                await tries.wait(error)
            else:
                self.allowance.give()
                return

    def _seconds(self, request: Request) -> float:
        return self.seconds if request.timeout is None else min(request.timeout, self.seconds)


async def retried(call: Callable[[float], Awaitable[T]], times: int, seconds: float, allowance: Allowance) -> T:
    """Return what the first try brings that brings anything; errors as `Retrying`.

    Args:
        call: one try; it gets the seconds that it may take.
        times: tries after the first.
        seconds: deadline of all tries and waits together.
        allowance: of the server that is asked.

    """
    tries = _Tries(times, seconds, allowance)
    while True:
        try:
            brought = await call(tries.begin())
        except ModelError as error:
            await tries.wait(error)
        else:
            allowance.give()
            return brought


class _Tries:
    """The tries of one call, and the time that they may take together."""

    def __init__(self, times: int, seconds: float, allowance: Allowance) -> None:
        self._times = times
        self._allowance = allowance
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._made = 0
        self._empty = False
        self._short = False
        self._last: ModelError | None = None

    def begin(self) -> float:
        """Begin the next try, and return the seconds that it may take: those that are left."""
        self._made += 1
        left = max(self._end - time.monotonic(), 0.0)
        self._short = left < self._seconds / 5
        return left

    async def wait(self, error: ModelError) -> None:
        """Wait until the next try, or raise the error where there is none."""
        if isinstance(error, DeadlineExceeded) and self._short and self._last is not None:
            # It had hardly any time, and would only say so: what the tries before it met is the cause.
            self._last.tries = self._made
            raise self._last
        error.tries = self._made
        self._last = error
        if not error.retryable or self._made > self._times:
            raise error
        if isinstance(error, EmptyResponse | BadResponse):
            if self._empty:
                raise error
            self._empty = True
        wait = FIRST_WAIT * 2 ** (self._made - 1) * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, guards nothing
        after = error.retry_after if isinstance(error, ModelUnavailable) else None
        if after is not None:
            # Never earlier than it says, and a little later where there is time: else all would come back at once.
            wait = max(after, 0.0) + random.uniform(0.0, 0.1 * min(after, 10.0) + 0.02)  # noqa: S311  # as above
        left = self._end - time.monotonic() - SHORTEST
        if after is not None and after <= left < wait:
            wait = after
        if wait > left or not self._allowance.take():
            raise error
        await asyncio.sleep(wait)
