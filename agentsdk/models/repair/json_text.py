"""Reads the JSON that models write: strictly, else with the few slips that leave no doubt about what is meant.

Nothing that is missing is ever added: a text whose last bracket has not come is refused, however much of it there is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

DEEPEST = 100
"""Levels of nesting that a value may have; Python's own reader would end in a RecursionError."""

LONGEST = 100_000
"""Characters of a text that is read leniently; a longer one is JSON, or is not."""

_MOST_TOKENS = 20_000

_FENCE = re.compile(r"\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_TOKEN = re.compile(
    r"""
    (?P<space>\s+) | (?P<mark>[{}\[\]:,]) | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])
    | (?P<word>true|false|null|True|False|None)\b
    | (?P<double>"[^"\\]*+(?:\\.[^"\\]*+)*") | (?P<single>'[^'\\]*+(?:\\.[^'\\]*+)*')
    """,
    re.VERBOSE | re.DOTALL,
)
# A string may be without its end: else each quote in it would be tried for a beginning, one after another.
_BRACKET = re.compile(r"""[{}\[\]]|"[^"\\]*+(?:\\.[^"\\]*+)*"?|'[^'\\]*+(?:\\.[^'\\]*+)*'?""", re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null"}


def read_json(text: str) -> tuple[Any, str]:
    """Return the value of a text, and what was forgiven in it in a few words ("" where it is strict JSON).

    Forgiven are: a fence around it, line breaks within strings, a comma too many, Python's quotes and words, and
    something after a whole object that is no further value.

    Raises:
        ValueError: it is not JSON, is cut off, or is nested too deep.

    """
    try:
        return strict(text), ""
    except ValueError as error:
        fault = error
    if len(text) > LONGEST:
        raise fault
    for forgiven, reading in _READINGS:
        try:
            return reading(text), forgiven
        except ValueError:
            continue
    raise fault


def strict(text: str) -> Any:
    """Return the value of a strict JSON text.

    Raises:
        ValueError: it is none, holds NaN or an infinite number, or is nested too deep.

    """
    return _within_depth(_STRICT, text)


def depth(value: Any) -> int:
    """Return the levels of nesting of a value; one more than `DEEPEST` for all that have more."""
    level, layer = 0, [value]
    while layer and level <= DEEPEST:
        level += 1
        layer = [
            v
            for item in layer
            for v in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(v, (dict, list))
        ]
    return level


def _within_depth(decoder: json.JSONDecoder, text: str) -> Any:
    if text.count("[") + text.count("{") > DEEPEST * 1_000:
        raise ValueError("nested too deep")
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if depth(value) > DEEPEST:
        raise ValueError("nested too deep")
    return value


def _fenced(text: str) -> Any:
    found = _FENCE.fullmatch(text)
    if not found:
        raise ValueError("no fence")
    return read_json(found[1])[0] if "```" not in found[1] else strict(found[1])


def _with_line_breaks(text: str) -> Any:
    return _within_depth(_LENIENT, text)


def _in_python(text: str) -> Any:
    return _within_depth(_STRICT, _as_json(text))


def _first_object(text: str) -> Any:
    """Return the one whole object that a text begins with; what follows must not look like another value."""
    start = len(text) - len(text.lstrip())
    if not text.startswith("{", start):
        raise ValueError("no object")
    end = _end_of_object(text, start)
    rest = text[end:]
    if not rest.strip():
        raise ValueError("nothing follows")
    if re.search(r"[{\[\"]", rest):
        again = rest.strip()
        # An empty object sent ahead as a place-holder, and then the real one.
        if (
            not text[start + 1 : end - 1].strip()
            and again.startswith("{")
            and _end_of_object(again, 0) == len(again)
        ):
            return read_json(again)[0]
        raise ValueError("more than one value")
    return read_json(text[start:end])[0]


_READINGS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("a fence around it", _fenced),
    ("line breaks within a string", _with_line_breaks),
    ("Python's way of writing, or a comma too many", _in_python),
    ("something after the object", _first_object),
)


def _as_json(text: str) -> str:
    """Return Python's way of writing as JSON, token by token."""
    out: list[str] = []
    at, after_value = 0, False
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"character {at} is not understood")
        at = token.end()
        kind, said = token.lastgroup, token[0]
        if kind == "space":
            continue
        if (after_value and kind != "mark") or len(out) > _MOST_TOKENS:
            raise ValueError(f"character {token.start()} is not expected")
        after_value = kind != "mark"
        if kind == "word":
            said = _WORDS.get(said, said)
        elif kind in ("single", "double"):
            said = _string(said, python=kind == "single")
        elif said in ("}", "]") and out and out[-1] == ",":
            out.pop()
        out.append(said)
    return " ".join(out)


def _string(said: str, *, python: bool) -> str:
    """Return a string as JSON has it: no line breaks, double quotes, and none before an apostrophe."""
    inner = re.sub(r"\\(.)", lambda m: "'" if m[1] == "'" else m[0], said[1:-1], flags=re.DOTALL)
    if python:
        inner = re.sub(r'\\.|"', lambda m: '\\"' if m[0] == '"' else m[0], inner, flags=re.DOTALL)
    return json.dumps(json.loads(f'"{inner}"', strict=False))


def _end_of_object(text: str, start: int) -> int:
    """Return where the object that begins at `start` ends."""
    open_ = 0
    for token in _BRACKET.finditer(text, start):
        open_ += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        if open_ == 0:
            return token.end()
    raise ValueError("the object does not end")


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_LENIENT = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, strict=False)
"""Made once: `json.loads` makes one for each text that it reads by other than its own rules."""
