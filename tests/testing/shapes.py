"""The shapes of answers: which fields occur with which JSON types, in which events, in which order.

`python -m tests.testing.shapes FOLDER` writes shapes.txt beside this file from a folder of recordings. What it holds are
facts about the protocols, drawn from recordings and read over by eye; no text of a recording is in it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.folder import Exchange, read_folder

TABLE = Path(__file__).with_name("shapes.txt")

FLAVOURS = {
    "openai-chat": "chat openai",
    "lmstudio": "chat lmstudio",
    "vllm": "chat vllm",
    "llamacpp": "chat llamacpp",
    "groq": "chat groq",
    "deepseek": "chat deepseek",
    "ollama-openai": "chat ollama",
    "dashscope-compatible": "chat dashscope",
    "openai-responses": "responses openai",
    "ollama-native": "ollama native",
    "dashscope-native": "dashscope native",
}
"""Group of recordings -> protocol and server."""

_FREE = ("arguments", "parameters", "schema", "metadata", "prompt", "model_info", "failed_generation")
"""Below these stands what a user or a model made up."""
_TYPED = ("output", "content", "tools", "summary")
"""Lists of things that differ by their type."""
_THOUGHTS = ("reasoning", "reasoning_content", "thinking")


@dataclass(slots=True)
class Shape:
    """The fields of one kind of answer, or of one class of its events."""

    seen: int = 0
    types: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    times: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    each: set[str] = field(default_factory=set)
    """The fields that every single event has."""

    def add(self, values: Iterable[Any]) -> None:
        """Take in one answer, or those events of an answer that are of one class."""
        found: set[str] = set()
        for value in values:
            kinds = list(paths(value))
            for path, kind in kinds:
                self.types[path].add(kind)
            here = {path for path, _kind in kinds}
            self.each = self.each & here if self.seen or found else here
            found |= here
        for path in found:
            self.times[path] += 1
        self.seen += 1

    @property
    def always(self) -> set[str]:
        """The fields that each of them has."""
        return {p for p, n in self.times.items() if n == self.seen}


@dataclass(slots=True)
class Kind:
    """One kind of answer of one server."""

    classes: dict[str, Shape] = field(default_factory=lambda: defaultdict(Shape))
    orders: set[str] = field(default_factory=set)
    """The classes of its events as they follow each other, each repetition once."""


Shapes = dict[tuple[str, str, str], Kind]
"""By protocol and server, by "whole" or "stream", by kind of answer."""


def paths(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field of a JSON value with its type."""
    yield at or "$", _type(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _FREE and not isinstance(inner, str):
                yield f"{at}.{key}", _type(inner)
            else:
                yield from paths(inner, f"{at}.{key}")
    if isinstance(value, list):
        for inner in value:
            kind = inner.get("type") if isinstance(inner, Mapping) and at.rsplit(".", 1)[-1] in _TYPED else None
            yield from paths(inner, f"{at}[{kind}]" if isinstance(kind, str) else f"{at}[]")


def _type(value: Any) -> str:
    names = {bool: "bool", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names.get(type(value), "null")


def events(text: str) -> list[Any]:
    """Return the events of a stream: JSON values, and "[DONE]"."""
    if not text.lstrip().startswith(("data:", "id:", "event:", ":", "retry:")):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    out = []
    for block in re.split(r"\r?\n\r?\n", text):
        data = "\n".join(line[5:].strip() for line in block.splitlines() if line.startswith("data:"))
        if data:
            out.append(data if data == "[DONE]" else json.loads(data))
    return out


def class_of(protocol: str, event: Any) -> str:
    """Return which part of a stream an event is."""
    if event == "[DONE]":
        return "done"
    if event.get("error") and protocol != "responses":
        return "error"
    if protocol == "responses":
        return str(event["type"]).removeprefix("response.") + (
            f":{event['item']['type']}" if "item" in event else ""
        )
    if protocol == "chat":
        if not event["choices"]:
            return "tail"
        choice = event["choices"][0]
        return _class(choice["delta"], finished=bool(choice.get("finish_reason")))
    if protocol == "ollama":
        return _class(event["message"], finished=event["done"])
    choice = event["output"]["choices"][0]
    return _class(choice["message"], finished=choice["finish_reason"] != "null")


def _class(message: Mapping[str, Any], *, finished: bool) -> str:
    if finished:
        return "finish"
    if calls := message.get("tool_calls"):
        return "call" if calls[0]["function"].get("name") else "piece"
    if any(message.get(name) for name in _THOUGHTS):
        return "thought"
    return "text" if message.get("content") else "opening"


def kind_of(protocol: str, answer: list[Any]) -> str:
    """Return what kind an answer is: text or calls, with thoughts or without; "" for one that is neither."""
    calls: set[Any] = set()
    text = thought = False
    for event in answer:
        if not isinstance(event, Mapping):
            continue
        if protocol == "responses":
            items = (event.get("response") or event).get("output") or []
            calls |= {i["id"] for i in items if i["type"] == "function_call"}
            text = text or any(i["type"] == "message" for i in items)
            thought = thought or any(i["type"] == "reasoning" for i in items)
            continue
        choices = event.get("choices") or (event.get("output") or {}).get("choices") or []
        message = (
            event.get("message") or next((c.get("delta") or c.get("message") for c in choices), None) or {}
        )
        text = text or bool(message.get("content") or (event.get("output") or {}).get("text"))
        thought = thought or any(message.get(name) for name in _THOUGHTS)
        for call in message.get("tool_calls") or ():
            if "function" in call:
                at = call["function"].get("index", call.get("index"))
                calls.add(call.get("id") or at if at is None else at)
    # A text beside calls brings no other fields.
    said = "calls" if len(calls) > 1 else "call" if calls else "text" if text else ""
    return said and said + (" after thoughts" if thought else "")


def read(folder: Path) -> Shapes:
    """Return the shapes of the answers in a folder of recordings."""
    found: Shapes = defaultdict(Kind)
    for exchange in read_folder(folder):
        if isinstance(exchange, Exchange) and exchange.provider in FLAVOURS and _is_chat(exchange):
            server, body = FLAVOURS[exchange.provider], exchange.body
            if exchange.file.endswith(".chunks.txt") and server.startswith("chat"):
                body += b"data: [DONE]\n\n"  # such files hold the JSON alone
            add(found, server, exchange.path, exchange.status, body)
    return found


def _is_chat(exchange: Exchange) -> bool:
    ends = ("/chat/completions", "/v1/responses", "/api/chat", "-generation/generation", "")
    return exchange.path.endswith(ends[:-1]) or not exchange.path


def add(found: Shapes, server: str, path: str, status: int, body: bytes) -> None:
    """Take an answer in."""
    protocol, text = server.split(maxsplit=1)[0], body.decode("utf-8", "replace")
    server += " parts" if "/multimodal" in path else ""
    try:
        answer, mode = _answer(text)
    except ValueError:
        return
    if any(e is None for e in answer) or not answer or "embedding" in text[:200]:
        return
    whole = answer[0] if mode == "whole" else {}
    if whole.get("error") or (status >= 400 and "code" in whole):
        found[server, mode, "error"].classes["all"].add(answer)
        return
    if status != 200 or (mode == "whole" and whole.get("object") == "text_completion"):
        return
    kind = kind_of(protocol, answer)
    if not kind or any(isinstance(e, Mapping) and e.get("error") for e in answer):
        return
    entry = found[server, mode, kind]
    if mode == "whole":
        entry.classes["all"].add(answer)
        return
    by_class: dict[str, list[Any]] = defaultdict(list)
    order: list[str] = []
    for event in answer:
        name = class_of(protocol, event)
        by_class[name].append(event)
        if not order or order[-1] != name:
            order.append(name)
    for name, events_of_it in by_class.items():
        if name != "done":
            entry.classes[name].add(events_of_it)
    entry.orders.add(" > ".join(order))


def _answer(text: str) -> tuple[list[Any], str]:
    try:
        return [json.loads(text)], "whole"
    except ValueError:
        return events(text), "stream"


def write(shapes: Shapes) -> str:
    """Return shapes as text.

    A block is a kind of answer: how many were recorded, the orders of the classes of its events, and a line a class.
    A field that only some answers have ends in "?"; one that each answer has, but not in each of these events, in "~".
    """
    lines = []
    for (server, mode, kind), entry in sorted(shapes.items()):
        lines.append(f"{server} / {mode} / {kind}")
        lines += [f"  > {order}" for order in sorted(entry.orders)]
        for name, shape in sorted(entry.classes.items()):
            lines.append(f"  {name} {json.dumps(_tree(shape), separators=(',', ':'))}")
    return "\n".join(lines) + "\n"


def parse(text: str) -> Shapes:
    """Return the shapes that `write` wrote."""
    shapes: Shapes = defaultdict(Kind)
    entry = Kind()
    for line in text.splitlines():
        if not line.startswith(" "):
            server, mode, kind = line.split(" / ")
            entry = shapes[server, mode, kind] = Kind()
        elif line.startswith("  > "):
            entry.orders.add(line[4:])
        else:
            name, _brace, tree = line.strip().partition(" {")
            shape = entry.classes[name] = Shape(1)
            for path, kinds, mark in _paths_of(json.loads("{" + tree)):
                shape.types[path] = set(kinds.split("|"))
                shape.times[path] = int(mark != "?")
                shape.each |= set() if mark else {path}
    return shapes


def _tree(shape: Shape) -> dict[str, Any]:
    """Return the fields as they are nested; "" holds the types of one that is not just an object or a list."""
    root: dict[str, Any] = {}
    for path in sorted(shape.types):
        steps = re.findall(r"\.[^.\[]+|\[[^\]]*\]", path)
        node, walked = root, ""
        for step in steps[:-1]:
            walked += step
            node = node[_step(step, walked, shape)]
        if not steps:
            continue
        kinds = "|".join(sorted(shape.types[path]))
        nested = any(p.startswith((f"{path}.", f"{path}[")) for p in shape.types)
        leaf: Any = {"": kinds} if nested and kinds not in ("object", "list") else {} if nested else kinds
        node[_step(steps[-1], path, shape)] = leaf
    return root


def _step(step: str, path: str, shape: Shape) -> str:
    mark = "" if path in shape.each else "~" if path in shape.always else "?"
    return step.removeprefix(".") + mark


def _paths_of(tree: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield each field of a tree with its types and its mark."""
    if not at:
        yield "$", "object", ""
    for key, inner in tree.items():
        if not key:
            continue
        name = key.rstrip("?~")
        path, mark = at + (name if name.startswith("[") else f".{name}"), key[len(name) :]
        if isinstance(inner, str):
            yield path, inner, mark
            continue
        listed = any(k.startswith("[") for k in inner)
        yield path, inner.get("", "list" if listed else "object"), mark
        yield from _paths_of(inner, path)


if __name__ == "__main__":
    TABLE.write_text(write(read(Path(sys.argv[1]))), encoding="utf-8")
