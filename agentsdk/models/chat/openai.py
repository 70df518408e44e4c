"""OpenAIChat: langchain-openai's ChatOpenAI with our wire underneath."""

from __future__ import annotations

import inspect
import json
from contextlib import suppress
from typing import Any, Self

import httpx2
import openai
from langchain_core.messages import AIMessage, BaseMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, model_validator

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.models.chat.face import Exchange, Face, choice_of, seconds_of, tools_of
from agentsdk.models.chat.turns import COMPATIBLE
from agentsdk.models.http import client_of_loop, new_client
from agentsdk.models.model import Prepared
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import family_of, server_of
from agentsdk.models.retry import Retrying


class OpenAIChat(Face, ChatOpenAI):
    """A chat model of LangChain's behind Chat Completions or Responses: GPT, and every server that speaks it.

    It takes what ChatOpenAI takes and writes the same requests; what comes back goes through the repair stage,
    the deadlines and the retries of agentsdk. `timeout` is for a call in all, in seconds. docs/langchain.md says
    what else differs.
    """

    @model_validator(mode="after")
    def _check_what_is_not_taken(self) -> Self:
        if self.n is not None and self.n > 1:
            raise ConfigurationError(
                _("OpenAIChat gives one answer a call."),
                why=_("n is {n}.").format(n=self.n),
                fix=_("Ask several times: chat.batch([question] * {n}).").format(n=self.n),
            )
        if self.http_client is not None and self.http_async_client is None and not self.openai_proxy:
            raise ConfigurationError(
                _("OpenAIChat sends through an async client, also where it is called from sync code."),
                fix=_("Give http_async_client=httpx2.AsyncClient(...) instead of http_client."),
            )
        return self

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return where a written-down model is read back from."""
        return ["agentsdk", "models", "chat"]

    def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], *, stream: bool
    ) -> Exchange:
        seconds = seconds_of(kwargs.pop("timeout", None) or self.request_timeout)
        headers, query = kwargs.pop("extra_headers", None), kwargs.pop("extra_query", None)
        wants_usage = self._wants_usage(kwargs.pop("stream_usage", None))
        kwargs.pop("stream", None)
        schema = kwargs.get("response_format")
        if inspect.isclass(schema) and issubclass(schema, BaseModel):
            kwargs["response_format"] = _format_of(schema)
        else:
            schema = None
        url = str(self.root_async_client.base_url).rstrip("/")
        body = self._get_request_payload(messages, stop=stop, **kwargs, stream=stream)
        body |= body.pop("extra_body", None) or {}
        model = OpenAIModel(
            body["model"],
            "",
            base_url=url,
            timeout=seconds,
            client=lambda: self._client_of_loop(headers, query),
        )
        choice = choice_of(body.get("tool_choice"))
        server = server_of(url)
        if not stream:
            body.pop("stream", None)
        elif wants_usage and server.stream_usage:
            body.setdefault("stream_options", {"include_usage": True})
        _fit(body)
        return Exchange(
            Retrying(model, 2 if self.max_retries is None else self.max_retries, seconds),
            Prepared((), tools_of(body.get("tools")), choice, body=body),
            "openai" if server.name == "openai" else COMPATIBLE,
            (lambda message: _parsed(message, schema)) if schema else None,
        )

    def _client_of_loop(self, headers: Any, query: Any) -> openai.AsyncOpenAI:
        # The stock class's client keeps the key, the address and the headers; its connections belong to whichever
        # loop used them first, and are replaced by those of the running one.
        http = None if self.openai_proxy else self.http_async_client
        if http is None:
            proxy = self.openai_proxy
            http = client_of_loop(
                ("openai-http", proxy),
                lambda: new_client(httpx2, proxy=proxy),
            )
        client: openai.AsyncOpenAI = self.root_async_client.copy(
            http_client=http,
            max_retries=0,
            timeout=openai.Timeout(None, connect=10.0),
            default_headers=headers,
            default_query=query,
        )
        return client

    def _wants_usage(self, asked: bool | None) -> bool:
        wanted = self.stream_usage if asked is None else asked
        return wanted is not False


def _fit(body: dict[str, Any]) -> None:
    """Give the output limit the name that the model knows, and take out what it refuses."""
    family = family_of(body["model"])
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body and name != family.limit_name:
            body[family.limit_name] = body.pop(name)
    if not family.takes_sampling:
        for name in ("temperature", "top_p", "stop"):
            body.pop(name, None)


def _format_of(schema: type[BaseModel]) -> dict[str, Any]:
    function = openai.pydantic_function_tool(schema)["function"]
    return {
        "type": "json_schema",
        "json_schema": {"name": function["name"], "schema": function["parameters"], "strict": True},
    }


def _parsed(message: AIMessage, schema: type[BaseModel]) -> AIMessage:
    """Return the answer with what it says read by its schema, where it can be read: as the stock class has it."""
    if message.content and not message.tool_calls and "refusal" not in message.additional_kwargs:
        with suppress(ValueError):  # the reader that stands behind the model says what is wrong
            message.additional_kwargs["parsed"] = schema.model_validate(json.loads(message.text))
    return message
