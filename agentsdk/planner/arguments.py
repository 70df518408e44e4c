"""Checks what a step gives to a tool by the tool's own model, although some of it is not there yet."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.i18n import _
from agentsdk.plan import Ref, Step
from agentsdk.planner.fits import Schema, clash, made_of
from agentsdk.step import refs_in
from agentsdk.toolbox import AnyTool


def check_arguments(id_: str, step: Step, tool: AnyTool, typed: Callable[[Ref], Schema]) -> Iterator[str]:
    """Yield the faults of the arguments of step `id_`, a sentence each: unknown, missing, of a wrong type.

    Args:
        typed: returns what is known of the result that a reference stands for.

    """
    properties = tool.parameters.get("properties", {})
    for name in step.inputs:
        if properties and name not in properties and tool.parameters.get("additionalProperties") is not True:
            near = difflib.get_close_matches(name, properties, 1)
            mend = _('Write "{near}".').format(near=near[0]) if near else _("It has: {names}.")
            yield _("Step {id}: {do} has no argument {name}. {mend}").format(
                id=id_, do=step.do, name=name, mend=mend.format(names=", ".join(properties))
            )
    for name in tool.parameters.get("required", ()):
        if name not in step.inputs:
            yield _("Step {id}: {do} needs the argument {name}.").format(id=id_, do=step.do, name=name)
    literal = {}
    for name, value in step.inputs.items():
        if name not in properties:
            continue
        if next(refs_in(value), None) is None:
            literal[name] = value
            continue
        have = made_of(value, typed)
        if fault := clash(have, properties[name], tool.parameters, have):
            yield _("Step {id}: {name} gets {fault}{mend}.").format(
                id=id_, name=name, fault=fault, mend=_mend(have, properties[name])
            )
    yield from _literals(id_, tool, literal)


def as_asked(value: Any, schema: Any) -> Any:
    """Return a value with its numbers written as text wherever the schema takes text: a result is often one."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if kind == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    if kind == "array" and isinstance(value, (list, tuple)):
        return [as_asked(each, schema.get("items")) for each in value]
    if kind == "object" and isinstance(value, Mapping):
        inner = schema.get("properties") or {}
        return {k: as_asked(v, inner.get(k)) for k, v in value.items()}
    return value


def _literals(id_: str, tool: AnyTool, literal: Mapping[str, Any]) -> Iterator[str]:
    """Check the values that stand in the plan itself by the tool's own model; what is missing is told elsewhere."""
    try:
        tool.validate(literal)
    except ToolError as error:
        told = getattr(error.__cause__, "errors", None)
        for each in told() if callable(told) else ():
            if each["type"] in ("missing", "extra_forbidden") and len(each["loc"]) == 1:
                continue
            where = ".".join(map(str, each["loc"]))
            yield _("Step {id}: {do}: {where}: {fault}.").format(
                id=id_, do=tool.name, where=where, fault=each["msg"]
            )


def _mend(have: Schema, want: Any) -> str:
    kinds = {"number", "integer", "boolean", "array", "object"}
    kind = want.get("type") if isinstance(want, Mapping) else None
    if have.get("x-prose") and kind in kinds:
        return _('; take it out by an extract step first, "as": "{kind}"').format(
            kind={"array": "list[text]", "object": "{...}"}.get(str(kind), kind)
        )
    if have.get("type") == "array":
        return _("; go over it with map, or take one element")
    return ""
