"""One call of the model: reserved, streamed into events, settled."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from agentsdk.budget import Usage
from agentsdk.errors import EmptyResponse, InvalidRequest, ModelError
from agentsdk.events import BudgetReserved, BudgetSettled, Draft, DraftReplaced, ModelCalled, Thought
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import CallDelta, ReasoningDelta, Reply, Request, Restated, TextDelta, reading
from agentsdk.planner.journal import Found, Key, spent
from agentsdk.planner.markers import PublicText
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.store import place
from agentsdk.store.written import read, write
from agentsdk.telemetry import chatting

PLAN_STEPS = "plan_steps_seen"
"""Where a reply's details say how many steps of its plan were read while it was written: a resume does as was done."""


class Watcher(Protocol):
    """Looks at the calls of a reply as they are written."""

    count: int
    """How many steps of a plan it has taken."""

    async def take(self, delta: CallDelta, key: Key) -> None:
        """Take a piece of a call in; `key` is the journal's for the model call."""


async def call_model(
    run: Run, request: Request, *, final: bool = False, public: bool = True, early: Watcher | None = None
) -> Reply:
    """Return the model's reply to `request`: from the journal of a resumed run, or from the model.

    Args:
        final: this is the answer call that the budget keeps back.
        public: the text may become the answer, and is emitted as a draft while it comes.
        early: what looks at calls while they are written.

    Raises:
        LimitReached: the budget does not allow the call.
        EmptyResponse: there was neither text nor a call.
        ModelError: whatever else the model raises.

    """
    # The key is made of what is asked, before the budget cuts its length: what is left of that differs in a resume.
    key = run.journal.of_call(request, run.model.name)
    found = await run.journal.found(key)
    if found is not None and found.finished:
        return _again(found, run, public=public)
    if early is not None and (begun := run.journal.received(key)):
        steps = "\n".join(json.dumps(s.to_dict(), ensure_ascii=False) for s in begun)
        note = Message.user(render("plan_begun", run.brief.language, steps=steps))
        request = replace(request, messages=(*request.messages, note))

    async def look(delta: CallDelta) -> None:
        if early is not None:
            await early.take(delta, key)

    try:
        reply = await _ask(run, request, look, final=final, public=public)
        if early is not None and early.count:
            await run.journal.plan_complete(key)
            reply = replace(reply, details={**reply.details, PLAN_STEPS: early.count})
        await run.journal.ended(key, write(reply), reply.usage)
    except BaseException:
        run.journal.leave(key)
        raise
    return reply


def _again(found: Found, run: Run, *, public: bool) -> Reply:
    """Return the reply that the journal holds: told and counted as it was, and not paid for again."""
    reply = read(Reply, found.value)
    if reply.message.reasoning:
        run.thoughts.append(reply.message.reasoning)
    if public and not run.hold and not (reply.message.calls or reply.message.broken_calls):
        text = PublicText()
        run.emit(Draft(text.feed(reply.message.text) + text.rest()))
    _count(run, found.usage)
    run.emit(ModelCalled(found.usage, run.ledger.total, reused=True))
    return reply


def _count(run: Run, used: Usage) -> None:
    run.ledger.recall(used)
    spent(used)


async def _ask(
    run: Run, request: Request, look: Callable[[CallDelta], Awaitable[None]], *, final: bool, public: bool
) -> Reply:
    request, hold = run.ledger.reserve(request, final=final)
    step = "/".join(place.path())
    run.emit(BudgetReserved(hold, run.ledger.total, step))
    # What a call that breaks off has cost is known where the server had said it. Else its input is counted, which
    # errs on the safe side.
    used = Usage(calls=1, input_tokens=hold.input_tokens)
    public = public and not run.hold
    shown, text, reply = False, PublicText(), None
    try:
        async with (
            chatting(run.model.name, request, step) as watch,
            reading(run.model.stream(request)) as pieces,
        ):
            async for piece in pieces:
                match piece:
                    case TextDelta(words):
                        if public and (now := text.feed(words)):
                            run.emit(Draft(now))
                            shown = True
                    case ReasoningDelta(words):
                        run.emit(Thought(words))
                    case Restated(words):
                        run.emit(Thought(words))
                        if shown:
                            run.emit(DraftReplaced(_("What was written so far was a thought.")))
                        shown, text = False, PublicText()
                    case CallDelta() as piece_of_call:
                        await look(piece_of_call)
                    case Reply():
                        reply = piece
                        watch.replied(reply)
        if reply is not None:
            used = replace(reply.usage, calls=max(reply.usage.calls, 1))
    except ModelError as error:
        if error.usage is not None:
            used = replace(error.usage, calls=max(error.usage.calls, 1))
        # The server refused what the model wrote as a call: the model is told why, as with any broken call.
        written = isinstance(error, InvalidRequest) and error.written
        if not (written and isinstance(error.received, Message) and error.received.broken_calls):
            raise
        reply = Reply(error.received, used)
    finally:
        used = run.ledger.priced(used)
        run.ledger.settle(hold, used)
        spent(used)
        run.emit(BudgetSettled(hold, used, run.ledger.total, step))
        run.emit(ModelCalled(used, run.ledger.total))
    if reply is None:
        raise EmptyResponse(
            _("{model} ended its stream without an answer.").format(model=run.model.name),
            why=_("A Model's stream must end with a Reply."),
        )
    message = reply.message
    if message.reasoning:
        run.thoughts.append(message.reasoning)
    if not (message.text.strip() or message.calls or message.broken_calls):
        raise EmptyResponse(
            _("{model} gave an empty answer.").format(model=run.model.name),
            fix=_("Ask again, or take another model."),
        )
    if public and (now := text.rest()) and not message.calls:
        run.emit(Draft(now))
    if shown and (message.calls or message.broken_calls):
        run.emit(DraftReplaced(_("The model went on to use tools.")))
    return reply


def as_history(message: Message) -> Message:
    """Return a model's turn as it goes back into the conversation: broken calls stay out of it.

    A call without its answer is refused by every provider, and a broken one cannot be answered. Thoughts stay with the
    calls that they led to: some servers want them back there, and the adapters give them to no others.
    """
    text = message.text if message.text or message.calls else "…"
    return replace(message, text=text, broken_calls=(), reasoning=message.reasoning if message.calls else "")
