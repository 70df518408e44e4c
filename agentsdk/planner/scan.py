"""Reads the steps of a plan out of its text while the text is still being written."""

from __future__ import annotations

import json
import re
from typing import Any

_MARK = re.compile(r'["{}\[\]]')
"""What the structure of JSON is made of, outside of a text."""
_END = re.compile(r'["\\]')
"""What matters inside a text."""
_BETWEEN = " \t\r\n,"
"""What may stand between two steps."""


class Scanner:
    """Takes the text of a plan in pieces, and returns each step as soon as its object has closed.

    The steps are the objects of the list "steps", or of a list that is the whole text. Every character is looked at
    once, however the text is cut; braces inside of texts are text. What is not JSON ends the reading: `broken` is set,
    and nothing more is returned.
    """

    def __init__(self) -> None:
        self.broken = False
        self._open: list[str] = []
        """The brackets that are open, outermost first."""
        self._list_at = 0
        """How many brackets are open inside the list of steps; 0 while it has not begun, -1 when it has ended."""
        self._in_text = False
        self._escaped = False
        self._text: list[str] = []
        """The pieces of the last text at the outer level, which may be a key."""
        self._key = ""
        self._step: list[str] | None = None
        """The pieces of the step that is being read."""

    def feed(self, piece: str) -> list[dict[str, Any]]:
        """Take the next piece, and return the steps that have closed in it."""
        found: list[dict[str, Any]] = []
        at = 0
        while at < len(piece) and not self.broken and self._list_at >= 0:
            at = self._text_on(piece, at) if self._in_text else self._structure_on(piece, at, found)
        return found

    def _text_on(self, piece: str, at: int) -> int:
        """Go on inside a text, and return where to go on from."""
        if self._escaped:
            self._escaped = False
            self._keep(piece[at])
            return at + 1
        mark = _END.search(piece, at)
        end = len(piece) if mark is None else mark.end()
        self._keep(piece[at:end])
        if mark is not None:
            self._escaped = mark[0] == "\\"
            self._in_text = self._escaped
        return end

    def _structure_on(self, piece: str, at: int, found: list[dict[str, Any]]) -> int:
        """Go on outside of texts, and return where to go on from."""
        mark = _MARK.search(piece, at)
        end = len(piece) if mark is None else mark.end()
        if self._step is not None:
            self._step.append(piece[at:end])
        elif 0 < self._list_at == len(self._open):
            between = piece[at : end if mark is None else mark.start()]
            self.broken = bool(between.strip(_BETWEEN)) or (mark is not None and mark[0] not in "{]")
        elif len(self._open) == 1 and ":" in piece[at : end if mark is None else mark.start()]:
            self._key = "".join(self._text)[:-1]
        if mark is None:
            return end
        match mark[0]:
            case '"':
                self._in_text = True
                self._text = []
            case "{" | "[" as bracket:
                self._opened(bracket)
            case bracket:
                self._closed(bracket, found)
        return end

    def _opened(self, bracket: str) -> None:
        self._open.append(bracket)
        depth = len(self._open)
        if self._list_at == 0 and bracket == "[" and (depth == 1 or (depth == 2 and self._key == "steps")):
            self._list_at = depth
        elif self._list_at and depth == self._list_at + 1 and self._step is None:
            self._step = [bracket]

    def _closed(self, bracket: str, found: list[dict[str, Any]]) -> None:
        if not self._open or self._open.pop() + bracket not in ("{}", "[]"):
            self.broken = True
            return
        depth = len(self._open)
        if self._list_at and depth < self._list_at:
            self._list_at = -1
        elif self._step is not None and depth == self._list_at:
            self._read("".join(self._step), found)
            self._step = None

    def _read(self, text: str, found: list[dict[str, Any]]) -> None:
        try:
            step = json.loads(text)
        except (ValueError, RecursionError):
            self.broken = True
            return
        if isinstance(step, dict):
            found.append(step)
        else:
            self.broken = True

    def _keep(self, text: str) -> None:
        if self._step is not None:
            self._step.append(text)
        elif len(self._open) == 1:
            self._text.append(text)
