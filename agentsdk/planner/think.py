"""think: reasons about results without tools, and keeps the quotes that its conclusion rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Reply, Request
from agentsdk.plan import Step
from agentsdk.planner.call import call_model
from agentsdk.planner.material import gather, sources_of
from agentsdk.planner.run import Run
from agentsdk.prompts import render


async def think(step: Step, inputs: Mapping[str, Any], run: Run) -> Evidence:
    """Return what the model concludes about "goal" from the other inputs."""
    goal = str(inputs["goal"])
    rest = {k: v for k, v in inputs.items() if k != "goal"}
    material = gather(goal, rest, sources_of(step, run), run.brief.language)
    prompt = render("think", run.brief.language, goal=goal, material=material.text)
    reply = await call_model(run, Request((Message.user(prompt),)), public=False)
    if fault := declined(reply):
        return Evidence(step.id, step.do, inputs, "failed", error=fault)
    text, passages = material.settle(reply.message.text)
    return Evidence(step.id, step.do, inputs, value=text, passages=passages, error=note_on(reply))


def declined(reply: Reply) -> str | None:
    """Return why a reply cannot be used, though it came: the model would not answer."""
    if reply.refused or reply.finish == "filter":
        return _("The model declined: {text}").format(text=reply.message.text[:200])
    return None


def note_on(reply: Reply) -> str | None:
    """Return what is to be known of a reply that was used."""
    return _("It was cut off at the token limit.") if reply.finish == "length" else None
