"""One exchange with a server: a request goes in, deltas and at the end one Reply come out.

A `WireModel` is a Model of one protocol: its subclass says how a request is written, sent and read, and this module
keeps what is promised of every answer: the deadline, the errors, the one Reply at the end.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Literal

from agentsdk.budget import Usage
from agentsdk.errors import AgentError, ContextOverflow, EmptyResponse, InvalidRequest, ModelError
from agentsdk.media import MediaKind
from agentsdk.messages import Repair
from agentsdk.models.attached import CHAT_ADDRESSES, attach, holds_media
from agentsdk.models.collect import Collector
from agentsdk.models.emulate import Emulation, ToolsMode, is_about_tools
from agentsdk.models.facts import Served, facts_known, facts_of
from agentsdk.models.http import Deadline, Limits
from agentsdk.models.learned import Learning
from agentsdk.models.model import Delta, Offer, Prepared, Reply, Request, Restated, TextDelta
from agentsdk.models.profiles import family_of
from agentsdk.models.repair.refused import read_refused
from agentsdk.models.stops import StopText
from agentsdk.models.tokens import MARGIN, MOST_TOKENS, characters
from agentsdk.models.tool_names import named_for, offer_of
from agentsdk.models.window import (
    ANSWER,
    SHORT,
    Shortened,
    cuts_of,
    learn,
    limit_of,
    overflow,
    placed,
    shorten,
    told,
)
from agentsdk.models.wire import output_form
from agentsdk.models.written_media import attach_written, shows_anything

MOST = 4
"""Exchanges after the first that an adapter may add on its own, each for something new that it learned."""

Again = Literal["", "same", "whole"]
"""Whether to ask once more: not at all, as before, or for a whole answer instead of a stream."""


class WireModel(ABC):
    """A Model of one provider's protocol.

    Args:
        model: the server's name for the model.
        timeout: seconds that one call may take in all, or all of its limits.
        tools: how it is told of tools: as its server has them ("native"), in words ("text"), or in words where it has
            none natively ("auto").

    """

    provider: ClassVar[str]
    """What stands before the colon in the name that `connect` takes."""
    cuts_silently: ClassVar[bool] = False
    """Whether the server cuts too long a conversation itself and does not say so."""

    asks_first: ClassVar[bool] = False
    """Whether the server is asked what the model can do before it is first told of tools."""

    def __init__(self, model: str, timeout: float | Limits, tools: ToolsMode = "auto") -> None:
        self._model = model
        self._limits = Limits.of(timeout)
        self._tools = tools
        self._family = family_of(model)

    @property
    def name(self) -> str:
        """The name that `connect` takes."""
        return f"{self.provider}:{self._model}"

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply; errors as `Model` promises."""
        async with aclosing(self._exchange(request, stream=False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    return piece
        raise AssertionError  # an exchange ends in a Reply or an error

    def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces and at the end the whole reply; errors as `Model` promises."""
        return self._exchange(request, stream=True)

    @property
    @abstractmethod
    def served(self) -> Served:
        """The model, where it is served, and by what: facts.py asks there what it can do."""

    @abstractmethod
    def body(self, request: Request, *, stream: bool) -> dict[str, Any]:
        """Return a request as the protocol has it."""

    @abstractmethod
    def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Send a body and give the events of the answer; a plain answer is one event."""

    @abstractmethod
    def take(self, event: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take an event into the answer, and yield what of it can be shown."""

    @abstractmethod
    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's or of the reading."""

    def fit(
        self,
        body: dict[str, Any],
        known: Learning,  # noqa: ARG002  # a protocol may look at it
        *,
        stream: bool,  # noqa: ARG002  # a protocol may say it in the body
    ) -> tuple[dict[str, Any], list[str]]:
        """Return a body as this server takes it, and what was changed for that, in English lines."""
        return body, []

    def streams(self, request: Request, known: Learning, *, wanted: bool) -> bool:  # noqa: ARG002  # an adapter may look at both
        """Return whether the answer is asked for as a stream, whatever the caller gets."""
        return wanted

    def left_out(self, request: Request, written: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002  # an adapter may look at it
        """Return the names of what was asked for and is not sent, because the model does not take it."""
        return request.left_out if isinstance(request, Prepared) else ()

    def unsent(self, request: Request, body: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002  # an adapter may look at both
        """Return the stop strings that the server is not told of: the answer is cut at them here."""
        return ()

    def again(
        self,
        error: AgentError,  # noqa: ARG002  # an adapter may look at it
        request: Request,  # noqa: ARG002  # an adapter may look at it
        body: Mapping[str, Any],  # noqa: ARG002  # an adapter may look at it
        known: Learning,  # noqa: ARG002  # an adapter may look at it
        tried: int,  # noqa: ARG002  # an adapter may look at it
    ) -> Again:
        """Say whether an exchange that brought nothing yet is worth one more, after what its error taught.

        Args:
            error: what it ended in.
            request: what was asked.
            body: what was sent.
            known: what was learned of the model; what the error teaches is added.
            tried: how many exchanges there were, this one included.

        """
        return ""

    async def _exchange(self, request: Request, *, stream: bool) -> AsyncGenerator[Delta | Reply, None]:
        deadline = Deadline(self.name, self._limits, request.timeout)
        if _shows_anything(request):
            request = await deadline.within(self._with_media(request))
        if self.asks_first and is_about_tools(request):
            known_as = (await deadline.within(facts_of(self.served))).known_as
            if self._family.name == "unknown" and known_as:
                self._family = family_of(known_as)
        known = Learning(self.served.url, self._model)
        way = Emulation(request, self.served, self._family, known, mode=self._tools)
        spent: list[Usage] = []
        empty: EmptyResponse | None = None
        again: Again = "same"
        tried = 0
        while again:
            streamed = again != "whole" and self.streams(request, known, wanted=stream)
            tried += 1
            written = way.write(self._written(request, stream=streamed))
            body, changes = self.fit(written, known, stream=streamed)
            left = [f"{n} was left out: the model does not take it." for n in self.left_out(request, written)]
            changes = [*left, *changes]
            body, fitted = await self._inside(body, request, most=way.room)
            cut = [] if fitted is None else cuts_of(fitted)
            offer = offer_of(request, self.served.server, prepared=isinstance(request, Prepared))
            answer = Collector(self._model, offer, self._family)
            answer.asked = body
            stops = StopText(self.unsent(request, body))
            said: list[str] = []
            begun = False
            try:
                async with (
                    self.open(body, stream=streamed, deadline=deadline) as events,
                    aclosing(deadline.each(events)) as items,
                ):
                    async for event in items:
                        pieces = self.take(event, answer, stream=streamed)
                        for delta in stops.each(pieces) if stops else pieces:
                            begun = deadline.begun = True
                            if isinstance(delta, TextDelta):
                                said.append(delta.text)
                                if way.holds:
                                    continue
                            elif isinstance(delta, Restated):
                                said.clear()
                            yield delta
                for delta in chain(stops.each(answer.rest()), stops.rest()):
                    begun = deadline.begun = True
                    if not (way.holds and isinstance(delta, TextDelta)):
                        yield delta
                reply = stops.cut(answer.reply(streamed=streamed))
                if fitted is not None:
                    cut += self.counted(fitted, reply, body)
                found = way.after_reply(self._raised(reply, request), offer)
            except Exception as error:
                fault = self.fault(error, "".join(said))
                if empty is not None and not isinstance(fault, EmptyResponse):
                    fault = empty  # a second ask that fails is not told: what the first one brought is
                if isinstance(fault, ModelError) and fault.received is None:
                    fault.received = answer.so_far()
                if answer.usage.tokens:
                    spent.append(answer.usage)
                if isinstance(fault, ModelError) and spent and (fault.usage is None or fault is empty):
                    fault.usage = sum(spent[1:], spent[0])
                if isinstance(fault, InvalidRequest) and (held := self._withheld(fault, answer, offer)):
                    if held.message.calls:
                        yield _told(held, changes, cut)
                        return
                    fault.received = held.message
                again = self._after(fault, request, body, tried, way, known, begun=begun)
                if isinstance(fault, EmptyResponse):
                    empty = fault
                found = None if again else way.instead()
                if not again and found is None:
                    if fault is error:
                        raise
                    raise fault from error
            else:
                known.keep()
                spent.append(answer.usage)
                again = "same" if found is None else ""
            if found is not None:
                for delta in way.unshown(found):
                    yield delta
                if len(spent) > 1 or spent[0] is not found.usage:
                    found = replace(found, usage=sum(spent[1:], spent[0]))
                yield _told(found, changes, cut)
                return

    def _after(
        self,
        fault: AgentError,
        request: Request,
        body: Mapping[str, Any],
        tried: int,
        way: Emulation,
        known: Learning,
        *,
        begun: bool,
    ) -> Again:
        """Say whether to ask once more after an error."""
        if tried > MOST:
            return ""
        if way.after_fault(fault, body, begun=begun):
            return "same"
        if begun:
            return ""
        if again := self.again(fault, request, body, known, tried):
            return again
        if (room := self._shorter(fault, body)) is not None:
            way.room = room
            return "same"
        return "same" if way.after_refused_choice(fault, body) else ""

    async def room(self, body: dict[str, Any], request: Request) -> tuple[dict[str, Any], int | None]:
        """Return a body that says how large a window is wanted, where a protocol can, and the tokens of a question.

        None is a window that nobody knows, or one that what is asked surely fits in.
        """
        size = characters(body) * MOST_TOKENS
        # A server that can be asked is asked before the first long conversation, and not for a short one.
        facts = await facts_of(self) if size > SHORT else facts_known(self.served)
        limit = limit_of(self._whose(), facts.context)
        if limit is None or size < limit // 2:
            return body, None
        return body, limit - min(request.max_tokens or ANSWER, limit // 4)

    def counted(self, fitted: Shortened, reply: Reply, body: Mapping[str, Any]) -> list[Repair]:  # noqa: ARG002  # a protocol may look at both
        """Take what the server counted, and return what its count tells of the answer."""
        learn(self._whose(), fitted.estimated, reply.usage.input_tokens)
        return []

    async def _inside(
        self, body: dict[str, Any], request: Request, *, most: int | None
    ) -> tuple[dict[str, Any], Shortened | None]:
        """Return a body whose conversation fits the window, and what it weighs; None where it surely fits.

        Raises:
            ContextOverflow: it cannot be made to fit, and the server would cut it without a word.

        """
        body, room = await self.room(body, request)
        if most is not None:
            room = most if room is None else min(room, most)
        place = placed(body)
        if room is None or place is None:
            return body, None
        fitted = shorten(place.conversation, place.tools, room, self._family.tokens, self._whose())
        if self.cuts_silently and fitted.asked / MARGIN > room:
            raise overflow(self.name, fitted.asked, room)
        return (place.put(fitted.conversation) if fitted.left_out else body), fitted

    def _shorter(self, fault: AgentError, body: Mapping[str, Any]) -> int | None:
        """Return the tokens to ask for after too long a conversation was refused; None: nothing can be left out."""
        place = placed(body)
        if not isinstance(fault, ContextOverflow) or place is None:
            return None
        key, tokens = self._whose(), self._family.tokens
        asked = fault.asked or shorten(place.conversation, place.tools, sys.maxsize, tokens, key).asked
        room = min(fault.limit or asked, round(asked * 0.8))
        if not shorten(place.conversation, place.tools, room, tokens, key).left_out:
            return None  # it is the answer's share that is too large, or the one question
        return told(key, fault.limit, asked)

    async def _with_media(self, request: Request) -> Request:
        """Return a request with its media as the server takes them; errors as `attach`."""
        facts, server = await facts_of(self), self.served.server
        if isinstance(request, Prepared):
            body = await attach_written(request.body, model=self.name, facts=facts, server=server)
            return replace(request, body=body)
        taken = self.addresses()
        ready = await attach(request.messages, model=self.name, facts=facts, server=server, by_address=taken)
        return replace(request, messages=ready)

    def addresses(self) -> frozenset[MediaKind]:
        """Return what the protocol takes by its address, where its server fetches any."""
        return CHAT_ADDRESSES

    def _whose(self) -> tuple[str, str]:
        return self.served.url, self._model

    def _written(self, request: Request, *, stream: bool) -> dict[str, Any]:
        if isinstance(request, Prepared):
            return dict(request.body)
        return self.body(named_for(request, self.served.server, self.name), stream=stream)

    def _withheld(self, fault: InvalidRequest, answer: Collector, offer: Offer) -> Reply | None:
        if not fault.written:
            return None
        return read_refused(
            fault.written, offer, model=answer.model, family=self._family, before=answer.so_far()
        )

    def _raised(self, reply: Reply, request: Request) -> Reply:
        """Return a reply whose text is in the form that was asked for, where another one had to be sent."""
        if request.output_schema is None or isinstance(request, Prepared) or reply.message.calls:
            return reply
        form = output_form(request.output_schema, self._family, self.served.server)
        text = form.raise_text(reply.message.text) if form else reply.message.text
        if text == reply.message.text:
            return reply
        return replace(reply, message=replace(reply.message, text=text))


def _told(reply: Reply, changes: Sequence[str], cut: Sequence[Repair]) -> Reply:
    """Return a reply that says what of its request was changed."""
    if not changes and not cut:
        return reply
    repairs = (*reply.message.repairs, *(Repair("request.changed", c) for c in changes), *cut)
    return replace(reply, message=replace(reply.message, repairs=repairs))


def _shows_anything(request: Request) -> bool:
    if isinstance(request, Prepared):
        return shows_anything(request.body)
    return holds_media(request.messages)
