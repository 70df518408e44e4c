import contextlib
import math
from decimal import Context, Decimal
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
    with contextlib.suppress(ToolError):
        show(evaluate(text))


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3½", "3.5"), ("3²", "9"), ("2³+1", "9"), ("10⁻²", "0.01"), ("log₂(8)", "3"), ("∛27", "3"), ("٣+٤", "7"),
    ],
)  # fmt: skip
def test_raised_digits_and_fractions_do_not_melt_into_the_number_before_them(text: str, shown: str) -> None:
    assert show(evaluate(text)) == shown


@given(st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 99), st.sampled_from(["%", " mod "]))
def test_a_remainder_is_that_of_python(a: int, b: int, c: int, sign: str) -> None:
    assert evaluate(f"{a} + {b} * 2{sign}{c}") == a + b * 2 % c
    assert evaluate(f"({b})^2{sign}{c}") == b**2 % c


@pytest.mark.parametrize(
    ("text", "value"),
    [("max(100,200)", 200), ("sum(1,200,300)", 501), ("sqrt(1,600)", 40), ("max(sqrt(1,600), 2)", 40), ("max((1,000), 2)", 1000)],
)  # fmt: skip
def test_a_comma_within_a_function_of_several_values_parts_the_values(text: str, value: int) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize("text", ["sum(1,200, 300)", "10 % -3"])
def test_what_can_be_read_in_two_ways_is_refused_and_both_are_shown(text: str) -> None:
    with pytest.raises(ToolError, match="two ways") as error:
        evaluate(text)
    assert error.value.fix


@pytest.mark.parametrize("text", ["√" * 1999, "sqrt " * 399 + "4", "sin(" * 499, "1^" * 999 + "1", "-(" * 900])
def test_deep_nesting_is_told_before_it_exhausts_the_stack(text: str) -> None:
    with pytest.raises(ToolError, match="deeply"):
        evaluate(text)


@pytest.mark.parametrize(
    "text",
    ["floor(exp(200000))", "exp(200000) mod 3", "sqrt(10^4001) // 7", "sin(1e30)", "7^7000", "exp(2000)!"],
)
def test_digits_that_are_not_known_are_not_made_up(text: str) -> None:
    with pytest.raises(ToolError, match="too large"):
        show(evaluate(text))


def test_all_digits_of_a_large_result_are_right() -> None:
    assert show(evaluate("7^5900")) == str(Decimal(7**5900).quantize(Decimal(1), context=Context(prec=6000)))
    assert show(evaluate("1e-4999")) == "1e-4999"


@given(st.floats(-1000, 1000))
def test_angles_agree_with_the_processor(angle: float) -> None:
    for name in ("sin", "cos", "atan"):
        assert math.isclose(
            evaluate(f"{name}({Decimal(angle):f})"), getattr(math, name)(angle), rel_tol=1e-11, abs_tol=1e-12
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [("sin(pi)", "0"), ("sin(5*pi)", "0"), ("cos(pi/2)", "0"), ("cos(pi/3)", "0.5"), ("tan(pi/4)", "1"), ("acos(1)", "0"), ("degrees(pi)", "180"), ("sin(1e-30)", "1e-30")],
)  # fmt: skip
def test_angles_give_round_results_where_they_are_round(text: str, shown: str) -> None:
    assert show(evaluate(text)) == shown


@pytest.mark.parametrize("text", ["tan(pi/2)", "log(8, 0)", "log(8, 1)", "acos(1.0001)"])
def test_what_has_no_value_is_told(text: str) -> None:
    with pytest.raises(ToolError, match="no real value"):
        evaluate(text)
