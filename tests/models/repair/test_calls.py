"""Calls as servers really send them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.repair.calls import CallPieces


def merged(
    *pieces: tuple[int | None, str | None, str | None, object], cut: str = ""
) -> list[tuple[str, dict[str, object]]]:
    calls = CallPieces()
    for piece in pieces:
        calls.add(*piece)
    return [(c.name, dict(c.arguments)) for c in calls.settle(cut=cut).calls]


def test_continuations_with_empty_ids_and_repeated_names_are_one_call() -> None:
    assert merged((0, "a", "add", '{"x"'), (0, "", "", ": 1"), (0, None, "add", "}")) == [("add", {"x": 1})]


def test_two_ids_at_one_index_are_two_calls() -> None:
    assert merged((0, "a", "add", "{}"), (0, "b", "add", '{"x": 1}')) == [("add", {}), ("add", {"x": 1})]


def test_calls_without_any_index_are_told_apart_by_their_names() -> None:
    assert merged((None, None, "a", {"x": 1}), (None, None, "a", {"x": 2})) == [
        ("a", {"x": 1}),
        ("a", {"x": 2}),
    ]
    assert merged((None, None, "a", '{"x"'), (None, None, None, ": 1}")) == [("a", {"x": 1})]


def test_the_last_call_of_a_cut_answer_is_broken_even_if_it_looks_whole() -> None:
    assert merged((0, "a", "add", "{}"), (1, "b", "add", '{"x": 1}'), cut="cut") == [("add", {})]


@pytest.mark.parametrize("text", ["", " ", "null", "{}", None])
def test_no_arguments_are_none_however_they_are_written(text: object) -> None:
    assert fit_arguments(text, None).arguments == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"x":',
        "[1]",
        '"text"',
        "5",
        '{"x": NaN}',
        "{" * 50_000,
        '{"a":' * 300 + "1" + "}" * 300,
        "true",
    ],
)
def test_what_is_no_object_is_never_arguments(text: str) -> None:
    with pytest.raises(ValueError, match=r"arguments|JSON"):
        fit_arguments(text, None)


@given(st.integers())
def test_integers_of_any_size_stay_what_they_are(number: int) -> None:
    assert fit_arguments(json.dumps({"n": number}), None).arguments == {"n": number}
