"""The work of a run: the first call, which answers, calls tools or plans, and the loop from there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from agentsdk.errors import PlanError
from agentsdk.events import BudgetReached, PlanReady, PlanRejected
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import Reply, Request, ToolSpec
from agentsdk.plan import STEP_KINDS, Plan, Step
from agentsdk.planner.call import as_history, call_model
from agentsdk.planner.choose import offer, take_choice
from agentsdk.planner.intake import open_conversation
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.lint import lint
from agentsdk.planner.memory import condense
from agentsdk.planner.run import Batch, Run, faults_of
from agentsdk.planner.schedule import schedule
from agentsdk.planner.shown import shown
from agentsdk.planner.tell import tell, tell_steps
from agentsdk.prompts import render

MAKE_PLAN = "make_plan"

Next = Literal["approve", "repair", "compose"]

_REFUSED_LOOPS = 3
_BROKEN_TURNS = 2
_BAD_PLANS = 2


async def work(run: Run) -> Next:
    """Work until there is a draft, or until what is next is not work; return what is next.

    Called again after an approval or a repair, it goes on where it stopped.

    Raises:
        ModelError: the model could not be used.
        PlanError: the plan that the caller gave cannot run.

    """
    try:
        async with asyncio.timeout(run.ledger.seconds_left(final=False)) as limit:
            return await _work(run)
    except TimeoutError:
        if not limit.expired():
            raise
        reached = "seconds"
    except LimitReached as error:
        reached = error.limit
    run.limit = reached
    run.emit(BudgetReached(reached))
    return "compose"


async def propose(run: Run) -> Plan | None:
    """Return the plan that the model would run, without running anything; None where it answers at once.

    Calls of tools without a plan are shown as a plan of independent steps.

    Raises:
        PlanError: the model made no plan that can run.
        ModelError: the model could not be used.

    """
    run.messages = open_conversation(run.brief)
    if run.brief.chosen is not None and run.brief.chosen.missing:
        return None
    while run.draft is None:
        if run.broken >= _BROKEN_TURNS:
            raise PlanError(_("The model's calls came broken."), fix=_("Try again, or another model."))
        await condense(run)
        batch = _take(await call_model(run, next_request(run), final=True), run)
        if run.question_back is not None:
            return None
        if batch is not None:
            return run.plan or Plan(tuple(batch.steps), run.brief.question)
    return None


def next_request(run: Run) -> Request:
    """Return the request that lets the model answer, call tools, or plan."""
    tools, choice = run.toolbox.specs(), "auto"
    if (chooser := offer(run)) is not None:
        # A plan is for when its tools are known.
        return Request(shown(run), (*tools, chooser), chooser.name if run.brief.plan == "always" else choice)
    if run.brief.plan != "never" and run.brief.has_tools and run.lint_refused < _BAD_PLANS:
        tools += (_make_plan_spec(run),)
        if run.brief.plan == "always" and run.plan is None:
            choice = MAKE_PLAN
    return Request(shown(run), tools, choice)


def close_batch(run: Run) -> list[Evidence]:
    """Put the batch's results into the conversation; return those of its steps that did not succeed."""
    batch, run.batch = run.batch, None
    if batch is None:
        return []
    for step in batch.steps:
        if run.steps.get(step.id) is None or run.steps[step.id].status == "pending":
            fault = _("It was not reached.")
            known = run.steps.get(step.id)
            run.steps[step.id] = Evidence(
                step.id, step.do, known.inputs if known else {}, "skipped", error=fault
            )
    run.messages.append(as_history(batch.message))
    if batch.plan_call:
        planned = [run.steps[id_] for id_ in batch.plan_steps]
        run.messages.append(Message.tool(batch.plan_call, tell_steps(planned, run)))
        run.asked[batch.plan_call.id] = batch.plan_steps
    run.messages += [Message.tool(call, tell(run.steps[id_], run)) for id_, call in batch.calls.items()]
    run.asked |= {call.id: (id_,) for id_, call in batch.calls.items()}
    if batch.message.broken_calls:
        run.messages.append(Message.user(_broken_note(batch.message, run)))
    return [run.steps[s.id] for s in batch.steps if not run.steps[s.id].well]


def _broken_note(message: Message, run: Run) -> str:
    return render("broken_call", run.brief.language, faults=faults_of(message.broken_calls))


async def _work(run: Run) -> Next:
    if not run.messages:
        run.messages = open_conversation(run.brief)
        if run.given is not None:
            run.batch = _given(run.given, run)
        elif run.question_back is not None:  # what the intent needs is not there: no model is asked
            return "compose"
    while True:
        if run.batch is None:
            await condense(run)
            run.batch = _take(await call_model(run, next_request(run)), run)
            if run.question_back is not None or run.draft is not None or run.broken >= _BROKEN_TURNS:
                return "compose"
            if run.batch is None:
                continue
        await schedule(run.batch.steps, run)
        if run.waiting:
            return "approve"
        if run.question_back is not None:
            return "compose"
        planned = run.batch.plan_call is not None
        failed = close_batch(run)
        if planned:
            return "repair" if failed and run.repairs == 0 and run.given is None else "compose"
        if run.refused_loops >= _REFUSED_LOOPS:
            run.note("tool", _("The model kept calling a tool in the same way; it was told to answer."))
            return "compose"


def _take(reply: Reply, run: Run) -> Batch | None:
    """Return the steps that a reply asks for; None where it is an answer, or has to be said again."""
    message = reply.message
    if message.broken_calls and not message.calls:
        run.broken += 1
        run.messages += [as_history(message), Message.user(_broken_note(message, run))]
        return None
    if take_choice(message, run):
        return None
    if not message.calls:
        run.draft, run.refused = message.text, reply.refused or reply.finish == "filter"
        if reply.finish == "length":
            run.note("truncated", _("The answer was cut off at the token limit."))
        return None
    offered = run.brief.plan != "never" and run.lint_refused < _BAD_PLANS
    plan_call = next((c for c in message.calls if c.name == MAKE_PLAN and offered), None)
    direct = [c for c in message.calls if c is not plan_call]
    batch = Batch(message, [], plan_call)
    if plan_call is not None:
        plan, faults = _read_plan(plan_call, run)
        if plan is None:
            run.lint_refused += 1
            run.emit(PlanRejected(tuple(faults)))
            told = render("lint", run.brief.language, findings="\n".join(f"- {f}" for f in faults))
            run.messages.append(as_history(message))
            run.messages += [Message.tool(c, told) for c in message.calls]
            return None
        _adopt(plan, batch, run)
    for call in direct:
        step = Step(_free_id(run, batch), call.name, dict(call.arguments))
        batch.steps.append(step)
        batch.calls[step.id] = call
    return batch


def _given(plan: Plan, run: Run) -> Batch:
    faults = lint(plan, run.toolbox, ledger=run.ledger)
    if faults:
        raise PlanError(_("The plan cannot run."), why="\n".join(faults), findings=faults)
    call = ToolCall("call_plan", MAKE_PLAN, {"steps": [s.to_dict() for s in plan]})
    batch = Batch(Message.assistant(calls=[call]), [], call)
    _adopt(plan, batch, run)
    return batch


def _adopt(plan: Plan, batch: Batch, run: Run) -> None:
    batch.steps += plan.steps
    batch.plan_steps = tuple(s.id for s in plan)
    run.plan = plan if run.plan is None else replace(run.plan, steps=run.plan.steps + plan.steps)
    run.emit(PlanReady(run.plan))


def _read_plan(call: ToolCall, run: Run) -> tuple[Plan | None, Sequence[str]]:
    try:
        plan = replace(Plan.from_dict(call.arguments), question=run.brief.question)
    except PlanError as error:
        return None, [error.what]
    done = [id_ for id_, evidence in run.steps.items() if evidence.status == "done"]
    taken = [s for s in plan if s.id in run.steps and s.id not in done]
    faults = [_("Step {id}: the id is taken; give it another.").format(id=s.id) for s in taken]
    faults += lint(plan, run.toolbox, done, run.ledger)
    return (None, faults) if faults else (plan, [])


def _free_id(run: Run, batch: Batch) -> str:
    taken = {*run.steps, *(s.id for s in batch.steps)}
    at = 1
    while f"c{at}" in taken:
        at += 1
    return f"c{at}"


def _make_plan_spec(run: Run) -> ToolSpec:
    step = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "do": {"type": "string", "enum": list(dict.fromkeys((*run.toolbox.names, *STEP_KINDS)))},
            "in": {"type": "object"},
            "over": {},
            "max": {"type": "integer"},
            "as": {},
            "when": {"type": "object"},
            "after": {"type": "array", "items": {"type": "string"}},
            "alt": {},
        },
        "required": ["id", "do", "in"],
    }
    parameters = {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": step}},
        "required": ["steps"],
    }
    return ToolSpec(MAKE_PLAN, render("make_plan", run.brief.language), parameters)
