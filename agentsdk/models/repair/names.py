"""Finds the tool that a wrong name means, where it can mean one only.

A name is folded for what is written around it or how it is spelled; it is never folded from one verb to another:
`get_user` and `set_user` are one letter apart, and a model that is told the names asks again at the price of a call.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable

from agentsdk.messages import Repair

PREFIXES = ("functions", "function", "default_api", "tools", "tool", "multi_tool_use")
"""Name spaces that models put before a name, from the prompts they were trained on."""

_AROUND = re.compile(r"^[\s\"'`]+|(?:\(\))?[\s\"'`]*$")
_CHANNEL = re.compile(r"<\|.*", re.DOTALL)  # gpt-oss lets its own marks run into the name
_NUMBERED = re.compile(r":\d{1,4}$")  # Kimi counts its calls: functions.add:0
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_LONGEST = 256
"""Characters of a name that is looked at; OpenAI allows 64."""


def fold_name(name: str, tools: Iterable[str], fits: Callable[[str], bool]) -> tuple[str, Repair | None]:
    """Return the tool that is meant, and what was mended for that.

    Args:
        name: the name as the model wrote it.
        tools: the names that were offered.
        fits: whether the call's arguments fit a tool; asked only where the name has a slip of the pen.

    Raises:
        ValueError: no tool is meant, or more than one could be; the text lists the names.

    """
    names = list(tools)
    if name in names:
        return name, None
    if len(name) <= _LONGEST:
        bare = bare_name(name)
        for found, doubtful in (
            ([n for n in names if n == bare], False),
            ([n for n in names if n and bare == n * (len(bare) // len(n)) != ""], False),
            ([n for n in names if _plain(n) == _plain(bare) != ""], False),
            ([n for n in names if _near(n, bare)], True),
        ):
            if len(found) == 1 and (not doubtful or fits(found[0])):
                return found[0], Repair("name.folded", f"{name[:100]} became {found[0]}")
            if found:
                break
    known = ", ".join(names) or "-"
    raise ValueError(f"There is no tool called {name[:100]}. The tools are: {known}.")


def bare_name(name: str) -> str:
    """Return a name without what models write around it."""
    bare = _AROUND.sub("", _CHANNEL.sub("", name))
    bare = _NUMBERED.sub("", bare)
    while True:
        space, dot, rest = (
            re.split(r"([.:/])", bare, maxsplit=1) if re.search(r"[.:/]", bare) else (bare, "", "")
        )
        if not dot or space.lower() not in PREFIXES or not rest:
            return bare
        bare = rest


def history_name(name: str) -> str:
    """Return a name as it may stand in a conversation: OpenAI refuses every turn with another one."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64]


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]+", "", name).casefold()


def _words(name: str) -> list[str]:
    return [w.casefold() for w in _WORD.findall(name)]


def _near(name: str, said: str) -> bool:
    """Return whether the words are the same in another order, or each the other's with a slip of the pen."""
    ours, theirs = _words(name), _words(said)
    if not ours or len(ours) != len(theirs):
        return False
    if Counter(ours) == Counter(theirs):
        return True
    return all(a == b or _is_slip(a, b) for a, b in zip(ours, theirs, strict=True))


def _is_slip(a: str, b: str) -> bool:
    return min(len(a), len(b)) >= 4 and a[0] == b[0] and difflib.SequenceMatcher(None, a, b).ratio() >= 0.8
