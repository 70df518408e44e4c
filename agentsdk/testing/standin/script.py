"""What the stand-in is to say: lines in a row, lines by rule, and faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentsdk.testing.standin.asked import Asked
    from agentsdk.testing.standin.exchange import Exchange

Fault = Callable[["Exchange"], None]
"""What is done to a request instead of answering it: it has the socket, the wire and the line for itself."""

QUIRKS = {
    "empty_ids": "later pieces of a call carry the id and the name as empty text",
    "no_ids": "calls have no id at all",
    "same_ids": "all calls of an answer have the same id",
    "no_index": "pieces of calls have no index",
    "one_index": "each call of an answer has index 0",
    "repeated_names": "each piece of a call carries its id and its name again",
    "whole_calls": "a streamed call comes in one piece",
    "object_arguments": "arguments are an object and not text",
    "text_arguments": "arguments are text where the protocol has an object",
    "stop_finish": 'the finish is "stop" though there are calls',
    "no_finish": "a stream ends in good order, but without its finish",
    "no_done": "a stream of server-sent events ends without [DONE]",
    "no_usage": "no usage, though it was asked for",
    "null_role": "the role of later pieces is null",
    "think_tags": "reasoning stands in the text, in <think> tags",
    "orphan_think": "as think_tags, but the opening tag is missing",
    "comments": "comments stand between the events of a stream",
    "carriage_returns": "lines of a stream end in CR LF",
    "no_choices": "the answer has no choices",
}
"""Names of what servers do otherwise than their protocol says; `say(..., quirks=("no_index",))`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer."""

    text: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    """Tool calls: name and arguments; arguments that are text are sent as they are, broken or not."""
    reasoning: str = ""
    finish: str = ""
    """Instead of "stop" or "tool_calls", in the words of Chat Completions: "length", "content_filter"."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """"input", "output", "cached", "reasoning": instead of the counts that follow the text."""
    pieces: int = 12
    """Characters of an event's text."""
    quirks: frozenset[str] = frozenset()
    """Names of `QUIRKS`."""
    encrypted: str = "encrypted-by-the-stand-in"
    """What a Responses answer holds as `encrypted_content` of its reasoning, where it is asked for."""
    status: int = 200
    """Another status makes it an error, told in the provider's own form."""
    code: str = ""
    message: str = ""
    retry_after: float | str | None = None
    fail_after: int | None = None
    """After so many events of a stream that began well, the error of `code` and `message` comes."""
    cut: int | None = None
    """The connection closes after so many events of the stream."""
    cut_bytes: int | None = None
    """The connection closes after so many bytes of the body."""
    cut_how: str = "close"
    """"close": the connection ends without its last chunk; "reset": with a TCP reset; "clean": as if all was sent."""
    slow: float = 0.0
    """Seconds before each event."""
    slow_every: int = 1
    """Wait only before each so-manyth event."""
    slow_first: float = 0.0
    """Seconds before anything is sent."""
    torn: int | None = None
    """Bytes of each piece that a stream is sent in, whatever they tear; cut and slow then count pieces."""
    raw: bytes | None = None
    """Sent as the body as it is, whatever was asked."""
    content_type: str = ""
    """Of a raw body; else application/json."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent beside the usual ones."""
    fault: Fault | None = None
    """Does its worst instead of an answer."""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.quirks) - QUIRKS.keys()):
            raise ValueError(
                f"No quirk is called {', '.join(unknown)}. There are: {', '.join(sorted(QUIRKS))}."
            )


Writer = Callable[["Asked"], "Line | str | None"]
"""Makes the answer of the request; None leaves it to the next rule, or to the row."""


@dataclass(slots=True)
class _Rule:
    fits: Callable[[Asked], bool]
    write: Writer
    left: int | None
    """How often it may still answer; None is for ever."""


@dataclass(slots=True)
class Script:
    """The lines that are left, and the rules."""

    rows: list[Line] = field(default_factory=list)
    rules: list[_Rule] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _last: list[Line] | _Rule | None = None
    """Where the line stands that was added last: `cut`, `slow` and the like change it."""

    def add(
        self, line: Line, when: str | Callable[[Asked], bool] | None = None, times: int | None = None
    ) -> None:
        """Add a line to the row, `times` over, or as a rule for the requests that `when` fits."""
        with self.lock:
            if when is None:
                self.rows += [line] * (times or 1)
                self._last = self.rows
            else:
                rule = _Rule(_fitting(when), lambda _asked: line, times)
                self.rules.append(rule)
                self._last = rule

    def rule(self, write: Writer, when: str | Callable[[Asked], bool] | None, times: int | None) -> None:
        """Add a function that makes answers."""
        with self.lock:
            rule = _Rule(_fitting(when), write, times)
            self.rules.append(rule)
            self._last = rule

    def change_last(self, **changes: Any) -> None:
        """Change the line that was added last, or add one that has only this."""
        with self.lock:
            if isinstance(self._last, _Rule):
                before = self._last.write
                self._last.write = lambda asked: _changed(before(asked), changes)
            elif self.rows and self._last is self.rows:
                self.rows[-1] = replace(self.rows[-1], **changes)
            else:
                self.rows.append(Line(**changes))
                self._last = self.rows

    def take(self, asked: Asked) -> Line:
        """Return the answer to a request."""
        if (line := self.ruled(asked)) is not None:
            return line
        with self.lock:
            if self.rows:
                return self.rows.pop(0)
        return Line(
            status=500,
            code="standin_script_over",
            message=f"The stand-in has nothing left to say to: {asked.last[:200]!r}. Add say(...) or call(...).",
        )

    def ruled(self, asked: Asked) -> Line | None:
        """Return the answer of the first rule that has one; the row is left alone."""
        with self.lock:
            rules = [r for r in self.rules if r.left is None or r.left > 0]
        for rule in rules:  # without the lock: a function may take its time, and may ask the stand-in itself
            if not rule.fits(asked):
                continue
            line = rule.write(asked)
            if line is None:
                continue
            with self.lock:
                if rule.left is not None:
                    if rule.left < 1:
                        continue  # another request had it meanwhile
                    rule.left -= 1
            return Line(line) if isinstance(line, str) else line
        return None


def _fitting(when: str | Callable[[Asked], bool] | None) -> Callable[[Asked], bool]:
    if when is None:
        return lambda _asked: True
    if isinstance(when, str):
        return lambda asked: when in asked.last
    return when


def _changed(line: Line | str | None, changes: Mapping[str, Any]) -> Line | None:
    if line is None:
        return None
    return replace(Line(line) if isinstance(line, str) else line, **changes)
