"""What servers of Chat Completions do otherwise than OpenAI: as data, from recorded traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TIMINGS = {
    "cache_n": 0,
    "prompt_n": 1,
    "prompt_ms": 8.5,
    "prompt_per_token_ms": 8.5,
    "prompt_per_second": 117.6,
    "predicted_n": 1,
    "predicted_ms": 8.5,
    "predicted_per_token_ms": 8.5,
    "predicted_per_second": 117.6,
}
"""llama.cpp tells how long it took, in every answer."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a server writes Chat Completions."""

    name: str
    prefix: str
    """Of its path, before "/v1": the stand-in tells by it which server is meant."""
    reasoning: str = "reasoning_content"
    """The field that holds thoughts."""
    frame: Mapping[str, Any] = field(default_factory=dict)
    """In every answer and event, beside id, object, created and model."""
    whole: Mapping[str, Any] = field(default_factory=dict)
    """In an answer that is not streamed."""
    message: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)
    """In every choice."""
    first: Mapping[str, Any] = field(default_factory=lambda: {"content": ""})
    """In the first event's delta, beside the role."""
    null_before_calls: bool = False
    """Whether the first event's content is null where calls follow."""
    later: Mapping[str, Any] = field(default_factory=dict)
    """In the deltas after it that bring text or thoughts."""
    beside_calls: Mapping[str, Any] = field(default_factory=dict)
    """In deltas that bring calls."""
    last: Mapping[str, Any] = field(default_factory=dict)
    """In the delta that brings the finish."""
    empty: str | None = None
    """The content of a message that has none."""
    empty_field: bool = True
    """Whether a message without content has the field at all."""
    finish_from_start: bool = True
    """Whether events before the last carry `finish_reason: null`."""
    usage_null: bool = False
    """Whether events carry `usage: null` until the count comes."""
    usage_at: Literal["tail", "finish"] = "tail"
    """The count comes after the finish, in an event without choices, or with it."""
    usage_always: bool = False
    """Whether the count comes unasked."""
    cached: bool = False
    """Whether cached tokens are told."""
    details: Mapping[str, int] = field(default_factory=dict)
    """In the details of the answer's tokens, beside those of thinking."""
    thought: Literal["always", "if any", "never"] = "if any"
    """When tokens of thinking are told."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Beside the counts."""
    call_index: bool = False
    """Whether the calls of a whole answer have an index."""
    call_pieces: Literal["after", "with", "whole"] = "after"
    """Arguments begin after the piece that names the call, or with it, or the call comes whole."""
    empty_ids: bool = False
    """Whether later pieces of a call carry an empty id."""
    call_first: Mapping[str, Any] = field(default_factory=lambda: {"arguments": ""})
    """In the function of the piece that names the call."""
    stop_with_calls: bool = False
    """Whether the finish is "stop" beside streamed calls."""
    no_tools: tuple[int, str] | None = None
    """How a model without tools refuses them: status and text, `{model}` for its name."""
    choices: tuple[str, ...] = ("auto", "none", "required", "object")
    """The forms of `tool_choice` that it takes."""
    json_object: bool = True
    """Whether it takes `response_format: {"type": "json_object"}`."""
    error: Literal["openai", "text", "code", "flat", "dashscope"] = "openai"
    """How its errors are written."""
    checks_calls: bool = False
    """Whether it refuses what its own model wrote: Groq's `tool_use_failed`."""
    probes: frozenset[str] = frozenset({"/v1/models"})
    """Paths that tell of its models."""


_OLLAMA = frozenset({"/api/version", "/api/tags", "/api/show", "/api/ps", "/v1/models", "/"})

FLAVOURS: dict[str, Flavour] = {
    f.name: f
    for f in (
        Flavour(
            "openai",
            "",
            frame={"service_tier": "default", "system_fingerprint": "fp_standin"},
            message={"refusal": None, "annotations": []},
            choice={"logprobs": None},
            first={"content": "", "refusal": None},
            null_before_calls=True,
            usage_null=True,
            cached=True,
            thought="always",
            details={"audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
            probes=_OLLAMA,
        ),
    )
}
