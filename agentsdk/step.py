"""Step: one thing that a plan does, with the results it uses, as it stands in code and on the wire."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.messages import Json

THINK = "think"
EXTRACT = "extract"
MAP = "map"
REDUCE = "reduce"
ASK = "ask"
STEP_KINDS = (THINK, EXTRACT, MAP, REDUCE, ASK)
"""What a step may do besides calling a tool by its name."""

LOOK_UP = "look_up"

ITEM = "item"
"""The id that stands for the element in hand inside a map; no step can have it."""

FIELDS = ("id", "do", "in", "after", "when", "over", "max", "as", "alt")
"""What a step may hold on the wire."""

_ALIASES = {
    "inputs": "in",
    "input": "in",
    "args": "in",
    "arguments": "in",
    "parameters": "in",
    "depends_on": "after",
    "needs": "after",
    "tool": "do",
    "name": "do",
    "if": "when",
    "foreach": "over",
    "returns": "as",
    "type": "as",
    "fallback": "alt",
    "most": "max",
}
"""Words that models write for ours: they are refused, and the right one is named."""

TESTS = ("is", "not", "above", "below", "at_least", "at_most", "contains", "lacks", "one_of", "empty")
"""What a condition may ask of a result."""


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
class When:
    """A condition on a result. On the wire: `{"$": "s1.total", "above": 100}`; several tests must all hold."""

    ref: Ref
    tests: Mapping[str, Any]
    """By the name of the test (see TESTS) what it compares with: JSON in which any value may be a Ref."""

    def to_dict(self) -> dict[str, Json]:
        """Return the condition as it stands on the wire."""
        return {"$": str(self.ref), **{name: to_wire(value) for name, value in self.tests.items()}}

    @classmethod
    def from_dict(cls, wire: object, id: str) -> When:
        """Return the condition of step `id`.

        Raises:
            PlanError: `wire` is not an object with a reference and at least one known test.

        """
        if isinstance(wire, Mapping) and isinstance(wire.get("$"), str):
            tests = {str(k): from_wire(v) for k, v in wire.items() if k != "$"}
            unknown = next((name for name in tests if name not in TESTS), None)
            if tests and unknown is None:
                return cls(Ref.parse(wire["$"]), tests)
            if unknown is not None:
                raise PlanError(
                    _('Step {id}: "when" knows no test {name}. Use one of: {names}.').format(
                        id=id, name=unknown, names=", ".join(TESTS)
                    )
                )
        raise PlanError(
            _('Step {id}: "when" is a result and a test of it: {example}.').format(
                id=id, example='{"$": "s1.total", "above": 100}'
            )
        )


@dataclass(frozen=True, slots=True)
class Alt:
    """What a step does instead when it has failed. On the wire: a tool's name, or `{"do": ..., "in": ...}`."""

    do: str
    inputs: Mapping[str, Any] | None = None
    """None: those of the step itself."""

    def to_wire(self) -> Json:
        """Return the fallback as it stands on the wire."""
        return self.do if self.inputs is None else {"do": self.do, "in": to_wire(self.inputs)}

    @classmethod
    def from_wire(cls, wire: object, id: str) -> Alt:
        """Return the fallback of step `id`.

        Raises:
            PlanError: `wire` is neither a text nor an object with "do".

        """
        if isinstance(wire, str) and wire:
            return cls(wire)
        if isinstance(wire, Mapping) and isinstance(wire.get("do"), str) and not set(wire) - {"do", "in"}:
            inputs = wire.get("in")
            if inputs is None:
                return cls(wire["do"])
            if isinstance(inputs, Mapping):
                return cls(wire["do"], {str(k): from_wire(v) for k, v in inputs.items()})
        raise PlanError(
            _('Step {id}: "alt" is a tool\'s name, or {example}.').format(
                id=id, example='{"do": "clock", "in": {}}'
            )
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    `inputs` is JSON in which any value may be a Ref. `after` names steps that must be done first although
    nothing of theirs is used.
    """

    id: str
    do: str
    """A tool's name, or "think", "extract", "map", "reduce", "ask"."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    when: When | None = None
    """The step is skipped where this does not hold; that is no failure."""
    over: Any = None
    """What map and reduce go through: a Ref, a list, or a text, which is cut into pieces."""
    most: int | None = None
    """map: elements at most. extract: passes at most. On the wire "max"."""
    returns: Any = None
    """The type of what extract brings, "number" or {"name": "text"} or a JSON schema. On the wire "as"."""
    alt: Alt | None = None
    """What to do instead when the step has failed."""

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every Ref to a step's result, in reading order; the element of a map is none."""
        alt = self.alt.inputs if self.alt else None
        found = (*refs_in(self.over), *self._used(), *refs_in(alt))
        return (self.when.ref, *refs_in(self.when.tests), *found) if self.when else found

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids of the steps that must be done first, each once, in reading order."""
        return tuple(dict.fromkeys((*(ref.step for ref in self.refs), *self.after)))

    @property
    def body(self) -> Step:
        """What a map does with each element: a step whose id is that of the map.

        Written out, `{"do": "web_page", "in": {"url": {"$": "item"}}}`; or in short, `{"goal": "..."}`: a thought
        about the element, or, where the map has "as", an extract from it.
        """
        if "do" not in self.inputs:
            kind = THINK if self.returns is None else EXTRACT
            return Step(self.id, kind, {**self.inputs, ITEM: Ref(ITEM)}, returns=self.returns)
        wire = {"id": self.id, **{k: to_wire(v) for k, v in self.inputs.items()}}
        return Step.from_dict(wire)

    def renamed(self, ids: Mapping[str, str]) -> Step:
        """Return the step with the steps that it needs called by other ids."""

        def put(value: Any) -> Any:
            if isinstance(value, Ref):
                return replace(value, step=ids.get(value.step, value.step))
            if isinstance(value, Mapping):
                return {k: put(v) for k, v in value.items()}
            if isinstance(value, (list, tuple)):
                return [put(v) for v in value]
            return value

        when, alt = self.when, self.alt
        inputs = put(self.inputs)
        inner = inputs.get("when") if self.do == MAP else None
        if isinstance(inner, Mapping) and isinstance(inner.get("$"), str):  # a condition inside, as on the wire
            inputs = {**inputs, "when": {**inner, "$": str(put(Ref.parse(inner["$"])))}}
        return replace(
            self,
            inputs=inputs,
            after=tuple(dict.fromkeys(ids.get(a, a) for a in self.after)),
            when=When(put(when.ref), put(when.tests)) if when else None,
            over=put(self.over),
            alt=Alt(alt.do, None if alt.inputs is None else put(alt.inputs)) if alt else None,
        )

    def instead(self) -> Step | None:
        """Return the step that does what `alt` says, under the same id; None where there is no `alt`."""
        if self.alt is None:
            return None
        inputs = self.inputs if self.alt.inputs is None else self.alt.inputs
        return replace(self, do=self.alt.do, inputs=inputs, alt=None)

    def to_dict(self) -> dict[str, Json]:
        """Return the step as it stands on the wire."""
        wire: dict[str, Json] = {"id": self.id, "do": self.do}
        if self.over is not None:
            wire["over"] = to_wire(self.over)
        wire["in"] = to_wire(self.inputs)
        if self.most is not None:
            wire["max"] = self.most
        if self.returns is not None:
            wire["as"] = self.returns
        if self.when is not None:
            wire["when"] = self.when.to_dict()
        if self.after:
            wire["after"] = list(self.after)
        if self.alt is not None:
            wire["alt"] = self.alt.to_wire()
        return wire

    @classmethod
    def from_dict(cls, wire: object) -> Step:
        """Return the step that `wire` describes.

        Raises:
            PlanError: `wire` is not an object with a text "id" and "do", or another field is not what it should
                be. The message names the step and the mend.

        """
        if not isinstance(wire, Mapping):
            raise PlanError(
                _("A step is not an object: {wire}").format(wire=json.dumps(wire, default=str)[:80])
            )
        id_, do = wire.get("id"), wire.get("do")
        name = id_ if isinstance(id_, str) else "?"
        if not isinstance(id_, str) or not id_ or "." in id_:
            raise PlanError(_('A step needs an "id": a text without dots, such as "s1".'))
        if id_ == ITEM:
            raise PlanError(_('No step can be called "item": inside a map that is the element in hand.'))
        _refuse_unknown(wire, name)
        if not isinstance(do, str) or not do:
            raise PlanError(
                _('Step {id} needs "do": a tool\'s name, or one of {kinds}.').format(
                    id=name, kinds=", ".join(STEP_KINDS)
                )
            )
        inputs = wire.get("in") or {}
        if not isinstance(inputs, Mapping):
            raise PlanError(_('Step {id}: "in" is not an object.').format(id=name))
        when, alt = wire.get("when"), wire.get("alt")
        return cls(
            id_,
            do,
            {str(k): from_wire(v) for k, v in inputs.items()},
            _after(wire.get("after"), name),
            None if when is None else When.from_dict(when, name),
            from_wire(wire.get("over")),
            _most(wire.get("max"), name),
            _returns(wire.get("as"), name),
            None if alt is None else Alt.from_wire(alt, name),
        )

    def _used(self) -> tuple[Ref, ...]:
        """Return every Ref in the inputs; of a map, also in the condition and the fallback of what it does."""
        if self.do != MAP:
            return tuple(refs_in(self.inputs))
        try:
            found = self.body.refs
        except PlanError:  # it is refused for that, and never run
            found = tuple(refs_in(self.inputs))
        return tuple(ref for ref in found if ref.step != ITEM)


def refs_in(value: Any) -> Iterator[Ref]:
    """Yield every Ref in `value`, in reading order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from refs_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs_in(item)


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


def _refuse_unknown(wire: Mapping[Any, Any], id: str) -> None:
    # Passed over in silence, a misspelt field would be an argument or an order that is lost.
    unknown = next((str(key) for key in wire if key not in FIELDS), None)
    if unknown is None:
        return
    near = _ALIASES.get(unknown) or next(iter(difflib.get_close_matches(unknown, FIELDS, 1)), None)
    mend = (
        _('Write "{near}".').format(near=near)
        if near
        else _("It has: {names}.").format(names=", ".join(FIELDS))
    )
    raise PlanError(_('Step {id}: a step has no "{name}". {mend}').format(id=id, name=unknown, mend=mend))


def _after(wire: Any, id: str) -> tuple[str, ...]:
    if wire is None:
        return ()
    if isinstance(wire, str):
        return (wire,)
    if not isinstance(wire, Sequence) or not all(isinstance(a, str) for a in wire):
        raise PlanError(_('Step {id}: "after" is not a list of step ids.').format(id=id))
    return tuple(wire)


def _most(wire: Any, id: str) -> int | None:
    if wire is None:
        return None
    if isinstance(wire, bool) or not isinstance(wire, int) or wire < 1:
        raise PlanError(_('Step {id}: "max" is not a whole number above 0.').format(id=id))
    return wire


def _returns(wire: Any, id: str) -> Any:
    if (
        wire is None
        or (isinstance(wire, (str, Mapping)) and wire)
        or (isinstance(wire, list) and len(wire) == 1)
    ):
        return wire
    raise PlanError(
        _('Step {id}: "as" is a type: {examples}.').format(
            id=id, examples='"number", "list[text]", {"name": "text"}, or a JSON schema'
        )
    )
