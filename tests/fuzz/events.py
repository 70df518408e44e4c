"""Draws the events of an answer in each protocol, in the shape of recorded ones, and spoils some of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.texts import ALL, NAMES, pieces, text
from tests.fuzz.values import dumped, raw, spoilt, value

USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 3},
         "completion_tokens_details": {"reasoning_tokens": 2}}  # fmt: skip
SPENT = {
    "input_tokens": 9,
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}
ERRORS: tuple[dict[str, Any], ...] = (
    {"error": {"message": "Rate limit reached. Please try again in 1m2.5s.", "type": "tokens", "code": "rate_limit_exceeded"}},
    {"error": {"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", "code": "context_length_exceeded"}},
    {"error": {"message": "The model `x` does not exist", "code": "model_not_found", "param": None}},
    {"error": {"message": "Failed to call a function.", "code": "tool_use_failed", "failed_generation": '{"name": "add", "arguments": {"x": 1}}'}},
    {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
    {"error": "llama runner process has terminated"},
    {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded.", "request_id": "r1"},
    {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."},
    {"message": "the request exceeds the available context size", "object": "error"},
    {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]},
)  # fmt: skip
FINISHES = ("stop", "stop", "tool_calls", "length", "content_filter", None, "null", "error", 5)


def _arguments(chance: Random) -> str:
    made = raw(chance, {"x": chance.randrange(9)})
    return made if isinstance(made, str) else dumped(made)


def _few(chance: Random, said: str) -> list[str]:
    return pieces(chance, said)[:300]


def chat(chance: Random) -> list[Any]:
    """Draw the events of a stream of Chat Completions."""
    field = chance.choice(("reasoning_content", "reasoning", "content"))
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": chance.choice(("", None))}]
    deltas += [{field: piece} for piece in _few(chance, text(chance))]
    if chance.random() < 0.5:
        deltas += [{"content": piece} for piece in _few(chance, text(chance))]
    if chance.random() < 0.5:
        for at in range(chance.randrange(1, 3)):
            first, *rest = _few(chance, _arguments(chance)) or [""]
            named = {
                "index": at,
                "id": f"c{at}",
                "type": "function",
                "function": {"name": chance.choice(NAMES), "arguments": first},
            }
            deltas += [{"tool_calls": [named]}]
            deltas += [{"tool_calls": [{"index": at, "function": {"arguments": piece}}]} for piece in rest]
    events = [_chunk({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
    events.append(
        _chunk({"index": 0, "delta": {}, "finish_reason": chance.choice(FINISHES), "logprobs": {"content": []}})
    )
    events.append({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": USAGE})
    return events


def _chunk(choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": None,
    }


def chat_whole(chance: Random) -> list[Any]:
    """Draw a whole answer of Chat Completions."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text(chance),
        "reasoning": text(chance),
        "refusal": None,
        "annotations": [],
    }
    if chance.random() < 0.5:
        function = {"name": chance.choice(NAMES), "arguments": raw(chance, {"x": 1})}
        message["tool_calls"] = [{"id": "c", "type": "function", "function": function}] * chance.randrange(1, 3)
    if chance.random() < 0.1:
        message["content"] = [
            {"type": "text", "text": text(chance)},
            {"type": "thinking", "thinking": [{"text": "t"}]},
        ]
        message["function_call"] = {"name": "add", "arguments": _arguments(chance)}
        message["audio"] = {"transcript": "said"}
    choice = {"index": 0, "message": message, "finish_reason": chance.choice(FINISHES), "logprobs": None}
    return [
        {
            "id": "1",
            "object": "chat.completion",
            "model": "m",
            "choices": [choice],
            "usage": USAGE,
            "service_tier": "default",
        }
    ]


def responses(chance: Random) -> list[Any]:
    """Draw the events of a stream of Responses."""
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}
    ]
    items: list[dict[str, Any]] = []
    for at in range(chance.randrange(1, 4)):
        made = _item(chance, at)
        items.append(made[-1]["item"])
        events += made
    status = chance.choice(("completed", "completed", "incomplete", "failed"))
    whole = {"id": "r", "model": "m", "status": status, "output": items if chance.random() < 0.8 else [], "usage": SPENT, "error": None,
             "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None}  # fmt: skip
    if status == "failed":
        whole["error"] = {"code": "server_error", "message": "It failed."}
    events.append({"type": f"response.{status}", "response": whole})
    return events


def _item(chance: Random, at: int) -> list[dict[str, Any]]:
    place = {"output_index": at, "item_id": f"i{at}"}
    match chance.randrange(4):
        case 0:
            said = _arguments(chance)
            item: dict[str, Any] = {
                "type": "function_call",
                "id": f"i{at}",
                "call_id": f"c{at}",
                "name": chance.choice(NAMES),
                "arguments": said,
            }
            between = [
                {"type": "response.function_call_arguments.delta", "delta": p, **place}
                for p in _few(chance, said)
            ]
            between.append({"type": "response.function_call_arguments.done", "arguments": said, **place})
        case 1:
            said = text(chance)
            item = {
                "type": "reasoning",
                "id": f"i{at}",
                "summary": [{"type": "summary_text", "text": said}],
                "encrypted_content": "x",
            }
            between = [
                {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": p, **place}
                for p in _few(chance, said)
            ]
            between.append(
                {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": said, **place}
            )
        case 2:
            item = {
                "type": chance.choice(("web_search_call", "custom_tool_call", "x")),
                "id": f"i{at}",
                "name": "add",
                "input": "x",
            }
            between = [{"type": "response.web_search_call.searching", **place}]
        case _:
            said = text(chance)
            item = {
                "type": "message",
                "id": f"i{at}",
                "role": "assistant",
                "content": [{"type": "output_text", "text": said, "annotations": []}],
            }
            between = [
                {"type": "response.output_text.delta", "content_index": 0, "delta": p, **place}
                for p in _few(chance, said)
            ]
            between.append({"type": "response.output_text.done", "content_index": 0, "text": said, **place})
    begun = {k: v for k, v in item.items() if k not in ("content", "summary")} | (
        {"arguments": ""} if "arguments" in item else {}
    )
    return [
        {"type": "response.output_item.added", "item": begun, **place},
        *between,
        {"type": "response.output_item.done", "item": item, **place},
    ]


def responses_whole(chance: Random) -> list[Any]:
    """Draw a whole answer of Responses."""
    return [responses(chance)[-1]["response"]]


def ollama(chance: Random) -> list[Any]:
    """Draw the lines of a stream of Ollama's."""
    messages: list[dict[str, Any]] = [
        {"content": "", "thinking": piece} for piece in _few(chance, text(chance))[:50]
    ]
    messages += [{"content": piece} for piece in _few(chance, text(chance))]
    if chance.random() < 0.5:
        messages.append(
            {
                "content": "",
                "tool_calls": [
                    {"function": {"name": chance.choice(NAMES), "arguments": raw(chance, {"x": 1})}}
                ],
            }
        )
    lines: list[dict[str, Any]] = [
        {"model": "m", "created_at": "t", "message": {"role": "assistant", **m}, "done": False}
        for m in messages
    ]
    lines.append({"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": chance.choice(FINISHES),
                  "prompt_eval_count": 9, "eval_count": 5, "total_duration": 1})  # fmt: skip
    return lines


def dashscope(chance: Random) -> list[Any]:
    """Draw the events of a stream of DashScope's."""
    messages: list[dict[str, Any]] = [
        {"content": "", "reasoning_content": piece} for piece in _few(chance, text(chance))[:50]
    ]
    whole = chance.random() < 0.7
    messages += [{"content": piece if whole else [{"text": piece}]} for piece in _few(chance, text(chance))]
    if chance.random() < 0.5:
        first, *rest = _few(chance, _arguments(chance)) or [""]
        messages.append(
            {
                "content": "",
                "tool_calls": [
                    {"index": 0, "id": "c", "type": "function", "function": {"name": "add", "arguments": first}}
                ],
            }
        )
        messages += [
            {
                "content": "",
                "tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"arguments": p}}],
            }
            for p in rest
        ]
    last = chance.choice(FINISHES)
    events = [{"output": {"choices": [{"message": {"role": "assistant", **m}, "finish_reason": "null"}]}, "usage": SPENT, "request_id": "r"}
              for m in messages]  # fmt: skip
    events.append(
        {
            "output": {"choices": [{"message": {"role": "assistant", "content": ""}, "finish_reason": last}]},
            "usage": SPENT,
            "request_id": "r",
        }
    )
    if chance.random() < 0.05:
        events = [
            {"output": {"text": text(chance), "finish_reason": "stop"}, "usage": SPENT, "request_id": "r"}
        ]
    return events


DRAWN: dict[str, tuple[Callable[[Random], list[Any]], bool]] = {
    "chat stream": (chat, True),
    "chat": (chat_whole, False),
    "responses stream": (responses, True),
    "responses": (responses_whole, False),
    "ollama": (ollama, True),
    "dashscope": (dashscope, True),
}
"""By name: what draws the events, and whether they are those of a stream."""


def drawn(chance: Random, name: str) -> list[Any]:
    """Draw the events of an answer, most of them spoilt somewhere."""
    events = DRAWN[name][0](chance)
    kind = chance.randrange(20)
    if kind < 4:
        return events
    for _change in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(events))
        match chance.randrange(10):
            case 0:
                events = events[:at] + events[at + 1 :] or [{}]
            case 1:
                events.insert(at, events[chance.randrange(len(events))])
            case 2:
                events.insert(
                    at,
                    chance.choice(ERRORS) if chance.random() < 0.5 else spoilt(chance, chance.choice(ERRORS)),
                )
            case 3:
                events[at] = value(chance)
            case _:
                events[at] = spoilt(chance, events[at])
    return events


def lines_of(chance: Random, events: list[Any]) -> list[str]:
    """Return events as lines of JSON, a few of them spoilt."""
    lines = [dumped(event, ascii_=chance.random() < 0.5) for event in events]
    if chance.random() < 0.1:
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(ALL) + lines[at][: chance.randrange(len(lines[at]) + 1)]
    if chance.random() < 0.01:
        lines.append("[" * chance.choice((900, 5_000, 100_000)))
    return lines


def body(chance: Random) -> Any:
    """Draw the body of an error: bytes, text, or JSON."""
    made: Any = chance.choice(ERRORS)
    if chance.random() < 0.7:
        made = spoilt(chance, made)
    match chance.randrange(12):
        case 0:
            return text(chance)
        case 1:
            return text(chance).encode("utf-8", "surrogatepass")
        case 2:
            return "<!DOCTYPE html><title>" + text(chance) + "</title>"
        case 3:
            return dumped(made).encode()
        case 4:
            return json.dumps({"error": {"message": chance.choice(list(_said())) + text(chance)}})
        case 5:
            return '{"error": ' + "[" * chance.choice((100, 900, 3_000)) + "]" * chance.choice((0, 900))
        case 6:
            return value(chance)
        case _:
            return made


def _said() -> list[str]:
    return [
        "try again in 999999h59m",
        "try again in " + "9" * 5_000 + "s",
        "try again in " + "9" * 5_000 + "h",
        "maximum context length is " + "9" * 5_000 + " tokens, requested 1",
        "maximum context length is 8,192 tokens. requested ",
        "request too large for " * 300,
        "sk-" + "a" * 1_000,
        "model " * 50,
    ]
