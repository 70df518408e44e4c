"""What happens during a run: a closed union of small classes, the same in code, CLI and trace files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.answer import Answer
from agentsdk.budget import Usage
from agentsdk.evidence import Citation, Evidence
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A question was taken up."""

    question: str
    model: str
    tools: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """The reference texts."""


@dataclass(frozen=True, slots=True)
class PlanReady:
    """A plan passed its checks and is about to run."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class PlanRejected:
    """A plan cannot work; the findings went back to the model."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step of a plan, or a tool call of the direct loop, was started."""

    step: str
    do: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step ended, well or not: `evidence.status` and `evidence.error` say."""

    evidence: Evidence
    reused: bool = False
    """Whether it was taken from the journal of a resumed run, and not done again."""


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """A call waits for a yes or a no."""

    step: str
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of what the model thinks; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece of the answer as it is written. It is not checked yet: `Finished` carries what holds."""

    text: str


@dataclass(frozen=True, slots=True)
class DraftReplaced:
    """The draft so far is void: checks failed, or the model went on to call tools. A new one follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A quote was found in its source."""

    number: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A call of the model ended."""

    usage: Usage
    total: Usage
    """Of the run so far."""
    reused: bool = False
    """Whether the reply was taken from the journal of a resumed run, and the model was not asked again."""


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """A limit was reached; the run now answers with what it has."""

    limit: str
    """"calls", "tokens" or "seconds"."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The run ended; the last event of every stream."""

    answer: Answer[Any]


Event = (
    RunStarted
    | PlanReady
    | PlanRejected
    | StepStarted
    | StepDone
    | ApprovalNeeded
    | Thought
    | Draft
    | DraftReplaced
    | Cited
    | ModelCalled
    | BudgetReached
    | Finished
)
