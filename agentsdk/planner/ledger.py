"""Keeps a run within its budget: reserved before a call, settled after it, one answer call kept back."""

from __future__ import annotations

import time
from dataclasses import replace

from agentsdk.budget import Budget, Usage
from agentsdk.evidence import Evidence
from agentsdk.models.model import Request

ANSWER_SHARE = 0.2
"""Share of the seconds that is kept back for the answer."""

ANSWER_TOKENS = 300
"""Output tokens that are kept back for the answer, beside what its conversation takes."""


class LimitReached(Exception):  # it steers a run and never reaches a user
    """A call would go beyond the budget. `limit` is "calls", "tokens" or "seconds"."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
        self.brought: Evidence | None = None
        """What the step had brought by then, where it is of use."""


class Ledger:
    """What a run may still use, and what it has used."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.used = Usage()
        self._reserved = Usage()
        self._began = time.monotonic()

    def begin(self) -> None:
        """Start the clock: what went on before, such as imports, is not the run's."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since the run began."""
        return time.monotonic() - self._began

    @property
    def total(self) -> Usage:
        """What the whole run has used so far."""
        return replace(self.used, seconds=self.seconds)

    def seconds_left(self, *, final: bool) -> float | None:
        """Return the wall time left, for the work or for the final answer; None: no limit."""
        if self.budget.seconds is None:
            return None
        share = 1.0 if final else 1.0 - ANSWER_SHARE
        return max(self.budget.seconds * share - self.seconds, 0.0)

    def reserve(self, request: Request, *, final: bool) -> tuple[Request, Usage]:
        """Return the request, its output limited to what is left, and the hold to give to `settle`.

        Raises:
            LimitReached: the call would use what is kept back for the answer; or, when `final`, more than
                there is.

        """
        kept = 0 if final else 1
        calls, tokens = self.budget.calls, self.budget.tokens
        if calls is not None and self.used.calls + self._reserved.calls + 1 + kept > calls:
            raise LimitReached("calls")
        left = self.seconds_left(final=final)
        if left is not None and left <= 0:
            raise LimitReached("seconds")
        hold = Usage(calls=1, input_tokens=estimate(request))
        if tokens is not None:
            free = tokens - self.used.tokens - self._reserved.tokens - hold.input_tokens
            if not final:
                free -= hold.input_tokens + ANSWER_TOKENS
            if free < 1:
                raise LimitReached("tokens")
            request = replace(request, max_tokens=min(free, request.max_tokens or free))
            hold = replace(hold, output_tokens=request.max_tokens or 0)
        self._reserved += hold
        return request, hold

    def settle(self, hold: Usage, used: Usage) -> None:
        """Give back what was held for a call and count what it used."""
        self._reserved = Usage(
            self._reserved.calls - hold.calls,
            self._reserved.input_tokens - hold.input_tokens,
            self._reserved.output_tokens - hold.output_tokens,
        )
        self.used += replace(used, seconds=0.0)

    def recall(self, used: Usage) -> None:
        """Count what an earlier process of the same run has used."""
        self.used += replace(used, seconds=0.0)

    def affords_another(self) -> bool:
        """Return whether one more call, after the answer, is within the number of calls and the time."""
        left = self.seconds_left(final=True)
        calls = self.budget.calls
        return (calls is None or self.used.calls < calls) and (left is None or left > 0)


def estimate(request: Request) -> int:
    """Return about how many tokens a request is: 4 ASCII characters or 1 other character each, and its frame.

    Other scripts stand at 0.5 to 0.7 tokens a character (research of the tokenizers' tables), so this is on
    the safe side for a limit; the provider's own count replaces it when the call has ended.
    """
    texts = [m.text for m in request.messages]
    texts += [str(c.arguments) for m in request.messages for c in m.calls]
    texts += [f"{t.name}{t.description}{t.parameters}" for t in request.tools]
    ascii_ = sum(sum(ch < "\x80" for ch in t) for t in texts)
    other = sum(map(len, texts)) - ascii_
    return ascii_ // 4 + other + 4 * len(request.messages) + 1
