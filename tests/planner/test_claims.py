import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.planner.claims import wrong_claims


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("17% of 2,340 is 387.8", "397.8"), ("The total is 12 * 7 = 85.", "84"), ("12×7=85", "84"), ("10-3=6", "7"),
        ("20/4=6", "5"), ("3 + 4 等于 8", "7"), ("$1,200 / 4 = $301", "300"), ("17% × 2,340 ≈ 399", "397.8"),
        ("**3 + 4 = 8**", "7"), ("12 * 7 = **85**", "84"), (r"\(12 \times 7 = 85\)", "84"), (r"$12 \times 7 = 85$", "84"),
        ("2,340的17%是398.8", "397.8"), ("15 percent of 80 is 13", "12"), ("(2+3)*4 = 21", "20"), ("5 x 6 = 31", "30"),
        ("5 times 6 is 31", "30"), ("5 plus 6 equals 12", "11"), ("2^10 = 1023", "1024"), ("√16 = 5", "4"), ("5² = 24", "25"),
        ("sqrt(16) = 5", "4"), ("5 元 + 6 元 = 12 元", "11"), ("100 美元的 15% 是 14 美元", "15"), ("-3 + 5 = 1", "2"),
        ("3 − 5 = −3", "-2"), ("30% + 40% = 80%", "70%"), ("12 除以 4 得 4", "3"), ("12 乘 7 等于 85", "84"),
        ("The sum 3 + 4 + 5 is therefore 13.", "12"), ("- 12 * 7 = 85", "84"), ("1. 12 * 7 = 85", "84"),
        ("a total of 12 * 7 = 85", "84"), ("500 × 3 = 2,000", "1500"), ("0.17 × 2,340 = 397.8 + 2 = 399", "399.8"),
        ("20 / 80 = 30%", "25%"), ("17% of 2,340 is about 300", "397.8"), ("1/4 of 20 is 6", "5"), ("共12*7=85元", "84"),
    ],
)  # fmt: skip
def test_a_slip_is_found_with_its_place_and_the_right_result(text: str, right: str) -> None:
    (claim,) = wrong_claims(text)
    assert claim.computed == right
    assert text[claim.start : claim.end] == claim.text


@pytest.mark.parametrize(
    "text",
    [
        # Rounded, cut, about
        "17% × 2,340 ≈ 398", "17% of 2,340 is about 400", "100 / 3 = 33.33", "2 / 3 = 0.66", "0.1 + 0.2 = 0.30000000000000004",
        "1,234,567 + 1 = 1,235,000", "5% of $1,000 is $50.00",
        # Percentages that may be read in several ways
        "340 + 12% = 380.8", "340 + 12% = 340.12", "12% + 3 = 15%", "30% + 40% = 70%", "50% of 50% = 25%", "100 - 20 - 5% = 75",
        # Ranges, dates, times, codes
        "9 - 5 is 8 hours", "2020 - 2024 = 4 years", "5/1 - 5/10 = 9 days", "pages 3 - 5 = 3", "2026-03-01 is 60", "14:00 + 2 = 16:00",
        "10-12是3天", "tel 555 - 1234 = 5", "ISBN 978 - 3 = 5", "Fig. 3 + 4 = 2", "May 30 + 3 = 2 June", "Boeing 747 - 8 = 4",
        # A part of something longer
        "5x + 3 = 8", "2 x - 3 = 9", "n + 3 + 4 = 9", "f(2) + 3 = 9", "2√2 * 2 = 5.66", "e^2 * 3 = 22.17", "1 + 2 + … + 10 = 55",
        "20 °C × 1.8 + 32 = 68", "1/2 × 3 × 4 = 6", "50 - 10% of 50 is 45", "half of 8 * 2 = 8", "sin 30 + 1 = 1.5",
        "5 × 6 is 3 times 10", "10 x 10 is 4 m too large", "3 + 4 = 2^3 - 1", "6 / 4 = 3/2", "10 / 4 = 2 1/2", "10 / 4 = 2½",
        # Other units, scales and notations
        "1000 * 1000 = 1 million", "10000 × 10 = 10万", "5万 + 3万 = 8万", "$5M + $3M = $8M", "3 ft * 12 = 36 in", "0,5 × 2 = 1",
        "1.000 + 1.000 = 2.000", "10 000 * 2 = 20 000", "2^64 = 1.8 × 10^19", "10 ÷ 3 = 3 余 1", "7 / 2 = 3 remainder 1",
        "7 + 8 = 3 (mod 12)", "1 + 1 = 10 in binary", "10 + 5 = 3 o'clock",
        # Denied, supposed, asked
        "12 * 7 = 85 is wrong", "It is not true that 12 * 7 = 85", "if 3 + 4 = 8, then", "12 * 7 = 85 是错的", "Is 10% of 50 = 6?",
        "3 + 4 不等于 8", "3 + 4 == 8", "3 + 4 != 8", "3 + 4 >= 6",
        # No arithmetic
        "version 1.2 is 3 years old", "a 4 x 4 is 5 years old", "x = 5", "`2 + 2 = 5`", "```\n2 + 2 = 5\n```", "1/2 cup is 120 ml",
        "H2 + 2 = 5", "|3 - 5| = 2", "total: 3 + 4 =\n\n8",
    ],
)  # fmt: skip
def test_what_holds_or_may_mean_something_else_is_left_alone(text: str) -> None:
    assert wrong_claims(text) == []


numbers = st.decimals(min_value=1, max_value=10**6, places=2).map(lambda d: f"{d.normalize():,f}")
parts = st.sampled_from(
    ["3", "4.5", "1,200", "17%", "+", "-", "*", "/", "×", "of", "的", "(", ")", "$", "元", "=", "is", "是", "≈", "about", "x", "√", "²",
     " ", "\n", ",", ".", "**", "万", "5k", "$$", r"\times", "`", "the", "- ", "1. "]
)  # fmt: skip


@given(
    numbers,
    st.sampled_from("+*×"),
    numbers,
    st.integers(1, 9),
    st.sampled_from(["{} = {}", "{} equals {}.", "所以 {} 等于 {}。"]),
)
def test_a_true_sum_is_never_flagged_and_a_false_one_always(
    a: str, sign: str, b: str, off: int, says: str
) -> None:
    x, y = (Fraction(n.replace(",", "")) for n in (a, b))
    right = x + y if sign == "+" else x * y
    exact, wrong = (f"{Decimal(int(v * 10**4)).scaleb(-4):f}" for v in (right, right + off))
    assert wrong_claims(says.format(f"{a} {sign} {b}", exact)) == []
    (claim,) = wrong_claims(says.format(f"{a} {sign} {b}", wrong))
    assert claim.claimed == wrong
    assert Fraction(claim.computed) == right


@given(
    st.lists(parts, max_size=25).map(" ".join)
    | st.lists(parts, max_size=25).map("".join)
    | st.text(max_size=60)
)
def test_no_text_is_too_odd_to_be_checked(text: str) -> None:
    for claim in wrong_claims(text):
        assert text[claim.start : claim.end] == claim.text
        assert claim.claimed in claim.text


@given(st.lists(parts, max_size=25).map(" ".join) | st.text(max_size=60))
def test_a_text_that_says_no_equality_claims_nothing(text: str) -> None:
    assert (
        wrong_claims(re.sub(r"[=＝≈是为得]|等于|\b(?:is|are|equals?|makes|gives|totals|comes)\b", ",", text))
        == []
    )
