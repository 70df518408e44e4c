"""Reads the call that a server checked itself and refused: Groq answers 400 and gives what the model wrote (Q39)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agentsdk.errors import ModelError
from agentsdk.messages import Message, Repair
from agentsdk.models.collect import Collector
from agentsdk.models.model import Offer, Reply
from agentsdk.models.profiles import Family
from agentsdk.models.repair.json_text import read_json


def read_refused(
    written: str, offer: Offer, *, model: str, family: Family, before: Message | None
) -> Reply | None:
    """Return the reply that the server withheld, its calls mended and checked as any other; None where there is none.

    Args:
        written: what the model wrote, by the server's word.
        offer: what it was offered.
        model: what the answer's model is called.
        family: what is known of the model's kind.
        before: what had come before it, as a turn.

    """
    reply = _read(written, offer, model, family)
    if reply is None or not (reply.message.calls or reply.message.broken_calls):
        return None
    message = reply.message
    repair = Repair("call.refused", "the server refused what the model wrote as a call; it was read here")
    text, reasoning = (before.text, before.reasoning) if before else ("", "")
    return replace(
        reply,
        message=replace(
            message,
            text=text + message.text,
            reasoning=reasoning or message.reasoning,
            repairs=(repair, *message.repairs),
        ),
    )


def _read(written: str, offer: Offer, model: str, family: Family) -> Reply | None:
    answer = Collector(model, offer, family)
    try:
        # The server took it for a call, so it is one, though its name be wrong: in a text that would not be enough.
        call, _forgiven = read_json(written)
    except ValueError:
        call = None
    if isinstance(call, Mapping) and isinstance(call.get("name"), str):
        key = next((k for k in ("arguments", "parameters") if k in call), "")
        answer.call(0, None, call["name"], call.get(key))
    else:
        answer.text(written)
    answer.finish = "stop"
    try:
        return answer.reply(streamed=False)
    except ModelError:
        return None
