"""The stand-in's embeddings, read by the providers' own clients."""

import dashscope
import ollama
import openai
import pytest

from agentsdk.testing.standin import Standin

TEXTS = ["one lamp", "two lamps", "一盏灯"]


def test_the_openai_client_reads_them_as_numbers() -> None:
    with Standin() as server, openai.OpenAI(base_url=server.url("openai"), api_key="test") as client:
        read = client.embeddings.create(model="m", input=TEXTS, dimensions=8, encoding_format="float")
    assert [row.index for row in read.data] == [0, 1, 2]
    assert {len(row.embedding) for row in read.data} == {8}
    assert read.usage.total_tokens > 0


def test_the_ollama_client_reads_them() -> None:
    with Standin() as server:
        client = ollama.Client(host=server.url("ollama"))
        read = client.embed(model="m", input=TEXTS)
        client._client.close()
    assert len(read.embeddings) == 3
    assert read.prompt_eval_count


def test_the_dashscope_client_reads_them_and_is_refused_more_than_ten() -> None:
    with (
        Standin() as server,
        dashscope.Client(api_key="test", base_url=server.url("dashscope"), max_retries=0) as client,
    ):
        read = client.embeddings.create(model="text-embedding-v4", input=TEXTS, text_type="query")
        assert [row.index for row in read.embeddings] == [0, 1, 2]
        with pytest.raises(dashscope.v2.errors.DashScopeError, match="not be larger than 10"):
            client.embeddings.create(model="text-embedding-v4", input=["x"] * 11)


def test_the_row_of_the_script_is_left_to_conversations() -> None:
    from agentsdk.embeddings import connect_embeddings

    with Standin() as server:
        server.say("hello")
        connect_embeddings("ollama:m", base_url=server.url("ollama")).embed_query("x")
        assert server.left == 1
