"""Cuts an answer at a stop string, where the model or its protocol does not know any: as the server would have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from agentsdk.models.model import CallDelta, Delta, ReasoningDelta, Reply, Restated, TextDelta


class StopText:
    """Passes the pieces of an answer on, up to the first of some strings in its public text.

    Args:
        stops: the strings; with none everything is passed on.

    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(s for s in stops if s)
        self._held = ""
        self._calls = False
        self.found = False
        """Whether one of them has come; nothing after it is passed on."""

    def __bool__(self) -> bool:
        return bool(self._stops)

    def each(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield what may be shown of some pieces."""
        for delta in deltas:
            yield from self.passed(delta)

    def passed(self, delta: Delta) -> Iterator[Delta]:
        """Yield what may be shown of a piece and what was held back."""
        if not self._stops:
            yield delta
            return
        match delta:
            case Restated():
                self._held, self.found = "", False
                yield delta
            case _ if self.found:
                return
            case TextDelta(text):
                if shown := self._feed(text):
                    yield TextDelta(shown)
            case CallDelta() | ReasoningDelta():
                self._calls = self._calls or isinstance(delta, CallDelta)
                yield delta

    def rest(self) -> Iterator[Delta]:
        """Yield what was held back, at the end of the answer."""
        held, self._held = self._held, ""
        if held and not self.found:
            yield TextDelta(held)

    def cut(self, reply: Reply) -> Reply:
        """Return the reply up to the stop string; a call that came after it was never made."""
        at = self._first(reply.message.text)
        if at is None:
            return reply
        message = replace(reply.message, text=reply.message.text[:at])
        if not self._calls:
            message = replace(message, calls=(), broken_calls=())
        ended = "tool_calls" if message.calls or message.broken_calls else "stop"
        return replace(reply, message=message, finish=ended)  # type: ignore[arg-type]  # both are a Finish

    def _feed(self, text: str) -> str:
        text = self._held + text
        at = self._first(text)
        if at is not None:
            self._held, self.found = "", True
            return text[:at]
        longest = min(len(text), max(map(len, self._stops)) - 1)
        keep = next(
            (n for n in range(longest, 0, -1) if any(s.startswith(text[len(text) - n :]) for s in self._stops)),
            0,
        )
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def _first(self, text: str) -> int | None:
        # The one that is whole first, as for a server, which looks after each token; of two at once the longer.
        found = ((at + len(s), at) for s in self._stops if (at := text.find(s)) >= 0)
        return min(found, default=(0, None))[1]
