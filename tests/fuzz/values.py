"""Draws JSON values, schemas for them, and arguments as models spoil them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.fuzz.texts import ALL, LONG, long, scalar
from tests.fuzz.texts import changed as changed_text
from tests.models.repair.reading import TOOLS

KEYS = (
    "a",
    "b",
    "city",
    "n",
    "days",
    "x",
    "y",
    "tags",
    "a.b",
    "名",
    "",
    "\0",
    "parameters",
    "arguments",
    "name",
    "type",
    "function",
)
PATTERNS = (r"^x", r"^[a-z]+$", r"\d", r"^(?:a|x)+$", r"^(?=x)x", "z$")
HOSTILE = (r"^(a+)+$", r"^(a|aa)*b$", r"(.*)*\1x", "(", "[", "a{1,99999}", r"\p{L}{1,1000}", "(a?){50}a{50}", "\ud800", "(" * 500, r"(\w+\s?)*$", ".{0,9}" * 400,
           r"(?<=x)y", r"^(?!x).*(a|b)+$", "x*" * 300)  # fmt: skip
KINDS = ("string", "integer", "number", "boolean", "null", "array", "object")
DEEP = 900
"""Levels of a value at most: json.loads makes hardly more."""


def value(chance: Random, depth: int = 3) -> Any:
    """Draw a JSON value."""
    kind = chance.randrange(12)
    if depth and kind < 3:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if depth and kind < 6:
        return {chance.choice(KEYS): value(chance, depth - 1) for _ in range(chance.randrange(4))}
    if kind == 6 and chance.random() < 0.01:
        return nested(chance, chance.choice((20, 99, 100, 101, 300, DEEP)))
    if kind == 7 and chance.random() < 0.005:
        return wide(chance)
    return scalar(chance)


def nested(chance: Random, levels: int) -> Any:
    """Draw a value of so many levels."""
    made: Any = scalar(chance)
    for _level in range(levels):
        made = [made] if chance.random() < 0.5 else {chance.choice(KEYS): made}
    return made


def wide(chance: Random) -> Any:
    """Draw a value of many parts."""
    size = chance.choice((100, 3_000, 20_000))
    match chance.randrange(4):
        case 0:
            return [scalar(chance)] * size
        case 1:
            return {f"{chance.choice(KEYS)}{at}": 1 for at in range(size)}
        case 2:
            return [{"a": at, "b": [at]} for at in range(size // 4)]
        case _:
            return long(chance)


def schema(chance: Random, depth: int = 3) -> Any:
    """Draw a schema; most are sound."""
    kind = chance.randrange(22)
    if kind == 0:
        return chance.random() < 0.8
    if kind == 1:
        return {"enum": [value(chance, 1) for _ in range(chance.randrange(1, 4))]}
    if kind == 2:
        return {"const": value(chance, 2)}
    if kind == 3:
        return {"type": chance.sample(KINDS, chance.randrange(1, 3))}
    if kind == 4:
        return some(chance, {"type": "string"}, minLength=3, maxLength=4, pattern=PATTERNS)
    if kind == 5:
        numbers = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), 4)
        return some(chance, {"type": chance.choice(("number", "integer"))}, **numbers, multipleOf=(1, 2, 5))
    if kind == 6:
        return {"$ref": chance.choice(("#/$defs/thing", "#/$defs/thing", "#", "#/properties/a", "#/none", "x"))}
    if not depth or kind < 11:
        return {"type": chance.choice(KINDS)}
    inner = depth - 1
    if kind < 16:
        return objects(chance, inner)
    if kind < 19:
        return arrays(chance, inner)
    if kind == 19:
        parts = [schema(chance, inner) for _ in range(chance.randrange(1, 4))]
        return {chance.choice(("anyOf", "oneOf", "allOf")): parts}
    if kind == 20:
        return {"not": schema(chance, inner)}
    return {"if": schema(chance, inner), "then": schema(chance, inner), "else": schema(chance, inner)}


def some(chance: Random, made: dict[str, Any], **words: Any) -> dict[str, Any]:
    """Return a schema with some of the words: a number is a bound of what is drawn, a tuple what it is drawn from."""
    for word, of in words.items():
        if chance.random() < 0.3:
            made[word] = chance.choice(of) if isinstance(of, tuple) else chance.randrange(of)
    return made


def objects(chance: Random, depth: int) -> dict[str, Any]:
    """Draw an object's schema."""
    names = chance.sample(KEYS, chance.randrange(5))
    made: dict[str, Any] = {"type": "object", "properties": {n: schema(chance, depth) for n in names}}
    if names and chance.random() < 0.5:
        made["required"] = chance.sample(names, chance.randrange(len(names) + 1))
    if chance.random() < 0.4:
        made["additionalProperties"] = False if chance.random() < 0.7 else schema(chance, depth)
    if chance.random() < 0.05:
        made["patternProperties"] = {chance.choice(PATTERNS): schema(chance, depth)}
    if chance.random() < 0.05:
        made |= {"dependentRequired": {"a": ["b"]}, "propertyNames": {"maxLength": 4}}
    return some(chance, made, minProperties=3, maxProperties=4, description=ALL, title=ALL, default=(None, 1))


def arrays(chance: Random, depth: int) -> dict[str, Any]:
    """Draw an array's schema."""
    made = some(chance, {"type": "array"}, minItems=3, maxItems=4, uniqueItems=(True, False))
    if chance.random() < 0.8:
        made["items"] = schema(chance, depth)
    if chance.random() < 0.1:
        made["prefixItems"] = [schema(chance, depth), schema(chance, depth)]
    if chance.random() < 0.1:
        made["contains"] = schema(chance, depth)
    return made


def tool_schema(chance: Random) -> dict[str, Any]:
    """Draw the schema of a tool's arguments, with what its references point to."""
    if chance.random() < 0.2:
        return dict(chance.choice(list(TOOLS.values())))
    made = objects(chance, 2)
    return made | {"$defs": {"thing": schema(chance, 2)}}


def spoilt(chance: Random, given: Any) -> Any:
    """Return a JSON value in which something is what it should not be."""
    if isinstance(given, dict) and given and chance.random() < 0.8:
        key = chance.choice(list(given))
        match chance.randrange(8):
            case 0:
                return {k: v for k, v in given.items() if k != key}
            case 1:
                return given | {chance.choice(list(given)): given[key]}
            case 2:
                return given | {chance.choice((*KEYS, key)): value(chance)}
            case _:
                return given | {key: spoilt(chance, given[key])}
    if isinstance(given, list) and given and chance.random() < 0.8:
        at = chance.randrange(len(given))
        match chance.randrange(5):
            case 0:
                return given[:at] + given[at + 1 :]
            case 1:
                return given + given[at:]
            case _:
                return [*given[:at], spoilt(chance, given[at]), *given[at + 1 :]]
    if isinstance(given, str) and chance.random() < 0.6:
        return changed_text(chance, given)
    return value(chance) if chance.random() < 0.9 else [given]


def hostile(chance: Random, given: Any) -> Any:
    """Return a schema that is spoilt in earnest: patterns, references and unions that take for ever."""
    match chance.randrange(7):
        case 0:
            pattern = chance.choice(HOSTILE)
            return {
                "properties": {"a": {"pattern": pattern}, "city": {"pattern": pattern}},
                "patternProperties": {pattern: {}},
            }
        case 1:
            made: Any = {"type": "integer"}
            for width in chance.choice(((1,) * 60, (2,) * 11, (3,) * 6)):
                made = {chance.choice(("anyOf", "oneOf", "allOf")): [made] * width}
            return {"properties": {"a": made}}
        case 2:
            defs = {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(30)}
            return {"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs}
        case 3:
            return nested(chance, chance.choice((99, 300, DEEP)))
        case 4:
            many = chance.choice((100, 2_000))
            return {"type": "object", "properties": {f"p{at}": {"enum": list(range(20))} for at in range(many)}}
        case 5:
            return {"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "properties": {"a": {"$ref": "#"}}}
        case _:
            return spoilt(chance, spoilt(chance, given))


def given_for(chance: Random, wanted: Any) -> Any:
    """Draw a value that may fit a schema."""
    if not isinstance(wanted, dict) or chance.random() < 0.15:
        return value(chance, 2)
    for word in ("anyOf", "oneOf", "allOf"):
        if parts := wanted.get(word):
            return given_for(chance, chance.choice(parts))
    if "const" in wanted:
        return wanted["const"]
    if wanted.get("enum"):
        return chance.choice(wanted["enum"])
    match wanted.get("type"):
        case "object":
            properties = wanted.get("properties") or {}
            must = wanted.get("required") or ()
            return {
                n: given_for(chance, s) for n, s in properties.items() if n in must or chance.random() < 0.6
            }
        case "array":
            return [given_for(chance, wanted.get("items")) for _ in range(chance.randrange(3))]
        case "integer":
            return chance.choice((0, 1, 2, -3, 10**20))
        case "number":
            return chance.choice((0, 1.5, 2.0, -1))
        case "boolean":
            return chance.random() < 0.5
        case "string":
            return chance.choice(("x", "xyz", "", "Oslo", "é", "5", "null"))
        case _:
            return scalar(chance)


def raw(chance: Random, arguments: Any) -> Any:
    """Return arguments as they may come: as text, wrapped, encoded twice, in a fence, spoilt."""
    if isinstance(arguments, dict) and chance.random() < 0.5:
        arguments = spoilt(chance, arguments)
    if chance.random() < 0.15:
        arguments = {chance.choice(("parameters", "arguments", "args", "input", "kwargs")): arguments}
    if chance.random() < 0.05 and isinstance(arguments, dict):
        arguments = {chance.choice(("name", "function_name", "tool")): "tool", **arguments}
    kind = chance.randrange(100)
    if kind < 30:
        return arguments
    said = repr(arguments) if kind < 40 else dumped(arguments, ascii_=kind < 60)
    if kind >= 97:
        return dumped(said)
    if kind >= 94:
        return f"```json\n{said}\n```"
    if kind >= 75:
        return changed_text(chance, said)
    return said


def dumped(made: Any, *, ascii_: bool = True) -> str:
    """Return a value as JSON text; "null" where it is nested too deep for that."""
    try:
        return json.dumps(made, ensure_ascii=ascii_)
    except RecursionError:
        return "null"


def deep_text(chance: Random) -> str:
    """Draw a text that opens more than it closes, or as much."""
    opens, closes = chance.choice(
        (("[", "]"), ("{", "}"), ('{"a":', "}"), ('[{"a":', "}]"), ("[[", "]]"), ("(", ")"))
    )
    levels = chance.choice((50, 99, 101, 500, 5_000, LONG // len(opens)))
    return (opens * levels + "1" + closes * chance.choice((0, levels - 1, levels)))[:LONG]
