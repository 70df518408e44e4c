"""Asks about calls that need a yes, one after another: the one place where a run waits for a person."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import nullcontext

from agentsdk.approval import Policy
from agentsdk.planner.act import fingerprint
from agentsdk.planner.run import Run


async def approve(run: Run) -> bool:
    """Ask the policy about every waiting call; return whether at least one was decided.

    Answers are kept by step id and a digest of the arguments, so no answer can reach another call.
    """
    if run.policy is None:
        return False
    async with run.asking or nullcontext():
        return await _ask_about_each(run, run.policy)


async def _ask_about_each(run: Run, policy: Policy) -> bool:
    decided = False
    for step, call in list(run.waiting.items()):
        if step in run.unknown or step in run.asked_inside:
            continue
        if inspect.iscoroutinefunction(policy):
            verdict = await policy(call)
        else:
            # In a thread: it may wait for a person, and other runs share this loop.
            verdict = await asyncio.to_thread(policy, call)
            if inspect.isawaitable(verdict):
                verdict = await verdict
        if verdict is not None:
            hash_ = fingerprint(call.arguments)
            await run.journal.decided(step, hash_, verdict)
            run.verdicts[step, hash_] = verdict
            del run.waiting[step]
            decided = True
    return decided
