"""The ways in which models write tool calls into their text, each read by a function of its own.

Each function looks at a text from one place on and returns a Reading, or None where more of the text must come
first. What it decides it decides from the text up to the Reading's end: the same text gives the same calls however
it is cut. At the end of the text (`final`) it always decides.

The table of dialects, with who emits them, is in docs/tool-calls.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.models.repair.json_text import read_json
from agentsdk.models.repair.names import fold_name
from agentsdk.models.repair.pythonic import end_of_brackets, read_python


class Names:
    """The names of the tools that were offered, as a text may write them."""

    def __init__(self, tools: Iterable[str]) -> None:
        self._tools = list(tools)
        self._known: dict[str, bool] = {}

    def offers(self, name: str) -> bool:
        """Return whether a name is that of a tool, but for case, separators and a name space before it."""
        if name not in self._known and len(self._known) < 1000:
            self._known[name] = self._offers(name)
        return self._known.get(name, False)

    def begins(self, start: str) -> bool:
        """Return whether a name may begin so."""
        plain = _plain(start)
        return any(_plain(tool).startswith(plain) or plain.startswith(_plain(tool)) for tool in self._tools)

    def _offers(self, name: str) -> bool:
        try:
            # A slip of the pen is forgiven in a call that a server has read, not in a text that may be none.
            fold_name(name, self._tools, lambda _tool: False)
        except ValueError:
            return False
        return True


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]+", "", name).casefold()


@dataclass(frozen=True, slots=True)
class Found:
    """A call to an offered tool, as it stands in the text."""

    name: str
    arguments: Any
    """A mapping, or JSON text that is not read yet."""
    dialect: str
    whole: bool = True
    """Whether its end has come; without it the call may never be run."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch of text is."""

    end: int
    """Where the stretch ends."""
    calls: tuple[Found, ...] = ()
    text: str | None = None
    """What of it is to be shown; None for all of it where it holds no calls, and nothing where it does."""


_DEEPEST = 100
_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_BETWEEN = re.compile(r"[\s;,]*")
_SPACE = re.compile(r"\s*")
_AT_END = re.compile(r"[\s;,]*(?:(?:<\|[\w]{1,20}\|>|</s>)\s*)*")
_AT_END_SO_FAR = re.compile(r"[\s;,]*(?:(?:<\|[\w]{1,20}\|>|</s>)\s*)*(?:<(?:\|(?:\w{1,20}\|?)?|/s?)?)?")
"""What may still stand after the last call: marks that a template ends a turn with."""

_NAMES = ("name", "function")
_ARGUMENTS = ("parameters", "arguments")


def end_of_json(text: str, at: int) -> int | None:
    """Return where the bracket at `at` is closed, None where it is not yet, -1 where it is nested too deep."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text, at):
        mark = token[0]
        if mark == '"':
            return None
        if mark in "{[":
            depth += 1
            if depth > _DEEPEST:
                return -1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return token.end()
    return None


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
        end = _end_of_value(text, pos)
        if end is None or end < 0:
            return None if end is None else False
        if key[1] == "type" and text[pos:end] not in _TYPES:
            return False
        comma = _COMMA.match(text, end)
        if not comma:
            return None if _SPACE.fullmatch(text, end) else False
        pos = comma.end()
    return False


def _end_of_value(text: str, at: int) -> int | None:
    if text[at] in "{[":
        return end_of_json(text, at)
    if text[at] == '"':
        token = _JSON_TOKEN.match(text, at)
        return token.end() if token and len(token[0]) > 1 else None
    scalar = _SCALAR.match(text, at)
    return scalar.end() if scalar else None if len(text) - at <= 40 else -1


_NAME = re.compile(r"[A-Za-z_][\w.-]{0,120}")


def opens_call(text: str, at: int, names: Names) -> bool | None:
    """Return whether JSON or Python that begins at `at` calls an offered tool, None where it cannot be told yet."""
    if text[at] == "{":
        return may_call(text, at, names)
    if text[at] == "[":
        at = _end(_SPACE, text, at + 1)
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
    if text[at] == "{" or (text[at] == "[" and text[_end(_SPACE, text, at + 1)] == "{"):
        return _read_json_call(text, at, names, dialect, final=final)
    bracket = at if text[at] == "[" else text.index("(", at)
    end = end_of_brackets(text, bracket)
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
    return Reading(end, tuple(Found(_python_name(n, names), arguments, "python") for n, arguments in calls))


def _python_name(name: str, names: Names) -> str:
    """Return the tool's name: Llama's own tools are called as `brave_search.call(...)`."""
    return name if names.offers(name) else name.removesuffix(".call")


def _read_json_call(text: str, at: int, names: Names, dialect: str, *, final: bool) -> Reading | None:
    end = end_of_json(text, at)
    if end is not None and end < 0:
        return Reading(at + 1)
    if end is not None:
        calls = _calls_in(text[at:end], names, dialect)
        return Reading(end, calls)
    if not final:
        return None
    cut = _cut(text[at:], names, dialect)
    return Reading(at + 1) if cut is None else Reading(len(text), (cut,))


def _cut(source: str, names: Names, dialect: str) -> Found | None:
    """Return the call in JSON that ends too early, if so much of it has come that it is one."""
    source = source.lstrip("[ \t\r\n")
    if (call := _loosely(source, names, dialect)) is not None:
        return call
    named = _NAMED.match(source)
    return Found(named[1], source, dialect, whole=False) if named and names.offers(named[1]) else None


def _calls_in(source: str, names: Names, dialect: str, *, bare_name: bool = False) -> tuple[Found, ...]:
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
    end = end_of_json(rest, 0) if rest.startswith(("{", "[")) else None
    if end is not None and end > 0 and _BRACES.fullmatch(rest, end):
        return Found(head[1], rest[:end], dialect, whole=end < len(rest))
    return Found(head[1], rest.removesuffix("}"), dialect, whole=False)


_NAMED = re.compile(
    r'\s*+\{{1,2}\s*+(?:"type"\s*+:\s*+"function"\s*+,\s*+)?"(?:name|function)"\s*+:\s*+"([^"\\]{1,120})"'
)


def read_bare(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read calls that are the whole rest of the text: one stands among words only as an example."""
    if opens_call(text, at, names) is not True:
        return Reading(at + 1) if final or opens_call(text, at, names) is False else None
    found: list[Found] = []
    shown: list[str] = []
    pos = at
    while True:
        item = read_call(text, pos, names, "bare", final=final)
        if item is None:
            return None
        if not item.calls and found and final and text[pos] == "{" and end_of_json(text, pos) is None:
            return Reading(len(text), tuple(found), text[pos:])
        if not item.calls and not (found and text[pos] == "{" and _is_shaped(text[pos : item.end])):
            return Reading(at + 1)
        found += item.calls
        if not item.calls:
            shown.append(text[pos : item.end])
        pos = item.end
        if final and _AT_END.fullmatch(text, pos):
            return Reading(len(text), tuple(found), "\n".join(shown))
        if not final and _AT_END_SO_FAR.fullmatch(text, pos):
            return None
        pos = _end(_BETWEEN, text, pos)
        if text[pos] == "{":  # a further object need not be offered, if it is a call
            continue
        if (opens := opens_call(text, pos, names)) is not True:
            return None if opens is None and not final else Reading(at + 1)


def _is_shaped(source: str) -> bool:
    try:
        return _call_of(_loads(source), bare_name=False) is not None
    except ValueError:
        return False


_FENCE = re.compile(r"```[\w+-]{0,20}[^\S\n]*+\n?\s*+")
_FENCE_SO_FAR = re.compile(r"`{0,2}|```[\w+-]{0,20}\s*+")
_FENCE_END = re.compile(r"\s*+```")
FENCED = ("json", "tool_call", "tool_code", "tool", "python", "")
"""What a block of code that holds calls may be called."""


def read_fence(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read blocks of code that hold nothing but calls and end the text."""
    found: list[Found] = []
    pos = at
    while True:
        fence = _FENCE.match(text, pos)
        if not fence or fence.end() == len(text):
            waits = not final and _FENCE_SO_FAR.fullmatch(text, pos)
            return None if waits else Reading(at + 3)
        if fence[0].strip("`").strip().lower() not in FENCED:
            return Reading(at + 3)
        pos = fence.end()
        while True:
            opens = opens_call(text, pos, names)
            item = read_call(text, pos, names, "fence", final=final) if opens else None
            if item is None and (opens or opens is None) and not final:
                return None
            if item is None or not item.calls:
                return Reading(at + 3)
            found += item.calls
            pos = _end(_BETWEEN, text, item.end)
            if text.startswith("```", pos) or pos == len(text) or "```".startswith(text[pos:]):
                break
        if not text.startswith("```", pos):
            return Reading(len(text), tuple(found)) if final else None
        pos += 3
        if final and _AT_END.fullmatch(text, pos):
            return Reading(len(text), tuple(found))
        if not final and (_AT_END_SO_FAR.fullmatch(text, pos) or _FENCE_AGAIN.fullmatch(text, pos)):
            return None
        pos = _end(_SPACE, text, pos)


_FENCE_AGAIN = re.compile(r"\s*+`{0,2}")

TAGS = {"<tool_call>": "</tool_call>", "<tools>": "</tools>", "<function_call>": "</function_call>"}
"""Tags around a call in JSON, and what closes them. The second is what Qwen2.5-coder writes now and then."""


def read_tagged(text: str, at: int, opener: str, names: Names, *, final: bool) -> Reading | None:
    """Read the calls between `<tool_call>` and `</tool_call>`."""
    closer = TAGS[opener]
    found: list[Found] = []
    pos = at + len(opener)
    as_text = Reading(pos)
    while True:
        pos = _end(_BETWEEN, text, pos)
        if pos == len(text) or closer.startswith(text[pos:]):
            if not final:
                return None
            return Reading(len(text), tuple(found)) if found else as_text
        if text.startswith(closer, pos):
            end = pos + len(closer)
            return Reading(end, tuple(found))
        if found and text.startswith(opener, pos):
            return Reading(pos, tuple(found))
        item: Reading | None
        if "<function".startswith(text[pos : pos + 9]):
            item = read_function(text, pos, names, final=final)
        elif text[pos] in "{[":
            item = _read_tagged_json(text, pos, closer, names, final=final)
        else:
            item = Reading(pos)
        if item is None:
            return None
        if not item.calls:
            # Calls before it stand; the rest, or all of it, is text.
            return Reading(pos, tuple(found)) if found else as_text
        found += item.calls
        pos = item.end


def _read_tagged_json(text: str, at: int, closer: str, names: Names, *, final: bool) -> Reading | None:
    end = end_of_json(text, at)
    if end is not None and end < 0:
        return Reading(at)
    if end is None:
        if not final:
            return None
        # It does not close, so a quote or a brace is amiss: the tag that closes it says where it ends.
        close = text.find(closer, at)
        if close < 0:
            cut = _cut(text[at:], names, "tag")
            return Reading(len(text), (cut,)) if cut is not None else Reading(at)
        return Reading(close, _calls_in(text[at:close].strip(), names, "tag"))
    calls = _calls_in(text[at:end], names, "tag", bare_name=True)
    return Reading(end, calls)


_FUNCTION = re.compile(r"""<function(?:=|\s+name=)\s*["']?([\w.:/-]{1,120})["']?\s*(?:>|(?=\{))""")
_FUNCTION_SO_FAR = re.compile(r"""<function(?:=|\s+name=)\s*["']?[\w.:/-]{0,120}["']?\s*""")
_FUNCTIONS = ("<function=", "<function name=")
_PARAMETER = re.compile(r"""<parameter(?:=|\s+name=)\s*["']?([^>"'<]{1,120}?)["']?\s*>""")
_PARAMETER_SO_FAR = re.compile(r"""</?(?:[a-z]{0,12}[^>]{0,130})?""")
_PARAMETER_END = "</parameter>"
_FUNCTION_END = "</function>"


def read_function(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read `<function=name>` with JSON, as Llama 3.1 writes it, or with `<parameter=name>` tags, as Qwen-coder does."""
    head = _FUNCTION.match(text, at)
    if not head:
        waits = _FUNCTION_SO_FAR.fullmatch(text, at) or any(f.startswith(text[at:]) for f in _FUNCTIONS)
        return None if waits and not final else Reading(at + 1)
    name = head[1]
    if not names.offers(name):
        return Reading(head.end())
    pos = _end(_SPACE, text, head.end())
    if pos == len(text):
        return Reading(pos, (Found(name, "", "function", whole=False),)) if final else None
    if text[pos] == "{":
        end = end_of_json(text, pos)
        if end is None and final:
            close = text.find(_FUNCTION_END, pos)
            if close < 0:
                return Reading(len(text), (Found(name, text[pos:], "function", whole=False),))
            return Reading(close + len(_FUNCTION_END), (Found(name, text[pos:close], "function"),))
        if end is None:
            return None
        if end < 0:
            return Reading(pos)
        close = _end(_SPACE, text, end)
        if not final and _FUNCTION_END.startswith(text[close:]):
            return None
        call = Found(name, text[pos:end], "function")
        return Reading(close + len(_FUNCTION_END) if text.startswith(_FUNCTION_END, close) else end, (call,))
    return _read_parameters(text, pos, name, final=final)


def _read_parameters(text: str, pos: int, name: str, *, final: bool) -> Reading | None:
    arguments: dict[str, str] = {}
    while True:
        pos = _end(_SPACE, text, pos)
        if text.startswith(_FUNCTION_END, pos):
            return Reading(pos + len(_FUNCTION_END), (Found(name, arguments, "parameters"),))
        if text.startswith("</tool_call>", pos):  # the closing tag is forgotten at times
            return Reading(pos, (Found(name, arguments, "parameters"),))
        head = _PARAMETER.match(text, pos)
        if not head:
            if not final and (pos == len(text) or _PARAMETER_SO_FAR.fullmatch(text, pos)):
                return None
            if final and len(text) - pos < 20:
                return Reading(len(text), (Found(name, arguments, "parameters", whole=False),))
            return (
                Reading(pos)
                if not arguments
                else Reading(pos, (Found(name, arguments, "parameters", whole=False),))
            )
        end = text.find(_PARAMETER_END, head.end())
        pos = end + len(_PARAMETER_END)
        if end < 0:
            if not final:
                return None
            end = text.find(_FUNCTION_END, head.end())
            if end < 0:
                return Reading(len(text), (Found(name, arguments, "parameters", whole=False),))
            pos = end
        arguments[head[1].strip()] = _unpadded(text[head.end() : end])


def _unpadded(value: str) -> str:
    """Return a value without the line break that its template puts before and after it."""
    return value.removeprefix("\n").removesuffix("\n")


_MARK = re.compile(r"✿FUNCTION✿[^\S\n]*[:：]?[^\S\n]*([\w.:/-]{1,120})\s*✿ARGS✿\s*[:：]?\s*")
_MARK_SO_FAR = re.compile(
    r"✿FUNCTION✿[^\S\n]*[:：]?[^\S\n]*[\w.:/-]{0,120}\s*(?:✿(?:A(?:R(?:G(?:S)?)?)?)?|✿ARGS✿\s*[:：]?\s*)?"
)
_MARKS_END = re.compile(r"✿(?:FUNCTION|RETURN|RESULT)✿")


def read_marks(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read the call between ✿FUNCTION✿ and ✿RESULT✿, as Qwen 1.5 and 2 write it.

    What a model writes after ✿RESULT✿ is a result that it made up.
    """
    head = _MARK.match(text, at)
    if not head or head.end() == len(text):
        if not final and (head or _MARK_SO_FAR.fullmatch(text, at)):
            return None
        return Reading(at + len("✿FUNCTION✿"))
    if not names.offers(head[1]) or text[head.end()] != "{":
        return Reading(head.end())
    end = end_of_json(text, head.end())
    if end is not None and end < 0:
        return Reading(head.end())
    if end is None:
        if not final:
            return None
        close = _MARKS_END.search(text, head.end())
        if close is None:
            return Reading(len(text), (Found(head[1], text[head.end() :], "marks", whole=False),))
        end = close.start()
    return Reading(end, (Found(head[1], text[head.end() : end].strip(), "marks"),))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
