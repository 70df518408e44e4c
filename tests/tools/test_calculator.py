import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk import Agent, Plan
from agentsdk.errors import ToolError
from agentsdk.testing.scripted import ScriptedModel
from agentsdk_tools.calculator import calculator


@pytest.mark.parametrize(
    ("expression", "values", "result"),
    [
        ("a / b", {"a": 1, "b": 3}, "1/3 ≈ 0.333333333333"),
        ("3 * third", {"third": "1/3 ≈ 0.333333333333"}, "1"),
        ("总价 * 折扣", {"总价": "2,340", "折扣": "50%"}, "1170"),
        ("min(min, 3)", {"min": 2}, "2"),
        ("e + pi", {"e": 0}, "3.14159265359"),
        ("-a^2", {"a": -2}, "-4"),
        ("ab + a", {"a": 1, "ab": 10}, "11"),
    ],
)
def test_names_in_an_expression_stand_for_exact_numbers(
    expression: str, values: dict[str, float | str], result: str
) -> None:
    assert calculator(expression, values) == result


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_a_name_is_its_number_whatever_its_sign(a: int, b: int) -> None:
    assert calculator("a - b", {"a": a, "b": b}) == calculator(f"({a}) - ({b})")


@pytest.mark.parametrize("values", [{"a": "ten"}, {"a": "1; 2"}, {"3": 4}, {"a b": 1}])
def test_what_is_no_number_or_no_name_is_refused(values: dict[str, float | str]) -> None:
    with pytest.raises(ToolError):
        calculator("a + 3", values)


def test_a_plan_calculates_with_results() -> None:
    steps = [
        {"id": "a", "do": "calculator", "in": {"expression": "2/3"}},
        {"id": "b", "do": "extract", "as": "number", "in": {"goal": "the weight", "m": "It weighs 4.5 kg."}},
        {
            "id": "c",
            "do": "calculator",
            "in": {"expression": "a*b", "values": {"a": {"$": "a"}, "b": {"$": "b"}}},
        },
    ]
    answer = Agent(ScriptedModel(['{"value": 4.5}', "It is 3."]), tools=["calculator"]).run(
        Plan.from_dict(steps)
    )
    assert answer.steps[2].value == "3"
