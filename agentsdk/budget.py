"""Usage, which adds up, and Budget, which limits it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.messages import Json


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used. Usages add up: `a + b`."""

    calls: int = 0
    """Calls of a model."""
    input_tokens: int = 0
    output_tokens: int = 0
    """Visible text, tool calls and reasoning together, as providers bill them."""
    cached_tokens: int = 0
    """Of `input_tokens`: those that the provider read from its cache."""
    reasoning_tokens: int = 0
    """Of `output_tokens`: those that were thought and not said."""
    seconds: float = 0.0
    """Wall time."""
    cost: float | None = None
    """US dollars; None where the price is not known."""

    def __add__(self, other: Usage) -> Usage:
        costs = [c for c in (self.cost, other.cost) if c is not None]
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.seconds + other.seconds,
            sum(costs) if costs else None,
        )

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def to_dict(self) -> dict[str, Json]:
        """Return the usage as plain JSON."""
        return {
            "calls": self.calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "seconds": round(self.seconds, 4),
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a run may use. At a limit the run answers with what it has, and says so.

    One call is always kept back for that answer: `Budget(calls=1)` asks once, without tools.

    Raises:
        ConfigurationError: a limit is zero or less.

    """

    calls: int | None = 20
    """Calls of a model; None: no limit."""
    tokens: int | None = None
    """Input and output tokens of all calls together."""
    seconds: float | None = None
    """Wall time of the run. A fifth of it is kept back for the answer."""
    cost: float | None = None
    """US dollars of all calls together, by `agentsdk.prices` or by `prices`."""
    prices: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """By the name of a model: an `agentsdk.prices.Price` that goes before the table."""
    unknown_price: Literal["refuse", "ignore"] = "refuse"
    """Whether a limit of money may be set for a model whose price is not known: its calls would count as nothing."""

    def __post_init__(self) -> None:
        limits = {"calls": self.calls, "tokens": self.tokens, "seconds": self.seconds, "cost": self.cost}
        for name, value in limits.items():
            if value is not None and not value > 0:
                raise ConfigurationError(
                    _("A budget of {value} {name} allows nothing.").format(value=value, name=name),
                    fix=_("Give a number above 0, or None for no limit."),
                )
