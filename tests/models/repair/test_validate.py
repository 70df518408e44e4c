"""Our validator beside `jsonschema`, and what it says to a model."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from agentsdk.models.repair.validate import Check, matches
from tests.models.repair.schemas import plain, rooted, values


def faults(value: Any, schema: Any) -> list[str]:
    return Check(schema).faults(value, schema)


@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow])
@given(rooted, values)
def test_a_value_fits_where_jsonschema_says_so(schema: dict[str, Any], value: Any) -> None:
    try:
        theirs = Draft202012Validator(schema).is_valid(value)
    except RecursionError:  # a reference to itself: jsonschema never ends, ours leaves it out
        faults(value, schema)
        return
    assert (faults(value, schema) == []) == theirs, faults(value, schema)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(plain, values)
def test_a_value_fits_a_plain_schema_where_it_has_no_fault(schema: dict[str, Any], value: Any) -> None:
    assert Check(schema).fits(value, schema) == (faults(value, schema) == [])


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        (
            {"properties": {"n": {"type": "integer"}}},
            {"n": "x"},
            'n: expected an integer, got the string "x".',
        ),
        (
            {"properties": {"n": {"type": "integer"}}, "required": ["n"]},
            {},
            "n: is missing; expected an integer.",
        ),
        (
            {"properties": {"a": {}, "b": {}}, "additionalProperties": False},
            {"c": 1},
            "c: there is no such key; the keys are: a, b.",
        ),
        (
            {"properties": {"l": {"items": {"enum": ["x", "y"]}}}},
            {"l": ["x", "z"]},
            'l[1]: expected one of "x", "y", got the string "z".',
        ),
        (
            {"properties": {"a": {"properties": {"b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}}},
            {"a": {"b": []}},
            "a.b: expected an integer or null, got an array.",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "object", "required": ["x"]}]},
            {},
            "x: is missing; expected a value.",
        ),
        ({"properties": {"n": {"minimum": 1}}}, {"n": 0}, "n: expected at least 1, got 0."),
        (
            {"properties": {"s": {"pattern": "^a"}}},
            {"s": "b"},
            's: expected text that matches ^a, got the string "b".',
        ),
    ],
)
def test_a_fault_names_the_place_and_what_was_expected(schema: Any, value: Any, fault: str) -> None:
    assert faults(value, schema) == [fault]


def test_older_schemas_are_read_as_they_were_meant() -> None:
    tuples = {"items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False}
    assert faults([1, "a"], tuples) == []
    assert faults([1, 2], tuples)
    assert faults([1, "a", 3], tuples)
    assert faults(
        {"a": "x"}, {"properties": {"a": {"$ref": "#/definitions/n"}}, "definitions": {"n": {"type": "null"}}}
    )


@pytest.mark.parametrize("schema", [{"type": "thing"}, {"$ref": "#/nowhere"}, {"$ref": "http://x/y"}, {"pattern": "("}, {"enum": 5}, {"required": {}}, {"properties": []}, {"type": 5}])  # fmt: skip
def test_what_is_not_understood_in_a_schema_is_left_out(schema: Any) -> None:
    assert faults({"a": "x"}, schema) == []
    assert faults("x", schema) == []


def test_a_pattern_ends_on_any_text() -> None:
    assert not matches(r"^(a+)+$", "a" * 50_000 + "!")
    assert not matches(r"^(?=a)a*a*a*b$", "a" * 200)
    assert matches(r"^(?=a)(a+)+$", "a" * 200 + "!")  # Rust cannot and Python would not end: not checked


def test_unions_within_unions_end_in_a_fault_and_not_in_an_hour() -> None:
    schema: dict[str, Any] = {"$defs": {"x": {"anyOf": [{"items": {"$ref": "#/$defs/x"}, "type": "array", "minItems": n} for n in range(5, 13)]}}}  # fmt: skip
    schema["$ref"] = "#/$defs/x"
    value: Any = []
    for _level in range(12):
        value = [value] * 6
    with pytest.raises(ValueError, match="too large"):
        Check(schema).faults(value, schema)


def test_deep_nesting_is_a_fault() -> None:
    value: Any = 1
    schema: Any = {
        "$defs": {"x": {"allOf": [{"anyOf": [{"items": {"$ref": "#/$defs/x"}}]}]}},
        "$ref": "#/$defs/x",
    }
    for _level in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="too deep"):
        Check(schema).faults(value, schema)
