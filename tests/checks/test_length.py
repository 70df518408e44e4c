"""Length."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.checks import Candidate, Length, count
from agentsdk.errors import ConfigurationError


def test_each_limit_that_is_not_kept_is_told_with_what_was_counted() -> None:
    faults = Length(bullets=3, max_words=2)(Candidate("- one two\n- three"))
    assert [f.kind for f in faults] == ["length", "length"]
    assert "2; 3 were asked for" in faults[0].text
    assert "3; at most 2" in faults[1].text
    assert Length(sentences=(1, 2), min_words=2)(Candidate("Two words.")) == []


def test_a_cut_ends_behind_a_sentence_and_keeps_its_mark() -> None:
    mended = Length(max_words=6)(Candidate("x")) == [] and Length(max_words=6).mend(
        Candidate("It is 5 V. [1] It weighs 90 g. [2]")
    )
    assert mended
    assert mended[0] == "It is 5 V. [1]"


def test_a_text_whose_first_sentence_is_too_long_is_left_whole() -> None:
    assert Length(max_words=2).mend(Candidate("It is 5 V. Yes.")) is None


def test_no_cut_is_made_that_breaks_as_much_as_it_mends() -> None:
    assert Length(max_words=4, bullets=2).mend(Candidate("- one two three\n- four five six")) is None


@pytest.mark.parametrize("given", [{}, {"max_words": 0}, {"bullets": (3, 2)}, {"min_words": 5, "max_words": 4}])
def test_a_length_that_nothing_can_have_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Length(**given)


SENTENCE = st.sampled_from(
    ["It is 5 V. [1] ", "今天很好。", "He said “no. never.” then. ", "- one. two.\n", "\n\nNew here. "]
)


@given(st.lists(SENTENCE, min_size=1, max_size=20), st.integers(1, 40))
def test_what_is_cut_is_a_beginning_that_keeps_the_limit(pieces: list[str], most: int) -> None:
    text = "".join(pieces)
    mended = Length(max_words=most).mend(Candidate(text))
    if mended is not None:
        assert text.startswith(mended[0])
        assert 0 < count(mended[0]).words <= most
