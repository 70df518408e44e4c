"""A GGUF file run by llama.cpp in this process: a tiny model of random weights, and the form of what it says."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from agentsdk import Message, connect
from agentsdk.errors import ConfigurationError, ContextOverflow
from agentsdk.messages import ToolCall
from agentsdk.models.gguf import serve
from agentsdk.models.model import Model, Reply, Request, TextDelta, ToolSpec
from tests.models import tiny_gguf

OPEN = {
    "type": "object",
    "properties": {"open": {"type": "boolean"}},
    "required": ["open"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def model(file: Path) -> Model:
    return connect(f"gguf:{file}")


def test_it_chats_and_counts_its_tokens(model: Model) -> None:
    request = Request((Message.user("hello"),), max_tokens=12)
    reply = asyncio.run(model.complete(request))
    assert reply.message.text
    assert reply.finish == "length"
    assert reply.usage.output_tokens == 12
    assert reply.usage.input_tokens > len("hello")
    assert reply.model == "tiny.gguf"  # and not the path, which is nobody's business


def test_a_stream_says_what_a_whole_answer_says(model: Model) -> None:
    request = Request((Message.user("hello"),), max_tokens=24, temperature=0.0)

    async def streamed() -> tuple[str, Reply]:
        pieces = [piece async for piece in model.stream(request)]
        assert isinstance(pieces[-1], Reply)
        return "".join(p.text for p in pieces if isinstance(p, TextDelta)), pieces[-1]

    said, reply = asyncio.run(streamed())
    assert said == reply.message.text
    assert len(said) > 4
    assert reply.usage.output_tokens == 24


def test_its_grammar_holds_an_answer_to_a_schema(model: Model) -> None:
    request = Request((Message.user("Is the shop open?"),), output_schema=OPEN, max_tokens=400, seed=4)
    reply = asyncio.run(model.complete(request))
    assert isinstance(json.loads(reply.message.text)["open"], bool)


def test_tools_and_their_results_go_through_its_template(model: Model) -> None:
    add = ToolSpec("add", "Return the sum.", {"type": "object", "properties": {"a": {"type": "integer"}}})
    call = ToolCall("call_1", "add", {"a": 1})
    asked = Message.user("1?")
    plain = asyncio.run(model.complete(Request((asked,), max_tokens=4)))
    turns = (asked, Message.assistant("", [call]), Message.tool(call, "1"))
    reply = asyncio.run(model.complete(Request(turns, (add,), max_tokens=4)))
    assert reply.usage.input_tokens > plain.usage.input_tokens + 100  # the tool's schema and both turns
    assert not reply.message.calls


@pytest.mark.parametrize("choice", ["required", "add"])
def test_its_grammar_makes_a_call_of_whatever_it_would_say(model: Model, choice: str) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}, "open": {"type": "boolean"}},
        "required": ["a", "open"],
        "additionalProperties": False,
    }
    request = Request(
        (Message.user("Is it?"),), (ToolSpec("add", "Add it.", schema),), choice, max_tokens=200, seed=5
    )
    reply = asyncio.run(model.complete(request))
    (call,) = reply.message.calls
    assert call.name == "add"
    assert isinstance(call.arguments["a"], int)
    assert isinstance(call.arguments["open"], bool)
    assert "call.asked again" in {r.kind for r in reply.message.repairs}


def test_too_long_a_conversation_is_an_overflow(model: Model) -> None:
    with pytest.raises(ContextOverflow):
        asyncio.run(model.complete(Request((Message.user("word " * 9000),), max_tokens=4)))


def test_nobody_without_the_key_can_use_the_server(file: Path) -> None:
    served = serve(str(file))
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
    ask = urllib.request.Request(f"{served.url}/chat/completions", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(ask, timeout=5)
    assert refused.value.code == 401
    refused.value.close()
    assert served.url.startswith("http://127.0.0.1:")


def test_one_file_is_loaded_once(file: Path) -> None:
    assert serve(str(file)) is serve(str(file.parent / "." / file.name))


def test_a_file_that_is_not_there_is_said_before_anything_is_loaded(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tiny\.gguf"):
        connect(f"gguf:{file.parent / 'tinny.gguf'}")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.safetensors"
    other.write_bytes(b"\x10\x00\x00\x00{}")
    with pytest.raises(ConfigurationError, match="not a GGUF file"):
        connect(f"gguf:{other}")


def test_a_file_that_was_cut_is_refused(file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(file.read_bytes()[:300_000])
    with pytest.raises(ConfigurationError, match="cannot load"):
        connect(f"gguf:{cut}")
