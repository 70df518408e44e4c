"""Refuses what a model or its server does not take, in the server's words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.demands import Refused, kind_of
from agentsdk.testing.standin.flavours import Flavour, Refusal
from agentsdk.testing.standin.loose import items, mapping
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.served import MODEL, ServedModel, find, not_found
from agentsdk.testing.standin.wire import argument_object, count


def judge(asked: Asked, flavour: Flavour, models: Sequence[ServedModel]) -> Refused | None:
    """Return why a server would refuse a request to one of its models; None where it would not."""
    model = find(models, asked.model)
    if model is None:
        return Refused(*not_found(asked.protocol, flavour.name, asked.model), param="model")
    found = next(_by_model(asked, flavour, model), None)
    if found is None and asked.protocol == "chat":
        found = next(_by_flavour(asked, flavour, model), None)
    return found


def judge_calls(asked: Asked, line: Line) -> Refused | None:
    """Return how Groq refuses what its own model wrote; None where that is fine."""
    said = line.text if not line.calls else ""
    for name, arguments in line.calls:
        given = argument_object(arguments)
        failed = json.dumps({"name": name, "arguments": given}, ensure_ascii=False)
        schema = asked.tools.get(name)
        why = ""
        if schema is None:
            why = f"attempted to call tool '{name}' which was not in request.tools"
        elif not isinstance(given, Mapping):
            why = f"parameters for tool {name} did not match schema: errors: [expected object, got {kind_of(given)}]"
        elif missing := [k for k in items(schema.get("required")) if k not in given]:
            why = (
                f"parameters for tool {name} did not match schema: errors: [missing properties: '{missing[0]}']"
            )
        if why:
            text = f"Tool call validation failed: tool call validation failed: {why}"
            return Refused(400, "tool_use_failed", text, more={"failed_generation": failed})
    if not line.calls and asked.tools and asked.tool_choice not in ("auto", "none"):
        text = "Tool choice is required, but model did not call a tool"
        return Refused(400, "tool_use_failed", text, more={"failed_generation": said})
    return None


def _by_model(asked: Asked, flavour: Flavour, model: ServedModel) -> Iterator[Refused]:
    if model.name == MODEL:
        return  # it was not described, so it can do everything
    name, body = asked.model, asked.body
    if asked.tools and not model.tools:
        if asked.protocol == "ollama":
            yield Refused(400, "", f"registry.ollama.ai/library/{name} does not support tools")
        elif asked.protocol == "dashscope":
            yield Refused(400, "InvalidParameter", "The model does not support tools.")
        else:
            yield _refused(flavour.no_tools or _NO_TOOLS, model=name)
    if asked.protocol == "ollama" and body.get("think") and not model.thinking:
        yield Refused(400, "", f'"{name}" does not support thinking')
    if (
        asked.protocol == "dashscope"
        and model.path
        and (model.path == "multimodal") != ("/multimodal" in asked.path)
    ):
        yield Refused(
            400, "InvalidParameter", "url error, please check url！ For details, see the list of models."
        )
    for parameter in model.refuses:
        given = mapping(body.get("parameters")) if asked.protocol == "dashscope" else body
        if given.get(parameter) is not None:
            said = f"Unsupported parameter: '{parameter}' is not supported with this model."
            if parameter == "max_tokens":
                said += " Use 'max_completion_tokens' instead."
            yield Refused(400, "unsupported_parameter", said, param=parameter)
    needed = count(asked, Line()).input
    if needed > model.window and not model.truncates:
        if asked.protocol == "dashscope":
            said = f"Range of input length should be [1, {model.window}]"
            yield Refused(400, "InvalidParameter", said)
        elif asked.protocol != "ollama":
            more = {"n_prompt_tokens": needed, "n_ctx": model.window} if flavour.name == "llamacpp" else {}
            over = _refused(flavour.overflow, asked=needed, window=model.window, over=needed - model.window)
            yield Refused(over.status, over.code, over.message, "messages", more)


def _by_flavour(asked: Asked, flavour: Flavour, model: ServedModel) -> Iterator[Refused]:
    choice = asked.body.get("tool_choice")
    form = "object" if isinstance(choice, Mapping) else choice
    if form is not None and form not in list(flavour.choices):
        yield Refused(400, "invalid_request_error", flavour.choice_refused or f"Invalid tool_choice: {choice}")
    wanted = asked.body.get("response_format")
    if isinstance(wanted, Mapping) and wanted.get("type") == "json_object" and not flavour.json_object:
        yield Refused(400, "invalid_request_error", "'response_format.type' must be 'json_schema'")
    thinks = asked.body.get("enable_thinking") or (model.thinking and asked.body.get("enable_thinking") is None)
    if thinks and not flavour.forced_while_thinking and form in ("required", "object"):
        yield Refused(400, "invalid_request_error", "Thinking mode does not support this tool_choice")


_NO_TOOLS = Refusal(
    400, "unsupported_parameter", "Unsupported parameter: 'tools' is not supported with this model."
)


def _refused(refusal: Refusal, **holes: Any) -> Refused:
    return Refused(refusal.status, refusal.code, refusal.text.format(**holes))
