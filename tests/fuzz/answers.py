"""Reads answers through the Collector, and holds them to what is promised of every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from agentsdk.errors import BadResponse, ContentFiltered, EmptyResponse, ModelError, Truncated
from agentsdk.messages import ToolCall
from agentsdk.models.collect import Collector
from agentsdk.models.model import Delta, Offer, ReasoningDelta, Reply, Restated, TextDelta
from agentsdk.models.profiles import Family
from tests.fuzz.reader import Ended, Violation, Watch, holds, same
from tests.models.repair.reading import AUTO, TOOLS

RAISES: tuple[type[Exception], ...] = (BadResponse, Truncated, EmptyResponse, ContentFiltered)
"""What `Collector.reply` is documented to raise, and what it raises where an answer does not end."""

NONE = Offer(TOOLS, "none")
OFFERS: dict[str, Offer | None] = {
    "auto": AUTO,
    "none": NONE,
    "unknown": None,
    "nothing": Offer(),
    "named": Offer(TOOLS, "add"),
    "sent": Offer(TOOLS, sent={"addition": "add"}, nulls=True),
    "names of one beginning": Offer({"add": TOOLS["add"], "add_all": TOOLS["add"], "a": TOOLS["get_time"]}),
    "odd names": Offer({"функция": TOOLS["add"], "my tool": TOOLS["get_time"], "a.b": TOOLS["get_time"], "": TOOLS["add"]}),
}  # fmt: skip

_TAG = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came of an answer, in plain values."""

    text: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    """By id, name, and arguments as JSON."""
    broken: tuple[tuple[str, str, str], ...] = ()
    """By id, name and fault."""
    reasoning: str = ""
    repairs: tuple[tuple[str, str], ...] = ()
    finish: str = ""
    error: str = ""


def answered(
    watch: Watch,
    feed: Callable[[Collector], Iterable[Delta]],
    offer: Offer | None,
    *,
    family: Family | None = None,
    streamed: bool = True,
    pieces: int = 1,
) -> tuple[Answer, list[Delta]]:
    """Return what comes of an answer, and its deltas, having held it to what is promised.

    Args:
        watch: times the reading.
        feed: brings the answer in, and gives the deltas.
        offer: what may be called.
        family: the model's kind.
        streamed: whether it came as a stream.
        pieces: how many pieces it comes in.

    """
    answer = Collector("m", offer, family)
    deltas: list[Delta] = []

    def reading() -> Reply:
        deltas.extend(feed(answer))
        deltas.extend(answer.rest())
        return answer.reply(streamed=streamed)

    got = watch.read(reading, pieces=pieces)
    said, thought = shown(deltas)
    received = answer.so_far()  # what an error carries: it may not fail, and none of its calls may run
    holds("so_far", received is None or not received.calls, received)
    if isinstance(got, Ended):
        return Answer(text=said, reasoning=thought.strip(), error=got.error), deltas
    message = got.message
    same("deltas", said, message.text)
    same("thoughts", thought.strip(), message.reasoning)
    may_run(message.calls, offer)
    ids = [*(c.id for c in message.calls), *(c.id for c in message.broken_calls)]
    holds("ids", len(set(ids)) == len(ids) and all(ids), ids)
    cut = got.finish == "length" or (streamed and answer.finish is None)
    holds("cut", not (cut and message.calls and not message.broken_calls), message.calls)
    return Answer(
        message.text,
        tuple((c.id, c.name, json.dumps(c.arguments, sort_keys=True)) for c in message.calls),
        tuple((c.id, c.name, c.fault) for c in message.broken_calls),
        message.reasoning,
        tuple((r.kind, r.detail) for r in message.repairs),
        got.finish,
    ), deltas


def shown(deltas: Iterable[Delta]) -> tuple[str, str]:
    """Return the text and the thoughts that a person was shown in the end."""
    said: list[str] = []
    thought: list[str] = []
    for delta in deltas:
        match delta:
            case TextDelta(text):
                said.append(text)
            case ReasoningDelta(text):
                thought.append(text)
            case Restated(text):
                thought.append(text)
                said.clear()
    return "".join(said), "".join(thought)


def may_run(calls: Iterable[ToolCall], offer: Offer | None) -> None:
    """Hold calls that may be run to what was offered."""
    for call in calls:
        holds("json", json.dumps(call.arguments, allow_nan=False) is not None)
        if offer is None:
            continue
        holds("invented", call.name in offer.tools, call)
        holds("forbidden", offer.choice != "none", call)
        if not fits(call.arguments, offer.tools[call.name]):
            raise Violation("schema", str(call))


@cache
def _validator(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text))


def fits(value: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Return whether a value fits a schema by the word of `jsonschema`."""
    return bool(_validator(json.dumps(schema)).is_valid(dict(value)))


def tags_left(said: str, before: str = "") -> list[str]:
    """Return the tags around thoughts that a text shows, but for those it writes about: in quotes, or in code.

    Args:
        said: a stretch of the text.
        before: what was said before it.

    """
    left = []
    for tag in _TAG.finditer(said):
        fenced = (before + said[: tag.start()]).count("```") % 2
        first = (before + said)[: len(before) + tag.start()][-1:]
        quoted = first in ("`", '"', "'") and first == said[tag.end() : tag.end() + 1]
        if not fenced and not quoted:
            left.append(tag[0])
    return left


def is_typed(error: Exception) -> bool:
    """Return whether an error is of the family that a Model raises."""
    return isinstance(error, ModelError)
