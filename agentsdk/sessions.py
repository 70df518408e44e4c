"""Sessions: conversations that are kept in a store, turn by turn, to be listed, read and deleted."""

from __future__ import annotations

from dataclasses import dataclass

from agentsdk import _bridge
from agentsdk.answer import Outcome
from agentsdk.errors import ConfigurationError, StoreDamaged
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.store.store import Store
from agentsdk.store.written import read

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """What one run added to a session."""

    messages: tuple[Message, ...]
    """What was asked and what was answered."""
    steps: tuple[Evidence, ...] = ()
    """What the run's steps brought: `recall` opens them in later runs."""
    status: Outcome = "answered"
    intent: str = ""
    told: str = ""
    """The summary of the session's first turns, as it stood when this run ended."""
    told_turns: int = 0
    """How many turns that summary covers."""
    run: str = ""
    """The run's id."""

    @property
    def question(self) -> str:
        """What was asked."""
        return next((m.text for m in self.messages if m.role == "user"), "")

    @property
    def answer(self) -> str:
        """What was answered."""
        return self.messages[-1].text if self.messages else ""


@dataclass(frozen=True, slots=True)
class Session:
    """A session, as lists show it."""

    name: str
    turns: int
    changed: float
    """Seconds since 1970 of the last turn; 0 where its run was deleted."""


class Sessions:
    """The sessions of a store: `agent.sessions`.

    Every method has a twin for async code whose name begins with `a`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, *, limit: int = 50) -> tuple[Session, ...]:
        """Return the sessions, the latest first."""
        return _bridge.wait(self.alist(limit=limit))

    async def alist(self, *, limit: int = 50) -> tuple[Session, ...]:
        """Return the sessions: `list` for async code."""
        return tuple([Session(*row) for row in await self._store.threads(limit=limit)])

    def show(self, name: str) -> tuple[Turn, ...]:
        """Return the turns of a session in their order; none where there is no such session.

        Raises:
            StoreDamaged: what lies there is no turn.

        """
        return _bridge.wait(self.ashow(name))

    async def ashow(self, name: str) -> tuple[Turn, ...]:
        """Return the turns: `show` for async code."""
        found = []
        for run, value in await self._store.turns(checked(name)):
            try:
                found += [read(Turn, {**each, "run": run.removesuffix("?")}) for each in value]
            except (ValueError, TypeError) as error:
                raise StoreDamaged(
                    _("A turn of the session {name} cannot be read.").format(name=name), why=str(error)
                ) from error
        return tuple(found)

    def delete(self, name: str) -> int:
        """Delete a session and return how many turns it had. Its runs stay: `agentsdk runs` deletes those."""
        return _bridge.wait(self.adelete(name))

    async def adelete(self, name: str) -> int:
        """Delete a session: `delete` for async code."""
        return await self._store.forget(checked(name))


def checked(name: object) -> str:
    """Return a session's name.

    Raises:
        ConfigurationError: it is no text, is empty, or is too long.

    """
    if isinstance(name, str) and name.strip() and len(name) <= LONGEST_NAME:
        return name
    raise ConfigurationError(
        _("{name!r} cannot be the name of a session.").format(name=name),
        why=_("It is a text of at most {most} characters.").format(most=LONGEST_NAME),
        fix='agent.run(question, session="anna")',
    )
