"""Keeps a run within its budget: reserved before a call, settled after it, one answer call kept back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from agentsdk.budget import Budget, Usage
from agentsdk.errors import ConfigurationError
from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.models.model import Request
from agentsdk.prices import MILLION, Price

ANSWER_SHARE = 0.2
"""Share of the seconds that is kept back for the answer."""

ANSWER_TOKENS = 300
"""Output tokens that are kept back for the answer, beside what its conversation takes."""


class LimitReached(Exception):  # it steers a run and never reaches a user
    """A call would go beyond the budget. `limit` is "calls", "tokens", "seconds" or "cost"."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit
        self.brought: Evidence | None = None
        """What the step had brought by then, where it is of use."""


class Ledger:
    """What a run may still use, and what it has used.

    Args:
        budget: the limits.
        outer: the ledger of the run that this one is a part of.
        price: what the model costs; None: not known.
        longest: tokens of the longest answer that the model gives, where that is known.

    """

    def __init__(
        self,
        budget: Budget,
        outer: Ledger | None = None,
        *,
        price: Price | None = None,
        longest: int | None = None,
    ) -> None:
        self.budget = budget
        self.price = price
        self.longest = longest
        self._outer = outer
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

    def share(self, part: float, inner: Ledger | None = None) -> Ledger:
        """Return the ledger of a subtask: a part of what is left here, and no more than its own allows.

        What the subtask uses is counted here as well; it is refused what is kept back here for the answer.

        Raises:
            ConfigurationError: money is limited here, and what the subtask's model costs is not known.

        """
        own = inner.budget if inner else Budget(calls=None)
        price = inner.price if inner else self.price
        if self.counts_cost() and price is None and self.budget.unknown_price == "refuse":
            raise unknown_price("")
        money = None if self.budget.cost is None else self.budget.cost - (self._counted().cost or 0.0)
        calls = None if self.budget.calls is None else self.budget.calls - self._counted().calls - 1
        tokens = None if self.budget.tokens is None else self.budget.tokens - self._counted().tokens
        left = self.seconds_left(final=False)
        return Ledger(
            replace(
                own,
                # Two calls at least, where there are so many: one that uses a tool, and the answer.
                calls=_less(
                    own.calls, None if calls is None else max(1, min(calls, max(2, round(calls * part))))
                ),
                tokens=_less(own.tokens, None if tokens is None else max(1, round(tokens * part))),
                seconds=_less(own.seconds, None if left is None else max(0.001, left * part)),
                cost=_less(own.cost, None if money is None else max(1e-9, money * part)),
            ),
            self,
            price=price,
            longest=inner.longest if inner else self.longest,
        )

    def _counted(self) -> Usage:
        return self.used + self._reserved

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
        request = self.limit(request, final=final)
        bounded = self.counts_tokens() or self.counts_cost()
        hold = Usage(1, estimate(request), (request.max_tokens or 0) if bounded else 0)
        hold = self.priced(hold)
        self.hold(hold)
        return request, hold

    def priced(self, used: Usage) -> Usage:
        """Return a usage with what it cost, where that is known."""
        if used.cost is not None or self.price is None:
            return used
        return replace(used, cost=self.price.of(used))

    def counts_cost(self) -> bool:
        """Return whether money is limited, here or where this is a share of."""
        return self.budget.cost is not None or (self._outer is not None and self._outer.counts_cost())

    def counts_tokens(self) -> bool:
        """Return whether tokens are limited, here or where this is a share of."""
        return self.budget.tokens is not None or (self._outer is not None and self._outer.counts_tokens())

    def hold(self, hold: Usage) -> None:
        """Hold so much for a call until it is settled."""
        self._reserved += hold
        if self._outer is not None:
            self._outer.hold(hold)

    def limit(self, request: Request, *, final: bool) -> Request:
        """Return the request, its output limited to what is left; nothing is held for it yet.

        Raises:
            LimitReached: as `reserve`.

        """
        if self._outer is not None:
            request = self._outer.limit(request, final=False)
        kept = 0 if final else 1
        calls, tokens = self.budget.calls, self.budget.tokens
        if calls is not None and self._counted().calls + 1 + kept > calls:
            raise LimitReached("calls")
        left = self.seconds_left(final=final)
        if left is not None and left <= 0:
            raise LimitReached("seconds")
        if tokens is not None:
            asks = estimate(request)
            free = tokens - self._counted().tokens - asks
            if not final:
                free -= asks + ANSWER_TOKENS
            if free < 1:
                raise LimitReached("tokens")
            request = self._at_most(free, request)
        if self.budget.cost is not None and self.price is not None:
            request = self._at_most(self._affordable(request, final=final), request)
        return request

    def _at_most(self, tokens: int, request: Request) -> Request:
        """Return the request with no more output than that, and than the model gives: a server refuses a larger one."""
        return replace(request, max_tokens=min(n for n in (tokens, request.max_tokens, self.longest) if n))

    def _affordable(self, request: Request, *, final: bool) -> int:
        """Return the tokens of output that the money left allows."""
        assert self.price is not None
        asks = estimate(request)
        price = self.price.at(asks)
        free = (self.budget.cost or 0.0) - (self._counted().cost or 0.0) - asks * price.input / MILLION
        if not final:
            free -= (asks * price.input + ANSWER_TOKENS * price.output) / MILLION
        tokens = free * MILLION / price.output if price.output else (MILLION if free >= 0 else 0)
        if tokens < 1:
            raise LimitReached("cost")
        return int(min(tokens, MILLION))

    def settle(self, hold: Usage, used: Usage) -> None:
        """Give back what was held for a call and count what it used."""
        used = self.priced(used)
        self._reserved = Usage(
            self._reserved.calls - hold.calls,
            self._reserved.input_tokens - hold.input_tokens,
            self._reserved.output_tokens - hold.output_tokens,
            cost=(self._reserved.cost or 0.0) - (hold.cost or 0.0),
        )
        self.used += replace(used, seconds=0.0)
        if self._outer is not None:
            self._outer.settle(hold, used)

    def recall(self, used: Usage) -> None:
        """Count what an earlier process of the same run has used."""
        used = self.priced(used)
        self.used += replace(used, seconds=0.0)
        if self._outer is not None:
            self._outer.recall(used)

    def affords_another(self) -> bool:
        """Return whether one more call, after the answer, is within the number of calls, the time and the money."""
        left = self.seconds_left(final=True)
        calls, cost = self.budget.calls, self.budget.cost
        afforded = cost is None or (self.used.cost or 0.0) < cost
        return (calls is None or self.used.calls < calls) and (left is None or left > 0) and afforded


def unknown_price(name: str) -> ConfigurationError:
    """Return the error for a limit of money on a model whose price is not known."""
    return ConfigurationError(
        _("What {model} costs is not known.").format(model=name or _("the model")),
        why=_("Money is limited, and its calls would count as nothing."),
        fix=_('Budget(cost=1.0, prices={"openai:my-model": Price(0.5, 1.5)}), or unknown_price="ignore".'),
    )


def _less(one: Any, other: Any) -> Any:
    return min((each for each in (one, other) if each is not None), default=None)


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
