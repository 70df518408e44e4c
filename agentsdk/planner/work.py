"""The work of a run: the first call, which answers, calls tools or plans, and the loop from there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from agentsdk.errors import PlanError
from agentsdk.events import BudgetReached, PlanReady, PlanRejected
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import Reply, Request
from agentsdk.plan import Plan, Step
from agentsdk.planner.call import PLAN_STEPS, as_history, call_model
from agentsdk.planner.choose import offer, take_choice
from agentsdk.planner.early import Early, RunLinter, early_part, forget_other
from agentsdk.planner.intake import open_conversation
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.lint import lint
from agentsdk.planner.make_plan import make_plan_spec
from agentsdk.planner.memory import make_room
from agentsdk.planner.permit import permit_plan, shows_plans
from agentsdk.planner.run import Batch, Run, faults_of
from agentsdk.planner.scan import Scanner
from agentsdk.planner.schedule import Schedule
from agentsdk.planner.shown import shown
from agentsdk.planner.tell import tell, tell_steps
from agentsdk.prompts import render
from agentsdk.waiting import MAKE_PLAN

Next = Literal["approve", "compose"]

_REFUSED_LOOPS = 3
_BROKEN_TURNS = 2
_BAD_PLANS = 2


async def work(run: Run) -> Next:
    """Work until there is a draft, or until what is next is not work; return what is next.

    Called again after an approval, it goes on where it stopped.

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
    if run.batch is None:  # the budget ended while a plan was being written
        _leave_out(run, [id_ for id_, e in run.steps.items() if e.status == "pending"])
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
        await make_room(run)
        batch = _take(await call_model(run, next_request(run), final=True), run)
        if run.question_back is not None:
            return None
        if batch is not None and batch.fault:
            run.batch = batch
            close_batch(run)
        elif batch is not None:
            return run.plan or Plan(tuple(batch.steps), run.brief.question)
    return None


def next_request(run: Run) -> Request:
    """Return the request that lets the model answer, call tools, or plan."""
    tools, choice = run.toolbox.specs(), "auto"
    if (chooser := offer(run)) is not None:
        # A plan is for when its tools are known.
        return Request(shown(run), (*tools, chooser), chooser.name if run.brief.plan == "always" else choice)
    if run.brief.plan != "never" and run.brief.has_tools and run.lint_refused < _BAD_PLANS:
        tools += (make_plan_spec(run),)
        if run.brief.plan == "always" and run.plan is None:
            choice = MAKE_PLAN
    return Request(shown(run), tools, choice)


def close_batch(run: Run) -> None:
    """Put the batch's results into the conversation."""
    batch, run.batch = run.batch, None
    if batch is None:
        return
    _leave_out(run, [s.id for s in batch.steps if s.id not in run.steps or run.steps[s.id].status == "pending"])
    if batch.fault:
        _close_faulty(batch, run)
        return
    run.messages.append(as_history(batch.message))
    if batch.plan_call:
        planned = [run.steps[id_] for id_ in batch.plan_steps]
        run.messages.append(Message.tool(batch.plan_call, tell_steps(planned, run)))
        run.asked[batch.plan_call.id] = batch.plan_steps
    run.messages += [Message.tool(call, tell(run.steps[id_], run)) for id_, call in batch.calls.items()]
    run.asked |= {call.id: (id_,) for id_, call in batch.calls.items()}
    if batch.message.broken_calls:
        run.messages.append(Message.user(_broken_note(batch.message, run)))


def _close_faulty(batch: Batch, run: Run) -> None:
    """Tell the model what is wrong with its plan, and what was done of it while it was written."""
    run.kept |= {step.id: step for step in batch.steps}
    run.messages.append(as_history(batch.message))
    name = {"refused": "lint", "cut": "broken_call"}[batch.fault]
    values = {"findings" if batch.fault == "refused" else "faults": batch.findings}
    if batch.steps:
        name = {"refused": "lint_begun", "cut": "plan_cut"}[batch.fault]
        values["results"] = tell_steps([run.steps[s.id] for s in batch.steps], run)
    told = render(name, run.brief.language, **values)
    if not batch.message.calls:
        run.messages.append(Message.user(told))
        return
    run.messages += [Message.tool(c, told) for c in batch.message.calls]
    run.asked |= {c.id: tuple(s.id for s in batch.steps) for c in batch.message.calls}


def _leave_out(run: Run, ids: Sequence[str]) -> None:
    """Settle steps that will not be done any more."""
    steps = {s.id: s for s in run.batch.steps} if run.batch else {}
    for id_ in ids:
        known = run.steps.get(id_)
        do, inputs = (known.do, known.inputs) if known else (steps[id_].do if id_ in steps else "", {})
        run.steps[id_] = Evidence(id_, do, inputs, "skipped", error=_("It was not reached."))


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
        async with Schedule(run) as scheduled:
            if run.batch is None:
                await make_room(run)
                run.batch = await _turn(run, scheduled)
            if run.batch is not None and permit_plan(run.batch, run):
                scheduled.whole(run.batch)
        asked = run.question_back is not None and not run.waiting
        if asked or run.draft is not None or run.broken >= _BROKEN_TURNS:
            return "compose"
        if run.batch is None:
            continue
        if run.waiting:
            return "approve"
        planned = run.batch.plan_call is not None and not run.batch.fault
        close_batch(run)
        if planned:
            return "compose"
        if run.refused_loops >= _REFUSED_LOOPS:
            run.note("tool", _("The model kept calling a tool in the same way; it was told to answer."))
            return "compose"


async def _turn(run: Run, scheduled: Schedule) -> Batch | None:
    """Ask the model what is next, and start the steps of its plan while it writes them; return what it asks for."""
    request = next_request(run)
    plans = any(t.name == MAKE_PLAN for t in request.tools) and not shows_plans(run)
    reply = await call_model(run, request, early=Early(run, scheduled) if plans else None)
    batch = _take(reply, run, scheduled)
    if batch is None:
        scheduled.drop()
    return batch


def _take(reply: Reply, run: Run, scheduled: Schedule | None = None) -> Batch | None:
    """Return the steps that a reply asks for; None where it is an answer, or has to be said again."""
    message = reply.message
    count = int(reply.details.get(PLAN_STEPS) or 0)
    if message.broken_calls and not message.calls:
        run.broken += 1
        begun = _of_broken(message, count, run)
        if begun:
            run.lint_refused += 1
            ids = tuple(s.id for s in begun)
            return Batch(message, begun, plan_steps=ids, fault="cut", findings=faults_of(message.broken_calls))
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
    batch = Batch(message, [], plan_call, repairs=plan_call is not None)
    if plan_call is not None:
        wires = _wires(plan_call)
        begun = early_part(wires, count, run)
        plan, faults = _read_plan(plan_call, [wire["id"] for wire in wires[:count]], run)
        if plan is None:
            run.lint_refused += 1
            run.emit(PlanRejected(tuple(faults)))
            findings = "\n".join(f"- {f}" for f in faults)
            ids = tuple(s.id for s in begun)
            return Batch(message, begun, plan_call, ids, fault="refused", findings=findings)
        for step in plan:
            if scheduled is None or not scheduled.has(step.id):
                forget_other(step, run)
        run.kept.clear()
        _adopt(plan, batch, run)
    for call in direct:
        step = Step(_free_id(run, batch), call.name, dict(call.arguments))
        batch.steps.append(step)
        batch.calls[step.id] = call
    return batch


def _of_broken(message: Message, count: int, run: Run) -> list[Step]:
    """Return the steps of a plan that was cut which were run while it was written."""
    broken = next((c for c in message.broken_calls if c.name == MAKE_PLAN), None)
    return early_part(Scanner().feed(broken.raw), count, run) if broken is not None and count else []


def _wires(call: ToolCall) -> list[Any]:
    steps = call.arguments.get("steps")
    return steps if isinstance(steps, list) else []


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


def _read_plan(call: ToolCall, begun: Sequence[str], run: Run) -> tuple[Plan | None, Sequence[str]]:
    try:
        plan = replace(Plan.from_dict(call.arguments), question=run.brief.question)
    except PlanError as error:
        return None, [error.what]
    linter = RunLinter(run, begun, [s.id for s in plan])
    faults = [fault for step in plan for fault in linter.take(step)] + linter.end()
    return (None, faults) if faults else (plan, [])


def _free_id(run: Run, batch: Batch) -> str:
    taken = {*run.steps, *(s.id for s in batch.steps)}
    at = 1
    while f"c{at}" in taken:
        at += 1
    return f"c{at}"
