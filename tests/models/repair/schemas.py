"""Random JSON schemas, values that often fit them, and the ways in which models write those values wrongly."""

import json
from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "city", "n"])
SMALL = st.integers(0, 3)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([0.5, 1.0, 2.5, -1.5, 10**19])
    | st.sampled_from(["", "x", "xyz", "5", "2.0", "true", "null", "Red", "red", "[1]", "{}", "é" * 4])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
patterns = st.sampled_from([r"^x", r"^[a-z]+$", r"\d", r"^(?:a|x)+$", r"^(?=x)x", "z$"])


def _optional(**words: Any) -> Any:
    return st.fixed_dictionaries({}, optional=words)


_leaves = (
    st.booleans()
    | st.sampled_from(
        [{"type": t} for t in ("string", "integer", "number", "boolean", "null", "array", "object")]
    )
    | st.lists(
        st.sampled_from(["string", "integer", "null", "number"]), min_size=1, max_size=2, unique=True
    ).map(lambda kinds: {"type": kinds})
    | st.lists(scalars, min_size=1, max_size=3).map(lambda options: {"enum": options})
    | values.map(lambda value: {"const": value})
    | _optional(minLength=SMALL, maxLength=SMALL, pattern=patterns).map(lambda s: {"type": "string"} | s)
    | _optional(
        minimum=st.integers(-3, 3),
        maximum=st.integers(-3, 3),
        exclusiveMinimum=st.integers(-3, 3),
        exclusiveMaximum=st.sampled_from([0, 2.5]),
        multipleOf=st.sampled_from([1, 2, 0.5]),
    ).map(lambda s: {"type": "number"} | s)
    | st.just({"$ref": "#/$defs/thing"})
)


plain = st.recursive(
    st.sampled_from([{"type": t, "title": "T"} for t in ("string", "integer", "number", "boolean", "null")])
    | st.lists(scalars, max_size=3).map(lambda options: {"type": "string", "enum": options}),
    lambda inner: (
        inner.map(lambda items: {"type": "array", "items": items})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(KEYS, inner, max_size=3)},
            optional={"required": st.lists(KEYS, max_size=2)},
        )
    ),
    max_leaves=5,
)
"""Schemas of types, properties and lists alone."""


def _grown(inner: Any) -> Any:
    objects = _optional(
        properties=st.dictionaries(KEYS, inner, max_size=3),
        required=st.lists(KEYS, max_size=2, unique=True),
        additionalProperties=inner,
        patternProperties=st.dictionaries(st.sampled_from(["^c", "^n$"]), inner, max_size=1),
        propertyNames=st.just({"maxLength": 1}),
        minProperties=SMALL,
        maxProperties=SMALL,
        dependentRequired=st.just({"a": ["b"]}),
        dependentSchemas=st.just({"a": {"required": ["b"]}}),
    )
    arrays = _optional(
        items=inner,
        prefixItems=st.lists(inner, min_size=1, max_size=2),
        minItems=SMALL,
        maxItems=SMALL,
        uniqueItems=st.booleans(),
        contains=inner,
        minContains=SMALL,
        maxContains=SMALL,
    )
    forms = st.lists(inner, min_size=1, max_size=3)
    return (
        objects.map(lambda s: {"type": "object"} | s)
        | objects
        | arrays.map(lambda s: {"type": "array"} | s)
        | _optional(anyOf=forms, oneOf=forms, allOf=forms)
        | inner.map(lambda s: {"not": s})
        | st.fixed_dictionaries({"if": inner, "then": inner, "else": inner})
        | inner.map(lambda s: {"$ref": "#/$defs/thing", "anyOf": [s, True]})
    )


schemas = st.recursive(_leaves, _grown, max_leaves=6)
_things = st.sampled_from([
    {"type": "integer"},
    {"type": "string", "enum": ["red", "green"]},
    {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": {"$ref": "#/$defs/thing"}}]},
    {"type": "array", "items": {"$ref": "#/$defs/thing"}},
    {"$ref": "#/$defs/thing"},
])  # fmt: skip
rooted = st.builds(
    lambda schema, thing: (
        (schema if isinstance(schema, dict) else {"allOf": [schema]}) | {"$defs": {"thing": thing}}
    ),
    schemas,
    _things,
)
"""Schemas in which `$ref` points to something, itself included."""

_words = st.sampled_from(["type", "properties", "required", "items", "additionalProperties", "anyOf", "allOf", "not", "enum", "const", "$ref", "$defs", "default", "pattern", "minimum", "multipleOf", "minLength", "prefixItems", "if", "contains", "patternProperties", "dependentRequired", "description", "a"])  # fmt: skip
_odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["a", "object", "#", "#/$defs/a", "^a(", "string"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=10,
)
malformed = st.dictionaries(_words, _odd, max_size=4)
"""JSON in which a schema's words stand for anything."""


# Schemas as tools really have them, and arguments that fit: the other way round to the above, where few values fit.
_kinds: dict[str, Any] = {
    "string": ({"type": "string"}, st.text(max_size=5)),
    "integer": ({"type": "integer"}, st.integers()),
    "number": ({"type": "number"}, st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
    "boolean": ({"type": "boolean"}, st.booleans()),
    "enum": ({"type": "string", "enum": ["celsius", "fahrenheit"]}, st.sampled_from(["celsius", "fahrenheit"])),
    "maybe": ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, st.none() | st.integers()),
    "text or list": (
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=3),
    ),
    "place": ({"$ref": "#/$defs/place"}, st.fixed_dictionaries({"city": st.text(max_size=4)})),
}


@st.composite
def tools(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw (schema, arguments that fit it), as tools have them."""
    names = draw(
        st.lists(st.sampled_from(["city", "days", "unit", "tags", "where", "deep"]), unique=True, max_size=4)
    )
    properties: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    for name in names:
        schema, strategy = _kinds[draw(st.sampled_from(sorted(_kinds)))]
        if draw(st.booleans()):
            schema, strategy = {"type": "array", "items": schema}, st.lists(strategy, max_size=3)
        properties[name] = schema
        if draw(st.integers(0, 3)):
            arguments[name] = draw(strategy)
    required = [name for name in arguments if draw(st.booleans())]
    place = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    whole: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": {"place": place},
    }
    if draw(st.booleans()):
        whole["additionalProperties"] = False
    return whole, arguments


@st.composite
def mangled(draw: Any, arguments: Any) -> Any:
    """Draw arguments as a small model might have written them: types lost, nulls added, wrapped, as text."""

    def lose(value: Any, *, deep: bool) -> Any:
        how = draw(st.integers(0, 3))
        if isinstance(value, dict):
            value = {k: lose(v, deep=True) for k, v in value.items()}
        elif isinstance(value, list):
            value = [lose(v, deep=True) for v in value]
        if not deep or how > 1:
            return value
        if isinstance(value, str):
            return draw(st.sampled_from([value, value.upper(), None, 5, [value]]))
        return json.dumps(value) if how else str(value)

    value = lose(arguments, deep=False)
    wrapper = draw(st.sampled_from(["", "", "parameters", "arguments", "input"]))
    value = {wrapper: value} if wrapper else value
    text = draw(st.sampled_from([json.dumps, repr, lambda v: json.dumps(json.dumps(v)), lambda v: v]))(value)
    return (
        draw(st.sampled_from([text, f"```json\n{text}\n```", f"{text}}}"])) if isinstance(text, str) else text
    )
