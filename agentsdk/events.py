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
    persona: str = ""
    """Whom the agent speaks as: name, version and a digest of the text."""
    tokens: Mapping[str, int] = field(default_factory=dict)
    """By part of the system text: about how many tokens it takes."""


@dataclass(frozen=True, slots=True)
class IntentChosen:
    """The question was taken for one of the agent's intents, or for none of them."""

    intent: str
    """The names from the outermost on: "orders/refund"; "" where none fits."""
    by: str
    """"rule", "earlier" (it answers what was asked back), or "model"."""
    why: str = ""
    """The words that decided."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """The needed details that the question holds."""
    tokens: Mapping[str, int] = field(default_factory=dict)
    """About how many tokens its instructions, tools and examples take, and what all intents together would."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """The conversation had grown too long: its older part was made short. Nothing is lost: `recall` opens it again."""

    how: str
    """"summary" or "filter"."""
    turns: tuple[str, ...]
    """The ids of the earlier turns that are now told in short."""
    steps: tuple[str, ...]
    """The ids of this run's steps whose results are now told in short."""
    before: int
    """Tokens of the conversation, about."""
    after: int
    why: str = ""
    """Why it was filtered although a summary was asked for."""


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
    | IntentChosen
    | Condensed
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
