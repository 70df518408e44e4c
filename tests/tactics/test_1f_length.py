"""Tactic 1f: specify the desired length of the output. It is counted, mended once, and then cut at a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.checks import Candidate, Length, count
from agentsdk.testing.scripted import ScriptedModel


@pytest.mark.parametrize(
    ("text", "words", "sentences", "paragraphs", "bullets"),
    [
        ("One two. Three four five!", 5, 2, 1, 0),
        ("One.\n\nTwo.", 2, 2, 2, 0),
        ("- one\n- two\n- three", 3, 3, 0, 3),
    ],
)
def test_english_is_counted(text: str, words: int, sentences: int, paragraphs: int, bullets: int) -> None:
    found = count(text)
    assert (found.words, found.paragraphs, found.bullets) == (words, paragraphs, bullets)


def test_an_answer_that_is_too_long_is_asked_for_again_and_then_cut_behind_a_sentence() -> None:
    long = "It is four. It was always four. Nobody knows why."
    model = ScriptedModel([long, long])
    answer = Agent(model, checks=[Length(max_words=7)]).run("q")
    assert answer.text == "It is four. It was always four."
    assert [f.kind for f in answer.findings] == ["length"]
    assert len(model.requests) == 2


def test_chinese_characters_are_counted_as_words() -> None:
    assert count("保修期是两年。").words == 6
    answer = Agent(ScriptedModel(["是两年。此外没有别的。"] * 2), checks=[Length(max_words=4)]).run("多久？")
    assert answer.text == "是两年。"


@given(
    st.lists(st.sampled_from(["It is so.", "Really?", "Yes [1].", "是的。"]), min_size=2, max_size=8),
    st.integers(1, 9),
)
def test_a_cut_text_is_a_beginning_that_keeps_the_limit(sentences: list[str], most: int) -> None:
    text = " ".join(sentences)
    check = Length(max_words=most)
    mended = check.mend(Candidate(text))
    if mended is None:
        return
    assert text.startswith(mended[0])
    assert check(Candidate(mended[0])) == []
    assert mended[0].count("[") == mended[0].count("]")
