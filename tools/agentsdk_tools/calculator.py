"""calculator: exact arithmetic, written in English or Chinese."""

import re
from fractions import Fraction

from agentsdk import tool
from agentsdk.arithmetic import evaluate, show
from agentsdk.errors import ToolError


@tool(pure=True)
def calculator(expression: str, values: dict[str, float | str] | None = None) -> str:
    """Return the exact value of an arithmetic expression.

    Knows + - * / // ^ %, parentheses, "12% of 340", mod, !, sqrt, round, floor, ceil, abs, min, max, sum, avg, gcd,
    lcm, ln, log, exp, sin, cos, tan (radians), pi and e. A fraction without an end comes as "1/3 ≈ 0.333333333333".

    Args:
        expression: such as "(3 + 4) * 2", "17% of 2,340" or "340的12%"; numbers only, no units and no names
            but those of `values`.
        values: numbers by the names under which the expression has them: "a / b" with {"a": 3, "b": 4}.

    """
    for name, value in (values or {}).items():
        if not name.isidentifier():
            raise ToolError(f"{name!r} cannot be a name in an expression.", fix='Take one such as "a".')
        # Before a parenthesis it is a function: min(min, 3) has both.
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w|\s*\()")
        expression = word.sub(f"({_exact(value)})", expression)
    return show(evaluate(expression))


def _exact(value: float | str) -> str:
    """Return a number as an expression of its exact value; "1/3 ≈ 0.333" is what this very tool returns."""
    number = evaluate(str(value).partition("≈")[0])
    return f"{number.numerator}/{number.denominator}" if isinstance(number, Fraction) else f"{number:f}"
