"""Asks of a list that was given as the answer what was missed in it, pass after pass, until nothing new holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agentsdk.checks.second import UntilDry
from agentsdk.errors import ModelError, OutputInvalid
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.planner.call import call_model
from agentsdk.planner.dry import until_dry
from agentsdk.planner.material import texts_in
from agentsdk.planner.run import Run
from agentsdk.planner.shown import shown
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce
from agentsdk.references.cite import stands


async def look_again(rule: UntilDry, run: Run) -> None:
    """Add to the list in `run.output` what further passes find, and say in the findings how they ended."""
    shape, first = run.shape, run.output
    if shape is None or not isinstance(first, list):
        return
    in_sources = bool(run.passages) if rule.in_sources is None else rule.in_sources

    async def look(found: tuple[Any, ...]) -> Sequence[Any]:
        known = json.dumps([shape.plain(f) for f in found], ensure_ascii=False, indent=1)
        turns = (*shown(run), Message.user(_prompt(known, run)))
        request = Request(turns, output_schema=shape.schema)
        try:
            reply = await call_model(run, request, final=True, public=False)
            return list(shape.read(reply.message.text))
        except (ModelError, OutputInvalid) as error:
            run.note("missed", _("A pass for what was missed failed: {why}").format(why=error.what))
            return ()

    def holds(item: Any) -> bool:
        if rule.holds is not None and not rule.holds(item):
            return False
        said = texts_in(shape.plain(item))
        return not in_sources or any(stands(words, p.text) for words in said for p in run.passages)

    dry = await until_dry(first, look, passes=rule.passes, holds=holds, same=shape.sameness)
    run.output = list(dry.items)
    if sum(dry.passes) and run.draft is not None and shape.is_json(run.draft):
        run.draft = json.dumps(shape.plain(run.output), ensure_ascii=False)
    if dry.limit is not None:
        run.note("budget", _("The search for what was missed ended early: the budget was used up."))
    if more := sum(dry.passes):
        told = _("Further passes found {count} more; by pass: {passes}.")
        run.note("missed", told.format(count=more, passes=", ".join(map(str, dry.passes))))


def _prompt(known: str, run: Run) -> str:
    language, schema = run.brief.language, json.dumps(run.shape.schema if run.shape else {}, ensure_ascii=False)
    missed = render("missed", language, found=fence("found", known, nonce([known])))
    return missed + "\n\n" + render("output", language, schema=schema)
