"""What a plan costs at least: the model calls and tokens that it cannot do without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.models.tokens import estimate
from agentsdk.plan import EXTRACT, MAP, REDUCE, THINK, Step, to_wire
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.pieces import PIECE
from agentsdk.toolbox import Toolbox

FRAME = 60
"""Tokens of the prompt around what a step is about, and of a short reply, at least."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Model calls and tokens."""

    calls: int = 0
    tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.calls + other.calls, self.tokens + other.tokens)

    def beyond(self, ledger: Ledger) -> str | None:
        """Return what there is too little of for this, and for the answer; None where there is enough."""
        calls, tokens = ledger.budget.calls, ledger.budget.tokens
        if calls is not None and self.calls + 1 > calls - ledger.used.calls:
            return _(
                "the steps up to it need {need} model calls, and there are {left} beside the answer's"
            ).format(need=self.calls, left=max(calls - ledger.used.calls - 1, 0))
        if tokens is not None and self.calls and self.tokens > tokens - ledger.used.tokens:
            return _("the steps up to it need {need} tokens, and there are {left}").format(
                need=self.tokens, left=max(tokens - ledger.used.tokens, 0)
            )
        return None


def cost_of(step: Step, toolbox: Toolbox) -> Cost:
    """Return what a step costs at least. A tool costs no model call, and a step with a condition may be skipped."""
    if step.when is not None or step.do in toolbox:
        return Cost()
    material = estimate(json.dumps(to_wire(step.inputs), ensure_ascii=False, default=str))
    if step.do in (THINK, EXTRACT):
        return Cost(1, FRAME + int(material))
    if step.do == REDUCE:
        over = _literal(step.over)
        size = step.inputs.get("tokens")
        pieces = max(int(over // (size if isinstance(size, int) and size > 0 else PIECE)), 1)
        return Cost(pieces, pieces * FRAME + int(material + over))
    if step.do == MAP and isinstance(step.over, Sequence) and not isinstance(step.over, str):
        try:
            each = cost_of(step.body, toolbox)
        except PlanError:
            return Cost()  # it is refused for that
        count = min(len(step.over), step.most or len(step.over))
        return Cost(each.calls * count, each.tokens * count)
    return Cost()


def _literal(over: Any) -> float:
    """Return the tokens of what stands in the plan itself."""
    if isinstance(over, str):
        return estimate(over)
    return sum(_literal(each) for each in over) if isinstance(over, (list, tuple)) else 0.0
