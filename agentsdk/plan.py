"""Plan, Step and Ref: what is to be done, and in which order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.messages import Json
from agentsdk.shown import describe
from agentsdk.step import (
    ASK,
    EXTRACT,
    ITEM,
    LOOK_UP,
    MAP,
    REDUCE,
    STEP_KINDS,
    THINK,
    Alt,
    Ref,
    Step,
    When,
    from_wire,
    to_wire,
)

if TYPE_CHECKING:
    from agentsdk.evidence import Evidence
    from agentsdk.steps import Made

__all__ = [
    "ASK",
    "EXTRACT",
    "ITEM",
    "LOOK_UP",
    "MAP",
    "REDUCE",
    "STEP_KINDS",
    "THINK",
    "Alt",
    "Plan",
    "Ref",
    "Step",
    "When",
    "describe",
    "from_wire",
    "to_wire",
]


_MERMAID = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"})
"""Mermaid reads HTML in its labels, and writes such letters in this way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that need each other's results: a typed program, shown, edited, checked and then run."""

    steps: tuple[Step, ...]
    question: str = ""

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def step(self, id: str) -> Step:
        """Return the step called `id`, or raise KeyError."""
        for step in self.steps:
            if step.id == id:
                return step
        raise KeyError(id)

    def levels(self) -> list[list[Step]]:
        """Return the steps by depth: those of one level need only those of the levels before.

        A step that waits for an unknown step, or for itself, stands in no level.
        """
        done: set[str] = set()
        rest, levels = list(self.steps), []
        while ready := [s for s in rest if done.issuperset(s.needs)]:
            levels.append(ready)
            done.update(s.id for s in ready)
            rest = [s for s in rest if s not in ready]
        return levels

    def to_dict(self) -> dict[str, Json]:
        """Return the plan as plain JSON."""
        return {"question": self.question, "steps": [s.to_dict() for s in self.steps]}

    def to_json(self, indent: int | None = 2) -> str:
        """Return the plan as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    @classmethod
    def from_dict(cls, wire: object) -> Plan:
        """Return the plan that `wire` describes: an object with "steps", or the bare list of steps.

        Raises:
            PlanError: it is neither, or a step is not well-formed; the message names the step.

        """
        question = ""
        if isinstance(wire, Mapping):
            question = str(wire.get("question") or "")
            wire = wire.get("steps")
        if isinstance(wire, str) or not isinstance(wire, Sequence):
            raise PlanError(
                _('A plan is an object with a list of "steps".'),
                fix='{"steps": [{"id": "s1", "do": "calculator", "in": {"expression": "2+2"}}]}',
            )
        return cls(tuple(Step.from_dict(s) for s in wire), question)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan written in `text`.

        Raises:
            PlanError: the text is not JSON, or not a plan.

        """
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise PlanError(_("The plan is not JSON."), why=str(error)) from error

    def to_yaml(self) -> str:
        """Return the plan as YAML, which people like to edit."""
        from agentsdk.written import to_yaml  # yaml is not needed to make plans

        return to_yaml({"question": self.question, "steps": [s.to_dict() for s in self.steps]})

    @classmethod
    def from_yaml(cls, text: str) -> Plan:
        """Return the plan written in `text`, in YAML or JSON.

        Raises:
            PlanError: the text is neither, or not a plan.

        """
        from agentsdk.written import parse

        return cls.from_dict(parse(text))

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Return the plan that a file holds, in YAML or JSON.

        Raises:
            PlanError: the file cannot be read, or holds no plan.

        """
        from agentsdk.written import read_text

        return cls.from_yaml(read_text(path))

    @classmethod
    def of(cls, *ends: Made, question: str = "") -> Plan:
        """Return the plan of steps written with `agentsdk.steps`, with all that they need, in order."""
        from agentsdk.steps import collect

        return cls(collect(ends), question)

    def replace(self, step: Step) -> Plan:
        """Return the plan with the step of this id replaced; where it stands, and who uses it, stays.

        Raises:
            PlanError: there is no such step, or the new one needs a step that comes later.

        """
        self._place(step.id)
        return self._checked([step if s.id == step.id else s for s in self.steps])

    def insert(self, step: Step, *, before: str | None = None, after: str | None = None) -> Plan:
        """Return the plan with a step more: before or behind another, or behind what it needs at the earliest.

        Raises:
            PlanError: the id is taken, or what it needs does not stand before it.

        """
        if before is not None:
            at = self._place(before)
        elif after is not None:
            at = self._place(after) + 1
        else:
            users = [i for i, s in enumerate(self.steps) if step.id in s.needs]
            at = min(users, default=len(self.steps))
        return self._checked([*self.steps[:at], step, *self.steps[at:]])

    def drop(self, id: str, *, instead: str | None = None) -> Plan:
        """Return the plan without a step.

        Args:
            id: the step.
            instead: the id of a step whose result takes the place of its result.

        Raises:
            PlanError: there is no such step, or others need it and `instead` is not given; they are named.

        """
        at = self._place(id)
        rest = [s for i, s in enumerate(self.steps) if i != at]
        if instead is not None:
            rest = [s.renamed({id: instead}) for s in rest]
        users = [s.id for s in rest if id in s.needs]
        if users:
            raise PlanError(
                _("Step {id} cannot be dropped: {users} need it.").format(id=id, users=", ".join(users)),
                fix=_("Drop or change these first, or name a step whose result takes its place: instead=."),
            )
        return self._checked(rest)

    def _place(self, id: str) -> int:
        at = next((i for i, s in enumerate(self.steps) if s.id == id), None)
        if at is None:
            raise PlanError(
                _("There is no step {id}.").format(id=id),
                fix=_("The steps are: {ids}.").format(ids=", ".join(s.id for s in self.steps) or "-"),
            )
        return at

    def _checked(self, steps: Sequence[Step]) -> Plan:
        known: set[str] = set()
        for step in steps:
            if step.id in known:
                raise PlanError(_("Step {id}: the id is taken; give it another.").format(id=step.id))
            missing = next((need for need in step.needs if need not in known), None)
            if missing is not None:
                raise PlanError(
                    _("Step {id} needs {need}, which does not stand before it.").format(
                        id=step.id, need=missing
                    )
                )
            known.add(step.id)
        return Plan(tuple(steps), self.question)

    def mermaid(self) -> str:
        """Return the plan as Mermaid text, which GitHub and most Markdown viewers draw."""
        name = {s.id: f"n{i}" for i, s in enumerate(self.steps)}
        lines = ["flowchart TD"]
        for step in self.steps:
            label = " ".join(f"{step.id}: {describe(step)}".translate(_MERMAID).split())
            lines.append(f'    {name[step.id]}["{label}"]')
        for step in self.steps:
            used = {ref.step for ref in step.refs}
            arrows = [(need, "-->" if need in used else "-.->") for need in step.needs if need in name]
            lines += [f"    {name[need]} {arrow} {name[step.id]}" for need, arrow in arrows]
        return "\n".join(lines)

    def svg(self, steps: Sequence[Evidence] = ()) -> str:
        """Return the plan as a drawing in SVG, which needs no network and fits light and dark pages.

        Args:
            steps: how the steps ended, as `answer.steps` says; they are then coloured by it.

        """
        from agentsdk.drawing import draw

        return draw(self, steps)

    def tree(self) -> str:
        """Return the plan as a tree of text: each step below the last step that it needs."""
        children, roots = self.branches()
        lines: list[str] = []

        def write(step: Step, lead: str, last: bool, top: bool) -> None:
            lines.append(f"{'' if top else lead + ('└─ ' if last else '├─ ')}{step.id}  {describe(step)}")
            below = children[step.id]
            inner = "" if top else lead + ("   " if last else "│  ")
            for child in below:
                write(child, inner, child is below[-1], False)

        for root in roots:
            write(root, "", True, True)
        return "\n".join(lines)

    def branches(self) -> tuple[dict[str, list[Step]], list[Step]]:
        """Return the steps below each step, and those at the top: each step stands once in the tree.

        A step hangs below the last of the steps that it needs; its text names the others. What a map did with an
        element, "s2.0", hangs below the map.
        """
        children: dict[str, list[Step]] = {s.id: [] for s in self.steps}
        place = {s.id: i for i, s in enumerate(self.steps)}
        roots = []
        for i, step in enumerate(self.steps):
            above = [n for n in (*step.needs, step.id.rpartition(".")[0]) if place.get(n, i) < i]
            if above:
                children[max(above, key=place.__getitem__)].append(step)
            else:
                roots.append(step)
        return children, roots
