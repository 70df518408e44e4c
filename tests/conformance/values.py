"""Compares the arguments on the wire with those delivered: what may be mended, and what would be made up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing.exceptions import Unresolvable

_WRAPPERS = {"parameters", "arguments", "args", "properties", "input"}
NOTHING = ("", "null", "{}")


def valid(arguments: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether arguments fit a schema; a schema that is none itself refuses nothing."""
    kind = validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
        return bool(kind(dict(schema)).is_valid(arguments))
    except (SchemaError, Unresolvable, RecursionError, TypeError):
        return True


def wire_value(raw: str, given: Any) -> Any:
    """Return arguments as they stand on the wire, as JSON.

    Raises:
        ValueError: they are not JSON.

    """
    if given is not None:
        return given
    if raw.strip() in NOTHING:
        return {}
    return json.loads(raw, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def same(wire: Any, got: Any) -> bool:
    """Return whether two JSON values are the same: 1 is 1.0, but True is not 1."""
    if isinstance(wire, bool) or isinstance(got, bool):
        return wire is got
    if isinstance(wire, Mapping) and isinstance(got, Mapping):
        return wire.keys() == got.keys() and all(same(v, got[k]) for k, v in wire.items())
    if isinstance(wire, list) and isinstance(got, list):
        return len(wire) == len(got) and all(map(same, wire, got))
    return bool(wire == got)


def mended(wire: Any, got: Any, schema: Any = None) -> bool:
    """Return whether `got` is what stands on the wire, or that without a loss in another form: "5" as 5, for one.

    Keys may go away where they are null or the schema does not know them, and never come.
    """
    if same(wire, got):
        return True
    if isinstance(wire, str) and isinstance(got, str):
        # One of a few words, in another case.
        return _one_of(schema, got) and wire.strip().casefold() == got.strip().casefold()
    if wire in ([], None) or (isinstance(wire, str) and wire.strip().lower() in ("", "null", "none", "[]")):
        return got in ({}, [], None)
    if isinstance(wire, str) and not isinstance(got, str):
        try:
            inner = json.loads(wire)
        except (ValueError, RecursionError):
            inner = {"true": True, "false": False, "yes": True, "no": False, "none": None, "null": None}.get(
                wire.strip().lower(), wire
            )
        return mended(inner, got, schema) if not isinstance(inner, str) else stands_in(got, wire)
    if isinstance(got, str) and isinstance(wire, bool | int | float):
        return got in (str(wire), json.dumps(wire))
    if isinstance(wire, bool) or isinstance(got, bool):
        return isinstance(got, bool) and wire in (0, 1) and bool(wire) is got
    if isinstance(wire, Mapping) and isinstance(got, Mapping):
        known = _known(schema)
        kept = all(k in got or _empty(v) or (known and k not in known) for k, v in wire.items())
        if kept and all(k in wire and mended(wire[k], v, known.get(k)) for k, v in got.items()):
            return True
        return (
            len(wire) == 1 and next(iter(wire)) in _WRAPPERS and mended(next(iter(wire.values())), got, schema)
        )
    items = next((s["items"] for s in _shapes(schema) if isinstance(s.get("items"), Mapping)), None)
    if isinstance(wire, list) and isinstance(got, list):
        return len(wire) == len(got) and all(mended(a, b, items) for a, b in zip(wire, got, strict=True))
    if isinstance(got, list) and len(got) == 1:
        return mended(wire, got[0], items)  # one thing where a list was asked for
    return False


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "null", "none"))


def _shapes(schema: Any, root: Any = None, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and all that it is made of at its own level: what it refers to, and its choices."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > 9:
        return
    yield schema
    inner = [s for word in ("anyOf", "oneOf", "allOf") for s in schema.get(word) or ()]
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found = root
        for step in reference[2:].split("/"):
            found = found.get(step) if isinstance(found, Mapping) else None
        inner.append(found)
    for one in inner:
        yield from _shapes(one, root, depth + 1)


def _known(schema: Any) -> dict[str, Any]:
    """Return the properties that a schema names, each with the definitions that it may refer to."""
    above = (
        {k: schema[k] for k in ("$defs", "definitions") if k in schema} if isinstance(schema, Mapping) else {}
    )
    found: dict[str, Any] = {}
    for shape in _shapes(schema):
        properties = shape.get("properties")
        for name, inner in (properties if isinstance(properties, Mapping) else {}).items():
            found.setdefault(name, {**above, **inner} if isinstance(inner, Mapping) else inner)
    return found


def _one_of(schema: Any, value: str) -> bool:
    """Return whether a schema lists a value among a few."""
    words = [w for s in _shapes(schema) for w in [*(s.get("enum") or ()), s.get("const")]]
    return value in words


def stands_in(value: Any, text: str) -> bool:
    """Return whether each value within a value stands in a text: so much may be read of what is no JSON as a whole."""
    if isinstance(value, Mapping):
        return all(_letters(k) in _letters(text) and stands_in(v, text) for k, v in value.items())
    if isinstance(value, list):
        return all(stands_in(v, text) for v in value)
    return value is None or _letters(str(value)) in _letters(text)


def _letters(text: str) -> str:
    return re.sub(r"\\[nrt]|\W|_", "", text.casefold())


def mend(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value with its plain faults mended by a schema: text that is a number, true, a list or an object."""
    if not isinstance(schema, Mapping):
        return value
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if (
        isinstance(value, str)
        and "string" not in kinds
        and not {"anyOf", "oneOf", "enum", "const", "$ref"} & set(schema)
    ):
        low = value.strip().lower()
        if "boolean" in kinds and low in ("true", "false"):
            return low == "true"
        number = re.fullmatch(r"-?(?:0|[1-9]\d*)(\.\d+)?", value.strip())
        if number and ("number" in kinds or ("integer" in kinds and not number[1])):
            return json.loads(value)
        if {"array", "object"} & set(kinds):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return value
    if isinstance(value, float) and kinds == ["integer"] and value.is_integer():
        return int(value)
    properties = schema.get("properties")
    if isinstance(value, Mapping) and isinstance(properties, Mapping):
        return {k: mend(v, properties.get(k, {})) for k, v in value.items()}
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [mend(v, schema["items"]) for v in value]
    return value
