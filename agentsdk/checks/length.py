"""Length: as many words, sentences, paragraphs or bullets as were asked for. Counted, not hoped for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from agentsdk.checks.check import Candidate, Fault
from agentsdk.checks.count import Counted, count, cuts
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _

Many = int | tuple[int, int]
"""So many, or from the first to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long the answer may be. How each is counted stands in `agentsdk.checks.count`.

    Models do not count words well, and paragraphs and bullets much better: where you can choose, ask for these. An
    answer that is too long also after a correction is cut behind a sentence, and says so.

    Raises:
        ConfigurationError: no limit is given, or one that nothing can meet.

    """

    paragraphs: Many | None = None
    bullets: Many | None = None
    sentences: Many | None = None
    max_words: int | None = None
    min_words: int | None = None
    max_characters: int | None = None
    min_characters: int | None = None

    def __post_init__(self) -> None:
        limits = list(self._limits())
        if not limits:
            raise ConfigurationError(
                _("Length() asks for nothing."),
                fix="Length(max_words=80), Length(bullets=3), Length(sentences=(1, 3))",
            )
        for name, least, most in limits:
            if least < 0 or (most is not None and (most < max(least, 0) or most < 1)):
                raise ConfigurationError(
                    _("No answer has {least} to {most} {name}.").format(
                        name=_unit(name), least=least, most=most
                    )
                )

    def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return each limit that the text does not keep, with what was counted."""
        return [Fault(text, "length") for text in self._faults(count(candidate.text))]

    def mend(self, candidate: Candidate) -> tuple[str, str] | None:
        """Return the longest beginning of the text that keeps every upper limit, and what to say of the cut.

        It ends behind a sentence. None where there is none.

        A cut that would leave too little for a lower limit is not made.
        """
        text = candidate.text
        ends = cuts(text)
        fitting = bisect_right(ends, 0, key=lambda end: self._is_over(count(text[:end])))
        if fitting == 0 or ends[fitting - 1] >= len(text.rstrip()):
            return None
        cut = text[: ends[fitting - 1]].rstrip()
        faults = self._faults(count(text))
        if not cut or len(self._faults(count(cut))) >= len(faults):
            return None
        return cut, _("The answer was cut behind a sentence. {faults}").format(faults=" ".join(faults))

    def _is_over(self, counted: Counted) -> bool:
        return any(most is not None and getattr(counted, name) > most for name, _least, most in self._limits())

    def _limits(self) -> Iterator[tuple[str, int, int | None]]:
        for name in ("paragraphs", "bullets", "sentences"):
            asked: Many | None = getattr(self, name)
            if asked is not None:
                least, most = (asked, asked) if isinstance(asked, int) else asked
                yield name, least, most
        if self.max_words is not None or self.min_words is not None:
            yield "words", self.min_words or 0, self.max_words
        if self.max_characters is not None or self.min_characters is not None:
            yield "characters", self.min_characters or 0, self.max_characters

    def _faults(self, counted: Counted) -> list[str]:
        found = []
        for name, least, most in self._limits():
            here = getattr(counted, name)
            if least == most != here:
                told = _("{unit}: {here}; {most} were asked for.")
            elif most is not None and here > most:
                told = _("{unit}: {here}; at most {most} were asked for.")
            elif here < least:
                told = _("{unit}: {here}; at least {least} were asked for.")
            else:
                continue
            found.append(told.format(unit=_unit(name), here=here, least=least, most=most))
        return found


def _unit(name: str) -> str:
    return {
        "words": _("words"),
        "characters": _("characters"),
        "sentences": _("sentences"),
        "paragraphs": _("paragraphs"),
        "bullets": _("bullets"),
    }[name]
