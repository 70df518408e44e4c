"""Waiting: what a run cannot decide alone, as plain data that a person can be shown anywhere and at any time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.messages import Json, ToolCall

WaitingKind = Literal["call", "plan", "outcome_unknown"]
"""call: a tool that needs a yes. plan: the whole plan, before anything of it runs. outcome_unknown: a call with an
effect outside was begun, and a crash came before its end: nobody knows whether it was done."""

PLAN, MAKE_PLAN = "plan", "make_plan"
"""The name under which a whole plan waits, and the tool by which a model hands one in."""


def is_plan(call: ToolCall) -> bool:
    """Return whether what waits is a whole plan, and not a step of that name."""
    return (call.id, call.name) == (PLAN, MAKE_PLAN)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a decision: what would run, and under which name it is decided."""

    step: str
    """The step's id, or "plan"."""
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """As they would be used; for a plan {"steps": [...]}."""
    kind: WaitingKind = "call"
    times: int = 0
    """With "outcome_unknown": how often it was begun without an end. Each time is a question of its own."""

    @property
    def digest(self) -> str:
        """The digest of the question: an answer to one about other arguments is not used."""
        return fingerprint([self.arguments, self.times] if self.times else self.arguments)

    @property
    def key(self) -> str:
        """The name of this question, and of no other: the step, and what would run."""
        return f"{self.step}#{self.digest[:16]}"

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return {
            "key": self.key,
            "kind": self.kind,
            "step": self.step,
            "tool": self.tool,
            "arguments": dict(self.arguments),
            "times": self.times,
        }


def fingerprint(inputs: Any) -> str:
    """Return the digest under which a decision about a call with these inputs is kept."""
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
