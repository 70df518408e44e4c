"""POST /v1/chat/completions, in the flavour of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.flavours import FLAVOURS, Flavour
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import (
    CREATED,
    argument_object,
    argument_text,
    call_id,
    count,
    cut_up,
    to_json,
)


@dataclass(frozen=True, slots=True)
class ChatWire:
    """Chat Completions."""

    flavour: Flavour = FLAVOURS["openai"]

    content_type = "text/event-stream; charset=utf-8"

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without a stream."""
        like, thoughts, text = self.flavour, *spoken(line)
        message: dict[str, Any] = {"role": "assistant"}
        if text or not line.calls or like.empty_field:
            message["content"] = text or (like.empty if line.calls else text)
        message.update(like.message)
        if thoughts:
            message[like.reasoning] = thoughts
        if line.calls:
            message["tool_calls"] = [
                self._call(line, i) | ({"index": i} if like.call_index else {}) for i in range(len(line.calls))
            ]
        choice = {"index": 0, "message": message, **like.choice, "finish_reason": self._finish(line)}
        choices = [] if "no_choices" in line.quirks else [choice]
        answer = self._frame(asked, "chat.completion") | {"choices": choices}
        if "no_usage" not in line.quirks:
            answer["usage"] = self._usage(asked, line)
        return to_json({**answer, **like.whole})

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the events of a stream."""
        like, frame = self.flavour, self._frame(asked, "chat.completion.chunk")
        empty: dict[str, Any] = {"usage": None} if like.usage_null else {}

        def event(
            delta: Mapping[str, Any], finish: str | None = None, more: Mapping[str, Any] | None = None
        ) -> bytes:
            choice: dict[str, Any] = {"index": 0, "delta": delta, **like.choice}
            if finish is not None or like.finish_from_start:
                choice["finish_reason"] = finish
            choices = [] if "no_choices" in line.quirks else [choice]
            return data({**frame, "choices": choices, **empty, **(more or {})}, line)

        thoughts, text = spoken(line)
        first = {"role": "assistant", **like.first}
        if line.calls and like.null_before_calls:
            first["content"] = None
        out = [event(first)]
        later = dict(like.later) | ({"role": None} if "null_role" in line.quirks else {})
        out += [event(later | {like.reasoning: p}) for p in cut_up(thoughts, line.pieces)]
        out += [event(later | {"content": p}) for p in cut_up(text, line.pieces)]
        out += [event({**like.beside_calls, "tool_calls": [piece]}) for piece in self._pieces(line)]
        wanted = bool((asked.body.get("stream_options") or {}).get("include_usage")) or like.usage_always
        wanted = wanted and "no_usage" not in line.quirks
        usage = self._usage(asked, line)
        if "no_finish" not in line.quirks:
            more = {"usage": usage} if wanted and like.usage_at == "finish" else None
            out.append(event(like.last, self._finish(line, streamed=True), more))
        if wanted and like.usage_at == "tail":
            out.append(data(frame | {"choices": [], "usage": usage}, line))
        if "no_done" not in line.quirks and "no_finish" not in line.quirks:
            out.append(data("[DONE]", line))
        return out

    def error(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002  # some servers repeat the status
        """Return the body of an error."""
        return to_json({"error": self._error(code, message)})

    def error_event(self, code: str, message: str) -> bytes:
        """Return an error in the middle of a stream."""
        return b"data: " + to_json({"error": self._error(code, message)}) + b"\n\n"

    def _error(self, code: str, message: str) -> dict[str, Any]:
        return {"message": message, "type": code or "server_error", "param": None, "code": code or None}

    def _frame(self, asked: Asked, kind: str) -> dict[str, Any]:
        frame = {"id": "chatcmpl-standin", "object": kind, "created": CREATED, "model": asked.model}
        return {**frame, **self.flavour.frame}

    def _call(self, line: Line, index: int) -> dict[str, Any]:
        name, arguments = line.calls[index]
        given: Any = argument_text(arguments)
        if "object_arguments" in line.quirks:
            given = argument_object(arguments)
        call = {"id": call_id(line, index), "type": "function", "function": {"name": name, "arguments": given}}
        if "no_ids" in line.quirks:
            del call["id"]
        return call

    def _pieces(self, line: Line) -> Iterator[dict[str, Any]]:
        """Yield the pieces of the calls."""
        like, quirks = self.flavour, line.quirks
        for i in range(len(line.calls)):
            call = self._call(line, i)
            at = {} if "no_index" in quirks else {"index": 0 if "one_index" in quirks else i}
            text = call["function"]["arguments"]
            if "whole_calls" in quirks or "object_arguments" in quirks or like.call_pieces == "whole":
                yield at | call
                continue
            parts: Iterator[str] = iter(cut_up(text, line.pieces))
            first: dict[str, Any] = {"name": call["function"]["name"], **like.call_first}
            if like.call_pieces == "with":
                first["arguments"] = next(parts, "")
            yield at | call | {"function": first}
            for piece in parts:
                function: dict[str, Any] = {"arguments": piece}
                more: dict[str, Any] = dict(at)
                if "empty_ids" in quirks or like.empty_ids:
                    more |= {"id": "", "type": "function"}
                    function = ({"name": ""} if "empty_ids" in quirks else {}) | function
                if "repeated_names" in quirks:
                    more.update({k: v for k, v in call.items() if k in ("id", "type")})
                    function = {"name": call["function"]["name"]} | function
                yield more | {"function": function}

    def _finish(self, line: Line, *, streamed: bool = False) -> str:
        if line.finish:
            return line.finish
        if not line.calls or "stop_finish" in line.quirks or (streamed and self.flavour.stop_with_calls):
            return "stop"
        return "tool_calls"

    def _usage(self, asked: Asked, line: Line) -> dict[str, Any]:
        like, counts = self.flavour, count(asked, line)
        usage: dict[str, Any] = {
            "prompt_tokens": counts.input,
            "completion_tokens": counts.output,
            "total_tokens": counts.total,
        }
        if like.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": counts.cached}
            if "audio_tokens" in like.details:
                usage["prompt_tokens_details"]["audio_tokens"] = 0
        if like.thought == "always" or (like.thought == "if any" and counts.reasoning):
            usage["completion_tokens_details"] = {"reasoning_tokens": counts.reasoning, **like.details}
        return {**usage, **like.usage}


def spoken(line: Line) -> tuple[str, str]:
    """Return the thoughts and the text of an answer; with some quirks the thoughts stand in the text."""
    if line.reasoning and "think_tags" in line.quirks:
        return "", f"<think>\n{line.reasoning}\n</think>\n\n{line.text}"
    if line.reasoning and "orphan_think" in line.quirks:
        return "", f"{line.reasoning}\n</think>\n\n{line.text}"
    return line.reasoning, line.text


def data(value: Any, line: Line) -> bytes:
    """Return a server-sent event without a name."""
    event = b"data: " + (value.encode() if isinstance(value, str) else to_json(value)) + b"\n\n"
    return dressed(event, line)


def dressed(event: bytes, line: Line) -> bytes:
    """Return an event as a server writes it that has its own way with lines and comments."""
    if "comments" in line.quirks:
        event = b": keep-alive\n\n" + event
    return event.replace(b"\n", b"\r\n") if "carriage_returns" in line.quirks else event
