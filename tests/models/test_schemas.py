"""Schemas as servers take them, and answers under them in the form that was asked for."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsdk.messages import Message
from agentsdk.models.model import Reply, Request
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.schemas import lower
from agentsdk.testing.standin import Standin
from tests.models.repair.schemas import malformed, rooted, tools, values

GPT, LOCAL = SERVERS["openai"], SERVERS["llamacpp"]


def strict(schema: dict[str, Any], *, tool: bool = True) -> Any:
    lowered = lower(schema, GPT, strict=True, tool=tool)
    assert lowered.strict, lowered.why
    return lowered.schema


def obj(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def test_what_may_be_left_out_may_be_null_in_the_strict_form() -> None:
    schema = obj(
        ("city",),
        city={"type": "string", "title": "City"},
        days={"type": "integer", "default": 3, "description": "How many."},
        unit={"type": "string", "enum": ["C", "F"]},
        limit={"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        place={"$ref": "#/$defs/Place"},
    ) | {
        "title": "get_weather",
        "$defs": {"Place": obj(("lat",), lat={"type": "number"}, name={"type": "string"})},
    }
    assert strict(schema) == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": ["integer", "null"], "description": "How many. Default: 3."},
            "unit": {"anyOf": [{"type": "string", "enum": ["C", "F"]}, {"type": "null"}]},
            "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "place": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
        },
        "required": ["city", "days", "unit", "limit", "place"],
        "additionalProperties": False,
        "$defs": {
            "Place": {
                "type": "object",
                "properties": {"lat": {"type": "number"}, "name": {"type": ["string", "null"]}},
                "required": ["lat", "name"],
                "additionalProperties": False,
            }
        },
    }


def test_words_that_only_narrow_a_value_are_said_instead() -> None:
    made = strict(obj(("s",), s={"type": "string", "description": "A name.", "minLength": 2, "pattern": "^(?!x)", "format": "uri"}))  # fmt: skip
    assert made["properties"]["s"] == {
        "type": "string",
        "description": 'A name. minLength: 2. format: "uri". pattern: "^(?!x)".',
    }
    kept = {"type": "integer", "minimum": 1, "maximum": 9}
    assert strict(obj(("n",), n=kept))["properties"]["n"] == kept


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({}, "takes anything"),
        ({"type": "object"}, "any keys"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "any keys"),
        ({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": True}, "any keys"),
        ({"type": "array"}, "takes anything"),
        ({"type": "array", "prefixItems": [{"type": "integer"}]}, "prefixItems"),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, "allOf"),
        ({"if": {}, "then": {}}, "if"),
        ({"$ref": "#/$defs/nothing", "minimum": 3}, "refers"),
        ({"description": "?"}, "no type"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 5}, "may be null"),
    ],
)
def test_a_schema_without_a_strict_form_is_sent_as_it_is_and_the_reason_is_told(part: Any, why: str) -> None:
    schema = obj(x=part)
    lowered = lower(schema, GPT, strict=True)
    assert not lowered.strict
    assert why in lowered.why
    assert lowered.schema == schema


def test_a_schema_that_is_too_deep_or_too_large_is_not_strict() -> None:
    deep: Any = {"type": "integer"}
    for _level in range(11):
        deep = obj(("x",), x=deep)
    assert "deep" in lower(deep, GPT, strict=True).why
    assert "larger" in lower(obj(n={"enum": list(range(1001))}), GPT, strict=True).why
    assert (
        "larger"
        in lower(
            {"type": "object", "properties": {f"n{i}": {"type": "null"} for i in range(5001)}}, GPT, strict=True
        ).why
    )
    for _level in range(50_000):
        deep = {"not": deep}
    assert lower(deep, GPT, strict=True).schema is deep  # too deep to be looked at


def test_a_tool_without_arguments_is_strict_and_an_open_answer_is_not() -> None:
    none = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert strict({"type": "object", "properties": {}}) == strict({}) == none
    assert not lower({"type": "object", "properties": {}}, GPT, strict=True, tool=False).strict


def test_definitions_are_written_out_for_servers_that_want_it_and_notes_go() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Order",
        "type": "object",
        "properties": {
            "title": {"type": "string", "title": "Title", "maxLength": 100_000},
            "item": {"$ref": "#/$defs/Item", "description": "What."},
            "note": {"anyOf": [{"$ref": "#/$defs/Item"}, {"type": "null"}], "default": None},
            "count": {"type": ["integer", "null"], "default": None},
            "must": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["must"],
        "$defs": {"Item": {"title": "Item", "type": "object", "properties": {"id": {"type": "integer"}}}},
    }
    item = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert lower(schema, LOCAL).schema == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "item": {**item, "description": "What."},
            "note": item,
            "count": {"type": "integer"},
            "must": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["must"],
    }


def test_definitions_that_refer_to_themselves_stay_and_the_others_go() -> None:
    tree = obj(value={"$ref": "#/$defs/Leaf"}, next={"$ref": "#/$defs/Tree"})
    schema = obj(root={"$ref": "#/$defs/Tree"}) | {"$defs": {"Tree": tree, "Leaf": {"type": "integer"}}}
    made = lower(schema, LOCAL).schema
    assert made["properties"] == {"root": {"$ref": "#/$defs/Tree"}}
    assert made["$defs"] == {"Tree": obj(value={"type": "integer"}, next={"$ref": "#/$defs/Tree"})}


def test_definitions_that_would_be_written_out_without_end_stay() -> None:
    defs: dict[str, Any] = {"d0": {"type": "integer"}}
    for n in range(1, 40):
        defs[f"d{n}"] = obj(a={"$ref": f"#/$defs/d{n - 1}"}, b={"$ref": f"#/$defs/d{n - 1}"})
    made = lower(obj(x={"$ref": "#/$defs/d39"}) | {"$defs": defs}, LOCAL).schema
    assert made["$defs"].keys() == defs.keys()


def test_nulls_that_only_the_strict_form_asked_for_are_taken_off() -> None:
    inner = obj(("a",), a={"type": "integer"}, b={"type": "string"})
    schema = obj(
        ("l", "n"),
        l={"type": "array", "items": inner},
        n={"anyOf": [inner, {"type": "null"}]},
        o={"type": "boolean"},
    )
    lowered = lower(schema, GPT, strict=True, tool=False)
    value = {"l": [{"a": 1, "b": None}, {"a": 2, "b": "x"}], "n": None, "o": None}
    assert lowered.raise_back(value) == {"l": [{"a": 1}, {"a": 2, "b": "x"}], "n": None}
    assert lowered.raise_back({"l": [], "n": {"a": 1, "b": None}, "o": True}) == {
        "l": [],
        "n": {"a": 1},
        "o": True,
    }
    assert lowered.raise_text(json.dumps(value)) == '{"l": [{"a": 1}, {"a": 2, "b": "x"}], "n": null}'
    assert lowered.raise_text("no JSON") == "no JSON"
    assert lowered.raise_text('{ "l": [], "n": null }') == '{ "l": [], "n": null }'


def test_an_answer_that_is_no_object_stands_within_one_and_comes_out_of_it() -> None:
    schema = {
        "type": "array",
        "items": {"$ref": "#/$defs/Item"},
        "$defs": {"Item": obj(("id",), id={"type": "integer"})},
    }
    lowered = lower(schema, GPT, strict=True, tool=False)
    assert lowered.schema["properties"]["value"] == {"type": "array", "items": {"$ref": "#/$defs/Item"}}
    assert lowered.schema["required"] == ["value"]
    assert lowered.raise_text('{"value": [{"id": 1}]}') == '[{"id": 1}]'
    assert lowered.raise_text('[{"id": 1}]') == '[{"id": 1}]'
    assert lower({"type": "integer"}, LOCAL, tool=False).schema == {"type": "integer"}


PERSON = obj(("name",), name={"type": "string"}, age={"type": "integer"})


def sent(server: str, request: Request, answer: str = "{}") -> tuple[Any, Reply]:
    with Standin("openai", check=False) as running:
        running.say(answer)
        model = OpenAIModel("some-model", "key", base_url=running.url("openai"), server=SERVERS[server])
        reply = asyncio.run(model.complete(request))
        return running.requests[0].body, reply


def test_an_answer_in_strict_form_comes_back_in_the_form_that_was_asked_for() -> None:
    body, reply = sent(
        "openai", Request((Message.user("Who?"),), output_schema=PERSON), '{"name": "Ada", "age": null}'
    )
    form = body["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["required"] == ["name", "age"]
    assert reply.message.text == '{"name": "Ada"}'


def test_a_schema_that_the_server_has_no_form_for_is_told() -> None:
    request = Request((Message.user("Who?"),), output_schema=PERSON)
    body, _reply = sent("deepseek", request)
    assert body["response_format"] == {"type": "json_object"}
    assert json.dumps(PERSON) in body["messages"][-1]["content"]
    told, _reply = sent("vllm", request)
    assert told["messages"] == [{"role": "user", "content": "Who?"}]


def test_an_answer_that_is_no_object_is_not_pressed_into_one() -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    body, _reply = sent("deepseek", Request((Message.user("Which?"),), output_schema=numbers))
    assert "response_format" not in body
    assert json.dumps(numbers) in body["messages"][-1]["content"]


def _filled(schema: Any, value: Any, root: Any) -> Any:
    """Return a value as a model must give it under the strict form: null for what it leaves out."""
    if "$ref" in schema:
        return _filled(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "anyOf" in schema:
        forms = [
            s for s in schema["anyOf"] if Draft202012Validator(s | {"$defs": root["$defs"]}).is_valid(value)
        ]
        return _filled(forms[0], value, root) if forms else value
    if isinstance(value, dict) and "properties" in schema:
        return {n: _filled(s, value[n], root) if n in value else None for n, s in schema["properties"].items()}
    if isinstance(value, list) and "items" in schema:
        return [_filled(schema["items"], v, root) for v in value]
    return value


@given(tools())
def test_what_is_given_under_the_strict_form_fits_the_callers_schema(
    tool: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    schema, arguments = tool
    lowered = lower(schema, GPT, strict=True)
    assume(lowered.strict)
    given_ = _filled(lowered.schema, arguments, lowered.schema)
    assert Draft202012Validator(lowered.schema).is_valid(given_)
    raised = lowered.raise_back(given_)
    assert Draft202012Validator(schema).is_valid(raised)
    # What may be null by the caller's own word stays null: it says the same.
    assert {k: v for k, v in raised.items() if v is not None} == {
        k: v for k, v in arguments.items() if v is not None
    }
    fitted = fit_arguments(given_, schema, nulls=True)
    assert dict(fitted.arguments) == raised
    assert fitted.repairs == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rooted, st.sampled_from([GPT, LOCAL]), st.booleans(), st.booleans())
def test_any_schema_becomes_one_of_json(schema: dict[str, Any], server: Any, strict_: bool, tool: bool) -> None:
    before = json.dumps(schema)
    Draft202012Validator.check_schema(lower(schema, server, strict=strict_, tool=tool).schema)
    assert json.dumps(schema) == before


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(malformed, values)
def test_what_is_no_schema_raises_nothing(schema: dict[str, Any], value: Any) -> None:
    for server in (GPT, LOCAL):
        for tool in (True, False):
            lowered = lower(schema, server, strict=True, tool=tool)
            lowered.raise_text(json.dumps(value))
            json.dumps(lowered.schema)


@given(tools())
def test_what_fits_a_schema_written_out_fits_the_callers(tool: tuple[dict[str, Any], dict[str, Any]]) -> None:
    schema, arguments = tool
    made = lower(schema, LOCAL).schema
    assert "$ref" not in json.dumps(made)
    if Draft202012Validator(made).is_valid(arguments):
        assert Draft202012Validator(schema).is_valid(arguments)
    without = {k: v for k, v in arguments.items() if v is not None or k in schema["required"]}
    assert Draft202012Validator(made).is_valid(without)
