from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.arithmetic import evaluate, show
from agentsdk.errors import ToolError
from agentsdk.planner.claims import wrong_claims

decimals = st.decimals(min_value=-(10**6), max_value=10**6, places=3)


@given(decimals, decimals, st.sampled_from("+-*/"))
def test_the_four_operations_are_exact(a: object, b: object, sign: str) -> None:
    x, y = Fraction(str(a)), Fraction(str(b))
    if sign == "/" and y == 0:
        with pytest.raises(ToolError, match="zero"):
            evaluate(f"({a}) / ({b})")
        return
    expected = {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else None}[sign]
    assert evaluate(f"({a}) {sign} ({b})") == expected


@given(st.fractions(max_denominator=10**6))
def test_a_shown_number_is_the_number(value: Fraction) -> None:
    shown = show(value)
    exact = shown.split(" ≈ ")[0]
    assert Fraction(exact) == value or abs(Fraction(exact) - value) < abs(value) / 10**10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("17% of 2,340", "397.8"), ("0.1 + 0.2", "0.3"), ("340 + 12%", "380.8"), ("340的12%", "40.8"), ("9 的平方", "81"),
        ("2的10次方", "1024"), ("５×（３＋４）", "35"), ("-2^2", "-4"), ("2^3^2", "512"), ("10 % 3", "1"), ("10 mod 3", "1"),
        ("5% + 5%", "0.1"), ("1/3", "1/3 ≈ 0.333333333333"), ("round(2.5)", "3"), ("sqrt(16)", "4"), ("sqrt(2)", "1.41421356237"),
        ("avg(3, 4, 8)", "5"), ("log(8, 2)", "3"), ("$1,200 / 4", "300"), ("5!", "120"), ("7 // 2", "3"), ("cbrt(27)", "3"),
        ("百分之十五", None), ("12 x 12", "144"), ("sin(pi/2)", "1"), ("1e3", "1000"), ("100 divided by 8", "12.5"),
    ],
)  # fmt: skip
def test_what_people_write_is_read(text: str, shown: str | None) -> None:
    if shown is None:
        with pytest.raises(ToolError):
            evaluate(text)
    else:
        assert show(evaluate(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 +", "(1", "1)", "1 2", "two", "__import__('os')", "().__class__", "lambda: 1", "a.b", "1;2", "9**9**9", "2**999999",
        "10**10**10", "99999!", "1/0", "1 % 0", "0 ** -1", "sqrt(-1)", "log(0)", "asin(2)", "(" * 10_000 + "1", "-" * 3000 + "1",
        "2^" * 900 + "2", "1e999999999", "tan(1e400)", "max()", "gcd(1.5)", "\x00", "１２３,", "1.2.3", "0x10", "1_0",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_or_too_large_is_told_and_never_run(text: str) -> None:
    with pytest.raises(ToolError) as error:
        show(evaluate(text))
    assert error.value.what


@given(st.text(alphabet="0123456789+-*/().,%^! eπsqrtmax的×", max_size=40))
def test_any_text_gives_a_number_or_a_tool_error(text: str) -> None:
    try:
        show(evaluate(text))
    except ToolError:
        pass


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("17% of 2,340 is 387.8.", "397.8"), ("12 * 7 = 85", "84"), ("所以2340 的 17% 是 398.8。", "397.8"), ("3 + 4 等于 8。", "7"),
        ("$1,200 / 4 = $301", "300"), ("5 x 6 = 31", "30"), ("100 / 3 = 33.34", "100/3 ≈ 33.3333333333"), ("(3 + 4) * 2 = 15", "14"),
    ],
)  # fmt: skip
def test_wrong_arithmetic_is_found_and_recomputed(text: str, right: str) -> None:
    (claim,) = wrong_claims(text)
    assert claim.computed == right
    assert text[claim.start : claim.end].strip() == claim.text


@pytest.mark.parametrize(
    "text",
    [
        "17% of 2,340 is 397.8", "17% × 2,340 ≈ 398", "100 / 3 = 33.33", "2026-03-01 is day 60", "version 1.2 is 3 years old",
        "pages 10-12 is enough", "call 555-1234 is 5", "1/2 cup is 120 ml", "x = 5", "2 + 2 = 4 + 0", "`2 + 2 = 5`", "a 3/4 is 0.7",
        "Chapter 3 is 5 pages", "from 3 + 4 is 7 to 9", "0.5% of 1,000 is about 5", "340的12%是40.8元", "1,234,567 + 1 = 1,235,000",
        "```\n2 + 2 = 5\n```",
    ],
)  # fmt: skip
def test_no_false_alarm(text: str) -> None:
    assert wrong_claims(text) == []
