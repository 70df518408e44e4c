"""Facts: what an answer must say, k of n, found by normalised text and by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agentsdk.checks.check import Candidate, Fault
from agentsdk.checks.numbers import as_number, numbers, same_number
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.references.cite import stands

Said = str | int | float
"""A text, found whatever its case, width and spacing, and never in the middle of a word; or a number, found however it
is written: 2340 in "2,340", 0.17 in "17%"."""


@dataclass(frozen=True, slots=True, init=False)
class Facts:
    """What the answer must say: `Facts(["30 days", ["refund", "money back"], 397.8], at_least=2)`.

    A list within the list holds several ways to say one fact. That a fact is denied ("not 30 days") is not seen.

    Raises:
        ConfigurationError: there are no facts, or `at_least` is not between 1 and their number.

    """

    facts: tuple[tuple[Said, ...], ...]
    at_least: int
    tolerance: float
    """Share by which a number may differ."""

    def __init__(
        self, facts: Iterable[Said | Iterable[Said]], *, at_least: int | None = None, tolerance: float = 0.0
    ) -> None:
        if isinstance(facts, str):
            facts = [facts]
        found = tuple((f,) if isinstance(f, (str, int, float)) else tuple(f) for f in facts)
        wanted = len(found) if at_least is None else at_least
        if not found or not all(found) or not 1 <= wanted <= len(found):
            raise ConfigurationError(
                _("Facts() needs facts, and at_least between 1 and their number."),
                fix='Facts(["30 days", ["refund", "money back"]], at_least=1)',
            )
        object.__setattr__(self, "facts", found)
        object.__setattr__(self, "at_least", wanted)
        object.__setattr__(self, "tolerance", tolerance)

    def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return one fault that names the facts that are missing, where too many are."""
        lacking = self.missing(candidate.bare)
        if len(self.facts) - len(lacking) >= self.at_least:
            return []
        shown = "; ".join(" / ".join(map(str, f)) for f in lacking)
        if self.at_least == len(self.facts):
            return [Fault(_("The answer does not say: {facts}").format(facts=shown), "facts")]
        told = _("The answer says {here} of {all} facts, and {least} are needed. It does not say: {facts}")
        here = len(self.facts) - len(lacking)
        return [Fault(told.format(here=here, all=len(self.facts), least=self.at_least, facts=shown), "facts")]

    def missing(self, text: str) -> list[tuple[Said, ...]]:
        """Return the facts that `text` does not say."""
        there = numbers(text)

        def said(fact: Said) -> bool:
            if isinstance(fact, str):
                return stands(fact, text)
            return any(same_number(as_number(fact), n, self.tolerance) for n in there)

        return [f for f in self.facts if not any(map(said, f))]
