"""Bounded: a Model that asks at most so many things at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from agentsdk.models.model import Delta, Model, Reply, Request, reading


@dataclass(frozen=True, slots=True)
class Bounded:
    """Lets calls wait for each other, in an event loop, so that a server or an account is not asked too much at once.

    A stream counts until it has ended or was closed.
    """

    inner: Model
    at_once: int
    _rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """The name of the model inside."""
        return self.inner.name

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply, when there is room to ask for it."""
        async with self._room():
            return await self.inner.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces, when there is room to ask for them."""
        async with self._room(), reading(self.inner.stream(request)) as pieces:
            async for piece in pieces:
                yield piece

    def _room(self) -> asyncio.Semaphore:
        return self._rooms.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.at_once))
