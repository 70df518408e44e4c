"""Puts results where references stand: objects, never text, so that nothing in a result can become a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.plan import Ref


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
