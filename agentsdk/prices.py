"""What models cost: a table with its date and source, and prices of one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agentsdk.budget import Usage

MILLION = 1_000_000

_DATED = re.compile(r"(?:-\d{4}-\d{2}-\d{2}|-latest)$")
_LOCAL = re.compile(r"^https?://(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/]|$)")


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in US dollars for a million tokens."""

    input: float
    output: float
    """Visible text, tool calls and thoughts alike."""
    cached: float | None = None
    """Of input that the provider had in its cache; None: as other input."""
    longer: Mapping[int, Price] = field(default_factory=dict, hash=False)
    """Other prices of a call whose input is longer than so many tokens."""

    def of(self, usage: Usage) -> float:
        """Return what a call cost, in US dollars."""
        price = self.at(usage.input_tokens)
        cached = min(usage.cached_tokens, usage.input_tokens)
        rate = price.input if price.cached is None else price.cached
        return (
            (usage.input_tokens - cached) * price.input + cached * rate + usage.output_tokens * price.output
        ) / MILLION

    def at(self, tokens: int) -> Price:
        """Return the price of a call with so many tokens of input."""
        over = [limit for limit in self.longer if tokens > limit]
        return self.longer[max(over)] if over else self


FREE = Price(0.0, 0.0)


def price_of(name: str, url: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """Return what a model costs where it is served; None where that is not known.

    Args:
        name: as `connect` takes it: "openai:gpt-4o-mini".
        url: the address of its server; "" where it has none.
        own: prices by such a name, or by the model's alone; they go before the table.

    """
    provider, _colon, model = name.partition(":")
    for known in (name, model, bare := _DATED.sub("", model)):
        if own and known in own:
            return own[known]
    # What runs on this machine is paid for by nobody else.
    if provider in ("offline", "gguf") or _LOCAL.match(url):
        return FREE
    table = next((t for t in _tables().values() if any(host in url for host in t["hosts"])), None)
    return _read(table["models"].get(model) or table["models"].get(bare)) if table else None


@cache
def _tables() -> dict[str, Any]:
    text = (Path(__file__).parent / "prices.json").read_text(encoding="utf-8")
    return {provider: table for provider, table in json.loads(text).items() if provider != "about"}


def _read(row: Mapping[str, Any] | None) -> Price | None:
    if row is None:
        return None
    longer = {int(limit): Price(**prices) for limit, prices in (row.get("longer") or {}).items()}
    return Price(row["input"], row["output"], row.get("cached"), longer)
