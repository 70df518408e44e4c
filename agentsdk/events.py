"""What happens during a run: a closed union of small classes, the same in code, CLI and trace files.

Every event of a stream or a trace has an `id` and a `run_id`. The id is made of the step and of a digest of what
happened, so a run that is resumed tells what it had told before under the same ids. Two events are equal when the
same happened, in whichever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.answer import Answer
from agentsdk.budget import Usage
from agentsdk.evidence import Citation, Evidence
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Happening:
    """What every event has beside what happened; both are given when the event is read from a stream."""

    id: str = field(default="", kw_only=True, compare=False)
    """The same for the same event of the same run, also when a resumed run tells it again."""
    run_id: str = field(default="", kw_only=True, compare=False)
    """The run's, as in `answer.run_id`; a subagent's events carry that of the run that it works for."""


@dataclass(frozen=True, slots=True)
class RunStarted(Happening):
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
class IntentChosen(Happening):
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
class Condensed(Happening):
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
class PlanStepSeen(Happening):
    """A step was read from a plan that is still being written. It may start before the plan is complete."""

    step: Step


@dataclass(frozen=True, slots=True)
class PlanReady(Happening):
    """A plan passed its checks and is about to run."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class PlanRejected(Happening):
    """A plan cannot work; the findings went back to the model."""

    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepStarted(Happening):
    """A step of a plan, or a tool call of the direct loop, was started."""

    step: str
    do: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepRetried(Happening):
    """A step's attempt went wrong in a way that may pass; it is tried again, or its `alt` is."""

    step: str
    attempt: int
    """The attempt that went wrong, from 1."""
    error: str
    do: str = ""
    """What is tried next: the step's own tool or kind, or its `alt`."""


@dataclass(frozen=True, slots=True)
class StepDone(Happening):
    """A step ended. The subclasses say that it went wrong, or that nothing was done anew."""

    evidence: Evidence
    reused: bool = False
    """Whether it was taken from the journal of a resumed run, and not done again."""


@dataclass(frozen=True, slots=True)
class StepFailed(StepDone):
    """A step failed, or was refused: `evidence.error` says why."""


@dataclass(frozen=True, slots=True)
class StepReused(StepDone):
    """A step that had ended, well or not, in an earlier process of this run: it was not done again."""


def ended(evidence: Evidence, *, reused: bool = False) -> StepDone:
    """Return the event that tells how a step ended."""
    if reused:
        return StepReused(evidence, reused=True)
    return StepFailed(evidence) if evidence.status in ("failed", "refused") else StepDone(evidence)


@dataclass(frozen=True, slots=True)
class ApprovalNeeded(Happening):
    """A call waits for a yes or a no."""

    step: str
    call: ToolCall


@dataclass(frozen=True, slots=True)
class OutcomeUnknown(ApprovalNeeded):
    """A call was begun before a crash, and nobody knows whether it was done: a person has to say."""


@dataclass(frozen=True, slots=True)
class PatchProposed(Happening):
    """What broke of a plan is to be mended so; it is checked before it is applied."""

    failed: tuple[str, ...]
    """The steps that did not succeed."""
    steps: tuple[Step, ...] = ()
    """New or changed steps."""
    dropped: tuple[str, ...] = ()
    """Steps that are not needed any more."""
    faults: tuple[str, ...] = ()
    """Why the patch cannot be applied; the model is told."""


@dataclass(frozen=True, slots=True)
class PatchApplied(Happening):
    """A patch passed its checks: this is the plan now. Branches that it does not concern went on meanwhile."""

    failed: tuple[str, ...]
    plan: Plan


@dataclass(frozen=True, slots=True)
class Thought(Happening):
    """A piece of what the model thinks; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Draft(Happening):
    """A piece of the answer as it is written. It is not checked yet: `Finished` carries what holds."""

    text: str


@dataclass(frozen=True, slots=True)
class DraftReplaced(Happening):
    """The draft so far is void: checks failed, or the model went on to call tools. A new one follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cited(Happening):
    """A quote was found in its source."""

    number: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class ModelCalled(Happening):
    """A call of the model ended."""

    usage: Usage
    total: Usage
    """Of the run so far."""
    reused: bool = False
    """Whether the reply was taken from the journal of a resumed run, and the model was not asked again."""


@dataclass(frozen=True, slots=True)
class BudgetReserved(Happening):
    """A call of the model is about to be made: so much is held for it."""

    held: Usage
    total: Usage
    """Used by the run so far, this call not counted."""
    step: str = ""
    """The step inside which the call is made; "" for the run's own turns."""


@dataclass(frozen=True, slots=True)
class BudgetSettled(Happening):
    """What was held for a call was given back, and what it used was counted."""

    held: Usage
    used: Usage
    total: Usage
    step: str = ""


@dataclass(frozen=True, slots=True)
class BudgetReached(Happening):
    """A limit was reached; the run now answers with what it has."""

    limit: str
    """"calls", "tokens" or "seconds"."""


@dataclass(frozen=True, slots=True)
class Nested(Happening):
    """What happened in the run of a subagent, inside the step that called it."""

    step: str
    """The step of this run; the event within may be nested in turn."""
    agent: str
    """The name of the tool that the subagent is."""
    event: Event

    @property
    def path(self) -> str:
        """The steps from the outermost on, such as "s2/s1"."""
        return f"{self.step}/{self.event.path}" if isinstance(self.event, Nested) else self.step

    @property
    def innermost(self) -> Event:
        """The event itself, without the runs around it."""
        return self.event.innermost if isinstance(self.event, Nested) else self.event


@dataclass(frozen=True, slots=True)
class Finished(Happening):
    """The run ended; the last event of every stream."""

    answer: Answer[Any]


Event = (
    RunStarted
    | IntentChosen
    | Condensed
    | PlanStepSeen
    | PlanReady
    | PlanRejected
    | PatchProposed
    | PatchApplied
    | StepStarted
    | StepRetried
    | StepFailed
    | StepReused
    | StepDone
    | OutcomeUnknown
    | ApprovalNeeded
    | Thought
    | Draft
    | DraftReplaced
    | Cited
    | ModelCalled
    | BudgetReserved
    | BudgetSettled
    | BudgetReached
    | Nested
    | Finished
)
"""Closed: `match` on it and end with `assert_never`, and a type checker shows what a new event would change. A
subclass comes before its parent."""
