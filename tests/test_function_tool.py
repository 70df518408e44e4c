from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import pytest

from agentsdk.errors import ConfigurationError, InvalidToolArguments
from agentsdk.function_tool import tool


@tool
def rate(base: str, quote: str = "EUR", *, day: date | None = None) -> float:
    """Return how many units of quote one unit of base buys.

    It is the rate at noon.

    Args:
        base: three letters,
            such as USD.
        quote (str): three letters.

    Returns:
        A number for readers of the code.

    Raises:
        KeyError: never seen by a model.
    """
    return 2.0 if day else 1.0


def test_a_tool_tells_a_model_its_name_what_it_does_and_what_it_takes() -> None:
    assert rate.name == "rate"
    assert (
        rate.description == "Return how many units of quote one unit of base buys.\n\nIt is the rate at noon."
    )
    properties = rate.parameters["properties"]
    assert properties["base"] == {"type": "string", "description": "three letters, such as USD."}
    assert properties["quote"]["default"] == "EUR"
    assert rate.parameters["required"] == ["base"]
    assert rate.parameters["additionalProperties"] is False


def test_a_tool_is_still_the_function() -> None:
    assert rate("USD") == 1.0
    assert rate("USD", day=date(2026, 1, 1)) == 2.0


def test_arguments_become_the_types_that_the_function_asks_for() -> None:
    assert rate.validate({"base": "USD", "day": "2026-03-01"})["day"] == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "base"),
        ({"base": "USD", "basis": 1}, "basis"),
        ({"base": ["USD"]}, "base"),
        ({"base": "x", "day": "?"}, "day"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidToolArguments, match=named) as error:
        rate.validate(arguments)
    assert "schema" in error.value.fix


@pytest.mark.parametrize("name", ["schema", "json", "copy", "model_config", "_private", "self_", "validate"])
def test_an_argument_may_have_a_name_that_pydantic_uses_itself(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f'def f({name}: int) -> int:\n    "Return it."\n    return {name}', namespace)
    made = tool(namespace["f"])
    assert list(made.parameters["properties"]) == [name]
    assert made.validate({name: "5"}) == {name: 5}


@dataclass
class Point:
    x: int
    y: int = 0


def test_nested_types_arrive_as_themselves() -> None:
    @tool
    def plot(points: list[Point], kind: Literal["line", "bar"], size: Annotated[int, "cm"] = 3) -> str:
        """Draw."""
        return ""

    given = plot.validate({"points": [{"x": 1}], "kind": "bar"})
    assert given == {"points": [Point(1, 0)], "kind": "bar", "size": 3}
    with pytest.raises(InvalidToolArguments, match="kind"):
        plot.validate({"points": [], "kind": "pie"})


def test_a_function_without_a_docstring_is_refused() -> None:
    def bare(x: int) -> int:
        return x

    with pytest.raises(ConfigurationError, match="no description"):
        tool(bare)


def test_a_name_that_models_refuse_is_refused_here() -> None:
    with pytest.raises(ConfigurationError, match=r"a\.b"):
        tool(name="a.b", description="x")(lambda: None)


def test_parameters_that_no_model_can_fill_are_refused() -> None:
    def rest(*args: int) -> int:
        """Sum."""
        return sum(args)

    with pytest.raises(ConfigurationError, match="args"):
        tool(rest)


def test_a_type_without_a_schema_is_refused() -> None:
    class Odd:
        pass

    def odd(x: Odd) -> None:
        """Take it."""

    with pytest.raises(ConfigurationError, match="odd"):
        tool(odd)
