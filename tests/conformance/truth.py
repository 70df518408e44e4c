"""What the bytes of one exchange say: its calls, its text and its thoughts, by the wire and by the reviewed table.

It imports nothing of agentsdk.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tests.conformance.folder import Exchange
from tests.conformance.offer import Offered, offered
from tests.conformance.protocol import Protocol, protocol_of, streamed
from tests.conformance.values import valid, wire_value
from tests.conformance.wire import Wire, WireCall, parted, read

_EXPECTED = Path(__file__).with_name("expectations.json")


@dataclass
class Truth:
    """What the bytes of one exchange say."""

    exchange: Exchange
    table: Mapping[str, Any]
    body: bytes = b""
    protocol: Protocol = field(init=False)
    streamed: bool = field(init=False)
    offer: Offered = field(init=False)

    def __post_init__(self) -> None:
        self.body = self.body or self.exchange.body
        self.protocol = protocol_of(self.exchange)
        self.streamed = streamed(self.exchange)
        self.offer = offered(self.exchange)

    @cached_property
    def wire(self) -> Wire:
        """What stands on the wire."""
        return read(self.body, self.protocol, streamed=self.streamed)

    @cached_property
    def row(self) -> Mapping[str, Any]:
        """What was reviewed by hand for these bytes."""
        row: Mapping[str, Any] = self.table.get(digest(self.body), {})
        return row

    @cached_property
    def said(self) -> str:
        """The public text, calls in text included."""
        return self.wire.failed or parted(self.wire.content)[0]

    @cached_property
    def thought(self) -> str:
        """All thoughts."""
        return self.wire.thoughts + parted(self.wire.content)[1]

    @cached_property
    def calls(self) -> list[WireCall]:
        """The structured calls; a wrapper of several is taken apart."""
        calls = [c for c in self.wire.calls if not c.custom or c.name in self.offer.tools]
        return [inner for call in calls for inner in _unwrapped(call, self.offer.tools)]

    @cached_property
    def either(self) -> list[WireCall]:
        """The calls of the text that may be run or be told of as broken, but not be passed over."""
        return [WireCall(name=c["name"], given=c["arguments"]) for c in self.row.get("either", ())]

    @cached_property
    def text_calls(self) -> list[WireCall]:
        """The calls that certainly stand in the text."""
        if self.row:
            return [WireCall(name=c["name"], given=c["arguments"]) for c in self.row.get("calls", ())]
        if self.offer.choice == "none" or self.wire.cut or self.calls or self.offer.source == "inferred":
            return []
        return list(_plain_calls(self.said, self.offer.tools))

    def name_of(self, call: WireCall, *, loose: bool = False) -> str | None:
        """Return the offered name that a call means, None where it means none or several.

        Args:
            call: the call.
            loose: whether a slip of the pen is taken for what it means as well.

        """
        if call.name in self.offer.tools:
            return call.name
        alike = [n for n in self.offer.tools if folded(n) == folded(call.name)]
        if not alike and loose:
            alike = [n for n in self.offer.tools if _near(folded(n), folded(call.name))]
        return alike[0] if len(alike) == 1 else None


@cache
def expectations() -> dict[str, Any]:
    """Return the reviewed table."""
    table: dict[str, Any] = json.loads(_EXPECTED.read_text(encoding="utf-8"))
    return table


def digest(body: bytes) -> str:
    """Return the key of the table for an answer's bytes."""
    return hashlib.sha256(body).hexdigest()[:32]


def _unwrapped(call: WireCall, tools: Mapping[str, Any]) -> Iterator[WireCall]:
    if call.name in tools or "parallel" not in call.name:
        yield call
        return
    try:
        uses = wire_value(call.raw, call.given)["tool_uses"]
        inner = [
            WireCall(
                call.id,
                str(u["recipient_name"]).removeprefix("functions."),
                "",
                u.get("parameters") or {},
                call.closed,
            )
            for u in uses
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield call
        return
    yield from inner


def _plain_calls(text: str, tools: Mapping[str, Any]) -> Iterator[WireCall]:
    """Yield the calls of a text that is nothing else than well-formed calls of offered tools."""
    stripped = text.strip()
    tagged = re.findall(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", stripped, re.DOTALL)
    if tagged and re.sub(r"<tool_call>\s*\{.*?\}\s*</tool_call>", "", stripped, flags=re.DOTALL).strip():
        return
    fenced = re.fullmatch(r"```(?:json)?\s*(\{.*\})\s*```", stripped, re.DOTALL)
    bare = stripped.removeprefix("<|python_tag|>")
    found = []
    for source in tagged or [fenced[1] if fenced else bare]:
        try:
            value = json.loads(source)
        except (ValueError, RecursionError):
            return
        if not isinstance(value, Mapping) or not value.keys() <= {
            "name",
            "arguments",
            "parameters",
            "type",
            "id",
        }:
            return
        arguments = value.get("arguments", value.get("parameters"))
        schema = tools.get(str(value.get("name")))
        if schema is None or not isinstance(arguments, Mapping) or not valid(arguments, schema):
            return
        found.append(WireCall(name=value["name"], given=arguments))
    yield from found


def bare(text: str) -> str:
    """Return a text without blanks and without the marks that models put around calls."""
    return re.sub(r"\s|<\|\w+\|>|</?tool_calls?>|\[/?TOOL_CALLS\]|```\w*", "", text)


def folded(name: str) -> str:
    """Return a name without what models write around it, and in small letters."""
    bare = re.sub(r"<\|.*|:\d+$|\(\)$", "", name.strip(), flags=re.DOTALL)
    bare = re.sub(r"^(?:(?:functions?|default_api|tools?|multi_tool_use)[.:/])+", "", bare)
    return re.sub(r"\W|_", "", bare.casefold())


def _near(name: str, said: str) -> bool:
    return (
        sorted(name) == sorted(said) or difflib.SequenceMatcher(None, name, said).ratio() > 0.8
    )  # a letter or two


def squashed(text: str) -> str:
    return " ".join(str(text).split())
