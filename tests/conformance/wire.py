"""The judge's own reading of an answer's bytes: text, thoughts, calls, usage, the reason it ended, and errors.

It is written apart from the adapters, by simple rules, so that the two can disagree. It imports nothing of agentsdk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.folder import unpacked

WHOLE = re.compile(
    r"stop(?:ped|_?sequence|_?string)?|stop_?string_?found|eos(?:_?token|_?found)?|end(?:_?turn)?|pause_?turn|normal|"
    r"completed?|finished|(?:un)?load|(?:tool|function)[_-]?(?:calls?|use)",
    re.IGNORECASE,
)
"""Words for an answer that came to its own end. By any other one it may have been cut: nothing says that it was not."""
LENGTH = re.compile(
    r"(?:model_?)?(?:context_?)?(?:window|length)(?:_?exceeded|_?reached)?|max_?\w+|incomplete|token_?limit|\w*limit|"
    r"repetition\w*",
    re.IGNORECASE,
)
"""Words for an answer that a limit ended."""
FILTER = re.compile(
    r".*(?:filter|safety|guardrail|toxic|prohibited|sensitive|moderat).*|refusal|recitation|blocklist|spii|language",
    re.IGNORECASE,
)
"""Words for an answer that a filter ended: there may be nothing in it."""
UNDONE = {"none", "cancelled", "queued", "in_progress"}
"""Words for an answer that is none yet, or will be none."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")


@dataclass(slots=True)
class WireCall:
    """A structured call as it stands on the wire."""

    id: str = ""
    name: str = ""
    raw: str = ""
    given: Any = None
    """The arguments, where they are no text."""
    closed: bool = True
    """Nothing says that this call was cut."""
    at: Any = None
    """Its index on the wire."""
    custom: bool = False
    """A Responses item that may be the provider's own, such as xAI's search: a call only where it was offered."""


@dataclass(slots=True)
class Wire:
    """What stands on the wire."""

    content: str = ""
    """The text as it came, thoughts in tags and calls in text included."""
    thoughts: str = ""
    """Of fields of their own."""
    calls: list[WireCall] = field(default_factory=list)
    finish: str | None = None
    done: bool = False
    """It is whole without a reason: a plain answer, or a response with its status."""
    marked: bool = False
    """[DONE] came."""
    usage: dict[str, int] = field(default_factory=dict)
    raw_usage: dict[str, Any] = field(default_factory=dict)
    """As it stood there."""
    error: Any = None
    failed: str = ""
    """What the model had said, where the error says it (Groq's failed_generation)."""
    readable: bool = True
    """The whole of it could be read; False for HTML, cut JSON, nothing at all."""
    refused: bool = False
    thoughts_field: str = ""
    loose: str = ""
    """Pieces of a Responses text, for a stream that ends before their item is done."""
    items: set[str] = field(default_factory=set)
    pieces: list[str] = field(default_factory=list)
    """The texts of DashScope's frames, each of which may repeat the ones before."""
    thought_pieces: list[str] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        """Whether the answer's end is missing: by the token limit, or for lack of an end mark."""
        if self.finish is None:
            return not self.done
        return WHOLE.fullmatch(self.finish.rpartition(".")[2]) is None

    @property
    def unsaid(self) -> bool:
        """Whether the protocol's mark ends the answer, and nothing says why: its text is whole, a call may not be."""
        return self.marked and self.finish is None and not self.done

    def end(self, word: Any) -> None:
        """Take in why the answer ended: once it was cut, nothing that comes after makes it whole."""
        word = _map(word).get("type") if isinstance(word, Mapping) else word
        if word and word != "null" and (self.finish is None or not self.cut):
            self.finish = str(word)


def read(body: bytes, protocol: str, *, streamed: bool) -> Wire:
    """Return what stands in an answer's bytes."""
    wire = Wire()
    text = unpacked(body).decode("utf-8", "replace").removeprefix("\ufeff")
    events = list(_events(text, wire, streamed=streamed))
    if "\ufffd" in text and b"\xef\xbf\xbd" not in unpacked(body):
        wire.readable = False  # it is not UTF-8
    wire.readable = wire.readable and any(isinstance(e, Mapping) for e in events)
    take = {"openai": _chat, "dashscope": _dashscope, "ollama": _ollama, "responses": _responses}[protocol]
    for event in events:
        if isinstance(event, Mapping):
            take(event, wire)
        else:
            wire.readable = False
    wire.content = wire.content or wire.loose
    if protocol == "dashscope" and streamed:
        wire.content, wire.thoughts = _once(wire.pieces), _once(wire.thought_pieces)
    wire.marked = wire.marked and protocol == "openai"
    failed = _map(wire.error).get("failed_generation")
    wire.failed = failed if isinstance(failed, str) else ""
    if not streamed and wire.readable and wire.error is None:
        wire.done = True  # whole JSON is whole
    if wire.cut and wire.calls:
        wire.calls[-1].closed = False
    for call in wire.calls:
        call.closed = call.closed and not ends_open(call.raw)
    return wire


def ends_open(raw: str) -> bool:
    """Return whether a text that should be JSON ends inside of a string or before a bracket is closed: it was cut."""
    if _json(raw) is not None:
        return False
    open_, quoted, escaped = 0, False, False
    for letter in raw:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == "\\", letter != '"'
        else:
            quoted = letter == '"'
            open_ += (letter in "{[") - (letter in "}]")
    return quoted or open_ > 0


def parted(content: str) -> tuple[str, str]:
    """Return (said, thought) of a text that may hold thoughts in tags: at its beginning, or before an orphan end."""
    for name in ("thought", "reasoning"):
        block = re.match(rf"\s*<{name}>(.*?)</{name}>", content, re.IGNORECASE | re.DOTALL)
        if block:
            return content[block.end() :], block[1]
    if block := re.match(r"\s*\[think\](.*?)\[/think\]", content, re.IGNORECASE | re.DOTALL):
        return content[block.end() :], block[1]
    opened = re.match(r"\s*<think(?:ing)?>", content, re.IGNORECASE)
    closings = list(re.finditer(r"</think(?:ing)?>", content, re.IGNORECASE))
    if opened:
        first = next((c for c in closings if c.start() >= opened.end()), None)
        if first is None:
            return "", content[opened.end() :]
        return content[first.end() :], content[opened.end() : first.start()]
    if closings and not re.search(r"<think(?:ing)?>", content, re.IGNORECASE):
        return content[closings[-1].end() :], content[: closings[-1].start()]
    return content, ""


def _events(text: str, wire: Wire, *, streamed: bool) -> Iterator[Any]:
    whole = _json(text)
    if not streamed or isinstance(whole, Mapping):
        yield whole
        return
    text = text.replace("\r\n", "\n")
    if not re.search(r"^(?:data|event|id|retry)?:", text, re.MULTILINE):
        for line in text.split("\n"):
            if line.strip():
                yield _json(line)
        return
    blocks = re.split(r"\n{2,}|\r{2,}", text)
    for block in blocks:
        lines = re.split(r"\n|\r", block)
        pieces = [line[5:].strip() for line in lines if line.startswith("data:")]
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        pieces += [line for line in lines if line.startswith('{"error"')]  # without its field
        if block is blocks[-1] and len(pieces) > 1 and not _json(pieces[-1]) and _json(pieces[0]):
            pieces.pop()  # its end is missing: it is no event
        if not all(_json(piece) or piece == "[DONE]" for piece in pieces):
            # One event in several lines; else they are several without blank lines between them.
            pieces = ["\n".join(pieces)]
        for data in pieces:
            wire.marked = wire.marked or data == "[DONE]"
            if data and data != "[DONE]":  # which ends the stream, but does not say that the answer is whole
                event = _json(data)
                if event is None and block is blocks[-1]:
                    continue  # its end is missing: it is no event
                if name == "error" and isinstance(event, Mapping) and wire.error is None:
                    wire.error = event.get("error") or event
                yield event


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _chat(event: Mapping[str, Any], wire: Wire) -> None:
    if event.get("error"):
        wire.error = event["error"]
    for usage in (event.get("usage"), _map(event.get("x_groq")).get("usage")):
        _count(usage, wire)
    base = _map(event.get("base_resp"))  # MiniMax says an error so, with HTTP 200
    if base.get("status_code"):
        wire.error = wire.error or base
    for choice in _list(event.get("choices")):
        if not isinstance(choice, Mapping) or choice.get("index") not in (None, 0):
            continue
        if choice.get("error"):
            wire.error = choice["error"]
        _count(choice.get("usage"), wire)
        piece = isinstance(choice.get("delta"), Mapping)
        if not piece and isinstance(choice.get("message"), Mapping):
            # Whole, so that it stands for the pieces before it (MiniMax), and its calls are as many as it has.
            wire.content, wire.thoughts, wire.calls = "", "", []
        _message(_map(choice.get("delta" if piece else "message")), wire, whole=not piece)
        wire.end(choice.get("finish_reason"))


def _message(message: Mapping[str, Any], wire: Wire, *, whole: bool = False) -> None:
    for name in _THOUGHTS:
        if isinstance(message.get(name), str) and message[name]:
            wire.thoughts += message[name]
            wire.thoughts_field = name
            break
    else:
        for detail in _list(message.get("reasoning_details")):
            wire.thoughts += str(_map(detail).get("text") or _map(detail).get("summary") or "")
    content = message.get("content")
    if isinstance(content, Mapping):
        wire.content += json.dumps(content, ensure_ascii=False)
    elif isinstance(content, str):
        wire.content += content
    for part in _list(content):
        if isinstance(part, str):
            wire.content += part
        elif isinstance(_map(part).get("text"), str):
            wire.content += part["text"]
        elif _map(part).get("type") == "thinking":
            inner = part.get("thinking")
            wire.thoughts += inner if isinstance(inner, str) else "".join(_texts(_list(inner)))
    if isinstance(_map(message.get("audio")).get("transcript"), str):
        wire.content += message["audio"]["transcript"]
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        wire.content += message["refusal"]
        wire.refused = True
    for call in _list(message.get("tool_calls")):
        inner = _map(_map(call).get("function")) or _map(_map(call).get("custom"))
        into = Wire() if whole else wire
        _piece(_map(call).get("index"), _map(call).get("id"), inner, into)
        wire.calls += into.calls if whole else []
    if isinstance(message.get("function_call"), Mapping):
        _piece(0, None, message["function_call"], wire)


def _texts(parts: Iterable[Any]) -> Iterator[str]:
    return (str(_map(p).get("text") or "") for p in parts)


def _piece(index: Any, id_: Any, function: Mapping[str, Any], wire: Wire) -> None:
    """Put a piece of a call to the call it belongs to: by its id, else by its index, else to the last one."""
    name, arguments = str(function.get("name") or ""), function.get("arguments")
    if isinstance(function.get("input"), str):
        arguments = {"input": function["input"]}  # a custom tool's
    id_ = str(id_ or "")
    found = next((c for c in wire.calls if id_ and c.id == id_), None)
    if found is None:
        at_index = [c for c in wire.calls if c.at == index] if index is not None else wire.calls[-1:]
        if not at_index and not id_ and not name:
            at_index = [c for c in wire.calls[-1:] if c.at is None]  # the index came only later
        last = at_index[-1] if at_index else None
        new_id = last is not None and id_ and last.id and id_ != last.id
        again = last is not None and (name != last.name or index is None or _json(last.raw) is not None)
        new_name = (
            last is not None and name and last.name and again
        )  # Gemini: each call at index 0, without an id
        found = None if new_id or new_name else last
    if found is None:
        found = WireCall(at=index)
        wire.calls.append(found)
    found.at = index if found.at is None else found.at
    found.id = found.id or id_
    found.name = found.name or name
    if isinstance(arguments, str):
        # A stream may say all so far with each piece (DashScope, without incremental_output).
        so_far = found.raw and arguments.startswith(found.raw) and _json(found.raw) is None and _json(arguments)
        found.raw = arguments if isinstance(so_far, Mapping) else found.raw + arguments
    elif arguments is not None:
        found.given = arguments


def _count(usage: Any, wire: Wire) -> None:
    """Keep the counts of a usage; the last one that says anything holds."""
    usage = _map(usage)
    into = _map(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    out = _map(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    counts = {
        "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
        "cached_tokens": into.get(
            "cached_tokens", usage.get("cached_tokens", usage.get("prompt_cache_hit_tokens"))
        ),
        "reasoning_tokens": out.get("reasoning_tokens", usage.get("reasoning_tokens")),
    }
    counts = {k: int(v) if isinstance(v, str) and v.isdecimal() else v for k, v in counts.items()}
    known = {
        k: int(v) for k, v in counts.items() if isinstance(v, int | float) and not isinstance(v, bool) and v > 0
    }
    if known:
        wire.usage, wire.raw_usage = known, dict(usage)


def _dashscope(event: Mapping[str, Any], wire: Wire) -> None:
    if event.get("code"):
        wire.error = event
    output = _map(event.get("output"))
    _count(event.get("usage"), wire)
    for choice in _list(output.get("choices"))[:1]:
        said, thought = len(wire.content), len(wire.thoughts)
        _message(_map(_map(choice).get("message")), wire)
        wire.pieces.append(wire.content[said:])
        wire.thought_pieces.append(wire.thoughts[thought:])
        wire.end(_map(choice).get("finish_reason"))
    if isinstance(output.get("text"), str) and not output.get("choices"):
        wire.content += output["text"]
        wire.pieces.append(output["text"])
        wire.end(output.get("finish_reason"))


def _once(pieces: list[str]) -> str:
    """Return the text of frames: joined, or the longest one where from the first each holds the one before it."""
    pieces = [piece for piece in pieces if piece]
    chain = pieces[:1]
    for piece in pieces[1:]:
        if not piece.startswith(chain[-1]):
            break
        chain.append(piece)
    rows = len({*chain}) - 1  # times that it grew
    if rows >= 2 and len(chain[-1]) >= 8 and len({*chain[-1]}) >= 4:
        return chain[-1] + "".join(pieces[len(chain) :])
    return "".join(pieces)


def _ollama(event: Mapping[str, Any], wire: Wire) -> None:
    if event.get("error"):
        wire.error = event["error"]
    message = _map(event.get("message"))
    if isinstance(message.get("thinking"), str):
        wire.thoughts += message["thinking"]
        wire.thoughts_field = "thinking"
    if isinstance(message.get("content"), str):
        wire.content += message["content"]
    for call in _list(message.get("tool_calls")):
        function = _map(_map(call).get("function"))
        given = function.get("arguments")
        raw = given if isinstance(given, str) else ""
        wire.calls.append(
            WireCall(
                str(_map(call).get("id") or ""), str(function.get("name") or ""), raw, None if raw else given
            )
        )
    if event.get("done"):
        wire.end(event.get("done_reason") or "stop")
        _count({"input_tokens": event.get("prompt_eval_count"), "output_tokens": event.get("eval_count")}, wire)
        wire.raw_usage = {k: event[k] for k in ("prompt_eval_count", "eval_count") if k in event}


def _responses(event: Mapping[str, Any], wire: Wire) -> None:
    """Take an event of the Responses stream in, or a whole response; an item that is done replaces its pieces."""
    sort = str(event.get("type") or "")
    whole = event if event.get("object") == "response" else _map(event.get("response"))
    if event.get("error") or whole.get("error") or sort == "error":
        wire.error = event.get("error") or whole.get("error") or event
    _count(whole.get("usage"), wire)
    if isinstance(whole.get("reasoning"), str):  # mistral.rs; OpenAI has its settings there
        wire.thoughts = wire.thoughts or whole["reasoning"]
    items = _list(whole.get("output"))
    if sort.endswith("output_item.added") and _map(event.get("item")).get("type") == "function_call":
        begun = event["item"]
        wire.calls.append(WireCall(str(begun.get("call_id") or ""), str(begun.get("name") or ""), closed=False))
    elif sort.endswith("output_item.done"):
        items = [event.get("item")]
    elif sort.endswith(("output_text.delta", "refusal.delta")) and isinstance(event.get("delta"), str):
        wire.loose += event["delta"]
    for item in items:
        _item(_map(item), wire)
    status = whole.get("status")
    if status in ("cancelled", "queued", "in_progress") and event is whole:
        wire.finish = str(status)  # no answer, or not yet
    if status in ("completed", "incomplete", "failed"):
        wire.done = True
        reason = _map(whole.get("incomplete_details")).get("reason")
        wire.end(reason or ("stop" if status == "completed" else status))
    elif sort == "response.incomplete":
        wire.end("incomplete")


def _item(item: Mapping[str, Any], wire: Wire) -> None:
    key = str(item.get("id") or item.get("call_id") or id(item))
    if key in wire.items:
        return
    wire.items.add(key)
    if item.get("type") == "message":
        for part in _list(item.get("content")):
            said = _map(part).get("text") or _map(part).get("refusal")
            wire.content += said if isinstance(said, str) else ""
            wire.refused = wire.refused or bool(_map(part).get("refusal"))
    elif item.get("type") == "reasoning":
        wire.thoughts += "".join(_texts([*_list(item.get("summary")), *_list(item.get("content"))]))
    elif item.get("type") in ("function_call", "custom_tool_call"):
        custom = item.get("type") == "custom_tool_call"
        raw = {"input": item.get("input")} if custom else item.get("arguments")
        call = WireCall(str(item.get("call_id") or item.get("id") or ""), str(item.get("name") or ""))
        call.raw, call.given = (raw, None) if isinstance(raw, str) else ("", raw)
        call.custom = custom
        call.closed = item.get("status") in (None, "completed")
        begun = next((c for c in wire.calls if not c.closed and c.id == call.id), None)
        if begun is None:
            wire.calls.append(call)
        else:
            wire.calls[wire.calls.index(begun)] = call
