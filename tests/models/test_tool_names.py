"""Tools whose names OpenAI does not take."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import InvalidRequest
from agentsdk.messages import Message, ToolCall
from agentsdk.models.model import Reply, Request, ToolSpec
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import SERVERS
from agentsdk.models.tool_names import sent_name
from agentsdk.testing.standin import Standin

DOTTED = ToolSpec("web.search", "Search.", {"type": "object", "properties": {"q": {"type": "string"}}})
LONG = ToolSpec("x" * 70, "Long.")


def model_for(server: Standin, of: str = "openai") -> OpenAIModel:
    return OpenAIModel("gpt-4o-mini", "key", base_url=server.url("openai"), server=SERVERS[of])


def ask(model: OpenAIModel, request: Request) -> Reply:
    return asyncio.run(model.complete(request))


def test_a_name_that_is_not_taken_is_sent_under_another_and_comes_back_as_its_own() -> None:
    sent = sent_name(DOTTED.name)
    call = ToolCall("a", DOTTED.name, {"q": "x"})
    history = (
        Message.user("Hi"),
        Message.assistant("", [call]),
        Message.tool(call, "found"),
        Message.user("More"),
    )
    with Standin() as server:
        server.call(sent, q=None)
        reply = ask(model_for(server), Request(history, (DOTTED, LONG), DOTTED.name))
        body = server.requests[0].body
    names = [t["function"]["name"] for t in body["tools"]]
    assert names == [sent, sent_name(LONG.name)]
    assert all(len(n) <= 64 for n in names)
    assert body["tool_choice"]["function"]["name"] == sent
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    assert [(c.name, c.arguments) for c in reply.message.calls] == [(DOTTED.name, {})]
    assert reply.message.repairs == ()  # the null was asked for, and the name is ours


def test_a_server_that_takes_any_name_gets_the_tools_own() -> None:
    with Standin("vllm", check=False) as server:
        server.call(DOTTED.name, q="x")
        reply = ask(model_for(server, "compatible"), Request((Message.user("Hi"),), (DOTTED,)))
        assert server.requests[0].body["tools"][0]["function"]["name"] == DOTTED.name
    assert [c.name for c in reply.message.calls] == [DOTTED.name]


def test_more_tools_than_openai_takes_are_told_before_anything_is_sent() -> None:
    many = tuple(ToolSpec(f"t{i}", "T.") for i in range(129))
    with Standin("vllm", check=False) as server:
        with pytest.raises(InvalidRequest, match="128 tools at most, and 129 were given"):
            ask(model_for(server), Request((Message.user("Hi"),), many))
        assert server.requests == []
        server.say("Yes.")
        assert ask(model_for(server, "compatible"), Request((Message.user("Hi"),), many)).message.text == "Yes."


@given(st.lists(st.text(min_size=1, max_size=70), max_size=5, unique=True))
def test_names_that_differ_are_sent_under_names_that_differ(names: list[str]) -> None:
    sent = [sent_name(n) for n in names]
    assert len(set(sent)) == len(names)
    assert all(len(s) <= 64 and s.isascii() for s in sent)
    assert [sent_name(s) for s in sent] == sent
