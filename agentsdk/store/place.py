"""Where in a run something is done: the step around it, what its model calls used, and the key of its effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from agentsdk.budget import Usage


@dataclass(slots=True)
class Place:
    """The step inside which something is done, and what its model calls have used so far."""

    path: tuple[str, ...] = ()
    key: str = ""
    usage: Usage = field(default_factory=Usage)
    outer: Place | None = None


# Context variables reach tasks and threads that a step starts, and no verb has to hand them on.
_HERE: ContextVar[Place | None] = ContextVar("agentsdk_place", default=None)


@contextmanager
def inside(step: str, key: str = "") -> Iterator[Place]:
    """Give the place of a step: keys made within carry its id, and its model calls are counted there."""
    outer = _HERE.get()
    here = Place((*(outer.path if outer else ()), step), key, outer=outer)
    token = _HERE.set(here)
    try:
        yield here
    finally:
        _HERE.reset(token)


@contextmanager
def outside() -> Iterator[None]:
    """Leave every step: what is done within is a run of its own, though a tool of another run has begun it."""
    token = _HERE.set(None)
    try:
        yield
    finally:
        _HERE.reset(token)


def path() -> tuple[str, ...]:
    """Return the ids of the steps around what is being done, outermost first."""
    place = _HERE.get()
    return place.path if place else ()


def spent(usage: Usage) -> None:
    """Count what a model call used, in every step that it is inside of."""
    place = _HERE.get()
    while place is not None:
        place.usage += usage
        place = place.outer


def effect_key() -> str:
    """Return what names the effect of the tool call that is being made, for services that take an idempotency key.

    It is the same when the run is resumed and the call is made again, and differs for every other call. Empty outside
    a tool call, and where the agent has no store.
    """
    place = _HERE.get()
    return place.key if place else ""
