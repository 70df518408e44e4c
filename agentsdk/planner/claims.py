"""Finds arithmetic that an answer claims, and recomputes it.

"17% of 2,340 is 397.8", "12 * 7 = 85" and "2340 的 17% 是 397.8" are claims. A claim holds when the result,
rounded or cut to as many places as it shows, is what it says.

A false alarm costs more trust than a missed slip, so whatever may mean something else is left alone: dates, ranges,
versions, telephone numbers, equations with letters, measures in units, remainders, other bases, denials, questions.
The text is cut into tokens; around each "=" or "is" stands the longest run of arithmetic on the left and one number
on the right; the words before and behind them then decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from agentsdk.arithmetic import Number, evaluate, show
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


_MONEY = r"美元|欧元|日元|港元|英镑|人民币|元|块|(?:dollars?|euros?|yuan|usd|eur|gbp|rmb|cny)\b"
_TOKEN = re.compile(
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
    r"|(?P<is>(?<![=!<>≤≥:+*/~])[=＝](?![=>])|≈|\b(?:is|are|equals?|is equal to|makes|gives|totals|comes (?:out )?to)\b"
    r"|约?等于|约[是为]|就?是|为|得[到出]?)"
    r"|(?P<about>\b(?:about|approximately|approx\.?|roughly|around|nearly|almost)(?!\w)|大约|大概|约|近)"
    r"|(?P<so>\b(?:therefore|thus|then|just|exactly|simply)\b)"
    r"|(?P<percent>[%％]|\b(?:percent|per cent)\b)"
    r"|(?P<of>\bof\b|的)"
    rf"|(?P<money>[$€£¥￥]|{_MONEY})"
    r"|(?P<word_sign>\b(?:plus|minus|times|divided by|multiplied by)\b|加上?|减去?|乘以?|除以)"
    r"|(?P<sign>\*\*|[-+*/^×÷−–]|(?<=\d)x(?=[\d(])|(?<=\s)x(?=\s))"
    r"|(?P<raised>[⁰¹²³⁴-⁹⁻]+)"
    r"|(?P<root>√|\bsqrt(?=\())"
    r"|(?P<bracket>[()（）])"
    r"|(?P<word>[A-Za-z][\w'’]*)"
    r"|(?P<other>\S)",
    re.IGNORECASE,
)
_ARITHMETIC = {"number", "percent", "of", "money", "word_sign", "sign", "raised", "root", "bracket"}
_SIGNS = {
    "plus": "+", "加": "+", "加上": "+", "minus": "-", "减": "-", "减去": "-", "−": "-", "–": "-", "times": "*",
    "multiplied by": "*", "乘": "*", "乘以": "*", "×": "*", "x": "*", "divided by": "/", "除以": "/", "÷": "/",
    "（": "(", "）": ")", "percent": "%", "per cent": "%", "％": "%", "的": " of ", "of": " of ", "√": " sqrt ",
}  # fmt: skip

# The word before: what names a thing by its number, and what makes a condition of the claim.
_NOT_AFTER = re.compile(
    r"pages?|pp?|chapters?|sections?|figs?|figures?|versions?|tel|phone|call|rooms?|no|nos|numbers?|steps?|days?|weeks?"
    r"|lines?|items?|questions?|problems?|exercises?|since|between|from|versus|vs|if|whether|suppose|not|eq|vol|ch|sec|art"
    r"|half|twice|double|triple|quarter|third|negative|roots?|log|ln|exp|sin|cos|tan|sqrt|factorial|hundred|thousand|million"
    r"|billion|trillion|dozen|[a-z]+teen|ten|eleven|twelve|[a-z]+ty",
    re.IGNORECASE,
)
_SENTENCE_WORDS = re.compile(
    r"The|This|That|Then|There|Therefore|Thus|So|Hence|And|But|Or|Now|First|Second|Next|Finally|Also|Since|Because|As|With"
    r"|It|We|You|Total|Sum|Answer|Result|Check|Compute|Calculate|Calculating|Add|Adding|Subtract|Subtracting|Multiply"
    r"|Multiplying|Divide|Dividing|Given|Here|Yes|No|OK|Sure|Using"
)
_CHINESE_NOT_AFTER = "第年月日号页章版步于从自周若不非十百千万亿半倍负"
# The word behind: then the number is a part of something else, or the claim is another one.
_NOT_BEFORE = re.compile(
    r"(?:million|billion|trillion|thousand|hundred|dozen|mn|bn|k|m|b|times|more|less|fewer|of|or|to|than|point|remainder|rem|r"
    r"|with|mod|modulo|in|o['’]clock|am|pm|wrong|incorrect|false|january|february|march|april|may|june|july|august"
    r"|september|october|november|december)\b|and (?:a|an|one|two|three|\d+/\d+)\b"
    r"|(?:is|are|was|would be) (?:not|wrong|incorrect|false|never|mistaken)|isn['’]t"
    r"|[万亿千百十倍余点分至到多或几折成模]|是错|不|有误|错|[.…]{2,}|…|[?？½¼¾⅓⅔]|[✗✘❌]|\((?:mod|base|in\b|Z|ℤ|hex|bin|oct|wrong|incorrect|二进制|模|错)",
    re.IGNORECASE,
)
_SUM_OF = re.compile(r"\b(?:total|sum|product|result|cost|price|value|amount)$", re.IGNORECASE)
_SPAN = re.compile(r"\s*(?:(?:day|night|week|month|year|hour)s?\b|天|晚|夜|周|个?月|年|小时)", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|never|false|wrong|incorrect)\b[^,;:，；：]*$|不[^，；：]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int
    blank_before: bool
    blank_behind: bool


def wrong_claims(text: str) -> list[Claim]:
    """Return the arithmetic claims in `text` that do not hold, in reading order."""
    found = []
    offset = 0
    for line in _plain(text).splitlines(keepends=True):
        found += [
            Claim(text[offset + s : offset + e], offset + s, offset + e, claimed, right)
            for s, e, claimed, right in _in_line(line)
        ]
        offset += len(line)
    return found


def _in_line(line: str) -> Iterator[tuple[int, int, str, str]]:
    tokens = [
        _Token(
            m.lastgroup or "",
            m[0].lower(),
            m.start(),
            m.end(),
            line[m.start() - 1 : m.start()].isspace() or m.start() == 0,
            line[m.end() : m.end() + 1].isspace() or m.end() == len(line),
        )
        for m in _TOKEN.finditer(line)
    ]
    for at, token in enumerate(tokens):
        if token.kind != "is":
            continue
        left = _left(tokens, at, line)
        right = _right(tokens, at, line)
        if not left or right is None:
            continue
        if not _surely_arithmetic(left, token.text, right, line):
            continue
        values = list(_values(left, right))
        if values and not any(right.holds(value) for value in values):
            start, end = left[0].start, right.end
            yield start, end, line[right.start : end].strip(), right.show(values[0])


def _left(tokens: Sequence[_Token], at: int, line: str) -> Sequence[_Token]:
    """Return the run of arithmetic that ends before token `at`; nothing where it is a part of something longer."""
    begin = at
    while begin > 0 and tokens[begin - 1].kind in _ARITHMETIC:
        begin -= 1
    run = list(tokens[begin:at])
    depth = 0
    for i in range(len(run) - 1, -1, -1):
        depth += {")": 1, "）": 1, "(": -1, "（": -1}.get(run[i].text, 0)
        if depth < 0:  # "(3 + 4 = 7)": the bracket is the sentence's
            run = run[i + 1 :]
            break
    if run and run[0].text == "of" and _SUM_OF.search(line[: run[0].start].rstrip()):
        run = run[1:]
    if not run or depth > 0:
        return ()
    first, before = run[0], line[: run[0].start]
    negative = (
        first.text in "-−–" and not first.blank_behind and len(run) > 1 and run[1].kind in ("number", "money")
    )
    if first.kind in ("sign", "word_sign", "percent", "of", "raised") and not negative:
        return ()
    if first.kind == "money" and first.text not in "$€£¥￥":
        return ()
    return run if _starts_afresh(before) else ()


def _starts_afresh(before: str) -> bool:
    """Whether what stands before a run lets it be read alone."""
    if _DENIED.search(re.split(r"[.!?。！？](?:\s|$)", before)[-1]):
        return False
    bare = before.rstrip()
    if not bare:
        return True
    touching = bare == before
    last = bare[-1]
    if "\u4e00" <= last <= "\u9fff":
        return last not in _CHINESE_NOT_AFTER
    if word := re.search(r"[A-Za-z0-9_'’-]+$", bare):
        if touching or len(word[0]) < 2 or not word[0].isalpha() or _NOT_AFTER.fullmatch(word[0]):
            return False
        return word[0].islower() or bool(_SENTENCE_WORDS.fullmatch(word[0]))
    if last == ".":
        abbreviated = re.search(r"([A-Za-z]+)\.$", bare)
        return not touching and not (abbreviated and _NOT_AFTER.fullmatch(abbreviated[1]))
    if last in "'’\"":
        return len(bare) == 1 or not bare[-2].isalnum()
    return last in "(（[【“‘「『:：=＝≈;；!！?？。，、|>*_—→" or (last == "," and not touching)


@dataclass(frozen=True, slots=True)
class _Right:
    """The number that a claim ends in."""

    value: Fraction
    shown: str
    """Its digits and its point."""
    percent: bool
    near: bool
    """Said with ≈: it may be rounded to tens and hundreds."""
    about: bool
    """Said with a word such as "about": it may be two hundredths off."""
    start: int
    end: int
    behind: str
    """What follows it in the line."""

    def holds(self, computed: Number) -> bool:
        """Whether a result, rounded or cut to the places shown, is this number."""
        exact = Fraction(computed) * (100 if self.percent else 1)
        off = abs(exact - self.value)
        places = len(self.shown.partition(".")[2])
        unit = Fraction(1, 10**places)
        # Any way of rounding a half, and what a processor's binary fractions add to 0.1 + 0.2.
        hair = max(unit / 10**9, abs(exact) / 10**12 if places > 6 else Fraction(0))
        if off <= unit / 2 + hair:
            return True
        if places and off < unit and abs(self.value) < abs(exact):  # 2 / 3 = 0.66
            return True
        # 1,200,000 for 1,234,567: zeros at the end of a large whole number may be rounding.
        zeros = 0 if "." in self.shown else len(self.shown) - len(self.shown.rstrip("0"))
        rounded = zeros >= 3 and len(self.shown) - zeros >= 3
        if (rounded or self.near or self.about) and off <= Fraction(10**zeros, 2):
            return True
        return self.about and off <= abs(exact) / 50

    def show(self, computed: Number) -> str:
        """Return a result as this number is written."""
        return show(computed * 100) + "%" if self.percent else show(computed)


def _right(tokens: Sequence[_Token], at: int, line: str) -> _Right | None:
    near, about = tokens[at].text == "≈", tokens[at].text.startswith("约")
    at += 1
    while at < len(tokens) and tokens[at].kind in ("about", "so", "is"):
        about = about or tokens[at].kind == "about"
        at += 1
    start, negative = (tokens[at].start if at < len(tokens) else 0), False
    while at < len(tokens) and (tokens[at].kind == "money" or (tokens[at].text in "-−–" and not negative)):
        if tokens[at].blank_behind and tokens[at].kind == "sign":
            return None
        negative = negative or tokens[at].kind == "sign"
        at += 1
    if at >= len(tokens) or tokens[at].kind != "number" or not _whole_number(tokens[at], line):
        return None
    number, end, percent = tokens[at], tokens[at].end, False
    at += 1
    if at < len(tokens) and tokens[at].kind == "percent":
        percent, end, at = True, tokens[at].end, at + 1
    behind = at
    if behind < len(tokens) and tokens[behind].kind == "money" and tokens[behind].text not in "$€£¥￥":
        behind += 1
    if behind < len(tokens):
        following, then = tokens[behind], tokens[behind + 1 : behind + 2]
        dash = following.text in "-–" and following.blank_before and following.blank_behind
        prose = dash and not (then and then[0].kind in ("number", "bracket", "root", "money"))
        ends_math = following.text == "$" and not (then and then[0].kind == "number")
        if following.kind in ("number", "raised", "root", "of", "percent", "money") and not ends_math:
            return None
        if following.kind in ("sign", "word_sign") and not prose:
            return None
        if _NOT_BEFORE.match(line, following.start):
            return None
    shown = number.text.replace(",", "")
    value = -Fraction(shown) if negative else Fraction(shown)
    return _Right(value, shown, percent, near, about, start, end, line[tokens[behind - 1].end :])


def _surely_arithmetic(run: Sequence[_Token], verb: str, right: _Right, line: str) -> bool:
    signs = [t for t in run if t.kind in ("sign", "word_sign", "root", "raised")]
    shares = [i for i, t in enumerate(run) if t.kind == "of"]
    if not signs and not shares:
        return False
    if any(t.kind == "number" and not _whole_number(t, line) for t in run):
        return False
    if any(a.kind == b.kind == "sign" and b.blank_behind for a, b in pairwise(run)):  # 2 x - 3 = 9
        return False
    for i in shares:  # "17% of 2,340", "1/4 of 20", "2340 的 17%"; but not "2 of 3"
        percent_before = run[i - 1].kind == "percent" or (i >= 3 and run[i - 2].text == "/")
        percent_behind = any(t.kind == "percent" for t in run[i + 1 : i + 3]) and run[i].text == "的"
        if i == 0 or not (percent_before or percent_behind):
            return False
    equal = verb in "=＝≈" or verb.startswith(("equal", "is equal", "等于", "约等于"))
    between = [
        t for i, t in enumerate(run) if t.kind == "sign" and i > 0 and run[i - 1].kind in ("number", "percent")
    ]
    for sign in between:
        tight = not sign.blank_before and not sign.blank_behind
        # A dash is a minus only beside "=": 9 - 5 is eight hours, and 10-12 are three days.
        dash = not equal or (tight and (sign.text == "–" or len(signs) > 1)) or _SPAN.match(right.behind)
        if sign.text in "-−–" and dash:
            return False
        if sign.text == "/" and tight and len(signs) == 1 and not shares and verb not in "=＝≈":
            return False
    if any(re.fullmatch(r"0\d+", t.text) for t in run):  # a date, or a code
        return False
    if not equal and any(t.kind == "sign" for t in run):
        # "10 x 10 is 4 m too large": with a verb, the number must end the clause.
        return bool(re.match(r"\s*(?:$|[,;.!)，；。！）\"”*](?!\d))", right.behind)) or bool(shares)
    return True


def _values(run: Sequence[_Token], right: _Right) -> Iterator[Number]:
    """Yield the values that a run may be meant to have; the first is the one to show."""
    percents = sum(t.kind == "percent" for t in run)
    numbers = sum(t.kind == "number" for t in run)
    sums = [t for t in run if _SIGNS.get(t.text, t.text) in "+-" and t.kind in ("sign", "word_sign")]
    shares = any(t.kind == "of" for t in run)
    if sums and percents and not shares and percents < numbers:
        last = [t.kind for t in run][-2:] == ["number", "percent"]
        if len(sums) > 1 or not last:  # 12% + 3, 100 - 20 - 5%: people mean different things
            return
    expression = " ".join(
        t.text.replace(",", "") if t.kind == "number" else _SIGNS.get(t.text, t.text)
        for t in run
        if t.kind != "money"
    )
    try:
        value = evaluate(expression)
    except ToolError:
        return
    if (
        isinstance(value, Fraction)
        and value < 0 < right.value
        and re.match(r"\s*[A-Za-z\u4e00-\u9fff]", right.behind)
    ):
        return  # 2020 - 2024 = 4 years
    if right.percent and not percents and not any(_SIGNS.get(t.text, t.text) == "/" for t in run):
        return  # 12 * 7 = 85%: not what the percentage is of
    yield value
    if right.percent:
        yield value / 100 if isinstance(value, Fraction) else value / Decimal(100)
    elif percents == numbers:
        yield value * 100  # 30% + 40% = 70
    with suppress(ToolError):
        if sums and 0 < percents < numbers:  # 340 + 12% = 340.12
            yield evaluate(re.sub(r"([\d.]+) %", r"(\1%)", expression))
        if re.fullmatch(r"\d{1,3}\.\d{3}", right.shown):
            # 1.234 + 1 = 1.235: where the point parts thousands.
            whole = re.sub(r"(?<![\d.])(\d{1,3})\.(\d{3})(?!\d)", r"\1\2", expression)
            yield Fraction(evaluate(whole)) / 1000


def _whole_number(token: _Token, line: str) -> bool:
    """Whether a number stands alone, and is no part of 5k, 1.2.3, 12:30, 3,5 or a word."""
    before, behind = line[: token.start][-1:], line[token.end : token.end + 2]
    if re.match(r"[A-Za-z_#.,:@]", before) and before not in "xX":
        return False
    if re.match(r"[xX][\d(]", behind):
        return True
    return not re.match(r"[A-Za-z_#°'’′″]|[.,:]\d|[万亿千百十]", behind)


_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)
_LIST_MARK = re.compile(r"(?m)^[ \t>]*(?:[-*+•·]|#{1,6}|\(?\d{1,3}[.)、])[ \t]+")
_BOLD = re.compile(r"(?<![\w)*])(\*\*|__)(?=\S)([^*\n]+?)(?<=\S)\1")
_LATEX = {r"\times": "×", r"\cdot": "×", r"\div": "÷", r"\approx": "≈", r"\%": "%", r"\$": "$", r"\(": "", r"\)": "",
          r"\[": "", r"\]": ""}  # fmt: skip
_LATEX_WORD = re.compile(r"\\(?:times|cdot|div|approx)(?![A-Za-z])|\\[%$()\[\]]")


def _plain(text: str) -> str:
    """Return `text` of the same length, with code, list marks and bold marks blanked out, and LaTeX signs plain."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = _LIST_MARK.sub(blank, _CODE.sub(blank, text))
    text = _BOLD.sub(lambda m: f"  {m[2]}  ", text)
    return _LATEX_WORD.sub(lambda m: _LATEX[m[0]].ljust(len(m[0])), text)
