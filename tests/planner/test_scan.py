"""Steps read out of a plan while it is written: the same however the text is cut, and in linear time."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk.planner.scan import Scanner

TEXTS = st.text(alphabet=st.sampled_from('a{}[]",:\\ \n\u2028é语"steps"'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
STEPS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4)


def scan(text: str, cuts: list[int] | None = None) -> list[dict[str, Any]]:
    scanner, found, last = Scanner(), [], 0
    for cut in [*(cuts or []), len(text)]:
        found += scanner.feed(text[last:cut])
        last = cut
    return found


@settings(max_examples=150, deadline=None)
@given(STEPS, TEXTS, st.booleans(), st.sampled_from([None, 2]))
def test_every_split_gives_the_steps_that_json_gives(
    steps: list[dict[str, Any]], question: str, bare: bool, indent: int | None
) -> None:
    whole: object = steps if bare else {"question": question, "steps": steps, "more": [{"id": "x"}]}
    text = json.dumps(whole, ensure_ascii=False, indent=indent)
    assert scan(text) == steps
    assert scan(text, list(range(1, len(text)))) == steps
    for at in range(len(text)):
        assert scan(text, [at]) == steps


def test_a_step_is_given_with_the_character_that_closes_it() -> None:
    scanner = Scanner()
    text = '{"steps": [{"id": "s1", "in": {"a": "}]"}}, {"id": "s2"}]}'
    at = [i for i, character in enumerate(text) if scanner.feed(character)]
    assert [text[: i + 1].count("{") - 1 for i in at] == [2, 3]
    assert text[at[0] - 1 : at[0] + 1] == "}}"


@pytest.mark.parametrize(
    "text",
    [
        '{"steps": [{"id": s1}, {"id": "s2"}]}',
        '{"steps": ["s0", {"id": "s2"}]}',
        '{"steps": [1, {"id": "s2"}]}',
        '{"steps": [[{"id": "s1"}], {"id": "s2"}]}',
        '{"steps": [{"id": ]}, {"id": "s2"}]}',
        '}{"steps": [{"id": "s2"}]}',
        '{"steps": [' + "{" + '"a":[' * 100_000 + "]" * 100_000 + '}, {"id": "s2"}]}',
    ],
)
def test_what_is_not_json_ends_the_reading_and_no_later_step_is_given(text: str) -> None:
    assert scan(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"question": "steps", "other": [{"id": "x"}], "steps": 5}',
        '{"plan": {"steps": [{"id": "x"}]}}',
        '{"steps": {"id": "x"}}',
        '{"steps": [{"id": "s1"',
        '"[{}]"',
        "",
    ],
)
def test_only_closed_objects_of_the_list_called_steps_are_steps(text: str) -> None:
    assert scan(text) == []


def test_each_character_is_looked_at_once() -> None:
    """A scanner that looked again at what it holds would do 40 million looks here; this counts those of the marks."""
    looked = 0

    class Counting(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> str:
            nonlocal looked
            piece = super().__getitem__(key)
            looked += len(piece)
            return piece

    scanner = Scanner()
    text = json.dumps({"steps": [{"id": f"s{i}", "in": {"text": 'a"{' * 500}} for i in range(10)]})
    found: list[dict[str, Any]] = []
    for at in range(0, len(text), 3):
        found += scanner.feed(Counting(text[at : at + 3]))
    assert len(found) == 10
    assert looked <= 2 * len(text)
