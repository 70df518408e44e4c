"""What servers refuse that a request cannot do without: read from their words, and asked for by other means.

A parameter that can be left out is the business of lessons.py. What is here bears the meaning of a request: its tools,
the tool that must be called, the form of the answer.
"""

from __future__ import annotations

import re
from typing import Literal

from agentsdk.errors import (
    AgentError,
    ContextOverflow,
    InvalidRequest,
    ModelError,
    ModelNotFound,
    Overloaded,
    UnsupportedMedia,
)

Refusable = Literal["tools", "tool_choice", "choice while thinking", "json_schema"]

EARLY: tuple[Refusable, ...] = ("tools", "choice while thinking", "json_schema")
"""What is looked for before a lesson is; a lesson may find a form of `tool_choice` that is taken."""

_CANNOT = (
    r"(?:not (?:currently |yet )?(?:supported|available|allowed|permitted|implemented|enabled|accepted)|"
    r"unsupported|unavailable|(?:does|do|is|are) not support|enabled only|unknown variant|"
    r"(?:must (?:either )?|input should )be (?:one of (?!the )|['\"`]?(?:text|json_object|auto|none)))"
)
"""How a server says that it does not have something."""
_DOES_NOT_TAKE = (
    r"(?:(?:does|do) not (?:support|accept|allow)|(?:unknown|unsupported|unrecognized|unexpected) "
    r"(?:request )?(?:parameter|argument|field|value)s?(?: supplied)?:?|arguments? not supported[^.:]{0,30}:)"
)


def _refused(subject: str) -> str:
    """Return the pattern of a sentence that says of something that the server does not have it."""
    return rf"(?:{subject})[^.!]{{0,80}}\b{_CANNOT}|{_DOES_NOT_TAKE} \W?(?:the |this |a )?\W?(?:{subject})(?! schema)"


_FORM = r"response[_ ]format(?:\.type)?|json_schema|structured outputs?\b"

_SAID: dict[Refusable, re.Pattern[str]] = {
    # Ollama; vLLM; llama.cpp; OpenRouter; others as they put it.
    "tools": re.compile(
        r"does not support (?:tools?|functions?)\b(?! choice)|enable-auto-tool-choice|requires? --jinja|"
        r"support tool use|"
        r"(?:tools?|tool use|function calling)\W+(?:is|are) not (?:supported|enabled)(?! (?:when|while|together)\b)",
        re.IGNORECASE,
    ),
    # DeepSeek; DashScope; DashScope's JSON mode (adapters.md 1.4).
    "choice while thinking": re.compile(
        r"(?=.*(?:not support|unsupported|not allowed|cannot|can't))"
        r"(?:.*thinking mode.*tool_choice|.*tool_choice.*thinking mode|.*enable_thinking is true)",
        re.IGNORECASE | re.DOTALL,
    ),
    "json_schema": re.compile(_refused(_FORM), re.IGNORECASE),
    "tool_choice": re.compile(
        rf"invalid tool_choice type|tool_choice\W.{{0,30}}must (?:either )?be a |{_refused('tool_choice')}",
        re.IGNORECASE,
    ),
}
_OF_THE_CALLER = re.compile(
    r"invalid (?:json )?schema|schema\b.{0,40}\b(?:is|was) (?:invalid|not valid)|temporar|try again|overload|"
    r"at (?:the|this) (?:moment|time)|too many|in context=|keyword|additionalproperties|\b(?:one|any|all)of\b|\$ref",
    re.IGNORECASE,
)
"""What says of the caller's own schema that it is wrong, or of a moment that it is a bad one."""

_STATUSES = frozenset({None, 200, 400, 404, 422, 501})
"""What refusals come with; None and 200 where they come inside an answer."""

_FAILED: dict[Refusable, re.Pattern[str]] = {
    "tools": re.compile(r"requires? --jinja|does not support tools", re.IGNORECASE),
    "json_schema": re.compile(r"response_format\b.{0,20}must be one of", re.IGNORECASE),
}
"""What llama.cpp and Ollama refuse as if they had failed (500)."""


def is_refusal(fault: AgentError) -> bool:
    """Whether an error says something of the request, and not of the moment or the account."""
    if isinstance(fault, ContextOverflow | UnsupportedMedia):
        return False
    if isinstance(fault, InvalidRequest):
        return fault.status in _STATUSES
    # OpenRouter has no server with tools (404); some say by 501 what they have not built.
    return (isinstance(fault, ModelNotFound) and fault.status == 404) or (
        isinstance(fault, Overloaded) and fault.status == 501
    )


def says(what: Refusable, fault: AgentError) -> bool:
    """Return whether an error may mean that a server refuses this; that it was asked for is for the caller to see."""
    if not isinstance(fault, ModelError) or _OF_THE_CALLER.search(fault.why):
        return False
    if is_refusal(fault):
        return _SAID[what].search(fault.why) is not None
    failed = isinstance(fault, InvalidRequest | Overloaded) and fault.status == 500
    return failed and what in _FAILED and _FAILED[what].search(fault.why) is not None
