"""Wrong names, and the tools that they may mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.repair.names import fold_name, history_name

TOOLS = ("get_weather", "add", "get_user", "search_web")


def folded(name: str, tools: tuple[str, ...] = TOOLS, *, fits: bool = True) -> str:
    found, repair = fold_name(name, tools, lambda _tool: fits)
    assert (repair is None) == (name in tools)
    assert repair is None or (repair.kind == "name.folded" and found in repair.detail)
    return found


@pytest.mark.parametrize(
    "name",
    ["get_weather", "functions.get_weather", "default_api.get_weather", "tools.get_weather", "functions:get_weather", "functions.get_weather:0", "get_weather:12", " get_weather ", "`get_weather`", "get_weather()", "get-weather", "get weather", "getWeather", "GetWeather", "GET_WEATHER", "get.weather", "get_weatherget_weather", "get_weather<|channel|>commentary"],
)  # fmt: skip
def test_what_is_written_around_a_name_and_how_it_is_spelled_does_not_matter(name: str) -> None:
    assert folded(name, fits=False) == "get_weather"


@pytest.mark.parametrize("name", ["get_wether", "get_weathr", "weather_get", "getWeathers"])
def test_a_slip_of_the_pen_is_mended_where_the_arguments_fit(name: str) -> None:
    assert folded(name) == "get_weather"
    with pytest.raises(ValueError, match="no tool called"):
        folded(name, fits=False)


@pytest.mark.parametrize(
    "name",
    ["perform", "set_user", "delete_user", "user", "get", "weather", "get_weather_and_user", "subtract", "", " ", ".", "functions.", "x" * 5000],
)  # fmt: skip
def test_another_word_is_no_slip_of_the_pen(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"There is no tool called .*The tools are: get_weather, add, get_user"
    ):
        folded(name)


def test_a_name_that_may_mean_two_tools_means_none() -> None:
    with pytest.raises(ValueError, match="The tools are: get_data, getData"):
        folded("GetData", ("get_data", "getData"))
    with pytest.raises(ValueError, match="no tool called"):
        folded("serch_files", ("search_files", "search_file"))


def test_a_name_beside_no_tools_is_told_that_there_are_none() -> None:
    with pytest.raises(ValueError, match=r"The tools are: -\."):
        folded("add", ())


@given(st.text(max_size=40), st.lists(st.text(max_size=8), max_size=3))
def test_any_name_ends_in_a_tool_that_was_offered_or_in_a_fault(name: str, tools: list[str]) -> None:
    try:
        found, _repair = fold_name(name, tools, lambda _tool: True)
    except ValueError:
        assert name not in tools
        return
    assert found in tools


@given(st.text(max_size=80))
def test_a_name_in_history_has_no_dot(name: str) -> None:
    shown = history_name(name)
    assert len(shown) <= 64
    assert all(c.isascii() and (c.isalnum() or c in "_-") for c in shown)
