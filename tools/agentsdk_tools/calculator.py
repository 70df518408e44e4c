"""calculator: exact arithmetic, written in English or Chinese."""

from agentsdk import tool
from agentsdk.arithmetic import evaluate, show


@tool(pure=True)
def calculator(expression: str) -> str:
    """Return the exact value of an arithmetic expression.

    Knows + - * / // ^ %, parentheses, "12% of 340", mod, !, sqrt, round, floor, ceil, abs, min, max, sum, avg, gcd,
    lcm, ln, log, exp, sin, cos, tan (radians), pi and e. A fraction without an end comes as "1/3 ≈ 0.333333333333".

    Args:
        expression: such as "(3 + 4) * 2", "17% of 2,340" or "340的12%"; numbers only, no units and no names.

    """
    return show(evaluate(expression))
