"""What an exchange learns of a model at an address: kept once the server has taken a request by it, for an hour.

A refusal may be misread, and a server may be mended: what did not help is forgotten, and what helped is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from agentsdk.models.remembered import Remembered

KEPT = 3600.0
"""Seconds that something is kept to."""

_kept = Remembered[list[tuple[Any, float]]]()


class Learning:
    """What is known of one model where it is served, and what one exchange adds to it.

    Args:
        url: the address of the server.
        model: its name for the model.

    """

    def __init__(self, url: str, model: str) -> None:
        self._place = (url, model)
        self._new: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        """Yield what is known, and what this exchange found out."""
        yield from (thing for thing, _until in self._live())
        yield from self._new

    def add(self, thing: Any) -> bool:
        """Take something in for this exchange, and return whether it had not tried that."""
        if thing in self._new:
            return False
        self._new.append(thing)
        return True

    def keep(self) -> None:
        """Keep what was learned: a request that was written by it has been answered."""
        if not self._new:
            return
        until = time.monotonic() + KEPT
        older = [(thing, end) for thing, end in self._live() if thing not in self._new]
        _kept.set(self._place, [*older, *((thing, until) for thing in self._new)])

    def _live(self) -> list[tuple[Any, float]]:
        now = time.monotonic()
        return [(thing, until) for thing, until in _kept.get(self._place) or () if until > now]
