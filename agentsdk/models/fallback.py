"""Fallback: a Model that asks another model where one cannot answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from agentsdk.errors import (
    AuthFailed,
    BadResponse,
    ContextOverflow,
    EmptyResponse,
    ModelError,
    ModelNotFound,
    ModelUnavailable,
    QuotaExhausted,
    UnsupportedMedia,
)
from agentsdk.messages import Repair
from agentsdk.models.faults import too_late
from agentsdk.models.model import Delta, Model, Prepared, Reply, Request, reading

LEADS_ON = (
    ModelUnavailable, QuotaExhausted, ModelNotFound, AuthFailed, ContextOverflow, UnsupportedMedia, BadResponse,
    EmptyResponse,
)  # fmt: skip
"""The errors after which the next model is asked: what is wrong is the server, the account or the model.

Not after ContentFiltered: what one provider's filter stops is not carried to another. Not after InvalidRequest and
Truncated: the program is wrong, or part of the answer was shown.
"""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Asks the models in turn until one answers; never once a piece was streamed.

    The reply says which one it was: `details["answered_by"]`, and a "model.fallback" among the message's repairs for
    each model that could not. Where none answers, the error of the first is raised, with what the others said as
    notes. A request that is already written in one protocol (`Prepared`) goes to the first model alone.
    """

    models: tuple[Model, ...]
    seconds: float = 120.0
    """Deadline of all models together. A model that has others behind it must begin to answer (streamed) or answer
    (whole) within its even share of what is left."""

    @property
    def name(self) -> str:
        """The name of the first model."""
        return self.models[0].name

    @property
    def inner(self) -> Model:
        """The first model: the one whose facts hold."""
        return self.models[0]

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first model that gives one."""
        turns = _Turns(self, request)
        while True:
            model, share, left = turns.next()
            try:
                # A model that keeps to its timeout raises a better error than a bound from outside.
                async with asyncio.timeout(min(share, left) + 0.2):
                    reply = await model.complete(replace(request, timeout=share))
            except ModelError as error:
                turns.failed(model, error)
            except TimeoutError:
                turns.failed(model, too_late(model.name, share))
            else:
                return turns.told(model, reply)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces of the first model that gives one."""
        turns = _Turns(self, request)
        while True:
            model, share, left = turns.next()
            begun = False
            try:
                async with reading(model.stream(replace(request, timeout=left))) as pieces:
                    async with asyncio.timeout(share):
                        piece = await anext(pieces, None)
                    while piece is not None:
                        begun = True
                        yield turns.told(model, piece) if isinstance(piece, Reply) else piece
                        piece = await anext(pieces, None)
            except ModelError as error:
                if begun:
                    raise
                turns.failed(model, error)
            except TimeoutError:
                if begun:
                    raise
                turns.failed(model, too_late(model.name, share, phase="first"))
            else:
                return


class _Turns:
    """Whose turn it is, and what those before could not do."""

    def __init__(self, fallback: Fallback, request: Request) -> None:
        self._models = fallback.models[:1] if isinstance(request, Prepared) else fallback.models
        seconds = fallback.seconds if request.timeout is None else min(request.timeout, fallback.seconds)
        self._end = time.monotonic() + seconds
        self._errors: list[tuple[Model, ModelError]] = []

    def next(self) -> tuple[Model, float, float]:
        """Return the next model, the seconds that it has to begin, and those that are left in all."""
        at = len(self._errors)
        left = max(self._end - time.monotonic(), 0.0)
        return self._models[at], left / (len(self._models) - at), left

    def failed(self, model: Model, error: ModelError) -> None:
        """Go on to the next model, or raise where there is none or the error is not that of the model."""
        self._errors.append((model, error))
        out_of_time = self._end - time.monotonic() <= 0
        if isinstance(error, LEADS_ON) and len(self._errors) < len(self._models) and not out_of_time:
            return
        (_first, raised), *others = self._errors
        if not isinstance(error, LEADS_ON):
            raised, others = error, self._errors[:-1]
        for other, its in others:
            raised.add_note(f"{other.name}: {type(its).__name__}: {its.what} {its.why}".rstrip())
        raise raised

    def told(self, model: Model, reply: Reply) -> Reply:
        """Return a reply that says who gave it, and why others did not."""
        details = {**reply.details, "answered_by": model.name}
        repairs = tuple(
            Repair("model.fallback", f"{other.name} could not answer ({type(e).__name__}: {e.why or e.what}).")
            for other, e in self._errors
        )
        message = reply.message
        if repairs:
            message = replace(message, repairs=(*message.repairs, *repairs))
        return replace(reply, message=message, details=details)
