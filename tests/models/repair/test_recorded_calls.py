"""Calls that models really wrote wrong, as recorded, read by the adapter of their protocol."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conformance.folder import Exchange, read_file
from tests.conformance.replay import Replay

RECORDINGS = Path(__file__).parents[4] / "shared/recordings"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the shared recordings are not beside this folder"
)

LLAMA_STACK = "ollama-openai/llamastack__llama-stack"
MAGENTIC = "ollama-openai/jackmpcollins__magentic/test_openai_chat_model_ollama__test_openai_chat_model_complete_ollama_Return_1_2_3_4_5_-output_types2-list.yaml"
RIG = "groq/0xPlaygrounds__rig/agent_tool_sessions__parallel_tool_calls_single_turn_streaming.yaml"


def delivered(file: str, index: int = 0) -> tuple[dict[str, Any], Exchange]:
    exchange = [e for e in read_file(RECORDINGS / file, RECORDINGS) if isinstance(e, Exchange)][index]
    return asyncio.run(Replay(exchange).deliver()), exchange


@pytest.mark.parametrize("name", ["1e9f5ce2b5bb9d8a", "4d04859cb4d87fe1", "8fe0bae4f48fd0cb"])
def test_booleans_that_llama_wrote_as_text_are_booleans(name: str) -> None:
    line, exchange = delivered(f"{LLAMA_STACK}/{name}.yaml")
    assert line["calls"]
    assert exchange.asked is not None
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in exchange.asked["tools"]}
    for call in line["calls"]:
        assert Draft202012Validator(schemas[call["name"]]).is_valid(call["arguments"])
        assert isinstance(call["arguments"]["celsius"], bool)


def test_a_list_that_llama_wrote_as_text_is_a_list() -> None:
    line, _exchange = delivered(MAGENTIC)
    assert [c["arguments"] for c in line["calls"]] == [{"value": [1, 2, 3, 4, 5]}]


def test_null_arguments_of_groq_are_none() -> None:
    line, _exchange = delivered(RIG)
    assert [(c["name"], c["arguments"]) for c in line["calls"]] == [
        ("lookup_harbor_label", {}),
        ("lookup_orchard_label", {}),
    ]
    assert json.dumps(line["invalid_calls"]) == "[]"
