"""The words by which providers say why an answer ended, and what each means for the calls in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

Ending = Literal["stop", "tool_calls", "unknown", "length", "filter", "broken"]
"""`unknown` is a word of no list here: the answer may have been cut by it."""

GRAVEST: tuple[Ending, ...] = ("stop", "tool_calls", "unknown", "length", "filter", "broken")
"""The first two say that an answer came to its end; of the others a later one stands over an earlier one."""

_WORDS: dict[Ending, str] = {
    "stop": (
        "stop stopped end endturn pauseturn stopsequence stopstring stopstringfound eos eostoken eosfound"
        " complete completed finished normal load unload"
    ),
    "tool_calls": "toolcalls toolcall tooluse functioncall functioncalls",
    "length": (
        "length maxlength maxtokens maxoutputtokens maxcompletiontokens modellength contextlength tokenlimit"
        " timelimit limit errorlimit incomplete contextlengthexceeded contextlengthreached contextwindowexceeded"
        " modelcontextwindowexceeded maxpredictedtokensreached repetition repetitiontruncation"
    ),
    "filter": (
        "contentfilter contentfiltered filter safety sensitive refusal recitation prohibitedcontent blocklist spii"
        " language imagesafety guardrail guardrailintervened errortoxic moderation"
    ),
    "broken": (
        "error failed networkerror abort aborted cancel cancelled canceled usercancel userstopped preempted timeout"
        " insufficientsystemresource notfinished modelunloaded"
    ),
}
"""In small letters and without what stands between words: OpenAI's, Claude's, Gemini's, Bedrock's, Cohere's, Mistral's,
DeepSeek's, Zhipu's, watsonx's, LM Studio's, and those of the servers of open models."""

_ENDINGS: dict[str, Ending] = {word: ending for ending, words in _WORDS.items() for word in words.split()}


def ending_of(word: Any) -> Ending:
    """Return what a provider's word means; None and "" are none, and mean an end as good as any."""
    if not word:
        return "stop"
    if ending := _ENDINGS.get(word) if isinstance(word, str) else None:
        return ending
    # "FinishReason.MAX_TOKENS", "ContentFilter", "tool-calls"
    last = str(word).rpartition(".")[2]
    return _ENDINGS.get(re.sub(r"[\W_]", "", last.lower()), "unknown")


def word_of(told: Any) -> str | None:
    """Return the word in what a server tells; None where it tells none yet."""
    if isinstance(told, Mapping):  # SGLang's own form
        told = told.get("type")
    return str(told) if told and told != "null" else None
