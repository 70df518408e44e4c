"""Reads the numbers of a text, English and Chinese, and says when two of them are the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,])(?P<sign>[-−–](?=\d))?(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)"
    r"(?!\.\d)"
    r"(?P<scale>\s?(?:%|百分点|万亿|亿|万|千|百|(?:percent|per cent|thousand|million|billion|trillion|bn)\b)|[kK]\b)?"
)
_SCALES = {
    "百": 2, "千": 3, "万": 4, "亿": 8, "万亿": 12, "k": 3, "thousand": 3, "million": 6, "billion": 9, "bn": 9,
    "trillion": 12,
}  # fmt: skip
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
# A lone 一 is a word more often than a number; a unit behind it makes it one.
_CHINESE = re.compile(
    r"(?<![\d.第零〇一二两三四五六七八九十百千万亿])([零〇一二两三四五六七八九十百千万亿]+)"
    r"(?=(?:美?元|块|天|日|年|个?月|周|小时|分钟|秒|次|人|位|本|册|件|条|项|倍|米|公里|公斤|克|度|页|章|名|家|层|张|台|种|岁))"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text."""

    value: Decimal
    places: int
    """Digits that are shown behind the point, its scale counted in: 1.2万 shows -3."""
    start: int
    end: int
    share: bool = False
    """Whether it is a percentage: 17% may be 17 or 0.17."""


def numbers(text: str) -> list[Number]:
    """Return the numbers of a text in reading order; numbers within names and versions are none."""
    plain = "".join(_narrow(c) for c in text)
    found = []
    for match in _NUMBER.finditer(plain):
        digits = match["digits"].replace(",", "")
        scale = (match["scale"] or "").strip().lower()
        try:
            value = Decimal(digits).scaleb(_SCALES.get(scale, 0))
        except InvalidOperation:
            continue
        exponent = value.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) else 0
        if match["sign"]:
            value = -value
        share = scale in ("%", "percent", "per cent", "百分点")
        found.append(Number(value, places, match.start(), match.end(), share))
    found += [Number(Decimal(chinese(m[1])), 0, m.start(), m.end()) for m in _CHINESE.finditer(plain)]
    return sorted(found, key=lambda n: n.start)


def chinese(numeral: str) -> int:
    """Return the value of a Chinese numeral: 三百二十 is 320, 二〇二六 is 2026."""
    if not any(c in "十百千万亿" for c in numeral):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    total = section = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section += (digit or 1) * _TENS[char]
            digit = 0
        else:
            unit = 10**4 if char == "万" else 10**8
            total = (total + section + digit) * unit if unit == 10**8 else total + (section + digit) * unit
            section = digit = 0
    return total + section + digit


def same_number(one: Number, other: Number, tolerance: float = 0.0) -> bool:
    """Return whether two numbers say the same.

    They do when they are equal, when the finer one rounds to the other (33.3333 and 33.3, not 33.4 and 33), or when
    they differ by no more than `tolerance` times the larger one.
    """
    return any(
        _same(a, one.places + x, b, other.places + y, tolerance)
        for a, x in _readings(one)
        for b, y in _readings(other)
    )


def as_number(value: float | Decimal) -> Number:
    """Return a Python number as one of a text."""
    exact = Decimal(str(value))
    exponent = exact.as_tuple().exponent
    return Number(exact, max(-exponent, 0) if isinstance(exponent, int) else 0, 0, 0)


def _readings(number: Number) -> list[tuple[Decimal, int]]:
    return [(number.value, 0), (number.value / 100, 2)] if number.share else [(number.value, 0)]


def _same(a: Decimal, places_a: int, b: Decimal, places_b: int, tolerance: float) -> bool:
    if a == b or abs(a - b) <= Decimal(str(tolerance)) * max(abs(a), abs(b)):
        return True
    places = min(places_a, places_b)
    # Whole numbers are meant to be exact; a rounded one shows a digit behind the point.
    if places < 1 or places_a == places_b:
        return False
    try:
        return round(a, places) == round(b, places)
    except InvalidOperation:
        return False


def _narrow(char: str) -> str:
    """Return a full-width sign as a narrow one; one character stays one."""
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char
