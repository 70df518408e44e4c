from typing import Any

import pytest

from agentsdk.errors import OutputInvalid, PlanError
from agentsdk.planner.wanted import wanted


@pytest.mark.parametrize(
    ("written", "text", "value"),
    [
        ("text", '{"value": "a"}', "a"),
        ("number", '{"value": 2.5}', 2.5),
        ("number", '```json\n{"value": "2.5"}\n```', 2.5),
        ("integer", "{'value': 3}", 3),
        ("boolean", '{"value": true}', True),
        ("date", '{"value": "2026-11-25"}', "2026-11-25"),
        ("list[text]", '{"value": ["a", "b"]}', ["a", "b"]),
        ("text[]", '["a"]', ["a"]),
        (["integer"], '{"value": [1]}', [1]),
        ("low|high", '{"value": "low"}', "low"),
        ({"name": "text", "age?": "integer"}, '{"name": "Ann"}', {"name": "Ann"}),
        ("list[low|high]", '{"value": ["low"]}', ["low"]),
        (
            {"people": [{"name": "text"}]},
            '{"value": {"people": [{"name": "李"}]}}',
            {"people": [{"name": "李"}]},
        ),
        ({"type": "array", "items": {"type": "number"}}, '{"value": [1, 2]}', [1, 2]),
        ("number", '{"value": null}', None),
        ("number|null", '{"value": null}', None),
        ("any", '{"value": {"a": [1]}}', {"a": [1]}),
    ],
)
def test_short_words_and_schemas_name_types_and_answers_are_read_by_them(
    written: Any, text: str, value: Any
) -> None:
    assert wanted(written).read(text) == value


@pytest.mark.parametrize(
    ("written", "text", "named"),
    [
        ("number", "about five", "JSON"),
        ("number", '{"value": "five"}', "value"),
        ("date", '{"value": "soon"}', "value"),
        ("low|high", '{"value": "medium"}', "value"),
        ({"name": "text", "age": "integer"}, '{"value": {"name": "Ann"}}', "age"),
        ({"name": "text"}, '{"value": {"name": "Ann", "more": 1}}', "more"),
        ("list[number]", '{"value": [1, "x"]}', "value[1]"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(written: Any, text: str, named: str) -> None:
    with pytest.raises(OutputInvalid) as error:
        wanted(written).read(text)
    assert named in str(error.value)


@pytest.mark.parametrize("written", ["nmber", "list[nmber]", {"a": "nmber"}, {"a": 5}, [], ["a", "b"], "", 7])
def test_a_type_that_is_not_known_is_refused_and_the_step_is_named(written: Any) -> None:
    with pytest.raises(PlanError, match=r"s7.*text, number"):
        wanted(written, "s7")


def test_null_is_always_allowed_so_that_nothing_has_to_be_made_up() -> None:
    asked = wanted("number").asked
    assert asked["properties"]["value"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}
