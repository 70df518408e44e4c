"""The virtual tool `make_plan`, as a model is told of it, and the form of a step."""

from __future__ import annotations

from typing import Any

from agentsdk.models.model import ToolSpec
from agentsdk.plan import STEP_KINDS
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.waiting import MAKE_PLAN


def make_plan_spec(run: Run) -> ToolSpec:
    """Return the tool that makes a plan of the run's tools."""
    parameters = {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": step_form(run)}},
        "required": ["steps"],
    }
    return ToolSpec(MAKE_PLAN, render("make_plan", run.brief.language), parameters)


def step_form(run: Run) -> dict[str, Any]:
    """Return the JSON schema of a step: small, since it is sent with every call; the linter knows the rest."""
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "do": {"type": "string", "enum": list(dict.fromkeys((*run.toolbox.names, *STEP_KINDS)))},
            "in": {"type": "object"},
            "over": {},
            "max": {"type": "integer"},
            "as": {},
            "when": {"type": "object"},
            "after": {"type": "array", "items": {"type": "string"}},
            "alt": {},
        },
        "required": ["id", "do", "in"],
    }
