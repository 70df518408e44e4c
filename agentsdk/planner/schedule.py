"""Runs steps as soon as what they need is there, side by side, in one asyncio TaskGroup.

Not as graph nodes: langgraph's supersteps are a barrier, and a step would wait for the slowest of its wave
(1.33 times the critical path on 20 random graphs, against 1.03 here). Nothing polls: each end of a step starts those
that waited for it alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from agentsdk.errors import AgentError
from agentsdk.events import PatchApplied, StepRetried, StepStarted, ended
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.plan import ASK, Step
from agentsdk.planner.act import act
from agentsdk.planner.broken import Broken, followers_of, gather, may_be_repaired
from agentsdk.planner.conditions import passed_over
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.lint import has_effect
from agentsdk.planner.repair import Patch, repair
from agentsdk.planner.resolve import resolve_inputs
from agentsdk.planner.run import Batch, Run
from agentsdk.toolbox import Toolbox

AT_ONCE = 32
"""Steps of one run that may be running at the same time."""


class Schedule:
    """Steps on their way. `take` gives one while its plan is still being written, `whole` all of them.

        async with Schedule(run) as schedule:
            schedule.take(step)
            schedule.whole(batch)

    What each step brought stands in `run.steps` when the block ends. A failing step spares its siblings; those that
    need it are skipped, unless a repair brings something in its place. A step that waits for an approval or an answer
    stays pending, and so do those that need it: they go on in the next Schedule of the same batch. Steps that change
    something outside are held back until their plan is whole. Leaving the block by an error cancels what runs.

    Raises:
        LimitReached: the budget ended; what had been started was brought to its end.
        ModelError: a step's own model call failed, after the others were brought to their end.

    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._group = asyncio.TaskGroup()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._batch: Batch | None = None
        """The steps, when they are known to be all."""
        self._steps: dict[str, Step] = {}
        self._missing: dict[str, set[str]] = {}
        """By step: what it needs and what has not ended."""
        self._followers: dict[str, list[str]] = {}
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        """Steps that failed and may yet be repaired."""
        self._repairing: set[str] = set()
        self._held: list[str] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._raised: dict[str, Exception] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            await self._group.__aexit__(kind, error, where)
        except BaseExceptionGroup as errors:
            # Steps keep what they raise to themselves; what is left came out of the block, or is a fault of this
            # package, and is shown as itself.
            raise errors.exceptions[0] from None
        self._in_order()
        for id_ in self._steps:
            if id_ in self._raised:
                raise self._raised[id_]

    def has(self, id: str) -> bool:
        """Return whether a step was taken already."""
        return id in self._steps

    def take(self, step: Step) -> None:
        """Take a step; what it needs has been taken before, or is done."""
        self._steps[step.id] = step
        evidence = self._run.steps.setdefault(step.id, Evidence(step.id, step.do, status="pending"))
        if evidence.status != "pending":
            self._end(step.id)
            return
        missing = {need for need in step.needs if need in self._steps and need not in self._ended}
        self._missing[step.id] = missing
        for need in missing:
            self._followers.setdefault(need, []).append(step.id)
        if not missing:
            self._begin(deque([step.id]))

    def whole(self, batch: Batch) -> None:
        """Take the rest of the steps, and let those go that were held back.

        A step that was taken while it was written, and is not the same now, is begun anew.
        """
        other = {id_ for id_, step in self._steps.items() if step not in batch.steps}
        for id_ in (*other, *followers_of(other, self._steps)):
            self._forget(id_)
        self._batch = batch
        for step in batch.steps:
            if step.id not in self._steps:
                self.take(step)
        held, self._held = self._held, []
        for id_ in held:
            self._start(id_)
        self._look_at_failures()

    def drop(self) -> None:
        """Give up all that was taken: it turned out to be no plan."""
        for id_ in list(self._steps):
            self._forget(id_)

    def _forget(self, id: str) -> None:
        if (task := self._running.pop(id, None)) is not None:
            task.cancel()
        self._run.steps.pop(id, None)
        self._remove(id)
        if id in self._held:
            self._held.remove(id)

    def _remove(self, id: str) -> None:
        self._steps.pop(id, None)
        self._missing.pop(id, None)
        self._ended.discard(id)
        self._failed.discard(id)
        for waiting in self._followers.values():
            if id in waiting:
                waiting.remove(id)

    def _begin(self, ready: deque[str]) -> None:
        """Start the steps of which nothing is missing any more, or end them without: one may free the next."""
        while ready:
            step = self._steps[ready.popleft()]
            needs = [self._run.steps[n] for n in step.needs]
            if any(e.status == "pending" for e in needs):  # of a batch before: it waits for a person
                continue
            if (over := passed_over(step, self._run.steps)) is None:
                self._start(step.id)
                continue
            self._run.steps[step.id] = over
            self._run.emit(ended(over))
            ready += self._settle(step.id)

    def _start(self, id: str) -> None:
        step = self._steps[id]
        if self._batch is None and changes_something(step, self._run.toolbox):
            self._held.append(id)
            return
        self._running[id] = self._group.create_task(self._perform(step))

    async def _perform(self, step: Step) -> None:
        run = self._run
        async with self._room:
            try:
                evidence = self._shared(step) or await self._do(step)
            except (LimitReached, AgentError) as error:
                self._raised[step.id] = error
                brought = error.brought if isinstance(error, LimitReached) else None
                evidence = brought or Evidence(step.id, step.do, status="failed", error=str(error))
                run.emit(ended(evidence))
        if self._running.pop(step.id, None) is None:  # it was forgotten meanwhile
            return
        run.steps[step.id] = evidence
        if evidence.status != "pending":
            self._end(step.id)
        self._look_at_failures()

    async def _do(self, step: Step) -> Evidence:
        instead = step.instead()
        if instead is None:
            return await act(step, self._run)
        evidence = await act(step, self._run, last=False)
        if evidence.status != "failed":
            return evidence
        self._run.emit(StepRetried(step.id, 1, evidence.error or "", instead.do))
        return await act(instead, self._run)

    def _shared(self, step: Step) -> Evidence | None:
        """Return the result of a pure tool for a step that a repair brought, where the plan has it already."""
        run = self._run
        if step.id not in run.patched or step.do not in run.toolbox or not run.toolbox.get(step.do).pure:
            return None
        known = [e for e in run.steps.values() if e.status == "done" and e.do == step.do]
        if not known:
            return None
        try:
            inputs = resolve_inputs(step, run.steps)
        except AgentError:
            return None  # act says what is wrong
        for each in known:
            if each.inputs == inputs:
                found = replace(each, step=step.id, seconds=0.0)
                run.emit(StepStarted(step.id, step.do, inputs))
                run.emit(ended(found))
                return found
        return None

    def _end(self, id: str) -> None:
        """Take in that a step has ended, one way or the other."""
        if (
            self._run.steps[id].status == "failed"
            and id not in self._raised
            and id not in self._run.repaired | self._run.patched
        ):
            self._failed.add(id)  # what needs it waits until it is known whether it is repaired
        else:
            self._begin(self._settle(id))

    def _settle(self, id: str) -> deque[str]:
        """Take in that nothing more comes of a step; return the steps of which nothing is missing any more."""
        self._ended.add(id)
        ready = deque[str]()
        for follower in self._followers.pop(id, []):
            self._missing[follower].discard(id)
            if not self._missing[follower] and follower not in self._ended:
                ready.append(follower)
        return ready

    def _look_at_failures(self) -> None:
        """Have repaired what can be, and let the others go."""
        batch = self._batch
        if batch is None:
            return
        for step in batch.steps:
            if step.id not in self._failed or step.id in self._repairing:  # it may have gone with one before it
                continue
            if not batch.repairs or step.id not in batch.plan_steps:
                self._give_up(step.id)
                continue
            steps = {s.id: s for s in batch.steps}
            broken = gather(step.id, steps, self._failed, self._ended)
            if broken is None:
                continue
            decided = self._decide(broken, list(steps))
            if decided == "yes":
                self._repairing |= {*broken.failed}
                self._group.create_task(self._repair(broken, batch))
            elif decided == "no":
                self._give_up(step.id)

    def _decide(self, broken: Broken, steps: Sequence[str]) -> str:
        run = self._run
        own = [id_ for id_ in steps if id_ not in run.patched or id_ in run.repaired]
        return may_be_repaired(broken, own, self._failed | run.repaired, self._ended)

    def _give_up(self, id: str) -> None:
        self._failed.discard(id)
        self._run.repaired.add(id)
        self._begin(self._settle(id))

    async def _repair(self, broken: Broken, batch: Batch) -> None:
        try:
            patch = await repair(broken, {s.id: s for s in batch.steps}, self._run)
        except AgentError as error:
            self._raised[broken.failed[0]], patch = error, None
        self._repairing -= {*broken.failed}
        if patch is not None:
            self._apply(patch, broken, batch)
        for id_ in broken.failed:
            if id_ in self._failed:
                self._give_up(id_)
        self._look_at_failures()

    def _apply(self, patch: Patch, broken: Broken, batch: Batch) -> None:
        """Put the patch in place of the broken part; nothing of that part was running."""
        run = self._run
        replaced = {s.id for s in patch.steps}
        stay = [s for s in batch.steps if s.id in broken.ids - replaced]
        dropped = [s for s in stay if s.id in patch.dropped]
        steps: list[Step] = []
        for step in batch.steps:
            if step.id == broken.failed[0]:
                steps += [*stay, *patch.steps]
            if step.id not in broken.ids:
                steps.append(step)
        for id_ in replaced | patch.dropped:
            self._remove(id_)
        run.repaired |= {*broken.failed}
        run.patched |= patch.new
        batch.steps = steps
        batch.plan_steps = tuple(s.id for s in steps if s.id not in batch.calls)
        if run.plan is not None:
            here = {*batch.plan_steps}
            earlier = [s for s in run.plan.steps if s.id not in here]
            now = [s for s in steps if s.id in here - patch.dropped]
            run.plan = replace(run.plan, steps=(*earlier, *now))
            run.emit(PatchApplied(broken.failed, run.plan))
        for step in dropped:
            self._steps[step.id] = step
            said = _("The plan was changed: it is not needed any more.")
            evidence = Evidence(step.id, step.do, status="skipped", error=said)
            run.steps[step.id] = evidence
            run.emit(ended(evidence))
            self._ended.add(step.id)
        for step in patch.steps:
            run.steps.pop(step.id, None)
        for step in patch.steps:
            self.take(step)

    def _in_order(self) -> None:
        """Put the results in the order in which the steps were asked for: nothing may depend on which came first."""
        if self._batch is None:
            return
        for step in self._batch.steps:
            if (evidence := self._run.steps.pop(step.id, None)) is not None:
                self._run.steps[step.id] = evidence


async def schedule(steps: Sequence[Step], run: Run, *, repairs: bool = False) -> None:
    """Run every step that is not done and can be; what each brought stands in `run.steps` afterwards."""
    batch = Batch(Message.assistant(), list(steps), plan_steps=tuple(s.id for s in steps), repairs=repairs)
    async with Schedule(run) as scheduled:
        scheduled.whole(batch)


def changes_something(step: Step, toolbox: Toolbox) -> bool:
    """Return whether a step must not be done before its plan is whole: it has effects, or asks a person."""
    return has_effect(step, toolbox) or (step.do == ASK and ASK not in toolbox)
