"""Tools and schemas bound to a chat model: what the requests hold, and how answers are read."""

import asyncio
from typing import Any, Literal, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.tools import tool
from pydantic import BaseModel

from agentsdk.errors import ConfigurationError
from agentsdk.testing.standin import Standin
from tests.models.chat.faces import Make, dashscope, each, merged, ollama, standin

server = pytest.fixture(standin)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def clock() -> str:
    """Tell the time."""
    return "noon"


class Trip(BaseModel):
    """A trip."""

    city: str
    days: int


class TripDict(TypedDict):
    """A trip."""

    city: str
    days: int


CHOICES: list[tuple[Any, str]] = [
    (None, "auto"), ("auto", "auto"), ("none", "none"), ("any", "required"), ("required", "required"),
    (True, "required"), (False, "auto"), ("add", "add"), ({"type": "function", "function": {"name": "add"}}, "add"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "meant"), CHOICES, ids=str)
@each
def test_every_tool_choice_reaches_the_wire_or_what_comes_nearest(
    server: Standin, make: Make, given: Any, meant: str
) -> None:
    server.call("add", a=1, b=2) if meant != "none" else server.say("No tool.")
    answer = make(server).bind_tools([add, clock], tool_choice=given).invoke("q")
    asked = server.requests[-1]
    assert [c["args"] for c in answer.tool_calls] == ([] if meant == "none" else [{"a": 1, "b": 2}])
    if meant == "none":
        assert asked.tool_choice == "none" or not asked.tools
    elif meant == "add":
        assert asked.tool_choice == "add" or list(asked.tools) == ["add"]
    else:
        assert set(asked.tools) == {"add", "clock"}
        assert asked.tool_choice in {meant, "auto"}


@each
def test_a_call_that_was_forbidden_or_not_offered_is_invalid(server: Standin, make: Make) -> None:
    server.call("add", a=1, b=2).call("drop_all")
    bound = make(server).bind_tools([add])
    forbidden = make(server).bind_tools([add], tool_choice="none").invoke("q")
    unknown = bound.invoke("q")
    for answer, name in ((forbidden, "add"), (unknown, "drop_all")):
        assert (answer.tool_calls, [c["name"] for c in answer.invalid_tool_calls]) == ([], [name])
        assert answer.invalid_tool_calls[0]["error"]


@pytest.mark.parametrize("make", [ollama, dashscope], ids=lambda m: m.__name__)
def test_a_choice_of_what_is_not_there_is_refused_at_once(server: Standin, make: Make) -> None:
    with pytest.raises(ConfigurationError, match="ad"):
        make(server).bind_tools([add, clock], tool_choice="ad")


@pytest.mark.parametrize("given", [True, False])
@each
def test_several_calls_in_one_answer_are_allowed_or_not(server: Standin, make: Make, *, given: bool) -> None:
    server.say("ok")
    make(server).bind_tools([add], parallel_tool_calls=given).invoke("q")
    body = server.requests[0].body
    sent = body.get("parallel_tool_calls", body.get("parameters", {}).get("parallel_tool_calls"))
    assert sent is given or server.requests[0].protocol == "ollama"


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@pytest.mark.parametrize("schema", [Trip, TripDict, Trip.model_json_schema()], ids=["pydantic", "dict", "json"])
@each
def test_an_answer_is_read_by_its_schema(
    server: Standin, make: Make, schema: Any, method: Literal["json_schema", "function_calling", "json_mode"]
) -> None:
    for _ in range(3):
        if method == "function_calling":
            server.call("Trip" if not isinstance(schema, type) else schema.__name__, city="Oslo", days=3)
        else:
            server.say('{"city": "Oslo", "days": 3}')
    model = make(server).with_structured_output(schema, method=method)
    *_parts, streamed = model.stream("q")
    for found in (model.invoke("q"), asyncio.run(model.ainvoke("q")), streamed):
        read = found.model_dump() if isinstance(found, BaseModel) else found
        assert read == {"city": "Oslo", "days": 3}
        assert isinstance(found, Trip) == (schema is Trip)


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
@each
def test_what_cannot_be_read_is_said_and_with_include_raw_kept(
    server: Standin, make: Make, method: Literal["json_schema", "function_calling", "json_mode"]
) -> None:
    server.answer(lambda _asked: "I would rather not.")
    with pytest.raises((OutputParserException, ValueError)):
        make(server).with_structured_output(Trip, method=method).invoke("q")
    told = make(server).with_structured_output(Trip, method=method, include_raw=True).invoke("q")
    assert told["raw"].text == "I would rather not."
    assert told["parsed"] is None
    assert told["parsing_error"] is not None


@each
def test_a_call_that_was_cut_off_is_no_structured_output(server: Standin, make: Make) -> None:
    server.calls(("Trip", '{"city": "Osl'), finish="length")
    with pytest.raises(OutputParserException, match="no call"):
        make(server).with_structured_output(Trip, method="function_calling").invoke("q")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_that_ollama_cannot_force_is_asked_for_once_more(server: Standin, *, streamed: bool) -> None:
    server.say("I will add them.").say('{"name": "add", "arguments": {"a": 1, "b": 2}}')
    bound = ollama(server).bind_tools([add], tool_choice="any")
    answer = merged(bound.stream("1 + 2?")) if streamed else bound.invoke("1 + 2?")
    assert [c["args"] for c in answer.tool_calls] == [{"a": 1, "b": 2}]
    assert "choice.in words" in {r["kind"] for r in answer.response_metadata["repairs"]}
    assert len(server.requests) == 2
