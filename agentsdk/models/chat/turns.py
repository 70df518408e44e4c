"""Replies and deltas of ours as LangChain's messages: what a consumer merges of a stream is what invoke returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal, Self, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.block_translators import get_translator, register_translator
from langchain_core.messages.content import ContentBlock
from langchain_core.messages.tool import ToolCall, invalid_tool_call, tool_call_chunk

from agentsdk.budget import Usage
from agentsdk.models.endings import ending_of
from agentsdk.models.model import Delta, ReasoningDelta, Reply, Restated, TextDelta

COMPATIBLE = "openai-compatible"
"""What a server that speaks OpenAI's protocol is called in `response_metadata`: core's own reader of "openai"
leaves the thoughts out that such servers send."""

_FINISH = {"stop": "stop", "tool_calls": "tool_calls", "length": "length", "filter": "content_filter"}


class _Turn(AIMessage):
    """Stands second in a Chunk's line of classes, where core looks for the class of the whole message."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a plain AIMessage in place of one of this class."""
        return AIMessage(*args, **kwargs) if cls is _Turn else super().__new__(cls)


class Chunk(_Turn, AIMessageChunk):
    """A piece of an answer. The last one brings the whole answer, which is what a merge then holds.

    Core merges by adding texts and by completing the JSON of calls. It can neither take back a text that turned
    out to be a thought, nor tell a call that was cut off from one that is whole.
    """

    type: Literal["AIMessageChunk"] = "AIMessageChunk"

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Return one of this class."""
        return object.__new__(cls)

    # Kept where pydantic keeps private attributes, but only by the few pieces that have some: declared ones are made
    # for each of a thousand pieces.

    @property
    def whole(self) -> AIMessage | None:
        """The whole answer, on the last piece and on what was merged with it."""
        found: AIMessage | None = (self.__pydantic_private__ or {}).get("whole")
        return found

    @property
    def anew(self) -> bool:
        """Whether all text before this piece turned out to be a thought, so that the text begins here."""
        return bool((self.__pydantic_private__ or {}).get("anew"))

    def show_broken(self) -> None:
        """Let calls that may not be run be blocks as well.

        Streams of events know a message by its blocks alone. A message that goes back to a provider must not hold
        them: none knows what they are.
        """
        self._keep("shows_broken", True)

    def begin(self) -> Self:
        """Return this piece as the one that the text begins with."""
        return self._keep("anew", True)

    def end(self, whole: AIMessage) -> Self:
        """Return this piece as the one that brings the whole answer."""
        self.tool_calls = deepcopy(whole.tool_calls)
        self.invalid_tool_calls = deepcopy(whole.invalid_tool_calls)
        return self._keep("whole", whole)

    def _shows_broken(self) -> bool:
        return bool((self.__pydantic_private__ or {}).get("shows_broken"))

    def _keep(self, name: str, value: Any) -> Self:
        kept = {**(self.__pydantic_private__ or {}), name: value}
        object.__setattr__(self, "__pydantic_private__", kept)
        return self

    @classmethod
    def lc_id(cls) -> list[str]:
        """Return core's own id: a chunk that was written down is read back as a plain one."""
        return AIMessageChunk.lc_id()

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The piece as standard blocks."""
        if isinstance(self.content, list) and self.response_metadata.get("output_version") == "v1":
            return cast("list[ContentBlock]", self.content)
        whole = self.whole
        if whole is not None and self.content and self.content == whole.content:
            return whole.content_blocks
        blocks: list[Any] = []
        if thought := self.additional_kwargs.get("reasoning_content"):
            blocks.append({"type": "reasoning", "reasoning": thought})
        if isinstance(self.content, str):
            blocks += [{"type": "text", "text": self.content}] if self.content else []
        else:
            blocks += [b if isinstance(b, dict) else {"type": "text", "text": b} for b in self.content]
        # Indexes of their own: two blocks without one would be merged into one.
        for at, call in enumerate(self.tool_calls):
            blocks.append({**call, "type": "tool_call", "index": f"lc_tc_{at}"})
        for at, broken in enumerate(self.invalid_tool_calls if self._shows_broken() else ()):
            blocks.append({**broken, "type": "invalid_tool_call", "index": f"lc_itc_{at}"})
        return blocks

    def __add__(self, other: Any) -> Any:
        """Return the pieces together; the whole answer, if one of them is the last."""
        if type(self) is type(other) is Chunk and _are_text(self, other):
            return _joined(self, other)
        parts = [self, *(other if isinstance(other, (list, tuple)) else [other])]
        first = next((at for at in reversed(range(len(parts))) if getattr(parts[at], "anew", False)), 0)
        heard = [_without_text(p) for p in parts[:first]] + parts[first:]
        merged = AIMessageChunk.__add__(heard[0], heard[1:])
        return _settled(merged.begin() if first or self.anew else merged, parts)

    def __radd__(self, other: Any) -> Any:
        """Return a plain chunk and this one together."""
        if not isinstance(other, AIMessageChunk):
            return NotImplemented
        return Chunk(**{k: v for k, v in other.__dict__.items() if k != "type"}) + self


def _are_text(left: Chunk, right: Chunk) -> bool:
    same = left.id == right.id and left.response_metadata == right.response_metadata
    return same and _is_text(left) and _is_text(right)


def _is_text(chunk: Chunk) -> bool:
    """Whether a chunk is a piece of a text or of a thought, and nothing else."""
    its = chunk.__dict__
    return (
        type(its["content"]) is str
        and its["additional_kwargs"].keys() <= _THOUGHT
        and its["response_metadata"].keys() <= _PROVIDER
        and not (
            chunk.__pydantic_private__
            or chunk.__pydantic_extra__
            or its["tool_call_chunks"]
            or its["tool_calls"]
            or its["invalid_tool_calls"]
            or its["usage_metadata"]
            or its["chunk_position"]
            or its["name"]
        )
    )


_THOUGHT, _PROVIDER = {"reasoning_content"}, {"model_provider"}


def _joined(left: Chunk, right: Chunk) -> Chunk:
    """Return two pieces of a text by the same model together as core does, which takes three times as long."""
    extra: dict[str, Any] = {}
    if left.additional_kwargs or right.additional_kwargs:
        thoughts = [p.additional_kwargs.get("reasoning_content") or "" for p in (left, right)]
        extra["reasoning_content"] = "".join(thoughts)
    return _piece(left, f"{left.content}{right.content}", extra, {**left.response_metadata})


def _piece(like: Chunk, text: str, extra: dict[str, Any], told: dict[str, Any]) -> Chunk:
    """Return a chunk of a text, the rest of it as in another.

    It is what `model_copy` returns, made in a third of the time: nothing is copied that is replaced, and nothing has to
    be validated. There are two for each piece of a stream, one of them to hold it together with those before.
    """
    made = object.__new__(Chunk)
    _set(
        made,
        "__dict__",
        {
            **like.__dict__,
            "content": text,
            "additional_kwargs": extra,
            "response_metadata": told,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "tool_call_chunks": [],
        },
    )
    _set(made, "__pydantic_extra__", {})
    _set(made, "__pydantic_fields_set__", {"content", "additional_kwargs", "response_metadata"})
    _set(made, "__pydantic_private__", None)
    return made


_set = object.__setattr__


def _without_text(part: Any) -> Any:
    kept = [b for b in part.content if isinstance(b, dict) and b.get("type") != "text"]
    return part.model_copy(update={"content": kept if isinstance(part.content, list) else ""})


def _settled(merged: Any, parts: Sequence[Any]) -> Any:
    wholes = [p.whole for p in parts if isinstance(p, Chunk) and p.whole is not None]
    if not wholes or not isinstance(merged, Chunk):
        return merged
    whole = wholes[-1]
    if isinstance(merged.content, list) and merged.response_metadata.get("output_version") == "v1":
        merged.content = cast("list[str | dict[Any, Any]]", deepcopy(whole.content_blocks))
    else:
        merged.content = deepcopy(whole.content)
    merged.additional_kwargs.pop("reasoning_content", None)
    if thought := whole.additional_kwargs.get("reasoning_content"):
        merged.additional_kwargs["reasoning_content"] = thought
    return merged.end(whole)


def message_of(reply: Reply, provider: str) -> AIMessage:
    """Return a whole reply as LangChain's message.

    Args:
        reply: what the model answered.
        provider: who answered, as `response_metadata["model_provider"]` names it.

    """
    message = reply.message
    extra: dict[str, Any] = {}
    if message.reasoning:
        extra["reasoning_content"] = message.reasoning
    if reply.refused:
        extra["refusal"] = message.text
    return AIMessage(
        message.text,
        tool_calls=[ToolCall(name=c.name, args=dict(c.arguments), id=c.id) for c in message.calls],
        invalid_tool_calls=[
            invalid_tool_call(id=c.id, name=c.name, args=c.raw, error=c.fault) for c in message.broken_calls
        ],
        usage_metadata=_usage(reply.usage),
        response_metadata=_metadata(reply, provider),
        additional_kwargs=extra,
    )


def chunk_of(piece: Delta | Reply, provider: str) -> Chunk | None:
    """Return a piece of a stream as LangChain's chunk, or None for one that LangChain has no use for.

    Pieces of calls are not passed on: a call reaches LangChain when it is whole and checked, in one chunk
    (docs/decisions/0005-langchain-calls-come-whole.md).
    """
    told = {"model_provider": provider}
    match piece:
        case TextDelta():
            return _piece(_BLANK, piece.text, {}, told)
        case ReasoningDelta():
            return _piece(_BLANK, "", {"reasoning_content": piece.text}, told)
        case Restated():
            return _piece(_BLANK, "", {"reasoning_content": piece.thought}, told).begin()
        case Reply():
            return last_chunk(message_of(piece, provider))
    return None


_BLANK = Chunk(content="")


def last_chunk(whole: AIMessage, *, alone: bool = False) -> Chunk:
    """Return the chunk that ends a stream whose whole answer is `whole`.

    Args:
        whole: the answer.
        alone: whether there was no other chunk; else its content is empty, since what it says has been streamed.

    """
    calls = [
        tool_call_chunk(name=c["name"], args=json.dumps(c["args"], ensure_ascii=False), id=c["id"], index=at)
        for at, c in enumerate(whole.tool_calls)
    ]
    kept = {k: v for k, v in whole.additional_kwargs.items() if k != "reasoning_content"}
    return Chunk(
        content=deepcopy(whole.content) if alone else "",
        tool_call_chunks=calls,
        usage_metadata=whole.usage_metadata,
        response_metadata=whole.response_metadata,
        additional_kwargs=kept,
        chunk_position="last",
    ).end(whole)


def _metadata(reply: Reply, provider: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        **reply.details,
        "model_name": reply.model,
        "model_provider": provider,
        # A reply with calls counts as "tool_calls" with us; that it was cut off is worth more here.
        "finish_reason": "length"
        if ending_of(reply.details.get("finish_reason")) == "length"
        else _FINISH[reply.finish],
    }
    if reply.message.repairs:
        told["repairs"] = [{"kind": r.kind, "detail": r.detail} for r in reply.message.repairs]
    return told


def _usage(usage: Usage) -> UsageMetadata | None:
    """Return the counts, or None where the server gave none."""
    if not usage.tokens:
        return None
    return UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.tokens,
        input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
        output_token_details=OutputTokenDetails(reasoning=usage.reasoning_tokens),
    )


def _with_thought(message: AIMessage) -> list[ContentBlock]:
    openai = get_translator("openai")
    blocks: list[ContentBlock] = openai["translate_content"](message) if openai else []
    thought = message.additional_kwargs.get("reasoning_content")
    if thought and not any(b["type"] == "reasoning" for b in blocks):
        blocks.insert(0, {"type": "reasoning", "reasoning": thought})
    return blocks


register_translator(COMPATIBLE, _with_thought, _with_thought)
