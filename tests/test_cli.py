"""The command line, as a process: what it prints where, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentsdk.testing.standin import Standin

ROOT = Path(__file__).parents[1]
HANDBOOK = "examples/texts/handbook.md"
OFFLINE = ["--model", "offline:extract"]


def agentsdk(*arguments: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.endswith("_API_KEY") and k not in ("AGENTSDK_MODEL", "NO_COLOR")
    }
    env |= {"AGENTSDK_LANG": "en", "PYTHONUTF8": "1", **environ}
    return subprocess.run(
        [sys.executable, "-m", "agentsdk", *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=env,
        check=False,
    )


def test_the_answer_is_on_stdout_and_all_else_on_stderr() -> None:
    ran = agentsdk("ask", "what is 12% of 340?", *OFFLINE)
    assert (ran.returncode, ran.stdout) == (0, "12% of 340 = 40.8\n")
    assert "calculator" in ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr


def test_citations_are_printed_with_file_line_and_words() -> None:
    ran = agentsdk("ask", "How long is the warranty?", "--ref", HANDBOOK, *OFFLINE)
    assert ran.returncode == 0
    assert (
        f"[1] {HANDBOOK}, line 44: “Every lamp has a warranty of five years from the day of purchase.”"
        in ran.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ask", "who is the president of France?"], 3),
        (["ask", "summarise this file"], 7),
        (["ask", "write me a poem"], 5),
        (["ask", "what is 12% of 340?", "--budget-calls", "1"], 4),
        (["ask", ""], 2),
        (["ask", "hi", "--ref", "no/such/file.md"], 2),
        (["ask", "hi", "--tool", "calculatr"], 2),
        (["ask", "hi", "--model", "gpt-4o"], 2),
        (["ask", "hi", "--model", "openai:gpt-4o"], 2),
        (["ask", "hi", "--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1"], 6),
        (["ask", "hi", "--base-url", "http://127.0.0.1:9/v1"], 2),
        (["ask", "hi", "--budget-calls", "0"], 2),
        (["ask", "hi", "--plan", "sometimes"], 2),
        (["ask", "hi", "--trace", "no/such/folder/x.jsonl"], 2),
        (["nothing"], 2),
        (["trace", "no-such-file"], 2),
        (["text", "no-such-file"], 2),
    ],
)
def test_each_end_has_its_exit_code_and_no_traceback(arguments: list[str], code: int) -> None:
    named = [] if "--model" in arguments or "--base-url" in arguments or arguments[0] != "ask" else OFFLINE
    ran = agentsdk(*arguments, *named)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert (ran.stdout + ran.stderr).strip()


def test_json_is_one_object_with_the_documented_keys_and_true_offsets() -> None:
    ran = agentsdk("ask", "教师读者的借期是多长？", "--ref", "examples/texts/shouce.md", "--json", *OFFLINE)
    wire = json.loads(ran.stdout)
    assert list(wire) == [
        "answer",
        "status",
        "model",
        "citations",
        "unverified",
        "plan",
        "steps",
        "usage",
        "findings",
        "waiting",
    ]
    assert wire["status"] == "answered"
    text = (ROOT / "examples/texts/shouce.md").read_bytes().decode()
    for citation in wire["citations"]:
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert text.count("\n", 0, citation["start"]) + 1 == citation["line"]
    assert "60 天" in wire["citations"][0]["quote"]
    assert ran.stderr == ""


def test_an_error_is_json_as_well() -> None:
    ran = agentsdk("ask", "hi", "--json", "--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1")
    wire = json.loads(ran.stdout)
    assert (wire["status"], wire["error"]["type"], ran.returncode) == ("failed", "ConnectionLost", 6)
    usage = agentsdk("ask", "hi", "--json", "--plan", "sometimes")
    assert (json.loads(usage.stdout)["status"], usage.returncode) == ("failed", 2)


def test_a_plan_is_shown_and_nothing_of_it_is_run() -> None:
    question = "What does the Spark cost, and what does the Beacon cost?"
    tree = agentsdk("plan", question, "--ref", HANDBOOK, *OFFLINE)
    assert [line.split()[0] for line in tree.stdout.splitlines()] == ["s1", "s2"]
    mermaid = agentsdk("plan", question, "--ref", HANDBOOK, "--as", "mermaid", *OFFLINE)
    assert mermaid.stdout.startswith("flowchart TD")
    wire = json.loads(agentsdk("plan", question, "--ref", HANDBOOK, "--as", "json", *OFFLINE).stdout)
    assert [s["do"] for s in wire["steps"]] == ["look_up", "look_up"]
    assert "No plan" in agentsdk("plan", "hello", *OFFLINE).stdout


def test_a_question_may_come_through_a_pipe() -> None:
    assert agentsdk("ask", "-", *OFFLINE, stdin="what is 2 + 2?").stdout == "2 + 2 = 4\n"


def test_a_chat_over_a_pipe_answers_each_line_and_ends() -> None:
    lines = "what is 2 + 2?\n/plan\n/model nothing\n/model offline:extract\n/nonsense\n今天星期几\n/quit\nnever asked\n"
    ran = agentsdk("chat", *OFFLINE, stdin=lines)
    assert ran.returncode == 0
    assert "2 + 2 = 4" in ran.stdout
    assert "现在是" in ran.stdout
    assert "does not name a model" in ran.stderr
    assert "/nonsense" in ran.stderr
    assert "never" not in ran.stdout


def test_a_chat_with_a_session_goes_on_where_it_stopped_and_sessions_are_shown_and_deleted(
    tmp_path: Path,
) -> None:
    store = ("--store", str(tmp_path / "runs.db"))
    for line in ("what is 2 + 2?", "what is 3 + 3?"):
        assert agentsdk("chat", *OFFLINE, "--session", "anna", *store, stdin=line).returncode == 0
    assert "anna  2 turn(s)" in agentsdk("sessions", *store).stdout
    assert "> what is 2 + 2?\n2 + 2 = 4" in agentsdk("sessions", "anna", *store).stdout
    turns = json.loads(agentsdk("sessions", "anna", "--json", *store).stdout)
    assert [t["messages"][0]["text"] for t in turns] == ["what is 2 + 2?", "what is 3 + 3?"]
    assert [s["name"] for s in json.loads(agentsdk("sessions", "--json", *store).stdout)] == ["anna"]
    assert agentsdk("sessions", "bob", *store).returncode == 2
    assert agentsdk("sessions", "--delete", *store).returncode == 2
    assert "2 turn(s)" in agentsdk("sessions", "anna", "--delete", *store).stdout
    assert "no sessions" in agentsdk("sessions", *store).stdout
    assert agentsdk("sessions", "anna", "--delete", *store).returncode == 2
    assert "--store" in agentsdk("chat", *OFFLINE, "--session", "anna", stdin="hi").stderr
    missing = agentsdk("sessions", "--store", str(tmp_path / "none.db"))
    assert missing.returncode == 2
    assert not (tmp_path / "none.db").exists()


def test_a_trace_is_written_as_it_happens_and_shown(tmp_path: Path) -> None:
    file = str(tmp_path / "run.jsonl")
    agentsdk("ask", "what is 12% of 340?", "--trace", file, *OFFLINE)
    shown = agentsdk("trace", file)
    assert shown.returncode == 0
    assert "question: what is 12% of 340?" in shown.stdout
    assert "12% of 340 = 40.8" in shown.stdout


def test_text_prints_to_the_byte_what_offsets_count(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("eins\r\nzwei 三".encode())
    ran = subprocess.run(
        [sys.executable, "-m", "agentsdk", "text", str(file)], capture_output=True, check=False
    )
    assert ran.stdout == file.read_bytes()


def test_without_a_model_a_server_on_this_machine_is_taken_and_a_key_alone_is_not() -> None:
    with Standin() as server:
        server.say("hello from the stand-in")
        ran = agentsdk("ask", "hi", OLLAMA_HOST=server.url("ollama"), OPENAI_API_KEY="sk-not-a-key-at-all")
        assert ran.stdout == "hello from the stand-in\n"
        assert "ollama:standin:latest" in ran.stderr
        assert len(server.requests) == 1
    alone = agentsdk("ask", "what is 2 + 2?", OLLAMA_HOST="127.0.0.1:9", OPENAI_API_KEY="sk-not-a-key-at-all")
    assert alone.stdout == "2 + 2 = 4\n"
    assert "offline:extract" in alone.stderr
    assert "--model openai:" in alone.stderr
    assert "sk-not" not in alone.stderr
    named = agentsdk("ask", "what is 2 + 2?", AGENTSDK_MODEL="offline:extract")
    assert "AGENTSDK_MODEL" in named.stderr


def test_models_and_tools_say_what_there_is() -> None:
    with Standin() as server:
        wire = json.loads(agentsdk("models", "--json", OLLAMA_HOST=server.url("ollama")).stdout)
    (found,) = wire["servers"]
    (model,) = found["models"]
    assert model["name"] == "ollama:standin:latest"
    assert model["facts"]["context"] == {"value": 131072, "source": "/api/show"}
    assert model["facts"]["tools"] == {"value": True, "source": "/api/show"}
    assert "offline:extract" in agentsdk("models", OLLAMA_HOST="127.0.0.1:9").stdout
    assert {"calculator", "clock", "files", "web_page", "web_search"} == set(
        json.loads(agentsdk("tools", "--json").stdout)
    )


def test_models_says_of_each_fact_where_it_comes_from() -> None:
    with Standin() as server:
        url = server.url("ollama")
        table = agentsdk("models", OLLAMA_HOST=url, DASHSCOPE_API_KEY="sk-none").stdout
        one = agentsdk("models", "ollama:standin", "--base-url", url).stdout
    (listed,) = [line for line in table.splitlines() if line.startswith("  ollama:standin")]
    assert listed.split()[1:3] == ["131,072", "yes"]
    (hosted,) = [line for line in table.splitlines() if line.startswith("  dashscope:qwen-plus")]
    assert hosted.split()[1:3] == ["131,072*", "yes*"]
    assert "*: our table" in table
    assert "sk-none" not in table
    assert [line.split()[-2:] for line in one.splitlines() if line.startswith("tools")] == [
        ["yes", "/api/show"]
    ]
    assert json.loads(agentsdk("models", "openai:o3", "--json").stdout)["facts"]["parallel"] == {
        "value": True,
        "source": "table: o-series",
    }


def test_models_helps_where_nothing_is_found_and_where_a_name_is_wrong() -> None:
    none = agentsdk("models", OLLAMA_HOST="127.0.0.1:9", OPENAI_API_KEY="", DASHSCOPE_API_KEY="")
    assert "ollama pull" in none.stdout
    assert none.returncode == 0
    there = agentsdk("models", "--base-url", "http://127.0.0.1:9/v1", OLLAMA_HOST="127.0.0.1:9")
    assert "Nothing at http://127.0.0.1:9/v1" in there.stdout
    wrong = agentsdk("models", "gpt-4o")
    assert wrong.returncode == 2
    assert "openai:gpt-4o" in wrong.stderr
    assert "lmstudio" in agentsdk("models", "openai:x", "--server", "lmstudo").stderr
    assert agentsdk("models", "--base-url", "nonsense").returncode == 2


def test_the_table_of_models_stands_straight_in_chinese() -> None:
    from rich.cells import cell_len

    table = agentsdk("models", AGENTSDK_LANG="zh", DASHSCOPE_API_KEY="x", OLLAMA_HOST="127.0.0.1:9").stdout
    rows = [line for line in table.splitlines() if line.startswith("  dashscope:")]
    starts = {cell_len(line[: line.index("*")]) - len(line.split()[1].rstrip("*")) for line in rows}
    assert len(rows) == 6
    assert len(starts) == 1


@pytest.mark.parametrize("lang", ["zh_CN.UTF-8", "zh"])
def test_help_and_errors_speak_chinese(lang: str) -> None:
    helped = agentsdk("--help", AGENTSDK_LANG=lang)
    assert "回答一个问题" in helped.stdout
    assert "选项" in helped.stdout
    failed = agentsdk("ask", "hi", "--model", "gpt-4o", AGENTSDK_LANG=lang)
    assert "原因" in failed.stderr
    assert "Why" not in failed.stderr


@pytest.mark.parametrize(
    "command", [(), ("ask",), ("chat",), ("plan",), ("models",), ("tools",), ("trace",), ("text",)]
)
def test_a_page_of_help_is_all_chinese(command: tuple[str, ...]) -> None:
    page = agentsdk(*command, "--help", AGENTSDK_LANG="zh").stdout
    assert "用法：" in page
    assert "显示本说明并退出。" in page
    assert not re.search("Usage|OPTIONS|COMMAND|Show this|FILE|PROVIDER|NAME", page)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", "hi", "there"), "错误：不应出现：there"),
        (("ask", "hi", "--model"), "错误：--model 需要一个值。"),
        (("ask", "hi", "--json=3"), "错误：--json 后面不需要值。"),
        (
            ("ask", "hi", "--plan", "no"),
            "错误：--plan 的值无效：'no' 不是以下之一：'never', 'auto', 'always'。",
        ),
        (("ask", "hi", "--budget-calls", "x"), "错误：--budget-calls 的值无效：它不是整数。"),
        (("ask", "hi", "--budget-seconds", "x"), "错误：--budget-seconds 的值无效：它不是数。"),
    ],
)
def test_wrong_use_is_told_in_chinese(arguments: tuple[str, ...], said: str) -> None:
    ended = agentsdk(*arguments, AGENTSDK_LANG="zh")
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (2, said)


def test_the_source_of_a_fact_is_told_in_chinese() -> None:
    shown = agentsdk("models", "openai:gpt-4o-mini", AGENTSDK_LANG="zh").stdout
    assert "LangChain 的 profile" in shown
    assert "我们的表：gpt-4o" in shown


def test_without_a_command_the_help_is_shown_and_no_empty_error() -> None:
    ended = agentsdk()
    assert ended.returncode == 2
    assert "Error" not in ended.stderr


def test_a_poor_encoding_does_not_break_an_answer() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "agentsdk", "ask", "你好", *OFFLINE],
        capture_output=True,
        env={**os.environ, "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0
    assert b"offline:extract" in ran.stdout


def test_what_a_file_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "evil.md"
    file.write_text("# Doors\n\nThe door code is \x1b[31m\x1b]0;gone\x074711[/bold] today.\n", encoding="utf-8")
    ran = agentsdk("ask", "What is the door code?", "--ref", str(file), *OFFLINE)
    assert "4711" in ran.stdout
    assert "[/bold]" in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr
    assert "\x07" not in ran.stdout + ran.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m agentsdk ask hello --model offline:extract | head -n 1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "offline:extract" in ran.stdout
    assert "BrokenPipe" not in ran.stderr


def test_a_pdf_is_cited_by_page_and_its_offsets_point_into_its_text(tmp_path: Path) -> None:
    from tests.references.test_load import pdf

    file = tmp_path / "tower.pdf"
    file.write_bytes(pdf("The Salt Tower is 58 metres high.", "A ticket costs six euros."))
    wire = json.loads(
        agentsdk("ask", "How much does a ticket cost?", "--ref", str(file), "--json", *OFFLINE).stdout
    )
    (citation,) = wire["citations"]
    text = agentsdk("text", str(file)).stdout
    assert text[citation["start"] : citation["end"]] == citation["quote"] == "A ticket costs six euros."
    assert citation["page"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is a thing of Unix")
def test_on_a_terminal_the_steps_light_up_and_the_answer_follows() -> None:
    import pty

    main, end = pty.openpty()
    command = ["ask", "What does the Spark cost, and what does the Beacon cost?", "--ref", HANDBOOK, *OFFLINE]
    env = {**os.environ, "AGENTSDK_LANG": "en", "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "agentsdk", *command], stdin=end, stdout=end, stderr=end, env=env, cwd=ROOT
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        shown += piece
    os.close(main)
    assert process.wait() == 0
    text = shown.decode("utf-8", "replace")
    assert "\x1b[" in text
    assert "Plan" in text
    assert text.index("●") < text.index("[1]")
    assert "€39" in text


def test_a_missing_extra_is_named_with_its_install_line(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text("<p>text</p>", encoding="utf-8")
    code = (
        "import sys; sys.modules['trafilatura'] = None; from agentsdk.cli.commands import run; "
        f"sys.exit(run(['text', {str(file)!r}]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AGENTSDK_LANG": "en"},
    )
    assert ran.returncode == 2
    assert 'pip install "agentsdk[docs]"' in ran.stderr


FILE = """
question: What is 12% of 340?
steps:
  - {id: a, do: calculator, in: {expression: 12*7}}
  - {id: b, do: clock, in: {date: 2026-11-25}}
"""


def test_a_plan_from_a_file_is_checked_and_shown_without_a_model(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(FILE, encoding="utf-8")
    svg = agentsdk("plan", "--plan-file", str(file), "--as", "svg", "--model", "openai:none")
    assert svg.returncode == 0
    assert svg.stdout.startswith("<svg ")
    yaml = agentsdk("plan", "--plan-file", str(file), "--as", "yaml")
    assert "expression: 12*7" in yaml.stdout
    file.write_text(FILE.replace("clock", "clok"), encoding="utf-8")
    wrong = agentsdk("plan", "--plan-file", str(file))
    assert wrong.returncode == 2
    assert "Step b: there is no tool clok. Did you mean clock?" in wrong.stderr
    missing = agentsdk("plan", "--plan-file", str(tmp_path / "none.yaml"))
    assert (missing.returncode, "cannot be read" in missing.stderr) == (2, True)


def test_a_plan_from_a_file_is_run_and_the_planner_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(FILE, encoding="utf-8")
    with Standin() as server:
        server.say("It is 84.")
        ran = agentsdk(
            "ask", "How much?", "--plan-file", str(file), "--json", "--model", "openai:gpt-4o",
            "--base-url", server.url("openai"), OPENAI_API_KEY="k",
        )  # fmt: skip
        assert len(server.requests) == 1
        assert "How much?" in str(server.requests[0])
    answer = json.loads(ran.stdout)
    assert (ran.returncode, answer["answer"]) == (0, "It is 84.")
    assert [(s["id"], s["status"]) for s in answer["steps"]] == [("a", "done"), ("b", "done")]
