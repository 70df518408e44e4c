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
    for mark in marks:  # noqa: SIM110  # it is asked for each mark of a text, and 'any' takes twice as long
        if left < len(mark) and mark.startswith(text[at:]):
            return True
    return False


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

    def end_of(self, brackets: Brackets, text: str, at: int) -> int | None:
        """Return where the bracket at `at` is closed, None where it is not yet, -1 where it is nested too deep."""
        pos, depth = self.ends.get((brackets.name, at), (at + 1, 1))
        while depth:
            pos = end_of(brackets.flat, text, pos)
            mark = text[pos : pos + 1]
            if mark and mark in brackets.close:
                depth -= 1
            elif mark and mark in brackets.open and depth < brackets.deepest:
                depth += 1
            elif mark and mark in brackets.open and not brackets.flat_so_far.fullmatch(text, pos + 1):
                return -1
            else:  # the end of the text, perhaps within a string
                break
            pos += 1
        self.ends[brackets.name, at] = pos, depth
        return None if depth else pos


class Brackets:
    """How a language writes brackets and strings.

    Args:
        name: the language's.
        pairs: its brackets, such as "{}[]".
        quotes: what its strings stand in.
        deepest: brackets that may be open, innermost ones that hold no string left out.

    """

    def __init__(self, name: str, pairs: str, quotes: str, deepest: int) -> None:
        self.name, self.deepest = name, deepest
        self.open, self.close = pairs[::2], pairs[1::2]
        plain = f"[^{re.escape(pairs + quotes)}]"
        strings = "|".join(rf"{q}[^{q}\\]*+(?:\\.[^{q}\\]*+)*{q}" for q in quotes)
        flat = "|".join(rf"\{a}{plain}*+\{b}" for a, b in zip(self.open, self.close, strict=True))
        self.flat = re.compile(rf"(?:{plain}++|{strings}|{flat})*", re.DOTALL)
        """What changes nothing: plain characters, whole strings, and brackets without any in them."""
        self.flat_so_far = re.compile(rf"{plain}*+")


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
