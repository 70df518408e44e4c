"""What servers of Chat Completions do each in their own way: as data, from recorded traffic.

Where nothing was recorded, the source stands beside the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MODEL_NAME = "{model}"
"""In a value: the name of the model that was asked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a server refuses: status, code and text."""

    status: int
    code: str
    text: str
    """With holes: {model}, {asked}, {window}."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a server writes Chat Completions."""

    name: str
    prefix: str
    """Of its path, before "/v1": the stand-in tells by it which server is meant."""

    frame: Mapping[str, Any] = field(default_factory=dict)
    """In every answer and event, beside id, object, created and model."""
    choice: Mapping[str, Any] = field(default_factory=dict)
    """In every choice."""
    reasoning: str = "reasoning_content"
    """The field that holds thoughts."""

    whole: Mapping[str, Any] = field(default_factory=dict)
    """In an answer that is not streamed."""
    message: Mapping[str, Any] = field(default_factory=dict)
    """In its message."""
    content_beside_calls: Literal["null", "empty", "missing"] = "null"
    """What stands for the content of a message that only calls."""
    call_index: bool = False
    """Whether its calls have an index."""

    opening: Mapping[str, Any] | None = field(default_factory=lambda: {"content": ""})
    """The delta of the first event, beside the role; None where the first event brings text already."""
    opening_frame: Mapping[str, Any] = field(default_factory=dict)
    opening_choice: Mapping[str, Any] = field(default_factory=dict)
    null_before_calls: bool = False
    """Whether the first event's content is null where calls follow."""
    opens_with_call: bool = False
    """Whether the first event brings the beginning of the call already, where there is one and no text."""
    text_delta: Mapping[str, Any] = field(default_factory=dict)
    """In the deltas that bring text."""
    thought_delta: Mapping[str, Any] = field(default_factory=dict)
    """In the deltas that bring thoughts."""
    call_delta: Mapping[str, Any] = field(default_factory=dict)
    """In the deltas that bring calls."""
    call_pieces: Literal["after", "with", "whole", "name only"] = "after"
    """Arguments begin in the piece after the one that names the call, or in it, or the call comes whole; "name only"
    is as "after", but the first piece has no arguments at all."""
    later_piece: Mapping[str, Any] = field(default_factory=dict)
    """In the later pieces of a call."""
    later_name: bool = False
    """Whether later pieces repeat the name as empty text."""
    empty_piece: bool = False
    """Whether a piece with nothing but the id again follows the one that names the call."""
    last_delta: Mapping[str, Any] = field(default_factory=dict)
    """The delta that brings the finish."""
    last_after_calls: Mapping[str, Any] | None = None
    """The same after calls; None where there is no difference."""
    last_frame: Mapping[str, Any] = field(default_factory=dict)
    finish_from_start: bool = True
    """Whether events before the last carry `finish_reason: null`."""

    usage_null: bool = False
    """Whether events carry `usage: null` until the count comes."""
    usage_at: Literal["tail", "finish", "both"] = "tail"
    """In an event without choices after the finish, where it was asked for; or, unasked, with the finish; or both."""
    usage_again: str = ""
    """A field of the last event that holds the count once more."""
    tail_frame: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Beside the counts."""
    cached: Literal["always", "if any", "never"] = "never"
    """When cached tokens are told."""
    cached_details: Mapping[str, int] = field(default_factory=dict)
    hit_and_miss: bool = False
    """Whether cached tokens are told in DeepSeek's words too."""
    thought: Literal["always", "if any", "never"] = "if any"
    """When tokens of thinking are told."""
    thought_details: Mapping[str, int] = field(default_factory=dict)

    choices: tuple[str, ...] = ("auto", "none", "required", "object")
    """The forms of `tool_choice` that it takes."""
    choice_refused: str = ""
    """What it says to another."""
    json_object: bool = True
    """Whether it takes `response_format: {"type": "json_object"}`."""
    forced_while_thinking: bool = True
    """Whether a tool can be forced while the model thinks."""
    no_tools: Refusal | None = None
    """How a model that cannot call refuses tools."""
    overflow: Refusal = Refusal(
        400,
        "context_length_exceeded",
        "This model's maximum context length is {window} tokens. However, your messages resulted in {asked} tokens. "
        "Please reduce the length of the messages.",
    )
    checks_calls: bool = False
    """Whether it refuses what its own model wrote, as Groq's `tool_use_failed`."""

    error_fields: tuple[str, ...] = ("message", "type", "param", "code")
    """Of its errors; none of them where the error is only a text."""
    error_code: Literal["code", "status", "type", "null"] = "code"
    """What stands in the code."""
    error_frame: Mapping[str, Any] = field(default_factory=dict)
    """Beside the error."""

    probes: frozenset[str] = frozenset({"/v1/models"})
    """Paths that tell of its models."""
    when_thinking: Mapping[str, Any] = field(default_factory=dict)
    """What of all this is otherwise in an answer that thinks."""


_OLLAMA = frozenset({"/", "/api/version", "/api/tags", "/api/show", "/api/ps", "/v1/models"})
_TIMINGS = {
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
_THINKING_REFUSED = "Thinking mode does not support this tool_choice"
_TOO_LONG = (
    "This model's maximum context length is {window} tokens. However, you requested {asked} tokens ({asked} in the "
    "messages, 0 in the completion). Please reduce the length of the messages or completion."
)

FLAVOURS: dict[str, Flavour] = {
    f.name: f
    for f in (
        Flavour(
            "openai",
            "",
            frame={"service_tier": "default", "system_fingerprint": "fp_standin"},
            choice={"logprobs": None},
            message={"refusal": None, "annotations": []},
            opening={"content": "", "refusal": None},
            null_before_calls=True,
            opens_with_call=True,
            usage_null=True,
            cached="always",
            cached_details={"audio_tokens": 0},
            thought="always",
            thought_details={
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            probes=_OLLAMA,
        ),
        Flavour(
            "lmstudio",
            "/lmstudio",
            frame={"system_fingerprint": MODEL_NAME},
            choice={"logprobs": None},
            whole={
                "stats": {
                    "tokens_per_second": 33.5,
                    "time_to_first_token": 0.2,
                    "generation_time": 0.8,
                    "stop_reason": "stop",
                },
                "model_info": {
                    "arch": "standin",
                    "quant": "Q4_K_M",
                    "format": "gguf",
                    "context_length": 131072,
                },
                "runtime": {"name": "standin", "version": "1.30.1", "supported_formats": ["gguf"]},
            },
            content_beside_calls="missing",
            opening=None,
            text_delta={"role": "assistant"},
            thought_delta={"role": "assistant"},
            # Streamed calls: lmstudio-bug-tracker and LangChain's PR 35414, where a later piece has an empty name.
            call_delta={"role": "assistant"},
            later_piece={"type": "function"},
            later_name=True,
            thought="never",
            choices=("auto", "none", "required"),
            # lmstudio-bug-tracker 670 and 189.
            choice_refused="Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
            json_object=False,
            error_fields=(),
            probes=frozenset({"/v1/models", "/api/v0/models"}),
        ),
        Flavour(
            "vllm",
            "/vllm",
            reasoning="reasoning",
            message={"tool_calls": []},
            content_beside_calls="empty",
            thought_delta={"content": None},
            call_delta={"content": None},
            call_pieces="name only",
            last_delta={"content": ""},
            thought="never",
            # vLLM's page on tool calling.
            no_tools=Refusal(
                400,
                "BadRequestError",
                '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            ),
            overflow=Refusal(400, "BadRequestError", _TOO_LONG),
            error_code="status",
            probes=frozenset({"/v1/models", "/health", "/version"}),
        ),
        Flavour(
            "llamacpp",
            "/llamacpp",
            frame={"system_fingerprint": "b10499-standin"},
            whole={"timings": _TIMINGS},
            content_beside_calls="empty",
            opening={"content": None},
            call_pieces="with",
            tail_frame={"timings": _TIMINGS},
            cached="always",
            thought="never",
            no_tools=Refusal(500, "server_error", "tools param requires --jinja flag"),
            overflow=Refusal(
                400,
                "exceed_context_size_error",
                "request ({asked} tokens) exceeds the available context size ({window} tokens), try increasing it",
            ),
            error_fields=("code", "message", "type"),
            error_code="status",
            probes=frozenset({"/v1/models", "/props", "/health"}),
        ),
        Flavour(
            "groq",
            "/openai",
            frame={"system_fingerprint": "fp_standin"},
            choice={"logprobs": None},
            reasoning="reasoning",
            whole={
                "usage_breakdown": None,
                "x_groq": {"id": "req_standin", "seed": 1},
                "service_tier": "on_demand",
            },
            content_beside_calls="missing",
            null_before_calls=True,
            opening_frame={"x_groq": {"id": "req_standin", "seed": 1}},
            thought_delta={"channel": "analysis"},
            call_pieces="whole",
            last_frame={"x_groq": {"id": "req_standin"}},
            usage_at="both",
            usage_again="x_groq",
            tail_frame={"service_tier": "on_demand"},
            usage={"queue_time": 0.05, "prompt_time": 0.02, "completion_time": 0.09, "total_time": 0.11},
            cached="if any",
            checks_calls=True,
            error_fields=("message", "type", "code"),
        ),
        Flavour(
            "deepseek",
            "/deepseek",
            frame={"system_fingerprint": "fp_standin"},
            choice={"logprobs": None},
            content_beside_calls="empty",
            opening={"content": None, "reasoning_content": ""},
            text_delta={"reasoning_content": None},
            thought_delta={"content": None},
            last_delta={"content": "", "reasoning_content": None},
            usage_null=True,
            usage_at="finish",
            cached="always",
            hit_and_miss=True,
            forced_while_thinking=False,
            overflow=Refusal(400, "invalid_request_error", _TOO_LONG),
            error_code="type",
        ),
        Flavour(
            "ollama",
            "/ollama",
            frame={"system_fingerprint": "fp_ollama"},
            reasoning="reasoning",
            content_beside_calls="empty",
            call_index=True,
            opening=None,
            text_delta={"role": "assistant"},
            thought_delta={"role": "assistant", "content": ""},
            call_delta={"role": "assistant", "content": ""},
            call_pieces="whole",
            last_delta={"role": "assistant", "content": ""},
            thought="never",
            no_tools=Refusal(400, "", "registry.ollama.ai/library/{model} does not support tools"),
            overflow=Refusal(400, "", "prompt too long; exceeded max context length by {over} tokens"),
            error_code="null",
            probes=_OLLAMA,
        ),
        Flavour(
            "dashscope",
            "/compatible-mode",
            content_beside_calls="empty",
            call_index=True,
            opening_choice={"logprobs": None},
            opens_with_call=True,
            text_delta={"role": None},
            call_delta={"content": "", "role": None},
            later_piece={"id": "", "type": "function"},
            empty_piece=True,
            last_delta={"content": "", "role": None},
            last_after_calls={},
            finish_from_start=False,
            usage_null=True,
            cached="always",
            forced_while_thinking=False,
            overflow=Refusal(
                400,
                "invalid_parameter_error",
                "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, {window}]",
            ),
            error_frame={"request_id": "standin"},
            # As qwen3-max writes; the rest above is qwen-turbo's way.
            when_thinking={
                "frame": {"system_fingerprint": None},
                "choice": {"logprobs": None},
                "opening": {"content": None, "reasoning_content": ""},
                "text_delta": {"reasoning_content": None},
                "thought_delta": {"content": None},
                "last_delta": {"content": "", "reasoning_content": None},
                "finish_from_start": True,
            },
        ),
    )
}
