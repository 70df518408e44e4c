"""Collects what a server sends into deltas and one Reply: the part that all adapters have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentsdk.budget import Usage
from agentsdk.errors import BadResponse, EmptyResponse, Truncated
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import CallDelta, Delta, Finish, Offer, ReasoningDelta, Reply, TextDelta
from agentsdk.models.repair.calls import CallPieces
from agentsdk.models.repair.reasoning import ThinkSplitter, split_whole

LARGEST = 20_000_000
"""Characters of one answer: an endless stream ends here."""

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
}


class Collector:
    """The answer so far.

    Args:
        model: what the answer's model is called, until the server says it.
        offer: what the answer may call; None where that is not known.

    """

    def __init__(self, model: str, offer: Offer | None = None) -> None:
        self.model = model
        self._offer = offer
        self.usage = Usage(calls=1)
        self.finish: str | None = None
        """The provider's word for why it stopped; None until it says it."""
        self.refused = False
        self.details: dict[str, Any] = {}
        """What else the server said of the answer, by its own names."""
        self._said: list[str] = []
        self._thought: list[str] = []
        self._calls = CallPieces()
        self._splitter = ThinkSplitter()
        self._size = 0

    def text(self, piece: Any) -> Iterator[Delta]:
        """Take a piece of text in, and yield what of it can be shown."""
        if not isinstance(piece, str) or not piece:
            return
        self._grow(piece)
        yield from self._show(*self._splitter.feed(piece))

    def reasoning(self, piece: Any) -> Iterator[Delta]:
        """Take a piece of a thought in that a server sends apart from the text."""
        if isinstance(piece, str) and piece:
            self._grow(piece)
            self._thought.append(piece)
            yield ReasoningDelta(piece)

    def call(self, index: Any, id: Any, name: Any, arguments: Any) -> Iterator[Delta]:
        """Take a piece of a tool call in."""
        at, first_name, text = self._calls.add(
            index if isinstance(index, int) else None,
            id if isinstance(id, str) else None,
            name if isinstance(name, str) else None,
            arguments,
        )
        self._grow(text)
        yield CallDelta(at, first_name, text)

    def rest(self) -> Iterator[Delta]:
        """Yield what was held back, at the end of the answer."""
        yield from self._show(*self._splitter.rest())

    def reply(self, *, streamed: bool) -> Reply:
        """Return the whole reply; `rest` comes before.

        Raises:
            Truncated: the answer ended without its finish marker, and holds no call that was broken by it.
            EmptyResponse: it holds nothing at all.

        """
        for _delta in self.rest():
            pass
        text, orphan = split_whole("".join(self._said))
        reasoning = "".join([*self._thought, orphan]).strip()
        finish = _FINISH.get(self.finish or "", "stop")
        cut = ""
        if self.finish is None and streamed:
            cut = "The stream ended before the call did."
        elif finish == "length":
            cut = "The answer was cut off at the token limit."
        good, broken = self._calls.settle(cut=cut, offer=self._offer)
        if self.finish is None and streamed and not self._size:
            raise BadResponse(
                _("The answer of {model} cannot be read.").format(model=self.model),
                why=_("It is not a stream of events, or an empty one."),
                fix=_("Check that the address is that of a model server."),
            )
        if self.finish is None and streamed and not self._calls:
            raise Truncated(
                _("{model} stopped in the middle of its answer.").format(model=self.model),
                why=_("The stream ended without its finish marker."),
                fix=_("Ask again."),
                partial=text,
            )
        if not (text.strip() or good or broken):
            if reasoning and finish == "length":
                why = _("It thought until the token limit.")
            elif reasoning:
                why = _("It thought and said nothing.")
            else:
                why = ""
            raise EmptyResponse(
                _("{model} gave an empty answer.").format(model=self.model),
                why=why,
                fix=_("Ask again, or take another model."),
                partial=reasoning,
            )
        message = Message("assistant", text, good, broken, reasoning=reasoning)
        if self.finish:
            self.details["finish_reason"] = self.finish
        finish = "tool_calls" if good or broken else finish
        return Reply(message, self.usage, finish, self.model, self.refused, self.details)

    def _show(self, said: str, thought: str) -> Iterator[Delta]:
        if thought:
            self._thought.append(thought)
            yield ReasoningDelta(thought)
        if said:
            self._said.append(said)
            yield TextDelta(said)

    def _grow(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > LARGEST:
            raise BadResponse(
                _("The answer of {model} does not end.").format(model=self.model),
                why=_("More than {most:,} characters came.").format(most=LARGEST),
            )


def whole_number(value: Any) -> int:
    """Return a count that a server gave, 0 where it gave none."""
    return value if isinstance(value, int) and value > 0 else 0
