"""Refuses a plan that cannot work, and says why, before anything of it runs."""

from __future__ import annotations

from collections.abc import Collection

from agentsdk.errors import ToolError
from agentsdk.i18n import _
from agentsdk.plan import ASK, EXTRACT, MAP, REDUCE, STEP_KINDS, THINK, Plan, Step
from agentsdk.planner.ledger import Ledger
from agentsdk.toolbox import Toolbox

MOST_STEPS = 40

_NEEDED = {THINK: "goal", EXTRACT: "goal", REDUCE: "goal", ASK: "question"}


def lint(plan: Plan, toolbox: Toolbox, known: Collection[str] = (), ledger: Ledger | None = None) -> list[str]:
    """Return one sentence a fault, each naming the step and the mend; none where the plan can run.

    Args:
        known: ids of steps that are done already; a plan may use their results, and not their ids.
        ledger: what the run may still use; None: no limit.

    """
    linter = Linter(toolbox, known, ledger, later=[s.id for s in plan])
    faults = [fault for step in plan for fault in linter.take(step)]
    return faults + linter.end()


class Linter:
    """Takes a plan's steps one by one, as they stream in: `take` each, and `end` when the plan is whole.

    Args:
        known: ids of steps that are done already.
        ledger: what the run may still use; None: no limit.
        later: ids of all steps, where they are known: only for a better sentence.

    """

    def __init__(
        self,
        toolbox: Toolbox,
        known: Collection[str] = (),
        ledger: Ledger | None = None,
        *,
        later: Collection[str] = (),
    ) -> None:
        self._toolbox = toolbox
        self._ledger = ledger
        self._later = later
        self._before = set(known)
        self._count = 0

    def take(self, step: Step) -> list[str]:
        """Return the faults of the next step; where there are none it may be started."""
        self._count += 1
        faults = []
        if step.id in self._before:
            faults.append(_("Step {id}: the id is taken; give it another.").format(id=step.id))
        for need in step.needs:
            if need in self._before:
                continue
            if need in self._later:
                fault = _("Step {id} needs {need}, which comes later; put {need} first.")
            else:
                fault = _("Step {id} needs {need}, and there is no such step.")
            faults.append(fault.format(id=step.id, need=need))
        self._before.add(step.id)
        return faults + _check_inputs(step, self._toolbox)

    def end(self) -> list[str]:
        """Return the faults of the plan as a whole."""
        if not self._count:
            return [_("The plan has no steps.")]
        if self._count > MOST_STEPS:
            fault = _("The plan has {count} steps; at most {most} are allowed.")
            return [fault.format(count=self._count, most=MOST_STEPS)]
        return []


def _check_inputs(step: Step, toolbox: Toolbox) -> list[str]:
    if step.do in _NEEDED and step.do not in toolbox:
        needed = _NEEDED[step.do]
        if step.inputs.get(needed):
            return []
        return [_('Step {id}: {do} needs "{needed}".').format(id=step.id, do=step.do, needed=needed)]
    if step.do == MAP and MAP not in toolbox:
        return [] if step.over is not None else [_('Step {id}: {do} needs "over".').format(id=step.id, do=MAP)]
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
