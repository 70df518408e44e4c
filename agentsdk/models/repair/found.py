"""What a reader finds in a text: calls to tools that were offered, and how far it has read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agentsdk.models.repair.names import PREFIXES, fold_name

SPACE = re.compile(r"\s*")
BETWEEN = re.compile(r"[\s;,]*")
"""What may stand between two calls."""


def end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a pattern that begins at `at` ends, `at` where it does not."""
    found = pattern.match(text, at)
    return found.end() if found else at


def ends_in(text: str, at: int, *marks: str) -> bool:
    """Return whether the text from `at` on is the beginning of one of the marks and no more; nothing is of each."""
    left = len(text) - at  # looked at first: the rest of a long text is not copied for each mark in it
    return any(left < len(mark) and mark.startswith(text[at:]) for mark in marks)


class Held:
    """What is known of a text that is held, by the place in it: it is read again as it grows, and no call in it is."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], tuple[int, int]] = {}
        """By the kind of brackets and where the first one opens: how far they were followed, and how deep."""
        self.readings: dict[tuple[str, int], Reading] = {}
        """By dialect and the place of a whole call: what it is."""

    def forget(self) -> None:
        """Forget it all: another text is held."""
        if self.ends:
            self.ends.clear()
            self.readings.clear()

    def end_of(self, kind: str, tokens: re.Pattern[str], text: str, at: int, deepest: int) -> int | None:
        """Return where the bracket at `at` is closed, None where it is not yet, -1 where it is nested too deep.

        Args:
            kind: the name of the tokens.
            tokens: whole strings, brackets, and quotes without an end.
            text: the text.
            at: where the bracket is.
            deepest: brackets that may be open.

        """
        pos, depth = self.ends.get((kind, at), (at, 0))
        if pos > at and not depth:
            return pos
        for token in tokens.finditer(text, pos):
            mark = token[0]
            if mark in ("'", '"'):
                break
            if mark in _OPENING:
                depth += 1
                if depth > deepest:
                    return -1
            elif mark in _CLOSING:
                depth -= 1
                if depth <= 0:
                    self.ends[kind, at] = token.end(), 0
                    return token.end()
            pos = token.end()
        self.ends[kind, at] = pos, depth
        return None


_OPENING = ("{", "[", "(")
_CLOSING = ("}", "]", ")")


class Names:
    """The names of the tools that were offered, as a text may write them."""

    def __init__(self, tools: Iterable[str]) -> None:
        self.held = Held()
        """Of the text in which they are looked for."""
        self._tools = list(tools)
        self._known = dict.fromkeys(self._tools, True)

    def offers(self, name: str) -> bool:
        """Return whether a name is that of a tool, but for case, separators and a name space before it."""
        if name not in self._known and len(self._known) < 1000:
            self._known[name] = self._offers(name)
        return self._known.get(name, False)

    def begins(self, start: str) -> bool:
        """Return whether a name may begin so."""
        space, dot, rest = start.partition(".")
        while dot and space.lower() in PREFIXES:
            start = rest
            space, dot, rest = start.partition(".")
        if not dot and any(prefix.startswith(space.lower()) for prefix in PREFIXES):
            return True
        plain = _plain(start)
        return any(_plain(tool).startswith(plain) or plain.startswith(_plain(tool)) for tool in self._tools)

    def _offers(self, name: str) -> bool:
        try:
            # A slip of the pen is forgiven in a call that a server has read, not in a text that may be none.
            fold_name(name, self._tools, lambda _tool: False)
        except ValueError:
            return False
        return True


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]+", "", name).casefold()


@dataclass(frozen=True, slots=True)
class Found:
    """A call to an offered tool, as it stands in the text."""

    name: str
    arguments: Any
    """A mapping, or JSON text that is not read yet."""
    dialect: str
    whole: bool = True
    """Whether its end has come; without it the call may never be run."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch of text is."""

    end: int
    """Where the stretch ends."""
    calls: tuple[Found, ...] = ()
    text: str | None = None
    """What of it is to be shown; None for all of it where it holds no calls, and nothing where it does."""
