"""What each protocol demands of a request, and how its provider refuses one that is otherwise.

Not a whole validator: what clients get wrong in a conversation with tools.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.loose import items, mapping, mappings


@dataclass(frozen=True, slots=True)
class Refused:
    """What a provider says instead of an answer."""

    status: int
    code: str
    message: str
    param: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the error."""


def demanded(asked: Asked) -> Refused | None:
    """Return why a provider would refuse a request, whatever its model; None where it would not."""
    if not isinstance(asked.body, Mapping):
        return Refused(400, "invalid_request_error", "We could not parse the JSON body of your request.")
    return next(_DEMANDS[asked.protocol](asked), None)


_ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def _chat(asked: Asked) -> Iterator[Refused]:
    messages = asked.body.get("messages")
    if "model" not in asked.body:
        yield Refused(400, "", "you must provide a model parameter")
    if messages is None:
        yield Refused(400, "missing_required_parameter", "Missing required parameter: 'messages'.", "messages")
    if not isinstance(messages, list):
        said = (
            f"Invalid type for 'messages': expected an array of objects, but got {kind_of(messages)} instead."
        )
        yield Refused(400, "invalid_type", said, "messages")
        return
    if not messages:
        said = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array"
        )
        said += " instead."
        yield Refused(400, "empty_array", said, "messages")
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, Mapping):
            said = f"Invalid type for '{where}': expected an object, but got {kind_of(message)} instead."
            yield Refused(400, "invalid_type", said, where)
            return
        if (role := message.get("role")) not in _ROLES:
            names = ", ".join(f"'{r}'" for r in _ROLES[:-1]) + f", and '{_ROLES[-1]}'"
            said = f"Invalid value: {str(role)!r}. Supported values are: {names}."
            yield Refused(400, "invalid_value", said, f"{where}.role")
        for call in items(message.get("tool_calls")):
            if not isinstance(mapping(mapping(call).get("function")).get("arguments"), str):
                param = f"{where}.tool_calls[0].function.arguments"
                said = f"Invalid type for '{param}': expected a string, but got an object instead."
                yield Refused(400, "invalid_type", said, param)
    yield from _answered(messages, _OPENAI_WORDS)
    yield from _tools(asked)


@dataclass(frozen=True, slots=True)
class _Words:
    unasked: Callable[[int], Refused]
    """How a result that answers no call is refused."""
    unanswered: Callable[[int, Sequence[str]], Refused]
    """How calls that have no result are refused."""


_OPENAI_WORDS = _Words(
    lambda at: Refused(
        400,
        "",
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        f"messages.[{at}].role",
    ),
    lambda at, ids: Refused(
        400,
        "",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(ids)}",
        f"messages.[{at}].role",
    ),
)
_DASHSCOPE_WORDS = _Words(
    lambda _at: Refused(
        400,
        "InvalidParameter",
        '<400> InternalError.Algo.InvalidParameter: messages with role "tool" must be a response to a preceeding '
        'message with "tool_calls".',
    ),
    lambda at, _ids: Refused(
        400,
        "InvalidParameter",
        '<400> InternalError.Algo.InvalidParameter: An assistant message with "tool_calls" must be followed by tool '
        f'messages responding to each "tool_call_id". The following tool_call_ids did not have response messages: '
        f"message[{at}].role",
    ),
)


def _answered(messages: Sequence[Any], words: _Words) -> Iterator[Refused]:
    """Yield where calls and results do not belong together."""
    open_calls: list[str] = []
    for number, message in enumerate(messages):
        if message.get("role") == "tool":
            if str(message.get("tool_call_id")) not in open_calls:
                yield words.unasked(number)
            else:
                open_calls.remove(str(message.get("tool_call_id")))
            continue
        if open_calls:
            yield words.unanswered(number, open_calls)
        open_calls = [str(call.get("id")) for call in mappings(message.get("tool_calls"))]
    if open_calls:
        yield words.unanswered(len(messages), open_calls)


def _tools(asked: Asked) -> Iterator[Refused]:
    """Yield what is wrong with tools and with strict schemas."""
    tools = asked.body.get("tools")
    for number, tool in enumerate(mapping(t) for t in items(tools)):
        function = mapping(tool.get("function")) if asked.protocol == "chat" else tool
        name = function.get("name")
        if tool.get("type", "function") == "function" and not _is_name(name):
            where = f"tools[{number}].{'function.' if asked.protocol == 'chat' else ''}name"
            said = (
                f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
            )
            yield Refused(400, "invalid_value", said + "'^[a-zA-Z0-9_-]+$'.", where)
        if function.get("strict"):
            yield from _strict(
                function.get("parameters"), f"function '{name}'", f"tools[{number}].function.parameters"
            )
    if asked.body.get("tool_choice") not in (None, "none", "auto") and not tools:
        said = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        yield Refused(400, "", said, "tool_choice")
    elif asked.tool_choice not in ("auto", "none", "required") and asked.tool_choice not in asked.tools:
        said = f"Tool choice '{asked.tool_choice}' not found in 'tools' parameter."
        yield Refused(400, "", said, "tool_choice")
    inner = mapping(mapping(asked.body.get("response_format")).get("json_schema"))
    if inner.get("strict"):
        yield from _strict(inner.get("schema"), f"response_format '{inner.get('name')}'", "response_format")


def _strict(schema: Any, whose: str, param: str, at: tuple[str, ...] = ()) -> Iterator[Refused]:
    """Yield where a schema breaks the rules that GPT's strict mode has."""
    if not isinstance(schema, Mapping):
        return
    said = f"Invalid schema for {whose}: In context=({', '.join(repr(a) for a in at)}), "
    properties = mapping(schema.get("properties"))
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False:
            rule = "'additionalProperties' is required to be supplied and to be false."
            yield Refused(400, "invalid_function_parameters", said + rule, param)
        for key in properties:
            if key not in items(schema.get("required")):
                rule = "'required' is required to be supplied and to be an array including every key in properties. "
                yield Refused(400, "invalid_function_parameters", f"{said}{rule}Missing '{key}'.", param)
    for key, inner in properties.items():
        yield from _strict(inner, whose, param, (*at, "properties", key))
    for key, inner in mapping(schema.get("$defs")).items():
        yield from _strict(inner, whose, param, (*at, "$defs", key))
    yield from _strict(schema.get("items"), whose, param, (*at, "items"))
    for number, inner in enumerate(items(schema.get("anyOf"))):
        yield from _strict(inner, whose, param, (*at, "anyOf", str(number)))


def _responses(asked: Asked) -> Iterator[Refused]:
    given = asked.body.get("input")
    if given is None:
        said = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided."
        yield Refused(400, "missing_required_parameter", said, "input")
        return
    if isinstance(given, str):
        yield from _tools(asked)
        return
    if not isinstance(given, list):
        wanted = "expected one of an array of objects or string"
        said = f"Invalid type for 'input': {wanted}, but got {kind_of(given)} instead."
        yield Refused(400, "invalid_type", said, "input")
        return
    calls: set[str] = set()
    results: set[str] = set()
    for number, item in enumerate(given):
        if not isinstance(item, Mapping):
            yield Refused(400, "invalid_type", f"Invalid type for 'input[{number}]'.", f"input[{number}]")
            return
        kind = item.get("type") or "message"
        if kind == "function_call":
            calls.add(str(item.get("call_id")))
        elif kind == "function_call_output":
            results.add(str(item.get("call_id")))
            if not asked.body.get("previous_response_id") and str(item.get("call_id")) not in calls:
                said = f"No tool call found for function call output with call_id {item.get('call_id')}."
                yield Refused(400, "", said, "input")
        elif kind == "message" and item.get("role") not in ("user", "assistant", "system", "developer"):
            names = "'assistant', 'system', 'developer', and 'user'"
            said = f"Invalid value: {str(item.get('role'))!r}. Supported values are: {names}."
            yield Refused(400, "invalid_value", said, f"input[{number}]")
        elif kind == "reasoning":
            after = mapping(given[number + 1]) if number + 1 < len(given) else {}
            if after.get("type") not in ("function_call", "reasoning") and after.get("role") != "assistant":
                said = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
                yield Refused(400, "", said, "input")
    if missing := sorted(calls - results):
        yield Refused(400, "", f"No tool output found for function call {missing[0]}.", "input")
    yield from _tools(asked)


def _ollama(asked: Asked) -> Iterator[Refused]:
    body, struct = asked.body, "Go struct field ChatRequest.messages"
    if not body.get("model"):
        yield Refused(400, "", "model is required")
    messages = body.get("messages")
    if messages is not None and not isinstance(messages, list):
        said = f"json: cannot unmarshal {_go(messages)} into Go struct field ChatRequest.messages of type []api.Message"
        yield Refused(400, "", said)
        return
    for message in items(messages):
        if not isinstance(message, Mapping):
            yield Refused(400, "", f"json: cannot unmarshal {_go(message)} into {struct} of type api.Message")
            return
        content = message.get("content")
        if content is not None and not isinstance(content, str):
            yield Refused(
                400, "", f"json: cannot unmarshal {_go(content)} into {struct}.content of type string"
            )
        for call in items(message.get("tool_calls")):
            given = mapping(mapping(call).get("function")).get("arguments")
            if given is not None and not isinstance(given, Mapping):
                kind = "api.ToolCallFunctionArguments"
                said = f"{struct}.tool_calls.function.arguments of type {kind}"
                yield Refused(400, "", f"json: cannot unmarshal {_go(given)} into {said}")
        for image in items(message.get("images")):
            try:
                base64.b64decode(image, validate=True)
            except (binascii.Error, ValueError, TypeError):
                yield Refused(400, "", "illegal base64 data at input byte 4")
    form = body.get("format")
    if isinstance(form, str) and form not in ("", "json"):
        said = f'invalid format: "\\"{form}\\""; expected "json" or a valid JSON Schema object'
        yield Refused(400, "", said)


def _ill(said: str) -> Refused:
    return Refused(400, "InvalidParameter", f"<400> InternalError.Algo.InvalidParameter: {said}")


def _dashscope(asked: Asked) -> Iterator[Refused]:
    body = asked.body
    given = body.get("input")
    if not isinstance(given, Mapping) or not ({"messages", "prompt"} & given.keys()):
        yield Refused(
            400,
            "InvalidParameter",
            "Required parameter(s) missing or invalid, please check the request parameters.",
        )
        return
    messages = mappings(given.get("messages"))
    parts = "/multimodal" in asked.path
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "user", "assistant", "tool"):
            yield _ill(f"Role must be in [user, assistant, system, tool], but got {role}.")
        if content is None:
            yield _ill("The content field is a required field.")
        elif isinstance(content, list) != parts:
            yield _ill(f"Input should be a valid {'list' if parts else 'string'}: input.messages.content")
    yield from _answered(messages, _DASHSCOPE_WORDS)
    parameters = mapping(body.get("parameters"))
    if parameters.get("tools") and parameters.get("result_format") != "message":
        yield _ill("The result_format must be message when tools are given")
    if parameters.get("enable_thinking"):
        yield from _thinking(asked, parameters)


def _thinking(asked: Asked, parameters: Mapping[str, Any]) -> Iterator[Refused]:
    """Yield what cannot be had while a model of DashScope thinks."""
    choice = parameters.get("tool_choice")
    if not asked.streamed:
        yield _ill("parameter.enable_thinking must be set to false for non-streaming calls")
    if not parameters.get("incremental_output"):
        yield _ill("This model only support incremental_output set to True.")
    if choice == "required" or isinstance(choice, Mapping):
        yield _ill(
            "The tool_choice parameter does not support being set to required or object in thinking mode"
        )
    if mapping(parameters.get("response_format")).get("type") == "json_object":
        yield _ill("Json mode response is not supported when enable_thinking is true")


_DEMANDS: dict[str, Callable[[Asked], Iterator[Refused]]] = {
    "chat": _chat,
    "responses": _responses,
    "ollama": _ollama,
    "dashscope": _dashscope,
}


def _is_name(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= 64
        and all(c.isascii() and (c.isalnum() or c in "_-") for c in name)
    )


def kind_of(value: Any) -> str:
    """Return what a value is, in OpenAI's words."""
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), "null")


def _go(value: Any) -> str:
    kinds = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")
