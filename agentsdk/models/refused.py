"""What servers refused that a request cannot do without: learned by address and model, and asked for by other means.

A parameter that can be left out is the business of lessons.py. What is here bears the meaning of a request: its tools,
the tool that must be called, the form of the answer.
"""

from __future__ import annotations

import re
from typing import Literal

Refusable = Literal["tools", "tool_choice", "choice while thinking", "json_schema"]

EARLY: tuple[Refusable, ...] = ("tools", "choice while thinking", "json_schema")
"""What is looked for before a lesson is; a lesson may find a form of `tool_choice` that is taken."""

_SAID: dict[Refusable, re.Pattern[str]] = {
    # Ollama; vLLM; llama.cpp; OpenRouter; others as they put it.
    "tools": re.compile(
        r"does not support (?:tools|function|tool)|enable-auto-tool-choice|requires? --jinja|support tool use|"
        r"(?:tools?|tool use|function calling)\W+(?:is|are) not (?:supported|enabled)",
        re.IGNORECASE,
    ),
    # DeepSeek; DashScope; DashScope's JSON mode (adapters.md 1.4).
    "choice while thinking": re.compile(
        r"thinking mode.*tool_choice|tool_choice.*thinking mode|enable_thinking is true", re.IGNORECASE
    ),
    "json_schema": re.compile(r"response_format|json_schema|structured outputs?\b", re.IGNORECASE),
    "tool_choice": re.compile(r"tool_choice", re.IGNORECASE),
}

_learned: dict[tuple[str, str], frozenset[Refusable]] = {}


def says(what: Refusable, text: str) -> bool:
    """Return whether a server's text may mean that it refuses this; that it was asked for is for the caller to see."""
    return _SAID[what].search(text) is not None


def refused_at(url: str, model: str) -> frozenset[Refusable]:
    """Return what was refused at an address, of a model."""
    return _learned.get((url, model), frozenset())


def remember(what: Refusable, url: str, model: str) -> frozenset[Refusable]:
    """Remember that something is refused, and return all that is."""
    _learned[(url, model)] = refused_at(url, model) | {what}
    return _learned[(url, model)]
