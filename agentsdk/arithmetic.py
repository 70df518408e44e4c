"""Calculates what a text says: exactly where that is possible, and never by running it.

    evaluate("17% of 2,340")  ->  Fraction(1989, 5)        show(...)  ->  "397.8"
    evaluate("2的10次方")      ->  Fraction(1024, 1)        show(...)  ->  "1024"
    evaluate("sqrt(2)")       ->  Decimal("1.4142...")     show(...)  ->  "1.41421356237"

Whole numbers, decimals, fractions and percentages are Fractions, so 0.1 + 0.2 is 0.3. Roots, logarithms and
angles (in radians) are Decimals of 40 digits. A percentage added to or taken from something is a share of it, as
on a pocket calculator: 340 + 12% is 380.8, and 340 + (12%) is 340.12. A % with a number or a parenthesis behind it
is a remainder, of the sign of its right side: 10 % 3 is 1. A comma between digits parts thousands, but within a
function of several values it parts the values: sqrt(1,600) is 40, and max(100,200) is 200.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from typing import Any

from agentsdk.errors import ToolError
from agentsdk.i18n import _

Number = Fraction | Decimal

LONGEST = 2_000
"""Characters of an expression."""
DEEPEST = 60
"""Parentheses, functions and powers inside one another."""
MOST_DIGITS = 5_000
"""Digits of a result."""
_MOST_BITS = int(MOST_DIGITS * math.log2(10))

_CONTEXT = Context(prec=40, Emax=99_999, Emin=-99_999)
_WIDE = Context(prec=60, Emax=99_999, Emin=-99_999)
"""For the steps on the way to 40 digits."""
_LARGEST_ANGLE = 10**15
"""Beyond it, 40 digits of an angle need more digits of pi than stand here."""
_PI = Decimal("3.141592653589793238462643383279502884197169399375105820974944592")
_E = Decimal("2.718281828459045235360287471352662497757247093699959574966967628")

_EXPONENT = r"(?:[eE][+-]?\d+)?(?![\d.])"
_REST = r"|(?P<name>[a-z]+\d*)|(?P<sign>\*\*|//|[-+*/%^(),!‰π√]))"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:[,_]\d{{3}})+(?!\d)|\d+)(?:\.\d+)?{_EXPONENT}|\.\d+{_EXPONENT})" + _REST
)
_TOKEN_IN_LIST = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:_\d{{3}})+(?!\d)|\d+)(?:\.\d+)?{_EXPONENT}|\.\d+{_EXPONENT})" + _REST
)
"""Within a function of several values, where a comma parts values and not thousands."""

_RAISED = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
_FRACTION = re.compile(r"(\d*)\s*([¼-¾⅐-⅞↉])")

# Rewritten before reading: what people write, and what the grammar below reads.
_REWRITES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(p), r)
    for p, r in (
        (r"[×✕✖·⋅]", "*"),
        (r"[÷∕⁄]", "/"),
        (r"[−–—]", "-"),
        (r"[（【\[{]", "("),
        (r"[）】\]}]", ")"),
        (r"[$€£¥￥](?=\s*[\d.])", ""),
        (r"百分之\s*([\d.,]+)", r"\1%"),
        (r"千分之\s*([\d.,]+)", r"\1‰"),
        (r"(\d)\s*的平方根", r"\1 SQRT"),
        (r"([\d.]+)\s*的\s*([\d.]+)\s*次方", r"(\1)^(\2)"),
        (r"的平方", "^2"),
        (r"的立方", "^3"),
        (r"([\d.,]+)\s*SQRT", r"sqrt(\1)"),
        (r"的(?=\s*[\d.]+\s*[%‰])", " of "),
        (r"加上?", "+"),
        (r"减去?", "-"),
        (r"乘以?", "*"),
        (r"除以", "/"),
        (r"等于(?:多少|几)?|是多少|=\s*\?|[=？?。]+$|(?<=[\d)%])\.$", ""),
        (r"\bdivided by\b|\bover\b", "/"),
        (r"\bmultiplied by\b|\btimes\b|(?<=[\d)%])(?<!\b0)\s*x\s*(?=[\d(])", "*"),
        (r"\bplus\b", "+"),
        (r"\bminus\b", "-"),
        (r"\bto the power of\b|\bto the\b", "^"),
        (r"\bsquared\b", "^2"),
        (r"\bcubed\b", "^3"),
        (r"\bper ?cent\b|\bpercent\b", "%"),
        (r"\bsquare root of\b", "sqrt "),
        (r"\bmod\b|\bmodulo\b", "mod"),
    )
]


def evaluate(expression: str) -> Number:
    """Return the value of an expression.

    It may hold + - * / // ^ ** %, parentheses, "a% of b", "b 的 a%", mod, !, pi, e, and the functions sqrt, cbrt,
    abs, round, floor, ceil, min, max, sum, avg, gcd, lcm, ln, log, log2, log10, exp, sin, cos, tan, asin, acos,
    atan, degrees and radians; full-width digits, thousands separators, × ÷ and currency signs as well.

    Raises:
        ToolError: it is not arithmetic, is too large, or has no value; the text says where and why.

    """
    if len(expression) > LONGEST:
        raise ToolError(
            _("The expression has {count} characters; at most {most} are read.").format(
                count=len(expression), most=LONGEST
            )
        )
    text = _plain(expression)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    shown = expression if len(expression) <= 80 else expression[:79] + "…"
    try:
        return _Reader(text, shown).read()
    except (ZeroDivisionError, DivisionByZero) as error:
        raise ToolError(_("{expression}: division by zero.").format(expression=shown)) from error
    except (Overflow, OverflowError) as error:
        raise _too_large(shown) from error
    except (InvalidOperation, ValueError) as error:
        raise ToolError(_("{expression} has no real value.").format(expression=shown)) from error


def show(value: Number, digits: int = 12) -> str:
    """Return a number as text: exact where it has at most 30 decimals, else rounded to `digits` digits.

    A fraction without an end is shown as both: "1/3 ≈ 0.333333333333".
    """
    if isinstance(value, Decimal):
        rounded = Context(prec=digits).plus(value)
        if not rounded:
            return "0"
        text = f"{rounded:f}" if -digits < rounded.adjusted() < 21 else f"{rounded.normalize():e}"
        return _trim(text)
    if value.denominator == 1:
        return _whole(value.numerator)
    if (places := _places(value.denominator)) is not None and places <= 30:
        sign = "-" if value < 0 else ""
        scaled = abs(value.numerator) * 10**places // value.denominator
        whole, part = divmod(scaled, 10**places)
        return f"{sign}{_whole(whole)}.{part:0{places}d}".rstrip("0")
    near = show(_CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator)), digits)
    if value.numerator.bit_length() + value.denominator.bit_length() > 40:  # about 12 digits
        return near
    return f"{value.numerator}/{value.denominator} ≈ {near}"


def _plain(expression: str) -> str:
    """Return the expression with full-width and other forms of digits and signs written plainly.

    NFKC alone would make 32 of 3² and 31/2 of 3½.
    """
    text = _RAISED.sub(lambda m: f"^({unicodedata.normalize('NFKC', m[0])})", expression)
    text = _FRACTION.sub(lambda m: f"({m[1] or 0}+{unicodedata.normalize('NFKC', m[2])})", text)
    text = text.replace("log₂", "log2").replace("log₁₀", "log10").replace("∛", "cbrt ")
    # ① and ₁ would become digits of the number before them.
    text = "".join("\ufffd" if unicodedata.category(c) == "No" else c for c in text)
    return unicodedata.normalize("NFKC", text).strip().lower()


def _whole(number: int) -> str:
    # Python refuses to write integers of more than 4,300 digits in one piece.
    return f"{Context(prec=MOST_DIGITS + 10, Emax=999_999).create_decimal(number):f}"


def _places(denominator: int) -> int | None:
    """Return how many decimals a fraction with this denominator has; None: they never end."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator, twos = denominator // 2, twos + 1
    while denominator % 5 == 0:
        denominator, fives = denominator // 5, fives + 1
    return max(twos, fives) if denominator == 1 else None


def _trim(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + e + exponent


class _Reader:
    """A recursive-descent reader: sum > product > sign > power > value."""

    def __init__(self, text: str, shown: str) -> None:
        self._text = text
        self._shown = shown
        self._at = 0
        """Behind the token that is looked at."""
        self._depth = 0
        self._token = _TOKEN
        self._kind = self._word = ""
        self._advance()

    def read(self) -> Number:
        value = self._sum()
        if self._kind != "end":
            raise self._unexpected()
        return value

    def _advance(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self._kind, self._word = "end", ""
            return
        found = self._token.match(self._text, self._at)
        if not found:
            self._kind, self._word = "other", rest.strip()[:12]
            return
        self._kind, self._word = found.lastgroup or "", found[found.lastgroup or 0]
        self._at = found.end()

    def _take(self, *tokens: str) -> str:
        if self._kind in ("sign", "name") and self._word in tokens:
            token = self._word
            self._advance()
            return token
        return ""

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ToolError(
                _("{expression} is nested too deeply.").format(expression=self._shown),
                why=_("At most {most} parentheses, functions and powers may stand inside one another.").format(
                    most=DEEPEST
                ),
            )
        yield
        self._depth -= 1

    def _sum(self) -> Number:
        value = self._product()
        of_percents = self._percent
        while sign := self._take("+", "-"):
            right = self._product()
            if self._percent and not of_percents:  # 340 + 12%: twelve per cent of 340; but 5% + 5% is 10%
                right = self._times(value, right)
            of_percents = of_percents and self._percent
            value = self._apply(lambda a, b: a + b, value, right if sign == "+" else -right)
            self._percent = False
        return value

    _percent = False
    """Whether the last product was a bare percentage."""

    def _product(self) -> Number:
        value = self._signed()
        percent = self._percent
        while True:
            if self._take("*"):
                value = self._times(value, self._signed())
            elif self._take("/"):
                value = self._apply(lambda a, b: a / b, value, self._signed())
            elif self._take("//"):
                value = Fraction(_floor(self._apply(lambda a, b: a / b, value, self._signed())))
            elif self._take("mod", "%"):
                value = self._apply(_remainder, value, self._signed())
            elif self._take("of"):
                value = self._times(value, self._signed())
            else:
                break
            percent = False
        self._percent = percent
        return value

    def _signed(self) -> Number:
        negative = False
        while sign := self._take("-", "+"):
            negative ^= sign == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> Number:
        value = self._suffixed()
        if self._take("^", "**"):
            with self._deeper():
                value = self._raise(value, self._signed())
            self._percent = False
        return value

    def _suffixed(self) -> Number:
        value = self._value()
        self._percent = False
        while True:
            if self._take("!"):
                value = self._factorial(value)
            elif self._kind == "sign" and self._word == "%" and self._is_percent():
                self._advance()
                value, self._percent = value / 100, True
            elif self._take("‰"):
                value, self._percent = value / 1000, True
            else:
                return value

    def _is_percent(self) -> bool:
        """Whether the % here is a percentage and not a remainder: no number follows it."""
        if re.match(r"\s+%\s*-[\d.]", self._text[self._at - 2 :]):
            raise ToolError(
                _("{expression} can be read in two ways.").format(expression=self._shown),
                why=_("The % may mean per cent or a remainder."),
                fix=_("Write 10% - 3, or 10 mod -3."),
            )
        following = self._token.match(self._text, self._at)
        if not following:
            return True
        token = following[following.lastgroup or 0]
        return (following.lastgroup == "sign" and token not in ("(", "√", "π")) or token in ("of", "mod")

    def _value(self) -> Number:
        if self._kind == "number":
            text = self._word.replace(",", "").replace("_", "")
            mantissa, _e, exponent = text.lower().partition("e")
            if exponent and abs(int(exponent)) > MOST_DIGITS:
                raise _too_large(self._shown)
            self._advance()
            return Fraction(mantissa if mantissa[0] != "." else "0" + mantissa) * Fraction(10) ** int(
                exponent or 0
            )
        if self._kind == "sign" and self._word == "(":
            return self._values(_TOKEN, many=False)[0]
        if self._take("√"):
            with self._deeper():
                return self._call("sqrt", [self._suffixed()])
        if self._take("π", "pi"):
            return _PI
        if self._kind == "name" and self._word == "e":
            self._advance()
            return _E
        if self._kind == "name" and (self._word in _FUNCTIONS or self._word in _OF_MANY):
            return self._function(self._word)
        raise self._unexpected()

    def _function(self, name: str) -> Number:
        many = name in _OF_MANY or _FUNCTIONS[name][2] > 1
        self._advance()
        if self._kind == "sign" and self._word == "(":
            return self._call(name, self._values(_TOKEN_IN_LIST if many else _TOKEN, many=many))
        with self._deeper():
            return self._call(name, [self._suffixed()])

    def _values(self, token: re.Pattern[str], *, many: bool) -> list[Number]:
        """Return what stands between the parenthesis here and its end."""
        outside, self._token = self._token, token
        commas: set[bool] = set()
        with self._deeper():
            self._advance()
            values = [self._sum()]
            while many and self._kind == "sign" and self._word == ",":
                commas.add(bool(re.match(r"\d,\d{3}(?!\d)", self._text[self._at - 2 :])))
                self._advance()
                values.append(self._sum())
        if len(commas) == 2:
            raise ToolError(
                _("{expression} can be read in two ways.").format(expression=self._shown),
                why=_("A comma may part thousands or values."),
                fix=_("Write the numbers without commas: sum(1200, 300)."),
            )
        self._token = outside
        if not self._take(")"):
            raise self._unexpected()
        return values

    def _call(self, name: str, values: list[Number]) -> Number:
        if name in _OF_MANY:
            return self._checked(_OF_MANY[name](values))
        function, least, most = _FUNCTIONS[name]
        if not least <= len(values) <= most:
            raise ToolError(
                _("{expression}: {name} takes {count} value(s), not {given}.").format(
                    expression=self._shown, name=name, count=most, given=len(values)
                )
            )
        return self._checked(function(*values))

    def _times(self, a: Number, b: Number) -> Number:
        return self._apply(lambda x, y: x * y, a, b)

    def _apply(self, work: Callable[..., Number], a: Number, b: Number) -> Number:
        if isinstance(a, Decimal) or isinstance(b, Decimal):
            x, y = _decimal(a), _decimal(b)
            with localcontext(_CONTEXT):
                return self._checked(work(x, y))
        return self._checked(work(a, b))

    def _raise(self, base: Number, exponent: Number) -> Number:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
            power = exponent.numerator
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(base) not in (0, 1) and (bits - 1) * abs(power) > _MOST_BITS:
                raise _too_large(self._shown)
            return self._checked(base**power)
        if base < 0:
            raise ValueError("a root of a negative number")
        return self._checked(_CONTEXT.power(_decimal(base), _decimal(exponent)))

    def _factorial(self, value: Number) -> Number:
        if value > 1_600:
            raise _too_large(self._shown)
        if value != int(value) or value < 0:
            raise ToolError(_("{expression}: ! needs a whole number from 0.").format(expression=self._shown))
        return Fraction(math.factorial(int(value)))

    def _checked(self, value: Number) -> Number:
        if isinstance(value, Fraction):
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
                raise _too_large(self._shown)
        elif not value.is_finite():
            raise ValueError("no value")
        return value

    def _unexpected(self) -> ToolError:
        if self._kind == "end":
            return ToolError(
                _("{expression} is not complete.").format(expression=self._shown or '""'),
                fix=_("Write arithmetic, such as (3 + 4) * 2 or 12% of 340."),
            )
        return ToolError(
            _("{expression} is not arithmetic: {token!r} was not expected.").format(
                expression=self._shown, token=self._word
            ),
            fix=_("Write arithmetic, such as (3 + 4) * 2 or 12% of 340."),
        )


def _too_large(shown: str) -> ToolError:
    return ToolError(
        _("{expression} is too large to calculate.").format(expression=shown[:80]),
        why=_("Results have at most {most} digits; those of roots and logarithms have 40.").format(
            most=MOST_DIGITS
        ),
    )


def _decimal(value: Number) -> Decimal:
    if isinstance(value, Decimal):
        return value
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _remainder(a: Any, b: Any) -> Number:
    """Return what is left of `a`, of the sign of `b`, as in Python; both are of one kind."""
    left: Number = a - b * _floor(a / b)
    return left


def _sqrt(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return _CONTEXT.sqrt(_decimal(value))


def _cbrt(value: Number) -> Number:
    third = _CONTEXT.divide(Decimal(1), Decimal(3))
    root: Decimal = Decimal(0) if value == 0 else _CONTEXT.power(abs(_decimal(value)), third)
    near = Fraction(int(root.to_integral_value())) if root < 10**12 else Fraction(0)
    exact: Number = near if isinstance(value, Fraction) and near**3 == abs(value) else root
    return exact if value >= 0 else -exact


def _log(value: Number, base: Number | None = None) -> Number:
    if base is None or base == 10:
        return _CONTEXT.log10(_decimal(value))
    if base == 1 or base <= 0:
        raise ValueError("no logarithm has this base")
    return _CONTEXT.plus(_WIDE.divide(_WIDE.ln(_decimal(value)), _WIDE.ln(_decimal(base))))


def _round(value: Number, places: Number = Fraction(0)) -> Number:
    if abs(Fraction(places)) > 100 or places != int(places):
        raise ValueError("places")
    # Half away from zero, as people round, and not to the even neighbour, as Python does.
    scale = Fraction(10 ** int(places)) if places >= 0 else Fraction(1, 10 ** int(-places))
    _floor(value)
    scaled: Fraction = Fraction(value) * scale
    whole = math.floor(abs(scaled) + Fraction(1, 2))
    return Fraction(whole if scaled >= 0 else -whole) / scale


def _sin(value: Number) -> Number:
    return _sine(_decimal(value))


def _cos(value: Number) -> Number:
    return _sine(_WIDE.add(_decimal(value), _WIDE.divide(_PI, 2)))


def _tan(value: Number) -> Number:
    cosine = _decimal(_cos(value))
    if not cosine:
        raise ValueError("no tangent")
    return _CONTEXT.divide(_decimal(_sin(value)), cosine)


def _sine(angle: Decimal) -> Decimal:
    """Return the sum of the sine's series, after taking whole turns away."""
    if abs(angle) > _LARGEST_ANGLE:
        raise OverflowError("an angle")
    with localcontext(_WIDE):
        # 5 * pi has 40 digits: what is left of its sine is noise, and it is 0.
        noise = abs(angle) * Decimal("1e-38") if abs(angle) > 1 else Decimal(0)
        angle -= (angle / (2 * _PI)).to_integral_value() * 2 * _PI
        term, total, n = angle, angle, 1
        while abs(term) > abs(total) * Decimal("1e-50"):
            term = -term * angle * angle / ((n + 1) * (n + 2))
            total, n = total + term, n + 2
    return _CONTEXT.plus(total) if abs(total) > noise else Decimal(0)


def _arctangent(x: Decimal) -> Decimal:
    """Return the sum of the arctangent's series, in 60 digits, after making `x` small."""
    with localcontext(_WIDE):
        halvings = 0
        while abs(x) > Decimal("0.1"):  # atan x = 2 atan(x / (1 + sqrt(1 + x^2)))
            x, halvings = x / (1 + (1 + x * x).sqrt()), halvings + 1
        power, total, n = x, x, 1
        while abs(power) > abs(total) * Decimal("1e-55"):
            power, n = -power * x * x, n + 2
            total += power / n
        return total * Decimal(2) ** halvings


def _arcsine(x: Decimal) -> Decimal:
    with localcontext(_WIDE):
        if abs(x) == 1:
            return x * _PI / 2
        return _arctangent(x / (1 - x * x).sqrt())


def _arccosine(x: Decimal) -> Decimal:
    return Decimal(0) if x == 1 else _WIDE.subtract(_WIDE.divide(_PI, 2), _arcsine(x))


def _wide(function: Callable[[Decimal], Decimal]) -> Callable[[Number], Number]:
    """Return a function whose steps have 60 digits and whose result has 40."""
    return lambda value: _CONTEXT.plus(function(_decimal(value)))


def _whole_of(value: Number) -> int:
    whole = _floor(value)
    if value != whole:
        raise ValueError("whole numbers only")
    return whole


def _floor(value: Number) -> int:
    if isinstance(value, Decimal) and value.adjusted() >= _CONTEXT.prec:
        raise OverflowError("its last digits before the point are not known")
    return math.floor(value)


def _total(values: list[Number]) -> Number:
    if any(isinstance(v, Decimal) for v in values):
        return sum(map(_decimal, values), Decimal(0))
    return sum((v for v in values if isinstance(v, Fraction)), Fraction(0))


def _mean(values: list[Number]) -> Number:
    total = _total(values)
    return total / len(values) if isinstance(total, Fraction) else _CONTEXT.divide(total, len(values))


_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "sqrt": (_sqrt, 1, 1),
    "cbrt": (_cbrt, 1, 1),
    "abs": (abs, 1, 1),
    "round": (_round, 1, 2),
    "floor": (lambda v: Fraction(_floor(v)), 1, 1),
    "ceil": (lambda v: Fraction(-_floor(-v)), 1, 1),
    "ln": (lambda v: _CONTEXT.ln(_decimal(v)), 1, 1),
    "log": (_log, 1, 2),
    "log2": (lambda v: _log(v, Fraction(2)), 1, 1),
    "log10": (_log, 1, 1),
    "exp": (lambda v: _CONTEXT.exp(_decimal(v)), 1, 1),
    "sin": (_sin, 1, 1),
    "cos": (_cos, 1, 1),
    "tan": (_tan, 1, 1),
    "asin": (_wide(_arcsine), 1, 1),
    "acos": (_wide(_arccosine), 1, 1),
    "atan": (_wide(_arctangent), 1, 1),
    "degrees": (_wide(lambda v: _WIDE.divide(_WIDE.multiply(v, 180), _PI)), 1, 1),
    "radians": (_wide(lambda v: _WIDE.divide(_WIDE.multiply(v, _PI), 180)), 1, 1),
}
_OF_MANY: dict[str, Callable[[list[Number]], Number]] = {
    "min": min,
    "max": max,
    "sum": _total,
    "avg": _mean,
    "mean": _mean,
    "average": _mean,
    "gcd": lambda values: Fraction(math.gcd(*map(_whole_of, values))),
    "lcm": lambda values: Fraction(math.lcm(*map(_whole_of, values))),
}
