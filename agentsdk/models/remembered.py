"""What this process found out about servers, by address and model: bounded, and all of it forgotten at a word."""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

MOST = 1_024
"""Models for which one kind of thing is remembered: a process that lives long meets many servers and names."""

_all: list[Remembered[object]] = []


class Remembered(Generic[V]):
    """One kind of thing, by the address of a server and its name for the model; what was set longest ago goes first."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, str], V] = {}
        self._lock = Lock()  # there is an event loop in more than one thread
        _all.append(self)  # type: ignore[arg-type]  # they are only ever cleared through this list

    def get(self, key: tuple[str, str]) -> V | None:
        """Return what is remembered."""
        return self._by.get(key)

    def set(self, key: tuple[str, str], value: V) -> None:
        """Remember something, in place of what was there."""
        with self._lock:
            self._by.pop(key, None)
            self._by[key] = value
            while len(self._by) > MOST:
                del self._by[next(iter(self._by))]

    def clear(self) -> None:
        """Forget all of this kind."""
        with self._lock:
            self._by.clear()


def forget() -> None:
    """Forget all that was found out: another server may answer at an old address, as it does from test to test."""
    for kind in _all:
        kind.clear()
