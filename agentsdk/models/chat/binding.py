"""Binds tools and schemas to a chat model: what its requests then hold, and how their answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isclass
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _

Method = Literal["json_schema", "function_calling", "json_mode"]
ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool


class Binding:
    """bind_tools and with_structured_output, for chat models whose stock class has none or a lesser one."""

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: Mapping[str, Any] | str | bool | None = None,
        parallel_tool_calls: bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return this model with tools to call.

        Args:
            tools: functions, pydantic classes, LangChain tools, or schemas as OpenAI or Anthropic write them.
            tool_choice: "auto", "none", "any" or "required" (or True) for at least one call, a tool's name, or
                OpenAI's dict for one; None leaves it to the model.
            parallel_tool_calls: whether one answer may hold several calls; None leaves it to the server.
            strict: whether the server is to hold the arguments to the schema, where it can.
            kwargs: further fields of every request.

        Raises:
            ConfigurationError: `tool_choice` names a tool that is not among them.

        """
        wire = [convert_to_openai_tool(t, strict=strict) for t in tools]
        choice = {True: "required", False: None}[tool_choice] if isinstance(tool_choice, bool) else tool_choice
        choice = "required" if choice == "any" else choice
        names = [t["function"]["name"] for t in wire if "function" in t]
        if isinstance(choice, str) and choice not in ("auto", "none", "required", *names):
            raise ConfigurationError(
                _("tool_choice names {name!r}, which is not among the tools.").format(name=choice),
                fix=_('The tools are: {names}. Otherwise: "auto", "none", "any".').format(
                    names=", ".join(names)
                ),
            )
        if isinstance(choice, str) and choice in names:
            choice = {"type": "function", "function": {"name": choice}}
        if choice is not None:
            kwargs["tool_choice"] = choice
        if parallel_tool_calls is not None:
            kwargs["parallel_tool_calls"] = parallel_tool_calls
        bound: Any = BaseChatModel.bind(self, tools=wire, **kwargs)  # type: ignore[arg-type]  # it stands before one
        return bound  # type: ignore[no-any-return]  # bind loses the type of what comes out

    def with_structured_output(
        self,
        schema: Any,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return this model with its answers read by a schema; see `structured`."""
        return structured(self, schema, method, include_raw=include_raw, strict=strict, **kwargs)


def structured(
    chat: Any, schema: Any, method: Method, *, include_raw: bool, strict: bool | None, **kwargs: Any
) -> Runnable[LanguageModelInput, Any]:
    """Return a chat model with its answers read by a schema.

    Args:
        chat: the model.
        schema: a pydantic class, whose objects come out; or a TypedDict or JSON schema, and then dicts do.
        method: "json_schema" asks the server to keep to the schema, "function_calling" asks for a call of a tool
            with that schema, "json_mode" asks for some JSON: what it is to hold must then stand in the prompt.
        include_raw: whether to return {"raw", "parsed", "parsing_error"} and not raise what cannot be read.
        strict: whether the server is to hold the answer to the schema, where it can.
        kwargs: further fields of every request.

    Raises:
        ConfigurationError: the method is none of the three, or needs a schema and has none.

    """
    if method not in ("json_schema", "function_calling", "json_mode"):
        raise ConfigurationError(
            _("{method!r} is no way to structured output.").format(method=method),
            fix=_('Take "json_schema", "function_calling" or "json_mode".'),
        )
    if schema is None and method != "json_mode":
        raise ConfigurationError(_("method={method!r} needs a schema.").format(method=method))
    by_class = isclass(schema) and is_basemodel_subclass(schema)
    told: dict[str, Any] = {"method": method} if method == "json_mode" else {"method": method, "strict": strict}
    kwargs["ls_structured_output_format"] = {"kwargs": told, "schema": schema}
    reader: Runnable[Any, Any]
    if method == "function_calling":
        name = convert_to_openai_tool(schema)["function"]["name"]
        bound = chat.bind_tools([schema], tool_choice=name, parallel_tool_calls=False, strict=strict, **kwargs)
        calls: Any = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)
            if by_class
            else JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        )
        reader = RunnableLambda(_with_a_call) | calls
    else:
        bound = chat.bind(response_format=response_format(schema, method, strict=strict), **kwargs)
        reader = PydanticOutputParser(pydantic_object=schema) if by_class else JsonOutputParser()
    if not include_raw:
        whole: Runnable[LanguageModelInput, Any] = bound | reader
        return whole
    read = RunnablePassthrough.assign(parsed=itemgetter("raw") | reader, parsing_error=lambda _error: None)
    unread = RunnablePassthrough.assign(parsed=lambda _raw: None)
    return RunnableMap(raw=bound) | read.with_fallbacks([unread], exception_key="parsing_error")


def _with_a_call(message: AIMessage) -> AIMessage:
    """Return a message that holds a call; core's readers make nothing of one that does not, and say nothing."""
    if not message.tool_calls:
        broken = message.invalid_tool_calls[0].get("error") if message.invalid_tool_calls else None
        raise OutputParserException(
            f"The model made no call that can be read: {broken or 'it answered in text.'}",
            llm_output=message.text,
        )
    return message


def response_format(schema: Any, method: Method, *, strict: bool | None) -> dict[str, Any]:
    """Return a schema as Chat Completions asks for it, or for JSON of any kind with "json_mode"."""
    if method == "json_mode":
        return {"type": "json_object"}
    function = convert_to_openai_tool(schema, strict=strict)["function"]
    wanted: dict[str, Any] = {"name": function["name"], "schema": function.get("parameters") or {}}
    if function.get("description"):
        wanted["description"] = function["description"]
    if strict is not None:
        wanted["strict"] = strict
    return {"type": "json_schema", "json_schema": wanted}
