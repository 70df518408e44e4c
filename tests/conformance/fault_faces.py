"""The two faces of the adapters, asked in four ways: what the fault matrix calls, and what it hears."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from agentsdk import Message, _bridge, connect
from agentsdk.models.http import Limits
from agentsdk.models.model import Reply, Request, ToolSpec, reading
from tests.conformance.fault_cases import IDLE, RETRIES, SECONDS, Mode, Protocol

KEY = "sk-canary-0123456789"
NAMES = {"chat": "gpt-4o-mini", "responses": "gpt-4o-mini", "ollama": "llama3.1:8b", "dashscope": "qwen-plus"}
_PROVIDERS = {"chat": "openai", "responses": "openai", "ollama": "ollama", "dashscope": "dashscope"}
_PATHS = {"chat": "/v1", "responses": "/v1", "ollama": "", "dashscope": "/api/v1"}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "path": {"type": "string"}}}
_SAID = ("Be brief.", "Hi 你好")


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, whichever face gave it."""

    text: str
    calls: int
    """Calls that may be run."""
    broken_calls: int
    finish: str
    """"stop", or why it stopped before it should."""


class Asking(ABC):
    """One question to one model, asked plainly or streamed, from sync or from async code."""

    def asynchronous(self, mode: Mode) -> tuple[Heard | BaseException, float]:
        """Return what came of an async call on an event loop of its own, and the seconds of the call itself."""

        async def timed() -> tuple[Heard | BaseException, float]:
            began = time.monotonic()
            heard: Heard | BaseException
            try:
                heard = await (self._call() if mode == "call" else self._stream())
            except Exception as error:  # an error of any kind is a result here
                heard = error
            return heard, time.monotonic() - began

        return asyncio.run(timed())

    def synchronous(self, mode: Mode) -> tuple[Heard | BaseException, float]:
        """Return what came of a sync call, and its seconds."""
        began = time.monotonic()
        heard: Heard | BaseException
        try:
            heard = self._call_now() if mode == "call" else self._stream_now()
        except Exception as error:  # as above
            heard = error
        return heard, time.monotonic() - began

    @abstractmethod
    async def _call(self) -> Heard: ...

    @abstractmethod
    async def _stream(self) -> Heard: ...

    @abstractmethod
    def _call_now(self) -> Heard: ...

    @abstractmethod
    def _stream_now(self) -> Heard: ...


class ModelAsking(Asking):
    """Asks by the `Model` protocol, as an Agent does."""

    def __init__(self, protocol: Protocol, url: str) -> None:
        self._model = connect(
            f"{_PROVIDERS[protocol]}:{NAMES[protocol]}",
            base_url=url + _PATHS[protocol],
            api_key=KEY,
            timeout=Limits(seconds=SECONDS, idle=IDLE),
            retries=RETRIES,
            api="responses" if protocol == "responses" else None,
        )
        messages = (Message.system(_SAID[0]), Message.user(_SAID[1]))
        self._request = Request(messages, (ToolSpec("add", "Return the sum.", _SCHEMA),))

    async def _call(self) -> Heard:
        return self._heard(await self._model.complete(self._request))

    async def _stream(self) -> Heard:
        last: Any = None
        async for piece in self._pieces():
            last = piece
        return self._heard(last)

    def _call_now(self) -> Heard:
        return _bridge.wait(self._call())

    def _stream_now(self) -> Heard:
        last: Any = None
        for piece in _bridge.iterate(self._pieces()):
            last = piece
        return self._heard(last)

    async def _pieces(self) -> AsyncGenerator[Any, None]:
        async with reading(self._model.stream(self._request)) as pieces:
            async for piece in pieces:
                yield piece

    def _heard(self, reply: Reply) -> Heard:
        finish = "stop" if reply.finish == "tool_calls" else reply.finish
        return Heard(reply.message.text, len(reply.message.calls), len(reply.message.broken_calls), finish)


class LangChainAsking(Asking):
    """Asks a LangChain chat model."""

    def __init__(self, protocol: Protocol, url: str) -> None:
        from agentsdk.models import chat

        given: dict[str, Any] = {"model": NAMES[protocol], "base_url": url + _PATHS[protocol], "api_key": KEY}
        given |= {"timeout": SECONDS, "max_retries": RETRIES}
        if protocol == "responses":
            given["use_responses_api"] = True
        kinds = {"ollama": chat.OllamaChat, "dashscope": chat.DashScopeChat}
        tool = {
            "type": "function",
            "function": {"name": "add", "description": "Return the sum.", "parameters": _SCHEMA},
        }
        self._model: Any = kinds.get(protocol, chat.OpenAIChat)(**given).bind_tools([tool])
        self._said = [("system", _SAID[0]), ("user", _SAID[1])]

    async def _call(self) -> Heard:
        return self._heard(await self._model.ainvoke(self._said))

    async def _stream(self) -> Heard:
        whole: Any = None
        async for chunk in self._model.astream(self._said):
            whole = chunk if whole is None else whole + chunk
        return self._heard(whole)

    def _call_now(self) -> Heard:
        return self._heard(self._model.invoke(self._said))

    def _stream_now(self) -> Heard:
        whole: Any = None
        for chunk in self._model.stream(self._said):
            whole = chunk if whole is None else whole + chunk
        return self._heard(whole)

    def _heard(self, message: Any) -> Heard:
        told = message.response_metadata
        finish = told.get("finish_reason") or told.get("done_reason") or told.get("status") or "stop"
        if isinstance(why := told.get("incomplete_details"), dict):
            finish = why.get("reason") or finish
        named = {
            "content_filter": "filter",
            "max_output_tokens": "length",
            "tool_calls": "stop",
            "completed": "stop",
        }
        calls, broken = len(message.tool_calls), len(message.invalid_tool_calls)
        return Heard(str(message.text), calls, broken, named.get(finish, finish))


FACES: dict[str, type[ModelAsking | LangChainAsking]] = {
    "model": ModelAsking,
    "langchain": LangChainAsking,
}
