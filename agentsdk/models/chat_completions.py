"""OpenAI's Chat Completions: how a request is written for each server that speaks it, and how answers are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models import faults
from agentsdk.models.attached import chat_content
from agentsdk.models.collect import Collector
from agentsdk.models.model import Delta, Request
from agentsdk.models.profiles import Family, Server
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.wire import (
    add_logprobs,
    calls_in,
    effort_of,
    function_calls,
    function_tools,
    merged,
    offered_by,
    response_format,
    text_of,
    turns_of,
    unforced,
)

PATH = "/chat/completions"

_YES = [True]


def write(request: Request, model: str, family: Family, server: Server, *, stream: bool) -> dict[str, Any]:
    """Return a request as Chat Completions has it, in the forms that the server takes."""
    request = unforced(request, family, server)
    messages = [_wire(m, family, server) for m in turns_of(request.messages, server)]
    body: dict[str, Any] = {"model": model, "messages": messages}
    tools, choice = offered_by(request, server)
    if tools:
        body["tools"] = function_tools(tools, server)
        named = choice not in ("auto", "none", "required")
        body["tool_choice"] = {"type": "function", "function": {"name": choice}} if named else choice
        if request.parallel is not None and server.parallel:
            body["parallel_tool_calls"] = request.parallel
    if request.output_schema is not None and (form := response_format(request.output_schema, family, server)):
        body["response_format"] = form
    if request.max_tokens is not None:
        body[family.limit_name] = request.max_tokens
    if family.takes_sampling:
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.top_p is not None:
            body["top_p"] = request.top_p
        if request.stop:
            body["stop"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    body |= _thinking(request.thinking, family, server)
    if stream:
        body["stream"] = True
        if server.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return merged(body, request.options)


def read(event: Any, answer: Collector, *, name: str, stream: bool) -> Iterator[Delta]:
    """Take an answer, or an event of a stream, in: they differ by the name of the part that holds the message."""
    if not isinstance(event, dict):
        raise faults.bad_answer(name, f"{type(event).__name__}: {str(event)[:200]}")
    if event.get("error"):
        raise faults.from_status(None, event, None, model=name)
    if isinstance(own := event.get("base_resp"), Mapping) and own.get("status_code"):  # MiniMax's place for it
        raise faults.from_status(200, event, None, model=name)
    if "choices" not in event and isinstance(
        event.get("message"), str
    ):  # an error of SiliconFlow's or old vLLM's
        raise faults.from_status(None, event, None, model=name)
    answer.model = event.get("model") or answer.model
    if "id" not in answer.details:
        answer.details |= {k: event[k] for k in ("id", "service_tier", "system_fingerprint") if event.get(k)}
    if usage := event.get("usage"):
        answer.count(usage)
    elif isinstance(own := event.get("x_groq"), dict):
        answer.count(own.get("usage"))
    choices = event.get("choices")
    if not isinstance(choices, list):
        if not stream:
            raise faults.bad_answer(name, _("It has no choices: {text}").format(text=json.dumps(event)[:200]))
        return
    for choice in choices:
        if isinstance(choice, dict) and not choice.get("index"):  # one answer was asked for: the first
            yield from _choice(choice, answer, name, stream=stream)


def _choice(choice: Mapping[str, Any], answer: Collector, name: str, *, stream: bool) -> Iterator[Delta]:
    if choice.get("error"):  # OpenRouter's place for it
        raise faults.from_status(None, choice, None, model=name)
    if usage := choice.get("usage"):  # Moonshot's
        answer.count(usage)
    # Some servers end a stream with a whole message beside an empty delta, or send a plain answer as one event.
    message = choice.get("delta" if stream else "message")
    if not message and stream and not answer.parts.get("begun"):
        message = choice.get("message")
    if isinstance(message, dict):
        answer.parts["begun"] = _YES
        if thought := reasoning_of(message):
            yield from answer.reasoning(thought)
        if content := message.get("content"):
            yield from answer.text(content if isinstance(content, str) else text_of(content))
        if refusal := message.get("refusal"):
            answer.refused = True
            yield from answer.text(refusal)
        if isinstance(annotations := message.get("annotations"), list) and annotations:
            answer.details.setdefault("annotations", []).extend(annotations)
        if isinstance(audio := message.get("audio"), dict):  # the spoken answer, said in writing beside it
            yield from answer.text(audio.get("transcript"))
        if message.get("tool_calls") or message.get("function_call"):
            for at, (index, *call) in enumerate(calls_in(message)):
                # In a whole answer each is a call by itself, with or without an index.
                yield from answer.call(index if stream else at, *call)
    answer.finished(choice.get("finish_reason"))
    if isinstance(logprobs := choice.get("logprobs"), dict):
        add_logprobs(answer.details, logprobs)


def _wire(message: Message, family: Family, server: Server) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    wire: dict[str, Any] = {"role": message.role, "content": chat_content(message, server)}
    if message.role == "system" and server.developer and family.thinking != "never":
        wire["role"] = "developer"
    if message.calls:
        wire["tool_calls"] = function_calls(message.calls)
        wire["content"] = message.text or None
        if server.wants_thoughts and message.reasoning:
            wire["reasoning_content"] = message.reasoning
    return wire


def _thinking(thinking: bool | str | None, family: Family, server: Server) -> dict[str, Any]:
    """Return the fields that switch thinking on or off, by the server's name and form for them."""
    if thinking is None or (family.thinking == "never" and not thinking):
        return {}
    effort = effort_of(thinking, family)
    match server.thinking:
        case "reasoning_effort":
            return {"reasoning_effort": effort} if effort else {}
        case "enable_thinking":
            return {} if not thinking and family.thinking == "always" else {"enable_thinking": bool(thinking)}
        case "chat_template_kwargs":
            # Templates call the switch by either name (Qwen, DeepSeek), and pass over what they do not know.
            switch: dict[str, Any] = {"enable_thinking": bool(thinking), "thinking": bool(thinking)}
            if not (family.efforts and effort):
                return {"chat_template_kwargs": switch}
            return {"chat_template_kwargs": switch | {"reasoning_effort": effort}, "reasoning_effort": effort}
        case "thinking":
            switch = {"thinking": {"type": "enabled" if thinking else "disabled"}}
            return switch | ({"reasoning_effort": effort} if isinstance(thinking, str) else {})
        case "reasoning":
            return {
                "reasoning": {"effort": effort} if isinstance(thinking, str) else {"enabled": bool(thinking)}
            }
    return {}
