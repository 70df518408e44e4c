"""POST /api/chat: Ollama's own protocol, a JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import (
    argument_object,
    argument_text,
    call_id,
    count,
    cut_up,
    spoken,
    to_json,
)

CREATED_AT = "2023-11-14T22:13:20Z"


class OllamaWire:
    """Ollama."""

    content_type = "application/x-ndjson"
    headers: Mapping[str, str] = {}

    def loaded(self, asked: Asked) -> bytes:
        """Return the answer to a request without messages: it loads the model."""
        end = {"done_reason": "load", "done": True}
        return to_json(self._frame(asked) | {"message": {"role": "assistant", "content": ""}} | end) + b"\n"

    def whole(self, asked: Asked, line: Line) -> bytes:
        """Return the answer to a request with `stream: false`."""
        return to_json(self._frame(asked) | {"message": self._message(line)} | self._end(asked, line))

    def events(self, asked: Asked, line: Line) -> list[bytes]:
        """Return the lines of a stream; calls come whole, as Ollama sends them."""
        frame = self._frame(asked)
        ending = b"\r\n" if "carriage_returns" in line.quirks else b"\n"

        def event(message: dict[str, Any], end: dict[str, Any] | None = None) -> bytes:
            whole = frame | {"message": {"role": "assistant", **message}} | (end or {"done": False})
            return to_json(whole) + ending

        thoughts, text = spoken(line)
        out = [event({"content": "", "thinking": p}) for p in cut_up(thoughts, line.pieces)]
        out += [event({"content": p}) for p in cut_up(text, line.pieces)]
        calls = self._message(line).get("tool_calls") or []
        if "one_index" in line.quirks:  # as older versions: a line for each call
            out += [event({"content": "", "tool_calls": [c]}) for c in calls]
        elif calls:
            out.append(event({"content": "", "tool_calls": calls}))
        if "no_finish" not in line.quirks:
            out.append(event({"content": ""}, self._end(asked, line)))
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
        del status, code, param  # Ollama tells the text alone
        return to_json({"error": message} | dict(more or {}))

    def error_event(self, code: str, message: str, *, more: Mapping[str, Any] | None = None) -> bytes:
        """Return an error in the middle of a stream."""
        return self.error(200, code, message, more=more) + b"\n"

    def _frame(self, asked: Asked) -> dict[str, Any]:
        return {"model": asked.model, "created_at": CREATED_AT}

    def _message(self, line: Line) -> dict[str, Any]:
        thoughts, text = spoken(line)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thoughts:
            message["thinking"] = thoughts
        if line.calls:
            message["tool_calls"] = [self._call(line, i) for i in range(len(line.calls))]
        return message

    def _call(self, line: Line, index: int) -> dict[str, Any]:
        name, arguments = line.calls[index]
        as_text = "text_arguments" in line.quirks
        function: dict[str, Any] = {
            "index": 0 if "one_index" in line.quirks else index,
            "name": name,
            "arguments": argument_text(arguments) if as_text else argument_object(arguments),
        }
        if "no_index" in line.quirks:
            del function["index"]
        call = {"id": call_id(line, index), "function": function}
        if "no_ids" in line.quirks:
            del call["id"]
        return call

    def _end(self, asked: Asked, line: Line) -> dict[str, Any]:
        counts = count(asked, line)
        end: dict[str, Any] = {"done": True, "done_reason": line.finish or "stop"}
        if end["done_reason"] == "tool_calls":
            end["done_reason"] = "stop"  # Ollama has no such word
        end |= {
            "total_duration": 1_000_000,
            "load_duration": 100_000,
            "prompt_eval_count": counts.input,
            "prompt_eval_duration": 100_000,
            "eval_count": counts.output,
            "eval_duration": 800_000,
        }
        if "no_usage" in line.quirks:
            del end["prompt_eval_count"], end["eval_count"]
        return end
