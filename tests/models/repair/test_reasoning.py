"""Thoughts, told from the text wherever a stream is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.repair.reasoning import ThoughtSplitter, reasoning_of


def parted(*pieces: str, opened: bool = False) -> tuple[str, str]:
    """Return (said, thought) of a text that comes in pieces."""
    splitter, thought = ThoughtSplitter(opened=opened), ""
    for parts in [*map(splitter.feed, pieces), splitter.rest()]:
        thought += "".join(text for kind, text in parts if kind != "said")
    return "".join(splitter.said), thought


SAMPLES = [
    ("<think>I wonder.</think>\n\nThe answer.", "The answer.", "I wonder."),
    ("\n <THINK>a<b</Think>x", "x", "a<b"),
    ("<thinking>t</thinking>\nyes", "yes", "t"),
    ("<think>t</thinking>yes", "yes", "t"),
    ("<thought>t</thought>yes", "yes", "t"),
    ("[THINK]t[/THINK]yes", "yes", "t"),
    ("<think>never closed", "", "never closed"),
    ("<think>\n\n</think>\n\nok", "ok", "\n\n"),
    ("<think></think>", "", ""),
    ("< think", "< think", ""),
    ("<thin", "<thin", ""),
    ("\n\nok\n", "\n\nok\n", ""),
    ("", "", ""),
    ("the answer is 20.\n</think>\n\nThe number is 20.", "The number is 20.", "the answer is 20.\n"),
    ("a</think>b</think>\nc", "c", "ab"),
    ("<think>a</think>b</think>\nc", "c", "ab"),
    ("<think>a</think>\nOne. <think>b</think> Two.", "One. Two.", "ab"),
    ("<think>a <think>b</think>c</think>d", "d", "a <think>bc"),
    ("One.\n<think>and then", "One.\n", "and then"),
    ("Write `<think>` and `</think>` around it.", "Write `<think>` and `</think>` around it.", ""),
    ('Say "<think>" to it.', 'Say "<think>" to it.', ""),
    ("So:\n```xml\n<think>\na\n</think>\n```\nEnd", "So:\n```xml\n<think>\na\n</think>\n```\nEnd", ""),
    ("```\ncode\n```\nthought</think>text", "text", "```\ncode\n```\nthought"),
    ("The <thought> element", "The <thought> element", ""),
    (
        "<|channel|>analysis<|message|>t<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>",
        "yes",
        "t",
    ),
    ("<|start|>assistant<|channel|>analysis<|message|>a<b<|channel|>final<|message|>yes", "yes", "a<b"),
    ("<|channel|>final <|constrain|>json<|message|>{}", "{}", ""),
    ("<|channel|>analysis<|message|>cut o", "", "cut o"),
    ("<|channel|>anal", "", ""),
    ("<|channels", "<|channels", ""),
]


@pytest.mark.parametrize(("text", "said", "thought"), SAMPLES)
def test_thoughts_are_parted_whole_and_at_every_split(text: str, said: str, thought: str) -> None:
    assert parted(text) == (said, thought)
    assert parted(*text) == (said, thought)
    for at in range(len(text)):
        assert parted(text[:at], text[at:]) == (said, thought)


OPENED = [
    ("I wonder.\n</think>\n\nYes.", "Yes.", "I wonder.\n"),
    ("<think>I wonder.</think>Yes.", "Yes.", "I wonder."),
    ("No thought at all.", "No thought at all.", ""),
    ("Sure. <think>a</think>Yes.", "Sure. Yes.", "a"),
    ("I close it with `</think>` then.</think>Yes.", "Yes.", "I close it with `</think>` then."),
    ("</think>Yes.", "Yes.", ""),
    ("a</think>b</think>c", "c", "ab"),
]


@pytest.mark.parametrize(("text", "said", "thought"), OPENED)
def test_a_text_that_begins_within_a_thought_is_held_until_the_thought_ends(
    text: str, said: str, thought: str
) -> None:
    assert parted(text, opened=True) == (said, thought)
    assert parted(*text, opened=True) == (said, thought)
    for at in range(len(text)):
        assert parted(text[:at], text[at:], opened=True) == (said, thought)
    assert ThoughtSplitter(opened=True).feed("Nothing yet.") == []


def test_a_text_does_not_begin_within_a_thought_that_came_in_a_field_of_its_own() -> None:
    for before in ([], ["The"]):
        splitter = ThoughtSplitter(opened=True)
        for piece in before:
            assert splitter.feed(piece) == []
        splitter.thought_elsewhere()
        splitter.feed(" end.")
        assert splitter.said
        assert not splitter.rest()


_MARKS = [
    "<|channel|>analysis<|message|>",
    "<|channel|>",
    "final",
    "<|message|>",
    "<|end|>",
    "<|start|>assistant",
    "to=functions.f ",
    "<think>",
    "</think>",
    "<thinking>",
    "`",
    '"',
    "```\n",
    "<",
    "</",
    "\n",
    " ",
    "İ",
    "word",
    "[THINK]",
    "x",
]


@given(st.lists(st.sampled_from(_MARKS)), st.lists(st.integers(0, 100)), st.booleans())
def test_a_stream_cut_anywhere_is_parted_as_the_whole_is(
    words: list[str], cuts: list[int], opened: bool
) -> None:
    text = "".join(words)
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert parted(*pieces, opened=opened) == parted(text, opened=opened)


@pytest.mark.parametrize(
    ("message", "thought"),
    [
        ({"reasoning_content": "t"}, "t"),
        ({"reasoning": "t", "reasoning_details": [{"type": "reasoning.text", "text": "t"}]}, "t"),
        ({"thinking": "t"}, "t"),
        ({"reasoning_content": None, "reasoning": "t"}, "t"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "a"}, {"summary": "b"}]}, "ab"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz"}]}, ""),
        ({"reasoning": {"content": "t"}}, "t"),
        ({"reasoning": {"summary": [{"text": "t"}]}}, "t"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"text": "x"}]}, "t"),
        ({"content": "x"}, ""),
        ({"reasoning": 5}, ""),
        ({"reasoning": [[[[[["deep"]]]]]]}, ""),
    ],
)
def test_a_thought_is_read_from_whichever_field_it_comes_in(message: dict[str, Any], thought: str) -> None:
    assert reasoning_of(message) == thought
