"""Feed: events on their way from a run to whoever reads them. It never holds a run up, and gives events their ids.

A reader may be slow, or stop. The run is not made to wait: its limits are in seconds, and other runs share its loop.
What it says meanwhile is kept, pieces of text joined to one: so what is kept grows with what the run itself holds
(its steps and its text), and not with the number of pieces.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentsdk.answer import Answer
from agentsdk.events import (
    BudgetReserved,
    BudgetSettled,
    Draft,
    Event,
    Finished,
    ModelCalled,
    Nested,
    RunStarted,
    StepDone,
    Thought,
)
from agentsdk.store.canonical import digest

if TYPE_CHECKING:
    import asyncio

AHEAD = 64
"""Events that are kept as they are, however small; from there on pieces of text are joined."""


class Feed:
    """Events in their order. Put on one event loop, got on the same.

    Args:
        run_id: what every event is to carry.

    """

    def __init__(self, run_id: str = "") -> None:
        import asyncio  # half of the time that `import agentsdk` would take

        self._kept: deque[Event | _Pieces | None] = deque()
        self._open: dict[tuple[Any, ...], _Pieces] = {}
        """The pieces that more text may still be joined to: nothing else has happened since."""
        self._more: asyncio.Event = asyncio.Event()
        self._ids = Ids(run_id)

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, event: Event) -> None:
        """Take an event in; returns at once."""
        kind, text = _text_of(event)
        if kind is None:
            self._open.clear()
            self._kept.append(event)
        elif (pieces := self._open.get(kind)) is not None:
            pieces.texts.append(text)
        elif len(self._kept) < AHEAD:
            self._kept.append(event)
        else:
            self._open[kind] = pieces = _Pieces(event, [text])
            self._kept.append(pieces)
        self._more.set()

    def end(self) -> None:
        """Say that nothing more will come."""
        self._kept.append(None)
        self._more.set()

    async def get(self) -> Event | None:
        """Return the next event with its id, waiting for it; None when there are no more."""
        while not self._kept:
            self._more.clear()
            await self._more.wait()
        event = self._kept.popleft()
        if isinstance(event, _Pieces):
            self._open = {kind: p for kind, p in self._open.items() if p is not event}
            event = event.joined()
        return event if event is None else self._ids.given(event)


class Ids:
    """Gives the events of one run their ids: `s2/StepDone-5feceb66ffc8`; a repeat of the same ends in `.2`."""

    def __init__(self, run_id: str = "") -> None:
        self._run_id = run_id
        self._times: Counter[str] = Counter()
        self._pieces = 0

    def given(self, event: Event) -> Event:
        """Return the event with its id and the run's."""
        kind, text = _text_of(event)
        if kind is not None:
            # Pieces are many, and equal ones common (a space): a place in the stream tells them apart.
            self._pieces += 1
            id_ = f"{_where(event)}{self._pieces}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
        else:
            id_ = f"{_where(event)}{digest(_told(event))[:12]}"
            self._times[id_] += 1
            if (times := self._times[id_]) > 1:
                id_ = f"{id_}.{times}"
        return _with_id(event, id_, self._run_id)


@dataclasses.dataclass(slots=True)
class _Pieces:
    """Text that was joined because nobody had read it yet."""

    first: Event
    texts: list[str]

    def joined(self) -> Event:
        return _with_text(self.first, "".join(self.texts))


def _text_of(event: Event) -> tuple[tuple[Any, ...] | None, str]:
    """Return the kind of text that an event is a piece of, None where it is none; and the text."""
    if isinstance(event, (Draft, Thought)):
        return (type(event),), event.text
    if isinstance(event, Nested):
        kind, text = _text_of(event.event)
        return None if kind is None else (event.step, event.agent, *kind), text
    return None, ""


def _with_text(event: Event, text: str) -> Event:
    if isinstance(event, Nested):
        return replace(event, event=_with_text(event.event, text))
    return replace(event, text=text) if isinstance(event, (Draft, Thought)) else event


def _with_id(event: Event, id_: str, run_id: str) -> Event:
    if isinstance(event, Nested):  # one thing happened: it has one id, inside and out
        event = replace(event, event=_with_id(event.event, id_, run_id))
    return replace(event, id=id_, run_id=run_id)


def _where(event: Event) -> str:
    """Return what stands before the digest of an id: the steps around, and what kind of thing happened."""
    if isinstance(event, Nested):
        return f"{event.step}/{_where(event.event)}"
    if isinstance(event, StepDone):  # told again by a resumed run, it is a StepReused, and the same event
        return f"{event.evidence.step}/StepDone-"
    step = getattr(event, "step", "")
    return f"{step if isinstance(step, str) else step.id}/{type(event).__name__}-".lstrip("/")


def _told(event: Event) -> Any:
    """Return what an id is made of: all that happened, without what a second telling of it changes."""
    match event:
        case Nested():
            return _told(event.event)
        case RunStarted():
            return [event.question, event.model]
        case StepDone(evidence):
            return [evidence.do, evidence.inputs, evidence.status, evidence.value, evidence.error]
        case ModelCalled(usage):
            return replace(usage, seconds=0.0)
        case BudgetReserved(held):
            return replace(held, seconds=0.0)
        case BudgetSettled(held, used):
            return [replace(held, seconds=0.0), replace(used, seconds=0.0)]
        case Finished(answer):
            return [answer.status, answer.text]
        case _:
            return {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.compare}


async def events_of(
    begin: Callable[[Callable[[Event], None]], Coroutine[Any, Any, Answer[Any]]], run_id: str
) -> AsyncGenerator[Event, None]:
    """Yield what `begin` emits while it goes on, and at the end its answer; closing cancels it."""
    import asyncio  # half of the time that `import agentsdk` would take

    feed = Feed(run_id)
    going_on = begin(feed.put)

    async def work() -> None:
        try:
            feed.put(Finished(await going_on))
        finally:
            feed.end()

    # A task of its own: the run's timeouts and task groups must not span the consumer's `await`s.
    task = asyncio.create_task(work())
    try:
        while (event := await feed.get()) is not None:
            yield event
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
