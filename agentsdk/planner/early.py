"""Starts the steps of a plan while the model still writes the rest of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.events import PlanStepSeen
from agentsdk.i18n import _
from agentsdk.models.model import CallDelta
from agentsdk.plan import Step
from agentsdk.planner.journal import Key
from agentsdk.planner.lint import Linter
from agentsdk.planner.run import Run
from agentsdk.planner.scan import Scanner
from agentsdk.planner.schedule import Schedule, changes_something
from agentsdk.waiting import MAKE_PLAN


class Early:
    """Reads the plan of one model call as it streams in, and hands each good step to the schedule.

    The first step that is no step, or that the linter refuses, ends it: what follows waits until the plan is whole and
    can be told to the model with all its faults. Steps that change something wait for that in any case.
    """

    def __init__(self, run: Run, schedule: Schedule) -> None:
        self.count = 0
        """How many steps were good so far."""
        self._run = run
        self._schedule = schedule
        self._scanner = Scanner()
        self._linter = RunLinter(run)
        self._index: int | None = None
        self._over = False

    async def take(self, delta: CallDelta, key: Key) -> None:
        """Take a piece of a call in; `key` is the journal's for the model call."""
        if self._index is None and delta.name == MAKE_PLAN:
            self._index = delta.index
        if self._over or delta.index != self._index:
            return
        for wire in self._scanner.feed(delta.arguments):
            step = self._read(wire)
            if step is None:
                self._over = True
                return
            await self._run.journal.planned(key, step)
            self._run.emit(PlanStepSeen(step))
            self.count += 1
            forget_other(step, self._run)
            self._schedule.take(step)

    def _read(self, wire: dict[str, Any]) -> Step | None:
        try:
            step = Step.from_dict(wire)
        except PlanError:
            return None
        return None if self._linter.take(step) else step


class RunLinter:
    """The linter of the next plan of a run: it may use what is done, and repeat what a plan before it left behind.

    Args:
        begun: ids of the steps of this plan that were begun while it was written.
        later: ids of all its steps, where they are known.

    """

    def __init__(self, run: Run, begun: Collection[str] = (), later: Collection[str] = ()) -> None:
        done = [id_ for id_, e in run.steps.items() if e.status == "done" and id_ not in begun]
        self._linter = Linter(run.toolbox, done, run.ledger, later=later)
        self._free = {*begun, *run.kept}
        self._taken = {id_ for id_ in run.steps if id_ not in self._free and id_ not in done}

    def take(self, step: Step) -> list[str]:
        """Return the faults of the next step."""
        if step.id in self._free:
            self._linter.free(step.id)
            self._free.discard(step.id)
        faults = self._linter.take(step)
        if step.id in self._taken:
            faults.append(_("Step {id}: the id is taken; give it another.").format(id=step.id))
        return faults

    def end(self) -> list[str]:
        """Return the faults of the plan as a whole."""
        return self._linter.end()


def forget_other(step: Step, run: Run) -> None:
    """Leave the result that a refused or cut plan left behind only to the same step."""
    known = run.kept.get(step.id)
    if known is not None and (known != step or run.steps[step.id].status != "done"):
        run.steps.pop(step.id, None)


def early_part(wires: list[Any], count: int, run: Run) -> list[Step]:
    """Return those of the first `count` steps that were run before their plan was whole.

    All of them were good; but steps that change something, and those that need one of these, had to wait.
    """
    steps: list[Step] = []
    ready = {id_ for id_, e in run.steps.items() if e.status == "done"}
    for wire in wires[:count]:
        step = Step.from_dict(wire)
        if not changes_something(step, run.toolbox) and ready.issuperset(step.needs):
            steps.append(step)
            ready.add(step.id)
        else:
            ready.discard(step.id)
    return steps
