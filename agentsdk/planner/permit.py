"""Has a whole plan shown to a person before anything of it runs, where that was asked for."""

from __future__ import annotations

from dataclasses import replace

from agentsdk.approval import Edit, PlanFirst
from agentsdk.events import ApprovalNeeded, PlanReady
from agentsdk.i18n import _
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan, Step
from agentsdk.planner.arguments import as_asked
from agentsdk.planner.run import Batch, Run
from agentsdk.waiting import MAKE_PLAN, PLAN, fingerprint


def shows_plans(run: Run) -> bool:
    """Return whether a person sees each plan of the model whole before anything of it runs; not those of subagents."""
    return isinstance(run.policy, PlanFirst) and run.given is None and not run.around


def permit_plan(batch: Batch, run: Run) -> bool:
    """Return whether a batch may be run: it is no plan, or was approved; else it waits for a decision.

    A refused plan is the model's again, with the reason; an edited one takes the place of the model's.
    """
    if batch.plan_call is None or batch.fault or batch.permitted or not shows_plans(run):
        return True
    here = {*batch.plan_steps}
    steps = [s for s in batch.steps if s.id in here]
    call = ToolCall(PLAN, MAKE_PLAN, {"steps": [s.to_dict() for s in steps]})
    hash_ = fingerprint(call.arguments)
    verdict = run.verdicts.get((PLAN, hash_), run.journal.decision(PLAN, hash_))
    if verdict is None:
        run.waiting[PLAN] = call
        run.emit(ApprovalNeeded(PLAN, call))
        return False
    if isinstance(verdict, Edit) and isinstance(verdict.to, Plan):
        _put_in(verdict.to, batch, run)
    elif verdict is not True:
        said = verdict if isinstance(verdict, str) and verdict else _("A person said no.")
        batch.fault, batch.findings, batch.steps, batch.plan_steps = "refused", f"- {said}", [], ()
        run.lint_refused += 1
        if run.plan is not None:
            left = tuple(s for s in run.plan if s.id not in here)
            run.plan = replace(run.plan, steps=left) if left else None
        return True
    batch.permitted = True
    for step in batch.steps:
        _approve_with_it(step, run)
    return True


def _put_in(plan: Plan, batch: Batch, run: Run) -> None:
    here = {*batch.plan_steps}
    batch.steps = [*plan.steps, *(s for s in batch.steps if s.id not in here)]
    batch.plan_steps = tuple(s.id for s in plan)
    if run.plan is not None:
        run.plan = replace(run.plan, steps=(*(s for s in run.plan if s.id not in here), *plan.steps))
        run.emit(PlanReady(run.plan))


def _approve_with_it(step: Step, run: Run) -> None:
    """Approve a call with its plan, where the person has seen all of its arguments there."""
    if step.do in run.toolbox and not step.refs and step.over is None:
        inputs = as_asked(step.inputs, run.toolbox.get(step.do).parameters)
        run.verdicts.setdefault((step.id, fingerprint(inputs)), True)
