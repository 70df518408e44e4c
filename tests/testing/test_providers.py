"""One cassette per provider: a tool call and an answer, streamed, replayed with no server running."""

from collections.abc import Callable

import pytest

from agentsdk import Agent, connect, tool
from agentsdk.testing.standin import Standin

NAMES = {"openai": "openai:gpt-4o-mini", "ollama": "ollama:llama3.1", "dashscope": "dashscope:qwen-plus"}


@tool
def add(a: int, b: int) -> int:
    """Return the sum of a and b."""
    return a + b


def script(server: Standin) -> None:
    server.call("add", a=17, b=25).say("17 + 25 = 42，即四十二。")


@pytest.mark.cassette
@pytest.mark.parametrize("name", ["openai", "ollama", "dashscope"])
def test_a_run_with_a_tool_replays(name: str, provider: Callable[..., str]) -> None:
    model = connect(NAMES[name], base_url=provider(name, script), api_key="not-a-key")
    answer = Agent(model, tools=[add]).run("What is 17 + 25?")
    assert (answer.text, answer.steps[0].value, answer.usage.calls) == ("17 + 25 = 42，即四十二。", 42, 2)
