"""What the stand-in is to say: answers in a row, answers by rule, and faults."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One answer."""

    text: str = ""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Tool calls: name and arguments."""
    reasoning: str = ""
    status: int = 200
    """Another status makes it a fault, told in the provider's own form."""
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    cut: int | None = None
    """The connection closes after so many events of the stream."""
    finish: str = ""
    """Instead of "stop" or "tool_calls": "length", for one."""
    slow: float = 0.0
    """Seconds before each event."""
    raw: bytes | None = None
    """Sent as the body as it is, whatever was asked."""


@dataclass(slots=True)
class Script:
    """The lines that are left, and the rules."""

    rows: list[Line] = field(default_factory=list)
    rules: list[tuple[str, Line]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, line: Line, when: str | None) -> None:
        """Add a line to the row, or as a rule for messages that hold `when`."""
        with self.lock:
            if when is None:
                self.rows.append(line)
            else:
                self.rules.append((when, line))

    def change_last(self, when: str | None, **changes: Any) -> None:
        """Change the line that was added last, or add a fault where there is none to change."""
        with self.lock:
            if when is None and self.rows:
                self.rows[-1] = replace(self.rows[-1], **changes)
            elif when is not None and self.rules:
                self.rules[-1] = (self.rules[-1][0], replace(self.rules[-1][1], **changes))
            else:
                self.rows.append(Line(**changes))

    def take(self, last: str) -> Line:
        """Return the answer to a request whose last message is `last`."""
        with self.lock:
            for when, line in self.rules:
                if when in last:
                    return line
            if self.rows:
                return self.rows.pop(0)
        return Line(
            status=500,
            code="standin_script_over",
            message=f"The stand-in has nothing left to say to: {last[:200]!r}. Add say(...) or call(...).",
        )
