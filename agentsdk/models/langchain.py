"""LangChain's chat models as Models: any of them drives an Agent. The other way is in chat/."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import ToolCall as TheirCall
from langchain_core.runnables import Runnable

from agentsdk.budget import Usage
from agentsdk.errors import AgentError, BadResponse
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models import faults
from agentsdk.models.attached import CHAT_ADDRESSES, attach, holds_media
from agentsdk.models.chat.any import AnyChat
from agentsdk.models.collect import Collector
from agentsdk.models.facts import facts_known, served_by
from agentsdk.models.http import Deadline, Limits
from agentsdk.models.model import (
    Delta,
    Model,
    Offer,
    Reply,
    Request,
    TextDelta,
    reading,
)
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.wire import function_tools, whole_number


def from_langchain(chat: BaseChatModel) -> Model:
    """Return a LangChain chat model as a Model.

    Its tool calls are read again from their raw text: LangChain completes the JSON of a call that was cut off.
    """
    return chat.model if isinstance(chat, AnyChat) else FromLangChain(chat)


def to_langchain(model: Model) -> BaseChatModel:
    """Return a Model as a LangChain chat model, with tools and structured output; see docs/langchain.md."""
    return AnyChat(model=model)


class FromLangChain:
    """A LangChain chat model as a Model.

    Args:
        chat: the model inside, or what makes it (see `key`).
        name: what it is called; else its class and what it calls itself.
        timeout: seconds that one call may take in all.
        options: turns a request's limits, schema and the like into what the model is bound to.
        tool_none: the form of "no tool now"; None where the tools are left out instead.
        parallel: the keyword of `bind_tools` that allows or forbids several calls in one answer; "" for none.
        key: what a made model is kept by for each event loop, since clients are dear and belong to one loop.
        marks_its_end: whether it always says why it stopped, so that a stream without it was cut off. Not every
            integration does; the end of the others is taken for one.

    """

    def __init__(
        self,
        chat: BaseChatModel | Callable[[], BaseChatModel],
        *,
        name: str = "",
        timeout: float | Limits = 120.0,
        options: Callable[[Request], dict[str, Any]] | None = None,
        tool_none: Any = None,
        parallel: str = "",
        marks_its_end: bool = False,
        key: Hashable = None,
    ) -> None:
        self._make: Callable[[], BaseChatModel] = (
            partial(_same, chat) if isinstance(chat, BaseChatModel) else chat
        )
        self._name = name or _name_of(self._make())
        self._timeout = timeout
        self._options = options or _common_options
        self._tool_none = tool_none
        self._parallel = parallel
        self._key = key
        self._marks_its_end = marks_its_end

    @property
    def name(self) -> str:
        """The name it was given, or the kind of the model and what it calls itself: "langchain:ChatOpenAI gpt-4o"."""
        return self._name

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply, put together from its stream."""
        async with reading(self.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    return piece
        raise AssertionError  # a stream ends in a Reply or an error

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces, and at the end the whole reply."""
        if self._marks_its_end and holds_media(request.messages):  # a partner, whose facts are known
            request = replace(request, messages=await self._attached(request.messages))
        deadline = Deadline(self.name, self._timeout, request.timeout)
        answer = Collector(self.name.removeprefix("anthropic:").removeprefix("google:"), Offer.of(request))
        said: list[str] = []
        whole: Any = None
        try:
            chunks = self._bound(request).astream([_theirs(m) for m in request.messages])
            async with aclosing(deadline.each(chunks)) as pieces:
                async for chunk in pieces:
                    if _goes_back(chunk):
                        whole = chunk if whole is None else whole + chunk
                    for delta in _take(chunk, answer):
                        deadline.begun = True
                        if isinstance(delta, TextDelta):
                            said.append(delta.text)
                        yield delta
        except AgentError as error:
            raise faults.with_partial(error, "".join(said)) from None
        except Exception as error:
            raise _fault(self.name, error, "".join(said)) from error
        if not self._marks_its_end:
            answer.finish = answer.finish or "stop"
        for delta in answer.rest():
            yield delta
        reply = answer.reply(streamed=True)
        if whole is not None:
            native = {"langchain": {"content": whole.content, "additional_kwargs": whole.additional_kwargs}}
            reply = replace(reply, message=replace(reply.message, native=native))
        yield reply

    async def _attached(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        facts, server = facts_known(self), served_by(self).server
        return await attach(messages, model=self.name, facts=facts, server=server, by_address=CHAT_ADDRESSES)

    def _chat(self) -> BaseChatModel:
        if self._key is None:
            return self._make()
        known = _chats.setdefault(asyncio.get_running_loop(), {})
        if self._key not in known:
            known[self._key] = self._make()
        return known[self._key]

    def _bound(self, request: Request) -> Runnable[LanguageModelInput, BaseMessage]:
        chat = self._chat()
        bound: Runnable[LanguageModelInput, BaseMessage] = chat
        choice: Any = request.tool_choice
        if choice == "none":
            choice = self._tool_none
        if request.tools and choice is not None:
            more: dict[str, Any] = {} if choice == "auto" else {"tool_choice": choice}
            if choice == "required":
                more = {"tool_choice": "any"}
            if request.parallel is not None and self._parallel:
                more[self._parallel] = request.parallel
            try:
                bound = chat.bind_tools(function_tools(request.tools), **more)
            except NotImplementedError as error:
                raise BadResponse(
                    _("{model} cannot call tools.").format(model=self.name), fix=_("Take a model with tools.")
                ) from error
        options = self._options(request) | dict(request.options)
        return bound.bind(**options) if options else bound


_chats: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, BaseChatModel]] = WeakKeyDictionary()


def _same(chat: BaseChatModel) -> BaseChatModel:
    return chat


def _name_of(chat: BaseChatModel) -> str:
    inner = getattr(chat, "model_name", None) or getattr(chat, "model", None) or ""
    return f"langchain:{type(chat).__name__} {inner}".strip()


def _common_options(request: Request) -> dict[str, Any]:
    """Return what nearly every integration takes."""
    options: dict[str, Any] = {}
    if request.max_tokens is not None:
        options["max_tokens"] = request.max_tokens
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.stop:
        options["stop"] = list(request.stop)
    return options


def _goes_back(chunk: Any) -> bool:
    """Whether a piece holds what the provider wants back as it is: signed thoughts, signatures of calls."""
    return isinstance(chunk.content, list) or any("signature" in key for key in chunk.additional_kwargs)


def _fault(model: str, error: Exception, partial: str) -> AgentError:
    """Return the error of ours for one of an integration's: by its status where one is to be found."""
    found: Any = error
    while found is not None and _status(found) is None:
        found = found.__cause__
    if found is not None:
        response = getattr(found, "response", None)
        headers = getattr(response, "headers", None)
        body = getattr(found, "body", None) or getattr(found, "details", None) or str(found)
        return faults.from_status(_status(found), body, headers, model=model, partial=partial)
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, OSError) or type(chain).__name__ in _NETWORK:
            return faults.unreachable(model, _("its server"), error, partial)
        chain = chain.__cause__ or chain.__context__
    return BadResponse(
        _("{model} raised an error.").format(model=model),
        why=f"{type(error).__name__}: {error}"[:500],
        partial=partial or None,
    )


_NETWORK = {
    "APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "WriteError",
    "RemoteProtocolError", "ClientConnectionError", "ServerDisconnectedError", "ClientPayloadError", "PoolTimeout",
}  # fmt: skip
"""Names of what the HTTP libraries raise for a connection: nobody's class is imported for it."""


def _status(error: Any) -> int | None:
    for name in ("status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


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
    finish = told.get("finish_reason") or told.get("done_reason") or told.get("stop_reason")
    answer.finished(finish)
    answer.model = told.get("model_name") or told.get("model") or answer.model


def _theirs(message: Message) -> BaseMessage:
    match message.role:
        case "system":
            return SystemMessage(message.text)
        case "user":
            return HumanMessage(_content(message))
        case "tool":
            return ToolMessage(message.text, tool_call_id=message.call_id, name=message.name or None)
        case "assistant":
            calls = [TheirCall(name=c.name, args=dict(c.arguments), id=c.id) for c in message.calls]
            if native := message.native.get("langchain"):
                return AIMessage(
                    native["content"], additional_kwargs=native["additional_kwargs"], tool_calls=calls
                )
            return AIMessage(message.text, tool_calls=calls)


def _content(message: Message) -> Any:
    """Return a turn's content: text, or LangChain's standard blocks where pictures and the like belong to it."""
    if not message.media:
        return message.text
    blocks: list[dict[str, Any]] = []
    for media in message.media:
        block: dict[str, Any] = {"type": media.kind, "mime_type": media.mime}
        if media.data is None:
            block["url"] = media.url
        else:
            block["base64"] = base64.b64encode(media.data).decode()
        if media.name:
            block["filename"] = media.name
        blocks.append(block)
    if message.text:
        blocks.append({"type": "text", "text": message.text})
    return blocks
