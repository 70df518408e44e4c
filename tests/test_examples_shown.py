"""Examples: checked when the agent is made, picked by likeness, shown as earlier turns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.errors import ConfigurationError
from agentsdk.examples import Call, Example, by_likeness, pick
from agentsdk.function_tool import tool
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.testing.scripted import ScriptedModel
from agentsdk.testing.standin import Standin


@tool
def rate(base: str, quote: str) -> float:
    """Return an exchange rate."""
    return 1.1


RATE = Example("USD in EUR?", "0.92 euros.", [Call("rate", {"base": "USD", "quote": "EUR"}, "0.92")])  # type: ignore[arg-type]  # any sequence is taken


def test_an_example_stands_before_the_conversation_as_turns_with_its_calls_and_their_results() -> None:
    model = ScriptedModel(["ok"])
    Agent(model, tools=[rate], examples=[RATE]).run("GBP?", history=[Message.user("a"), Message.assistant("b")])
    system, *turns = model.requests[0].messages
    assert [m.role for m in turns] == ["user", "assistant", "tool", "assistant", "user", "assistant", "user"]
    assert turns[1].calls[0].id == turns[2].call_id
    assert turns[2].text == "0.92"
    assert "Examples come first: 1 question" in system.text


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (Example("q", "a", (Call("rates", {}),)), "rates"),
        (Example("q", "a", (Call("rate", {"base": "USD"}, "1"),)), "argument_quote|quote"),
        (Example("q", "a", (Call("rate", {"base": 1, "quote": [2]}, "1"),)), "quote"),
        (Example("", "a"), "question"),
        (Example("q", " "), "answer"),
        ("q", "Example"),
    ],
)
def test_an_example_that_could_not_be_a_run_of_this_agent_is_refused(example: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Agent(ScriptedModel([]), tools=[rate], examples=[RATE, example])


@given(st.lists(st.text(min_size=1, max_size=200), max_size=12), st.text(max_size=60), st.integers(0, 300))
def test_examples_fit_their_room_keep_their_order_and_are_picked_alike_each_time(
    questions: list[str], question: str, room: int
) -> None:
    examples = [Example(f"{i} {q}", "a") for i, q in enumerate(questions)]
    found = pick(examples, question, room)
    assert sum(e.tokens for e in found) <= room
    assert [e for e in examples if e in found] == list(found)
    assert pick(examples, question, room) == found


def test_the_example_most_like_the_question_comes_before_others() -> None:
    texts = ["How do I return a parcel?", "When does the library open?", "图书馆几点开门？", "怎样退货？"]
    assert by_likeness(texts, "opening time of the library")[0] == 1
    assert by_likeness(texts, "我想退货")[0] == 3
    examples = [Example(t, "a" * 200) for t in texts]
    room = examples[0].tokens
    assert [e.question for e in pick(examples, "return my parcel", room)] == [texts[0]]


@pytest.mark.parametrize("provider", ["openai:gpt-4o-mini", "ollama:llama3.1:8b", "dashscope:qwen-plus"])
def test_each_family_takes_an_example_with_a_call(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Standin() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("DASHSCOPE_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url("openai"))
        monkeypatch.setenv("DASHSCOPE_BASE_URL", server.url("dashscope"))
        monkeypatch.setenv("OLLAMA_HOST", server.url("ollama"))
        server.say("It is 1.1.")
        answer = Agent(connect(provider), tools=[rate], examples=[RATE]).run("GBP in USD?")
    assert answer.text == "It is 1.1."
