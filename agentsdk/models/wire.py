"""The pieces that several wire formats have in common: tools, calls and content as OpenAI first wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentsdk.budget import Usage
from agentsdk.messages import Message, ToolCall
from agentsdk.models.lessons import nearest
from agentsdk.models.model import Request, ToolSpec
from agentsdk.models.profiles import Family, Server
from agentsdk.models.schemas import Lowered, is_object, lower


def function_tools(tools: Iterable[ToolSpec], server: Server | None = None) -> list[dict[str, Any]]:
    """Return tools as `{"type": "function", "function": {...}}`, their schemas as the server takes them.

    Where no server is named, they are as the caller gave them.
    """
    found = []
    for tool in tools:
        function: dict[str, Any] = {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        }
        if server is not None:
            lowered = lower(tool.parameters, server, strict=server.strict)
            function |= {"parameters": dict(lowered.schema)} | ({"strict": True} if lowered.strict else {})
        found.append({"type": "function", "function": function})
    return found


def function_calls(calls: Iterable[ToolCall]) -> list[dict[str, Any]]:
    """Return calls of a model's turn, their arguments as JSON text."""
    return [
        {
            "id": c.id,
            "type": "function",
            "function": {"name": c.name, "arguments": json.dumps(c.arguments, ensure_ascii=False)},
        }
        for c in calls
    ]


def text_of(content: Any) -> Any:
    """Return the text of a content that may also be a list of parts, or an answer in JSON that was read already."""
    if isinstance(content, list):
        texts = [p.get("text") if isinstance(p, Mapping) else p for p in content]
        return "".join(t for t in texts if isinstance(t, str))
    if isinstance(content, Mapping):  # Cloudflare, for an answer that was to fit a schema
        return json.dumps(content, ensure_ascii=False)
    return content


def calls_in(message: Mapping[str, Any]) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield the calls of a message, or the pieces of them: (index, id, name, arguments)."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else [calls] if calls else ():
        if isinstance(call, dict):
            function = call.get("function")
            name, arguments = call.get("name"), call.get("arguments")
            if isinstance(function, dict):
                name, arguments = function.get("name"), function.get("arguments")
            elif isinstance(custom := call.get("custom"), dict):  # a tool that takes a text
                name, arguments = custom.get("name"), {"input": custom.get("input")}
            yield call.get("index"), call.get("id"), name, arguments
    if isinstance(function := message.get("function_call"), dict):  # the form before there were tools
        yield None, None, function.get("name"), function.get("arguments")


def add_logprobs(details: dict[str, Any], logprobs: Mapping[str, Any]) -> None:
    """Add the log probabilities of a piece, as Chat Completions and DashScope have them, to those of the answer."""
    known = details.setdefault("logprobs", {})
    for name, tokens in logprobs.items():
        if isinstance(tokens, list) and isinstance(known.get(name), list):
            known[name] += tokens
        else:
            known[name] = list(tokens) if isinstance(tokens, list) else tokens


def whole_number(value: Any) -> int:
    """Return a count that a server gave, 0 where it gave none."""
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        return int(value)  # some gateways write all numbers as text
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value > 0 else 0


def usage_of(usage: Any) -> Usage | None:
    """Return what an answer cost, as Chat Completions, Responses or DashScope tell it; None where nothing is told."""
    if not isinstance(usage, Mapping):
        return None

    into = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    out = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    into, out = (part if isinstance(part, dict) else {} for part in (into, out))
    found = Usage(
        calls=1,
        input_tokens=whole_number(usage.get("prompt_tokens")) or whole_number(usage.get("input_tokens")),
        output_tokens=whole_number(usage.get("completion_tokens")) or whole_number(usage.get("output_tokens")),
        cached_tokens=whole_number(into.get("cached_tokens"))
        or whole_number(usage.get("cached_tokens"))  # Kimi's word for it, beside the details, and DeepSeek's
        or whole_number(usage.get("prompt_cache_hit_tokens")),
        reasoning_tokens=whole_number(out.get("reasoning_tokens"))
        or whole_number(usage.get("reasoning_tokens")),
    )
    return found if found.tokens else None


def merged(body: dict[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with the caller's own fields in it; an object is merged with the one that is there."""
    for name, value in options.items():
        there = body.get(name)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            body[name] = {**there, **value}
        else:
            body[name] = value
    return body


def output_form(schema: Mapping[str, Any], family: Family, server: Server) -> Lowered | None:
    """Return a schema for the text as the server takes it; None where it takes none."""
    if "json_schema" in server.output and (family.json_schema or "json_object" not in server.output):
        return lower(schema, server, strict=server.strict, tool=False)
    return None


def response_format(schema: Mapping[str, Any], family: Family, server: Server) -> dict[str, Any] | None:
    """Return a schema for the text as Chat Completions asks for it; None where the server takes no form at all."""
    if lowered := output_form(schema, family, server):
        form: dict[str, Any] = {"name": "answer", "schema": dict(lowered.schema)} | (
            {"strict": True} if lowered.strict else {}
        )
        return {"type": "json_schema", "json_schema": form}
    # That form is for objects; it would press another answer into one.
    return {"type": "json_object"} if "json_object" in server.output and is_object(schema) else None


def offered_by(request: Request, server: Server) -> tuple[Sequence[ToolSpec], str]:
    """Return the tools that are sent, and the choice among them, in the forms that the server takes.

    Where it cannot be told to call one by name, it is offered that one alone; where it cannot be forbidden to call, it
    is offered none.
    """
    tools, choice = request.tools, request.tool_choice
    if choice == "none":
        return (tools, choice) if "none" in server.tool_choice else ((), choice)
    if choice not in ("auto", "required") and "named" not in server.tool_choice:
        tools, choice = tuple(t for t in tools if t.name == choice), "required"
    if choice == "required" and "required" not in server.tool_choice:
        # Of one tool alone, naming it says the same.
        choice = tools[0].name if len(tools) == 1 and "named" in server.tool_choice else "auto"
    return tools, choice


def turns_of(messages: Sequence[Message], server: Server) -> Sequence[Message]:
    """Return the turns, with all that the system says in one at the beginning where the server takes one only."""
    told = [m for m in messages if m.role == "system"]
    if not server.one_system or not told or (len(told) == 1 and messages[0].role == "system"):
        return messages
    first = Message.system("\n\n".join(m.text for m in told if m.text))
    return [first, *(m for m in messages if m.role != "system")]


def thinks(asked: bool | str | None, family: Family) -> bool:
    """Return whether a model will think before it answers a request that asks for it, forbids it, or does not say."""
    return family.thinks_unasked if asked is None else bool(asked) or family.thinking == "always"


def unforced(request: Request, family: Family, server: Server) -> Request:
    """Return a request that forces nothing on a model that thinks, where its server refuses that (Q38).

    The model does not think for this call, where it can be told so and was not asked to; else it is left free, and
    what it answers is validated by whoever asked.
    """
    forced = request.tools and request.tool_choice not in ("auto", "none")
    if server.forces_in_thought or not forced or not thinks(request.thinking, family):
        return request
    if family.thinking == "switch" and request.thinking is None:
        return replace(request, thinking=False)
    tools, choice = offered_by(request, replace(server, tool_choice=frozenset({"auto", "none"})))
    return replace(request, tools=tuple(tools), tool_choice=choice)


def left_out(asked: Mapping[str, Any], written: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what was asked for and not written; to sample by 1 is what a model does anyway."""
    return tuple(
        name
        for name, value in asked.items()
        if value is not None and name not in written and (value != 1 or name == "seed")
    )


def effort_of(thinking: bool | str | None, family: Family) -> str | None:
    """Return how hard a model is to think in OpenAI's words; None leaves it to the server."""
    if thinking is None or (thinking is False and family.thinking == "never"):
        return None
    if thinking is True and not family.efforts:
        return (
            "medium" if family.thinking == "never" else None
        )  # it thinks unasked, or is switched by other means
    grade = thinking if isinstance(thinking, str) else "medium" if thinking else "none"
    return nearest(grade, family.efforts) if family.efforts else grade
