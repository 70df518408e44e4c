"""The face that LangChain sees of a Model: invoke, stream and their async twins, written once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.load.load import ALL_SERIALIZABLE_MAPPINGS
from langchain_core.load.serializable import Serializable
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from agentsdk import _bridge
from agentsdk.errors import AgentError
from agentsdk.models.chat.errors import in_both_families
from agentsdk.models.chat.turns import Chunk, chunk_of, last_chunk, message_of
from agentsdk.models.model import Model, Reply, Request, ToolSpec, reading

Kind = TypeVar("Kind", bound=Serializable)

SECONDS = 120.0
"""What a call may take in all where nobody said it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a model, ready to be sent."""

    model: Model
    request: Request
    provider: str
    """Who answers, as `response_metadata["model_provider"]` names it."""
    finish: Callable[[AIMessage, Reply], AIMessage] | None = None
    """What is still done to the whole answer."""

    def message(self, reply: Reply) -> AIMessage:
        """Return the whole answer."""
        message = message_of(reply, self.provider)
        return self.finish(message, reply) if self.finish else message


class Face:
    """What makes a LangChain chat model of one of ours; it stands before BaseChatModel or a subclass of it."""

    @abstractmethod
    async def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], *, stream: bool
    ) -> Exchange:
        """Return the call that LangChain asks for."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002  # LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        return _bridge.wait(self._agenerate(messages, stop, None, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002  # LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        try:
            asked = await self._exchange(messages, stop, kwargs, stream=False)
            reply = await asked.model.complete(asked.request)
        except AgentError as error:
            raise in_both_families(error) from error
        return ChatResult(generations=[ChatGeneration(message=asked.message(reply))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _bridge.read_ahead(self._astream(messages, stop, None, **kwargs)):
            if run_manager:  # core gives it to us where it makes events of the chunks, and nowhere else
                _show_broken(chunk)
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    # The type is narrower than core's: a generator can be closed.
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        try:
            asked = await self._exchange(messages, stop, kwargs, stream=True)
            begun = False
            async with reading(asked.model.stream(asked.request)) as pieces:
                async for piece in pieces:
                    message: Chunk | None
                    if isinstance(piece, Reply):
                        message = last_chunk(asked.message(piece), alone=not begun)
                    else:
                        message = chunk_of(piece, asked.provider)
                        if message is None:
                            continue
                        begun = True
                    chunk = ChatGenerationChunk(message=message)
                    if run_manager:  # as above
                        _show_broken(chunk)
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        except AgentError as error:
            raise in_both_families(error) from error


def readable(kind: type[Kind]) -> type[Kind]:
    """Let core's `load` read this class back where it may read all: its table lists those of few packages only."""
    path = tuple(kind.lc_id())
    ALL_SERIALIZABLE_MAPPINGS[path] = path
    return kind


def _show_broken(chunk: ChatGenerationChunk) -> None:
    if isinstance(chunk.message, Chunk):
        chunk.message.show_broken()


def seconds_of(timeout: Any) -> float:
    """Return the seconds that a call may take: a number, or the longest part of one of httpx's timeouts."""
    if isinstance(timeout, (int, float)):
        return float(timeout)
    if isinstance(timeout, (tuple, list)):
        parts = list(timeout)
    else:
        parts = [getattr(timeout, name, None) for name in ("connect", "read", "write", "pool")]
    return max((float(p) for p in parts if p is not None), default=SECONDS)


def choice_of(given: Any) -> str:
    """Return a `tool_choice` of LangChain's or OpenAI's as a Request has it."""
    if isinstance(given, Mapping):
        if given.get("type") == "allowed_tools":
            return choice_of((given.get("allowed_tools") or given).get("mode"))
        if given.get("type") in ("auto", "none", "any", "required"):  # Anthropic's form
            return choice_of(given["type"])
        function = given.get("function")
        return str((function if isinstance(function, Mapping) else given).get("name") or "required")
    if given is None or isinstance(given, bool):
        return "required" if given else "auto"
    return "required" if given == "any" else str(given)


def tools_of(wire: Sequence[Any] | None) -> tuple[ToolSpec, ...]:
    """Return tools in OpenAI's form, flat or with "function", as a Request has them."""
    found = []
    for tool in wire or ():
        function = tool.get("function") if isinstance(tool.get("function"), Mapping) else tool
        if function.get("name") and tool.get("type", "function") in ("function", "custom"):
            schema = function.get("parameters") or {"type": "object", "properties": {}}
            found.append(ToolSpec(function["name"], function.get("description") or "", schema))
    return tuple(found)
