"""Tells the model what a step brought: results as text, passages between marks that they cannot close."""

from __future__ import annotations

import json
from dataclasses import replace

from agentsdk.evidence import Evidence, Passage
from agentsdk.i18n import _
from agentsdk.planner.run import Run
from agentsdk.prompts.fence import fence_passages

LONGEST = 20_000
"""Characters of one result that a prompt shows."""


def tell(evidence: Evidence, run: Run) -> str:
    """Return a step's result as the answer to the tool call that asked for it."""
    if evidence.status != "done":
        return f"{evidence.status}: {evidence.error or ''}".strip()
    if evidence.is_passages:
        return fence_passages([(run.number(p), p) for p in evidence.passages])
    if evidence.passages:  # what a subagent's answer rests on
        proofs = fence_passages([(run.number(p), p) for p in evidence.passages])
        return f"{tell(replace(evidence, passages=()), run)}\n\n{proofs}"
    if isinstance(evidence.value, str):
        return _cut(evidence.value)
    if evidence.value == []:
        return "[]"
    return _cut(json.dumps(evidence.value, ensure_ascii=False))


def tell_steps(done: list[Evidence], run: Run) -> str:
    """Return the results of a plan's steps as the answer to the call that made the plan.

    A heading a step, `## s1 look_up: done`, and its result. A text result is written as JSON, on one line, so
    that no result can write a heading of its own.
    """
    blocks = []
    for each in done:
        if each.status == "done" and each.is_passages:
            parts = [tell(each, run)]
        elif each.status == "done":
            parts = [_cut(json.dumps(each.value, ensure_ascii=False))]
            if proofs := [
                p for p in each.passages if not _is_shown(p, run)
            ]:  # what a thought or a summary rests on
                parts.append(fence_passages([(run.number(p), p) for p in proofs]))
        elif each.well:
            parts = [_("Its condition did not hold.")]
        else:
            parts = []
        if each.error:
            parts.append(json.dumps(each.error, ensure_ascii=False))
        blocks.append("\n".join([f"## {each.step} {each.do}: {each.status}", *parts]))
    return "\n\n".join(blocks)


def _is_shown(passage: Passage, run: Run) -> bool:
    """Whether the conversation holds the passage already, alone or within a longer one."""
    return any(known.source == passage.source and passage.text in known.text for known in run.passages)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST] + "\n" + _("(cut: {shown} of {all} characters)").format(shown=LONGEST, all=len(text))
