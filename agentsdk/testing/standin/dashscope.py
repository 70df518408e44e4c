"""POST /api/v1/services/aigc/*/generation: DashScope's own protocol, on its two paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.chat import dressed, spoken
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import argument_object, argument_text, call_id, count, cut_up, to_json

REQUEST_ID = "standin"


@dataclass(frozen=True, slots=True)
class DashScopeWire:
    """DashScope."""

    parts: bool = False
    """The multimodal path: content is a list of parts."""

    content_type = "text/event-stream;charset=UTF-8"

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request without the streaming header."""
        thoughts, text = spoken(line)
        message: dict[str, Any] = {"role": "assistant", "content": self._content(text)}
        if thoughts:
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
        for i in range(len(line.calls)):
            call = self._call(line, i)
            said = call["function"]["arguments"]
            if "whole_calls" in line.quirks or not isinstance(said, str):
                messages.append({"content": self._content(""), "tool_calls": [call]})
                continue
            first = call | {"function": {"name": call["function"]["name"], "arguments": ""}}
            messages.append({"content": self._content(""), "tool_calls": [first]})
            for piece in cut_up(said, line.pieces):
                more = call | {"id": "", "function": {"arguments": piece}}
                if "repeated_names" in line.quirks:
                    more = call | {"function": {"name": call["function"]["name"], "arguments": piece}}
                messages.append({"content": self._content(""), "tool_calls": [more]})
        messages.append({"content": self._content("")})
        if "no_finish" in line.quirks:
            messages.append({})
        out = []
        for number, message in enumerate(messages, 1):
            last = number == len(messages)
            if last and "no_finish" in line.quirks:
                break
            frame = self._frame(
                asked,
                line,
                {"role": "assistant", **message},
                self._finish(line) if last else "null",
                number / len(messages),
            )
            head = f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:".encode()
            out.append(dressed(head + to_json(frame) + b"\n\n", line))
        return out

    def error(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002  # the body does not repeat it
        """Return the body of an error."""
        return to_json({"code": code or "InternalError", "message": message, "request_id": REQUEST_ID})

    def error_event(self, code: str, message: str) -> bytes:
        """Return an error in the middle of a stream."""
        return b"id:0\nevent:error\n:HTTP_STATUS/400\ndata:" + self.error(400, code, message) + b"\n\n"

    def _frame(
        self, asked: Asked, line: Line, message: dict[str, Any], finish: str, share: float
    ) -> dict[str, Any]:
        choice = {"message": message, "finish_reason": finish}
        frame: dict[str, Any] = {"output": {"choices": [] if "no_choices" in line.quirks else [choice]}}
        if "no_usage" not in line.quirks:
            counts = count(asked, line)
            out = max(int(counts.output * share), 1)
            frame["usage"] = {
                "input_tokens": counts.input,
                "output_tokens": out,
                "total_tokens": counts.input + out,
                "prompt_tokens_details": {"cached_tokens": counts.cached},
            }
            if counts.reasoning:
                thought = max(int(counts.reasoning * share), 1)
                frame["usage"]["output_tokens_details"] = {"reasoning_tokens": thought}
        return frame | {"request_id": REQUEST_ID}

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
