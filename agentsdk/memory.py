"""Memory: when a conversation is made short, how much of it stays as it is, and how the rest is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _

How = Literal["summary", "filter"]

SHARE = 0.6
"""Share of a model's window that a conversation may fill, where nobody said how much."""

LEAST = 200
"""Tokens below which no conversation can be told in short."""


@dataclass(frozen=True, slots=True)
class Memory:
    """How an agent keeps a long conversation within bounds.

    Args:
        tokens: counted tokens of a request, tools included, beyond which its older part is made short, to half of
            this. None: six tenths of the model's window, where it is known; else nothing is made short.
        keep_turns: the latest turns, and within a long run the latest exchanges with tools, that stay word for word
            as long as they fit.
        how: "summary" has the model tell the rest in short: one call, within the budget. "filter" keeps what is most
            like the question and makes no call. Where the budget does not afford a summary, or the model fails,
            it is filtered.
        summary_tokens: how long a summary may be.

    Raises:
        ConfigurationError: a number is too small, or `how` is not known.

    """

    tokens: int | None = None
    keep_turns: int = 4
    how: How = "summary"
    summary_tokens: int = 500

    def __post_init__(self) -> None:
        if self.how not in get_args(How):
            raise ConfigurationError(
                _("Memory(how={how!r}) is not known.").format(how=self.how), fix='"summary", "filter"'
            )
        for name, value, least in (
            ("tokens", self.tokens, LEAST), ("keep_turns", self.keep_turns, 1),
            ("summary_tokens", self.summary_tokens, 50),
        ):  # fmt: skip
            if value is not None and value < least:
                raise ConfigurationError(
                    _("Memory({name}={value}) is too little.").format(name=name, value=value),
                    fix=_("Give at least {least}.").format(least=least),
                )
