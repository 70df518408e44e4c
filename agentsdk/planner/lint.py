"""Refuses a plan that cannot work, and says why, before anything of it runs."""

from __future__ import annotations

from collections.abc import Collection

from agentsdk.errors import ToolError
from agentsdk.i18n import _
from agentsdk.plan import ASK, STEP_KINDS, THINK, Plan, Step
from agentsdk.toolbox import Toolbox

MOST_STEPS = 40


def lint(plan: Plan, toolbox: Toolbox, known: Collection[str] = ()) -> list[str]:
    """Return one sentence a fault, each naming the step and the mend; none where the plan can run.

    Args:
        known: ids of steps that are done already; a plan may use their results, and not their ids.

    """
    if not plan.steps:
        return [_("The plan has no steps.")]
    faults = []
    if len(plan) > MOST_STEPS:
        faults.append(
            _("The plan has {count} steps; at most {most} are allowed.").format(
                count=len(plan), most=MOST_STEPS
            )
        )
    ids = [s.id for s in plan]
    before = set(known)
    for step in plan:
        if step.id in before:
            faults.append(_("Step {id}: the id is taken; give it another.").format(id=step.id))
        for need in step.needs:
            if need in before:
                continue
            if need in ids:
                fault = _("Step {id} needs {need}, which comes later; put {need} first.")
            else:
                fault = _("Step {id} needs {need}, and there is no such step.")
            faults.append(fault.format(id=step.id, need=need))
        before.add(step.id)
        faults += _check_inputs(step, toolbox)
    return faults


def _check_inputs(step: Step, toolbox: Toolbox) -> list[str]:
    if step.do in (THINK, ASK):
        needed = "goal" if step.do == THINK else "question"
        if step.inputs.get(needed):
            return []
        return [_('Step {id}: {do} needs "{needed}".').format(id=step.id, do=step.do, needed=needed)]
    if step.do not in toolbox:
        names = ", ".join((*toolbox.names, *STEP_KINDS))
        return [
            _("Step {id}: there is no tool {do}. Use one of: {names}.").format(
                id=step.id, do=step.do, names=names
            )
        ]
    tool = toolbox.get(step.do)
    if not step.refs:
        try:
            tool.validate(step.inputs)
        except ToolError as error:
            return [_("Step {id}: {fault}").format(id=step.id, fault=error.what)]
        return []
    # Values that are not there yet are checked when the step runs; names can be checked now.
    properties = tool.parameters.get("properties", {})
    faults = [
        _("Step {id}: {do} has no argument {name}.").format(id=step.id, do=step.do, name=name)
        for name in step.inputs
        if properties and name not in properties
    ]
    faults += [
        _("Step {id}: {do} needs the argument {name}.").format(id=step.id, do=step.do, name=name)
        for name in tool.parameters.get("required", ())
        if name not in step.inputs
    ]
    return faults
