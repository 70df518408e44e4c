"""Finds the arithmetic that a question asks for, in English or Chinese."""

from __future__ import annotations

import re

from agentsdk.arithmetic import evaluate
from agentsdk.errors import ToolError

_LEAD = re.compile(
    r"^(?:(?:please|can you|could you|tell me|do you know|and|so|then|also|now|请问?|帮我|麻烦|那么|再|另外|以及|还有)[\s,，]*)*"
    r"(?:what(?:'s|’s| is| are| does| do| would be| will be)?|how much (?:is|are|does|do|would)|how many (?:is|are)|"
    r"calculate|compute|evaluate|solve|work out|find|figure out|what do you get (?:if you|when you)|"
    r"计算一下|计算|算一算|算一下|算|求一下|求|等于多少)?"
    r"[\s:：,，]*(?:the )?(?:result of |value of |answer to |结果)?",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,，]*(?:equal(?:s)?(?: to)?|make|cost|in total|altogether|please|等于多少|等于几|等于|是多少|是几|得多少|得几|多少|几|一共|总共|"
    r"的?结果|的?值|吗|呢|啊)*[\s=?？.。!！]*$",
    re.IGNORECASE,
)
_N = r"[$€£¥￥]?\s*(\d[\d,]*(?:\.\d+)?)"
_PERCENT = r"(\d+(?:\.\d+)?)\s*(?:%|％|percent|per cent)"
_LIST = rf"((?:{_N[:-1]}?)?[\d\s,.$€£¥and&、，和与]+)"

_REWRITES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(p, re.IGNORECASE), r)
    for p, r in (
        (rf"{_PERCENT}\s*(?:off|discount (?:on|off|of))\s*(?:of )?{_N}", r"\2 - \1%"),
        (rf"{_N}\s*(?:with|less|at|minus)?\s*(?:a |an )?{_PERCENT}\s*(?:off|discount)", r"\1 - \2%"),
        (rf"increase {_N} by {_PERCENT}|{_N} increased by {_PERCENT}", r"\1\3 + \2\4%"),
        (rf"(?:decrease|reduce) {_N} by {_PERCENT}|{_N} (?:decreased|reduced) by {_PERCENT}", r"\1\3 - \2\4%"),
        (rf"add {_N} (?:and|to) {_N}|(?:the )?sum of {_N} and {_N}$", r"\1\3 + \2\4"),
        (rf"subtract {_N} from {_N}", r"\2 - \1"),
        (rf"(?:the )?difference (?:between|of) {_N} and {_N}$", r"\1 - \2"),
        (rf"multiply {_N} (?:by|and|with) {_N}|(?:the )?product of {_N} and {_N}$", r"\1\3 * \2\4"),
        (rf"divide {_N} by {_N}", r"\1 / \2"),
        (rf"{_N} [a-z ]{{1,30}}(?:at|for|costing) {_N} (?:each|a piece|apiece|per \w+)", r"\1 * \2"),
        (r"\bhalf (?:of )?(?=[\d(])", "1/2 * "),
        (r"\b(?:a |one )?third of (?=[\d(])", "1/3 * "),
        (r"\b(?:a |one )?quarter of (?=[\d(])", "1/4 * "),
        (r"\btwo thirds of (?=[\d(])", "2/3 * "),
        (r"\bthree quarters of (?=[\d(])", "3/4 * "),
        (r"\b(?:double|twice) (?=[\d(])", "2 * "),
        (r"\btriple (?=[\d(])", "3 * "),
        (r"\bcube root of ", "cbrt "),
        (rf"{_N}\s*打\s*([\d.]+)\s*折", r"\1 * \2 / 10"),
        (rf"{_N}\s*的一半", r"\1 / 2"),
        (rf"{_N}\s*的\s*(\d+)\s*倍", r"\1 * \2"),
        (rf"{_N}\s*(?:增加|上涨|提高)\s*(\d+(?:\.\d+)?)\s*[%％]", r"\1 + \2%"),
        (rf"{_N}\s*(?:减少|下降|降低)\s*(\d+(?:\.\d+)?)\s*[%％]", r"\1 - \2%"),
    )
]
_MANY_EN = re.compile(
    r"(?:the )?(average|mean|sum|total|product|maximum|max|largest|minimum|min|smallest|gcd|lcm|"
    r"greatest common divisor|least common multiple)(?: value)? of (?:the numbers )?([\d\s,.$€£¥&]+(?:\s*and\s*[\d.$€£¥]+)?)$",
    re.IGNORECASE,
)
_MANY_ZH = re.compile(
    r"([\d\s,.，、和与]+)(?:这[几两三四五]?个数)?的(平均值|平均数|平均|总和|和|乘积|最大值|最小值|最大公约数|最小公倍数)$"
)
_NAMES = {
    "average": "avg", "mean": "avg", "sum": "sum", "total": "sum", "maximum": "max", "max": "max", "largest": "max",
    "minimum": "min", "min": "min", "smallest": "min", "gcd": "gcd", "lcm": "lcm", "greatest common divisor": "gcd",
    "least common multiple": "lcm", "平均值": "avg", "平均数": "avg", "平均": "avg", "总和": "sum", "和": "sum",
    "最大值": "max", "最小值": "min", "最大公约数": "gcd", "最小公倍数": "lcm",
}  # fmt: skip

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_TENS = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_WORD = {name: value for value, name in enumerate(_SMALL)} | _TENS | {"hundred": 100, "thousand": 1000}
_WORD_RUN = re.compile(rf"\b(?:{'|'.join(_WORD)})(?:[\s-]+(?:and\s+)?(?:{'|'.join(_WORD)}))*\b", re.IGNORECASE)
_DIGITS_ZH = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_RUN_ZH = re.compile("[零〇一二两三四五六七八九十百千万]+")


def expression_in(question: str) -> str | None:
    """Return the expression for the calculator that a question asks for, or None where it asks for something else.

    The whole question must be arithmetic: a question that merely holds numbers is not.
    """
    text = question.strip()[:500]
    bare = _TAIL.sub("", _LEAD.sub("", text, count=1)).strip()
    for candidate in (bare, _digits(bare)):
        if expression := _expression(candidate):
            return expression
    return None


def _expression(text: str) -> str | None:
    if not re.search(r"\d|\bpi\b|π", text):
        return None
    for pattern in (_MANY_EN, _MANY_ZH):
        if found := pattern.fullmatch(text):
            name, numbers = (found[1], found[2]) if pattern is _MANY_EN else (found[2], found[1])
            values = re.findall(r"\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?", numbers)
            if name.lower() in ("product", "乘积"):
                return " * ".join(values)
            return (
                f"{_NAMES[name.lower()]}({', '.join(v.replace(',', '') for v in values)})" if values else None
            )
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = text.strip()
    # A number alone, a date or a telephone number is not a calculation.
    if re.fullmatch(r"[$€£¥￥]?\s*[\d,.\s]+%?", text) or re.search(
        r"\d{4}-\d{1,2}-\d{1,2}|\d+(?:-\d+){2,}", text
    ):
        return None
    if re.fullmatch(r"\d+\s*[-–/]\s*\d+", text) and not re.fullmatch(r"\d+\s+[-/]\s+\d+|\d+/\d+", text):
        return text if len(text) < 8 else None
    try:
        evaluate(text)
    except ToolError as error:
        # Division by zero and what has no value are arithmetic all the same: the calculator says why.
        return text if error.__cause__ is not None or "large" in error.what else None
    return text


def _digits(text: str) -> str:
    """Return `text` with number words written as digits: "two hundred and five", "二十三"."""

    def english(match: re.Match[str]) -> str:
        total = part = 0
        for word in re.findall(r"[a-z]+", match[0].lower()):
            if word == "and":
                continue
            value = _WORD[word]
            if value == 100:
                part = max(part, 1) * 100
            elif value == 1000:
                total, part = total + max(part, 1) * 1000, 0
            else:
                part += value
        return str(total + part)

    def chinese(match: re.Match[str]) -> str:
        total = section = digit = 0
        for char in match[0]:
            if char in _DIGITS_ZH:
                digit = _DIGITS_ZH[char]
            elif char == "万":
                total, section, digit = (total + section + digit) * 10_000, 0, 0
            else:
                section += max(digit, 1) * {"十": 10, "百": 100, "千": 1000}[char]
                digit = 0
        return str(total + section + digit)

    return _RUN_ZH.sub(chinese, _WORD_RUN.sub(english, text))
