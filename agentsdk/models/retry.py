"""Retrying: a Model that wraps a Model and tries again what may succeed later. The only layer that does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agentsdk.errors import ModelUnavailable, RateLimited
from agentsdk.models.model import Delta, Model, Reply, Request

FIRST_WAIT = 0.5
"""Seconds before the second try; doubled for each further one, and varied by half so that clients part."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries a call again after ModelUnavailable, and after nothing else; never once a piece was streamed.

    A server's Retry-After is waited for where it ends before the deadline; else the error is raised at once.
    """

    inner: Model
    times: int = 2
    """Tries after the first."""
    seconds: float = 120.0
    """Deadline of all tries and waits together."""

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self.inner.name

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first try that brings one."""
        began = time.monotonic()
        for at in range(self.times + 1):
            try:
                return await self.inner.complete(request)
            except ModelUnavailable as error:
                await self._wait(error, at, began)
        raise AssertionError  # _wait raises after the last try

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces of the first try that brings one."""
        began = time.monotonic()
        for at in range(self.times + 1):
            started = False
            try:
                async for piece in self.inner.stream(request):
                    started = True
                    yield piece
            except ModelUnavailable as error:
                if started:
                    raise
                await self._wait(error, at, began)
            else:
                return

    async def _wait(self, error: ModelUnavailable, at: int, began: float) -> None:
        wait = FIRST_WAIT * 2**at * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, guards nothing
        if isinstance(error, RateLimited) and error.retry_after is not None:
            wait = max(error.retry_after, 0.0)
        if at >= self.times or time.monotonic() - began + wait > self.seconds:
            raise error
        await asyncio.sleep(wait)
