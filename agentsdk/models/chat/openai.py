"""OpenAIChat: langchain-openai's ChatOpenAI with our wire underneath."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import os
from contextlib import suppress
from typing import Any, Self
from weakref import WeakKeyDictionary

import httpx2
import openai
from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, PrivateAttr, SecretStr, model_validator

from agentsdk.errors import ConfigurationError, InvalidRequest
from agentsdk.i18n import _
from agentsdk.models.chat import items
from agentsdk.models.chat.binding import Method, response_format, structured
from agentsdk.models.chat.face import Exchange, Face, choice_of, readable, seconds_of, tools_of
from agentsdk.models.chat.fitting import fit
from agentsdk.models.chat.profile import profile_of
from agentsdk.models.chat.turns import COMPATIBLE
from agentsdk.models.connect import is_near
from agentsdk.models.http import client_of_loop, new_client
from agentsdk.models.model import Prepared
from agentsdk.models.openai import OpenAIModel
from agentsdk.models.profiles import Server, server_named, server_of
from agentsdk.models.retry import Allowance, Retrying


@readable
class OpenAIChat(Face, ChatOpenAI):
    """A chat model of LangChain's behind Chat Completions or Responses: GPT, and every server that speaks it.

    It takes what ChatOpenAI takes and writes the same requests; what comes back goes through the repair stage,
    the deadlines and the retries of agentsdk. `timeout` is for a call in all, in seconds. docs/langchain.md says
    what else differs.
    """

    server: str | None = None
    """Which server it is, such as "vllm" or "lmstudio", where its address does not say it (docs/models.md)."""

    _clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = PrivateAttr(
        default_factory=WeakKeyDictionary
    )
    _allowance: Allowance = PrivateAttr(default_factory=Allowance)

    @model_validator(mode="before")
    @classmethod
    def _need_no_key_nearby(cls, values: Any) -> Any:
        # A server of one's own asks for no key, and the client insists on one.
        url = values.get("base_url") or values.get("openai_api_base")
        named = any(values.get(n) for n in ("api_key", "openai_api_key")) or os.environ.get("OPENAI_API_KEY")
        if url and not named and is_near(str(url)):
            return {**values, "api_key": SecretStr("none")}
        return values

    @model_validator(mode="after")
    def _check_what_is_not_taken(self) -> Self:
        if self.server:
            server_named(self.server)
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

    def _resolve_model_profile(self) -> ModelProfile | None:
        known = super()._resolve_model_profile()
        if known:
            return known
        url = self.openai_api_base or os.environ.get("OPENAI_BASE_URL") or ""
        return profile_of(self.model_name, self.server or server_of(url).name)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        # Clients hold locks and sockets: a copy in another process makes its own.
        return {
            **state,
            "__dict__": {**state["__dict__"], **dict.fromkeys(_CLIENTS)},
            "__pydantic_private__": None,
        }

    def __setstate__(self, state: dict[Any, Any]) -> None:
        private = {"_clients": WeakKeyDictionary(), "_allowance": Allowance()}
        super().__setstate__({**state, "__pydantic_private__": private})
        self.validate_environment()  # type: ignore[operator]  # pydantic calls it by a wrapper, and so may we

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        made = type(self).__new__(type(self))
        made.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return made

    async def _exchange(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], *, stream: bool
    ) -> Exchange:
        seconds = seconds_of(kwargs.pop("timeout", None) or self.request_timeout)
        headers, query = kwargs.pop("extra_headers", None), kwargs.pop("extra_query", None)
        wants_usage = self._wants_usage(kwargs.pop("stream_usage", None))
        kwargs.pop("stream", None)
        url = str(self.root_async_client.base_url).rstrip("/")
        server = server_named(self.server) if self.server else server_of(url)
        schema = kwargs.get("response_format")
        if inspect.isclass(schema) and issubclass(schema, BaseModel):
            kwargs["response_format"] = _format_of(schema, server)
        else:
            schema = None
        body = self._get_request_payload(messages, stop=stop, **kwargs, stream=stream)
        body |= body.pop("extra_body", None) or {}
        model = OpenAIModel(
            body["model"],
            "",
            base_url=url,
            timeout=seconds,
            server=server,
            client=lambda: self._client_of_loop(headers, query),
        )
        choice = choice_of(body.get("tool_choice"))
        if not stream:
            body.pop("stream", None)
        elif wants_usage and server.stream_usage and "messages" in body:
            body.setdefault("stream_options", {"include_usage": True})
        offered = tools_of(body.get("tools"))
        stops = body.get("stop") or stop or self.stop or ()
        if "input" in body:
            _check_is_heard(messages)
        left_out = fit(body, server) if "messages" in body else ()
        stops = (stops,) if isinstance(stops, str) else tuple(stops)
        return Exchange(
            Retrying(model, 2 if self.max_retries is None else self.max_retries, seconds, self._allowance),
            Prepared((), offered, choice, stop=stops, body=body, left_out=left_out),
            "openai" if server.name == "openai" else COMPATIBLE,
            lambda message, reply: _parsed(items.restored(message, reply), schema),
        )

    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: list[Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return this model with its answers read by a schema, as ChatOpenAI does; a call that is broken is said so."""
        if method == "function_calling" and schema is not None and not tools:
            kwargs = self._filter_disabled_params(**kwargs)
            return structured(self, schema, method, include_raw=include_raw, strict=strict, **kwargs)
        return super().with_structured_output(
            schema, method=method, include_raw=include_raw, strict=strict, tools=tools, **kwargs
        )

    def _client_of_loop(self, headers: Any, query: Any) -> openai.AsyncOpenAI:
        if headers or query:
            return self._new_client(headers, query)
        loop = asyncio.get_running_loop()
        if loop not in self._clients:  # a client asks in a thread what machine this is, once: it is kept
            self._clients[loop] = self._new_client(None, None)
        return self._clients[loop]

    def _new_client(self, headers: Any, query: Any) -> openai.AsyncOpenAI:
        # The stock class's client keeps the key, the address and the headers; its connections belong to whichever
        # loop used them first, and are replaced by those of the running one.
        http = None if self.openai_proxy else self.http_async_client
        if http is None:
            proxy = self.openai_proxy
            http = client_of_loop(("openai-http", proxy), lambda: new_client(httpx2, proxy=proxy))
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


_CLIENTS = ("client", "async_client", "root_client", "root_async_client")


def _check_is_heard(messages: list[BaseMessage]) -> None:
    """Refuse sound and video, which the Responses API does not take in and the stock class leaves out silently."""
    for message in messages:
        for block in message.content if isinstance(message.content, list) else ():
            if isinstance(block, dict) and block.get("type") in _UNHEARD:
                raise InvalidRequest(
                    _("The Responses API cannot take this in: {what}.").format(what=block["type"]),
                    fix=_("Take a model of Chat Completions that hears, such as gpt-4o-audio-preview."),
                )


_UNHEARD = ("audio", "input_audio", "audio_url", "video", "video_url")


def _format_of(schema: type[BaseModel], server: Server) -> dict[str, Any]:
    if not server.strict:
        return response_format(schema, "json_schema", strict=None)
    function = openai.pydantic_function_tool(schema)["function"]
    return {
        "type": "json_schema",
        "json_schema": {"name": function["name"], "schema": function["parameters"], "strict": True},
    }


def _parsed(message: AIMessage, schema: type[BaseModel] | None) -> AIMessage:
    """Return the answer with what it says read by its schema, where it can be read: as the stock class has it."""
    if schema and message.content and not message.tool_calls and "refusal" not in message.additional_kwargs:
        with suppress(ValueError):  # the reader that stands behind the model says what is wrong
            message.additional_kwargs["parsed"] = schema.model_validate(json.loads(message.text))
    return message
