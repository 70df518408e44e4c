"""Judges the text and the thoughts of a line: nothing lost, nothing leaked, nothing gone but the calls that were read."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tests.conformance.truth import Truth, bare, squashed

MARKS = re.compile(
    r"<tool_call|<\|python_tag\|>|<function|<invoke|✿FUNCTION|\[TOOL_CALLS\]|\"(?:name|function|tool)\"\s*:|\w+\([^)]*=|"
    r"\.call\(|<tool▁|<\|tool|<\|channel\|>commentary",
)
"""What a text may hold where a call could be read out of it."""
_CALL_WORDS = (
    "arguments", "parameters", "parameter", "functions", "function", "invoke", "tool", "calls", "call", "name", "type",
    "args", "arg", "key", "value", "string", "python", "tag", "json", "id", "begin", "end", "sep", "section", "null",
    "true", "false", "none", "argument", "minimax", "recipient", "uses", "use", "code", "start", "assistant", "channel",
    "commentary", "message", "constrain", "default", "api", "input", "xml", "result", "return", "to",
)  # fmt: skip
"""What models write around a call, beside the call's own words."""
_SLACK = 3
"""Letters that may go with a call all the same: single ones, and the ends of words in another form."""
_TAG = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)


def of_texts(truth: Truth, line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what counts in the text and the thoughts of a line: the total, and why."""
    text, reasoning = line.get("text") or "", line.get("reasoning") or ""
    thought = squashed(truth.thought)
    if _is_tangled(truth):
        yield from _of_tangle(truth, text, reasoning, parted=bool(_all_calls(line) or line.get("error")))
        return
    if re.search(r"</?think(?:ing)?>", text, re.IGNORECASE) and truth.said.strip() != text.strip():
        yield "reasoning_leaked", "a tag of thoughts stands in the text"
    if len(thought) > 20 and thought in squashed(text):  # a short one may be the answer as well
        yield "reasoning_leaked", "the thoughts stand in the text"
    elif bare(reasoning) != bare(thought):
        yield (
            "reasoning_leaked",
            f"{len(thought)} characters were thought, {len(squashed(reasoning))} delivered",
        )
    if line.get("error"):
        return
    said = squashed(truth.row.get("text", truth.said))
    if "text" not in truth.row and MARKS.search(truth.said):
        if not _without_calls(bare(said), bare(text), tuple(map(_words, _all_calls(line)))):
            yield "text_differs", f"{text[:150]!r} is not {said[:150]!r} without its calls"
    elif squashed(text) != said:
        yield "text_differs", f"{text[:150]!r} instead of {said[:150]!r}"


def _all_calls(line: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(line.get("calls") or []), *(line.get("invalid_calls") or [])]


def _words(call: Mapping[str, Any]) -> frozenset[str]:
    """Return the words that a call is made of: its name whole, and those of its keys and values."""
    rest = (
        json.dumps(call.get("arguments"), ensure_ascii=False)
        + str(call.get("raw") or "")
        + str(call.get("name"))
    )
    plain = re.sub(r"\\u[0-9a-fA-F]{4}|\\.", " ", rest).casefold()
    return frozenset(w for w in re.findall(r"[^\W_]+", plain) if len(w) > 1)


@lru_cache(maxsize=256)
def _without_calls(said: str, text: str, calls: tuple[frozenset[str], ...]) -> bool:
    """Return whether a text is what was said without spans that are calls that were read, and nothing else."""
    if said == text:
        return True
    blocks = difflib.SequenceMatcher(None, said, text, autojunk=False).get_matching_blocks()
    if not calls or sum(block.size for block in blocks) != len(text):
        return False
    words = sorted({*_CALL_WORDS, *(w for call in calls for w in call)}, key=len, reverse=True)
    of_calls = re.compile("|".join(map(re.escape, words)))
    at = 0
    for block in blocks:  # the last one is empty, at the end
        gone = re.sub(r"\\u[0-9a-fA-F]{4}|\\.", "", said[at : block.a]).casefold()
        if len(re.sub(r"[\W\d_]", "", of_calls.sub("", gone))) > _SLACK:
            return False
        at = block.a + block.size
    return True


def _is_tangled(truth: Truth) -> bool:
    """Return whether there are marks of thoughts left that the simple rules do not part: several blocks, channels."""
    return bool(re.search(r"</?think(?:ing)?>|<\|channel\|>", truth.said, re.IGNORECASE))


def _of_tangle(truth: Truth, text: str, reasoning: str, *, parted: bool) -> Iterator[tuple[str, str]]:
    if re.search(r"<\|(?:channel|message)\|>", text):
        yield "reasoning_leaked", "a mark of a channel stands in the text"
    for block in re.finditer(
        r"<think(?:ing)?>(.*?)</think(?:ing)?>", truth.wire.content, re.IGNORECASE | re.DOTALL
    ):
        # Marks that are shown with their tags were quoted; without them they would pass for the answer.
        thought, shown = (
            bare(block[1]),
            bare(re.sub(r"<(think(?:ing)?)>.*?</\1>", "", text, flags=re.IGNORECASE | re.DOTALL)),
        )
        if len(thought) > 12 and thought in shown:
            yield "reasoning_leaked", "the thoughts of a block stand in the text"
        elif thought not in bare(reasoning) and thought not in bare(text):
            yield "reasoning_leaked", "the thoughts of a block are lost"
    if not (parted or truth.wire.cut or "<|channel|>" in truth.wire.content):
        given = Counter(bare(_TAG.sub("", text + reasoning)))
        if given != Counter(bare(_TAG.sub("", truth.wire.content + truth.wire.thoughts))):
            yield "text_differs", "text and thoughts together are not all that stands on the wire"
    for total, said in (("text_differs", text), ("reasoning_leaked", reasoning)):
        rest = iter(bare(truth.wire.content + truth.wire.thoughts))
        if total == "reasoning_leaked":
            rest = iter(bare(truth.wire.thoughts + truth.wire.content))
        if not all(letter in rest for letter in bare(said)):
            yield total, f"{said[:150]!r} is no part of the wire's"
