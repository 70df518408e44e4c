"""Lets the model mend a plan of which steps failed: once, with every result that there is in its hands."""

from __future__ import annotations

from agentsdk.messages import Message
from agentsdk.planner.run import Run
from agentsdk.prompts import render


def repair(run: Run) -> None:
    """Ask, in the conversation, for what is missing; the next turn of `work` carries it out.

    Finished steps stay as they are: new steps may use their results and cannot take their ids.
    """
    run.repairs += 1
    run.messages.append(Message.user(render("repair", run.brief.language)))
