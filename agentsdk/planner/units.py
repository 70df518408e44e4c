"""Cuts a conversation into what stays together: turns, and exchanges in which calls stand beside their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentsdk.messages import Message
from agentsdk.planner.intake import earlier
from agentsdk.planner.run import Run
from agentsdk.planner.weigh import as_json


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages that stay together: a turn, or what the model said with the results of its calls."""

    id: str
    messages: tuple[Message, ...]
    steps: tuple[str, ...] = ()
    """This run's steps whose results it holds."""

    @property
    def text(self) -> str:
        """All that was said in it, on whose behalf, and under its ids."""
        lines = []
        names = {c.id: f"{c.name}({as_json(c.arguments)})" for m in self.messages for c in m.calls}
        for message in self.messages:
            if message.role == "tool":
                lines.append(f"{names.get(message.call_id, message.name)} -> {message.text}")
            elif message.text:
                lines.append(f"{'person' if message.role == 'user' else 'answer'}: {message.text}")
        return f"[{', '.join(self.steps) or self.id}] " + "\n".join(lines)


def earlier_turns(run: Run) -> list[Unit]:
    """Return the turns before the question: "t1" is the first of all."""
    return turns_of(earlier(run.brief))


def turns_of(messages: Sequence[Message]) -> list[Unit]:
    """Return the turns of a conversation, each from what a person says up to the next thing that is said."""
    groups: list[list[Message]] = []
    for message in messages:
        if not groups or (message.role == "user" and groups[-1][-1].role != "user"):
            groups.append([])
        groups[-1].append(message)
    return [Unit(f"t{at}", tuple(group)) for at, group in enumerate(groups, 1)]


def exchanges_of(run: Run) -> list[Unit]:
    """Return this run's exchanges: what the model said, the results of its calls, and what it was told then."""
    begin, _question, rest = parts_of(run)
    groups: list[list[Message]] = []
    for message in rest[begin:]:
        if message.role == "assistant":
            groups.append([])
        groups[-1].append(message)
    return [
        Unit(f"e{at}", tuple(group), tuple(s for m in group for c in m.calls for s in run.asked.get(c.id, ())))
        for at, group in enumerate(groups, 1)
    ]


def opening(run: Run) -> list[Message]:
    """Return the system part and the examples."""
    return run.messages[: 1 + sum(2 + 2 * len(e.calls) for e in run.brief.examples)]


def parts_of(run: Run) -> tuple[int, Message, list[Message]]:
    """Return the question, what follows it, and how many of that stand before the model's first words."""
    at = len(opening(run)) + len(earlier(run.brief))
    rest = run.messages[at + 1 :]
    begin = next((i for i, m in enumerate(rest) if m.role == "assistant"), len(rest))
    return begin, run.messages[at], rest
