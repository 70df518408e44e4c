"""Reads what a model writes into its answer besides words: how it ended, and the quotes that prove it.

    [not_found] The handbook says nothing about parking.
    The adapter gives 5 V [p3: "rated at 5 V"], which is enough.

Both are marks in plain text and not JSON, so that an answer streams, and so that a small model can write them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Ending = Literal["not_found", "needs_input", "refused", "incomplete"]

_ENDING = re.compile(
    r"\s*[\[［【]\s*(not_found|needs_input|refused|incomplete)\s*[\]］】][:：]?\s*", re.IGNORECASE
)
# Small models turn quote marks into those of their language; a bracket inside the quote is allowed.
_OPEN, _CLOSE = "[\"“”「『«']", "[\"“”」』»']"
_CITED = re.compile(
    rf"\s?[\[［【]\s*(p\d+)\s*[:：]\s*{_OPEN}(.+?){_CLOSE}\s*[\]］】]", re.DOTALL | re.IGNORECASE
)
_BARE = re.compile(r"\s?[\[［【]\s*p\d+(?:\s*[,，;；]\s*p\d+)*\s*[:：]?\s*[\]］】]", re.IGNORECASE)
# What a stream may end in and still become one of the two above; a space before it goes with it.
_UNSURE = re.compile(
    rf"\s?(?:[\[［【]\s*(?:p(?:\d+(?:[\d\s,，;；p]*|\s*[:：]\s*(?:{_OPEN}.*)?))?)?)?$",
    re.DOTALL | re.IGNORECASE,
)
_MAY_BE_ENDING = re.compile(r"\s*(?:[\[［【][^\]］】]{0,20})?$")

_LONGEST_MARK = 2_000
"""Characters after which an open bracket is text: no quote that is asked for is as long."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote as the model gave it."""

    passage: str
    """The id that it names, such as "p3"."""
    text: str


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer taken apart: `pieces` are plain text and quotes in turn."""

    ending: Ending | None
    pieces: tuple[str | Quote, ...]


def read_marks(text: str) -> Marked:
    """Return the answer taken apart."""
    ending: Ending | None = None
    if opened := _ENDING.match(text):
        ending = opened[1].lower()  # type: ignore[assignment]  # the pattern has just these four
        text = text[opened.end() :]
    pieces: list[str | Quote] = []
    at = 0
    for found in _CITED.finditer(text):
        pieces.append(_BARE.sub("", text[at : found.start()]))
        pieces.append(Quote(found[1].lower(), found[2].strip()))
        at = found.end()
    pieces.append(_BARE.sub("", text[at:]))
    return Marked(ending, tuple(p for p in pieces if p))


class PublicText:
    """Lets a streamed answer through without its marks; what may become a mark is held back till then."""

    def __init__(self) -> None:
        self._held = ""
        self._begun = False

    def feed(self, piece: str) -> str:
        """Return what can be shown now."""
        self._held += piece
        if not self._begun:
            opened = _ENDING.match(self._held)
            if opened and opened.end() < len(self._held):
                self._held = self._held[opened.end() :]
            elif opened or _MAY_BE_ENDING.match(self._held):
                return ""
            self._begun = True
        text = _BARE.sub("", _CITED.sub("", self._held))
        unsure = _UNSURE.search(text)
        cut = unsure.start() if unsure and len(text) - unsure.start() < _LONGEST_MARK else len(text)
        shown, self._held = text[:cut], text[cut:]
        return shown

    def rest(self) -> str:
        """Return what was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return held if self._begun else _ENDING.sub("", held, count=1)
