"""reduce: makes one text of many, piece by piece and recursively, with the quotes that prove it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.errors import AgentError, OutputInvalid, ToolError
from agentsdk.evidence import Evidence, Passage
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.models.tokens import estimate
from agentsdk.plan import Step
from agentsdk.planner.call import call_model
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.material import Material, Sources, gather
from agentsdk.planner.pieces import PIECE, group
from agentsdk.planner.run import Run
from agentsdk.planner.spread import Element, elements, pieces_of
from agentsdk.planner.think import declined, note_on
from agentsdk.prompts import render

AT_ONCE = 8
"""Pieces of one summary that may be in work at the same time."""


async def condense(step: Step, inputs: Mapping[str, Any], run: Run) -> Evidence:
    """Return one text that meets "goal" for everything that `over` holds.

    A list is taken in groups, a text in pieces, of at most "tokens" tokens (2,000 where it is not said). Groups are
    condensed side by side, their summaries again, until one is left. With "running" true it is done in one pass from
    beginning to end, each piece told what came before: for stories and minutes, where order matters.

    Raises:
        LimitReached: the budget ended; what had been started was brought to its end.
        ModelError: the model could not be used.

    """
    goal, size = str(inputs["goal"]), int(inputs.get("tokens") or PIECE)
    try:
        found = pieces_of(elements(step, inputs["over"], run, size), size)
        whole = await (_running if inputs.get("running") else _recursive)(goal, found, run, size)
    except ToolError as error:
        return Evidence(step.id, step.do, inputs, "failed", error=error.what)
    except OutputInvalid as error:
        return Evidence(step.id, step.do, inputs, "failed", error=error.what)
    return Evidence(step.id, step.do, inputs, value=whole.value, passages=whole.passages)


async def _recursive(goal: str, found: Sequence[Element], run: Run, size: int) -> Element:
    todo = [e for e in found if e.value not in (None, "")]
    if not todo:
        return Element("")
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(part: Sequence[Element]) -> Element | Exception:
        async with limit:
            try:
                return await _condense(goal, part, run)
            except (LimitReached, AgentError) as error:
                return error  # the others are brought to their end first

    level = 0
    while level == 0 or len(todo) > 1:
        # Above the first level two go together at least, however long they became: so it comes to an end.
        groups = group([_text(e.value) for e in todo], size, estimate, fewest=2 if level else 1)
        async with asyncio.TaskGroup() as tasks:
            made = [tasks.create_task(one([todo[i] for i in places])) for places in groups]
        results = [task.result() for task in made]
        if faults := [r for r in results if isinstance(r, Exception)]:
            raise next((e for e in faults if isinstance(e, LimitReached)), faults[0])
        todo = [r for r in results if isinstance(r, Element)]
        level += 1
    return todo[0]


async def _running(goal: str, found: Sequence[Element], run: Run, size: int) -> Element:
    todo = [e for e in found if e.value not in (None, "")]
    so_far = Element("")
    for places in group([_text(e.value) for e in todo], size, estimate):
        so_far = await _condense(goal, [todo[i] for i in places], run, so_far)
    return so_far


async def _condense(goal: str, part: Sequence[Element], run: Run, before: Element | None = None) -> Element:
    language = run.brief.language
    behind: list[Passage] = []
    whole: dict[str, Passage] = {}
    for element in (*([before] if before else []), *part):
        for passage in element.passages:
            whole.setdefault(passage.text, passage)
            if element.value != passage.text and passage not in behind:
                behind.append(passage)
    values: dict[str, Any] = {"so_far": before.value} if before and before.value else {}
    values["pieces"] = [element.value for element in part]
    material: Material = gather(goal, values, Sources(whole, tuple(behind)), language)
    prompt = render(
        "reduce_on" if "so_far" in values else "reduce", language, goal=goal, material=material.text
    )
    reply = await call_model(run, Request((Message.user(prompt),)), public=False)
    if fault := declined(reply) or note_on(reply):
        raise OutputInvalid(fault)  # a summary without its end would look whole
    text, passages = material.settle(reply.message.text)
    return Element(text, passages)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
