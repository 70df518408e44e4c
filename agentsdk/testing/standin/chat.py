"""POST /v1/chat/completions, in the flavour of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.flavours import FLAVOURS, MODEL_NAME, Flavour
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import (
    CREATED,
    REQUEST_ID,
    argument_object,
    argument_text,
    call_id,
    count,
    cut_up,
    dressed,
    error_type,
    spoken,
    to_json,
)


@dataclass(frozen=True, slots=True)
class ChatWire:
    """Chat Completions."""

    flavour: Flavour = FLAVOURS["openai"]

    content_type = "text/event-stream; charset=utf-8"
    headers = REQUEST_ID

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without a stream."""
        like, (thoughts, text) = self._like(line), spoken(line)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if line.calls and not text:
            message["content"] = None if like.content_beside_calls == "null" else ""
            if like.content_beside_calls == "missing":
                del message["content"]
        message.update(like.message)
        if thoughts:
            message[like.reasoning] = thoughts
        if line.calls:
            calls = [self._call(line, i) for i in range(len(line.calls))]
            message["tool_calls"] = (
                [c | {"index": i} for i, c in enumerate(calls)] if like.call_index else calls
            )
        choice = {"index": 0, "message": message, **like.choice, "finish_reason": self._finish(line)}
        answer = self._frame(asked, line, "chat.completion")
        answer["choices"] = [] if "no_choices" in line.quirks else [choice]
        if "no_usage" not in line.quirks:
            answer["usage"] = self._usage(asked, line)
        return to_json({**answer, **like.whole})

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the events of a stream."""
        like, (thoughts, text) = self._like(line), spoken(line)
        frame = self._frame(asked, line, "chat.completion.chunk")
        empty: dict[str, Any] = {"usage": None} if like.usage_null else {}

        def event(
            delta: Mapping[str, Any],
            finish: str | None = None,
            more: Mapping[str, Any] | None = None,
            choice_more: Mapping[str, Any] | None = None,
        ) -> bytes:
            choice: dict[str, Any] = {"index": 0, "delta": delta, **like.choice, **(choice_more or {})}
            if finish is not None or like.finish_from_start:
                choice["finish_reason"] = finish
            choices = [] if "no_choices" in line.quirks else [choice]
            return _data({**frame, "choices": choices, **empty, **(more or {})}, line)

        later = {"role": None} if "null_role" in line.quirks else {}
        pieces = list(self._pieces(line))
        out = []
        if like.opening is not None:
            first = {"role": "assistant", **like.opening}
            if line.calls and like.null_before_calls:
                first["content"] = None
            if like.opens_with_call and len(line.calls) == 1 and not (text or thoughts):
                first["tool_calls"] = [pieces.pop(0)]
            out.append(event(first, more=like.opening_frame, choice_more=like.opening_choice))
        out += [
            event({**like.thought_delta, **later, like.reasoning: p}) for p in cut_up(thoughts, line.pieces)
        ]
        out += [event({**like.text_delta, **later, "content": p}) for p in cut_up(text, line.pieces)]
        out += [event({**like.call_delta, **later, "tool_calls": [p]}) for p in pieces]
        return [*out, *self._end(asked, line, event)]

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
        return to_json(self._error(status, code, message, param, more))

    def error_event(self, code: str, message: str, *, more: Mapping[str, Any] | None = None) -> bytes:
        """Return an error in the middle of a stream."""
        return b"data: " + to_json(self._error(500, code, message, None, more)) + b"\n\n"

    def _error(
        self, status: int, code: str, message: str, param: str | None, more: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        like = self.flavour
        if not like.error_fields:
            return {"error": message}
        kind = error_type(status, code)
        if like.error_code in ("status", "type") and code:
            kind = code if like.error_code == "status" else kind
        codes = {"code": code or None, "status": status, "type": kind, "null": None}
        told = {"message": message, "type": kind, "param": param, "code": codes[like.error_code]}
        return {"error": {k: told[k] for k in like.error_fields} | dict(more or {}), **like.error_frame}

    def _end(self, asked: Asked, line: Line, event: Any) -> Iterator[bytes]:
        """Yield what ends a stream: the finish, the count, the mark."""
        like, usage = self._like(line), self._usage(asked, line)
        told = "no_usage" not in line.quirks
        if "no_finish" not in line.quirks:
            more = dict(like.last_frame)
            if told and like.usage_at != "tail":
                more["usage"] = usage
                if like.usage_again:
                    more[like.usage_again] = {**more.get(like.usage_again, {}), "usage": usage}
            after_calls = line.calls and like.last_after_calls is not None
            yield event(like.last_after_calls if after_calls else like.last_delta, self._finish(line), more)
        wanted = told and bool(mapping(mapping(asked.body).get("stream_options")).get("include_usage"))
        if wanted and like.usage_at != "finish":
            frame = self._frame(asked, line, "chat.completion.chunk")
            yield _data({**frame, "choices": [], "usage": usage, **like.tail_frame}, line)
        if not line.quirks & {"no_done", "no_finish"}:
            yield _data("[DONE]", line)

    def _like(self, line: Line) -> Flavour:
        """Return the server's way for an answer."""
        like = self.flavour
        return replace(like, **like.when_thinking) if spoken(line)[0] and like.when_thinking else like

    def _frame(self, asked: Asked, line: Line, kind: str) -> dict[str, Any]:
        frame = {"id": "chatcmpl-standin", "object": kind, "created": CREATED, "model": asked.model}
        return frame | {k: asked.model if v == MODEL_NAME else v for k, v in self._like(line).frame.items()}

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
            at: dict[str, Any] = {} if "no_index" in quirks else {"index": 0 if "one_index" in quirks else i}
            name, text = call["function"]["name"], call["function"]["arguments"]
            if "whole_calls" in quirks or "object_arguments" in quirks or like.call_pieces == "whole":
                yield at | call
                continue
            parts = iter(cut_up(text, line.pieces))
            first: dict[str, Any] = {"name": name, "arguments": ""}
            if like.call_pieces == "with":
                first["arguments"] = next(parts, "")
            elif like.call_pieces == "name only":
                del first["arguments"]
            yield at | call | {"function": first}
            if like.empty_piece:
                yield at | call | {"function": {"name": "", "arguments": ""}}
            for piece in parts:
                more, function = {**at, **like.later_piece}, {"arguments": piece}
                if like.later_name or "empty_ids" in quirks:
                    function = {"name": ""} | function
                if "empty_ids" in quirks:
                    more |= {"id": "", "type": "function"}
                if "repeated_names" in quirks:
                    more |= {k: v for k, v in call.items() if k != "function"}
                    function = {"name": name} | function
                yield more | {"function": function}

    def _finish(self, line: Line) -> str:
        if line.finish:
            return line.finish
        return "tool_calls" if line.calls and "stop_finish" not in line.quirks else "stop"

    def _usage(self, asked: Asked, line: Line) -> dict[str, Any]:
        like, counts = self.flavour, count(asked, line)
        usage: dict[str, Any] = {
            "prompt_tokens": counts.input,
            "completion_tokens": counts.output,
            "total_tokens": counts.total,
        }
        if like.cached == "always" or (like.cached == "if any" and counts.cached):
            usage["prompt_tokens_details"] = {"cached_tokens": counts.cached, **like.cached_details}
        if like.hit_and_miss:
            usage["prompt_cache_hit_tokens"] = counts.cached
            usage["prompt_cache_miss_tokens"] = max(counts.input - counts.cached, 0)
        if like.thought == "always" or (like.thought == "if any" and counts.reasoning):
            usage["completion_tokens_details"] = {"reasoning_tokens": counts.reasoning, **like.thought_details}
        return {**usage, **like.usage}


def _data(value: Any, line: Line) -> bytes:
    """Return a server-sent event without a name."""
    return dressed(b"data: " + (value.encode() if isinstance(value, str) else to_json(value)) + b"\n\n", line)
