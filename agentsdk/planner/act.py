"""One step: a tool call, a thought, or a question to the person. It never raises for what a step does wrong."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentsdk.errors import AgentError, ModelError, ToolError
from agentsdk.events import ApprovalNeeded, StepDone, StepStarted
from agentsdk.evidence import Evidence, Passage
from agentsdk.i18n import _
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import Request
from agentsdk.plan import ASK, THINK, Ref, Step
from agentsdk.planner.call import call_model
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce

_SAME_OUTCOMES = 2
"""How often a call may give the same outcome in one run before it is refused."""


async def act(step: Step, run: Run) -> Evidence:
    """Return what `step` brought, a failure included; only cancelling and the budget's end are raised.

    Everything that it needs must stand in `run.steps` as done.
    """
    began = time.monotonic()
    try:
        inputs = resolve(step.inputs, run.steps)
    except ToolError as error:
        run.emit(StepStarted(step.id, step.do, {}))
        return _end(Evidence(step.id, step.do, {}, "failed", error=_told(error)), began, run)
    waiting = _permission(step, inputs, run)
    if waiting is not None:
        if waiting.status == "pending":
            return waiting
        run.emit(StepStarted(step.id, step.do, inputs))
        return _end(waiting, began, run)
    run.emit(StepStarted(step.id, step.do, inputs))
    if step.do == ASK:
        question = str(inputs["question"])
        run.question_back = question
        return _end(Evidence(step.id, step.do, inputs, "pending", error=question), began, run)
    if looped := _looped(step.do, inputs, run):
        return _end(Evidence(step.id, step.do, inputs, "refused", error=looped), began, run)
    try:
        value = await _think(inputs, run) if step.do == THINK else await run.toolbox.call(step.do, inputs)
        evidence = _evidence(step, inputs, value)
    except AgentError as error:
        if isinstance(error, ModelError) and step.do == THINK:
            raise
        evidence = Evidence(step.id, step.do, inputs, "failed", error=_told(error))
    except Exception as error:  # a tool is a stranger's code and may raise anything
        evidence = Evidence(step.id, step.do, inputs, "failed", error=f"{type(error).__name__}: {error}")
    outcome = (
        json.dumps(evidence.value, ensure_ascii=False) if evidence.status == "done" else evidence.error or ""
    )
    run.seen.setdefault(_key(step.do, inputs), []).append(outcome)
    return _end(evidence, began, run)


def resolve(value: Any, done: Mapping[str, Evidence]) -> Any:
    """Return `value` with every Ref replaced by what it stands for.

    Raises:
        ToolError: the result has no such part; the text names the parts it has.

    """
    if isinstance(value, Ref):
        return _part(value, done[value.step].value)
    if isinstance(value, Mapping):
        return {k: resolve(v, done) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(v, done) for v in value]
    return value


def fingerprint(inputs: Any) -> str:
    """Return the digest under which a decision about a call with these inputs is kept."""
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _part(ref: Ref, value: Any) -> Any:
    for name in ref.path:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and name.isdigit()
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


def _permission(step: Step, inputs: Any, run: Run) -> Evidence | None:
    """Return None where the step may run, else the evidence that it may not, or not yet."""
    if step.do not in run.toolbox or not run.toolbox.get(step.do).needs_approval:
        return None
    key = (step.id, fingerprint(inputs))
    if key not in run.verdicts:
        run.waiting[step.id] = ToolCall(step.id, step.do, inputs)
        run.emit(ApprovalNeeded(step.id, run.waiting[step.id]))
        return Evidence(step.id, step.do, inputs, "pending", error=_("It waits for an approval."))
    verdict = run.verdicts[key]
    if verdict is True:
        return None
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


async def _think(inputs: Mapping[str, Any], run: Run) -> str:
    goal = str(inputs["goal"])
    rest = {k: v for k, v in inputs.items() if k != "goal"}
    material = json.dumps(rest, ensure_ascii=False, indent=1)
    mark = nonce([goal, material])
    prompt = render(
        "think", run.brief.language, goal=goal, material=fence("material", material, mark) if rest else "-"
    )
    reply = await call_model(run, Request((Message.user(prompt),)), public=False)
    return reply.message.text


def _evidence(step: Step, inputs: Any, value: Any) -> Evidence:
    if isinstance(value, Passage):
        value = [value]
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, Passage) for v in value):
        return Evidence(step.id, step.do, inputs, value=[p.text for p in value], passages=tuple(value))
    return Evidence(step.id, step.do, inputs, value=_as_json(value))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str, inf_nan_mode="strings")


def _told(error: AgentError) -> str:
    return " ".join(part for part in (error.what, error.why, error.fix) if part)


def _end(evidence: Evidence, began: float, run: Run) -> Evidence:
    evidence = replace(evidence, seconds=time.monotonic() - began)
    run.emit(StepDone(evidence))
    return evidence
