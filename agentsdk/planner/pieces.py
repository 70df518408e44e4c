"""Cuts a text into pieces of so many tokens, at the best places, so that together they are the text again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agentsdk.models.tokens import estimate

PIECE = 2_000
"""Tokens of a piece, where nothing else is said: small enough for any model, large enough to hold a thought."""

# Where a text is cut, best place first: between paragraphs, lines, sentences, words.
_PLACES = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])"),
    re.compile(r"\s+|(?<=[，、])"),
)

Count = Callable[[str], float]


def cut(text: str, most: int = PIECE, count: Count = estimate) -> list[str]:
    """Return pieces of at most `most` tokens each: `"".join(pieces)` is the text, so each word stands in one.

    A single character is never cut, whatever it counts.
    """
    return [piece for piece in _cut(text, max(most, 1), count, 0) if piece]


def group(texts: Sequence[str], most: int = PIECE, count: Count = estimate, *, fewest: int = 1) -> list[range]:
    """Return the texts by their places, in groups of at most `most` tokens each, in order, each in one group.

    Args:
        texts: what is to be put together.
        most: tokens of a group, at most.
        count: counts the tokens of a text.
        fewest: texts that a group has at least, also where they are longer than that (but for the last one).

    """
    groups: list[range] = []
    begin, size = 0, 0.0
    for at, text in enumerate(texts):
        tokens = count(text)
        if at - begin >= fewest and size + tokens > most:
            groups.append(range(begin, at))
            begin, size = at, 0.0
        size += tokens
    if begin < len(texts):
        groups.append(range(begin, len(texts)))
    return groups


def _cut(text: str, most: int, count: Count, level: int) -> list[str]:
    if count(text) <= most:
        return [text]
    if level == len(_PLACES):
        # Words longer than a piece, or a script that writes no spaces. A character is three tokens at most.
        size = max(most // 3, 1)
        return [text[at : at + size] for at in range(0, len(text), size)]
    parts = _split(text, _PLACES[level])
    pieces: list[str] = []
    for together in group(parts, most, count):
        joined = "".join(parts[together.start : together.stop])
        pieces += _cut(joined, most, count, level + 1)
    return pieces


def _split(text: str, place: re.Pattern[str]) -> list[str]:
    """Return the text cut behind every place; what stood there stays with the part before it."""
    parts, at = [], 0
    for found in place.finditer(text):
        if found.end() > at:
            parts.append(text[at : found.end()])
            at = found.end()
    return [*parts, text[at:]]
