"""OpenAI's Responses API: how a request is written, and how its items and events are read.

Every model of OpenAI's is asked this way that reasons: only here its thoughts travel with its calls, and newer ones
refuse tools beside an effort in Chat Completions. The answer is a list of items. The order of the items matters to the
server, so they are kept (`Message.native`) and go back as they came, without their ids: nothing is stored there
(`store: false`), and an id that leads nowhere, or to an item whose neighbour is gone, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentsdk.messages import Message
from agentsdk.models import faults
from agentsdk.models.attached import responses_content
from agentsdk.models.collect import Collector
from agentsdk.models.model import Delta, Request
from agentsdk.models.profiles import Family, Server
from agentsdk.models.wire import (
    effort_of,
    function_calls,
    function_tools,
    merged,
    offered_by,
    response_format,
    turns_of,
    usage_of,
)

PATH = "/responses"

LEAST = 16
"""`max_output_tokens` that OpenAI takes at least; it refuses less."""

_KEPT = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "compaction",
    }
)
"""Items of tools that the provider runs itself and that may go back. Those that wait for an answer of ours may not:
an item without its answer is refused."""

_LATER = frozenset({"server_error", "rate_limit_exceeded", "vector_store_timeout"})
"""Codes of a failed response that may succeed later; the others lie in the request."""


def write(request: Request, model: str, family: Family, server: Server, *, stream: bool) -> dict[str, Any]:
    """Return a request as the Responses API has it. It knows neither `stop` nor `seed`."""
    told, turns = _apart(turns_of(request.messages, server))
    body: dict[str, Any] = {"model": model, "input": _items(turns, model, server), "store": False}
    if told:
        body["instructions"] = told
    tools, choice = offered_by(request, server)
    if tools:
        body["tools"] = [_flat(t) for t in function_tools(tools, server)]
        named = choice not in ("auto", "none", "required")
        body["tool_choice"] = {"type": "function", "name": choice} if named else choice
        if request.parallel is not None:
            body["parallel_tool_calls"] = request.parallel
    if request.output_schema is not None and (form := response_format(request.output_schema, family, server)):
        body["text"] = {"format": {"type": form["type"], **form.get(form["type"], {})}}
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(request.max_tokens, LEAST if server.seals_thoughts else 1)
    if family.takes_sampling:
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.top_p is not None:
            body["top_p"] = request.top_p
    if effort := effort_of(request.thinking, family):
        body["reasoning"] = {"effort": effort} | ({"summary": "auto"} if request.thinking else {})
    if server.seals_thoughts and family.thinking != "never":
        body["include"] = ["reasoning.encrypted_content"]
    if stream:
        body["stream"] = True
    return merged(body, request.options)


def read(
    event: Any, answer: Collector, origin: Mapping[str, str], *, name: str, stream: bool
) -> Iterator[Delta]:
    """Take an event of a stream, or a whole answer, in.

    Args:
        event: as it came, read as JSON.
        answer: what it is taken into.
        origin: whose the answer is; its items go back to nobody else.
        name: what the model is called in errors.
        stream: whether it is an event of a stream.

    """
    if not isinstance(event, Mapping):
        raise faults.bad_answer(name, f"{type(event).__name__}: {str(event)[:200]}")
    if not stream:
        yield from _whole(event, answer, origin, name)
        if event.get("status") in ("in_progress", "queued"):
            raise faults.unfinished(name)
        return
    kind = str(event.get("type"))
    at = event.get("output_index")
    match kind.removeprefix("response."):
        case "output_text.delta":
            yield from answer.text(_new(answer, _key(answer, event, "message"), event.get("delta")))
        case "output_text.done":
            yield from answer.text(_new(answer, _key(answer, event, "message"), whole=event.get("text")))
        case "refusal.delta":
            answer.refused = True
            yield from answer.text(_new(answer, _key(answer, event, "message"), event.get("delta")))
        case "refusal.done":
            answer.refused = True
            yield from answer.text(_new(answer, _key(answer, event, "message"), whole=event.get("refusal")))
        case "reasoning_summary_text.delta" | "reasoning_text.delta":
            yield from _thought(answer, _key(answer, event, "reasoning"), event.get("delta"))
        case "reasoning_summary_text.done" | "reasoning_text.done":
            yield from _thought(answer, _key(answer, event, "reasoning"), whole=event.get("text"))
        case "function_call_arguments.delta":
            yield from answer.call(_place(answer, "function_call", at), None, None, event.get("delta"))
        case "function_call_arguments.done":
            place = _place(answer, "function_call", at)
            yield from answer.whole_call(place, None, event.get("name"), event.get("arguments"))
        case "output_item.added":
            item = event.get("item")
            item = item if isinstance(item, Mapping) else {}
            place = _place(answer, str(item.get("type")), at, new=True)
            if item.get("type") == "function_call":
                yield from answer.call(
                    place, item.get("call_id"), item.get("name"), item.get("arguments") or ""
                )
        case "output_item.done":
            item = event.get("item")
            if isinstance(item, Mapping):
                answer.parts.setdefault("items", []).append(item)
                yield from _item(item, _place(answer, str(item.get("type")), at), answer)
        case "completed" | "incomplete" | "failed" | "done":
            yield from _whole(event.get("response"), answer, origin, name)
            if kind in ("response.incomplete", "response.failed"):  # whatever the response itself says
                answer.finished(kind.removeprefix("response."))
        case _ if kind == "error" or (event.get("error") and not kind.startswith("response.")):
            raise _failed(event, name)
        # The others say of parts what is said of them again, or that work goes on.


def _whole(response: Any, answer: Collector, origin: Mapping[str, str], name: str) -> Iterator[Delta]:
    """Take an answer in, as far as it has not come already."""
    if not isinstance(response, Mapping):
        raise faults.bad_answer(name, f"{type(response).__name__}: {str(response)[:200]}")
    answer.model = response.get("model") or answer.model
    for field in ("id", "service_tier", "status", "incomplete_details"):
        if response.get(field):
            answer.details[field] = response[field]
    if usage := usage_of(response.get("usage")):
        answer.usage = usage
    status = response.get("status")
    if status in ("failed", "cancelled") or response.get("error"):
        raise _failed(response.get("error") or {"message": f"status: {status}"}, name)
    output = response.get("output")
    if not isinstance(output, list):
        if not isinstance(response.get("output_text"), str):
            raise faults.bad_answer(name, json.dumps(response)[:200])
        output = [{"type": "message", "content": response["output_text"]}]
    if isinstance(response.get("reasoning"), str):  # mistral.rs; OpenAI has its settings there
        yield from _thought(answer, ("reasoning",), whole=response["reasoning"].strip("\n"))
    items = [i for i in output if isinstance(i, Mapping)]
    count: dict[str, int] = {}
    for item in items:
        # By its number among its kind: servers count `output_index` in ways of their own, and some leave it out.
        kind = str(item.get("type"))
        yield from _item(item, count.get(kind, 0), answer)
        count[kind] = count.get(kind, 0) + 1
    answer.finished(_finish(status, response.get("incomplete_details")))
    items = items or answer.parts.get("items", [])  # some proxies end a stream with an empty output
    if any(i.get("type") not in ("message", "function_call") or i.get("phase") for i in items):
        answer.native = {"openai": {**origin, "responses": [dict(i) for i in items]}}


def _finish(status: Any, details: Any) -> str:
    if status != "incomplete":
        return "stop"
    reason = details.get("reason") if isinstance(details, Mapping) else None
    # Whatever else made it end too early, its last call may be cut as by a limit.
    return "content_filter" if reason == "content_filter" else "length"


def _failed(error: Any, name: str) -> Exception:
    inner = error.get("error") if isinstance(error, Mapping) else None
    found = inner if isinstance(inner, Mapping) else error if isinstance(error, Mapping) else {"message": error}
    code = str(found.get("code") or "")
    told = {"code": code, "message": str(found.get("message") or found)}
    return faults.from_status(None if not code or code in _LATER else 400, {"error": told}, None, model=name)


def _item(item: Mapping[str, Any], place: int, answer: Collector) -> Iterator[Delta]:
    """Take a whole item in; what of it had come in pieces is not said twice."""
    match item.get("type"):
        case "message":
            for number, part in enumerate(_parts(item.get("content"))):
                text = part.get("text")
                if part.get("type") == "refusal":
                    answer.refused, text = True, part.get("refusal")
                yield from answer.text(_new(answer, ("message", place, number), whole=text))
        case "reasoning":
            for name in ("summary", "content"):
                for number, part in enumerate(_parts(item.get(name))):
                    yield from _thought(answer, ("reasoning", place, name, number), whole=part.get("text"))
        case "function_call":
            cut = item.get("status") == "incomplete"
            yield from answer.whole_call(
                place,
                item.get("call_id") or item.get("id"),
                item.get("name"),
                item.get("arguments"),
                fault="The answer ended before the call did." if cut else "",
            )
        case "custom_tool_call" if answer.offers(
            item.get("name")
        ):  # a tool that takes a text; xAI runs its own
            id_ = item.get("call_id") or item.get("id")
            yield from answer.call(None, id_, item.get("name"), {"input": item.get("input")})
        case _:  # a tool that the provider runs itself, or one that is not ours to run
            answer.acted = True


def _parts(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}]
    return [p for p in content if isinstance(p, Mapping)] if isinstance(content, list) else []


def _place(answer: Collector, kind: str, at: Any, *, new: bool = False) -> int:
    """Return an item's number among its kind, by where the event says that it is."""
    seen = answer.parts.setdefault(("places", kind), [])
    if not new and at is None and seen:
        return len(seen) - 1
    if new or at not in seen:
        seen.append(at)
        return len(seen) - 1
    return len(seen) - 1 - seen[::-1].index(at)


def _key(answer: Collector, event: Mapping[str, Any], kind: str) -> tuple[Any, ...]:
    place = _place(answer, kind, event.get("output_index"))
    number = event.get("summary_index", event.get("content_index"))
    number = number if isinstance(number, int) else 0
    if kind == "message":
        return kind, place, number
    return kind, place, "summary" if "summary" in str(event.get("type")) else "content", number


def _new(answer: Collector, key: tuple[Any, ...], piece: Any = None, *, whole: Any = None) -> str:
    """Return what a piece, or the whole, brings that had not come."""
    had = answer.parts.setdefault(key, [])
    if isinstance(whole, str):
        so_far = "".join(had)
        piece = whole[len(so_far) :] if whole.startswith(so_far) else ""
    if not isinstance(piece, str) or not piece:
        return ""
    had.append(piece)
    return piece


def _thought(
    answer: Collector, key: tuple[Any, ...], piece: Any = None, *, whole: Any = None
) -> Iterator[Delta]:
    first = not answer.parts.get(key)
    if said := _new(answer, key, piece, whole=whole):
        thoughts = answer.parts.setdefault("thoughts", [])
        if first and thoughts:
            yield from answer.reasoning("\n\n")
        thoughts.append(key)
        yield from answer.reasoning(said)


def _apart(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """Return the instructions, which are the system's turns at the beginning, and the turns after them."""
    first = next((i for i, m in enumerate(messages) if m.role != "system"), None)
    if first is None:  # there must be an input
        return "", messages
    return "\n\n".join(m.text for m in messages[:first]), messages[first:]


def _items(messages: Sequence[Message], model: str, server: Server) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for message in messages:
        match message.role:
            case "tool":
                items.append(
                    {"type": "function_call_output", "call_id": message.call_id, "output": message.text}
                )
            case "system":
                items.append({"role": "developer" if server.developer else "system", "content": message.text})
            case "user":
                items.append({"role": "user", "content": responses_content(message)})
            case "assistant":
                items += _said(message, model, server)
    return items


def _said(message: Message, model: str, server: Server) -> list[dict[str, Any]]:
    """Return the items of a model's turn: those that it gave, as far as the turn still holds them, and the rest."""
    calls = {c["id"]: _call(c) for c in function_calls(message.calls)}
    kept = message.native.get("openai", {})
    mine = kept.get("model") == model and kept.get("server") == server.name
    items: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    text: str | None = message.text
    for item in kept.get("responses", ()) if mine else ():
        match item.get("type"):
            case "reasoning":
                if item.get("encrypted_content") or not server.seals_thoughts:
                    thoughts.append(_bare(item))
                continue
            case "function_call":
                call = calls.pop(item.get("call_id"), None)
                follows = [call] if call else []
            case "message":
                same = _text(kept["responses"]) == message.text
                follows = [_bare(item)] if same else [{"role": "assistant", "content": text}] if text else []
                text = None
            case kind:
                follows = [_bare(item)] if kind in _KEPT else []
        # A thought goes back right before what it led to, or not at all.
        items += [*thoughts, *follows] if follows else []
        thoughts = []
    if text:
        items.insert(0, {"role": "assistant", "content": text})
    return [*items, *calls.values()]


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item without what ties it to a stored answer; a thought in plain text keeps its id."""
    drop = (
        {"status"}
        if item.get("type") == "reasoning" and not item.get("encrypted_content")
        else {"id", "status"}
    )
    return {k: v for k, v in item.items() if k not in drop and v is not None}


def _text(items: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        p.get("text") or p.get("refusal") or ""
        for i in items
        if i.get("type") == "message"
        for p in _parts(i.get("content"))
    )


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {
        "type": "function_call",
        "call_id": call["id"],
        "name": function["name"],
        "arguments": function["arguments"],
    }


def _flat(tool: Mapping[str, Any]) -> dict[str, Any]:
    # Without `strict` OpenAI takes a schema as strict and makes every argument required.
    return {"type": "function", "strict": False, **tool["function"]}
