import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentsdk.references.cite import locate

TEXT = "The adapter is rated\n  at 5 V—not at 15 V. It costs “1,234.50” euros; the Café is open.\n上下文\n长度为 128K，价格是３元。"
words = st.lists(st.text("abcdefgh", min_size=2, max_size=8), min_size=4, max_size=30)


@pytest.mark.parametrize(
    ("quote", "found", "how"),
    [
        ("The adapter is rated", "The adapter is rated", "exact"),
        ("the ADAPTER is rated at 5 V", "The adapter is rated\n  at 5 V", "normalised"),
        ("5 V-not at 15 V", "5 V—not at 15 V", "normalised"),
        ('It costs "1,234.50" euros', "It costs “1,234.50” euros", "normalised"),
        ("“rated at 5 V…”", "rated\n  at 5 V", "normalised"),
        ("the Café is open", "the Café is open", "exact"),
        ("the Cafe\u0301 is open", "the Café is open", "normalised"),
        ("上下文长度为 128K", "上下文\n长度为 128K", "normalised"),
        ("价格是3元", "价格是３元", "normalised"),
    ],
)
def test_a_quote_is_found_with_its_offsets(quote: str, found: str, how: str) -> None:
    at = locate(quote, TEXT)
    assert at is not None
    assert (TEXT[at[0] : at[1]], at[2]) == (found, how)


@pytest.mark.parametrize(
    "quote",
    ["rated at 9 V", "The adapter was rated", "dapter is rate", "234.50", "1,234", "at 1", "5 V", "", "…", "!!", "a", "V",
     "价格是4元", "格", "adapter rated", "128K 价格"],
)  # fmt: skip
def test_what_does_not_stand_there_or_proves_nothing_is_not_found(quote: str) -> None:
    assert locate(quote, "It gives 15 V, and " + TEXT.replace("5 V—not", "7 V—not")) is None


@given(words, st.data())
def test_every_true_quote_is_found_where_it_stands(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    begin = data.draw(st.integers(0, len(parts) - 2))
    end = data.draw(st.integers(begin + 2, len(parts)))
    quote = " ".join(parts[begin:end])
    found = locate(quote, text)
    assert found is not None
    assert text[found[0] : found[1]] == quote


@given(words, st.data())
def test_no_altered_quote_is_found(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    at = data.draw(st.integers(0, len(parts) - 1))
    changed = [*parts[:at], data.draw(st.text("abcdefgh", min_size=2, max_size=8)), *parts[at + 1 :]]
    quote = " ".join(changed)
    assume(quote not in text)
    assert locate(quote, text) is None


@given(st.text(), st.text(max_size=30))
def test_whatever_is_found_is_a_slice_of_the_text(text: str, quote: str) -> None:
    found = locate(quote, text)
    if found is not None:
        start, end, _how = found
        assert 0 <= start < end <= len(text)
