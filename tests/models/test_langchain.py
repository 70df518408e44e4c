"""LangChain at both seams: its real ChatOpenAI drives an Agent, and our models are chat models of its."""

import asyncio
from collections.abc import Iterator

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agentsdk import Agent, connect, tool
from agentsdk.errors import ConfigurationError
from agentsdk.models.langchain import to_langchain
from agentsdk.testing.standin import Standin


@pytest.fixture
def server() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def chat(server: Standin) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-4o-mini", base_url=server.url("openai"), api_key=SecretStr("k"), max_retries=0)


def test_a_langchain_chat_model_drives_an_agent(server: Standin) -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    server.calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})).say("3 and 7，三和七。")
    answer = Agent(chat(server), tools=[add]).run("1+2? 3+4?")
    assert (answer.text, [s.value for s in answer.steps]) == ("3 and 7，三和七。", [3, 7])
    assert answer.model == "langchain:ChatOpenAI gpt-4o-mini"
    assert answer.usage.calls == 2
    assert [m["role"] for m in server.requests[1].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]


def test_a_call_that_langchain_completes_is_still_known_to_be_cut(server: Standin) -> None:
    ran: list[str] = []

    @tool
    def drop(path: str) -> str:
        """Delete."""
        ran.append(path)
        return ""

    server.calls(("drop", {"path": "/srv/data/pro"}), finish="length").say("I could not.")
    answer = Agent(chat(server), tools=[drop]).run("q")
    assert (ran, answer.text) == ([], "I could not.")


def test_a_model_of_ours_is_a_chat_model_of_langchain(server: Standin) -> None:
    @langchain_tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    ours = to_langchain(connect("ollama:llama3.1", base_url=server.url("ollama"), retries=0))
    server.call("add", a=1, b=2).say("It is 3.").say("streamed text").say("async")
    bound = ours.bind_tools([add])
    asked = HumanMessage("1 + 2?")
    first = bound.invoke([asked])
    assert isinstance(first, AIMessage)
    assert [(c["name"], c["args"]) for c in first.tool_calls] == [("add", {"a": 1, "b": 2})]
    assert first.usage_metadata is not None
    assert first.usage_metadata["input_tokens"] > 0
    result = ToolMessage("3", tool_call_id=first.tool_calls[0]["id"] or "", name="add")
    assert bound.invoke([asked, first, result]).text == "It is 3."
    chunks = list(ours.stream("hello"))
    assert "".join(str(c.content) for c in chunks) == "streamed text"
    assert len(chunks) > 2
    assert asyncio.run(ours.ainvoke("hello")).text == "async"


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="int is not a model"):
        Agent(5)
