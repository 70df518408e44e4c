"""Tells a stream whose pieces each repeat all that came before from one whose pieces add to it."""

from __future__ import annotations

_LEAST = 8
"""Characters that the whole has, at the least, before it is taken to have been repeated."""

_LETTERS = 4
"""Different characters in it: "-", "--", "--------" is a line that is drawn."""


class Growing:
    """Gives what is new in each piece of a text.

    The pieces are taken to repeat where each one, from the first, begins with the one before it, two in a row are
    longer, and the last holds enough for that to be no chance. Until then only so much is given out as stands in the
    text by either reading: nothing is held back of a stream whose second piece does not begin with its first.
    """

    def __init__(self) -> None:
        self.repeats = False
        """The pieces repeat what came before."""
        self._adds = False
        self._last = ""
        self._joined = ""
        self._given = 0
        self._grew = 0

    def feed(self, piece: str) -> str:
        """Take a piece in, and return what of the text is certain now."""
        if self._adds or not piece:
            return piece
        if not piece.startswith(self._last):
            if self.repeats:  # it adds after all, from here on
                self._adds = True
                return piece
            self._joined += piece
            return self.rest()
        if self.repeats:
            new, self._last = piece[len(self._last) :], piece
            return new
        self._grew += 0 < len(self._last) < len(piece)
        self._joined += piece
        self._last = piece
        self.repeats = self._grew >= 2 and len(piece) >= _LEAST and len(set(piece)) >= _LETTERS
        sure = len(piece) if self.repeats else _alike(self._joined, piece)
        new, self._given = piece[self._given : sure], max(sure, self._given)
        return new

    def rest(self) -> str:
        """Return what was held back: the pieces add, for all that is known."""
        if self._adds or self.repeats:
            return ""
        self._adds = True
        return self._joined[self._given :]


def _alike(a: str, b: str) -> int:
    """Return how many characters two texts begin with alike."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
