"""The replay of recorded answers, on samples written for this project, and on the shared recordings where they are."""

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.cuts import cuts
from tests.conformance.folder import Exchange, Unreadable, read_file, read_folder
from tests.conformance.judge import TOTALS, judge
from tests.conformance.recordings import lines_of, main, run

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
SHARED = HERE.parents[2] / "shared" / "recordings"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((HERE / "samples.json").read_text(encoding="utf-8"))

Line = dict[str, Any]


def replayed(folder: Path, **options: bool) -> list[Line]:
    async def collect() -> list[Line]:
        return [line async for line in run(folder, **options)]

    return asyncio.run(collect())


def whole_answers(found: list[Exchange | Unreadable]) -> list[Line]:
    async def collect() -> list[Line]:
        return [line for item in found async for line in lines_of(item, cutting=False)]

    return asyncio.run(collect())


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return replayed(SAMPLES)


def test_no_sample_is_without_an_expectation_and_none_is_forgotten() -> None:
    files = {p.relative_to(SAMPLES).as_posix() for p in SAMPLES.rglob("*") if p.is_file()}
    assert files == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_comes_out_as_it_should(name: str, lines: list[Line]) -> None:
    got = [line for line in lines if line["file"] == name and line["cut"] is None]
    assert len(got) == len(EXPECTED[name])
    for line, wanted in zip(got, EXPECTED[name], strict=True):
        error = line["error"] or {}
        assert line["kind"] == wanted.get("kind", "chat")
        assert [{k: c[k] for k in ("name", "arguments")} for c in line["calls"]] == wanted.get("calls", [])
        if wanted.get("error") == "any":
            assert error
        else:
            assert error.get("type") == wanted.get("error")
        if not error:
            assert [c["name"] for c in line["invalid_calls"]] == wanted.get("invalid", [])
            assert line["text"].strip() == wanted.get("text", "")
        assert line["reasoning"] == wanted.get("reasoning", "")
        for field in ("status", "retry_after", "partial"):
            assert error.get(field) == wanted[field] if field in wanted else True
        for field in ("finish", "offer"):
            assert line.get(field) == wanted[field] if field in wanted else True
        if "usage" in wanted:
            usage = list((line["usage"] or {}).values()) or None
            assert usage == wanted["usage"] or usage == [*wanted["usage"], 0, 0]


def test_every_total_of_the_samples_is_zero(lines: list[Line]) -> None:
    totals = judge(read_folder(SAMPLES), lines).totals()
    assert totals == {"exchanges": len(EXPECTED), **dict.fromkeys(TOTALS, 0)}


def test_nothing_of_an_answer_that_ends_too_soon_is_run() -> None:
    ends = replayed(SAMPLES, truncate=True)
    assert all(line["mode"] == "truncated" for line in ends if line["kind"] == "chat")
    assert judge(read_folder(SAMPLES), ends, truncated=True).offenders == ()


def test_a_replay_gives_the_same_lines_each_time(lines: list[Line]) -> None:
    assert replayed(SAMPLES / "vllm") == [
        line | {"file": line["file"].removeprefix("vllm/"), "provider": Path(line["file"]).stem}
        for line in lines
        if line["provider"] == "vllm"
    ]


def test_a_stream_is_cut_at_each_event_inside_characters_and_inside_line_ends() -> None:
    body = 'data: {"a": "世界"}\r\n\r\ndata: {"b": 1}\r\n\r\n'.encode()
    found = cuts(body, stream=True)
    assert body.index(b"data", 5) in found
    assert any(0x80 <= body[at] < 0xC0 for at in found)
    assert any(body[at - 1 : at + 1] == b"\r\n" for at in found)
    assert found == cuts(body, stream=True)


def test_the_judge_knows_nothing_of_agentsdk() -> None:
    code = "import sys, tests.conformance.judge; print([m for m in sys.modules if m.startswith('agentsdk')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "provider", sorted(p.name for p in SHARED.glob("*") if p.name != "LICENSES") or ["none"]
)
def test_every_total_of_the_shared_recordings_is_zero(provider: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("the shared recordings are not beside this checkout")
    found = [item for item in read_folder(SHARED) if item.provider == provider]
    assert judge(found, whole_answers(found), cutting=False).offenders == ()


# What the command says.


def test_the_command_prints_the_lines_and_then_every_total(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([str(SAMPLES / "groq"), "--json", "--lines", str(tmp_path / "lines.jsonl")]) == 0
    *printed, totals = map(json.loads, capsys.readouterr().out.splitlines())
    assert [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()] == printed
    assert set(TOTALS) | {"exchanges", "providers", "lines"} == set(totals)
    wanted = (
        "file",
        "index",
        "provider",
        "cut",
        "calls",
        "invalid_calls",
        "text",
        "reasoning",
        "usage",
        "finish",
        "error",
    )
    assert all(set(wanted) <= set(line) for line in printed)


def test_the_command_ends_with_one_and_names_what_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "broken.yaml").write_text("interactions: [", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "crashed" in said
    assert "vllm/broken.yaml [0]" in said


# What a folder may hold.


def test_files_that_cannot_be_read_are_told_and_counted(tmp_path: Path) -> None:
    for name, body in {
        "a/list.yaml": b"- 1\n- 2\n",
        "a/none.yaml": b"version: 1\ninteractions: []\n",
        "a/half.yaml": b"interactions:\n- request: {\n",
        "a/picture.png": b"\x89PNG",
        "a/other.json": b'{"answer": 42}',
        "a/bytes.yaml": b"\xff\xfe\x00",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    lines = replayed(tmp_path)
    assert {line["kind"] for line in lines} <= {"unreadable", "unknown"}
    assert judge(read_folder(tmp_path), lines).totals()["crashed"] == len(lines) == 6


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("page", b"<html><title>502 Bad Gateway</title></html>"),
        ("half", b'{"object": "chat.completion", "choices": [{"mess'),
        ("empty", b""),
        ("numbers", b'data: 1\n\ndata: {"choices": 3}\n\n'),
        ("deep", b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("not_utf8", b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n'),
        ("half_packed", gzip.compress(b'{"choices": []}', mtime=0)[:-9]),
    ],
)
def test_an_answer_that_is_none_ends_in_a_typed_error(name: str, body: bytes, tmp_path: Path) -> None:
    asked = {"model": "sample", "messages": []}
    request = {"method": "POST", "uri": "http://localhost:8000/v1/chat/completions", "body": json.dumps(asked)}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": body}}
    (tmp_path / "vllm").mkdir()
    cassette = yaml.safe_dump({"interactions": [{"request": request, "response": response}]})
    (tmp_path / "vllm" / f"{name}.yaml").write_text(cassette, encoding="utf-8")
    lines = replayed(tmp_path)
    assert lines
    assert {line["error"]["type"] for line in lines} <= {"BadResponse", "Truncated", "EmptyResponse"}
    assert judge(read_folder(tmp_path), lines).offenders == ()


def test_bodies_are_read_in_whatever_way_they_were_kept(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.yaml").write_text(
        """
interactions:
- request: {method: POST, uri: "http://x/v1/chat/completions", body: !!python/unicode '{"model": "m"}', headers: {}}
  response:
  - {status: {code: 500, message: no}, headers: {Retry-After: "1"}, body: {string: !!binary aGk=}}
  - {status_code: 200, headers: [{name: Content-Type, value: text/plain}], content: hello}
- request: {method: POST, uri: "http://x/v1/chat/completions", parsed_body: {model: m}}
  response: {status: {code: 200}, parsed_body: {choices: []}}
- request: {method: POST, uri: "http://x/v1/chat/completions"}
  response: {status: {code: 200}, body: {base64_string: aGVsbG8=}}
- request: {method: POST, uri: "http://x/v1/chat/completions"}
""",
        encoding="utf-8",
    )
    *found, last = read_folder(tmp_path)
    exchanges = [e for e in found if isinstance(e, Exchange)]
    assert [e.body for e in exchanges] == [b"hi", b"hello", b'{"choices": []}', b"hello"]
    assert [e.status for e in exchanges] == [500, 200, 200, 200]
    assert [e.index for e in exchanges] == [0, 1, 2, 3]
    assert exchanges[0].headers["retry-after"] == "1"
    assert exchanges[1].headers["content-type"] == "text/plain"
    assert exchanges[0].asked == exchanges[2].asked == {"model": "m"}
    assert isinstance(last, Unreadable)


# Each total counts: lines are altered, and the judge must see it.


def altered(
    lines: list[Line], name: str, change: Callable[[Line], object], *, cut: bool = False
) -> dict[str, int]:
    """Return the totals after a change to one file's line: the whole answer's, or one of a cut."""
    own = json.loads(json.dumps([line for line in lines if line["file"] == name]))
    change(next(line for line in own if (line["cut"] is not None) is cut))
    return judge(read_file(SAMPLES / name, SAMPLES), own).totals()


CALL = "openai-chat/parallel_calls_streamed.yaml"
CUT = "openai-chat/q1_call_cut_by_length_streamed.yaml"
THOUGHT = "deepseek/q19_reasoning_content.yaml"
ERROR = "vllm/rate_limited.yaml"


def run_what_was_cut(line: Line) -> None:
    line["calls"] = [{"id": "a1", "name": "get_weather", "arguments": {"city": "Os"}}]
    line["invalid_calls"] = []


@pytest.mark.parametrize(
    ("total", "name", "change"),
    [
        ("cut_calls_executable", CUT, run_what_was_cut),
        ("cut_calls_executable", "vllm/q42_no_end_beside_a_call.yaml", lambda line: line.update(calls=[{"id": "a1", "name": "add", "arguments": {"a": 1, "b": 2}}])),
        ("calls_lost", CALL, lambda line: line["calls"].pop()),
        ("calls_lost", CUT, lambda line: line["invalid_calls"].pop()),
        ("calls_lost", "vllm/q9_numbers_as_text.yaml", lambda line: line["calls"].pop()),
        ("calls_lost", "lmstudio/q4_bare_json.yaml", lambda line: line["calls"].pop()),
        ("calls_invented", CALL, lambda line: line["calls"].append({"id": "x", "name": "add", "arguments": {"a": 1, "b": 2}})),
        ("calls_invented", CALL, lambda line: line["calls"][1]["arguments"].update(b=3)),
        ("calls_invented", CALL, lambda line: line["calls"].append({"id": "x", "name": "rm", "arguments": {}})),
        ("calls_invented", "llamacpp/q7_forbidden.yaml", lambda line: line["calls"].append({"id": "x", "name": "add", "arguments": {"a": 1, "b": 2}})),
        ("calls_invented", "vllm/q7_quoted.yaml", lambda line: line["calls"].append({"id": "x", "name": "add", "arguments": {"a": 2, "b": 5}})),
        ("calls_invented", "vllm/q7_within_a_thought.yaml", lambda line: line["calls"].append({"id": "x", "name": "add", "arguments": {"a": 1, "b": 2}})),
        ("arguments_not_schema_valid", "vllm/q9_numbers_as_text.yaml", lambda line: line["calls"][0]["arguments"].update(a="5")),
        ("reasoning_leaked", THOUGHT, lambda line: line.update(text="Hm. Yes. " + line["text"], reasoning="")),
        ("reasoning_leaked", THOUGHT, lambda line: line.update(reasoning="")),
        ("reasoning_leaked", "vllm/q19_tags_split_over_pieces.yaml", lambda line: line.update(text="<think>Hm.</think>It is so.")),
        ("stream_differs_from_whole", THOUGHT, lambda line: line["deltas"].update(text="It is")),
        ("stream_differs_from_whole", CALL, lambda line: line["deltas"]["calls"].pop()),
        ("stream_differs_from_whole", CALL, lambda line: line["twin"]["calls"].pop()),
        ("stream_differs_from_whole", CALL, lambda line: line.pop("twin")),
        ("usage_missing", CALL, lambda line: line.update(usage=None)),
        ("usage_missing", CALL, lambda line: line["usage"].update(input_tokens=10)),
        ("usage_missing", "venice/q20_only_thoughts.yaml", lambda line: line.update(usage=None)),
        ("untyped_errors", ERROR, lambda line: line.update(error=None)),
        ("untyped_errors", ERROR, lambda line: line["error"].update(type="builtins.KeyError")),
        ("untyped_errors", ERROR, lambda line: line["error"].update(type="AuthFailed")),
        ("untyped_errors", "watsonx/null.yaml", lambda line: line.update(error=None)),
        ("untyped_errors", "openai-chat/text.yaml", lambda line: line.update(error={"type": "BadResponse", "message": ""})),
        ("untyped_errors", "dashscope-native/embedding.yaml", lambda line: line.update(error=None)),
        ("crashed", CALL, lambda line: line.update(error={"type": "Runner.KeyError", "message": ""})),
        ("crashed", CALL, lambda line: line.update(kind="not_chat")),
        ("crashed", CALL, lambda line: line.update(cut=1)),
        ("crashed", CALL, lambda line: line.update(index=7)),
        ("text_differs", "openai-chat/text.yaml", lambda line: line.update(text="Hello")),
        ("text_differs", "lmstudio/q7_tagged.yaml", lambda line: line.update(text="Let me subtract.")),
    ],
)  # fmt: skip
def test_the_judge_sees_a_planted_defect(
    total: str, name: str, change: Callable[[Line], object], lines: list[Line]
) -> None:
    assert altered(lines, name, lambda line: None) == {"exchanges": 1, **dict.fromkeys(TOTALS, 0)}
    assert altered(lines, name, change)[total] > 0


@pytest.mark.parametrize("field", ["calls", "text", "reasoning", "usage", "finish", "error"])
def test_the_judge_sees_a_cut_that_differs(field: str, lines: list[Line]) -> None:
    totals = altered(
        lines,
        CALL,
        lambda line: line.update(
            {field: {"calls": [], "usage": None, "error": {"type": "Truncated"}}.get(field, "x")}
        ),
        cut=True,
    )
    assert totals["boundary_differs"] == 1


def test_the_judge_sees_an_exchange_without_lines(lines: list[Line]) -> None:
    assert judge(read_file(SAMPLES / CALL, SAMPLES), []).totals()["crashed"] == 1


def test_each_structured_call_that_goes_missing_is_seen(lines: list[Line]) -> None:
    whole = [line for line in lines if line["cut"] is None and line["calls"] and not line.get("repairs")]
    assert len(whole) > 10
    for line in whole:
        assert altered(lines, line["file"], lambda one: one["calls"].pop())["calls_lost"] == 1, line["file"]
