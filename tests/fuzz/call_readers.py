"""The readers of calls: their pieces, names and arguments, the JSON in them, and the schemas they are held to."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsdk.models.profiles import SERVERS
from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.repair.calls import MOST_CALLS, CallPieces, Settled
from agentsdk.models.repair.json_text import depth, read_json
from agentsdk.models.repair.names import fold_name
from agentsdk.models.repair.validate import Check
from agentsdk.models.schemas import lower
from tests.fuzz.answers import OFFERS, may_run
from tests.fuzz.reader import Ended, Reader, Watch, holds, same
from tests.fuzz.texts import ALL, NAMES, ODD_NAMES, changed, long, pieces, text
from tests.fuzz.values import deep_text, dumped, given_for, hostile, raw, schema, spoilt, tool_schema, value
from tests.models.repair.schemas import mangled, rooted, tools
from tests.models.repair.schemas import values as few_values


def is_valid(given: Any, wanted: Any) -> bool | None:
    """Return whether `jsonschema` lets a value pass; None where it has no word on it."""
    if comes_back(wanted):  # it would go round until its stack is full
        return None
    try:
        return bool(Draft202012Validator(wanted).is_valid(given))
    except Exception:  # a reference to nowhere or to itself, a number too large for it: its own limits
        return None


def comes_back(root: Any) -> bool:
    """Return whether a reference in a schema leads back to itself at one value."""
    check, open_, done = Check(root), set[int](), set[int]()

    def visit(part: Any) -> bool:
        if not isinstance(part, dict) or id(part) in done:
            return False
        if id(part) in open_:
            return True
        open_.add(id(part))
        at_once = [part[word] for word in ("not", "if", "then", "else") if word in part]
        at_once += [s for word in ("allOf", "anyOf", "oneOf") for s in part.get(word) or ()]
        at_once += [check.target(part["$ref"])] if "$ref" in part else []
        found = any(map(visit, at_once))
        open_.discard(id(part))
        done.add(id(part))
        return found

    todo = [root]
    while todo:
        at = todo.pop()
        if visit(at):
            return True
        todo += at.values() if isinstance(at, dict) else at if isinstance(at, list) else ()
    return False


def _arguments(sample: tuple[Any, Any, str, bool, bool], watch: Watch) -> None:
    given, wanted, name, nulls, sound = sample
    got = watch.read(lambda: fit_arguments(given, wanted, name, nulls=nulls))
    if isinstance(got, Ended):
        return
    said = json.dumps(dict(got.arguments), allow_nan=False)
    if wanted is None or not sound or len(said) > 20_000 or depth(got.arguments) > 90:
        return
    holds("schema", is_valid(dict(got.arguments), wanted) is not False, (got.arguments, wanted))
    again = fit_arguments(got.arguments, wanted, name, nulls=nulls)
    same("again", json.dumps(dict(again.arguments)), said)


def _argument(chance: Random) -> tuple[Any, Any, str, bool, bool]:
    wanted: Any = tool_schema(chance)
    sound = True
    given = raw(chance, given_for(chance, wanted))
    kind = chance.randrange(200)
    if kind >= 194:
        wanted, sound = hostile(chance, wanted), False
    elif kind >= 180:
        wanted, sound = spoilt(chance, wanted), False
    elif kind >= 178:
        wanted = None
    elif kind >= 170:
        given = text(chance)
    elif kind >= 169:
        given = deep_text(chance) if chance.random() < 0.5 else long(chance)
    elif kind >= 164:
        given = {
            chance.choice(list(wanted.get("properties") or "x")): long(chance) if kind == 168 else text(chance)
        }
    return given, wanted, chance.choice(NAMES), chance.random() < 0.3, sound


def _json(sample: str, watch: Watch) -> None:
    got = watch.read(lambda: read_json(sample))
    if isinstance(got, Ended):
        return
    value_, forgiven = got
    holds("deep", depth(value_) <= 100)
    said = json.dumps(value_, allow_nan=False)
    same("again", json.loads(said), value_)
    if not forgiven:
        same("strict", json.loads(sample), value_)


def _json_text(chance: Random) -> str:
    kind = chance.randrange(100)
    if kind == 99:
        return deep_text(chance)
    if kind < 30:
        return text(chance)
    made = value(chance)
    said = repr(made) if kind < 50 else dumped(made, ascii_=kind < 70)
    return (
        changed(chance, said)
        if kind > 55
        else chance.choice(("", "```json\n")) + said + chance.choice(("", "\n```", "}", " x"))
    )


def _name(sample: tuple[str, list[str], bool], watch: Watch) -> None:
    name, known, fit = sample
    got = watch.read(lambda: fold_name(name, known, lambda _tool: fit))
    holds("invented", isinstance(got, Ended) or got[0] in known, got)


def _a_name(chance: Random) -> tuple[str, list[str], bool]:
    kind = chance.randrange(300)
    name = chance.choice(NAMES + ODD_NAMES)
    if kind == 299:
        name = long(chance, (" ", "functions.", '"', "()", "a", "A1", ":0", "_", "functions:"))
    elif kind < 200:
        name = changed(chance, name)
    return name, [*NAMES, *chance.sample(ODD_NAMES, 2)], chance.random() < 0.5


Piece = tuple[Any, Any, Any, Any]


def _calls(sample: tuple[list[Piece], str, str, list[Piece]], watch: Watch) -> None:
    found, name, cut, whole = sample
    offer = OFFERS[name]

    def read(fed: list[Piece]) -> Settled:
        calls = CallPieces(offer.tools if offer else ())
        for piece in fed:
            calls.add(*piece)
        return calls.settle(cut=cut, offer=offer)

    got = watch.read(lambda: read(found), pieces=len(found))
    assert isinstance(got, Settled)
    may_run(got.calls, offer)
    ids = [*(c.id for c in got.calls), *(c.id for c in got.broken)]
    holds("ids", len(ids) == len(set(ids)), ids)
    holds("cut", not (cut and found) or got.broken or len(got.calls) >= MOST_CALLS, got)
    if whole:
        at_once = watch.read(lambda: read(whole))
        assert isinstance(at_once, Settled)
        same("cut", at_once.calls, got.calls)
        # Of what may not run the text may differ: pieces of no JSON may seem to repeat each other.
        same("cut", [(c.id, c.name) for c in at_once.broken], [(c.id, c.name) for c in got.broken])


def _pieces(chance: Random) -> tuple[list[Piece], str, str, list[Piece]]:
    offer = chance.choice(("auto", "auto", "auto", *OFFERS))
    cut = chance.choice(("", "", "It was cut off."))
    kind = chance.randrange(400)
    if kind == 399:
        return _many(chance), offer, cut, []
    if kind < 150:
        whole = [_clean(chance, at) for at in range(chance.randrange(1, 4))]
        return _in_pieces(chance, whole), offer, cut, whole
    return [_piece(chance) for _ in range(chance.randrange(1, 9))], offer, cut, []


def _clean(chance: Random, at: int) -> Piece:
    arguments = raw(chance, {"x": chance.randrange(9)})
    said = arguments if isinstance(arguments, str) else dumped(arguments)
    return at, f"c{at}", chance.choice(NAMES), said[:5_000]


def _in_pieces(chance: Random, whole: list[Piece]) -> list[Piece]:
    """Return calls as a good server streams them: the first piece has id and name, the others have not."""
    streams = []
    for at, id_, name, said in whole:
        first, *rest = pieces(chance, said) or [""]
        streams.append(
            [(at, id_, name, first), *((at, chance.choice((None, "")), None, piece) for piece in rest)]
        )
    return [piece for stream in streams for piece in stream]


def _piece(chance: Random) -> Piece:
    index = chance.choice((None, 0, 0, 0, 1, 2, -1, 10**9))
    id_ = chance.choice((None, "", "a", "a", "b", "call_1", "call_2", "c" * 300, "\ud800"))
    name = chance.choice((None, "", *NAMES, *ODD_NAMES, "a", "get_", "weather", "multi_tool_use.parallel"))
    match chance.randrange(8):
        case 0:
            return index, id_, name, value(chance)
        case 1:
            return index, id_, name, raw(chance, {"x": 1})
        case 2:
            return (
                index,
                id_,
                name,
                {"tool_uses": [{"recipient_name": chance.choice(NAMES), "parameters": value(chance)}]},
            )
        case 3:
            return (
                index,
                id_,
                name,
                spoilt(chance, {"tool_uses": [{"recipient_name": "functions.add", "parameters": {"x": 1}}]}),
            )
        case _:
            return (
                index,
                id_,
                name,
                chance.choice(("", "{", "}", '{"x"', ": 1", ": 1}", '{"x": 1}', "{}", '"', "\\", None, *ALL)),
            )


def _many(chance: Random) -> list[Piece]:
    """Draw a few pieces that come again and again, with the same ids and places or with others."""
    few = [_piece(chance) for _ in range(chance.randrange(1, 4))]
    how = chance.randrange(4)
    found = []
    for at in range(chance.choice((300, 3_000, 20_000))):
        for index, id_, name, arguments in few:
            place = at if how in (0, 2) else index
            found.append((place, f"id{at}" if how in (1, 2) else id_, name, arguments))
    return found


def _checks(sample: tuple[Any, Any, bool], watch: Watch) -> None:
    given, wanted, sound = sample
    got = watch.read(lambda: Check(wanted).faults(given, wanted))
    if sound and isinstance(got, list) and (theirs := is_valid(given, wanted)) is not None:
        same("schema", not got, theirs)


def _checked(chance: Random) -> tuple[Any, Any, bool]:
    wanted: Any = tool_schema(chance)
    given = given_for(chance, wanted) if chance.random() < 0.6 else value(chance)
    kind = chance.randrange(100)
    if kind >= 97:
        return given, hostile(chance, wanted), False
    if kind >= 88:
        return given, spoilt(chance, wanted), False
    return spoilt(chance, given) if kind < 50 else given, wanted, True


_SERVERS = tuple(SERVERS)


def _lower(sample: tuple[Any, str, bool, bool, Any], watch: Watch) -> None:
    wanted, server, strict, tool, answer = sample
    got = watch.read(lambda: lower(wanted, SERVERS[server], strict=strict, tool=tool))
    if isinstance(got, Ended):
        return
    watch.read(lambda: got.raise_back(answer))
    watch.read(lambda: got.raise_text(dumped(answer)))
    if got.strict:
        for part in _objects_in(got.schema):
            holds("strict", part.get("additionalProperties") is False, part)
            same("strict", list(part.get("required", ())), list(part.get("properties", ())))


def _objects_in(made: Any) -> list[Any]:
    """Return the objects of a strict schema; what options say is no schema."""
    if isinstance(made, list):
        return [part for item in made for part in _objects_in(item)]
    if not isinstance(made, dict):
        return []
    found = [
        part
        for word in ("properties", "$defs", "definitions")
        for s in (made.get(word) or {}).values()
        for part in _objects_in(s)
    ]
    found += [part for word in ("anyOf", "items") for part in _objects_in(made.get(word))]
    return (
        [*found, made]
        if "object" in (made.get("type"), *(made["type"] if isinstance(made.get("type"), list) else ()))
        else found
    )


def _a_schema(chance: Random) -> tuple[Any, str, bool, bool, Any]:
    wanted: Any = tool_schema(chance) if chance.random() < 0.7 else schema(chance)
    kind = chance.randrange(100)
    answer = given_for(chance, wanted)
    if kind >= 96:
        wanted = hostile(chance, wanted)
    elif kind >= 75:
        wanted = spoilt(chance, wanted)
    return (
        wanted,
        chance.choice(_SERVERS),
        chance.random() < 0.6,
        chance.random() < 0.7,
        answer,
    )


READERS = (
    Reader(
        "arguments",
        _argument,
        _arguments,
        (ValueError,),
        share=12,
        strategy=lambda: st.builds(
            lambda tool, raw_: (raw_, tool[0], "tool", False, True),
            tools(),
            tools().flatmap(lambda tool: mangled(tool[1])),
        ),
    ),
    Reader(
        "schema checks",
        _checked,
        _checks,
        (ValueError,),
        share=6,
        strategy=lambda: st.tuples(few_values, rooted, st.just(value=True)),
    ),
    Reader("json", _json_text, _json, (ValueError,), share=6, strategy=lambda: st.text("{}[]\"':, \n1eN.")),
    Reader("names", _a_name, _name, (ValueError,), share=3),
    Reader("call pieces", _pieces, _calls, share=10),
    Reader("schemas", _a_schema, _lower, share=4),
)
