"""Embeddings on the wire: three protocols on real sockets, what goes wrong with each, and what LangChain sees."""

import asyncio
import math
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from agentsdk.embeddings import connect_embeddings
from agentsdk.errors import (
    AuthFailed,
    BadResponse,
    ConfigurationError,
    ConnectionLost,
    ContextOverflow,
    DeadlineExceeded,
    MissingKey,
    ModelNotFound,
    Overloaded,
    UnknownModel,
)
from agentsdk.models.chat.embeddings import ConnectedEmbeddings
from agentsdk.models.embedding import batch_for, checked
from agentsdk.testing.standin import Standin
from agentsdk.testing.standin.asked import Asked

MODELS = {
    "openai": "text-embedding-3-small",
    "dashscope": "text-embedding-v4",
    "ollama": "nomic-embed-text",
}
ALL = pytest.mark.parametrize("provider", list(MODELS))
TEXTS = ["The lamp has a warranty of five years.", "Parking is free on Sundays.", "读者证有效期为三年。"]


def connected(server: Standin, provider: Any, model: str = "", **options: Any) -> ConnectedEmbeddings:
    options = {"api_key": "test", "base_url": server.url(provider), **options}
    return connect_embeddings(f"{provider}:{model or MODELS[provider]}", **options)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


@ALL
def test_texts_become_vectors_sync_and_async_and_what_they_took_is_counted(provider: str) -> None:
    with Standin() as server:
        embeddings = connected(server, provider)
        vectors = embeddings.embed_documents(TEXTS)
        assert asyncio.run(embeddings.aembed_documents(TEXTS)) == vectors
        asked = embeddings.embed_query("How long is the warranty of the lamp?")
        assert asyncio.run(embeddings.aembed_query("How long is the warranty of the lamp?")) == asked
        assert max(TEXTS, key=lambda t: cosine(asked, vectors[TEXTS.index(t)])) == TEXTS[0]
        assert embeddings.usage.calls == len(server.requests) == 4
        assert embeddings.usage.input_tokens > 0
        assert embeddings.embed_documents([]) == []
    assert isinstance(embeddings, Embeddings)


@ALL
def test_fewer_dimensions_are_asked_for_and_held_to(provider: str) -> None:
    with Standin() as server:
        assert len(connected(server, provider, dimensions=64).embed_query("lamp")) == 64
        with pytest.raises(ConfigurationError):
            connected(server, provider, dimensions=0)


def test_what_each_protocol_can_say_is_said() -> None:
    with Standin() as server:
        connected(server, "dashscope").embed_query("q")
        connected(server, "dashscope").embed_documents(["d"])
        connected(server, "ollama").embed_query("q")
        kinds = [a.body.get("parameters", {}).get("text_type") for a in server.requests]
        assert kinds == ["query", "document", None]
        assert server.requests[2].body["truncate"] is False


@pytest.mark.parametrize(
    ("provider", "model", "count", "sizes"),
    [
        ("openai", "", 70, [32, 32, 6]),  # a server that is not OpenAI's own
        ("dashscope", "", 25, [10, 10, 5]),
        ("dashscope", "text-embedding-v2", 30, [25, 5]),
        ("ollama", "", 65, [64, 1]),
    ],
)
def test_a_request_holds_no_more_than_the_provider_takes(
    provider: str, model: str, count: int, sizes: list[int]
) -> None:
    texts = [f"text {n}" for n in range(count)]
    with Standin() as server:
        vectors = connected(server, provider, model).embed_documents(texts)
        assert [len(a.messages) for a in server.requests] == sizes
        one = connected(server, provider, model).embed_query(texts[-1])
    assert vectors[-1] == one


def test_batches_are_bounded_in_bytes_where_openai_itself_is_asked() -> None:
    batch = batch_for("openai", "https://api.openai.com/v1", "text-embedding-3-small")
    assert (batch.texts, batch.size) == (256, 300_000)
    long = "é" * 40_000
    with Standin() as server:
        connected(server, "openai").embed_documents([long, long, "short"])
        assert [len(a.messages) for a in server.requests] == [1, 2]


def test_a_servers_own_limit_is_learned_from_its_refusal() -> None:
    def refuse(asked: Asked) -> bool:
        return len(asked.messages) > 4

    with Standin() as server:
        server.fault(413, message="batch size 10 > maximum allowed batch size 4", when=refuse)
        embeddings = connected(server, "openai")
        texts = [f"text {n}" for n in range(10)]
        assert len(embeddings.embed_documents(texts)) == 10
        assert [len(a.messages) for a in server.requests] == [10, 4, 4, 2]
        embeddings.embed_documents(texts)
        assert [len(a.messages) for a in server.requests[4:]] == [4, 4, 2]


@ALL
def test_a_text_longer_than_the_window_is_embedded_in_parts(provider: str) -> None:
    long = "warranty of the lamp " * 40
    with Standin() as server:
        server.model(MODELS[provider], embedding=True, context=100)
        embeddings = connected(server, provider)
        short, whole = embeddings.embed_documents(["The lamp has a warranty.", long])
        assert cosine(short, whole) > 0.5
        assert len(server.requests) > 3
        server.models.clear()
        server.model(MODELS[provider], embedding=True, context=1)
        with pytest.raises(ContextOverflow):
            embeddings.embed_query(long)


@ALL
def test_what_may_pass_is_tried_again_and_the_rest_is_a_typed_error(provider: str) -> None:
    with Standin() as server:
        server.fault(429, retry_after=0, when=lambda _asked: True, times=2)
        assert connected(server, provider).embed_query("lamp")
        assert len(server.requests) == 3
        server.fault(500, when="down")
        with pytest.raises(Overloaded):
            connected(server, provider, retries=0).embed_query("down")
        server.fault(401, code="invalid_api_key", when="key")
        with pytest.raises(AuthFailed):
            connected(server, provider).embed_query("key")
        server.model("another")
        with pytest.raises(ModelNotFound):
            connected(server, provider).embed_query("lamp")
    with pytest.raises(ConnectionLost):
        connected(server, provider, retries=0).embed_query("lamp")


@ALL
def test_an_answer_that_does_not_come_ends_at_the_deadline(provider: str) -> None:
    with Standin() as server:
        server.say("", when="lamp").slow(first=60)
        with pytest.raises(DeadlineExceeded):
            connected(server, provider, timeout=0.2).embed_query("lamp")


def rows(provider: str, vectors: Any, places: list[int] | None = None) -> bytes:
    import json

    places = places or list(range(len(vectors)))
    if provider == "ollama":
        return json.dumps({"embeddings": vectors}).encode()
    index = "index" if provider == "openai" else "text_index"
    found = [{index: p, "embedding": v} for p, v in zip(places, vectors, strict=True)]
    if provider == "openai":
        return json.dumps({"data": found}).encode()
    return json.dumps({"output": {"embeddings": found}}).encode()


@ALL
@pytest.mark.parametrize(
    "vectors",
    [
        [[1.0, 2.0]], [[1.0], [1.0], [1.0]], [[1.0, 0.0], [1.0]], [[0.0, 0.0], [1.0, 0.0]], [[math.nan, 1.0], [1.0, 1.0]],
        [[math.inf, 1.0], [1.0, 1.0]], [["a"], ["b"]], [None, None], [[], []], [[1.0, None], [1.0, 1.0]], [{}, {}],
    ],
)  # fmt: skip
def test_what_is_no_set_of_vectors_is_a_bad_response(provider: str, vectors: Any) -> None:
    from agentsdk.testing.standin.script import Line

    with Standin() as server:
        server.answer(lambda _asked: Line(raw=rows(provider, vectors)))
        with pytest.raises(BadResponse):
            connected(server, provider).embed_documents(["a", "b"])


@ALL
@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b"<html>", b"", b'{"data": 1, "embeddings": 1, "output": 1}']
)
def test_an_answer_in_no_form_of_the_protocol_is_a_bad_response(provider: str, body: bytes) -> None:
    from agentsdk.testing.standin.script import Line

    with Standin() as server:
        server.answer(lambda _asked: Line(raw=body))
        with pytest.raises(BadResponse):
            connected(server, provider, retries=0).embed_documents(["a", "b"])


@pytest.mark.parametrize("provider", ["openai", "dashscope"])
def test_vectors_are_put_in_the_order_of_their_texts(provider: str) -> None:
    from agentsdk.testing.standin.script import Line

    with Standin() as server:
        server.answer(lambda _asked: Line(raw=rows(provider, [[2.0], [1.0]], [1, 0])), times=1)
        assert connected(server, provider).embed_documents(["a", "b"]) == [[1.0], [2.0]]
        server.answer(lambda _asked: Line(raw=rows(provider, [[2.0], [1.0]], [1, 1])))
        with pytest.raises(BadResponse):
            connected(server, provider).embed_documents(["a", "b"])


def test_vectors_in_base64_are_read() -> None:
    import json
    import struct
    from base64 import b64encode

    from agentsdk.testing.standin.script import Line

    packed = b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    raw = json.dumps({"data": [{"index": 0, "embedding": packed}]}).encode()
    with Standin() as server:
        server.answer(lambda _asked: Line(raw=raw))
        assert connected(server, "openai").embed_query("a") == [0.5, -1.0]


def test_a_dimension_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(BadResponse, match="3 numbers, and 2"):
        checked([[1.0, 2.0, 3.0]], 1, "m", 2)


def test_names_and_keys_are_checked_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "DASHSCOPE_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    for provider in ("openai", "dashscope"):
        with pytest.raises(MissingKey):
            connect_embeddings(f"{provider}:{MODELS[provider]}")
    with pytest.raises(UnknownModel):
        connect_embeddings("text-embedding-3-small")
    with pytest.raises(ConfigurationError, match="anthropic"):
        connect_embeddings("anthropic:claude")
    with pytest.raises(ConfigurationError):
        connect_embeddings("ollama:nomic-embed-text", base_url="nowhere")


def test_langchains_own_store_takes_them() -> None:
    with Standin() as server:
        store = InMemoryVectorStore(connected(server, "dashscope"))
        store.add_texts(TEXTS)
        assert store.similarity_search("读者证", k=1)[0].page_content == TEXTS[2]
        assert [a.body["parameters"]["text_type"] for a in server.requests] == ["document", "query"]


def test_many_threads_ask_one_model() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Standin() as server:
        embeddings = connected(server, "ollama")
        with ThreadPoolExecutor(8) as pool:
            vectors = list(pool.map(embeddings.embed_query, ["lamp"] * 16))
    assert vectors == [vectors[0]] * 16
    assert embeddings.usage.calls == 16
