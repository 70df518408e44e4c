"""POST /v1/responses: OpenAI's newer protocol, an answer as a list of items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.loose import items, mapping, mappings
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import (
    CREATED,
    REQUEST_ID,
    argument_text,
    call_id,
    count,
    cut_up,
    dressed,
    error_type,
    to_json,
)

_TOOL_USAGE = {
    "image_gen": {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "total_tokens": 0,
    },
    "web_search": {"num_requests": 0},
}
"""Every answer tells what OpenAI's own tools took."""
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Events:
    """The events so far, numbered."""

    line: Line
    out: list[bytes] = field(default_factory=list)

    def add(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "sequence_number": len(self.out)} | fields
        self.out.append(dressed(f"event: {kind}\ndata: ".encode() + to_json(event) + b"\n\n", self.line))


class ResponsesWire:
    """Responses."""

    content_type = "text/event-stream; charset=utf-8"
    headers = REQUEST_ID

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without a stream."""
        return to_json(
            self._response(asked, line, self._items(asked, line)) | {"billing": {"payer": "developer"}}
        )

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the events of a stream: each item is announced, told in pieces, and told whole."""
        made = self._items(asked, line)
        events = _Events(line)
        began = self._response(asked, line, [], status="in_progress")
        events.add("response.created", response=began)
        events.add("response.in_progress", response=began)
        for index, item in enumerate(made):
            if item["type"] == "reasoning":
                self._stream_reasoning(events, index, item)
            elif item["type"] == "message":
                self._stream_message(events, index, item)
            else:
                self._stream_call(events, index, item)
        if "no_finish" not in line.quirks:
            ended = self._response(asked, line, made)
            events.add(f"response.{ended['status']}", response=ended)
        return events.out

    def error(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body of an error."""
        error = {"message": message, "type": error_type(status, code), "param": param, "code": code or None}
        return to_json({"error": error | dict(more or {})})

    def error_event(self, code: str, message: str, *, more: Mapping[str, Any] | None = None) -> bytes:
        """Return an error in the middle of a stream: the event "error", and then "response.failed"."""
        code = code or "server_error"
        error = {"type": code, "code": code, "message": message, "param": None, **(more or {})}
        first = {"type": "error", "sequence_number": 0, "error": error}
        failed = {
            "type": "response.failed",
            "sequence_number": 1,
            "response": self._frame({}, "failed") | {"error": {"code": code, "message": message}},
        }
        return b"".join(f"event: {e['type']}\ndata: ".encode() + to_json(e) + b"\n\n" for e in (first, failed))

    def _items(self, asked: Asked, line: Line) -> list[dict[str, Any]]:
        body = mapping(asked.body)
        made: list[dict[str, Any]] = []
        cut = line.finish in _INCOMPLETE
        if line.reasoning:
            summary = [{"type": "summary_text", "text": line.reasoning}]
            wanted = mapping(body.get("reasoning")).get("summary")
            item: dict[str, Any] = {
                "id": "rs_standin",
                "type": "reasoning",
                "content": [],
                "summary": summary if wanted else [],
            }
            if "reasoning.encrypted_content" in items(body.get("include")):
                item["encrypted_content"] = line.encrypted
            made.append(item)
        if line.text or not line.calls:
            part = {"type": "output_text", "annotations": [], "logprobs": [], "text": line.text}
            made.append(
                {
                    "id": "msg_standin",
                    "type": "message",
                    "status": "incomplete" if cut and not line.calls else "completed",
                    "content": [part],
                    "role": "assistant",
                }
            )
        for i, (name, arguments) in enumerate(line.calls):
            last = i == len(line.calls) - 1
            made.append(
                {
                    "id": f"fc_standin_{i + 1}",
                    "type": "function_call",
                    "status": "incomplete" if cut and last else "completed",
                    "arguments": argument_text(arguments),
                    "call_id": call_id(line, i),
                    "name": name,
                }
            )
        return made

    def _stream_reasoning(self, events: _Events, index: int, item: dict[str, Any]) -> None:
        where: dict[str, Any] = {"item_id": item["id"], "output_index": index}
        events.add("response.output_item.added", output_index=index, item=item | {"summary": []})
        for number, part in enumerate(item["summary"]):
            at = where | {"summary_index": number}
            events.add("response.reasoning_summary_part.added", **at, part=part | {"text": ""})
            for piece in cut_up(part["text"], events.line.pieces):
                events.add("response.reasoning_summary_text.delta", **at, delta=piece, obfuscation="standin")
            events.add("response.reasoning_summary_text.done", **at, text=part["text"])
            events.add("response.reasoning_summary_part.done", **at, part=part)
        events.add("response.output_item.done", output_index=index, item=item)

    def _stream_message(self, events: _Events, index: int, item: dict[str, Any]) -> None:
        begun = item | {"status": "in_progress", "content": []}
        part = item["content"][0]
        at: dict[str, Any] = {"item_id": item["id"], "output_index": index, "content_index": 0}
        events.add("response.output_item.added", output_index=index, item=begun)
        events.add("response.content_part.added", **at, part=part | {"text": ""})
        for piece in cut_up(part["text"], events.line.pieces):
            events.add("response.output_text.delta", **at, delta=piece, logprobs=[], obfuscation="standin")
        events.add("response.output_text.done", **at, text=part["text"], logprobs=[])
        events.add("response.content_part.done", **at, part=part)
        events.add("response.output_item.done", output_index=index, item=item)

    def _stream_call(self, events: _Events, index: int, item: dict[str, Any]) -> None:
        begun = item | {"status": "in_progress", "arguments": ""}
        at: dict[str, Any] = {"item_id": item["id"], "output_index": index}
        events.add("response.output_item.added", output_index=index, item=begun)
        for piece in cut_up(item["arguments"], events.line.pieces):
            events.add("response.function_call_arguments.delta", **at, delta=piece, obfuscation="standin")
        events.add("response.function_call_arguments.done", **at, arguments=item["arguments"])
        events.add("response.output_item.done", output_index=index, item=item)

    def _response(
        self, asked: Asked, line: Line, items: list[dict[str, Any]], *, status: str = ""
    ) -> dict[str, Any]:
        body = mapping(asked.body)
        reason = _INCOMPLETE.get(line.finish)
        status = status or ("incomplete" if reason else "completed")
        frame = self._frame(body, status) | {"output": items}
        if status == "in_progress" or "no_usage" in line.quirks:
            return frame
        counts = count(asked, line)
        usage = {
            "input_tokens": counts.input,
            "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": 0},
            "output_tokens": counts.output,
            "output_tokens_details": {"reasoning_tokens": counts.reasoning},
            "total_tokens": counts.total,
        }
        return frame | {"incomplete_details": {"reason": reason} if reason else None, "usage": usage}

    def _frame(self, body: Mapping[str, Any], status: str) -> dict[str, Any]:
        """Return a response without its items: most of what was asked is said again."""
        how, text = mapping(body.get("reasoning")), mapping(body.get("text"))
        form = dict(mapping(text.get("format")) or {"type": "text"})
        if form.get("type") == "json_schema":
            form = {"description": None} | form
        return {
            "id": "resp_standin",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": False,
            "completed_at": CREATED + 1 if status == "completed" else None,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": None,
            "model": body.get("model", ""),
            "moderation": None,
            "output": [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "presence_penalty": 0.0,
            "previous_response_id": body.get("previous_response_id"),
            "prompt_cache_key": None,
            "prompt_cache_retention": "24h",
            "reasoning": {
                "context": "current_turn",
                "effort": how.get("effort"),
                "mode": "standard",
                "summary": how.get("summary"),
            },
            "safety_identifier": None,
            "service_tier": "default",
            "store": body.get("store", True),
            "temperature": _number(body.get("temperature")),
            "text": {"format": form, "verbosity": text.get("verbosity", "medium")},
            "tool_choice": body.get("tool_choice", "auto"),
            "tool_usage": _TOOL_USAGE,
            "tools": [
                {"description": None, "strict": True, "output_schema": None} | dict(t)
                for t in mappings(body.get("tools"))
            ],
            "top_logprobs": 0,
            "top_p": _number(body.get("top_p")),
            "truncation": body.get("truncation", "disabled"),
            "usage": None,
            "user": None,
            "metadata": body.get("metadata") or {},
        }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 1.0
