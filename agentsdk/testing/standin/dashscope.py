"""POST /api/v1/services/aigc/*/generation: DashScope's own protocol, on its two paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import (
    REQUEST_ID,
    argument_object,
    argument_text,
    call_id,
    count,
    cut_up,
    dressed,
    spoken,
    to_json,
)

_ID = "standin"


@dataclass(frozen=True, slots=True)
class DashScopeWire:
    """DashScope."""

    parts: bool = False
    """The multimodal path: content is a list of parts."""

    content_type = "text/event-stream;charset=UTF-8"
    headers = REQUEST_ID

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without the streaming header."""
        thoughts, text = spoken(line)
        message: dict[str, Any] = {"role": "assistant", "content": self._content(text)}
        if thoughts or self.parts:
            message["reasoning_content"] = thoughts
        if line.calls:
            message["tool_calls"] = [self._call(line, i) for i in range(len(line.calls))]
        return to_json(self._frame(asked, line, message, self._finish(line), 1.0))

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the events of a stream: "null" until the end, usage in each, no [DONE].

        Without `incremental_output` each event holds all that was said so far.
        """
        thoughts, text = spoken(line)
        messages: list[dict[str, Any]] = [
            {"content": self._content(""), "reasoning_content": p} for p in cut_up(thoughts, line.pieces)
        ]
        messages += [{"content": self._content(p)} for p in cut_up(text, line.pieces)]
        messages += [{"content": self._content(""), "tool_calls": [p]} for p in self._pieces(line)]
        last: dict[str, Any] = {"content": self._content("")}
        if line.calls:
            last["tool_calls"] = [self._call(line, len(line.calls) - 1) | {"id": "", "function": {}}]
        messages.append(last)
        if not _parameters(asked).get("incremental_output"):
            messages = self._summed(messages)
        shares = [number / len(messages) for number in range(1, len(messages) + 1)]
        if "no_finish" in line.quirks:
            messages.pop()
        out = []
        for number, (message, share) in enumerate(zip(messages, shares, strict=False), 1):
            finish = self._finish(line) if share == 1 else "null"
            frame = self._frame(asked, line, {"role": "assistant", **message}, finish, share)
            head = f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:".encode()
            out.append(dressed(head + to_json(frame) + b"\n\n", line))
        return out

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
        del status, param  # the body does not repeat them
        told = {"code": code or "InternalError", "message": message, "request_id": _ID}
        return to_json(told | dict(more or {}))

    def error_event(self, code: str, message: str, *, more: Mapping[str, Any] | None = None) -> bytes:
        """Return an error in the middle of a stream."""
        return (
            b"id:0\nevent:error\n:HTTP_STATUS/400\ndata:" + self.error(400, code, message, more=more) + b"\n\n"
        )

    def _frame(
        self, asked: Asked, line: Line, message: dict[str, Any], finish: str, share: float
    ) -> dict[str, Any]:
        choice: dict[str, Any] = {"message": message, "finish_reason": finish}
        if asked.tools:
            choice["index"] = 0
        output: dict[str, Any] = {"choices": [] if "no_choices" in line.quirks else [choice]}
        if not self.parts and _parameters(asked).get("result_format") != "message":
            output = {"finish_reason": finish, "text": message["content"]}  # the older form, which has no calls
        frame: dict[str, Any] = {"output": output}
        if "no_usage" not in line.quirks:
            frame["usage"] = self._usage(asked, line, share)
        return frame | {"request_id": _ID}

    def _usage(self, asked: Asked, line: Line, share: float) -> dict[str, Any]:
        """Return the count so far: the later the event, the larger."""
        counts = count(asked, line)
        out = max(int(counts.output * share), 1)
        usage: dict[str, Any] = {
            "input_tokens": counts.input,
            "output_tokens": out,
            "total_tokens": counts.input + out,
            "prompt_tokens_details": {"cached_tokens": counts.cached},
        }
        if self.parts:
            usage["input_tokens_details"] = {"text_tokens": counts.input}
            usage["output_tokens_details"] = {"text_tokens": out}
        if counts.reasoning:
            thought = max(int(counts.reasoning * share), 1)
            usage.setdefault("output_tokens_details", {})["reasoning_tokens"] = thought
        return usage

    def _pieces(self, line: Line) -> Iterator[dict[str, Any]]:
        """Yield the pieces of the calls."""
        for i in range(len(line.calls)):
            call = self._call(line, i)
            name, said = call["function"]["name"], call["function"]["arguments"]
            if "whole_calls" in line.quirks or not isinstance(said, str):
                yield call
                continue
            yield call | {"function": {"name": name, "arguments": ""}}
            for piece in cut_up(said, line.pieces):
                if "repeated_names" in line.quirks:
                    yield call | {"function": {"name": name, "arguments": piece}}
                else:
                    yield call | {"id": "", "function": {"arguments": piece}}

    def _summed(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return messages that each hold all before them."""
        out: list[dict[str, Any]] = []
        text = thoughts = ""
        calls: dict[int, dict[str, Any]] = {}
        for message in messages:
            content = message["content"]
            text += "".join(p["text"] for p in content) if isinstance(content, list) else content
            thoughts += message.get("reasoning_content", "")
            for piece in message.get("tool_calls", ()):
                at = piece.get("index", 0)
                function = piece["function"]
                if at not in calls or isinstance(function.get("arguments"), dict):
                    calls[at] = piece
                elif isinstance(before := calls[at]["function"]["arguments"], str):
                    joined = before + function.get("arguments", "")
                    calls[at] = calls[at] | {"function": calls[at]["function"] | {"arguments": joined}}
            sum_so_far: dict[str, Any] = {"content": self._content(text)}
            if thoughts:
                sum_so_far["reasoning_content"] = thoughts
            if calls:
                sum_so_far["tool_calls"] = list(calls.values())
            out.append(sum_so_far)
        return out

    def _content(self, text: str) -> Any:
        return [{"text": text}] if self.parts else text

    def _call(self, line: Line, index: int) -> dict[str, Any]:
        name, arguments = line.calls[index]
        given: Any = argument_text(arguments)
        if "object_arguments" in line.quirks:
            given = argument_object(arguments)
        at = 0 if "one_index" in line.quirks else index
        call = {
            "index": at,
            "id": call_id(line, index),
            "type": "function",
            "function": {"name": name, "arguments": given},
        }
        for quirk, key in (("no_index", "index"), ("no_ids", "id")):
            if quirk in line.quirks:
                del call[key]
        return call

    def _finish(self, line: Line) -> str:
        return line.finish or ("tool_calls" if line.calls and "stop_finish" not in line.quirks else "stop")


def _parameters(asked: Asked) -> Mapping[str, Any]:
    return mapping(mapping(asked.body).get("parameters"))
