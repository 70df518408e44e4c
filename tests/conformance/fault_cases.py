"""What each fault must end in: the reviewed table that the fault matrix is held against.

An outcome is "answer" (the right text, whole), "answer:length" and "answer:filter" (a part of it, and the reply says
so), "answer:broken_call" (a call that may not be run, and says why), or the name of an error. Where the protocols
differ in what they can say, a case has its own outcome for one of them. "|" stands between two that are both right:
which of them comes first is a matter of milliseconds, or of where a body was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["chat", "responses", "ollama", "dashscope"]
Mode = Literal["call", "stream"]

SECONDS = 2.0
"""Deadline of every call."""
IDLE = 0.8
"""Seconds that may pass between two events."""
RETRIES = 2


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, how often it strikes, and what must come of it."""

    name: str
    fault: str
    """Of agentsdk.testing.standin.faults; "" for none, "refused" and "dns" for servers that are not there."""
    call: str
    """What a plain call ends in."""
    stream: str
    most: int
    """Requests that a plain call may send."""
    most_stream: int
    once: bool = False
    """It strikes the first request alone; else each."""
    options: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
    """A stream's error must hold the text that had come."""
    in_order: bool = False
    """The answer ends in good order: its connection may be kept for the next request."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Attributes that the error must have; "phase:stream" for those of one mode."""
    others: Mapping[Protocol, tuple[str, str]] = field(default_factory=dict)
    """By protocol, where it differs: what call and stream end in."""

    def expected(self, protocol: Protocol, mode: Mode) -> str:
        """Return what must come of it."""
        call, stream = self.others.get(protocol, (self.call, self.stream))
        return call if mode == "call" else stream


def _always(name: str, outcome: str, most: int, **more: Any) -> Case:
    return Case(name, more.pop("fault", name), outcome, outcome, most, most, in_order=True, **more)


def _broken(name: str, call: str, stream: str, most: int, **more: Any) -> Case:
    """Return a case that breaks a stream when a part of it was shown: it is not tried again."""
    return Case(name, name, call, stream, most, 1, partial=True, **more)


CASES: tuple[Case, ...] = (
    _always("control", "answer", 1, fault=""),
    # Refusals
    _always("429-once", "answer", 2, fault="429", once=True, options={"retry_after": 1}),
    _always("429-date-once", "answer", 2, fault="429-date", once=True, options={"retry_after": 1}),
    _always("429", "RateLimited", 3, options={"retry_after": 0.1}, facts={"retry_after": 0.1}),
    _always("429-hour", "RateLimited", 1, facts={"retry_after": 3600.0, "tries": 1}),
    _always("quota", "QuotaExhausted", 1),
    _always("500-once", "answer", 2, fault="500", once=True),
    _always("500", "Overloaded", 3, facts={"status": 500}),
    _always("502", "Overloaded", 3, facts={"status": 502}),
    _always("503", "Overloaded", 3, facts={"status": 503}),
    _always("504", "Overloaded", 3, facts={"status": 504}),
    _always("529", "Overloaded", 3, facts={"status": 529}),
    _always("html-502", "Overloaded", 3, facts={"status": 502}),
    _always("401", "AuthFailed", 1, facts={"status": 401}),
    _always("403", "AuthFailed", 1, facts={"status": 403}),
    _always("404-model", "ModelNotFound", 1),
    _always("400", "InvalidRequest", 1),
    _always("overflow", "ContextOverflow", 1),
    _always("filter", "ContentFiltered", 1),
    _always("redirect-loop", "BadResponse", 1, facts={"kind": "redirect"}),
    # The connection breaks
    Case("refused", "refused", "ConnectionLost", "ConnectionLost", 0, 0),
    Case("dns", "dns", "ConnectionLost", "ConnectionLost", 0, 0),
    Case("reset", "reset", "ConnectionLost", "ConnectionLost", 3, 3),
    Case("reset-once", "reset", "answer", "answer", 2, 2, once=True, in_order=True),
    Case("close", "close", "ConnectionLost", "ConnectionLost", 3, 3),
    Case("close-once", "close", "answer", "answer", 2, 2, once=True, in_order=True),
    Case("close-after-headers", "close-after-headers", "ConnectionLost", "ConnectionLost", 3, 3),
    _broken("reset-midway", "ConnectionLost", "ConnectionLost", 3),
    _broken("close-midway", "ConnectionLost", "ConnectionLost", 3),
    _broken("short-body", "ConnectionLost", "ConnectionLost", 3),
    _broken("short-length", "BadResponse", "BadResponse|Truncated", 1),
    _broken("bad-chunks", "BadResponse", "BadResponse", 1, facts={"kind": "http"}),
    # Nothing comes, or it never ends
    Case("silence", "silence", "DeadlineExceeded", "DeadlineExceeded", 1, 1, facts={"phase": "first"}),
    Case(
        "silence-after-headers",
        "silence-after-headers",
        "DeadlineExceeded",
        "DeadlineExceeded",
        1,
        1,
        facts={"phase": "first"},
    ),
    _broken(
        "silence-midway",
        "DeadlineExceeded",
        "DeadlineExceeded",
        1,
        facts={"phase:call": "total", "phase:stream": "idle"},
    ),
    Case("drip", "drip", "DeadlineExceeded", "DeadlineExceeded", 1, 1, facts={"phase": "total"}),
    Case("keep-alive", "keep-alive", "DeadlineExceeded", "DeadlineExceeded", 1, 1, facts={"phase": "total"}),
    _broken("endless", "DeadlineExceeded", "DeadlineExceeded", 1, facts={"phase": "total"}),
    Case("endless-line", "endless-line", "BadResponse|DeadlineExceeded", "BadResponse|DeadlineExceeded", 1, 1),
    Case("gigabyte", "gigabyte", "BadResponse", "BadResponse", 1, 1, facts={"kind": "size"}),
    Case("gzip-bomb", "gzip-bomb", "BadResponse|DeadlineExceeded", "BadResponse|DeadlineExceeded", 1, 1),
    _always("slow-first", "answer", 1),
    # What comes is not in the protocol
    _broken("not-json", "BadResponse", "BadResponse", 1, in_order=True, facts={"kind": "json"}),
    _broken("deep", "BadResponse", "BadResponse", 1, in_order=True, facts={"kind": "deep"}),
    _always("html", "BadResponse", 1, facts={"kind": "html"}),
    _always("wrong-type", "answer", 1),
    _always("empty-body", "BadResponse", 2, facts={"kind": "empty"}),
    _always("empty-body-once", "answer", 2, fault="empty-body", once=True),
    Case("empty-stream", "empty-stream", "BadResponse", "BadResponse", 1, 2, in_order=True),
    _always("bad-utf8", "BadResponse", 1, facts={"kind": "encoding"}),
    # An error where none is looked for
    _always("error-in-200", "Overloaded", 3),
    _always("error-in-200-once", "answer", 2, fault="error-in-200", once=True),
    _broken("error-midway", "Overloaded", "Overloaded", 3, in_order=True),
    # Whole, in the protocol, and yet not an answer. Ollama and Responses say of a whole answer whether it is done;
    # a whole Chat Completion whose finish_reason is null has come whole all the same.
    _broken(
        "no-finish",
        "answer",
        "Truncated",
        1,
        in_order=True,
        others={"ollama": ("Truncated", "Truncated"), "responses": ("Truncated", "Truncated")},
    ),
    # The deltas of Responses hold the text, whatever its last event repeats of it.
    _always(
        "no-choices",
        "BadResponse|EmptyResponse",
        2,
        others={"responses": ("BadResponse|EmptyResponse", "answer")},
    ),
    _always("null-choices", "BadResponse|EmptyResponse", 2),
    _always("cut-arguments", "answer:broken_call", 1),
    _always("cut-call", "answer:broken_call", 1),
    _always("length", "answer:length", 1),
    _always("filter-finish", "answer:filter", 1),
    _always("filter-empty", "ContentFiltered", 1),
    _always("reasoning-only", "EmptyResponse", 2),
    _always("empty-text", "EmptyResponse", 2),
    _always("empty-text-once", "answer", 2, fault="empty-text", once=True),
    _always("load", "EmptyResponse", 2),
    _always("load-once", "answer", 2, fault="load", once=True),
)
