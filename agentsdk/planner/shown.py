"""What of a run's conversation a model is sent: all of it, or its older part told in brief, between marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agentsdk.evidence import Evidence
from agentsdk.messages import Message
from agentsdk.plan import describe
from agentsdk.planner.recall import is_told, recall_name
from agentsdk.planner.run import Run
from agentsdk.planner.units import Unit, earlier_turns, exchanges_of, opening, parts_of
from agentsdk.planner.weigh import as_json, cut, tokens_of
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce

LEAST_RESULT = 50
"""Tokens of a result that is shown in part, at least."""


def shown(run: Run) -> tuple[Message, ...]:
    """Return the conversation as a model is sent it: whole, or with its older part told in brief."""
    shelf = run.shelf
    if not is_told(run):
        return tuple(run.messages)
    head, turns, exchanges = opening(run), earlier_turns(run), exchanges_of(run)
    begin, question, rest = parts_of(run)
    before = [m for at, u in enumerate(turns) if at >= shelf.turns or u.id in shelf.kept for m in u.messages]
    after = [
        m for at, u in enumerate(exchanges) if at >= shelf.exchanges or u.id in shelf.kept for m in u.messages
    ]
    lead = _block("earlier", shelf.told, turns[: shelf.turns], run) if shelf.turns else ""
    done = _block("done", shelf.told_work, exchanges[: shelf.exchanges], run) if shelf.exchanges else ""
    if done:
        question = replace(question, text=f"{question.text}\n\n{done}")
    messages = [*before, question]
    if lead:
        first = next(at for at, m in enumerate(messages) if m.role == "user")
        messages[first] = replace(messages[first], text=f"{lead}\n\n{messages[first].text}")
    if shelf.longest is not None:
        after = [_in_part(m, shelf.longest, run) for m in after]
    return (*head, *messages, *rest[:begin], *after)


def _in_part(message: Message, room: int, run: Run) -> Message:
    """Return a result of which each part takes at most its share of `room` tokens; any other message as it is."""
    if message.role != "tool" or tokens_of(message.text, run.model) <= room:
        return message
    parts = re.split(r"\n\n(?=## )", message.text)  # those of a plan's steps
    text = "\n\n".join(cut(part, max(room // len(parts), LEAST_RESULT), run.model) for part in parts)
    steps = ", ".join(run.asked.get(message.call_id, ()))
    name = recall_name(run.toolbox)
    note = render("in_part", run.brief.language, tool=name, ids=steps)
    return replace(message, text=f"{text}\n{note}")


def _block(kind: str, told: str, units: Sequence[Unit], run: Run) -> str:
    """Return what is told in brief, between marks: the plan's state, the summary, and a line for what it leaves out."""
    left = [u for u in units if u.id not in run.shelf.kept]
    lines = []
    if kind == "done" and run.plan is not None:
        lines += ["plan:", *(f"- {s.id} {describe(s)}: {_state(s.id, run)}" for s in run.plan), ""]
    if told:
        lines += [told, ""]
    named = set(re.findall(r"[tecsp]\d+|\w+", told))
    rest = [u for u in left if u.id not in named and not (u.steps and named.issuperset(u.steps))]
    room = float(run.shelf.room)
    listed: list[str] = []
    for unit in reversed(rest):  # the latest first: where not all have room, the oldest are reached by search
        text = _line(unit, run)
        room -= tokens_of(text, run.model)
        if room < 0:
            break
        listed.append(text)
    if len(listed) < len(left):
        ids = [i for u in left for i in (u.steps or (u.id,))]
        lines.append(f"ids: {ids[0]} ... {ids[-1]} ({len(ids)})" if len(ids) > 8 else f"ids: {', '.join(ids)}")
    lines += listed[::-1]
    text = "\n".join(lines).strip()
    name = recall_name(run.toolbox)
    return render("condensed", run.brief.language, tool=name) + "\n" + fence(kind, text, nonce([kind, text]))


def _state(step: str, run: Run) -> str:
    evidence = run.steps.get(step)
    return evidence.status if evidence else "pending"


def _line(unit: Unit, run: Run) -> str:
    """Return a unit as one line of the list of what is left out."""
    if unit.steps:
        return "\n".join(f"- [{s}] {_line_of(run.steps[s], run)}" for s in unit.steps if s in run.steps)
    said = " / ".join(" ".join(m.text.split())[:80] for m in unit.messages if m.text and m.role != "tool")
    return f"- [{unit.id}] {said[:200]}"


def _line_of(evidence: Evidence, run: Run) -> str:
    inputs = as_json(evidence.inputs)[:80]
    if evidence.status != "done":
        brought = f"{evidence.status}: {(evidence.error or '')[:80]}"
    elif evidence.passages:
        brought = ", ".join(run.number(p) for p in evidence.passages)
    else:
        value = evidence.value if isinstance(evidence.value, str) else as_json(evidence.value)
        brought = " ".join(value.split())[:120]
    return f"{evidence.do} {inputs} -> {brought}"
