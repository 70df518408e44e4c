"""Token counts without a network, held against counts that the real tables gave."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.tokens import MARGIN, MEDIA, WEIGHTS, estimate, exact, weigh_message, weigh_tools

# Our own texts, counted by the tables of o200k (tiktoken), Llama 3 and Qwen 2 (their GGUF vocabularies).
COUNTED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "token_counts.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("tokens", list(WEIGHTS))
@pytest.mark.parametrize("row", COUNTED, ids=[row["kind"] for row in COUNTED])
def test_an_estimate_is_within_a_fifth_and_never_too_small_with_its_margin(
    row: dict[str, Any], tokens: str
) -> None:
    about = estimate(row["text"], tokens)
    assert abs(about / row[tokens] - 1) <= 0.2
    assert about * MARGIN >= row[tokens] * 0.98


@pytest.mark.parametrize("row", COUNTED, ids=[row["kind"] for row in COUNTED])
def test_qwens_own_table_counts_exactly_without_a_network(row: dict[str, Any]) -> None:
    assert exact(row["text"], "qwen") == row["qwen"]


def test_other_families_have_no_table_here() -> None:
    assert exact("hello", "o200k") is None


@given(st.text(max_size=400), st.sampled_from(sorted(WEIGHTS)))
def test_no_text_is_more_than_is_believed_to_surely_fit(text: str, tokens: str) -> None:
    assert 0 <= estimate(text, tokens) <= 2.8 * len(text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_is_not_fewer_tokens_but_for_what_joins_at_the_seam(one: str, two: str) -> None:
    assert estimate(one + " " + two) >= max(estimate(one), estimate(two)) - 0.5 * (len(one) + len(two))
    assert estimate(one + "\n" + two) >= estimate(one) - 1e-9 or len(one) >= 20


def test_a_picture_counts_as_a_picture_and_not_as_its_base64() -> None:
    base64 = "iVBORw0KGgo" * 20_000
    for part in (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64}"}},
        {"image": f"data:image/png;base64,{base64}"},
    ):
        asked = weigh_message(
            {"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}, estimate
        )
        assert MEDIA["image"] < asked < MEDIA["image"] + 30
    asked = weigh_message({"role": "user", "content": "What is it?", "images": [base64, base64]}, estimate)
    assert 2 * MEDIA["image"] < asked < 2 * MEDIA["image"] + 30


def test_a_tools_schema_counts() -> None:
    schema = {"type": "object", "properties": {"image": {"type": "string", "description": "word " * 50}}}
    tool = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": schema}}
    assert 50 < weigh_tools([tool], estimate) < 120
