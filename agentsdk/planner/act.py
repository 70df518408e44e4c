"""One step: a tool call, a thought, or a question to the person. It never raises for what a step does wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from agentsdk.approval import Done, Edit
from agentsdk.errors import (
    AgentError,
    ContentFiltered,
    ContextOverflow,
    EmptyResponse,
    ModelError,
    ToolError,
    Truncated,
)
from agentsdk.events import ApprovalNeeded, OutcomeUnknown, StepRetried, StepStarted, ended
from agentsdk.evidence import Evidence, Passage
from agentsdk.i18n import _
from agentsdk.messages import ToolCall
from agentsdk.plan import ASK, EXTRACT, MAP, REDUCE, THINK, Plan, Step
from agentsdk.planner.arguments import as_asked
from agentsdk.planner.condense import condense
from agentsdk.planner.extract import extract
from agentsdk.planner.journal import Found, inside, spent
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.resolve import resolve_inputs
from agentsdk.planner.run import Run
from agentsdk.planner.spread import spread
from agentsdk.planner.think import think
from agentsdk.store.written import read, write
from agentsdk.waiting import fingerprint

_SAME_OUTCOMES = 2
"""How often a call may give the same outcome in one run before it is refused."""


async def act(step: Step, run: Run, *, last: bool = True) -> Evidence:
    """Return what `step` brought, a failure included; only cancelling and the budget's end are raised.

    Everything that it needs must stand in `run.steps` as done. What the journal of a resumed run holds is taken from
    there. What is new is in the journal when this returns.

    Args:
        last: nothing is done in place of the step when it fails: a failure is its end, and told as such.

    """
    began = time.monotonic()
    try:
        inputs = resolve_inputs(step, run.steps)
    except ToolError as error:
        run.emit(StepStarted(step.id, step.do, {}))
        return _end(Evidence(step.id, step.do, {}, "failed", error=_told(error)), began, run, last=last)
    edited = False
    tool = run.toolbox.get(step.do) if step.do in run.toolbox else None
    if tool is not None:
        inputs = as_asked(inputs, tool.parameters)
        inputs, edited = _edited(step, inputs, run)
    if tool is None and step.do == MAP:  # no row of its own: its elements have theirs
        run.emit(StepStarted(step.id, step.do, inputs))
        with inside(step.id):
            return _end(await spread(step, inputs, run, act), began, run)
    key = run.journal.of_step(step, inputs, tool, run.model.name)
    kept = False
    try:
        found = await run.journal.found(key)
        if found is not None and found.finished:
            kept = True
            return _again(inputs, found, run)
        waiting = await _permission(step, inputs, run, found, allowed=edited)
        if waiting is not None:
            if waiting.status == "pending":
                return waiting
            if waiting.status == "done":  # a person has said what it brought
                await run.journal.ended(key, _for_journal(waiting))
                kept = True
            run.emit(StepStarted(step.id, step.do, inputs))
            return _end(waiting, began, run)
        run.emit(StepStarted(step.id, step.do, inputs))
        if tool is not None and (tool.side_effect or tool.needs_approval) and not tool.keeps_itself:
            await run.journal.begun(key)
        with inside(step.id, key.digest) as place:
            evidence = replace(await _do(step, inputs, run), seconds=time.monotonic() - began)
        if evidence.status != "pending":
            await run.journal.ended(key, _for_journal(evidence), place.usage)
            kept = True
        return _end(evidence, began, run, last=last)
    finally:
        if not kept:
            run.journal.leave(key)


async def _do(step: Step, inputs: Any, run: Run) -> Evidence:
    of_map = "." in step.id
    if not of_map and (looped := _looped(step.do, inputs, run)):
        return Evidence(step.id, step.do, inputs, "refused", error=looped)
    try:
        if step.do in run.toolbox or step.do not in _KINDS:  # a tool may have the name of a kind
            value = await run.toolbox.call(
                step.do, inputs, lambda again, error: _tell_retry(step, again, error, run)
            )
            evidence = _evidence(step, inputs, value)
        else:
            evidence = await _KINDS[step.do](step, inputs, run)
    except LimitReached:
        raise
    except AgentError as error:
        if isinstance(error, ModelError) and not isinstance(error, _OF_THE_STEP):
            raise
        evidence = Evidence(step.id, step.do, inputs, "failed", error=_told(error))
    except Exception as error:  # a tool is a stranger's code and may raise anything
        evidence = Evidence(step.id, step.do, inputs, "failed", error=f"{type(error).__name__}: {error}")
    if not of_map and evidence.status != "pending":
        _saw(evidence, run)
    return evidence


def _tell_retry(step: Step, again: int, error: Exception, run: Run) -> None:
    run.emit(StepRetried(step.id, again, f"{type(error).__name__}: {error}"))


async def _ask(step: Step, inputs: Mapping[str, Any], run: Run) -> Evidence:
    question, hash_ = str(inputs["question"]), fingerprint(inputs)
    said = run.verdicts.get((step.id, hash_), run.journal.decision(step.id, hash_))
    if said is not None:  # by the person, when the run was resumed
        value = said.value if isinstance(said, Done) else said
        return Evidence(step.id, step.do, inputs, value=_as_json(value))
    run.question_back = question
    run.open_questions[step.id] = hash_
    return Evidence(step.id, step.do, inputs, "pending", error=question)


_KINDS: Mapping[str, Callable[[Step, Mapping[str, Any], Run], Awaitable[Evidence]]] = {
    THINK: think,
    EXTRACT: extract,
    REDUCE: condense,
    ASK: _ask,
}

_OF_THE_STEP = (ContentFiltered, ContextOverflow, EmptyResponse, Truncated)
"""Errors of a model that are about what this one step asked; any other is about all steps, and ends the work."""


def _saw(evidence: Evidence, run: Run) -> None:
    """Remember an outcome for the loop guard."""
    done = evidence.status == "done"
    outcome = json.dumps(evidence.value, ensure_ascii=False) if done else evidence.error or ""
    run.seen.setdefault(_key(evidence.do, evidence.inputs), []).append(outcome)


def _for_journal(evidence: Evidence) -> Any:
    """Return the evidence as its row holds it: its inputs are in the plan, and passages are not written twice."""
    wire = write(evidence)
    del wire["inputs"]
    if evidence.is_passages:
        del wire["value"]
    return wire


def _again(inputs: Any, found: Found, run: Run) -> Evidence:
    """Return what the journal holds of a step: told as it was, and not done again."""
    evidence = replace(read(Evidence, found.value), inputs=inputs)
    if "value" not in found.value:
        evidence = replace(evidence, value=[p.text for p in evidence.passages])
    if evidence.status == "refused":
        run.refused_loops += 1
    else:
        _saw(evidence, run)
    run.ledger.recall(found.usage)
    spent(found.usage)
    run.emit(ended(evidence, reused=True))
    return evidence


def _edited(step: Step, inputs: Any, run: Run) -> tuple[Any, bool]:
    """Return the inputs as a person has changed them, and whether one has."""
    id_, hash_ = run.full(step.id), fingerprint(inputs)
    verdict = run.verdicts.get((id_, hash_), run.journal.decision(id_, hash_))
    if isinstance(verdict, Edit) and not isinstance(verdict.to, Plan):
        return dict(verdict.to), True
    return inputs, False


async def _permission(
    step: Step, inputs: Any, run: Run, found: Found | None, *, allowed: bool
) -> Evidence | None:
    """Return None where the step may run, else the evidence that it may not, or not yet.

    Args:
        allowed: a person has written these inputs.

    """
    if step.do not in run.toolbox:
        return None
    id_, hash_ = run.full(step.id), fingerprint(inputs)
    said = _("It waits for an approval.")
    if found is not None:  # begun before a crash, and not ended: nobody knows whether it was done
        hash_ = fingerprint([inputs, found.attempt])
        said = _("It was begun before the run was stopped. Whether it was done is not known.")
    elif allowed or not run.toolbox.get(step.do).needs_approval:
        return None
    verdict = run.verdicts.get((id_, hash_), run.journal.decision(id_, hash_))
    if verdict is None:
        run.waiting[id_] = ToolCall(id_, step.do, inputs)
        if found is not None:
            run.unknown[id_] = found.attempt
        await run.journal.waits(id_, hash_, {"do": step.do, "in": inputs, "unknown": found is not None})
        told = ApprovalNeeded if found is None else OutcomeUnknown
        run.emit(told(step.id, run.waiting[id_]))
        return Evidence(step.id, step.do, inputs, "pending", error=said)
    if verdict is True:
        return None
    if isinstance(verdict, Done):
        return _evidence(step, inputs, verdict.value)
    reason = verdict if isinstance(verdict, str) and verdict else _("A person said no.")
    return Evidence(step.id, step.do, inputs, "refused", error=reason)


def _looped(do: str, inputs: Any, run: Run) -> str | None:
    outcomes = run.seen.get(_key(do, inputs), [])
    if len(outcomes) < _SAME_OUTCOMES or len(set(outcomes[-_SAME_OUTCOMES:])) > 1:
        return None
    run.refused_loops += 1
    return _("{name} was called with these arguments before and gave the same each time: use that.").format(
        name=do
    )


def _key(do: str, inputs: Any) -> str:
    return f"{do} {json.dumps(inputs, ensure_ascii=False, sort_keys=True, default=str)}"


def _evidence(step: Step, inputs: Any, value: Any) -> Evidence:
    if isinstance(value, Evidence):  # a subagent's
        return replace(value, step=step.id, do=step.do, inputs=inputs)
    if isinstance(value, Passage):
        value = [value]
    note = getattr(value, "note", None) if isinstance(value, list) else None
    told = note if isinstance(note, str) and note else None
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, Passage) for v in value):
        texts = [p.text for p in value]
        return Evidence(step.id, step.do, inputs, value=texts, passages=tuple(value), error=told)
    return Evidence(step.id, step.do, inputs, value=_as_json(value), error=told)


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str, inf_nan_mode="strings")


def _told(error: AgentError) -> str:
    return " ".join(part for part in (error.what, error.why, error.fix) if part)


def _end(evidence: Evidence, began: float, run: Run, *, last: bool = True) -> Evidence:
    evidence = replace(evidence, seconds=time.monotonic() - began)
    if last or evidence.status != "failed":
        run.emit(ended(evidence))
    return evidence
