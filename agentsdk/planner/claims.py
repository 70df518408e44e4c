"""Finds arithmetic that an answer claims, and recomputes it.

"17% of 2,340 is 397.8", "12 * 7 = 85" and "2340 的 17% 是 397.8" are claims. A claim holds when the result,
rounded to as many places as it shows, is what it says. What is not surely arithmetic, such as a date, a range, a
version or a definition, is left alone: a false alarm costs more trust than a missed slip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from agentsdk.arithmetic import evaluate, show
from agentsdk.errors import ToolError


@dataclass(frozen=True, slots=True)
class Claim:
    """Arithmetic in a text that does not hold: `text[start:end]` of the answer."""

    text: str
    start: int
    end: int
    claimed: str
    computed: str
    """The right result, shown as `arithmetic.show` does."""


_MONEY = r"(?:[$€£¥￥]\s*)?"
_NUMBER = rf"{_MONEY}[-−]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?"
_PART = rf"(?:{_NUMBER}\s*[%％]?|[(（][^()（）\n=]{{1,60}}[)）])"
_OF = r"\s*(?:of|的)\s*"
# A sign needs blanks or a second sign to be one: 2026-03-01, 3/4 and 10-12 are not sums.
_WORDS = "plus|minus|times|divided by|multiplied by|乘以|除以|加上?|减去?"
_SPACED = rf"(?:\s+(?:[-+*/x×÷−^]|\*\*)\s+|\s*(?:[*×÷+^]|\*\*)\s*|\s*(?:{_WORDS})\s*)"
_VERB = r"=|≈|＝|\bis\b|\bare\b|\bequals\b|\bmakes\b|\bcomes to\b|是|等于|为|得|约为|约等于"
_IS = rf"\s*(?:{_VERB})\s*(?:about|approximately|roughly|exactly|约|大约)?\s*"
_ON = r"(?![A-Za-z0-9_/:-]|[.,]\d|\s*(?:[-+*/×÷^]|to\b|至|到)\s*\d)"
"""What may not follow: then the number is a part of something longer."""

_CLAIM = re.compile(
    rf"(?<![A-Za-z0-9_.,/:%-])(?P<left>{_PART}(?:{_SPACED}{_PART})+"
    rf"|{_NUMBER}\s*(?:[%％]|percent|per cent){_OF}{_NUMBER}|{_NUMBER}{_OF}{_NUMBER}\s*[%％])"
    rf"{_IS}(?P<right>{_NUMBER})(?P<unit>\s*[%％])?{_ON}",
    re.IGNORECASE,
)


def wrong_claims(text: str) -> list[Claim]:
    """Return the arithmetic claims in `text` that do not hold, in reading order."""
    found = []
    for match in _CLAIM.finditer(_without_code(text)):
        left, right = match["left"], match["right"]
        shown = re.sub(r"[^\d.]", "", right)
        try:
            computed = evaluate(left)
        except ToolError:
            continue
        claimed = Fraction(shown)
        if re.search(r"[-−]", right):
            claimed = -claimed
        if match["unit"]:
            claimed /= 100
        if not _holds(computed, claimed, shown, percent=bool(match["unit"])):
            whole = text[match.start() : match.end()].strip()
            right_value = show(computed * 100) + "%" if match["unit"] else show(computed)
            found.append(Claim(whole, match.start(), match.end(), right, right_value))
    return found


def _holds(computed: Fraction | Decimal, claimed: Fraction, shown: str, *, percent: bool) -> bool:
    places = len(shown.partition(".")[2]) + (2 if percent else 0)
    # Half a unit of the last place shown, and a hair, so that any way of rounding a half holds.
    slack = Fraction(1, 2 * 10**places) + Fraction(1, 10 ** (places + 9))
    if abs(Fraction(computed) - claimed) <= slack:
        return True
    # 1,200,000 for 1,234,567: zeros at the end of a large whole number may be rounding.
    zeros = len(shown) - len(shown.rstrip("0")) if "." not in shown else 0
    return zeros >= 3 and abs(Fraction(computed) - claimed) <= Fraction(10**zeros, 2)


def _without_code(text: str) -> str:
    """Return `text` with code blanked out, of the same length."""
    return re.sub(r"```.*?(?:```|$)|`[^`\n]*`", lambda m: " " * len(m[0]), text, flags=re.DOTALL)
