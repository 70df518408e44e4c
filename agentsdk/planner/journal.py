"""The journal of a run: what is finished is kept by content, and taken from there when the run is resumed.

A resume drives the same graph again from the top. Model calls (call.py) and steps (act.py) ask here first: what the
journal holds is not done again. Hence a run may depend on its input, on replies and on results, and on nothing else.
"""

# ruff: noqa: ARG002  # the journal that keeps nothing has the arguments of the one that does
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from agentsdk.budget import Usage
from agentsdk.function_tool import Tool
from agentsdk.models.model import Request
from agentsdk.plan import Step
from agentsdk.store.canonical import digest

FORMAT = 1
"""Part of every key: raised when keys are made in another way, so that no older row is taken for a new one."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a row of the journal is found by: a digest of all that its result depends on."""

    digest: str = ""
    """Empty where nothing is kept."""
    kind: str = ""
    """"step" or "call"."""
    step: str = ""
    """The step's id; for a call made inside a step, that step's."""
    do: str = ""
    """The step's tool or kind; for a call, the model."""
    taken: tuple[str, int] = ("", 0)
    """The digest without the occurrence, and the occurrence."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the journal: finished with a value; or begun without an end, so that its outcome is not known."""

    finished: bool
    value: Any = None
    """Plain JSON, where it is finished."""
    usage: Usage = field(default_factory=Usage)
    """What the model calls inside it used: a resume counts it again."""
    attempt: int = 1
    """How often it was begun."""


@dataclass(slots=True)
class Place:
    """The step inside which something is done, and what its model calls have used so far."""

    path: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    outer: Place | None = None


_HERE: ContextVar[Place | None] = ContextVar("agentsdk_place", default=None)


@contextmanager
def inside(step: str) -> Iterator[Place]:
    """Give the place of a step: keys made within carry its id, and its model calls are counted there."""
    outer = _HERE.get()
    here = Place((*(outer.path if outer else ()), step), outer=outer)
    token = _HERE.set(here)
    try:
        yield here
    finally:
        _HERE.reset(token)


def spent(usage: Usage) -> None:
    """Count what a model call used, in every step that it is inside of."""
    place = _HERE.get()
    while place is not None:
        place.usage += usage
        place = place.outer


class Journal:
    """What one run has fixed. This one keeps nothing: a run without a store has it.

    Keys count how often the same has been asked in this run, so that a step tried twice has two rows. A key that
    was taken for something that did not end is given back by `leave`.
    """

    run_id = ""
    """What `agent.resume` takes; empty where nothing is kept."""

    def of_step(self, step: Step, inputs: Any, tool: Tool[Any, Any] | None = None, model: str = "") -> Key:
        """Return the key of a step with its resolved inputs; the next occurrence of it is taken."""
        return Key()

    def of_call(self, request: Request, model: str) -> Key:
        """Return the key of a model call; the next occurrence of it is taken."""
        return Key()

    def leave(self, key: Key) -> None:
        """Give an occurrence back: it waits, was cancelled or raised, and will be asked for again."""

    async def found(self, key: Key) -> Found | None:
        """Return what an earlier process of this run left under the key."""
        return None

    async def begun(self, key: Key) -> None:
        """Have it on disk that a side effect is about to begin."""

    async def ended(self, key: Key, value: Any, usage: Usage | None = None) -> None:
        """Have a result on disk: what depends on it may start when this returns."""

    async def planned(self, batch: Key, step: Step) -> None:
        """Have a step on disk that the model call `batch` has streamed so far."""

    async def plan_complete(self, batch: Key) -> None:
        """Have it on disk that the call has given all its steps."""

    def received(self, batch: Key) -> list[Step]:
        """Return the steps that an earlier process had received of this call, in order, where it did not end."""
        return []

    async def waits(self, step: str, args_hash: str, question: Mapping[str, Any]) -> None:
        """Have it on disk that a person is to decide about a step with these arguments."""

    async def decided(self, step: str, args_hash: str, verdict: Any) -> None:
        """Have a decision about a step with these arguments on disk: nobody is asked twice."""

    def decision(self, step: str, args_hash: str) -> Any:
        """Return what was decided about a step with these arguments; None where nothing was."""
        return None


def version_of(tool: Tool[Any, Any]) -> str:
    """Return what changes when a tool does: its author's `version`, its schema and how it is to be treated."""
    flags = [tool.needs_approval, tool.side_effect, tool.pure]
    return digest([tool.name, tool.version, tool.parameters, flags])[:16]
