"""Our messages and LangChain's, both ways: any of its chat models drives an Agent, any of ours is one of its."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCall as TheirCall
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict

from agentsdk import _bridge
from agentsdk.budget import Usage
from agentsdk.errors import AgentError, BadResponse
from agentsdk.i18n import _
from agentsdk.messages import BrokenCall, Message, ToolCall
from agentsdk.models.collect import Collector
from agentsdk.models.model import (
    CallDelta,
    Delta,
    Model,
    Offer,
    ReasoningDelta,
    Reply,
    Request,
    Restated,
    TextDelta,
    ToolSpec,
)
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.wire import function_tools, whole_number


def from_langchain(chat: BaseChatModel) -> Model:
    """Return a LangChain chat model as a Model.

    Its tool calls are read again from their raw text: LangChain completes the JSON of a call that was cut off.
    """
    return _FromLangChain(chat)


def to_langchain(model: Model) -> BaseChatModel:
    """Return a Model as a LangChain chat model: invoke, ainvoke, stream, astream, bind_tools."""
    return ChatModel(model=model)


class _FromLangChain:
    def __init__(self, chat: BaseChatModel) -> None:
        self._chat = chat

    @property
    def name(self) -> str:
        """The kind of the model and what it calls itself: "langchain:ChatOpenAI gpt-4o"."""
        inner = getattr(self._chat, "model_name", None) or getattr(self._chat, "model", None) or ""
        return f"langchain:{type(self._chat).__name__} {inner}".strip()

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply, put together from its stream."""
        async for piece in self.stream(request):
            if isinstance(piece, Reply):
                return piece
        raise AssertionError  # a stream ends in a Reply or an error

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces, and at the end the whole reply."""
        answer = Collector(self.name, Offer.of(request))
        try:
            async for chunk in self._bound(request).astream([_theirs(m) for m in request.messages]):
                for delta in _take(chunk, answer):
                    yield delta
        except AgentError:
            raise
        except Exception as error:
            raise BadResponse(
                _("{model} raised an error.").format(model=self.name),
                why=f"{type(error).__name__}: {error}"[:500],
            ) from error
        # Not every integration says why a stream ended; where none does, its end is taken for one.
        answer.finish = answer.finish or "stop"
        for delta in answer.rest():
            yield delta
        yield answer.reply(streamed=True)

    def _bound(self, request: Request) -> Runnable[LanguageModelInput, BaseMessage]:
        bound: Runnable[LanguageModelInput, BaseMessage] = self._chat
        if request.tools and request.tool_choice != "none":
            tools = function_tools(request.tools)
            choice = {} if request.tool_choice == "auto" else {"tool_choice": request.tool_choice}
            try:
                bound = self._chat.bind_tools(tools, **choice)
            except NotImplementedError as error:
                raise BadResponse(
                    _("{model} cannot call tools.").format(model=self.name), fix=_("Take a model with tools.")
                ) from error
        options: dict[str, Any] = {}
        if request.max_tokens is not None:
            options["max_tokens"] = request.max_tokens
        if request.stop:
            options["stop"] = list(request.stop)
        return bound.bind(**options) if options else bound


def _take(chunk: Any, answer: Collector) -> Iterator[Delta]:
    if isinstance(chunk.content, str):
        yield from answer.text(chunk.content)
    else:
        for block in chunk.content:
            if isinstance(block, Mapping) and block.get("type") == "text":
                yield from answer.text(block.get("text"))
        yield from answer.reasoning(reasoning_of({"content": chunk.content}))
    yield from answer.reasoning(reasoning_of(chunk.additional_kwargs))
    pieces: Sequence[Any] = getattr(chunk, "tool_call_chunks", None) or ()
    for piece in pieces:
        yield from answer.call(piece.get("index"), piece.get("id"), piece.get("name"), piece.get("args"))
    if not pieces:
        for call in getattr(chunk, "tool_calls", None) or ():
            yield from answer.call(None, call.get("id"), call["name"], call["args"])
    if usage := getattr(chunk, "usage_metadata", None):
        into, out = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
        answer.usage += Usage(
            0,
            whole_number(usage.get("input_tokens")),
            whole_number(usage.get("output_tokens")),
            whole_number(into.get("cache_read")),
            whole_number(out.get("reasoning")),
        )
    told = chunk.response_metadata
    answer.finish = (
        told.get("finish_reason") or told.get("done_reason") or told.get("stop_reason") or answer.finish
    )


def _theirs(message: Message) -> BaseMessage:
    match message.role:
        case "system":
            return SystemMessage(message.text)
        case "user":
            return HumanMessage(message.text)
        case "tool":
            return ToolMessage(message.text, tool_call_id=message.call_id, name=message.name or None)
        case "assistant":
            calls = [TheirCall(name=c.name, args=dict(c.arguments), id=c.id) for c in message.calls]
            return AIMessage(message.text, tool_calls=calls)


def _ours(message: BaseMessage) -> Message:
    text = message.text if isinstance(message.text, str) else str(message.content)
    if isinstance(message, SystemMessage):
        return Message.system(text)
    if isinstance(message, ToolMessage):
        return Message("tool", text, call_id=message.tool_call_id, name=message.name or "")
    if isinstance(message, AIMessage):
        return Message.assistant(
            text, [ToolCall(c["id"] or "", c["name"], c["args"]) for c in message.tool_calls]
        )
    return Message.user(text)


class ChatModel(BaseChatModel):
    """One of our models as a LangChain chat model."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: Any
    """The Model inside."""

    @property
    def _llm_type(self) -> str:
        return "agentsdk"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools to call; `tool_choice` is "auto", "none", "any" or a tool's name."""
        wire = [convert_to_openai_tool(t) for t in tools]
        choice = {"any": "required", None: "auto"}.get(tool_choice, tool_choice)
        bound: Any = self.bind(tools=wire, tool_choice=choice, **kwargs)
        return bound  # type: ignore[no-any-return]  # bind loses the type of what comes out

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
        reply = await self.model.complete(_request(messages, stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=_their_reply(reply))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002  # LangChain's signature
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        async def chunks() -> Any:
            async for chunk in self._astream(messages, stop, None, **kwargs):
                yield chunk

        yield from _bridge.iterate(chunks())

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for piece in self.model.stream(_request(messages, stop, kwargs)):
            chunk = _their_chunk(piece)
            if chunk is not None:
                if run_manager and isinstance(piece, TextDelta):
                    await run_manager.on_llm_new_token(piece.text, chunk=ChatGenerationChunk(message=chunk))
                yield ChatGenerationChunk(message=chunk)


def _request(messages: list[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]) -> Request:
    tools = []
    for tool in kwargs.get("tools") or ():
        function = tool["function"]
        tools.append(
            ToolSpec(function["name"], function.get("description", ""), function.get("parameters", {}))
        )
    return Request(
        tuple(_ours(m) for m in messages),
        tuple(tools),
        kwargs.get("tool_choice") or "auto",
        max_tokens=kwargs.get("max_tokens"),
        temperature=kwargs.get("temperature"),
        stop=tuple(stop or ()),
    )


def _their_reply(reply: Reply) -> AIMessage:
    message = reply.message
    return AIMessage(
        message.text,
        tool_calls=[TheirCall(name=c.name, args=dict(c.arguments), id=c.id) for c in message.calls],
        invalid_tool_calls=[_invalid(c) for c in message.broken_calls],
        usage_metadata=_their_usage(reply.usage),
        response_metadata={"finish_reason": reply.finish, "model_name": reply.model},
        additional_kwargs={"reasoning_content": message.reasoning} if message.reasoning else {},
    )


def _their_chunk(piece: Delta | Reply) -> AIMessageChunk | None:
    match piece:
        case TextDelta(text):
            return AIMessageChunk(content=text)
        case ReasoningDelta(text):
            return AIMessageChunk(content="", additional_kwargs={"reasoning_content": text})
        case Restated(text):
            # LangChain adds chunks up and can take none back; whoever shows them sees here that it must.
            return AIMessageChunk(
                content="",
                additional_kwargs={"reasoning_content": text},
                response_metadata={"text_was_thought": True},
            )
        case CallDelta():
            # A piece may belong to a call that is cut off: calls come with the reply, whole.
            return None
        case Reply(message, usage, finish, model):
            calls: list[ToolCallChunk] = [
                tool_call_chunk(name=c.name, args=json.dumps(c.arguments), id=c.id, index=i)
                for i, c in enumerate(message.calls)
            ]
            return AIMessageChunk(
                content="",
                tool_call_chunks=calls,
                usage_metadata=_their_usage(usage),
                response_metadata={"finish_reason": finish, "model_name": model},
                chunk_position="last",
            )


def _invalid(call: BrokenCall) -> Any:
    return {
        "type": "invalid_tool_call",
        "id": call.id,
        "name": call.name,
        "args": call.raw,
        "error": call.fault,
    }


def _their_usage(usage: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.tokens,
        input_token_details={"cache_read": usage.cached_tokens},
        output_token_details={"reasoning": usage.reasoning_tokens},
    )
