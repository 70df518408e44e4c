"""One session at work: held by one run at a time, its earlier turns given to that run, a new one added at its end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from agentsdk.answer import Answer
from agentsdk.errors import LeaseLost, RunHeld, RunUnknown
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.planner.intake import Brief
from agentsdk.planner.run import Run
from agentsdk.sessions import Sessions, Turn, checked
from agentsdk.store.owner import new_owner
from agentsdk.store.store import Lease, RunRecord, Store
from agentsdk.store.written import write

PATIENCE = 600.0
"""Seconds that a run waits for the one before it, where its budget sets no fewer."""

_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_RENEWALS = 4
"""How often a lease is renewed in the time that it holds."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a session held when a run of it began."""

    turns: tuple[Turn, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        return tuple(m for turn in self.turns for m in turn.messages)

    @property
    def steps(self) -> Mapping[str, Evidence]:
        """The results of earlier runs: "t3.c1" is step c1 of the third turn."""
        return {f"t{at}.{e.step}": e for at, turn in enumerate(self.turns, 1) for e in turn.steps}

    @property
    def told(self) -> tuple[str, int]:
        """The latest summary, and how many turns it covers."""
        return next(((t.told, t.told_turns) for t in reversed(self.turns) if t.told), ("", 0))

    def first(self, count: int) -> Past:
        """Return the session as it was when it had that many turns: none is ever changed, only added."""
        return Past(self.turns[:count])

    def into(self, brief: Brief) -> Brief:
        """Return a brief that says what of the session stands before it."""
        told, turns = self.told
        return replace(brief, session_turns=len(self.turns), told=told, told_turns=turns)


@asynccontextmanager
async def held(store: Store, name: str, patience: float = PATIENCE) -> AsyncIterator[Past]:
    """Give the past of a session that nobody else is at work in: runs of one session come one after another.

    Of several that wait, in one process or in many, any may be the next.

    Raises:
        RunHeld: another run was still at work in it after `patience` seconds.
        StoreError: the store cannot be used.

    """
    lease = await _take(store, checked(name), patience)
    beat = asyncio.create_task(_beat(store, lease))
    try:
        yield Past(await Sessions(store).ashow(name))
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        with contextlib.suppress(LeaseLost):  # it was thought dead; what it adds is added all the same
            await store.release(lease, "done")


async def add(store: Store, name: str, run: Run, answer: Answer[object], *, asks: bool = False) -> None:
    """Add to a session what a run has asked and answered: once, however often it is called for the run.

    Where the run asks a person for something, that is a turn, and the answer it then gives is another.
    """
    told = (run.shelf.told, run.shelf.told_turns) if run.shelf.told else ("", 0)
    turn = Turn(answer.messages[-2:], answer.steps, answer.status, answer.intent, *told)
    await store.add_turns(name, run.journal.run_id + ("?" if asks else ""), [write(turn)])


async def _take(store: Store, name: str, patience: float) -> Lease:
    """Return the lease of the session: it is that of a record which is no run."""
    record, owner = f"session {name}", new_owner()
    until, wait = time.monotonic() + patience, _FIRST_WAIT
    while True:
        try:
            return await store.take(record, owner)
        except RunUnknown:
            with contextlib.suppress(LeaseLost):  # another was quicker
                return await store.begin(RunRecord(record, "", "running", 0.0, 0.0, "", "", owner), ())
        except RunHeld as error:
            if time.monotonic() >= until:
                raise RunHeld(
                    _("The session {name} is in use.").format(name=name),
                    why=_(
                        "Runs of one session come one after another, and the one before did not end in time."
                    ),
                    fix=_("Wait for it, or take another session."),
                ) from error
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


async def _beat(store: Store, lease: Lease) -> None:
    while True:
        await asyncio.sleep(store.lease_seconds / _RENEWALS)
        await store.renew(lease)
