"""Tools by the names that OpenAI takes: another one is sent under a name made of it, and known again by that."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from agentsdk.errors import InvalidRequest
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Offer, Request
from agentsdk.models.profiles import Server

MOST_TOOLS = 128
"""Tools that OpenAI takes in one request (Q35)."""

_TAKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def sent_name(name: str) -> str:
    """Return a tool's name as OpenAI takes it: as it is, or made of it, and always the same."""
    if _TAKEN.fullmatch(name):
        return name
    kept = re.sub(r"[^a-zA-Z0-9_-]+", "_", name)[:50].strip("_") or "tool"
    # The digest keeps two names apart that would become one.
    return f"{kept}_{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def named_for(request: Request, server: Server, model: str) -> Request:
    """Return a request with its tools, and the calls of its turns, by the names that the server takes.

    Raises:
        InvalidRequest: it has more tools than the server takes; nothing is sent.

    """
    if not server.strict:
        return request
    if len(request.tools) > MOST_TOOLS:
        raise InvalidRequest(
            _("{model} takes {most} tools at most, and {given} were given.").format(
                model=model, most=MOST_TOOLS, given=len(request.tools)
            ),
            fix=_("Give the tools that the task needs, or ask several agents."),
        )
    choice = request.tool_choice
    if all(_TAKEN.fullmatch(t.name) for t in request.tools) and not any(map(_is_renamed, request.messages)):
        return request
    return replace(
        request,
        tools=tuple(replace(t, name=sent_name(t.name)) for t in request.tools),
        tool_choice=choice if choice in ("auto", "none", "required") else sent_name(choice),
        messages=tuple(_named(m) if _is_renamed(m) else m for m in request.messages),
    )


def offer_of(request: Request, server: Server, *, prepared: bool) -> Offer:
    """Return what a request offers, and how what was sent differs from it.

    Args:
        request: by the caller's names.
        server: who is asked.
        prepared: whether the request was sent as the caller wrote it, so that nothing was changed.

    """
    offer = Offer.of(request)
    if prepared or not server.strict:
        return offer
    sent = {sent_name(name): name for name in _untaken(offer.tools)}
    return Offer(offer.tools, offer.choice, sent, nulls=True)


def _untaken(names: Iterable[str]) -> list[str]:
    return [name for name in names if not _TAKEN.fullmatch(name)]


def _is_renamed(message: Message) -> bool:
    return bool(_untaken([c.name for c in message.calls] + [message.name] * (message.role == "tool")))


def _named(message: Message) -> Message:
    return replace(
        message,
        calls=tuple(replace(c, name=sent_name(c.name)) for c in message.calls),
        name=sent_name(message.name) if message.role == "tool" and message.name else message.name,
    )
