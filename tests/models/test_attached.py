"""Pictures, sound, video and documents on their way to a server: each wire's own form, over real sockets."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentsdk import Agent, Message, connect, fetch
from agentsdk.errors import MediaUnreadable, UnsupportedMedia
from agentsdk.media import Media
from agentsdk.models.model import Model, Reply, Request
from agentsdk.testing.standin import Standin

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(8)
MP4 = bytes(4) + b"ftypisom" + bytes(8)
PDF = b"%PDF-1.7\n"
DATA = {"image": PNG, "audio": WAV, "video": MP4, "file": PDF}
MODELS = {
    "openai": "openai:gpt-4o-mini",
    "responses": "openai:gpt-4o-mini",
    "ollama": "ollama:llama3.2-vision",
    "dashscope": "dashscope:qwen-vl-max",
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def model_for(provider: str, server: Standin, name: str = "", **options: Any) -> Model:
    protocol: Any = "openai" if provider == "responses" else provider
    if provider == "responses":
        options["api"] = "responses"
    if provider == "ollama" and not name:
        server.model("llama3.2-vision", vision=True)
    return connect(
        name or MODELS[provider], base_url=server.url(protocol), api_key="test", retries=0, **options
    )


def ask(model: Model, *media: Media, text: str = "What is it?") -> Reply:
    return asyncio.run(model.complete(Request((Message.user(text, *media),))))


def sent(server: Standin) -> Any:
    body = [r.body for r in server.requests if r.body and "model" in r.body and r.path != "/api/show"][-1]
    if "messages" in body:
        return body["messages"][-1]
    return (body["input"]["messages"] if isinstance(body["input"], dict) else body["input"])[-1]


@pytest.mark.parametrize("provider", MODELS)
def test_a_picture_goes_in_each_wires_own_form(server: Standin, provider: str) -> None:
    server.say("A dot.")
    assert ask(model_for(provider, server), Media.of(PNG)).message.text == "A dot."
    turn = sent(server)
    uri = f"data:image/png;base64,{b64(PNG)}"
    match provider:
        case "openai":
            assert turn["content"] == [
                {"type": "image_url", "image_url": {"url": uri}},
                {"type": "text", "text": "What is it?"},
            ]
        case "responses":
            assert turn["content"][0] == {"type": "input_image", "image_url": uri, "detail": "auto"}
            assert turn["content"][1] == {"type": "input_text", "text": "What is it?"}
        case "ollama":
            assert (turn["content"], turn["images"]) == ("What is it?", [b64(PNG)])
        case "dashscope":
            assert turn["content"] == [{"image": uri}, {"text": "What is it?"}]
            assert server.requests[-1].path.endswith("/multimodal-generation/generation")


def test_sound_goes_to_openai_and_dashscope(server: Standin) -> None:
    server.say("A bell.").say("A bell.")
    ask(model_for("openai", server, "openai:gpt-4o-audio-preview"), Media.of(WAV))
    assert sent(server)["content"][0] == {
        "type": "input_audio",
        "input_audio": {"data": b64(WAV), "format": "wav"},
    }
    ask(model_for("dashscope", server, "dashscope:qwen3-omni-flash"), Media.of(WAV))
    uri = f"data:audio/wav;base64,{b64(WAV)}"
    assert sent(server)["content"][0] == {"audio": uri}
    server.say("A bell.")
    compatible = connect(
        "openai:qwen3-omni-flash", base_url=server.url("openai"), api_key="test", server="dashscope"
    )
    ask(compatible, Media.of(WAV))
    assert sent(server)["content"][0] == {"type": "input_audio", "input_audio": {"data": uri, "format": "wav"}}


def test_video_goes_to_dashscope_by_its_address_or_its_bytes(server: Standin) -> None:
    for media in (Media.of(MP4), Media.of("https://example.org/film.mp4")):
        server.say("A film.")
        ask(model_for("dashscope", server), media)
        assert sent(server)["content"][0] == {"video": media.uri}


def test_a_document_goes_where_the_server_takes_it(server: Standin) -> None:
    media = Media.holding(PDF, name="manual.pdf")
    server.say("A manual.").say("A manual.")
    ask(model_for("openai", server), media)
    data = f"data:application/pdf;base64,{b64(PDF)}"
    assert sent(server)["content"][0] == {"type": "file", "file": {"filename": "manual.pdf", "file_data": data}}
    ask(model_for("responses", server), media)
    assert sent(server)["content"][0] == {"type": "input_file", "filename": "manual.pdf", "file_data": data}


@pytest.mark.parametrize(
    ("provider", "name", "kind"),
    [
        ("openai", "openai:gpt-4o-mini", "audio"),
        ("openai", "openai:gpt-3.5-turbo", "image"),
        ("openai", "openai:gpt-4o-mini", "video"),
        ("dashscope", "dashscope:qwen-plus", "image"),
        ("dashscope", "dashscope:qwen-vl-max", "audio"),
        ("dashscope", "dashscope:qwen-vl-max", "file"),
        ("ollama", "ollama:llama3.2-vision", "audio"),
        ("ollama", "ollama:llama3.1:8b", "image"),
    ],
)
def test_a_model_that_cannot_take_it_says_so_before_the_call(
    server: Standin, provider: str, name: str, kind: str
) -> None:
    if provider == "ollama":
        server.model(name.partition(":")[2], vision="vision" in name)
        model = connect(name, base_url=server.url("ollama"), retries=0)
    else:
        # Behind another address the server could be any: here it is told to be OpenAI's.
        known: Any = {"server": "openai"} if provider == "openai" else {}
        url = server.url("openai" if provider == "openai" else "dashscope")
        model = connect(name, base_url=url, api_key="test", retries=0, **known)
    with pytest.raises(UnsupportedMedia) as raised:
        ask(model, Media.of(DATA[kind]))
    assert name in raised.value.what
    assert raised.value.why
    assert not [r for r in server.requests if r.path.endswith(("/completions", "/api/chat", "/generation"))]


def test_an_address_goes_as_it_is_where_the_server_fetches_it(server: Standin) -> None:
    url = "https://example.org/photo.png"
    for provider in ("openai", "responses", "dashscope"):
        server.say("A photo.")
        ask(model_for(provider, server), Media.of(url))
        assert url in json.dumps(sent(server))


def test_an_address_is_fetched_here_where_the_server_takes_bytes_only(
    server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def page(url: str, **limits: Any) -> fetch.Page:
        asked.append(url)
        return fetch.Page(url, 200, "image/png", "", PNG)

    monkeypatch.setattr(fetch, "fetch", page)
    server.say("A photo.")
    ask(model_for("ollama", server), Media.of("https://example.org/photo.png"))
    assert asked == ["https://example.org/photo.png"]
    assert sent(server)["images"] == [b64(PNG)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/secret.png", "http://169.254.169.254/latest.png"])
def test_an_address_that_only_this_machine_can_reach_is_never_fetched(server: Standin, url: str) -> None:
    with pytest.raises(MediaUnreadable) as raised:
        ask(model_for("ollama", server), Media.of(url))
    assert url in raised.value.what
    assert not [r for r in server.requests if r.path == "/api/chat"]


def test_an_address_that_holds_something_else_is_refused(
    server: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(url: str, **limits: Any) -> fetch.Page:
        return fetch.Page(url, 200, "text/html", "utf-8", b"<html>Sign in</html>")

    monkeypatch.setattr(fetch, "fetch", page)
    with pytest.raises(MediaUnreadable):
        ask(model_for("ollama", server), Media.of("https://example.org/photo.png"))


def test_an_agent_is_asked_about_a_picture(server: Standin, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(PNG)
    server.say("A dot.")
    answer = Agent(model_for("openai", server)).run("What is in it?", media=[photo])
    assert answer.text == "A dot."
    body = server.requests[-1].body
    assert [part["type"] for part in body["messages"][-1]["content"]] == ["image_url", "text"]
    server.say("Still a dot.")
    Agent(model_for("openai", server)).run("And now?", history=answer.messages)
    assert server.requests[-1].body["messages"][1]["content"][0]["type"] == "image_url"
