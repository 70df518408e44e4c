"""CPU of a call and of a streamed answer: our two faces beside the bare clients and LangChain's own classes.

    python -m tests.bench.adapters [WORD ...] [--rounds N]

measures all groups, or those whose names hold one of the words. The stand-in serves from another process, so that the
CPU counted is the client's alone, all its threads together. The variants of a group take turns, in another order each
round. A ratio is the median of those of the rounds, each of which holds a variant against the first of its group a few
milliseconds apart: what else the machine does falls on both. Goals: the Model face at most 0.6 of the typed OpenAI
client plain and 0.8 streamed, the LangChain face not above the class that it stands for.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agentsdk import Message
from agentsdk.models.model import Model, Request, TextDelta, ToolSpec

ROUNDS = 60
"""Rounds in which every variant has its turn."""
CALLS = {"plain": 10, "streamed": 1, "batch": 1}
"""Calls of a turn."""
TOKENS = 120
"""Pieces of a streamed answer."""
AT_ONCE = 20
"""Calls of a batch."""

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
    print(server.url("openai"), server.url("ollama"), server.url("dashscope"), flush=True)
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
        async for piece in model.stream(asked):
            if isinstance(piece, TextDelta):
                arrived()

    return streamed if stream else plain


def of_chat(chat: Any, kind: str) -> Turn:
    """Return a turn of a LangChain chat model, its chunks merged as every caller merges them."""
    from langchain_core.messages import convert_to_messages

    bound = chat.bind_tools([TOOL])
    messages = convert_to_messages(MESSAGES)

    async def plain() -> None:
        await bound.ainvoke(messages)

    async def streamed() -> None:
        whole: Any = None
        async for chunk in bound.astream(messages):
            arrived()
            whole = chunk if whole is None else whole + chunk

    async def batch() -> None:
        await bound.abatch([messages] * AT_ONCE)

    async def plain_sync() -> None:
        bound.invoke(messages)

    async def streamed_sync() -> None:
        whole: Any = None
        for chunk in bound.stream(messages):
            arrived()
            whole = chunk if whole is None else whole + chunk

    async def batch_sync() -> None:
        bound.batch([messages] * AT_ONCE)

    turns = (plain, streamed, batch, plain_sync, streamed_sync, batch_sync)
    return {turn.__name__: turn for turn in turns}[kind]


_first: list[float] = []
"""When the first piece of the answer came that is streamed now."""


def arrived() -> None:
    """Note that a piece came."""
    if not _first:
        _first.append(time.perf_counter())


def groups_of(openai_url: str, ollama_url: str, dashscope_url: str) -> dict[str, dict[str, Turn]]:
    """Return what is measured, by group; the first of a group is what the others are held against."""
    from langchain_ollama import ChatOllama
    from langchain_openai import ChatOpenAI

    from agentsdk import connect
    from agentsdk.models.chat import DashScopeChat, OllamaChat, OpenAIChat

    models = {
        "openai": connect("openai:gpt-4o-mini", base_url=openai_url, api_key="key"),
        "ollama": connect("ollama:llama3.1:8b", base_url=ollama_url),
        "dashscope": connect("dashscope:qwen-plus", base_url=dashscope_url, api_key="key"),
    }
    options: Any = {"base_url": openai_url, "api_key": "key", "max_retries": 0}
    llama: Any = {"model": "llama3.1:8b", "base_url": ollama_url}
    qwen: Any = {"model": "qwen-plus", "base_url": dashscope_url, "api_key": "key"}
    chats: dict[str, dict[str, Any]] = {
        "openai": {
            "ChatOpenAI": ChatOpenAI(model="gpt-4o-mini", **options),
            "OpenAIChat": OpenAIChat(model="gpt-4o-mini", **options),
        },
        "ollama": {"ChatOllama": ChatOllama(**llama), "OllamaChat": OllamaChat(**llama)},
        "dashscope": {"DashScopeChat": DashScopeChat(**qwen)},
    }
    bare = {
        "openai": openai_client(openai_url),
        "ollama": ollama_client(ollama_url),
        "dashscope": dashscope_client(dashscope_url),
    }
    groups: dict[str, dict[str, Turn]] = {}
    for provider, model in models.items():
        for at, kind in enumerate(("plain", "streamed")):
            groups[f"{provider} {kind}"] = {
                f"{provider} client": bare[provider][at],
                "Model face": of_model(model, stream=bool(at)),
                **{name: of_chat(chat, kind) for name, chat in chats[provider].items()},
            }
        for kind in ("batch", "plain_sync", "streamed_sync", "batch_sync"):
            groups[f"{provider} {kind}"] = {n: of_chat(chat, kind) for n, chat in chats[provider].items()}
    return groups


def openai_client(url: str) -> tuple[Turn, Turn]:
    """Return a plain and a streamed turn of the typed client."""
    import openai

    client: Any = openai.AsyncOpenAI(api_key="key", base_url=url, max_retries=0)
    asked: Any = {"model": "gpt-4o-mini", "messages": MESSAGES, "tools": [TOOL]}

    async def plain() -> None:
        await client.chat.completions.create(**asked)

    async def streamed() -> None:
        options = {"include_usage": True}
        async for chunk in await client.chat.completions.create(**asked, stream=True, stream_options=options):
            if chunk.choices and chunk.choices[0].delta.content:
                arrived()

    return plain, streamed


def ollama_client(url: str) -> tuple[Turn, Turn]:
    """Return a plain and a streamed turn of Ollama's client."""
    import ollama

    client: Any = ollama.AsyncClient(host=url)
    calls = [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]
    turns = [{**m, "tool_calls": calls} if "tool_calls" in m else m for m in MESSAGES]
    asked: Any = {"model": "llama3.1:8b", "messages": turns, "tools": [TOOL]}

    async def plain() -> None:
        await client.chat(**asked)

    async def streamed() -> None:
        async for chunk in await client.chat(**asked, stream=True):
            if chunk.message.content:
                arrived()

    return plain, streamed


def dashscope_client(url: str) -> tuple[Turn, Turn]:
    """Return a plain and a streamed turn of DashScope's client of its second generation."""
    import dashscope

    client: Any = dashscope.AsyncClient(api_key="key", base_url=url, max_retries=0)
    turns = [{**m, "content": m["content"] or ""} for m in MESSAGES]
    asked: Any = {"model": "qwen-plus", "messages": turns, "tools": [TOOL]}

    async def plain() -> None:
        await client.chat.completions.create(**asked)

    async def streamed() -> None:
        async for chunk in await client.chat.completions.create(**asked, stream=True, incremental_output=True):
            if chunk.choices[0].delta.content:
                arrived()

    return plain, streamed


@dataclass
class Measured:
    """The turns of one variant."""

    cpu: list[float] = field(default_factory=list)
    """Milliseconds of CPU for one call, by round."""
    first: list[float] = field(default_factory=list)
    """Milliseconds until the first piece came, by round."""

    def row(self, beside: Measured) -> str:
        """Return the figures in one line."""
        ratio = statistics.median(own / other for own, other in zip(self.cpu, beside.cpu, strict=True))
        shown = f"{statistics.median(self.cpu):8.3f} ms CPU, at least {min(self.cpu):8.3f}; {ratio:5.2f}"
        if self.first:
            shown += (
                f"; first piece after {statistics.median(self.first):6.2f} ms, at least {min(self.first):6.2f}"
            )
        return shown


async def measure(turns: dict[str, Turn], calls: int, rounds: int) -> dict[str, Measured]:
    """Return what each variant took; all of a group take turns."""
    found = {name: Measured() for name in turns}
    for turn in [*turns.values()] * 2:
        await turn()  # imports, connections, caches
    gc.collect()
    gc.freeze()  # what is there now is not looked through again and again
    order = list(turns)
    for _round in range(rounds):
        order = [*order[1:], order[0]]
        for name in order:
            gc.collect()
            _first.clear()
            began, cpu = time.perf_counter(), time.process_time()
            for _call in range(calls):
                await turns[name]()
            found[name].cpu.append((time.process_time() - cpu) * 1000 / calls)
            if _first:
                found[name].first.append((_first[0] - began) * 1000)
    gc.unfreeze()
    return found


async def report(groups: dict[str, dict[str, Turn]], rounds: int) -> None:
    """Measure the groups and print each variant, beside the first of its group."""
    for group, turns in groups.items():
        calls = next(n for kind, n in CALLS.items() if kind in group)
        found = await measure(turns, calls, rounds)
        print(
            group, f"({TOKENS} pieces)" if "streamed" in group else f"of {AT_ONCE}" if "batch" in group else ""
        )
        for name, measured in found.items():
            print(f"  {name:16} {measured.row(next(iter(found.values())))}", flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.adapters", description="What an adapter call costs."
    )
    parser.add_argument("words", nargs="*", help="measure the groups whose names hold one of these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(TOKENS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        assert server.stdin
        urls = server.stdout.readline().split()
        try:
            groups = groups_of(*urls)
            wanted = {n: g for n, g in groups.items() if not given.words or any(w in n for w in given.words)}
            asyncio.run(report(wanted, given.rounds))
        finally:
            server.stdin.close()


if __name__ == "__main__":
    main()
