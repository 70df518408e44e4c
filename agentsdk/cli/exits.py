"""The exit codes, and which error or outcome has which."""

from __future__ import annotations

from agentsdk.answer import Outcome
from agentsdk.errors import (
    AgentError,
    ConfigurationError,
    ModelUnavailable,
    PlanError,
    QuestionError,
    ReferencesError,
    RunChanged,
    RunUnknown,
    TraceUnreadable,
)

ANSWERED, FAILED, USAGE, NOT_FOUND, OVER_BUDGET, REFUSED, UNREACHABLE, NEEDS_INPUT, NEEDS_APPROVAL = range(9)
INTERRUPTED = 130
"""Ctrl-C, as shells have it: 128 and the number of the signal."""

_OUTCOMES: dict[Outcome, int] = {
    "answered": ANSWERED,
    "failed": FAILED,
    "not_found": NOT_FOUND,
    "over_budget": OVER_BUDGET,
    "refused": REFUSED,
    "needs_input": NEEDS_INPUT,
    "needs_approval": NEEDS_APPROVAL,
}


def of_outcome(outcome: Outcome) -> int:
    """Return the exit code of a run that ended so."""
    return _OUTCOMES[outcome]


def of_error(error: AgentError) -> int:
    """Return the exit code of an error: 2 for what was typed or given, 6 for an unreachable model, else 1."""
    if isinstance(error, ModelUnavailable):
        return UNREACHABLE
    if isinstance(
        error,
        (
            ConfigurationError,
            QuestionError,
            ReferencesError,
            TraceUnreadable,
            PlanError,
            RunUnknown,
            RunChanged,
        ),
    ):
        return USAGE
    return FAILED
