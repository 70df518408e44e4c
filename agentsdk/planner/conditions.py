"""Decides whether a step whose needs have ended is to run: by how they ended, and by its own condition."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.plan import MAP, STEP_KINDS, Step, When
from agentsdk.planner.resolve import resolve


def passed_over(step: Step, done: Mapping[str, Evidence]) -> Evidence | None:
    """Return how `step` ends without being run; None where it is to run.

    Everything that it needs must have ended. It is skipped, with an error, where one of these went wrong. It is
    skipped without an error, which is no failure, where its condition does not hold; and where what it uses was
    itself skipped in this way: a tool is not called without one of its arguments, while a thought, an extract or a
    summary works with what is there (null for the rest) as long as there is anything.
    """
    for need in step.needs:
        if not done[need].well:
            fault = _("{need}, which it needs, did not succeed.").format(need=need)
            return Evidence(step.id, step.do, status="skipped", error=fault)
    used = {ref.step for ref in replace(step, when=None).refs}
    missing = [id_ for id_ in used if done[id_].status == "skipped"]
    lenient = step.do in STEP_KINDS and step.do != MAP
    if missing and (len(missing) == len(used) or not lenient):
        return Evidence(step.id, step.do, status="skipped")
    if step.when is None:
        return None
    try:
        if holds(step.when, done):
            return None
    except ToolError as error:
        told = " ".join(part for part in (error.what, error.why, error.fix) if part)
        return Evidence(step.id, step.do, status="failed", error=told)
    return Evidence(step.id, step.do, status="skipped")


def holds(when: When, done: Mapping[str, Evidence]) -> bool:
    """Return whether every test of the condition holds.

    Raises:
        ToolError: the result has no such part, or cannot be compared in this way; the text says why.

    """
    value = resolve(when.ref, done)
    return all(_test(name, value, resolve(wanted, done), when) for name, wanted in when.tests.items())


def _test(name: str, value: Any, wanted: Any, when: When) -> bool:
    match name:
        case "is":
            return _same(value, wanted)
        case "not":
            return not _same(value, wanted)
        case "empty":
            return (value is None or value in ("", [], {})) is bool(wanted)
        case "one_of":
            return any(_same(value, each) for each in _list(wanted, name, when))
        case "contains":
            return _contains(value, wanted, when)
        case "lacks":
            return not _contains(value, wanted, when)
    if (
        value is None or wanted is None
    ):  # of a step that was skipped: nothing is neither more nor less than something
        return False
    left, right = _number(value, when), _number(wanted, when)
    match name:
        case "above":
            return left > right
        case "below":
            return left < right
        case "at_least":
            return left >= right
        case _:
            return left <= right


def _same(value: Any, wanted: Any) -> bool:
    """Return whether two values are equal; a number is equal to the text that writes it, and 1 is not true."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return value.strip().casefold() == wanted.strip().casefold()
    if value == wanted:
        return True
    if isinstance(value, int) and isinstance(wanted, int):  # as floats, large ones would be the same
        return False
    left, right = _as_number(value), _as_number(wanted)
    return left == right if left is not None and right is not None else False


def _contains(value: Any, wanted: Any, when: When) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        return str(wanted).casefold() in value.casefold()
    if isinstance(value, Mapping):
        return str(wanted) in value
    return any(_same(each, wanted) for each in _list(value, "contains", when))


def _list(value: Any, name: str, when: When) -> Collection[Any]:
    if isinstance(value, (list, tuple)):
        return value
    raise ToolError(
        _('The condition on {ref} cannot be decided: "{name}" needs a list.').format(ref=when.ref, name=name),
        why=_("There is {value}.").format(value=_short(value)),
    )


def _number(value: Any, when: When) -> float:
    found = _as_number(value)
    if found is not None:
        return found
    raise ToolError(
        _("The condition on {ref} cannot be decided: it compares numbers.").format(ref=when.ref),
        why=_("There is {value}.").format(value=_short(value)),
    )


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]
