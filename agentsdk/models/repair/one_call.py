"""Reads one call that stands in a text as JSON or Python, and tells early whether it can be one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentsdk.models.repair.found import SPACE, Brackets, Found, Held, Names, Reading, end_of
from agentsdk.models.repair.json_text import read_json
from agentsdk.models.repair.pythonic import end_of_brackets, read_python

_JSON = Brackets("json", "{}[]", '"', deepest=100)
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
_NAMES = ("name", "function")
_ARGUMENTS = ("parameters", "arguments")


def end_of_json(text: str, at: int, held: Held) -> int | None:
    """Return where the bracket at `at` is closed, None where it is not yet, -1 where it is nested too deep."""
    return held.end_of(_JSON, text, at)


_KEY = re.compile(r'\s*+"([^"\\]{0,40})"\s*+:\s*+')
_KEY_SO_FAR = re.compile(r'\s*+(?:"[^"\\]{0,40}(?:"\s*+)?)?')
_STRING = re.compile(r'"([^"\\]{0,120})"')
_STRING_SO_FAR = re.compile(r'(?:"[^"\\]{0,120})?')
_SCALAR = re.compile(r"[\w.+-]{1,40}(?=[\s,}])")
_COMMA = re.compile(r"\s*+,")
_TYPES = ('"function"', '"tool_call"', '"function_call"')


def may_call(text: str, at: int, names: Names, depth: int = 2) -> bool | None:
    """Return whether the object that opens at `at` calls an offered tool, None where it cannot be told yet."""
    pos = at + 1
    for _key in range(6):
        key = _KEY.match(text, pos)
        if not key:
            return None if _KEY_SO_FAR.fullmatch(text, pos) else False
        pos = key.end()
        ahead = text[pos : pos + 1]
        if not ahead:
            return None
        if key[1] in _NAMES and ahead == '"':
            name = _STRING.match(text, pos)
            if name:
                return names.offers(name[1])
            return None if _STRING_SO_FAR.fullmatch(text, pos) else False
        if key[1] == "function" and ahead == "{" and depth:
            return may_call(text, pos, names, depth - 1)
        if key[1] not in (*_ARGUMENTS, "type", "id", "index"):
            return False
        end = _end_of_value(text, pos, names.held)
        if end is None or end < 0:
            return None if end is None else False
        if key[1] == "type" and text[pos:end] not in _TYPES:
            return False
        comma = _COMMA.match(text, end)
        if not comma:
            return None if SPACE.fullmatch(text, end) else False
        pos = comma.end()
    return False


def _end_of_value(text: str, at: int, held: Held) -> int | None:
    if text[at] in "{[":
        return end_of_json(text, at, held)
    if text[at] == '"':
        string = _JSON_STRING.match(text, at)
        return string.end() if string else None
    scalar = _SCALAR.match(text, at)
    return scalar.end() if scalar else None if len(text) - at <= 40 else -1


_NAME = re.compile(r"[A-Za-z_][\w.-]{0,120}")


def opens_call(text: str, at: int, names: Names) -> bool | None:
    """Return whether JSON or Python that begins at `at` calls an offered tool, None where it cannot be told yet."""
    if text[at] == "{":
        return may_call(text, at, names)
    if text[at] == "[":
        at = end_of(SPACE, text, at + 1)
        if at == len(text):
            return None
        if text[at] == "{":
            return may_call(text, at, names)
    name = _NAME.match(text, at)
    if not name:
        return False
    if name.end() == len(text):
        return None if names.begins(name[0].removesuffix("call")) else False
    return text[name.end()] == "(" and names.offers(_python_name(name[0], names))


def read_call(text: str, at: int, names: Names, dialect: str, *, final: bool) -> Reading | None:
    """Read one object, list or call in Python that `opens_call` let through."""
    if text[at] == "{" or (text[at] == "[" and text[end_of(SPACE, text, at + 1)] == "{"):
        return _read_json_call(text, at, names, dialect, final=final)
    if known := names.held.readings.get(("python", at)):
        return known
    bracket = at if text[at] == "[" else text.index("(", at)
    end = end_of_brackets(text, bracket, names.held)
    if end is None:
        if not final:
            return None
        name = _NAME.search(text, at)
        return Reading(
            len(text), (Found(_python_name(name[0], names) if name else "", text[at:], "python", whole=False),)
        )
    calls = read_python(text[at:end]) if end > 0 else None
    if not calls or not all(names.offers(_python_name(name, names)) for name, _arguments in calls):
        return Reading(max(end, at + 1))
    found = tuple(Found(_python_name(n, names), arguments, "python") for n, arguments in calls)
    reading = names.held.readings["python", at] = Reading(end, found)
    return reading


def _python_name(name: str, names: Names) -> str:
    """Return the tool's name: Llama's own tools are called as `brave_search.call(...)`."""
    return name if names.offers(name) else name.removesuffix(".call")


def _read_json_call(text: str, at: int, names: Names, dialect: str, *, final: bool) -> Reading | None:
    end = end_of_json(text, at, names.held)
    if end is not None and end < 0:
        return Reading(at + 1)
    if end is not None:
        return whole_call(text, at, end, names, dialect)
    if not final:
        return None
    cut = cut_call(text[at:], names, dialect)
    return Reading(at + 1) if cut is None else Reading(len(text), (cut,))


def whole_call(text: str, at: int, end: int, names: Names, dialect: str, *, bare_name: bool = False) -> Reading:
    """Return what the whole JSON from `at` to `end` calls."""
    known = names.held.readings.get((dialect, at))
    if known is None:
        calls = calls_in(text[at:end], names, dialect, bare_name=bare_name)
        known = names.held.readings[dialect, at] = Reading(end, calls)
    return known


def cut_call(source: str, names: Names, dialect: str) -> Found | None:
    """Return the call in JSON that ends too early, if so much of it has come that it is one."""
    source = source.lstrip("[ \t\r\n")
    if (call := _loosely(source, names, dialect)) is not None:
        return call
    named = _NAMED.match(source)
    return Found(named[1], source, dialect, whole=False) if named and names.offers(named[1]) else None


def calls_in(source: str, names: Names, dialect: str, *, bare_name: bool = False) -> tuple[Found, ...]:
    """Return the calls in a text of whole JSON; () where it holds anything else."""
    try:
        value = _loads(source)
    except ValueError:
        loose = _loosely(source, names, dialect)
        return (replace(loose, whole=True),) if loose is not None else ()
    calls = []
    for item in value if isinstance(value, list) else [value]:
        call = _call_of(item, bare_name=bare_name)
        if call is None or not names.offers(call[0]):
            return ()
        calls.append(Found(call[0], call[1], dialect))
    return tuple(calls)


def _call_of(value: Any, *, bare_name: bool) -> tuple[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    inner = value.get("function")
    if isinstance(inner, Mapping):
        value = inner
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    if name is None:
        return None
    key = next((key for key in _ARGUMENTS if key in value), None)
    if key is None:
        return (name, {}) if bare_name and len(value) == 1 else None
    arguments = value[key]
    return (name, arguments) if arguments is None or isinstance(arguments, Mapping | str) else None


def _loads(source: str) -> Any:
    """Return the value of a JSON text; Qwen 2.5 doubles the outer braces now and then."""
    if source.startswith("{{") and source.endswith("}}"):
        source = source[1:-1]
    return read_json(source)[0]


_LOOSE = re.compile(
    r"""\s*+\{{1,2}\s*+(?:"type"\s*+:\s*+"function"\s*+,\s*+)?"(?:name|function)"\s*+:\s*+"([^"\\]{1,120})"\s*+,\s*+
    "?(?:parameters|arguments)"?\s*+[:>=]{1,2}\s*+""",
    re.VERBOSE,
)
_BRACES = re.compile(r"[\s}]*")


def _loosely(source: str, names: Names, dialect: str) -> Found | None:
    """Return the call in an object that is not JSON as a whole, by its name and the text of its arguments.

    Llama 3.2 writes `{"name":"get_time","parameters>{"timezone":"UTC"}}`. It is whole if its last brace has come.
    """
    head = _LOOSE.match(source)
    if not head or not names.offers(head[1]):
        return None
    rest = source[head.end() :].rstrip()
    end = end_of_json(rest, 0, Held()) if rest.startswith(("{", "[")) else None
    if end is not None and end > 0 and _BRACES.fullmatch(rest, end):
        return Found(head[1], rest[:end], dialect, whole=end < len(rest))
    return Found(head[1], rest.removesuffix("}"), dialect, whole=False)


_NAMED = re.compile(
    r'\s*+\{{1,2}\s*+(?:"type"\s*+:\s*+"function"\s*+,\s*+)?"(?:name|function)"\s*+:\s*+"([^"\\]{1,120})"'
)


def end_of_call(text: str, at: int, held: Held) -> int | None:
    """Return where a call in JSON or Python ends, None where it does not yet, -1 where it is nested too deep."""
    if text[at] == "{" or (text[at] == "[" and text[end_of(SPACE, text, at + 1)] == "{"):
        return end_of_json(text, at, held)
    return end_of_brackets(text, at if text[at] == "[" else text.index("(", at), held)


def is_call(source: str) -> bool:
    """Return whether whole JSON is a call, if not to a tool that was offered."""
    try:
        return _call_of(_loads(source), bare_name=False) is not None
    except ValueError:
        return False
