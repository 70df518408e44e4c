"""CPU of a call and of a streamed answer: our two faces beside the bare clients and LangChain's own classes.

The stand-in serves from another process, so that the CPU counted is the client's alone. All variants take turns in one
run; each figure is the median, and is given as a ratio to the bare client's typed call. Goals: the
Model face at most 0.6 plain and 0.8 streamed, the LangChain face not above the class that it stands for.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from agentsdk import Message
from agentsdk.models.model import Model, Request, ToolSpec

ROUNDS, CALLS = 40, 10
"""Rounds in which every variant has its turn, and calls of a turn."""
TOKENS = 120
"""Pieces of a streamed answer."""

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "Tell the weather.", "parameters": SCHEMA},
}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "How is the weather in Oslo?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "clear", "celsius": 4}'},
    {"role": "user", "content": "And tomorrow?"},
]

Turn = Callable[[], Awaitable[None]]


SERVER = """
import sys
from agentsdk.testing.standin import Standin
from agentsdk.testing.standin.script import Line
words = [f"word{n} " for n in range(int(sys.argv[1]))]
def answer(asked):
    if asked.streamed:
        return Line("".join(words), pieces=6)
    return Line(calls=(("weather", {"city": "Oslo", "days": 2}),))
with Standin() as server:
    server.answer(answer)
    print(server.url("openai"), server.url("ollama"), flush=True)
    sys.stdin.read()
"""


def request(name: str) -> Request:
    """Return the request as our own type."""
    from agentsdk.messages import ToolCall

    call = ToolCall("call_1", "weather", {"city": "Oslo"})
    turns = (
        Message.system("Be brief."),
        Message.user("How is the weather in Oslo?"),
        Message.assistant("", [call]),
        Message.tool(call, '{"sky": "clear", "celsius": 4}'),
        Message.user("And tomorrow?"),
    )
    return Request(turns, (ToolSpec("weather", "Tell the weather.", SCHEMA),))


def of_model(model: Model, *, stream: bool) -> Turn:
    """Return a turn of our Model face."""
    asked = request(model.name)

    async def plain() -> None:
        await model.complete(asked)

    async def streamed() -> None:
        async for _piece in model.stream(asked):
            pass

    return streamed if stream else plain


def of_chat(chat: Any, *, stream: bool) -> Turn:
    """Return a turn of a LangChain chat model, its chunks merged as every caller merges them."""
    from langchain_core.messages import convert_to_messages

    bound = chat.bind_tools([TOOL])
    messages = convert_to_messages(MESSAGES)

    async def plain() -> None:
        await bound.ainvoke(messages)

    async def streamed() -> None:
        whole: Any = None
        async for chunk in bound.astream(messages):
            whole = chunk if whole is None else whole + chunk

    return streamed if stream else plain


def variants(openai_url: str, ollama_url: str) -> dict[str, dict[str, Turn]]:
    """Return what is measured, by group; the first of a group is what the others are held against."""
    import ollama
    import openai
    from langchain_ollama import ChatOllama
    from langchain_openai import ChatOpenAI

    from agentsdk import connect
    from agentsdk.models.chat import OllamaChat, OpenAIChat

    bare = openai.AsyncOpenAI(api_key="key", base_url=openai_url, max_retries=0)
    own = ollama.AsyncClient(host=ollama_url)
    ours = connect("openai:gpt-4o-mini", base_url=openai_url, api_key="key")
    llama = connect("ollama:llama3.1:8b", base_url=ollama_url)
    tools: Any = [TOOL]
    history: Any = MESSAGES
    objects = [
        {**m, "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}
        if "tool_calls" in m
        else m
        for m in MESSAGES
    ]

    async def bare_plain() -> None:
        await bare.chat.completions.create(model="gpt-4o-mini", messages=history, tools=tools)

    async def bare_streamed() -> None:
        stream = await bare.chat.completions.create(
            model="gpt-4o-mini",
            messages=history,
            tools=tools,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for _chunk in stream:
            pass

    async def own_plain() -> None:
        await own.chat("llama3.1:8b", objects, tools=tools)

    async def own_streamed() -> None:
        async for _chunk in await own.chat("llama3.1:8b", objects, tools=tools, stream=True):
            pass

    openai_options: Any = {"base_url": openai_url, "api_key": "key", "max_retries": 0}
    groups: dict[str, dict[str, Turn]] = {}
    for stream in (False, True):
        kind = "streamed" if stream else "plain"
        groups[f"openai, {kind}"] = {
            "openai client": bare_streamed if stream else bare_plain,
            "Model face": of_model(ours, stream=stream),
            "ChatOpenAI": of_chat(ChatOpenAI(model="gpt-4o-mini", **openai_options), stream=stream),
            "OpenAIChat": of_chat(OpenAIChat(model="gpt-4o-mini", **openai_options), stream=stream),
        }
        groups[f"ollama, {kind}"] = {
            "ollama client": own_streamed if stream else own_plain,
            "Model face": of_model(llama, stream=stream),
            "ChatOllama": of_chat(ChatOllama(model="llama3.1:8b", base_url=ollama_url), stream=stream),
            "OllamaChat": of_chat(OllamaChat(model="llama3.1:8b", base_url=ollama_url), stream=stream),
        }
    return groups


async def measure(groups: dict[str, dict[str, Turn]]) -> dict[str, dict[str, float]]:
    """Return the median CPU of a call, in milliseconds; all variants of a group take turns."""
    found: dict[str, dict[str, float]] = {}
    for group, turns in groups.items():
        times: dict[str, list[float]] = {name: [] for name in turns}
        for turn in turns.values():
            await turn()  # imports, connections, caches
        for _ in range(ROUNDS if "plain" in group else ROUNDS // 2):
            for name, turn in turns.items():
                gc.collect()
                began = time.process_time()
                for _call in range(CALLS if "plain" in group else CALLS // 2):
                    await turn()
                times[name].append(
                    (time.process_time() - began) * 1000 / (CALLS if "plain" in group else CALLS // 2)
                )
        found[group] = {name: statistics.median(row) for name, row in times.items()}
    return found


def main() -> None:
    """Print each figure, and its ratio to the first of its group."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(TOKENS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        assert server.stdin
        urls = server.stdout.readline().split()
        try:
            found = asyncio.run(measure(variants(*urls)))
        finally:
            server.stdin.close()
    for group, figures in found.items():
        first = next(iter(figures.values()))
        print(f"{group} ({TOKENS} pieces)" if "streamed" in group else group)
        for name, ms in figures.items():
            print(f"  {name:14} {ms:7.3f} ms CPU   {ms / first:5.2f}")


if __name__ == "__main__":
    main()
