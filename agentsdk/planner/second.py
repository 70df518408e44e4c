"""A second solution by a call that never sees the first, and the comparison of both: by code, else by one judge."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from agentsdk.checks.check import Broken, Candidate, Fault
from agentsdk.checks.second import SolveThenCompare
from agentsdk.errors import ModelError, OutputInvalid
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.models.repair.json_text import read_json
from agentsdk.plan import STEP_KINDS
from agentsdk.planner.call import call_model
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.run import Run
from agentsdk.planner.tell import tell_steps
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce

_RESULT = re.compile(r"^\W*(?:Result|结果)\W*[:：]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_SAME = {
    "type": "object",
    "properties": {"same": {"type": "boolean"}},
    "required": ["same"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Second:
    """The second solution of a run. It is made once, and held against the corrected answer as well."""

    solution: Any
    """The result: text, or the typed output."""
    shown: str
    """The same as text."""
    judged: bool = False
    """Whether the one judge was asked."""


async def compare(rule: SolveThenCompare, candidate: Candidate, run: Run) -> list[Fault]:
    """Return the fault that an independent solution came to another result; nothing where both agree."""
    try:
        if run.second is None:
            if not run.ledger.affords_another():
                return [_left_out()]
            run.second = await _solve(run)
        second: Second = run.second
        agreed = rule.agrees(second.solution, candidate)
        if agreed is None and rule.judge and not second.judged:
            if not run.ledger.affords_another():
                return [_left_out()]
            second.judged = True
            agreed = await _judge(candidate, second, run)
    except LimitReached:
        return [_left_out()]
    except (ModelError, OutputInvalid) as error:
        told = _("The independent solution could not be made: {why}").format(why=error.what)
        return [Broken(told, "solution")]
    if agreed:
        return []
    if agreed is None:
        told = _("An independent solution could not be compared; it came to: {solution}")
        return [Broken(told.format(solution=second.shown), "solution")]
    told = _("An independent solution came to another result: {solution}").format(solution=second.shown)
    return [Fault(told, "solution", render("differs", run.brief.language, solution=second.shown))]


async def _solve(run: Run) -> Second:
    """Ask for a solution. The request holds the brief and what tools brought, and nothing that the model wrote."""
    brief = run.brief
    done = [e for e in run.steps.values() if e.status == "done" and e.do not in STEP_KINDS]
    told = tell_steps(done, run) if done else "-"
    prompt = render(
        "solve", brief.language, question=brief.question, material=fence("material", told, nonce([told]))
    )
    rules = [Message.system(brief.instructions)] if brief.instructions else []
    schema = None
    if run.shape is not None:
        schema = run.shape.schema
        prompt += "\n\n" + render("output", brief.language, schema=json.dumps(schema, ensure_ascii=False))
    turns = (*rules, *(m for m in brief.history if m.role != "system"), Message.user(prompt, *brief.media))
    reply = await call_model(run, Request(turns, output_schema=schema), final=True, public=False)
    text = reply.message.text.strip()
    if run.shape is not None:
        return Second(run.shape.read(text), text)
    named = _RESULT.findall(text)
    result = (named[-1] if named else text.splitlines()[-1]).strip(" *`")
    return Second(result, result)


async def _judge(candidate: Candidate, second: Second, run: Run) -> bool | None:
    """Ask whether both are the same. Which stands first depends on the texts alone, so that it tells nothing."""
    both = sorted([candidate.bare, second.shown], key=lambda t: hashlib.sha256(t.encode()).digest())
    mark = nonce(both)
    answers = "\n\n".join(fence("answer", text, mark, number=at) for at, text in enumerate(both, 1))
    prompt = render("same", run.brief.language, question=run.brief.question, answers=answers)
    request = Request((Message.user(prompt),), output_schema=_SAME)
    reply = await call_model(run, request, final=True, public=False)
    try:
        said, _forgiven = read_json(reply.message.text)
    except ValueError:
        return None
    same = said.get("same") if isinstance(said, dict) else None
    return same if isinstance(same, bool) else None


def _left_out() -> Broken:
    return Broken(_("The independent solution was left out: the budget does not afford it."), "budget")
