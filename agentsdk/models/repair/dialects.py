"""The ways in which models write tool calls into their text, each read by a function of its own.

Each function looks at a text from one place on and returns a Reading, or None where more of the text must come
first. What it decides it decides from the text up to the Reading's end: the same text gives the same calls however
it is cut. At the end of the text (`final`) it always decides.

The table of dialects, with who emits them, is in docs/tool-calls.md.
"""

from __future__ import annotations

import re

from agentsdk.models.repair.calls import MOST_CALLS
from agentsdk.models.repair.found import BETWEEN, SPACE, Found, Names, Reading, end_of, ends_in
from agentsdk.models.repair.one_call import (
    calls_in,
    cut_call,
    end_of_call,
    end_of_json,
    is_call,
    opens_call,
    read_call,
    whole_call,
)

_AT_END = re.compile(r"[\s;,]*(?:(?:<\|[\w]{1,20}\|>|</s>)\s*)*")
_AT_END_SO_FAR = re.compile(r"[\s;,]*(?:(?:<\|[\w]{1,20}\|>|</s>)\s*)*(?:<(?:\|(?:\w{1,20}\|?)?|/s?)?)?")
"""What may still stand after the last call: marks that a template ends a turn with."""


def read_bare(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read calls that are the whole rest of the text: one that stands beside words is an example."""
    opens = opens_call(text, at, names)
    if not opens:
        return None if opens is None and not final else Reading(at + 1)
    found: list[Found] = []
    shown: list[str] = []
    pos = at
    while len(found) + len(shown) <= MOST_CALLS:
        end = end_of_call(text, pos, names.held)
        if end is None and not final:
            return None
        if final:
            item = read_call(text, pos, names, "bare", final=True)
            if item is not None and item.calls:
                found += item.calls
                end = item.end
            elif found and end is None:
                return Reading(len(text), tuple(found), text[pos:])
            elif found and end is not None and end > 0 and is_call(text[pos:end]):
                shown.append(text[pos:end])
            else:
                return Reading(at + 1)
        else:
            shown.append("")  # what it is can wait for the end
        if end is None or end < 0:
            return Reading(at + 1)
        pos = end
        if final and _AT_END.fullmatch(text, pos):
            return Reading(len(text), tuple(found), "\n".join(shown))
        if not final and _AT_END_SO_FAR.fullmatch(text, pos):
            return None
        pos = end_of(BETWEEN, text, pos)
        if text[pos] == "{":  # a further object need not be offered, if it is a call
            continue
        opens = opens_call(text, pos, names)
        if not opens:
            return None if opens is None and not final else Reading(at + 1)
    return Reading(len(text), tuple(found)) if final else None


_FENCE = re.compile(r"```[\w+-]{0,20}[^\S\n]*+\n?\s*+")
_FENCE_SO_FAR = re.compile(r"`{0,2}|```[\w+-]{0,20}\s*+")
_TOOL_FENCES = ("tool_call", "tool_code", "tool")
_FENCES = ("json", "", *_TOOL_FENCES)
"""What a block of code that holds calls may be called. A call in Python is one in the latter only: elsewhere it is
code that was asked for."""


def read_fence(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read blocks of code that hold nothing but calls and end the text."""
    found: list[Found] = []
    pos = at
    while True:
        fence = _FENCE.match(text, pos)
        if not fence or fence.end() == len(text):
            waits = not final and _FENCE_SO_FAR.fullmatch(text, pos)
            return None if waits else Reading(at + 3)
        label = fence[0].strip("`").strip().lower()
        if label not in _FENCES:
            return Reading(at + 3)
        pos = fence.end()
        while True:
            opens = opens_call(text, pos, names)
            item = read_call(text, pos, names, "fence", final=final) if opens else None
            if item is None and (opens or opens is None) and not final:
                return None
            if item is None or not item.calls:
                return Reading(at + 3)
            if label not in _TOOL_FENCES and any(call.dialect == "python" for call in item.calls):
                return Reading(at + 3)
            found += item.calls
            if len(found) > MOST_CALLS:
                return Reading(item.end, tuple(found))
            pos = end_of(BETWEEN, text, item.end)
            if text.startswith("```", pos) or ends_in(text, pos, "```"):
                break
        if not text.startswith("```", pos):
            return Reading(len(text), tuple(found)) if final else None
        pos += 3
        if final and _AT_END.fullmatch(text, pos):
            return Reading(len(text), tuple(found))
        if not final and (_AT_END_SO_FAR.fullmatch(text, pos) or _FENCE_AGAIN.fullmatch(text, pos)):
            return None
        pos = end_of(SPACE, text, pos)


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
        pos = end_of(BETWEEN, text, pos)
        if ends_in(text, pos, closer):
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
        if len(found) > MOST_CALLS:
            return Reading(pos, tuple(found))


def _read_tagged_json(text: str, at: int, closer: str, names: Names, *, final: bool) -> Reading | None:
    end = end_of_json(text, at, names.held)
    if end is not None and end < 0:
        return Reading(at)
    if end is None:
        if not final:
            return None
        # It does not close, so a quote or a brace is amiss: the tag that closes it says where it ends.
        close = text.find(closer, at)
        if close < 0:
            cut = cut_call(text[at:], names, "tag")
            return Reading(len(text), (cut,)) if cut is not None else Reading(at)
        return Reading(close, calls_in(text[at:close].strip(), names, "tag"))
    return whole_call(text, at, end, names, "tag", bare_name=True)


# Nothing here is taken back that was taken: of two runs of blanks with nothing between them each could end anywhere.
_FUNCTION = re.compile(r"""<function(?:=|\s++name=)\s*+["']?+([\w.:/-]{1,120}+)["']?+\s*+(?:>|(?=\{))""")
NAME_SO_FAR = r"""\s*+["']?+[\w.:/-]{0,120}+["']?+\s*+"""
_FUNCTION_SO_FAR = re.compile(rf"<function(?:=|\s++name=){NAME_SO_FAR}")
_FUNCTIONS = ("<function=", "<function name=")
_PARAMETER = re.compile(r"""<parameter(?:=|\s++name=)\s*+["']?+([^>"'<]{1,120}?)["']?+\s*+>""")
_PARAMETER_SO_FAR = re.compile(r"""</?(?:[a-z]{0,12}[^>]{0,130})?""")
_PARAMETER_END = "</parameter>"
_FUNCTION_END = "</function>"


def read_function(text: str, at: int, names: Names, *, final: bool) -> Reading | None:
    """Read `<function=name>` with JSON, as Llama 3.1 writes it, or with `<parameter=name>` tags, as Qwen-coder does."""
    head = _FUNCTION.match(text, at)
    if not head:
        waits = _FUNCTION_SO_FAR.fullmatch(text, at) or ends_in(text, at, *_FUNCTIONS)
        return None if waits and not final else Reading(at + 1)
    name = head[1]
    if not names.offers(name):
        return Reading(head.end())
    pos = end_of(SPACE, text, head.end())
    if pos == len(text):
        return Reading(pos, (Found(name, "", "function", whole=False),)) if final else None
    if text[pos] == "{":
        end = end_of_json(text, pos, names.held)
        if end is None and final:
            close = text.find(_FUNCTION_END, pos)
            if close < 0:
                return Reading(len(text), (Found(name, text[pos:], "function", whole=False),))
            return Reading(close + len(_FUNCTION_END), (Found(name, text[pos:close], "function"),))
        if end is None:
            return None
        if end < 0:
            return Reading(pos)
        close = end_of(SPACE, text, end)
        if not final and ends_in(text, close, _FUNCTION_END):
            return None
        call = Found(name, text[pos:end], "function")
        return Reading(close + len(_FUNCTION_END) if text.startswith(_FUNCTION_END, close) else end, (call,))
    return _read_parameters(text, pos, name, final=final)


def _read_parameters(text: str, pos: int, name: str, *, final: bool) -> Reading | None:
    arguments: dict[str, str] = {}
    while True:
        pos = end_of(SPACE, text, pos)
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


_MARK = re.compile(r"✿FUNCTION✿[^\S\n]*+[:：]?+[^\S\n]*+([\w.:/-]{1,120}+)\s*+✿ARGS✿\s*+[:：]?+\s*+")
_MARK_SO_FAR = re.compile(
    r"✿FUNCTION✿[^\S\n]*+[:：]?+[^\S\n]*+[\w.:/-]{0,120}+\s*+(?:✿(?:A(?:R(?:G(?:S)?)?)?)?|✿ARGS✿\s*+[:：]?+\s*+)?"
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
    end = end_of_json(text, head.end(), names.held)
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
