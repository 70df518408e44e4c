"""map: does one thing with every element, side by side. How many there are is known only when it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.errors import AgentError, ModelError, ToolError
from agentsdk.events import StepRetried
from agentsdk.evidence import Evidence, Passage
from agentsdk.i18n import _
from agentsdk.models.tokens import estimate
from agentsdk.plan import ITEM, Alt, Ref, Step
from agentsdk.planner.conditions import holds
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.material import sources_of
from agentsdk.planner.pieces import PIECE, cut
from agentsdk.planner.resolve import resolve
from agentsdk.planner.run import Run

MOST_ITEMS = 100
"""Elements of a map that says no "max"."""

AT_ONCE = 16
"""Elements of one map that may be in work at the same time."""

Perform = Callable[[Step, Run], Awaitable[Evidence]]


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that a map or a summary goes through."""

    value: Any
    passages: tuple[Passage, ...] = ()
    """What stands behind it."""


def elements(step: Step, over: Any, run: Run, tokens: int = PIECE) -> list[Element]:
    """Return what `over` holds: the items of a list, or a text cut into pieces, each part of it in exactly one.

    Raises:
        ToolError: it is neither.

    """
    source = run.steps.get(step.over.step) if isinstance(step.over, Ref) else None
    if source is not None and source.parts and not step.over.path:
        # The items of an earlier map keep their own passages; those that failed have nothing to go on with.
        return [Element(part.value, part.passages) for part in source.parts if part.status == "done"]
    known = sources_of(step, run)
    if isinstance(over, str):
        return _pieces(over, [known.whole[over]] if over in known.whole else known.behind, tokens)
    if isinstance(over, Sequence):
        behind = () if source is not None and source.is_passages else known.behind
        return [
            Element(each, (known.whole[each],) if isinstance(each, str) and each in known.whole else behind)
            for each in over
        ]
    raise ToolError(
        _("{id} goes over a list or a text, and there is {kind}.").format(
            id=step.id, kind="null" if over is None else type(over).__name__
        )
    )


async def spread(step: Step, inputs: Mapping[str, Any], run: Run, perform: Perform) -> Evidence:
    """Return what the body of a map brings for every element, in their order.

    An element that fails spares the others: its place holds null, and `error` says how many failed. The map has
    failed where all did.

    Raises:
        LimitReached: the budget ended; elements that had been started were brought to their end, and `brought` holds
            what there is.
        ModelError: no element came through, and the model was the reason.

    """
    try:
        found = elements(step, inputs["over"], run)
    except ToolError as error:
        return Evidence(step.id, step.do, inputs, "failed", error=error.what)
    most = step.most or MOST_ITEMS
    limit = asyncio.Semaphore(AT_ONCE)
    raised: dict[int, Exception] = {}

    async def one(at: int, element: Element) -> Evidence:
        async with limit:
            try:
                return await _one(step, at, element, run, perform)
            except (LimitReached, AgentError) as error:
                raised[at] = error
                return Evidence(f"{step.id}.{at}", step.body.do, status="failed", error=str(error))

    tasks: list[asyncio.Task[Evidence]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(one(at, element)) for at, element in enumerate(found[:most])]
    except asyncio.CancelledError:
        if run.ledger.seconds_left(final=False) == 0 and step.id in run.steps:
            # The time is over: the answer is made of what there is.
            parts = tuple(_reached(step, at, task) for at, task in enumerate(tasks))
            if any(part.status == "done" for part in parts):
                run.steps[step.id] = _together(step, inputs, parts, len(found))
        raise
    parts = tuple(task.result() for task in tasks)
    errors = [raised[at] for at in sorted(raised)]  # by their elements, and not by which came first
    if ended := next((e for e in errors if isinstance(e, LimitReached)), None):
        if any(part.status == "done" for part in parts):
            ended.brought = _together(step, inputs, parts, len(found))
        raise ended
    if errors and len(errors) == len(parts) and isinstance(errors[0], ModelError):
        raise errors[0]
    return _together(step, inputs, parts, len(found))


async def _one(step: Step, at: int, element: Element, run: Run, perform: Perform) -> Evidence:
    body = step.body
    inner = f"{step.id}.{at}"
    done = {**run.steps, ITEM: Evidence(ITEM, ITEM, value=element.value)}
    try:
        if body.when is not None and not holds(body.when, done):
            return Evidence(inner, body.do, status="skipped")
        alt = body.alt and Alt(body.alt.do, resolve(body.alt.inputs, done))
        made = Step(
            inner,
            body.do,
            resolve(body.inputs, done),
            over=resolve(body.over, done),
            most=body.most,
            returns=body.returns,
            alt=alt,
        )
    except ToolError as error:
        told = " ".join(part for part in (error.what, error.why) if part)
        return Evidence(inner, body.do, status="failed", error=told)
    run.handed[inner] = element.passages
    known = run.parts.get(inner)
    if known is not None and known[0] == made and known[1].status == "done":
        return known[1]  # the map is run again, for those that waited or failed
    evidence = await perform(made, run)
    if evidence.status == "failed" and (other := made.instead()) is not None:
        run.emit(StepRetried(inner, 1, evidence.error or "", other.do))
        evidence = await perform(other, run)
    run.parts[inner] = (made, evidence)
    return evidence


def _reached(step: Step, at: int, task: asyncio.Task[Evidence]) -> Evidence:
    if task.done() and not task.cancelled() and task.exception() is None:
        return task.result()
    return Evidence(f"{step.id}.{at}", step.body.do, status="skipped", error=_("It was not reached."))


def _together(step: Step, inputs: Mapping[str, Any], parts: Sequence[Evidence], count: int) -> Evidence:
    waiting = [p for p in parts if p.status == "pending"]
    if waiting:
        return Evidence(step.id, step.do, inputs, "pending", error=waiting[0].error, parts=tuple(parts))
    failed = [p for p in parts if not p.well]
    notes = []
    if failed:
        notes.append(
            _("{failed} of {count} failed: {why}").format(
                failed=len(failed), count=len(parts), why=f"{failed[0].step}: {failed[0].error}"
            )
        )
    if count > len(parts):
        notes.append(_("Only the first {most} of {count} were done.").format(most=len(parts), count=count))
    return Evidence(
        step.id,
        step.do,
        inputs,
        "failed" if failed and len(failed) == len(parts) else "done",
        [p.value if p.status == "done" else None for p in parts],
        tuple(dict.fromkeys(passage for p in parts for passage in p.passages)),
        " ".join(notes) or None,
        parts=tuple(parts),
    )


def pieces_of(found: Sequence[Element], tokens: int) -> list[Element]:
    """Return the elements with those texts cut that are longer than a piece: a file is often one long passage."""
    cut_up: list[Element] = []
    for each in found:
        long = isinstance(each.value, str) and estimate(each.value) > tokens
        cut_up += _pieces(each.value, each.passages, tokens) if long else [each]
    return cut_up


def _pieces(text: str, behind: Sequence[Passage], tokens: int) -> list[Element]:
    """Return the pieces of a text; of one that is a passage itself, each piece with its own place in the source."""
    pieces = cut(text, tokens)
    if len(behind) != 1 or behind[0].text != text:
        return [Element(piece, tuple(behind)) for piece in pieces]
    passage, at, found = behind[0], 0, []
    for piece in pieces:
        line = passage.line + text.count("\n", 0, at)
        found.append(Element(piece, (replace(passage, text=piece, start=passage.start + at, line=line),)))
        at += len(piece)
    return found
