"""Answers that were recorded, read through their adapters: thoughts and calls that servers left in the text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.folder import Exchange, read_file
from tests.conformance.replay import Replay

RECORDED = Path(__file__).parents[4] / "shared" / "recordings"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(),
    reason="the recordings lie beside the project, not in it; each rule has a sample of its own",
)


def replayed(file: str, index: int = 0) -> dict[str, Any]:
    """Return what comes of a recorded answer, as it came and in two pieces at a few places."""
    exchange = [e for e in read_file(RECORDED / file, RECORDED) if isinstance(e, Exchange)][index]
    replay = Replay(exchange)
    whole = asyncio.run(replay.deliver())
    for part in range(1, 8):
        again = asyncio.run(replay.deliver(len(exchange.body) * part // 8))
        assert [again[k] for k in ("text", "reasoning", "calls")] == [
            whole[k] for k in ("text", "reasoning", "calls")
        ]
    return whole


def calls(line: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(c["name"], c["arguments"]) for c in line["calls"]]


VLLM, RIG = "vllm/llamastack__llama-stack", "ollama-native/0xPlaygrounds__rig"
LLAMA = "ollama-openai/llamastack__llama-stack"


@pytest.mark.parametrize(
    ("file", "index", "text"),
    [
        (f"{VLLM}/0248ff8a1be5ff5b.yaml", 0, ""),
        (f"{VLLM}/452805c3c85951c8.yaml", 0, ""),
        (f"{VLLM}/524ead18daaddb62.yaml", 0, "Please provide the structured data"),
        (f"{RIG}/streaming__streaming_smoke.yaml", 0, "A solar eclipse occurs"),
        (f"{RIG}/streaming_tools__streaming_tools_smoke.yaml", 0, ""),
        (f"{RIG}/streaming_tools__streaming_tools_smoke.yaml", 1, "The result of $ 2 - 5 $ is **-3**."),
        (f"{RIG}/tools__two_tools_nonstreaming.yaml", 3, "The final number is 20."),
    ],
)
def test_recorded_thoughts_are_parted_from_the_text(file: str, index: int, text: str) -> None:
    line = replayed(file, index)
    assert line["text"].startswith(text)
    assert "think>" not in line["text"]
    assert len(line["reasoning"]) > 50
    if not text:
        assert line["text"] == ""
        assert line["calls"]


def test_a_recorded_call_with_a_slip_in_its_json_is_read() -> None:
    line = replayed(f"{LLAMA}/37e10e6ac4dccb3a.yaml")
    assert (line["text"], calls(line)) == ("", [("get_time", {"timezone": "UTC"})])


@pytest.mark.parametrize(
    "name", ["854e45e9fdcadf1d", "c4871ef4b3db1c2c", "dd48d347f0abca85", "ccea269a41ddcaa0"]
)
def test_recorded_texts_that_call_nothing_offered_stay_text(name: str) -> None:
    line = replayed(f"{LLAMA}/{name}.yaml")
    assert line["text"].startswith("{")
    assert line["text"].endswith("}")
    assert (line["calls"], line["invalid_calls"]) == ([], [])


def test_a_recorded_call_that_stands_in_the_text_as_well_is_one_call() -> None:
    line = replayed("mistralrs/0xPlaygrounds__rig/tools__raw_chat_completion_emits_requested_tool_call.yaml")
    assert (line["text"], calls(line)) == ("", [("report_usage", {"reason": "cost_tracking"})])
    line = replayed(
        "llamacpp/0xPlaygrounds__rig/typed_prompt_tools__prompt_typed_with_tool_call_roundtrip.yaml"
    )
    assert calls(line) == [("weather", {"city": "London"})]


def test_a_recorded_call_where_calls_were_forbidden_stays_text() -> None:
    line = replayed("llamacpp/0xPlaygrounds__rig/tool_matrix__tool_choice_none.yaml")
    assert line["text"].startswith("<tool_call>")
    assert (line["calls"], line["invalid_calls"]) == ([], [])
