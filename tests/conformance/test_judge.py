"""Defects that an answer written here could hide from the judge, each planted in the line of an honest replay."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.folder import Unreadable, read_folder
from tests.conformance.judge import TOTALS, judge
from tests.conformance.recordings import lines_of

Line = dict[str, Any]
URL = "http://localhost:8000/v1/chat/completions"
SCHEMAS = {
    "rm": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "weather": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "unit": {"enum": ["celsius", "kelvin"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
}


def answer(message: Line, finish: str = "stop") -> Line:
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def call(name: str, arguments: str, id_: str = "c1") -> Line:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*found: Line) -> Line:
    return answer({"content": None, "tool_calls": list(found)}, "tool_calls")


def stream(*choices: Line) -> str:
    events = ({"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]} for choice in choices)
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def totals(
    folder: Path,
    body: Line | str,
    change: Callable[[Line], object] | None = None,
    url: str = URL,
    status: int = 200,
) -> dict[str, int]:
    """Return what counts for one recorded answer, after a change to its line and to its twin's."""
    tools = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in SCHEMAS.items()]
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools}
    text = body if isinstance(body, str) else json.dumps(body)
    request = {"method": "POST", "uri": url, "body": json.dumps(asked)}
    response = {"status": {"code": status}, "headers": {}, "body": {"string": text}}
    (folder / "p").mkdir(exist_ok=True)
    cassette = yaml.safe_dump({"interactions": [{"request": request, "response": response}]})
    (folder / "p" / "one.yaml").write_text(cassette, encoding="utf-8")
    (found,) = read_folder(folder)

    async def collect() -> list[Line]:
        return [line async for line in lines_of(found, cutting=False)]

    (line,) = asyncio.run(collect())
    for one in (line, line.get("twin")):
        if one and change:
            change(one)
    line.pop("deltas", None)
    counted = judge([found], [line], cutting=False).totals()
    return {name: count for name, count in counted.items() if count and name != "exchanges"}


def run(name: str, **arguments: Any) -> Callable[[Line], object]:
    return lambda line: line.update(
        calls=[{"id": "c1", "name": name, "arguments": arguments}], invalid_calls=[], finish="tool_calls"
    )


TWO = calls(call("rm", '{"path": "/a"}', "c1"), call("rm", '{"path": "/b"}', "c2"))
BLOCKS = "<think>the first long thought</think>Hello <think>the second long thought</think>World"
TAGGED = 'I look at the sky. <tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'


@pytest.mark.parametrize(
    ("total", "body", "change"),
    [
        ("cut_calls_executable", calls(call("rm", '{"path": "/srv/data/pro')), run("rm", path="/srv/data/pro")),
        ("cut_calls_executable", calls(call("rm", '{"path": "/srv/data/pro"')), run("rm", path="/srv/data/pro")),
        ("cut_calls_executable", calls(call("rm", '{"path": "/srv/\\"')), run("rm", path="/srv/")),
        ("finish_differs", answer({"content": "ok"}), lambda line: line.update(finish="length")),
        ("finish_differs", answer({"content": "ok"}, "length"), lambda line: line.update(finish="stop")),
        ("finish_differs", answer({"content": "ok"}, "content_filter"), lambda line: line.update(finish="stop")),
        ("finish_differs", TWO, lambda line: line.update(finish="stop")),
        ("calls_lost", TWO, lambda line: [one.update(id="c1") for one in line["calls"]]),
        ("calls_invented", calls(call("weather", '{"city": "Oslo", "days": 3}')), run("weather", city="Oslo")),
        ("calls_invented", calls(call("weather", '{"city": "Oslo"}')), run("weather", city="OSLO ")),
        ("text_differs", answer({"content": '{"name": "Ann", "age": 3}'}), lambda line: line.update(text="")),
        ("text_differs", answer({"content": "One calls print(end='') for it."}), lambda line: line.update(text="for it")),
        ("text_differs", answer({"content": TAGGED}), lambda line: line.update(text="")),
        ("text_differs", answer({"content": TAGGED}), lambda line: line.update(text="I look at")),
        ("reasoning_leaked", answer({"content": BLOCKS}), lambda line: line.update(text=BLOCKS.replace("<think>", "").replace("</think>", ""), reasoning="")),
        ("text_differs", answer({"content": BLOCKS}), lambda line: line.update(text="Hello")),
    ],
)  # fmt: skip
def test_the_judge_sees_what_was_planted(
    total: str, body: Line, change: Callable[[Line], object], tmp_path: Path
) -> None:
    assert totals(tmp_path, body) == {}
    assert total in totals(tmp_path, body, change)


GEMINI = [
    {"delta": {"tool_calls": [{"index": 0, **call("weather", f'{{"city": "{city}"}}', "")}]}}
    for city in ("Oslo", "Rome")
]


@pytest.mark.parametrize(
    "body",
    [
        calls(call("weather", '{"city": "Oslo"}'), call("weather", '{"city": "Rome"}')),
        calls(call("weather", '{"city": "Oslo", "days": null, "unit": "Celsius", "why": "so"}')),
        stream(*GEMINI, {"delta": {}, "finish_reason": "tool_calls"}),
        stream({"delta": {"content": "Hel"}}, {"delta": {"content": "lo"}}, {"message": {"content": "Hello"}, "finish_reason": "stop"}),
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        answer({"content": '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Oslo"}<|call|>'}),
    ],
    ids=["one id", "keys that may go", "index 0 and no id", "a whole message last", "an error in 200", "channels"],
)  # fmt: skip
def test_the_judge_lets_an_honest_line_pass(body: Line | str, tmp_path: Path) -> None:
    assert totals(tmp_path, body) == {}


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled"])
def test_an_error_is_due_where_a_response_is_not_there(status: str, tmp_path: Path) -> None:
    body = {"object": "response", "status": status, "output": []}
    assert totals(tmp_path, body, url="http://localhost:8000/v1/responses") == {}
    assert totals(tmp_path, {"request_id": "r"}, status=202) == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}),
        ("/v1beta/models/gemini:generateContent", {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]}),
        ("/v2/chat", {"message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}}),
        ("/model/claude/converse", {"output": {"message": {"content": [{"text": "Hi"}]}}}),
        ("/inference", {"answer": "Hi"}),
    ],
)
def test_a_talk_in_a_protocol_that_is_not_known_counts_as_crashed(
    path: str, body: Line, tmp_path: Path
) -> None:
    assert totals(tmp_path, body, url="http://localhost" + path) == {"crashed": 1}


@pytest.mark.parametrize("path", ["/inference", "/completion", "/v1/messages"])
def test_the_shape_of_an_answer_says_what_its_path_does_not(path: str, tmp_path: Path) -> None:
    url = "http://localhost" + path
    assert totals(tmp_path, answer({"content": "Hi"}), url=url) == {}
    assert totals(tmp_path, answer({"content": "Hi"}), lambda line: line.update(text=""), url=url)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"object": "list", "data": []}),
        ("/v1/rerank", {"results": []}),
        ("/v1/images/generations", {"data": []}),
        ("/api/show", {"details": {}}),
        ("/v1/completions", {"object": "text_completion", "choices": [{"text": "a"}]}),
    ],
)
def test_what_is_no_talk_is_passed_over(path: str, body: Line, tmp_path: Path) -> None:
    assert (
        totals(tmp_path, body, lambda line: line.update(kind="not_chat"), url="http://localhost" + path) == {}
    )


def test_an_app_of_dashscope_is_read(tmp_path: Path) -> None:
    url = "https://dashscope.aliyuncs.com/api/v1/apps/abc/completion"
    body = {"output": {"text": "Hi", "finish_reason": "stop"}, "usage": {"models": []}}
    assert totals(tmp_path, body, url=url) == {}
    assert "text_differs" in totals(tmp_path, body, lambda line: line.update(text="Ho"), url=url)


def test_no_recording_is_passed_over_for_its_name(tmp_path: Path) -> None:
    names = (
        "index.yaml",
        "sources.yaml",
        "readme.txt",
        "notice.json",
        "manifest.jsonl",
        "license.yml",
        ".hidden.yaml",
    )
    for name in names:
        (tmp_path / "p").mkdir(exist_ok=True)
        (tmp_path / "p" / name).write_text("[", encoding="utf-8")
    for name in ("INDEX.md", "LICENSE", "p/notes.md", "p/.gitkeep"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    found = list(read_folder(tmp_path))
    assert {item.file for item in found} == {f"p/{name}" for name in names}
    assert {item.file for item in found if isinstance(item, Unreadable)} >= {"p/index.yaml", "p/.hidden.yaml"}


def test_every_total_has_a_name_of_its_own() -> None:
    assert len(set(TOTALS)) == len(TOTALS)
