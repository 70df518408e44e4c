"""Collects what a server sends into deltas and one Reply: the part that all adapters have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.budget import Usage
from agentsdk.errors import BadResponse, ContentFiltered, EmptyKind, EmptyResponse, ModelError
from agentsdk.i18n import _
from agentsdk.messages import BrokenCall, Message, Repair
from agentsdk.models import faults
from agentsdk.models.endings import GRAVEST, ending_of, word_of
from agentsdk.models.model import CallDelta, Delta, Finish, Offer, ReasoningDelta, Reply, Restated, TextDelta
from agentsdk.models.profiles import Family
from agentsdk.models.repair.calls import CallPieces
from agentsdk.models.repair.growing import Growing
from agentsdk.models.repair.reasoning import Part, ThoughtSplitter
from agentsdk.models.repair.text_calls import TextCalls, settle_found
from agentsdk.models.wire import usage_of

LARGEST = 20_000_000
"""Characters of one answer: an endless stream ends here."""

_CUT = "The answer was cut off before the call could be run."

_COUNTS = ("output_tokens", "completion_tokens", "input_tokens", "prompt_tokens")
"""One of them is there wherever a server tells what an answer costs."""


class Collector:
    """The answer so far.

    Args:
        model: what the answer's model is called, until the server says it.
        offer: what the answer may call; None where that is not known.
        family: what is known of the model's kind.

    """

    def __init__(self, model: str, offer: Offer | None = None, family: Family | None = None) -> None:
        self.model = model
        self._offer = offer
        self._usage = Usage(calls=1)
        self._counted: Any = None
        self.finish: str | None = None
        """The provider's word for why it stopped; None until it says it."""
        self.marked = False
        """The protocol's own mark of the end came, which says nothing of why."""
        self.refused = False
        self.details: dict[str, Any] = {}
        """What else the server said of the answer, by its own names."""
        self.asked: Mapping[str, Any] = {}
        """The body that was sent, in the provider's protocol."""
        self.native: dict[str, Any] = {}
        """What the provider wants back with the answer, as `Message.native`."""
        self.acted = False
        """The answer holds something that is neither text nor a call to run, such as a search by the provider."""
        self.parts: dict[Any, list[Any]] = {}
        """What came of each part of the answer, where a protocol sends a part in pieces and then whole."""
        self._thought: list[str] = []
        self._calls = CallPieces(offer.tools if offer is not None else ())
        self._repairs: list[Repair] = []
        self._growing: dict[str, Growing] = {}
        self._splitter = ThoughtSplitter(opened=family is not None and family.opens_in_thought)
        self._reader = TextCalls(offer)
        self._said = self._reader.said
        self._size = 0
        self._spoke = self._splitter.said.append
        self._idle = False
        """Nothing is held back: a piece without a mark is said as it is."""
        self._marks = self._reader.marks

    def offers(self, name: Any) -> bool:
        """Return whether a tool was offered."""
        return self._offer is not None and isinstance(name, str) and name in self._offer.tools

    @property
    def usage(self) -> Usage:
        """What the answer costs, as far as it is known."""
        if self._counted is not None:
            self.usage = usage_of(self._counted) or self._usage
        return self._usage

    @usage.setter
    def usage(self, usage: Usage) -> None:
        """Take another cost for that of all that has come."""
        self._usage, self._counted = usage, None

    def count(self, told: Any) -> None:
        """Take in what the server tells of the cost of all that has come.

        Some tell it in every event, and all but the last are not needed: it is read when it is asked for.
        """
        if isinstance(told, dict) and any(map(told.get, _COUNTS)):
            self._counted = told

    def finished(self, told: Any) -> None:
        """Take in why the answer stopped; what says that it was cut is not taken back by a later "stop"."""
        if word := word_of(told):
            before, now = (GRAVEST.index(ending_of(w)) for w in (self.finish, word))
            if self.finish is None or now > before or before < GRAVEST.index("unknown") > now:
                self.finish = word

    def new_in(self, kind: str, piece: Any) -> Any:
        """Return what is new in a piece, for a server whose pieces may each repeat all that came before.

        Args:
            kind: "text" or "reasoning".
            piece: as it came.

        """
        if not isinstance(piece, str):
            return piece
        growing = self._growing.setdefault(kind, Growing())
        before = growing.repeats
        new = growing.feed(piece)
        if growing.repeats and not before:
            detail = f"each piece of the {kind} repeated all that had come before"
            self._repairs.append(Repair("text.cumulative", detail))
        return new

    def text(self, piece: Any) -> Sequence[Delta]:
        """Take a piece of text in, and return what of it can be shown."""
        if not piece or not isinstance(piece, str):
            return ()
        self._size += len(piece)
        # This runs for every token: most of them end here.
        if self._idle and "<" not in piece and self._size <= LARGEST:
            for mark in self._marks:
                if mark in piece:
                    break
            else:
                self._spoke(piece)
                self._said.append(piece)
                return (TextDelta(piece),)
        self._grow("")
        return self._show(self._splitter.feed(piece))

    def reasoning(self, piece: Any) -> Sequence[Delta]:
        """Take a piece of a thought in that a server sends apart from the text."""
        if not piece or not isinstance(piece, str):
            return ()
        self._grow(piece)
        self._splitter.thought_elsewhere()
        self._thought.append(piece)
        return (ReasoningDelta(piece),)

    def call(self, index: Any, id: Any, name: Any, arguments: Any) -> Sequence[Delta]:
        """Take a piece of a tool call in."""
        at, first_name, text = self._calls.add(
            _place(index),
            id if isinstance(id, str) else None,
            name if isinstance(name, str) else None,
            arguments,
        )
        self._grow(text)
        return (CallDelta(at, first_name, text),)

    def whole_call(self, index: int, id: Any, name: Any, arguments: Any, *, fault: str = "") -> Sequence[Delta]:
        """Take a call in that is now whole, and return what of it had not come.

        Args:
            fault: why it may not be run; "" where it may.

        """
        at, first_name, text = self._calls.close(
            index,
            id if isinstance(id, str) else None,
            name if isinstance(name, str) else None,
            arguments,
            fault,
        )
        self._grow(text)
        return (CallDelta(at, first_name, text),) if first_name or text else ()

    def rest(self) -> Sequence[Delta]:
        """Return what was held back, at the end of the answer."""
        deltas: list[Delta] = []
        if "reasoning" in self._growing:
            deltas += self.reasoning(self._growing["reasoning"].rest())
        if "text" in self._growing:
            deltas += self.text(self._growing["text"].rest())
        deltas += self._show(self._splitter.rest())
        if said := self._reader.rest():
            deltas.append(TextDelta(said))
        return deltas

    def so_far(self) -> Message | None:
        """Return what has come, as a turn none of whose calls may be run; None where nothing has."""
        self.rest()
        text, reasoning = "".join(self._said), "".join(self._thought).strip()
        settled = self._calls.settle(cut=_CUT, offer=self._offer)
        read = settle_found(self._reader.found, cut=_CUT, offer=self._offer, beside=settled)
        cut = (
            BrokenCall(c.id, c.name, json.dumps(c.arguments, ensure_ascii=False), _CUT)
            for c in (*settled.calls, *read.calls)
        )
        broken = (*cut, *settled.broken, *read.broken)
        return (
            Message("assistant", text, (), broken, reasoning=reasoning) if text or reasoning or broken else None
        )

    def reply(self, *, streamed: bool) -> Reply:
        """Return the whole reply; `rest` comes before.

        Raises:
            Truncated: the answer ended without its finish marker, and holds no call that was broken by it.
            EmptyResponse: it holds nothing at all.

        """
        self.rest()
        text = "".join(self._said)
        reasoning = "".join(self._thought).strip()
        ending = ending_of(self.finish)
        finish: Finish = "stop" if ending == "unknown" or ending == "broken" else ending  # noqa: PLR1714  # for mypy
        ended = ending != "broken" and (self.finish is not None or self.marked or not streamed)
        cut = ""
        if not ended:
            cut = "The stream ended before the call did."
        elif finish == "length":
            cut = "The answer was cut off at the token limit."
        elif finish == "filter":
            cut = "The answer was cut off by the provider's filter."
        elif ending == "unknown":
            cut = f"The answer ended with a word that is not known, and may have been cut: {str(self.finish)[:100]}"
            self._repairs.append(Repair("finish.unknown", f"it ended with the word {str(self.finish)[:100]!r}"))
        elif self.finish is None and streamed:
            cut = "The stream did not say why it ended; the call may have been cut."
        settled = self._calls.settle(cut=cut, offer=self._offer)
        read = settle_found(self._reader.found, cut=cut, offer=self._offer, beside=settled)
        good, broken = settled.calls + read.calls, settled.broken + read.broken
        if self.finish is None and streamed and not self._size:
            raise BadResponse(
                _("The answer of {model} cannot be read.").format(model=self.model),
                kind="empty",
                why=_("It is not a stream of events, or an empty one."),
                fix=_("Check that the address is that of a model server."),
            )
        if not ended and not (self._calls or self._reader.found):
            raise faults.unfinished(self.model, text)
        if not (text.strip() or good or broken or self.acted):
            # GPT keeps its thoughts to itself, and tells only what they cost.
            raise self._nothing(finish, thought=bool(reasoning or self.usage.reasoning_tokens))
        message = Message(
            "assistant",
            text,
            good,
            broken,
            reasoning=reasoning,
            repairs=(*self._repairs, *self._reader.repairs, *settled.repairs, *read.repairs),
            native=self.native,
        )
        if self.finish:
            self.details["finish_reason"] = self.finish
        finish = "tool_calls" if good or broken else finish
        return Reply(message, self.usage, finish, self.model, self.refused, self.details)

    def _nothing(self, finish: Finish, *, thought: bool) -> ModelError:
        """Return the error for an answer without text and without a call."""
        if finish == "filter":
            return ContentFiltered(
                _("The provider's filter stopped {model}.").format(model=self.model),
                why=_("It stopped the answer before its first word."),
                code=self.finish,
            )
        kind: EmptyKind = "loaded" if self.finish == "load" else "nothing"
        if thought:
            kind = "limit" if finish == "length" else "thought"
        reasons = {
            "limit": _("It thought until the token limit."),
            "thought": _("It thought and said nothing."),
            "loaded": _("It was only loaded."),
            "nothing": "",
        }
        return EmptyResponse(
            _("{model} gave an empty answer.").format(model=self.model),
            kind=kind,
            why=reasons[kind],
            fix=_("Ask again, or take another model."),
        )

    def _show(self, parts: Sequence[Part]) -> list[Delta]:
        deltas: list[Delta] = []
        # What the same piece shows to be a thought is not read for calls, nor shown as text first.
        last = max((at for at, (kind, _text) in enumerate(parts) if kind == "orphan"), default=0)
        for at, (kind, text) in enumerate(parts):
            if kind == "said":
                if at >= last and (said := self._reader.feed(text)):
                    deltas.append(TextDelta(said))
                continue
            self._thought.append(text)
            if kind == "orphan":
                self._repairs.append(
                    Repair("reasoning.orphan", "A closing tag ended a thought that no tag had opened.")
                )
                shown, self._said = self._said, self._reader.forget()
            if kind == "orphan" and shown:
                deltas.append(Restated(text))
            elif text:
                deltas.append(ReasoningDelta(text))
        self._idle = self._splitter.idle and self._reader.idle
        return deltas

    def _grow(self, piece: str) -> None:
        self._size += len(piece)
        if self._size > LARGEST:
            raise BadResponse(
                _("The answer of {model} does not end.").format(model=self.model),
                kind="size",
                why=_("More than {most:,} characters came.").format(most=LARGEST),
            )


def _place(index: Any) -> int | None:
    """Return a call's index, which some write as 0.0 or "0"; None where there is none."""
    if isinstance(index, str) and len(index) < 10 and index.isascii() and index.isdigit():
        return int(index)
    if isinstance(index, float) and index.is_integer():
        return int(index)
    return index if isinstance(index, int) else None
