import asyncio
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from agentsdk import Message, connect
from agentsdk.errors import ConfigurationError, MissingKey, UnknownModel
from agentsdk.models.model import Request
from agentsdk.testing import ScriptedModel


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gpt-4o", "openai:gpt-4o"), ("llama3.1", "ollama:llama3.1"), ("qwen-plus", "dashscope:qwen-plus"),
        ("opnai:gpt-4o", "openai:gpt-4o"), ("openai:", "openai:gpt-4o-mini"), ("offline:gpt", "offline:extract"),
        ("dashscop:qwen-max", "dashscope:qwen-max"), ("qwen3:4b", "ollama:qwen3:4b"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownModel) as error:
        connect(name)
    assert repr(near) in error.value.why


@pytest.mark.parametrize("name", ["", " ", ":", "mistral:large", "::::"])
def test_what_names_nothing_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(UnknownModel) as error:
        connect(name)
    assert "openai, ollama, dashscope, anthropic, google, gguf, offline" in error.value.fix


def test_a_missing_key_is_named_and_so_is_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider, variable in (
        ("openai:gpt-4o", "OPENAI_API_KEY"),
        ("dashscope:qwen-plus", "DASHSCOPE_API_KEY"),
    ):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        with pytest.raises(MissingKey) as error:
            connect(provider)
        assert variable in error.value.fix
        assert "offline:extract" in error.value.fix


@pytest.mark.parametrize(
    "url", ["localhost:1234", "ftp://x", "http://", "nonsense", "http://x:99999/v1", "http://[::1/v1"]
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="address"):
        connect("openai:x", base_url=url)


def test_a_server_near_by_needs_no_key_and_one_far_away_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for url in (
        "http://127.0.0.1:1234/v1",
        "http://localhost:8000/v1",
        "http://192.168.1.5/v1",
        "http://box.local/v1",
    ):
        assert connect("openai:x", base_url=url).name == "openai:x"
    with pytest.raises(MissingKey):
        connect("openai:x", base_url="https://api.example.com/v1")


def test_a_model_is_returned_as_it_is() -> None:
    model = ScriptedModel([])
    assert connect(model) is model


@pytest.mark.parametrize(
    ("model", "option"),
    [
        ("ollama:x", {"api": "chat"}),
        ("dashscope:x", {"api": "responses"}),
        ("anthropic:x", {"tools": "text"}),
        ("google:x", {"tools": "text"}),
        ("gguf:x.gguf", {"base_url": "http://localhost:1"}),
        ("gguf:x.gguf", {"api_key": "k"}),
        ("offline:extract", {"base_url": "http://localhost:1"}),
        (ScriptedModel([]), {"api_key": "k"}),
        (ScriptedModel([]), {"tools": "text"}),
        (ScriptedModel([]), {"timeout": 5.0}),
        (ScriptedModel([]), {"retries": 0}),
    ],
)
def test_an_option_that_would_do_nothing_is_refused_by_name(model: Any, option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(option))}="):
        connect(model, **option)


def test_a_model_that_is_made_already_has_fallbacks_that_are_not() -> None:
    model = connect(ScriptedModel([]), fallback=["ollama:x", ScriptedModel([])], timeout=5.0, retries=0)
    assert "scripted" in model.name


@pytest.mark.parametrize("given", ["k", None])
def test_an_ollama_that_asks_for_a_key_gets_it(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "of the environment")
    keys: list[str | None] = []

    class Asked(BaseHTTPRequestHandler):  # the stand-in keeps no keys
        def log_message(self, *_args: object) -> None:
            pass

        def do_POST(self) -> None:
            keys.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            said = b'{"model": "x", "message": {"role": "assistant", "content": "hello"}, "done": true}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    with HTTPServer(("127.0.0.1", 0), Asked) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        model = connect("ollama:x", base_url=f"http://127.0.0.1:{server.server_port}", api_key=given, retries=0)
        asyncio.run(model.complete(Request((Message.user("Hi"),))))
        server.shutdown()
    assert set(keys) == {f"Bearer {given or 'of the environment'}"}
