"""The three wire formats: an answer of the script as the bytes that a provider would send.

The shapes are those of recorded traffic: field for field, with fixed ids and times, so that equal scripts give
equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentsdk.testing.standin.script import Line

CREATED = 1_700_000_000
_PIECE = 12
"""Characters of an event's text."""


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pieces(text: str) -> list[str]:
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]


def _counts(body: Mapping[str, Any], line: Line) -> tuple[int, int]:
    """Return made-up token counts: a quarter of the characters, so that they follow what is sent."""
    into = len(json.dumps(body.get("messages") or body.get("input") or "", ensure_ascii=False)) // 4 + 1
    out = (
        len(line.text) + len(line.reasoning) + sum(len(json.dumps(a)) + len(n) for n, a in line.calls)
    ) // 4 + 1
    return into, out


class OpenAIWire:
    """POST /v1/chat/completions."""

    content_type = "text/event-stream; charset=utf-8"

    def whole(self, body: Mapping[str, Any], line: Line) -> bytes:
        """Return the answer to a request without `stream`."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": line.text or None,
            "refusal": None,
            "annotations": [],
        }
        if line.reasoning:
            message["reasoning_content"] = line.reasoning
        if line.calls:
            message["tool_calls"] = [self._call(i, n, a) for i, (n, a) in enumerate(line.calls)]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._finish(line)}
        return _json(
            self._frame(body, "chat.completion") | {"choices": [choice], "usage": self._usage(body, line)}
        )

    def events(self, body: Mapping[str, Any], line: Line) -> list[bytes]:
        """Return the events of a stream."""
        frame = self._frame(body, "chat.completion.chunk")

        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return b"data: " + _json(frame | {"choices": [choice], "usage": None}) + b"\n\n"

        out = [event({"role": "assistant", "content": "" if not line.calls else None, "refusal": None})]
        out += [event({"reasoning_content": p}) for p in _pieces(line.reasoning)]
        out += [event({"content": p}) for p in _pieces(line.text)]
        for i, (name, arguments) in enumerate(line.calls):
            first = self._call(i, name, arguments) | {"index": i}
            text = first["function"]["arguments"]
            first["function"] = {"name": name, "arguments": ""}
            out.append(event({"tool_calls": [first]}))
            for piece in _pieces(text):
                out.append(event({"tool_calls": [{"index": i, "function": {"arguments": piece}}]}))
        out.append(event({}, self._finish(line)))
        if (body.get("stream_options") or {}).get("include_usage"):
            out.append(b"data: " + _json(frame | {"choices": [], "usage": self._usage(body, line)}) + b"\n\n")
        out.append(b"data: [DONE]\n\n")
        return out

    def fault(self, line: Line) -> bytes:
        """Return the body of an error."""
        error = {
            "message": line.message,
            "type": line.code or "server_error",
            "param": None,
            "code": line.code or None,
        }
        return _json({"error": error})

    def _frame(self, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-standin",
            "object": kind,
            "created": CREATED,
            "model": body.get("model", ""),
            "service_tier": "default",
            "system_fingerprint": "fp_standin",
        }

    def _call(self, index: int, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
        return {"id": f"call_standin_{index + 1}", "type": "function", "function": function}

    def _finish(self, line: Line) -> str:
        return line.finish or ("tool_calls" if line.calls else "stop")

    def _usage(self, body: Mapping[str, Any], line: Line) -> dict[str, Any]:
        into, out = _counts(body, line)
        return {
            "prompt_tokens": into,
            "completion_tokens": out,
            "total_tokens": into + out,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": len(line.reasoning) // 4,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


class OllamaWire:
    """POST /api/chat."""

    content_type = "application/x-ndjson"

    def whole(self, body: Mapping[str, Any], line: Line) -> bytes:
        """Return the answer to a request with `stream: false`."""
        return _json(self._frame(body) | {"message": self._message(line)} | self._end(body, line))

    def events(self, body: Mapping[str, Any], line: Line) -> list[bytes]:
        """Return the lines of a stream; calls come whole, as Ollama sends them."""
        frame = self._frame(body)

        def event(message: dict[str, Any], end: dict[str, Any] | None = None) -> bytes:
            return (
                _json(frame | {"message": {"role": "assistant", **message}} | (end or {"done": False})) + b"\n"
            )

        out = [event({"content": "", "thinking": p}) for p in _pieces(line.reasoning)]
        out += [event({"content": p}) for p in _pieces(line.text)]
        if line.calls:
            out.append(event({"content": "", "tool_calls": self._message(line)["tool_calls"]}))
        out.append(event({"content": ""}, self._end(body, line)))
        return out

    def fault(self, line: Line) -> bytes:
        """Return the body of an error."""
        return _json({"error": line.message})

    def _frame(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"model": body.get("model", ""), "created_at": "2023-11-14T22:13:20Z"}

    def _message(self, line: Line) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": line.text}
        if line.reasoning:
            message["thinking"] = line.reasoning
        if line.calls:
            message["tool_calls"] = [
                {"id": f"call_standin_{i + 1}", "function": {"index": i, "name": n, "arguments": dict(a)}}
                for i, (n, a) in enumerate(line.calls)
            ]
        return message

    def _end(self, body: Mapping[str, Any], line: Line) -> dict[str, Any]:
        into, out = _counts(body, line)
        return {
            "done": True,
            "done_reason": line.finish or "stop",
            "total_duration": 1_000_000,
            "load_duration": 100_000,
            "prompt_eval_count": into,
            "prompt_eval_duration": 100_000,
            "eval_count": out,
            "eval_duration": 800_000,
        }


class DashScopeWire:
    """POST /api/v1/services/aigc/*/generation."""

    content_type = "text/event-stream;charset=UTF-8"

    def __init__(self, *, parts: bool) -> None:
        self._parts = parts
        """The multimodal path: content is a list of parts."""

    def whole(self, body: Mapping[str, Any], line: Line) -> bytes:
        """Return the answer to a request without the streaming header."""
        message: dict[str, Any] = {"role": "assistant", "content": self._content(line.text)}
        if line.reasoning:
            message["reasoning_content"] = line.reasoning
        if line.calls:
            message["tool_calls"] = [self._call(i, n, a) for i, (n, a) in enumerate(line.calls)]
        return _json(self._frame(body, line, message, self._finish(line), 1.0))

    def events(self, body: Mapping[str, Any], line: Line) -> list[bytes]:
        """Return the events of a stream, as they are recorded: "null" until the end, usage in each, no [DONE]."""
        messages: list[dict[str, Any]] = [
            {"content": self._content(""), "reasoning_content": p} for p in _pieces(line.reasoning)
        ]
        messages += [{"content": self._content(p)} for p in _pieces(line.text)]
        for i, (name, arguments) in enumerate(line.calls):
            first = self._call(i, name, arguments)
            text = first["function"]["arguments"]
            first["function"] = {"name": name, "arguments": ""}
            messages.append({"content": self._content(""), "tool_calls": [first]})
            for piece in _pieces(text):
                more = {"index": i, "id": "", "type": "function", "function": {"arguments": piece}}
                messages.append({"content": self._content(""), "tool_calls": [more]})
        messages.append({"content": self._content("")})
        out = []
        for number, message in enumerate(messages, 1):
            last = number == len(messages)
            frame = self._frame(
                body,
                line,
                {"role": "assistant", **message},
                self._finish(line) if last else "null",
                number / len(messages),
            )
            out.append(f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:".encode() + _json(frame) + b"\n\n")
        return out

    def fault(self, line: Line) -> bytes:
        """Return the body of an error."""
        return _json({"code": line.code or "InternalError", "message": line.message, "request_id": "standin"})

    def _frame(
        self, body: Mapping[str, Any], line: Line, message: dict[str, Any], finish: str, share: float
    ) -> dict[str, Any]:
        into, out = _counts(body, line)
        out = max(int(out * share), 1)
        usage = {
            "input_tokens": into,
            "output_tokens": out,
            "total_tokens": into + out,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        choice = {"message": message, "finish_reason": finish}
        return {"output": {"choices": [choice]}, "usage": usage, "request_id": "standin"}

    def _content(self, text: str) -> Any:
        return [{"text": text}] if self._parts else text

    def _call(self, index: int, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
        return {"index": index, "id": f"call_standin_{index + 1}", "type": "function", "function": function}

    def _finish(self, line: Line) -> str:
        return line.finish or ("tool_calls" if line.calls else "stop")


Wire = OpenAIWire | OllamaWire | DashScopeWire
