"""Board: the steps of a run and how far each has come, as a tree for a terminal and as lines for a pipe; and Timeline.

A subagent's steps stand below the step that asks it, under the ids of both: s2/c1.
"""

from __future__ import annotations

import re
from typing import Any, assert_never

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from agentsdk.events import (
    ApprovalNeeded,
    BudgetReached,
    BudgetReserved,
    BudgetSettled,
    Cited,
    Condensed,
    Draft,
    DraftReplaced,
    Event,
    Finished,
    IntentChosen,
    ModelCalled,
    Nested,
    OutcomeUnknown,
    PatchApplied,
    PatchProposed,
    PlanReady,
    PlanRejected,
    PlanStepSeen,
    RunStarted,
    StepDone,
    StepRetried,
    StepReused,
    StepStarted,
    Thought,
)
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.plan import Plan, Step, describe

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)

_LOOK = {
    "waiting": ("○", "dim"),
    "running": ("◐", "yellow"),
    "done": ("●", "green"),
    "failed": ("✗", "red"),
    "refused": ("✗", "red"),
    "skipped": ("–", "dim"),
    "pending": ("?", "magenta"),
}


def clean(text: str) -> str:
    """Return text of a model, a tool or a file without what would steer a terminal."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class Board:
    """The steps of a run and how far each has come."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.steps: dict[str, Step] = {}
        """By id, those of subagents with the steps around them: "s2/c1"."""
        self.state: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.notes: dict[str, str] = {}
        self.draft = ""

    def take(self, event: Event, around: str = "") -> str:
        """Take an event in; return it as a line, or "" where a pipe has no use for it.

        Args:
            event: what happened.
            around: the steps of the runs around it: "s2/".

        """
        match event:
            case Nested(step, _agent, inner):
                line = self.take(inner, f"{around}{step}/")
                return "\n".join(f"  {each}" for each in line.splitlines())
            case PlanStepSeen(seen):
                self._see(seen, around)
                return ""
            case PlanReady(plan):
                return self._plan(plan, around, _("plan:"))
            case PlanRejected(findings):
                return _("plan refused: {why}").format(why=clean("; ".join(findings)))
            case PatchProposed(failed, _steps, _dropped, faults):
                if faults:
                    return _("the mend of {steps} was refused: {why}").format(
                        steps=clean(", ".join(failed)), why=clean("; ".join(faults))
                    )
                return ""
            case PatchApplied(failed, plan):
                return self._plan(
                    plan, around, _("plan mended after {steps}:").format(steps=clean(", ".join(failed)))
                )
            case StepStarted(id_, do, inputs):
                full = around + id_
                self._see(self.steps.get(full) or Step(id_, do, inputs), around)
                self.state[full] = "running"
                return ""
            case StepRetried(id_, _attempt, error, do):
                self.notes[around + id_] = clean(error).split("\n")[0][:80]
                return _("{step}: tried again with {do}, after: {why}").format(
                    step=clean(around + id_), do=clean(do), why=clean(error)
                )
            case StepDone(evidence):
                self._settle(evidence, around, reused=isinstance(event, StepReused))
                return self.line(around + evidence.step)
            case ApprovalNeeded(id_, call):
                self._see(self.steps.get(around + id_) or Step(id_, call.name, call.arguments), around)
                self.state[around + id_] = "pending"
                if isinstance(event, OutcomeUnknown):
                    return _("{step}: begun before a crash; nobody knows whether it was done").format(
                        step=clean(around + id_)
                    )
                return ""
            case Draft(text):
                self.draft += "" if around else text
                return ""
            case DraftReplaced(reason):
                if around:
                    return ""
                self.draft = ""
                return _("draft replaced: {why}").format(why=clean(reason))
            case BudgetReached(limit):
                return _("the budget of {limit} is used up; answering with what there is").format(limit=limit)
            case IntentChosen(name, by, why):
                how = {"rule": _("by rule"), "earlier": _("goes on"), "model": _("by the model")}.get(by, by)
                told = _("intent: {name} ({how}) {why}").format(name=name, how=how, why=clean(why)).strip()
                return told if name else ""
            case Condensed(_how, turns, steps, before, after):
                return _("the conversation was made short: {told} parts, {before} tokens to {after}").format(
                    told=len(turns) + len(steps), before=before, after=after
                )
            case (
                RunStarted()
                | Thought()
                | Cited()
                | ModelCalled()
                | BudgetReserved()
                | BudgetSettled()
                | Finished()
            ):
                return ""
            case _:
                assert_never(event)

    def line(self, id_: str) -> str:
        """Return a step as a line."""
        mark, _style = _LOOK[self.state[id_]]
        step = self.steps[id_]
        note = f"  {self.notes[id_]}" if self.notes.get(id_) else ""
        seconds = f"  {self.seconds[id_]:.2f} s" if id_ in self.seconds else ""
        return clean(f"{mark} {id_}  {describe(step)}{seconds}{note}")

    def render(self, *, draft: bool = True) -> Group:
        """Return what a terminal shows now."""
        parts: list[Any] = []
        if self.steps:
            parts.append(self._tree())
        if draft and self.draft:
            parts.append(Text(clean(self.draft), style="dim"))
        return Group(*parts)

    def _see(self, step: Step, around: str) -> None:
        self.steps.setdefault(around + step.id, step)
        self.state.setdefault(around + step.id, "waiting")

    def _plan(self, plan: Plan, around: str, title: str) -> str:
        if not around:
            self.plan = plan
        for step in plan:
            self._see(step, around)
        return title + "\n" + "\n".join(f"  {line}" for line in clean(plan.tree()).splitlines())

    def _settle(self, evidence: Evidence, around: str, *, reused: bool) -> None:
        id_ = around + evidence.step
        self._see(self.steps.get(id_) or Step(evidence.step, evidence.do, evidence.inputs or {}), around)
        self.state[id_] = evidence.status
        self.seconds[id_] = evidence.seconds
        kept = _("(kept from before)") + " " if reused else ""
        self.notes[id_] = kept + brief(evidence)

    def _tree(self) -> Tree:
        tree = Tree(Text(_("Plan") if self.plan else _("Steps"), style="bold"), guide_style="dim")
        self._grow(tree, "")
        return tree

    def _grow(self, tree: Tree, around: str) -> None:
        """Put the steps of one run below `tree`, and those of the subagents that they ask below them."""
        here = [s for id_, s in self.steps.items() if id_ == around + s.id]
        children, roots = Plan(tuple(here)).branches()

        def put(branch: Tree, step: Step) -> None:
            id_ = around + step.id
            style = _LOOK[self.state.get(id_, "waiting")][1]
            twig = branch.add(Text(self.line(id_), style=style, overflow="ellipsis", no_wrap=True))
            self._grow(twig, f"{id_}/")
            for child in children[step.id]:
                put(twig, child)

        for root in roots:
            put(tree, root)


class Timeline:
    """When each step of a recorded run ran: a bar a step, so that one sees what went on side by side."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}
        self._do: dict[str, str] = {}
        self._end = 0.0

    def take(self, at: float, event: Event, around: str = "") -> None:
        """Take an event in, that came `at` seconds after the beginning."""
        self._end = max(self._end, at)
        match event:
            case Nested(step, _agent, inner):
                self.take(at, inner, f"{around}{step}/")
            case StepStarted(id_, do):
                self._times.setdefault(around + id_, [at, at])
                self._do[around + id_] = do
            case StepDone(evidence) if around + evidence.step in self._times:
                self._times[around + evidence.step][1] = at
            case _:  # only steps take time here
                pass

    def lines(self, width: int = 40) -> list[str]:
        """Return the steps in the order of their start, with those of subagents below the step that asks them."""
        if not self._times or self._end <= 0:
            return []
        order = sorted(self._times, key=self._place)
        names = {id_: f"{'  ' * id_.count('/')}{id_} {self._do[id_]}" for id_ in order}
        most = max(map(len, names.values()))
        found = []
        for id_ in order:
            start, end = self._times[id_]
            first = min(round(start / self._end * width), width - 1)
            length = max(1, round(end / self._end * width) - first)
            bar = ("·" * first + "█" * length).ljust(width, "·")[:width]
            found.append(clean(f"{names[id_]:<{most}}  {bar}  {start:.2f}–{end:.2f} s"))
        return found

    def _place(self, id_: str) -> list[tuple[float, str]]:
        parts = id_.split("/")
        paths = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        return [(self._times.get(path, [0.0])[0], path) for path in paths]


def brief(evidence: Evidence) -> str:
    """Return in a few words what a step brought."""
    if evidence.status != "done":
        return (evidence.error or "").split("\n")[0][:100]
    if evidence.is_passages:
        return _("{count} passage(s)").format(count=len(evidence.passages))
    if evidence.value in (None, "", []):
        return "→ —"
    text = evidence.value if isinstance(evidence.value, str) else str(evidence.value)
    note = f" ({evidence.error[:100]})" if evidence.error else ""
    return "→ " + " ".join(text.split())[:80] + note
