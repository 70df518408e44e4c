"""Asks about what waits: the one place where a run waits for a person."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from agentsdk.approval import Edit, PlanFirst, Verdict, is_decision
from agentsdk.errors import ConfigurationError, ToolError
from agentsdk.i18n import _
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan
from agentsdk.planner.lint import lint
from agentsdk.planner.run import Run
from agentsdk.waiting import fingerprint, is_plan

_ASKED = 3
"""How often one question is put while its answers are edits that cannot be used."""


async def approve(run: Run) -> bool:
    """Ask the policy about everything that waits; return whether at least one of it was decided.

    An async policy is asked about all at once, a plain function about one after another, in a thread. Answers are kept
    by step id and a digest of the arguments, so none can reach another call, in whatever order they come.

    Raises:
        ConfigurationError: the policy returned what is no decision.

    """
    settled = {*run.unknown, *run.asked_inside}  # nobody but a person may say, or the subagent has asked
    asked = [call for id_, call in run.waiting.items() if id_ not in settled]
    if run.policy is None or not asked:
        return False
    turn = asyncio.Lock()
    try:
        async with run.asking or nullcontext(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_decide(call, run, turn)) for call in asked]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    decided = False
    for call, verdict in zip(asked, (task.result() for task in tasks), strict=True):
        if verdict is not None:
            hash_ = fingerprint(call.arguments)
            await run.journal.decided(call.id, hash_, verdict)
            run.verdicts[call.id, hash_] = verdict
            del run.waiting[call.id]
            decided = True
    return decided


def refuse_misfits(decisions: Mapping[str, object], waiting: Sequence[Mapping[str, str]], run: Run) -> None:
    """Raise ConfigurationError where an edit among decisions about what waits cannot be used."""
    tools = {each["step"]: each.get("tool", "") for each in waiting}
    for name, decision in decisions.items():
        step = name.partition("#")[0]
        fault = misfit(ToolCall(step, tools.get(step, ""), {}), decision, run)
        if fault:
            raise ConfigurationError(_("The edit of {name} cannot be used.").format(name=name), why=fault)


async def _decide(call: ToolCall, run: Run, turn: asyncio.Lock) -> Verdict:
    """Return the decision about a call; None where there is none, or none that could be used."""
    for _time in range(_ASKED):
        try:
            verdict = await _ask(call, run, turn)
        except (
            Exception
        ) as error:  # a policy is a stranger's code: its fault must not lose what the run has done
            run.note(
                "tool",
                _("The approval policy broke off: {error}").format(error=f"{type(error).__name__}: {error}"),
            )
            return None
        if verdict is None:
            return None
        if not is_decision(verdict):
            raise ConfigurationError(
                _("The approval policy returned {value!r}.").format(value=verdict),
                fix=_("Return True, False, a reason, Edit(...), or None where nobody can say."),
            )
        fault = misfit(call, verdict, run)
        if not fault:
            return verdict
        run.note("tool", _("An edit of {step} could not be used: {fault}").format(step=call.id, fault=fault))
    return None


def misfit(call: ToolCall, verdict: object, run: Run) -> str:
    """Return why a decision cannot be used, in a sentence; "" where it can."""
    if not isinstance(verdict, Edit):
        return ""
    if isinstance(verdict.to, Plan) != is_plan(call):
        return _("It is a plan.") if isinstance(verdict.to, Plan) else _("It is no plan.")
    if isinstance(verdict.to, Plan):
        done = [id_ for id_, evidence in run.steps.items() if evidence.status == "done"]
        return " ".join(lint(verdict.to, run.toolbox, done, run.ledger))
    if call.name not in run.toolbox:  # a subagent's: its own toolbox checks the arguments before it runs
        return ""
    try:
        run.toolbox.get(call.name).validate(verdict.to)
    except ToolError as error:
        return error.what
    return ""


async def _ask(call: ToolCall, run: Run, turn: asyncio.Lock) -> Verdict:
    policy = run.policy.policy if isinstance(run.policy, PlanFirst) else run.policy
    if policy is None:
        return None
    if inspect.iscoroutinefunction(policy):
        return await policy(call)  # type: ignore[no-any-return]  # a Policy's, by its type
    async with turn:
        # In a thread: it may wait for a person, and other runs share this loop.
        verdict = await asyncio.to_thread(policy, call)
    return await verdict if inspect.isawaitable(verdict) else verdict
