"""Counting and cutting, in English and Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.checks import count
from agentsdk.checks.count import blocks, cuts, sentence_spans, words


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Hello, well-known world.", 3),
        ("It costs 3.5 or 1,200 units (see https://a.example/b?c=d).", 8),
        ("你好，世界。", 4),
        ("型号E02表示过热", 7),
        ("東京タワー", 5),
        ("It is 5 V. [1] Really [2].", 5),
        ("1. one\n2. two", 2),
        ("```\nnot counted\n```\ncounted", 1),
        ("", 0),
        ("—— … 。", 0),
    ],
)
def test_words_are_counted_as_the_conventions_say(text: str, number: int) -> None:
    assert count(text).words == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("One. Two! Three?", 3),
        ("Dr. Smith paid 3.5 euros, e.g. for tea. He left.", 2),
        ("“Stop.” he said. Then he left.", 2),
        ("Well... perhaps. No; not now.", 2),
        ("一句。两句！三句？", 3),
        ("It is 5 V. [1] It weighs 90 g. [2]", 2),
        ("- a bullet\n- and another", 2),
        ("# A heading\n\nA sentence.", 1),
        ("Call `a. b` now.", 1),
    ],
)
def test_sentences_are_counted_as_the_conventions_say(text: str, number: int) -> None:
    assert count(text).sentences == number


def test_lists_headings_tables_and_code_are_no_paragraphs() -> None:
    text = "# T\n\nA para\nthat goes on.\n\n- one\n  more\n  - inner\n- two\n\n| a |\n|---|\n| 1 |\n\n```\nx\n\ny\n```\n\nLast.\n"
    kinds = [b.kind for b in blocks(text)]
    assert kinds == ["heading", "paragraph", "bullet", "nested", "bullet", "table", "code", "paragraph"]
    assert (count(text).paragraphs, count(text).bullets) == (2, 2)


def test_chinese_lists_are_lists() -> None:
    assert count("1、先关机\n2、再拔电源\n（3）等待").bullets == 3


WORD = st.sampled_from(["apple", "3.5", "well-known", "don't", "你", "好", "2026"])


@given(st.lists(WORD, max_size=30))
def test_as_many_words_are_counted_as_were_written(written: list[str]) -> None:
    assert words(" ".join(written)) == written


PIECE = st.sampled_from(
    ["It is 5 V. ", "It is 5 V. [1] ", "他说“好。我去。”然后走了。", 'He said "Go. Now." twice. ', "(a. b) c. ", "\n\n", "- item. two.\n",
     "```\ncode. more.\n```\n", "真的[2]。", "`x. y` z. ", "| a. | b |\n|---|---|\n"]
)  # fmt: skip


@given(st.lists(PIECE, max_size=14))
def test_a_cut_never_breaks_a_mark_a_quote_a_bracket_or_code(pieces: list[str]) -> None:
    text = "".join(pieces)
    for end in cuts(text):
        kept = text[:end]
        assert kept.count("[") == kept.count("]")
        assert kept.count("“") == kept.count("”")
        assert kept.count("(") == kept.count(")")
        assert kept.count("```") % 2 == 0
        assert kept.replace("```", "").count("`") % 2 == 0
        assert kept.count('"') % 2 == 0


@given(st.text(max_size=300))
def test_any_text_is_counted_and_its_pieces_lie_in_order(text: str) -> None:
    counted = count(text)
    assert counted.characters == len(text)
    ends = [0]
    for block in blocks(text):
        assert ends[-1] <= block.start <= block.end <= len(text)
        ends.append(block.end)
        for start, end in sentence_spans(text[block.start : block.end]):
            assert 0 <= start < end <= block.end - block.start
    assert cuts(text) == sorted(cuts(text))
