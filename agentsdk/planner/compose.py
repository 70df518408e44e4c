"""Makes the answer of what was found: by the model, or, where nothing may be spent any more, as a bare list."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agentsdk.checks.second import UntilDry
from agentsdk.errors import ModelError, OutputInvalid
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.planner.call import as_history, call_model
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.markers import read_marks
from agentsdk.planner.memory import make_room
from agentsdk.planner.missed import look_again
from agentsdk.planner.run import Run
from agentsdk.planner.shown import shown
from agentsdk.planner.work import close_batch
from agentsdk.prompts import render


async def compose(run: Run) -> None:
    """Leave a draft in `run`, and the typed output where one was asked for.

    A draft that `work` already brought is passed through without a call.

    Raises:
        ModelError: the model could not be used.
        OutputInvalid: what it gave does not fit the type, also after one correction.

    """
    if run.waiting or run.question_back is not None:
        return
    reached: str | None = None
    try:
        async with asyncio.timeout(run.ledger.seconds_left(final=True)) as limit:
            if run.draft is None:
                await _write(run)
            if run.shape is not None and run.draft is not None and read_marks(run.draft).ending is None:
                await _fill(run)
    except TimeoutError:
        if not limit.expired():
            raise
        reached = "seconds"
    except LimitReached as error:
        reached = error.limit
    except (ModelError, OutputInvalid) as error:
        if run.first is None:
            raise
        _keep_first(run, _("A correction was asked for and failed: {why}").format(why=error.what))
    if reached is not None and run.first is not None:
        _keep_first(run, _("A correction was begun, and the budget ended before it."))
    elif reached is not None:
        run.limit = reached
    if run.draft is None:
        run.draft = _list_results(run)


def _keep_first(run: Run, why: str) -> None:
    """Go back to the draft that was to be corrected: a whole answer with faults is better than none."""
    run.note("budget" if run.ledger.affords_another() is False else "model", why)
    run.draft, run.output = run.first.draft, run.first.output


async def _write(run: Run) -> None:
    close_batch(run)
    if run.limit is not None:
        limit = {"calls": _("calls"), "tokens": _("tokens"), "seconds": _("seconds"), "cost": _("money")}[
            run.limit
        ]
        run.messages.append(Message.user(render("last_call", run.brief.language, limit=limit)))
    await make_room(run)
    reply = await call_model(
        run, Request(shown(run), run.toolbox.specs(), "none"), final=True, public=run.first is None
    )
    # A server may call tools although it was told not to: what it wrote beside the call is the answer.
    run.draft = reply.message.text if reply.message.text.strip() else _list_results(run)
    run.refused = reply.refused or reply.finish == "filter"
    if reply.finish == "length":
        run.note("truncated", _("The answer was cut off at the token limit."))
    run.messages.append(as_history(Message.assistant(run.draft)))


async def _fill(run: Run) -> None:
    shape, draft = run.shape, run.draft
    if shape is None or draft is None:
        return
    try:
        run.output = shape.read(draft)
    except OutputInvalid as error:
        turns = (*shown(run), Message.assistant(draft))
        if shape.holds_json(draft):
            note = render("output_invalid", run.brief.language, faults=error.why or error.what)
            run.output = shape.read(await _ask_json(run, (*turns, Message.user(note))))
        else:
            run.output = await _as_json(run, turns)
    for rule in run.checks:
        if isinstance(rule, UntilDry):
            await look_again(rule, run)


async def _as_json(run: Run, turns: tuple[Message, ...]) -> Any:
    """Return what the answer in words says, as a value; what does not fit is asked for once more."""
    shape = run.shape
    assert shape is not None
    note = render("output", run.brief.language, schema=json.dumps(shape.schema, ensure_ascii=False))
    turns = (*turns, Message.user(note))
    text = await _ask_json(run, turns)
    try:
        return shape.read(text)
    except OutputInvalid as error:
        note = render("output_invalid", run.brief.language, faults=error.why or error.what)
        return shape.read(await _ask_json(run, (*turns, Message.assistant(text), Message.user(note))))


async def _ask_json(run: Run, turns: tuple[Message, ...]) -> str:
    schema = run.shape.schema if run.shape else None
    reply = await call_model(run, Request(turns, output_schema=schema), final=True, public=False)
    return reply.message.text


def _list_results(run: Run) -> str:
    """Return what the steps brought, without a model: the answer of a run that may not spend any more."""
    done = [e for e in run.steps.values() if e.status == "done"]
    if not done:
        return _("There is no answer: the budget ended before anything was found.")
    lines = [_("There is no written answer. What was found:")]
    for each in done:
        value = each.value if isinstance(each.value, str) else json.dumps(each.value, ensure_ascii=False)
        lines.append(f"- {each.step} {each.do}: {value[:500]}")
    return "\n".join(lines)
