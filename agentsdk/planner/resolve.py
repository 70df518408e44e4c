"""Puts results where references stand: objects, never text, so that nothing in a result can become a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.plan import ITEM, MAP, Ref, Step


def resolve_inputs(step: Step, done: Mapping[str, Evidence]) -> dict[str, Any]:
    """Return what a step works on: its inputs, and beside them what it goes "over" and its "max".

    Inside a map `{"$": "item"}` stays, as it stands on the wire: the elements put themselves in its place.

    Raises:
        ToolError: a result has no such part.

    """
    if step.do == MAP:
        inputs = {k: _inside(v, done) for k, v in step.inputs.items()}
    else:
        inputs = {k: resolve(v, done) for k, v in step.inputs.items()}
    if step.over is not None:
        inputs["over"] = resolve(step.over, done)
    if step.most is not None:
        inputs["max"] = step.most
    return inputs


def resolve(value: Any, done: Mapping[str, Evidence]) -> Any:
    """Return `value` with every Ref replaced by what it stands for; by None where the step was skipped.

    A result is put in as it is: what looks like a reference inside it stays what it is.

    Raises:
        ToolError: the result has no such part; the text names the parts it has.

    """
    if isinstance(value, Ref):
        found = done[value.step]
        return None if found.status == "skipped" else part_of(value, found.value)
    if isinstance(value, Mapping):
        return {k: resolve(v, done) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(v, done) for v in value]
    return value


def _inside(value: Any, done: Mapping[str, Evidence]) -> Any:
    """Resolve what is inside a map: the element, and parts of it, stay as they stand on the wire."""
    if isinstance(value, Ref):
        return {"$": str(value)} if value.step == ITEM else resolve(value, done)
    if isinstance(value, Mapping):
        return {k: _inside(v, done) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_inside(v, done) for v in value]
    return value


def part_of(ref: Ref, value: Any) -> Any:
    """Return the part of a result that `ref` names.

    Raises:
        ToolError: there is no such part.

    """
    for name in ref.path:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and name.isdecimal()
            and int(name) < len(value)
        ):
            value = value[int(name)]
        elif name == "value" and not isinstance(value, (Mapping, list)):
            continue  # models like to write s1.value for a result that is the value itself
        else:
            parts = ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            raise ToolError(
                _("The result of {step} has no part {name}.").format(step=ref.step, name=name),
                why=_("It has: {parts}.").format(parts=parts),
            )
    return value
