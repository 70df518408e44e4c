"""One call of the model, as events show it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agentsdk import Agent
from agentsdk.events import Draft, DraftReplaced, Finished, Thought
from agentsdk.messages import Message
from agentsdk.models.model import Delta, Reply, Request, Restated, TextDelta


class ThinksAloud:
    """A model whose server has swallowed the opening tag of its thought."""

    name = "test:thinks-aloud"

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply."""
        raise NotImplementedError

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the thought as text, take it back, and answer."""
        yield TextDelta("They want a yes.")
        yield Restated("They want a yes.")
        yield TextDelta("Yes.")
        yield Reply(Message("assistant", "Yes.", reasoning="They want a yes."))


def test_a_thought_that_was_shown_as_the_answer_is_taken_back_in_the_open() -> None:
    events = [
        e
        for e in Agent(ThinksAloud()).stream("Is it?")
        if isinstance(e, Draft | DraftReplaced | Thought | Finished)
    ]
    kinds = [type(e).__name__ for e in events]
    assert kinds == ["Draft", "Thought", "DraftReplaced", "Draft", "Finished"]
    assert events[1] == Thought("They want a yes.")
    assert events[3] == Draft("Yes.")
    assert isinstance(events[-1], Finished)
    assert events[-1].answer.text == "Yes."
