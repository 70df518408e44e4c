import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.planner.markers import PublicText, Quote, read_marks

ANSWER = 'It gives 5 V [p3: "rated at 5 V [max]"], and more [p12: “一行\n两行”]. Not [this] nor [p].'


def test_an_answer_falls_into_words_and_quotes() -> None:
    assert read_marks(ANSWER).pieces == (
        "It gives 5 V",
        Quote("p3", "rated at 5 V [max]"),
        ", and more",
        Quote("p12", "一行\n两行"),
        ". Not [this] nor [p].",
    )


@pytest.mark.parametrize(
    "text",
    ["[not_found] Nothing.", "  [NOT_FOUND]: Nothing.", "【not_found】Nothing.", "[ not_found ]\nNothing."],
)
def test_how_an_answer_ended_is_read_from_its_beginning(text: str) -> None:
    assert (read_marks(text).ending, read_marks(text).pieces) == ("not_found", ("Nothing.",))


def test_an_ending_in_the_middle_of_an_answer_is_text() -> None:
    assert read_marks("It says [not_found] there.").ending is None


def test_a_bare_passage_number_proves_nothing_and_is_not_shown() -> None:
    assert read_marks("It is so [p1] and so [p2, p3].").pieces == ("It is so and so.",)


def shown(text: str, cuts: list[int]) -> str:
    public, out, at = PublicText(), "", 0
    for cut in sorted({c % (len(text) + 1) for c in cuts} | {len(text)}):
        out += public.feed(text[at:cut])
        at = cut
    return out + public.rest()


@given(
    st.lists(st.integers(0, 500)),
    st.sampled_from([ANSWER, "[not_found] No: " + ANSWER, "[x] plain", "[", "a [b"]),
)
def test_a_stream_shows_the_same_wherever_it_is_cut_and_never_a_mark(cuts: list[int], text: str) -> None:
    whole = "".join(p for p in read_marks(text).pieces if isinstance(p, str))
    assert shown(text, cuts) == whole


@given(st.text(), st.lists(st.integers(0, 500)))
def test_any_text_comes_through_a_stream_as_it_does_whole(text: str, cuts: list[int]) -> None:
    assert shown(text, cuts) == shown(text, [])
