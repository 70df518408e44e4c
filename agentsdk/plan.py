"""Plan, Step and Ref: what is to be done, and in which order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.messages import Json

THINK = "think"
ASK = "ask"
LOOK_UP = "look_up"
STEP_KINDS = (THINK, ASK)
"""What a step may do besides calling a tool by its name."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The result of an earlier step, or a part of it. On the wire: `{"$": "s1.items.0"}`.

    An object and never text: `$1` inside `$100` would corrupt, and injected text would become a reference.
    """

    step: str
    path: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Return the Ref that "s1" or "s1.a.0" names."""
        step, *path = text.split(".")
        return cls(step, tuple(path))

    def __str__(self) -> str:
        return ".".join((self.step, *self.path))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    `inputs` is JSON in which any value may be a Ref. `after` names steps that must be done first although
    nothing of theirs is used.
    """

    id: str
    do: str
    """A tool's name, or "think", or "ask"."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every Ref in the inputs, in reading order."""
        return tuple(_refs(self.inputs))

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids of the steps that must be done first, each once, in reading order."""
        return tuple(dict.fromkeys((*(ref.step for ref in self.refs), *self.after)))

    def to_dict(self) -> dict[str, Json]:
        """Return the step as it stands on the wire."""
        wire: dict[str, Json] = {"id": self.id, "do": self.do, "in": to_wire(self.inputs)}
        if self.after:
            wire["after"] = list(self.after)
        return wire

    @classmethod
    def from_dict(cls, wire: object) -> Step:
        """Return the step that `wire` describes.

        Raises:
            PlanError: `wire` is not an object with a text "id" and "do", or its "in" is not an object.

        """
        if not isinstance(wire, Mapping):
            raise PlanError(_("A step is not an object: {wire}").format(wire=json.dumps(wire)[:80]))
        id_, do = wire.get("id"), wire.get("do")
        inputs, after = wire.get("in") or {}, wire.get("after") or []
        name = id_ if isinstance(id_, str) else "?"
        if not isinstance(id_, str) or not id_ or "." in id_:
            raise PlanError(_('A step needs an "id": a text without dots, such as "s1".'))
        if not isinstance(do, str) or not do:
            raise PlanError(_('Step {id} needs "do": a tool\'s name, or think, or ask.').format(id=name))
        if not isinstance(inputs, Mapping):
            raise PlanError(_('Step {id}: "in" is not an object.').format(id=name))
        if isinstance(after, str):
            after = [after]
        if not isinstance(after, Sequence) or not all(isinstance(a, str) for a in after):
            raise PlanError(_('Step {id}: "after" is not a list of step ids.').format(id=name))
        return cls(id_, do, {str(k): from_wire(v) for k, v in inputs.items()}, tuple(after))


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

    def mermaid(self) -> str:
        """Return the plan as Mermaid text, which GitHub and most Markdown viewers draw."""
        name = {s.id: f"n{i}" for i, s in enumerate(self.steps)}
        lines = ["flowchart TD"]
        for step in self.steps:
            label = f"{step.id}: {describe(step)}".replace('"', "#quot;").replace("\n", " ")
            lines.append(f'    {name[step.id]}["{label}"]')
        for step in self.steps:
            lines += [f"    {name[need]} --> {name[step.id]}" for need in step.needs if need in name]
        return "\n".join(lines)

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

        A step hangs below the last of the steps that it needs; its text names the others.
        """
        children: dict[str, list[Step]] = {s.id: [] for s in self.steps}
        place = {s.id: i for i, s in enumerate(self.steps)}
        roots = []
        for i, step in enumerate(self.steps):
            above = [n for n in step.needs if place.get(n, i) < i]
            if above:
                children[max(above, key=place.__getitem__)].append(step)
            else:
                roots.append(step)
        return children, roots


def describe(step: Step) -> str:
    """Return the step in a line: what it does, with which inputs."""
    inputs = ", ".join(f"{k}={_short(v)}" for k, v in step.inputs.items())
    after = f" after {', '.join(step.after)}" if step.after else ""
    return f"{step.do}({inputs}){after}"


def to_wire(value: Any) -> Json:
    """Return `value` with every Ref written as `{"$": "..."}`."""
    if isinstance(value, Ref):
        return {"$": str(value)}
    if isinstance(value, Mapping):
        return {k: to_wire(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(v) for v in value]
    return value  # type: ignore[no-any-return]  # JSON by the contract of Step.inputs


def from_wire(value: Any) -> Any:
    """Return `value` with every `{"$": "..."}` read as a Ref."""
    if isinstance(value, Mapping):
        if set(value) == {"$"} and isinstance(value["$"], str):
            return Ref.parse(value["$"])
        return {k: from_wire(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [from_wire(v) for v in value]
    return value


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _refs(item)


def _short(value: Any) -> str:
    if isinstance(value, Ref):
        return f"⟨{value}⟩"
    text = value if isinstance(value, str) else json.dumps(to_wire(value), ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
