"""Writes a plan in plain Python: each call makes a step, and a step given to another is its result.

from agentsdk import Plan
from agentsdk.steps import call, each, think

weather = each(["Oslo", "Rome"], lambda city: call("weather", city=city))
plan = Plan.of(think("Where is it warmer?", weather=weather))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.step import ASK, EXTRACT, ITEM, MAP, REDUCE, THINK, Alt, Ref, Step, When, from_wire


@dataclass(frozen=True, slots=True)
class Part:
    """A result, or a part of it, as it is given to another step or to a condition."""

    of: Made | None
    """None: the element in hand, inside `each`."""
    path: tuple[str, ...] = ()

    def __getitem__(self, name: str | int) -> Part:
        """Return a part of the part: `weather["oslo"]`, `hits[0]`."""
        return Part(self.of, (*self.path, str(name)))


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A step that is being written. Given to another step, it stands for its result."""

    do: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    over: Any = None
    most: int | None = None
    returns: Any = None
    name: str = ""
    first: tuple[Made, ...] = ()
    condition: tuple[Made | Part, Mapping[str, Any]] | None = None
    fallback: Made | str | None = None

    def __getitem__(self, name: str | int) -> Part:
        """Return a part of the result: `weather["oslo"]`, `hits[0]`."""
        return Part(self, (str(name),))

    def named(self, id: str) -> Made:
        """Return the step with an id of its own; else they are s1, s2..."""
        return replace(self, name=id)

    def after(self, *steps: Made) -> Made:
        """Return the step so that it waits for others whose results it does not use."""
        return replace(self, first=(*self.first, *steps))

    def when(self, result: Made | Part, **tests: Any) -> Made:
        """Return the step so that it is skipped where a test does not hold: `.when(total, above=100)`.

        The tests: is_, not_, above, below, at_least, at_most, contains, lacks, one_of, empty.
        """
        return replace(self, condition=(result, {name.rstrip("_"): value for name, value in tests.items()}))

    def otherwise(self, step: Made | str) -> Made:
        """Return the step with what to do when it fails: a step, or a tool's name for the same inputs."""
        return replace(self, fallback=step)


def call(tool: Any, /, **inputs: Any) -> Made:
    """Return a step that calls a tool, given by its name or as the Tool itself."""
    return Made(tool if isinstance(tool, str) else tool.name, inputs)


def think(goal: str, /, **material: Any) -> Made:
    """Return a step in which the model reasons about the material, without tools."""
    return Made(THINK, {"goal": goal, **material})


def extract(goal: str, /, kind: Any = "text", *, passes: int | None = None, **material: Any) -> Made:
    """Return a step that takes a value out of the material.

    Args:
        goal: what to look for.
        kind: its type: "number", "list[text]", {"name": "text"}, or a JSON schema.
        passes: how often to look at most, where a list may have been read too fast.
        material: where to look.

    """
    return Made(EXTRACT, {"goal": goal, **material}, most=passes, returns=kind)


def each(over: Any, do: Callable[[Part], Made], *, most: int | None = None) -> Made:
    """Return a step that does one thing with every element: `each(cities, lambda city: call("weather", city=city))`.

    Args:
        over: a list, a text (it is cut into pieces), or the result of a step.
        do: gets the element and returns what is done with it.
        most: elements at most.

    """
    body = do(Part(None))
    if body.first:
        raise PlanError(_('Inside a map there is no "after"; write it on the map.'))
    return Made(MAP, {ITEM: body}, over=over, most=most)


def reduce(goal: str, /, over: Any, *, running: bool = False, tokens: int | None = None) -> Made:
    """Return a step that makes one text of many: of a list, or of a long text, piece by piece.

    Args:
        goal: what the text is to be.
        over: a list, a text, or the result of a step.
        running: from beginning to end, each piece with what came before, and not side by side.
        tokens: tokens of a piece.

    """
    options = {"running": True} if running else {}
    return Made(REDUCE, {"goal": goal, **options, **({"tokens": tokens} if tokens else {})}, over=over)


def ask(question: Any) -> Made:
    """Return a step that asks the person."""
    return Made(ASK, {"question": question})


def collect(ends: Sequence[Made]) -> tuple[Step, ...]:
    """Return the steps that `ends` are made of, each once, behind what it needs.

    Raises:
        PlanError: two steps were given one name.

    """
    order: list[Made] = []
    for end in ends:
        _visit(end, order)
    ids: dict[int, str] = {}
    taken = [made.name for made in order if made.name]
    twice = next((name for name in taken if taken.count(name) > 1), None)
    if twice:
        raise PlanError(_("Two steps are named {name}.").format(name=twice), fix=_("Give one another name."))
    number = 0
    for made in order:
        if not made.name:
            number += 1
            while f"s{number}" in taken:
                number += 1
        ids[id(made)] = made.name or f"s{number}"
    return tuple(_step(made, ids) for made in order)


def _visit(made: Made, order: list[Made]) -> None:
    if any(made is seen for seen in order):
        return
    for need in _needs(made):
        _visit(need, order)
    order.append(made)


def _needs(made: Made) -> Iterator[Made]:
    yield from _within(made.over)
    for name, value in made.inputs.items():
        if isinstance(value, Made) and made.do == MAP and name == ITEM:
            yield from _needs(value)  # what is done with each element is no step of its own
        else:
            yield from _within(value)
    if made.condition is not None:
        yield from _within(made.condition[0])
        yield from _within(made.condition[1])
    if isinstance(made.fallback, Made):
        yield from _needs(made.fallback)
    yield from made.first


def _within(value: Any) -> Iterator[Made]:
    if isinstance(value, Made):
        yield value
    elif isinstance(value, Part):
        if value.of is not None:
            yield value.of
    elif isinstance(value, Mapping):
        for each_ in value.values():
            yield from _within(each_)
    elif isinstance(value, (list, tuple)):
        for each_ in value:
            yield from _within(each_)


def _step(made: Made, ids: Mapping[int, str]) -> Step:
    if made.do == MAP:
        body = made.inputs[ITEM]
        wire = _step(body, {**ids, id(body): "body"}).to_dict()
        inputs = {k: from_wire(v) for k, v in wire.items() if k != "id"}
    else:
        inputs = {k: _value(v, ids) for k, v in made.inputs.items()}
    when = None
    if made.condition is not None:
        ref = _value(made.condition[0], ids)
        when = When(ref, {k: _value(v, ids) for k, v in made.condition[1].items()})
    alt: Alt | None = None
    if isinstance(made.fallback, str):
        alt = Alt(made.fallback)
    elif made.fallback is not None:
        alt = Alt(made.fallback.do, {k: _value(v, ids) for k, v in made.fallback.inputs.items()})
    return Step(
        ids[id(made)],
        made.do,
        inputs,
        tuple(ids[id(first)] for first in made.first),
        when,
        _value(made.over, ids),
        made.most,
        made.returns,
        alt,
    )


def _value(value: Any, ids: Mapping[int, str]) -> Any:
    if isinstance(value, Made):
        return Ref(ids[id(value)])
    if isinstance(value, Part):
        return Ref(ITEM if value.of is None else ids[id(value.of)], value.path)
    if isinstance(value, Mapping):
        return {k: _value(v, ids) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(v, ids) for v in value]
    return value
