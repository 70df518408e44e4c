"""The stand-in's answers, field by field against those of real providers."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from agentsdk.testing.standin import Standin
from tests.testing import shapes
from tests.testing.shapes import TABLE, Shape, Shapes, parse

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
TABLE_OF_SHAPES = parse(TABLE.read_text(encoding="utf-8"))

PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
FUNCTION = {"name": "add", "description": "Add one.", "parameters": PARAMETERS}
QUESTION = [{"role": "user", "content": "What is 1+1?"}]


def request(server: str, kind: str, *, stream: bool, count: bool) -> dict[str, Any]:
    """Return a request that calls for a kind of answer."""
    protocol, calls = server.split(maxsplit=1)[0], kind.startswith("call")
    if protocol == "responses":
        tools = [{"type": "function", **FUNCTION, "strict": True}] if calls else []
        include = ["reasoning.encrypted_content"]
        return {"model": "m", "input": QUESTION, "tools": tools, "stream": stream, "include": include}
    wrapped = [{"type": "function", "function": FUNCTION}]
    if protocol == "dashscope":
        content: Any = [{"text": "1+1?"}] if server.endswith("parts") else "1+1?"
        parameters: dict[str, Any] = {"result_format": "message", "incremental_output": stream}
        parameters |= {"tools": wrapped} if calls else {}
        messages = [{"role": "user", "content": content}]
        return {"model": "m", "input": {"messages": messages}, "parameters": parameters}
    body: dict[str, Any] = {"model": "m", "messages": QUESTION, "stream": stream}
    body |= {"tools": wrapped} if calls else {}
    return body | ({"stream_options": {"include_usage": True}} if protocol == "chat" and count else {})


def sent(server: str, mode: str, kind: str) -> shapes.Kind:
    """Return the shape of what the stand-in sends."""
    protocol, name = server.split()[:2]
    stream, recorded = mode == "stream", TABLE_OF_SHAPES[server, mode, kind]
    orders = recorded.orders or {""}
    counted = any("tail" in order for order in orders)
    needed = " ".join(path for shape in recorded.classes.values() for path in shape.always)
    usage = {word: 3 for word in ("cached", "reasoning") if f"{word}_tokens" in needed}
    with Standin(name if protocol == "chat" else "openai") as standin:
        beside = all(" text " in f" {order} " for order in orders) or not kind.startswith("call")
        text = "It is two, as ever it was." if beside else ""
        thoughts = "One and one, and nothing else." if "thoughts" in kind else ""
        calls = [("add", {"a": 123456789012})] * {"call": 1, "calls": 2}.get(kind.split(maxsplit=1)[0], 0)
        if kind == "error":
            standin.fault(429, code="rate_limit_exceeded", message="Slow down.")
        elif calls:
            standin.calls(*calls, text=text, reasoning=thoughts, usage=usage)
        else:
            standin.say(text, reasoning=thoughts, usage=usage)
        path = {
            "chat": "/v1/chat/completions",
            "responses": "/v1/responses",
            "ollama": "/api/chat",
            "dashscope": "/api/v1/services/aigc/text-generation/generation",
        }[protocol]
        path = path.replace("text-generation", "multimodal-generation") if server.endswith("parts") else path
        asked = Request(
            standin.url("ollama") + path,
            json.dumps(request(server, kind, stream=stream, count=counted)).encode(),
            method="POST",
        )
        asked.add_header("Content-Type", "application/json")
        if protocol == "dashscope" and stream:
            asked.add_header("X-DashScope-SSE", "enable")
        status, body = _ask(asked)
    found: Shapes = defaultdict(shapes.Kind)
    shapes.add(found, " ".join(server.split()[:2]), path, status, body)
    assert list(found) == [(server, mode, kind)]
    return found[server, mode, kind]


def _ask(asked: Request) -> tuple[int, bytes]:
    try:
        with urlopen(asked, timeout=10) as answer:
            return int(answer.status), bytes(answer.read())
    except HTTPError as error:
        return error.code, error.read()


def known(server: str, mode: str, part: str) -> Shape:
    """Return all that was recorded of a class of events, in whatever kind of answer."""
    whole = Shape()
    for (of, how, kind), entry in TABLE_OF_SHAPES.items():
        if (of, how) == (server, mode) and kind != "error" and part in entry.classes:
            for path, kinds in entry.classes[part].types.items():
                whole.types[path] |= kinds
    return whole


KINDS = sorted(TABLE_OF_SHAPES)


@pytest.mark.parametrize(("server", "mode", "kind"), KINDS, ids=[" ".join(k) for k in KINDS])
def test_an_answer_has_the_fields_and_types_of_the_recorded_ones(server: str, mode: str, kind: str) -> None:
    recorded, ours = TABLE_OF_SHAPES[server, mode, kind], sent(server, mode, kind)
    for part, shape in ours.classes.items():
        allowed = recorded.classes[part] if kind == "error" else known(server, mode, part)
        assert {p: k for p, k in shape.types.items() if not k <= allowed.types[p]} == {}, part
        assert recorded.classes[part].always - shape.always == set(), part
        assert recorded.classes[part].each - shape.each == set(), part
    assert ours.orders <= recorded.orders


def test_the_table_holds_each_protocol_each_server_and_each_kind() -> None:
    servers = {server for server, _mode, _kind in TABLE_OF_SHAPES}
    assert servers == {*shapes.FLAVOURS.values(), "dashscope native parts"}
    for server in servers - {"dashscope native parts"}:
        kinds = {kind.split()[0] for of, _mode, kind in TABLE_OF_SHAPES if of == server}
        assert {"text", "call"} <= kinds or server == "chat deepseek"
    assert {kind for of, _mode, kind in TABLE_OF_SHAPES if of == "responses openai"} >= {
        "text", "call", "calls", "error", "text after thoughts", "call after thoughts", "calls after thoughts"
    }  # fmt: skip


@pytest.mark.skipif(not RECORDINGS.exists(), reason="../shared/recordings is not beside this checkout")
def test_the_table_is_what_the_recordings_say() -> None:
    assert TABLE.read_text(encoding="utf-8") == shapes.write(shapes.read(RECORDINGS))


def test_a_table_that_was_written_is_read_as_it_was() -> None:
    assert shapes.write(TABLE_OF_SHAPES) == TABLE.read_text(encoding="utf-8")


def test_a_field_too_many_one_too_few_and_one_of_another_type_are_seen() -> None:
    recorded = Shape()
    recorded.add([{"a": 1, "b": [{"c": "x"}]}])
    recorded.add([{"a": None, "b": []}])
    assert recorded.always == recorded.each == {"$", ".a", ".b"}
    assert recorded.types[".a"] == {"number", "null"}
    assert recorded.types[".b[].c"] == {"text"}
    ours = Shape()
    ours.add([{"a": "1", "d": 1}])
    assert {p for p, k in ours.types.items() if not k <= recorded.types[p]} == {".a", ".d"}
    assert recorded.always - ours.always == {".b"}
    ours.add([{"b": 1}, {"a": 1}])
    assert (ours.always, ours.each) == ({"$", ".a"}, {"$"})
