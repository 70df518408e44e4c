"""Says, before anything runs, whether a result can fit where it is used: by the types that both sides name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from agentsdk.errors import PlanError
from agentsdk.evidence import Passage
from agentsdk.i18n import _
from agentsdk.plan import ASK, EXTRACT, MAP, REDUCE, THINK, Ref, Step
from agentsdk.planner.wanted import wanted
from agentsdk.toolbox import Toolbox

Schema = Mapping[str, Any]

ANY: Schema = {}
PROSE: Schema = {"type": "string", "x-prose": True}
"""Text that was written, or quoted: it may be taken for a text, and never for a number."""

_COERCED = {("integer", "number"), ("number", "integer"), ("string", "number"), ("string", "integer"),
            ("string", "boolean"), ("integer", "boolean"), ("number", "boolean"), ("boolean", "integer"),
            ("boolean", "number"), ("integer", "string"), ("number", "string")}  # fmt: skip
"""What may still fit although the types differ: a text can hold a number, a number can be written as text."""


def brought_by(step: Step, toolbox: Toolbox) -> Schema:
    """Return the schema of what a step brings; ANY where it is not known."""
    if step.do in toolbox:
        return _returned(toolbox.get(step.do).function)
    if step.do in (THINK, REDUCE, ASK):
        return PROSE
    try:
        if step.do == EXTRACT:
            return PROSE if step.returns is None else wanted(step.returns, step.id).schema
        if step.do == MAP:
            return {"type": "array", "items": brought_by(step.body, toolbox)}
    except PlanError:
        return ANY  # a fault of its own, told where the step is checked
    return ANY


def part(schema: Schema, path: Sequence[str], root: Schema) -> tuple[Schema, str | None]:
    """Return the schema of a part of a result, and what is wrong with its path, or None."""
    for at, name in enumerate(path):
        root = schema if "$defs" in schema else root
        schema = _followed(schema, root)
        kinds = _kinds(schema)
        if not kinds or "anyOf" in schema or "oneOf" in schema:
            return ANY, None
        where = ".".join(path[:at]) or _("it")
        if "object" in kinds:
            properties = schema.get("properties")
            if not properties:
                inner = schema.get("additionalProperties")
                schema = inner if isinstance(inner, Mapping) else ANY
                continue
            if name not in properties:
                return ANY, _("{where} has no part {name}, but: {names}").format(
                    where=where, name=name, names=", ".join(properties)
                )
            schema = properties[name]
        elif "array" in kinds:
            if not name.isdecimal():
                fault = _("{where} is a list: take one element by its number, or go over it with map")
                return ANY, fault.format(where=where)
            inner = schema.get("items")
            schema = inner if isinstance(inner, Mapping) else ANY
        elif name != "value":
            return ANY, _("{where} is a {kind} and has no parts").format(where=where, kind=_word(schema))
    return _with_names(_followed(schema, root), root), None


def made_of(value: Any, typed: Callable[[Ref], Schema]) -> Schema:
    """Return the schema of a value in which references stand."""
    if isinstance(value, Ref):
        return typed(value)
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {k: made_of(v, typed) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        kinds = [made_of(v, typed) for v in value]
        same = bool(kinds) and all(k == kinds[0] for k in kinds)
        return {"type": "array", "items": kinds[0] if same else ANY}
    return ANY


def clash(have: Schema, want: Schema, root: Schema = ANY, own: Schema = ANY) -> str | None:
    """Return in words how a result cannot fit, "a text, and a number is needed"; None where it may.

    Args:
        have: the result's schema.
        want: the schema of the place where it is used.
        root: the schema that `want` is a part of; its references are looked up there.
        own: the same for `have`.

    """
    have, want = _followed(have, own), _followed(want, root)
    given, taken = _kinds(have) - {"null"}, _kinds(want)
    if not given or not taken:
        return None
    prose = bool(have.get("x-prose"))
    if not any(a == b or (not prose and (a, b) in _COERCED) for a in given for b in taken):
        return _("{have}, and {want} is needed").format(have=_word(have), want=_word(want))
    if given == {"array"} and "array" in taken and "anyOf" not in want:
        return _inside(have.get("items"), want.get("items"), root, own)
    if given == {"object"} and "object" in taken and "anyOf" not in want:
        ours, theirs = have.get("properties") or {}, want.get("properties") or {}
        for name in theirs:
            if name in ours and (fault := clash(ours[name], theirs[name], root, own)):
                return f"{name}: {fault}"
    return None


def element(schema: Schema) -> Schema | None:
    """Return the schema of what a map goes through; None where it cannot go over such a thing."""
    root, schema = schema, _followed(schema, schema)
    kinds = _kinds(schema) - {"null"}
    if not kinds:
        return ANY
    if "array" in kinds:
        inner = schema.get("items")
        return _with_names(_followed(inner, root), root) if isinstance(inner, Mapping) else ANY
    return PROSE if "string" in kinds else None


def _inside(have: Any, want: Any, root: Schema, own: Schema) -> str | None:
    if not isinstance(have, Mapping) or not isinstance(want, Mapping):
        return None
    fault = clash(have, want, root, own)
    return None if fault is None else _("a list of: {fault}").format(fault=fault)


def _with_names(schema: Schema, root: Schema) -> Schema:
    """Return a part of a schema with the names that it may refer to."""
    return {**schema, "$defs": root["$defs"]} if "$defs" in root and "$defs" not in schema else schema


def _followed(schema: Any, root: Schema) -> Schema:
    for _hop in range(8):
        ref = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(ref, str):
            break
        name = ref.rpartition("/")[2]
        schema = root.get("$defs", {}).get(name, ANY)
    return schema if isinstance(schema, Mapping) else ANY


def _kinds(schema: Schema) -> set[str]:
    """Return the types that a value may have; none where anything may stand."""
    return set(_types(schema)) if all(_types(schema)) else set()


def _types(schema: Schema) -> Iterator[str]:
    """Yield the types; "" where they are not all known."""
    kind = schema.get("type")
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(kind, str):
        yield kind
    elif isinstance(kind, list):
        yield from kind
    elif options:
        for option in options:
            yield from _types(option)
    elif isinstance(schema.get("enum"), list):
        yield from ("string" if isinstance(v, str) else "" for v in schema["enum"])
    else:
        yield ""


def _word(schema: Schema) -> str:
    names = {
        "string": _("text"),
        "number": _("number"),
        "integer": _("whole number"),
        "boolean": _("true or false"),
        "array": _("list"),
        "object": _("object"),
        "null": _("nothing"),
    }
    return _(" or ").join(names.get(kind, kind) for kind in sorted(_kinds(schema) - {"null"}))


def _returned(function: Callable[..., Any]) -> Schema:
    try:
        return _schema_of(function)
    except TypeError:  # a callable object that cannot be a key
        return ANY


@lru_cache(maxsize=1_024)
def _schema_of(function: Callable[..., Any]) -> Schema:
    from pydantic import TypeAdapter

    try:
        hint = get_type_hints(function).get("return")
    except Exception:  # annotations of strangers may name what cannot be found
        return ANY
    if hint is None or hint is Any:
        return ANY
    if hint is Passage or (get_origin(hint) in (list, tuple) and Passage in get_args(hint)):
        return {"type": "array", "items": PROSE}
    try:
        return TypeAdapter(hint).json_schema(mode="serialization")
    except Exception:  # a type without a schema: what it becomes is seen when it is there
        return ANY
