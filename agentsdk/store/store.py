"""The Store protocol, and what goes in and comes out: runs, rows and leases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

State = Literal["started", "finished"]
"""`started` alone says: it was begun, and nobody knows whether it was done."""

Kind = Literal["input", "call", "step", "planned", "plan", "waits", "decision", "fact", "answer"]
"""What a row holds: what was asked, a model's reply, a step's result, a step of a plan that is still being written,
that such a plan is whole, a question to a person, what the person decided, something found
out that may differ tomorrow, and the run's answer. A run is complete when it has an `answer`, and never before."""

Status = Literal["running", "waiting", "stopped", "done"]
"""For lists alone: a process has it or had it when it was killed; it waits for a person; it ended in an error; it has
its answer."""

REPLACED = ("waits", "decision", "planned")
"""Kinds of which a later row takes an earlier one's place. Any other row stays as it was finished first."""


@dataclass(frozen=True, slots=True)
class Row:
    """Something that a run has fixed, found by its key."""

    key: str
    kind: Kind
    value: Any = None
    """Plain JSON. Long texts in it are kept once for the whole store."""
    state: State = "finished"
    step: str = ""
    do: str = ""
    """A tool, a kind of step, or a model."""
    attempt: int = 1
    """How often it was begun."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a run, held by one driver at a time."""

    run: str
    owner: str
    generation: int
    """One more for each driver that has held the run; what an earlier one writes is refused."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, as lists show it."""

    id: str
    thread: str
    """The session that it belongs to; empty where it belongs to none."""
    status: Status
    created: float
    """Seconds since 1970, as `changed` and `until`."""
    changed: float
    question: str
    """Its beginning."""
    model: str
    owner: str = ""
    until: float = 0.0
    """When the lease runs out unless it is renewed."""
    generation: int = 0
    held: bool = False
    """Whether a living process has it."""


@runtime_checkable
class Store(Protocol):
    """Where runs are kept.

    Every write names the lease that it is made under, and is refused with LeaseLost, within its own transaction, once
    another driver has taken the run. What a call has returned from is on disk. All raise StoreError and nothing else.
    """

    name: str
    """A path or an address, without its password."""
    lease_seconds: float
    """How long a lease holds unless it is renewed."""

    async def begin(self, run: RunRecord, rows: Sequence[Row]) -> Lease:
        """Keep a new run with its first rows, and return its lease. `run.owner` says whose."""

    async def take(self, run: str, owner: str) -> Lease:
        """Return the lease of a run that nobody holds.

        Raises:
            RunUnknown: there is no such run.
            RunHeld: another driver has it.

        """

    async def renew(self, lease: Lease) -> None:
        """Hold the lease for another while."""

    async def release(self, lease: Lease, status: Status) -> None:
        """Give the lease back and say how the run stands."""

    async def write(self, lease: Lease, rows: Sequence[Row], *, durable: bool = False) -> None:
        """Keep rows, all or none. `durable`: they outlast a power cut, and not only a killed process."""

    async def rows(self, run: str) -> list[Row]:
        """Return a run's rows in the order in which they were first written."""

    async def run(self, run: str) -> RunRecord:
        """Return a run, or raise RunUnknown."""

    async def runs(self, *, limit: int = 50, thread: str | None = None) -> list[RunRecord]:
        """Return the runs that changed last, the latest first; those of one session only, where `thread` names it."""

    async def delete(self, *runs: str, before: float | None = None) -> int:
        """Delete runs, and those finished that did not change since `before`; return how many. None held is deleted."""

    async def add_turns(self, thread: str, run: str, turns: Sequence[Any]) -> None:
        """Append what a finished run adds to a session: plain JSON. Once per run, however often it is called."""

    async def turns(self, thread: str) -> list[tuple[str, Any]]:
        """Return a session's turns in order: the run that added each, and what it added."""

    async def threads(self, *, limit: int = 50) -> list[tuple[str, int, float]]:
        """Return the sessions, the latest first: name, number of turns, and when the last was added."""

    async def forget(self, thread: str) -> int:
        """Delete a session's turns and return how many; its runs stay."""

    async def close(self) -> None:
        """Let go of files and connections; a later call opens them again."""
