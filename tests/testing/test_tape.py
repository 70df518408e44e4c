"""The tape: found by content, refused otherwise, on disk at once, without secrets."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from agentsdk import Agent, Message, connect
from agentsdk.errors import CassetteDamaged, CassetteError, CassetteMiss, ModelError
from agentsdk.models.model import Request
from agentsdk.testing import cassette
from agentsdk.testing.keys import ask_of, difference
from agentsdk.testing.standin import Standin
from agentsdk.testing.tape import Tape, load, sources_of

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9/v1"


def ask(question: str, url: str) -> str:
    return Agent(connect("openai:gpt-4o-mini", base_url=url, api_key="k", retries=0)).run(question).text


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    file = tmp_path / "c.jsonl"
    with Standin() as server, cassette(file, "all"):
        server.say("first").say("second")
        ask("What is the colour of the sky at noon?", server.url("openai"))
        ask("And at night?", server.url("openai"))
    return file


def test_a_recording_replays_in_any_order_with_no_server(recorded: Path) -> None:
    with cassette(recorded) as tape:
        assert ask("And at night?", NOWHERE) == "second"
        assert ask("What is the colour of the sky at noon?", "http://elsewhere.invalid:1234/v1") == "first"
        assert tape.unused == []
    assert sources_of(load(recorded)) == {"simulator"}


def test_a_changed_word_is_refused_and_named(recorded: Path) -> None:
    with cassette(recorded), pytest.raises((CassetteMiss, ModelError)) as error:
        ask("What is the colour of the sea at noon?", NOWHERE)
    text = str(error.value)
    assert "[-sky-] {+sea+}" in text
    assert "messages[1]" in text
    assert "pytest --record=all" in text


def test_what_was_used_up_is_refused(recorded: Path) -> None:
    with cassette(recorded):
        ask("And at night?", NOWHERE)
        with pytest.raises((CassetteMiss, ModelError), match="used"):
            ask("And at night?", NOWHERE)


def test_the_order_of_keys_and_the_host_do_not_matter_and_every_leaf_does() -> None:
    one = ask_of(
        "post",
        "http://a/v1/chat/completions",
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}',
    )
    two = ask_of(
        "POST",
        "https://b:8/x/chat/completions",
        b'{"messages": [{"content": "x", "role": "user"}], "model": "m"}',
    )
    assert one.key == two.key
    three = ask_of(
        "POST",
        "http://a/v1/chat/completions",
        b'{"model": "n", "messages": [{"role": "user", "content": "x"}]}',
    )
    assert one.key != three.key
    assert difference(three, one)[1].startswith("parameter model")


def test_a_missing_cassette_says_how_to_record(tmp_path: Path) -> None:
    with pytest.raises(CassetteMiss, match="--record=all"), cassette(tmp_path / "no.jsonl"):
        pass


def test_missing_records_only_what_is_not_there(recorded: Path) -> None:
    with Standin() as server, cassette(recorded, "missing") as tape:
        server.say("third")
        assert ask("And at night?", server.url("openai")) == "second"
        assert ask("And at dawn?", server.url("openai")) == "third"
        assert len(server.requests) == tape.recorded == 1
    assert len(load(recorded)) == 3


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_never_silently_shorter(recorded: Path, cut: float) -> None:
    whole = recorded.read_text(encoding="utf-8")
    recorded.write_text(whole[: int(len(whole) * cut)], encoding="utf-8")
    with pytest.raises(CassetteDamaged), cassette(recorded):
        pass


def test_a_line_less_or_an_edited_answer_is_noticed(recorded: Path) -> None:
    lines = recorded.read_text(encoding="utf-8").splitlines()
    for number in range(len(lines)):
        recorded.write_text("\n".join(lines[:number] + lines[number + 1 :]) + "\n", encoding="utf-8")
        with pytest.raises(CassetteDamaged):
            load(recorded)
    recorded.write_text("\n".join(lines).replace("second", "sekond") + "\n", encoding="utf-8")
    with pytest.raises(CassetteDamaged):
        load(recorded)


def test_equal_answers_give_an_equal_file(tmp_path: Path) -> None:
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        with Standin() as server, cassette(file, "all"):
            server.say("hello")
            ask("Hi", server.url("openai"))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_kill_loses_at_most_the_call_in_flight(tmp_path: Path) -> None:
    file = tmp_path / "killed.jsonl"
    code = f"""
        import os, signal, sys
        from agentsdk import Agent, connect
        from agentsdk.testing import cassette
        from agentsdk.testing.standin import Standin
        with Standin() as server, cassette({str(file)!r}, "all"):
            for i in range(3):
                server.say(f"answer {{i}}")
                model = connect("openai:m", base_url=server.url("openai"), api_key="k")
                Agent(model).run(f"question {{i}}")
            os.kill(os.getpid(), {int(getattr(signal, "SIGKILL", signal.SIGTERM))})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, cwd=ROOT)
    with pytest.raises(CassetteDamaged):
        load(file)
    assert len(load(file, unfinished=True)) == 3


def test_thirty_two_threads_share_equal_calls_and_none_is_doubled(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    with Standin() as server, cassette(file, "all"):
        for i in range(32):
            server.say(f"answer {i}")
        for _ in range(32):
            ask("same", server.url("openai"))
    answers: list[str] = []
    with cassette(file) as tape:
        threads = [threading.Thread(target=lambda: answers.append(ask("same", NOWHERE))) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tape.unused == []
    assert sorted(answers) == sorted(f"answer {i}" for i in range(32))


def test_tapes_of_parallel_tasks_do_not_mix(tmp_path: Path) -> None:
    async def record(name: str, server: Standin) -> None:
        with cassette(tmp_path / f"{name}.jsonl", "all"):
            model = connect("openai:m", base_url=server.url("openai"), api_key="k")
            for i in range(3):
                await model.complete(Request((Message.user(f"{name} {i}"),)))
                await asyncio.sleep(0.01)

    async def go() -> None:
        with Standin() as server:
            server.say("x", when=" ")
            await asyncio.gather(*(record(name, server) for name in "abc"))

    asyncio.run(go())
    for name in "abc":
        said = [e.ask.messages[0]["content"] for e in load(tmp_path / f"{name}.jsonl")]
        assert said == [f"{name} {i}" for i in range(3)]


def test_plain_clients_are_recorded_as_well(tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    with Standin() as server:
        server.say("hi")
        with cassette(file, "all"):
            live = httpx.post(
                f"{server.url('openai')}/chat/completions", json={"model": "m", "messages": []}
            ).json()
    with cassette(file):
        assert httpx.post(f"{NOWHERE}/chat/completions", json={"messages": [], "model": "m"}).json() == live


def test_secrets_of_the_environment_never_reach_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = 'hunter2/"pass word"'
    monkeypatch.setenv("SERVICE_API_KEY", secret)
    file = tmp_path / "s.jsonl"
    with Standin() as server, cassette(file, "all"):
        server.say(f"You said {secret}")
        model = connect("openai:m", base_url=server.url("openai"), api_key=secret)
        asyncio.run(model.complete(Request((Message.user(f"my key is {secret}"),))))
    text = file.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "<redacted:SERVICE_API_KEY>" in text
    with cassette(file):
        model = connect("openai:m", base_url=NOWHERE, api_key="other")
        asyncio.run(model.complete(Request((Message.user(f"my key is {secret}"),))))


def test_what_looks_like_a_key_blocks_the_save(tmp_path: Path) -> None:
    file = tmp_path / "k.jsonl"
    key = "sk-" + "a1B2" * 8
    with Standin() as server, cassette(file, "all"):
        server.say("ok")
        with pytest.raises((CassetteError, ModelError), match="secret"):
            ask(f"my key is {key}", server.url("openai"))
    assert not file.exists() or key not in file.read_text(encoding="utf-8")


def test_a_request_of_no_cassette_cannot_leave_this_machine() -> None:
    with pytest.raises(CassetteMiss, match="this machine"):
        httpx.get("http://203.0.113.5/")


def test_every_cassette_of_the_project_is_whole_simulated_and_used() -> None:
    files = sorted((ROOT / "cassettes").rglob("*.jsonl"))
    assert len(files) >= 3
    for file in files:
        assert sources_of(load(file)) == {"simulator"}
        test = ROOT / "tests" / file.relative_to(ROOT / "cassettes").parent.with_suffix(".py")
        assert file.stem.split("-")[0] in test.read_text(encoding="utf-8")


def test_loading_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "evil.jsonl"
    for line in [
        '{"cassette": 1}\n!!python/object/apply:os.system ["true"]',
        '{"cassette": 1}\n' + "[" * 100_000,
        "\x00",
        '{"cassette": 2}',
    ]:
        file.write_text(line, encoding="utf-8")
        with pytest.raises(CassetteDamaged):
            load(file)


def test_the_plugin_fails_a_test_that_does_not_ask_for_what_was_recorded(
    recorded: Path, tmp_path: Path, provider: Callable[..., str]
) -> None:
    folder = tmp_path / "cassettes" / "test_less"
    folder.mkdir(parents=True)
    (folder / "test_nothing.jsonl").write_bytes(recorded.read_bytes())
    (tmp_path / "test_less.py").write_text(
        "import pytest\npytest_plugins = ['agentsdk.testing.plugin']\n\n@pytest.mark.cassette\ndef test_nothing(): pass\n",
        encoding="utf-8",
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "agentsdk.testing.plugin", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout
    assert "did not ask for" in ran.stdout


def test_a_tape_takes_each_exchange_once(recorded: Path) -> None:
    tape = Tape(recorded)
    first = load(recorded)[0]
    assert tape.take(first.ask) is not None
    assert tape.take(first.ask) is None
    assert json.loads(recorded.read_text(encoding="utf-8").splitlines()[-1]) == {"close": {"exchanges": 2}}
