"""What a server says of itself goes first, then LangChain's profile, then the table; and each fact names its source."""

import asyncio
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agentsdk import connect
from agentsdk.models.discover import discover, find
from agentsdk.models.facts import NAMES, Facts, Served, facts_known, facts_of, said, served_by, settled
from agentsdk.models.probe import ask, fetch_plainly, read_listed, read_lm_studio, read_props, read_show
from agentsdk.models.servers import SERVERS
from agentsdk.testing.standin import Standin
from tests.models.telling import Telling

SHOW = {
    "capabilities": ["completion", "vision"],
    "details": {"family": "mllama", "parameter_size": "9.8B"},
    "model_info": {"general.architecture": "mllama", "mllama.context_length": 131072, "mllama.block_count": 40},
    "parameters": "temperature 0.6",
}
LM_STUDIO = {
    "object": "list",
    "data": [
        {"id": "qwen/qwen3-4b", "object": "model", "type": "llm", "publisher": "qwen", "arch": "qwen3",
         "compatibility_type": "gguf", "quantization": "Q4_K_M", "state": "loaded", "max_context_length": 32768,
         "loaded_context_length": 4096, "capabilities": ["tool_use"]},
        {"id": "qwen2-vl-7b-instruct", "object": "model", "type": "vlm", "arch": "qwen2_vl", "state": "not-loaded",
         "max_context_length": 32768},
        {"id": "text-embedding-nomic-embed-text-v1.5", "object": "model", "type": "embeddings", "arch": "nomic-bert",
         "state": "not-loaded", "max_context_length": 2048},
    ],
}  # fmt: skip
PROPS = {
    "default_generation_settings": {"id": 0, "n_ctx": 8192, "params": {"n_predict": -1}},
    "total_slots": 1,
    "model_path": "/models/Qwen3-VL-2B-Instruct-Q8_0.gguf",
    "modalities": {"vision": True, "audio": False},
    "chat_template": "{%- if tools %}",
    "chat_template_caps": {
        "supports_tools": True,
        "supports_tool_calls": True,
        "supports_parallel_tool_calls": False,
    },
}
VLLM = {
    "object": "list",
    "data": [
        {"id": "mine", "object": "model", "owned_by": "vllm", "root": "Qwen/Qwen3-8B", "max_model_len": 20000}
    ],
}


def served(telling: Telling, name: str, kind: str) -> Served:
    return Served(name, telling.url, SERVERS[kind], partial(fetch_plainly, telling.url))


def test_what_ollama_shows_goes_before_the_table() -> None:
    with Telling({"/api/show": SHOW}) as server:
        found = asyncio.run(facts_of(served(server, "my-own", "ollama")))
    assert (found.context, found.tools, found.vision, found.thinking) == (131072, False, True, "never")
    assert found.sources["tools"] == "/api/show"
    assert found.known_as == "mllama"
    assert (found.parallel, found.sources["parallel"]) == (False, "table: llama-3.2-vision")


def test_an_old_ollama_tells_of_tools_by_the_template() -> None:
    assert read_show({"template": "{{ if .Tools }}"}).tools is True
    assert read_show({"template": "{{ .Prompt }}"}).tools is False
    assert read_show({}).tools is None
    assert read_show({"template": "{{ if .Tools }}"}).sources["tools"] == "/api/show (template)"


def test_of_lm_studio_the_loaded_length_counts() -> None:
    with Telling({"/api/v0/models": LM_STUDIO}) as server:
        loaded = asyncio.run(facts_of(served(server, "qwen3-4b", "lmstudio")))
        other = asyncio.run(facts_of(served(server, "qwen2-vl-7b-instruct", "lmstudio")))
    assert (loaded.context, loaded.tools, loaded.vision) == (4096, True, False)
    assert loaded.thinking == "switch"
    assert loaded.sources["thinking"] == "table: qwen3"
    assert (other.context, other.vision, other.sources["vision"]) == (32768, True, "/api/v0/models")
    assert (other.tools, other.sources["tools"]) == (False, "table: qwen2-vl")


def test_llamacpp_says_the_window_the_media_and_what_its_template_can_do() -> None:
    with Telling({"/props": PROPS}) as server:
        found = asyncio.run(facts_of(served(server, "default", "llamacpp")))
    assert (found.context, found.vision, found.audio, found.tools) == (8192, True, False, True)
    assert (found.parallel, found.sources["parallel"]) == (False, "/props")
    assert found.sources["thinking"] == "table: qwen3-vl"


def test_vllm_says_the_window_and_what_stands_behind_an_alias() -> None:
    with Telling({"/v1/models": VLLM}) as server:
        found = asyncio.run(facts_of(served(server, "mine", "vllm")))
        nobody = asyncio.run(facts_of(served(server, "another", "vllm")))
    assert (found.context, found.sources["context"]) == (20000, "/v1/models")
    assert found.thinking == "switch"
    assert nobody.context is None


def test_langchains_profile_goes_before_the_table_and_needs_no_langchain() -> None:
    found = settled(Facts(), "gpt-4o-2024-08-06", SERVERS["openai"])
    assert (found.context, found.sources["context"]) == (128_000, "LangChain's profile")
    assert (found.parallel, found.sources["parallel"]) == (True, "table: gpt-4o")
    dated = settled(Facts(), "gpt-5-mini-2025-08-07", SERVERS["openai"])
    assert (dated.context, dated.thinking) == (272_000, "always")
    assert settled(Facts(), "gpt-5.4", SERVERS["openai"]).thinking == "switch"
    # That it can think is not that it always does.
    assert settled(Facts(), "claude-sonnet-5", SERVERS["anthropic"]).thinking == "switch"
    code = (
        "import sys; from agentsdk.models.facts import Facts, settled; from agentsdk.models.servers import SERVERS\n"
        "print(settled(Facts(), 'gpt-4o', SERVERS['openai']).sources['context'])\n"
        "print([m for m in sys.modules if m.startswith(('langchain', 'openai', 'httpx', 'pydantic'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["LangChain's profile", "[]"]


def test_what_a_server_does_not_take_its_model_cannot_do_there() -> None:
    found = settled(Facts(), "qwen3-omni-30b-a3b-instruct", SERVERS["lmstudio"])
    assert (found.vision, found.audio) == (True, False)
    assert found.sources["audio"] == "table: lmstudio takes none"
    assert settled(Facts(), "deepseek-chat", SERVERS["deepseek"]).json_schema is False
    assert settled(Facts(), "gpt-4o", SERVERS["mindie"]).json_schema is False


def test_of_a_model_that_nobody_knows_nothing_is_claimed() -> None:
    found = settled(Facts(), "zephyr", SERVERS["compatible"])
    assert [n for n in NAMES if getattr(found, n) is not None] == []
    assert found.to_dict() == {}


def test_a_server_that_thinks_always_is_not_believed_to_have_a_switch() -> None:
    told = read_show({"capabilities": ["completion", "tools", "thinking"], "model_info": {}})
    assert settled(told, "gpt-oss:20b", SERVERS["ollama"]).thinking == "always"
    assert settled(told, "qwen3:8b", SERVERS["ollama"]).thinking == "switch"


def test_a_server_is_asked_once_by_many_and_again_only_after_a_while() -> None:
    async def go(server: Telling) -> list[Facts]:
        who = served(server, "llama3.2-vision", "ollama")
        found = await asyncio.gather(*(facts_of(who) for _ in range(20)))
        return [*found, await facts_of(who), facts_known(who)]

    with Telling({"/api/show": SHOW}) as server:
        found = asyncio.run(go(server))
        found.append(asyncio.run(facts_of(served(server, "llama3.2-vision", "ollama"))))  # another loop
        assert server.asked == ["/api/show"]
    assert {f.context for f in found} == {131072}


def test_one_who_is_cancelled_takes_nothing_from_the_others() -> None:
    async def go(server: Telling) -> Facts:
        who = served(server, "llama3.2-vision", "ollama")
        first = asyncio.create_task(facts_of(who, patience=5))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(facts_of(who, patience=5))
        await asyncio.sleep(0.05)
        first.cancel()
        return await second

    with Telling({"/api/show": SHOW}, slow=0.3) as server:
        assert asyncio.run(go(server)).context == 131072


def test_a_slow_server_costs_its_patience_and_the_table_answers() -> None:
    with Telling({"/api/show": SHOW}, slow=1.0) as server:
        found = asyncio.run(facts_of(served(server, "llama3.1", "ollama"), patience=0.05))
    assert (found.tools, found.sources["tools"]) == (True, "table: llama-3.1")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"data": 3}', b"[" * 100_000, b"\xff\xfe"]
)
@pytest.mark.parametrize("kind", ["ollama", "lmstudio", "llamacpp", "vllm"])
def test_an_answer_that_is_none_is_never_fatal(body: bytes, kind: str) -> None:
    with Telling({"/api/show": body, "/api/v0/models": body, "/props": body, "/v1/models": body}) as server:
        found = asyncio.run(facts_of(served(server, "qwen3:8b", kind)))
    assert found.sources["thinking"] == "table: qwen3"


def test_a_server_that_is_not_there_is_never_fatal() -> None:
    who = Served(
        "qwen3:8b", "http://127.0.0.1:9", SERVERS["ollama"], partial(fetch_plainly, "http://127.0.0.1:9")
    )
    assert asyncio.run(facts_of(who)).context == 40_960


@pytest.mark.parametrize("name", ["openai:gpt-4o", "dashscope:qwen-plus"])
def test_a_public_provider_is_not_asked(name: str) -> None:
    found = served_by(connect(name, api_key="x"))
    assert found.server.probe == ""
    assert asyncio.run(facts_of(connect(name, api_key="x"))).tools is True


def test_the_adapters_ask_by_their_own_client() -> None:
    with Telling({"/api/show": SHOW, "/v1/models": VLLM, "/props": PROPS}) as server:
        shown = asyncio.run(facts_of(connect("ollama:llama3.2-vision", base_url=server.url)))
        listed = asyncio.run(facts_of(connect("openai:mine", base_url=f"{server.url}/v1", server="vllm")))
    assert shown.sources["tools"] == "/api/show"
    assert listed.context == 20000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
keys = st.sampled_from(
    ["capabilities", "model_info", "details", "template", "type", "arch", "loaded_context_length", "modalities",
     "max_context_length", "max_model_len", "root", "chat_template_caps", "default_generation_settings", "n_ctx",
     "x.context_length", "vision", "supports_tools"]
)  # fmt: skip
rows = st.dictionaries(keys, json_values | st.dictionaries(keys, json_values, max_size=4), max_size=6)


@given(rows)
def test_any_row_of_any_shape_is_read_into_facts_of_the_right_kind(row: dict[str, Any]) -> None:
    for read in (read_show, read_lm_studio, read_props, read_listed):
        found = read(row)
        assert found.context is None or found.context > 0
        assert all(getattr(found, n) in (None, True, False) for n in ("tools", "vision", "audio", "parallel"))
        assert all(getattr(found, n) is not None for n in found.sources)


def test_a_fact_told_first_stays() -> None:
    first = said("a", context=1, tools=None)
    assert first.over(said("b", context=2, tools=False)).to_dict() == {
        "context": {"value": 1, "source": "a"},
        "tools": {"value": False, "source": "b"},
    }


def test_a_server_on_any_port_is_told_by_what_it_answers() -> None:
    with Telling({"/api/v0/models": LM_STUDIO, "/v1/models": {"data": [{"id": "qwen/qwen3-4b"}]}}) as server:
        report = asyncio.run(discover(2.0, base_url=f"{server.url}/v1"))
        (found,) = [s for s in report.servers if s.base_url == f"{server.url}/v1"]
        one = asyncio.run(find("openai", "qwen/qwen3-4b", base_url=f"{server.url}/v1"))
    assert (found.kind, found.title) == ("lmstudio", "LM Studio")
    assert [m.chats for m in found.models] == [True, True, False]
    assert found.models[0].facts.context == 4096
    assert (one.facts.context, one.facts.sources["context"]) == (4096, "/api/v0/models")


def test_the_other_servers_are_told_apart_too() -> None:
    with (
        Telling({"/v1/models": VLLM}) as vllm,
        Telling(
            {"/v1/models": {"data": [{"id": "/m/x.gguf", "owned_by": "llamacpp"}]}, "/props": PROPS}
        ) as llama,
    ):
        for server, kind, context in ((vllm, "vllm", 20000), (llama, "llamacpp", 8192)):
            report = asyncio.run(discover(2.0, base_url=f"{server.url}/v1"))
            (found,) = [s for s in report.servers if s.base_url == f"{server.url}/v1"]
            assert (found.kind, found.models[0].facts.context) == (kind, context)


def test_the_stand_in_is_known_by_what_it_says() -> None:
    with Standin() as server:
        found = asyncio.run(facts_of(connect("ollama:standin", base_url=server.url("ollama"))))
    assert (found.tools, found.context, found.sources["context"]) == (True, 131072, "/api/show")


def test_a_recorded_show_is_read() -> None:
    folder = Path(__file__).parents[3] / "shared" / "recordings" / "ollama-native"
    if not folder.is_dir():
        pytest.skip("../shared/recordings is not here")
    read = 0
    for file in folder.rglob("*.yaml"):
        for at in yaml.safe_load(file.read_text(encoding="utf-8")).get("interactions", []):
            if at["request"]["uri"].endswith("/api/show"):
                shown = json.loads(at["response"]["body"]["string"])

                async def give(_path: str, _body: Any, shown: Any = shown) -> Any:
                    return shown

                found = asyncio.run(ask("/api/show", give, "llama3.1"))
                assert found is not None
                assert (found.context, found.tools, found.known_as) == (131072, True, "Meta-Llama-3.1")
                read += 1
    assert read
