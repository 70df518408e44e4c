"""Answer: the text, what it rests on, and what it took."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from agentsdk.budget import Usage
from agentsdk.evidence import Citation, Evidence
from agentsdk.messages import Json, Message
from agentsdk.plan import Plan
from agentsdk.waiting import Waiting

T = TypeVar("T")

Outcome = Literal["answered", "not_found", "needs_input", "needs_approval", "over_budget", "refused", "failed"]
"""How a run ended.

answered: there is an answer. not_found: the references do not hold it. needs_input: the text is a question
back. needs_approval: a call waits for a yes. over_budget: the limit came first; the text is what there is.
refused: the model declined. failed: only in JSON output and traces; in code a failure is an exception.
"""

Kind = Literal[
    "arithmetic", "quote", "uncited", "plan", "budget", "tool", "truncated", "model",
    "length", "format", "facts", "private", "solution", "missed", "check",
]  # fmt: skip
"""What a finding is about; those of the second line come from `agentsdk.checks`, "check" from checks of your own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found and a reader should know."""

    kind: Kind
    text: str
    """One sentence in the user's language."""

    def to_dict(self) -> dict[str, Json]:
        """Return the finding as plain JSON."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a run gives back."""

    text: str
    """The public answer. Citations are marked [1], [2]... in the order of `citations`."""
    output: T
    """The same as `text`, or an object of the type that was asked for with `output=`."""
    status: Outcome = "answered"
    model: str = ""
    citations: tuple[Citation, ...] = ()
    """Quotes that were found in their source. Nothing else is ever shown as a citation."""
    unverified: tuple[str, ...] = ()
    """Quotes that the model gave and that stand in no source."""
    plan: Plan | None = None
    """The plan that was run; None where the model needed none."""
    steps: tuple[Evidence, ...] = ()
    """Every tool call and every step, in the order in which they were asked for."""
    usage: Usage = field(default_factory=Usage)
    findings: tuple[Finding, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    """What a person has to decide before the run can go on, where the status is "needs_approval"."""
    messages: tuple[Message, ...] = ()
    """The conversation, to be given as `history=` to the next run: the question and the answer appended."""
    run_id: str = ""
    """What `agent.resume` takes; empty where the agent has no store."""
    intent: str = ""
    """The agent's intent that the question was taken for, such as "orders/refund"; "" where none was."""

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Json]:
        """Return the answer as the plain JSON that `agentsdk ask --json` prints."""
        return {
            "answer": self.text,
            "status": self.status,
            "model": self.model,
            "citations": [c.to_dict() for c in self.citations],
            "unverified": list(self.unverified),
            "plan": self.plan.to_dict() if self.plan else None,
            "steps": [s.to_dict() for s in self.steps],
            "usage": self.usage.to_dict(),
            "findings": [f.to_dict() for f in self.findings],
            "waiting": [w.to_dict() for w in self.waiting],
            **({"run_id": self.run_id} if self.run_id else {}),
            **({"intent": self.intent} if self.intent else {}),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
