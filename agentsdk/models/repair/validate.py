"""Says whether a JSON value fits a JSON schema, and where it does not: in words that a model can mend it by.

A validator of our own, since `jsonschema` would be one more dependency and bounds neither time nor depth. It reads
the draft of 2020-12 and what older schemas did otherwise; what it does not know it ignores, as the draft says. The
test compares it with `jsonschema` on random schemas and values.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

Schema = Mapping[str, Any] | bool

MOST_STEPS = 20_000
"""Comparisons that one check may cost, about 50 ms: unions within unions would take for ever."""

_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
# A repeat of a group that may itself repeat: what takes Python's engine exponential time.
_REPEATED_GROUP = re.compile(r"\)[*+{]")


class TooMuch(ValueError):
    """The check would cost more steps than it may."""


class Check:
    """Values held against one schema, and the references within it.

    Args:
        root: the whole schema; `$ref` is looked up in it.
        steps: comparisons that all checks together may cost.

    """

    def __init__(self, root: Any, steps: int = MOST_STEPS) -> None:
        self._root = root
        self._left = steps
        self._open: set[tuple[int, int]] = set()

    def fits(self, value: Any, schema: Any) -> bool:
        """Return whether a value fits a part of the schema.

        Raises:
            ValueError: it costs more steps than it may, or is nested too deep.

        """
        return _fits_plainly(value, schema) or not self.faults(value, schema, most=1)

    def faults(self, value: Any, schema: Any, *, most: int = 3) -> list[str]:
        """Return what does not fit, each with its place and what was expected there; [] where all does.

        Raises:
            ValueError: it costs more steps than it may, or is nested too deep.

        """
        found: list[str] = []
        self._open.clear()
        try:
            for fault in self._check(value, schema, ""):
                found.append(fault)
                if len(found) >= most:
                    break
        except RecursionError:
            raise ValueError("The arguments are nested too deep.") from None
        return found

    def target(self, ref: Any) -> Any:
        """Return what a `$ref` within the schema points to; True, which takes anything, where it points nowhere."""
        if not isinstance(ref, str) or (ref != "#" and not ref.startswith("#/")):
            return True
        at: Any = self._root
        for part in ref.split("/")[1:]:
            part = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(at, Mapping) and part in at:
                at = at[part]
            elif isinstance(at, list) and part.isdecimal() and int(part) < len(at):
                at = at[int(part)]
            else:
                return True
        return at

    def spend(self, steps: int = 1) -> None:
        """Count steps; raise where they are used up."""
        self._left -= steps
        if self._left < 0:
            raise TooMuch("The arguments are too large to be checked.")

    def _check(self, value: Any, schema: Any, path: str) -> Iterator[str]:
        self.spend()
        if schema is False:
            yield f"{path or 'arguments'}: nothing is allowed here."
        if not isinstance(schema, Mapping):
            return
        if "$ref" in schema:
            yield from self._ref(value, schema, path)
        kinds = schema.get("type")
        if kinds is not None and not _is_any(value, kinds):
            yield f"{path or 'arguments'}: expected {describe(schema)}, got {show(value)}."
            return
        yield from self._members(value, schema, path)
        if isinstance(value, str):
            yield from self._string(value, schema, path)
        elif isinstance(value, Mapping):
            yield from self._object(value, schema, path)
        elif isinstance(value, list):
            yield from self._array(value, schema, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from _number(value, schema, path)
        yield from self._combined(value, schema, path)

    def _ref(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        # A reference that comes back to itself at one value says nothing: it is left out, and ends.
        key = (id(schema), id(value))
        if key in self._open:
            return
        self._open.add(key)
        try:
            yield from self._check(value, self.target(schema["$ref"]), path)
        finally:  # whoever wants the first fault only leaves in the middle
            self._open.discard(key)

    def _members(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        if isinstance(options := schema.get("enum"), list):
            self.spend(len(options))
            own = same_as(value)
            if all(same_as(o) != own for o in options):
                yield f"{path or 'arguments'}: expected one of {_list(options)}, got {show(value)}."
        if "const" in schema and same_as(schema["const"]) != same_as(value):
            yield f"{path or 'arguments'}: expected {show(schema['const'])}, got {show(value)}."

    def _string(self, value: str, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        low, high, pattern = _count(schema, "minLength"), _count(schema, "maxLength"), schema.get("pattern")
        if low is not None and len(value) < low:
            yield f"{path or 'arguments'}: expected at least {low} characters, got {len(value)}."
        if high is not None and len(value) > high:
            yield f"{path or 'arguments'}: expected at most {high} characters, got {len(value)}."
        if isinstance(pattern, str) and not matches(pattern, value):
            yield f"{path or 'arguments'}: expected text that matches {pattern}, got {show(value)}."

    def _object(self, value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        properties = _mapping(schema.get("properties"))
        self.spend(len(properties) // 8)
        for name in _names(schema.get("required")):
            if name not in value:
                wanted = describe(properties[name]) if name in properties else "a value"
                yield f"{join(path, name)}: is missing; expected {wanted}."
        patterns = _mapping(schema.get("patternProperties"))
        others = schema.get("additionalProperties")
        for name, item in value.items():
            known = name in properties
            if known:
                yield from self._check(item, properties[name], join(path, name))
            for pattern, part in patterns.items():
                if matches(pattern, str(name)):
                    known = True
                    yield from self._check(item, part, join(path, name))
            if known or others is None:
                continue
            if others is False:
                allowed = ", ".join(properties) or "none"
                yield f"{join(path, name)}: there is no such key; the keys are: {allowed}."
            else:
                yield from self._check(item, others, join(path, name))
        yield from self._sizes(value, schema, path)

    def _sizes(self, value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        if "propertyNames" in schema:
            for name in value:
                yield from self._check(name, schema["propertyNames"], join(path, name))
        low, high = _count(schema, "minProperties"), _count(schema, "maxProperties")
        if low is not None and len(value) < low:
            yield f"{path or 'arguments'}: expected at least {low} keys, got {len(value)}."
        if high is not None and len(value) > high:
            yield f"{path or 'arguments'}: expected at most {high} keys, got {len(value)}."
        for name, needed in _mapping(schema.get("dependentRequired")).items():
            for other in _names(needed) if name in value else ():
                if other not in value:
                    yield f"{join(path, other)}: is missing; it goes with {name}."
        for name, part in _mapping(schema.get("dependentSchemas")).items():
            if name in value:
                yield from self._check(value, part, path)

    def _array(self, value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        low, high = _count(schema, "minItems"), _count(schema, "maxItems")
        if low is not None and len(value) < low:
            yield f"{path or 'arguments'}: expected at least {low} items, got {len(value)}."
        if high is not None and len(value) > high:
            yield f"{path or 'arguments'}: expected at most {high} items, got {len(value)}."
        first, rest = item_schemas(schema)
        for at, item in enumerate(value):
            part = first[at] if at < len(first) else rest
            if part is not None:
                yield from self._check(item, part, f"{path or 'arguments'}[{at}]")
        if schema.get("uniqueItems") is True:
            self.spend(len(value))
            if len({same_as(item) for item in value}) != len(value):
                yield f"{path or 'arguments'}: expected items that differ from each other."
        if "contains" in schema:
            yield from self._contains(value, schema, path)

    def _contains(self, value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
        low, high = _count(schema, "minContains"), _count(schema, "maxContains")
        wanted = schema["contains"]
        found = sum(next(self._check(item, wanted, path), None) is None for item in value)
        if found < (1 if low is None else low) or (high is not None and found > high):
            yield f"{path or 'arguments'}: {found} of its items are {describe(wanted)}; another number is expected."

    def _combined(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
        for part in _parts(schema, "allOf"):
            yield from self._check(value, part, path)
        for word in ("anyOf", "oneOf"):
            parts = _parts(schema, word)
            if not parts:
                continue
            firsts = [next(self._check(value, part, path), None) for part in parts]
            fitting = firsts.count(None)
            if not fitting:
                yield self._nearest(value, parts, firsts, path)
            elif word == "oneOf" and fitting > 1:
                yield f"{path or 'arguments'}: fits {fitting} of {len(parts)} forms; exactly one is expected."
        if "not" in schema and next(self._check(value, schema["not"], path), None) is None:
            yield f"{path or 'arguments'}: expected anything but {describe(schema['not'])}, got {show(value)}."
        if "if" in schema:
            then = "then" if next(self._check(value, schema["if"], path), None) is None else "else"
            yield from self._check(value, schema.get(then, True), path)

    def _nearest(self, value: Any, parts: Sequence[Any], firsts: Sequence[str | None], path: str) -> str:
        """Return the fault of the one form that is meant by its type, else one that names all of them."""
        same = [
            fault
            for part, fault in zip(parts, firsts, strict=True)
            if fault and _is_any(value, _mapping(self.followed(part)).get("type"))
        ]
        if len(same) == 1:
            return same[0]
        forms = " or ".join(dict.fromkeys(describe(self.followed(p)) for p in parts[:6]))
        return f"{path or 'arguments'}: expected {forms}, got {show(value)}."

    def followed(self, schema: Any) -> Any:
        """Return a schema, or what it refers to where it is nothing but a reference."""
        for _again in range(8):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            schema = self.target(schema["$ref"])
        return schema


_PLAIN = {"type", "properties", "required", "items", "enum", "description", "title", "default", "examples"}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int,),
    "boolean": (bool,),
}


def _fits_plainly(value: Any, schema: Any) -> bool:
    """Return whether a value fits a schema as plain as most tools have; all else is left to the whole check."""
    if type(schema) is not dict or not schema.keys() <= _PLAIN:
        return False
    kind = schema.get("type")
    if "enum" in schema:
        return kind == "string" and type(value) is str and value in _names(schema["enum"])
    if kind == "object" and type(value) is dict:
        properties = schema.get("properties")
        return (
            type(properties) is dict
            and all(name in value for name in _names(schema.get("required")))
            and all(name in properties and _fits_plainly(v, properties[name]) for name, v in value.items())
        )
    if kind == "array" and type(value) is list:
        return "items" in schema and all(_fits_plainly(item, schema["items"]) for item in value)
    return isinstance(kind, str) and type(value) in _TYPES.get(kind, ())


def item_schemas(schema: Mapping[str, Any]) -> tuple[list[Any], Any]:
    """Return the schemas of an array's first items, and that of the rest; before 2020 both stood in `items`."""
    items = schema.get("items")
    if isinstance(items, list):
        return items, schema.get("additionalItems")
    return list(_parts(schema, "prefixItems")), items


def same_as(value: Any) -> Any:
    """Return a key that two values share if JSON holds them to be equal: 1 is 1.0, and true is not 1."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Mapping):
        return ("object", frozenset((k, same_as(v)) for k, v in value.items()))
    if isinstance(value, list):
        return ("array", tuple(same_as(v) for v in value))
    return value


def is_a(value: Any, kind: str) -> bool:
    """Return whether a value has a JSON type; a name that is none fits everything."""
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if isinstance(value, int):
            return True
        return math.isfinite(value) and (kind == "number" or value.is_integer())
    types: dict[str, Any] = {
        "string": str,
        "boolean": bool,
        "null": type(None),
        "object": Mapping,
        "array": list,
    }
    return kind not in types or isinstance(value, types[kind])


def describe(schema: Any) -> str:
    """Return what a schema asks for in a few words."""
    if not isinstance(schema, Mapping):
        return "nothing" if schema is False else "anything"
    if isinstance(options := schema.get("enum"), list):
        return f"one of {_list(options)}"
    if "const" in schema:
        return show(schema["const"])
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    if names:
        return " or ".join(_NOUNS.get(str(name), str(name)) for name in names)
    parts = _parts(schema, "anyOf") or _parts(schema, "oneOf")
    if parts and not any(_parts(_mapping(p), "anyOf") or _parts(_mapping(p), "oneOf") for p in parts):
        return " or ".join(dict.fromkeys(describe(p) for p in parts[:6]))
    return "an object" if "properties" in schema else "another value"


def show(value: Any) -> str:
    """Return a value as a fault names it: short, and with its type where that is not plain to see."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "an array"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = type(value).__name__
    text = text if len(text) <= 60 else text[:57] + '..."'
    return f"the string {text}" if isinstance(value, str) else text


def join(path: str, name: Any) -> str:
    """Return the path of a key below another."""
    return f"{path}.{name}" if path else str(name)[:100]


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern is found in a text, in time that grows with the text's length and no faster.

    Rust's engine guarantees that; pydantic brings it. It knows neither look-around nor references back: those go to
    Python's, on short texts and without a group that repeats, and what could take for ever is not checked.
    """
    engine = _engine(pattern)
    if engine is not None:
        try:
            engine.validate_python(text)
        except ValueError:
            return False
        return True
    if len(text) > 256 or _REPEATED_GROUP.search(pattern):
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return True


@lru_cache(maxsize=512)
def _engine(pattern: str) -> Any:
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _number(value: float, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for word, wrong, text in (
        ("minimum", operator.lt, "at least"),
        ("maximum", operator.gt, "at most"),
        ("exclusiveMinimum", operator.le, "more than"),
        ("exclusiveMaximum", operator.ge, "less than"),
    ):
        limit = schema.get(word)
        if isinstance(limit, (int, float)) and is_a(limit, "number") and wrong(value, limit):
            yield f"{path or 'arguments'}: expected {text} {limit}, got {show(value)}."
    step = schema.get("multipleOf")
    if isinstance(step, (int, float)) and is_a(step, "number") and step > 0 and not _is_multiple(value, step):
        yield f"{path or 'arguments'}: expected a multiple of {step}, got {show(value)}."


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    try:
        return (value / step).is_integer()
    except OverflowError:
        return False


def _is_any(value: Any, kinds: Any) -> bool:
    if isinstance(kinds, str):
        return is_a(value, kinds)
    return not isinstance(kinds, list) or any(is_a(value, str(kind)) for kind in kinds)


def _count(schema: Mapping[str, Any], word: str) -> int | None:
    limit = schema.get(word)
    if isinstance(limit, float) and limit.is_integer():
        return int(limit)
    return limit if isinstance(limit, int) and not isinstance(limit, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _parts(schema: Mapping[str, Any], word: str) -> Sequence[Any]:
    found = schema.get(word)
    return found if isinstance(found, list) else ()


def _list(options: Sequence[Any]) -> str:
    shown = [json.dumps(o, ensure_ascii=False, default=str)[:60] for o in options[:20]]
    return ", ".join(shown) + (", ..." if len(options) > 20 else "")
