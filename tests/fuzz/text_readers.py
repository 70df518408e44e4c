"""The readers of text: thoughts, calls in a dialect, whole answers, and what a server refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from agentsdk.models.collect import Collector
from agentsdk.models.model import Delta
from agentsdk.models.profiles import family_of
from agentsdk.models.repair.calls import Settled
from agentsdk.models.repair.channels import OPENERS
from agentsdk.models.repair.reasoning import ThoughtSplitter, reasoning_of
from agentsdk.models.repair.refused import read_refused
from agentsdk.models.repair.text_calls import TextCalls, settle_found
from tests.fuzz.answers import OFFERS, RAISES, answered, may_run, tags_left
from tests.fuzz.reader import Reader, Watch, holds, same
from tests.fuzz.texts import ALL, NAMES, ODD_NAMES, call, pieces, text
from tests.fuzz.values import dumped, nested, raw, value
from tests.models.repair.reading import AUTO

FINISHES = ("stop", "stop", "stop", "tool_calls", "length", "content_filter", "error", None)
ANY_TEXT = st.lists(st.sampled_from(ALL) | st.text(max_size=5), max_size=12).map("".join)


def cut(chance: Random) -> list[str]:
    """Draw a text in pieces."""
    return pieces(chance, text(chance))


def cut_again(words: list[str]) -> Iterator[list[str]]:
    """Yield the ways in which a text is fed: as it was drawn, and by its characters where it is short."""
    yield words
    if 1 < len(said := "".join(words)) <= 60:
        yield list(said)


def _thoughts(sample: tuple[list[str], bool], watch: Watch) -> None:
    words, opened = sample

    def parted(fed: list[str]) -> list[tuple[str, str]]:
        splitter = ThoughtSplitter(opened=opened)
        parts = [part for piece in fed for part in splitter.feed(piece)]
        parts += splitter.rest()
        joined: list[tuple[str, str]] = []
        for kind, said in parts:
            if joined and joined[-1][0] == kind != "orphan":
                joined[-1] = kind, joined[-1][1] + said
            else:
                joined.append((kind, said))
        same("said", "".join(splitter.said), "".join(_said(joined)))
        return joined

    whole = watch.read(lambda: parted(["".join(words)]))
    for fed in cut_again(words):
        same("cut", watch.read(lambda: parted(fed), pieces=len(fed)), whole)  # noqa: B023  # read at once
    # An answer in gpt-oss's own marks has its thoughts by them, and tags in it are words.
    if not isinstance(whole, list) or "".join(words).lstrip().lower().startswith(OPENERS):
        return
    before = ""
    for kind, said in whole:
        if kind == "said" and len(said) < 5_000:
            holds("tags", not tags_left(said, before), said)
        before = "" if kind == "orphan" else before + said if kind == "said" else before


def _said(parts: list[tuple[str, str]]) -> list[str]:
    last = max((at for at, (kind, _text) in enumerate(parts) if kind == "orphan"), default=-1)
    return [said for kind, said in parts[last + 1 :] if kind == "said"]


def _fields(sample: Any, watch: Watch) -> None:
    holds("text", isinstance(watch.read(lambda: reasoning_of(sample)), str))


def _field(chance: Random) -> dict[str, Any]:
    names = (
        "reasoning_content",
        "reasoning",
        "thinking",
        "reasoning_details",
        "content",
        "text",
        "type",
        "summary",
    )
    made = {n: value(chance) for n in chance.sample(names, 3)}
    made["content"] = [{"type": "thinking", n: value(chance)} for n in chance.sample(names, 2)]
    return made if chance.random() < 0.98 else made | {"reasoning": nested(chance, 500)}


def _text_calls(sample: tuple[list[str], str, str], watch: Watch) -> None:
    words, name, cut_ = sample
    offer = OFFERS[name]

    def read(fed: list[str]) -> tuple[Any, ...]:
        reader = TextCalls(offer)
        shown = "".join([*map(reader.feed, fed), reader.rest()])
        settled = settle_found(reader.found, cut=cut_, offer=offer, beside=Settled())
        may_run(settled.calls, offer)
        holds("cut", not cut_ or not settled.calls or settled.broken, settled)
        return shown, reader.found, reader.repairs, settled

    whole = watch.read(lambda: read(["".join(words)]))
    for fed in cut_again(words):
        same("cut", watch.read(lambda: read(fed), pieces=len(fed)), whole)  # noqa: B023  # read at once


_PLAIN = family_of("llama3.1:8b")
_FAMILIES = (_PLAIN, replace(_PLAIN, opens_in_thought=True))


def _events(chance: Random) -> list[tuple[str, Any]]:
    """Draw the events of an answer: pieces of text, of thoughts and of calls."""
    events: list[tuple[str, Any]] = []
    for _part in range(chance.choice((1, 1, 1, 2, 3))):
        match chance.randrange(6):
            case 0:
                events += [("thought", piece) for piece in cut(chance)[:500]]
            case 1:
                arguments = raw(chance, {"x": chance.randrange(9)})
                name = chance.choice(NAMES if chance.random() < 0.8 else ODD_NAMES)
                place = chance.choice((None, 0, 1))
                events.append(
                    ("call", (place, chance.choice((None, "", "c1", "call_text_1")), name, arguments))
                )
            case _:
                events += [("text", piece) for piece in cut(chance)]
    return events


def _merged(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the events with what follows on each other joined."""
    joined: list[tuple[str, Any]] = []
    texts: list[str] = []
    for kind, piece in events:
        if kind != "call" and joined and joined[-1][0] == kind:
            texts.append(piece)
            continue
        if texts:
            joined[-1] = joined[-1][0], "".join([joined[-1][1], *texts])
            texts = []
        joined.append((kind, piece))
    if texts:
        joined[-1] = joined[-1][0], "".join([joined[-1][1], *texts])
    return joined


def _collector(sample: tuple[list[tuple[str, Any]], str, int, str | None], watch: Watch) -> None:
    events, name, family, finish = sample

    def feed(fed: list[tuple[str, Any]]) -> Any:
        def into(answer: Collector) -> Iterator[Delta]:
            for kind, piece in fed:
                if kind == "text":
                    yield from answer.text(piece)
                elif kind == "thought":
                    yield from answer.reasoning(piece)
                else:
                    yield from answer.call(*piece)
            answer.finish = finish

        return into

    whole = _merged(events)
    kind = _FAMILIES[family % len(_FAMILIES)]
    got, _deltas = answered(watch, feed(whole), OFFERS[name], family=kind)
    again, _deltas = answered(watch, feed(events), OFFERS[name], family=kind, pieces=len(events))
    same("cut", again, got)


def _refused(sample: str, watch: Watch) -> None:
    got = watch.read(lambda: read_refused(sample, AUTO, model="m", family=_PLAIN, before=None))
    if got is not None and hasattr(got, "message"):
        may_run(got.message.calls, AUTO)


def _written(chance: Random) -> str:
    if chance.random() < 0.5:
        return text(chance)
    made = {
        "name": chance.choice(NAMES + ODD_NAMES),
        chance.choice(("arguments", "parameters", "x")): raw(chance, {"x": 1}),
    }
    return chance.choice(
        (dumped(made), call(chance), repr(made), f"[{dumped(made)}]", json.dumps(value(chance)))
    )


READERS = (
    Reader(
        "thoughts",
        lambda chance: (cut(chance), chance.random() < 0.3),
        _thoughts,
        share=12,
        strategy=lambda: st.tuples(ANY_TEXT.map(list), st.booleans()),
    ),
    Reader("thought fields", _field, _fields, share=3),
    Reader(
        "text calls",
        lambda chance: (
            cut(chance),
            chance.choice(list(OFFERS)),
            chance.choice(("", "", "The answer was cut off.")),
        ),
        _text_calls,
        share=16,
        strategy=lambda: st.tuples(ANY_TEXT.map(list), st.sampled_from(list(OFFERS)), st.just("")),
    ),
    Reader(
        "collector",
        lambda chance: (
            _events(chance),
            "auto" if chance.random() < 0.6 else chance.choice(list(OFFERS)),
            chance.randrange(2),
            chance.choice(FINISHES),
        ),
        _collector,
        RAISES,
        share=16,
    ),
    Reader("refused calls", _written, _refused, share=3),
)
