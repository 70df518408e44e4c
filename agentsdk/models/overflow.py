"""Reads from a refusal that the conversation was too long: how long it was, and how long it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_N = r"(?<![\d,])(\d[\d,]{0,14})"  # not begun anew at each digit of a long one

_PLAIN = (
    r"context_length_exceeded|exceed_context_size|exceeds? the context (?:window|length|limit)|"
    r"max(?:imum)? context length|prompt (?:is )?too long|too many tokens|input is too long|"
    r"exceeds? the available context|exceeds? the (?:model's )?max(?:imum)? (?:input|sequence) length"
)

# One row a wording, with the numbers in the order in which it names them. Recorded, or from the server's source.
_WORDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # OpenAI, DeepSeek, vLLM
    (
        rf"maximum context length (?:is|of) {_N} tokens?.*?(?:requested|resulted in)[^\d]{{1,30}}{_N}",
        ("limit", "asked"),
    ),
    (rf"maximum context length (?:is|of) {_N}", ("limit",)),
    # vLLM
    (rf"{_N} input tokens.*?context length is only {_N}", ("asked", "limit")),
    (rf"prompt \(?(?:length )?{_N}\)? is longer than the maximum model length of {_N}", ("asked", "limit")),
    # llama.cpp
    (rf"request \({_N} tokens?\) exceeds the available context size \({_N}", ("asked", "limit")),
    # Ollama's cloud
    (rf"exceeded max context length by {_N} tokens?", ("over",)),
    # DashScope
    (rf"range of input length should be \[\s*\d+\s*,\s*{_N}\s*\]", ("limit",)),
    # LM Studio
    (rf"keep the first {_N} tokens.*?context length of only {_N}", ("asked", "limit")),
    (r"tokens to keep from the initial prompt is greater than the context length", ()),
    # Anthropic
    (rf"prompt is too long:? {_N} tokens? > {_N}", ("asked", "limit")),
    (rf"input length and `max_tokens` exceed context limit: {_N} \+ \d+ > {_N}", ("asked", "limit")),
    # Google
    (rf"input token count \(?{_N}\)? exceeds the maximum number of tokens allowed \(?{_N}", ("asked", "limit")),
    # xAI
    (rf"maximum prompt length is {_N} but the request contains {_N}", ("limit", "asked")),
    # Moonshot
    (rf"exceeded model token limit:? {_N}", ("limit",)),
    # Zhipu, MiniMax
    (r"prompt\s*超长|输入.{0,10}(?:超长|过长|超过.{0,10}长度)|context window exceeds limit", ()),
    # TGI and MindIE
    (rf"`inputs`.{{0,40}}must be <= {_N}\. given: {_N}", ("limit", "asked")),
    # A request that is larger than a whole minute's tokens: no wait helps, a shorter one does (OpenAI, Groq)
    (rf"request too large for.*?limit {_N},? requested {_N}", ("limit", "asked")),
    (_PLAIN, ()),
)  # fmt: skip
_COMPILED = tuple((re.compile(wording, re.IGNORECASE | re.DOTALL), names) for wording, names in _WORDINGS)


def overflow_in(said: str, body: Any = None) -> dict[str, int] | None:
    """Return "limit", "asked" and "over" in tokens, those that are known; None where nothing was too long.

    Args:
        said: the error's code and message.
        body: the error as JSON: llama.cpp has the numbers in fields of their own.

    """
    said = said[:4000]
    for wording, names in _COMPILED:
        if found := wording.search(said):
            numbers = {
                name: int(text.replace(",", "")) for name, text in zip(names, found.groups(), strict=True)
            }
            break
    else:
        return None
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(error, Mapping):
        for name, field in (("limit", "n_ctx"), ("asked", "n_prompt_tokens")):
            if isinstance(value := error.get(field), int):
                numbers[name] = value
    if "limit" in numbers and "asked" in numbers and numbers["asked"] > numbers["limit"]:
        numbers["over"] = numbers["asked"] - numbers["limit"]
    return numbers
