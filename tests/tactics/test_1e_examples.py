"""Tactic 1e, examples: checked against the same schemas as calls are, picked by intent and likeness within a limit."""

import pytest

from agentsdk.agent import Agent
from agentsdk.errors import ConfigurationError
from agentsdk.examples import TOKENS, Call, Example
from agentsdk.function_tool import tool
from agentsdk.intents import Intent
from agentsdk.testing.scripted import ScriptedModel


@tool
def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


def test_no_example_may_call_an_unknown_tool_or_with_arguments_that_do_not_fit() -> None:
    for call in (
        Call("sub", {"a": 1, "b": 2}, "-1"),
        Call("add", {"a": 1}, "1"),
        Call("add", {"a": "x", "b": 2}, "?"),
    ):
        with pytest.raises(ConfigurationError, match="Example 1"):
            Agent(ScriptedModel([]), tools=[add], examples=[Example("1 and 2?", "3", (call,))])


def test_the_examples_of_the_intent_are_shown_and_those_of_others_are_not() -> None:
    intents = [
        Intent("sum", when=["sum"], examples=[Example("the sum of 1 and 2", "It is 3.")]),
        Intent("joke", when=["joke"], examples=[Example("a joke", "Knock, knock.")]),
    ]
    model = ScriptedModel(["ok"])
    Agent(model, intents=intents, examples=[Example("hello", "Good day.")]).run("a joke, please")
    said = [m.text for m in model.requests[0].messages]
    assert "Good day." in said
    assert "Knock, knock." in said
    assert "It is 3." not in said


def test_those_most_like_the_question_are_shown_up_to_the_limit() -> None:
    examples = [
        Example(f"What is the fee for a {thing}?", "word " * 300)
        for thing in ("book", "map", "film", "disc", "seat")
    ]
    model = ScriptedModel(["ok"])
    Agent(model, examples=examples).run("How much is it for a film?")
    shown = [m.text for m in model.requests[0].messages if m.role == "user"][:-1]
    assert "What is the fee for a film?" in shown
    assert 0 < len(shown) < len(examples)
    assert sum(e.tokens for e in examples if e.question in shown) <= TOKENS
