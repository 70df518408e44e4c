"""Names as people and servers write them, and the rows that they lead to."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import ConfigurationError
from agentsdk.models.profiles import FAMILIES, SERVERS, family_of, server_named, server_of

NAMES = {
    "gpt-4o": "gpt-4o", "gpt-4o-mini": "gpt-4o", "gpt-4o-2024-08-06": "gpt-4o", "openai/gpt-4o-mini": "gpt-4o",
    "chatgpt-4o-latest": "gpt-4o", "ft:gpt-4o-mini-2024-07-18:firm::8a": "gpt-4o",
    "gpt-4o-audio-preview": "gpt-audio", "gpt-audio-mini": "gpt-audio", "gpt-4o-search-preview": "gpt-4o-search",
    "gpt-4.1-mini-2025-04-14": "gpt-4.1", "openai/gpt-4.1-nano": "gpt-4.1", "gpt-4": "gpt-4", "gpt-4-0613": "gpt-4",
    "gpt-4-turbo-2024-04-09": "gpt-4-turbo", "gpt-4-1106-preview": "gpt-4-turbo", "gpt-3.5-turbo-0125": "gpt-3.5",
    "gpt-35-turbo": "gpt-3.5", "gpt-5": "gpt-5", "gpt-5-mini-2025-08-07": "gpt-5", "gpt-5-nano": "gpt-5",
    "gpt-5-pro": "gpt-5-pro", "gpt-5.2-pro-2025-12-11": "gpt-5-pro", "gpt-5-codex": "gpt-codex",
    "gpt-5.1-codex-max": "gpt-codex", "codex-mini-latest": "gpt-codex", "gpt-5-chat-latest": "gpt-5-chat",
    "gpt-5.1": "gpt-5.1", "gpt-5.2-2025-12-11": "gpt-5.2", "gpt-5.4-2026-03-05": "gpt-5.4",
    "gpt-5.4-mini": "gpt-5.4-mini", "gpt-5.5-2026-04-23": "gpt-5.5", "gpt-5.6": "gpt-5.5",
    "gpt-5.6-sol": "gpt-5.6-sol", "gpt-6-astra": "gpt-5.5", "o1": "o-series", "o1-2024-12-17": "o-series",
    "o3": "o-series", "o4-mini-2025-04-16": "o-series", "o3-mini": "o3-mini", "o1-mini": "o1-mini",
    "o3-pro": "o-pro", "o1-pro": "o-pro", "openai/gpt-oss-20b": "gpt-oss", "gpt-oss:120b-cloud": "gpt-oss",
    "gpt-oss-20b-MXFP4.gguf": "gpt-oss",
    "llama3.1": "llama-3.1", "llama3.1:8b": "llama-3.1", "llama3.1-8b": "llama-3.1",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1", "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf": "llama-3.1",
    "accounts/fireworks/models/llama-v3p1-70b-instruct": "llama-3.1", "meta.llama3-1-8b-instruct-v1:0": "llama-3.1",
    "mlx-community/Meta_Llama_3.1_8B_Instruct_4bit": "llama-3.1", "llama3.2:3b-instruct-fp16": "llama-3.2",
    "llama3.2:1b": "llama-3.2", "meta-llama/Llama-3.2-3B-Instruct": "llama-3.2",
    "llama3.2-vision": "llama-3.2-vision", "llama3.2-vision:90b": "llama-3.2-vision",
    "meta-llama/Llama-3.2-11B-Vision-Instruct": "llama-3.2-vision", "llama-3.3-70b-versatile": "llama-3.3",
    "@cf/meta/llama-3.3-70b-instruct-fp8-fast": "llama-3.3", "meta-llama/llama-3-3-70b-instruct": "llama-3.3",
    "meta-llama/Llama-3.3-70B-Instruct-Turbo": "llama-3.3", "llama4:scout": "llama-4",
    "meta-llama/llama-4-maverick-17b-128e-instruct": "llama-4", "llama3:8b": "llama-3", "llama3-8b-8192": "llama-3",
    "Meta-Llama-3-70B-Instruct": "llama-3", "llama2:13b": "llama-2", "meta-llama/Llama-2-7b-chat-hf": "llama-2",
    "qwen-max": "qwen-max", "qwen-max-latest": "qwen-max", "qwen-plus-2025-07-28": "qwen-plus",
    "qwen-turbo": "qwen-turbo", "qwen-flash": "qwen-flash", "qwen-long": "qwen-long", "qwen3-max": "qwen3-max",
    "qwen3-max-2026-01-23": "qwen3-max", "qwen3.5-plus": "qwen3.5-plus", "qwen3.7-plus": "qwen3.5-plus",
    "qwen3.8-max": "qwen3.7-max", "qwen-vl-max": "qwen-vl", "qwen-vl-plus-latest": "qwen-vl",
    "qwen3-vl-plus": "qwen3-vl-plus", "qwen-omni-turbo": "qwen-omni-turbo", "qwen3-omni-flash": "qwen3-omni-flash",
    "qwen3-coder-plus": "qwen3-coder-plus", "qwq-plus": "qwq-plus", "qvq-max": "qvq", "qwen-mt-turbo": "qwen-mt",
    "Qwen/QwQ-32B": "qwq", "qwq:32b": "qwq", "qwen3:8b": "qwen3", "qwen3": "qwen3", "Qwen/Qwen3-4B": "qwen3",
    "Qwen/Qwen3-0.6B": "qwen3", "qwen3:0.6b": "qwen3", "Qwen3-8B-Q4_K_M.gguf": "qwen3", "/models/Qwen3-8B": "qwen3",
    "C:\\models\\Qwen3-1.7B-Q4_K_M.gguf": "qwen3", "hf.co/unsloth/Qwen3-4B-GGUF:Q4_K_M": "qwen3",
    "qwen3-30b-a3b": "qwen3", "Qwen/Qwen3-235B-A22B:together": "qwen3", "qwen3:4b": "qwen3-thinking",
    "Qwen/Qwen3-4B-Thinking-2507": "qwen3-thinking", "Qwen/Qwen3-4B-Instruct-2507": "qwen3-instruct",
    "qwen3-next-80b-a3b-instruct": "qwen3-instruct", "qwen3-coder:30b": "qwen3-coder",
    "Qwen3-VL-2B-Instruct-Q8_0": "qwen3-vl", "qwen3-vl:8b": "qwen3-vl-thinking",
    "Qwen/Qwen3-Omni-30B-A3B-Instruct": "qwen3-omni", "qwen3.5:9b": "qwen3.5", "Qwen/Qwen3.5-9B": "qwen3.5",
    "qwen3-5-9b": "qwen3.5", "qwen3.6:latest": "qwen3.5", "Qwen/Qwen3.6-35B-A3B": "qwen3.5",
    "qwen2.5:7b": "qwen2.5", "qwen2.5-7b-instruct": "qwen2.5", "qwen-2.5-72b-instruct": "qwen2.5",
    "qwen2.5-coder:7b-instruct-q4_K_M": "qwen2.5-coder", "Qwen/Qwen2.5-Coder-32B-Instruct": "qwen2.5-coder",
    "qwen2.5vl:7b": "qwen2.5-vl", "Qwen/Qwen2.5-VL-72B-Instruct": "qwen2.5-vl", "Qwen2.5-Omni-7B": "qwen2.5-omni",
    "qwen2:7b": "qwen2", "Qwen1.5-14B-Chat": "qwen2", "qwen2-vl-7b-instruct": "qwen2-vl",
    "deepseek-chat": "deepseek-chat", "deepseek-reasoner": "deepseek-reasoner", "deepseek-v4-flash": "deepseek-v4",
    "deepseek-ai/DeepSeek-V3.1": "deepseek-chat", "deepseek-ai/DeepSeek-R1-0528": "deepseek-reasoner",
    "DeepSeek-R1-Distill-Qwen-7B": "r1-distill-qwen", "deepseek-r1:8b": "r1-distill-qwen",
    "deepseek-r1:671b": "deepseek-reasoner", "deepseek-r1-distill-llama-70b": "r1-distill-llama",
    "gemma3:4b": "gemma-3", "gemma2:9b": "gemma", "llava-v1.5-7b": "llava", "llava-llama3:8b": "llava", "codellama:7b": "plain",
    "mistral-nemo": "unknown", "": "unknown", "my-solution1": "unknown", "proto3": "unknown", "standin": "unknown",
}  # fmt: skip


@pytest.mark.parametrize(("name", "family"), NAMES.items())
def test_a_name_in_any_spelling_leads_to_its_family(name: str, family: str) -> None:
    assert family_of(name).name == family


def test_every_row_can_be_reached_and_says_where_it_was_read() -> None:
    reached = set(NAMES.values()) | {"unknown"}
    for _pattern, family in FAMILIES:
        assert family.source, family.name
    assert {f.name for _p, f in FAMILIES} - reached == {
        "gpt-4.5", "gpt", "qwen3-max-thinking", "qwen-coder", "qwen3-omni-thinking", "qwen2.5-math", "qwen2-audio",
        "qwen", "deepseek",
    }  # fmt: skip
    assert all(s.source and s.name == key for key, s in SERVERS.items())


def test_what_the_adapters_are_asked_to_know_of_the_families() -> None:
    assert (family_of("gpt-4o").context, family_of("gpt-4o").output) == (128_000, 16_384)
    assert family_of("gpt-5-pro").api == "responses"
    assert (family_of("gpt-5").api, family_of("gpt-4o").api) == ("responses", "chat")
    assert not family_of("o3").takes_sampling
    assert family_of("o3").limit_name == "max_completion_tokens"
    assert family_of("openai/gpt-oss-20b").limit_name == "max_tokens"
    assert not family_of("o3-mini").vision
    assert not family_of("llama3.2-vision").tools
    assert family_of("llama3.2-vision").images == 1
    assert not family_of("llama3.1:8b").parallel
    assert family_of("llama3.1:8b").eager
    assert family_of("llama4:scout").parallel
    assert family_of("qwen3:8b").thinking == "switch"
    assert family_of("qwen-omni-turbo").stream_only
    assert family_of("qwen2:7b").dialect == "marks"


def test_every_gpt_that_langchain_lists_for_responses_only_is_asked_there() -> None:
    from langchain_openai.chat_models.base import _RESPONSES_API_ONLY_PREFIXES  # the list that the row follows

    for name in _RESPONSES_API_ONLY_PREFIXES:
        assert family_of(name).api == "responses", name


def test_what_the_table_and_langchains_profiles_both_know_of_a_gpt_agrees() -> None:
    from langchain_openai.data._profiles import _PROFILES

    differ = []
    for name, row in _PROFILES.items():
        family = family_of(name)
        if not row.get("tool_calling") or family.name in ("unknown", "gpt-audio", "gpt"):
            continue
        keys = ("max_input_tokens", "max_output_tokens", "image_inputs", "reasoning_output")
        said = tuple(row[k] for k in keys)
        ours = (family.context, family.output, family.vision, family.thinking != "never")
        if said != ours:
            differ.append((name, said, ours))
    # One is a slip of the list (an output as large as the input), the others are single models of a wide row.
    assert {name for name, *_ in differ} == {
        "gpt-4o-2024-05-13", "gpt-5-pro", "gpt-5.3-codex-spark", "gpt-5.3-codex", "gpt-5.4-pro", "gpt-5.5-pro",
    }, differ  # fmt: skip


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"), ("https://firm.openai.azure.com/openai/v1", "azure"),
        ("https://api.groq.com/openai/v1", "groq"), ("https://api.deepseek.com", "deepseek"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "dashscope-compatible"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "dashscope-compatible"),
        ("https://ws.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", "dashscope-compatible"),
        ("https://openrouter.ai/api/v1", "openrouter"), ("https://api.together.ai/v1", "together"),
        ("https://ollama.com/v1", "ollama-cloud"), ("http://localhost:11434/v1", "ollama-compatible"),
        ("http://localhost:1234/v1", "lmstudio"), ("http://192.168.1.7:8000/v1", "vllm"),
        ("http://127.0.0.1:8080/v1", "llamacpp"), ("http://10.0.0.2:1025/v1", "mindie"),
        ("http://10.0.0.2:31015/v1", "mindie"), ("http://[::1]:1234/v1", "lmstudio"),
        ("https://example.com/v1", "compatible"), ("https://api.openai.com.evil.example/v1", "compatible"),
        ("http://127.0.0.1:99999999/v1", "compatible"), ("", "compatible"), ("nonsense", "compatible"),
    ],
)  # fmt: skip
def test_a_server_is_told_by_its_host_and_port(url: str, name: str) -> None:
    assert server_of(url).name == name


def test_a_server_is_named_as_people_write_it_and_a_wrong_name_lists_them_all() -> None:
    assert server_named("LM Studio").name == "lmstudio"
    assert server_named("llama.cpp").name == "llamacpp"
    assert server_named("vLLM").name == "vllm"
    with pytest.raises(ConfigurationError, match="lmstudo") as error:
        server_named("lmstudo")
    assert "'lmstudio'" in error.value.why
    assert all(name in error.value.fix for name in SERVERS)
    assert server_named("ollama").name == "ollama-compatible"


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_has_a_family_and_any_address_a_server(name: str, url: str) -> None:
    assert family_of(name).name
    assert server_of(url).name in SERVERS


def test_the_names_in_the_shared_recordings_are_known() -> None:
    folder = Path(__file__).parents[3] / "shared" / "recordings"
    if not folder.is_dir():
        pytest.skip("../shared/recordings is not here")
    found: set[str] = set()
    for file in folder.rglob("*.yaml"):
        for name in re.findall(r'[{,] *"model": *"([^"]+)"', file.read_text(encoding="utf-8")):
            if re.search(r"gpt|llama|qwen|deepseek|\bo[134]\b", name, re.IGNORECASE):
                found.add(name)
    chatting = {n for n in found if not re.search(r"image|embedding|transcribe|nonexistent", n)}
    assert len(chatting) > 40
    assert {n for n in chatting if family_of(n).name == "unknown"} <= {"gpt2"}
