"""Parts what a model thinks from what it says, where a server sends both as one text.

Qwen, DeepSeek and their like write `<think>...</think>` before the answer. Some servers swallow the opening tag
and leave the closing one.
"""

from __future__ import annotations

import re

_TAGS = ("<think>", "</think>", "<thinking>", "</thinking>")
_OPEN = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>\s*", re.IGNORECASE)
_LONGEST = max(map(len, _TAGS))


class ThinkSplitter:
    """Takes a text piece by piece and gives back what is said and what is thought.

    Only a tag at the very beginning opens a thought: a model that writes about the tag means the word.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "begin"

    def feed(self, piece: str) -> tuple[str, str]:
        """Return (said, thought) of what is clear so far."""
        self._held += piece
        if self._state == "begin":
            start = self._held.lstrip()
            if not start or (len(start) < _LONGEST and any(t.startswith(start.lower()) for t in _TAGS[::2])):
                return "", ""
            if opened := _OPEN.match(start):
                self._held, self._state = start[opened.end() :], "thought"
            else:
                self._state = "said"
        if self._state == "thought":
            closed = _CLOSE.search(self._held)
            if closed and (closed.end() < len(self._held) or not self._held[-1].isspace()):
                thought, self._held = self._held[: closed.start()], self._held[closed.end() :]
                self._state = "after"
                said, _none = self._said()
                return said, thought
            if closed:
                return "", ""  # blank lines after the tag may go on
            keep = _partial(self._held)
            thought, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
            return "", thought
        return self._said()

    def rest(self) -> tuple[str, str]:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        if self._state == "thought":
            closed = _CLOSE.search(held)
            return ("", held[: closed.start()]) if closed else ("", held)
        return (held.lstrip() if self._state == "after" else held), ""

    def _said(self) -> tuple[str, str]:
        if self._state == "after":
            self._held = self._held.lstrip()
            if not self._held:
                return "", ""
            self._state = "said"
        said, self._held = self._held, ""
        return said, ""


def split_whole(text: str) -> tuple[str, str]:
    """Return (said, thought) of a whole text; what stands before an orphan closing tag is thought as well."""
    if opened := _OPEN.match(text.lstrip()):
        body = text.lstrip()[opened.end() :]
        closed = _CLOSE.search(body)
        return (body[closed.end() :], body[: closed.start()].strip()) if closed else ("", body.strip())
    closings = list(_CLOSE.finditer(text))
    if closings and not _OPEN.search(text):
        last = closings[-1]
        return text[last.end() :], text[: last.start()].strip()
    return text, ""


def _partial(text: str) -> int:
    """Return how many characters at the end may be the beginning of a closing tag."""
    low = text.lower()
    return next(
        (n for n in range(min(_LONGEST, len(text)), 0, -1) if any(t.startswith(low[-n:]) for t in _TAGS[1::2])),
        0,
    )
