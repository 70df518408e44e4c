"""Asks for a patch of the part of a plan that broke, and reads it: steps that replace, that are new, that fall away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsdk.errors import ModelError, PlanError
from agentsdk.events import PatchProposed
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.plan import Step
from agentsdk.planner.broken import Broken
from agentsdk.planner.call import call_model
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.lint import Linter
from agentsdk.planner.make_plan import step_form
from agentsdk.planner.run import Run
from agentsdk.planner.tell import tell_steps
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce

_ASKS = 2
"""How often a patch is asked for: once more, with its faults, where it cannot be applied."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What stands in place of the broken part."""

    steps: tuple[Step, ...]
    """All that is still to be done of it, each after what it needs: new steps, changed ones, and those that stay."""
    new: frozenset[str]
    """The ids of those that are new or changed."""
    dropped: frozenset[str] = frozenset()
    """The ids of followers that fall away."""


async def repair(broken: Broken, steps: Mapping[str, Step], run: Run) -> Patch | None:
    """Return a patch by the model; None where it has none, or none that can work.

    It is told of the failed steps with their errors, of the steps that need them, and of the results that these use
    beside. Nothing else of the plan concerns it, and nothing else can be changed by it.

    Args:
        broken: what failed, and what needs it.
        steps: the whole plan by id.

    """
    parts = [steps[id_] for id_ in (*broken.failed, *broken.followers)]
    usable = [
        id_
        for id_ in dict.fromkeys(need for step in parts for need in step.needs)
        if id_ not in broken.ids and run.steps[id_].status == "done"
    ]
    messages = [Message.user(_told(broken, parts, usable, run))]
    for _ask in range(_ASKS):
        try:
            request = Request(tuple(messages), output_schema=_form(run))
            text = (await call_model(run, request, public=False)).message.text
        except (LimitReached, ModelError):
            return None  # the run goes on with what it has; compose meets the same model, and says so
        patch, faults = read_patch(text, broken, steps, usable, run)
        if patch is not None:
            return patch
        told = render("output_invalid", run.brief.language, faults="\n".join(f"- {f}" for f in faults))
        messages += [Message.assistant(text), Message.user(told)]
    return None


def read_patch(
    text: str, broken: Broken, steps: Mapping[str, Step], usable: Sequence[str], run: Run
) -> tuple[Patch | None, list[str]]:
    """Return the patch that a text holds, or its faults. What was proposed is told as an event either way."""
    try:
        wire = json.loads(text)
        listed = [Step.from_dict(each) for each in wire["steps"]]
        dropped = frozenset(map(str, wire.get("drop") or ()))
    except PlanError as error:
        return None, [error.what]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, [_('A patch is an object with a list "steps" and a list "drop".')]
    patch, faults = _settle(listed, dropped, broken, steps, usable, run)
    run.emit(PatchProposed(broken.failed, tuple(listed), tuple(sorted(dropped)), tuple(faults)))
    return patch, faults


def _settle(
    listed: Sequence[Step],
    dropped: frozenset[str],
    broken: Broken,
    steps: Mapping[str, Step],
    usable: Sequence[str],
    run: Run,
) -> tuple[Patch | None, list[str]]:
    written = {s.id for s in listed}
    taken = (set(steps) | set(run.steps)) - broken.ids
    faults = [_("Step {id}: the id is taken; give it another.").format(id=id_) for id_ in written & taken]
    faults += [
        _("Step {id} cannot be dropped: it is none of those that broke.").format(id=id_)
        for id_ in sorted(dropped - broken.ids)
    ]
    faults += [
        _("Step {id} is to be dropped, and to be done.").format(id=id_) for id_ in sorted(dropped & written)
    ]
    faults += [
        _("Step {id} is as it was, and it failed: replace it by something else, or drop it.").format(id=s.id)
        for s in listed
        if s.id in broken.failed and (s.do, s.inputs) == (steps[s.id].do, steps[s.id].inputs)
    ]
    kept = [steps[id_] for id_ in broken.followers if id_ not in written | dropped]
    order = _in_order([*listed, *kept], broken.ids | written)
    if isinstance(order, str):
        return None, [*faults, _("Step {id} needs itself, by way of others.").format(id=order)]
    # Dropped ones, and failed ones that nothing replaces, can be needed by nobody: the linter names who does.
    linter = Linter(run.toolbox, [*usable], run.ledger, later=())
    for step in order:
        faults += linter.take(step)
    if faults:
        return None, faults
    new = frozenset(s.id for s in listed if steps.get(s.id) != s)
    return Patch(tuple(order), new, dropped & frozenset(broken.followers)), []


def _in_order(steps: Sequence[Step], among: Iterable[str]) -> list[Step] | str:
    """Return steps so that none stands before one that it needs, else as given; or the id of one in a circle."""
    left, ordered = list(steps), list[Step]()
    waiting = {s.id for s in steps} & set(among)
    while left:
        ready = next((s for s in left if waiting.isdisjoint(s.needs)), None)
        if ready is None:
            return left[0].id
        left.remove(ready)
        ordered.append(ready)
        if all(s.id != ready.id for s in left):
            waiting.discard(ready.id)
    return ordered


def _told(broken: Broken, parts: Sequence[Step], usable: Sequence[str], run: Run) -> str:
    failed = tell_steps([run.steps[id_] for id_ in broken.failed], run)
    results = tell_steps([run.steps[id_] for id_ in usable], run) or "-"
    written = "\n".join(json.dumps(s.to_dict(), ensure_ascii=False) for s in parts)
    tools = "\n".join(
        json.dumps(
            {"name": t.name, "description": t.description, "arguments": t.parameters}, ensure_ascii=False
        )
        for t in run.toolbox.specs()
    )
    mark = nonce([failed, results, written])
    return render(
        "repair",
        run.brief.language,
        question=run.brief.question,
        steps=written,
        failed=fence("failed", failed, mark),
        results=fence("results", results, mark),
        tools=tools or "-",
    )


def _form(run: Run) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "steps": {"type": "array", "items": step_form(run)},
            "drop": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["steps", "drop"],
    }
