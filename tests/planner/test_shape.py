"""Reading typed output."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from agentsdk.errors import OutputInvalid
from agentsdk.planner.shape import Shape


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Leg(BaseModel):
    city: str
    price: float


class Trip(BaseModel):
    legs: list[Leg]


class Tree(BaseModel):
    name: str
    inner: "list[Tree]" = []


@pytest.mark.parametrize(
    "text",
    [
        '{"legs": []}',
        'Here you are:\n```json\n{"legs": []}\n```\nEnjoy!',
        'Here: {"legs": []} - enjoy [1].',
        "```\n{'legs': [],}\n```",
        'First {"a": 1}, rather {"legs": []}',
    ],
)
def test_json_is_found_in_what_stands_around_it(text: str) -> None:
    assert Shape(Trip).read(text) == Trip(legs=[])


def test_nested_faults_are_named_by_their_place_with_what_stands_there() -> None:
    with pytest.raises(OutputInvalid) as error:
        Shape(Trip).read('{"legs": [{"city": "Oslo", "price": 1}, {"price": "ten"}]}')
    assert "legs[1].price: Input should be a valid number" in error.value.why
    assert '("ten")' in error.value.why
    assert "legs[1].city: Field required" in error.value.why


@pytest.mark.parametrize("text", ['{"legs": [{"city": "Oslo", "pri', '```json\n{"legs": [', '{"legs": []'])
def test_json_that_was_cut_off_is_never_completed(text: str) -> None:
    with pytest.raises(OutputInvalid) as error:
        Shape(Trip).read(text)
    assert "cut off" in error.value.why


def test_unions_lists_and_recursive_types_are_read() -> None:
    pet = Shape(Annotated[Cat | Dog, Field(discriminator="kind")])
    assert pet.read('{"value": {"kind": "dog", "name": "Rex"}}') == Dog(kind="dog", name="Rex")
    assert pet.read('{"kind": "cat", "lives": 9}') == Cat(kind="cat", lives=9)
    assert pet.schema["type"] == "object"
    assert Shape(list[int]).is_list
    assert Shape(list[Leg]).read('[{"city": "Oslo", "price": 2}]') == [Leg(city="Oslo", price=2)]
    assert Shape(Tree).read('{"name": "a", "inner": [{"name": "b"}]}').inner[0].name == "b"


def test_the_mark_of_a_citation_is_no_list() -> None:
    with pytest.raises(OutputInvalid):
        Shape(list[int]).read("There are three of them [1].")
