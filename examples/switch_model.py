"""Another family is another string. Without keys, a stand-in server on this machine answers in their places."""

import os

from agentsdk import Agent, connect
from agentsdk.testing.standin import Standin

NAMES = ["openai:gpt-4o-mini", "dashscope:qwen-plus", "ollama:llama3.1"]

if os.environ.get("OPENAI_API_KEY") and os.environ.get("DASHSCOPE_API_KEY"):
    for name in NAMES:
        print(name, "->", Agent(name, tools=["calculator"]).run("What is 17% of 2,340?").text)
else:
    with Standin() as server:
        for name in NAMES:
            server.call("calculator", expression="17% of 2,340").say("It is 397.8.")
            url = server.url(name.split(":")[0])  # type: ignore[arg-type]  # one of the three
            model = connect(name, base_url=url, api_key="none")
            print(name, "(stand-in) ->", Agent(model, tools=["calculator"]).run("What is 17% of 2,340?").text)
