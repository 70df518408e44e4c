"""Facts about families of models and about servers, kept as data.

What a model emits and takes wherever it is served is its `Family`; what a server accepts whatever it serves is its
`Server`. Qwen runs on Ollama too: the two are asked for apart, and nobody decides by a piece of a name elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Thinking = Literal["never", "always", "switch"]


@dataclass(frozen=True, slots=True)
class Family:
    """What a family of models emits and takes, wherever it is served."""

    name: str
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The output limit's name in Chat Completions: models that reason refuse `max_tokens`."""
    takes_sampling: bool = True
    """Whether temperature, top_p and stop are accepted."""
    api: Literal["chat", "responses"] = "chat"
    """Which of OpenAI's two protocols it is asked by, on OpenAI's own server."""
    tools: bool = True
    """Whether it was trained to call tools; else it is told of them in text."""
    parallel: bool = True
    """Whether one answer may hold several calls."""
    vision: bool = False
    audio: bool = False
    video: bool = False
    thinking: Thinking = "never"
    opens_in_thought: bool = False
    """Whether its template opens the thought itself, so that the first tag of an answer is the closing one."""
    context: int | None = None
    """Tokens of the window, question and answer together."""
    output: int | None = None
    """Tokens that one answer may have at most."""
    tokens: str = "o200k"
    """Whose counts its tokenizer follows: a name in tokens.py."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a server accepts, whatever model it serves."""

    name: str
    tool_choice: frozenset[str] = frozenset({"auto", "none", "required", "named"})
    """The forms it takes; the others are emulated."""
    output: frozenset[str] = frozenset({"json_object", "json_schema"})
    """The forms of `response_format` that it takes."""
    strict: bool = False
    """Whether schemas may be sent as strict, and must then keep OpenAI's rules."""
    inline_defs: bool = True
    """Whether `$defs` are written out before a schema is sent."""
    one_system: bool = False
    """Whether it takes one system message only, the first."""
    media_urls: bool = True
    """Whether it fetches an address itself; else it gets bytes."""
    thinking: Literal["", "enable_thinking", "reasoning_effort", "chat_template_kwargs", "think"] = ""
    """The field that switches thinking; "" where there is none."""
    stream_usage: bool = True
    """Whether it knows `stream_options`."""


_REASONS = {"limit_name": "max_completion_tokens", "takes_sampling": False, "thinking": "always"}

FAMILIES: tuple[tuple[re.Pattern[str], Family], ...] = (
    (re.compile(r"(?:o[134]|gpt-[5-9]|codex)(?:[-.].*)?$"), Family("gpt-reasoning", **_REASONS)),  # type: ignore[arg-type]  # mypy reads one type for all values
    (re.compile(r"gpt-"), Family("gpt", "max_completion_tokens", vision=True, context=128_000)),
)
_DEFAULT = Family("unknown")

SERVERS: dict[str, Server] = {
    "openai": Server("openai", strict=True, inline_defs=False, thinking="reasoning_effort")
}
_COMPATIBLE = Server("compatible")


def family_of(name: str) -> Family:
    """Return the facts about a model's family, by the model's name without the provider."""
    bare = name.lower().rsplit("/", 1)[-1]
    return next((family for pattern, family in FAMILIES if pattern.match(bare)), _DEFAULT)


def server_of(url: str) -> Server:
    """Return the facts about the server behind a base URL, by its host and port."""
    if (urlsplit(url).hostname or "").endswith("api.openai.com"):
        return SERVERS["openai"]
    return _COMPATIBLE


OLLAMA_WINDOW = 16_384
"""Tokens asked of Ollama as `num_ctx`. Its own default of 4,096 cuts a longer prompt without a word; a constant
value keeps the model loaded between calls."""
