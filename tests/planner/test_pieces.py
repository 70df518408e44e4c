from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.tokens import estimate
from agentsdk.planner.pieces import cut, group

texts = st.text(max_size=400) | st.lists(
    st.sampled_from(["One sentence. ", "第二句话。", "\n\n", "a" * 60, "word ", "，", "\n"]), max_size=40
).map("".join)


@given(texts, st.integers(1, 60))
def test_pieces_are_the_text_again_so_every_word_stands_in_exactly_one(text: str, most: int) -> None:
    assert "".join(cut(text, most)) == text
    assert all(cut(text, most))


@given(texts, st.integers(6, 60))
def test_no_piece_is_longer_than_it_may_be(text: str, most: int) -> None:
    assert all(estimate(piece) <= most or len(piece) <= most // 3 for piece in cut(text, most))


def test_a_text_is_cut_between_paragraphs_then_sentences_then_words() -> None:
    text = "First paragraph here.\n\nSecond one. It has two sentences."
    assert cut(text, 6) == ["First paragraph here.\n\n", "Second one. ", "It has two sentences."]
    assert cut("今天天气很好。明天会下雨。", 8) == ["今天天气很好。", "明天会下雨。"]


@given(st.lists(st.text(max_size=30), max_size=20), st.integers(1, 30), st.integers(1, 3))
def test_groups_hold_every_text_once_and_in_order(texts: list[str], most: int, fewest: int) -> None:
    groups = group(texts, most, fewest=fewest)
    assert [i for places in groups for i in places] == list(range(len(texts)))
    assert all(len(places) >= fewest for places in groups[:-1])
    for places in groups:
        assert len(places) <= fewest or sum(estimate(texts[i]) for i in places) <= most + 1e-9
