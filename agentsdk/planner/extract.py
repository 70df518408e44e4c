"""extract: takes values of a type out of texts, checked by code, and looks again until nothing new is found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.errors import OutputInvalid
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.plan import Step
from agentsdk.planner.call import call_model
from agentsdk.planner.dry import until_dry
from agentsdk.planner.material import Material, gather, sources_of, texts_in
from agentsdk.planner.run import Run
from agentsdk.planner.think import declined
from agentsdk.planner.wanted import Wanted, wanted
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce
from agentsdk.references.cite import stands


async def extract(step: Step, inputs: Mapping[str, Any], run: Run) -> Evidence:
    """Return what of the type `as` the other inputs hold of "goal".

    With "max" above 1 and a list, further passes look for what was missed; what was found is left out of them, and
    a new item counts only where its words stand in the material. `evidence.passes` says how many each brought.
    """
    kind = wanted("text" if step.returns is None else step.returns, step.id)
    goal = str(inputs["goal"])
    rest = {k: v for k, v in inputs.items() if k not in ("goal", "max")}
    material = gather(goal, rest, sources_of(step, run), run.brief.language)
    try:
        value = await _look(goal, material, kind, run)
        if value is None:
            return Evidence(step.id, step.do, inputs, "failed", error=_("The material does not hold it."))
        passes: tuple[int, ...] = ()
        if kind.is_list and step.most is not None and step.most > 1:
            value, passes = await _look_again(goal, material, kind, run, value, texts_in(rest), step.most)
    except OutputInvalid as error:
        return Evidence(step.id, step.do, inputs, "failed", error=f"{error.what} {error.why}".strip())
    return Evidence(step.id, step.do, inputs, value=value, passages=material.holding(value), passes=passes)


def verified(item: Any, texts: Sequence[str]) -> bool:
    """Return whether one of the item's texts stands in the material; an item without text is taken as it is."""
    said = texts_in(item)
    return not said or any(stands(words, text) for words in said for text in texts)


async def _look_again(
    goal: str, material: Material, kind: Wanted, run: Run, first: Any, texts: Sequence[str], most: int
) -> tuple[list[Any], tuple[int, ...]]:
    async def look(found: tuple[Any, ...]) -> Sequence[Any]:
        return await _look(goal, material, kind, run, found) or ()

    held = [item for item in first if verified(item, texts)]
    dry = await until_dry(held, look, passes=most - 1, holds=lambda item: verified(item, texts))
    if dry.limit is not None:
        run.note("budget", _("The search for what was missed ended early: the budget was used up."))
    return list(dry.items), (len(held), *dry.passes)


async def _look(
    goal: str, material: Material, kind: Wanted, run: Run, found: Sequence[Any] | None = None
) -> Any:
    """Return the value that the model finds; what does not fit is asked for once more, with the faults."""
    language = run.brief.language
    schema = json.dumps(kind.asked, ensure_ascii=False)
    prompt = render("extract", language, goal=goal, material=material.text, schema=schema)
    if found is not None:
        known = json.dumps(list(found), ensure_ascii=False, indent=1)
        prompt += "\n\n" + render("missed", language, found=fence("found", known, nonce([goal, known])))
    turns: tuple[Message, ...] = (Message.user(prompt),)
    reply = await call_model(run, Request(turns, output_schema=kind.asked), public=False)
    if fault := declined(reply):
        raise OutputInvalid(fault)
    try:
        return kind.read(reply.message.text)
    except OutputInvalid as error:
        note = render("output_invalid", language, faults=error.why or error.what)
        turns = (*turns, Message.assistant(reply.message.text), Message.user(note))
    reply = await call_model(run, Request(turns, output_schema=kind.asked), public=False)
    return kind.read(reply.message.text)
