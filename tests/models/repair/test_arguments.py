"""Arguments as models really write them, and what may be made of them."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.repair.json_text import read_json
from tests.models.repair.schemas import malformed, mangled, rooted, tools, values

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "wind": {"type": "number"},
        "hourly": {"type": "boolean"},
        "unit": {"type": "string", "enum": ["Celsius", "Fahrenheit"]},
        "hours": {"type": "array", "items": {"type": "integer"}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"$ref": "#/$defs/Place"},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "id": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
    },
    "$defs": {"Place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}},
    "additionalProperties": False,
}
CITY = WEATHER | {"required": ["city"]}
ZERO: dict[str, Any] = {"type": "object", "properties": {}}


def fitted(given: Any, schema: Any = WEATHER) -> Any:
    return dict(fit_arguments(given, schema, "get_weather").arguments)


def kinds(given: Any, schema: Any = WEATHER) -> list[str]:
    return [r.kind for r in fit_arguments(given, schema, "get_weather").repairs]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"days": "5"}', {"days": 5}),
        ('{"days": " -12 "}', {"days": -12}),
        ('{"days": "5.0"}', {"days": 5}),
        ('{"days": 5.0}', {"days": 5}),
        ('{"days": "9223372036854775807"}', {"days": 9223372036854775807}),
        ('{"wind": "3.5"}', {"wind": 3.5}),
        ('{"wind": "3"}', {"wind": 3}),
        ('{"hourly": "true"}', {"hourly": True}),
        ('{"hourly": "False"}', {"hourly": False}),
        ('{"hours": "[1, 2, 3]"}', {"hours": [1, 2, 3]}),
        ('{"hours": ["1", "2"]}', {"hours": [1, 2]}),
        ("{\"tags\": \"['a', 'b']\"}", {"tags": ["a", "b"]}),
        ('{"place": "{\\"lat\\": \\"59.9\\"}"}', {"place": {"lat": 59.9}}),
        ('{"limit": "null"}', {"limit": None}),
        ('{"limit": "7"}', {"limit": 7}),
        ('{"limit": ""}', {"limit": None}),
        ('{"id": "7"}', {"id": 7}),
        ('{"id": "[7]"}', {"id": [7]}),
        ('{"unit": "celsius"}', {"unit": "Celsius"}),
        ('{"unit": " FAHRENHEIT"}', {"unit": "Fahrenheit"}),
        ('{"city": 5021}', {"city": "5021"}),
        ('{"city": 2.5}', {"city": "2.5"}),
        ('{"hours": 7}', {"hours": [7]}),
        ('{"tags": "wet"}', {"tags": ["wet"]}),
    ],
)
def test_a_value_of_another_type_becomes_what_it_says(text: str, meant: dict[str, Any]) -> None:
    got = fitted(text)
    assert got == meant
    assert [type(v) for v in got.values()] == [type(v) for v in meant.values()]
    assert kinds(text) == ["arguments.coerced"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"days": "five"}', "days: expected an integer"),
        ('{"days": "5.5"}', "days: expected an integer"),
        ('{"days": 5.5}', "days: expected an integer"),
        ('{"days": true}', "days: expected an integer"),
        ('{"days": "05"}', "days: expected an integer"),
        ('{"days": "1,000"}', "days: expected an integer"),
        ('{"hourly": "yes"}', "hourly: expected true or false"),
        ('{"hourly": 1}', "hourly: expected true or false"),
        ('{"wind": "1e999"}', "wind: expected a number"),
        ('{"unit": "kelvin"}', 'unit: expected one of "Celsius", "Fahrenheit"'),
        ('{"hours": "[1, 2"}', "hours: expected an array"),
        ('{"hours": "1, 2"}', "hours: expected an array"),
        ('{"tags": "wet, cold"}', "tags: expected an array"),
        ('{"city": 1.10}', "city: expected a string"),
        ('{"city": true}', "city: expected a string"),
        ('{"city": {"name": "Oslo"}}', "city: expected a string"),
        ('{"place": {}}', "place.lat: is missing; expected a number"),
        ('{"plaice": {}}', "plaice: there is no such key"),
    ],
)
def test_what_may_be_meant_otherwise_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ValueError, match="do not fit") as caught:
        fit_arguments(text, WEATHER)
    assert place in str(caught.value)


def test_a_null_for_what_may_be_left_out_leaves_it_out() -> None:
    assert fitted('{"city": "Oslo", "days": null, "hourly": "", "unit": "None"}', CITY) == {"city": "Oslo"}
    assert kinds('{"city": "Oslo", "days": null}', CITY) == ["arguments.dropped"]
    with pytest.raises(ValueError, match=r"city: expected a string, got null\."):
        fit_arguments('{"city": null}', CITY)


@pytest.mark.parametrize("text", ["", " ", "null", '"null"', '""', "None", "[]", "{}", None, {}, []])
def test_no_arguments_are_none_unless_one_is_required(text: Any) -> None:
    assert fitted(text) == {}
    with pytest.raises(ValueError, match="city: is missing; expected a string"):
        fit_arguments(text, CITY)


def test_a_word_in_place_of_the_arguments_is_told() -> None:
    assert kinds("null") == kinds('"null"') == ["arguments.empty"]
    assert kinds("") == kinds(None) == kinds("{}") == []


@pytest.mark.parametrize("key", ["parameters", "arguments", "args", "properties", "input", "kwargs"])
def test_one_wrapper_is_taken_off(key: str) -> None:
    assert fitted(json.dumps({key: {"city": "Oslo", "days": "2"}}), CITY) == {"city": "Oslo", "days": 2}
    assert fitted(json.dumps({"name": "get_weather", key: {"city": "Oslo"}}), CITY) == {"city": "Oslo"}
    assert fitted(json.dumps({key: '{"city": "Oslo"}'}), CITY) == {"city": "Oslo"}
    assert fitted(json.dumps({key: "{}"}), ZERO) == fitted(json.dumps({key: None}), ZERO) == {}
    assert kinds(json.dumps({key: {"city": "Oslo"}}), CITY) == ["arguments.unwrapped"]


def test_a_wrapper_that_is_a_parameter_stays() -> None:
    schema = {"type": "object", "properties": {"input": {"type": "object"}}}
    assert fitted('{"input": {"input": {"x": 1}}}', schema) == {"input": {"input": {"x": 1}}}
    assert fitted('{"args": {"x": 1}}', {"type": "object"}) == {"args": {"x": 1}}
    open_ = {"type": "object", "properties": {"a": {}}, "additionalProperties": True}
    assert fitted('{"args": {"a": 1}}', open_) == {"args": {"a": 1}}


def test_two_wrappers_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="there is no such key"):
        fit_arguments('{"parameters": {"arguments": {"city": "Oslo"}}}', CITY)


def test_an_echo_of_the_tools_name_goes_and_any_other_key_is_told() -> None:
    assert fitted('{"functionName": "get_weather", "city": "Oslo"}', CITY) == {"city": "Oslo"}
    assert kinds('{"functionName": "get_weather", "city": "Oslo"}', CITY) == ["arguments.dropped"]
    with pytest.raises(ValueError, match="dry_run: there is no such key; the keys are: city"):
        fit_arguments('{"city": "Oslo", "dry_run": true}', CITY)
    named = {"type": "object", "properties": {"name": {"type": "string"}}}
    assert fitted('{"name": "get_weather"}', named) == {"name": "get_weather"}


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"city": "Oslo", "days": 2}\n```',
        "{'city': 'Oslo', 'days': 2}",
        '{"city": "Oslo", "days": 2,}',
        '{"city": "Oslo", "days": 2}}',
        '{"city": "Oslo", "days": 2}</tool_call>',
        '{}{"city": "Oslo", "days": 2}',
        '"{\\"city\\": \\"Oslo\\", \\"days\\": 2}"',
    ],
)
def test_slips_that_leave_no_doubt_are_forgiven_and_told(text: str) -> None:
    assert fitted(text) == {"city": "Oslo", "days": 2}
    assert kinds(text) in (["arguments.read"], ["arguments.decoded"])


def test_line_breaks_python_words_and_apostrophes_within_strings_are_read() -> None:
    assert read_json('{"a": "x\ny"}')[0] == {"a": "x\ny"}
    assert read_json("{'a': True, 'b': None, 'c': [False,],}")[0] == {"a": True, "b": None, "c": [False]}
    assert read_json("""{'a': 'it\\'s "so"'}""")[0] == {"a": 'it\'s "so"'}
    assert read_json('{"a": "True, None,]"}')[0] == {"a": "True, None,]"}


@pytest.mark.parametrize("text", ['{"city": "Oslo"', '{"city": "Os', '{"hours": [1, 2', '{"city": ', "{'city': 'Oslo'", '```json\n{"city": "Oslo"', '{"city": "Oslo"}{"city": "Rome"}', '{"city": "Oslo"} {"days"', "{'it's': 1}", "[1]", "5", '"text"', "true", '{"days": NaN}', '{"wind": 1e999}', "{" * 50_000, '{"a":' * 300 + "1" + "}" * 300])  # fmt: skip
def test_nothing_that_is_missing_is_ever_added(text: str) -> None:
    with pytest.raises(ValueError, match=r"arguments"):
        fit_arguments(text, WEATHER)


@given(tools(), st.booleans())
def test_arguments_that_fit_are_left_alone(tool: tuple[dict[str, Any], dict[str, Any]], as_text: bool) -> None:
    schema, arguments = tool
    got = fit_arguments(json.dumps(arguments) if as_text else arguments, schema)
    assert json.dumps(dict(got.arguments)) == json.dumps(arguments)
    assert got.repairs == ()


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_comes_out_fits_and_stays_what_it_is(data: st.DataObject) -> None:
    schema, arguments = data.draw(tools())
    raw = data.draw(mangled(arguments))
    try:
        got = fit_arguments(raw, schema).arguments
    except ValueError:
        return
    assert Draft202012Validator(schema).is_valid(dict(got))
    again = fit_arguments(got, schema)
    assert json.dumps(dict(again.arguments)) == json.dumps(dict(got))
    assert again.repairs == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(malformed, values)
def test_what_is_no_schema_ends_in_arguments_or_in_a_fault(schema: dict[str, Any], raw: Any) -> None:
    try:
        assert isinstance(fit_arguments(raw, schema, "a").arguments, dict)
    except ValueError as fault:
        assert str(fault)  # noqa: PT017  # either is right


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(rooted, values | st.text(max_size=12) | values.map(json.dumps) | st.binary(max_size=12).map(repr))
def test_any_schema_and_any_text_end_in_arguments_that_fit_or_in_a_fault(
    schema: dict[str, Any], raw: Any
) -> None:
    try:
        got = fit_arguments(raw, schema, "a").arguments
    except ValueError:
        return
    try:
        assert Draft202012Validator(schema).is_valid(dict(got))
    except RecursionError:  # jsonschema's, on a reference to itself
        return


@given(st.text(st.sampled_from("{}[]\"':,\\ \nTrueNone15.e-<`"), max_size=30))
def test_texts_made_of_marks_never_raise_anything_else(text: str) -> None:
    try:
        value, _forgiven = read_json(text)
    except ValueError:
        return
    json.dumps(value, allow_nan=False)


@given(
    st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_is_read_as_json_and_python_as_python(value: Any) -> None:
    assert read_json(json.dumps(value)) == (value, "")
    assert read_json(json.dumps(value, ensure_ascii=False)) == (value, "")


HOSTILE = ["{" * 90_000, '{"a":' * 15_000, '"' + '\\"' * 45_000, "'" * 90_000, '{"a":{}' * 12_000, "{}" * 45_000, "```\n" * 22_000, "[" * 90_000, '{"days":"' + "1" * 90_000 + '"}', '{"wind":"' + "1" * 90_000 + '."}', '{"hours":"' + "[" * 90_000 + '"}', '{"id":' + "[" * 90 + "]" * 90 + "}", '{"hours":[' + '"1",' * 20_000 + '"1"]}']  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: t[:12])
def test_hostile_texts_end_in_a_fault(text: str) -> None:
    with pytest.raises(ValueError, match="arguments"):
        fit_arguments(text, WEATHER | {"required": ["unit"]}, "get_weather")
